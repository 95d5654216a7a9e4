import Foundation
import Sampling
import Telemetry

/// How often requests fail outside of incidents, and the intervals in which they failed more often.
package struct FailureFit: Sendable {
  /// An interval in which more requests fail.
  package struct Incident: Sendable {
    package var kind: String
    package var from: Int64
    package var to: Int64
    /// Of requests that were answered, beyond the base rate.
    package var errorProbability: Double
    package var latencyFactor = 1.0
    /// Whether telemetry names it; else it was found in the failures.
    package var isRecorded: Bool
  }

  package private(set) var incidents: [Incident]
  /// Model or provider errors outside of incidents.
  package private(set) var error: ParameterEstimate
  /// Refusals by a limit, outside of incidents; 0 for deployments.
  package private(set) var rateLimited: ParameterEstimate

  private let isExternal: Bool

  /// - Parameters:
  ///   - recorded: those of the incidents table that hit the model.
  ///   - isExternal: external models have neither a queue nor replicas, deployed ones no limit of requests.
  init(
    _ observations: Observations, spans: [Range<Int64>], recorded: [IncidentRecord], isExternal: Bool
  ) {
    self.isExternal = isExternal
    incidents = recorded.map {
      Incident(
        kind: $0.kind, from: $0.startedAt.microseconds, to: $0.endedAt.microseconds, errorProbability: 0,
        isRecorded: true)
    }
    if recorded.isEmpty { incidents = Self.found(observations, spans, isExternal) }
    let edges = incidents.map { $0.from..<$0.to }
    let all = Self.tally(observations, spans, isExternal)
    let inside = edges.map { Self.tally(observations, intersection([$0], spans), isExternal) }
    let outside = inside.reduce(all) { $0 - $1 }
    error = Self.share(outside.errors, of: outside.answered, "errorProbability")
    rateLimited = Self.share(outside.limited, of: outside.answered + outside.limited, "rateLimited")
    for index in incidents.indices {
      let tally = inside[index]
      guard tally.answered > 0 else { continue }
      // Base rate and incident are independent causes.
      let survived = 1 - Double(tally.errors) / Double(tally.answered)
      incidents[index].errorProbability = min(max(1 - survived / max(1 - error.value, 1e-9), 0), 1)
    }
  }

  mutating func setLatencyFactor(_ factor: Double, of index: Int) { incidents[index].latencyFactor = factor }

  private struct Tally {
    var answered = 0
    var errors = 0
    var limited = 0
    static func - (a: Tally, b: Tally) -> Tally {
      Tally(answered: a.answered - b.answered, errors: a.errors - b.errors, limited: a.limited - b.limited)
    }
  }

  /// Whether a scenario represents a failure as an error with a probability: nothing else in it can cause such a
  /// failure.
  static func isError(_ outcome: UInt8, isExternal: Bool) -> Bool {
    if outcome == RequestOutcome.success { return false }
    // What telemetry brings of its own can be nothing but an error.
    return switch FailureReason(rawValue: outcome)?.cause ?? .chance {
    case .deployment: isExternal
    case .providerLimit: !isExternal
    case .chance: true
    }
  }

  private static func tally(
    _ observations: Observations, _ spans: [Range<Int64>], _ isExternal: Bool
  ) -> Tally {
    var tally = Tally()
    for span in spans {
      for row in observations.rows(in: span) {
        let outcome = observations.outcome[row]
        if outcome == FailureReason.rateLimited.code, isExternal {
          tally.limited += 1
        } else if outcome == RequestOutcome.success {
          tally.answered += 1
        } else if isError(outcome, isExternal: isExternal) {
          tally.answered += 1
          tally.errors += 1
        }
      }
    }
    return tally
  }

  /// Source of the interval: Wilson (1927), JASA 22.
  private static func share(_ part: Int, of whole: Int, _ name: String) -> ParameterEstimate {
    guard whole > 0 else { return .init(name: name, value: 0) }
    let (n, z) = (Double(whole), 1.959_964)
    let p = Double(part) / n
    let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    return .init(name: name, value: p, interval: [max(0, centre - half), min(1, centre + half)])
  }

  /// Intervals in which far more requests failed than otherwise.
  private static func found(
    _ observations: Observations, _ spans: [Range<Int64>], _ isExternal: Bool
  ) -> [Incident] {
    func isError(_ outcome: UInt8) -> Bool { Self.isError(outcome, isExternal: isExternal) }
    var failures: [Double] = []
    var answered: [Double] = []
    var starts: [Int] = []
    // Bins of fifty answered requests rather than of equal time: the share is what may change.
    var rows: [Int] = []
    for span in spans {
      for row in observations.rows(in: span)
      where observations.outcome[row] == RequestOutcome.success || isError(observations.outcome[row]) {
        rows.append(row)
      }
    }
    let errors = rows.count { isError(observations.outcome[$0]) }
    guard errors >= 5, rows.count >= 200 else { return [] }
    let size = max(50, rows.count / 8000)
    for start in stride(from: 0, to: rows.count, by: size) {
      let part = rows[start..<min(start + size, rows.count)]
      starts.append(start)
      answered.append(Double(part.count))
      failures.append(Double(part.count { isError(observations.outcome[$0]) }))
    }
    let changes = ChangePoints.find(
      counts: failures, exposures: answered, dispersions: Array(repeating: 1, count: starts.count),
      penalty: 4 * log(Double(max(starts.count, 2))))
    guard !changes.isEmpty else { return [] }
    let borders = [0] + changes + [starts.count]
    var segments: [(bins: Range<Int>, share: Double, answered: Double)] = []
    for (low, high) in zip(borders, borders.dropFirst()) {
      let all = answered[low..<high].reduce(0, +)
      segments.append((low..<high, failures[low..<high].reduce(0, +) / all, all))
    }
    // The base rate is that of the middle request.
    var running = 0.0
    var base = 0.0
    for segment in segments.sorted(by: { $0.share < $1.share }) {
      running += segment.answered
      base = segment.share
      if running >= Double(rows.count) / 2 { break }
    }
    return segments.compactMap { segment in
      guard segment.share > max(5 * base, base + 0.05) else { return nil }
      let first = starts[segment.bins.lowerBound]
      let last = min(starts[segment.bins.upperBound - 1] + size, rows.count) - 1
      let failed = rows[first...last].filter { isError(observations.outcome[$0]) }
      guard failed.count >= 5, let from = failed.first, let to = failed.last else { return nil }
      return Incident(
        kind: segment.share > 0.9 ? "outage" : "degradation", from: observations.arrivedAt[from],
        to: observations.arrivedAt[to] + 1, errorProbability: segment.share, isRecorded: false)
    }
  }
}
