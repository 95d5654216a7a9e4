import Telemetry

/// Requests: successes and failures, hourly for one day, else daily, and what they cost.
package struct RequestsWidget: Equatable, Sendable {
  package struct Point: Equatable, Sendable {
    package var at: String
    package var successes: Int64
    package var failures: Int64
  }

  package var points: [Point]
  package var totalSuccesses: Int64
  package var totalFailures: Int64
  package var totalRequests: Int64
  /// `null` for external models, and without requests.
  package var creditsPerRequest: Double?
  /// `null` for external models, and without successes.
  package var creditsPerResponse: Double?
  /// Failures by reason.
  package var failuresByReason: [String: Int64]

  init(_ period: DashboardPeriod, _ buckets: Buckets, reasons: [String], creditsMicro: Double?) {
    points = buckets.filled.map { at, bucket in
      Point(
        at: at.rfc3339(in: period.calendar), successes: bucket.cell.successes, failures: bucket.cell.failures)
    }
    let total = buckets.total
    totalSuccesses = total.successes
    totalFailures = total.failures
    totalRequests = total.requests
    func share(_ count: Int64) -> Double? { count == 0 ? nil : creditsMicro.map { $0 / 1e6 / Double(count) } }
    creditsPerRequest = share(total.requests)
    creditsPerResponse = share(total.successes)
    failuresByReason = Dictionary(
      uniqueKeysWithValues: buckets.failures.map { (reasons[Int($0.key)], $0.value) })
  }
}
