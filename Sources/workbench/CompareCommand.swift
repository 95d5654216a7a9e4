import ArgumentParser
import DashboardServer
import Datasets
import Foundation
import Runs
import Verification

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Compares two outputs: which figure differs, where, and by how much.",
    discussion: """
      EXPECTED and ACTUAL are each a run directory or fixture, a dashboard in JSON, a directory of such \
      files, a data set in any format (directory, SQLite, PostgreSQL address), or a directory with several \
      runs: replications, which are compared statistically. To compare a dashboard with a data set, the data \
      answer the dashboard's own question.

      Differences of structure come first (missing and extra dashboards, widgets, buckets), then figures, \
      which must be the same unless --tolerances allows more. In a tolerance file the last rule that matches \
      a figure decides:
        workbenchTolerances: 1
        rules:
          - { metric: p99, relative: 1% }
          - path: "requests.points[*].failures"
            absolute: 2
            dashboards: "acme/external-*"
          - { path: query.now, ignore: true }
          - # Kolmogorov–Smirnov
            { path: "latency.points[*].latency", distribution: true }
          - # equivalence of means
            { path: requests.totalRequests, means: { margin: 2% } }
      "workbench schema tolerances" has all keys.

      Exit status: 0 the same; 1 different; 2 inconclusive: nothing was compared, or there are too few \
      replications for any difference to be found (one line says which, and how many would suffice); 65 an \
      input that cannot be read.

      Examples:
        workbench compare Outputs/expected Outputs/actual
        workbench compare Outputs/fixture ours/ --tolerances tolerances.yaml \\
          --junit report.xml
        workbench compare Outputs/fixture ours/ --html differences.html --github
        workbench compare 'postgres://qa@localhost/product?schema=qa' ours/7d.json
        workbench run base.yaml --replications 20 -o Outputs/base-runs
        workbench compare Outputs/base-runs Outputs/changed-runs
      """)

  @Argument(help: "The expected output.")
  var expected: String

  @Argument(help: "The output to judge.")
  var actual: String

  @Option(help: "A tolerance file (YAML). (default: everything exact)")
  var tolerances: String?

  @Option(
    help:
      "Of two runs: auto (models, deployments and dashboards where there are some, else the data), dashboards, data (tables and requests), or all."
  )
  var what: OutputComparison.Scope = .auto

  @Option(help: "The account of a dashboard in JSON, if the other side has data of several.")
  var account: String?

  @Option(help: "Differences shown, the worst first.")
  var most = 20

  @Flag(help: "Prints the result as JSON.")
  var json = false

  @Option(help: "A file for a JUnit report: a test suite for each dashboard, a case for each widget.")
  var junit: String?

  @Flag(help: "Also prints GitHub annotations. (default: if GITHUB_ACTIONS is true)")
  var github = false

  @Option(
    help: "A file for the differences as a page: that of Compare, with the graphs of both sides overlaid.")
  var html: String?

  @Flag(help: "Replaces files at --junit and --html, whatever they are; earlier reports are replaced anyway.")
  var replace = false

  @Flag(name: .shortAndLong, help: "Prints nothing; only the exit status gives the verdict.")
  var quiet = false

  func validate() throws {
    guard most >= 0 else { throw ValidationError("--most \(most) must not be negative.") }
    try OutputTarget.checkStreams([("--junit", junit), ("--html", html)], json: json)
  }

  func run() throws {
    let rules = try tolerances.map { try Tolerances(GivenFile.document($0), path: $0) } ?? Tolerances()
    let comparison = try OutputComparison(
      expected: expected, actual: actual, tolerances: rules, scope: what, account: account)
    // Made before the work, so that an existing file is reported at once.
    let junitFile = try junit.map { try OutputTarget.report($0, replace: replace) }
    let htmlFile = try html.map { try OutputTarget.report($0, replace: replace) }
    var page = html == nil ? nil : try DifferencePage(expected: expected, actual: actual)
    let progress = ProgressBar("Comparing", quiet: quiet)
    let result = try comparison.run(
      progress: { progress.show($0) },
      pairs: { page?.add($0) })
    progress.clear()
    for warning in result.warnings { Terminal.diagnose(warning) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let encoded = try encoder.encode(result) + Data("\n".utf8)
    if json {
      Terminal.write(encoded)
    } else if !quiet {
      Terminal.print(ComparisonText(result, most: most).text())
    }
    if github || ProcessInfo.processInfo.environment["GITHUB_ACTIONS"] == "true", !json {
      let annotations = ComparisonText(result, most: most).annotations()
      if !annotations.isEmpty { Terminal.printCommands(annotations) }
    }
    if let junitFile {
      try junitFile.write(JUnitReport(result).xml())
      try junitFile.close()
    }
    if let htmlFile, let page {
      try htmlFile.write(try page.html(result))
      try htmlFile.close()
    }
    try Self.conclude(result)
  }

  /// Ends with the exit status of a comparison's verdict.
  /// - Throws: `ExitCode`, `InconclusiveError`.
  static func conclude(_ result: ComparisonOutcome) throws {
    switch result.verdict {
    case .same: break
    case .different: throw ExitCode(1)
    case .inconclusive: throw InconclusiveError(result.actual, result.reasons.joined(separator: " "))
    }
  }
}

extension OutputComparison.Scope: ExpressibleByArgument {}
