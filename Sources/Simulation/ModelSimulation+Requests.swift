import Sampling
import Telemetry

/// What the life of a request consists of: arrival, admission, start of service, departure, end.
extension ModelSimulation {
  @inline(__always)
  mutating func arrive() {
    if hasClients {
      arriveOfClient()
      return
    }
    let time = nextArrival
    let prefix = ring.prefix == nil ? PrefixTree.none : demand.nextPrefix
    let tokens = demand.takeNext()
    nextArrival = demand.nextTime
    admit(
      at: time, input: tokens.input, output: tokens.output, attempt: 0, prefix: prefix, origin: .none)
  }

  @inline(__always)
  mutating func admit(
    at time: Int64, input: Int32, output: Int32, attempt: UInt8, prefix: Int32, origin: RequestOrigin
  ) {
    if isExternal {
      serveExternally(at: time, input: input, output: output, attempt: attempt, origin: origin)
      return
    }
    var chosen = soleActive
    if chosen < 0 {
      guard chosen == -2 else {
        turnAway(origin, at: time)
        return
      }
      let share = routingStream.uniform()
      chosen = active.first { share < $0.share }?.deployment ?? active[active.count - 1].deployment
    }
    let sequence = append(at: time, input: input, output: output, attempt: attempt, origin: origin)
    let row = ring.row(sequence)
    ring.series[row] = deployments[chosen].series
    if ring.prefix != nil { ring.begin(row, prefix: prefix) }
    if !deployments[chosen].takesAll {
      guard let first = firstToTake(sequence, chosen, at: time) else { return }
      chosen = first
    }
    if deployments[chosen].freeSlots > 0 {
      let replica = deployments[chosen].occupyLeast()
      deployments[chosen].freeSlots -= 1
      serve(sequence, chosen, replica, at: time)
    } else if deployments[chosen].queue.count >= deployments[chosen].queueCapacity {
      ring.waiting[row] = 0
      end(sequence, FailureReason.overloaded.code, at: time)
      return
    } else if deployments[chosen].queue.isByClass {
      waitByClass(sequence, chosen, at: time)
    } else {
      if deployments[chosen].timeout != .max, deployments[chosen].queue.count == 0 {
        nextTimer = min(nextTimer, time + deployments[chosen].timeout)
      }
      deployments[chosen].queue.append(sequence)
    }
    raiseDemand(chosen, at: time)
  }

  /// The deployment whose replicas take a request first: the one that it is for, or the one that reads its prompts.
  /// - Returns: `nil` if the request does not fit, or is beyond limits: then it has failed.
  @inline(never)
  private mutating func firstToTake(_ sequence: Int, _ addressed: Int, at time: Int64) -> Int? {
    let row = ring.row(sequence)
    var first = addressed
    var isTooLong = deployments[addressed].isBatching && !fits(row, addressed)
    if deployments[addressed].prefill >= 0 {
      first = deployments[addressed].prefill
      isTooLong = isTooLong || !fitsPrompt(row, first)
    }
    if isTooLong {
      ring.waiting[row] = 0
      end(sequence, FailureReason.contextLengthExceeded.code, at: time)
      return nil
    }
    if deployments[addressed].limits.isUsed, isBeyondLimits(row, addressed, at: time) {
      ring.waiting[row] = 0
      end(sequence, FailureReason.rateLimited.code, at: time)
      return nil
    }
    return first
  }

  /// A row for a request. Its waiting time, time to first token and latency are for who settles them.
  @inline(__always)
  private mutating func append(
    at time: Int64, input: Int32, output: Int32, attempt: UInt8, origin: RequestOrigin
  ) -> Int {
    if ring.isFull { makeRoom() }
    let sequence = ring.append()
    let row = ring.row(sequence)
    ring.arrivedAt[row] = time
    ring.input[row] = input
    ring.output[row] = output
    ring.attempt[row] = attempt
    ring.outcome[row] = RequestRing.unfinished
    if let origins = ring.origins { origins.set(row, origin, attempt: attempt) }
    return sequence
  }

  /// Whether a request is beyond the limits of the deployment that it is for; takes it if it is not.
  private mutating func isBeyondLimits(_ row: Int, _ index: Int, at time: Int64) -> Bool {
    let tokens = Int64(ring.input[row]) + Int64(ring.output[row])
    guard deployments[index].limits.allow(tokens, at: time) else { return true }
    deployments[index].limits.take(tokens)
    return false
  }

  /// A replica (whose occupancy counts it already) begins to serve a request.
  @inline(__always)
  mutating func serve(
    _ sequence: Int, _ index: Int, _ replica: Int,
    at time: Int64
  ) {
    if deployments[index].prefill >= 0 {
      startHandover(sequence, index, replica, at: time)
    } else if deployments[index].isBatching {
      takeIn(sequence, index, replica, at: time)
    } else {
      let finish = startService(sequence, index, replica, at: time)
      departures.insert(time: finish, sequence: sequence, deployment: index, replica: replica)
    }
  }

  /// Draws the service time of a request that a replica (whose occupancy counts it already) starts to serve,
  /// and returns when it will be done.
  ///
  /// Stretched by the batch: × (1 + batchSlowdown × others in the batch at the start).
  @inline(__always)
  mutating func startService(
    _ sequence: Int, _ index: Int, _ replica: Int,
    at time: Int64
  ) -> Int64 {
    if time >= incidents.nextBorder { incidents.advance(to: time) }
    let row = ring.row(sequence)
    let draw = deployments[index].service.next()
    let isDirect = deployments[index].service.isDirect
    let first = draw.firstToken + draw.perInputToken * Double(ring.input[row])
    let rest = draw.perOutputToken * Double(ring.output[row])
    let others = deployments[index].replicas[replica].occupancy - 1
    let stretch = (1 + deployments[index].batchSlowdown * Double(others)) * incidents.current.latencyFactor
    // A response takes time: 1 µs at least.
    let service = max(microseconds((first + rest) * stretch), 1)
    let waited = time - ring.arrivedAt[row]
    ring.waiting[row] = waited
    ring.firstToken[row] = waited + (isDirect ? service : min(microseconds(first * stretch), service))
    var outcome = RequestOutcome.success
    if deployments[index].mayFail {
      let survival = (1 - deployments[index].modelErrorProbability) * (1 - incidents.current.errorProbability)
      if draw.chance >= survival { outcome = FailureReason.modelError.code }
    }
    var finish = min(time + service, DepartureList.endOfTime)
    if hasDeadlines { cutShort(row, &finish, &outcome) }
    if deployments[index].mayLose {
      // Not settled before it departs: the replica may be lost. The row keeps what will be.
      ring.latency[row] = Int64(outcome)
    } else {
      end(sequence, outcome, at: finish)
    }
    return finish
  }

  /// The earliest departure, of a replica that stays.
  @inline(__always)
  mutating func depart() {
    let departure = departures.first
    let (index, replica, time) = (departure.deployment, departure.replica, departure.time)
    if deployments[index].mayLose {
      end(departure.sequence, UInt8(ring.latency[ring.row(departure.sequence)]), at: time)
    }
    lowerDemand(index, at: time)
    if deployments[index].queue.count > 0 {
      let next =
        deployments[index].queue.removeNext()
      let finish = startService(next, index, replica, at: time)
      departures.replaceFirst(time: finish, sequence: next)
    } else {
      departures.removeFirst()
      deployments[index].vacate(replica)
      deployments[index].freeSlots += 1
    }
  }

  /// When the first of those that wait gives up, if any do.
  mutating func expiry(_ index: Int) -> Int64 {
    deployments[index].queue.isByClass
      ? deployments[index].queue.firstExpiry
      : ring.arrivedAt[ring.row(deployments[index].queue.oldest)] + deployments[index].timeout
  }

  /// Requests that have waited too long give up.
  mutating func timeOut(_ index: Int, at time: Int64, pool: ReplicaPool?) {
    while deployments[index].queue.count > 0, expiry(index) <= time {
      let sequence =
        deployments[index].queue.isByClass
        ? deployments[index].queue.removeExpired() : deployments[index].queue.removeOldest()
      ring.waiting[ring.row(sequence)] = time - ring.arrivedAt[ring.row(sequence)]
      end(sequence, FailureReason.timeout.code, at: time)
      lowerDemand(index, at: time)
    }
    if let pool { finishUndeploying(index, at: time, pool) }
  }

  /// The client of a request cancels it at its deadline, and the place is free then.
  @inline(never)
  private mutating func cutShort(_ row: Int, _ finish: inout Int64, _ outcome: inout UInt8) {
    let deadline = deadline(row)
    if finish > deadline { (finish, outcome) = (deadline, FailureReason.timeout.code) }
  }

  /// A request has ended, or will end at an instant that is certain.
  @inline(__always)
  mutating func end(_ sequence: Int, _ outcome: UInt8, at time: Int64) {
    let row = ring.row(sequence)
    ring.latency[row] = time - ring.arrivedAt[row]
    ring.outcome[row] = outcome
    if outcome != RequestOutcome.success || clients.isUsed { tellClient(row, outcome, at: time) }
  }

  /// Out of the loop's way: most requests succeed, and nobody waits for their responses to go on.
  @inline(never)
  private mutating func tellClient(_ row: Int, _ outcome: UInt8, at time: Int64) {
    if outcome == RequestOutcome.success {
      respond(row, succeeded: true, at: time)
    } else {
      noteFailure(row, at: time)
    }
  }

  /// No response, no output; and the client may try again.
  private mutating func noteFailure(_ row: Int, at time: Int64) {
    var again = Int64.max
    if retries.isUsed {
      again = retries.consider(
        .init(
          input: ring.input[row], output: ring.output[row], attempt: ring.attempt[row],
          prefix: ring.prefix?[row] ?? PrefixTree.none,
          origin: ring.origins.map { $0.origin(row) } ?? .none), endedAt: time)
      nextTimer = min(nextTimer, again)
    }
    ring.firstToken[row] = 0
    ring.output[row] = 0
    if clients.isUsed, again == .max { respond(row, succeeded: false, at: time) }
  }

  mutating func retry(at time: Int64) {
    let request = retries.removeFirst()
    admit(
      at: time, input: request.input, output: request.output, attempt: request.attempt,
      prefix: request.prefix, origin: request.origin)
  }

  /// An external model has no replicas and no queue here: the provider answers at once, fails or refuses.
  @inline(never)
  private mutating func serveExternally(
    at time: Int64, input: Int32, output: Int32, attempt: UInt8, origin: RequestOrigin
  ) {
    if time >= incidents.nextBorder { incidents.advance(to: time) }
    let sequence = append(at: time, input: input, output: output, attempt: attempt, origin: origin)
    guard let answer = external?.answer(at: time, input: input, output: output, incidents.current) else {
      return
    }
    let row = ring.row(sequence)
    if ring.prefix != nil { ring.begin(row, prefix: PrefixTree.none) }
    ring.series[row] = answer.series
    ring.waiting[row] = 0
    ring.firstToken[row] = answer.firstToken
    if hasDeadlines, case let deadline = deadline(row), time + answer.service > deadline {
      end(sequence, FailureReason.timeout.code, at: deadline)
      return
    }
    end(sequence, answer.outcome, at: time + answer.service)
  }

  /// Hands on the requests that have ended, in order of arrival; makes the ring larger where few have.
  @inline(never)
  private mutating func makeRoom() {
    let capacity = ring.next - ring.first
    let flushed = flush()
    if flushed < capacity / 4 { ring.grow() }
  }

  /// Hands on the oldest requests up to the first that has not ended; those of the warm-up are left out.
  @discardableResult
  mutating func flush() -> Int {
    let finished = ring.finishedCount()
    var left = finished
    while left > 0 {
      var columns = ring.oldest(left)
      left -= columns.count
      let taken = columns.count
      if !originColumns.isEmpty, let origins = ring.origins {
        columns.extras = originColumns.view(origins, from: ring.row(ring.first), count: taken)
      }
      costColumns?.add(to: &columns)
      if columns.arrivedAt[0] < periodStart {
        let skipped = (0..<columns.count).first { columns.arrivedAt[$0] >= periodStart } ?? columns.count
        handOn(columns.prefix(skipped), isWarmUp: true)
        columns = columns.dropFirst(skipped)
      }
      handOn(columns, isWarmUp: false)
      ring.removeOldest(taken)
    }
    return finished
  }

  private mutating func handOn(_ columns: RequestColumns, isWarmUp: Bool) {
    guard columns.count > 0, sinkError == nil else { return }
    do {
      if isWarmUp {
        try sink.receiveWarmUp(columns)
      } else {
        try checkLatencies(columns)
        try sink.receive(columns)
      }
    } catch {
      sinkError = error
    }
  }

  /// What no reader takes is not handed on. Waiting times and times to first token are parts of the latency.
  private func checkLatencies(_ columns: RequestColumns) throws {
    let latencies = UnsafeBufferPointer(start: columns.latencyMicroseconds, count: columns.count)
    // The sign of a difference, rather than a maximum, for which vectors of 64-bit integers have no instruction. Latencies
    // are not negative, so that no difference overflows.
    let most = Limits.latency
    let signs = latencies.reduce(0) { $0 | (most &- $1) }
    guard signs < 0, let longest = latencies.max() else { return }
    throw RequestTooLong(latency: longest)
  }

  /// All requests that arrived before this instant have been handed on.
  var frontier: Int64 { ring.first < ring.next ? ring.arrivedAt[ring.row(ring.first)] : .max }
}

/// A request of a model takes longer than telemetry can say.
struct RequestTooLong: Error {
  /// µs.
  var latency: Int64
}
