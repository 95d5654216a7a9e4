import ScenarioModel
import Telemetry

/// What a scenario must say of a deployment and an export of requests alone does not: hardware, replicas and batch size.
///
/// Stated values are taken, and stated replicas count as if they had been observed, ready all the time. What is not stated
/// is assumed so that it does not bind: as many batch slots as served the most requests at once, and a quarter more.
package struct AssumedDeployments: Sendable {
  /// For deployments whose hardware is not known.
  package var hardware: String?
  /// For deployments whose replicas are not known.
  package var replicas: Int?

  package init(hardware: String? = nil, replicas: Int? = nil) {
    self.hardware = hardware
    self.replicas = replicas
  }

  /// Slots of a replica, unless more are needed.
  private static let usualBatch = 64
  /// What the grammar allows.
  private static let mostBatch = 256
  private static let mostMinReplicas = 10

  /// Whether telemetry says nothing of a deployment's replicas, as imports do not.
  static func isUnknown(_ record: DeploymentRecord) -> Bool {
    record.maxReplicas < 1 || record.maxBatchSize < 1 || isUnknown(hardware: record.hardware)
  }

  private static func isUnknown(hardware: String) -> Bool { hardware.isEmpty || hardware == "unknown" }

  /// Completes the deployments of some models, and raises subscriptions that would be too small for them.
  /// - Parameter period: deployments that are completed last all of it.
  /// - Returns: what was assumed, in words, by model_id.
  func complete(
    _ tables: inout TelemetryTables, models: [(record: ModelRecord, observations: Observations)],
    series: [Series], period: Range<Int64>
  ) -> [Int32: [String]] {
    var notes: [Int32: [String]] = [:]
    for (model, observations) in models where model.kind != .external {
      for index in tables.deployments.indices
      where tables.deployments[index].modelID == model.modelID
        && Self.isUnknown(tables.deployments[index])
      {
        let own = series.firstIndex(
          of: Series(modelID: model.modelID, version: tables.deployments[index].version))
        let peak = Self.peak(observations, series: Int32(own ?? -1))
        let before = tables.deployments[index]
        complete(
          &tables.deployments[index], peak: peak,
          prices: tables.hardware.filter { $0.account == model.account },
          period: period)
        let record = tables.deployments[index]
        if replicas != nil, before.maxReplicas < 1 { state(record, in: &tables) }
        notes[model.modelID, default: []].append(note(record, before: before))
      }
    }
    for index in tables.accounts.indices {
      let account = tables.accounts[index].account
      let own = Set(
        models.map(\.record).filter { $0.account == account && notes[$0.modelID] != nil }.map(\.modelID))
      guard !own.isEmpty else { continue }
      let all = Set(tables.models.filter { $0.account == account }.map(\.modelID))
      let needed = tables.deployments.filter { all.contains($0.modelID) }.reduce(0) { $0 + $1.maxReplicas }
      tables.accounts[index].subscriptionMaxReplicas = max(
        tables.accounts[index].subscriptionMaxReplicas, needed)
    }
    return notes
  }

  /// What was unknown of a deployment, and what was taken for it.
  private func note(_ record: DeploymentRecord, before: DeploymentRecord) -> String {
    let (noHardware, noReplicas) = (Self.isUnknown(hardware: before.hardware), before.maxReplicas < 1)
    var unknown = (noHardware ? ["hardware"] : []) + (noReplicas ? ["replicas"] : [])
    let assumed =
      (noHardware && hardware == nil ? ["hardware"] : [])
      + (noReplicas && replicas == nil ? ["replicas"] : [])
    if unknown.isEmpty { unknown = ["batch sizes"] }
    let origin = "assumed, enough for all that was served at once"
    let taken =
      assumed.isEmpty
      ? noHardware || noReplicas ? "taken as stated" : origin
      : assumed == unknown
        ? "\(origin). State \(assumed.joined(separator: " and "))"
        : "taken, the \(assumed[0]) \(origin). State the \(assumed[0])"
    return
      "\(record.version.isEmpty ? "" : "\(record.version): ")the telemetry says nothing about \(unknown.joined(separator: " and ")); \(record.hardware), \(record.minReplicas) × \(record.maxBatchSize) batch slots are \(taken)."
  }

  /// Writes down that as many replicas as were stated have been ready all the time.
  private func state(_ record: DeploymentRecord, in tables: inout TelemetryTables) {
    let isKnown = tables.replicas.contains { $0.modelID == record.modelID && $0.version == record.version }
    guard !isKnown, let at = record.deployedAt else { return }
    tables.replicas.append(
      ReplicaRecord(
        at: at, modelID: record.modelID, version: record.version, hardware: record.hardware, starting: 0,
        ready: record.maxReplicas, draining: 0, limitedBy: .none))
  }

  private func complete(
    _ record: inout DeploymentRecord, peak: Int, prices: [HardwareRecord], period: Range<Int64>
  ) {
    if Self.isUnknown(hardware: record.hardware) {
      let cheapest = prices.min {
        ($0.creditsMicroPerHour, $0.hardware) < ($1.creditsMicroPerHour, $1.hardware)
      }
      record.hardware = hardware ?? cheapest?.hardware ?? "A10 single"
    }
    let slots = max(1, peak + (peak + 3) / 4)
    if record.maxReplicas < 1 {
      let count = replicas ?? min((slots + Self.usualBatch - 1) / Self.usualBatch, Self.mostMinReplicas)
      record.minReplicas = min(count, Self.mostMinReplicas)
      record.maxReplicas = count
    }
    if record.maxBatchSize < 1 {
      record.maxBatchSize = min(
        max(Self.usualBatch, (slots + record.minReplicas - 1) / record.minReplicas), Self.mostBatch)
    }
    let start = Timestamp(microseconds: period.lowerBound)
    record.requestedAt = start
    record.deployedAt = start
    record.undeployedAt = nil
  }

  /// The most requests of a series that were in service at once.
  private static func peak(_ observations: Observations, series: Int32) -> Int {
    var changes: [(at: Int64, change: Int)] = []
    for row in 0..<observations.count
    where observations.series[row] == series && observations.latency[row] > observations.waiting[row] {
      changes.append((observations.arrivedAt[row] + Int64(observations.waiting[row]), 1))
      changes.append((observations.arrivedAt[row] + Int64(observations.latency[row]), -1))
    }
    // A departure first, where one comes as another goes.
    changes.sort { ($0.at, $0.change) < ($1.at, $1.change) }
    var (now, most) = (0, 0)
    for change in changes {
      now += change.change
      most = max(most, now)
    }
    return most
  }
}
