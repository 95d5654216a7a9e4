import ScenarioModel
import Telemetry

/// What decides how many replicas a deployment has: one of the scaling policies, each in a file of its own. The platform's
/// is dispatched statically; the others (`ScalingLaw`) are called at instants of their own.
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

  /// Whether the policy must be told of blocks of KV caches.
  let needsKVBlocks: Bool

  /// - Parameter kvBlocks: of a replica; 0 where there is no KV cache.
  init(_ scaling: Scenario.Scaling, kvBlocks: Int64) {
    let policy = PolicyInUse(scaling, kvBlocks: kvBlocks)
    (quiet, due) = (policy.quiet, policy.due)
    self.policy = policy
    needsKVBlocks = scaling.policy.needsKVCache
  }

  /// A request more waits or is served.
  /// - Returns: whether `due` may have come nearer.
  @inline(__always)
  mutating func demandRose(to demand: Int, at time: Int64) -> Bool {
    demand > quiet.upTo && leaveQuiet(demand, rises: true, at: time)
  }

  /// A request less waits or is served.
  /// - Returns: whether `due` may have come nearer.
  @inline(__always)
  mutating func demandFell(to demand: Int, at time: Int64) -> Bool {
    demand <= quiet.above && leaveQuiet(demand, rises: false, at: time)
  }

  private mutating func leaveQuiet(_ demand: Int, rises: Bool, at time: Int64) -> Bool {
    let before = due
    policy.demandCrossed(demand, rises: rises, at: time)
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

  /// How many replicas there should be, at the instant that was due; `nil` if that has not been decided.
  mutating func decide(_ observation: ScalingObservation) -> Int? {
    let wanted = policy.decide(observation)
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
  case law(any ScalingLaw)

  init(_ scaling: Scenario.Scaling, kvBlocks: Int64) {
    if case .concurrency(let model) = scaling.policy {
      self = .concurrency(FixedArray(count: 1) { _ in ConcurrencyAutoscaler(model, scaling) })
    } else {
      self = .law(makeLaw(scaling.policy, scaling, kvBlocks: kvBlocks))
    }
  }

  /// Demand rose above what was quiet, or fell to its lower end.
  mutating func demandCrossed(_ demand: Int, rises: Bool, at time: Int64) {
    switch consume self {
    case .concurrency(var policy):
      if rises { policy[0].demandRose(at: time) } else { policy[0].demandFell(at: time) }
      self = .concurrency(policy)
    case .law(let law):
      law.demandChanged(to: demand, rises: rises, at: time)
      self = .law(law)
    }
  }

  mutating func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    switch consume self {
    case .concurrency(var policy):
      policy[0].replicasChanged(to: provisioned, demand: demand, at: time, notBefore: notBefore)
      self = .concurrency(policy)
    case .law(let law):
      law.replicasChanged(to: provisioned, demand: demand, at: time, notBefore: notBefore)
      self = .law(law)
    }
  }

  mutating func stop() {
    switch consume self {
    case .concurrency(var policy):
      policy[0].stop()
      self = .concurrency(policy)
    case .law(let law):
      law.stop()
      self = .law(law)
    }
  }

  mutating func decide(_ observation: ScalingObservation) -> Int? {
    switch consume self {
    case .concurrency(var policy):
      let wanted = policy[0].decide(provisioned: observation.provisioned, at: observation.time)
      self = .concurrency(policy)
      return wanted
    case .law(let law):
      let wanted = law.decide(observation)
      self = .law(law)
      return wanted
    }
  }

  var quiet: (above: Int, upTo: Int) {
    switch self {
    case .concurrency(let policy): policy[0].quiet
    case .law(let law): law.quiet
    }
  }

  var due: Int64 {
    switch self {
    case .concurrency(let policy): policy[0].due
    case .law(let law): law.due
    }
  }

  func checkInvariants(demand: Int) -> Bool {
    switch self {
    case .concurrency(let policy): policy[0].checkInvariants(demand: demand)
    case .law(let law): law.checkInvariants(demand: demand)
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
    guard let wanted = deployments[index].autoscaler.decide(observation(index, at: time)) else { return }
    if wanted > provisioned {
      add(wanted - provisioned, to: index, at: time, pool)
    } else {
      remove(downTo: wanted, of: index, at: time, pool)
    }
  }

  private mutating func observation(_ index: Int, at time: Int64) -> ScalingObservation {
    let (waiting, demand) = (deployments[index].queue.count, deployments[index].demand)
    var observation = ScalingObservation(
      time: time, starting: deployments[index].starting, ready: deployments[index].ready, waiting: waiting,
      inService: demand - waiting)
    observation.isFinishing = isFinishing
    if deployments[index].autoscaler.needsKVBlocks {
      for replica in 0..<deployments[index].maxReplicas
      where deployments[index].replicas[replica].state == .ready {
        observation.usedBlocks += deployments[index].batches[replica].usedBlocks(at: time)
      }
    }
    return observation
  }

  private mutating func add(_ wanted: Int, to index: Int, at time: Int64, _ pool: ReplicaPool) {
    let room = deployments[index].maxReplicas - deployments[index].total
    var limit = ReplicaLimit.none
    if wanted > room { limit = .maxReplicas }
    let (granted, lack) = pool.take(upTo: min(wanted, room), on: deployments[index].hardware)
    if lack != .none { limit = lack }
    for _ in 0..<granted { startReplica(index, at: time) }
    // Cut short: demand may go on exceeding capacity, so look again after the delay, but not in a tight loop.
    observeCapacity(index, at: time, notBefore: limit == .none ? .min : time + 1_000_000)
    record(index, at: time, limitedBy: limit)
    // Nobody may ever make room.
    if isFinishing, lack != .none, deployments[index].provisioned == 0 { failHeld(index, at: time) }
  }

  /// Requests that wait for a first replica that will not come fail, as those do for which there is no room to wait.
  mutating func failHeld(_ index: Int, at time: Int64) {
    while deployments[index].queue.count > 0 {
      let sequence = deployments[index].queue.removeOldest()
      ring.waiting[ring.row(sequence)] = time - ring.arrivedAt[ring.row(sequence)]
      end(sequence, FailureReason.overloaded.code, at: time)
      lowerDemand(index, at: time)
    }
  }

  private mutating func remove(
    downTo wanted: Int, of index: Int, at time: Int64, _ pool: ReplicaPool
  ) {
    while deployments[index].provisioned > wanted {
      // Those that do not serve yet go first.
      if let replica = deployments[index].youngest(.starting) {
        free(replica, of: index, at: time, pool)
      } else if let replica = deployments[index].youngest(.ready) {
        drain(replica, of: index, at: time, pool)
      }
    }
    observeCapacity(index, at: time)
    record(index, at: time, limitedBy: .none)
  }
}
