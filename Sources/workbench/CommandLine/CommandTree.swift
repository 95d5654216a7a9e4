import ArgumentParser
import Documents
import Foundation

/// The commands by their names: which one some arguments are about, and what its options are called.
struct CommandTree {
  /// From the program on.
  private(set) var path = ["workbench"]
  private(set) var command: any ParsableCommand.Type = Workbench.self
  /// A word where a command is expected, and that is none.
  private(set) var stray: String?

  /// - Parameter words: without the program's name.
  init(_ words: [String]) {
    var words = words[...]
    if words.first == "help" { words = words.dropFirst() }
    for word in words {
      let known = command.configuration.subcommands
      if known.isEmpty || word.utf8.first == UInt8(ascii: "-") { return }
      guard let next = known.first(where: { $0.configuration.commandName == word }) else {
        // "help" is the parser's own.
        stray = path.count == 1 && word == "help" ? nil : word
        return
      }
      command = next
      path.append(word)
    }
  }

  var name: String { path.joined(separator: " ") }

  /// Names of the commands below.
  var commands: [String] { command.configuration.subcommands.compactMap { $0.configuration.commandName } }

  /// What the parser knows of the arguments of the command.
  struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }
    var names: [Name]?
    var valueName: String?
    var shouldDisplay: Bool?
    var abstract: String?
    var allValues: [String]?

    /// `--output`; `nil` of what has no long name.
    var long: String? { names?.first { $0.kind == "long" }.map { "--\($0.name)" } }
  }

  /// The command's arguments, as shown in its help.
  var arguments: [Argument] {
    struct Node: Decodable {
      var commandName: String
      var subcommands: [Node]?
      var arguments: [Argument]?
    }
    struct Dump: Decodable { var command: Node }
    guard let dump = try? JSONDecoder().decode(Dump.self, from: Data(Workbench._dumpHelp().utf8)) else {
      return []  // Messages are then without what they could propose.
    }
    let node = path.dropFirst().reduce(dump.command as Node?) { node, name in
      node?.subcommands?.first { $0.commandName == name }
    }
    return (node?.arguments ?? []).filter { $0.shouldDisplay ?? true }
  }
}
