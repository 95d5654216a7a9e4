import Telemetry

/// Demand as requests, each from its arrival to its end.
extension ShadowDeployment {
  private static let waits: Int8 = -1
  private static let hasEnded: Int8 = -2

  /// Goes through all requests.
  /// - Parameters:
  ///   - arrivals: µs since 1970, ascending, none before the shadow's start.
  ///   - latencies: of the same requests, µs, at least 1.
  ///   - end: when the recorded time is over, after the last arrival.
  ///   - visit: told of the requests in progress after each arrival and each end, on draining replicas too.
  package func replay(
    arrivals: [Int64], latencies: [Int64], until end: Int64,
    visit: (_ time: Int64, _ inProgress: Int) -> Void
  ) {
    places = Array(repeating: Self.hasEnded, count: arrivals.count)
    var ends = DepartureList()
    for (request, arrival) in arrivals.enumerated() {
      while ends.firstTime <= arrival {
        let departure = ends.first
        ends.removeFirst()
        leave(departure.sequence, at: departure.time)
        visit(departure.time, ends.count)
      }
      arrive(request, at: arrival)
      let left = min(arrival + latencies[request], DepartureList.endOfTime)
      ends.insert(time: left, sequence: request, deployment: 0, replica: 0)
      visit(arrival, ends.count)
    }
    while ends.firstTime < end {
      let departure = ends.first
      ends.removeFirst()
      leave(departure.sequence, at: departure.time)
      visit(departure.time, ends.count)
    }
    finish(at: end)
  }

  private func arrive(_ request: Int, at time: Int64) {
    advance(to: time, inclusive: true)
    count(until: time)
    if let slot = freest {
      occupy(slot, with: request)
    } else {
      places[request] = Self.waits
      queue.append(request)
      waiting += 1
    }
    observe(observed + 1, at: time)
  }

  private func leave(_ request: Int, at time: Int64) {
    advance(to: time, inclusive: false)
    count(until: time)
    let place = places[request]
    places[request] = Self.hasEnded
    guard place != Self.waits else {
      waiting -= 1
      observe(observed - 1, at: time)
      return
    }
    let slot = Int(place)
    replicas[slot].occupancy -= 1
    guard replicas[slot].state == .ready else {
      if replicas[slot].occupancy == 0 {
        release(slot)
        record(at: time, limitedBy: .none)
      }
      return
    }
    inService -= 1
    observe(observed - 1, at: time)
    if let next = takeOldest() { occupy(slot, with: next) }
  }

  /// The ready replica with the fewest requests, the first among equals; `nil` if no slot is free.
  private var freest: Int? {
    guard inService < ready * maxBatchSize else { return nil }
    var (best, fewest) = (-1, maxBatchSize)
    for slot in replicas.indices where replicas[slot].state == .ready && replicas[slot].occupancy < fewest {
      (best, fewest) = (slot, replicas[slot].occupancy)
    }
    return best
  }

  private func occupy(_ slot: Int, with request: Int) {
    places[request] = Int8(slot)
    replicas[slot].occupancy += 1
    inService += 1
  }

  private func takeOldest() -> Int? {
    while let request = queue.popFirst() {
      guard places[request] == Self.waits else { continue }
      waiting -= 1
      return request
    }
    return nil
  }

  /// Gives free slots to requests that wait; of levels, divides them anew.
  func fillSlots() {
    guard !places.isEmpty else { return divide() }
    guard waiting > 0 else { return }
    while let slot = freest, let request = takeOldest() { occupy(slot, with: request) }
  }
}
