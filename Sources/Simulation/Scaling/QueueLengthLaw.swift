import ScenarioModel

/// KEDA: at every poll it starts the first replica or stops the last ones; in between, a HorizontalPodAutoscaler follows the
/// length of the queue (a metric of type AverageValue), for which replicas that start count as much as others.
///
/// At one instant, the poll comes before the autoscaler.
final class QueueLengthLaw: ScalingLaw {
  private let policy: QueueLengthScaling
  private let minReplicas: Int
  private var scaler: HorizontalScaler
  private var provisioned: Int?
  private var nextPoll = Int64.max
  private var nextSync = Int64.max
  private var lastActive: Int64?
  /// The lengths that decisions will see, where these come later.
  private var nextSample = Int64.max
  private var samples: [(at: Int64, length: Int)] = []

  init(_ policy: QueueLengthScaling, _ scaling: Scenario.Scaling) {
    self.policy = policy
    minReplicas = scaling.minReplicas
    scaler = HorizontalScaler(policy.horizontal, minReplicas: max(scaling.minReplicas, 1))
  }

  var due: Int64 { min(nextPoll, nextSync, nextSample) }

  func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    let rules = policy.horizontal
    if let before = self.provisioned {
      // The first and the last replicas are not the autoscaler's.
      if provisioned != before, before > 0, provisioned > 0 {
        scaler.changed(by: provisioned - before, at: time)
      }
    } else {
      nextPoll = time + policy.pollingInterval
      nextSync = time + rules.syncPeriod
      let early = max(rules.metricDelay - rules.syncPeriod, 0)
      let skipped = (early + rules.syncPeriod - 1) / rules.syncPeriod
      nextSample = time + (skipped + 1) * rules.syncPeriod - rules.metricDelay
    }
    self.provisioned = provisioned
  }

  func stop() {
    (provisioned, nextPoll, nextSync, nextSample, lastActive) = (nil, .max, .max, .max, nil)
    samples = []
    scaler.reset()
  }

  func decide(_ observation: ScalingObservation) -> Int? {
    let time = observation.time
    let length = policy.counts == .waiting ? observation.waiting : observation.demand
    if nextSample <= time {
      samples.append((time, length))
      nextSample += policy.horizontal.syncPeriod
    }
    let polled = poll(observation, length)
    let settled = sync(observation)
    return polled ?? settled
  }

  /// - Returns: `nil` unless the first replica starts or the last ones stop.
  private func poll(_ observation: ScalingObservation, _ length: Int) -> Int? {
    let time = observation.time
    guard nextPoll <= time else { return nil }
    nextPoll += policy.pollingInterval
    // What is still held when no request arrives any more is served.
    let isActive =
      length > policy.activationThreshold || (observation.isFinishing && observation.waiting > 0)
    if isActive { lastActive = time }
    if isActive, observation.provisioned == 0 { return max(minReplicas, 1) }
    guard !isActive, observation.provisioned > 0, minReplicas == 0 else { return nil }
    if let lastActive, lastActive + policy.cooldown >= time { return nil }
    return 0
  }

  private func sync(_ observation: ScalingObservation) -> Int? {
    let (time, current) = (observation.time, observation.provisioned)
    guard nextSync <= time else { return nil }
    nextSync += policy.horizontal.syncPeriod
    scaler.begin(with: current, at: time)
    guard let sample = samples.first, sample.at <= time - policy.horizontal.metricDelay else { return nil }
    samples.removeFirst()
    guard current > 0 else { return 0 }
    let scaled = Int128(sample.length) * 1_000_000
    let target = Int128(policy.target)
    let isWithin = ReplicaMetric.Tolerance(policy.horizontal).covers(scaled, over: target * Int128(current))
    let wish = isWithin ? current : Int((scaled + target - 1) / target)
    return scaler.settle(wish, of: current, at: time)
  }
}
