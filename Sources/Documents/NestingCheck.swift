/// Bounds the nesting of a YAML document before it is parsed: Yams composes recursively, and hashes keys, so that a
/// complex one (`? …`) could hide an alias bomb.
///
/// Brackets count wherever they are, except in texts in quotes that start where a value can and end on the same line.
/// From the first one on that goes over several lines, quotes are bytes like any other. What is overlooked thereby is
/// bounded as well: libyaml gives up at 1,000 levels.
struct NestingCheck {
  enum Refusal: Error {
    case tooDeep(Location)
    case complexKey(Location)
  }

  private let bytes: [UInt8]
  private let mostDepth: Int
  private var position = 0
  private var line = 1
  /// Counts Unicode scalars.
  private var column = 0
  private var flow = 0
  private var indentation = 0
  private var atLineStart = true
  private var indents: [Int] = [0]
  /// The last byte on the line that is not a space.
  private var lastWord: UInt8?
  private var previous: UInt8 = 10
  private var skipsQuoted = true

  /// - Returns: whether levels may have been overlooked.
  static func run(_ text: String, mostDepth: Int) throws(Refusal) -> Bool {
    var check = NestingCheck(bytes: Array(text.utf8), mostDepth: mostDepth)
    while check.position < check.bytes.count { try check.step() }
    return !check.skipsQuoted
  }

  private init(bytes: [UInt8], mostDepth: Int) {
    self.bytes = bytes
    self.mostDepth = mostDepth
  }

  private var place: Location { .document(line: line, column: column) }

  private mutating func advance(to end: Int) {
    for index in position..<end where bytes[index] & 0xc0 != 0x80 { column += 1 }
    previous = bytes[end - 1]
    if previous != 32 { lastWord = previous }
    position = end
  }

  private mutating func step() throws(Refusal) {
    let byte = bytes[position]
    if byte == 10 {
      (line, column, indentation, atLineStart, lastWord, previous) = (line + 1, 0, 0, true, nil, 10)
      position += 1
      return
    }
    if atLineStart, try !indent(byte) { return }
    let startsValue = startsValue
    if startsValue, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'"), skipsQuoted {
      if let end = endOfQuoted(position) {
        advance(to: end)
        return
      }
      skipsQuoted = false
    }
    switch byte {
    case UInt8(ascii: "["), UInt8(ascii: "{"): flow += 1
    case UInt8(ascii: "]"), UInt8(ascii: "}"): flow = max(0, flow - 1)
    case UInt8(ascii: "#") where previous == 32 || previous == 10:
      advance(to: bytes[position...].firstIndex(of: 10) ?? bytes.count)
      return
    case UInt8(ascii: "?") where flow > 0 && [32, UInt8(ascii: "{"), UInt8(ascii: ",")].contains(previous):
      column += 1
      throw .complexKey(place)
    default: break
    }
    advance(to: position + 1)
    if flow > mostDepth { throw .tooDeep(place) }
  }

  /// At the start of a line, spaces and dashes, and what comes after them.
  /// - Returns: whether that is a byte like any other.
  private mutating func indent(_ byte: UInt8) throws(Refusal) -> Bool {
    if byte == 32 || byte == UInt8(ascii: "-") {
      indentation += 1
      // "- - - - x" nests without more indentation than its dashes.
      if byte == UInt8(ascii: "-") {
        indents.removeAll { $0 >= indentation }
        indents.append(indentation)
      }
      advance(to: position + 1)
      if indents.count > mostDepth * 4 { throw .tooDeep(place) }
      return false
    }
    atLineStart = false
    indents.removeAll { $0 > indentation }
    if indents.last != indentation { indents.append(indentation) }
    if indents.count > mostDepth * 4 { throw .tooDeep(place) }
    guard byte == UInt8(ascii: "?") else { return true }
    // A quoted text alone on its line is a key like any other, only longer than YAML allows others to be.
    guard flow == 0, position + 2 < bytes.count, bytes[position + 1] == 32,
      bytes[position + 2] == UInt8(ascii: "\""), let end = endOfQuoted(position + 2),
      bytes[end...].first(where: { $0 != 32 }) ?? 10 == 10
    else {
      column += 1
      throw .complexKey(place)
    }
    advance(to: end)
    return false
  }

  /// Whether a value can start here, and nothing else can: text inside an unquoted one looks otherwise.
  private var startsValue: Bool {
    guard let lastWord else { return flow == 0 }
    switch lastWord {
    case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","): return flow > 0
    case UInt8(ascii: ":"): return previous == 32
    case UInt8(ascii: "-"): return flow == 0 && previous == 32 && onlyDashesBefore
    default: return false
    }
  }

  private var onlyDashesBefore: Bool {
    var index = position - 1
    while index >= 0, bytes[index] != 10 {
      if bytes[index] != 32, bytes[index] != UInt8(ascii: "-") { return false }
      index -= 1
    }
    return true
  }

  /// After the closing quote of a text that starts at `start`; `nil` if that is not on the same line.
  private func endOfQuoted(_ start: Int) -> Int? {
    let quote = bytes[start]
    var index = start + 1
    while index < bytes.count, bytes[index] != 10, bytes[index] != 13 {
      if bytes[index] == quote {
        // Two single quotes are one that belongs to the text.
        guard quote == UInt8(ascii: "'"), index + 1 < bytes.count, bytes[index + 1] == quote else {
          return index + 1
        }
        index += 1
      } else if bytes[index] == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
        index += 1
      }
      index += 1
    }
    return nil
  }
}
