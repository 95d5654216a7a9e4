import Telemetry

/// The summary of a quarter of an hour of one model version's requests: exact counts, sums and extremes, of
/// requests by arrival. Adding two cells gives the cell of both.
package struct RollupCell: Equatable, Sendable {
  package var successes: Int64 = 0
  package var failures: Int64 = 0
  /// Of successful requests, µs; so are the next three.
  package var latencySum: Int64 = 0
  package var latencyMin = Int64.max
  package var latencyMax = Int64.min
  package var firstTokenSum: Int64 = 0
  /// Of all requests, µs.
  package var waitingSum: Int64 = 0
  /// Of all requests, failures included.
  package var inputTokens: Int64 = 0
  package var outputTokens: Int64 = 0
  /// Input tokens that a cache had, of the requests of which that is known; and all input tokens of these.
  package var cachedTokens: Int64 = 0
  package var cachedOf: Int64 = 0
  /// Successful requests of which the first token is not known, and is 0 in the sum; and of those of which it or the output
  /// is not, the time after it, µs, and the output tokens after the first. These tokens have the output of failures with
  /// them, whose times are not in the sums.
  package var withoutFirstToken: Int64 = 0
  package var untimedDecoding: Int64 = 0
  package var untimedTokens: Int64 = 0
  /// Requests of which it is known which attempt they are; of these, those that are the first of an operation, and those
  /// that succeeded.
  package var attempts: Int64 = 0
  package var operations: Int64 = 0
  package var answered: Int64 = 0
  /// What requests cost, in millionths, of those of which that is known; how many these are, and their tokens, input and
  /// output.
  package var cost: Int64 = 0
  package var costed: Int64 = 0
  package var costedTokens: Int64 = 0

  package init() {}

  package var requests: Int64 { successes &+ failures }

  /// Adds what is not known of a successful request.
  mutating func addUnknown(_ bits: UInt8, _ requests: RequestColumns, _ row: Int) {
    let isFirstUnknown = bits & RequestMeasure.firstToken.bit != 0
    if isFirstUnknown { withoutFirstToken += 1 }
    guard isFirstUnknown || bits & RequestMeasure.outputTokens.bit != 0 else { return }
    untimedDecoding &+= requests.latencyMicroseconds[row] - requests.firstTokenMicroseconds[row]
    untimedTokens &+= Int64(requests.outputTokens[row]) - 1
  }

  /// Adds which attempts some requests are.
  mutating func addAttempts(_ attempts: UnsafePointer<Int64>, _ requests: RequestColumns, _ rows: Range<Int>)
  {
    for row in rows where attempts[row] != RequestMeasure.missing {
      self.attempts += 1
      if attempts[row] == 1 { operations += 1 }
      if requests.outcome[row] == RequestOutcome.success { answered += 1 }
    }
  }

  /// Adds what some requests cost: less than 2³⁰ each, so that those of a quarter stay within 64 bits.
  mutating func addCosts(_ costs: UnsafePointer<Int64>, _ requests: RequestColumns, _ rows: Range<Int>) {
    for row in rows where costs[row] != RequestMeasure.missing {
      cost &+= costs[row]
      costed += 1
      costedTokens &+= Int64(requests.inputTokens[row]) + Int64(requests.outputTokens[row])
    }
  }

  /// - Returns: whether a sum left the range of 64 bits.
  mutating func add(_ other: RollupCell) -> Bool {
    var hasOverflowed = false
    func add(_ number: Int64, to sum: inout Int64) {
      let (whole, overflow) = sum.addingReportingOverflow(number)
      sum = whole
      hasOverflowed = hasOverflowed || overflow
    }
    add(other.successes, to: &successes)
    add(other.failures, to: &failures)
    add(other.latencySum, to: &latencySum)
    add(other.firstTokenSum, to: &firstTokenSum)
    add(other.waitingSum, to: &waitingSum)
    add(other.inputTokens, to: &inputTokens)
    add(other.outputTokens, to: &outputTokens)
    add(other.cachedTokens, to: &cachedTokens)
    add(other.cachedOf, to: &cachedOf)
    add(other.withoutFirstToken, to: &withoutFirstToken)
    add(other.untimedDecoding, to: &untimedDecoding)
    add(other.untimedTokens, to: &untimedTokens)
    add(other.attempts, to: &attempts)
    add(other.operations, to: &operations)
    add(other.answered, to: &answered)
    add(other.cost, to: &cost)
    add(other.costed, to: &costed)
    add(other.costedTokens, to: &costedTokens)
    latencyMin = min(latencyMin, other.latencyMin)
    latencyMax = max(latencyMax, other.latencyMax)
    return hasOverflowed
  }
}

/// Requests of one model version in one quarter of an hour, or in a part of one that a border of local hours cuts off.
package struct Rollup: Equatable, Sendable {
  /// Quarters of an hour since 1970.
  package var quarter: Int64
  /// Where in the quarter a part begins, µs; 0 of a quarter that nothing cuts, as all are that are stored.
  package var offset: Int64 = 0
  package var cell: RollupCell
  /// Failures by reason (an index into the names of outcomes), ascending.
  package var reasons: [(reason: UInt8, count: Int64)]
  /// Latency of successful requests.
  package var latencies: PackedBins
  /// For graphs with one point per request.
  package var points: QuarterPoints

  package var start: Timestamp { Timestamp(microseconds: quarterStart + offset) }

  /// µs since 1970: what the points are kept relative to.
  var quarterStart: Int64 { quarter * Self.quarterMicroseconds }

  package static let quarterMicroseconds: Int64 = 900_000_000

  package static func == (a: Rollup, b: Rollup) -> Bool {
    a.quarter == b.quarter && a.offset == b.offset && a.cell == b.cell && a.latencies == b.latencies
      && a.points == b.points
      && a.reasons.elementsEqual(b.reasons, by: ==)
  }

  /// - Returns: whether a sum left the range of 64 bits.
  mutating func add(_ other: Rollup) -> Bool {
    var sum = RollupSum(quarter: quarter, offset: offset)
    sum.add(self)
    sum.add(other)
    self = sum.rollup
    return sum.hasOverflowed
  }
}
