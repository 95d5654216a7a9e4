import Telemetry

// Every figure of the dashboard, once: its name in JSON, its type, unit and null, how exact a second computation must
// be, and its name for people. JSON and its nulls, the JSON Schema, the OpenAPI description, comparison, JUnit reports
// and the second opinion's tolerances follow. What a figure is computed from stands in its widget.

extension Dashboard: DashboardPart {
  package static let about = "The figures of the Model Analytics Dashboard for one query."
  package static let figures: [DashboardFigure<Dashboard>] = [
    .group("query") { $0.query },
    .group("account") { $0.account },
    .group("latency") { $0.latency },
    .group("requests") { $0.requests },
    .group("scaling", "null for external models.", orNull: { $0.scaling }),
    .group("tokens", "null unless the models are external.", orNull: { $0.tokens }),
    .group(
      "serving", "Only where telemetry knows a KV cache or a prefix cache.", orOmitted: { $0.serving }),
    .group("attempts", "Only where telemetry numbers attempts.", orOmitted: { $0.attempts }),
    .group("cost", "Only where telemetry knows what requests cost.", orOmitted: { $0.cost }),
  ]

  /// The names of the parts that every answer has, in order.
  package static var parts: [String] { figures.map(\.description).filter { !$0.isOmitted }.map(\.name) }
}

extension Dashboard.Query: DashboardPart {
  package static let about = "The query."
  private static let periods =
    "^(\\d+d|24h|this-month|last-month|this-year|last-year|\\d{4}-\\d{2}-\\d{2}(\\.\\.\\d{4}-\\d{2}-\\d{2})?"
    + "|\\d{4}-\\d{2}-\\d{2}T[0-9:.]+Z\\.\\.\\d{4}-\\d{2}-\\d{2}T[0-9:.]+Z)$"

  package static let figures: [DashboardFigure<Dashboard.Query>] =
    [.text("kind", "kind", of: ModelKind.allCases.map(\.rawValue)) { $0.kind }]
    + DashboardFilter.allCases.map { filter in
      filter.isOmittedWithoutValue
        ? .instant(filter.name, filter.name, orOmitted: { $0.filters[filter] })
        : .text(filter.name, filter.name, orNull: { $0.filters[filter] })
    } + [
      .text("period", "period", pattern: periods) { $0.period },
      .instant("from", "from") { $0.from },
      .instant("to", "to") { $0.to },
      .instant("now", "now") { $0.now },
      .text("timeZone", "time zone") { $0.timeZone },
      .text("granularity", "granularity", of: ["hour", "day"]) { $0.granularity },
    ]
}

extension AccountMetrics: DashboardPart {
  package static let about = "Figures of the whole account in the period, regardless of the model filter."
  package static let figures: [DashboardFigure<AccountMetrics>] = [
    .number("deploymentCredits", "credits in deployment", .credits) { $0.deploymentCredits },
    .number("fineTuningCredits", "credits in fine-tuning", .credits) { $0.fineTuningCredits },
    .count("deployedModels", "models deployed") { Int64($0.deployedModels) },
    .count("fineTunedModels", "models fine-tuned") { Int64($0.fineTunedModels) },
    .count("subscriptionMaxReplicas", "replicas in the subscription") { Int64($0.subscriptionMaxReplicas) },
  ]
}

extension LatencyWidget: DashboardPart {
  package static let about = "Model Latency."
  package static let figures: [DashboardFigure<LatencyWidget>] = [
    .text("mode", "mode", of: LatencyWidget.Mode.allCases.map(\.rawValue)) { $0.mode.rawValue },
    .constant("unit", "unit", FigureUnit.milliseconds.rawValue),
    .list("points", "Successful requests, in order of time.") { $0.points },
    .flag("thinned", "thinned") { $0.thinned },
    .count("requests", "requests") { $0.requests },
    .group("summary") { $0.summary },
    .list("buckets", "Average and quantiles of each bucket.") { $0.buckets },
  ]
}

extension LatencyWidget.Point: DashboardPart {
  package static let about = "A request, or a day's average."
  package static let figures: [DashboardFigure<LatencyWidget.Point>] = [
    .instant("at", "time") { $0.at },
    .number("latency", "latency", .milliseconds) { $0.latency },
    .count("requests", "requests") { $0.requests },
  ]
}

extension LatencyWidget.Summary: DashboardPart {
  package static let about = "Over the period, ms."
  package static let figures: [DashboardFigure<LatencyWidget.Summary>] =
    [.number("average", "average", .milliseconds, orNull: { $0.average })]
    + LatencyQuantile.allCases.map { quantile in
      .number(
        quantile.name, quantile.label, .milliseconds, tolerance: FigureKind.binning,
        orNull: { $0.quantiles[quantile] })
    } + [
      .number("minimum", "minimum", .milliseconds, orNull: { $0.minimum }),
      .number("maximum", "maximum", .milliseconds, orNull: { $0.maximum }),
    ]
}

extension LatencyWidget.Bucket: DashboardPart {
  package static let about = "A bucket with successes, ms."
  package static let figures: [DashboardFigure<LatencyWidget.Bucket>] =
    [
      .instant("at", "time") { $0.at }, .count("requests", "requests") { $0.requests },
      .number("average", "average", .milliseconds) { $0.average },
    ]
    + LatencyQuantile.allCases.map { quantile in
      .number(quantile.name, quantile.label, .milliseconds, tolerance: FigureKind.binning) {
        $0.quantiles[quantile] ?? $0.average
      }
    }
}

extension RequestsWidget: DashboardPart {
  package static let about = "Requests."
  package static let figures: [DashboardFigure<RequestsWidget>] = [
    .list("points", "A bucket without requests is absent.") { $0.points },
    .count("totalSuccesses", "successes") { $0.totalSuccesses },
    .count("totalFailures", "failures") { $0.totalFailures },
    .count("totalRequests", "total requests") { $0.totalRequests },
    .number("creditsPerRequest", "avg. credits per request", .credits, orNull: { $0.creditsPerRequest }),
    .number("creditsPerResponse", "per response", .credits, orNull: { $0.creditsPerResponse }),
    .counts("failuresByReason", "failures by reason") { $0.failuresByReason },
  ]
}

extension RequestsWidget.Point: DashboardPart {
  package static let about = "A bucket with requests."
  package static let figures: [DashboardFigure<RequestsWidget.Point>] = [
    .instant("at", "time") { $0.at },
    .count("successes", "successes") { $0.successes },
    .count("failures", "failures") { $0.failures },
  ]
}

extension ScalingWidget: DashboardPart {
  package static let about = "Model Scaling and Usage."
  package static let figures: [DashboardFigure<ScalingWidget>] = [
    .list("points", "Changes, and the state at the period's start.") { $0.points },
    .text("hardware", "hardware", orNull: { $0.hardware }),
    .count("maxReplicas", "max replicas", orNull: { $0.maxReplicas }),
  ]
}

extension ScalingWidget.Point: DashboardPart {
  package static let about = "The state of a version from here on."
  package static let figures: [DashboardFigure<ScalingWidget.Point>] = [
    .instant("at", "time") { $0.at },
    .text("version", "version") { $0.version },
    .count("replicas", "replicas") { Int64($0.replicas) },
    .text("hardware", "hardware") { $0.hardware },
    .count("modelId", "model") { Int64($0.modelID) },
  ]
}

extension TokensWidget: DashboardPart {
  package static let about = "Tokens."
  package static let figures: [DashboardFigure<TokensWidget>] = [
    .list("points", "Sums over all requests, failures included.") { $0.points },
    .count("totalInputTokens", "total input") { $0.totalInputTokens },
    .count("totalOutputTokens", "total output") { $0.totalOutputTokens },
  ]
}

extension TokensWidget.Point: DashboardPart {
  package static let about = "A bucket with requests."
  package static let figures: [DashboardFigure<TokensWidget.Point>] = [
    .instant("at", "time") { $0.at },
    .count("inputTokens", "input tokens") { $0.inputTokens },
    .count("outputTokens", "output tokens") { $0.outputTokens },
  ]
}

extension AttemptsWidget: DashboardPart {
  package static let about = "What clients wanted, and the requests that they sent for it."
  package static let figures: [DashboardFigure<AttemptsWidget>] = [
    .count("operations", "operations") { $0.operations },
    .count("attempts", "attempts") { $0.attempts },
    .count("answered", "operations answered") { $0.answered },
  ]
}

extension CostWidget: DashboardPart {
  package static let about =
    "What requests cost, in the currency of the telemetry; of those of which that is known."
  package static let figures: [DashboardFigure<CostWidget>] = [
    .list("points", "Sums by bucket.") { $0.points },
    .number("total", "cost", .money) { $0.total },
    .count("requests", "requests of which the cost is known") { $0.requests },
    .number("perRequest", "avg. cost per request", .money) { $0.perRequest },
    .number("perMillionTokens", "cost per million tokens", .money, orNull: { $0.perMillionTokens }),
  ]
}

extension CostWidget.Point: DashboardPart {
  package static let about = "A bucket with a request of which the cost is known."
  package static let figures: [DashboardFigure<CostWidget.Point>] = [
    .instant("at", "time") { $0.at },
    .number("cost", "cost", .money) { $0.cost },
  ]
}

extension ServingWidget: DashboardPart {
  package static let about = "Serving: tokens over time, and the caches of replicas."
  package static let figures: [DashboardFigure<ServingWidget>] = [
    .number("firstToken", "avg. time to first token", .milliseconds, orNull: { $0.firstToken }),
    .number(
      "timePerOutputToken", "avg. time per output token", .milliseconds, orNull: { $0.timePerOutputToken }),
    .number("cacheHitRate", "prefix cache hit rate", .share, orNull: { $0.cacheHitRate }),
    .number("kvUtilisation", "KV cache utilisation", .share, orNull: { $0.kvUtilisation }),
    .count("preemptions", "preemptions", orNull: { $0.preemptions.map { Int($0) } }),
  ]
}
