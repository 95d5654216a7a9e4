import Telemetry

/// Adds replicas when demand has exceeded capacity for `scaleUpDelay` without a break, and removes them when
/// capacity has exceeded demand for `scaleDownDelay`. Demand is the requests waiting and served; capacity is
/// (starting + ready) × maxBatchSize. It exceeds demand when one replica less would do.
extension ModelLane {
  @inline(__always)
  mutating func raiseDemand(_ deployment: UnsafeMutablePointer<DeploymentState>, at time: Int64) {
    deployment.pointee.demand += 1
    let demand = deployment.pointee.demand
    if demand == deployment.pointee.upThreshold &+ 1 {
      deployment.pointee.upDeadline = time + deployment.pointee.scaleUpDelay
      nextTimer = min(nextTimer, deployment.pointee.upDeadline)
    }
    if deployment.pointee.downDeadline != .max {
      if demand > deployment.pointee.downThreshold {
        deployment.pointee.downDeadline = .max
      } else if demand > deployment.pointee.peakDemand {
        deployment.pointee.peakDemand = demand
      }
    }
  }

  @inline(__always)
  mutating func lowerDemand(_ deployment: UnsafeMutablePointer<DeploymentState>, at time: Int64) {
    deployment.pointee.demand -= 1
    let demand = deployment.pointee.demand
    if demand == deployment.pointee.upThreshold { deployment.pointee.upDeadline = .max }
    if demand == deployment.pointee.downThreshold { startSurplus(deployment, at: time) }
  }

  private mutating func startSurplus(_ deployment: UnsafeMutablePointer<DeploymentState>, at time: Int64) {
    deployment.pointee.downDeadline = time + deployment.pointee.scaleDownDelay
    deployment.pointee.peakDemand = deployment.pointee.demand
    nextTimer = min(nextTimer, deployment.pointee.downDeadline)
  }

  /// After a change of replicas: both delays start anew, where they are due.
  /// - Parameter notBefore: the earliest moment of another attempt to add replicas.
  mutating func observeCapacity(_ index: Int, at time: Int64, notBefore: Int64 = .min) {
    let deployment = deployments + index
    deployment.pointee.upDeadline = .max
    deployment.pointee.downDeadline = .max
    guard deployment.pointee.phase == .deploying || deployment.pointee.phase == .deployed else {
      deployment.pointee.upThreshold = .max
      deployment.pointee.downThreshold = -1
      return
    }
    let provisioned = deployment.pointee.provisioned
    let batch = deployment.pointee.maxBatchSize
    deployment.pointee.upThreshold = provisioned * batch
    deployment.pointee.downThreshold =
      provisioned > deployment.pointee.minReplicas ? (provisioned - 1) * batch : -1
    if deployment.pointee.demand > deployment.pointee.upThreshold {
      deployment.pointee.upDeadline = max(time + deployment.pointee.scaleUpDelay, notBefore)
      nextTimer = min(nextTimer, deployment.pointee.upDeadline)
    }
    if deployment.pointee.demand <= deployment.pointee.downThreshold { startSurplus(deployment, at: time) }
  }

  /// Demand fell or rose by more than one, while capacity is what it was: delays that still hold go on.
  mutating func observeDemand(_ index: Int, at time: Int64) {
    let deployment = deployments + index
    let demand = deployment.pointee.demand
    if demand <= deployment.pointee.upThreshold { deployment.pointee.upDeadline = .max }
    if demand <= deployment.pointee.downThreshold, deployment.pointee.downDeadline == .max {
      startSurplus(deployment, at: time)
    }
  }

  mutating func scaleUp(_ index: Int, at time: Int64, pool: UnsafeMutablePointer<ReplicaPool>) {
    let deployment = deployments + index
    let batch = deployment.pointee.maxBatchSize
    let wanted = (deployment.pointee.demand + batch - 1) / batch - deployment.pointee.provisioned
    let room = deployment.pointee.maxReplicas - deployment.pointee.total
    var limit = ReplicaLimit.none
    if wanted > room { limit = .maxReplicas }
    let granted = pool.pointee.take(upTo: min(wanted, room))
    if granted < min(wanted, room) { limit = .subscription }
    for _ in 0..<granted { startReplica(index, at: time) }
    // Cut short: demand may go on exceeding capacity, so look again after the delay, but not in a tight loop.
    observeCapacity(index, at: time, notBefore: limit == .none ? .min : time + 1_000_000)
    record(index, at: time, limitedBy: limit)
  }

  mutating func scaleDown(_ index: Int, at time: Int64, pool: UnsafeMutablePointer<ReplicaPool>) {
    let deployment = deployments + index
    let batch = deployment.pointee.maxBatchSize
    let needed = max(deployment.pointee.minReplicas, (deployment.pointee.peakDemand + batch - 1) / batch)
    while deployment.pointee.provisioned > needed {
      // Those that do not serve yet go first.
      if let replica = deployment.pointee.youngest(.starting) {
        free(replica, of: index, pool)
      } else if let replica = deployment.pointee.youngest(.ready) {
        drain(replica, of: index, pool)
      }
    }
    observeCapacity(index, at: time)
    record(index, at: time, limitedBy: .none)
  }
}
