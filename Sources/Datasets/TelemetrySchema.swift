import Foundation
import Telemetry

/// The JSON Schema of telemetry in NDJSON: a definition for the row of each table.
package enum TelemetrySchema {
  package static func json() throws -> String {
    var definitions: [String: Any] = [:]
    for table in [TableSchema.requests] + TableSchema.small { definitions[table.name] = row(table) }
    let schema: [String: Any] = [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "Model Analytics Workbench telemetry",
      "description": "A row of any telemetry table; $defs has each table by its name.",
      "anyOf": definitions.keys.sorted().map { ["$ref": "#/$defs/\($0)"] }, "$defs": definitions,
    ]
    let data = try JSONSerialization.data(
      withJSONObject: schema, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }

  private static let choices: [String: [String]] = [
    "requests.status": ["success", "failure"], "models.kind": ModelKind.allCases.map(\.rawValue),
    "deployments.outcome": DeploymentOutcome.allCases.map(\.rawValue),
    "replicas.limited_by": ReplicaLimit.allCases.map(\.rawValue),
    "fine_tuning_jobs.outcome": FineTuningOutcome.allCases.map(\.rawValue),
  ]

  private static func row(_ table: TableSchema) -> [String: Any] {
    var properties: [String: Any] = [:]
    for column in table.columns {
      var property: [String: Any] = [:]
      switch column.type {
      case .text:
        property["type"] = column.isOptional ? ["string", "null"] : "string"
        if let choices = choices["\(table.name).\(column.name)"] { property["enum"] = choices }
      case .integer:
        property["type"] = column.isOptional ? ["integer", "null"] : "integer"
        property["minimum"] = 0
        property["maximum"] = column.is32Bit ? Int64(Int32.max) : Int64.max
      case .instant:
        property["type"] = column.isOptional ? ["string", "null"] : "string"
        property["pattern"] = "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?(Z|[-+]\\d{2}:\\d{2})$"
      }
      if !column.about.isEmpty { property["description"] = column.about }
      properties[column.name] = property
    }
    return [
      "type": "object", "description": table.about, "properties": properties,
      "required": table.columns.filter { !$0.mayBeAbsent }.map(\.name), "additionalProperties": false,
    ]
  }
}
