import Synchronization
import Telemetry

/// Collects the points of a latency graph with one point per request, up to a number. Beyond it the graph shows the
/// extremes that rollups keep.
///
/// Threads may hand it requests at once: points are put in order at the end, and whether there are too many depends on
/// their number only.
package final class LatencyPoints: Sendable {
  private let range: Range<Int64>
  /// Within the range, seldom any.
  private let gaps: [Range<Int64>]
  private let isSelected: [Bool]
  private let limit: Int
  private let all = Mutex<[LatencyPoint]>([])
  private let overflowed = Atomic(false)

  /// - Parameters:
  ///   - range: the query's period.
  ///   - gaps: instants in it that do not count.
  ///   - isSelected: by series.
  ///   - maxPoints: at least 2.
  init(_ range: Range<Timestamp>, gaps: [Range<Timestamp>] = [], isSelected: [Bool], maxPoints: Int) {
    self.range = range.lowerBound.microseconds..<range.upperBound.microseconds
    self.gaps = gaps.map { $0.lowerBound.microseconds..<$0.upperBound.microseconds }
    self.isSelected = isSelected
    limit = max(maxPoints, 2)
  }

  package func receive(_ requests: RequestColumns, firstIndex: Int = 0, before now: Int64 = .max) {
    if overflowed.load(ordering: .relaxed) { return }
    let end = min(range.upperBound, now)
    var points: [LatencyPoint] = []
    for row in 0..<requests.count {
      let at = requests.arrivedAt[row]
      guard requests.outcome[row] == RequestOutcome.success, at >= range.lowerBound, at < end,
        isSelected[Int(requests.series[row]) - firstIndex],
        gaps.isEmpty || !gaps.contains(where: { $0.contains(at) })
      else { continue }
      points.append(LatencyPoint(at: at, latency: requests.latencyMicroseconds[row]))
    }
    if points.isEmpty { return }
    all.withLock { all in
      guard !overflowed.load(ordering: .relaxed) else { return }
      if all.count + points.count > limit {
        overflowed.store(true, ordering: .relaxed)
        all = []
      } else {
        all += points
      }
    }
  }

  var hasOverflowed: Bool { overflowed.load(ordering: .relaxed) }

  /// Every point in order of time, then latency; `nil` if there are more than the limit.
  var points: [LatencyPoint]? { hasOverflowed ? nil : all.withLock { $0.sorted() } }
}

/// The points of a latency graph that has too many: the smallest and the largest latency of every screen column.
struct ThinnedPoints {
  private var columns: [LatencyExtremes]
  private let start: Int64
  private let width: Int64

  /// Columns are whole numbers of rollups' columns, at most `maxPoints` ÷ 2 of them.
  init(_ range: Range<Timestamp>, maxPoints: Int) {
    let unit = QuarterPoints.columnMicroseconds
    let length = range.upperBound - range.lowerBound
    let count = Int64(max(maxPoints / 2, 1))
    width = max((length + count * unit - 1) / (count * unit), 1) * unit
    start = range.lowerBound.microseconds
    columns = Array(repeating: LatencyExtremes(), count: Int((length + width - 1) / width))
  }

  @inline(__always)
  mutating func add(_ point: LatencyPoint) {
    let column = Int((point.at &- start) / width)
    if column >= 0, column < columns.count { columns[column].add(point) }
  }

  var points: [LatencyPoint] {
    var kept: [LatencyPoint] = []
    for column in columns { column.append(to: &kept) }
    return kept.sorted()
  }
}
