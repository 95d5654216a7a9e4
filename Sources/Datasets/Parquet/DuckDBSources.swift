import Foundation
import Telemetry

extension Dataset {
  /// An expression for each table that DuckDB can read in a directory; what it cannot read is first written as CSV. The
  /// files are links there, by names of ours: DuckDB takes a path for a pattern.
  package func duckDBSources(in scratch: ScratchDirectory) throws -> [String: String] {
    var sources: [String: String] = [:]
    // Types of all columns that there are: DuckDB would guess those of others from the first rows.
    let optional = try location.optionalColumns()
    let schemas = [TableSchema.requests(with: optional)] + TableSchema.small
    if case .files(let files) = location {
      for schema in schemas {
        guard let table = files.layout.duckDBTable(files.name(schema), schema) else { break }
        let file = try ContainedPath(files.name(schema), in: files.directory)
        _ = try file.open()  // DuckDB opens it by its name: it must be a file of this directory.
        try scratch.link(file.path, as: files.name(schema))
        sources[schema.name] = Self.source(table, schema)
      }
      if sources.count == schemas.count { return sources }
    }
    for schema in schemas {
      sources[schema.name] = CSVLayout().duckDBTable("\(schema.name).csv", schema).map {
        Self.source($0, schema)
      }
    }
    for (schema, rows) in tables.rows {
      let file = try OutputFile(scratch: "\(scratch.path)/\(schema.name).csv")
      var writer = try TableWriter(schema, to: file, layout: .csv)
      for cells in rows { try writer.write(cells) }
      try file.close()
    }
    let file = try OutputFile(scratch: "\(scratch.path)/requests.csv")
    let reader = try requests()
    let writer = try RequestWriter(
      file, layout: .csv,
      RequestTable(series: series, reasons: reader.reasons, optional: optional))
    try reader.read(into: writer)
    try file.close()
    return sources
  }

  /// Texts and numbers as we have them: empty and 0 where there is none. Whether a number is unknown changes no figure.
  private static func source(_ table: String, _ schema: TableSchema) -> String {
    let known = schema.columns.compactMap { column -> String? in
      let substitute: String? =
        switch column.type {
        case .text: "''"
        case .integer
        where column.isOptional && !column.mayBeAbsent && schema.name == TableSchema.requests.name: "0"
        default: nil
        }
      return substitute.map { "coalesce(\"\(column.name)\", \($0)) AS \"\(column.name)\"" }
    }
    let replaced = known.isEmpty ? "" : " REPLACE (\(known.joined(separator: ", ")))"
    return "(SELECT *\(replaced) FROM \(table))"
  }
}

extension TableSchema {
  /// `{'name': 'TYPE', …}`.
  var duckDBColumns: String { Self.duckDB(columns) }

  private static func duckDB(_ columns: [Column]) -> String {
    "{\(columns.map { "'\($0.name)': '\($0.duckDBType)'" }.joined(separator: ", "))}"
  }
}
