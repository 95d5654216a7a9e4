import Telemetry

/// Words of a command to copy into a shell: the one place where they are quoted.
package enum ShellText {
  /// The word as it is where no shell does anything with it; otherwise in single quotes, hidden characters as `$'\n'`
  /// escapes, so that what is copied from a terminal is what is meant.
  package static func quoted(_ word: String) -> String {
    // Who copies the command has the password, others must not.
    let word = word.withoutPasswords
    let safe = word.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
        || "-_./=:%,+@".utf8.contains($0)
    }
    // zsh takes a word that begins with "=" for the path of a command.
    if safe, let first = word.utf8.first, first != UInt8(ascii: "=") { return word }
    let hasHidden = word.unicodeScalars.contains(where: \.isHidden)
    var out = hasHidden ? "$'" : "'"
    for scalar in word.unicodeScalars {
      switch scalar {
      case "'": out += hasHidden ? "\\'" : "'\\''"
      case "\\" where hasHidden: out += "\\\\"
      case _ where scalar.isHidden:
        for byte in String(scalar).utf8 {
          out += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "'"
  }

  package static func command(_ words: [String]) -> String { words.map(quoted).joined(separator: " ") }
}
