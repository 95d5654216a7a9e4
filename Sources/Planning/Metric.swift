import ScenarioModel
import Telemetry

/// A figure of a replication that plans are about.
package struct Metric: Hashable, Sendable, CustomStringConvertible {
  package let name: String
  package var description: String { name }

  /// Of latency, if it is one: quantiles have intervals of their own kind.
  package let quantile: Double?

  package enum Unit: String, Sendable {
    case milliseconds = "ms"
    case share, credits, hours, count
  }
  package let unit: Unit

  package static let quantiles: [(name: String, q: Double)] = [
    ("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999),
  ]

  private static let others: [(name: String, unit: Unit)] = [
    ("latency.mean", .milliseconds), ("waiting.mean", .milliseconds), ("failureRate", .share),
    ("requests", .count),
    ("lost", .count), ("credits", .credits), ("creditsPerRequest", .credits), ("replicaHours", .hours),
    ("peakReplicas", .count), ("utilisation", .share), ("timeAtLimit.maxReplicas", .share),
    ("timeAtLimit.subscription", .share), ("tokens.input", .count), ("tokens.output", .count),
  ]

  /// All but the failure rates by reason.
  package static let all: [Metric] =
    [Metric("latency.mean")].compactMap { $0 } + quantiles.compactMap { Metric("latency.\($0.name)") }
    + others.dropFirst().compactMap { Metric($0.name) }

  /// `latency.mean`, `latency.p50` … `latency.p999`, `waiting.mean`, `failureRate`, `failureRate.REASON`, `requests`,
  /// `lost`, `credits`, …; `nil` for what is none of them.
  package init?(_ name: String) {
    self.name = name
    if name.hasPrefix("latency."), let entry = Self.quantiles.first(where: { "latency.\($0.name)" == name }) {
      quantile = entry.q
      unit = .milliseconds
    } else if let entry = Self.others.first(where: { $0.name == name }) {
      quantile = nil
      unit = entry.unit
    } else if name.hasPrefix("failureRate."), name.count > 12 {
      quantile = nil
      unit = .share
    } else {
      return nil
    }
  }

  package static var names: String { all.map(\.name).joined(separator: ", ") + ", failureRate.REASON" }

  /// The figure; `nil` where it is undefined (no requests).
  package func value(_ record: ReplicationRecord) -> Double? {
    if let quantile { return record.latencyQuantile(quantile) }
    func share(_ part: Double, _ whole: Int64) -> Double? { whole > 0 ? part / Double(whole) : nil }
    switch name {
    case "latency.mean": return share(Double(record.latencySum) / 1000, record.successes)
    case "waiting.mean": return share(Double(record.waitingSum) / 1000, record.waited)
    case "failureRate": return share(Double(record.requests - record.successes), record.requests)
    case "requests": return Double(record.requests)
    case "lost":
      // To a limit: of the queue, of patience, of the provider.
      let lost = ["overloaded", "timeout", "rateLimited"].reduce(Int64(0)) { $0 + (record.failures[$1] ?? 0) }
      return Double(lost)
    case "credits": return record.credits
    case "creditsPerRequest": return share(record.credits, record.requests)
    case "replicaHours": return record.replicaHours
    case "peakReplicas": return Double(record.peakReplicas)
    case "utilisation": return record.utilisation
    case "timeAtLimit.maxReplicas": return record.atMaxReplicas
    case "timeAtLimit.subscription": return record.atSubscription
    case "tokens.input": return Double(record.inputTokens)
    case "tokens.output": return Double(record.outputTokens)
    default:
      return share(
        Double(record.failures[String(name.dropFirst("failureRate.".count))] ?? 0), record.requests)
    }
  }
}

/// A service level: a metric and its bound.
package struct ServiceLevel: Hashable, Sendable, CustomStringConvertible {
  package var metric: Metric
  package var isUpper: Bool
  /// In the metric's own unit.
  package var bound: Double
  package let description: String

  package struct Problem: Error, CustomStringConvertible {
    package let description: String
  }

  /// Several, separated by commas: `latency.p95 <= 2s, failureRate <= 0.1%`.
  package static func list(_ text: String) throws -> [ServiceLevel] {
    try text.split(separator: ",").map { try ServiceLevel(String($0)) }
  }

  package init(_ text: String) throws {
    let trimmed = text.trimmed
    guard let operation = ["<=", ">=", "<", ">"].first(where: { trimmed.contains($0) }),
      let range = trimmed.firstRange(of: operation)
    else {
      throw Problem(
        description:
          "\"\(trimmed)\" is no service level. Write for instance latency.p95 <= 2s or failureRate <= 0.1%.")
    }
    let name = String(trimmed[..<range.lowerBound]).trimmed
    guard let metric = Metric(name) else {
      throw Problem(description: "there is no metric \"\(name)\". There are: \(Metric.names).")
    }
    let value = String(trimmed[range.upperBound...]).trimmed
    guard let bound = Self.bound(value, metric.unit) else {
      let help =
        switch metric.unit {
        case .milliseconds: "a duration such as 2s or 800ms"
        case .share: "a share such as 0.1% or 0.001"
        default: "a number"
        }
      throw Problem(description: "\"\(value)\" is no bound of \(name). Write \(help).")
    }
    self.metric = metric
    isUpper = operation.hasPrefix("<")
    self.bound = bound
    description = "\(name) \(isUpper ? "<=" : ">=") \(value)"
  }

  private static func bound(_ text: String, _ unit: Metric.Unit) -> Double? {
    switch unit {
    case .milliseconds: return PlanQuantity.milliseconds(text)
    case .share:
      return NumberText.share(text)
    default: return NumberText.decimal(text)
    }
  }

  /// By how much a value keeps the level, in units of the bound; negative where it breaks it.
  package func slack(_ value: Double) -> Double {
    let gap = isUpper ? bound - value : value - bound
    return bound != 0 ? gap / abs(bound) : gap
  }
}

extension String {
  var trimmed: String {
    var text = self[...]
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
