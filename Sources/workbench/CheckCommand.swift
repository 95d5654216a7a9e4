import ArgumentParser
import Datasets
import Foundation
import ScenarioModel

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Validates scenarios, and says all that is wrong in one pass.",
    discussion: """
      Each error is one line on standard error, FILE:LINE:COLUMN: error: what is wrong. How to mend it. \
      Exit status 1 if there is any, 66 if a file is not there.

      Examples:
        workbench check Scenarios/*.yaml
        workbench check month.yaml --set account.subscription.maxReplicas=4
      """)

  @Argument(help: "Scenario files.")
  var scenarios: [String]

  @Option(name: .customLong("set"), help: "Overrides a value: PATH=VALUE. May be repeated.")
  var overrides: [String] = []

  @Flag(help: "Prints the errors as JSON on standard output.")
  var json = false

  private struct Finding: Encodable {
    var file: String
    var line: Int?
    var column: Int?
    var override: String?
    var message: String

    init(_ diagnostic: Diagnostic, file: String) {
      self.file = file
      message = diagnostic.message
      switch diagnostic.location {
      case .document(let line, let column): (self.line, self.column) = (line, column)
      case .override(let text): override = text
      case nil: break
      }
    }
  }

  func run() throws {
    var findings: [Finding] = []
    for path in scenarios {
      do {
        let document = try ScenarioInput.document(path, overrides: overrides)
        _ = try ScenarioInput.traces(document.scenario, scenarioPath: path)
        if !json { Terminal.print("\(path): no errors (\(Self.outline(document.scenario)))") }
      } catch let errors as ScenarioErrors {
        findings += errors.diagnostics.map { Finding($0, file: path) }
        if !json { Terminal.diagnose(errors.description) }
      }
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      Terminal.write(try encoder.encode(findings) + Data("\n".utf8))
    }
    if !findings.isEmpty { throw ExitCode(1) }
  }

  private static func outline(_ scenario: Scenario) -> String {
    func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }
    let models = scenario.accounts.map(\.models.count).reduce(0, +)
    return
      "\(count(scenario.accounts.count, "account")), \(count(models, "model")), about \(Figure.count(scenario.expectedArrivals)) requests"
  }
}
