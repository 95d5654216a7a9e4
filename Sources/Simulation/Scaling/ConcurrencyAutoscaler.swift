import ScenarioModel

/// Adds replicas when demand has exceeded capacity for `scaleUpDelay` without a break. Removes them down to what the
/// largest demand of the last `scaleDownDelay` needed, whatever was removed in that time: a sliding window, as
/// Kubernetes' stabilisation window is. Demand is the requests waiting and served; capacity is
/// (starting + ready) × maxBatchSize.
///
/// Of the demand of the past it is enough to know when it last came down to what one, two, three, … replicas serve: so
/// many were enough in the whole window if that was before it. So nothing is looked at but whether demand crosses a
/// multiple of `maxBatchSize`, which is also where both delays start and end.
///
/// Invariants, checked by `checkInvariants(demand:)`: `level` = demand ÷ maxBatchSize, rounded up; `levelCeiling` and
/// `levelFloor` are what `level` replicas, and one less, serve; `cameDownTo` descends from `level` on.
struct ConcurrencyAutoscaler: ~Copyable {
  /// Long before everything, so that any delay after it has passed.
  private static var never: Int64 { .min / 2 }

  private let minReplicas: Int
  private let maxReplicas: Int
  private let maxBatchSize: Int
  private let scaleUpDelay: Int64
  private let scaleDownDelay: Int64

  /// Replicas that demand fills, and the demand above which these are too few, and one less is not enough:
  /// `levelFloor` < demand ≤ `levelCeiling`.
  private var level = 0
  private var levelFloor: Int
  private var levelCeiling = 0
  /// When demand last fell to what a number of replicas serve; by that number, up to `maxReplicas`.
  private var cameDownTo: FixedArray<Int64>

  /// Demand above this exceeds capacity.
  private var upThreshold = Int.max
  /// Demand at or below this would be met by one replica less.
  private var downThreshold = -1
  private var upDeadline = Int64.max
  private var downDeadline = Int64.max

  init(_ policy: ConcurrencyScaling, _ scaling: Scenario.Scaling) {
    minReplicas = scaling.minReplicas
    maxReplicas = scaling.maxReplicas
    maxBatchSize = scaling.maxBatchSize
    scaleUpDelay = policy.scaleUpDelay
    scaleDownDelay = policy.scaleDownDelay
    levelFloor = -scaling.maxBatchSize
    cameDownTo = FixedArray(repeating: Self.never, count: scaling.maxReplicas + 1)
  }

  // MARK: Observe

  /// Demand that `level` replicas serve, and one less does not.
  var quiet: (above: Int, upTo: Int) { (levelFloor, levelCeiling) }

  /// Demand has just grown beyond what `level` replicas serve.
  mutating func demandRose(at time: Int64) {
    let ceiling = levelCeiling
    if ceiling == upThreshold { upDeadline = time + scaleUpDelay }
    if ceiling == downThreshold { downDeadline = .max }
    level &+= 1
    levelFloor = ceiling
    levelCeiling = ceiling &+ maxBatchSize
  }

  /// Demand has just come down to what one replica less than `level` serves.
  mutating func demandFell(at time: Int64) {
    let floor = levelFloor
    level &-= 1
    levelFloor = floor &- maxBatchSize
    levelCeiling = floor
    if level <= maxReplicas { cameDownTo[level] = time }
    if floor == upThreshold { upDeadline = .max }
    if floor == downThreshold { downDeadline = time + scaleDownDelay }
  }

  mutating func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    upThreshold = provisioned * maxBatchSize
    downThreshold = provisioned > minReplicas ? (provisioned - 1) * maxBatchSize : -1
    upDeadline = demand > upThreshold ? max(time + scaleUpDelay, notBefore) : .max
    downDeadline =
      demand <= downThreshold ? max(cameDownTo[provisioned - 1] + scaleDownDelay, time) : .max
  }

  mutating func stop() {
    upDeadline = .max
    downDeadline = .max
    upThreshold = .max
    downThreshold = -1
  }

  // MARK: Due, decide

  var due: Int64 { min(upDeadline, downDeadline) }

  mutating func decide(provisioned: Int, at time: Int64) -> Int {
    // As many as demand fills.
    if upDeadline <= time { return level }
    // The fewest that would have done at every instant of the window.
    var needed = provisioned
    let least = max(minReplicas, level)
    while needed > least, cameDownTo[needed - 1] + scaleDownDelay <= time { needed -= 1 }
    return needed
  }

  func checkInvariants(demand: Int) -> Bool {
    level == (demand + maxBatchSize - 1) / maxBatchSize && levelCeiling == level * maxBatchSize
      && levelFloor == levelCeiling - maxBatchSize
      && (1...maxReplicas).allSatisfy { cameDownTo[$0] <= cameDownTo[$0 - 1] || $0 - 1 < level }
  }
}
