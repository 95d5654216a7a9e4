import Telemetry

/// The selected rollups by bucket of the period, and over all of it.
struct Buckets {
  struct Bucket {
    var cell = RollupTotal()
    var latencies = LatencyHistogram()
  }

  let starts: [Timestamp]
  private let segments: [DashboardPeriod.Segment]
  private var buckets: [Bucket]
  private(set) var total = RollupTotal()
  private(set) var latencies = LatencyHistogram()
  private(set) var failures: [UInt8: Int64] = [:]
  /// Of graphs with one point per request: the extremes of every screen column.
  private(set) var thinned: ThinnedPoints?
  /// The same: every point, as far as quarters kept them.
  private(set) var kept: [LatencyPoint] = []
  private(set) var keepsEveryPoint = true
  private var hasStrayPoints = false

  /// - Throws: `AggregationError` if stored rollups are damaged.
  init(_ query: DashboardQuery, _ rollups: some RollupSource) throws {
    let period = query.period
    starts = period.bucketStarts
    segments = period.segments
    buckets = Array(repeating: Bucket(), count: starts.count)
    let range = period.past
    let showsPoints = period.showsEveryRequest
    if showsPoints { thinned = ThinnedPoints(period.past, maxPoints: query.maxPoints) }
    let byDay = !period.isHourly && !showsPoints
    if query.isWholeTab, try rollups.visitAll(query.selection.kind, in: range, byDay: byDay, { add($0) }) {
    } else {
      for index in rollups.series.indices where query.includes(rollups.series[index]) {
        try rollups.visit(index, in: range, byDay: byDay) { add($0) }
      }
    }
    if hasStrayPoints {
      throw AggregationError("the rollups are damaged: a point lies outside its quarter of an hour.")
    }
    for bucket in buckets { latencies.merge(bucket.latencies) }
    if Int64(kept.count) != total.successes || total.successes > Int64(query.maxPoints) {
      keepsEveryPoint = false
      kept = []
    }
  }

  private mutating func add(_ rollup: Rollup) {
    // The last chunk that starts at or before the rollup.
    var low = 0
    var high = segments.count
    while low < high {
      let middle = (low + high) / 2
      if segments[middle].start <= rollup.start { low = middle + 1 } else { high = middle }
    }
    guard low > 0, let bucket = segments[low - 1].bucket else { return }
    buckets[bucket].cell.add(rollup.cell)
    buckets[bucket].latencies.add(rollup.cell, rollup.latencies)
    total.add(rollup.cell)
    for entry in rollup.reasons { failures[entry.reason, default: 0] &+= entry.count }
    guard thinned != nil else { return }
    let isComplete = rollup.points.isComplete
    let start = rollup.quarterStart
    rollup.points.visit(start: start) { point in
      // What no pipeline wrote must not reach dates, which trap where they overflow.
      guard point.at >= start, point.at - start < Rollup.quarterMicroseconds else {
        hasStrayPoints = true
        return
      }
      thinned?.add(point)
      if isComplete { kept.append(point) }
    }
  }

  /// Buckets in which requests were processed.
  var filled: [(at: Timestamp, bucket: Bucket)] {
    zip(starts, buckets).filter { $1.cell.requests > 0 }.map { ($0, $1) }
  }
}
