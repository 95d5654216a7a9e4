import Telemetry

/// Whether shards that are to be added up have requests in common, which would then count twice.
///
/// Shards may have quarters of an hour of a series in common. A request is recognised by its arrival and latency, of
/// which a quarter keeps all if there are up to 60, and otherwise the extremes of every half minute; quarters of
/// failures alone by their sums.
package enum RollupOverlap {
  package struct Finding: Equatable, Sendable {
    /// Indices of the two shards, the earlier first.
    package var shards: (Int, Int)
    package var series: Series
    /// Of the request, or the start of the quarter that is the same.
    package var at: Timestamp

    package static func == (a: Finding, b: Finding) -> Bool {
      a.shards == b.shards && a.series == b.series && a.at == b.at
    }
  }

  /// The first request that is found in two shards; `nil` if there is none.
  /// - Parameter shards: the sources of each.
  /// - Throws: `AggregationError` if stored rollups are damaged.
  package static func find(_ shards: [[any RollupSource]]) throws -> Finding? {
    struct Place {
      var shard: Int
      var source: any RollupSource
      var index: Int
      var extent: Range<Timestamp>
    }
    var places: [Series: [Place]] = [:]
    for (shard, sources) in shards.enumerated() {
      for source in sources {
        for (index, series) in source.series.enumerated() {
          guard let extent = source.extent(index) else { continue }
          places[series, default: []].append(
            Place(shard: shard, source: source, index: index, extent: extent))
        }
      }
    }
    for (series, places) in places.sorted(by: {
      ($0.key.modelID, $0.key.version) < ($1.key.modelID, $1.key.version)
    }) where Set(places.map(\.shard)).count > 1 {
      var quarters = SharedQuarters()
      for place in places {
        // Only where another shard has something too.
        let others = places.filter { $0.shard != place.shard && $0.extent.overlaps(place.extent) }
        guard let from = others.map(\.extent.lowerBound).min(), let to = others.map(\.extent.upperBound).max()
        else { continue }
        let range = max(from, place.extent.lowerBound)..<min(to, place.extent.upperBound)
        try place.source.visit(place.index, in: range, byDay: false) { quarters.add($0, of: place.shard) }
      }
      if let (shards, at) = quarters.finding {
        return Finding(shards: shards, series: series, at: Timestamp(microseconds: at))
      }
    }
    return nil
  }
}

/// The quarters of one series.
private struct SharedQuarters {
  private struct Quarter {
    var points: [LatencyPoint: Int] = [:]
    var failures: [(shard: Int, cell: RollupCell)] = []
  }
  private var quarters: [Int64: Quarter] = [:]
  private(set) var finding: (shards: (Int, Int), at: Int64)?

  mutating func add(_ rollup: Rollup, of shard: Int) {
    guard finding == nil else { return }
    var found: (shards: (Int, Int), at: Int64)?
    var quarter = quarters[rollup.quarter] ?? Quarter()
    rollup.points.visit(start: rollup.start.microseconds) { point in
      guard let other = quarter.points[point] else {
        quarter.points[point] = shard
        return
      }
      if other != shard, found == nil { found = ((other, shard), point.at) }
    }
    if rollup.cell.successes == 0 {
      // Empty sums distinguish nothing.
      if rollup.cell.inputTokens != 0 || rollup.cell.waitingSum != 0,
        let other = quarter.failures.first(where: { $0.shard != shard && $0.cell == rollup.cell })
      {
        found = found ?? ((other.shard, shard), rollup.start.microseconds)
      }
      quarter.failures.append((shard, rollup.cell))
    }
    quarters[rollup.quarter] = quarter
    finding = found
  }
}
