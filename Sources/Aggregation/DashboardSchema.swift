import Foundation

/// The JSON Schema of a dashboard's figures (draft 2020-12). A test holds every output to it.
package enum DashboardSchema {
  package static func json() throws -> String {
    var root = object(
      [
        ("query", query), ("account", account), ("latency", latency), ("requests", requests),
        ("scaling", nullable(scaling, "null for external models.")),
        ("tokens", nullable(tokens, "null unless the models are external.")),
      ], about: "The figures of the Model Analytics Dashboard for one query.")
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    root["title"] = "Model Analytics Dashboard"
    root["$defs"] =
      [
        "moment": [
          "type": "string",
          "pattern":
            "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?(Z|[-+]\\d{2}:\\d{2}(:\\d{2})?)$",
          "description": "RFC 3339 in the account's time zone: the start of a bucket, or the moment itself.",
        ] as Schema,
        "count": ["type": "integer", "minimum": 0] as Schema,
        "figure": [
          "type": ["number", "null"], "description": "null where it is undefined (0 ÷ 0).",
        ] as Schema,
      ] as Schema
    let data = try JSONSerialization.data(
      withJSONObject: root, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }

  private typealias Schema = [String: any Sendable]

  private static let moment: Schema = ["$ref": "#/$defs/moment"]
  private static let count: Schema = ["$ref": "#/$defs/count"]
  private static let figure: Schema = ["$ref": "#/$defs/figure"]
  private static let number: Schema = ["type": "number", "minimum": 0]
  private static let text: Schema = ["type": "string"]
  private static let optionalText: Schema = ["type": ["string", "null"]]

  private static func object(
    _ members: [(String, Schema)], optional: [(String, Schema)] = [], about: String
  ) -> Schema {
    [
      "type": "object", "description": about,
      "properties": Dictionary(uniqueKeysWithValues: members + optional),
      "required": members.map(\.0), "additionalProperties": false,
    ]
  }

  private static func list(_ items: Schema, _ about: String) -> Schema {
    ["type": "array", "items": items, "description": about]
  }

  private static func nullable(_ schema: Schema, _ about: String) -> Schema {
    ["anyOf": [schema, ["type": "null"] as Schema], "description": about]
  }

  private static let query = object(
    [
      ("kind", ["enum": ["fineTuned", "openSource", "external"]]), ("model", optionalText),
      ("version", optionalText), ("provider", optionalText),
      (
        "period",
        [
          "type": "string",
          "pattern":
            "^(\\d+d|24h|this-month|last-month|this-year|last-year|\\d{4}-\\d{2}-\\d{2}(\\.\\.\\d{4}-\\d{2}-\\d{2})?)$",
        ]
      ), ("from", moment), ("to", moment), ("now", moment), ("timeZone", text),
      ("granularity", ["enum": ["hour", "day"]]),
    ], optional: [("deployedAt", moment)], about: "What was asked.")

  private static let account = object(
    [
      ("deploymentCredits", number), ("fineTuningCredits", number), ("deployedModels", count),
      ("fineTunedModels", count), ("subscriptionMaxReplicas", count),
    ], about: "Figures of the whole account in the period, whatever the model filter.")

  private static let quantiles: [(String, Schema)] = ["average", "p50", "p90", "p95", "p99", "p999"].map {
    ($0, number)
  }

  private static let latency = object(
    [
      ("mode", ["enum": ["perRequest", "dailyAverage"]]), ("unit", ["const": "ms"]),
      (
        "points",
        list(
          object(
            [("at", moment), ("latency", number), ("requests", count)],
            about: "A request, or a day's average."),
          "Successful requests, in order of time.")
      ), ("thinned", ["type": "boolean"]), ("requests", count),
      (
        "summary",
        object(
          ["average", "p50", "p90", "p95", "p99", "p999", "minimum", "maximum"].map { ($0, figure) },
          about: "Over the period, ms.")
      ),
      (
        "buckets",
        list(
          object([("at", moment), ("requests", count)] + quantiles, about: "A bucket with successes, ms."),
          "Average and quantiles of each bucket.")
      ),
    ], about: "Model Latency.")

  private static let requests = object(
    [
      (
        "points",
        list(
          object(
            [("at", moment), ("successes", count), ("failures", count)], about: "A bucket with requests."),
          "A bucket without requests is absent.")
      ), ("totalSuccesses", count), ("totalFailures", count), ("totalRequests", count),
      ("creditsPerRequest", figure), ("creditsPerResponse", figure),
      ("failuresByReason", ["type": "object", "additionalProperties": count]),
    ], about: "Requests.")

  private static let scaling = object(
    [
      (
        "points",
        list(
          object(
            [("at", moment), ("version", text), ("replicas", count), ("hardware", text), ("modelId", count)],
            about: "The state of a version from here on."), "Changes, and the state at the period's start.")
      ), ("hardware", optionalText), ("maxReplicas", ["type": ["integer", "null"], "minimum": 0]),
    ], about: "Model Scaling and Usage.")

  private static let tokens = object(
    [
      (
        "points",
        list(
          object(
            [("at", moment), ("inputTokens", count), ("outputTokens", count)],
            about: "A bucket with requests."),
          "Sums over all requests, failures included.")
      ), ("totalInputTokens", count), ("totalOutputTokens", count),
    ], about: "Tokens.")
}
