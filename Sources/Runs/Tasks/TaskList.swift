import Datasets
import Foundation

/// A file of tasks.
package enum TaskList {
  /// Lines that are not empty, with their numbers from 1.
  package static func lines(_ path: String) throws -> [(number: Int, line: Data)] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw NotFoundError(path, "cannot read the file.")
    }
    return data.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated().compactMap {
      $1.isEmpty ? nil : ($0 + 1, Data($1))
    }
  }

  /// - Throws: `DatasetError`, naming the line.
  package static func tasks(_ path: String) throws -> [SimulationTask] {
    let tasks = try lines(path).map { number, line in
      do {
        return try SimulationTask(line: line)
      } catch let problem as SimulationTask.Problem {
        throw DatasetError(path, line: number, problem.message)
      }
    }
    guard !tasks.isEmpty else {
      throw DatasetError(path, "there are no tasks in the file. \"workbench run --emit-tasks\" prints some.")
    }
    return tasks
  }
}
