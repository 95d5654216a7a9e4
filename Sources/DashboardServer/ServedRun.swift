import Aggregation
import Datasets
import Foundation
import Studio
import Synchronization
import Telemetry

/// A run being served: a data set with its rollups as they were at one instant, a simulation that goes on, or one that was
/// made in memory.
package final class ServedRun: Sendable {
  private struct Stored: Sendable {
    var data: Dataset
    var now: Timestamp
    var archives: [String: RollupArchive]
    var identity: RunIdentity
    /// Bytes of rollups, by account.
    var sizes: [String: Int]
  }

  private enum Source: Sendable {
    case stored(Stored)
    case live(LiveRun)
    case simulated(SimulatedRun)
  }

  /// SHA-256 of its manifest in hexadecimal; `live` of a simulation, `whatif-…` of one in memory.
  package let id: String
  package let name: String
  /// Where it was read; `nil` of a simulation.
  package let path: String?
  /// Differs for every reading of every run: what answers are kept by.
  let reading: Int
  private let source: Source
  private static let readings = Atomic<Int>(0)
  /// Queries over more rollups than this go to the queue for long work, so that others do not wait.
  private static let largeRollups = 1 << 20
  private static let mostAttempts = 3

  /// - Throws: `NotFoundError`, `DatasetError`; data sets without rollups are read once, to make them.
  package init(_ path: String) throws {
    var stored = try Self.read(path)
    // Replacing a run by hand takes a while.
    for _ in 1..<Self.mostAttempts where !stored.identity.isCurrent { stored = try Self.read(path) }
    guard stored.identity.isCurrent else {
      throw DatasetError(path, "the run is being written to. Serve it when it is whole.")
    }
    id = stored.identity.id
    name = Self.name(of: stored.data.manifest, path)
    self.path = path
    source = .stored(stored)
    reading = Self.readings.add(1, ordering: .relaxed).newValue
  }

  /// What a stored run is called.
  static func name(of manifest: Manifest?, _ path: String) -> String {
    manifest?.name ?? manifest?.scenario?.name ?? manifest?.source
      ?? URL(fileURLWithPath: path).lastPathComponent
  }

  private static func read(_ path: String) throws -> Stored {
    let identity = try RunIdentity(path)
    let data = try Dataset(path)
    let now = try data.end()
    var stored = Stored(data: data, now: now, archives: [:], identity: identity, sizes: [:])
    var fresh: (any RollupSource)?
    for account in data.tables.accounts {
      if let archive = try data.rollups(of: account.account, isMapped: false) {
        stored.archives[account.account] = archive
        let file = "\(path)/\(RunDirectory.rollupsName(of: account.account))"
        stored.sizes[account.account] =
          try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
        continue
      }
      let rollups = try fresh ?? data.allRollups(end: now).rollups
      fresh = rollups
      let bytes = try RollupArchive.data([rollups], account: account, models: data.tables.models, end: now)
      stored.archives[account.account] = try RollupArchive(bytes)
      stored.sizes[account.account] = bytes.count
    }
    return stored
  }

  package init(live: LiveRun) {
    id = "live"
    name = live.name
    path = nil
    source = .live(live)
    reading = Self.readings.add(1, ordering: .relaxed).newValue
  }

  package init(simulated run: SimulatedRun, id: String) {
    self.id = id
    name = run.name
    path = nil
    source = .simulated(run)
    reading = Self.readings.add(1, ordering: .relaxed).newValue
  }

  var simulated: SimulatedRun? { if case .simulated(let run) = source { run } else { nil } }

  /// Its scenario as it was run; `nil` if it has none, or it cannot be simulated again.
  var scenarioText: String? {
    switch source {
    case .stored(let stored): stored.data.manifest?.scenario?.text
    case .live(let run): run.scenarioText
    case .simulated(let run): run.bundle.document.textAsRun
    }
  }

  /// What of its scenario was changed for it.
  var scenarioOverrides: [String] {
    switch source {
    case .stored(let stored): stored.data.manifest?.scenario?.overrides ?? []
    case .live: []
    case .simulated(let run): run.bundle.overrides
    }
  }

  var live: LiveRun? { if case .live(let run) = source { run } else { nil } }

  /// Whether what was read is what lies there.
  var isCurrent: Bool { if case .stored(let stored) = source { stored.identity.isCurrent } else { true } }

  /// Whether a refresh need not read it again.
  var isReusable: Bool {
    if case .stored(let stored) = source {
      stored.identity.isWatched && stored.identity.isCurrent
    } else {
      true
    }
  }

  /// The data's end, or how far a simulation has come.
  package var now: Timestamp {
    switch source {
    case .stored(let stored): stored.now
    case .live(let run): run.snapshot.now
    case .simulated(let run): run.now
    }
  }

  package var tables: TelemetryTables {
    switch source {
    case .stored(let stored): stored.data.tables
    case .live(let run): run.snapshot.tables
    case .simulated(let run): run.tables
    }
  }

  /// The figures: those of which `workbench aggregate` prints the JSON.
  /// - Parameter check: throws if no client waits for them any longer.
  /// - Throws: `QueryError`, `DatasetError`, `NotFoundError`; what `check` throws.
  func dashboard(_ question: Dataset.Question, check: @escaping @Sendable () throws -> Void = {}) throws
    -> Dashboard
  {
    switch source {
    case .stored(let stored):
      try stored.data.answer(
        question, stored.archives[question.account.account], progress: { _ in try check() })
    case .live(let run): try run.answer(question)
    case .simulated(let run): try run.answer(question, check: check)
    }
  }

  /// The same where rollups give it at once; `nil` where it takes longer.
  func quickDashboard(_ question: Dataset.Question) throws -> Dashboard? {
    if let simulated { return try simulated.quickAnswer(question) }
    guard case .stored(let stored) = source else { return try dashboard(question) }
    let account = question.account.account
    guard let archive = stored.archives[account] else { return nil }
    let query = try stored.data.query(question)
    if query.period.showsEveryRequest, stored.sizes[account] ?? 0 > Self.largeRollups { return nil }
    return try stored.data.answerFromRollups(question, query, archive)
  }

  /// The figures of the analysis lens.
  /// - Throws: `QueryError`; `AggregationError` if rollups are damaged.
  func analysis(_ question: Dataset.Question) throws -> AnalysisFigures {
    let (now, tables, rollups) = try rollups(of: question.account)
    return try AnalysisFigures(
      DashboardQuery(
        account: question.account, filter: question.filter, now: now, selection: question.selection,
        tables: tables, series: rollups.series), rollups)
  }

  /// All models of an account.
  /// - Throws: as `analysis`.
  func overview(_ account: AccountRecord, _ filter: TimelineFilter) throws -> AccountOverview {
    let (now, tables, rollups) = try rollups(of: account)
    return try AccountOverview(account, tables, filter, now: now, rollups)
  }

  /// What an account's credits were spent on.
  /// - Throws: `QueryError`.
  func credits(_ account: AccountRecord, _ filter: TimelineFilter) throws -> CreditsAnalysis {
    let (now, tables, _) = try rollups(of: account)
    return try CreditsAnalysis(account, tables, filter, now: now)
  }

  /// What is known of an account at one instant.
  private func rollups(
    of account: AccountRecord
  ) throws -> (now: Timestamp, tables: TelemetryTables, any RollupSource) {
    switch source {
    case .stored(let stored):
      guard let archive = stored.archives[account.account] else { throw Self.noAccount }
      return (stored.now, stored.data.tables, archive)
    case .live(let run):
      let snapshot = run.snapshot
      guard let rollups = snapshot.rollups[account.account] else { throw Self.noAccount }
      return (snapshot.now, snapshot.tables, rollups)
    case .simulated(let run):
      guard let rollups = run.rollups(of: account.account) else { throw Self.noAccount }
      return (run.now, run.tables, rollups)
    }
  }

  private static let noAccount = Problem.notFound("There is no such account.")
}
