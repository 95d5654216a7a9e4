import Datasets
import Foundation

/// Results of tasks, gathered from wherever they are.
package struct TaskResults {
  /// Paths of sound results by the identifier of their task.
  package private(set) var paths: [String: String] = [:]
  /// What is wrong with those that are not sound.
  package private(set) var damaged: [DatasetError] = []
  /// How many are of other tasks.
  package private(set) var foreign = 0

  /// - Parameters:
  ///   - places: results, or directories of them.
  ///   - wanted: identifiers of tasks.
  ///   - progress: called with the share in [0, 1].
  /// - Throws: `NotFoundError`; `DatasetError` if two results of one task differ.
  package init(in places: [String], of wanted: Set<String>, progress: (Double) -> Void = { _ in }) throws {
    let files = try places.flatMap(Self.files)
    var digests: [String: String] = [:]
    for (index, path) in files.enumerated() {
      progress(Double(index) / Double(files.count))
      let result: TaskResult
      do {
        result = try TaskResult(contentsOf: path)
      } catch let damage as DatasetError {
        damaged.append(damage)
        continue
      }
      let id = result.header.task.id
      guard wanted.contains(id) else {
        foreign += 1
        continue
      }
      if let other = paths[id], digests[id] != result.digest {
        throw DatasetError(
          path,
          "it differs from \(other), a result of the same task. Were they made by the same program? Remove the wrong one."
        )
      }
      paths[id] = path
      digests[id] = result.digest
    }
  }

  private static func files(_ place: String) throws -> [String] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place, isDirectory: &isDirectory) else {
      throw NotFoundError(place, "there is no such file or directory. Correct its name, or put it there.")
    }
    guard isDirectory.boolValue else { return [place] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: place).sorted()
        .filter { $0.hasSuffix(".result") }.map { "\(place)/\($0)" }
    } catch {
      throw NotFoundError(place, "cannot read the directory: \(error.localizedDescription)")
    }
  }
}
