import Datasets
import Foundation
import ScenarioModel

/// What a variant of a plan was read from.
struct PlanSource {
  /// As simulated.
  var text: String
  /// Paths of the files that the text names, by the name it gives them.
  var files: [String: String]

  init(_ document: ScenarioDocument, scenarioPath: String, files: [String: String] = [:]) {
    text = document.textAsRun
    self.files = ScenarioInput.files(of: document.scenario, scenarioPath: scenarioPath).merging(files) { $1 }
  }
}

/// SHA-256 of files that variants share, each read once.
struct FileDigests {
  private var known: [String: String] = [:]

  /// By the names that files go under.
  /// - Throws: `NotFoundError`, `DatasetError`.
  mutating func of(_ files: [String: String]) throws -> [String: String] {
    try files.mapValues { path in
      if let digest = known[path] { return digest }
      let digest = try FileDigest.sha256(of: path)
      known[path] = digest
      return digest
    }
  }
}

/// A plan whose replications tasks have simulated: its variants are what the tasks say, whatever has become of the
/// scenario's file since.
struct CollectedPlan {
  struct Entry {
    var name: String
    /// The scenario as simulated, and the files that it names, in the store.
    var path: String
    var files: [String: String]
  }

  /// Where the tasks are, for messages.
  var tasks: String
  /// By the variant's number.
  var entries: [Entry]
  /// Lines of the tasks' results, as journals have them.
  var lines: [Data]

  func differs(_ how: String) -> DatasetError {
    DatasetError(
      tasks,
      "the plan's command no longer gives what the tasks were emitted for: \(how). Put the plan file back as it was, or emit the tasks again."
    )
  }
}
