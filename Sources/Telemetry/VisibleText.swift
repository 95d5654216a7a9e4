extension Unicode.Scalar {
  /// Whether a terminal would act on it instead of showing it, or a reader could not see it: control characters, line
  /// and paragraph separators, marks and overrides of direction, and byte order marks.
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
  /// The text for people, on one line, with what is hidden as `\n` or `\u{1B}`, and without the passwords of addresses: for
  /// terminals, logs and messages. What is shown already stays as it is.
  package var shown: String { withoutPasswords.escapingHidden { _ in false } }

  /// The same for a text of several lines.
  package var shownInLines: String { withoutPasswords.escapingHidden { $0.value == 10 } }

  /// The text with the addresses of PostgreSQL databases in it as others may see them.
  package var withoutPasswords: String {
    var rest = Array(utf8)[...]
    let schemes = ["postgres://", "postgresql://"].map { Array($0.utf8) }
    guard rest.count > schemes[0].count, utf8.contains(schemes[0][0]) else { return self }
    var out: [UInt8] = []
    while let byte = rest.first {
      guard byte == schemes[0][0], let scheme = schemes.first(where: { rest.starts(with: $0) }) else {
        out.append(byte)
        rest = rest.dropFirst()
        continue
      }
      var address = rest.prefix { $0 > 0x20 && $0 != 0x22 && $0 != 0x27 && $0 != 0x60 }
      // What a sentence puts after it.
      while let last = address.last, ":,.;)".utf8.contains(last) { address.removeLast() }
      rest = rest.dropFirst(address.count)
      let authority = address.dropFirst(scheme.count).prefix { !"/?#".utf8.contains($0) }
      out += scheme
      if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
        out += authority[..<at].prefix { $0 != UInt8(ascii: ":") } + authority[at...]
      } else {
        out += authority
      }
      let key = Array("password=".utf8)
      var query = address[authority.endIndex...]
      while let next = query.first {
        if query.starts(with: key), out.last == UInt8(ascii: "?") || out.last == UInt8(ascii: "&") {
          out += key
          query = query.dropFirst(key.count).drop { $0 != UInt8(ascii: "&") }
        } else {
          out.append(next)
          query = query.dropFirst()
        }
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

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
