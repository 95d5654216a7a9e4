import ScenarioModel
import Telemetry

/// The invariants of the small tables: I1, I2, I6, I9, I17, I24, and what I5 takes for granted.
enum TableInvariants {
  /// Rows of one version on one hardware.
  private struct Key: Hashable {
    var modelID: Int32
    var version: String
    var hardware: String
  }

  /// - Parameters:
  ///   - simulated: the period of a simulation, which knows the replicas of every deployment; `nil` of other data.
  ///   - pooled: hardware whose replicas may have to wait for a machine, or lose it: without one, a deployment has fewer
  ///     than its minReplicas.
  static func check(
    _ tables: TelemetryTables, simulated: Range<Timestamp>?, pooled: PooledHardware = .init()
  ) -> InvariantReport {
    var report = InvariantReport()
    checkSubscription(tables, &report)
    func key(_ row: DeploymentRecord) -> Key {
      Key(modelID: row.modelID, version: row.version, hardware: row.hardware)
    }
    let deployments = Dictionary(grouping: tables.deployments, by: key)
    let rows = Dictionary(
      grouping: tables.replicas, by: { Key(modelID: $0.modelID, version: $0.version, hardware: $0.hardware) })
    for key in Set(deployments.keys).union(rows.keys) {
      // Data from elsewhere need not know replicas.
      guard simulated != nil || rows[key] != nil else { continue }
      checkDeployment(
        rows[key] ?? [], deployments[key] ?? [], simulated,
        hasMinimum: !pooled.contains(key.hardware, ofModel: key.modelID, tables), &report)
    }
    checkPrices(tables, &report)
    for row in tables.deployments { checkOrder(row, &report) }
    checkIncidents(tables, &report)
    return report
  }

  /// Of I5: replicas without a known price cost an unknown amount.
  private static func checkPrices(_ tables: TelemetryTables, _ report: inout InvariantReport) {
    for charge in tables.unpriced {
      report.violated(
        .i5,
        "model \(charge.modelID) \(charge.version) has replicas on \(charge.hardware), for which account \(charge.account) has no price"
      )
    }
  }

  /// I17, of a deployment.
  private static func checkOrder(_ row: DeploymentRecord, _ report: inout InvariantReport) {
    let name =
      "model \(row.modelID) \(row.version), whose deployment was requested at \(row.requestedAt.rfc3339):"
    if row.minReplicas > row.maxReplicas {
      report.violated(.i17, "\(name) minReplicas \(row.minReplicas) is above maxReplicas \(row.maxReplicas)")
    }
    if let deployed = row.deployedAt {
      if deployed < row.requestedAt {
        report.violated(.i17, "\(name) it was deployed before that, at \(deployed.rfc3339)")
      }
      if row.outcome == .refused { report.violated(.i17, "\(name) it was refused, but deployed") }
    }
    if let undeployed = row.undeployedAt, undeployed < row.deployedAt ?? row.requestedAt {
      report.violated(.i17, "\(name) it was undeployed before it was deployed, at \(undeployed.rfc3339)")
    }
  }

  /// I17, of incidents.
  private static func checkIncidents(_ tables: TelemetryTables, _ report: inout InvariantReport) {
    let models = Set(tables.models.map(\.modelID))
    let providers = Set(tables.models.map(\.provider)).subtracting([""])
    for row in tables.incidents {
      let name = "the incident at \(row.startedAt.rfc3339)"
      if IncidentKind(rawValue: row.kind) == nil {
        report.violated(
          .i17,
          "\(name) is of kind \"\(row.kind)\", which is not one of \(IncidentKind.allCases.map(\.rawValue).joined(separator: ", "))"
        )
      }
      if let model = row.modelID, !models.contains(model) {
        report.violated(.i17, "\(name) is of model \(model), which does not exist")
      }
      if !row.provider.isEmpty, !providers.contains(row.provider) {
        report.violated(.i17, "\(name) is of provider \"\(row.provider)\", which no model has")
      }
      if row.endedAt < row.startedAt {
        report.violated(.i17, "\(name) ended before it started, at \(row.endedAt.rfc3339)")
      }
    }
  }

  /// I1.
  private static func checkSubscription(_ tables: TelemetryTables, _ report: inout InvariantReport) {
    for account in tables.accounts {
      let limit = account.subscriptionMaxReplicas
      visitTotals(tables, account: account.account, on: nil) { total, at in
        guard total > limit else { return }
        report.violated(
          .i1,
          "account \(account.account) has \(Figure.count(total, "replica")) at \(at.rfc3339), but its subscription allows \(limit)"
        )
      }
    }
  }

  /// I24.
  /// - Parameter limits: by hardware.
  static func checkHardware(
    _ tables: TelemetryTables, account: String, _ limits: [String: Int]
  ) -> InvariantReport {
    var report = InvariantReport()
    for (hardware, limit) in limits.sorted(by: { $0.key < $1.key }) {
      visitTotals(tables, account: account, on: hardware) { total, at in
        guard total > limit else { return }
        report.violated(
          .i24,
          "account \(account) has \(Figure.count(total, "replica")) on \(hardware) at \(at.rfc3339), but its subscription allows \(limit)"
        )
      }
    }
    return report
  }

  /// The sum over versions after each instant, since several may change at one.
  private static func visitTotals(
    _ tables: TelemetryTables, account: String, on hardware: String?,
    _ body: (_ total: Int, _ at: Timestamp) -> Void
  ) {
    let models = Set(tables.models.filter { Name.same($0.account, account) }.map(\.modelID))
    let rows = tables.replicas.filter { row in
      models.contains(row.modelID) && (hardware.map { Name.same($0, row.hardware) } ?? true)
    }
    var now: [Key: Int] = [:]
    for (index, row) in rows.enumerated() {
      now[Key(modelID: row.modelID, version: row.version, hardware: row.hardware)] = row.replicas
      if index + 1 < rows.count, rows[index + 1].at == row.at { continue }
      body(now.values.reduce(0, +), row.at)
    }
  }

  /// I2 and I9, of the rows of one version on one hardware, in order of time.
  private static func checkDeployment(
    _ rows: [ReplicaRecord], _ deployments: [DeploymentRecord], _ simulated: Range<Timestamp>?,
    hasMinimum: Bool, _ report: inout InvariantReport
  ) {
    for row in rows {
      let allowed = deployments.filter {
        $0.requestedAt <= row.at && ($0.undeployedAt ?? .supported.upperBound) >= row.at
      }
      .reduce(0) { $0 + $1.maxReplicas }
      if row.replicas > allowed {
        let limit =
          deployments.isEmpty
          ? "there is no such version on \(row.hardware) in deployments" : "maxReplicas is \(allowed)"
        report.violated(
          .i2,
          "model \(row.modelID) \(row.version) has \(Figure.count(row.replicas, "replica")) at \(row.at.rfc3339), \(limit)"
        )
      }
    }
    // Where deployments follow each other closely their rows add up; then I9 says nothing of either.
    let isAlone = zip(deployments, deployments.dropFirst()).allSatisfy {
      ($0.undeployedAt ?? .supported.upperBound) <= $1.requestedAt
    }
    guard isAlone, hasMinimum else { return }
    for deployment in deployments { checkMinimum(deployment, rows, simulated, &report) }
  }

  /// I9, of one deployment.
  private static func checkMinimum(
    _ deployment: DeploymentRecord, _ rows: [ReplicaRecord], _ simulated: Range<Timestamp>?,
    _ report: inout InvariantReport
  ) {
    let name = "model \(deployment.modelID) \(deployment.version)"
    guard let from = deployment.deployedAt, deployment.minReplicas > 0 else { return }
    let to = deployment.undeployedAt ?? .supported.upperBound
    // What was there when it was deployed, and all changes since.
    let first = rows.lastIndex { $0.at <= from } ?? rows.startIndex
    let own = rows[first...].prefix { $0.at < to }.filter { $0.at >= deployment.requestedAt }
    guard let last = own.last else {
      // Of a deployment that ended before the period there are no rows.
      if let simulated, to > simulated.lowerBound, from < simulated.upperBound {
        report.violated(
          .i9,
          "\(name) has no replicas from \(from.rfc3339) on, but its minReplicas is \(deployment.minReplicas)")
      }
      return
    }
    func keeps(_ row: ReplicaRecord) -> Bool { row.starting + row.ready >= deployment.minReplicas }
    guard let end = own.lastIndex(where: keeps) else {
      // Undeploying since before the first row.
      if from < own[0].at, own[0].draining > 0, own.allSatisfy({ $0.starting + $0.ready == 0 }) { return }
      report.violated(
        .i9,
        "\(name) never has its minReplicas \(deployment.minReplicas) from \(own[0].at.rfc3339) on")
      return
    }
    var fell: Timestamp?
    for row in own[...end] {
      if !keeps(row) {
        fell = fell ?? row.at
      } else if let since = fell {
        report.violated(
          .i9,
          "\(name) fell below its minReplicas \(deployment.minReplicas) at \(since.rfc3339) and came back")
        fell = nil
      }
    }
    // What is below it at the end is undeploying: it has no replicas left but those that drain, or is undeployed.
    if end < own.endIndex - 1, deployment.undeployedAt == nil,
      last.starting + last.ready > 0 || last.draining == 0
    {
      report.violated(
        .i9,
        "\(name) fell below its minReplicas \(deployment.minReplicas) at \(own[end + 1].at.rfc3339) without being undeployed"
      )
    }
  }

  /// I6: a row that brings a version from no replicas to some lies in a window.
  /// - Parameters:
  ///   - periodStart: deployments asked for up to then are ready when the simulation starts.
  ///   - pooled: hardware whose first machine may come when the window has closed again.
  static func checkWindows(
    _ tables: TelemetryTables, account: String, _ windows: DeployWindows, periodStart: Timestamp,
    pooled: PooledHardware = .init()
  ) -> InvariantReport {
    var report = InvariantReport()
    let models = Set(tables.models.filter { $0.account == account }.map(\.modelID))
    var replicas: [Key: Int] = [:]
    for row in tables.replicas where models.contains(row.modelID) {
      let key = Key(modelID: row.modelID, version: row.version, hardware: row.hardware)
      let before = replicas.updateValue(row.replicas, forKey: key) ?? 0
      guard before == 0, row.replicas > 0, row.at > periodStart else { continue }
      let wasBeforehand = tables.deployments.contains {
        $0.modelID == key.modelID && $0.version == key.version && $0.hardware == key.hardware
          && $0.requestedAt <= periodStart && $0.outcome == .deployed
      }
      // It may lose its last replica and get another.
      let isDeployed = tables.deployments.contains {
        guard let from = $0.deployedAt else { return false }
        return $0.modelID == key.modelID && $0.version == key.version && $0.hardware == key.hardware
          && from < row.at && row.at <= $0.undeployedAt ?? .supported.upperBound
      }
      let isLate = pooled.contains(key.hardware, ofModel: key.modelID, tables)
      if !wasBeforehand, !isDeployed, !isLate, !windows.isOpen(at: row.at) {
        report.violated(
          .i6,
          "model \(row.modelID) \(row.version) was deployed at \(row.at.rfc3339), outside the deploy windows")
      }
    }
    return report
  }
}

/// Hardware whose replicas wait for machines of a pool, or lose them.
struct PooledHardware {
  /// By account.
  private var names: [String: [String]] = [:]

  init() {}

  init(_ scenario: Scenario) {
    for account in scenario.accounts {
      names[account.name] = account.pools.filter { $0.provisioning.mean > 0 || $0.spot != nil }.map(\.name)
    }
  }

  func contains(_ hardware: String, ofModel model: Int32, _ tables: TelemetryTables) -> Bool {
    guard !names.isEmpty, let account = tables.models.first(where: { $0.modelID == model })?.account else {
      return false
    }
    return names[account]?.contains { Name.same($0, hardware) } == true
  }
}
