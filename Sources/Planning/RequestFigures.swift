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
    var binned: Int64 = 0
    var last: Int64 = -1
    guard latencies.count.isMultiple(of: 2), latencies.count <= 2 * LatencyBin.count else { return false }
    for index in stride(from: 0, to: latencies.count, by: 2) {
      let (bin, count) = (latencies[index], latencies[index + 1])
      guard bin > last, bin < LatencyBin.count, count > 0, counts.contains(count) else { return false }
      last = bin
      binned += count
    }
    guard counts.contains(requests), counts.contains(successes), counts.contains(waited),
      failures.values.allSatisfy({ counts.contains($0) }), failures.count <= FailureReasons.most
    else { return false }
    let failed = failures.values.reduce(0, +)
    return successes + failed == requests && binned == successes && waited <= requests
      && [latencySum, waitingSum, inputTokens, outputTokens, cachedTokens ?? 0, cachedOf ?? 0]
        .allSatisfy(sums.contains)
      && (latencyMin ?? 0) >= 0 && (latencyMin ?? 0) <= (latencyMax ?? .max)
      && (latencyMax ?? 0) <= sums.upperBound
  }

  /// The q-quantile of latency in ms; `nil` without successes.
  package func latencyQuantile(_ q: Double) -> Double? { Self.latencyQuantile([self], q) }

  /// The q-quantile of the latency of several replications together, in ms: linear inside a bin, and never outside of
  /// the latencies that there were. `nil` without successes.
  package static func latencyQuantile(_ all: [RequestFigures], _ q: Double) -> Double? {
    let pairs = all.count == 1 ? all[0].latencies : pooled(all.map(\.latencies))
    let total = stride(from: 1, to: pairs.count, by: 2).reduce(0.0) { $0 + Double(pairs[$1]) }
    guard total > 0 else { return nil }
    let rank = q * total
    var sum = 0.0
    for index in stride(from: 0, to: pairs.count - 1, by: 2) {
      let count = Double(pairs[index + 1])
      if sum + count >= rank {
        let (lower, width) = LatencyBin.bounds(Int(pairs[index]))
        let inside = lower + width * (rank - sum) / count
        let least = all.compactMap(\.latencyMin).min().map(Double.init) ?? inside
        let most = all.compactMap(\.latencyMax).max().map(Double.init) ?? inside
        return min(max(inside, least), most) / 1000
      }
      sum += count
    }
    return nil
  }

  /// Latencies of several replications, or models, together: bin, count, bin, count, … each.
  static func pooled(_ lists: [[Int64]]) -> [Int64] {
    var counts: [Int64: Int64] = [:]
    for list in lists {
      for index in stride(from: 0, to: list.count - 1, by: 2) {
        counts[list[index], default: 0] &+= list[index + 1]
      }
    }
    return counts.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
  }
}
