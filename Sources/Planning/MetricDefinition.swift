import Aggregation
import ScenarioModel
import Telemetry

/// What a plan's metric is, whatever the scenario: the one list of them. Options, plan files, objectives, searches,
/// tables and the plan's page read it.
struct MetricDefinition: Sendable {
  /// What it is computed from; `nil` where it is undefined.
  enum Source: Sendable {
    /// One model's requests, or those of all together: each model has its own.
    case requests(@Sendable (RequestFigures) -> Double?)
    /// The whole replication.
    case record(@Sendable (ReplicationRecord) -> Double?)
  }

  var name: String
  var unit: Metric.Unit
  var better = Metric.Direction.lower
  /// Nothing is above; all are at least 0.
  var most = Double.infinity
  /// No value is 0 either: a response takes time.
  var isPositive = false
  /// Of a share of failures: those that it counts.
  var failures: [FailureReason]?
  /// If it is a quantile of durations.
  var quantile: Double?
  /// What it is a quantile of; `nil` where that is not known.
  var durations: @Sendable (RequestFigures) -> DurationFigures? = { $0.latency }
  /// If it is a goodput, what it asks of each request.
  var goodput: [ObjectiveMetric.Condition]?
  /// What a model has to have so that it has such a figure; `nil` if every model has.
  var needs: MetricNeed?
  /// Whether tables show it of each model, and of the worst.
  var isOfEachModel = false
  var source: Source

  /// Mean and quantiles of durations that models have.
  private static func durations(
    _ name: String, needs: MetricNeed? = nil,
    _ durations: @escaping @Sendable (RequestFigures) -> DurationFigures?
  ) -> [MetricDefinition] {
    [
      MetricDefinition(
        name: "\(name).mean", unit: .milliseconds, isPositive: true, needs: needs, isOfEachModel: true,
        source: .requests { durations($0)?.mean })
    ]
      + LatencyQuantile.allCases.map { quantile in
        MetricDefinition(
          name: "\(name).\(quantile.name)", unit: .milliseconds, isPositive: true,
          quantile: quantile.rawValue,
          durations: durations, needs: needs, isOfEachModel: true,
          source: .requests { figures in
            durations(figures).flatMap { DurationFigures.quantile([$0], quantile.rawValue) }
          })
      }
  }

  /// All but the failure rates by reason, in the order of help and tables.
  static let all: [MetricDefinition] =
    durations("latency") { $0.latency }
    + durations("ttft", needs: .tokenTimes) { $0.firstTokens }
    + durations("tpot", needs: .tokenTimes) { $0.perOutputTokens }
    + [
      MetricDefinition(
        name: "itl.mean", unit: .milliseconds, isPositive: true, needs: .tokenTimes, isOfEachModel: true,
        source: .requests { requests in
          requests.decoding.flatMap { share(Double($0) / 1000, requests.furtherTokens ?? 0) }
        }),
      MetricDefinition(
        name: "waiting.mean", unit: .milliseconds, isOfEachModel: true,
        source: .requests { share(Double($0.waitingSum) / 1000, $0.waited) }),
      failureRate,
      MetricDefinition(
        name: "requests", unit: .count, better: .neither, source: .requests { Double($0.requests) }),
      MetricDefinition(
        name: "lost", unit: .count,
        source: .requests { requests in
          Double(lostToLimits.reduce(Int64(0)) { $0 + (requests.failures[$1] ?? 0) })
        }),
      MetricDefinition(name: "credits", unit: .credits, source: .record { $0.credits }),
      MetricDefinition(
        name: "creditsPerRequest", unit: .credits, source: .record { share($0.credits, $0.requests) }),
      MetricDefinition(
        name: "cost", unit: .money, needs: .prices, source: .requests { $0.cost.map { Double($0) / 1e6 } }),
      MetricDefinition(
        name: "costPerMillionTokens", unit: .money, needs: .prices, isOfEachModel: true,
        source: .requests { figures in
          figures.cost.flatMap { share(Double($0), figures.costedTokens ?? 0) }
        }),
      MetricDefinition(name: "replicaHours", unit: .hours, source: .record { $0.replicaHours }),
      MetricDefinition(name: "peakReplicas", unit: .count, source: .record { Double($0.peakReplicas) }),
      MetricDefinition(
        name: "utilisation", unit: .share, better: .neither, most: 1, source: .record { $0.utilisation }),
      MetricDefinition(
        name: "timeAtLimit.maxReplicas", unit: .share, most: 1, source: .record { $0.atMaxReplicas }),
      MetricDefinition(
        name: "timeAtLimit.subscription", unit: .share, most: 1, source: .record { $0.atSubscription }),
      MetricDefinition(
        name: "cacheHitRate", unit: .share, better: .neither, most: 1, needs: .prefixCache,
        isOfEachModel: true,
        source: .requests { requests in
          requests.cachedTokens.flatMap { share(Double($0), requests.cachedOf ?? 0) }
        }),
      MetricDefinition(
        name: "preemptions", unit: .count, needs: .kvCache, isOfEachModel: true,
        source: .requests { $0.preemptions.map(Double.init) }),
      MetricDefinition(
        name: "kvUtilisation", unit: .share, better: .neither, most: 1, needs: .kvCache, isOfEachModel: true,
        source: .requests { figures in
          guard let used = figures.kvBlockTime, let all = figures.kvTime, all > 0 else { return nil }
          return min(used / all, 1)  // Of a sum of rounded numbers.
        }),
      MetricDefinition(
        name: "throughput.requests", unit: .perSecond, better: .neither,
        source: .requests { rate($0.successes, $0) }),
      MetricDefinition(
        name: "throughput.tokens", unit: .perSecond, better: .neither,
        source: .requests { rate($0.outputTokens, $0) }),
      MetricDefinition(
        name: "tokens.input", unit: .count, better: .neither, source: .requests { Double($0.inputTokens) }),
      MetricDefinition(
        name: "tokens.output", unit: .count, better: .neither, source: .requests { Double($0.outputTokens) }),
    ]

  private static let failureRate = MetricDefinition(
    name: "failureRate", unit: .share, most: 1, failures: FailureReason.allCases, isOfEachModel: true,
    source: .requests { share(Double($0.requests - $0.successes), $0.requests) })

  /// How the names of failure rates by reason are written.
  static let failureRates =
    "\(failureRate.name).REASON with one of \(FailureReason.allCases.map(\.name).joined(separator: ", "))"

  /// The share of requests that fail for one reason.
  /// - Parameter name: `failureRate.REASON`; of anything else, and of reasons that no simulation has, there is none.
  static func failureRate(of name: String) -> MetricDefinition? {
    let prefix = "\(failureRate.name)."
    guard name.utf8.starts(with: prefix.utf8), name.utf8.count > prefix.utf8.count else { return nil }
    let reason = String(name.unicodeScalars.dropFirst(prefix.unicodeScalars.count))
    guard let code = FailureReason.allCases.first(where: { $0.name.utf8.elementsEqual(reason.utf8) }) else {
      return nil
    }
    var definition = failureRate
    definition.failures = [code]
    definition.name = name
    definition.source = .requests { share(Double($0.failures[reason] ?? 0), $0.requests) }
    return definition
  }

  /// The share of requests that succeed and meet conditions.
  static func goodput(_ conditions: [ObjectiveMetric.Condition]) -> MetricDefinition {
    let name = ObjectiveMetric.goodput(conditions).name
    return MetricDefinition(
      name: name, unit: .share, better: .higher, most: 1, goodput: conditions,
      needs: conditions.contains { $0.span.isOfTokens } ? .tokenTimes : nil, isOfEachModel: true,
      source: .requests { figures in
        figures.good?[name].flatMap { share(Double($0), figures.requests) }
      })
  }

  private static let lostToLimits = FailureReason.allCases.filter(\.isLostToLimit).map(\.name)

  /// Per second of the period.
  private static func rate(_ count: Int64, _ figures: RequestFigures) -> Double? {
    figures.seconds.flatMap { $0 > 0 ? Double(count) / $0 : nil }
  }

  private static func share(_ part: Double, _ whole: Int64) -> Double? {
    whole > 0 ? part / Double(whole) : nil
  }
}
