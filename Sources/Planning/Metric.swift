import ScenarioModel
import Telemetry

/// A figure of a replication, and whose it is: what plans are about. `MetricDefinition` says how it is computed.
package struct Metric: Hashable, Sendable, CustomStringConvertible {
  /// Whose requests a figure is of.
  package enum Scope: Hashable, Sendable {
    /// Not given: a figure is of all models together; an objective applies to each of them.
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
    case share, credits, money, hours, count
    case perSecond = "/s"
  }

  /// Which values are better.
  package enum Direction: Sendable { case lower, higher, neither }

  /// As written, scope included.
  package let name: String
  /// Without the scope.
  package var base: String { definition.name }
  package let scope: Scope
  private let definition: MetricDefinition

  package var unit: Unit { definition.unit }
  package var better: Direction { definition.better }
  /// The values that it can have.
  package var range: ClosedRange<Double> { 0...definition.most }

  var needs: MetricNeed? { definition.needs }

  /// Whether no value is 0.
  var isPositive: Bool { definition.isPositive }

  /// Of a share of failures: the reasons that it counts; `nil` of any other metric.
  var failures: [FailureReason]? { definition.failures }
  /// If it is a quantile of durations: quantiles have intervals of their own kind.
  package var quantile: Double? { definition.quantile }
  /// Of all replications together; `nil` if it is no quantile, or nothing has such a duration.
  func pooledQuantile(_ records: [ReplicationRecord]) -> Double? {
    quantile.flatMap {
      DurationFigures.quantile(records.compactMap(figures).compactMap(definition.durations), $0)
    }
  }
  /// Whether a model has one of its own.
  package var isOfRequests: Bool { if case .requests = definition.source { true } else { false } }
  package var description: String { name }

  /// All but the failure rates by reason, of all models together.
  package static let all: [Metric] = MetricDefinition.all.map { Metric($0, name: $0.name, scope: .unstated) }

  private init(_ definition: MetricDefinition, name: String, scope: Scope) {
    self.definition = definition
    self.name = name
    self.scope = scope
  }

  package static func == (a: Metric, b: Metric) -> Bool {
    a.name == b.name && a.base == b.base && a.scope == b.scope
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(scope)
  }

  /// `latency.mean`, `latency.p50` … `latency.p999`, `waiting.mean`, `failureRate`, `failureRate.REASON`, `requests`,
  /// `lost`, `credits`, …, each with or without a scope in brackets; `nil` for anything else.
  package init?(_ name: String) {
    let scalars = name.unicodeScalars
    guard let bracket = scalars.firstIndex(of: "[") else {
      self.init(base: name, name: nil, scope: .unstated)
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
      let model = String(inside.unicodeScalars.dropFirst(prefix.unicodeScalars.count)).trimmed.unquotedInScope
      guard let model, !model.isEmpty else { return nil }
      scope = .model(model)
    }
    self.init(base: String(scalars[..<bracket]).trimmed, name: nil, scope: scope)
    if !isOfRequests, scope != .all { return nil }
  }

  /// The figure that an objective bounds, of all models together; `nil` if plans do not keep it.
  package init?(_ metric: ObjectiveMetric) {
    if case .goodput(let conditions) = metric {
      self.init(.goodput(conditions), name: metric.name, scope: .unstated)
      return
    }
    self.init(base: metric.name, name: metric.name, scope: .unstated)
  }

  private init?(base: String, name: String?, scope: Scope) {
    let definition =
      MetricDefinition.all.first { $0.name.utf8.elementsEqual(base.utf8) } ?? .failureRate(of: base)
      ?? ObjectiveMetric.goodput(base).map { .goodput($0) }
    guard let definition else { return nil }
    self.init(definition, name: name ?? Self.name(definition.name, scope), scope: scope)
  }

  /// The same figure with another scope.
  package func scoped(_ scope: Scope) -> Metric {
    Metric(definition, name: Self.name(definition.name, scope), scope: scope)
  }

  /// Whether an objective on it is about each model separately.
  package var isJudgedByModel: Bool { isOfRequests && scope == .unstated }
  /// Whether tables have a column for each model, and one for the worst.
  var isShownByModel: Bool { definition.isOfEachModel && scope == .unstated }

  /// What has to be counted of each request; `nil` if nothing beyond what always is.
  var goodput: [ObjectiveMetric.Condition]? { definition.goodput }

  package static var names: String {
    all.map(\.name).joined(separator: ", ")
      + ", \(MetricDefinition.failureRates), goodput(ttft <= 1s, tpot <= 50ms)"
      + "; of one model with models.NAME. or [model=NAME]"
  }

  // MARK: Names of scopes

  private static func name(_ base: String, _ scope: Scope) -> String {
    switch scope {
    case .unstated: base
    case .all: "\(base)[all]"
    case .worst: "\(base)[worst]"
    case .model(let model): "\(base)[model=\(model.quotedInScope)]"
    }
  }

  // MARK: Values

  /// The figure; `nil` where it is undefined (no requests, no such model).
  package func value(_ record: ReplicationRecord) -> Double? {
    switch definition.source {
    case .record(let value): value(record)
    case .requests(let value):
      switch scope {
      case .unstated, .all: value(record.figures)
      case .model: figures(record).flatMap(value)
      case .worst: record.models.compactMap(value).max()
      }
    }
  }

  /// The requests that it is about; `nil` where the replication has no such model.
  package func figures(_ record: ReplicationRecord) -> RequestFigures? {
    guard case .model(let name) = scope else { return record.figures }
    return record.models.first { $0.name.utf8.elementsEqual(name.utf8) }
  }
}
