import Aggregation
import ArgumentParser
import Datasets
import Documents
import Foundation
import Runs
import ScenarioModel
import Telemetry

struct ExpectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "expect", abstract: "Judges the objectives of any data set: what broke, where and when.",
    discussion: """
      DATASET is a run, a directory with the telemetry tables, a SQLite file or a PostgreSQL address, \
      whether simulated, imported or real. Its requests are read once, in bounded memory.

      An objective is [SCOPE.]METRIC <= BOUND, or >=, with its unit; in plans and in scenarios (expect:) it \
      is written the same way. Without a scope it is about each model, and the result names the worst:
        latency.p95 <= 5s                       of each model
        models.chat.ttft.p99 <= 800ms           of one model; models."a b".…
        models.chat.versions.V2.tpot.p95 <= 40ms   of one version;
                                                models.*.versions.* of each
        accounts.*.failureRate <= 0.1%          of each account
        classes.interactive.ttft.p95 <= 1s      of a class, for each model
        pooled.latency.p95 <= 5s                of all models together
        goodput(ttft <= 1s, tpot <= 50ms) >= 99%   share of requests that
                                                succeed and meet all of it
        latency.p95 <= 5s in 95% of hours       or days, with requests

      Metrics: \(ObjectiveMetric.names). Those of replicas (credits, utilisation, …) are of all models \
      together unless a scope says otherwise. Quantiles are those of the dashboards: of rank ⌈q·n⌉, within 0.8 %.

      Without --slo, --file and --scenario, the objectives are those of the scenario that the run was made from.

      Exit status: 0 all are kept; 1 any is broken; 2 inconclusive: none is broken, and at least one could \
      not be judged (no objective, no requests or too few, a figure that the telemetry does not have); 64, \
      65, 66 as elsewhere.

      Examples:
        workbench expect Outputs/week --slo 'latency.p95 <= 5s, failureRate <= 0.5%'
        workbench expect Outputs/week \\
          --slo 'models.chat.goodput(ttft <= 1s, tpot <= 50ms) >= 99%'
        workbench expect ours/ --scenario week.yaml --junit objectives.xml
        workbench expect postgres://qa@db/product --file objectives.yaml --json
      """)

  @Argument(help: "The data set.")
  var dataset: String

  @Option(
    name: .customLong("slo"),
    help:
      "Objectives, separated by commas or each in an option of its own: latency.p95 <= 2s, failureRate <= 0.1%."
  )
  var slos: [String] = []

  @Option(help: "A file of objectives (YAML; \"workbench schema objectives\").")
  var file: String?

  @Option(help: "A scenario: its objectives (expect) are judged too.")
  var scenario: String?

  @Option(help: "A file for a JUnit report: a test case for each objective.")
  var junit: String?

  @Flag(help: "Replaces a file at --junit, whatever it is; earlier reports are replaced anyway.")
  var replace = false

  @Flag(help: "Prints the result as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "Prints nothing but what is broken, on standard error.")
  var quiet = false

  private struct Answer: Encodable {
    var dataset: String
    var verdict: ObjectiveReport.Verdict
    var objectives: [ObjectiveReport.Result]
  }

  func run() throws {
    let data = try Dataset(dataset)
    let asked = try self.asked(data)
    guard !asked.isEmpty else {
      throw InconclusiveError(
        dataset,
        "there is no objective to judge it by. Give --slo 'latency.p95 <= 5s', --file, or --scenario with expect."
      )
    }
    // Made before the work, so that an existing file is reported at once.
    try OutputTarget.checkStreams([("--junit", junit)], json: json)
    let junitFile = try junit.map { try OutputTarget.report($0, replace: replace) }
    let progress = ProgressBar("Reading", quiet: quiet)
    let report: ObjectiveReport
    do {
      report = try data.report(on: asked) { progress.show($0) }
    } catch let unknown as UnknownObjective {
      if let place = unknown.place { throw DatasetError(place, unknown.message) }
      throw ValidationError("--slo: \(unknown.message)")
    }
    progress.clear()
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let answer = Answer(dataset: dataset, verdict: report.verdict, objectives: report.objectives)
      Terminal.write(try encoder.encode(answer) + Data("\n".utf8))
    } else if !quiet {
      for line in report.lines() { Terminal.print(line) }
    }
    if let junitFile {
      try junitFile.write(report.junit("workbench expect \(dataset)"))
      try junitFile.close()
    }
    try report.conclude(dataset, isSaid: !json && !quiet)
  }

  /// Every objective, each once.
  private func asked(_ data: Dataset) throws -> [PlacedObjective] {
    var all: [PlacedObjective] = []
    func add(_ asked: PlacedObjective) {
      if !all.contains(where: { $0.objective == asked.objective }) { all.append(asked) }
    }
    for text in slos {
      do {
        for objective in try ServiceObjective.list(text) { add(PlacedObjective(objective)) }
      } catch {
        throw ValidationError("--slo: \(error)")
      }
    }
    if let file {
      for entry in try Expectations(GivenFile.document(file), path: file).entries {
        add(PlacedObjective(entry.objective, place: entry.location.words(path: file)))
      }
    }
    if let scenario {
      try ScenarioDocument.expectations(GivenFile.document(scenario), path: scenario).forEach(add)
    }
    if slos.isEmpty, file == nil, scenario == nil { try data.expectations().forEach(add) }
    return all
  }
}
