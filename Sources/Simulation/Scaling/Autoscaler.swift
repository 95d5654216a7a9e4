import ScenarioModel
import Telemetry

/// What decides how many replicas a deployment has: one of the scaling policies, each in a file of its own, dispatched
/// statically.
///
/// A policy observes demand (requests waiting and served by ready replicas) and replicas, says when it is due, and then
/// decides how many replicas it wants. It starts and stops none itself: the model simulation does, within
/// `maxReplicas` and the subscription. It also says within which demand nothing changes for it, so that most requests pass it by.
///
/// Invariant: `quiet` and `due` are what the policy said last; it is asked after each call that may change them.
struct Autoscaler: ~Copyable {
  private var policy: PolicyInUse
  /// Demand of which the policy need not hear: above the first, up to the second.
  private var quiet: (above: Int, upTo: Int)
  /// When it must decide next, µs since 1970; `Int64.max` if there is nothing to decide at present.
  private(set) var due: Int64

  init(_ scaling: Scenario.Scaling) {
    let policy = PolicyInUse(scaling)
    (quiet, due) = (policy.quiet, policy.due)
    self.policy = policy
  }

  /// A request more waits or is served.
  /// - Returns: whether `due` may have come nearer.
  @inline(__always)
  mutating func demandRose(to demand: Int, at time: Int64) -> Bool {
    demand > quiet.upTo && leaveQuiet(rises: true, at: time)
  }

  /// A request less waits or is served.
  /// - Returns: whether `due` may have come nearer.
  @inline(__always)
  mutating func demandFell(to demand: Int, at time: Int64) -> Bool {
    demand <= quiet.above && leaveQuiet(rises: false, at: time)
  }

  private mutating func leaveQuiet(rises: Bool, at time: Int64) -> Bool {
    let before = due
    policy.demandCrossed(rises: rises, at: time)
    (quiet, due) = (policy.quiet, policy.due)
    return due < before
  }

  /// Replicas were added or removed, or did not come.
  /// - Parameters:
  ///   - provisioned: replicas that serve or start.
  ///   - notBefore: the earliest instant of another attempt to add some.
  mutating func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    policy.replicasChanged(to: provisioned, demand: demand, at: time, notBefore: notBefore)
    (quiet, due) = (policy.quiet, policy.due)
  }

  /// The deployment scales no more, or not yet.
  mutating func stop() {
    policy.stop()
    (quiet, due) = (policy.quiet, policy.due)
  }

  /// How many replicas there should be, at the instant that was due.
  mutating func decide(provisioned: Int, at time: Int64) -> Int {
    let wanted = policy.decide(provisioned: provisioned, at: time)
    (quiet, due) = (policy.quiet, policy.due)
    return wanted
  }

  func checkInvariants(demand: Int) -> Bool {
    policy.quiet == quiet && policy.due == due && policy.checkInvariants(demand: demand)
  }
}

/// One of the policies, each in memory of its own: it is changed in place, where moving it in and out of the enum would
/// cost a request a quarter of its time.
private enum PolicyInUse: ~Copyable {
  case concurrency(FixedArray<ConcurrencyAutoscaler>)

  init(_ scaling: Scenario.Scaling) {
    switch scaling.policy {
    case .concurrency(let model):
      self = .concurrency(FixedArray(count: 1) { _ in ConcurrencyAutoscaler(model, scaling) })
    }
  }

  /// Demand rose above what was quiet, or fell to its lower end.
  mutating func demandCrossed(rises: Bool, at time: Int64) {
    switch consume self {
    case .concurrency(var policy):
      if rises { policy[0].demandRose(at: time) } else { policy[0].demandFell(at: time) }
      self = .concurrency(policy)
    }
  }

  mutating func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    switch consume self {
    case .concurrency(var policy):
      policy[0].replicasChanged(to: provisioned, demand: demand, at: time, notBefore: notBefore)
      self = .concurrency(policy)
    }
  }

  mutating func stop() {
    switch consume self {
    case .concurrency(var policy):
      policy[0].stop()
      self = .concurrency(policy)
    }
  }

  mutating func decide(provisioned: Int, at time: Int64) -> Int {
    switch consume self {
    case .concurrency(var policy):
      let wanted = policy[0].decide(provisioned: provisioned, at: time)
      self = .concurrency(policy)
      return wanted
    }
  }

  var quiet: (above: Int, upTo: Int) {
    switch self {
    case .concurrency(let policy): policy[0].quiet
    }
  }

  var due: Int64 {
    switch self {
    case .concurrency(let policy): policy[0].due
    }
  }

  func checkInvariants(demand: Int) -> Bool {
    switch self {
    case .concurrency(let policy): policy[0].checkInvariants(demand: demand)
    }
  }
}

extension ModelSimulation {
  @inline(__always)
  mutating func raiseDemand(_ index: Int, at time: Int64) {
    let demand = deployments[index].demand &+ 1
    deployments[index].demand = demand
    if deployments[index].autoscaler.demandRose(to: demand, at: time) { noteDue(index) }
  }

  @inline(__always)
  mutating func lowerDemand(_ index: Int, at time: Int64) {
    let demand = deployments[index].demand &- 1
    deployments[index].demand = demand
    if deployments[index].autoscaler.demandFell(to: demand, at: time) { noteDue(index) }
  }

  /// Demand falls by any number, while capacity is what it was: delays that still hold go on.
  mutating func lowerDemand(_ index: Int, by requests: Int, at time: Int64) {
    for _ in 0..<requests { lowerDemand(index, at: time) }
  }

  @inline(__always)
  private mutating func noteDue(_ index: Int) {
    nextTimer = min(nextTimer, deployments[index].autoscaler.due)
  }

  /// After a change of replicas, or of whether they are scaled at all.
  /// - Parameter notBefore: the earliest instant of another attempt to add replicas.
  mutating func observeCapacity(_ index: Int, at time: Int64, notBefore: Int64 = .min) {
    guard deployments[index].phase == .deploying || deployments[index].phase == .deployed else {
      deployments[index].autoscaler.stop()
      return
    }
    let (provisioned, demand) = (deployments[index].provisioned, deployments[index].demand)
    deployments[index].autoscaler.replicasChanged(
      to: provisioned, demand: demand, at: time, notBefore: notBefore)
    noteDue(index)
  }

  /// Does what the policy decides.
  mutating func scale(_ index: Int, at time: Int64, pool: ReplicaPool) {
    let provisioned = deployments[index].provisioned
    let wanted = deployments[index].autoscaler.decide(provisioned: provisioned, at: time)
    if wanted > provisioned {
      add(wanted - provisioned, to: index, at: time, pool)
    } else {
      remove(downTo: wanted, of: index, at: time, pool)
    }
  }

  private mutating func add(_ wanted: Int, to index: Int, at time: Int64, _ pool: ReplicaPool) {
    let room = deployments[index].maxReplicas - deployments[index].total
    var limit = ReplicaLimit.none
    if wanted > room { limit = .maxReplicas }
    let granted = pool.take(upTo: min(wanted, room))
    if granted < min(wanted, room) { limit = .subscription }
    for _ in 0..<granted { startReplica(index, at: time) }
    // Cut short: demand may go on exceeding capacity, so look again after the delay, but not in a tight loop.
    observeCapacity(index, at: time, notBefore: limit == .none ? .min : time + 1_000_000)
    record(index, at: time, limitedBy: limit)
  }

  private mutating func remove(
    downTo wanted: Int, of index: Int, at time: Int64, _ pool: ReplicaPool
  ) {
    while deployments[index].provisioned > wanted {
      // Those that do not serve yet go first.
      if let replica = deployments[index].youngest(.starting) {
        free(replica, of: index, pool)
      } else if let replica = deployments[index].youngest(.ready) {
        drain(replica, of: index, at: time, pool)
      }
    }
    observeCapacity(index, at: time)
    record(index, at: time, limitedBy: .none)
  }
}
