import Telemetry

/// What happens to replicas: start, ready, crash, drain, release; and to deployments as a whole.
extension ModelLane {
  static func controlTag(_ control: Control, _ deployment: Int, replica: Int = 0, generation: UInt32 = 0)
    -> UInt64
  {
    control.rawValue << 56 | UInt64(deployment) << 40 | UInt64(replica) << 32 | UInt64(generation)
  }

  private static func decodeControl(
    _ tag: UInt64
  ) -> (control: Control, deployment: Int, replica: Int, generation: UInt32) {
    let control = Control(rawValue: tag >> 56) ?? .deploy
    return (control, Int(tag >> 40) & 0xffff, Int(tag >> 32) & 0xff, UInt32(truncatingIfNeeded: tag))
  }

  /// Whether a control event takes or releases replicas of the account's pool.
  func isShared(_ entry: EventList.Entry) -> Bool {
    let (control, deployment, replica, _) = Self.decodeControl(entry.tag)
    switch control {
    case .deploy, .undeploy: return true
    case .step:
      return (deployments + deployment).pointee.phase == .undeploying
        || (deployments + deployment).pointee.replicas[replica].state == .draining
    case .replicaReady, .replicaCrash: return (deployments + deployment).pointee.phase == .undeploying
    }
  }

  /// Whether the earliest departure may release a replica.
  var isSharedDeparture: Bool {
    let departure = departures.first
    let deployment = deployments + departure.deployment
    return deployment.pointee.phase == .undeploying
      || deployment.pointee.replicas[departure.replica].state == .draining
  }

  mutating func apply(_ entry: EventList.Entry, pool: UnsafeMutablePointer<ReplicaPool>?) -> SharedResult {
    let (control, index, replica, generation) = Self.decodeControl(entry.tag)
    switch control {
    case .step: stepped(replica, of: index, generation, at: entry.time, pool)
    case .replicaReady: replicaReady(replica, of: index, generation, at: entry.time, pool)
    case .replicaCrash: replicaCrashed(replica, of: index, generation, at: entry.time, pool)
    case .undeploy:
      guard let pool else { break }
      let waited = (deployments + index).pointee.phase == .pending
      undeploy(index, at: entry.time, pool)
      if waited { return .gaveUp(deployment: index) }
    case .deploy: if let pool, !deploy(index, at: entry.time, pool) { return .needsRoom(deployment: index) }
    }
    return .done
  }

  // MARK: Deployments

  /// Starts the first replicas. `false` if they find no room under the subscription.
  mutating func deploy(_ index: Int, at time: Int64, _ pool: UnsafeMutablePointer<ReplicaPool>) -> Bool {
    let deployment = deployments + index
    guard deployment.pointee.phase == .planned || deployment.pointee.phase == .pending else { return true }
    guard pool.pointee.available >= deployment.pointee.minReplicas else {
      deployment.pointee.phase = .pending
      return false
    }
    let taken = pool.pointee.take(upTo: deployment.pointee.minReplicas)
    deployment.pointee.phase = .deploying
    for _ in 0..<taken { startReplica(index, at: time) }
    observeCapacity(index, at: time)
    record(index, at: time, limitedBy: .none)
    return true
  }

  /// A deployment from before the simulation: its replicas are ready. `false` if they find no room.
  mutating func deployBeforehand(
    _ index: Int, requestedAt: Int64, at time: Int64, _ pool: UnsafeMutablePointer<ReplicaPool>
  ) -> Bool {
    let deployment = deployments + index
    log.isHeld = true
    defer { log.isHeld = false }
    guard deploy(index, at: time, pool) else { return false }
    controls.removeAll {
      Self.decodeControl($0.tag).deployment == index && Self.decodeControl($0.tag).control == .replicaReady
    }
    for replica in 0..<deployment.pointee.minReplicas {
      replicaReady(replica, of: index, deployment.pointee.replicas[replica].generation, at: time, pool)
    }
    deployment.pointee.deployedAt = requestedAt
    log.isHeld = false
    record(index, at: time, limitedBy: .none)
    return true
  }

  private mutating func undeploy(_ index: Int, at time: Int64, _ pool: UnsafeMutablePointer<ReplicaPool>) {
    let deployment = deployments + index
    switch deployment.pointee.phase {
    case .planned, .pending:
      deployment.pointee.phase = .ended
    case .deploying, .deployed:
      deployment.pointee.phase = .undeploying
      mayRelease = true
      chooseActive()
      observeCapacity(index, at: time)
      finishUndeploying(index, at: time, pool)
      record(index, at: time, limitedBy: .none)
    case .undeploying, .ended:
      break
    }
  }

  /// Releases what an undeploying deployment no longer needs, and ends it with its last replica.
  mutating func finishUndeploying(_ index: Int, at time: Int64, _ pool: UnsafeMutablePointer<ReplicaPool>) {
    let deployment = deployments + index
    guard deployment.pointee.phase == .undeploying, deployment.pointee.line.count == 0 else { return }
    while let replica = deployment.pointee.youngest(.starting) { free(replica, of: index, pool) }
    while let replica = deployment.pointee.youngest(.ready) { drain(replica, of: index, at: time, pool) }
    if deployment.pointee.total == 0 {
      deployment.pointee.phase = .ended
      deployment.pointee.undeployedAt = time
    }
    record(index, at: time, limitedBy: .none)
  }

  /// Which deployments take new requests, and the shares in which they do: those stated; one without a
  /// share takes the rest; alone, any takes all.
  mutating func chooseActive() {
    let deployed = (0..<deploymentCount).filter { (deployments + $0).pointee.phase == .deployed }
    let stated = deployed.reduce(0) { $0 + ((deployments + $1).pointee.traffic ?? 0) }
    let hasRest = deployed.contains { (deployments + $0).pointee.traffic == nil }
    let rest = hasRest ? max(0, 1 - stated) : 0
    var sum = 0.0
    active = deployed.map { index in
      sum += (deployments + index).pointee.traffic ?? rest
      return (index, sum)
    }
    if sum > 0 { active = active.map { ($0.deployment, $0.share / sum) } }
    soleActive = active.isEmpty ? -1 : active.count == 1 ? active[0].deployment : -2
  }

  // MARK: Replicas

  /// A replica that the pool has granted starts.
  mutating func startReplica(_ index: Int, at time: Int64) {
    let deployment = deployments + index
    guard
      let slot = (0..<deployment.pointee.maxReplicas).first(where: {
        deployment.pointee.replicas[$0].state == .free
      })
    else { return }
    deployment.pointee.startOrder += 1
    deployment.pointee.setState(.starting, of: slot)
    deployment.pointee.setOccupancy(0, of: slot)
    deployment.pointee.replicas[slot].generation &+= 1
    deployment.pointee.replicas[slot].startOrder = deployment.pointee.startOrder
    deployment.pointee.starting += 1
    let delay = microseconds(deployment.pointee.startup.draw(from: deployment.pointee.startupStream))
    schedule(.replicaReady, index, slot, at: time + delay)
  }

  private mutating func schedule(_ control: Control, _ index: Int, _ replica: Int, at time: Int64) {
    let generation = (deployments + index).pointee.replicas[replica].generation
    controls.insert(
      time: time, tag: Self.controlTag(control, index, replica: replica, generation: generation))
    nextTimer = min(nextTimer, time)
  }

  private mutating func replicaReady(
    _ replica: Int, of index: Int, _ generation: UInt32, at time: Int64,
    _ pool: UnsafeMutablePointer<ReplicaPool>?
  ) {
    let deployment = deployments + index
    guard deployment.pointee.replicas[replica].generation == generation,
      deployment.pointee.replicas[replica].state == .starting
    else { return }
    deployment.pointee.setState(.ready, of: replica)
    deployment.pointee.starting -= 1
    deployment.pointee.ready += 1
    deployment.pointee.freeSlots += deployment.pointee.maxBatchSize
    if deployment.pointee.crashes {
      let life = microseconds(
        deployment.pointee.timeBetweenCrashes.draw(from: deployment.pointee.crashStream))
      schedule(.replicaCrash, index, replica, at: time + max(life, 1))
    }
    if deployment.pointee.phase == .deploying {
      deployment.pointee.phase = .deployed
      deployment.pointee.deployedAt = time
      chooseActive()
    }
    record(index, at: time, limitedBy: .none)
    serveWaiting(index, at: time)
    if let pool { finishUndeploying(index, at: time, pool) }
  }

  /// Fills free slots from the waiting line.
  mutating func serveWaiting(_ index: Int, at time: Int64) {
    let deployment = deployments + index
    while deployment.pointee.freeSlots > 0, deployment.pointee.line.count > 0 {
      let sequence =
        deployment.pointee.isLifo
        ? deployment.pointee.line.removeNewest() : deployment.pointee.line.removeOldest()
      let replica = deployment.pointee.occupyLeast()
      deployment.pointee.freeSlots -= 1
      serve(sequence, deployment, index, replica, at: time)
    }
  }

  /// All that it serves fails; it restarts, and goes on being paid for.
  private mutating func replicaCrashed(
    _ replica: Int, of index: Int, _ generation: UInt32, at time: Int64,
    _ pool: UnsafeMutablePointer<ReplicaPool>?
  ) {
    let deployment = deployments + index
    guard deployment.pointee.replicas[replica].generation == generation,
      deployment.pointee.replicas[replica].state == .ready
    else { return }
    let lost = departures.removeAll(deployment: index, replica: replica)
    let unfinished =
      deployment.pointee.isBatching ? (deployment.pointee.batches + replica).pointee.removeAll() : []
    batched -= unfinished.count
    for sequence in lost + unfinished { end(sequence, RequestOutcome.replicaLost, at: time) }
    let occupancy = deployment.pointee.replicas[replica].occupancy
    deployment.pointee.freeSlots -= deployment.pointee.maxBatchSize - occupancy
    lowerDemand(deployment, by: occupancy, at: time)
    deployment.pointee.setOccupancy(0, of: replica)
    deployment.pointee.setState(.starting, of: replica)
    deployment.pointee.replicas[replica].generation &+= 1
    deployment.pointee.ready -= 1
    deployment.pointee.starting += 1
    let repair = microseconds(deployment.pointee.timeToRepair.draw(from: deployment.pointee.crashStream))
    schedule(.replicaReady, index, replica, at: time + max(repair, 1))
    record(index, at: time, limitedBy: .none)
    if let pool { finishUndeploying(index, at: time, pool) }
  }

  /// A ready replica takes no new requests; it is released when it has served those it has.
  mutating func drain(
    _ replica: Int, of index: Int, at time: Int64, _ pool: UnsafeMutablePointer<ReplicaPool>
  ) {
    let deployment = deployments + index
    let occupancy = deployment.pointee.replicas[replica].occupancy
    deployment.pointee.freeSlots -= deployment.pointee.maxBatchSize - occupancy
    lowerDemand(deployment, by: occupancy, at: time)
    if occupancy == 0 {
      free(replica, of: index, pool)
    } else {
      deployment.pointee.setState(.draining, of: replica)
      deployment.pointee.ready -= 1
      deployment.pointee.draining += 1
      mayRelease = true
    }
  }

  /// Gives a replica without requests back to the pool.
  mutating func free(_ replica: Int, of index: Int, _ pool: UnsafeMutablePointer<ReplicaPool>) {
    let deployment = deployments + index
    switch deployment.pointee.replicas[replica].state {
    case .free: return
    case .starting: deployment.pointee.starting -= 1
    case .ready: deployment.pointee.ready -= 1
    case .draining: deployment.pointee.draining -= 1
    }
    deployment.pointee.setState(.free, of: replica)
    pool.pointee.release(1)
  }

  /// The earliest departure, of a draining replica or an undeploying deployment.
  mutating func departAndRelease(_ pool: UnsafeMutablePointer<ReplicaPool>) {
    let departure = departures.first
    let (index, replica, time) = (departure.deployment, departure.replica, departure.time)
    let deployment = deployments + index
    if deployment.pointee.replicas[replica].state == .draining {
      departures.removeFirst()
      if deployment.pointee.crashes {
        end(departure.sequence, UInt8(ring.latency[ring.row(departure.sequence)]), at: time)
      }
      deployment.pointee.setOccupancy(deployment.pointee.replicas[replica].occupancy - 1, of: replica)
      if deployment.pointee.replicas[replica].occupancy == 0 {
        free(replica, of: index, pool)
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
    mayRelease = (0..<deploymentCount).contains {
      (deployments + $0).pointee.draining > 0 || (deployments + $0).pointee.phase == .undeploying
    }
  }

  mutating func record(_ index: Int, at time: Int64, limitedBy limit: ReplicaLimit) {
    let deployment = deployments + index
    log.record(
      .init(
        at: time, deployment: index, starting: deployment.pointee.starting, ready: deployment.pointee.ready,
        draining: deployment.pointee.draining, limitedBy: limit))
  }
}
