import ScenarioModel
import Telemetry

/// A figure of a replication that plans are about: what it is, whose, and what values it can have.
package struct Metric: Hashable, Sendable, CustomStringConvertible {
  /// Whose requests a figure is of.
  package enum Scope: Hashable, Sendable {
    /// Nothing is said: a figure is of all models together; an objective applies to each of them.
    case unstated
    /// `[all]`: all models together.
    case all
    /// `[model=chat]`, or `[model=acme/chat]` where there are several accounts.
    case model(String)
    /// `[worst]`: the model of which it is largest.
    case worst
  }

  package enum Unit: String, Sendable {
    case milliseconds = "ms"
    case share, credits, hours, count
  }

  /// Which values are better.
  package enum Direction: Sendable { case lower, neither }

  /// What is known of a metric, whatever the scenario.
  private struct Definition {
    var name: String
    var unit: Unit
    var better = Direction.lower
    /// Nothing is above; all are at least 0.
    var most = Double.infinity
    var quantile: Double?
    /// Whether each model has its own.
    var isOfRequests = false
    /// Whether an objective without a scope is about each model.
    var isOfEachModel = false
  }

  /// As written, scope included.
  package let name: String
  /// Without the scope.
  package let base: String
  package let scope: Scope
  package let unit: Unit
  package let better: Direction
  /// The values that it can have.
  package let range: ClosedRange<Double>
  /// Of latency, if it is one: quantiles have intervals of their own kind.
  package let quantile: Double?
  /// Whether a model has one of its own.
  package let isOfRequests: Bool
  private let isOfEachModel: Bool
  package var description: String { name }

  package static let quantiles: [(name: String, q: Double)] = [
    ("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999),
  ]

  private static let definitions: [Definition] =
    [latency("mean", nil)] + quantiles.map { latency($0.name, $0.q) } + [
      Definition(name: "waiting.mean", unit: .milliseconds, isOfRequests: true, isOfEachModel: true),
      Definition(name: "failureRate", unit: .share, most: 1, isOfRequests: true, isOfEachModel: true),
      Definition(name: "requests", unit: .count, better: .neither, isOfRequests: true),
      Definition(name: "lost", unit: .count, isOfRequests: true),
      Definition(name: "credits", unit: .credits), Definition(name: "creditsPerRequest", unit: .credits),
      Definition(name: "replicaHours", unit: .hours), Definition(name: "peakReplicas", unit: .count),
      Definition(name: "utilisation", unit: .share, better: .neither, most: 1),
      Definition(name: "timeAtLimit.maxReplicas", unit: .share, most: 1),
      Definition(name: "timeAtLimit.subscription", unit: .share, most: 1),
      Definition(name: "tokens.input", unit: .count, better: .neither, isOfRequests: true),
      Definition(name: "tokens.output", unit: .count, better: .neither, isOfRequests: true),
    ]

  private static func latency(_ name: String, _ quantile: Double?) -> Definition {
    Definition(
      name: "latency.\(name)", unit: .milliseconds, quantile: quantile, isOfRequests: true,
      isOfEachModel: true)
  }

  /// All but the failure rates by reason, of all models together.
  package static let all: [Metric] = definitions.map { Metric($0, name: $0.name, scope: .unstated) }

  private init(_ definition: Definition, name: String, scope: Scope) {
    self.name = name
    base = definition.name
    self.scope = scope
    unit = definition.unit
    better = definition.better
    range = 0...definition.most
    quantile = definition.quantile
    isOfRequests = definition.isOfRequests
    isOfEachModel = definition.isOfEachModel
  }

  /// `latency.mean`, `latency.p50` … `latency.p999`, `waiting.mean`, `failureRate`, `failureRate.REASON`, `requests`,
  /// `lost`, `credits`, …, each with a scope in brackets or without; `nil` for what is none of them.
  package init?(_ name: String) {
    let scalars = name.unicodeScalars
    guard let bracket = scalars.firstIndex(of: "[") else {
      self.init(base: name, name: name, scope: .unstated)
      return
    }
    guard scalars.last == "]" else { return nil }
    let inside = String(scalars[scalars.index(after: bracket)...].dropLast()).trimmed
    let scope: Scope
    switch inside {
    case "all": scope = .all
    case "worst": scope = .worst
    default:
      let prefix = "model="
      guard inside.utf8.starts(with: prefix.utf8) else { return nil }
      let model = Self.unquoted(String(inside.unicodeScalars.dropFirst(prefix.unicodeScalars.count)).trimmed)
      guard let model, !model.isEmpty else { return nil }
      scope = .model(model)
    }
    self.init(base: String(scalars[..<bracket]).trimmed, name: nil, scope: scope)
    if !isOfRequests, scope != .all { return nil }
  }

  private init?(base: String, name: String?, scope: Scope) {
    let reason = "failureRate."
    var definition = Self.definitions.first { $0.name.utf8.elementsEqual(base.utf8) }
    if definition == nil, base.utf8.starts(with: reason.utf8), base.utf8.count > reason.utf8.count {
      definition = Self.definitions.first { $0.name == "failureRate" }
      definition?.name = base
    }
    guard let definition else { return nil }
    self.init(definition, name: name ?? Self.name(base, scope), scope: scope)
  }

  /// The same figure of somebody else.
  package func scoped(_ scope: Scope) -> Metric { Metric(base: base, name: nil, scope: scope) ?? self }

  /// Whether an objective on it is about each model by itself.
  package var isJudgedByModel: Bool { isOfEachModel && scope == .unstated }

  package static var names: String {
    all.map(\.name).joined(separator: ", ") + ", failureRate.REASON; of one model with [model=NAME]"
  }

  // MARK: Names of scopes

  private static func name(_ base: String, _ scope: Scope) -> String {
    switch scope {
    case .unstated: base
    case .all: "\(base)[all]"
    case .worst: "\(base)[worst]"
    case .model(let model): "\(base)[model=\(quoted(model))]"
    }
  }

  private static func quoted(_ model: String) -> String {
    let isPlain = model.unicodeScalars.allSatisfy {
      $0.isASCII
        && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_./".unicodeScalars.contains($0))
    }
    if isPlain { return model }
    var text = "\""
    for scalar in model.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { text.unicodeScalars.append("\\") }
      text.unicodeScalars.append(scalar)
    }
    return text + "\""
  }

  private static func unquoted(_ text: String) -> String? {
    guard text.unicodeScalars.first == "\"" else { return text }
    guard text.unicodeScalars.count > 1, text.unicodeScalars.last == "\"" else { return nil }
    var name = String.UnicodeScalarView()
    var isEscaped = false
    for scalar in text.unicodeScalars.dropFirst().dropLast() {
      if !isEscaped, scalar == "\\" {
        isEscaped = true
        continue
      }
      name.append(scalar)
      isEscaped = false
    }
    return String(name)
  }

  // MARK: Values

  /// The figure; `nil` where it is undefined (no requests, no such model).
  package func value(_ record: ReplicationRecord) -> Double? {
    switch scope {
    case .unstated, .all: isOfRequests ? value(record.figures) : ofReplicas(record)
    case .model: figures(record).flatMap(value)
    case .worst: record.models.compactMap(value).max()
    }
  }

  /// The requests that it is about; `nil` where the replication has no such model.
  package func figures(_ record: ReplicationRecord) -> RequestFigures? {
    guard case .model(let name) = scope else { return record.figures }
    return record.models.first { $0.name.utf8.elementsEqual(name.utf8) }
  }

  private func value(_ requests: RequestFigures) -> Double? {
    if let quantile { return requests.latencyQuantile(quantile) }
    func share(_ part: Double, _ whole: Int64) -> Double? { whole > 0 ? part / Double(whole) : nil }
    switch base {
    case "latency.mean": return share(Double(requests.latencySum) / 1000, requests.successes)
    case "waiting.mean": return share(Double(requests.waitingSum) / 1000, requests.waited)
    case "failureRate": return share(Double(requests.requests - requests.successes), requests.requests)
    case "requests": return Double(requests.requests)
    case "lost":
      // To a limit: of the queue, of patience, of the provider.
      let lost = ["overloaded", "timeout", "rateLimited"].reduce(Int64(0)) {
        $0 + (requests.failures[$1] ?? 0)
      }
      return Double(lost)
    case "tokens.input": return Double(requests.inputTokens)
    case "tokens.output": return Double(requests.outputTokens)
    default:
      let reason = String(base.unicodeScalars.dropFirst("failureRate.".unicodeScalars.count))
      return share(Double(requests.failures[reason] ?? 0), requests.requests)
    }
  }

  private func ofReplicas(_ record: ReplicationRecord) -> Double? {
    switch base {
    case "credits": record.credits
    case "creditsPerRequest": record.requests > 0 ? record.credits / Double(record.requests) : nil
    case "replicaHours": record.replicaHours
    case "peakReplicas": Double(record.peakReplicas)
    case "utilisation": record.utilisation
    case "timeAtLimit.maxReplicas": record.atMaxReplicas
    default: record.atSubscription
    }
  }
}

extension String {
  var trimmed: String {
    var text = unicodeScalars[...]
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
