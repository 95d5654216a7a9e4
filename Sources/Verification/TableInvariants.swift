import ScenarioModel
import Telemetry

/// The invariants of the small tables: I1, I2, I6, I9.
enum TableInvariants {
  /// Rows of one version on one hardware.
  private struct Key: Hashable {
    var modelID: Int32
    var version: String
    var hardware: String
  }

  static func check(_ tables: TelemetryTables) -> InvariantReport {
    var report = InvariantReport()
    checkSubscription(tables, &report)
    for (key, rows) in Dictionary(
      grouping: tables.replicas, by: { Key(modelID: $0.modelID, version: $0.version, hardware: $0.hardware) })
    {
      let deployments = tables.deployments.filter {
        $0.modelID == key.modelID && $0.version == key.version && $0.hardware == key.hardware
      }
      checkDeployment(rows, deployments, &report)
    }
    return report
  }

  /// I1: the sum over all versions after each instant, since several may change at one.
  private static func checkSubscription(_ tables: TelemetryTables, _ report: inout InvariantReport) {
    let owner = Dictionary(
      tables.models.map { ($0.modelID, $0.account) }, uniquingKeysWith: { first, _ in first })
    for account in tables.accounts {
      var now: [Key: Int] = [:]
      let rows = tables.replicas.filter { owner[$0.modelID] == account.account }
      for (index, row) in rows.enumerated() {
        now[Key(modelID: row.modelID, version: row.version, hardware: row.hardware)] = row.replicas
        if index + 1 < rows.count, rows[index + 1].at == row.at { continue }
        let total = now.values.reduce(0, +)
        if total > account.subscriptionMaxReplicas {
          report.violated(
            .i1,
            "account \(account.account) has \(total) replicas at \(row.at.rfc3339), its subscription allows \(account.subscriptionMaxReplicas)"
          )
        }
      }
    }
  }

  /// I2 and I9, of the rows of one version on one hardware, in order of time.
  private static func checkDeployment(
    _ rows: [ReplicaRecord], _ deployments: [DeploymentRecord], _ report: inout InvariantReport
  ) {
    for row in rows {
      let allowed = deployments.filter {
        $0.requestedAt <= row.at && ($0.undeployedAt ?? .supported.upperBound) >= row.at
      }
      .reduce(0) { $0 + $1.maxReplicas }
      if row.replicas > allowed {
        report.violated(
          .i2,
          "model \(row.modelID) \(row.version) has \(row.replicas) replicas at \(row.at.rfc3339), maxReplicas is \(allowed)"
        )
      }
    }
    // Where deployments follow each other closely their rows add up; then I9 says nothing of either.
    let isAlone = zip(deployments, deployments.dropFirst()).allSatisfy {
      ($0.undeployedAt ?? .supported.upperBound) <= $1.requestedAt
    }
    guard isAlone else { return }
    for deployment in deployments {
      guard let from = deployment.deployedAt else { continue }
      let to = deployment.undeployedAt ?? .supported.upperBound
      var undeploying: Timestamp?
      for row in rows where row.at >= from && row.at < to {
        if row.starting + row.ready < deployment.minReplicas {
          undeploying = undeploying ?? row.at
        } else if let since = undeploying {
          report.violated(
            .i9,
            "model \(row.modelID) \(row.version) fell below its minReplicas \(deployment.minReplicas) at \(since.rfc3339) and came back"
          )
          undeploying = nil
        }
      }
    }
  }

  /// I6: a row that brings a version from no replicas to some lies in a window.
  /// - Parameter periodStart: deployments asked for up to then are ready when the simulation starts.
  static func checkWindows(
    _ tables: TelemetryTables, account: String, _ windows: DeployWindows, periodStart: Timestamp
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
      if !wasBeforehand, !windows.isOpen(at: row.at) {
        report.violated(
          .i6,
          "model \(row.modelID) \(row.version) was deployed at \(row.at.rfc3339), outside the deploy windows")
      }
    }
    return report
  }
}
