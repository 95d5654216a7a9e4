import ScenarioModel
import Telemetry

/// What a scenario says of how the replicas of a series serve, as far as each request must keep to it. Several deployments
/// of a version, and models of one name, have the widest limits of them all.
struct ServiceLimits {
  /// How long a request has a slot, at most, before a step can read its prompt, µs.
  private(set) var overhead: Int64 = 0
  /// Tokens that a replica's KV cache holds; `nil` where memory never binds, or nothing is known.
  private(set) var longestContext: Int64?
  /// The least time that a step takes, µs; 0 where replicas do not work in steps, or nothing is known.
  private(set) var leastStep: Int64 = 0

  /// - Parameter scenario: `nil` where it is not known.
  init(_ series: Series, _ tables: TelemetryTables, _ scenario: Scenario?) {
    guard let model = tables.models.first(where: { $0.modelID == series.modelID }),
      let account = scenario?.accounts.first(where: { Name.same($0.name, model.account) })
    else { return }
    let deployments = account.models.filter { Name.same($0.name, model.name) }.flatMap(\.deployments)
      .filter { Name.same($0.version, series.version) }
    overhead = deployments.map(\.requestOverhead).max() ?? 0
    let batching = deployments.map(\.service.continuousBatching)
    let contexts = batching.map { $0?.kvCache?.longestContext }
    if !contexts.contains(nil) { longestContext = contexts.compactMap { $0 }.max() }
    let quickest = account.incidents.map(\.latencyFactor).min().map { min($0, 1) } ?? 1
    // Whole microseconds; at least one.
    leastStep = batching.map { $0.map { max(1, Int64($0.base * quickest)) } ?? 0 }.min() ?? 0
  }
}

/// The replicas of a version after it has been undeployed.
struct VersionEnd {
  private let rows: [ReplicaRecord]
  private let end: Int64
  /// When the last request ended, and not before the version was undeployed; µs.
  private var last: Int64

  /// - Parameters:
  ///   - rows: of the version, and of those that read its prompts, in order of time.
  ///   - end: there are no rows from then on.
  init(_ rows: [ReplicaRecord], undeployedAt: Timestamp, end: Timestamp) {
    self.rows = rows
    self.end = end.microseconds
    last = undeployedAt.microseconds
  }

  mutating func serve(until instant: Int64) { last = max(last, instant) }

  /// The replicas that there still are when the last request has ended, and that instant; `nil` if there are none.
  var left: (at: Int64, replicas: Int)? {
    guard last < end else { return nil }
    var pools: [[String]: Int] = [:]
    for row in rows where row.at.microseconds <= last { pools[[row.version, row.hardware]] = row.replicas }
    let left = pools.values.reduce(0, +)
    return left > 0 ? (last, left) : nil
  }
}
