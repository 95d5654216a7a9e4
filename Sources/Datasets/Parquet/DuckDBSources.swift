import Foundation
import Telemetry

extension Dataset {
  /// An expression for each table that DuckDB can read in a directory; what it cannot read is first written as CSV. The
  /// files are links there, by names of ours: DuckDB takes a path for a pattern.
  package func duckDBSources(in scratch: ScratchDirectory) throws -> [String: String] {
    var sources: [String: String] = [:]
    var absent: [String: String] = [:]
    // Types of all columns that there are: DuckDB would guess those of others from the first rows.
    let optional = try location.optionalColumns()
    let schemas = [TableSchema.requests(with: optional)] + tables.rows.map(\.schema)
    // Nobody need ask whether a table is there.
    for schema in TableSchema.small where !schemas.contains(where: { $0.name == schema.name }) {
      let columns = schema.columns.map { "NULL::\($0.duckDBType) AS \"\($0.name)\"" }
      absent[schema.name] = "(SELECT \(columns.joined(separator: ", ")) WHERE false)"
    }
    if case .files(let files) = location {
      for schema in schemas {
        guard let table = files.layout.duckDBTable(files.name(schema), schema) else { break }
        let file = try ContainedPath(files.name(schema), in: files.directory)
        _ = try file.open()  // DuckDB opens it by its name: it must be a file of this directory.
        try scratch.link(file.path, as: files.name(schema))
        sources[schema.name] = Self.source(table, schema)
      }
      if sources.count == schemas.count { return sources.merging(absent) { there, _ in there } }
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
    return sources.merging(absent) { there, _ in there }
  }

  /// Texts and numbers as we have them: empty and 0 where there is none. For each number of a request that may be unknown,
  /// a column says whether it is; optional numbers that the data set lacks are NULL.
  private static func source(_ table: String, _ schema: TableSchema) -> String {
    let isRequests = schema.name == TableSchema.requests.name
    func mayBeUnknown(_ column: TableSchema.Column) -> Bool {
      isRequests && column.type == .integer && column.isOptional && !column.mayBeAbsent
    }
    let known = schema.columns.compactMap { column -> String? in
      let substitute = column.type == .text ? "''" : mayBeUnknown(column) ? "0" : nil
      return substitute.map { "coalesce(\"\(column.name)\", \($0)) AS \"\(column.name)\"" }
    }
    let replaced = known.isEmpty ? "" : " REPLACE (\(known.joined(separator: ", ")))"
    var added = schema.columns.filter(mayBeUnknown).map { "\"\($0.name)\" IS NULL AS \"\($0.name)_unknown\"" }
    if isRequests {
      let absent = TableSchema.requests.columns.filter { $0.mayBeAbsent && schema.index(of: $0.name) == nil }
      added += absent.filter { $0.type == .integer }.map { "NULL::\($0.duckDBType) AS \"\($0.name)\"" }
    }
    return "(SELECT *\(replaced)\(added.map { ", \($0)" }.joined()) FROM \(table))"
  }
}

extension TableSchema {
  /// `{'name': 'TYPE', …}`.
  var duckDBColumns: String { Self.duckDB(columns) }

  private static func duckDB(_ columns: [Column]) -> String {
    "{\(columns.map { "'\($0.name)': '\($0.duckDBType)'" }.joined(separator: ", "))}"
  }
}
