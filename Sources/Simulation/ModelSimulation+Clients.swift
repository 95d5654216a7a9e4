import Telemetry

/// Sessions and users, whose next request follows the response to the last; and clients who wait no longer.
extension ModelSimulation {
  /// The next request of a client that is there, or the first of one that comes; at one instant, those that are there
  /// come first.
  @inline(never)
  mutating func arriveOfClient() {
    let time = nextArrival
    if clients.firstTime == time {
      let next = clients.takeFirst()
      noteNextArrival()
      guard let next else { return }
      admit(
        at: time, input: next.input, output: next.output, attempt: 0,
        prefix: clients.prefix(next.origin.client), origin: next.origin)
    } else {
      let (requestClass, turns) = (demand.nextClass, demand.nextTurns)
      var prefix = ring.prefix == nil ? PrefixTree.none : demand.nextPrefix
      let tokens = demand.takeNext()
      var origin = RequestOrigin(requestClass: requestClass)
      var comes = true
      if clients.isUsed {
        let begun = clients.begin(requestClass, turns: turns, tokens: tokens, at: time)
        comes = begun != nil
        if let begun { origin = begun }
        if clients.prefixes != nil { prefix = clients.prefix(origin.client) }
      }
      noteNextArrival()
      guard comes else { return }
      admit(
        at: time, input: tokens.input, output: tokens.output, attempt: 0, prefix: prefix, origin: origin)
    }
  }

  private mutating func noteNextArrival() { nextArrival = min(demand.nextTime, clients.firstTime) }

  /// The response to a client's request is there, or has failed for good, or will be at an instant that is certain.
  @inline(never)
  mutating func respond(_ row: Int, succeeded: Bool, at time: Int64) {
    guard let client = ring.origins?.client[row], client >= 0 else { return }
    let next = clients.respond(
      client, succeeded: succeeded, input: ring.input[row], output: ring.output[row],
      firstToken: ring.firstToken[row], at: time)
    nextArrival = min(nextArrival, next)
  }

  /// A request that no deployment takes: its client goes on as after a failure.
  @inline(never)
  mutating func turnAway(_ origin: RequestOrigin, at time: Int64) {
    if time >= periodStart { notDeployed += 1 }
    guard origin.client >= 0 else { return }
    let next = clients.respond(
      origin.client, succeeded: false, input: 0, output: 0, firstToken: 0, at: time)
    nextArrival = min(nextArrival, next)
  }

  // MARK: Waiting and giving up

  /// Puts a request into a queue in which classes matter.
  @inline(never)
  mutating func waitByClass(_ sequence: Int, _ index: Int, at time: Int64) {
    let requestClass = ring.origins?.requestClass[ring.row(sequence)] ?? 0
    deployments[index].queue.append(sequence, requestClass, arrivedAt: time)
    nextTimer = min(nextTimer, deployments[index].queue.expiry(requestClass, arrivedAt: time))
  }

  /// When the client of a request cancels it, µs since 1970.
  mutating func deadline(_ row: Int) -> Int64 {
    let deadline = deadlines[Int(ring.origins?.requestClass[row] ?? 0)]
    return deadline == .max ? .max : ring.arrivedAt[row] + deadline
  }

  /// A replica that works in steps has taken in a request, whose client may cancel it.
  @inline(never)
  mutating func followDeadline(_ sequence: Int, _ index: Int, _ replica: Int) {
    let row = ring.row(sequence)
    let time = deadline(row)
    guard time < .max else { return }
    ring.origins?.server[row] = RequestOrigins.server(index, replica)
    cancellations.insert(time: time, tag: UInt64(sequence))
    nextTimer = min(nextTimer, time)
  }

  /// A client cancels a request that a replica serves in steps: it leaves at the end of the step.
  mutating func cancel(at time: Int64) {
    let sequence = Int(cancellations.removeFirst().tag)
    guard sequence >= ring.first, case let row = ring.row(sequence),
      ring.outcome[row] == RequestRing.unfinished, let server = ring.origins?.server[row]
    else { return }
    let (index, replica) = (Int(server >> 8), Int(server & 255))
    if deployments[index].batches[replica].cancel(sequence, at: time) { scheduleStep(replica, index) }
  }

  /// Requests that clients have cancelled have left a replica at the end of a step.
  mutating func endCancelled(at time: Int64) {
    for (sequence, hasStarted) in ended.cancelled {
      let row = ring.row(sequence)
      if !hasStarted { ring.waiting[row] = time - ring.arrivedAt[row] }
      end(sequence, FailureReason.timeout.code, at: time)
    }
  }
}
