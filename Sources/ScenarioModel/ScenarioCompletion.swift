import Documents

/// What may be written at a position of a scenario's text: keys of the mapping there, or the values of a choice.
///
/// The text is being written, so that it need not be YAML: the place is found by indentation above it and by braces
/// before it on its line.
package struct ScenarioCompletion: Sendable {
  package struct Candidate: Encodable, Equatable, Sendable {
    package var text: String
    package var about: String
    /// `key` or `value`.
    package var kind: String
  }

  package private(set) var candidates: [Candidate] = []

  /// A line by its parts: `      - name: x` has its key at 8, a list's mark at 6.
  private struct Line {
    /// Of the first letter that is not a mark of a list.
    var indent = 0
    /// Of the first mark.
    var mark: Int?
    var key: String?
    /// After the key's colon.
    var rest = ""[...]

    init?(_ line: Substring) {
      var text = line
      func skipSpaces() -> Int {
        let spaces = text.prefix { $0 == " " }.count
        text = text.dropFirst(spaces)
        return spaces
      }
      indent = skipSpaces()
      while text.first == "-", text.dropFirst().first.map({ $0 == " " }) ?? true {
        if mark == nil { mark = indent }
        text = text.dropFirst()
        indent += 1 + skipSpaces()
      }
      if text.first == "#" || (text.isEmpty && mark == nil) { return nil }
      guard let colon = text.firstIndex(of: ":"), !text[..<colon].contains(where: { "{[,\"".contains($0) })
      else {
        rest = text
        return
      }
      key = String(text[..<colon])
      rest = text[text.index(after: colon)...]
    }
  }

  /// - Parameters:
  ///   - line: from 1.
  ///   - column: from 1, in Unicode scalars: the place before that character.
  package init(_ text: String, line: Int, column: Int) {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).prefix(max(line, 0))
    guard line >= 1, line <= 1_000_000, let last = lines.last, lines.count == line else { return }
    let before = Substring(last.unicodeScalars.prefix(max(column - 1, 0)))
    // A letter takes the place of what is being written.
    guard var present = Line(before + "x") else { return }
    present.rest = present.rest.dropLast()
    var keys = Self.ancestors(of: present, in: lines.dropLast())
    var value: Substring?
    if let key = present.key {
      let flow = Self.flow(present.rest)
      if flow.keys == nil { value = present.rest }
      keys.append(key)
      keys += flow.keys ?? []
      value = flow.value ?? value
      if let name = flow.valueKey { keys.append(name) }
    } else if present.rest.contains("{") {
      let flow = Self.flow(present.rest)
      keys += flow.keys ?? []
      if let name = flow.valueKey { keys.append(name) }
      value = flow.value
    }
    if value != nil {
      guard let name = keys.popLast(), let shape = Self.shape(keys) else { return }
      if case .choice(let choices)? = shape.key(name)?.kind {
        let about = shape.key(name)?.about ?? ""
        candidates = choices.map { Candidate(text: $0, about: about, kind: "value") }
      } else if name == "hardware" {
        candidates = defaultPriceList.keys.sorted().map {
          Candidate(text: $0, about: shape.key(name)?.about ?? "", kind: "value")
        }
      }
      return
    }
    candidates =
      Self.shape(keys)?.keys.filter { $0.name != Self.anyKey }.map {
        Candidate(text: $0.name, about: $0.about, kind: "key")
      } ?? []
  }

  /// Keys on the way from the root to a line.
  private static func ancestors(of place: Line, in lines: some BidirectionalCollection<Substring>) -> [String]
  {
    var keys: [String] = []
    // The next ancestor's key begins before `limit`, or at it, if `limit` is that of a list's mark.
    var limit = place.mark ?? place.indent
    var isMark = place.mark != nil
    for text in lines.reversed() {
      guard let line = Line(text) else { continue }
      if let key = line.key, line.indent < limit || (isMark && line.indent == limit && line.mark == nil) {
        keys.append(key)
        limit = line.mark ?? line.indent
        isMark = line.mark != nil
      } else if let mark = line.mark, !isMark, line.indent == limit {
        // A brother, the first of its list's element.
        limit = mark
        isMark = true
      }
      if limit == 0, !isMark { break }
    }
    return keys.reversed()
  }

  /// Keys that braces are open after, and what is being written: a value of a key, or a key.
  private static func flow(_ text: Substring) -> (keys: [String]?, valueKey: String?, value: Substring?) {
    var keys: [String?] = []
    var word = ""
    var pending: String?
    for character in text {
      switch character {
      case "{", "[":
        keys.append(pending)
        (word, pending) = ("", nil)
      case "}", "]":
        _ = keys.popLast()
        (word, pending) = ("", nil)
      case ":":
        pending = word.trimmingSpaces
        word = ""
      case ",": (word, pending) = ("", nil)
      default: word.append(character)
      }
    }
    guard !keys.isEmpty else { return (nil, nil, nil) }
    return (keys.compactMap { $0 }, pending, pending.map { _ in Substring(word) })
  }

  /// The shape of the mapping that keys lead to; lists are gone through.
  private static func shape(_ keys: [String]) -> Shape? {
    keys.reduce(Grammar.scenario as Shape?) { shape, key in
      // Entries of maps have any key.
      (shape?.key(key) ?? shape?.key(anyKey)).flatMap { object($0.kind) }
    }
  }

  private static let anyKey = "*"

  private static func object(_ kind: Kind) -> Shape? {
    switch kind {
    case .object(let shape), .constant(_, let shape): shape()
    case .list(let element): object(element)
    case .map(_, let value): Shape("", "", [Key(anyKey, value, "")])
    case .either(let a, let b): object(a) ?? object(b)
    default: nil
    }
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    var text = self[...].drop { $0 == " " }
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
