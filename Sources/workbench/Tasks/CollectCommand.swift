import ArgumentParser
import Datasets
import Foundation
import Planning
import Runs
import ScenarioModel
import Telemetry

struct CollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collect", abstract: "Puts results of tasks together to what one machine would have given.",
    discussion: """
      Takes results in any order and number: doubles count once. If any is missing or damaged, nothing is written but \
      the list of them, and with --missing a file of the tasks still to be done. A run is put together bit for bit as \
      "workbench run --formats none" writes it; a plan as "workbench plan" does, which collect ends by itself.

      Examples:
        workbench collect tasks.jsonl results -o Outputs/fleet
        workbench collect tasks.jsonl results --missing again.jsonl -o Outputs/fleet
        workbench collect plan-tasks.jsonl results -o Outputs/plan

      Exit status: 0 whole; 1 results are missing or damaged; 65 two results of one task differ; 73 as elsewhere.
      """)

  @Argument(help: "The file of tasks that was emitted.")
  var tasks: String

  @Argument(help: "Results, or directories of them.")
  var results: [String]

  @Option(name: [.short, .customLong("out")], help: "The run or plan directory.")
  var out: String

  @Option(help: "Writes the tasks that are still to be done to this file.")
  var missing: String?

  @Option(help: "Where the inputs lie. (default: WORKBENCH_STORE, or where the tasks say)")
  var store: String?

  @Flag(help: "Puts the run in the place of an earlier one at --out.")
  var replace = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func validate() throws {
    guard !results.isEmpty else { throw ValidationError("name results, or directories of them.") }
  }

  func run() throws {
    let wanted = try TaskList.tasks(tasks)
    let unique = Dictionary(wanted.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    let first = wanted[0]
    guard
      wanted.allSatisfy({
        ($0.run == nil) == (first.run == nil) && $0.program == first.program && $0.seed == first.seed
          && $0.plan?.arguments == first.plan?.arguments
          && ($0.run == nil || $0.scenario == first.scenario && $0.run?.of == first.run?.of)
      })
    else {
      throw DatasetError(tasks, "the tasks are of different runs. Collect each run on its own.")
    }
    try checkWhole(Array(unique.values))
    let found = try gather(unique)
    let lacking = wanted.filter { found[$0.id] == nil }
    if !lacking.isEmpty {
      var seen: Set<String> = []
      let again = lacking.filter { seen.insert($0.id).inserted }
      for task in again.prefix(20) {
        Terminal.diagnose("missing: \(task.id.prefix(12)), \(Self.words(task))")
      }
      if again.count > 20 { Terminal.diagnose("… and \(again.count - 20) more") }
      if let missing {
        let file = try OutputFile(missing)
        for task in again { try file.write(try task.json() + Data("\n".utf8)) }
        _ = try file.close()
      }
      Terminal.diagnose(
        "workbench: error: \(again.count) of \(unique.count) results are missing or damaged; nothing was written."
          + (missing.map { " The tasks still to be done are in \($0)." }
            ?? " --missing FILE writes the tasks still to be done."))
      throw ExitCode(1)
    }
    if first.run != nil {
      try collectRun(
        first,
        unique.values.sorted { ($0.run?.from ?? 0) < ($1.run?.from ?? 0) }.compactMap { found[$0.id]?.path })
    } else {
      try collectPlan(
        first, Array(unique.values),
        unique.values.sorted {
          ($0.plan?.variant ?? 0, $0.plan?.from ?? 0) < ($1.plan?.variant ?? 0, $1.plan?.from ?? 0)
        }
        .compactMap { found[$0.id]?.path })
    }
  }

  private static func words(_ task: SimulationTask) -> String {
    if let run = task.run { return "accounts \(run.from + 1) to \(run.to) of \(run.of)" }
    return task.plan.map { "\($0.name), replications \($0.from) to \($0.to - 1)" } ?? ""
  }

  /// Whether the tasks are all there are: a file of tasks may have been cut.
  private func checkWhole(_ tasks: [SimulationTask]) throws {
    let runs = tasks.compactMap(\.run).sorted { $0.from < $1.from }
    var next = 0
    for run in runs {
      guard run.from == next else { break }
      next = run.to
    }
    if let run = runs.first, next != run.of || runs.last?.to != run.of {
      throw DatasetError(
        self.tasks,
        "the tasks do not cover the accounts: those from \(next + 1) are not there, or twice. Emit them again."
      )
    }
    if let plan = tasks.first?.plan, plan.tasks != tasks.count {
      throw DatasetError(
        self.tasks, "there are \(tasks.count) tasks of a plan that has \(plan.tasks). Use the whole file.")
    }
  }

  /// The sound results, by task.
  private func gather(_ wanted: [String: SimulationTask]) throws -> [String: (path: String, digest: String)] {
    var paths: [String] = []
    for result in results {
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: result, isDirectory: &isDirectory) else {
        throw NotFoundError(result, "there is no such file or directory.")
      }
      if isDirectory.boolValue {
        do {
          paths += try FileManager.default.contentsOfDirectory(atPath: result).sorted()
            .filter { $0.hasSuffix(".result") }.map { "\(result)/\($0)" }
        } catch {
          throw NotFoundError(result, "cannot read the directory: \(error.localizedDescription)")
        }
      } else {
        paths.append(result)
      }
    }
    let progress = ProgressBar("Checking", quiet: quiet)
    defer { progress.clear() }
    var found: [String: (path: String, digest: String)] = [:]
    var foreign = 0
    for (index, path) in paths.enumerated() {
      progress.show(Double(index) / Double(paths.count))
      let result: TaskResult
      do {
        result = try TaskResult(contentsOf: path)
      } catch let damage as DatasetError {
        Terminal.diagnose("damaged: \(damage.description.shown)")
        continue
      }
      let id = result.header.task.id
      guard wanted[id] != nil else {
        foreign += 1
        continue
      }
      if let other = found[id], other.digest != result.digest {
        throw DatasetError(
          path,
          "it differs from \(other.path), a result of the same task. Were they made by the same program? Remove the wrong one."
        )
      }
      found[id] = (path, result.digest)
    }
    if foreign > 0, !quiet {
      Terminal.diagnose("workbench: \(foreign) results are of other tasks; left alone.")
    }
    return found
  }

  private func inputs(_ task: SimulationTask) -> TaskStore {
    TaskStore(
      store ?? ProcessInfo.processInfo.environment["WORKBENCH_STORE"] ?? task.store ?? "Outputs/store")
  }

  /// - Parameter paths: of the results, in the order of accounts.
  private func collectRun(_ first: SimulationTask, _ paths: [String]) throws {
    let inputs = inputs(first)
    let path = try inputs.file(first.scenario)
    let document = try ScenarioInput.document(path, files: try first.files.mapValues { try inputs.file($0) })
    if !replace { try StagedDirectory.requireFree(out, RunCommand.anotherOut) }
    let directory = try RunDirectory(
      out, manifest: .of(document, overrides: first.run?.overrides ?? []),
      existing: replace ? .runReplaced : .refused)
    var tables = TelemetryTables()
    var requests: Int64 = 0
    let progress = ProgressBar("Collecting", quiet: quiet)
    for (place, path) in paths.enumerated() {
      progress.show(Double(place) / Double(paths.count))
      let result = try TaskResult(contentsOf: path)
      let expected = try expectedFiles(of: result.header.task, document.scenario, path)
      let tableFiles = try ScratchDirectory()
      try result.visit { name, data in
        switch expected[name] {
        case .table(let file): try tableFiles.write(data, as: file)
        case .figures: try directory.write(data, as: name)
        case nil:
          throw DatasetError(
            path, "the result has a file that no task of these accounts makes: \(name). Do the task again.")
        }
      }
      tables.append(try TelemetryTables(try DatasetLocation(tableFiles.path)))
      try tables.checkSpellings(path)
      requests += result.header.requests
      for (account, count) in result.header.notDeployed { directory.manifest.notDeployed[account] = count }
    }
    tables.sort()
    try directory.writeSmallTables(tables)
    directory.count(tables, requests: requests)
    try directory.write(document.textAsRun.utf8, as: "scenario.yaml")
    try directory.finish()
    progress.clear()
    if !quiet {
      Terminal.print(
        "\(out): \(Figure.count(Int(requests))) requests of \(document.scenario.accounts.count) accounts, from \(paths.count) results. Next: workbench serve '\(out)'"
      )
    }
  }

  private enum ExpectedFile {
    case table(String)
    case figures
  }

  /// What the result of a task may hold: nothing but its own accounts' figures, and the small tables.
  private func expectedFiles(
    of task: SimulationTask, _ scenario: Scenario, _ path: String
  ) throws -> [String: ExpectedFile] {
    var expected: [String: ExpectedFile] = [:]
    for table in TelemetryTables().namedRows {
      expected["telemetry/\(table.name).csv"] = .table("\(table.name).csv")
    }
    guard let run = task.run, 0 <= run.from, run.from < run.to, run.to <= scenario.accounts.count else {
      throw DatasetError(path, "the result is of accounts that the scenario has not. Emit the tasks again.")
    }
    for account in scenario.accounts[run.from..<run.to] {
      for file in ScenarioRun.figureFiles(of: account) { expected[file] = .figures }
    }
    return expected
  }

  /// Hands the replications, and the scenarios they are of, to the plan's own command, which simulates nothing more.
  private func collectPlan(_ first: SimulationTask, _ tasks: [SimulationTask], _ paths: [String]) throws {
    let arguments = first.plan?.arguments ?? []
    guard var plan = try Workbench.parseAsRoot(arguments) as? PlanCommand else {
      throw DatasetError(self.tasks, "the tasks are of no plan that this program knows.")
    }
    guard !FileManager.default.fileExists(atPath: out) else {
      throw OutputError(out, "it exists already. Give another --out.")
    }
    let inputs = inputs(first)
    var entries: [Int: CollectedPlan.Entry] = [:]
    for task in tasks {
      guard let part = task.plan, entries[part.variant] == nil else { continue }
      entries[part.variant] = .init(
        name: part.name, path: try inputs.file(task.scenario),
        files: try task.files.mapValues { try inputs.file($0) })
    }
    var collected = CollectedPlan(tasks: self.tasks, entries: [], lines: [])
    collected.entries = try entries.keys.sorted().enumerated().map { place, number in
      guard place == number, let entry = entries[number] else {
        throw DatasetError(self.tasks, "the tasks of variant \(place) are not there. Use the whole file.")
      }
      return entry
    }
    for path in paths {
      try TaskResult(contentsOf: path).visit { name, data in
        if name == "replications.jsonl" { collected.lines.append(data) }
      }
    }
    plan.out = out
    plan.quiet = quiet
    try plan.run(words: arguments, collected: collected)
  }
}
