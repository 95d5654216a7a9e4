import Documents
import Foundation
import Telemetry

/// Rows that are the elements of a list inside a JSON document, which may be any number of lines long, or inside several
/// documents that follow each other in one file.
///
/// The document's bytes are held, and of its values one row at a time: a tree of all of it would take many times the room.
final class ForeignJSON: ForeignRows {
  /// Bytes that a document has at most: 256 MiB.
  static let longestDocument = LineReader.longestLine

  private let path: String
  private let list: String
  private let bytes: [UInt8]
  private var walk: JSONListWalk
  private var fields: FlattenedJSON
  /// Where lines have been counted up to.
  private var counted = 0
  private var line = 1

  var names: [String] { fields.names }
  var share: Double { bytes.isEmpty ? 1 : Double(walk.position) / Double(bytes.count) }

  /// - Parameters:
  ///   - list: the path of the list, `data.*.results`.
  ///   - longest: bytes that the file may have.
  /// - Throws: `NotFoundError`; `DatasetError` for a file that is too long.
  init(
    _ path: String, list: String, needed: NeededColumns, longest: Int = ForeignJSON.longestDocument
  ) throws {
    guard PostgreSQLLocation(path) == nil else {
      throw DatasetError(
        path.withoutPasswords,
        "rows.list of the mapping is the place of rows in a JSON document, and a table has none. Leave it out."
      )
    }
    self.path = path
    self.list = list
    bytes = try Self.read(path, longest: longest)
    walk = JSONListWalk(list, from: bytes.starts(with: ByteOrderMark.bytes) ? ByteOrderMark.bytes.count : 0)
    fields = FlattenedJSON(needed)
  }

  private static func read(_ path: String, longest: Int) throws -> [UInt8] {
    let file = try InputFile(path)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = try chunk.withUnsafeMutableBufferPointer { chunk in
        try chunk.baseAddress.map { try file.read(into: $0, capacity: chunk.count) } ?? 0
      }
      if count == 0 { break }
      guard bytes.count + count <= longest else {
        throw DatasetError(
          path,
          "the document is longer than \(longest) bytes, which is as much as is held in memory. Write its rows one per line to a file that ends in .ndjson, and leave rows.list out."
        )
      }
      bytes += chunk[..<count]
    }
    try file.verifyEnd()
    return bytes
  }

  func next() throws -> ForeignRow? {
    let range: Range<Int>?
    do throws(JSONNode.SyntaxError) {
      range = try walk.next(bytes)
    } catch {
      let before = bytes[..<min(walk.position, bytes.count)]
      let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
      throw DatasetError(
        path, line: before.count { $0 == 0x0a } + 1, column: before.count - start + 1,
        "this is not JSON: \(error.text). rows.list of the mapping needs a JSON document.")
    }
    guard let range else {
      if walk.hasFound { return nil }
      let there = walk.namesThere
      throw DatasetError(
        path,
        "it has nothing at \(list), where rows.list of the mapping says that the rows are. \(there.isEmpty ? "The document is no list or object there." : "At the last part of the path that there is, the names are: \(there.joined(separator: ", ")).")"
      )
    }
    while counted < range.lowerBound {
      if bytes[counted] == 0x0a { line += 1 }
      counted += 1
    }
    let text = { [bytes] in String(decoding: bytes[range], as: UTF8.self) }
    func bad(_ problem: String) -> BadRow {
      BadRow(line: line, reason: "not a JSON object: \(problem)", kind: "not a JSON object", text: text())
    }
    var row = ForeignRow(line: line, values: [:], text: text)
    do {
      let object = try JSONNode(bytes[range])
      guard object.members != nil else { throw bad("another value") }
      try fields.take(object, &row.values)
    } catch let problem as JSONNode.SyntaxError {
      throw bad(problem.text)
    }
    return row
  }
}

/// Values of JSON objects by dotted names, and the names that were met.
struct FlattenedJSON {
  private let needed: Set<String>
  private let lists: Set<String>
  /// Of values, the first few.
  private(set) var names: [String] = []
  private var known: Set<String> = []
  private static let mostNames = 40

  init(_ needed: NeededColumns) {
    self.needed = needed.names
    lists = needed.lists
  }

  /// Hashes of blocks as one text. A list of anything else is a text that none can be, so that its row is rejected.
  private static func hashes(_ elements: [JSONNode]) -> String {
    var hashes: [String] = []
    for element in elements {
      switch element.value {
      case .number(let text): hashes.append(text)
      case .text(let text) where !text.utf8.isEmpty && !text.utf8.contains(0x20): hashes.append(text)
      default: return "(a list of other things than hashes)"
      }
    }
    return hashes.joined(separator: " ")
  }

  /// Adds the values of an object that are needed.
  mutating func take(_ object: JSONNode, _ values: inout [String: String]) throws(JSONNode.SyntaxError) {
    try take(object, "", &values)
  }

  private mutating func take(
    _ node: JSONNode, _ path: String, _ values: inout [String: String]
  ) throws(JSONNode.SyntaxError) {
    if let members = node.members {
      for member in members {
        let name = path.isEmpty ? member.key : path + "." + member.key
        if member.value.members == nil, known.count < Self.mostNames, known.insert(name).inserted {
          names.append(name)
        }
        try take(member.value, name, &values)
      }
    } else if let elements = node.elements {
      if lists.contains(path) { values[path] = Self.hashes(elements) }
      for (index, element) in elements.enumerated() { try take(element, "\(path).\(index)", &values) }
    } else if needed.contains(path) {
      guard values.updateValue(node.scalar ?? "", forKey: path) == nil else {
        throw JSONNode.SyntaxError(text: "\(path) is there twice")
      }
    }
  }
}
