import Foundation
import Telemetry

extension Dataset {
  /// An expression for each table that DuckDB can read; what it cannot read is first written as CSV.
  /// - Parameter scratch: a directory for that.
  package func duckDBSources(scratch: String) throws -> [String: String] {
    var sources: [String: String] = [:]
    for schema in [TableSchema.requests] + TableSchema.small {
      switch location {
      case .files(let directory, let format) where format.layout != .sqlite:
        let file = try ContainedPath("\(schema.name).\(format)", in: directory)
        _ = try file.open()  // DuckDB opens it by its name: it must be a file of this directory.
        sources[schema.name] = Self.source(file.path, format.layout, schema)
      default:
        sources[schema.name] = Self.source("\(scratch)/\(schema.name).csv", .csv, schema)
      }
    }
    if case .files = location { return sources }
    for (schema, rows) in tables.rows {
      let file = try OutputFile(scratch: "\(scratch)/\(schema.name).csv")
      var writer = try TableWriter(schema, to: file, layout: .csv)
      for cells in rows { try writer.write(cells) }
      try file.close()
    }
    let file = try OutputFile(scratch: "\(scratch)/requests.csv")
    let reader = try requests()
    let writer = try RequestWriter(file, layout: .csv, series: series, reasons: reader.reasons)
    try reader.read(into: writer)
    try file.close()
    return sources
  }

  private static func source(_ path: String, _ layout: DatasetFormat.Layout, _ schema: TableSchema) -> String
  {
    let columns = schema.columns.map { "\(DuckDB.quoted($0.name)): \(DuckDB.quoted($0.duckDBType))" }.joined(
      separator: ", ")
    let texts = schema.columns.filter { $0.type == .text }.map {
      "coalesce(\"\($0.name)\", '') AS \"\($0.name)\""
    }
    let replaced = texts.isEmpty ? "" : " REPLACE (\(texts.joined(separator: ", ")))"
    let file = DuckDB.quoted(path)
    let read =
      switch layout {
      case .parquet: "read_parquet(\(file))"
      case .ndjson: "read_json(\(file), format = 'newline_delimited', columns = {\(columns)})"
      // By name, whatever the order of columns.
      default:
        "read_csv(\(file), header = true, delim = ',', quote = '\"', escape = '\"', all_varchar = false, types = {\(columns)})"
      }
    return "(SELECT *\(replaced) FROM \(read))"
  }
}
