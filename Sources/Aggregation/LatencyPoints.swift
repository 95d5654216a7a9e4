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

    /// Of equal latencies, the earliest.
    @inline(__always)
    mutating func add(_ point: Point) {
      if (point.latency, point.at) < (lowest.latency, lowest.at) { lowest = point }
      if point.latency > highest.latency || (point.latency == highest.latency && point.at < highest.at) {
        highest = point
      }
    }
  }

  private let range: Range<Int64>
  private let isSelected: [Bool]
  private let limit: Int
  private let columnWidth: Int64
  /// Every point, as long as they are within the limit; then `columns` instead, which are empty until then.
  private var all: [Point] = []
  private var columns: [Column] = []
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
  }

  package var isThinned: Bool { !columns.isEmpty }

  func receive(_ requests: RequestColumns, firstIndex: Int, before now: Int64) {
    guard let first = requests.count > 0 ? requests.arrivedAt[0] : nil else { return }
    let end = min(range.upperBound, now)
    // Batches come in order of arrival; one that is not costs only the look at its rows.
    if first >= end, isOrdered(requests) { return }
    if requests.arrivedAt[requests.count - 1] < range.lowerBound, first < range.lowerBound,
      isOrdered(requests)
    {
      return
    }
    for row in 0..<requests.count {
      let at = requests.arrivedAt[row]
      guard requests.outcome[row] == RequestOutcome.success, at >= range.lowerBound, at < end,
        isSelected[Int(requests.series[row]) - firstIndex]
      else { continue }
      add(Point(at: at, latency: requests.latencyMicroseconds[row]))
    }
  }

  @inline(__always)
  private func add(_ point: Point) {
    requests += 1
    if columns.isEmpty {
      all.append(point)
      if all.count > limit { thin() }
    } else {
      columns[Int((point.at - range.lowerBound) / columnWidth)].add(point)
    }
  }

  private func thin() {
    columns = Array(repeating: Column(), count: limit / 2)
    for point in all { columns[Int((point.at - range.lowerBound) / columnWidth)].add(point) }
    all = []
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
