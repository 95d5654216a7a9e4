import Telemetry

/// The pipeline's first stage: requests in, rollups out. Memory grows with the time covered and the number of model
/// versions, not with the number of requests.
package final class RequestRollups: TelemetrySink {
  package let series: [Series]
  private let firstIndex: Int
  /// Names of failures by the requests' outcome codes.
  package var reasons = RequestOutcome.names
  private var open: [OpenQuarter?]
  private var closed: [[Rollup]]
  private var compactAt: [Int]
  /// Requests from this moment on are left out.
  private let now: Timestamp
  private var points: [LatencyPoints] = []
  private var hasOverflowed = false

  /// - Parameters:
  ///   - series: what batches refer to by index.
  ///   - firstIndex: the index in batches of the first of these series.
  ///   - now: requests that arrive then or later do not count.
  package init(series: [Series], firstIndex: Int = 0, now: Timestamp) {
    self.series = series
    self.firstIndex = firstIndex
    self.now = now
    open = Array(repeating: nil, count: series.count)
    closed = Array(repeating: [], count: series.count)
    compactAt = Array(repeating: 1024, count: series.count)
  }

  /// Collects the latency points of a query on the way. To be called before the first request.
  package func collect(_ points: LatencyPoints) { self.points.append(points) }

  package func receive(_ requests: RequestColumns) throws {
    var row = 0
    while row < requests.count {
      let index = Int(requests.series[row])
      var end = row + 1
      while end < requests.count, Int(requests.series[end]) == index { end += 1 }
      add(requests, row..<end, series: index - firstIndex)
      row = end
    }
    for collector in points { collector.receive(requests, firstIndex: firstIndex, before: now.microseconds) }
  }

  /// Rows of one series.
  private func add(_ requests: RequestColumns, _ rows: Range<Int>, series index: Int) {
    let quarter = open[index] ?? OpenQuarter()
    open[index] = quarter
    var row = rows.lowerBound
    while row < rows.upperBound {
      let arrived = requests.arrivedAt[row]
      if arrived >= now.microseconds {
        row += 1
        continue
      }
      if arrived < quarter.start || arrived >= quarter.end {
        close(quarter, of: index)
        quarter.begin(containing: arrived)
      }
      row = quarter.add(requests, row..<rows.upperBound, before: min(quarter.end, now.microseconds))
    }
  }

  private func close(_ quarter: OpenQuarter, of index: Int) {
    guard let rollup = quarter.close() else { return }
    hasOverflowed = hasOverflowed || quarter.hasOverflowed
    closed[index].append(rollup)
    if closed[index].count >= compactAt[index] {
      compact(index)
      compactAt[index] = max(1024, 2 * closed[index].count)
    }
  }

  /// Brings the rollups of a series in order and adds up those of one quarter, where requests came out of order.
  private func compact(_ index: Int) {
    let parts = closed[index]
    if zip(parts, parts.dropFirst()).allSatisfy({ $0.quarter < $1.quarter }) { return }
    var whole: [Rollup] = []
    for rollup in parts.enumerated().sorted(by: {
      ($0.element.quarter, $0.offset) < ($1.element.quarter, $1.offset)
    }) {
      if whole.last?.quarter == rollup.element.quarter {
        let overflowed = whole[whole.count - 1].add(rollup.element)
        hasOverflowed = hasOverflowed || overflowed
      } else {
        whole.append(rollup.element)
      }
    }
    closed[index] = whole
  }

  /// No more requests: lets go of what only building needed.
  /// - Throws: `AggregationError` if a sum left the range of 64 bits.
  package func finish() throws {
    for index in series.indices {
      if let quarter = open[index] { close(quarter, of: index) }
      open[index] = nil
      compact(index)
    }
    if hasOverflowed {
      throw AggregationError(
        "the sum of latencies leaves the range of 64 bits. Some latency or waiting time is absurd.")
    }
  }

  /// The rollups of all quarters that end by a moment, before which no more requests come; building goes on.
  package func snapshot(before moment: Timestamp) -> RollupSnapshot {
    for index in series.indices {
      if let quarter = open[index], quarter.end <= moment.microseconds { close(quarter, of: index) }
    }
    return RollupSnapshot(series: series, reasons: reasons, rollups: closed)
  }

  /// Once finished.
  package var totalRequests: Int64 { closed.joined().reduce(0) { $0 + $1.cell.requests } }

  /// Rollups of a series in order of time, once finished.
  package func rollups(of index: Int) -> [Rollup] { closed[index] }
}

package struct AggregationError: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
