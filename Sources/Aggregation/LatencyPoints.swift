import Telemetry

/// The points of a latency graph with one point a request: all of them up to a number, beyond it the smallest and
/// the largest latency of every screen column, so that every extreme survives.
///
/// The result does not depend on the order in which requests come.
package final class LatencyPoints {
  package struct Point: Equatable, Comparable, Sendable {
    /// µs since 1970, UTC.
    package var at: Int64
    /// µs.
    package var latency: Int64

    package static func < (a: Point, b: Point) -> Bool { (a.at, a.latency) < (b.at, b.latency) }
  }

  private struct Column {
    var lowest = Point(at: .max, latency: .max)
    var highest = Point(at: .max, latency: .min)
  }

  private let range: Range<Int64>
  private let isSelected: [Bool]
  private let limit: Int
  private let columnWidth: Int64
  private var columns: [Column]
  private var all: [Point] = []
  /// Successful requests, whether their points survive or not.
  package private(set) var requests: Int64 = 0

  /// - Parameters:
  ///   - range: the query's period.
  ///   - isSelected: by series.
  ///   - maxPoints: at least 2.
  package init(_ range: Range<Timestamp>, isSelected: [Bool], maxPoints: Int) {
    self.range = range.lowerBound.microseconds..<range.upperBound.microseconds
    self.isSelected = isSelected
    limit = max(maxPoints, 2)
    let count = Int64(limit / 2)
    columnWidth = max((range.upperBound - range.lowerBound + count - 1) / count, 1)
    columns = Array(repeating: Column(), count: Int(count))
  }

  package var isThinned: Bool { requests > Int64(limit) }

  func receive(_ requests: RequestColumns, firstIndex: Int, before now: Int64) {
    guard let first = requests.count > 0 ? requests.arrivedAt[0] : nil else { return }
    let end = min(range.upperBound, now)
    // Batches come in order of arrival; one that is not costs only the look at its rows.
    if first >= end { return }
    if requests.arrivedAt[requests.count - 1] < range.lowerBound, first < range.lowerBound,
      isOrdered(requests)
    {
      return
    }
    columns.withUnsafeMutableBufferPointer { columns in
      isSelected.withUnsafeBufferPointer { isSelected in
        var columnStart = Int64.max
        var columnEnd = Int64.min
        var column = 0
        var taken: Int64 = 0
        for row in 0..<requests.count {
          let at = requests.arrivedAt[row]
          guard requests.outcome[row] == RequestOutcome.success, at >= range.lowerBound, at < end,
            isSelected[Int(requests.series[row]) - firstIndex]
          else { continue }
          let latency = requests.latencyMicroseconds[row]
          taken += 1
          if self.requests + taken <= Int64(limit) { all.append(Point(at: at, latency: latency)) }
          if at < columnStart || at >= columnEnd {
            column = Int((at - range.lowerBound) / columnWidth)
            columnStart = range.lowerBound + Int64(column) * columnWidth
            columnEnd = columnStart + columnWidth
          }
          let low = columns[column].lowest
          if latency < low.latency || (latency == low.latency && at < low.at) {
            columns[column].lowest = Point(at: at, latency: latency)
          }
          let high = columns[column].highest
          if latency > high.latency || (latency == high.latency && at < high.at) {
            columns[column].highest = Point(at: at, latency: latency)
          }
        }
        self.requests += taken
      }
    }
  }

  private func isOrdered(_ requests: RequestColumns) -> Bool {
    for row in 1..<max(requests.count, 1) where requests.arrivedAt[row] < requests.arrivedAt[row - 1] {
      return false
    }
    return true
  }

  /// In order of time, then latency.
  package var points: [Point] {
    guard isThinned else { return all.sorted() }
    var kept: [Point] = []
    for column in columns where column.lowest.at != .max {
      kept.append(column.lowest)
      if column.highest != column.lowest { kept.append(column.highest) }
    }
    return kept.sorted()
  }
}
