import Simulation
import Telemetry

/// Recorded replicas and a policy's beside each other, over the time in which both are known.
struct ShadowComparison {
  typealias Change = ShadowDeployment.Change

  private(set) var agreement = ShadowResult.Agreement()
  private(set) var recorded = ShadowResult.Side()
  private(set) var shadow = ShadowResult.Side()
  private(set) var differences: [ShadowResult.Difference] = []
  private(set) var differencesInAll = 0
  private(set) var comparedHours = 0.0

  /// More would be read by nobody.
  static let mostDifferences = 1000

  /// - Parameters:
  ///   - changes: of both, each in order of time, the first not after the first range.
  ///   - ranges: ascending, the time that is compared.
  init(recorded changes: [Change], shadow others: [Change], over ranges: [Range<Int64>]) {
    var (equal, above, below, distance) = (Int64(0), Int64(0), Int64(0), Int64(0))
    var sums = (recorded: (provisioned: Int64(0), total: Int64(0)), shadow: (Int64(0), Int64(0)))
    var compared: Int64 = 0
    var open: (from: Int64, to: Int64, recorded: Int, shadow: Int)?
    var all: [(from: Int64, to: Int64, recorded: Int, shadow: Int)] = []
    Self.walk(changes, others, over: ranges) { from, to, a, b in
      let (length, difference) = (to - from, b.provisioned - a.provisioned)
      compared += length
      if difference == 0 {
        equal += length
      } else if difference > 0 {
        above += length
      } else {
        below += length
      }
      distance += length * Int64(abs(difference))
      sums.recorded.provisioned += length * Int64(a.provisioned)
      sums.recorded.total += length * Int64(a.total)
      sums.shadow.0 += length * Int64(b.provisioned)
      sums.shadow.1 += length * Int64(b.total)
      recorded.peakReplicas = max(recorded.peakReplicas, a.provisioned)
      shadow.peakReplicas = max(shadow.peakReplicas, b.provisioned)
      if let last = open, last.to == from, last.recorded == a.provisioned, last.shadow == b.provisioned {
        open?.to = to
      } else {
        if let last = open { all.append(last) }
        open = difference == 0 ? nil : (from, to, a.provisioned, b.provisioned)
      }
    }
    if let last = open { all.append(last) }
    guard compared > 0 else { return }
    let whole = Double(compared)
    comparedHours = whole / 3.6e9
    agreement.equal = Double(equal) / whole
    agreement.above = Double(above) / whole
    agreement.below = Double(below) / whole
    agreement.meanAbsoluteDifference = Double(distance) / whole
    recorded.meanReplicas = Double(sums.recorded.provisioned) / whole
    recorded.replicaHours = Double(sums.recorded.total) / 3.6e9
    shadow.meanReplicas = Double(sums.shadow.0) / whole
    shadow.replicaHours = Double(sums.shadow.1) / 3.6e9
    differencesInAll = all.count
    let longest = all.enumerated().sorted { a, b in
      let (x, y) = (Self.weight(a.element), Self.weight(b.element))
      return x == y ? a.offset < b.offset : x > y
    }.prefix(Self.mostDifferences)
    differences = longest.sorted { $0.offset < $1.offset }.map { _, one in
      ShadowResult.Difference(
        from: Timestamp(microseconds: one.from).rfc3339, to: Timestamp(microseconds: one.to).rfc3339,
        recorded: one.recorded, shadow: one.shadow, hours: Double(one.to - one.from) / 3.6e9)
    }
  }

  private static func weight(_ one: (from: Int64, to: Int64, recorded: Int, shadow: Int)) -> Int64 {
    (one.to - one.from) * Int64(abs(one.shadow - one.recorded))
  }

  mutating func charge(_ creditsMicroPerHour: Int64) {
    recorded.credits = recorded.replicaHours * Double(creditsMicroPerHour) / 1e6
    shadow.credits = shadow.replicaHours * Double(creditsMicroPerHour) / 1e6
  }

  mutating func setShort(recorded time: Int64?, shadow other: Int64) {
    recorded.shortHours = time.map { Double($0) / 3.6e9 }
    shadow.shortHours = Double(other) / 3.6e9
  }

  /// Calls for each stretch of the ranges in which neither changes.
  static func walk(
    _ a: [Change], _ b: [Change], over ranges: [Range<Int64>],
    _ body: (_ from: Int64, _ to: Int64, _ a: Change, _ b: Change) -> Void
  ) {
    var (i, j) = (0, 0)
    for range in ranges {
      var from = range.lowerBound
      while from < range.upperBound {
        while i + 1 < a.count, a[i + 1].at <= from { i += 1 }
        while j + 1 < b.count, b[j + 1].at <= from { j += 1 }
        let to = min(
          i + 1 < a.count ? a[i + 1].at : .max, j + 1 < b.count ? b[j + 1].at : .max, range.upperBound)
        body(from, to, a[i], b[j])
        from = to
      }
    }
  }
}

/// Means and peaks of equal intervals of a span, of something that holds from an instant on.
struct ShadowIntervals {
  let start: Int64
  let width: Int64
  private let end: Int64
  private(set) var sums: [Double]
  private(set) var peaks: [Double]
  /// How much of each interval has a value, µs.
  private(set) var times: [Int64]

  private static let most: Int64 = 480
  private static let widths: [Int64] = [1, 5, 15, 60, 300, 900, 3600, 10800, 21600, 86400].map {
    $0 * 1_000_000
  }

  init(_ span: Range<Int64>) {
    (start, end) = (span.lowerBound, span.upperBound)
    let length = end - start
    width = Self.widths.first { length / $0 < Self.most } ?? (length / Self.most + 1)
    let count = Int((length + width - 1) / width)
    sums = Array(repeating: 0, count: count)
    peaks = sums
    times = Array(repeating: 0, count: count)
  }

  mutating func add(_ value: Double, from: Int64, to: Int64) {
    var from = max(from, start)
    let to = min(to, end)
    while from < to {
      let place = Int((from - start) / width)
      let next = min(to, start + Int64(place + 1) * width)
      sums[place] += value * Double(next - from)
      peaks[place] = max(peaks[place], value)
      times[place] += next - from
      from = next
    }
  }

  var means: [Double?] {
    zip(sums, times).map { $1 > 0 ? $0 / Double($1) : nil }
  }
}
