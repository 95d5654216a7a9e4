import Telemetry

/// The figures of the analysis lens: finer buckets than the dashboard's, how latency is distributed in each, and
/// failures by reason over time. All of it is from the quarter-hour rollups.
package struct AnalysisFigures: Encodable, Equatable, Sendable {
  package struct Bucket: Encodable, Equatable, Sendable {
    package var at: String
    package var successes: Int64
    package var failures: Int64
    /// Of successful requests, ms; `null` without any.
    package var average: Double?
    package var p50: Double?
    package var p95: Double?
    package var p99: Double?
    /// Average time to the first token, and per output token after it, ms; `null` where no first token is known.
    package var firstToken: Double?
    package var perOutputToken: Double?
    /// Of all requests, failures included.
    package var inputTokens: Int64
    package var outputTokens: Int64
    /// Seconds of the bucket that lie in the period: what rates are per.
    package var seconds: Double
    /// The share of input tokens that a prefix cache had; `null` where it is not known.
    package var cacheHitRate: Double?
    /// The share of KV blocks that requests held, averaged over replicas and time, and how often a request lost its blocks;
    /// `null` where no KV cache is known.
    package var kvUtilisation: Double?
    package var preemptions: Int64?
    /// Failures by reason; those that did not occur are absent.
    package var reasons: [String: Int64]
    /// Row and number of successful requests, alternating, by ascending row.
    package var heat: [Int64]

    enum CodingKeys: String, CodingKey {
      case at, successes, failures, average, p50, p95, p99, firstToken, perOutputToken, inputTokens,
        outputTokens, seconds, cacheHitRate, kvUtilisation, preemptions, reasons, heat
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(at, forKey: .at)
      try container.encode(successes, forKey: .successes)
      try container.encode(failures, forKey: .failures)
      try container.encode(average, forKey: .average)
      try container.encode(p50, forKey: .p50)
      try container.encode(p95, forKey: .p95)
      try container.encode(p99, forKey: .p99)
      try container.encode(firstToken, forKey: .firstToken)
      try container.encode(perOutputToken, forKey: .perOutputToken)
      try container.encode(inputTokens, forKey: .inputTokens)
      try container.encode(outputTokens, forKey: .outputTokens)
      try container.encode(seconds, forKey: .seconds)
      try container.encode(cacheHitRate, forKey: .cacheHitRate)
      try container.encode(kvUtilisation, forKey: .kvUtilisation)
      try container.encode(preemptions, forKey: .preemptions)
      try container.encode(reasons, forKey: .reasons)
      try container.encode(heat, forKey: .heat)
    }
  }

  package var from: String
  package var to: String
  package var timeZone: String
  /// Seconds that a bucket lasts, except for the last of a day on which clocks change.
  package var bucketSeconds: Int64
  /// Row r of the heat map holds latencies from `rows[r]` to below `rows[r + 1]`, ms: eight rows to a power of two.
  package var rows: [Double]
  /// Of the period, as in buckets; absent where no first token is known.
  package var firstToken: Double?
  package var perOutputToken: Double?
  /// The share of the period's input tokens that a prefix cache had; absent where it is not known.
  package var cacheHitRate: Double?
  /// Of the period, as in buckets; absent where no KV cache is known.
  package var kvUtilisation: Double?
  package var preemptions: Int64?
  /// Only buckets with requests.
  package var buckets: [Bucket]

  /// Bins of a histogram to a row of the heat map.
  private static let binsOfRow = 8
  /// Columns of a heat map: what a screen tells apart.
  private static let mostBuckets: Int64 = 372
  private static let widths: [Int64] = [900, 1800, 3600, 7200, 10_800, 21_600, 43_200]
  private static let day: Int64 = 86_400

  /// Of a bucket, those that are selected and not after now.
  private static func seconds(_ bucket: Range<Timestamp>, of period: DashboardPeriod) -> Double {
    let parts = period.pastSpans.map { $0.clamped(to: bucket) }
    return Double(parts.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }) / 1e6
  }

  private struct Sum {
    var total = RollupTotal()
    var latencies = LatencyHistogram()
    var reasons: [UInt8: Int64] = [:]
    var kvCache = KVCacheTotal()
  }

  /// - Throws: `QueryError` if a bucket begins inside a quarter of an hour that has requests; `AggregationError` if
  ///   stored rollups are damaged, or a sum of tokens exceeds 64 bits.
  package init(_ query: DashboardQuery, _ rollups: some RollupSource) throws {
    let period = query.period
    if let cut = try query.cut(rollups) {
      throw QueryError(
        "in \(query.account.timeZone) a bucket of this period begins at \(cut.rfc3339), inside a quarter of an hour. Choose another period for the analysis."
      )
    }
    let seconds = (period.range.upperBound - period.range.lowerBound) / 1_000_000
    let width = Self.widths.first { seconds / $0 <= Self.mostBuckets } ?? Self.day
    var starts: [Timestamp] = []
    var ends: [Timestamp] = []
    for stretch in period.stretches {
      var start = stretch.range.lowerBound
      while start < stretch.range.upperBound {
        starts.append(start)
        start = start + width * 1_000_000
        ends.append(width == Self.day ? stretch.range.upperBound : min(start, stretch.range.upperBound))
        if width == Self.day { break }
      }
    }
    var sums = Array(repeating: Sum(), count: starts.count)
    var whole = RollupTotal()
    func add(_ rollup: Rollup) {
      let index = starts.partitionPoint { $0 > rollup.start } - 1
      guard index >= 0, period.contains(rollup.start) else { return }
      whole.add(rollup.cell)
      sums[index].total.add(rollup.cell)
      sums[index].latencies.add(rollup.cell, rollup.latencies)
      for entry in rollup.reasons { sums[index].reasons[entry.reason, default: 0] &+= entry.count }
    }
    let byDay = width == Self.day
    if query.isWholeTab, try rollups.visitAll(query.selection.kind, in: period.past, byDay: byDay, add) {
    } else {
      for index in rollups.series.indices where query.includes(rollups.series[index]) {
        try rollups.visit(index, in: period.past, byDay: byDay, add)
      }
    }

    var kvCache = KVCacheTotal()
    query.visitKVCache { at, row in
      let index = starts.partitionPoint { $0 > at } - 1
      guard index >= 0 else { return }
      sums[index].kvCache.add(row)
      kvCache.add(row)
    }

    let names = rollups.reasons
    var first = Int.max
    var last = Int.min
    for sum in sums {
      sum.latencies.visit { bin, _ in
        first = min(first, bin / Self.binsOfRow)
        last = max(last, bin / Self.binsOfRow)
      }
    }
    rows =
      first > last
      ? [] : (first...last + 1).map { LatencyBin.bounds($0 * Self.binsOfRow).lower / 1000 }
    from = period.range.lowerBound.rfc3339(in: period.calendar)
    to = period.range.upperBound.rfc3339(in: period.calendar)
    timeZone = query.account.timeZone
    bucketSeconds = width
    firstToken = whole.averageFirstToken
    perOutputToken = whole.averageTimePerOutputToken
    cacheHitRate = whole.cacheHitRate
    kvUtilisation = kvCache.utilisation
    preemptions = kvCache.isKnown ? kvCache.preemptions : nil
    buckets = try starts.indices.compactMap { index -> Bucket? in
      let (start, sum) = (starts[index], sums[index])
      guard sum.total.requests > 0 else { return nil }
      var heat: [Int64] = []
      sum.latencies.visit { bin, count in
        let row = Int64(bin / Self.binsOfRow - first)
        if heat.count > 1, heat[heat.count - 2] == row {
          heat[heat.count - 1] &+= count
        } else {
          heat += [row, count]
        }
      }
      func quantile(_ q: Double) -> Double? { sum.latencies.quantile(q).map { $0 / 1000 } }
      return Bucket(
        at: start.rfc3339(in: period.calendar), successes: sum.total.successes, failures: sum.total.failures,
        average: sum.total.averageLatency, p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99),
        firstToken: sum.total.averageFirstToken, perOutputToken: sum.total.averageTimePerOutputToken,
        inputTokens: try TokensWidget.whole(sum.total.inputTokens),
        outputTokens: try TokensWidget.whole(sum.total.outputTokens),
        seconds: Self.seconds(start..<ends[index], of: period), cacheHitRate: sum.total.cacheHitRate,
        kvUtilisation: sum.kvCache.utilisation,
        preemptions: sum.kvCache.isKnown ? sum.kvCache.preemptions : nil,
        reasons: Dictionary(
          sum.reasons.filter { $0.value != 0 }.map {
            (Int($0.key) < names.count ? names[Int($0.key)] : "reason \($0.key)", $0.value)
          }, uniquingKeysWith: &+), heat: heat)
    }
  }
}
