import ScenarioModel
import Telemetry

/// Requests whose prompts have been read, and that are on their way to where the rest of their response is made, or wait
/// for a slot there.
struct Handovers {
  struct Handover {
    var sequence: Int
    /// The replica that has read the prompt.
    var reader: Int
    /// The deployment that makes the rest of the response, and its replica; `nil` while there is no slot.
    var deployment: Int
    var replica: Int?
  }

  /// By the tag of their events.
  private var handovers: [UInt32: Handover] = [:]

  /// What the event of a request's handover is known by; no two requests that are served at once have the same.
  static func tag(_ sequence: Int) -> UInt32 { UInt32(truncatingIfNeeded: sequence) }

  mutating func insert(_ handover: Handover) { handovers[Self.tag(handover.sequence)] = handover }

  /// A replica will make the rest of a response.
  mutating func start(_ sequence: Int, replica: Int) { handovers[Self.tag(sequence)]?.replica = replica }

  /// - Returns: what is there, or never will be; `nil` if it is not among them.
  mutating func remove(_ tag: UInt32) -> Handover? { handovers.removeValue(forKey: tag) }

  /// Those under way to a replica, in order of sequence.
  func underWay(to deployment: Int, _ replica: Int) -> [Handover] {
    handovers.values.filter { $0.deployment == deployment && $0.replica == replica }
      .sorted { $0.sequence < $1.sequence }
  }
}

/// Prefill and decode apart: a request has a slot of the replica that reads its prompt, and its blocks there, until a slot
/// is free where the rest of its response is made and what is in the KV cache has been handed over (see `PrefillPool`).
extension ModelSimulation {
  /// A replica has read a request's prompt.
  mutating func offer(_ sequence: Int, from reader: Int, of index: Int, at time: Int64) {
    let decoder = deployments[index].decoder
    handovers.insert(.init(sequence: sequence, reader: reader, deployment: decoder))
    if deployments[decoder].freeSlots > 0 {
      let replica = deployments[decoder].occupyLeast()
      deployments[decoder].freeSlots -= 1
      startHandover(sequence, decoder, replica, at: time)
    } else {
      deployments[decoder].queue.append(sequence)
    }
    raiseDemand(decoder, at: time)
  }

  /// A replica (whose occupancy counts it already) will make the rest of a response.
  mutating func startHandover(_ sequence: Int, _ index: Int, _ replica: Int, at time: Int64) {
    let handover = deployments[deployments[index].prefill].handover
    let end =
      time + microseconds(handover.base + handover.perToken * Double(ring.input[ring.row(sequence)]))
    handovers.start(sequence, replica: replica)
    controls.insert(
      time: end,
      tag: ControlTag(.handover, index, replica: replica, generation: Handovers.tag(sequence)).bits)
    nextTimer = min(nextTimer, end)
  }

  /// What is in the KV cache is where the rest of the response is made.
  mutating func handedOver(_ tag: UInt32, at time: Int64, _ pool: ReplicaPool?) {
    guard let handover = handovers.remove(tag), let replica = handover.replica else { return }
    let (index, row) = (handover.deployment, ring.row(handover.sequence))
    if deployments[index].batches[replica].join(
      read: handover.sequence, prompt: ring.input[row], output: Int64(ring.output[row]) - 1, at: time)
    {
      scheduleStep(replica, index)
    }
    release(handover, at: time, pool)
  }

  /// The replica that has read a request's prompt keeps nothing of it any more.
  private mutating func release(_ handover: Handovers.Handover, at time: Int64, _ pool: ReplicaPool?) {
    let (index, reader) = (deployments[handover.deployment].prefill, handover.reader)
    if deployments[index].batches[reader].release(handover.sequence, at: time) {
      scheduleStep(reader, index)
    }
    leave(reader, of: index, at: time, pool)
    guard let pool else { return }
    finishUndeploying(index, at: time, pool)
    noteReleases()
  }

  /// A request has a slot of a replica no more, and was not served by it to its end.
  private mutating func leave(_ replica: Int, of index: Int, at time: Int64, _ pool: ReplicaPool?) {
    deployments[index].setOccupancy(deployments[index].replicas[replica].occupancy - 1, of: replica)
    if deployments[index].replicas[replica].state == .ready {
      lowerDemand(index, at: time)
      deployments[index].freeSlots += 1
      serveWaiting(index, at: time)
    } else if let pool, deployments[index].replicas[replica].occupancy == 0 {
      free(replica, of: index, at: time, pool)
      record(index, at: time, limitedBy: .none)
    }
  }

  /// A replica has crashed that has read a request's prompt: the request is lost wherever it was going.
  mutating func withdraw(_ sequence: Int, at time: Int64, _ pool: ReplicaPool?) {
    guard let handover = handovers.remove(Handovers.tag(sequence)) else { return }
    if let replica = handover.replica {
      removeEvent(of: handover)
      leave(replica, of: handover.deployment, at: time, pool)
    } else {
      deployments[handover.deployment].queue.remove(sequence)
      lowerDemand(handover.deployment, at: time)
    }
  }

  /// A replica that decodes has crashed: what was on its way there is lost.
  /// - Returns: the requests, in order.
  mutating func loseHandovers(to index: Int, _ replica: Int, at time: Int64, _ pool: ReplicaPool?) -> [Int] {
    handovers.underWay(to: index, replica).map { handover in
      _ = handovers.remove(Handovers.tag(handover.sequence))
      removeEvent(of: handover)
      release(handover, at: time, pool)
      return handover.sequence
    }
  }

  private mutating func removeEvent(of handover: Handovers.Handover) {
    controls.removeAll {
      let tag = ControlTag(bits: $0.tag)
      return tag.control == .handover && tag.generation == Handovers.tag(handover.sequence)
    }
  }
}
