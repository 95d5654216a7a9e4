import ArgumentParser
import Datasets
import Foundation
import Runs
import Telemetry

struct PushCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "push", abstract: "Copies runs and plans to a PostgreSQL database that many people share.",
    discussion: """
      The first push creates the schema ("workbench", or ?schema=NAME); a later program migrates it. A run \
      is checked against its manifest, and stored whole or not at all; the same run is stored once, no \
      matter who pushes it and how often. Files that runs have in common are stored once as well. If a \
      stored run is damaged, pushing it again repairs it.

      Examples:
        workbench push Outputs/week postgres://qa@db.example/quality
        workbench push Outputs/base Outputs/plan-week \\
          postgres://qa@db.example/quality --note "before the new GPUs"
        workbench pull postgres://qa@db.example/quality

      Exit status: 0 it is there; 65 a run does not match its manifest; 66 no such run or server.
      """)

  @Argument(help: "Run or plan directories, then the address.")
  var runsAndAddress: [String]

  @Option(help: "What others should know about the runs.")
  var note = ""

  @Flag(help: "Prints what was done as JSON, one object per line.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func validate() throws {
    guard runsAndAddress.count >= 2, let address = runsAndAddress.last,
      address.utf8.starts(with: "postgres".utf8)
    else {
      throw ValidationError(
        "name runs, then the address: workbench push Outputs/week postgres://USER@HOST/DATABASE")
    }
  }

  func run() throws {
    let home = try SharedHome(runsAndAddress.last ?? "", creating: true)
    for run in runsAndAddress.dropLast() {
      let progress = ProgressBar("Pushing \(run)", quiet: quiet)
      let (id, isNew, bytes, repaired) = try home.push(run, note: note) { progress.show($0) }
      progress.clear()
      if json {
        struct Pushed: Encodable {
          var id: String
          var isNew: Bool
          var bytes: Int64
          /// Contents that the home had damaged.
          var repaired: Int
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        Terminal.write(
          try encoder.encode(Pushed(id: id, isNew: isNew, bytes: bytes, repaired: repaired))
            + Data("\n".utf8))
      } else if !quiet {
        let done =
          isNew
          ? "pushed"
          : repaired == 0
            ? "is there already" : "was damaged there and is repaired (\(repaired) of its files' contents)"
        Terminal.print(
          "\(run.shown): \(done), \(id.prefix(12)). Next: workbench pull \(ShellText.quoted(home.name)) \(id.prefix(12))"
        )
      }
    }
  }
}

struct PullCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull", abstract: "Lists the runs of a shared database, or copies one from it.",
    discussion: """
      Without a run, it lists the stored runs, the newest first. A run is named by its id, the beginning of \
      its id, or its name (the newest run with that name). Every file is checked by its hash; the directory \
      appears whole or not at all.

      Examples:
        workbench pull postgres://qa@db.example/quality
        workbench pull postgres://qa@db.example/quality 3f9a12 -o Outputs/theirs
        workbench pull postgres://qa@db.example/quality week --without-requests
      """)

  @Argument(help: "The address: postgres://USER@HOST/DATABASE[?schema=NAME].")
  var address: String

  @Argument(help: "The run. Without it, the list is printed.")
  var wanted: String?

  @Option(name: .shortAndLong, help: "The directory. (default: Outputs/NAME, with the next free number)")
  var output: String?

  @Flag(help: "Replaces an earlier run or plan at --output.")
  var replace = false

  @Flag(help: "Leaves out the requests table: figures do not need it.")
  var withoutRequests = false

  @Flag(help: "Prints the list, or what was copied, as JSON, one object per line.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func run() throws {
    let home = try SharedHome(address, creating: false)
    guard let wanted else { return try list(try home.entries(), home.name) }
    let entry = try home.entry(wanted)
    if let output, !replace { try OutputTarget.requireFree(output) }  // Said before the work.
    let path = output ?? OutputName.free(entry.kind == "plan" ? "plan-\(entry.name)" : entry.name)
    let progress = ProgressBar("Pulling \(entry.name)", quiet: quiet)
    try home.pull(
      entry, to: path, existing: OutputTarget.existing(replace: replace), skipsRequests: withoutRequests
    ) { progress.show($0) }
    progress.clear()
    if json {
      try print([entry])
    } else if !quiet {
      Terminal.print(
        "\(path.shown): \(entry.name.shown) by \(entry.pushedBy), \(entry.pushedAt). Next: workbench serve \(ShellText.quoted(path))"
      )
    }
  }

  private func print(_ entries: [SharedHome.Entry]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    for entry in entries { Terminal.write(try encoder.encode(entry) + Data("\n".utf8)) }
  }

  private func list(_ entries: [SharedHome.Entry], _ name: String) throws {
    if json { return try print(entries) }
    if entries.isEmpty {
      Terminal.print("\(name.shown): no runs yet.")
      return
    }
    func padded(_ text: String, _ width: Int) -> String {
      text.count > width
        ? text.prefix(max(width - 1, 0)) + "…" : text + String(repeating: " ", count: width - text.count)
    }
    // Beside the name: an id, the kind, an instant, a person and a size, each with two spaces.
    let others = 12 + 2 + 4 + 2 + 2 + 20 + 2 + 2 + 11
    let people = min(16, entries.map(\.pushedBy.shown.count).max() ?? 0)
    let names = min(
      entries.map(\.name.shown.count).max() ?? 0, min(40, max(8, Terminal.tableColumns - 1 - others - people))
    )
    for entry in entries {
      let line =
        "\(entry.id.prefix(12))  \(padded(entry.kind.shown, 4))  \(padded(entry.name.shown, names))  \(entry.pushedAt)  \(padded(entry.pushedBy.shown, people))  \(String(format: "%8.1f MB", Double(entry.bytes) / 1e6))"
      let note = entry.note.shown
      if note.isEmpty || line.count + 2 + note.count < Terminal.tableColumns {
        Terminal.print(note.isEmpty ? line : "\(line)  \(note)")
      } else {
        Terminal.print(line)
        Terminal.print(HelpText.wrapped("  \(note)", hanging: 2, columns: Terminal.tableColumns))
      }
    }
  }
}
