import Telemetry

/// Adds replicas when demand has exceeded capacity for `scaleUpDelay` without a break. Removes them down to what the
/// largest demand of the last `scaleDownDelay` needed, whatever was removed in that time: a sliding window, as
/// Kubernetes' stabilisation window is. Demand is the requests waiting and served; capacity is
/// (starting + ready) × maxBatchSize.
///
/// Of the demand of the past it is enough to know when it last came down to what one, two, three, … replicas serve: so
/// many were enough in the whole window if that was before it. So the loop looks at nothing but whether demand crosses a
/// multiple of `maxBatchSize`, which is also where both delays start and end.
extension ModelLane {
  @inline(__always)
  mutating func raiseDemand(_ deployment: UnsafeMutablePointer<DeploymentState>, at time: Int64) {
    deployment.pointee.demand += 1
    if deployment.pointee.demand > deployment.pointee.levelCeiling { riseAbove(deployment, at: time) }
  }

  @inline(__always)
  mutating func lowerDemand(_ deployment: UnsafeMutablePointer<DeploymentState>, at time: Int64) {
    deployment.pointee.demand -= 1
    if deployment.pointee.demand == deployment.pointee.levelFloor { comeDown(deployment, at: time) }
  }

  /// Demand has just grown beyond what `level` replicas serve.
  @inline(__always)
  private mutating func riseAbove(_ deployment: UnsafeMutablePointer<DeploymentState>, at time: Int64) {
    let ceiling = deployment.pointee.levelCeiling
    let batch = deployment.pointee.maxBatchSize
    if ceiling == deployment.pointee.upThreshold {
      deployment.pointee.upDeadline = time + deployment.pointee.scaleUpDelay
      nextTimer = min(nextTimer, deployment.pointee.upDeadline)
    }
    if ceiling == deployment.pointee.downThreshold { deployment.pointee.downDeadline = .max }
    deployment.pointee.level &+= 1
    deployment.pointee.levelFloor = ceiling
    deployment.pointee.levelCeiling = ceiling &+ batch
  }

  /// Demand has just come down to what one replica less than `level` serves.
  @inline(__always)
  private mutating func comeDown(_ deployment: UnsafeMutablePointer<DeploymentState>, at time: Int64) {
    let floor = deployment.pointee.levelFloor
    let level = deployment.pointee.level &- 1
    deployment.pointee.level = level
    deployment.pointee.levelFloor = floor &- deployment.pointee.maxBatchSize
    deployment.pointee.levelCeiling = floor
    if level <= deployment.pointee.maxReplicas { deployment.pointee.cameDownTo[level] = time }
    if floor == deployment.pointee.upThreshold { deployment.pointee.upDeadline = .max }
    if floor == deployment.pointee.downThreshold {
      deployment.pointee.downDeadline = time + deployment.pointee.scaleDownDelay
      nextTimer = min(nextTimer, deployment.pointee.downDeadline)
    }
  }

  /// Demand falls by any number, while capacity is what it was: delays that still hold go on.
  mutating func lowerDemand(
    _ deployment: UnsafeMutablePointer<DeploymentState>, by requests: Int, at time: Int64
  ) {
    for _ in 0..<requests { lowerDemand(deployment, at: time) }
  }

  /// After a change of replicas: whether demand exceeds capacity, and whether less would have done for how long already.
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
    if deployment.pointee.demand <= deployment.pointee.downThreshold {
      deployment.pointee.downDeadline = max(
        deployment.pointee.cameDownTo[provisioned - 1] + deployment.pointee.scaleDownDelay, time)
      nextTimer = min(nextTimer, deployment.pointee.downDeadline)
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
    // The fewest that would have done at every moment of the window.
    var needed = deployment.pointee.provisioned
    let least = max(deployment.pointee.minReplicas, deployment.pointee.level)
    while needed > least,
      deployment.pointee.cameDownTo[needed - 1] + deployment.pointee.scaleDownDelay <= time
    {
      needed -= 1
    }
    while deployment.pointee.provisioned > needed {
      // Those that do not serve yet go first.
      if let replica = deployment.pointee.youngest(.starting) {
        free(replica, of: index, pool)
      } else if let replica = deployment.pointee.youngest(.ready) {
        drain(replica, of: index, at: time, pool)
      }
    }
    observeCapacity(index, at: time)
    record(index, at: time, limitedBy: .none)
  }
}
