import HeapModule
import Telemetry

/// How many requests of one series are in service over time, against its replicas: their slots, and those that drain.
struct ServiceSweep {
  private struct Event: Comparable {
    var time: Int64
    /// +1 at a start, −1 at an end of service, which comes first.
    var change: Int

    static func < (a: Event, b: Event) -> Bool { (a.time, a.change) < (b.time, b.change) }
  }

  private struct Pool: Hashable {
    var version: String
    var hardware: String
  }

  /// Those that lie ahead.
  private var events = Heap<Event>()
  private let rows: [ReplicaRecord]
  private let batches: [String: Int]
  /// µs; what happens from then on is not checked: there are no rows.
  private let end: Int64
  private var nextRow = 0
  private var pools: [Pool: (slots: Int, draining: Int)] = [:]
  private var slots = 0
  private var draining = 0
  private var served = 0
  /// Requests in service that the data may not have, those of a warm-up: no more than found a slot, at every instant so
  /// far, beside those that are there.
  private var mostUnseen: Int
  /// The first time that requests had no slots.
  private(set) var excess: (at: Int64, served: Int, slots: Int)?
  /// The first time that a replica drained without a request to serve.
  private(set) var idle: (at: Int64, served: Int, draining: Int)?

  /// - Parameters:
  ///   - rows: of the series, and of those that read its prompts, in order of time.
  ///   - batches: slots of a replica of each version.
  ///   - hasWarmUp: whether requests that arrived before the first may still be served.
  init(_ rows: [ReplicaRecord], batches: [String: Int], end: Timestamp, hasWarmUp: Bool) {
    self.rows = rows
    self.end = end.microseconds
    self.batches = batches
    mostUnseen = hasWarmUp ? .max : 0
  }

  mutating func serve(from: Int64, to: Int64) {
    events.insert(Event(time: from, change: 1))
    events.insert(Event(time: to, change: -1))
  }

  /// Nothing that is still to come starts before `time`.
  mutating func advance(to time: Int64) {
    while true {
      let row = nextRow < rows.count ? rows[nextRow].at.microseconds : .max
      let instant = min(events.min?.time ?? .max, row)
      guard instant < time else { return }
      // All that happens at one instant; replicas' rows tell the state after it, so either side of it may hold.
      let slotsBefore = slots
      takeRows(upTo: instant)
      while let next = events.min, next.time == instant {
        served += next.change
        events.removeMin()
      }
      guard instant < end else { continue }
      let most = max(slots, slotsBefore)
      if served > most, excess == nil { excess = (instant, served, slots) }
      mostUnseen = min(mostUnseen, max(most &- served, 0))
      if draining > served, draining - served > mostUnseen, idle == nil { idle = (instant, served, draining) }
    }
  }

  private mutating func takeRows(upTo time: Int64) {
    let first = nextRow
    while nextRow < rows.count, rows[nextRow].at.microseconds <= time {
      let row = rows[nextRow]
      pools[Pool(version: row.version, hardware: row.hardware)] = (
        (row.ready &+ row.draining) &* (batches[row.version] ?? 0), row.draining
      )
      nextRow += 1
    }
    guard nextRow > first else { return }
    slots = pools.values.reduce(0) { $0 &+ $1.slots }
    draining = pools.values.reduce(0) { $0 &+ $1.draining }
  }
}
