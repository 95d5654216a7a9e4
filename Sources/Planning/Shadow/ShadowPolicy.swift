import Datasets
import Documents
import Foundation
import Runs
import ScenarioModel
import Telemetry

/// The policy that is held against what was recorded: a deployment's `scaling`, or that of a scenario's model.
package struct ShadowPolicy {
  private enum Source {
    case document(ScalingDocument)
    case scenario(Scenario)
  }

  /// As it was given: a file's name, or the text.
  package let name: String
  private let source: Source

  /// - Parameter given: a file (a scenario, or YAML of `scaling`), or that YAML itself.
  /// - Throws: `NotFoundError`, `DatasetError`, `DocumentErrors`.
  package init(_ given: String) throws {
    name = given
    let isText =
      given.contains("{") || given.contains("\n") || given.contains(": ")
    if isText, !FileManager.default.fileExists(atPath: given) {
      source = .document(try ScalingDocument(Data(given.utf8), path: "policy"))
      return
    }
    let data = try GivenFile.document(given)
    if ScalingDocument.isScenario(data) {
      let document = try ScenarioDocument(data, path: given) {
        try ScenarioBundle.profile($0, besides: given)
      }
      source = .scenario(document.scenario)
    } else {
      source = .document(try ScalingDocument(data, path: given))
    }
  }

  /// - Throws: `DocumentErrors`; `DatasetError` if a scenario does not say which of its deployments is meant.
  func scaling(of recorded: RecordedReplicas) throws -> Scenario.Scaling {
    switch source {
    case .document(let document):
      let calendar = ZonedCalendar(identifier: recorded.account.timeZone) ?? .utc
      return try document.scaling(
        of: .init(
          minReplicas: recorded.minReplicas, maxReplicas: recorded.maxReplicas,
          maxBatchSize: recorded.maxBatchSize, startup: recorded.startup, calendar: calendar))
    case .scenario(let scenario): return try deployment(of: recorded, in: scenario).scaling
    }
  }

  /// The deployment of the same version of the same model; else the model's only one, or the scenario's.
  private func deployment(of recorded: RecordedReplicas, in scenario: Scenario) throws -> Scenario.Deployment
  {
    let models = scenario.accounts.flatMap { account in
      account.models.map { (account: account.name, model: $0) }
    }
    let named = models.filter { Name.same($0.model.name, recorded.model.name) }
    let own = named.filter { Name.same($0.account, recorded.account.account) }
    let all = (own.isEmpty ? named : own).flatMap(\.model.deployments)
    let same = all.filter { Name.same($0.version, recorded.version) }
    // A version may be deployed several times.
    let then = same.filter { $0.deployAt == recorded.requestedAt }
    for matching in [same, then, all, models.flatMap(\.model.deployments)] where matching.count == 1 {
      return matching[0]
    }
    if let first = same.first, same.allSatisfy({ $0.scaling == first.scaling }) { return first }
    let names = models.flatMap { entry in
      entry.model.deployments.map { "\(entry.model.name) \($0.version)" }
    }
    throw DatasetError(
      name,
      "the scenario has no deployment, or several, for \(recorded.name.shown). It has \(names.prefix(6).joined(separator: ", ").shown). Choose a model that it has, or give the deployment's scaling alone."
    )
  }
}
