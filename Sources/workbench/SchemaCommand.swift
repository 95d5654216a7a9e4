import Aggregation
import ArgumentParser
import Datasets
import Planning
import ScenarioModel
import Verification

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Prints JSON Schemas.",
    discussion: """
      For editors: with the YAML language server, put this at the top of a scenario:
        # yaml-language-server: $schema=scenario.schema.json

      Examples:
        workbench schema scenario > scenario.schema.json
        workbench schema dashboard > dashboard.schema.json   # for your own dashboard
        workbench schema telemetry   # each table's row: #/$defs/requests, …
      """)

  enum Document: String, ExpressibleByArgument, CaseIterable {
    case scenario, telemetry, dashboard, mapping, tolerances, plan, profile, objectives
  }

  @Argument(help: "Which: \(Document.allCases.map(\.rawValue).joined(separator: ", ")).")
  var document: Document

  func run() throws {
    switch document {
    case .scenario: Terminal.print(try ScenarioSchema.json())
    case .telemetry: Terminal.print(try TelemetrySchema.json())
    case .dashboard: Terminal.print(try DashboardSchema.json())
    case .tolerances: Terminal.print(try Tolerances.schemaJSON())
    case .plan: Terminal.print(try PlanDocument.schemaJSON())
    case .profile: Terminal.print(try ServiceProfile.schemaJSON())
    case .objectives: Terminal.print(try Expectations.schemaJSON())
    case .mapping: Terminal.print(try ImportMapping.schemaJSON())
    }
  }
}
