/// What a GitHub runner reads in a log: the one place where it is escaped, byte by byte.
/// Source: actions/toolkit, `command.ts` (`escapeData`, `escapeProperty`), and actions/runner, `ActionCommand.cs`.
package enum GitHubText {
  /// The message of a workflow command.
  package static func data(_ text: String) -> String { escaped(text, "%\r\n") }

  /// A property of a workflow command.
  package static func property(_ text: String) -> String { escaped(text, "%\r\n:,") }

  private static func escaped(_ text: String, _ special: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if special.utf8.contains(byte) {
        let digits = String(byte, radix: 16, uppercase: true)
        bytes += Array("%\(digits.utf8.count < 2 ? "0" : "")\(digits)".utf8)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Lines for people, so that the runner takes none of them for a command: it looks for `::` at the start of a line, past
  /// white space of any kind, and for `##[` anywhere in it; scalars that cannot be seen may stand in between.
  package static func inert(_ text: String) -> String {
    var out = String.UnicodeScalarView()
    let scalars = text.unicodeScalars
    var startsLine = true
    for index in scalars.indices {
      let scalar = scalars[index]
      let rest = scalars[index...]
      if (startsLine && begins(rest, with: "::")) || begins(rest, with: "##[") {
        out += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars
      } else {
        out.append(scalar)
      }
      startsLine = scalar == "\n" || (startsLine && (scalar.properties.isWhitespace || isIgnored(scalar)))
    }
    return String(out)
  }

  private static func begins(_ rest: Substring.UnicodeScalarView, with word: String) -> Bool {
    guard rest.first == word.unicodeScalars.first else { return false }
    var left = word.unicodeScalars[...]
    for scalar in rest {
      if scalar == left.first {
        left.removeFirst()
        if left.isEmpty { return true }
      } else if !isIgnored(scalar) {
        return false
      }
    }
    return false
  }

  /// What .NET leaves out of account when it compares text.
  private static func isIgnored(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isDefaultIgnorableCodePoint
      || [.control, .format].contains(scalar.properties.generalCategory) && scalar != "\n"
  }
}
