import Telemetry

/// A trace as one model's arrivals.
enum TraceReplay {
  /// The trace's requests inside [from, to), shifted so that the first arrives at `startAt` if that is given.
  static func requests(
    _ trace: [TraceRequest], startAt: Timestamp?, from: Timestamp, to: Timestamp
  ) -> [TraceRequest] {
    let shift = startAt.flatMap { start in trace.first.map { start.microseconds - $0.arrivedAt } } ?? 0
    return trace.compactMap { request in
      var moved = request
      moved.arrivedAt += shift
      return (from.microseconds..<to.microseconds).contains(moved.arrivedAt) ? moved : nil
    }
  }
}
