import ArgumentParser
import Documents
import Foundation
import Telemetry

/// What is wrong with a command line: one line, and the usage of the command that it is about.
struct UsageText {
  private let tree: CommandTree

  /// - Parameter words: the arguments, without the program's name.
  init(_ words: [String]) { tree = CommandTree(words) }

  /// For a word in the place of a command that is none.
  func unknownCommand(_ word: String) -> String {
    let all = tree.path.count == 1
    let hint =
      nearest(word, among: tree.commands).map { "Did you mean \($0)?" }
      ?? (all ? "\"workbench --help\" lists them." : "There are: \(tree.commands.joined(separator: ", ")).")
    return "there is no command \(quoted(word))\(all ? "" : " of \(tree.name)"). \(hint)"
  }

  /// - Parameters:
  ///   - message: what is wrong, in our words or in the parser's.
  ///   - isOurs: whether it is a sentence already.
  func text(_ message: String, isOurs: Bool) -> String {
    let sentence = isOurs ? message : translated(message)
    let usage = HelpText.wrapped(
      "Usage: " + Workbench.usageString(for: tree.command), hanging: 7, columns: Terminal.columns)
    return """
      workbench: error: \(sentence.shown)
      \(usage)
        See "\(tree.name) --help" for more information.
      """
  }

  // MARK: The parser's messages

  /// A message of the parser as a sentence that says what to do.
  private func translated(_ message: String) -> String {
    if let match = message.firstMatch(of: #/^Unknown option '([^']*)'/#) {
      let option = String(match.1)
      let names = tree.arguments.compactMap(\.long)
      return "unknown option \(option.shown). "
        + (nearest(option, among: names).map { "Did you mean \($0)?" }
          ?? "\"\(tree.name) --help\" lists those that there are.")
    }
    if let match = message.firstMatch(of: #/^Missing expected argument '(?:<)?([^'>]*)/#) {
      return missing(String(match.1))
    }
    if let match = message.firstMatch(of: #/^Missing value for '(\S+)/#) {
      return "\(match.1) needs a value\(about(String(match.1)).map { ": \($0)" } ?? ".")"
    }
    if let match = message.firstMatch(
      of: #/^The option '(\S+)' does not take any value, but '(.*)'/#.dotMatchesNewlines())
    {
      return "\(match.1) takes no value, but \(quoted(String(match.2))) is given. Leave it out."
    }
    if let match = message.firstMatch(
      of: #/^The value '(.*?)' is invalid for '(--[^ ']+)?[^']*'(.*)$/#.dotMatchesNewlines())
    {
      return invalid(String(match.1), option: match.2.map(String.init), rest: String(match.3))
    }
    if let match = message.firstMatch(of: #/^Unexpected argument '(.*)'$/#.dotMatchesNewlines()) {
      return
        "unexpected argument \(quoted(String(match.1))). Leave it out, or put a name with spaces in quotes."
    }
    if message.firstMatch(of: #/^[0-9]+ unexpected arguments: /#) != nil {
      let words = message.matches(of: #/'([^']*)'/#).map { quoted(String($0.1)) }.joined(separator: ", ")
      return "unexpected arguments: \(words). Leave them out, or put a name with spaces in quotes."
    }
    let first = message.prefix(1).lowercased() + message.dropFirst()
    return first.last == "." || first.last == "?" ? first : first + "."
  }

  private func missing(_ name: String) -> String {
    let argument = tree.arguments.first { argument in
      argument.names == nil
        ? argument.valueName == name : name.utf8.starts(with: (argument.long ?? "-").utf8)
    }
    let what = name.utf8.first == UInt8(ascii: "-") ? name.prefix { $0 != " " } : "<\(name)>"
    return "\(what) is missing\(argument?.abstract.map { ": \($0)" } ?? ".")"
  }

  private func about(_ option: String) -> String? {
    tree.arguments.first { $0.long == option }?.abstract
  }

  /// - Parameters:
  ///   - option: `nil` of an argument without a name.
  ///   - rest: what the parser adds: the reason, or the values that there are.
  private func invalid(_ value: String, option: String?, rest: String) -> String {
    let place = option.map { "\($0) " } ?? ""
    if rest.utf8.starts(with: ": ".utf8) {
      // A reason of ours, which repeats the value.
      return option.map { "\($0): " }.map { $0 + rest.dropFirst(2) } ?? String(rest.dropFirst(2))
    }
    let values = tree.arguments.first { $0.long == option && $0.allValues != nil }?.allValues ?? []
    guard !values.isEmpty else { return "\(place)\(quoted(value)) is not a number." }
    let hint = nearest(value, among: values).map { "Did you mean \($0)? " } ?? ""
    return "\(place)\(quoted(value)) is unknown. \(hint)Known: \(values.joined(separator: ", "))."
  }
}
