/// Text for XML 1.0, whose writer escapes what is markup: the one place for what it has no place for.
package enum XMLText {
  /// Without the characters that no XML document may have, which are shown as `\u{1B}`, so that two names stay two.
  /// Source: XML 1.0, 2.2.
  package static func clean(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isForbidden) else { return text }
    var out = ""
    for scalar in text.unicodeScalars {
      if isForbidden(scalar) {
        out += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      } else {
        out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// As the value of an attribute between double quotation marks.
  package static func attribute(_ text: String) -> String { escaped(text, inAttribute: true) }

  /// As the content of an element.
  package static func content(_ text: String) -> String { escaped(text, inAttribute: false) }

  /// A parser reads white space other than spaces in an attribute as spaces, and a carriage return anywhere as a line
  /// end. Source: XML 1.0, 2.11 and 3.3.3.
  private static func escaped(_ text: String, inAttribute: Bool) -> String {
    var out = ""
    for scalar in clean(text).unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\r": out += "&#13;"
      case "\"" where inAttribute: out += "&quot;"
      case "\n" where inAttribute: out += "&#10;"
      case "\t" where inAttribute: out += "&#9;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0a, 0x0d: false
    case 0..<0x20, 0xfffe, 0xffff: true
    default: false
    }
  }
}
