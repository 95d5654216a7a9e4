import Telemetry

/// Reads a table's file, in either layout.
enum TableReader {
  /// All records of a small table.
  /// - Throws: `DatasetError`, naming line and column.
  static func records<Record: TableRecord>(_ path: String, _ layout: DatasetFormat.Layout) throws -> [Record]
  {
    let file = try InputFile(path)
    var records: [Record] = []
    switch layout {
    case .csv:
      let reader = try CSVReader(file)
      let columns = try CSVColumns(reader, Record.schema)
      while try reader.next() {
        let row = try columns.row()
        do {
          records.append(try Record(row))
        } catch let error as RowError {
          throw columns.error(error)
        }
      }
    case .ndjson:
      let reader = NDJSONReader(file, schema: Record.schema)
      while let row = try reader.next() {
        do {
          records.append(try Record(row))
        } catch let error as RowError {
          throw reader.error(error.message)
        }
      }
    }
    return records
  }
}

/// Where a schema's columns stand in a CSV file, by its header.
struct CSVColumns {
  let reader: CSVReader
  let schema: TableSchema
  /// Field index for each column of the schema.
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
        throw DatasetError(
          reader.path, line: reader.line, column: 1,
          "the header has no column \(column.name). A \(schema.name) table has \(schema.columns.map(\.name).joined(separator: ","))."
        )
      }
      return position
    }
  }

  func checkWidth() throws {
    guard reader.fieldCount == width else {
      throw reader.error(
        min(reader.fieldCount, width) - 1,
        "the row has \(reader.fieldCount) fields, the header \(width). Is a line cut off, or a comma not quoted?"
      )
    }
  }

  func row() throws -> Row {
    try checkWidth()
    return Row(schema: schema, cells: try schema.columns.indices.map(cell))
  }

  private func cell(_ column: Int) throws -> Cell {
    let position = positions[column]
    let field = reader.field(position)
    let definition = schema.columns[column]
    switch definition.type {
    case .text: return .text(try reader.text(position))
    case _ where definition.isOptional && field.count == 0: return .empty
    case .integer:
      guard let number = parseInteger(field) else { throw wrong(column, "a whole number") }
      return .integer(number)
    case .moment: return .moment(try moment(column))
    }
  }

  func moment(_ column: Int) throws -> Timestamp {
    guard let moment = parser.parser.parse(reader.field(positions[column])) else {
      throw wrong(column, "a moment. Write RFC 3339, 2026-01-05T09:00:00.000000Z")
    }
    return moment
  }

  func integer(_ column: Int, _ range: ClosedRange<Int64>) throws -> Int64 {
    guard let number = parseInteger(reader.field(positions[column])) else {
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

  func wrong(_ column: Int, _ expected: String) -> DatasetError {
    let shown = String(decoding: reader.field(positions[column]).prefix(40), as: UTF8.self)
    return reader.error(positions[column], "\(schema.columns[column].name) \"\(shown)\" is not \(expected).")
  }

  func error(_ error: RowError) -> DatasetError {
    reader.error(schema.index(of: error.column).map { positions[$0] } ?? 0, error.message)
  }
}
