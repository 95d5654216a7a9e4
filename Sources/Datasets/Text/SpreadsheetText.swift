import Telemetry

/// Cells of CSV that people open in a spreadsheet: the one place where formulas are made harmless.
package enum SpreadsheetText {
  /// The cell quoted for CSV. One that a spreadsheet would compute (it starts with `=`, `+`, `-`, `@`, a tab or a
  /// line break, perhaps after spaces of any kind or invisible characters) starts with an apostrophe, which says that it
  /// is text.
  /// Source: OWASP, "CSV Injection".
  package static func cell(_ text: String) -> String {
    let starters = "=+-@\t\r\n".unicodeScalars
    // U+FF1D and its like are taken for their ASCII forms by some.
    let wide: [UInt32] = [0xff1d, 0xff0b, 0xff0d, 0xff20]
    let first = text.unicodeScalars.first { scalar in
      let (properties, isStarter) = (scalar.properties, starters.contains(scalar))
      return isStarter
        || !(properties.isWhitespace || properties.isDefaultIgnorableCodePoint || scalar.isHidden)
    }
    let computes = first.map { starters.contains($0) || wide.contains($0.value) } ?? false
    return String(decoding: TableWriter.csv((computes ? "'" : "") + text, always: true), as: UTF8.self)
  }
}
