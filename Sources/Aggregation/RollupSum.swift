/// The sum of any number of rollups of one quarter, in one pass over each: what adding them one after the other gives.
///
/// Bins are summed in one dense array, points kept in one list until they are too many, so that the cost depends on
/// what is added, not on what has been added before.
struct RollupSum {
  private let quarter: Int64
  private let offset: Int64
  private var cell = RollupCell()
  private var reasons = [Int64](repeating: 0, count: 256)
  private var bins: [Int64] = []
  /// The first bin that is used, and the one after the last; empty at first, which no `Range` can be.
  private var binsUsed = (first: Int.max, end: 0)
  private var points: [LatencyPoint] = []
  private var arePointsComplete = true
  /// Whether a sum has left the range of 64 bits.
  private(set) var hasOverflowed = false

  /// - Parameter offset: where in the quarter the part begins that is summed, µs.
  init(quarter: Int64, offset: Int64 = 0) {
    self.quarter = quarter
    self.offset = offset
  }

  private var start: Int64 { quarter * Rollup.quarterMicroseconds }

  mutating func add(_ rollup: Rollup) {
    hasOverflowed = cell.add(rollup.cell) || hasOverflowed
    for entry in rollup.reasons { reasons[Int(entry.reason)] &+= entry.count }
    if bins.isEmpty { bins = [Int64](repeating: 0, count: LatencyBin.count) }
    var (least, end) = binsUsed
    bins.withUnsafeMutableBufferPointer { bins in
      rollup.latencies.visit { bin, count in
        // Beyond only where the bytes are damaged.
        guard bin < bins.count else { return }
        bins[bin] &+= count
        least = min(least, bin)
        end = max(end, bin + 1)
      }
    }
    binsUsed = (least, end)
    rollup.points.visit(start: start) { points.append($0) }
    arePointsComplete = arePointsComplete && rollup.points.isComplete
    // The extremes of extremes are those of all.
    if points.count > 4096 {
      points = QuarterPoints.extremes(points, start: start)
      arePointsComplete = false
    }
  }

  var rollup: Rollup {
    var packed = PackedBins()
    if binsUsed.first < binsUsed.end {
      for bin in binsUsed.first..<binsUsed.end where bins[bin] != 0 { packed.append(bin, bins[bin]) }
    }
    let isComplete = arePointsComplete && points.count <= QuarterPoints.mostKept
    return Rollup(
      quarter: quarter, offset: offset, cell: cell,
      reasons: reasons.enumerated().filter { $0.element != 0 }.map { (UInt8($0.offset), $0.element) },
      latencies: packed,
      points: QuarterPoints(
        isComplete ? points : QuarterPoints.extremes(points, start: start), isComplete: isComplete,
        start: start))
  }
}
