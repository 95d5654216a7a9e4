import ArgumentParser
import Datasets
import Foundation
import ScenarioModel
import Telemetry

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Writes a commented starter scenario.",
    discussion: """
      It never overwrites a file.

      Examples:
        workbench init                 writes scenario.yaml
        workbench init night-shift     writes night-shift.yaml
      """)

  @Argument(help: "The scenario's name, or the file to write (NAME.yaml).")
  var name = "scenario"

  func run() throws {
    let path = name.hasSuffix(".yaml") || name.hasSuffix(".yml") ? name : name + ".yaml"
    let title = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    let file = try OutputFile(path)
    try file.write(Starter.text(name: title).utf8)
    _ = try file.close()
    Terminal.print(
      "\(path.shown): written. Next: workbench check \(ShellText.quoted(path)); workbench run \(ShellText.quoted(path))"
    )
  }
}
