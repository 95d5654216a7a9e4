/// Help that fits the terminal: paragraphs are filled, examples stay as they are.
enum HelpText {
  /// The parser's help, which it must have written without breaking lines.
  static func filled(_ text: String, columns: Int) -> String {
    var isDiscussion = true
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let line = String(line)
      if line.utf8.starts(with: "USAGE: ".utf8) {
        isDiscussion = false
        return wrapped(line, hanging: 7, columns: columns)
      }
      guard line.count >= columns else { return line }
      if isDiscussion {
        return line.utf8.first == UInt8(ascii: " ") ? line : wrapped(line, hanging: 0, columns: columns)
      }
      return wrapped(line, hanging: labels, columns: columns)
    }.joined(separator: "\n")
  }

  /// Where the parser begins to say what an option means.
  private static let labels = 26

  /// A line broken at spaces, but not inside brackets where these fit.
  static func wrapped(_ line: String, hanging: Int, columns: Int) -> String {
    let indent = String(repeating: " ", count: hanging)
    var lines: [String] = []
    var current = ""
    for word in words(line) {
      let start = lines.isEmpty ? "" : indent
      if current.isEmpty {
        current = start + word
      } else if current.count + 1 + word.count < columns {
        current += " " + word
      } else {
        lines.append(current)
        current = indent + word
      }
    }
    return (lines + [current]).joined(separator: "\n")
  }

  /// The words of a line; the spaces at its start and between a label and its text belong to the words before them.
  private static func words(_ line: String) -> [String] {
    var words: [String] = []
    var word = ""
    var depth = 0
    var isAtStart = true
    let characters = Array(line)
    for (index, character) in characters.enumerated() {
      if character == "[" { depth += 1 }
      if character == "]" { depth = max(0, depth - 1) }
      let isAlone =
        character == " " && index > 0 && characters[index - 1] != " "
        && (index + 1 == characters.count || characters[index + 1] != " ")
      if isAlone, !isAtStart, depth == 0 {
        words.append(word)
        word = ""
      } else {
        word.append(character)
        if character != " " { isAtStart = false }
      }
    }
    if !word.isEmpty { words.append(word) }
    return words
  }
}
