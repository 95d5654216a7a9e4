import ScenarioModel
import Telemetry

/// Continuous batching: requests join and leave a replica between its steps (see `StepBatch`).
///
/// A request has a slot, and waits no longer, from the moment a replica takes it in; the end of a run of steps is a
/// control event of its own, the first among those of its moment, so that who arrives then finds the slots that have
/// become free, and joins the step that begins.
extension ModelLane {
  /// A replica (whose occupancy counts it already) takes in a request.
  @inline(never)
  mutating func takeIn(
    _ sequence: Int, _ deployment: UnsafeMutablePointer<DeploymentState>, _ index: Int, _ replica: Int,
    at time: Int64
  ) {
    if time >= incidents.nextBorder { incidents.advance(to: time) }
    let row = ring.row(sequence)
    ring.waiting[row] = time - ring.arrivedAt[row]
    var outcome = RequestOutcome.success
    if deployment.pointee.mayFail {
      let survival = (1 - deployment.pointee.modelErrorProbability) * (1 - incidents.current.errorProbability)
      if deployment.pointee.service.next().chance >= survival { outcome = RequestOutcome.modelError }
    }
    // Not settled before its last step. The row keeps what will be.
    ring.latency[row] = Int64(outcome)
    batched += 1
    if (deployment.pointee.batches + replica).pointee.join(sequence, prompt: ring.input[row], at: time) {
      scheduleStep(replica, deployment, index)
    }
  }

  /// A run of steps has ended: responses are complete, the waiting line fills their slots, and a new run begins.
  mutating func stepped(
    _ replica: Int, of index: Int, _ generation: UInt32, at time: Int64,
    _ pool: UnsafeMutablePointer<ReplicaPool>?
  ) {
    let deployment = deployments + index
    let batch = deployment.pointee.batches + replica
    guard let model = deployment.pointee.batching, batch.pointee.generation == generation else { return }
    let (output, arrivedAt, firstToken, mask) = (ring.output, ring.arrivedAt, ring.firstToken, ring.mask)
    batch.pointee.endRun(
      tokensPerStep: model.tokensPerStep, output: { output[$0 & mask] },
      firstToken: { firstToken[$0 & mask] = time - arrivedAt[$0 & mask] }, finished: &finished)
    let isReady = deployment.pointee.replicas[replica].state == .ready
    for sequence in finished {
      end(sequence, UInt8(ring.latency[ring.row(sequence)]), at: time)
      if isReady { lowerDemand(deployment, at: time) }
    }
    batched -= finished.count
    deployment.pointee.setOccupancy(
      deployment.pointee.replicas[replica].occupancy - finished.count, of: replica)
    if isReady {
      deployment.pointee.freeSlots += finished.count
      serveWaiting(index, at: time)
    }
    if time >= incidents.nextBorder { incidents.advance(to: time) }
    if batch.pointee.beginRun(
      model, latencyFactor: incidents.current.latencyFactor, until: incidents.nextBorder)
    {
      scheduleStep(replica, deployment, index)
    }
    assert(batch.pointee.checkInvariants())
    guard let pool else { return }
    if !isReady, deployment.pointee.replicas[replica].occupancy == 0 {
      free(replica, of: index, pool)
      record(index, at: time, limitedBy: .none)
    }
    finishUndeploying(index, at: time, pool)
    noteReleases()
  }

  private mutating func scheduleStep(
    _ replica: Int, _ deployment: UnsafeMutablePointer<DeploymentState>, _ index: Int
  ) {
    let batch = deployment.pointee.batches + replica
    let time = batch.pointee.end
    controls.insert(
      time: time,
      tag: Self.controlTag(.step, index, replica: replica, generation: batch.pointee.generation))
    nextTimer = min(nextTimer, time)
  }
}
