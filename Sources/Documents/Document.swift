import Foundation
import Synchronization
import Yams

/// A YAML document as a tree that knows the location of each node.
package struct DocumentNode: Sendable {
  package indirect enum Value: Sendable {
    /// `isPlain`: not quoted, so that `10` is a number and `"10"` is not.
    case scalar(String, isPlain: Bool)
    case sequence([DocumentNode])
    case mapping([Entry])
  }

  package struct Entry: Sendable {
    package var key: String
    package var keyLocation: Location
    package var value: DocumentNode

    package init(key: String, keyLocation: Location, value: DocumentNode) {
      (self.key, self.keyLocation, self.value) = (key, keyLocation, value)
    }
  }

  package var value: Value
  package var location: Location

  package init(value: Value, location: Location) {
    (self.value, self.location) = (value, location)
  }

  package var entries: [Entry]? { if case .mapping(let entries) = value { entries } else { nil } }
  package var elements: [DocumentNode]? { if case .sequence(let elements) = value { elements } else { nil } }
  package var scalar: String? { if case .scalar(let text, _) = value { text } else { nil } }

  /// `~`, `null` or nothing at all.
  package var isNull: Bool {
    if case .scalar(let text, isPlain: true) = value {
      ["", "~", "null", "Null", "NULL"].contains(text)
    } else {
      false
    }
  }

  /// The value of a key; `nil` where there is none, or no mapping.
  package func member(_ name: String) -> DocumentNode? { entries?.first { $0.key == name }?.value }

  /// The same, as if all of it stood in one place.
  package func relocated(to place: Location) -> DocumentNode {
    var node = self
    node.location = place
    switch value {
    case .scalar: break
    case .sequence(let elements): node.value = .sequence(elements.map { $0.relocated(to: place) })
    case .mapping(let entries):
      node.value = .mapping(
        entries.map { .init(key: $0.key, keyLocation: place, value: $0.value.relocated(to: place)) })
    }
    return node
  }

  /// Changes the value of a key, if there is one.
  package mutating func change(_ name: String, _ body: (inout DocumentNode) -> Void) {
    guard case .mapping(var entries) = value, let index = entries.firstIndex(where: { $0.key == name }) else {
      return
    }
    body(&entries[index].value)
    value = .mapping(entries)
  }

  /// Changes each element of a list, if it is one.
  package mutating func changeElements(_ body: (inout DocumentNode) -> Void) {
    guard case .sequence(var elements) = value else { return }
    for index in elements.indices { body(&elements[index]) }
    value = .sequence(elements)
  }

  /// What it is, for messages: `a list`, or the text in quotes.
  package var kindName: String {
    switch value {
    case .scalar(let text, _): isNull ? "nothing" : quoted(text)
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

/// Reads YAML with limits, so that a hostile document is refused in bounded time and memory.
package enum Document {
  package static let mostBytes = 16 << 20
  package static let mostNodes = 1_000_000
  package static let mostDepth = 64

  /// What can be done about a document that cannot be read at all: a sentence each, which depends on its kind.
  package struct Remedies: Sendable {
    package var empty: String
    package var large: String

    package init(empty: String, large: String) {
      self.empty = empty
      self.large = large
    }

    package static let general = Remedies(empty: "Is it the right file?", large: "Is it the right file?")
  }

  /// - Throws: `DocumentErrors`.
  package static func parse(_ data: Data, path: String, remedies: Remedies = .general) throws -> DocumentNode
  {
    guard data.count <= mostBytes else {
      throw problem(
        path, nil,
        "the document has more than the \(mostBytes >> 20) MiB that are read. \(remedies.large)")
    }
    let data = ByteOrderMark.dropped(data)
    guard let text = String(validatingUTF8Bytes: data) else {
      throw problem(
        path, location(ofByte: firstInvalidByte(data), in: data), "not UTF-8. Save the file as UTF-8.")
    }
    return try parse(text, path: path, remedies: remedies)
  }

  package static func parse(_ text: String, path: String, remedies: Remedies = .general) throws
    -> DocumentNode
  {
    guard try mayHideLevels(text, path: path) else {
      return try parseShallow(text, path: path, remedies)
    }
    // libyaml's thousand levels, each a few frames deep, are more than a thread's usual stack holds.
    let result = Mutex<Result<DocumentNode, any Error>?>(nil)
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      let parsed = Result { try parseShallow(text, path: path, remedies) }
      result.withLock { $0 = parsed }
      done.signal()
    }
    thread.stackSize = 64 << 20
    thread.start()
    done.wait()
    guard let parsed = result.withLock({ $0 }) else { fatalError("a thread ended without its result") }
    return try parsed.get()
  }

  private static func parseShallow(_ text: String, path: String, _ remedies: Remedies) throws -> DocumentNode
  {
    do {
      guard let root = try Parser(yaml: text).singleRoot() else {
        throw problem(path, .document(line: 1, column: 1), "the document is empty. \(remedies.empty)")
      }
      var count = 0
      return try convert(root, path: path, depth: 0, count: &count)
    } catch let error as YamlError {
      throw syntaxError(error, path: path)
    }
  }

  /// An override's value, in YAML.
  static func parseValue(_ text: String, override: String) throws -> DocumentNode {
    let node: DocumentNode
    do {
      node = try parse(text.isEmpty ? "''" : text, path: "")
    } catch let errors as DocumentErrors {
      throw DocumentErrors(
        path: "",
        diagnostics: errors.diagnostics.map { Diagnostic(location: .override(override), message: $0.message) }
      )
    }
    return node.relocated(to: .override(override))
  }

  private static func convert(
    _ node: Node, path: String, depth: Int, count: inout Int
  ) throws -> DocumentNode {
    let location =
      node.mark.map { Location.document(line: $0.line, column: $0.column) } ?? .document(line: 1, column: 1)
    count += 1
    guard count <= mostNodes else {
      throw problem(
        path, location,
        "more than \(mostNodes) values (including aliases). Write fewer, or use a template with a count.")
    }
    guard depth <= mostDepth else { throw tooDeep(path, location) }
    switch node {
    case .scalar(let scalar):
      let isPlain = scalar.style == .plain || scalar.style == .any
      return DocumentNode(value: .scalar(scalar.string, isPlain: isPlain), location: location)
    case .sequence(let sequence):
      var elements: [DocumentNode] = []
      for element in sequence {
        elements.append(try convert(element, path: path, depth: depth + 1, count: &count))
      }
      return DocumentNode(value: .sequence(elements), location: location)
    case .mapping(let mapping):
      var entries: [DocumentNode.Entry] = []
      for (key, value) in mapping {
        guard case .scalar(let name) = key else {
          throw problem(path, location, "a key must be a word, not a list or a mapping.")
        }
        let keyLocation = key.mark.map { Location.document(line: $0.line, column: $0.column) } ?? location
        entries.append(
          .init(
            key: name.string, keyLocation: keyLocation,
            value: try convert(value, path: path, depth: depth + 1, count: &count)))
      }
      return DocumentNode(value: .mapping(entries), location: location)
    case .alias:
      throw problem(path, location, "an alias without an anchor.")
    }
  }

  /// Refuses a document that is nested too deep.
  /// - Returns: whether there may be more levels than were seen, up to libyaml's thousand.
  private static func mayHideLevels(_ text: String, path: String) throws -> Bool {
    do {
      return try NestingCheck.run(text, mostDepth: mostDepth)
    } catch {
      switch error {
      case .tooDeep(let location): throw tooDeep(path, location)
      case .complexKey(let location):
        throw problem(
          path, location,
          "a key must be a word; \"?\" starts a complex one. Quote it if it is part of a name.")
      }
    }
  }

  private static func tooDeep(_ path: String, _ location: Location) -> DocumentErrors {
    problem(path, location, "nested more than \(mostDepth) levels deep. No scenario needs that.")
  }

  private static func problem(_ path: String, _ location: Location?, _ message: String) -> DocumentErrors {
    DocumentErrors(path: path, diagnostics: [Diagnostic(location: location, message: message)])
  }

  private static func syntaxError(_ error: YamlError, path: String) -> DocumentErrors {
    func at(_ mark: Mark) -> Location { .document(line: mark.line, column: mark.column) }
    switch error {
    case .scanner(_, let text, let mark, _), .parser(_, let text, let mark, _),
      .composer(_, let text, let mark, _):
      return problem(
        path, at(mark),
        "not YAML: \(text). Look for a missing quote, bracket or indentation before this place.")
    case .reader(let text, let offset, _, let yaml):
      let data = Data(yaml.utf8)
      return problem(
        path, location(ofByte: offset ?? 0, in: data), "not YAML: \(text). Remove the character.")
    case .duplicatedKeysInMapping(let duplicates, let context):
      return problem(
        path, at(context.mark), "\(quoted(duplicates.first ?? "")) is given twice. Keep one of them.")
    default:
      return problem(path, nil, "not YAML: \(error).")
    }
  }

  private static func firstInvalidByte(_ data: Data) -> Int {
    var low = 0
    var high = data.count
    // The longest valid prefix, to the nearest character.
    while high - low > 1 {
      let middle = (low + high) / 2
      let isValid = (0...3).contains { back in
        middle - back > low && String(validatingUTF8Bytes: data.prefix(middle - back)) != nil
      }
      if isValid { low = middle } else { high = middle }
    }
    return low
  }

  private static func location(ofByte offset: Int, in data: Data) -> Location {
    let before = data.prefix(offset)
    let line = before.count { $0 == 10 } + 1
    let lineStart = before.lastIndex(of: 10).map { $0 + 1 } ?? before.startIndex
    return .document(
      line: line, column: String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1)
  }
}

extension String {
  /// `nil` where the bytes are not UTF-8; nothing is repaired.
  fileprivate init?(validatingUTF8Bytes data: Data) {
    self.init(validating: data, as: UTF8.self)
  }
}
