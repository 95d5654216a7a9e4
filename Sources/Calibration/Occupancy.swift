import HeapModule
import Telemetry

/// How many other requests shared a replica when a request's service started, inferred from when services started and
/// ended and from how many replicas were ready: each request is given to the ready replica with the fewest, as the
/// platform does, and the replica that came last is the first to go.
struct Occupancy {
  /// By row of the observations; −1 where it was not served.
  private(set) var others: [Int16]

  /// - Parameters:
  ///   - rows: of one deployment, in order of arrival, that were served.
  ///   - replicas: its rows of the replicas table, in order of time.
  init(_ observations: Observations, rows: [Int], replicas: [ReplicaRecord]) {
    others = Array(repeating: -1, count: observations.count)
    let order = rows.sorted { a, b in
      let (x, y) = (
        observations.arrivedAt[a] + Int64(observations.waiting[a]),
        observations.arrivedAt[b] + Int64(observations.waiting[b])
      )
      return (x, a) < (y, b)
    }
    var departures = Departures()
    // Occupancy by replica: those that are ready now, in the order in which they became ready.
    var occupancy: [Int] = []
    var ready: [Int] = []
    var change = 0
    for row in order {
      let start = observations.arrivedAt[row] + Int64(observations.waiting[row])
      while let first = departures.first, first.at <= start {
        occupancy[first.replica] -= 1
        departures.removeFirst()
      }
      while change < replicas.count, replicas[change].at.microseconds <= start {
        let count = replicas[change].ready
        while ready.count > count { ready.removeLast() }
        while ready.count < count {
          ready.append(occupancy.count)
          occupancy.append(0)
        }
        change += 1
      }
      guard let replica = ready.min(by: { (occupancy[$0], $0) < (occupancy[$1], $1) }) else { continue }
      others[row] = Int16(clamping: occupancy[replica])
      occupancy[replica] += 1
      departures.insert(observations.arrivedAt[row] + Int64(observations.latency[row]), replica)
    }
  }
}

/// Departures that are still to come.
private struct Departures {
  private struct Departure: Comparable {
    var at: Int64
    var replica: Int

    static func < (a: Departure, b: Departure) -> Bool { (a.at, a.replica) < (b.at, b.replica) }
  }

  private var heap = Heap<Departure>()

  var first: (at: Int64, replica: Int)? { heap.min.map { ($0.at, $0.replica) } }

  mutating func insert(_ at: Int64, _ replica: Int) { heap.insert(Departure(at: at, replica: replica)) }

  mutating func removeFirst() { heap.removeMin() }
}
