import Telemetry

/// An object of JSON on each line, a file for each table.
struct NDJSONLayout: TableLayout {
  var isText: Bool { true }

  func writer(
    into directory: RunDirectory, format: DatasetFormat, series: [Series], reasons: FailureReasons
  ) throws -> any DatasetWriter {
    try TextDatasetWriter(directory, format, series: series, reasons: reasons)
  }

  func rows(
    _ path: String, _ schema: TableSchema, _ claims: DatasetClaims, _ body: (RowReading) throws -> Void
  ) throws {
    let reader = NDJSONReader(try claims.input(path), schema: schema)
    while let row = try reader.next() { try body(RowReading(row: row) { reader.error($0.message) }) }
  }

  func requests(_ path: String, _ claims: DatasetClaims) throws -> RequestRows {
    .rows(NDJSONReader(try claims.input(path), schema: .requests))
  }

  func duckDBTable(_ name: String, _ schema: TableSchema) -> String? {
    "read_json('\(name)', format = 'newline_delimited', columns = \(schema.duckDBColumns))"
  }
}
