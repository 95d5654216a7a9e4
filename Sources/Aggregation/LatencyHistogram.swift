/// Bins for durations: exact below 64 µs, from there 64 bins to each power of two, so that a bin's middle is within
/// 0.8 % of every value in it. Merging adds counts.
///
/// Source: Tene, HdrHistogram (bucket layout); Masson, Rim and Lee (2019), "DDSketch", section 2 (relative error).
package enum LatencyBin {
  static let count = 58 * 64

  /// - Parameter microseconds: negative values count as 0.
  @inline(__always)
  static func index(_ microseconds: Int64) -> Int {
    let value = UInt64(max(microseconds, 0))
    if value < 64 { return Int(value) }
    let exponent = 57 - value.leadingZeroBitCount
    return exponent << 6 + Int(value >> UInt64(exponent))
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
  private var counts: [Int64] = []
  package private(set) var total: Int64 = 0
  private var smallest = Int64.max
  private var largest = Int64.min

  package init() {}

  package mutating func add(_ cell: RollupCell, _ bins: PackedBins) {
    guard cell.successes > 0 else { return }
    if counts.isEmpty { counts = Array(repeating: 0, count: LatencyBin.count) }
    bins.visit { counts[$0] += $1 }
    total += cell.successes
    smallest = min(smallest, cell.latencyMin)
    largest = max(largest, cell.latencyMax)
  }

  /// The q-quantile in µs, within 0.8 % of the one by rank ⌈q·n⌉; `nil` of nothing.
  /// - Parameter q: in [0, 1].
  package func quantile(_ q: Double) -> Double? {
    guard total > 0 else { return nil }
    let rank = max(1, Int64((q * Double(total)).rounded(.up)))
    var sum: Int64 = 0
    for (index, count) in counts.enumerated() where count > 0 {
      sum += count
      if sum >= rank { return min(max(LatencyBin.middle(index), Double(smallest)), Double(largest)) }
    }
    return Double(largest)
  }
}

/// A sparse list of (bin, count), as bytes: gaps between bins and counts as LEB128 numbers.
package struct PackedBins: Equatable, Sendable {
  private(set) var bytes: [UInt8] = []
  private var last = 0

  init() {}

  /// Bins must come in ascending order.
  mutating func append(_ bin: Int, _ count: Int64) {
    Self.append(UInt64(bin - last), to: &bytes)
    Self.append(UInt64(count), to: &bytes)
    last = bin
  }

  private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
    var rest = number
    while rest >= 128 {
      bytes.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  func visit(_ body: (Int, Int64) -> Void) {
    var position = 0
    var bin = 0
    func next() -> UInt64 {
      var number: UInt64 = 0
      var shift: UInt64 = 0
      while position < bytes.count {
        let byte = bytes[position]
        position += 1
        number |= UInt64(byte & 127) << shift
        shift += 7
        if byte < 128 { break }
      }
      return number
    }
    while position < bytes.count {
      bin += Int(next())
      body(bin, Int64(next()))
    }
  }

  /// The sum of both.
  func merged(with other: PackedBins) -> PackedBins {
    if bytes.isEmpty { return other }
    if other.bytes.isEmpty { return self }
    var counts: [Int: Int64] = [:]
    visit { counts[$0, default: 0] += $1 }
    other.visit { counts[$0, default: 0] += $1 }
    var sum = PackedBins()
    for (bin, count) in counts.sorted(by: { $0.key < $1.key }) { sum.append(bin, count) }
    return sum
  }
}
