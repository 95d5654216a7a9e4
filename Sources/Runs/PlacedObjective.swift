import Aggregation
import Datasets
import Documents
import Foundation
import ScenarioModel
import Telemetry

/// An objective, and where it stands.
package struct PlacedObjective: Sendable {
  package var objective: ServiceObjective
  /// In words; `nil` for one that was given by itself.
  package var place: String?

  package init(_ objective: ServiceObjective, place: String? = nil) {
    (self.objective, self.place) = (objective, place)
  }
}

extension Dataset {
  /// The objectives of the scenario that it was made from; none if it was made from none.
  /// - Throws: `DocumentErrors` if the scenario can no longer be read.
  package func expectations() throws -> [PlacedObjective] {
    guard let text = manifest?.scenario?.text else { return [] }
    return try ScenarioDocument.expectations(Data(text.utf8), path: "\(path)/scenario.yaml")
  }

  /// Judges objectives by its requests, which are read once in bounded memory.
  /// - Parameter progress: from 0 to 1; what it throws ends the work.
  /// - Throws: `UnknownObjective` for one about what the data set does not have; `DatasetError`, `NotFoundError`.
  package func report(
    on asked: [PlacedObjective], progress: @escaping @Sendable (Double) throws -> Void
  ) throws -> ObjectiveReport {
    func check(_ names: ObjectiveNames) throws {
      for entry in asked {
        guard let problem = names.problem(entry.objective.scope) else { continue }
        throw UnknownObjective(place: entry.place, message: "\(entry.objective): \(problem)")
      }
    }
    try check(ObjectiveNames(tables))
    let judge = try judge(asked.map(\.objective), progress: progress)
    if !judge.classes.isEmpty { try check(ObjectiveNames(tables, classes: judge.classes)) }
    return judge.report()
  }
}

/// An objective about a model, version, account or class that a data set does not have.
package struct UnknownObjective: Error {
  /// `nil` for one that was given by itself.
  package var place: String?
  package var message: String
}

extension ScenarioDocument {
  /// The objectives of a scenario.
  /// - Throws: `DocumentErrors`.
  package static func expectations(_ text: Data, path: String) throws -> [PlacedObjective] {
    try ScenarioDocument(text, path: path) { try ScenarioBundle.profile($0, besides: path) }.scenario
      .expectations.map { PlacedObjective($0, place: path) }
  }
}
