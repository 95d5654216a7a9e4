import Sampling
import ScenarioModel
import Telemetry

/// Fine-tuning jobs: their durations, outcomes and credits. They need no replicas of the subscription.
enum FineTuning {
  /// The jobs of one account's model, in the scenario's order. One that fails or is cancelled ends at an instant
  /// uniform over its duration.
  static func jobs(
    _ model: Scenario.Model, id modelID: Int32, entity: String, account: Scenario.Account, seed: UInt64,
    replication: Int,
    firstJobID: Int64
  ) -> [FineTuningJobRecord] {
    guard !model.fineTuning.isEmpty else { return [] }
    let arena = SamplingArena()
    let stream = arena.stream(
      StreamName(
        seed: seed, replication: replication, account: account.name, entity: entity, purpose: "fineTuning"))
    return model.fineTuning.enumerated().map { index, job in
      let whole = max(microseconds(Sampler(job.duration, in: arena).draw(from: stream)), 1)
      let chance = stream.uniform()
      let share = stream.uniform()
      var outcome = FineTuningOutcome.succeeded
      if chance < job.failureProbability {
        outcome = .failed
      } else if chance < job.failureProbability + job.cancelProbability {
        outcome = .cancelled
      }
      let duration = outcome == .succeeded ? whole : max(microseconds(share * Double(whole)), 1)
      let price = account.prices.first { $0.hardware == job.hardware }?.creditsMicroPerHour ?? 0
      return FineTuningJobRecord(
        jobID: firstJobID + Int64(index), modelID: modelID, baseModel: model.baseModel,
        hardware: job.hardware,
        startedAt: job.startAt, finishedAt: job.startAt + duration, outcome: outcome,
        creditsMicro: MicroCredits.charge(duration, perHour: price))
    }
  }
}
