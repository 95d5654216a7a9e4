import Foundation

/// A document's JSON Schema (draft 2020-12), made from the same shapes that decode it.
package enum DocumentSchema {
  /// - Parameter oneOf: alternatives of keys that must be there.
  package static func json(_ shape: Shape, title: String, oneOf: [[String]] = []) throws -> String {
    var definitions: [String: Any] = [:]
    var root = object(shape, &definitions)
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    root["title"] = title
    root["$defs"] = definitions
    if !oneOf.isEmpty { root["oneOf"] = oneOf.map { ["required": $0] } }
    let data = try JSONSerialization.data(
      withJSONObject: root, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }

  private static func object(_ shape: Shape, _ definitions: inout [String: Any]) -> [String: Any] {
    var properties: [String: Any] = [:]
    for key in shape.keys {
      var property = schema(key.kind, &definitions)
      property["description"] = key.about
      if let text = key.defaultText { property["default"] = value(text, of: property) }
      properties[key.name] = property
    }
    var schema: [String: Any] = [
      "type": "object", "description": shape.about, "properties": properties, "additionalProperties": false,
    ]
    let required = shape.keys.filter(\.isRequired).map(\.name)
    if !required.isEmpty { schema["required"] = required }
    if shape.isChoice {
      schema["minProperties"] = 1
      schema["maxProperties"] = 1
    }
    return schema
  }

  private static func reference(_ shape: Shape, _ definitions: inout [String: Any]) -> [String: Any] {
    if definitions[shape.name] == nil {
      definitions[shape.name] = [String: Any]()  // Shapes refer to themselves (a mixture's components).
      definitions[shape.name] = object(shape, &definitions)
    }
    return ["$ref": "#/$defs/\(shape.name)"]
  }

  /// A default as the schema's own type has it.
  private static func value(_ text: String, of schema: [String: Any]) -> Any {
    if schema["type"] as? String == "boolean", let flag = Bool(text) { return flag }
    return Double(text).map { $0 as Any } ?? text
  }

  private static func schema(_ kind: Kind, _ definitions: inout [String: Any]) -> [String: Any] {
    switch kind {
    case .text: return ["type": ["string", "number"], "minLength": 1]
    case .integer(let range):
      return range.upperBound == .max
        ? ["type": "integer", "minimum": range.lowerBound]
        : ["type": "integer", "minimum": range.lowerBound, "maximum": range.upperBound]
    case .number(let range):
      return ["type": "number", "minimum": range.lowerBound, "maximum": range.upperBound]
    case .duration:
      return [
        "type": "string", "pattern": "^[-+]?[0-9.]+([eE][-+]?[0-9]+)? ?(us|µs|μs|ms|s|min|h|d|w)$",
        "examples": ["250ms", "30s", "10min", "2h", "5d"],
      ]
    case .rate:
      return [
        "type": "string", "pattern": "^[0-9.]+([eE][-+]?[0-9]+)?/(s|min|h|d)$",
        "examples": ["2.5/s", "90/min", "10000/d"],
      ]
    case .instant:
      return [
        "type": "string",
        "pattern": "^\\d{4}-\\d{2}-\\d{2}([T ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[-+]\\d{2}:\\d{2})?)?$",
        "examples": ["2026-01-05", "2026-01-05T09:00", "2026-01-05T09:00:00Z"],
      ]
    // YAML reads these two words as Booleans.
    case .choice(let choices):
      return Set(choices) == ["true", "false"] ? ["type": "boolean"] : ["enum": choices]
    case .object(let shape): return reference(shape(), &definitions)
    case .list(let element): return ["type": "array", "items": schema(element, &definitions)]
    case .map(let keys, let value):
      return [
        "type": "object", "patternProperties": ["^(\(keys))$": schema(value, &definitions)],
        "additionalProperties": false,
      ]
    case .constant(let dimension, let shape):
      let constant: [String: Any] =
        dimension == .duration ? schema(.duration, &definitions) : ["type": "number"]
      return ["anyOf": [constant, reference(shape(), &definitions)]]
    case .either(let a, let b): return ["anyOf": [schema(a, &definitions), schema(b, &definitions)]]
    }
  }
}
