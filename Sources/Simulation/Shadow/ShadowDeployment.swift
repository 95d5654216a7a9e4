import DequeModule
import ScenarioModel
import Telemetry

/// A scaling policy beside recorded demand: the replicas that it would have had.
///
/// The policy is the one that simulations have (`Autoscaler`), and its replicas start, drain and are released as
/// `ModelSimulation` has it. Demand is open loop: a request begins and ends when it did, whatever the replicas; only
/// whether it waits or is served depends on the shadow's own slots, which are given in order of arrival. A replica is ready
/// the mean of `startup` after its start, and none crashes.
///
/// Demand is either requests (`ShadowDeployment+Requests`) or a number of them that holds until the next
/// (`ShadowDeployment+Levels`); of the latter, a replica that is removed is gone at once.
///
/// At one instant, as in a simulation: ends of requests, replicas that get ready, the policy, arrivals.
///
/// Invariants, checked by `checkInvariants()`: `starting`, `ready` and `draining` count the replicas in these states;
/// requests wait only while no slot is free; `observed` is what the policy has been told.
package final class ShadowDeployment {
  /// The replicas from an instant on.
  package struct Change: Equatable, Sendable {
    /// µs since 1970.
    package var at: Int64
    package var starting: Int
    package var ready: Int
    package var draining: Int
    package var limitedBy: ReplicaLimit

    package init(at: Int64, starting: Int, ready: Int, draining: Int, limitedBy: ReplicaLimit = .none) {
      (self.at, self.starting, self.ready) = (at, starting, ready)
      (self.draining, self.limitedBy) = (draining, limitedBy)
    }

    /// What a policy decides.
    package var provisioned: Int { starting + ready }
    /// What the account pays for.
    package var total: Int { starting + ready + draining }
  }

  /// What surrounds the deployment, as it was recorded: values from an instant on, ascending.
  package struct Surroundings: Sendable {
    /// Replicas that the subscription leaves to this deployment; empty without a limit.
    package var room: [(at: Int64, replicas: Int)] = []
    /// Blocks of KV caches that requests held, of all replicas together.
    package var usedBlocks: [(at: Int64, blocks: Int64)] = []
    /// Of a replica; 0 without a KV cache.
    package var blocksOfReplica: Int64 = 0

    package init() {}
  }

  let maxReplicas: Int
  let maxBatchSize: Int
  private let minReplicas: Int
  /// µs.
  private let startup: Int64
  private let surroundings: Surroundings
  private var roomPlace = 0
  private var blocksPlace = 0
  var autoscaler: Autoscaler

  var replicas: [Replica]
  /// When each replica that starts is ready; `Int64.max` for others.
  private var readyAt: [Int64]
  private var nextReady = Int64.max
  private var startOrder = 0
  private(set) var starting = 0
  private(set) var ready = 0
  private(set) var draining = 0

  /// Requests that wait, and those that ready replicas serve.
  var waiting = 0
  var inService = 0
  /// The demand that the policy has been told of.
  private(set) var observed = 0
  /// Waiting requests in order of arrival; those that have ended are passed over.
  var queue: Deque<Int> = []
  /// Of each request, where it is.
  var places: [Int8] = []

  /// The shadow's replicas over time, the first at its start.
  package private(set) var changes: [Change] = []
  /// Time in which requests waited, µs, and how many at most.
  package private(set) var shortMicroseconds: Int64 = 0
  package private(set) var mostWaiting = 0
  /// Until when that has been counted.
  private var countedUntil: Int64

  /// - Parameters:
  ///   - start: µs since 1970.
  ///   - ready: replicas that are ready then, and `starting` those that start then; both within the policy's bounds.
  package init(
    _ scaling: Scenario.Scaling, from start: Int64, starting: Int, ready: Int, _ surroundings: Surroundings
  ) {
    (minReplicas, maxReplicas) = (scaling.minReplicas, scaling.maxReplicas)
    maxBatchSize = scaling.maxBatchSize
    startup = microseconds(scaling.startup.mean)
    self.surroundings = surroundings
    autoscaler = Autoscaler(scaling, kvBlocks: surroundings.blocksOfReplica)
    replicas = Array(repeating: Replica(), count: scaling.maxReplicas)
    readyAt = Array(repeating: .max, count: scaling.maxReplicas)
    countedUntil = start
    for _ in 0..<ready + starting { startReplica(at: start) }
    for slot in 0..<ready { makeReady(slot) }
    autoscaler.replicasChanged(to: ready + starting, demand: 0, at: start, notBefore: .min)
    record(at: start, limitedBy: .none)
  }

  /// Lets replicas get ready and the policy decide.
  /// - Parameter inclusive: whether also what happens at the very instant.
  func advance(to time: Int64, inclusive: Bool) {
    while true {
      let (ready, due) = (nextReady, autoscaler.due)
      let next = min(ready, due)
      guard next < time || (inclusive && next == time), next < .max else { return }
      count(until: next)
      if ready <= due { becomeReady(at: ready) } else { scale(at: due) }
      assert(checkInvariants())
    }
  }

  /// The recorded time is over.
  func finish(at end: Int64) {
    advance(to: end, inclusive: false)
    count(until: end)
  }

  func count(until time: Int64) {
    if waiting > 0 {
      shortMicroseconds += time - countedUntil
      mostWaiting = max(mostWaiting, waiting)
    }
    countedUntil = time
  }

  // MARK: The policy

  /// Tells the policy of demand that rises or falls by one at a time.
  func observe(_ demand: Int, at time: Int64) {
    while observed < demand {
      observed += 1
      _ = autoscaler.demandRose(to: observed, at: time)
    }
    while observed > demand {
      observed -= 1
      _ = autoscaler.demandFell(to: observed, at: time)
    }
  }

  private func scale(at time: Int64) {
    var observation = ScalingObservation(
      time: time, starting: starting, ready: ready, waiting: waiting, inService: inService)
    observation.usedBlocks = min(usedBlocks(at: time), Int64(ready) * surroundings.blocksOfReplica)
    guard let wanted = autoscaler.decide(observation) else { return }
    if wanted > starting + ready {
      add(wanted - starting - ready, at: time)
    } else {
      remove(downTo: wanted, at: time)
    }
  }

  private func usedBlocks(at time: Int64) -> Int64 {
    let list = surroundings.usedBlocks
    while blocksPlace + 1 < list.count, list[blocksPlace + 1].at <= time { blocksPlace += 1 }
    return blocksPlace < list.count && list[blocksPlace].at <= time ? list[blocksPlace].blocks : 0
  }

  private func room(at time: Int64) -> Int {
    let list = surroundings.room
    guard !list.isEmpty else { return .max }
    while roomPlace + 1 < list.count, list[roomPlace + 1].at <= time { roomPlace += 1 }
    return list[roomPlace].replicas
  }

  private func add(_ wanted: Int, at time: Int64) {
    let total = starting + ready + draining
    let allowed = min(wanted, maxReplicas - total)
    let granted = max(min(allowed, room(at: time) - total), 0)
    let limit: ReplicaLimit = granted < allowed ? .subscription : wanted > allowed ? .maxReplicas : .none
    for _ in 0..<granted { startReplica(at: time) }
    // As in a simulation: cut short, it looks again, but not in a tight loop.
    observeCapacity(at: time, notBefore: limit == .none ? .min : time + 1_000_000)
    record(at: time, limitedBy: limit)
  }

  private func remove(downTo wanted: Int, at time: Int64) {
    while starting + ready > wanted {
      if let slot = youngest(.starting) {
        release(slot)
      } else if let slot = youngest(.ready) {
        drain(slot, at: time)
      }
    }
    observeCapacity(at: time, notBefore: .min)
    record(at: time, limitedBy: .none)
  }

  private func observeCapacity(at time: Int64, notBefore: Int64) {
    autoscaler.replicasChanged(to: starting + ready, demand: observed, at: time, notBefore: notBefore)
  }

  // MARK: Replicas

  private func youngest(_ state: Replica.State) -> Int? {
    replicas.indices.filter { replicas[$0].state == state }.max {
      replicas[$0].startOrder < replicas[$1].startOrder
    }
  }

  private func startReplica(at time: Int64) {
    guard let slot = replicas.firstIndex(where: { $0.state == .free }) else { return }
    startOrder += 1
    replicas[slot] = Replica(state: .starting, startOrder: startOrder)
    starting += 1
    readyAt[slot] = time + startup
    nextReady = min(nextReady, readyAt[slot])
  }

  private func makeReady(_ slot: Int) {
    replicas[slot].state = .ready
    starting -= 1
    ready += 1
    readyAt[slot] = .max
    nextReady = readyAt.min() ?? .max
  }

  /// Of several, the one in the first place.
  private func becomeReady(at time: Int64) {
    guard let slot = readyAt.firstIndex(of: time) else { return }
    makeReady(slot)
    record(at: time, limitedBy: .none)
    fillSlots()
  }

  private func drain(_ slot: Int, at time: Int64) {
    inService -= replicas[slot].occupancy
    observe(observed - replicas[slot].occupancy, at: time)
    guard replicas[slot].occupancy > 0 else {
      release(slot)
      fillSlots()
      return
    }
    replicas[slot].state = .draining
    ready -= 1
    draining += 1
  }

  /// Gives a replica without requests back.
  func release(_ slot: Int) {
    switch replicas[slot].state {
    case .free: return
    case .starting: starting -= 1
    case .ready: ready -= 1
    case .draining: draining -= 1
    }
    replicas[slot] = Replica()
    readyAt[slot] = .max
    nextReady = readyAt.min() ?? .max
  }

  func record(at time: Int64, limitedBy limit: ReplicaLimit) {
    let change = Change(at: time, starting: starting, ready: ready, draining: draining, limitedBy: limit)
    if let last = changes.last, last.starting == starting, last.ready == ready, last.draining == draining,
      last.limitedBy == limit
    {
      return
    }
    changes.append(change)
  }

  private func checkInvariants() -> Bool {
    func count(_ state: Replica.State) -> Int { replicas.count { $0.state == state } }
    return starting == count(.starting) && ready == count(.ready) && draining == count(.draining)
      && starting + ready + draining <= maxReplicas && observed == waiting + inService
      && (waiting == 0 || inService == ready * maxBatchSize)
      && autoscaler.checkInvariants(demand: observed)
  }
}
