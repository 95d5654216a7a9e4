import ArgumentParser
import Datasets
import Foundation
import Planning
import Runs
import ScenarioModel
import Simulation

struct TaskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "task", abstract: "Does one task of a run or a plan, on any machine.",
    discussion: """
      Reads a task from standard input, or one line of a file of tasks, and writes its result to standard output, or \
      under its id into a directory of results, where a sound result that is there already is left as it is. The same \
      task gives the same bytes wherever and however often it is done. Nothing appears under a final name before it is \
      whole.

      Examples:
        workbench run fleet.yaml --emit-tasks > tasks.jsonl
        head -1 tasks.jsonl | workbench task > one.result
        workbench task --tasks tasks.jsonl --index "$SLURM_ARRAY_TASK_ID" --results results
        workbench collect tasks.jsonl results -o Outputs/fleet

      Exit status: 0 done; 65 not a task, or a damaged input; 66 an input is not in the store; 73 the result cannot be \
      written.
      """)

  @Option(help: "A file of tasks, one a line, instead of standard input.")
  var tasks: String?

  @Option(help: "Which of them, from 0.")
  var index: Int?

  @Option(help: "The directory that the result goes to, as ID.result.")
  var results: String?

  @Option(help: "Where the inputs lie. (default: WORKBENCH_STORE, or where the task says)")
  var store: String?

  @Option(help: "Threads for a run's accounts; a plan's replications come one after the other.")
  var threads = 1

  func validate() throws {
    guard (1...1024).contains(threads) else {
      throw ValidationError("--threads \(threads) must lie in 1…1024.")
    }
    guard (tasks == nil) == (index == nil) else {
      throw ValidationError("--tasks FILE and --index N go together: the N-th line of the file, from 0.")
    }
  }

  private func read() throws -> SimulationTask {
    let name: String
    let line: Data
    var number: Int?
    if let tasks, let index {
      let lines = try TaskList.lines(tasks)
      guard lines.indices.contains(index) else {
        throw NotFoundError(tasks, "there is no task \(index): the file has \(lines.count), from 0.")
      }
      (name, line, number) = (tasks, lines[index].line, lines[index].number)
    } else {
      name = "standard input"
      // The first line; more than any task has.
      var text = Data()
      while text.count < 64 << 20, !text.contains(0x0a),
        let more = try FileHandle.standardInput.read(upToCount: 1 << 16),
        !more.isEmpty
      { text += more }
      line = text.prefix { $0 != 0x0a }
    }
    do {
      return try SimulationTask(line: line)
    } catch let problem as SimulationTask.Problem {
      throw DatasetError(name, line: number, problem.message)
    }
  }

  func run() throws {
    let task = try read()
    guard task.program == "workbench \(Workbench.programVersion)" else {
      throw DatasetError(
        "task \(task.id.prefix(12))",
        "it is of \(task.program); this is workbench \(Workbench.programVersion), which may give other bytes. Use the same program everywhere."
      )
    }
    var target: String?
    if let results {
      let path = "\(results)/\(task.id).result"
      // What is damaged is done anew.
      if let known = try? TaskResult(contentsOf: path), known.header.task.id == task.id { return }
      target = path
    }
    let inputs = TaskStore(
      store ?? ProcessInfo.processInfo.environment["WORKBENCH_STORE"] ?? task.store ?? "Outputs/store")
    let scratch = try ScratchDirectory()
    let (header, files) = try carryOut(task, inputs, scratch)
    // Another machine may do the same task, and gives the same bytes: whoever is last replaces the other's.
    let output =
      try target.map { try OutputFile($0, existing: .replaced, makesFolder: true) } ?? .standardOutput()
    try TaskResult.write(header, files, to: output)
    try output.close()
  }

  private func carryOut(
    _ task: SimulationTask, _ inputs: TaskStore, _ scratch: ScratchDirectory
  ) throws -> (TaskResult.Header, [String]) {
    let path = try inputs.file(task.scenario)
    let named = try task.files.mapValues { try inputs.file($0) }
    let document = try ScenarioInput.document(path, files: named)
    let traces = try ScenarioInput.traces(document.scenario, scenarioPath: path, files: named)
    if let run = task.run { return try carryOut(run, of: task, document, traces, scratch) }
    guard let plan = task.plan else {
      throw DatasetError(path, "the task is neither of a run nor of a plan.")
    }
    let variant = Variant(name: plan.name, overrides: [], scenario: document.scenario, traces: traces)
    let key = PlanCommand.key(
      warmUp: plan.warmUp, text: document.textAsRun, files: task.files.mapValues { String($0.prefix(64)) })
    var lines = Data()
    var requests: Int64 = 0
    for replication in plan.from..<plan.to {
      let record = try variant.replicate(replication, warmUp: plan.warmUp)
      requests += record.requests
      lines += try PlanJournal.line(key: key, replication: replication, record)
    }
    let file = try scratch.write(lines, as: "replications.jsonl")
    return (
      .init(task: task, files: [.init(name: "replications.jsonl", bytes: lines.count)], requests: requests),
      [file]
    )
  }

  private func carryOut(
    _ run: SimulationTask.Run, of task: SimulationTask, _ document: ScenarioDocument,
    _ traces: [TraceSource.Selection: [TraceRequest]], _ scratch: ScratchDirectory
  ) throws -> (TaskResult.Header, [String]) {
    let scenario = document.scenario
    guard run.of == scenario.accounts.count, 0 <= run.from, run.from < run.to, run.to <= run.of else {
      throw DatasetError(
        "task \(task.id.prefix(12))", "it is of accounts that the scenario has not. Emit the tasks again.")
    }
    let directory = try RunDirectory(
      "\(scratch.path)/run", manifest: .of(document, overrides: run.overrides), isDurable: false)
    let outcome = try ScenarioRun(
      ScenarioSimulation(scenario, traces: traces, accounts: run.from..<run.to), maxPoints: run.maxPoints,
      threads: threads
    ).run(into: directory, formats: []) { _ in }
    try directory.finish()
    let names = directory.manifest.files.keys.sorted()
    let files = names.map { "\(directory.finalPath)/\($0)" }
    let entries = try zip(names, files).map { name, file in
      TaskResult.Entry(
        name: name, bytes: try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0)
    }
    return (
      .init(
        task: task, files: entries, requests: outcome.requests,
        notDeployed: directory.manifest.notDeployed), files
    )
  }
}

extension Manifest {
  /// Of a run of this program.
  static func of(_ document: ScenarioDocument, overrides: [String]) -> Manifest {
    let scenario = document.scenario
    return Manifest(
      program: "workbench \(Workbench.programVersion)",
      scenario: .init(name: scenario.name, text: document.textAsRun, overrides: overrides),
      seed: scenario.seed, period: .init(from: scenario.from, to: scenario.to))
  }
}
