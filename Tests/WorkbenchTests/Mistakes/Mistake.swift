import Foundation
import TestSupport
import Testing

/// A command that is wrong, and what is said about it.
struct Mistake: Sendable, CustomTestStringConvertible {
  var command: String
  var status: Int32
  /// The first line on standard error; if it ends in "…", its beginning.
  var says: String
  var testDescription: String { command }

  /// A table: `STATUS COMMAND`, as in a shell, and the line below it.
  static func table(_ text: String) -> [Mistake] {
    let lines = text.split(separator: "\n").map(String.init)
    return stride(from: 0, to: lines.count - 1, by: 2).map { index in
      let parts = lines[index].split(separator: " ", maxSplits: 1)
      return Mistake(
        command: String(parts[1]), status: Int32(parts[0]) ?? -1,
        says: String(lines[index + 1].drop { $0 == " " }))
    }
  }

  /// Whether a line is the one that is expected.
  func expects(_ line: String) -> Bool {
    says.hasSuffix("…") ? line.hasPrefix(says.dropLast()) : line == says
  }
}

@Suite("Two hundred mistakes")
struct MistakeTests {
  static let all =
    Mistake.usage + Mistake.values + Mistake.documents + Mistake.serving + Mistake.data + Mistake.outputs
    + Mistake.verdicts

  @Test("there are two hundred of them, and none twice")
  func count() {
    #expect(Self.all.count >= 200)
    #expect(Set(Self.all.map(\.command)).count == Self.all.count)
  }

  @Test("every command has some")
  func everyCommand() throws {
    struct Node: Decodable {
      var commandName: String
      var subcommands: [Node]?
    }
    struct Dump: Decodable { var command: Node }
    let dump = try JSONDecoder().decode(
      Dump.self, from: Data(Program.run("--experimental-dump-help").output.utf8))
    func names(_ node: Node, _ path: String) -> [String] {
      let children = (node.subcommands ?? []).filter { $0.commandName != "help" }
      return children.isEmpty
        ? [path] : children.flatMap { names($0, path.isEmpty ? $0.commandName : "\(path) \($0.commandName)") }
    }
    let commands = names(dump.command, "")
    #expect(commands.count > 25)
    for command in commands {
      #expect(Self.all.contains { $0.command.contains("workbench \(command)") }, "\(command)")
    }
  }

  @Test("each is one clear line and the status of its kind, and leaves nothing behind", arguments: all)
  func mistake(_ mistake: Mistake) throws {
    let folder = try MistakeFolder.made.get()
    let outcome = try Program.command(
      "/bin/sh", ["-c", "workbench() { \"\(Program.path)\" \"$@\"; }; \(mistake.command)"], in: folder.path)
    let first = outcome.error.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init)
    #expect(outcome.status == mistake.status, "\(outcome.error)")
    #expect(mistake.expects(first ?? ""), "\(outcome.error)")
    // What they would write is called x.
    let left = try folder.entries().filter { $0.hasPrefix("x") }
    #expect(left.isEmpty, "\(left)")
    // The usage that follows is that of the command.
    if mistake.status == 64, first?.hasPrefix("workbench: error: ") == true, outcome.error.contains("Usage: ")
    {
      let words = mistake.command.split(separator: " ").drop { $0 != "workbench" }.dropFirst()
      if let command = words.first, first?.contains("there is no command") == false {
        #expect(outcome.error.contains("Usage: workbench \(command)"), "\(outcome.error)")
      }
    }
  }
}
