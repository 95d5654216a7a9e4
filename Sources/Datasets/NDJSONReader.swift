import Telemetry

/// Reads newline-delimited JSON, an object per line, as rows of a table.
final class NDJSONReader: RowSource {
  private let file: InputFile
  private let lines: LineReader
  private let schema: TableSchema
  private var parser = TimestampParser()

  init(_ file: InputFile, schema: TableSchema) {
    self.file = file
    lines = LineReader(file)
    self.schema = schema
  }

  func next() throws -> Row? {
    while true {
      guard let bytes = try lines.next() else { return nil }
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0d || $0 == 0x09 }) { continue }
      let object: JSONNode
      do {
        object = try JSONNode(bytes)
      } catch {
        throw self.error("the line is not a JSON object. Write one object per line (here: \(error.text)).")
      }
      guard object.members != nil else {
        throw error("the line is not a JSON object. Write one object per line.")
      }
      return Row(schema: schema, cells: try schema.columns.map { try cell($0, object[$0.name]) })
    }
  }

  private func cell(_ column: TableSchema.Column, _ node: JSONNode?) throws -> Cell {
    guard let value = node?.value else {
      if column.mayBeAbsent { return .empty }
      throw error("\(column.name) is missing. Add it.")
    }
    switch (column.type, value) {
    case (_, .null) where column.isOptional: return .empty
    case (.text, .text(let text)): return .text(text)
    case (.text, .null): return .text("")
    case (.integer, .number(let text)):
      guard let number = NumberText.whole(text) else {
        throw error("\(column.name) \(text.prefix(40)) is not a whole number in 64 bits.")
      }
      return .integer(number)
    case (.instant, .text(let text)):
      guard let instant = parser.parse(text) else {
        throw error(
          "\(column.name) \"\(text.prefix(60))\" is not an instant. Write RFC 3339, 2026-01-05T09:00:00.000000Z."
        )
      }
      guard Timestamp.supported.contains(instant) else {
        throw error(
          "\(column.name) \(instant.rfc3339) is out of range. It must lie in \(Timestamp.supportedYears).")
      }
      return .instant(instant)
    default: throw error("\(column.name) has the wrong type. It must be \(column.type.words).")
    }
  }

  var share: Double { file.share }

  func error(_ message: String) -> DatasetError {
    DatasetError(file.path, line: lines.line, column: 1, message)
  }
}

extension RequestColumn.ValueType {
  var words: String {
    switch self {
    case .text: "text"
    case .integer: "a whole number"
    case .instant: "an RFC 3339 instant as text"
    }
  }
}
