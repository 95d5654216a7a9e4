import Telemetry

/// Tokens of external models: sums by hour or day over all requests, failures included.
package struct TokensWidget: Equatable, Sendable {
  package struct Point: Equatable, Sendable {
    package var at: String
    package var inputTokens: Int64
    package var outputTokens: Int64
  }

  package var points: [Point]
  package var totalInputTokens: Int64
  package var totalOutputTokens: Int64

  /// - Throws: `AggregationError` for a sum that no reader of JSON takes for a whole number.
  init(_ period: DashboardPeriod, _ buckets: Buckets) throws {
    points = try buckets.filled.map { at, bucket in
      Point(
        at: at.rfc3339(in: period.calendar), inputTokens: try Self.whole(bucket.cell.inputTokens),
        outputTokens: try Self.whole(bucket.cell.outputTokens))
    }
    totalInputTokens = try Self.whole(buckets.total.inputTokens)
    totalOutputTokens = try Self.whole(buckets.total.outputTokens)
  }

  /// - Throws: `AggregationError` for what no reader of JSON takes for a whole number.
  static func whole(_ tokens: Int128) throws -> Int64 {
    guard let whole = Int64(exactly: tokens) else {
      throw AggregationError(
        "the sum of tokens, \(tokens), exceeds 64 bits. Some token counts are implausible: check them, or choose a shorter period."
      )
    }
    return whole
  }
}
