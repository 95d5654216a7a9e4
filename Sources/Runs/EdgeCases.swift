import Datasets
import Foundation
import ScenarioModel
import Telemetry

/// A trap that dashboards fall into, as a scenario of the catalogue.
package struct EdgeCase: Sendable {
  package var name: String
  /// What goes wrong there.
  package var about: String
  /// Of the scenario's file.
  package var path: String

  /// All of them, by name.
  /// - Throws: `MissingPartError`.
  package static func catalogue() throws -> [EdgeCase] {
    let folder = try ProgramPart(
      "Catalogue", resourceOf: "Runs", contents: "the scenarios of edge cases"
    ).folder()
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".yaml") }
    guard !files.isEmpty else {
      throw MissingPartError(folder.path, "there is no scenario in it. Install all of the program again.")
    }
    return try files.sorted().map { file in
      let path = folder.appendingPathComponent(file).path
      let scenario = try ScenarioBundle(path).scenario
      return EdgeCase(name: scenario.name, about: scenario.description, path: path)
    }
  }

  package static func readme(_ edges: [EdgeCase], program: String) -> String {
    let rows = edges.map { "| [\($0.name)](\($0.name)/README.md) | \($0.about) |" }
    return """
      # Edge cases

      A fixture for each trap. Load its data, ask your dashboard the questions of its queries.json, and compare:
      `workbench compare FIXTURE YOURS`.

      | fixture | the trap |
      |---|---|
      \(rows.joined(separator: "\n"))

      Made by `workbench fixture --catalogue` (\(program)); the same command gives the same bytes.

      """
  }
}
