import ArgumentParser
import Documents
import Foundation
import ScenarioModel
import Telemetry

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Explains a key of the scenario: meaning, range, default, example.",
    discussion: """
      PATH is a path as --set has it: keys separated by dots. Levels may be left out, as long as the rest is \
      in order, and an element of a list may be named or left out. Without a path, the keys of the top level \
      are listed. Everything is read from what checks scenarios, so that it cannot be out of date.

      Examples:
        workbench explain
        workbench explain load.scale
        workbench explain models.scaling.targetUtilisation
        workbench explain period --json
      """)

  @Argument(help: "The key. Without it, the keys of the top level.")
  var path = ""

  @Flag(help: "Prints the explanation as JSON.")
  var json = false

  func run() throws {
    let explanation: KeyGuide.Explanation
    do {
      explanation = try ScenarioSchema.guide.explanation(of: path)
    } catch let unknown as KeyGuide.UnknownPath {
      throw ValidationError(unknown.description)
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      Terminal.write(try encoder.encode(explanation) + Data("\n".utf8))
    } else {
      for line in Self.lines(explanation) { Terminal.print(line) }
    }
  }

  private static func lines(_ it: KeyGuide.Explanation) -> [String] {
    func entry(_ label: String, _ text: String?) -> [String] {
      guard let text else { return [] }
      let line = "  " + label + String(repeating: " ", count: max(1, 10 - label.count)) + text
      return [HelpText.wrapped(line, hanging: 12, columns: Terminal.columns)]
    }
    var lines = [Terminal.bold(it.path.isEmpty ? "A scenario" : it.path)]
    lines += [HelpText.wrapped(it.meaning, hanging: 0, columns: Terminal.columns), ""]
    if !it.path.isEmpty {
      lines += entry("type", it.type)
      lines += entry("values", it.choices?.joined(separator: ", "))
      if let least = it.minimum {
        lines += entry("range", it.maximum.map { "\(least) to \($0)" } ?? "at least \(least)")
      }
      lines += entry("written", it.unit)
      lines += entry("default", it.defaultValue ?? (it.isRequired ? "none: it must be given" : "none"))
      lines += entry("example", it.example)
      if !it.others.isEmpty {
        let most = 6
        lines += entry(
          "also", it.others.prefix(most).joined(separator: ", ") + (it.others.count > most ? ", …" : ""))
      }
    }
    guard !it.keys.isEmpty else { return lines }
    if lines.last != "" { lines.append("") }
    lines.append(Terminal.bold(it.isChoice ? "One of" : "Keys"))
    let width = min(22, it.keys.map(\.name.count).max() ?? 0)
    for key in it.keys {
      let label = "  " + key.name + String(repeating: " ", count: max(0, width - key.name.count)) + "  "
      let facts = key.isRequired && !it.isChoice ? "required" : key.defaultValue.map { "default \($0)" }
      lines.append(
        HelpText.wrapped(
          label + key.meaning + (facts.map { " (\($0))" } ?? ""), hanging: width + 4,
          columns: Terminal.columns))
    }
    return lines
  }
}
