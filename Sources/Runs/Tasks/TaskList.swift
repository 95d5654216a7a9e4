import Datasets
import Foundation

/// A file of tasks.
package enum TaskList {
  /// Lines that are not empty, with their numbers from 1.
  package static func lines(_ path: String) throws -> [(number: Int, line: Data)] {
    let data = try GivenFile.contents(path)
    return data.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated().compactMap {
      $1.isEmpty ? nil : ($0 + 1, Data($1))
    }
  }

  /// - Throws: `DatasetError`, naming the line.
  package static func tasks(_ path: String) throws -> [SimulationTask] {
    let tasks = try lines(path).map { number, line in
      do {
        return try SimulationTask(line: line)
      } catch let problem as SimulationTask.InvalidTask {
        throw DatasetError(path, line: number, problem.message)
      }
    }
    guard !tasks.isEmpty else {
      throw DatasetError(
        path,
        "there are no tasks in the file. A run or a plan prints some when it is asked to emit its tasks.")
    }
    return tasks
  }

  /// Whether tasks are those of one run or one plan, and complete: a file of tasks may have been truncated.
  /// - Parameter path: where they are, for messages.
  /// - Throws: `DatasetError`.
  package static func checkWhole(_ tasks: [SimulationTask], _ path: String) throws {
    guard let first = tasks.first,
      tasks.allSatisfy({
        ($0.run == nil) == (first.run == nil) && $0.program == first.program && $0.seed == first.seed
          && $0.plan?.plan == first.plan?.plan
          && ($0.run == nil || $0.scenario == first.scenario && $0.run?.of == first.run?.of)
      })
    else { throw DatasetError(path, "the tasks belong to different runs. Collect each run on its own.") }
    let unique = Dictionary(tasks.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first }).values
    var next = 0
    var fitting = 0
    let runs = unique.compactMap(\.run).sorted { ($0.from, $0.to) < ($1.from, $1.to) }
    for run in runs {
      guard run.from == next else { break }
      next = run.to
      fitting += 1
    }
    if let run = runs.first, next != run.of || fitting != runs.count {
      throw DatasetError(
        path,
        "the tasks do not cover the accounts exactly once: those from \(next + 1) are missing or repeated. Emit them again."
      )
    }
    if let plan = first.plan, plan.tasks != unique.count {
      throw DatasetError(
        path,
        "there are \(unique.count) tasks of a plan that was divided into \(plan.tasks). Use the whole file.")
    }
  }
}
