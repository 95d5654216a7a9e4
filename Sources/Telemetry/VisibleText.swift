extension Unicode.Scalar {
  /// Whether a terminal would do something with it other than show it, or a reader could not see that it is there:
  /// control characters, line and paragraph separators, marks and overrides of direction, and byte order marks.
  package var isHidden: Bool {
    switch value {
    case 0..<0x20, 0x7f..<0xa0: true
    case 0x061c, 0x200b, 0x200e, 0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff, 0xfff9...0xfffb: true
    case 0xfffe, 0xffff, 0xe0001: true
    default: false
    }
  }

  fileprivate var escape: String {
    switch value {
    case 0x09: "\\t"
    case 0x0a: "\\n"
    case 0x0d: "\\r"
    default: "\\u{\(String(value, radix: 16, uppercase: true))}"
    }
  }
}

extension String {
  /// The text for people, on one line, with what is hidden as `\n` or `\u{1B}`: for terminals, logs and messages. What is
  /// shown already stays as it is.
  package var shown: String { escapingHidden { _ in false } }

  /// The same for a text of several lines.
  package var shownInLines: String { escapingHidden { $0.value == 10 } }

  private func escapingHidden(_ isKept: (Unicode.Scalar) -> Bool) -> String {
    guard unicodeScalars.contains(where: { $0.isHidden && !isKept($0) }) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      if scalar.isHidden, !isKept(scalar) {
        text += scalar.escape
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
