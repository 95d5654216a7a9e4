import Aggregation
import Datasets
import Foundation
import Synchronization
import Telemetry

/// A run being served: a data set with its rollups, or a simulation that goes on.
package final class ServedRun: Sendable {
  private enum Source: Sendable {
    case stored(Dataset, now: Timestamp, archives: [String: RollupArchive])
    case live(LiveRun)
  }

  package let id: String
  package let name: String
  private let source: Source

  /// - Throws: `NotFoundError`, `DatasetError`; data sets without rollups are read once, to make them.
  package init(id: String, path: String) throws {
    self.id = id
    let data = try Dataset(path)
    name =
      data.manifest?.scenario?.name ?? data.manifest?.source ?? URL(fileURLWithPath: path).lastPathComponent
    let now = try data.end()
    var archives: [String: RollupArchive] = [:]
    var fresh: (any RollupSource)?
    for account in data.tables.accounts {
      if let stored = try data.rollups(of: account.account) {
        archives[account.account] = stored
        continue
      }
      let rollups = try fresh ?? data.allRollups(end: now).rollups
      fresh = rollups
      archives[account.account] = try RollupArchive(
        try RollupArchive.data([rollups], account: account, models: data.tables.models, end: now))
    }
    source = .stored(data, now: now, archives: archives)
  }

  package init(id: String, live: LiveRun) {
    self.id = id
    name = live.name
    source = .live(live)
  }

  var live: LiveRun? { if case .live(let run) = source { run } else { nil } }

  /// The data's end, or how far a simulation has come.
  package var now: Timestamp {
    switch source {
    case .stored(_, let now, _): now
    case .live(let run): run.moment.now
    }
  }

  package var tables: TelemetryTables {
    switch source {
    case .stored(let data, _, _): data.tables
    case .live(let run): run.moment.tables
    }
  }

  /// The figures as JSON: the very bytes that `workbench aggregate` prints.
  func answer(_ question: Dataset.Question) throws -> Data {
    switch source {
    case .stored(let data, _, let archives):
      try data.answer(question, archives[question.account.account]).json()
    case .live(let run): try run.answer(question).json()
    }
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

  private let paths: @Sendable () throws -> [String]
  private let live: LiveRun?
  private let state = Mutex(State())
  private static let mostBytes = 64 << 20

  /// - Throws: as `ServedRun` does.
  package convenience init(_ paths: [String], live: LiveRun? = nil) throws {
    try self.init(live: live) { paths }
  }

  /// - Parameter paths: of the runs; asked again whenever they are read anew.
  package init(live: LiveRun? = nil, paths: @escaping @Sendable () throws -> [String]) throws {
    self.paths = paths
    self.live = live
    try reload()
  }

  /// Reads the runs anew: what the refresh button asks for.
  package func reload() throws {
    let stored = try paths().enumerated().map { try ServedRun(id: "\($0 + 1)", path: $1) }
    let runs = (live.map { [ServedRun(id: "live", live: $0)] } ?? []) + stored
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
