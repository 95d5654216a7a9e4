import ArgumentParser
import Foundation
import Telemetry
import Verification

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate", abstract: "Checks the invariants of a run or of any data set.",
    discussion: """
      Prints one line for each invariant: whether it holds, was violated (with examples), or could not be checked. \
      Exit status 1 if any was violated.

      Examples:
        workbench validate Outputs/steady
        workbench validate Outputs/steady --json
      """)

  @Argument(help: "A run directory, or a directory with the telemetry tables.")
  var directory: String

  @Flag(help: "Prints the result as JSON.")
  var json = false

  private struct Entry: Encodable {
    var invariant: String
    var sentence: String
    /// `holds`, `violated` or `skipped`.
    var result: String
    var violations: Int
    var examples: [String]
    var reason: String?
  }

  func run() throws {
    let progress = ProgressBar("Validating")
    let report = try RunVerification(directory).run { progress.show($0) }
    progress.clear()
    let entries = Invariant.allCases.map { invariant in
      let violations = report.violations[invariant] ?? 0
      let skipped = report.skipped.first { $0.invariant == invariant }?.reason
      return Entry(
        invariant: invariant.rawValue, sentence: invariant.sentence,
        result: violations > 0 ? "violated" : skipped == nil ? "holds" : "skipped", violations: violations,
        examples: report.findings.filter { $0.invariant == invariant }.map(\.message), reason: skipped)
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      Terminal.write(try encoder.encode(entries) + Data("\n".utf8))
    } else {
      for entry in entries { Terminal.print(Self.line(entry)) }
    }
    if !report.holds { throw ExitCode(1) }
  }

  private static func line(_ entry: Entry) -> String {
    var lines = [
      "\(entry.result.padding(toLength: 9, withPad: " ", startingAt: 0))\(entry.invariant.padding(toLength: 4, withPad: " ", startingAt: 0)) \(entry.sentence)"
    ]
    if let reason = entry.reason { lines.append("              not checked: \(reason.shown)") }
    lines += entry.examples.map { "              \($0.shown)" }
    if entry.violations > entry.examples.count {
      lines.append("              … \(entry.violations) in all")
    }
    return lines.joined(separator: "\n")
  }
}
