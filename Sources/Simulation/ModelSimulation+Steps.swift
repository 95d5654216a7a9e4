import ScenarioModel
import Telemetry

/// Continuous batching: requests join and leave a replica between its steps (see `StepBatch`).
///
/// A request has a slot from the instant that a replica takes it in, and waits until the step that begins to read its
/// prompt. The end of a run of steps is a control event of its own, the first among those of its instant, so that a
/// request that arrives then finds the slots that have become free, and joins the step that begins.
extension ModelSimulation {
  /// Whether the KV cache of a replica can hold a request to its last step, in which all of its tokens but the last are
  /// there. A prompt counts as at least one token.
  @inline(__always)
  func fits(_ row: Int, _ index: Int) -> Bool {
    Int64(max(ring.input[row], 1)) + Int64(max(ring.output[row], 1)) - 1 <= deployments[index].longestContext
  }

  /// Whether the KV cache of a replica that only reads prompts can hold a request's.
  @inline(__always)
  func fitsPrompt(_ row: Int, _ index: Int) -> Bool {
    Int64(max(ring.input[row], 1)) <= deployments[index].longestContext
  }

  /// A replica (whose occupancy counts it already) takes in a request.
  @inline(never)
  mutating func takeIn(
    _ sequence: Int, _ index: Int, _ replica: Int,
    at time: Int64
  ) {
    if time >= incidents.nextBorder { incidents.advance(to: time) }
    let row = ring.row(sequence)
    var outcome = RequestOutcome.success
    if deployments[index].mayFail {
      let survival = (1 - deployments[index].modelErrorProbability) * (1 - incidents.current.errorProbability)
      if deployments[index].service.next().chance >= survival { outcome = FailureReason.modelError.code }
    }
    // Not settled before its last step. The row keeps what will be.
    ring.latency[row] = Int64(outcome)
    batched += 1
    if hasDeadlines { followDeadline(sequence, index, replica) }
    let leaf = ring.prefix.flatMap { deployments[index].prefixes?.leaf($0[row]) } ?? PrefixTree.none
    if deployments[index].batches[replica].join(sequence, prompt: ring.input[row], leaf: leaf, at: time) {
      scheduleStep(replica, index)
    }
  }

  /// A run of steps has ended: responses are complete, the queue fills their slots, and a new run begins.
  mutating func stepped(
    _ replica: Int, of index: Int, _ generation: UInt32, at time: Int64,
    _ pool: ReplicaPool?
  ) {
    guard let model = deployments[index].batching,
      deployments[index].batches[replica].generation == generation
    else { return }
    let (output, arrivedAt, firstToken, mask) = (ring.output, ring.arrivedAt, ring.firstToken, ring.mask)
    let (waiting, cached) = (ring.waiting, deployments[index].prefixes == nil ? nil : ring.cached)
    deployments[index].batches[replica].endRun(
      tokensPerStep: model.tokensPerStep, output: { output[$0 & mask] },
      firstToken: { firstToken[$0 & mask] = time - arrivedAt[$0 & mask] }, ended: &ended)
    let isReady = deployments[index].replicas[replica].state == .ready
    let finished = ended.finished.count + ended.cancelled.count
    for sequence in ended.finished { end(sequence, UInt8(ring.latency[ring.row(sequence)]), at: time) }
    if !ended.cancelled.isEmpty { endCancelled(at: time) }
    if isReady { lowerDemand(index, by: finished, at: time) }
    batched -= finished
    deployments[index].setOccupancy(deployments[index].replicas[replica].occupancy - finished, of: replica)
    if isReady {
      deployments[index].freeSlots += finished
      serveWaiting(index, at: time)
    }
    if deployments[index].decoder >= 0 {
      for sequence in ended.read { offer(sequence, from: replica, of: index, at: time) }
    }
    if time >= incidents.nextBorder { incidents.advance(to: time) }
    if deployments[index].batches[replica].beginRun(
      model, latencyFactor: incidents.current.latencyFactor, until: incidents.nextBorder,
      started: {
        waiting[$0 & mask] = time - arrivedAt[$0 & mask]
        cached?[$0 & mask] = Int32($1)
      })
    {
      scheduleStep(replica, index)
    }
    // Now and then: they look at every request.
    assert(generation % 16 != 0 || deployments[index].batches[replica].checkInvariants())
    guard let pool else { return }
    if !isReady, deployments[index].replicas[replica].occupancy == 0 {
      free(replica, of: index, at: time, pool)
      record(index, at: time, limitedBy: .none)
    }
    finishUndeploying(index, at: time, pool)
    noteReleases()
  }

  mutating func scheduleStep(
    _ replica: Int, _ index: Int
  ) {
    let time = deployments[index].batches[replica].end
    controls.insert(
      time: time,
      tag: ControlTag(
        .step, index, replica: replica, generation: deployments[index].batches[replica].generation
      ).bits)
    nextTimer = min(nextTimer, time)
  }
}
