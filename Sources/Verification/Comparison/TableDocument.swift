import Datasets
import Foundation
import Telemetry

extension JSONDocument {
  /// A data set's small tables as one document: each table a list of rows, known by their natural keys.
  convenience init(_ tables: TelemetryTables) {
    self.init(
      owning: .object(
        tables.namedRows.map { name, columns, rows in
          (name, .array(rows.map { Self.row($0, columns, of: name) }))
        }))
  }

  /// What a row of each table is known by.
  private static let keys: [String: [String]] = [
    "accounts": ["account"], "hardware": ["account", "hardware"], "models": ["model_id"],
    "deployments": ["model_id", "version", "hardware", "requested_at"],
    "replicas": ["at", "model_id", "version", "hardware"], "fine_tuning_jobs": ["job_id"],
    "incidents": ["started_at", "kind", "model_id", "provider"],
    "kv_cache": ["at", "model_id", "version", "hardware", "blocks"],
  ]

  private static func row(_ cells: [Cell], _ columns: [String], of table: String) -> JSONValue {
    let texts = Dictionary(zip(columns, cells.map(text)), uniquingKeysWith: { first, _ in first })
    let key = (keys[table] ?? []).compactMap { texts[$0] }.filter { !$0.isEmpty }.joined(separator: " ")
    return .object([(ElementKey.member, .text(key))] + zip(columns, cells.map(value)))
  }

  private static func text(_ cell: Cell) -> String {
    switch cell {
    case .text(let text): text
    case .integer(let number): String(number)
    case .instant(let instant): instant.rfc3339
    case .empty: ""
    }
  }

  private static func value(_ cell: Cell) -> JSONValue {
    switch cell {
    case .text(let text): .text(text)
    case .integer(let number): .integer(number)
    case .instant(let instant): .text(instant.rfc3339)
    case .empty: .null
    }
  }
}
