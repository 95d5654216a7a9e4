import Telemetry

/// Where the small tables come from.
package protocol TableRecords {
  /// - Throws: `DatasetError`, naming line and column.
  func rows(_ schema: TableSchema, _ body: (RowReading) throws -> Void) throws
}

/// A row, and how to say where it stands.
package struct RowReading {
  let row: Row
  let located: (RowError) -> DatasetError
}

extension TableRecords {
  func records<Record: TableRecord>() throws -> [Record] {
    var records: [Record] = []
    var known: Set<RowIdentity> = []
    try rows(Record.schema) { reading in
      do {
        let record = try Record(reading.row)
        if let identity = record.identity, !known.insert(identity).inserted { throw identity.isTwice }
        records.append(record)
      } catch let error as RowError {
        throw reading.located(error)
      }
    }
    return records
  }
}

extension DatasetLocation: TableRecords {
  package func rows(_ schema: TableSchema, _ body: (RowReading) throws -> Void) throws {
    try ClaimedLocation(location: self, claims: .none).rows(schema, body)
  }
}

/// A data set's place, and what its files must be.
struct ClaimedLocation: TableRecords {
  let location: DatasetLocation
  let claims: DatasetClaims

  package func rows(_ schema: TableSchema, _ body: (RowReading) throws -> Void) throws {
    switch location {
    case .files(let files):
      let path = files.path(schema)
      if schema.mayBeAbsent, !files.has(schema) { return }
      try files.layout.rows(path, schema, claims, body)
      if files.layout.isReadByOthers { try claims.check(path) }
    case .sqlite(let path):
      let reader = try SQLiteReader(path)
      if schema.mayBeAbsent, try !reader.has(schema) { return }
      for (index, row) in try reader.rows(schema).enumerated() {
        try body(
          RowReading(row: row) { DatasetError(path, "\(schema.name), row \(index + 1): \($0.message)") })
      }
    case .postgreSQL(let location):
      let reader = try PostgreSQLReader(location)
      if schema.mayBeAbsent, try !reader.has(schema) { return }
      try CSVLayout.rows(try reader.file(schema), schema, body)
    }
  }
}

/// Where a schema's columns stand in a CSV file, by its header.
struct CSVColumns {
  let reader: CSVReader
  let schema: TableSchema
  /// Field index for each column of the schema; −1 where the file has none and need not.
  let positions: [Int]
  private let width: Int
  private let parser = ParserBox()

  /// The parser remembers the last day, whatever row asks.
  private final class ParserBox { var parser = TimestampParser() }

  /// Reads the header.
  init(_ reader: CSVReader, _ schema: TableSchema) throws {
    self.reader = reader
    self.schema = schema
    guard try reader.next() else {
      throw DatasetError(
        reader.path, line: 1, column: 1,
        "the file is empty. It needs at least the header \(schema.columns.map(\.name).joined(separator: ","))."
      )
    }
    width = reader.fieldCount
    let names = try (0..<width).map { try reader.text($0) }
    positions = try schema.columns.map { column in
      guard let position = names.firstIndex(of: column.name) else {
        if column.mayBeAbsent { return -1 }
        throw DatasetError(
          reader.path, line: reader.line, column: 1,
          "the header has no column \(column.name). A \(schema.name) table has \(schema.columns.map(\.name).joined(separator: ","))."
        )
      }
      guard names[(position + 1)...].firstIndex(of: column.name) == nil else {
        throw DatasetError(
          reader.path, line: reader.line, column: 1,
          "the header has the column \(column.name) twice. Leave one of them out.")
      }
      return position
    }
  }

  /// Whether the file has just the schema's columns, in its order, but for those that it may lack.
  var isInOrder: Bool { positions.filter { $0 >= 0 } == Array(0..<width) }

  func has(_ column: String) -> Bool {
    schema.columns.firstIndex { $0.name == column }.map { positions[$0] >= 0 } ?? false
  }

  func checkWidth() throws {
    guard reader.fieldCount == width else {
      throw reader.error(
        min(reader.fieldCount, width) - 1,
        "the row has \(reader.fieldCount) fields, but the header has \(width). Is a line cut off, or a comma not quoted?"
      )
    }
  }

  func row() throws -> Row {
    try checkWidth()
    return Row(schema: schema, cells: try schema.columns.indices.map(cell))
  }

  private func cell(_ column: Int) throws -> Cell {
    let position = positions[column]
    if position < 0 { return .empty }
    let field = reader.field(position)
    let definition = schema.columns[column]
    switch definition.type {
    case .text: return .text(try reader.text(position))
    case _ where definition.isOptional && field.count == 0: return .empty
    case .integer:
      guard let number = NumberText.integer(field) else { throw wrong(column, "a whole number") }
      return .integer(number)
    case .instant: return .instant(try instant(column))
    }
  }

  func instant(_ column: Int) throws -> Timestamp {
    guard let instant = parser.parser.parse(reader.field(positions[column])) else {
      throw wrong(column, "an instant. Write RFC 3339, 2026-01-05T09:00:00.000000Z")
    }
    guard Timestamp.supported.contains(instant) else {
      throw reader.error(
        positions[column],
        "\(schema.columns[column].name) \(instant.rfc3339) is out of range. It must lie in \(Timestamp.supportedYears)."
      )
    }
    return instant
  }

  func integer(_ column: Int, _ range: ClosedRange<Int64>) throws -> Int64 {
    guard let number = NumberText.integer(reader.field(positions[column])) else {
      throw wrong(column, "a whole number")
    }
    guard range.contains(number) else {
      throw reader.error(
        positions[column],
        "\(schema.columns[column].name) \(number) is out of range. It must lie in \(range.lowerBound)…\(range.upperBound)."
      )
    }
    return number
  }

  /// Whether the row has nothing there, or the file no such column.
  func isEmpty(_ column: Int) -> Bool { positions[column] < 0 || reader.field(positions[column]).count == 0 }

  func wrong(_ column: Int, _ expected: String) -> DatasetError {
    let shown = String(decoding: reader.field(positions[column]).prefix(40), as: UTF8.self)
    return reader.error(positions[column], "\(schema.columns[column].name) \"\(shown)\" is not \(expected).")
  }

  func error(_ error: RowError) -> DatasetError {
    reader.error(schema.index(of: error.column).map { positions[$0] } ?? 0, error.message)
  }
}
