import Sampling
import Telemetry

/// A trace with more or fewer requests than were recorded, and the same pattern of days and weeks.
///
/// Fewer: each request is kept with the same probability, independently of the others (thinning). More: copies of the trace
/// are laid over it (superposition), the last one thinned. A copy of a trace of two weeks or more is moved by whole weeks,
/// of one of two days or more by whole days, round its end, no two copies by the same as far as there are enough of them:
/// hours of the day, and days of the week, keep their demand, while bursts of the copies do not coincide. What is left
/// behind the last whole week or day, and copies of a shorter trace, cannot be moved so; there each request moves by a time
/// of its own, uniform within half a minute either way (or a twentieth of the trace). Within a copy that is moved whole,
/// requests keep their distances, so that correlations are those of the trace; between copies there are none but those of
/// the pattern, so that the relative variation of counts falls with the number of copies, as it does when users are added.
/// A day is 24 hours.
///
/// Source: Cox and Isham (1980), "Point Processes", sections 4.3 and 4.5, on thinning and superposition.
struct TraceScaling {
  private let scale: Double
  private static let day: Int64 = 86_400_000_000
  private static let slack: Int64 = 3_600_000_000
  private static let longestJitter: Int64 = 30_000_000

  init(_ scale: Double) { self.scale = scale }

  /// - Parameters:
  ///   - trace: in order of arrival.
  ///   - stream: the model's, for a purpose. Of two scales, all requests of the smaller are among those of the larger.
  func requests(_ trace: [TraceRequest], stream: (String) -> RandomStream) -> [TraceRequest] {
    guard scale != 1, let first = trace.first?.arrivedAt, let last = trace.last?.arrivedAt else {
      return trace
    }
    // A trace of three days ends a little before they do.
    let length = last - first + Self.slack
    let unit = length >= 14 * Self.day ? 7 * Self.day : Self.day
    let whole = length >= 2 * Self.day ? length / unit : 0
    let jitter = min(Self.longestJitter, (last - first) / 20)
    let shifts = Self.shifts(whole, stream)
    let copies = max(1, Int(scale.rounded(.up)))
    var found: [TraceRequest] = []
    found.reserveCapacity(Int(Double(trace.count) * scale) + 64)
    for copy in 0..<copies {
      let kept = min(1, scale - Double(copy))
      let suffix = copy == 0 ? "" : " \(copy + 1)"
      let thinning = stream("traceThinning\(suffix)")
      let moving = stream("traceJitter\(suffix)")
      let shift = copy > 0 && copy <= shifts.count ? shifts[copy - 1] * unit : 0
      for request in trace {
        // Drawn for every request, so that a larger scale keeps what a smaller one does.
        let isKept = thinning.uniform() < kept
        var moved = request
        if copy > 0 {
          let offset = request.arrivedAt - first
          if shift > 0, offset < whole * unit {
            moved.arrivedAt = first + (offset + shift) % (whole * unit)
          } else {
            let step = Int64((2 * moving.uniform() - 1) * Double(jitter))
            moved.arrivedAt = min(max(request.arrivedAt + step, first), last)
          }
        }
        if isKept { found.append(moved) }
      }
    }
    if copies == 1 { return found }
    let order = found.indices.sorted { (found[$0].arrivedAt, $0) < (found[$1].arrivedAt, $1) }
    return order.map { found[$0] }
  }

  /// All units by which a copy can be moved, in random order.
  private static func shifts(_ whole: Int64, _ stream: (String) -> RandomStream) -> [Int64] {
    guard whole > 1 else { return [] }
    let random = stream("traceShift")
    var shifts = Array(1..<whole)
    for index in stride(from: shifts.count - 1, to: 0, by: -1) {
      shifts.swapAt(index, min(index, Int(random.uniform() * Double(index + 1))))
    }
    return shifts
  }
}
