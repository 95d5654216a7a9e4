import Foundation
import Telemetry

extension Dataset {
  /// An expression for each table that DuckDB can read in a directory; what it cannot read is first written as CSV. The
  /// files are links there, by names of ours: DuckDB takes a path for a pattern.
  package func duckDBSources(in scratch: ScratchDirectory) throws -> [String: String] {
    var sources: [String: String] = [:]
    if case .files(let directory, let format) = location, format.layout != .sqlite {
      for schema in [TableSchema.requests] + TableSchema.small {
        let name = "\(schema.name).\(format)"
        let file = try ContainedPath(name, in: directory)
        _ = try file.open()  // DuckDB opens it by its name: it must be a file of this directory.
        try scratch.link(file.path, as: name)
        sources[schema.name] = Self.source(name, format.layout, schema)
      }
      return sources
    }
    for schema in [TableSchema.requests] + TableSchema.small {
      sources[schema.name] = Self.source("\(schema.name).csv", .csv, schema)
    }
    for (schema, rows) in tables.rows {
      let file = try OutputFile(scratch: "\(scratch.path)/\(schema.name).csv")
      var writer = try TableWriter(schema, to: file, layout: .csv)
      for cells in rows { try writer.write(cells) }
      try file.close()
    }
    let file = try OutputFile(scratch: "\(scratch.path)/requests.csv")
    let reader = try requests()
    let writer = try RequestWriter(file, layout: .csv, series: series, reasons: reader.reasons)
    try reader.read(into: writer)
    try file.close()
    return sources
  }

  /// - Parameter name: of a file, ours: no value from outside.
  private static func source(_ name: String, _ layout: DatasetFormat.Layout, _ schema: TableSchema) -> String
  {
    let columns = schema.duckDBColumns
    let texts = schema.columns.filter { $0.type == .text }.map {
      "coalesce(\"\($0.name)\", '') AS \"\($0.name)\""
    }
    let replaced = texts.isEmpty ? "" : " REPLACE (\(texts.joined(separator: ", ")))"
    let read =
      switch layout {
      case .parquet: "read_parquet('\(name)')"
      case .ndjson: "read_json('\(name)', format = 'newline_delimited', columns = \(columns))"
      // By name, whatever the order of columns. Nothing else is guessed.
      default:
        "read_csv('\(name)', header = true, delim = ',', quote = '\"', escape = '\"', comment = '', skip = 0, nullstr = '', all_varchar = false, types = \(schema.duckDBTypes))"
      }
    return "(SELECT *\(replaced) FROM \(read))"
  }
}

extension TableSchema {
  /// `{'name': 'TYPE', …}`.
  var duckDBColumns: String { Self.duckDB(columns) }

  /// The same, of the columns that every file has: DuckDB takes no type of a column that is not there.
  var duckDBTypes: String { Self.duckDB(columns.filter { !$0.mayBeAbsent }) }

  private static func duckDB(_ columns: [Column]) -> String {
    "{\(columns.map { "'\($0.name)': '\($0.duckDBType)'" }.joined(separator: ", "))}"
  }
}
