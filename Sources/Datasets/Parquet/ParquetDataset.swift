import Foundation
import Telemetry

/// Writes a data set as Parquet, one file per table, by streaming CSV through DuckDB.
final class ParquetWriter: DatasetWriter {
  private let directory: RunDirectory
  private let child: OutputFile
  private let writer: RequestWriter

  init(_ directory: RunDirectory, _ requests: RequestTable) throws {
    self.directory = directory
    child = try Self.pipe(requests.schema, directory)
    writer = try RequestWriter(child, layout: .csv, requests)
  }

  private static func name(_ schema: TableSchema) -> String { "telemetry/\(schema.name).parquet" }

  private static func pipe(_ schema: TableSchema, _ directory: RunDirectory) throws -> OutputFile {
    let path = try directory.path(of: name(schema))
    // DuckDB reads an empty field as NULL; only optional columns may have one.
    let columns = schema.columns.map {
      $0.type == .text && !$0.isOptional ? "coalesce(\"\($0.name)\", '') AS \"\($0.name)\"" : "\"\($0.name)\""
    }
    let sql = """
      COPY (SELECT \(columns.joined(separator: ", ")) FROM read_csv('/dev/stdin', auto_detect = false, header = true, \
      delim = ',', quote = '"', escape = '"', columns = \(schema.duckDBColumns))) TO '/dev/stdout' (FORMAT parquet, COMPRESSION zstd)
      """
    // One thread: the same rows give the same bytes.
    let process = try DuckDBProcess(
      sql, settings: ["threads = 1", "TimeZone = 'UTC'"], path: path, readsInput: true, output: .file(path))
    return try OutputFile(process, path: path)
  }

  func receive(_ requests: RequestColumns) throws { try writer.receive(requests) }

  func write(_ tables: TelemetryTables) throws {
    try child.close()
    try directory.adopt(Self.name(.requests))
    for (schema, rows) in tables.rows {
      let file = try Self.pipe(schema, directory)
      var writer = try TableWriter(schema, to: file, layout: .csv)
      for cells in rows { try writer.write(cells) }
      try file.close()
      try directory.adopt(Self.name(schema))
    }
  }

  func finish(_ manifest: Manifest?) throws {}
}

/// Reads a Parquet file of a telemetry table, as CSV from DuckDB.
enum ParquetReader {
  static func columns(_ path: String) throws -> [String] {
    _ = try ContainedPath(ofFile: path).open()
    let scratch = try ScratchDirectory()
    try scratch.link(path, as: "table.parquet")
    let sql =
      "COPY (SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet('table.parquet'))) TO '/dev/stdout' (FORMAT csv)"
    let reader = try CSVReader(
      try InputFile(DuckDBProcess(sql, in: scratch, path: path, output: .piped), path: path))
    var names: [String] = []
    while try reader.next() { names.append(try reader.text(0)) }
    return names
  }

  static func file(_ path: String, _ schema: TableSchema) throws -> InputFile {
    // DuckDB opens it by its name: it must be a file of its directory.
    _ = try ContainedPath(ofFile: path).open()
    let columns = schema.columns.map { column in
      column.type == .instant
        ? "strftime(make_timestamp(epoch_us(\"\(column.name)\")), '%Y-%m-%dT%H:%M:%S.%fZ') AS \"\(column.name)\""
        : "\"\(column.name)\""
    }
    let order = schema == .requests ? " ORDER BY arrived_at, request_id" : ""
    // Columns that a file may lack are NULL in it.
    let absent = schema.columns.filter(\.mayBeAbsent).map { "NULL::\($0.duckDBType) AS \"\($0.name)\"" }
    let table =
      absent.isEmpty
      ? "read_parquet('table.parquet')"
      : "(SELECT * FROM read_parquet('table.parquet') UNION ALL BY NAME SELECT \(absent.joined(separator: ", ")) WHERE false)"
    let scratch = try ScratchDirectory()
    try scratch.link(path, as: "table.parquet")
    let sql =
      "COPY (SELECT \(columns.joined(separator: ", ")) FROM \(table)\(order)) TO '/dev/stdout' (FORMAT csv, HEADER)"
    // Sorting holds all rows; beyond the limit DuckDB spills to the disk.
    let settings = ["TimeZone = 'UTC'", "memory_limit = '300MB'", "threads = 2"]
    return try InputFile(
      DuckDBProcess(sql, in: scratch, settings: settings, path: path, output: .piped), path: path)
  }
}

extension TableSchema.Column {
  var duckDBType: String {
    switch type {
    case .text: "VARCHAR"
    case .integer: is32Bit ? "INTEGER" : "BIGINT"
    case .instant: "TIMESTAMPTZ"
    }
  }
}
