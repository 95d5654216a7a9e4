import Aggregation
import Datasets
import Foundation
import Runs
import ScenarioModel
import Telemetry

/// The results of a run, for the terminal or as JSON.
struct RunSummary {
  private let outcome: RecordedRun
  private let scenario: Scenario
  private let path: String
  /// More accounts than this are not shown one by one.
  private static let mostAccounts = 5

  init(_ outcome: RecordedRun, _ scenario: Scenario, path: String) {
    self.outcome = outcome
    self.scenario = scenario
    self.path = path
  }

  private struct Document: Encodable {
    struct Entry: Encodable {
      var account: String
      var kind: String
      var requests: Int64
      var failures: Int64
      var latency: LatencyWidget.Summary
      var creditsPerRequest: Double?
      var metrics: AccountMetrics
    }
    struct Drawn: Encodable {
      var account: String
      var model: String
      var level: Double
      var growthPerWeek: Double
    }
    var directory: String
    var scenario: String
    var seed: UInt64
    var requests: Int64
    var notDeployed: Int
    /// What the run drew of the demand that is uncertain; absent where none is.
    var demand: [Drawn]?
    var overview: [Entry]
    /// Absent where the scenario has none.
    var objectives: ObjectiveReport?
  }

  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let document = Document(
      directory: path, scenario: scenario.name, seed: scenario.seed, requests: outcome.requests,
      notDeployed: outcome.notDeployed.map(\.requests).reduce(0, +),
      demand: scenario.hasUncertainDemand
        ? scenario.demandDraws.map {
          .init(
            account: $0.account, model: $0.model, level: $0.draw.level,
            growthPerWeek: $0.draw.growthPerWeek)
        } : nil,
      overview: outcome.overviews.map {
        .init(
          account: $0.account, kind: $0.dashboard.query.kind, requests: $0.dashboard.requests.totalRequests,
          failures: $0.dashboard.requests.totalFailures, latency: $0.dashboard.latency.summary,
          creditsPerRequest: $0.dashboard.requests.creditsPerRequest, metrics: $0.dashboard.account)
      }, objectives: outcome.objectives)
    return try encoder.encode(document) + Data("\n".utf8)
  }

  func text() -> String {
    let first = scenario.accounts[0].calendar
    var lines = [
      "\(Terminal.bold(scenario.name.shown)), seed \(scenario.seed): \(first.date(at: scenario.from)) to \(first.date(at: scenario.to + -1)), \(Figure.count(outcome.requests)) requests"
    ]
    lines += scenario.drawnDemand(most: Self.mostAccounts)
    let accounts = scenario.accounts.prefix(Self.mostAccounts).map(\.name)
    for account in accounts { lines += self.lines(account) }
    if scenario.accounts.count > accounts.count {
      lines += ["", "… and \(scenario.accounts.count - accounts.count) more accounts."]
    }
    if let report = outcome.objectives {
      lines += ["", Terminal.bold("Objectives")] + report.lines().map { "  \($0)" }
    }
    lines += [
      "",
      "\(path.shown): written. Next: workbench aggregate \(ShellText.quoted(path)) --period 24h\(scenario.accounts.count > 1 ? " --account \(ShellText.quoted(accounts[0]))" : "")",
    ]
    return lines.joined(separator: "\n")
  }

  private func lines(_ account: String) -> [String] {
    let dashboards = outcome.overviews.filter { $0.account == account }.map(\.dashboard)
    guard let metrics = dashboards.first?.account else { return [] }
    var lines = ["", "\(Terminal.bold("Account \(account.shown)")) (\(dashboards[0].query.timeZone))"]
    lines.append(
      "  \(metrics.deployedModels) model\(metrics.deployedModels == 1 ? "" : "s") deployed, \(metrics.fineTunedModels) fine-tuned; credits: \(Figure.credits(metrics.deploymentCredits)) in deployment, \(Figure.credits(metrics.fineTuningCredits)) in fine-tuning"
    )
    if let missed = outcome.notDeployed.first(where: { $0.account == account })?.requests, missed > 0 {
      lines.append("  \(Figure.count(missed)) requests arrived while their model was not deployed")
    }
    for dashboard in dashboards { lines += widget(dashboard) }
    let ids = Set(outcome.tables.models.filter { $0.account == account }.map(\.modelID))
    for (limit, words) in [
      (ReplicaLimit.subscription, "The subscription"), (.perHardware, "The subscription's perHardware"),
      (.pool, "The machines of pools"),
    ] {
      let short = outcome.tables.replicas.count { ids.contains($0.modelID) && $0.limitedBy == limit }
      if short > 0 { lines.append("  \(words) cut \(Figure.count(short)) scale-ups short.") }
    }
    let reclaims = outcome.tables.incidents.count {
      $0.modelID.map(ids.contains) == true && $0.kind == IncidentKind.reclaim.rawValue
    }
    if reclaims > 0 {
      lines.append("  \(Figure.count(reclaims, "spot machine")) \(reclaims == 1 ? "was" : "were") reclaimed.")
    }
    let late = outcome.tables.deployments.filter { ids.contains($0.modelID) && $0.outcome != .deployed }
    for outcome in [DeploymentOutcome.deferred, .refused] {
      let count = late.count { $0.outcome == outcome }
      if count > 0 { lines.append("  \(count) deployment\(count == 1 ? "" : "s") \(outcome.rawValue).") }
    }
    return lines
  }

  private func widget(_ dashboard: Dashboard) -> [String] {
    let requests = dashboard.requests
    let latency = dashboard.latency.summary
    var lines = [
      "  \(Terminal.bold(Self.title(dashboard.query.kind))): \(Figure.count(requests.totalRequests)) requests, \(Figure.percent(requests.totalFailures, of: requests.totalRequests)) failed\(reasons(requests))"
    ]
    if requests.totalRequests > 0 {
      let unit = dashboard.query.granularity
      let quantiles = [LatencyQuantile.p50, .p95, .p99].map {
        "\($0.label) \(Figure.milliseconds(latency.quantiles[$0]))"
      }
      lines.append(
        "    \(unit == "hour" ? "requests/hour " : "requests/day  ") \(RequestsSparkline(dashboard).text)"
      )
      lines.append(
        "    latency        \(quantiles.joined(separator: "  "))  average \(Figure.milliseconds(latency.average))"
      )
    }
    if let scaling = dashboard.scaling, let hardware = scaling.hardware {
      let most = peak(scaling)
      lines.append(
        "    replicas       up to \(most) at once of \(hardware.shown); \(Figure.credits(requests.creditsPerRequest)) credits per request"
      )
    }
    if let tokens = dashboard.tokens {
      lines.append(
        "    tokens         \(Figure.count(tokens.totalInputTokens)) in, \(Figure.count(tokens.totalOutputTokens)) out"
      )
    }
    if let cost = dashboard.cost { lines.append("    cost           \(cost.words)") }
    return lines
  }

  private static func title(_ kind: String) -> String {
    switch kind {
    case "fineTuned": "Fine-tuned"
    case "openSource": "Open-source"
    default: "External"
    }
  }

  private func reasons(_ requests: RequestsWidget) -> String {
    guard requests.totalFailures > 0 else { return "" }
    let parts = requests.failuresByReason.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return " (" + parts.map { "\($0.key.shown) \(Figure.count($0.value))" }.joined(separator: ", ") + ")"
  }

  /// Most replicas at once over all versions.
  private func peak(_ scaling: ScalingWidget) -> Int {
    var state: [String: Int] = [:]
    var sum = 0
    var most = 0
    var index = 0
    while index < scaling.points.count {
      let at = scaling.points[index].at
      while index < scaling.points.count, scaling.points[index].at == at {
        let point = scaling.points[index]
        let key = "\(point.modelID)/\(point.version)"
        sum += point.replicas - (state[key] ?? 0)
        state[key] = point.replicas
        index += 1
      }
      most = max(most, sum)
    }
    return most
  }
}
