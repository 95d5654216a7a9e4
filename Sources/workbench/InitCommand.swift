import ArgumentParser
import Datasets
import Foundation
import ScenarioModel
import Telemetry

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Writes a commented starter scenario.",
    discussion: """
      It overwrites no file without --replace. With -, the scenario goes to standard output.

      Examples:
        workbench init                 writes scenario.yaml
        workbench init night-shift     writes night-shift.yaml
      """)

  @Argument(help: "The scenario's name, or the file to write (NAME.yaml).")
  var name = "scenario"

  @Flag(help: "Replaces what an earlier command wrote there.")
  var replace = false

  func run() throws {
    let isStream = name == OutputTarget.stream
    let path = isStream || name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? name : name + ".yaml"
    let title = isStream ? "scenario" : URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    let file = try OutputTarget.file(path, replace: replace)
    try file.write(Starter.text(name: title).utf8)
    try file.close()
    if isStream { return }
    Terminal.print(
      "\(path.shown): written. Next: workbench check \(ShellText.quoted(path)); workbench run \(ShellText.quoted(path))"
    )
  }
}
