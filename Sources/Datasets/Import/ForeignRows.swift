import Foundation
import Telemetry

/// A row of a platform's own export: values by column name.
struct ForeignRow {
  /// From 1.
  var line: Int
  /// Of the columns that the row has; empty where it has no value (nothing between two commas, null).
  var values: [String: String]
  /// The row as it stands in the export, for the reject file; to be asked before the next row is read.
  var text: () -> String
}

/// Rows of an export, in the order of the file.
protocol ForeignRows: AnyObject {
  /// The next row; `nil` at the end.
  /// - Throws: `BadRow` for one that cannot be read, after which reading may go on; `DatasetError` where it cannot.
  func next() throws -> ForeignRow?
  var share: Double { get }
  /// Columns that there are, as far as they were met, the first few.
  var names: [String] { get }
}

/// A row that makes no request.
struct BadRow: Error {
  var line: Int
  var reason: String
  /// The reason without the row's own values, by which rows are counted.
  var kind: String
  var text: String
}

/// Columns that an import looks for.
struct NeededColumns {
  /// Those of which a list of JSON is one value.
  var lists: Set<String> = []
  /// All of them.
  var names: Set<String>
  /// Of each list at least one must be there.
  var alternatives: [[String]]
}

final class ForeignCSV: ForeignRows {
  private let file: InputFile
  private let reader: CSVReader
  private let width: Int
  /// Places of the columns that are needed.
  private var places: [(name: String, place: Int)] = []
  let names: [String]

  /// - Throws: `DatasetError` where a column that is needed is missing, or there twice.
  init(_ path: String, needed: NeededColumns) throws {
    if let location = PostgreSQLLocation(path) {
      guard let table = location.table else {
        throw DatasetError(
          location.name, "say which table or view to import: ?schema=NAME&table=NAME in the address.")
      }
      file = try PostgreSQLReader(location).foreignTable(table)
    } else {
      file = try InputFile(path)
    }
    let reader = try CSVReader(file)
    self.reader = reader
    guard try reader.next() else {
      throw DatasetError(path, line: 1, column: 1, "the file is empty. It needs a header.")
    }
    if let first = reader.field(0).first, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
      throw DatasetError(
        path, line: 1, column: 1,
        "this is JSON, not CSV. Say where in it the rows are by rows: { list: … } of the mapping, or write one object per line to a file that ends in .ndjson."
      )
    }
    width = reader.fieldCount
    let names = try (0..<width).map { try reader.text($0) }
    self.names = names
    if let problem = NameSpellings.problem(in: names) {
      throw DatasetError(path, line: 1, column: 1, "the column \(problem)")
    }
    if let missing = needed.alternatives.first(where: { list in !list.contains(where: names.contains) }) {
      throw DatasetError(
        path, line: 1, column: 1,
        "the header has no column \(missing.joined(separator: " or ")), which the mapping names. It has: \(names.prefix(20).joined(separator: ", "))."
      )
    }
    for (place, name) in names.enumerated() where needed.names.contains(name) {
      if places.contains(where: { $0.name == name }) {
        throw DatasetError(
          path, line: 1, column: 1, "the header has the column \(name) twice. Rename one of them.")
      }
      places.append((name, place))
    }
  }

  var share: Double { file.share }

  func next() throws -> ForeignRow? {
    do {
      guard try reader.next() else { return nil }
    } catch let error as DatasetError where reader.canGoOn {
      throw BadRow(
        line: reader.line, reason: error.message, kind: "CSV that cannot be read", text: "")
    }
    guard reader.fieldCount == width else {
      throw BadRow(
        line: reader.line, reason: "\(reader.fieldCount) fields, but the header has \(width)",
        kind: "more or fewer fields than the header", text: text())
    }
    var values: [String: String] = [:]
    for (name, place) in places {
      guard let value = String(validating: reader.field(place), as: UTF8.self) else {
        throw BadRow(
          line: reader.line, reason: "\(name) is not UTF-8", kind: "text that is not UTF-8", text: text())
      }
      values[name] = value
    }
    return ForeignRow(line: reader.line, values: values, text: text)
  }

  private func text() -> String {
    (0..<reader.fieldCount).map {
      String(decoding: TableWriter.csv(String(decoding: reader.field($0), as: UTF8.self)), as: UTF8.self)
    }.joined(separator: ",")
  }
}

/// JSON objects, one per line; nested ones by dotted names.
final class ForeignNDJSON: ForeignRows {
  private let lines: LineReader
  private var fields: FlattenedJSON
  var names: [String] { fields.names }

  init(_ path: String, needed: NeededColumns) throws {
    lines = try LineReader(InputFile(path))
    fields = FlattenedJSON(needed)
  }

  var share: Double { lines.share }

  func next() throws -> ForeignRow? {
    while let bytes = try nextLine() {
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0d || $0 == 0x09 }) { continue }
      let text = { String(decoding: bytes, as: UTF8.self) }
      func bad(_ problem: String) -> BadRow {
        BadRow(
          line: lines.line, reason: "not a JSON object: \(problem)", kind: "not a JSON object", text: text())
      }
      var row = ForeignRow(line: lines.line, values: [:], text: text)
      do {
        let object = try JSONNode(bytes)
        guard object.members != nil else { throw bad("another value") }
        try fields.take(object, &row.values)
      } catch let problem as JSONNode.SyntaxError {
        throw bad(problem.text)
      }
      return row
    }
    return nil
  }

  private func nextLine() throws -> ArraySlice<UInt8>? {
    do {
      return try lines.next()
    } catch let error as DatasetError where lines.canGoOn {
      throw BadRow(line: lines.line, reason: error.message, kind: "a line that is too long", text: "")
    }
  }
}
