import ArgumentParser
import Datasets
import Foundation
import Planning
import Runs
import ScenarioModel
import Telemetry

struct CollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collect",
    abstract: "Combines results of tasks into the output that one machine would have given.",
    discussion: """
      Takes results in any order; duplicates count once. If any are missing or damaged, nothing is written but \
      a list of them and, with --missing, a file of the tasks still to be done. A run is, bit for bit, what \
      "workbench run --formats none" writes; a plan is what "workbench plan" writes, and collect finishes it.

      Examples:
        workbench collect tasks.jsonl results -o Outputs/fleet
        workbench collect tasks.jsonl results --missing again.jsonl -o Outputs/fleet
        workbench collect plan-tasks.jsonl results -o Outputs/plan

      Exit status: 0 complete; 1 results are missing or damaged; 65 two results of one task differ; 73 as elsewhere.
      """)

  @Argument(help: "The file of emitted tasks.")
  var tasks: String

  @Argument(help: "Results, or directories of them.")
  var results: [String]

  @Option(name: .shortAndLong, help: "The run or plan directory.")
  var output: String

  @Option(help: "Writes the tasks that are still to be done to this file.")
  var missing: String?

  @Option(help: "Where the inputs are. (default: WORKBENCH_STORE, or where the tasks say)")
  var store: String?

  @Flag(help: "Replaces an earlier run or plan at --output, and a file at --missing.")
  var replace = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func validate() throws {
    guard !results.isEmpty else { throw ValidationError("name results, or directories of them.") }
  }

  func run() throws {
    let wanted = try TaskList.tasks(tasks)
    try TaskList.checkWhole(wanted, tasks)
    var seen: Set<String> = []
    let unique = wanted.filter { seen.insert($0.id).inserted }
    let progress = ProgressBar("Checking", quiet: quiet)
    let found = try TaskResults(in: results, of: seen) { progress.show($0) }
    progress.clear()
    for damage in found.damaged { Terminal.diagnose("damaged: \(damage.description.shown)") }
    if found.foreign > 0, !quiet {
      Terminal.diagnose("workbench: \(found.foreign) results belong to other tasks; ignored.")
    }
    let lacking = unique.filter { found.paths[$0.id] == nil }
    if !lacking.isEmpty {
      try tell(lacking, of: unique.count)
      throw ExitCode(1)
    }
    let first = unique[0]
    let inputs = TaskStore.of(first, given: store)
    if first.run != nil {
      let ordered = unique.sorted { ($0.run?.from ?? 0) < ($1.run?.from ?? 0) }
      try collectRun(first, ordered.compactMap { found.paths[$0.id] }, inputs)
    } else if let plan = first.plan {
      let ordered = unique.sorted {
        ($0.plan?.variant ?? 0, $0.plan?.from ?? 0) < ($1.plan?.variant ?? 0, $1.plan?.from ?? 0)
      }
      if !replace { try OutputTarget.requireFree(output) }
      let run = try PlanTasks.collect(
        plan.plan, ordered.compactMap { found.paths[$0.id] }, from: inputs, place: tasks)
      try PlanOutcome.finish(
        run, into: output, existing: OutputTarget.existing(replace: replace), json: false, quiet: quiet)
    }
  }

  /// Says which results are missing, and writes their tasks where that is asked for.
  private func tell(_ lacking: [SimulationTask], of count: Int) throws {
    for task in lacking.prefix(20) {
      Terminal.diagnose("missing: \(task.id.prefix(12)), \(Self.words(task).shown)")
    }
    if lacking.count > 20 { Terminal.diagnose("… and \(lacking.count - 20) more") }
    if let missing {
      let file = try OutputTarget.file(missing, replace: replace)
      for task in lacking { try file.write(try task.json() + Data("\n".utf8)) }
      _ = try file.close()
    }
    Terminal.diagnose(
      "workbench: error: \(lacking.count) of \(count) results are missing or damaged; nothing was written."
        + (missing.map { " The tasks still to be done are in \($0)." }
          ?? " --missing FILE writes the tasks still to be done."))
  }

  private static func words(_ task: SimulationTask) -> String {
    if let run = task.run { return "accounts \(run.from + 1) to \(run.to) of \(run.of)" }
    return task.plan.map { "\($0.name), replications \($0.from) to \($0.to - 1)" } ?? ""
  }

  /// - Parameter paths: of the results, in the order of accounts.
  private func collectRun(_ first: SimulationTask, _ paths: [String], _ inputs: TaskStore) throws {
    let bundle = try ScenarioBundle(
      try inputs.file(first.scenario), files: try first.files.mapValues { try inputs.file($0) })
    if !replace { try OutputTarget.requireFree(output) }
    var manifest = bundle.manifest(program: first.program)
    manifest.scenario?.overrides = first.run?.overrides ?? []
    let directory = try RunDirectory(
      output, manifest: manifest, existing: OutputTarget.existing(replace: replace))
    let progress = ProgressBar("Collecting", quiet: quiet)
    let requests = try RunTasks.collect(paths, bundle, into: directory) { progress.show($0) }
    progress.clear()
    if !quiet {
      Terminal.print(
        "\(output.shown): \(Figure.count(Int(requests))) requests of \(bundle.scenario.accounts.count) accounts, from \(paths.count) results. Next: workbench serve \(ShellText.quoted(output))"
      )
    }
    if !bundle.scenario.expectations.isEmpty {
      throw InconclusiveError(
        output,
        "the scenario's objectives (expect) were not judged: results of tasks have figures and rollups, not every request. Judge a run that is made on one machine."
      )
    }
  }
}

extension TaskStore {
  /// Where the inputs of a task lie on this machine: as given, or as the environment or the task says.
  static func of(_ task: SimulationTask, given: String?) -> TaskStore {
    TaskStore(
      given ?? ProcessInfo.processInfo.environment["WORKBENCH_STORE"] ?? task.store ?? "Outputs/store")
  }
}
