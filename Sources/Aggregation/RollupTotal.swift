/// The sum of any number of cells, exact: in 128 bits no sum of telemetry leaves its range.
package struct RollupTotal: Equatable, Sendable {
  package private(set) var successes: Int64 = 0
  package private(set) var failures: Int64 = 0
  /// Of successful requests, µs; so are the next three.
  package private(set) var latencySum: Int128 = 0
  package private(set) var firstTokenSum: Int128 = 0
  package private(set) var latencyMin = Int64.max
  package private(set) var latencyMax = Int64.min
  /// Of all requests, failures included.
  package private(set) var inputTokens: Int128 = 0
  package private(set) var outputTokens: Int128 = 0
  /// Input tokens that a cache had, and all of the requests of which that is known.
  package private(set) var cachedTokens: Int128 = 0
  package private(set) var cachedOf: Int128 = 0
  /// As in `RollupCell`.
  private var withoutFirstToken: Int128 = 0
  private var untimedDecoding: Int128 = 0
  private var untimedTokens: Int128 = 0
  package private(set) var attempts: Int64 = 0
  package private(set) var operations: Int64 = 0
  package private(set) var answered: Int64 = 0
  package private(set) var cost: Int128 = 0
  package private(set) var costed: Int64 = 0
  package private(set) var costedTokens: Int128 = 0

  package init() {}

  package var requests: Int64 { successes &+ failures }

  /// Average latency, ms; `nil` without successes.
  package var averageLatency: Double? {
    successes == 0 ? nil : Double(latencySum) / Double(Int128(successes) * 1000)
  }

  /// Average time from arrival to the first output token, ms; `nil` where no first token is known.
  package var averageFirstToken: Double? {
    let known = Int128(successes) - withoutFirstToken
    return known <= 0 || firstTokenSum == 0 ? nil : Double(firstTokenSum) / Double(known * 1000)
  }

  /// Average time per output token, ms: the time after first tokens over the tokens after the first, of successful
  /// requests; `nil` where no first token is known, or there are no further tokens.
  package var averageTimePerOutputToken: Double? {
    let further = outputTokens - Int128(successes) - untimedTokens
    return firstTokenSum == 0 || further <= 0
      ? nil : Double(latencySum - firstTokenSum - untimedDecoding) / Double(further * 1000)
  }

  /// The share of input tokens that a cache had, in [0, 1]; `nil` where it is known of no request.
  package var cacheHitRate: Double? { cachedOf == 0 ? nil : Double(cachedTokens) / Double(cachedOf) }

  package mutating func add(_ cell: RollupCell) {
    successes &+= cell.successes
    failures &+= cell.failures
    latencySum += Int128(cell.latencySum)
    firstTokenSum += Int128(cell.firstTokenSum)
    latencyMin = min(latencyMin, cell.latencyMin)
    latencyMax = max(latencyMax, cell.latencyMax)
    inputTokens += Int128(cell.inputTokens)
    outputTokens += Int128(cell.outputTokens)
    cachedTokens += Int128(cell.cachedTokens)
    cachedOf += Int128(cell.cachedOf)
    withoutFirstToken += Int128(cell.withoutFirstToken)
    untimedDecoding += Int128(cell.untimedDecoding)
    untimedTokens += Int128(cell.untimedTokens)
    attempts &+= cell.attempts
    operations &+= cell.operations
    answered &+= cell.answered
    cost += Int128(cell.cost)
    costed &+= cell.costed
    costedTokens += Int128(cell.costedTokens)
  }
}
