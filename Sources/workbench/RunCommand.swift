import Aggregation
import ArgumentParser
import Datasets
import Foundation
import Runs
import ScenarioModel
import Simulation
import Telemetry

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Simulates a scenario: data set, dashboard figures, summary.",
    discussion: """
      Writes a run directory: manifest.json, scenario.yaml as run, telemetry/ in each format, and dashboard/ with \
      the figures for every account, kind of model and preset period. It appears whole or not at all, and never in \
      the place of another unless --replace says so. The same scenario, seed and program version give the same \
      bytes, on any number of threads.

      Examples:
        workbench run Scenarios/steady.yaml
        workbench run month.yaml --seed 7 --out Outputs/month-7 --formats csv.zst,ndjson
        workbench run month.yaml --set account.subscription.maxReplicas=4 --formats none
      """)

  @Argument(help: "The scenario file.")
  var scenario: String

  @Option(help: "Instead of the scenario's own seed.")
  var seed: UInt64?

  @Option(
    name: [.short, .customLong("out")],
    help: "The run directory. (default: Outputs/NAME, with the next free number)")
  var out: String?

  @Option(help: "Threads for accounts that run side by side. (default: all cores)")
  var threads: Int?

  @Option(
    help:
      "Of the data set, separated by commas: \(DatasetFormat.all.map(\.description).joined(separator: ", ")), none. (default: csv)"
  )
  var formats: String?

  @Option(name: .customLong("set"), help: "Overrides a value of the scenario: PATH=VALUE. May be repeated.")
  var overrides: [String] = []

  @OptionGroup(title: "Other machines")
  var tasks: TaskOptions

  @Option(help: "Most points of a latency graph with one point a request.")
  var maxPoints = 5000

  @Flag(help: "Puts the run in the place of an earlier one at --out.")
  var replace = false

  @Flag(help: "Prints the summary as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads) must lie in 1…1024.")
    }
    guard (2...1_000_000).contains(maxPoints) else {
      throw ValidationError("--max-points \(maxPoints) must lie in 2…1000000.")
    }
    _ = try datasetFormats()
    if tasks.isEmitting, formats ?? "none" != "none" {
      throw ValidationError(
        "--emit-tasks goes with --formats none: results of tasks are figures and rollups, not every request.")
    }
    if replace, out == nil {
      throw ValidationError("--replace needs --out: say which run is to be replaced.")
    }
  }

  private func datasetFormats() throws -> [DatasetFormat] {
    formats == "none" ? [] : try DatasetFormat.list(formats ?? "csv", or: ", none")
  }

  /// Prints the run's tasks: some accounts each.
  private func emitTasks(
    _ document: ScenarioDocument, _ simulation: ScenarioSimulation, _ overrides: [String]
  ) throws {
    let store = TaskStore(tasks.absoluteStore)
    let text = try store.add(Data(document.textAsRun.utf8), extension: ".yaml")
    let files = try ScenarioInput.files(of: document.scenario, scenarioPath: scenario).mapValues {
      try store.add(contentsOf: $0)
    }
    let count = document.scenario.accounts.count
    var from = 0
    while from < count {
      var to = from + 1
      var requests = simulation.expectedRequests(ofAccount: from)
      while to < count {
        requests += simulation.expectedRequests(ofAccount: to)
        if requests > Double(tasks.requestsPerTask) { break }
        to += 1
      }
      var task = SimulationTask(
        program: "workbench \(Workbench.programVersion)", scenario: text, files: files,
        seed: document.scenario.seed, store: store.path)
      task.run = .init(from: from, to: to, of: count, maxPoints: maxPoints, overrides: overrides)
      Terminal.write(try task.named().json() + Data("\n".utf8))
      from = to
    }
  }

  static let anotherOut = "Give another --out, or --replace to put the new run in its place."

  func run() throws {
    let formats = try datasetFormats()
    let seedOverride = seed.map { ["seed=\($0)"] } ?? []
    let document = try ScenarioInput.document(scenario, overrides: overrides + seedOverride)
    let traces = try ScenarioInput.traces(document.scenario, scenarioPath: scenario)
    let simulated = document.scenario
    let manifest = Manifest.of(document, overrides: overrides + seedOverride)
    if tasks.isEmitting {
      try emitTasks(document, ScenarioSimulation(simulated, traces: traces), overrides + seedOverride)
      return
    }
    if let out, !replace { try StagedDirectory.requireFree(out, Self.anotherOut) }
    let directory = try RunDirectory(
      out ?? OutputName.free(simulated.name), manifest: manifest,
      existing: replace ? .runReplaced : out == nil ? .numbered : .refused)
    let progress = ProgressBar("Simulating", quiet: quiet)
    let run = ScenarioRun(
      ScenarioSimulation(simulated, traces: traces), maxPoints: maxPoints,
      threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    let outcome = try run.run(into: directory, formats: formats) { progress.show($0) }
    progress.clear()
    try directory.write(document.textAsRun.utf8, as: "scenario.yaml")
    try directory.finish()
    if json {
      Terminal.write(try RunSummary(outcome, simulated, path: directory.finalPath).json())
    } else if !quiet {
      Terminal.print(RunSummary(outcome, simulated, path: directory.finalPath).text())
    }
  }
}
