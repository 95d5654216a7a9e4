import Foundation
import Hummingbird
import NIOCore

/// Any JSON.
package enum JSONValue: Encodable, Equatable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  /// - Throws: an error of Foundation for what is not JSON, is nested too deeply, or has a number that is out of range.
  package init(json: Data) throws {
    self.init(read: try JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed))
  }

  /// `JSONDecoder` would try one type after the other for each value, and describe each failure at length.
  private init(read value: Any) {
    switch value {
    case let text as String: self = .text(text)
    case let list as [Any]: self = .list(list.map { JSONValue(read: $0) })
    case let object as [String: Any]: self = .object(object.mapValues { JSONValue(read: $0) })
    case let number as NSNumber:
      // Foundation reads true and false as numbers of this type, and no other value.
      self =
        number.objCType.pointee == CChar(UInt8(ascii: "c"))
        ? .bool(number.boolValue) : .number(number.doubleValue)
    default: self = .null
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .null: try value.encodeNil()
    case .bool(let bool): try value.encode(bool)
    case .number(let number): try value.encode(number)
    case .text(let text): try value.encode(text)
    case .list(let list): try value.encode(list)
    case .object(let object): try value.encode(object)
    }
  }

  /// What something encodes to.
  package init(_ value: some Encodable) throws {
    try self.init(json: try JSONEncoder().encode(value))
  }

  static func texts(_ texts: [String]) -> JSONValue { .list(texts.map { .text($0) }) }
}

/// The body of a request: an object in JSON whose members are asked for one by one, as `QueryItems` are.
struct JSONBody: Sendable {
  private let members: [String: JSONValue]
  /// Before the names of members, in messages.
  private let place: String

  /// Nothing here says more.
  static let mostBytes = 1 << 20

  /// - Throws: `Problem` if it is not an object in JSON, or too large.
  init(_ request: Request, most: Int = mostBytes) async throws {
    let type = (request.headers[.contentType] ?? "").prefix { $0 != ";" }
    guard type.trimmingCharacters(in: .whitespaces).lowercased() == "application/json" else {
      throw Problem(
        title: "Unsupported media type", status: 415,
        detail: "The body must be JSON: Content-Type: application/json.")
    }
    let data = try await request.bytes(most: most)
    let value: JSONValue
    do { value = try JSONValue(json: data) } catch { throw Self.noObject }
    guard case .object(let members) = value else { throw Self.noObject }
    self.members = members
    place = ""
  }

  private init(_ members: [String: JSONValue], place: String) {
    (self.members, self.place) = (members, place)
  }

  private static let noObject = Problem(
    title: "Bad body", status: 400, detail: "The body is not an object in JSON.")

  private func problem(_ name: String, _ expected: String) -> Problem {
    Problem.badParameter(place + name, "\(place)\(name) must be \(expected).")
  }

  /// - Throws: `Problem` if there are others.
  func only(_ known: Set<String>) throws(Problem) {
    if let name = members.keys.sorted().first(where: { !known.contains($0) }) {
      throw Problem.badParameter(
        place + String(name.prefix(40)),
        "There is no member \"\(place)\(name.prefix(40))\". Known: \(known.sorted().joined(separator: ", "))."
      )
    }
  }

  private func member(_ name: String) -> JSONValue? { members[name] == .null ? nil : members[name] }

  func has(_ name: String) -> Bool { member(name) != nil }

  /// A text; `nil` if it is not given.
  func text(_ name: String) throws(Problem) -> String? {
    switch member(name) {
    case nil: return nil
    case .text(let text)?: return text
    default: throw problem(name, "a text")
    }
  }

  /// - Throws: `Problem` if it is not given as well.
  func neededText(_ name: String) throws(Problem) -> String {
    guard let text = try text(name), !text.isEmpty else { throw problem(name, "a text, and is not given") }
    return text
  }

  func bool(_ name: String) throws(Problem) -> Bool? {
    switch member(name) {
    case nil: return nil
    case .bool(let bool)?: return bool
    default: throw problem(name, "true or false")
    }
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
    guard let value = member(name) else { return nil }
    guard case .number(let number) = value, let integer = Int(exactly: number), range.contains(integer) else {
      throw problem(name, "a whole number in \(range.lowerBound)…\(range.upperBound)")
    }
    return integer
  }

  func number(_ name: String, in range: ClosedRange<Double>) throws(Problem) -> Double? {
    guard let value = member(name) else { return nil }
    guard case .number(let number) = value, range.contains(number) else {
      throw problem(name, "a number in \(range.lowerBound)…\(range.upperBound)")
    }
    return number
  }

  /// Texts; none if they are not given.
  func texts(_ name: String, most: Int = 1000) throws(Problem) -> [String] {
    guard let value = member(name) else { return [] }
    guard case .list(let list) = value, list.count <= most else {
      throw problem(name, "a list of at most \(most) texts")
    }
    var texts: [String] = []
    for element in list {
      guard case .text(let text) = element else { throw problem(name, "a list of texts") }
      texts.append(text)
    }
    return texts
  }

  func object(_ name: String) throws(Problem) -> JSONBody? {
    switch member(name) {
    case nil: return nil
    case .object(let members)?: return JSONBody(members, place: "\(place)\(name).")
    default: throw problem(name, "an object")
    }
  }

  func objects(_ name: String, most: Int = 1000) throws(Problem) -> [JSONBody] {
    guard let value = member(name) else { return [] }
    guard case .list(let list) = value, list.count <= most else {
      throw problem(name, "a list of at most \(most) objects")
    }
    var objects: [JSONBody] = []
    for (index, element) in list.enumerated() {
      guard case .object(let members) = element else { throw problem(name, "a list of objects") }
      objects.append(JSONBody(members, place: "\(place)\(name)[\(index)]."))
    }
    return objects
  }

  /// As it was sent.
  func raw(_ name: String) -> JSONValue? { member(name) }

  /// Texts and numbers as the parameters of an address have them.
  func items() throws(Problem) -> QueryItems {
    var items: [(name: String, value: String)] = []
    for (name, value) in members.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .null: continue
      case .text(let text): items.append((name, text))
      case .number(let number):
        guard let integer = Int(exactly: number) else { throw problem(name, "a text or a whole number") }
        items.append((name, String(integer)))
      default: throw problem(name, "a text or a whole number")
      }
    }
    return QueryItems(items: items)
  }
}

extension Request {
  /// What is read beyond a limit and thrown away. A client that is still sending when its connection closes may lose the
  /// answer that says why.
  private static let mostDiscarded = 8 << 20

  /// The whole body.
  /// - Throws: `Problem` if it is too large.
  func bytes(most: Int) async throws -> Data {
    var data = Data()
    var count = 0
    for try await piece in body {
      count += piece.readableBytes
      if count <= most { data += Data(buffer: piece) } else { data.removeAll() }
      if count - most > Self.mostDiscarded { break }
    }
    guard count <= most else { throw Problem.tooLarge(most) }
    return data
  }
}

extension Problem {
  static func tooLarge(_ most: Int) -> Problem {
    let size =
      most >= 1 << 20 ? "\(most >> 20) MiB" : most >= 1 << 10 ? "\(most >> 10) KiB" : "\(most) bytes"
    return Problem(
      title: "Content too large", status: 413,
      detail: most == 0 ? "This request takes no body." : "The body may be at most \(size) long.")
  }
}
