import Foundation
import Telemetry

/// The dashboard's figures for one query. `DashboardFigures.swift` says how they are written; undefined figures and
/// widgets that do not apply to the kind are `null`.
package struct Dashboard: Equatable, Sendable {
  package var query: Query
  package var account: AccountMetrics
  package var latency: LatencyWidget
  package var requests: RequestsWidget
  /// Fine-tuned and open-source models only.
  package var scaling: ScalingWidget?
  /// External models only.
  package var tokens: TokensWidget?
  /// Only where telemetry knows a KV cache or a prefix cache.
  package var serving: ServingWidget?
  /// Only where telemetry numbers attempts.
  package var attempts: AttemptsWidget?
  /// Only where telemetry knows what requests cost.
  package var cost: CostWidget?

  package struct Query: Equatable, Sendable {
    package var kind: String
    /// What the filters are set to, as written.
    package var filters: [DashboardFilter: String]
    package var period: String
    package var from: String
    package var to: String
    package var now: String
    package var timeZone: String
    package var granularity: String
  }

  /// One JSON object with sorted keys, and a newline: the same figures are the same bytes.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}
