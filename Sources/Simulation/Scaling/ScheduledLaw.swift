import ScenarioModel
import Telemetry

/// The bounds of a schedule, around another policy; alone, what the minimum says.
final class ScheduledLaw: ScalingLaw {
  /// After replicas did not come, µs.
  private static let retry: Int64 = 15_000_000

  private let policy: ScheduledScaling
  private let minReplicas: Int
  private let maxReplicas: Int
  private let inner: (any ScalingLaw)?
  private var bounds: ClosedRange<Int>
  private var innerWish: Int?
  private var isScaling = false
  private var nextChange = Int64.max
  private var nextAttempt = Int64.max

  init(_ policy: ScheduledScaling, _ scaling: Scenario.Scaling, _ inner: (any ScalingLaw)?) {
    (self.policy, self.inner) = (policy, inner)
    (minReplicas, maxReplicas) = (scaling.minReplicas, scaling.maxReplicas)
    bounds = minReplicas...maxReplicas
  }

  var quiet: (above: Int, upTo: Int) { inner?.quiet ?? everyDemand }

  var due: Int64 { min(nextChange, nextAttempt, inner?.due ?? .max) }

  func demandChanged(to demand: Int, rises: Bool, at time: Int64) {
    inner?.demandChanged(to: demand, rises: rises, at: time)
  }

  func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    inner?.replicasChanged(to: provisioned, demand: demand, at: time, notBefore: notBefore)
    if !isScaling {
      isScaling = true
      look(at: time)
      nextAttempt = bounds.contains(provisioned) ? .max : time
    } else {
      nextAttempt = bounds.contains(provisioned) ? .max : time + Self.retry
    }
  }

  func stop() {
    (isScaling, nextChange, nextAttempt, innerWish) = (false, .max, .max, nil)
    inner?.stop()
  }

  private func look(at time: Int64) {
    let instant = Timestamp(microseconds: time)
    let scheduled = policy.bounds(at: instant)
    let most = min(scheduled.maxReplicas ?? maxReplicas, maxReplicas)
    // The deployment's minReplicas are kept; a window that only raises the least raises the most.
    let least = max(scheduled.minReplicas ?? minReplicas, minReplicas)
    bounds = least...max(most, least)
    nextChange = policy.nextChange(after: instant)?.microseconds ?? .max
  }

  func decide(_ observation: ScalingObservation) -> Int? {
    let time = observation.time
    let isOwn = nextChange <= time || nextAttempt <= time
    if nextChange <= time { look(at: time) }
    if nextAttempt <= time { nextAttempt = .max }
    var wish = bounds.lowerBound
    if let inner {
      let decided = inner.decide(observation)
      innerWish = decided ?? innerWish
      guard isOwn || decided != nil else { return nil }
      wish = innerWish ?? observation.provisioned
    }
    return min(max(wish, bounds.lowerBound), bounds.upperBound)
  }

  func checkInvariants(demand: Int) -> Bool { inner?.checkInvariants(demand: demand) ?? true }
}
