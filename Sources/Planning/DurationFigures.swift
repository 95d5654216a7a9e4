import Aggregation

/// How long something took of each request: the sum, and how the durations are distributed.
package struct DurationFigures: Codable, Equatable, Sendable {
  /// µs.
  package var sum: Int64 = 0
  /// Bin, count, bin, count, … (`LatencyBin`), ascending.
  package var bins: [Int64] = []
  /// The smallest and the largest, µs; `nil` without any, and in what earlier versions kept.
  package var least: Int64?
  package var most: Int64?

  package init(sum: Int64 = 0, bins: [Int64] = [], least: Int64? = nil, most: Int64? = nil) {
    self.sum = sum
    self.bins = bins
    self.least = least
    self.most = most
  }

  var count: Int64 { stride(from: 1, to: bins.count, by: 2).reduce(0) { $0 &+ bins[$1] } }

  /// ms; `nil` without any.
  var mean: Double? { count > 0 ? Double(sum) / 1000 / Double(count) : nil }

  /// Whether a simulation can have produced it.
  /// - Parameter counts: that a bin can have.
  func isPossible(counts: ClosedRange<Int64>, sums: ClosedRange<Int64>) -> Bool {
    var last: Int64 = -1
    guard bins.count.isMultiple(of: 2), bins.count <= 2 * LatencyBin.count else { return false }
    for index in stride(from: 0, to: bins.count, by: 2) {
      let (bin, count) = (bins[index], bins[index + 1])
      guard bin > last, bin < LatencyBin.count, count > 0, counts.contains(count) else { return false }
      last = bin
    }
    return sums.contains(sum) && (least ?? 0) >= 0 && (least ?? 0) <= (most ?? .max)
      && (most ?? 0) <= sums.upperBound
  }

  /// The q-quantile of several replications together, in ms: linear inside a bin, and never outside of the durations that
  /// there were. `nil` without any.
  static func quantile(_ all: [DurationFigures], _ q: Double) -> Double? {
    let pairs = all.count == 1 ? all[0].bins : pooled(all.map(\.bins))
    let total = stride(from: 1, to: pairs.count, by: 2).reduce(0.0) { $0 + Double(pairs[$1]) }
    guard total > 0 else { return nil }
    let rank = q * total
    var sum = 0.0
    for index in stride(from: 0, to: pairs.count - 1, by: 2) {
      let count = Double(pairs[index + 1])
      if sum + count >= rank {
        let (lower, width) = LatencyBin.bounds(Int(pairs[index]))
        let inside = lower + width * (rank - sum) / count
        let least = all.compactMap(\.least).min().map(Double.init) ?? inside
        let most = all.compactMap(\.most).max().map(Double.init) ?? inside
        return min(max(inside, least), most) / 1000
      }
      sum += count
    }
    return nil
  }

  /// Bins of several replications, or models, together.
  static func pooled(_ lists: [[Int64]]) -> [Int64] {
    var counts: [Int64: Int64] = [:]
    for list in lists {
      for index in stride(from: 0, to: list.count - 1, by: 2) {
        counts[list[index], default: 0] &+= list[index + 1]
      }
    }
    return counts.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
  }

  /// - Throws: `AggregationError` if the sum leaves the range of 64 bits.
  mutating func add(_ other: DurationFigures) throws {
    sum = try ReplicationSink.whole(Int128(sum) + Int128(other.sum))
    bins = bins.isEmpty ? other.bins : Self.pooled([bins, other.bins])
    least = [least, other.least].compactMap { $0 }.min()
    most = [most, other.most].compactMap { $0 }.max()
  }
}
