import ArgumentParser
import Datasets
import Documents
import Foundation
import Runs
import ScenarioModel
import Telemetry

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Validates scenarios: reports every error in one pass, and says what will be simulated.",
    discussion: """
      Each error is one line on standard error, FILE:LINE:COLUMN: error: what is wrong. How to fix it. Files \
      that a scenario names (traces, clients of ServeGen) are read too. A setting that is valid but \
      pointless is a warning of the same form: a profile that no load names, an incident outside the period, \
      replicas that are never needed.

      If a scenario has no errors, it prints the expected requests of each model, and the time and memory of the run.

      Exit status: 0 no errors; 1 errors, or with --strict warnings; 66 a scenario does not exist.

      Examples:
        workbench check Scenarios/*.yaml
        workbench check month.yaml --set account.subscription.maxReplicas=4
        workbench check month.yaml --strict
      """)

  @Argument(help: "Scenario files.")
  var scenarios: [String]

  @Option(name: .customLong("set"), help: "Overrides a value: PATH=VALUE. May be repeated.")
  var overrides: [String] = []

  @Flag(help: "Treats warnings as errors.")
  var strict = false

  @Flag(help: "Prints errors and warnings as JSON on standard output.")
  var json = false

  private struct Finding: Encodable {
    var severity: Diagnostic.Severity
    var file: String
    var line: Int?
    var column: Int?
    var override: String?
    var message: String

    init(_ diagnostic: Diagnostic, file: String) {
      self.file = file
      severity = diagnostic.severity
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
    var isAnyAbsent = false
    for path in scenarios {
      do {
        let checked = try ScenarioCheck(path, overrides: overrides)
        for note in checked.notes { Terminal.diagnose(note) }
        findings += checked.diagnostics.map { Finding($0, file: path) }
        if !json {
          for diagnostic in checked.diagnostics {
            Terminal.diagnose(diagnostic.rendered(path: path, naming: \.option))
          }
          if let outline = checked.outline { Terminal.print("\(path.shown): no errors (\(outline))") }
          for line in checked.estimate { Terminal.print("  " + line) }
        }
      } catch let absent as NotFoundError {
        // The others are looked at nonetheless.
        Terminal.diagnose(absent.words)
        isAnyAbsent = true
      }
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      Terminal.write(try encoder.encode(findings) + Data("\n".utf8))
    }
    if isAnyAbsent { throw ExitCode(66) }
    if findings.contains(where: { strict || $0.severity == .error }) { throw ExitCode(1) }
  }
}
