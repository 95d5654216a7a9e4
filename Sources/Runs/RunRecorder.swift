import Aggregation
import Datasets
import Foundation
import ScenarioModel
import Telemetry

/// Records any source of telemetry as a run: the only place that knows what a run consists of and in which order its
/// files are written.
///
/// Requests stream from the source into the writers and the rollups at once; then come the tables, each account's
/// dashboards and archive, the row counts, the scenario, and the manifest, with which the run gets its name.
package struct RunRecorder {
  /// Of the data set; none leaves the requests out, and writes the other tables as CSV.
  package var formats: [DatasetFormat] = []
  /// Of a latency graph with one point per request, at least 2.
  package var maxPoints = 5000
  /// At least 1; at most this many are used.
  package var threads = ProcessInfo.processInfo.activeProcessorCount
  /// Whether every account gets the dashboards of the preset periods.
  package var hasDashboards = true
  /// Whether `scenario.yaml` is written, where the manifest names a scenario.
  package var hasScenario = true
  /// What the run has to meet; it is whole even if it does not.
  package var objectives: [ServiceObjective] = []
  /// What this kind of run has besides.
  package var supplement: (any RunSupplement)?

  package init() {}

  /// Records a source, whole, and gives the run its name.
  /// - Parameters:
  ///   - directory: with the manifest's first half: program, scenario or source, seed, period.
  ///   - progress: of the requests; called from any thread, with the share in [0, 1].
  /// - Throws: what the source throws; `OutputError`; `AggregationError`; `QueryError`.
  package func record(
    _ source: some TelemetrySource, into directory: RunDirectory,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws -> RecordedRun {
    let reasons = source.reasons
    let known = source.tables
    let rollups = source.partitions.map {
      RequestRollups(
        series: Array(source.series[$0.series]), firstIndex: $0.series.lowerBound,
        now: source.period.upperBound, reasons: reasons)
    }
    var accounts: [RecordedAccount] = []
    for (partition, rollups) in zip(source.partitions, rollups) {
      for index in partition.accounts {
        let account = RecordedAccount(
          known.accounts[index], rollups,
          try hasDashboards
            ? views(of: known.accounts[index], known.models, rollups.series, source.period) : [])
        for view in account.views {
          view.query.points.map(rollups.collect)
          rollups.cut(at: view.query.period.cuts)
        }
        if let supplement {
          rollups.cut(at: supplement.cuts(of: account.account, in: source.period))
        }
        accounts.append(account)
      }
    }
    var writers = try formats.map {
      try directory.writer(
        $0, RequestTable(series: source.series, reasons: reasons, optional: source.optionalColumns))
    }
    if let supplement { writers += try supplement.writers(for: directory, source) }
    let sinks = writers + (supplement?.sinks ?? [])
    let judged = objectives.isEmpty ? [] : objectiveRollups(source)
    let partitions: [any TelemetrySink] =
      judged.isEmpty ? rollups : zip(rollups, judged).map { FanOut([$0, $1]) }
    let sent = try source.send(
      to: TelemetrySinks(partitions: partitions, merged: sinks.isEmpty ? nil : FanOut(sinks)),
      threads: threads, progress: progress)
    for rollups in rollups { try rollups.finish() }
    for writer in writers { try writer.write(sent.tables) }
    if formats.isEmpty { try directory.writeSmallTables(sent.tables) }
    for (account, requests) in sent.notDeployed where requests > 0 {
      directory.manifest.notDeployed[account] = requests
    }
    let counted = rollups.reduce(0) { $0 + $1.totalRequests }
    var recorded = RecordedRun(
      tables: sent.tables, requests: sent.requests ?? counted, counted: counted,
      notDeployed: sent.notDeployed)
    recorded.overviews = try write(&accounts, sent.tables, end: source.period.upperBound, into: directory)
    directory.count(sent.tables, requests: recorded.requests)
    if let supplement { try supplement.write(recorded, rollups, into: directory) }
    for writer in writers { try writer.finish(directory.manifest) }
    if !judged.isEmpty {
      recorded.objectives =
        ObjectiveJudge(
          objectives, judged, tables: sent.tables, reasons: reasons.names, period: source.period
        ).report()
    }
    try finish(directory)
    return recorded
  }

  /// One for each partition of a source.
  private func objectiveRollups(_ source: some TelemetrySource) -> [ObjectiveRollups] {
    let owners = ObjectiveRollups.Owners(source.tables)
    let series = source.series
    return source.partitions.map { partition in
      ObjectiveRollups(
        objectives, series: Array(series[partition.series]), firstIndex: partition.series.lowerBound,
        owners: owners, period: source.period)
    }
  }

  /// Records merged shards, of which only rollups are wanted: tables, archives, and the dashboards that rollups can give.
  /// - Throws: `OutputError`; `AggregationError` for damaged rollups; `QueryError`.
  package func record(_ merged: MergedShards, into directory: RunDirectory) throws -> RecordedRun {
    var recorded = RecordedRun(tables: merged.tables, requests: 0, counted: 0)
    let accountTables = merged.tables.byAccount()
    for account in merged.tables.accounts {
      let rollups = merged.rollups(of: account.account)
      let own = Set(merged.tables.models.filter { Name.same($0.account, account.account) }.map(\.modelID))
      let data = try RollupArchive.data(
        rollups, account: account, models: merged.tables.models, end: merged.period.upperBound)
      try directory.store(data, of: account)
      let all = Timestamp(microseconds: .min)..<Timestamp(microseconds: .max)
      for source in rollups {
        for (index, entry) in source.series.enumerated() where own.contains(entry.modelID) {
          try source.visit(index, in: all, byDay: true) { recorded.requests += $0.cell.requests }
        }
      }
      let archive = try RollupArchive(data, from: account.account)
      for view in try views(of: account, merged.tables.models, archive.series, merged.period) {
        guard let file = view.file else { continue }
        var query = view.query
        query.tables = accountTables[account.account] ?? TelemetryTables()
        // What only the requests show is left to sources that have them.
        guard try !query.needsRequests(archive), try query.cut(archive) == nil else { continue }
        try directory.write(try query.answer(archive).json(), as: file)
      }
    }
    recorded.counted = recorded.requests
    try directory.writeSmallTables(merged.tables)
    directory.count(merged.tables, requests: recorded.requests)
    try finish(directory)
    return recorded
  }

  /// The end of every run.
  func finish(_ directory: RunDirectory) throws {
    if hasScenario, let text = directory.manifest.scenario?.text {
      try directory.write(text.utf8, as: "scenario.yaml")
    }
    try directory.finish()
  }
}

/// The result of recording a run.
package struct RecordedRun: Sendable {
  package struct Overview: Sendable {
    package var account: String
    /// Over the run's period, a year at most.
    package var dashboard: Dashboard
  }

  package var tables: TelemetryTables
  /// In the data set.
  package var requests: Int64
  /// Of those, in the rollups: the others arrive at the period's end or later.
  package var counted: Int64
  package var notDeployed: [(account: String, requests: Int)] = []
  /// For each account, one for each kind of model that it has.
  package var overviews: [Overview] = []
  /// `nil` if nothing was asked of it.
  package var objectives: ObjectiveReport?
}

/// What a kind of run has besides what every run has.
package protocol RunSupplement: AnyObject {
  /// Further writers of the data set.
  func writers(for directory: RunDirectory, _ source: some TelemetrySource) throws -> [any DatasetWriter]
  /// Further sinks of the requests, in order of arrival.
  var sinks: [any TelemetrySink] { get }
  /// Instants before and after which an account's rollups are to be apart.
  func cuts(of account: AccountRecord, in period: Range<Timestamp>) -> [Timestamp]
  /// Called when everything but the manifest is written.
  /// - Parameter rollups: one for each partition of the source.
  func write(_ run: RecordedRun, _ rollups: [RequestRollups], into directory: RunDirectory) throws
}
