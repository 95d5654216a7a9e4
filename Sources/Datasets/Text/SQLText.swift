import Telemetry

/// Names and values as SQL: the one place where they are quoted, code point by code point. Only where a value cannot be
/// a parameter: in files of SQL, and for names of schemas and tables.
package enum SQLText {
  package enum Dialect: String, CaseIterable, Sendable { case postgresql, sqlite, duckDB }

  /// `"name"`, in any dialect.
  /// - Throws: `NameProblem` for U+0000, which ends a statement in C.
  package static func identifier(_ name: String) throws(NameProblem) -> String {
    try Name.check(name)
    return enclosed(name, in: "\"")
  }

  /// `'text'`. What is hidden (line breaks, control characters) becomes an escape of the dialect, so that a dump stays
  /// one row a line and no client takes part of it for a command.
  package static func literal(_ text: String, _ dialect: Dialect) -> String {
    guard text.unicodeScalars.contains(where: \.isHidden) else {
      // Backslashes mean nothing in a plain literal (in PostgreSQL with standard_conforming_strings, which we set).
      return enclosed(text, in: "'")
    }
    switch dialect {
    case .postgresql: return escapedString(text)
    case .sqlite: return concatenation(text, "char", joinedBy: ", ")
    case .duckDB: return concatenation(text, "chr", joinedBy: nil)
    }
  }

  private static func enclosed(_ text: String, in quote: Unicode.Scalar) -> String {
    var out = String.UnicodeScalarView([quote])
    for scalar in text.unicodeScalars {
      if scalar == quote { out.append(quote) }
      out.append(scalar)
    }
    out.append(quote)
    return String(out)
  }

  /// `E'a\u000A'`. Source: PostgreSQL manual, 4.1.2.2.
  private static func escapedString(_ text: String) -> String {
    var out = "E'"
    for scalar in text.unicodeScalars {
      switch scalar {
      case "'": out += "''"
      case "\\": out += "\\\\"
      case _ where scalar.isHidden:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let width = scalar.value < 0x10000 ? 4 : 8
        out +=
          "\\\(width == 4 ? "u" : "U")\(String(repeating: "0", count: width - digits.utf8.count))\(digits)"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "'"
  }

  /// `('a' || char(10) || 'b')`.
  private static func concatenation(_ text: String, _ function: String, joinedBy separator: String?) -> String
  {
    var parts: [String] = []
    var plain = String.UnicodeScalarView()
    var hidden: [String] = []
    func flushPlain() {
      if !plain.isEmpty { parts.append(enclosed(String(plain), in: "'")) }
      plain.removeAll()
    }
    func flushHidden() {
      if let separator {
        if !hidden.isEmpty { parts.append("\(function)(\(hidden.joined(separator: separator)))") }
      } else {
        parts += hidden.map { "\(function)(\($0))" }
      }
      hidden.removeAll()
    }
    for scalar in text.unicodeScalars {
      if scalar.isHidden {
        flushPlain()
        hidden.append(String(scalar.value))
      } else {
        flushHidden()
        plain.append(scalar)
      }
    }
    flushPlain()
    flushHidden()
    // Balanced, as SQLite limits how deep an expression is.
    func joined(_ parts: ArraySlice<String>) -> String {
      if parts.count == 1 { return parts[parts.startIndex] }
      let middle = parts.startIndex + parts.count / 2
      return "(\(joined(parts[..<middle])) || \(joined(parts[middle...])))"
    }
    return joined(parts[...])
  }
}
