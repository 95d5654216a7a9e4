import Aggregation
import Datasets
import Foundation
import Synchronization
import Telemetry

/// A run being served: its data set, its stored rollups, when its data end.
package final class ServedRun: Sendable {
  package let id: String
  package let name: String
  package let data: Dataset
  package let now: Timestamp
  private let archives: [String: RollupArchive]

  /// - Throws: `NotFoundError`, `DatasetError`; data sets without rollups are read once, to make them.
  package init(id: String, path: String) throws {
    self.id = id
    data = try Dataset(path)
    name =
      data.manifest?.scenario?.name ?? data.manifest?.source ?? URL(fileURLWithPath: path).lastPathComponent
    now = try data.end()
    var archives: [String: RollupArchive] = [:]
    var fresh: (any RollupSource)?
    for account in data.tables.accounts {
      if let stored = try data.rollups(of: account.account) {
        archives[account.account] = stored
        continue
      }
      let rollups = try fresh ?? data.allRollups(end: now)
      fresh = rollups
      archives[account.account] = try RollupArchive(
        try RollupArchive.data([rollups], account: account, models: data.tables.models, end: now))
    }
    self.archives = archives
  }

  /// The figures as JSON: the very bytes that `workbench aggregate` prints.
  func answer(_ question: Dataset.Question) throws -> Data {
    try data.answer(question, archives[question.account.account]).json()
  }
}

/// The runs that a server shows, by identifier.
package final class RunCatalogue: Sendable {
  private struct State {
    var runs: [ServedRun] = []
    /// Answers by question; runs do not change, so neither do answers.
    var answers: [String: Data] = [:]
    var bytes = 0
  }

  private let paths: [String]
  private let state = Mutex(State())
  private static let mostBytes = 64 << 20

  /// - Throws: as `ServedRun` does.
  package init(_ paths: [String]) throws {
    self.paths = paths
    try reload()
  }

  /// Reads the runs anew: what the refresh button asks for.
  package func reload() throws {
    let runs = try paths.enumerated().map { try ServedRun(id: "\($0 + 1)", path: $1) }
    state.withLock { $0 = State(runs: runs) }
  }

  package var runs: [ServedRun] { state.withLock { $0.runs } }

  func run(_ id: String) -> ServedRun? { runs.first { $0.id == id } }

  /// An answer, from memory if it has been given before.
  func answer(_ key: String, _ make: () throws -> Data) rethrows -> Data {
    if let known = state.withLock({ $0.answers[key] }) { return known }
    let made = try make()
    state.withLock {
      if $0.bytes + made.count > Self.mostBytes {
        $0.answers = [:]
        $0.bytes = 0
      }
      if $0.answers.updateValue(made, forKey: key) == nil { $0.bytes += made.count }
    }
    return made
  }
}
