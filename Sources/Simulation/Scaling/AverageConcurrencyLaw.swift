import ScenarioModel

/// Knative's autoscaler: the average of demand over the stable window, and over the panic window, exact to the microsecond.
///
/// A window that reaches back to before the deployment began to scale is as long as it has scaled. With no replica at all,
/// a request is noticed when it arrives (Knative's activator reports it), else every `tick`.
///
/// Invariant, checked by `checkInvariants(demand:)`: `demand` is the demand since `since`, while it scales.
final class AverageConcurrencyLaw: ScalingLaw {
  private let policy: AverageConcurrencyScaling
  private let minReplicas: Int
  private let maxBatchSize: Int
  private var provisioned: Int?
  private var nextTick = Int64.max
  private var isPoked = false

  private var demand = 0
  private var since = Int64.max
  /// Requests × µs since the last tick, and in each tick before, the latest last.
  private var area: Int64 = 0
  private var areas: [Int64] = []
  /// Ticks without any replica or request, up to now.
  private var idleTicks = 0
  /// Since when each window has known the demand, µs since 1970.
  private var stableFrom = Int64.min
  private var panicFrom = Int64.min

  /// Replicas that must have been ready before any is removed; 0 once they have.
  private var awaited = 0

  private var panicSince: Int64?
  private var mostInPanic = 0
  private var wishes: [(at: Int64, replicas: Int)] = []

  init(_ policy: AverageConcurrencyScaling, _ scaling: Scenario.Scaling) {
    self.policy = policy
    (minReplicas, maxBatchSize) = (scaling.minReplicas, scaling.maxBatchSize)
  }

  var quiet: (above: Int, upTo: Int) { provisioned == nil ? everyDemand : (demand - 1, demand) }

  var due: Int64 { isPoked ? since : nextTick }

  func demandChanged(to demand: Int, rises: Bool, at time: Int64) {
    count(until: time)
    self.demand = demand
    if rises, provisioned == 0 { isPoked = true }
  }

  private func count(until time: Int64) {
    area += Int64(demand) * (time - since)
    since = time
  }

  func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    if self.provisioned == nil {
      (self.demand, since, area, areas) = (demand, time, 0, [])
      (idleTicks, stableFrom, panicFrom) = (0, time, time)
      nextTick = time + AverageConcurrencyScaling.tick
      awaited = policy.initialScale == provisioned ? provisioned : 0
      // What is there may be needed: there is no history yet.
      if provisioned > 1 { (panicSince, mostInPanic) = (time, provisioned) }
    }
    count(until: time)
    self.demand = demand
    self.provisioned = provisioned
    isPoked = false
  }

  func stop() {
    (provisioned, nextTick, isPoked, panicSince, mostInPanic) = (nil, .max, false, nil, 0)
    wishes = []
  }

  func decide(_ observation: ScalingObservation) -> Int? {
    let time = observation.time
    count(until: time)
    if nextTick <= time {
      nextTick += AverageConcurrencyScaling.tick
      areas.append(area)
      area = 0
      idleTicks = observation.provisioned == 0 && observation.demand == 0 ? idleTicks + 1 : 0
      areas.removeFirst(max(areas.count - Int(policy.stableWindow / AverageConcurrencyScaling.tick), 0))
    } else if !isPoked {
      return nil
    }
    isPoked = false
    if awaited > 0 {
      guard observation.ready >= awaited else { return nil }
      (panicSince, mostInPanic, awaited) = (time, awaited, 0)
    }
    if observation.provisioned == 0 {
      guard observation.demand > 0 else { return minReplicas }
      endSilence(at: time)
      return max(minReplicas, 1)
    }
    return max(settle(observation.ready, at: time), minReplicas)
  }

  /// Where no replica reported for as long as a window, its average begins with the request that ends the silence.
  private func endSilence(at time: Int64) {
    let silence = Int64(idleTicks) * AverageConcurrencyScaling.tick
    idleTicks = 0
    if silence >= policy.panicWindow { panicFrom = time }
    if silence >= policy.stableWindow { stableFrom = time }
  }

  /// Replicas that the average over a window fills to the target, rounded up. Asked at ticks.
  /// - Parameter from: since when the window has known the demand; there was none in the ticks before.
  private func wanted(over window: Int64, from: Int64, at time: Int64) -> Int {
    let ticks = Int(window / AverageConcurrencyScaling.tick)
    let sum = Int128(areas.suffix(ticks).reduce(0, +))
    let one = Int128(min(window, time - from)) * Int128(maxBatchSize) * Int128(policy.target)
    return one <= 0 ? 0 : Int((sum * 1_000_000 + one - 1) / one)
  }

  private func settle(_ ready: Int, at time: Int64) -> Int {
    let ready = max(ready, 1)
    let most = (policy.maxScaleUpRate * ready + 999_999) / 1_000_000
    let least = ready * 1_000_000 / policy.maxScaleDownRate
    let panicWish = wanted(over: policy.panicWindow, from: panicFrom, at: time)
    let stable = min(max(wanted(over: policy.stableWindow, from: stableFrom, at: time), least), most)
    if panicWish * 1_000_000 >= policy.panicThreshold * ready {
      panicSince = time
    } else if let since = panicSince, since + policy.stableWindow < time {
      (panicSince, mostInPanic) = (nil, 0)
    }
    var wish = stable
    if panicSince != nil {
      mostInPanic = max(mostInPanic, stable, min(max(panicWish, least), most))
      wish = mostInPanic
    }
    guard policy.scaleDownDelay > 0 else { return wish }
    wishes.removeAll { $0.at <= time - policy.scaleDownDelay }
    wishes.append((time, wish))
    return wishes.reduce(wish) { max($0, $1.replicas) }
  }

  func checkInvariants(demand: Int) -> Bool { provisioned == nil || demand == self.demand }
}
