/// A JSON value of a file that others wrote. Numbers stay the text that they were, so that a reader takes them as what it
/// wants, exactly; `true` is not a number, and a key that occurs twice is an error.
package struct JSONNode {
  package enum Value {
    case object([Member])
    case array([JSONNode])
    case text(String)
    case number(String)
    case bool(Bool)
    case null
  }

  package struct Member {
    package var key: String
    package var value: JSONNode
  }

  package var value: Value
  /// Where it stands among the bytes that were parsed, from 0.
  package var range: Range<Int>

  /// What is wrong with a JSON text.
  package struct SyntaxError: Error {
    package var text: String
  }

  /// - Throws: `SyntaxError` unless all of it is one JSON value (RFC 8259), nested at most 128 levels deep.
  package init(_ bytes: ArraySlice<UInt8>) throws(SyntaxError) {
    let result = bytes.withUnsafeBufferPointer { buffer -> Result<JSONNode, SyntaxError> in
      var parser = Parser(bytes: buffer)
      do throws(SyntaxError) {
        let node = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.at == buffer.count else { throw SyntaxError(text: "text after the value") }
        return .success(node)
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }

  fileprivate init(_ value: Value, _ range: Range<Int>) {
    self.value = value
    self.range = range
  }

  package var members: [Member]? { if case .object(let members) = value { members } else { nil } }
  package var elements: [JSONNode]? { if case .array(let elements) = value { elements } else { nil } }

  package subscript(key: String) -> JSONNode? {
    guard case .object(let members) = value else { return nil }
    return members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  /// A scalar as text; `nil` for null, lists and objects.
  package var scalar: String? {
    switch value {
    case .text(let text), .number(let text): text
    case .bool(let flag): flag ? "true" : "false"
    case .null, .array, .object: nil
    }
  }
}

private struct Parser {
  let bytes: UnsafeBufferPointer<UInt8>
  var at = 0

  private static let deepest = 128

  init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private typealias SyntaxError = JSONNode.SyntaxError

  mutating func skipSpace() {
    while at < bytes.count, case let byte = bytes[at],
      byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
    {
      at += 1
    }
  }

  private func peek() -> UInt8 { at < bytes.count ? bytes[at] : 0 }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard at < bytes.count, bytes[at] == byte else { return false }
    at += 1
    return true
  }

  mutating func value(depth: Int) throws(JSONNode.SyntaxError) -> JSONNode {
    skipSpace()
    guard at < bytes.count else { throw SyntaxError(text: "it ends early") }
    guard depth <= Self.deepest else {
      throw SyntaxError(text: "nested more than \(Self.deepest) levels deep")
    }
    let start = at
    let value: JSONNode.Value
    switch bytes[at] {
    case UInt8(ascii: "{"): value = .object(try members(depth))
    case UInt8(ascii: "["): value = .array(try elements(depth))
    case UInt8(ascii: "\""): value = .text(try string())
    case UInt8(ascii: "t"): value = try word("true", .bool(true))
    case UInt8(ascii: "f"): value = try word("false", .bool(false))
    case UInt8(ascii: "n"): value = try word("null", .null)
    default: value = .number(try number())
    }
    return JSONNode(value, start..<at)
  }

  private mutating func word(
    _ word: StaticString, _ value: JSONNode.Value
  ) throws(JSONNode.SyntaxError) -> JSONNode.Value {
    for offset in 0..<word.utf8CodeUnitCount {
      guard take(word.utf8Start[offset]) else { throw SyntaxError(text: "a word that is not JSON's") }
    }
    return value
  }

  private mutating func digits() -> Int {
    let start = at
    while at < bytes.count, bytes[at] &- 48 < 10 { at += 1 }
    return at - start
  }

  private mutating func number() throws(JSONNode.SyntaxError) -> String {
    let start = at
    _ = take(UInt8(ascii: "-"))
    let hasLeadingZero = peek() == UInt8(ascii: "0")
    let whole = digits()
    guard whole > 0 else { throw SyntaxError(text: "a value that is not JSON") }
    guard !hasLeadingZero || whole == 1 else { throw SyntaxError(text: "a number that begins with 0") }
    if take(UInt8(ascii: ".")) {
      guard digits() > 0 else { throw SyntaxError(text: "a number without digits after its point") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "-")) { _ = take(UInt8(ascii: "+")) }
      guard digits() > 0 else { throw SyntaxError(text: "a number without digits in its exponent") }
    }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  private mutating func members(_ depth: Int) throws(JSONNode.SyntaxError) -> [JSONNode.Member] {
    at += 1
    var members: [JSONNode.Member] = []
    var keys: Set<[UInt8]> = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return members }
    repeat {
      skipSpace()
      guard peek() == UInt8(ascii: "\"") else { throw SyntaxError(text: "a key without quotes, or the end") }
      let key = try string()
      guard keys.insert(Array(key.utf8)).inserted else {
        throw SyntaxError(text: "the key \"\(key)\" is there twice")
      }
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw SyntaxError(text: "a key without a colon after it") }
      members.append(.init(key: key, value: try value(depth: depth + 1)))
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw SyntaxError(text: "an object that does not end") }
    return members
  }

  private mutating func elements(_ depth: Int) throws(JSONNode.SyntaxError) -> [JSONNode] {
    at += 1
    var elements: [JSONNode] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return elements }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw SyntaxError(text: "a list that does not end") }
    return elements
  }

  private mutating func string() throws(JSONNode.SyntaxError) -> String {
    at += 1
    let start = at
    while at < bytes.count, bytes[at] != UInt8(ascii: "\""), bytes[at] != UInt8(ascii: "\\"),
      bytes[at] >= 0x20
    {
      at += 1
    }
    var text: [UInt8] = []
    if peek() == UInt8(ascii: "\""), at < bytes.count {
      return try utf8(bytes[start..<at])
    }
    text.append(contentsOf: bytes[start..<at])
    while true {
      guard at < bytes.count else { throw SyntaxError(text: "a text that does not end") }
      let byte = bytes[at]
      if byte == UInt8(ascii: "\"") {
        return try text.withUnsafeBufferPointer { buffer throws(JSONNode.SyntaxError) in try utf8(buffer[...])
        }
      }
      guard byte >= 0x20 else { throw SyntaxError(text: "a control character in a text") }
      at += 1
      if byte == UInt8(ascii: "\\") { try escape(&text) } else { text.append(byte) }
    }
  }

  /// The text before the closing quote, which is passed.
  private mutating func utf8(_ slice: Slice<UnsafeBufferPointer<UInt8>>) throws(JSONNode.SyntaxError)
    -> String
  {
    at += 1
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw SyntaxError(text: "the text is not UTF-8")
    }
    return text
  }

  private mutating func escape(_ text: inout [UInt8]) throws(JSONNode.SyntaxError) {
    let byte = peek()
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var unit = try hexadecimal()
      if unit >> 10 == 0x36 {
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")), case let low = try hexadecimal(),
          low >> 10 == 0x37
        else { throw SyntaxError(text: "half a surrogate pair") }
        unit = 0x10000 + (unit & 0x3ff) << 10 + low & 0x3ff
      }
      guard let scalar = Unicode.Scalar(unit) else { throw SyntaxError(text: "half a surrogate pair") }
      text.append(contentsOf: Character(scalar).utf8)
    default: throw SyntaxError(text: "an escape that is not JSON's")
    }
  }

  private mutating func hexadecimal() throws(JSONNode.SyntaxError) -> UInt32 {
    guard at + 4 <= bytes.count else { throw SyntaxError(text: "an escape that ends early") }
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[at])).hexDigitValue else {
        throw SyntaxError(text: "an escape that is not JSON's")
      }
      unit = unit << 4 | UInt32(digit)
      at += 1
    }
    return unit
  }
}
