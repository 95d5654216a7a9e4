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
  /// Latencies of successes: bin, count, bin, count, …
  package var latencies: [Int64] = []

  /// The q-quantile of latency in ms, linear inside a bin; `nil` without successes.
  package func latencyQuantile(_ q: Double) -> Double? { ReplicationRecord.quantile(latencies, q) }
}

extension ReplicationRecord {
  /// Of all models together.
  package var figures: RequestFigures {
    RequestFigures(
      requests: requests, successes: successes, failures: failures, latencySum: latencySum,
      waitingSum: waitingSum, waited: waited, inputTokens: inputTokens, outputTokens: outputTokens,
      latencies: latencies)
  }
}
