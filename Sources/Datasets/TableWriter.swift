import Foundation
import Telemetry

/// Writes rows of one table as CSV (RFC 4180, a header, line feeds) or as NDJSON.
package struct TableWriter {
  private let file: OutputFile
  private let layout: DatasetFormat.Layout
  private let schema: TableSchema
  private var formatter = TimestampFormatter()

  package init(_ schema: TableSchema, to file: OutputFile, layout: DatasetFormat.Layout) throws {
    self.file = file
    self.layout = layout
    self.schema = schema
    if layout == .csv { try file.write((schema.columns.map(\.name).joined(separator: ",") + "\n").utf8) }
  }

  package mutating func write(_ cells: [Cell]) throws {
    var line: [UInt8] = []
    if layout == .ndjson { line.append(UInt8(ascii: "{")) }
    for (index, cell) in cells.enumerated() {
      if index > 0 { line.append(UInt8(ascii: ",")) }
      if layout == .ndjson { line += Array("\"\(schema.columns[index].name)\":".utf8) }
      switch cell {
      case .text(let text): line += layout == .csv ? Self.csv(text) : Self.json(text)
      case .integer(let number): line += Array(String(number).utf8)
      case .instant(let instant):
        if layout == .ndjson { line.append(UInt8(ascii: "\"")) }
        formatter.append(instant, to: &line)
        if layout == .ndjson { line.append(UInt8(ascii: "\"")) }
      case .empty: if layout == .ndjson { line += Array("null".utf8) }
      }
    }
    if layout == .ndjson { line.append(UInt8(ascii: "}")) }
    line.append(UInt8(ascii: "\n"))
    try file.write(line)
  }

  /// Quoted where it must be, and where a reader might take it for something else.
  static func csv(_ text: String, always: Bool = false) -> [UInt8] {
    let bytes = Array(text.utf8)
    let specials: [UInt8] = [0x22, 0x2c, 0x0a, 0x0d]
    let special = bytes.contains { specials.contains($0) }
    guard special || always || bytes.first == 0x20 || bytes.last == 0x20 else { return bytes }
    let doubled = bytes.flatMap { (byte: UInt8) -> [UInt8] in byte == 0x22 ? [0x22, 0x22] : [byte] }
    return [0x22] + doubled + [0x22]
  }

  static func json(_ text: String) -> [UInt8] { JSONText.quoted(text) }
}
