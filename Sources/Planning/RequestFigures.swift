import Aggregation
import Telemetry

/// Sums and counts of requests of one model, or of several together.
package struct RequestFigures: Codable, Equatable, Sendable {
  /// The model's; with its account's before a slash where there are several accounts.
  package var name = ""
  package var requests: Int64 = 0
  package var successes: Int64 = 0
  package var failures: [String: Int64] = [:]
  /// Of successes, µs.
  package var latencySum: Int64 = 0
  /// Of all requests that were not turned away, µs.
  package var waitingSum: Int64 = 0
  package var waited: Int64 = 0
  package var inputTokens: Int64 = 0
  package var outputTokens: Int64 = 0
  /// Input tokens that a cache had, and all of the requests of which that is known; `nil` where there are none.
  package var cachedTokens: Int64?
  package var cachedOf: Int64?
  /// What requests cost, in millionths, and the tokens of those of which that is known; `nil` where it is of none.
  package var cost: Int64?
  package var costedTokens: Int64?
  /// Times to first token of successes, from arrival, and times per output token after it, of those with more than one;
  /// `nil` where no first token is known.
  package var firstTokens: DurationFigures?
  package var perOutputTokens: DurationFigures?
  /// Of successes with more than one token, the time after the first, µs, and the tokens after it; `nil` where there are
  /// none, and in what earlier versions kept.
  package var decoding: Int64?
  package var furtherTokens: Int64?
  /// Requests that meet what a goodput asks, by its name; `nil` if the plan asks for none.
  package var good: [String: Int64]?
  /// Of replicas with a KV cache: how often a request lost its blocks to others, and blocks in use and all blocks, × µs;
  /// `nil` without one.
  package var preemptions: Int64?
  package var kvBlockTime: Double?
  package var kvTime: Double?
  /// Of the period, without the warm-up; `nil` in what earlier versions kept.
  package var seconds: Double?
  /// Latencies of successes: bin, count, bin, count, …
  package var latencies: [Int64] = []
  /// The smallest and the largest of them, µs; `nil` without successes, and in what earlier versions kept.
  package var latencyMin: Int64?
  package var latencyMax: Int64?

  /// More models than any scenario has, so that sums over all of them stay inside 64 bits.
  static let mostModels = 1 << 20

  /// Whether a simulation can have produced it.
  var isPossible: Bool {
    // So many requests that sums over all replications of a plan stay far inside 64 bits.
    let counts = 0...(Int64(1) << 40)
    let sums = 0...(Int64(1) << 62)
    guard
      [latency, firstTokens, perOutputTokens].allSatisfy({
        $0?.isPossible(counts: counts, sums: sums) != false
      })
    else { return false }
    guard counts.contains(requests), counts.contains(successes), counts.contains(waited),
      failures.values.allSatisfy({ counts.contains($0) }), failures.count <= FailureReasons.most
    else { return false }
    let failed = failures.values.reduce(0, +)
    return successes + failed == requests && latency.count == successes
      && [firstTokens, perOutputTokens].allSatisfy { ($0?.count ?? 0) <= successes } && waited <= requests
      && (good ?? [:]).values.allSatisfy { counts.contains($0) && $0 <= successes }
      && counts.contains(preemptions ?? 0)
      && [kvBlockTime, kvTime, seconds].allSatisfy { ($0 ?? 0).isFinite && ($0 ?? 0) >= 0 }
      && [
        waitingSum, inputTokens, outputTokens, cachedTokens ?? 0, cachedOf ?? 0, cost ?? 0, costedTokens ?? 0,
        decoding ?? 0,
        furtherTokens ?? 0,
      ].allSatisfy(sums.contains)
  }

  /// The q-quantile of latency in ms; `nil` without successes.
  package func latencyQuantile(_ q: Double) -> Double? { DurationFigures.quantile([latency], q) }

  /// Of successes.
  var latency: DurationFigures {
    DurationFigures(sum: latencySum, bins: latencies, least: latencyMin, most: latencyMax)
  }
}
