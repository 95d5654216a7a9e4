import Datasets
import Foundation
import ScenarioModel
import Simulation
import Telemetry

/// A run divided into tasks of some accounts each.
package enum RunTasks {
  /// The tasks of a run, whose inputs are put into the store.
  /// - Parameters:
  ///   - requestsPerTask: about this many each; an account is not divided.
  ///   - maxPoints: of a latency graph with one point per request.
  /// - Throws: what cannot be read of the scenario's files, or written to the store.
  package static func make(
    _ bundle: ScenarioBundle, program: String, store: TaskStore, requestsPerTask: Int, maxPoints: Int
  ) throws -> [SimulationTask] {
    let simulation = bundle.simulation()
    let text = try store.add(Data(bundle.document.textAsRun.utf8), extension: ".yaml")
    let files = try bundle.files.mapValues { try store.add(contentsOf: $0) }
    let count = bundle.scenario.accounts.count
    var tasks: [SimulationTask] = []
    var from = 0
    while from < count {
      var to = from + 1
      var requests = simulation.expectedRequests(ofAccount: from)
      while to < count {
        requests += simulation.expectedRequests(ofAccount: to)
        if requests > Double(requestsPerTask) { break }
        to += 1
      }
      var task = SimulationTask(
        program: program, scenario: text, files: files, seed: bundle.scenario.seed, store: store.path)
      task.run = .init(from: from, to: to, of: count, maxPoints: maxPoints, overrides: bundle.overrides)
      tasks.append(try task.named())
      from = to
    }
    return tasks
  }

  /// Does a task.
  /// - Parameters:
  ///   - bundle: the task's scenario, from the store.
  ///   - scratch: where its files lie until they are taken.
  /// - Returns: what its result says, and the files that belong to it.
  /// - Throws: `DatasetError` for a task that is not of this scenario; what a run throws.
  package static func carryOut(
    _ run: SimulationTask.Run, of task: SimulationTask, _ bundle: ScenarioBundle, threads: Int,
    in scratch: ScratchDirectory
  ) throws -> (TaskResult.Header, files: [String]) {
    guard run.of == bundle.scenario.accounts.count, 0 <= run.from, run.from < run.to, run.to <= run.of
    else {
      throw DatasetError(
        "task \(task.id.prefix(12))",
        "it covers accounts that the scenario does not have. Emit the tasks again.")
    }
    var manifest = bundle.manifest(program: task.program)
    manifest.scenario?.overrides = run.overrides
    let directory = try RunDirectory("\(scratch.path)/run", manifest: manifest, isDurable: false)
    var recorder = RunRecorder()
    recorder.maxPoints = run.maxPoints
    recorder.threads = threads
    recorder.hasScenario = false
    let recorded = try recorder.record(bundle.simulation(accounts: run.from..<run.to), into: directory)
    let names = directory.manifest.files.keys.sorted()
    let files = names.map { "\(directory.finalPath)/\($0)" }
    let entries = try zip(names, files).map { name, file in
      TaskResult.Entry(
        name: name, bytes: try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0)
    }
    return (
      .init(
        task: task, files: entries, requests: recorded.requests,
        notDeployed: directory.manifest.notDeployed), files
    )
  }

  /// Combines the results of tasks, which together have every account once, into a run.
  /// - Parameters:
  ///   - bundle: the scenario, from the store.
  ///   - results: paths, in the order of accounts.
  ///   - progress: called with the share in [0, 1].
  /// - Returns: how many requests the run has.
  /// - Throws: `DatasetError` for a damaged result, or one with files that no task of its accounts makes.
  package static func collect(
    _ results: [String], _ bundle: ScenarioBundle, into directory: RunDirectory,
    progress: (Double) -> Void = { _ in }
  ) throws -> Int64 {
    var tables = TelemetryTables()
    var requests: Int64 = 0
    for (place, path) in results.enumerated() {
      progress(Double(place) / Double(results.count))
      let result = try TaskResult(contentsOf: path)
      let expected = try expectedFiles(of: result.header.task, bundle.scenario, path)
      let tableFiles = try ScratchDirectory()
      try result.visit { name, data in
        switch expected[name] {
        case .table(let file): try tableFiles.write(data, as: file)
        case .figures: try directory.write(data, as: name)
        case nil:
          throw DatasetError(
            path, "the result has a file that no task of these accounts writes: \(name). Do the task again.")
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
    try RunRecorder().finish(directory)
    return requests
  }

  private enum ExpectedFile {
    case table(String)
    case figures
  }

  /// What the result of a task may hold: nothing but its own accounts' figures, and the small tables.
  private static func expectedFiles(
    of task: SimulationTask, _ scenario: Scenario, _ path: String
  ) throws -> [String: ExpectedFile] {
    var expected: [String: ExpectedFile] = [:]
    for table in TelemetryTables().namedRows {
      expected["telemetry/\(table.name).csv"] = .table("\(table.name).csv")
    }
    guard let run = task.run, 0 <= run.from, run.from < run.to, run.to <= scenario.accounts.count else {
      throw DatasetError(
        path, "the result covers accounts that the scenario does not have. Emit the tasks again.")
    }
    for account in scenario.accounts[run.from..<run.to] {
      let kinds = Set(account.models.map(\.kind))
      for file in RunRecorder.figureFiles(of: account.name, kinds: kinds) { expected[file] = .figures }
    }
    return expected
  }
}
