import Telemetry

/// Machines of a pool: a replica asks for one when it starts; a spot machine may be wanted back.
extension ModelSimulation {
  /// A replica that starts asks the pool for a machine.
  mutating func orderMachine(_ replica: Int, of index: Int, at time: Int64, isThere: Bool) {
    guard let machines = deployments[index].machines else { return }
    let arrival = machines.order(replica, at: time, isThere: isThere)
    if arrival > time {
      schedule(.machineReady, index, replica, at: arrival)
    } else {
      arrive(replica, of: index, at: time)
    }
  }

  private mutating func arrive(_ replica: Int, of index: Int, at time: Int64) {
    if let reclaim = deployments[index].machines?.arrive(replica) {
      schedule(.machineReclaimed, index, replica, at: reclaim)
    }
    boot(replica, of: index, at: time)
  }

  mutating func machineReady(_ replica: Int, of index: Int, _ generation: UInt32, at time: Int64) {
    guard deployments[index].replicas[replica].generation == generation,
      deployments[index].replicas[replica].state == .starting
    else { return }
    arrive(replica, of: index, at: time)
    record(index, at: time, limitedBy: .none)
  }

  /// The provider gives notice that it wants a machine back. Its replica takes no more requests, and another starts at once
  /// if there is room for it, else as soon as this one is gone.
  mutating func machineReclaimed(
    _ replica: Int, of index: Int, _ generation: UInt32, at time: Int64, _ pool: ReplicaPool
  ) {
    guard deployments[index].replicas[replica].generation == generation,
      let machines = deployments[index].machines
    else { return }
    let gone = time + machines.notice
    switch deployments[index].replicas[replica].state {
    case .free: return
    case .starting:
      // It serves nothing that could be lost, and need not get ready any more: it goes to another machine at once.
      reclaims.append(.init(deployment: index, at: time, gone: time))
      _ = machines.giveBack(replica)
      deployments[index].replicas[replica].generation &+= 1
      orderMachine(replica, of: index, at: time, isThere: false)
    case .draining:
      reclaims.append(.init(deployment: index, at: time, gone: gone))
      schedule(.machineGone, index, replica, at: gone)
    case .ready:
      reclaims.append(.init(deployment: index, at: time, gone: gone))
      schedule(.machineGone, index, replica, at: gone)
      replace(replica, of: index, at: time, pool)
      drain(replica, of: index, at: time, pool)
      observeCapacity(index, at: time)
      if deployments[index].phase == .undeploying, deployments[index].provisioned == 0 {
        failHeld(index, at: time)
      }
    }
    record(index, at: time, limitedBy: .none)
    finishUndeploying(index, at: time, pool)
    noteReleases()
  }

  private mutating func replace(_ replica: Int, of index: Int, at time: Int64, _ pool: ReplicaPool) {
    guard isScaled(index) else { return }
    if deployments[index].total < deployments[index].maxReplicas,
      pool.take(upTo: 1, on: deployments[index].hardware).taken == 1
    {
      startReplica(index, at: time)
    } else {
      deployments[index].machines?.replaceWhenGone(replica)
    }
  }

  /// The end of the notice: what the replica still serves is cut off.
  mutating func machineGone(
    _ replica: Int, of index: Int, _ generation: UInt32, at time: Int64, _ pool: ReplicaPool
  ) {
    guard deployments[index].replicas[replica].generation == generation,
      deployments[index].replicas[replica].state == .draining
    else { return }
    loseRequests(of: replica, of: index, at: time, pool)
    deployments[index].setOccupancy(0, of: replica)
    free(replica, of: index, at: time, pool)
    record(index, at: time, limitedBy: .none)
    finishUndeploying(index, at: time, pool)
    noteReleases()
  }

  /// A replica is gone, and the pool has its place.
  mutating func giveMachineBack(_ replica: Int, of index: Int, at time: Int64, _ pool: ReplicaPool) {
    guard deployments[index].machines?.giveBack(replica) == true, isScaled(index),
      pool.take(upTo: 1, on: deployments[index].hardware).taken == 1
    else { return }
    startReplica(index, at: time)
    observeCapacity(index, at: time)
  }

  /// Whether the deployment is to have replicas.
  private func isScaled(_ index: Int) -> Bool {
    deployments[index].phase == .deploying || deployments[index].phase == .deployed
  }
}
