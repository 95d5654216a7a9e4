import Aggregation
import ArgumentParser
import Datasets
import Foundation
import Planning
import Runs
import ScenarioModel
import Telemetry

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Simulates a scenario: data set, dashboard figures, summary.",
    discussion: """
      Writes a run directory: manifest.json, scenario.yaml as run, telemetry/ in each format, and dashboard/ \
      with the figures for every account, kind of model and preset period. It appears whole or not at all, \
      and never replaces another run unless --replace is given. The same scenario, seed and program version \
      give the same bytes, on any number of threads.

      --replications N simulates it with its own seed and those that follow, and prints the mean of each \
      figure, the half width of its 95 % interval, and the smallest and the largest value. Data sets are \
      written only to --output, a run for each seed.

      If the scenario has objectives (expect:), the run is a test: it is whole in any case, and the summary \
      says of each objective whether it was kept, and where and when it was furthest beyond its bound.

      Exit status: 0 done; 1 an objective of the scenario was broken; 2 inconclusive: one could not be judged; \
      64, 65, 66 as elsewhere.

      Examples:
        workbench run Scenarios/steady.yaml
        workbench run month.yaml --seed 7 -o Outputs/month-7 --formats csv.zst
        workbench run month.yaml --set account.subscription.maxReplicas=4
        workbench run month.yaml --junit objectives.xml
        workbench run month.yaml --replications 20
        generate-scenario | workbench run - -o Outputs/generated
      """)

  @Argument(help: "The scenario file.")
  var scenario: String

  @Option(help: "Instead of the scenario's own seed.")
  var seed: UInt64?

  @Option(help: "How many seeds: a table of the figures over all of them instead of one run.")
  var replications: Int?

  @Option(
    name: .shortAndLong, help: "The run directory. (default: Outputs/NAME, with the next free number)")
  var output: String?

  @Option(help: "Threads, for accounts and models that run in parallel. (default: all cores)")
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

  @Option(help: "Most points of a latency graph with one point per request.")
  var maxPoints = 5000

  @Flag(help: "Replaces an earlier run at --output, and a file at --junit.")
  var replace = false

  @Option(help: "A file for a JUnit report of the scenario's objectives: a test case for each.")
  var junit: String?

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
        "--emit-tasks needs --formats none: results of tasks are figures and rollups, not every request.")
    }
    if replace, output == nil {
      throw ValidationError("--replace needs --output: say which run is to be replaced.")
    }
    if let replications {
      guard (2...100_000).contains(replications) else {
        throw ValidationError("--replications \(replications) must lie in 2…100000.")
      }
      if tasks.isEmitting {
        throw ValidationError(
          "--emit-tasks and --replications cannot be given together: \"workbench plan --replications N --emit-tasks\" divides replications into tasks."
        )
      }
      if junit != nil {
        throw ValidationError(
          "--junit reports on one run, and --replications makes several. \"workbench plan --slo\" judges replications."
        )
      }
    }
    try OutputTarget.checkStreams([("--junit", junit)], json: json)
  }

  private func datasetFormats() throws -> [DatasetFormat] {
    formats == "none" ? [] : try DatasetFormat.list(formats ?? "csv", or: ["none"])
  }

  func run() throws {
    let bundle = try ScenarioBundle(scenario, overrides: overrides + (seed.map { ["seed=\($0)"] } ?? []))
    for note in bundle.notes { Terminal.diagnose(note) }
    if tasks.isEmitting {
      if !bundle.scenario.expectations.isEmpty {
        Terminal.diagnose(
          "\(scenario.shown): note: its objectives (expect) will not be judged: results of tasks have figures and rollups, not every request."
        )
      }
      let made = try RunTasks.make(
        bundle, program: Program.nameAndVersion, store: TaskStore(tasks.absoluteStore),
        requestsPerTask: tasks.requestsPerTask, maxPoints: maxPoints)
      for task in made { Terminal.write(try task.json() + Data("\n".utf8)) }
      return
    }
    if let output, !replace { try OutputTarget.requireFree(output) }
    if let replications {
      try replicate(bundle, replications)
      return
    }
    let directory = try RunDirectory(
      output ?? OutputName.free(bundle.scenario.name),
      manifest: bundle.manifest(program: Program.nameAndVersion),
      existing: output == nil ? .numbered : OutputTarget.existing(replace: replace))
    guard junit == nil || !bundle.scenario.expectations.isEmpty else {
      throw ValidationError(
        "--junit reports on objectives, and the scenario has none. Give it expect: [ … ].")
    }
    // Made before the work, so that an existing file is reported at once.
    let junitFile = try junit.map { try OutputTarget.report($0, replace: replace) }
    var recorder = try recorder()
    recorder.objectives = bundle.scenario.expectations
    let progress = ProgressBar("Simulating", quiet: quiet)
    let run = try recorder.record(bundle.simulation(), into: directory) { progress.show($0) }
    progress.clear()
    let summary = RunSummary(run, bundle.scenario, path: directory.finalPath)
    if json {
      Terminal.write(try summary.json())
    } else if !quiet {
      Terminal.print(summary.text())
    }
    guard let report = run.objectives else { return }
    if let junitFile {
      try junitFile.write(report.junit("workbench run \(scenario)"))
      try junitFile.close()
    }
    try report.conclude(scenario, isSaid: !json && !quiet)
  }

  private func recorder() throws -> RunRecorder {
    var recorder = RunRecorder()
    recorder.formats = try datasetFormats()
    recorder.maxPoints = maxPoints
    if let threads { recorder.threads = threads }
    return recorder
  }

  /// Several seeds: a table, and their runs where a directory is given.
  private func replicate(_ bundle: ScenarioBundle, _ count: Int) throws {
    guard bundle.scenario.seed <= UInt64(Int.max) - UInt64(count) else {
      throw ValidationError("seed \(bundle.scenario.seed) has no \(count) successors. Give a smaller --seed.")
    }
    if !bundle.scenario.expectations.isEmpty {
      Terminal.diagnose(
        "\(scenario.shown): note: its objectives (expect) are not judged over replications. \"workbench plan --slo\" does that."
      )
    }
    let progress = ProgressBar("Replicating", quiet: quiet)
    let result = try SeedReplications(
      bundle, count: count, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount
    ) { progress.show($0) }
    progress.clear()
    let replications = RunReplications(path: scenario, overrides: overrides, result: result)
    var runs: [String] = []
    if let output {
      let writing = ProgressBar("Writing runs", quiet: quiet)
      runs = try replications.write(
        into: output, existing: OutputTarget.existing(replace: replace), sharing: bundle,
        recorder: try recorder()
      ) { writing.show($0) }
      writing.clear()
    }
    if json {
      Terminal.write(try replications.json(runs: runs))
    } else if !quiet {
      Terminal.print(replications.text(directory: output))
    }
  }
}
