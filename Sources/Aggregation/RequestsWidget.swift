import Telemetry

/// Requests: successes and failures, hourly for one day, else daily, and what they cost.
package struct RequestsWidget: Encodable, Equatable, Sendable {
  package struct Point: Encodable, Equatable, Sendable {
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

  enum CodingKeys: String, CodingKey {
    case points, totalSuccesses, totalFailures, totalRequests, creditsPerRequest, creditsPerResponse,
      failuresByReason
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(points, forKey: .points)
    try container.encode(totalSuccesses, forKey: .totalSuccesses)
    try container.encode(totalFailures, forKey: .totalFailures)
    try container.encode(totalRequests, forKey: .totalRequests)
    try container.encode(creditsPerRequest, forKey: .creditsPerRequest)
    try container.encode(creditsPerResponse, forKey: .creditsPerResponse)
    try container.encode(failuresByReason, forKey: .failuresByReason)
  }

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
