import Foundation
import Telemetry

/// The requests of one model as they were observed: in columns, in order of arrival.
package struct Observations: Sendable {
  package private(set) var arrivedAt: [Int64] = []
  package private(set) var input: [Int32] = []
  package private(set) var output: [Int32] = []
  /// Index into the data set's series.
  package private(set) var series: [Int32] = []
  package private(set) var outcome: [UInt8] = []
  /// µs, at most 71 minutes, as are the next two.
  package private(set) var waiting: [UInt32] = []
  package private(set) var firstToken: [UInt32] = []
  package private(set) var latency: [UInt32] = []

  /// `RequestRecord.unknown` of each; empty where everything is known.
  private var unknown: [UInt8] = []

  /// Whether a request's measure is known; 0 stands for it where it is not.
  func isKnown(_ measure: RequestMeasure, _ row: Int) -> Bool {
    unknown.isEmpty || unknown[row] & measure.bit == 0
  }

  /// Requests that arrived before one listed above them, and by how much at most, µs.
  package private(set) var outOfOrder = 0
  package private(set) var largestStepBack: Int64 = 0
  /// Requests that share their time stamp with the one before.
  package private(set) var sharedStamps = 0
  /// Requests that took longer than the columns hold.
  package private(set) var beyondRange = 0
  /// What all time stamps are apart by multiples of, µs; 1 unless they are coarse.
  package private(set) var resolution: Int64 = 1
  /// Where the grid of time stamps lies: an instant at which a step of it begins, µs.
  private var gridOrigin: Int64 = 0

  /// Whether a prefix cache is known to have spared some of them a part of their prompts.
  package private(set) var hasCachedTokens = false

  /// Whether they were imported: earlier imports wrote 0 for numbers that they did not know.
  package fileprivate(set) var isForeign = false

  package init() {}

  /// Requests of which nothing but their arrival is known.
  /// - Parameter instants: µs since 1970, ascending.
  init(arrivedAt instants: [Int64]) {
    arrivedAt = instants
  }

  package var count: Int { arrivedAt.count }

  fileprivate mutating func reserve(_ rows: Int) {
    arrivedAt.reserveCapacity(rows)
    input.reserveCapacity(rows)
    output.reserveCapacity(rows)
    series.reserveCapacity(rows)
    outcome.reserveCapacity(rows)
    waiting.reserveCapacity(rows)
    firstToken.reserveCapacity(rows)
    latency.reserveCapacity(rows)
  }

  fileprivate mutating func append(_ row: Int, of columns: RequestColumns) {
    let at = columns.arrivedAt[row]
    if let last = arrivedAt.last, at < last {
      outOfOrder += 1
      largestStepBack = max(largestStepBack, last - at)
    }
    if columns.latencyMicroseconds[row] > Int64(UInt32.max) { beyondRange += 1 }
    if let bits = columns.extras?.unknown?[row], bits != 0 || !unknown.isEmpty {
      unknown += repeatElement(0, count: arrivedAt.count - unknown.count)
      unknown.append(bits)
    } else if !unknown.isEmpty {
      unknown.append(0)
    }
    arrivedAt.append(at)
    input.append(columns.inputTokens[row])
    output.append(columns.outputTokens[row])
    series.append(columns.series[row])
    outcome.append(columns.outcome[row])
    waiting.append(UInt32(clamping: columns.waitingMicroseconds[row]))
    firstToken.append(UInt32(clamping: columns.firstTokenMicroseconds[row]))
    latency.append(UInt32(clamping: columns.latencyMicroseconds[row]))
    if let cached = columns.cachedInputTokens?[row], cached > 0 { hasCachedTokens = true }
  }

  /// Puts the requests in order of arrival and looks at their time stamps.
  fileprivate mutating func settle() {
    if outOfOrder > 0 {
      let order = arrivedAt.indices.sorted { (arrivedAt[$0], $0) < (arrivedAt[$1], $1) }
      func inOrder<T>(_ column: [T]) -> [T] { order.map { column[$0] } }
      if !unknown.isEmpty { unknown = inOrder(unknown) }
      arrivedAt = inOrder(arrivedAt)
      input = inOrder(input)
      output = inOrder(output)
      series = inOrder(series)
      outcome = inOrder(outcome)
      waiting = inOrder(waiting)
      firstToken = inOrder(firstToken)
      latency = inOrder(latency)
    }
    sharedStamps = zip(arrivedAt, arrivedAt.dropFirst()).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }
    resolution = Self.resolution(arrivedAt, shared: sharedStamps)
    snap()
    gridOrigin = arrivedAt.first ?? 0
  }

  /// Puts stamps on the grid from which they hardly deviate: a clock whose steps are not quite even.
  private mutating func snap() {
    guard let first = arrivedAt.first, 2 * sharedStamps >= count else { return }
    let gaps = zip(arrivedAt, arrivedAt.dropFirst()).map { $1 - $0 }.filter { $0 > 0 }.sorted()
    guard gaps.count >= 20 else { return }
    let step = gaps[gaps.count / 2]
    guard step >= 1000, step >= 100 * resolution else { return }
    let snapped = arrivedAt.map { first + (($0 - first) + step / 2) / step * step }
    guard zip(snapped, arrivedAt).allSatisfy({ 100 * abs($0 - $1) <= step }) else { return }
    arrivedAt = snapped
    sharedStamps = zip(arrivedAt, arrivedAt.dropFirst()).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }
    resolution = step
  }

  /// Spans of which only whole steps of the grid are left, and a length of whole steps, where the grid is not much finer
  /// than that; otherwise both as they are. It is unknown when within a step an export began and ended, so counts in
  /// its first and last step are not rates.
  /// - Parameters:
  ///   - spans: ascending.
  ///   - width: of bins, µs.
  func wholeSteps(of spans: [Range<Int64>], width: Int64) -> (spans: [Range<Int64>], width: Int64) {
    guard isForeign, resolution > 1, 4 * resolution >= width else { return (spans, width) }
    func step(of instant: Int64) -> Int64 {
      let rest = (instant - gridOrigin) % resolution
      return instant - (rest < 0 ? rest + resolution : rest)
    }
    let whole = spans.map { span in
      let (first, last) = (step(of: span.lowerBound) + resolution, step(of: span.upperBound - 1))
      return last - first >= 2 * resolution ? first..<last : span
    }
    return (whole, (width + resolution - 1) / resolution * resolution)
  }

  /// The step of the grid on which all stamps lie.
  ///
  /// Where many requests share a stamp, whatever step divides all differences is the clock's. Where none do, a common
  /// step may be that of regular arrivals, so only the steps of clocks count: a minute, a second, a tenth, …
  private static func resolution(_ instants: [Int64], shared: Int) -> Int64 {
    guard instants.count >= 20 else { return 1 }
    var step: Int64 = 0
    for (earlier, later) in zip(instants, instants.dropFirst()) {
      step = greatestCommonDivisor(step, later - earlier)
      if step == 1 { return 1 }
    }
    // All at one instant: no grid can be told.
    guard step > 0 else { return 1 }
    if Double(shared) >= 0.01 * Double(instants.count) { return step >= 10 ? step : 1 }
    for candidate in [60_000_000, 1_000_000, 100_000, 10_000, 1000, 100, 10] as [Int64]
    where step % candidate == 0 && instants[0] % candidate == 0 { return candidate }
    return 1
  }

  /// The same requests with the time stamps that the clock of others would have given them.
  package func stamped(like other: Observations) -> Observations {
    guard other.resolution > 1, !other.arrivedAt.isEmpty else { return self }
    let step = other.resolution
    let origin = ((other.gridOrigin % step) + step) % step
    let instants = arrivedAt.map { at in
      let rest = (at - origin) % step
      return at - (rest < 0 ? rest + step : rest)
    }
    var stamped = with(instants, resolution: step)
    stamped.gridOrigin = origin
    return stamped
  }

  private static func greatestCommonDivisor(_ a: Int64, _ b: Int64) -> Int64 {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }

  /// The same requests with those of one coarse stamp spread over the stamp's resolution, evenly except for chance.
  ///
  /// Uniform order statistics by exponential spacings. Source: Devroye (1986), *Non-Uniform Random Variate Generation*,
  /// section V.2. The numbers are the same in every run.
  package func spread() -> Observations {
    guard resolution > 1 else { return self }
    var instants: [Int64] = []
    instants.reserveCapacity(arrivedAt.count)
    var state = UInt64(0x9E37_79B9_7F4A_7C15)
    var spacings: [Double] = []
    var row = 0
    while row < arrivedAt.count {
      var end = row + 1
      while end < arrivedAt.count, arrivedAt[end] == arrivedAt[row] { end += 1 }
      spacings.removeAll(keepingCapacity: true)
      var sum = 0.0
      for _ in row...end {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        sum -= log((Double(state >> 11) + 0.5) * 0x1p-53)
        spacings.append(sum)
      }
      for place in 0..<end - row {
        let share = spacings[place] / sum
        instants.append(arrivedAt[row] + min(Int64(share * Double(resolution)), resolution - 1))
      }
      row = end
    }
    return with(instants, resolution: resolution)
  }

  /// The same requests at other times, which must be in the same order.
  private func with(_ instants: [Int64], resolution: Int64) -> Observations {
    var copy = Observations()
    copy.unknown = unknown
    copy.arrivedAt = instants
    copy.input = input
    copy.output = output
    copy.series = series
    copy.outcome = outcome
    copy.waiting = waiting
    copy.firstToken = firstToken
    copy.latency = latency
    copy.resolution = resolution
    copy.gridOrigin = gridOrigin
    copy.isForeign = isForeign
    copy.hasCachedTokens = hasCachedTokens
    return copy
  }

  /// The rows that arrived in a span.
  package func rows(in span: Range<Int64>) -> Range<Int> {
    first(notBefore: span.lowerBound)..<first(notBefore: span.upperBound)
  }

  /// The rows that arrived in spans, or every nth of them.
  package func rows(in spans: [Range<Int64>], most: Int) -> [Int] {
    let parts = spans.map(rows(in:))
    let step = max(1, parts.reduce(0) { $0 + $1.count } / max(most, 1))
    var chosen: [Int] = []
    var skip = 0
    for part in parts {
      var row = part.lowerBound + skip
      while row < part.upperBound {
        chosen.append(row)
        row += step
      }
      skip = row - part.upperBound
    }
    return chosen
  }

  private func first(notBefore instant: Int64) -> Int {
    var low = 0
    var high = arrivedAt.count
    while low < high {
      let middle = (low + high) / 2
      if arrivedAt[middle] < instant { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Sorts a data set's requests by model.
package final class ObservationCollector: TelemetrySink {
  package private(set) var observations: [Observations]
  /// The first and the last arrival of all requests, those that belong to no group included; µs since 1970.
  package private(set) var extent: ClosedRange<Int64>?
  private let ofSeries: [Int]

  /// - Parameters:
  ///   - groups: for each series, which observations it belongs to; a negative one is left out.
  ///   - expected: requests in all, if known.
  package init(groups: [Int], expected: Int64? = nil) {
    ofSeries = groups
    let count = (groups.max() ?? -1) + 1
    observations = (0..<max(count, 0)).map { _ in Observations() }
    if count == 1, let expected { observations[0].reserve(Int(expected)) }
  }

  /// Settles what was observed of each group. To be called once, when all requests are there.
  /// - Parameter isForeign: whether they come from elsewhere; see `Observations.isForeign`.
  package func settle(isForeign: Bool = false) {
    for group in observations.indices {
      observations[group].isForeign = isForeign
      observations[group].settle()
    }
  }

  package func receive(_ requests: RequestColumns) {
    guard requests.count > 0 else { return }
    var first = extent?.lowerBound ?? .max
    var last = extent?.upperBound ?? .min
    for row in 0..<requests.count {
      first = min(first, requests.arrivedAt[row])
      last = max(last, requests.arrivedAt[row])
      let group = ofSeries[Int(requests.series[row])]
      if group >= 0 { observations[group].append(row, of: requests) }
    }
    extent = first...last
  }
}

/// Which part of the time a fit sees, and which it is judged by.
package enum HoldOut: Sendable, Equatable {
  /// It sees all, and is judged by all.
  case none
  /// The last share of the time, in (0, 1), is held out.
  case last(Double)
  /// Of every two intervals of this many µs, the second is held out.
  case alternate(Int64)

  package func split(_ period: Range<Int64>) -> (fit: [Range<Int64>], judge: [Range<Int64>]) {
    switch self {
    case .none: return ([period], [period])
    case .last(let share):
      let cut = period.upperBound - Int64(Double(period.upperBound - period.lowerBound) * share)
      return ([period.lowerBound..<cut], [cut..<period.upperBound])
    case .alternate(let length):
      var fit: [Range<Int64>] = []
      var judge: [Range<Int64>] = []
      var start = period.lowerBound
      while start < period.upperBound {
        let middle = min(start + length, period.upperBound)
        let end = min(middle + length, period.upperBound)
        fit.append(start..<middle)
        if end > middle { judge.append(middle..<end) }
        start = end
      }
      return (fit, judge)
    }
  }
}

/// What two lists of spans, ascending, have in common.
package func intersection(_ a: [Range<Int64>], _ b: [Range<Int64>]) -> [Range<Int64>] {
  var common: [Range<Int64>] = []
  var (i, j) = (0, 0)
  while i < a.count, j < b.count {
    let low = max(a[i].lowerBound, b[j].lowerBound)
    let high = min(a[i].upperBound, b[j].upperBound)
    if low < high { common.append(low..<high) }
    if a[i].upperBound < b[j].upperBound { i += 1 } else { j += 1 }
  }
  return common
}
