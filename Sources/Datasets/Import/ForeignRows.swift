import Foundation
import Telemetry

/// A row of a platform's own export: values by column name.
struct ForeignRow {
  /// From 1.
  var line: Int
  var values: [String: String]
  /// For the reject file.
  var text: String
}

/// Rows of an export, in the order of the file.
protocol ForeignRows: AnyObject {
  /// The next row; `nil` at the end.
  /// - Throws: `BadRow` for one that cannot be read, after which reading may go on; `DatasetError` where it cannot.
  func next() throws -> ForeignRow?
  var share: Double { get }
}

/// A row that makes no request.
struct BadRow: Error {
  var line: Int
  var reason: String
  var text: String
}

final class ForeignCSV: ForeignRows {
  private let file: InputFile
  private let reader: CSVReader
  private let names: [String]

  /// - Parameter needed: columns that the header must have.
  init(_ path: String, needed: [String]) throws {
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
    names = try (0..<reader.fieldCount).map { try reader.text($0) }
    if let problem = NameSpellings.problem(in: names) {
      throw DatasetError(path, line: 1, column: 1, "the column \(problem)")
    }
    if let missing = needed.first(where: { !names.contains($0) }) {
      throw DatasetError(
        path, line: 1, column: 1,
        "the header has no column \(missing), which the mapping names. It has: \(names.prefix(20).joined(separator: ", "))."
      )
    }
  }

  var share: Double { file.share }

  func next() throws -> ForeignRow? {
    guard try reader.next() else { return nil }
    let fields = (0..<reader.fieldCount).map { String(validating: reader.field($0), as: UTF8.self) }
    let text = (0..<reader.fieldCount).map {
      String(decoding: TableWriter.csv(String(decoding: reader.field($0), as: UTF8.self)), as: UTF8.self)
    }.joined(separator: ",")
    guard fields.count == names.count else {
      throw BadRow(
        line: reader.line, reason: "\(fields.count) fields, the header has \(names.count)", text: text)
    }
    var values: [String: String] = [:]
    for (name, field) in zip(names, fields) {
      guard let field else { throw BadRow(line: reader.line, reason: "\(name) is not UTF-8", text: text) }
      values[name] = field
    }
    return ForeignRow(line: reader.line, values: values, text: text)
  }
}

/// JSON objects, one a line; nested ones by dotted names.
final class ForeignNDJSON: ForeignRows {
  private let lines: LineReader
  init(_ path: String) throws { lines = try LineReader(InputFile(path)) }

  var share: Double { lines.share }

  func next() throws -> ForeignRow? {
    while let bytes = try lines.next() {
      let text = String(decoding: bytes, as: UTF8.self)
      if text.allSatisfy(\.isWhitespace) { continue }
      // What is wrong is said next.
      guard let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
        throw BadRow(line: lines.line, reason: "not a JSON object", text: text)
      }
      var values: [String: String] = [:]
      flatten(object, "", &values)
      return ForeignRow(line: lines.line, values: values, text: text)
    }
    return nil
  }
}

private func flatten(_ object: [String: Any], _ prefix: String, _ values: inout [String: String]) {
  for (key, value) in object {
    if let nested = value as? [String: Any] {
      flatten(nested, prefix + key + ".", &values)
    } else if let text = jsonText(value) {
      values[prefix + key] = text
    }
  }
}

/// A JSON value as text; `nil` for null and lists.
private func jsonText(_ value: Any) -> String? {
  switch value {
  case let text as String: text
  case let number as NSNumber: number.stringValue
  default: nil
  }
}

/// Spans of OTLP in JSON: export requests, one a line or one as the whole file. Attributes by their keys, those of the
/// resource as `resource.KEY`. Spans that are no calls of a model are left out and counted.
final class OpenTelemetrySpans: ForeignRows {
  private let path: String
  private let lines: LineReader
  private var pending: [ForeignRow] = []
  private var isWhole = false
  private(set) var others = 0
  private static let mostBytes = 1 << 30

  init(_ path: String) throws {
    self.path = path
    lines = try LineReader(InputFile(path), longest: Self.mostBytes)
  }

  var share: Double { lines.share }

  func next() throws -> ForeignRow? {
    while pending.isEmpty {
      guard let bytes = try lines.next() else { return nil }
      var data = Data(bytes)
      let line = lines.line
      if data.allSatisfy({ $0 == 0x20 || $0 == 0x0d || $0 == 0x09 }) { continue }
      // Perhaps only the first line of a document.
      var object = try? JSONSerialization.jsonObject(with: data)
      if object == nil, line == 1 {
        while let more = try lines.next() {
          data += [0x0a] + more
          guard data.count <= Self.mostBytes else {
            throw DatasetError(path, "the document is larger than 1 GiB. Export a request a line.")
          }
        }
        object = try? JSONSerialization.jsonObject(with: data)  // What is wrong is said next.
      }
      guard let request = object as? [String: Any],
        let resources = request["resourceSpans"] as? [[String: Any]]
      else {
        throw BadRow(
          line: line, reason: "not an OTLP export in JSON (an object with resourceSpans)",
          text: String(decoding: data.prefix(2000), as: UTF8.self))
      }
      for resource in resources { take(resource, line) }
    }
    return pending.removeFirst()
  }

  private func take(_ resource: [String: Any], _ line: Int) {
    let shared = attributes(resource["resource"], prefix: "resource.")
    let scopes = (resource["scopeSpans"] ?? resource["instrumentationLibrarySpans"]) as? [[String: Any]] ?? []
    for span in scopes.flatMap({ $0["spans"] as? [[String: Any]] ?? [] }) {
      var values = shared
      for (key, value) in span where !(value is [Any]) {
        if let nested = value as? [String: Any] {
          flatten(nested, key + ".", &values)
        } else {
          values[key] = jsonText(value)
        }
      }
      values.merge(attributes(span, prefix: "")) { $1 }
      let operation = values["gen_ai.operation.name"] ?? "chat"
      let isCall =
        values.keys.contains { $0.utf8.starts(with: "gen_ai.".utf8) }
        && !["execute_tool", "create_agent", "invoke_agent", "invoke_workflow"].contains(operation)
      guard isCall else {
        others += 1
        continue
      }
      // It was JSON before.
      let text = (try? JSONSerialization.data(withJSONObject: span, options: [.sortedKeys])).map {
        String(decoding: $0, as: UTF8.self)
      }
      pending.append(ForeignRow(line: line, values: values, text: text ?? ""))
    }
  }

  private func attributes(_ owner: Any?, prefix: String) -> [String: String] {
    guard let list = (owner as? [String: Any])?["attributes"] as? [[String: Any]] else { return [:] }
    var values: [String: String] = [:]
    for attribute in list {
      guard let key = attribute["key"] as? String, let value = attribute["value"] as? [String: Any] else {
        continue
      }
      values[prefix + key] = ["stringValue", "intValue", "doubleValue", "boolValue"].lazy.compactMap {
        value[$0]
      }.first
        .flatMap(jsonText)
    }
    return values
  }
}
