import ArgumentParser
import Datasets
import Foundation
import Telemetry
import Verification

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Checks the invariants of a run or of any data set.",
    discussion: """
      Prints one line for each invariant: whether it holds, was violated (with examples), or was skipped. \
      What does not apply to the data (deploy windows of a data set without a scenario, say) is skipped and \
      does not change the verdict; if something that applies could not be checked, there is no verdict.

      Exit status: 0 all invariants that apply hold; 1 any was violated; 2 inconclusive: none was violated, \
      but some could not be checked (I13 without DuckDB), or there was nothing to check.

      Examples:
        workbench validate Outputs/steady
        workbench validate Outputs/steady --json
      """)

  @Argument(help: "A run directory, or a directory with the telemetry tables.")
  var directory: String

  @Flag(help: "Prints the result as JSON.")
  var json = false

  func run() throws {
    let progress = ProgressBar("Validating")
    let report = try RunVerification(directory).run { progress.show($0) }
    progress.clear()
    let entries = report.entries
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      Terminal.write(try encoder.encode(entries) + Data("\n".utf8))
    } else {
      for entry in entries { Terminal.print(Self.line(entry)) }
    }
    if !report.violations.isEmpty { throw ExitCode(1) }
    guard !report.missing.isEmpty else { return }
    // A reason may end with a command to copy, so that no full stop follows it.
    let shown = report.missing.prefix(3).reduce("") { text, reason in
      text.isEmpty ? reason : text + (text.utf8.last == UInt8(ascii: ".") ? " " : "; ") + reason
    }
    let more = report.missing.count > 3 ? "; and \(report.missing.count - 3) more" : ""
    throw InconclusiveError(directory, shown + more)
  }

  private static func line(_ entry: InvariantReport.Entry) -> String {
    var lines = [
      "\(entry.result.padding(toLength: 9, withPad: " ", startingAt: 0))\(entry.invariant.padding(toLength: 4, withPad: " ", startingAt: 0)) \(entry.sentence)"
    ]
    if let reason = entry.reason {
      lines.append(
        "              \(entry.isMissing == true ? "could not be checked" : "does not apply"): \(reason.shown)"
      )
    }
    lines += entry.examples.map { "              \($0.shown)" }
    if entry.violations > entry.examples.count {
      lines.append("              … \(entry.violations) in all")
    }
    return lines.joined(separator: "\n")
  }
}
