import Foundation
import Telemetry

/// The dashboard's figures for one query, as they are written in JSON. Undefined figures and widgets that do not
/// apply to the kind are written as `null`.
package struct Dashboard: Encodable, Equatable, Sendable {
  package var query: Query
  package var account: AccountMetrics
  package var latency: LatencyWidget
  package var requests: RequestsWidget
  /// Fine-tuned and open-source models only.
  package var scaling: ScalingWidget?
  /// External models only.
  package var tokens: TokensWidget?

  package struct Query: Encodable, Equatable, Sendable {
    package var kind: String
    package var model: String?
    /// Picks one of several models of one name; left out of the JSON where it was not asked for.
    package var deployedAt: String?
    package var version: String?
    package var provider: String?
    package var period: String
    package var from: String
    package var to: String
    package var now: String
    package var timeZone: String
    package var granularity: String

    enum CodingKeys: String, CodingKey {
      case kind, model, deployedAt, version, provider, period, from, to, now, timeZone, granularity
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(kind, forKey: .kind)
      try container.encode(model, forKey: .model)
      try container.encodeIfPresent(deployedAt, forKey: .deployedAt)
      try container.encode(version, forKey: .version)
      try container.encode(provider, forKey: .provider)
      try container.encode(period, forKey: .period)
      try container.encode(from, forKey: .from)
      try container.encode(to, forKey: .to)
      try container.encode(now, forKey: .now)
      try container.encode(timeZone, forKey: .timeZone)
      try container.encode(granularity, forKey: .granularity)
    }
  }

  enum CodingKeys: String, CodingKey { case query, account, latency, requests, scaling, tokens }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(query, forKey: .query)
    try container.encode(account, forKey: .account)
    try container.encode(latency, forKey: .latency)
    try container.encode(requests, forKey: .requests)
    try container.encode(scaling, forKey: .scaling)
    try container.encode(tokens, forKey: .tokens)
  }

  /// One JSON object with sorted keys, and a newline: the same figures are the same bytes.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}
