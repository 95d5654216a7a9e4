import ArgumentParser
import Datasets
import Foundation
import Planning
import Runs
import Telemetry

struct TaskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "task", abstract: "Carries out one task of a run or a plan, on any machine.",
    discussion: """
      Reads a task from standard input, or one line of a file of tasks, and writes its result to standard \
      output, or under its id in a directory of results, where an existing undamaged result is kept. The \
      same task gives the same bytes wherever and however often it is done. Nothing appears under a final \
      name before it is whole.

      Examples:
        workbench run fleet.yaml --emit-tasks > tasks.jsonl
        head -1 tasks.jsonl | workbench task > one.result
        workbench task --tasks tasks.jsonl --index "$SLURM_ARRAY_TASK_ID" \\
          --results results
        workbench collect tasks.jsonl results -o Outputs/fleet

      Exit status: 0 done; 65 not a task, or a damaged input; 66 an input is not in the store; 73 the result \
      cannot be written.
      """)

  @Option(help: "A file of tasks, one per line, instead of standard input.")
  var tasks: String?

  @Option(help: "The index of the task in that file, from 0.")
  var index: Int?

  @Option(help: "The directory that the result goes to, as ID.result.")
  var results: String?

  @Option(help: "Where the inputs are. (default: WORKBENCH_STORE, or where the task says)")
  var store: String?

  @Option(help: "Threads for a run's accounts; a plan's replications are simulated one after the other.")
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
    } catch let problem as SimulationTask.InvalidTask {
      throw DatasetError(name, line: number, problem.message)
    }
  }

  func run() throws {
    let task = try read()
    guard task.program == Program.nameAndVersion else {
      throw DatasetError(
        "task \(task.id.prefix(12))",
        "it was made by \(task.program); this is \(Program.nameAndVersion), which may give other bytes. Use the same program everywhere."
      )
    }
    var target: String?
    if let results {
      let path = "\(results)/\(task.id).result"
      // A damaged result is computed again.
      if let known = try? TaskResult(contentsOf: path), known.header.task.id == task.id { return }
      target = path
    }
    let inputs = TaskStore.of(task, given: store)
    let scratch = try ScratchDirectory()
    let (header, files) = try carryOut(task, inputs, scratch)
    // Another machine may do the same task, and gives the same bytes: the last one replaces the other's.
    let output =
      try target.map { try OutputFile($0, existing: .replaced, makesFolder: true) } ?? .standardOutput()
    try TaskResult.write(header, files, to: output)
    try output.close()
  }

  private func carryOut(
    _ task: SimulationTask, _ inputs: TaskStore, _ scratch: ScratchDirectory
  ) throws -> (TaskResult.Header, files: [String]) {
    let bundle = try ScenarioBundle(
      try inputs.file(task.scenario), files: try task.files.mapValues { try inputs.file($0) })
    for note in bundle.notes { Terminal.diagnose(note) }
    if let run = task.run {
      return try RunTasks.carryOut(run, of: task, bundle, threads: threads, in: scratch)
    }
    guard let plan = task.plan else {
      throw DatasetError("task \(task.id.prefix(12))", "the task is neither of a run nor of a plan.")
    }
    return try PlanTasks.carryOut(plan, of: task, bundle, in: scratch)
  }
}
