import Telemetry

/// The cards above the widgets: the whole account, whatever the model filter.
package struct AccountMetrics: Encodable, Equatable, Sendable {
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
    fineTuningCredits = MicroCredits.credits(jobs.reduce(0) { $0 + Self.accrued($1, in: period.pastSpans) })
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

  /// A job's credits accrue evenly from start to finish; rounded half up to whole micro-credits, so that they add
  /// up exactly.
  private static func accrued(_ job: FineTuningJobRecord, in spans: [Range<Timestamp>]) -> Int64 {
    spans.reduce(0) { $0 + accrued(job, in: $1) }
  }

  private static func accrued(_ job: FineTuningJobRecord, in range: Range<Timestamp>) -> Int64 {
    let whole = job.finishedAt - job.startedAt
    let from = max(job.startedAt, range.lowerBound)
    let to = min(job.finishedAt, range.upperBound)
    guard to > from, whole > 0 else {
      return whole == 0 && range.contains(job.startedAt) ? job.creditsMicro : 0
    }
    let twice = 2 * Int128(job.creditsMicro) * Int128(to - from)
    return Int64((twice + Int128(whole)) / (2 * Int128(whole)))
  }
}
