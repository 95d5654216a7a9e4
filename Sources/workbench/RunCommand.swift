import Aggregation
import ArgumentParser
import Datasets
import Foundation
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
      "Of the data set, separated by commas: \(DatasetFormat.all.map(\.description).joined(separator: ", ")), none."
  )
  var formats = "csv"

  @Option(name: .customLong("set"), help: "Overrides a value of the scenario: PATH=VALUE. May be repeated.")
  var overrides: [String] = []

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
    if replace, out == nil {
      throw ValidationError("--replace needs --out: say which run is to be replaced.")
    }
  }

  private func datasetFormats() throws -> [DatasetFormat] {
    formats == "none" ? [] : try DatasetFormat.list(formats, or: ", none")
  }

  func run() throws {
    let formats = try datasetFormats()
    let seedOverride = seed.map { ["seed=\($0)"] } ?? []
    let document = try ScenarioInput.document(scenario, overrides: overrides + seedOverride)
    let traces = try ScenarioInput.traces(document.scenario, scenarioPath: scenario)
    let simulated = document.scenario
    let manifest = Manifest(
      program: "workbench \(Workbench.programVersion)",
      scenario: .init(name: simulated.name, text: document.textAsRun, overrides: overrides + seedOverride),
      seed: simulated.seed, period: .init(from: simulated.from, to: simulated.to))
    let directory = try RunDirectory(
      out ?? OutputName.free(simulated.name), manifest: manifest, replaces: replace)
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
