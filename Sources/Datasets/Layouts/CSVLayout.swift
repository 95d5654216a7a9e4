import Telemetry

/// RFC 4180 with a header, a file for each table.
struct CSVLayout: TableLayout {
  var isText: Bool { true }

  func writer(
    into directory: RunDirectory, format: DatasetFormat, requests: RequestTable
  ) throws -> any DatasetWriter {
    try TextDatasetWriter(directory, format, requests)
  }

  func rows(
    _ path: String, _ schema: TableSchema, _ claims: DatasetClaims, _ body: (RowReading) throws -> Void
  ) throws { try Self.rows(try claims.input(path), schema, body) }

  /// The rows of any CSV.
  static func rows(_ file: InputFile, _ schema: TableSchema, _ body: (RowReading) throws -> Void) throws {
    let reader = try CSVReader(file)
    let columns = try CSVColumns(reader, schema)
    while try reader.next() { try body(RowReading(row: try columns.row()) { columns.error($0) }) }
  }

  func requests(_ path: String, _ claims: DatasetClaims) throws -> RequestRows {
    .csv(try claims.input(path))
  }

  func columns(_ path: String) throws -> [String] {
    try Self.columns(try InputFile(try ContainedPath(ofFile: path)))
  }

  /// Of any CSV.
  static func columns(_ file: InputFile) throws -> [String] {
    let reader = try CSVReader(file)
    return try reader.next() ? try (0..<reader.fieldCount).map { try reader.text($0) } : []
  }

  /// Columns by name, whatever their order. Nothing else is guessed.
  func duckDBTable(_ name: String, _ schema: TableSchema) -> String? {
    "read_csv('\(name)', header = true, delim = ',', quote = '\"', escape = '\"', comment = '', skip = 0, nullstr = '', all_varchar = false, types = \(schema.duckDBColumns))"
  }
}
