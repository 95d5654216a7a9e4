import Telemetry

/// What the replicas of accounts were used for over a period; times in µs.
package struct ReplicaUse {
  private let range: Range<Timestamp>
  /// Batch slots of replicas that are ready or draining, times the time that they are there.
  package private(set) var slotTime = 0.0
  /// Time with at least one replica, summed over versions on a hardware.
  package private(set) var deployed = 0.0
  /// The share of it in which a version has all the replicas that it may have.
  package private(set) var atMaximum = 0.0
  /// Time in which an account uses its whole subscription, summed over accounts.
  package private(set) var atSubscription = 0.0
  package private(set) var peakReplicas = 0

  package init(range: Range<Timestamp>) { self.range = range }

  private typealias Key = ReplicaTime.Key

  /// Adds an account.
  /// - Parameters:
  ///   - subscription: the replicas that it may have at once.
  ///   - isWanted: of the account's replicas, those that count.
  package mutating func add(
    _ tables: TelemetryTables, subscription: Int, where isWanted: (ReplicaTime.Key) -> Bool = { _ in true }
  ) {
    var limits: [Key: (batch: Int, most: Int)] = [:]
    for row in tables.deployments {
      let key = Key(modelID: row.modelID, version: row.version, hardware: row.hardware)
      let known = limits[key]
      limits[key] = (max(known?.batch ?? 0, row.maxBatchSize), max(known?.most ?? 0, row.maxReplicas))
    }
    var state: [Key: ReplicaRecord] = [:]
    var total = 0
    var last = range.lowerBound
    for row in tables.replicas {
      let key = Key(modelID: row.modelID, version: row.version, hardware: row.hardware)
      guard isWanted(key) else { continue }
      pass(from: &last, to: row.at, state, limits, isFull: total >= subscription)
      total += row.replicas - (state[key]?.replicas ?? 0)
      state[key] = row
      if row.at < range.upperBound { peakReplicas = max(peakReplicas, total) }
    }
    pass(from: &last, to: range.upperBound, state, limits, isFull: total >= subscription)
  }

  /// Adds the time up to an instant, in which nothing changes.
  private mutating func pass(
    from last: inout Timestamp, to instant: Timestamp, _ state: [Key: ReplicaRecord],
    _ limits: [Key: (batch: Int, most: Int)], isFull: Bool
  ) {
    let until = min(max(instant, range.lowerBound), range.upperBound)
    let length = Double(until - last)
    guard length > 0 else { return }
    last = until
    if isFull { atSubscription += length }
    for (key, row) in state where row.replicas > 0 {
      let limit = limits[key] ?? (1, .max)
      slotTime += length * Double(row.ready + row.draining) * Double(limit.batch)
      deployed += length
      if row.starting + row.ready >= limit.most { atMaximum += length }
    }
  }
}
