import Telemetry

/// Tokens of external models: sums by hour or day over all requests, failures included.
package struct TokensWidget: Encodable, Equatable, Sendable {
  package struct Point: Encodable, Equatable, Sendable {
    package var at: String
    package var inputTokens: Int64
    package var outputTokens: Int64
  }

  package var points: [Point]
  package var totalInputTokens: Int64
  package var totalOutputTokens: Int64

  init(_ period: DashboardPeriod, _ buckets: Buckets) {
    points = buckets.filled.map { at, bucket in
      Point(
        at: at.rfc3339(in: period.calendar), inputTokens: bucket.cell.inputTokens,
        outputTokens: bucket.cell.outputTokens)
    }
    totalInputTokens = buckets.total.inputTokens
    totalOutputTokens = buckets.total.outputTokens
  }
}
