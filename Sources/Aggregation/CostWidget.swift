import Telemetry

/// What requests cost, in the currency of the telemetry: of external models by their prices, or as an export states it. Sums
/// are of integers, in millionths.
package struct CostWidget: Equatable, Sendable {
  package struct Point: Equatable, Sendable {
    package var at: String
    package var cost: Double
  }

  /// Buckets with a request of which the cost is known.
  package var points: [Point]
  package var total: Double
  /// Of which the cost is known.
  package var requests: Int64
  package var perRequest: Double
  /// `nil` where these requests have no tokens.
  package var perMillionTokens: Double?

  /// `nil` where it is known of no request: then the dashboard does not have the part.
  init?(_ period: DashboardPeriod, _ buckets: Buckets) {
    let sum = buckets.total
    guard sum.costed > 0 else { return nil }
    points = buckets.filled.compactMap { at, bucket in
      bucket.cell.costed == 0
        ? nil : Point(at: at.rfc3339(in: period.calendar), cost: Self.amount(bucket.cell.cost))
    }
    total = Self.amount(sum.cost)
    requests = sum.costed
    perRequest = total / Double(sum.costed)
    perMillionTokens = sum.costedTokens > 0 ? Double(sum.cost) / Double(sum.costedTokens) : nil
  }

  static func amount(_ millionths: Int128) -> Double { Double(millionths) / 1e6 }
}
