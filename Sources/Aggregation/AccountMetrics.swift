import Telemetry

/// The cards above the widgets: the whole account, regardless of the model filter.
package struct AccountMetrics: Equatable, Sendable {
  package var deploymentCredits: Double
  package var fineTuningCredits: Double
  package var deployedModels: Int
  package var fineTunedModels: Int
  package var subscriptionMaxReplicas: Int

  init(
    _ account: AccountRecord, _ tables: TelemetryTables, _ period: DashboardPeriod, _ replicas: ReplicaTime,
    prices: [String: Int64]
  ) {
    let models = tables.models.filter { $0.account == account.account }
    let own = Set(models.map(\.modelID))
    deploymentCredits = replicas.creditsMicro(prices) { own.contains($0.modelID) } / 1e6
    let jobs = tables.fineTuningJobs.filter { own.contains($0.modelID) }
    fineTuningCredits =
      Double(
        jobs.reduce(Int128(0)) { sum, job in
          period.pastSpans.reduce(sum) { $0 + Int128(job.accrued(in: $1)) }
        }) / 1e6
    var deployed = Set(
      tables.deployments.filter { deployment in
        guard own.contains(deployment.modelID), let from = deployment.deployedAt else { return false }
        return period.overlaps(from: from, to: deployment.undeployedAt)
      }.map(\.modelID))
    deployed.formUnion(
      models.filter { $0.kind == .external && $0.createdAt < period.past.upperBound }.map(\.modelID))
    deployedModels = period.past.isEmpty ? 0 : deployed.count
    fineTunedModels =
      Set(
        jobs.filter { $0.outcome == .succeeded && period.contains($0.finishedAt) }.map(\.modelID)
      ).count
    subscriptionMaxReplicas = account.subscriptionMaxReplicas
  }
}
