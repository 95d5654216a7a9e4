import Foundation

/// The JSON Schema of a dashboard's figures (draft 2020-12), made of the list of figures. A test holds every output to
/// it.
package enum DashboardSchema {
  package static func json() throws -> String {
    var root = object(Dashboard.group)
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    root["title"] = "Model Analytics Dashboard"
    root["$defs"] =
      [
        "moment": [
          "type": "string",
          "pattern":
            "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?(Z|[-+]\\d{2}:\\d{2}(:\\d{2})?)$",
          "description": "RFC 3339 in the account's time zone: the start of a bucket, or the instant itself.",
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

  private static func object(_ group: FigureGroup) -> Schema {
    let members = group.figures.map { ($0.name, schema($0.kind)) }
    let required = group.figures.filter { !$0.isOmitted }
    return [
      "type": "object", "description": group.about, "properties": Dictionary(uniqueKeysWithValues: members),
      "required": required.map(\.name), "additionalProperties": false,
    ]
  }

  private static func schema(_ kind: FigureKind) -> Schema {
    switch kind {
    case .count(isOptional: false): ["$ref": "#/$defs/count"]
    case .count(isOptional: true): ["type": ["integer", "null"], "minimum": 0]
    case .counts: ["type": "object", "additionalProperties": schema(.count(isOptional: false))]
    case .number(_, isOptional: false, _): ["type": "number", "minimum": 0]
    case .number(_, isOptional: true, _): ["$ref": "#/$defs/figure"]
    case .text(of: let choices, _) where !choices.isEmpty: ["enum": choices]
    case .text(_, isOptional: false): ["type": "string"]
    case .text(_, isOptional: true): ["type": ["string", "null"]]
    case .pattern(let pattern): ["type": "string", "pattern": pattern]
    case .constant(let text): ["const": text]
    case .flag: ["type": "boolean"]
    case .instant: ["$ref": "#/$defs/moment"]
    case .group(let group, isOptional: false, _, _): object(group)
    case .group(let group, isOptional: true, _, let about):
      ["anyOf": [object(group), ["type": "null"] as Schema], "description": about]
    case .list(let group, let about): ["type": "array", "items": object(group), "description": about]
    }
  }
}
