/// Bins for durations: exact below 64 µs, from there 64 bins to each power of two, so that a bin's middle is within
/// 0.8 % of every value in it. Merging adds counts.
///
/// Source: Tene, HdrHistogram (bucket layout); Masson, Rim and Lee (2019), "DDSketch", section 2 (relative error).
package enum LatencyBin {
  package static let count = 58 * 64

  /// - Parameter microseconds: negative values count as 0.
  @inline(__always)
  package static func index(_ microseconds: Int64) -> Int {
    let value = UInt64(max(microseconds, 0))
    if value < 64 { return Int(value) }
    let exponent = 57 - value.leadingZeroBitCount
    return exponent << 6 + Int(value >> UInt64(exponent))
  }

  /// A bin's least value and how many values it has, µs.
  package static func bounds(_ index: Int) -> (lower: Double, width: Double) {
    if index < 128 { return (Double(index), 1) }
    let exponent = index >> 6 - 1
    let unit = Double(UInt64(1) << UInt64(exponent))
    return (Double(index - exponent << 6) * unit, unit)
  }

  /// The middle of a bin, µs.
  static func middle(_ index: Int) -> Double {
    if index < 128 { return Double(index) }
    let exponent = index >> 6 - 1
    let lower = Double(index - exponent << 6)
    return (lower + 0.5) * Double(UInt64(1) << UInt64(exponent)) - 0.5
  }
}

/// Counts by bin, with quantiles.
package struct LatencyHistogram: Equatable, Sendable {
  /// Of bins `lowBin`, `lowBin + 1`, …
  private var counts: [Int64] = []
  private var lowBin = 0
  package private(set) var total: Int64 = 0
  private(set) var smallest = Int64.max
  private(set) var largest = Int64.min

  package init() {}

  package mutating func add(_ cell: RollupCell, _ bins: PackedBins) {
    add(bins, count: cell.successes, least: cell.latencyMin, most: cell.latencyMax)
  }

  /// - Parameters:
  ///   - count: of all bins together.
  ///   - least: the smallest value in them, µs.
  ///   - most: the largest, µs.
  mutating func add(_ bins: PackedBins, count: Int64, least: Int64, most: Int64) {
    guard count > 0 else { return }
    makeRoom(LatencyBin.index(least), LatencyBin.index(most))
    let low = lowBin
    counts.withUnsafeMutableBufferPointer { counts in
      bins.visit { bin, count in
        // Outside only where the bytes are damaged.
        if bin >= low, bin - low < counts.count { counts[bin - low] &+= count }
      }
    }
    total &+= count
    smallest = min(smallest, least)
    largest = max(largest, most)
  }

  /// One value, µs.
  mutating func add(_ microseconds: Int64) {
    let bin = LatencyBin.index(microseconds)
    if counts.isEmpty || bin < lowBin || bin >= lowBin + counts.count { makeRoom(bin, bin) }
    counts[bin - lowBin] &+= 1
    total &+= 1
    smallest = min(smallest, microseconds)
    largest = max(largest, microseconds)
  }

  private mutating func makeRoom(_ low: Int, _ high: Int) {
    if counts.isEmpty {
      lowBin = low
      counts = Array(repeating: 0, count: high - low + 1)
      return
    }
    if low < lowBin {
      counts.insert(contentsOf: repeatElement(0, count: lowBin - low), at: 0)
      lowBin = low
    }
    if high >= lowBin + counts.count {
      counts.append(contentsOf: repeatElement(0, count: high - lowBin - counts.count + 1))
    }
  }

  var packed: PackedBins {
    var packed = PackedBins()
    for (index, count) in counts.enumerated() where count > 0 { packed.append(lowBin + index, count) }
    return packed
  }

  mutating func merge(_ other: LatencyHistogram) {
    guard other.total > 0 else { return }
    makeRoom(other.lowBin, other.lowBin + other.counts.count - 1)
    for (index, count) in other.counts.enumerated() { counts[other.lowBin + index - lowBin] &+= count }
    total &+= other.total
    smallest = min(smallest, other.smallest)
    largest = max(largest, other.largest)
  }

  /// Bins that hold something, ascending, with their counts.
  func visit(_ body: (_ bin: Int, _ count: Int64) -> Void) {
    for (index, count) in counts.enumerated() where count > 0 { body(lowBin + index, count) }
  }

  /// The q-quantile in µs, within 0.8 % of the one by rank ⌈q·n⌉; `nil` of nothing.
  /// - Parameter q: in [0, 1].
  package func quantile(_ q: Double) -> Double? {
    guard total > 0 else { return nil }
    let rank = max(1, Int64((q * Double(total)).rounded(.up)))
    var sum: Int64 = 0
    for (index, count) in counts.enumerated() where count > 0 {
      sum += count
      if sum >= rank { return min(max(LatencyBin.middle(lowBin + index), Double(smallest)), Double(largest)) }
    }
    return Double(largest)
  }
}

/// A sparse list of (bin, count), as bytes: gaps between bins and counts as LEB128 numbers.
package struct PackedBins: Equatable, Sendable {
  private(set) var bytes: [UInt8] = []
  private var last = 0

  init() {}

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Bins must come in ascending order.
  mutating func append(_ bin: Int, _ count: Int64) {
    var writer = ByteWriter()
    writer.unsigned(UInt64(bin - last))
    writer.unsigned(UInt64(count))
    bytes += writer.bytes
    last = bin
  }

  @inline(__always)
  func visit(_ body: (Int, Int64) -> Void) {
    bytes.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes)
      var bin = 0
      while !reader.isAtEnd, !reader.isDamaged {
        bin &+= Int(truncatingIfNeeded: reader.unsigned() & 0xffff)
        body(bin, Int64(truncatingIfNeeded: reader.unsigned() & 0x7fff_ffff_ffff))
      }
    }
  }
}
