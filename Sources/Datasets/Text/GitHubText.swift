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

  /// Lines for people, so that the runner takes none of them for a command: it looks for `::` at the start of a line and
  /// for `##[` anywhere in it.
  package static func inert(_ text: String) -> String {
    let lines = text.utf8.split(separator: 10, omittingEmptySubsequences: false).map { line -> [UInt8] in
      var bytes: [UInt8] = []
      for (index, byte) in line.enumerated() {
        let rest = line.dropFirst(index)
        let startsCommand =
          rest.starts(with: "::".utf8) && line.prefix(index).allSatisfy { $0 == 0x20 || $0 == 0x09 }
        if startsCommand || rest.starts(with: "##[".utf8) {
          bytes += Array("\\u{\(String(byte, radix: 16, uppercase: true))}".utf8)
        } else {
          bytes.append(byte)
        }
      }
      return bytes
    }
    return String(decoding: Array(lines.joined(separator: [10])), as: UTF8.self)
  }
}
