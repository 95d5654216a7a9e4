import Telemetry

/// What happens to replicas: start, ready, crash, drain, release; and to deployments as a whole.
extension ModelSimulation {
  /// Whether a control event takes or releases replicas of the account's pool.
  mutating func isShared(_ entry: EventList.Entry) -> Bool {
    let tag = ControlTag(bits: entry.tag)
    switch tag.control {
    case .deploy, .undeploy, .machineReclaimed, .machineGone: return true
    case .machineReady: return false
    case .step:
      return deployments[tag.deployment].phase == .undeploying
        || deployments[tag.deployment].replicas[tag.replica].state == .draining
    case .replicaReady: return deployments[tag.deployment].phase == .undeploying
    case .replicaCrash:
      let partner = max(deployments[tag.deployment].prefill, deployments[tag.deployment].decoder)
      return deployments[tag.deployment].phase == .undeploying || (partner >= 0 && mayRelease)
    case .handover: return mayRelease
    }
  }

  /// Whether the earliest departure may release a replica.
  var isSharedDeparture: Bool {
    mutating get {
      let departure = departures.first
      return deployments[departure.deployment].phase == .undeploying
        || deployments[departure.deployment].replicas[departure.replica].state == .draining
    }
  }

  mutating func apply(_ entry: EventList.Entry, pool: ReplicaPool?) -> SharedResult {
    let tag = ControlTag(bits: entry.tag)
    let (index, replica, generation) = (tag.deployment, tag.replica, tag.generation)
    switch tag.control {
    case .step: stepped(replica, of: index, generation, at: entry.time, pool)
    case .handover: handedOver(generation, at: entry.time, pool)
    case .machineReady: machineReady(replica, of: index, generation, at: entry.time)
    case .machineReclaimed:
      if let pool { machineReclaimed(replica, of: index, generation, at: entry.time, pool) }
    case .machineGone: if let pool { machineGone(replica, of: index, generation, at: entry.time, pool) }
    case .replicaReady: replicaReady(replica, of: index, generation, at: entry.time, pool)
    case .replicaCrash: replicaCrashed(replica, of: index, generation, at: entry.time, pool)
    case .undeploy:
      guard let pool else { break }
      let waited = deployments[index].phase == .pending
      undeploy(index, at: entry.time, pool)
      if waited { return .gaveUp(deployment: index) }
    case .deploy: if let pool, !deploy(index, at: entry.time, pool) { return .needsRoom(deployment: index) }
    }
    return .done
  }

  // MARK: Deployments

  /// Starts the first replicas. `false` if they find no room under the subscription.
  mutating func deploy(_ index: Int, at time: Int64, _ pool: ReplicaPool) -> Bool {
    deploy(index, with: deployments[index].firstReplicas, at: time, pool)
  }

  /// Whether the subscription has room for the first replicas.
  mutating func hasRoom(for index: Int, _ pool: ReplicaPool) -> Bool {
    pool.available(on: deployments[index].hardware) >= deployments[index].firstReplicas
  }

  /// - Parameter hasMachines: whether the replicas have their machines already.
  private mutating func deploy(
    _ index: Int, with first: Int, at time: Int64, hasMachines: Bool = false, _ pool: ReplicaPool
  ) -> Bool {
    guard deployments[index].phase == .planned || deployments[index].phase == .pending else { return true }
    guard pool.available(on: deployments[index].hardware) >= first else {
      deployments[index].phase = .pending
      return false
    }
    let taken = pool.take(upTo: first, on: deployments[index].hardware).taken
    deployments[index].phase = .deploying
    for _ in 0..<taken { startReplica(index, at: time, hasMachine: hasMachines) }
    // One that may have no replica takes requests from now on: they are held.
    if first == 0 { becomeDeployed(index, at: time) }
    observeCapacity(index, at: time)
    record(index, at: time, limitedBy: .none)
    return true
  }

  /// A deployment from before the simulation: its replicas are ready. `false` if they find no room.
  mutating func deployBeforehand(
    _ index: Int, requestedAt: Int64, at time: Int64, _ pool: ReplicaPool
  ) -> Bool {
    log.isHeld = true
    defer { log.isHeld = false }
    guard deploy(index, with: deployments[index].minReplicas, at: time, hasMachines: true, pool) else {
      return false
    }
    controls.removeAll {
      let tag = ControlTag(bits: $0.tag)
      return tag.deployment == index && tag.control == .replicaReady
    }
    for replica in 0..<deployments[index].minReplicas {
      replicaReady(replica, of: index, deployments[index].replicas[replica].generation, at: time, pool)
    }
    deployments[index].deployedAt = requestedAt
    log.isHeld = false
    record(index, at: time, limitedBy: .none)
    return true
  }

  private mutating func undeploy(_ index: Int, at time: Int64, _ pool: ReplicaPool) {
    switch deployments[index].phase {
    case .planned, .pending:
      deployments[index].phase = .ended
      finishDecoding(index, at: time, pool)
    case .deploying, .deployed:
      deployments[index].phase = .undeploying
      mayRelease = true
      chooseActive()
      observeCapacity(index, at: time)
      if deployments[index].provisioned == 0 { failHeld(index, at: time) }
      finishUndeploying(index, at: time, pool)
      record(index, at: time, limitedBy: .none)
    case .undeploying, .ended:
      break
    }
  }

  /// Releases what an undeploying deployment no longer needs, and ends it with its last replica.
  mutating func finishUndeploying(_ index: Int, at time: Int64, _ pool: ReplicaPool) {
    guard deployments[index].phase == .undeploying, deployments[index].queue.count == 0 else { return }
    // Those that it is to decode may not have been read yet.
    let prefill = deployments[index].prefill
    guard prefill < 0 || deployments[prefill].phase == .ended else { return }
    while let replica = deployments[index].youngest(.starting) { free(replica, of: index, at: time, pool) }
    while let replica = deployments[index].youngest(.ready) { drain(replica, of: index, at: time, pool) }
    if deployments[index].total == 0 {
      deployments[index].phase = .ended
      deployments[index].undeployedAt = time
      finishDecoding(index, at: time, pool)
    }
    record(index, at: time, limitedBy: .none)
  }

  /// A deployment that reads prompts for another has ended: no more will come there.
  private mutating func finishDecoding(_ index: Int, at time: Int64, _ pool: ReplicaPool) {
    let decoder = deployments[index].decoder
    if decoder >= 0 { finishUndeploying(decoder, at: time, pool) }
  }

  /// Which deployments take new requests, and the shares in which they do: those stated; one without a
  /// share takes the rest; alone, any takes all.
  mutating func chooseActive() {
    let deployed = deployments.indices.filter { index in
      guard deployments[index].phase == .deployed, deployments[index].decoder < 0 else { return false }
      let prefill = deployments[index].prefill
      return prefill < 0 || deployments[prefill].phase == .deployed
    }
    let stated = deployed.reduce(0) { $0 + (deployments[$1].traffic ?? 0) }
    let hasRest = deployed.contains { deployments[$0].traffic == nil }
    let rest = hasRest ? max(0, 1 - stated) : 0
    var sum = 0.0
    active = deployed.map { index in
      sum += deployments[index].traffic ?? rest
      return (index, sum)
    }
    if sum > 0 { active = active.map { ($0.deployment, $0.share / sum) } }
    soleActive = active.isEmpty ? -1 : active.count == 1 ? active[0].deployment : -2
  }

  // MARK: Replicas

  /// A replica that the pool has granted starts.
  /// - Parameter hasMachine: whether it need not ask for one.
  mutating func startReplica(_ index: Int, at time: Int64, hasMachine: Bool = false) {
    guard
      let slot = (0..<deployments[index].maxReplicas).first(where: {
        deployments[index].replicas[$0].state == .free
      })
    else { return }
    deployments[index].startOrder += 1
    deployments[index].setState(.starting, of: slot)
    deployments[index].setOccupancy(0, of: slot)
    deployments[index].replicas[slot].generation &+= 1
    deployments[index].replicas[slot].startOrder = deployments[index].startOrder
    deployments[index].starting += 1
    if deployments[index].machines == nil {
      boot(slot, of: index, at: time)
    } else {
      orderMachine(slot, of: index, at: time, isThere: hasMachine)
    }
  }

  /// A replica that has a machine will be ready after its startup.
  mutating func boot(_ replica: Int, of index: Int, at time: Int64) {
    let delay = microseconds(deployments[index].startup.draw(from: deployments[index].startupStream))
    schedule(.replicaReady, index, replica, at: time + delay)
  }

  mutating func schedule(_ control: ControlTag.Control, _ index: Int, _ replica: Int, at time: Int64) {
    let generation = deployments[index].replicas[replica].generation
    controls.insert(
      time: time, tag: ControlTag(control, index, replica: replica, generation: generation).bits)
    nextTimer = min(nextTimer, time)
  }

  private mutating func replicaReady(
    _ replica: Int, of index: Int, _ generation: UInt32, at time: Int64,
    _ pool: ReplicaPool?
  ) {
    guard deployments[index].replicas[replica].generation == generation,
      deployments[index].replicas[replica].state == .starting
    else { return }
    deployments[index].setState(.ready, of: replica)
    deployments[index].starting -= 1
    deployments[index].ready += 1
    deployments[index].freeSlots += deployments[index].maxBatchSize
    if deployments[index].crashes {
      let life = microseconds(
        deployments[index].timeBetweenCrashes.draw(from: deployments[index].crashStream))
      schedule(.replicaCrash, index, replica, at: time + max(life, 1))
    }
    if deployments[index].phase == .deploying { becomeDeployed(index, at: time) }
    record(index, at: time, limitedBy: .none)
    serveWaiting(index, at: time)
    if let pool { finishUndeploying(index, at: time, pool) }
  }

  private mutating func becomeDeployed(_ index: Int, at time: Int64) {
    deployments[index].phase = .deployed
    deployments[index].deployedAt = time
    chooseActive()
  }

  /// Fills free slots from the queue.
  mutating func serveWaiting(_ index: Int, at time: Int64) {
    while deployments[index].freeSlots > 0, deployments[index].queue.count > 0 {
      let sequence =
        deployments[index].queue.removeNext()
      let replica = deployments[index].occupyLeast()
      deployments[index].freeSlots -= 1
      serve(sequence, index, replica, at: time)
    }
  }

  /// All that it serves fails; it restarts, and goes on being paid for.
  private mutating func replicaCrashed(
    _ replica: Int, of index: Int, _ generation: UInt32, at time: Int64,
    _ pool: ReplicaPool?
  ) {
    guard deployments[index].replicas[replica].generation == generation,
      deployments[index].replicas[replica].state == .ready
    else { return }
    loseRequests(of: replica, of: index, at: time, pool)
    let occupancy = deployments[index].replicas[replica].occupancy
    deployments[index].freeSlots -= deployments[index].maxBatchSize - occupancy
    lowerDemand(index, by: occupancy, at: time)
    deployments[index].setOccupancy(0, of: replica)
    deployments[index].setState(.starting, of: replica)
    deployments[index].replicas[replica].generation &+= 1
    deployments[index].ready -= 1
    deployments[index].starting += 1
    let repair = microseconds(deployments[index].timeToRepair.draw(from: deployments[index].crashStream))
    schedule(.replicaReady, index, replica, at: time + max(repair, 1))
    // The machine is the same.
    if let reclaim = deployments[index].machines?.reclaim(of: replica) {
      schedule(.machineReclaimed, index, replica, at: max(reclaim, time))
    }
    record(index, at: time, limitedBy: .none)
    if let pool { finishUndeploying(index, at: time, pool) }
  }

  /// All that a replica serves fails.
  mutating func loseRequests(of replica: Int, of index: Int, at time: Int64, _ pool: ReplicaPool?) {
    let lost = departures.removeAll(deployment: index, replica: replica)
    var unfinished =
      deployments[index].isBatching ? deployments[index].batches[replica].removeAll(at: time) : []
    for sequence in lost { end(sequence, FailureReason.replicaLost.code, at: time) }
    if deployments[index].prefill >= 0 {
      unfinished += loseHandovers(to: index, replica, at: time, pool).map { ($0, true) }
      unfinished.sort { $0.sequence < $1.sequence }
    } else if deployments[index].decoder >= 0 {
      for request in unfinished { withdraw(request.sequence, at: time, pool) }
    }
    batched -= unfinished.count
    for (sequence, hasStarted) in unfinished {
      let row = ring.row(sequence)
      if !hasStarted { ring.waiting[row] = time - ring.arrivedAt[row] }
      end(sequence, FailureReason.replicaLost.code, at: time)
    }
  }

  /// A ready replica takes no new requests; it is released when it has served those it has.
  mutating func drain(
    _ replica: Int, of index: Int, at time: Int64, _ pool: ReplicaPool
  ) {
    let occupancy = deployments[index].replicas[replica].occupancy
    deployments[index].freeSlots -= deployments[index].maxBatchSize - occupancy
    lowerDemand(index, by: occupancy, at: time)
    if occupancy == 0 {
      free(replica, of: index, at: time, pool)
    } else {
      deployments[index].setState(.draining, of: replica)
      deployments[index].ready -= 1
      deployments[index].draining += 1
      mayRelease = true
    }
  }

  /// Gives a replica without requests back to the pool.
  mutating func free(_ replica: Int, of index: Int, at time: Int64, _ pool: ReplicaPool) {
    switch deployments[index].replicas[replica].state {
    case .free: return
    case .starting: deployments[index].starting -= 1
    case .ready: deployments[index].ready -= 1
    case .draining: deployments[index].draining -= 1
    }
    deployments[index].setState(.free, of: replica)
    // Another replica, with another memory, may stand in its place later.
    if deployments[index].isBatching { deployments[index].batches[replica].forget() }
    pool.release(1, on: deployments[index].hardware)
    if deployments[index].machines != nil { giveMachineBack(replica, of: index, at: time, pool) }
  }

  /// The earliest departure, of a draining replica or an undeploying deployment.
  mutating func departAndRelease(_ pool: ReplicaPool) {
    let departure = departures.first
    let (index, replica, time) = (departure.deployment, departure.replica, departure.time)
    if deployments[index].replicas[replica].state == .draining {
      departures.removeFirst()
      if deployments[index].mayLose {
        end(departure.sequence, UInt8(ring.latency[ring.row(departure.sequence)]), at: time)
      }
      deployments[index].setOccupancy(deployments[index].replicas[replica].occupancy - 1, of: replica)
      if deployments[index].replicas[replica].occupancy == 0 {
        free(replica, of: index, at: time, pool)
        record(index, at: time, limitedBy: .none)
      }
    } else {
      depart()
    }
    finishUndeploying(index, at: time, pool)
    noteReleases()
  }

  /// Whether departures may release replicas from now on.
  mutating func noteReleases() {
    mayRelease = deployments.indices.contains {
      deployments[$0].draining > 0 || deployments[$0].phase == .undeploying
    }
  }

  mutating func record(_ index: Int, at time: Int64, limitedBy limit: ReplicaLimit) {
    log.record(
      .init(
        at: time, deployment: index,
        starting: deployments[index].starting - (deployments[index].machines?.awaited ?? 0),
        ready: deployments[index].ready,
        draining: deployments[index].draining, limitedBy: limit))
  }
}
