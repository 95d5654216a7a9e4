import Telemetry

/// An object of JSON on each line, a file for each table.
struct NDJSONLayout: TableLayout {
  var isText: Bool { true }

  func writer(
    into directory: RunDirectory, format: DatasetFormat, requests: RequestTable
  ) throws -> any DatasetWriter {
    try TextDatasetWriter(directory, format, requests)
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

  /// Of the first row.
  func columns(_ path: String) throws -> [String] {
    let lines = LineReader(try InputFile(try ContainedPath(ofFile: path)))
    // What is no row is said when it is read.
    guard let line = try lines.next(), let row = try? JSONNode(line) else { return [] }
    return row.members?.map(\.key) ?? []
  }

  func duckDBTable(_ name: String, _ schema: TableSchema) -> String? {
    "read_json('\(name)', format = 'newline_delimited', columns = \(schema.duckDBColumns))"
  }
}
