import ArgumentParser
import ScenarioModel

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Prints JSON Schemas.",
    discussion: """
      For editors: with the YAML language server, put this at the top of a scenario:
        # yaml-language-server: $schema=scenario.schema.json

      Examples:
        workbench schema scenario > scenario.schema.json
      """)

  enum Document: String, ExpressibleByArgument, CaseIterable { case scenario, mapping }

  @Argument(help: "Which: \(Document.allCases.map(\.rawValue).joined(separator: ", ")).")
  var document: Document

  func run() throws {
    switch document {
    case .scenario: Terminal.print(try ScenarioSchema.json())
    case .mapping: Terminal.print(try ImportMapping.schemaJSON())
    }
  }
}
