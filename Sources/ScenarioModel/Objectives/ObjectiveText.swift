/// How the notation of objectives is taken apart: at marks that stand in no quotes, brackets or parentheses. Names may
/// hold anything, so all of it works on Unicode scalars.
enum ObjectiveText {
  /// Whether each scalar stands outside of quotes, brackets and parentheses; those that open or close them do not.
  private static func isOpen(_ scalars: [Unicode.Scalar]) -> [Bool] {
    var open = [Bool](repeating: false, count: scalars.count)
    var isQuoted = false
    var isEscaped = false
    var depth = 0
    for (place, scalar) in scalars.enumerated() {
      if isQuoted {
        if scalar == "\"", !isEscaped { isQuoted = false }
        isEscaped = scalar == "\\" && !isEscaped
        continue
      }
      isEscaped = false
      switch scalar {
      case "\"": isQuoted = true
      case "(", "[": depth += 1
      case ")", "]": depth = max(depth - 1, 0)
      default: open[place] = depth == 0
      }
    }
    return open
  }

  /// The parts between separators.
  static func cut(_ text: String, at separator: Unicode.Scalar) -> [String] {
    let scalars = Array(text.unicodeScalars)
    let open = isOpen(scalars)
    var parts = [String.UnicodeScalarView()]
    for (place, scalar) in scalars.enumerated() {
      if scalar == separator, open[place] {
        parts.append(.init())
      } else {
        parts[parts.count - 1].append(scalar)
      }
    }
    return parts.map { String($0) }
  }

  /// What stands before and after the first sign of comparison, and the sign: `<`, `>`, `=`, or none.
  static func compared(_ text: String) -> (left: String, sign: Unicode.Scalar, right: String)? {
    let scalars = Array(text.unicodeScalars)
    let open = isOpen(scalars)
    let signs: [Unicode.Scalar: Unicode.Scalar] = ["<": "<", ">": ">", "≤": "<", "≥": ">", "=": "="]
    guard let place = scalars.indices.first(where: { open[$0] && signs[scalars[$0]] != nil }),
      let sign = signs[scalars[place]]
    else { return nil }
    var rest = scalars[(place + 1)...]
    if rest.first == "=" { rest = rest.dropFirst() }
    return (string(scalars[..<place]).trimmed, sign, string(rest).trimmed)
  }

  /// Words between spaces.
  static func words(_ text: String) -> [String] {
    text.unicodeScalars.split(separator: " ").map { String($0) }
  }

  static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}

extension String {
  /// Without the spaces around it.
  package var trimmed: String {
    var text = unicodeScalars[...]
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }

  /// A name as a scope may write it: as it is, or in quotes where a reader could take it for something else.
  package var quotedInScope: String {
    let isPlain = unicodeScalars.allSatisfy {
      $0.isASCII
        && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_./".unicodeScalars.contains($0))
    }
    if isPlain { return self }
    var text = "\""
    for scalar in unicodeScalars {
      if scalar == "\"" || scalar == "\\" { text.unicodeScalars.append("\\") }
      text.unicodeScalars.append(scalar)
    }
    return text + "\""
  }

  /// The name that a scope writes in quotes or without; `nil` if a quote is not closed.
  package var unquotedInScope: String? {
    guard unicodeScalars.first == "\"" else { return self }
    guard unicodeScalars.count > 1, unicodeScalars.last == "\"" else { return nil }
    var name = String.UnicodeScalarView()
    var isEscaped = false
    for scalar in unicodeScalars.dropFirst().dropLast() {
      if !isEscaped, scalar == "\\" {
        isEscaped = true
        continue
      }
      name.append(scalar)
      isEscaped = false
    }
    return String(name)
  }
}
