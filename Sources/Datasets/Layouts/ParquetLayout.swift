import Telemetry

/// A Parquet file for each table, read and written by DuckDB.
struct ParquetLayout: TableLayout {
  var isText: Bool { false }
  var isReadByOthers: Bool { true }

  func writer(
    into directory: RunDirectory, format: DatasetFormat, requests: RequestTable
  ) throws -> any DatasetWriter { try ParquetWriter(directory, requests) }

  func rows(
    _ path: String, _ schema: TableSchema, _ claims: DatasetClaims, _ body: (RowReading) throws -> Void
  ) throws { try CSVLayout.rows(try ParquetReader.file(path, schema), schema, body) }

  func requests(_ path: String, _ claims: DatasetClaims) throws -> RequestRows {
    .csv(try ParquetReader.file(path, .requests))
  }

  func columns(_ path: String) throws -> [String] { try ParquetReader.columns(path) }

  func duckDBTable(_ name: String, _ schema: TableSchema) -> String? { "read_parquet('\(name)')" }
}
