/// Ways to write a command that are no longer in its help, and still work: scripts have them.
enum OldForms {
  /// The arguments as they are written now.
  /// - Parameter words: without the program's name.
  static func replaced(_ words: [String]) -> [String] {
    var out: [String] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" { return out + [word] + rest }
      if word == "--out" {
        out.append("--output")
      } else if word.utf8.starts(with: "--out=".utf8) {
        out.append("--output=" + String(decoding: word.utf8.dropFirst("--out=".utf8.count), as: UTF8.self))
      } else if word == "--json", words.first == "fit", let file = rest.first, isFigures(file) {
        // It took the file of the figures; no telemetry that can be fitted is called so.
        out += ["--figures", file]
        rest = rest.dropFirst()
      } else if word.utf8.starts(with: "--json=".utf8), words.first == "fit" {
        out.append("--figures=" + String(decoding: word.utf8.dropFirst("--json=".utf8.count), as: UTF8.self))
      } else {
        out.append(word)
      }
    }
    return out
  }

  private static func isFigures(_ file: String) -> Bool { file.hasSuffix(".json") }
}
