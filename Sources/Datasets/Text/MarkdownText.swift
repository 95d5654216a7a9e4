import Telemetry

/// Text as Markdown: the one place where it is escaped. Source: CommonMark 0.31, 2.4, 2.5 and 6.1; tables:
/// GitHub Flavored Markdown, 4.10.
package enum MarkdownText {
  /// Text inside a line or a cell of a table.
  package static func inline(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      if scalar.isHidden {
        // A line break would end the cell.
        let isBreak = [0x0a, 0x0d, 0x0b, 0x0c, 0x85, 0x2028, 0x2029].contains(scalar.value)
        out += isBreak ? " " : "\\\(String(scalar).shown)"
      } else {
        if "\\`*_{}[]<>#|!~&".unicodeScalars.contains(scalar) { out += "\\" }
        out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// A paragraph that somebody wrote: its emphasis and code stay, markup of HTML and what is hidden do not.
  package static func paragraph(_ text: String) -> String {
    text.unicodeScalars.contains { $0 == "<" || $0.isHidden } ? inline(text) : text
  }

  /// Text as code, on one line.
  package static func code(_ text: String) -> String {
    let text = text.shown
    var longest = 0
    var run = 0
    for byte in text.utf8 {
      run = byte == UInt8(ascii: "`") ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: longest + 1)
    return longest == 0 ? "`\(text)`" : "\(fence) \(text) \(fence)"
  }
}
