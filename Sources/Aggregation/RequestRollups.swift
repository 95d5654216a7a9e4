import Telemetry

/// The pipeline's first stage: requests in, rollups out. Memory grows with the time covered and the number of model
/// versions, not with the number of requests.
package final class RequestRollups: TelemetrySink {
  package let series: [Series]
  private let firstIndex: Int
  private let failureReasons: FailureReasons
  /// Names of failures by the requests' outcome codes; complete once all requests are in.
  package var reasons: [String] { failureReasons.names }
  private let bySeries: [SeriesRollups]
  /// Requests from this instant on are left out.
  private let now: Timestamp
  private var points: [LatencyPoints] = []
  /// Ascending, µs.
  private(set) var cuts: [Int64] = []

  /// - Parameters:
  ///   - series: what batches refer to by index.
  ///   - firstIndex: the index in batches of the first of these series.
  ///   - now: requests that arrive then or later do not count.
  ///   - reasons: the source's, which may add to them while it sends.
  ///   - mostInQuarter: requests after which a quarter's rollup is restarted, and added up with the others at the end.
  package init(
    series: [Series], firstIndex: Int = 0, now: Timestamp, reasons: FailureReasons,
    mostInQuarter: Int64? = nil
  ) {
    failureReasons = reasons
    self.series = series
    self.firstIndex = firstIndex
    self.now = now
    bySeries = series.map { _ in SeriesRollups(mostInQuarter: mostInQuarter ?? OpenQuarter.mostRequests) }
  }

  /// Collects the latency points of a query on the way. To be called before the first request.
  package func collect(_ points: LatencyPoints) { self.points.append(points) }

  /// Keeps what lies before and after some instants apart, where they lie inside a quarter of an hour. To be called
  /// before the first request.
  package func cut(at instants: some Sequence<Timestamp>) {
    cuts = Set(cuts).union(instants.map(\.microseconds)).sorted()
    for rollups in bySeries { rollups.cuts = cuts }
  }

  /// Each series has its own rollups.
  package var takesSeriesConcurrently: Bool { true }
  package var readsTexts: Bool { false }

  package func receive(_ requests: RequestColumns) throws {
    var row = 0
    while row < requests.count {
      let index = Int(requests.series[row])
      var end = row + 1
      while end < requests.count, Int(requests.series[end]) == index { end += 1 }
      bySeries[index - firstIndex].add(requests, row..<end, before: now.microseconds)
      row = end
    }
    for collector in points { collector.receive(requests, firstIndex: firstIndex, before: now.microseconds) }
  }

  /// No more requests: lets go of what only building needed.
  /// - Throws: `AggregationError` if a sum left the range of 64 bits.
  package func finish() throws {
    for rollups in bySeries { rollups.finish() }
    if bySeries.contains(where: \.hasOverflowed) {
      throw AggregationError(
        "the sum of latencies, waiting times or tokens of a quarter of an hour exceeds 64 bits. Some of them are implausible: check them."
      )
    }
  }

  /// The rollups of all quarters that end by an instant, before which no more requests come; building goes on.
  package func snapshot(before instant: Timestamp) -> RollupSnapshot {
    for rollups in bySeries { rollups.closeQuarter(before: instant.microseconds) }
    return RollupSnapshot(series: series, reasons: reasons, rollups: bySeries.map(\.closed), cuts: cuts)
  }

  /// Once finished.
  package var totalRequests: Int64 { bySeries.reduce(0) { $1.closed.reduce($0) { $0 + $1.cell.requests } } }

  /// Rollups of a series in order of time, once finished.
  package func rollups(of index: Int) -> [Rollup] { bySeries[index].closed }
}

/// The rollups of one series.
private final class SeriesRollups {
  private var open: OpenQuarter?
  /// Ascending, µs.
  var cuts: [Int64] = []
  private(set) var closed: [Rollup] = []
  private(set) var hasOverflowed = false
  private var compactAt = 1024
  private let mostInQuarter: Int64

  init(mostInQuarter: Int64) { self.mostInQuarter = mostInQuarter }

  /// - Parameter now: requests that arrive then or later do not count.
  func add(_ requests: RequestColumns, _ rows: Range<Int>, before now: Int64) {
    let quarter = open ?? OpenQuarter()
    open = quarter
    var row = rows.lowerBound
    while row < rows.upperBound {
      let arrived = requests.arrivedAt[row]
      if arrived >= now {
        row += 1
        continue
      }
      if arrived < quarter.start || arrived >= quarter.end {
        close(quarter)
        quarter.begin(containing: arrived, cuts: cuts)
      }
      if quarter.requests + Int64(rows.upperBound - row) > mostInQuarter { close(quarter) }
      row = quarter.add(requests, row..<rows.upperBound, before: min(quarter.end, now))
    }
  }

  private func close(_ quarter: OpenQuarter) {
    guard let rollup = quarter.close() else { return }
    hasOverflowed = hasOverflowed || quarter.hasOverflowed
    closed.append(rollup)
    if closed.count >= compactAt {
      compact()
      compactAt = max(1024, 2 * closed.count)
    }
  }

  /// Sorts the rollups and adds up those of one quarter (or of the same range of it) if requests came out of order.
  private func compact() {
    if zip(closed, closed.dropFirst()).allSatisfy({ $0.start < $1.start }) { return }
    var whole: [Rollup] = []
    for rollup in closed.enumerated().sorted(by: {
      ($0.element.start, $0.offset) < ($1.element.start, $1.offset)
    }) {
      if whole.last?.start == rollup.element.start {
        let overflowed = whole[whole.count - 1].add(rollup.element)
        hasOverflowed = hasOverflowed || overflowed
      } else {
        whole.append(rollup.element)
      }
    }
    closed = whole
  }

  /// No more requests: lets go of what only building needed.
  func finish() {
    if let quarter = open { close(quarter) }
    open = nil
    compact()
  }

  func closeQuarter(before instant: Int64) {
    if let quarter = open, quarter.end <= instant { close(quarter) }
  }
}

package struct AggregationError: ExplainedError {
  package let kind = ErrorKind.data
  package let hasPlace = false
  private let message: String

  package init(_ message: String) { self.message = message }

  package func text(naming name: (Setting) -> String) -> String { message.shown }
}
