/// Finds the rows of a JSON document: what stands at a path of names, numbers and `*`. An object there is a row, and each
/// element of a list there is one.
///
/// It steps over values without making anything of them. Of what it steps over only brackets and quotes are checked; a row
/// is checked by whoever reads it.
struct JSONListWalk {
  private typealias SyntaxError = JSONNode.SyntaxError

  /// An object or list on the path that is being gone through.
  private struct Frame {
    var isList: Bool
    /// Where in the path the part begins that its members are compared with; `nil`: its elements are rows.
    var rest: Int?
    /// Members that were passed.
    var count = 0
    /// Where the path went on below one of its members.
    var entered: [Int] = []
  }

  private let path: [UInt8]
  private(set) var position: Int
  private var frames: [Frame] = []
  /// Whether anything stands at the path.
  private(set) var hasFound = false
  /// Names that were met where the path did not go on, by the part of it that was looked for.
  private var others: [Int: [String]] = [:]
  private static let deepest = 128
  private static let mostNames = 20

  init(_ path: String, from position: Int) {
    self.path = Array(path.utf8)
    self.position = position
  }

  /// Names at the last part of the path that there is, the first few.
  var namesThere: [String] { others.max { $0.key < $1.key }?.value ?? [] }

  /// Where the next row stands among the bytes; `nil` at the end.
  mutating func next(_ bytes: [UInt8]) throws(JSONNode.SyntaxError) -> Range<Int>? {
    while true {
      skipSpace(bytes)
      guard let frame = frames.last else {
        if position == bytes.count { return nil }
        if let row = try enter(bytes, 0) { return row }
        continue
      }
      let place = frames.count - 1
      if try peek(bytes) == UInt8(ascii: frame.isList ? "]" : "}") {
        position += 1
        frames.removeLast()
        continue
      }
      if frame.count > 0 {
        try take(bytes, UInt8(ascii: ","))
        skipSpace(bytes)
      }
      frames[place].count += 1
      guard let rest = frame.rest else { return try skipValue(bytes) }
      let name = try frame.isList ? String(frame.count) : key(bytes)
      guard let (below, isEach) = step(name, rest) else {
        if !hasFound, !frame.isList, others[rest, default: []].count < Self.mostNames {
          others[rest, default: []].append(name)
        }
        _ = try skipValue(bytes)
        continue
      }
      if !isEach {
        guard !frame.entered.contains(below) else {
          throw SyntaxError(text: "the key \"\(name)\" is there twice")
        }
        frames[place].entered.append(below)
      }
      if let row = try enter(bytes, below) { return row }
    }
  }

  /// Where the path goes on below a member, if it does, and whether it does so below each. A name may have dots.
  private func step(_ name: String, _ rest: Int) -> (below: Int, isEach: Bool)? {
    func end(after count: Int) -> Int? {
      let end = rest + count
      if end == path.count { return end }
      return end < path.count && path[end] == UInt8(ascii: ".") ? end + 1 : nil
    }
    if path[rest] == UInt8(ascii: "*"), let below = end(after: 1) { return (below, true) }
    guard !name.isEmpty, path[rest...].starts(with: name.utf8) else { return nil }
    return end(after: name.utf8.count).map { ($0, false) }
  }

  /// Goes into the value at the position, of which a part of the path is left; returns it if it is a row itself.
  private mutating func enter(_ bytes: [UInt8], _ rest: Int) throws(JSONNode.SyntaxError) -> Range<Int>? {
    let isEnd = rest == path.count
    hasFound = hasFound || isEnd
    let first = try peek(bytes)
    let isList = first == UInt8(ascii: "[")
    if isEnd ? isList : isList || first == UInt8(ascii: "{") {
      guard frames.count < Self.deepest else { throw tooDeep }
      frames.append(Frame(isList: isList, rest: isEnd ? nil : rest))
      position += 1
      return nil
    }
    let value = try skipValue(bytes)
    return isEnd ? value : nil
  }

  // MARK: Bytes

  private var tooDeep: JSONNode.SyntaxError {
    SyntaxError(text: "nested more than \(Self.deepest) levels deep")
  }

  private mutating func skipSpace(_ bytes: [UInt8]) {
    while position < bytes.count, case let byte = bytes[position],
      byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d
    {
      position += 1
    }
  }

  private func peek(_ bytes: [UInt8]) throws(JSONNode.SyntaxError) -> UInt8 {
    guard position < bytes.count else { throw SyntaxError(text: "it ends early") }
    return bytes[position]
  }

  private mutating func take(_ bytes: [UInt8], _ byte: UInt8) throws(JSONNode.SyntaxError) {
    guard try peek(bytes) == byte else {
      throw SyntaxError(text: "\"\(Unicode.Scalar(byte))\" is missing")
    }
    position += 1
  }

  /// A member's key; the colon after it is passed.
  private mutating func key(_ bytes: [UInt8]) throws(JSONNode.SyntaxError) -> String {
    guard try peek(bytes) == UInt8(ascii: "\"") else {
      throw SyntaxError(text: "a key without quotes, or the end")
    }
    let text = try skipValue(bytes)
    skipSpace(bytes)
    try take(bytes, UInt8(ascii: ":"))
    skipSpace(bytes)
    return try JSONNode(bytes[text]).scalar ?? ""
  }

  private mutating func skipString(_ bytes: [UInt8]) throws(JSONNode.SyntaxError) {
    position += 1
    while true {
      let byte = try peek(bytes)
      position += 1
      if byte == UInt8(ascii: "\"") { return }
      if byte == UInt8(ascii: "\\") {
        _ = try peek(bytes)
        position += 1
      }
    }
  }

  private mutating func skipValue(_ bytes: [UInt8]) throws(JSONNode.SyntaxError) -> Range<Int> {
    let start = position
    var closing: [UInt8] = []
    repeat {
      let byte = try peek(bytes)
      switch byte {
      case UInt8(ascii: "\""): try skipString(bytes)
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard closing.count < Self.deepest else { throw tooDeep }
        // The closing bracket's code is two above the opening one's.
        closing.append(byte + 2)
        position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard closing.popLast() == byte else {
          throw SyntaxError(text: "a bracket that nothing opens, or a value that is missing")
        }
        position += 1
      case UInt8(ascii: ","), UInt8(ascii: ":"):
        guard !closing.isEmpty else { throw SyntaxError(text: "a value that is missing") }
        position += 1
      default: try skipWord(bytes)
      }
    } while !closing.isEmpty
    return start..<position
  }

  /// A number or a word, or space between values.
  private mutating func skipWord(_ bytes: [UInt8]) throws(JSONNode.SyntaxError) {
    let start = position
    loop: while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""), UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "}"), UInt8(ascii: "]"),
        UInt8(ascii: ","), UInt8(ascii: ":"):
        break loop
      case 0x20, 0x09, 0x0a, 0x0d:
        if position > start { break loop }
        skipSpace(bytes)
        return
      default: position += 1
      }
    }
  }
}
