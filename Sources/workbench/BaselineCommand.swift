import ArgumentParser
import DashboardServer
import Datasets
import Documents
import Foundation
import Runs
import ScenarioModel
import Telemetry
import Verification

struct BaselineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baseline", abstract: "Records the expected results of scenarios, and checks them.",
    discussion: """
      A baseline is a small file for each scenario: the figures of its dashboards, row counts, and hashes of \
      everything else. Keep baselines under version control; an intended change is one "update", and shows \
      as a diff of figures in review.

      Examples:
        workbench baseline check
        workbench baseline update steady canary
        workbench baseline check --scenarios qa/scenarios --baselines qa/baselines
        workbench baseline check --junit baselines.xml --html baselines.html
        workbench baseline check --tolerances tolerances.yaml
      """, subcommands: [BaselineCheckCommand.self, BaselineUpdateCommand.self])
}

struct BaselineOptions: ParsableArguments {
  @Argument(help: "Names of scenarios, without .yaml. (default: all)")
  var names: [String] = []

  @Option(help: "Where the scenarios are.")
  var scenarios = "Scenarios"

  @Option(help: "Where the baselines are kept.")
  var baselines = "Outputs/baselines"

  @Flag(name: .shortAndLong, help: "No progress, and no output for what is as expected.")
  var quiet = false

  private func files(_ folder: String, _ ending: String) throws -> [String] {
    guard let entries = try? FileManager.default.contentsOfDirectory(atPath: folder) else {  // Said here.
      throw NotFoundError(folder, "there is no such directory. Say where it is.")
    }
    return entries.filter { $0.hasSuffix(ending) }.map { String($0.dropLast(ending.count)) }.sorted()
  }

  /// Whether a file is a service profile, which scenarios beside it may name.
  private func isProfile(_ path: String) -> Bool {
    // Whoever reads one that cannot be read says what is wrong.
    guard let data = try? GivenFile.document(path) else { return false }
    return ServiceProfile.isOne(data)
  }

  /// Scenarios to look at, in order.
  func chosen() throws -> [String] {
    let known = try files(scenarios, ".yaml").filter { !isProfile("\(scenarios)/\($0).yaml") }
    if let unknown = names.first(where: { !known.contains($0) }) {
      throw NotFoundError(
        "\(scenarios)/\(unknown).yaml",
        "there is no such scenario. \(nearest(unknown, among: known).map { "Did you mean \($0)? " } ?? "")There are: \(known.joined(separator: ", "))."
      )
    }
    return names.isEmpty ? known : names
  }

  /// Kept expectations by scenario; of all, or of those named.
  func kept() throws -> [String: Data] {
    guard FileManager.default.fileExists(atPath: baselines) else { return [:] }
    var found: [String: Data] = [:]
    for name in try files(baselines, ".json") where names.isEmpty || names.contains(name) {
      found[name] = try ContainedPath(name + ".json", in: baselines).contents()
    }
    return found
  }

  /// Neither a scenario nor a baseline: nothing was checked, or kept.
  var nothing: InconclusiveError {
    InconclusiveError(
      scenarios,
      "there is no scenario (*.yaml), and no baseline in \(baselines). Say where they are with --scenarios and --baselines."
    )
  }

  /// The scenarios' present results.
  func made(_ names: [String]) throws -> [String: Data] {
    let progress = ProgressBar("Running scenarios", quiet: quiet)
    defer { progress.clear() }
    var made: [String: Data] = [:]
    for (index, name) in names.enumerated() {
      made[name] = try Baseline.make("\(scenarios)/\(name).yaml")
      progress.show(Double(index + 1) / Double(names.count))
    }
    return made
  }
}

struct BaselineCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Runs the scenarios and compares the results with the recorded ones.",
    discussion: """
      Figures come first, hashes last; a figure that differs in several periods is one line.

      With --tolerances, figures may differ by as much as the file allows, as in "workbench compare": its paths are those \
      of a dashboard (requests.totalRequests), its documents SCENARIO/ACCOUNT/KIND-PERIOD. Hashes are not compared then.

      Exit status: 0 all are the same; 1 some differ; 2 inconclusive: there is neither a scenario nor a baseline.
      """)

  @OptionGroup var options: BaselineOptions

  @Option(help: "Differences shown, the worst first.")
  var most = 20

  @Flag(help: "Prints the result as JSON.")
  var json = false

  @Option(help: "A file for a JUnit report: a test suite for each scenario.")
  var junit: String?

  @Option(help: "A file for the differences as a page.")
  var html: String?

  @Option(help: "A file of tolerances (YAML; \"workbench schema tolerances\").")
  var tolerances: String?

  @Flag(help: "Replaces files at --junit and --html, whatever they are; earlier reports are replaced anyway.")
  var replace = false

  @Flag(help: "Also prints GitHub annotations. (default: if GITHUB_ACTIONS is true)")
  var github = false

  func run() throws {
    let names = try options.chosen()
    let rules = try tolerances.map { try Tolerances(GivenFile.document($0), path: $0) }
    // Made before the work, so that an existing file is reported at once.
    try OutputTarget.checkStreams([("--junit", junit), ("--html", html)], json: json)
    let junitFile = try junit.map { try OutputTarget.report($0, replace: replace) }
    let htmlFile = try html.map { try OutputTarget.report($0, replace: replace) }
    let page = try html.map { _ in
      try DifferencePage(expected: options.baselines, actual: options.scenarios)
    }
    var (expected, actual) = (try options.kept(), try options.made(names))
    if rules != nil {
      expected = try documents(expected, options.baselines)
      actual = try documents(actual, options.scenarios)
    }
    var result = try OutputComparison.compare(
      expected: expected, actual: actual, tolerances: rules ?? Tolerances(),
      labels: (options.baselines, options.scenarios))
    if rules != nil { result.notes.append("Hashes were not compared: figures may differ within tolerances.") }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      Terminal.write(try encoder.encode(result) + Data("\n".utf8))
    } else if !(options.quiet && result.isSame) {
      Terminal.print(ComparisonText(baselines: result, most: most).text())
      if result.verdict == .different {
        Terminal.print(
          "\nIf you intended this: workbench baseline update, then look at the diff of \(options.baselines)."
        )
      }
    }
    if github || ProcessInfo.processInfo.environment["GITHUB_ACTIONS"] == "true", !json {
      let annotations = ComparisonText(baselines: result, most: most).annotations()
      if !annotations.isEmpty { Terminal.printCommands(annotations) }
    }
    if let junitFile {
      try junitFile.write(
        JUnitReport(result, widgets: ["baseline"], command: "workbench baseline check").xml())
      try junitFile.close()
    }
    if let htmlFile, let page {
      try htmlFile.write(try page.html(result))
      try htmlFile.close()
    }
    if result.documents == 0 { throw options.nothing }
    try CompareCommand.conclude(result)
  }

  private func documents(_ baselines: [String: Data], _ folder: String) throws -> [String: Data] {
    try baselines.reduce(into: [:]) { found, entry in
      let path = "\(folder)/\(entry.key).json"
      found.merge(try Baseline.documents(entry.value, name: entry.key, path: path)) { first, _ in first }
    }
  }
}

struct BaselineUpdateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update", abstract: "Runs the scenarios and records their results.")

  @OptionGroup var options: BaselineOptions

  func run() throws {
    let names = try options.chosen()
    let kept = try options.kept()
    if names.isEmpty, kept.isEmpty { throw options.nothing }
    let made = try options.made(names)
    for name in names {
      guard let data = made[name], data != kept[name] else { continue }
      let path = "\(options.baselines)/\(name).json"
      let file = try OutputFile(path, existing: .replaced, makesFolder: true)
      try file.write(data)
      try file.close()
      Terminal.print("\(path.shown): \(kept[name] == nil ? "new" : "changed")")
    }
    // The baseline of a scenario that no longer exists is left over.
    for name in kept.keys.sorted() where options.names.isEmpty && made[name] == nil {
      let path = "\(options.baselines)/\(name).json"
      do {
        try FileManager.default.removeItem(atPath: path)
      } catch {
        throw OutputError(path, "cannot remove: \(error.localizedDescription)")
      }
      Terminal.print("\(path.shown): removed, because its scenario no longer exists")
    }
    if !options.quiet {
      let changed = names.count { made[$0] != kept[$0] }
      Terminal.print(
        "\(Figure.count(names.count, "scenario")), \(changed) changed. Look at the diff: git diff \(options.baselines)"
      )
    }
  }
}
