import Aggregation
import Datasets
import Foundation
import ScenarioModel
import Simulation
import Telemetry

/// A simulation joined to the pipeline and to a run directory.
struct ScenarioRun {
  private let simulation: ScenarioSimulation
  private let maxPoints: Int
  private let threads: Int

  init(_ simulation: ScenarioSimulation, maxPoints: Int, threads: Int) {
    self.simulation = simulation
    self.maxPoints = maxPoints
    self.threads = threads
  }

  /// What a run comes to, for the summary.
  struct Outcome {
    struct Overview {
      var account: String
      /// Over the simulated period.
      var dashboard: Dashboard
    }
    var overviews: [Overview] = []
    var notDeployed: [(account: String, requests: Int)] = []
    var tables = TelemetryTables()
    var requests: Int64 = 0
  }

  /// For accounts that are not simulated.
  private final class Nowhere: TelemetrySink {
    func receive(_ requests: RequestColumns) {}
  }

  /// One account's part of the pipeline.
  private struct AccountPipeline {
    var account: AccountRecord
    var rollups: RequestRollups
    /// With the name of the file that the answer goes to; `nil` for the overview.
    var queries: [(file: String?, query: DashboardQuery)] = []
  }

  func run(
    into directory: RunDirectory, formats: [DatasetFormat], progress: @escaping @Sendable (Double) -> Void
  ) throws -> Outcome {
    let range = simulation.accounts
    var pipelines = try range.map(pipeline)
    let writers = try formats.map { try directory.writer($0, series: simulation.series) }
    let result = try simulation.run(
      threads: threads,
      into: .init(
        accounts: simulation.scenario.accounts.indices.map { (index: Int) -> any TelemetrySink in
          range.contains(index) ? pipelines[index - range.lowerBound].rollups : Nowhere()
        }, merged: writers.isEmpty ? nil : FanOut(writers)),
      progress: progress)
    for writer in writers { try writer.write(result.tables) }
    if writers.isEmpty { try directory.writeSmallTables(result.tables) }
    for (account, requests) in result.notDeployed where requests > 0 {
      directory.manifest.notDeployed[account] = requests
    }

    var outcome = Outcome(notDeployed: result.notDeployed, tables: result.tables)
    let tables = result.tables.byAccount()
    // A few accounts at a time: what is computed for them waits to be written in their order.
    for start in stride(from: 0, to: pipelines.count, by: threads) {
      let few = start..<min(start + threads, pipelines.count)
      for index in few {
        try pipelines[index].rollups.finish()
        let tables = tables[pipelines[index].account.account] ?? TelemetryTables()
        for query in pipelines[index].queries.indices {
          pipelines[index].queries[query].query.tables = tables
        }
      }
      let answers = try answers(pipelines[few], models: result.tables.models)
      for (index, answer) in zip(few, answers) {
        try directory.store(answer.rollups, of: pipelines[index].account)
        for (file, dashboard) in answer.dashboards { try directory.write(dashboard, as: file) }
        outcome.overviews += answer.overviews.map {
          .init(account: pipelines[index].account.account, dashboard: $0)
        }
        outcome.requests += pipelines[index].rollups.totalRequests
        pipelines[index].queries = []
      }
    }
    directory.count(result.tables, requests: outcome.requests)
    for writer in writers { try writer.finish(directory.manifest) }
    return outcome
  }

  /// What is kept of an account, to be written.
  private struct Answer {
    var rollups = Data()
    var dashboards: [(file: String, Data)] = []
    var overviews: [Dashboard] = []
  }

  /// Everything about some accounts, whose rollups are finished: each piece by a thread.
  private func answers(_ pipelines: ArraySlice<AccountPipeline>, models: [ModelRecord]) throws -> [Answer] {
    enum Piece: Sendable {
      case rollups(Data)
      case dashboard(file: String, Data)
      case overview(Dashboard)
    }
    // The query that a piece answers; none: the archive.
    let pieces = pipelines.indices.flatMap { index in
      [(index, nil)] + pipelines[index].queries.indices.map { (index, Optional($0)) }
    }
    let made = Slots<Piece>(count: pieces.count)
    let finished = Finished(pipelines)
    let end = simulation.scenario.to
    try inParallel(pieces.count, threads: threads) { place in
      let (index, query) = pieces[place]
      let pipeline = finished.pipelines[index]
      guard let query else {
        made[place] = .rollups(
          try RollupArchive.data([pipeline.rollups], account: pipeline.account, models: models, end: end))
        return
      }
      let dashboard = try pipeline.queries[query].query.answer(pipeline.rollups)
      made[place] =
        try pipeline.queries[query].file.map { .dashboard(file: $0, try dashboard.json()) }
        ?? .overview(dashboard)
    }
    var answers = [Answer](repeating: Answer(), count: pipelines.count)
    for (piece, place) in zip(made.all, pieces) {
      let index = place.0 - pipelines.startIndex
      switch piece {
      case .rollups(let data): answers[index].rollups = data
      case .dashboard(let file, let data): answers[index].dashboards.append((file, data))
      case .overview(let dashboard): answers[index].overviews.append(dashboard)
      }
    }
    return answers
  }

  /// Carries accounts that nobody changes any more to the threads that read them.
  private struct Finished: @unchecked Sendable {
    let pipelines: ArraySlice<AccountPipeline>
    init(_ pipelines: ArraySlice<AccountPipeline>) { self.pipelines = pipelines }
  }

  /// The standard queries: every kind of model that the account has, every preset period.
  private func pipeline(_ index: Int) throws -> AccountPipeline {
    let scenario = simulation.scenario
    let account = scenario.accounts[index]
    let record = AccountRecord(
      account: account.name, timeZone: account.calendar.identifier,
      subscriptionMaxReplicas: account.subscriptionMaxReplicas)
    let range = simulation.seriesOfAccount[index]
    let series = Array(simulation.series[range])
    var pipeline = AccountPipeline(
      account: record,
      rollups: RequestRollups(series: series, firstIndex: range.lowerBound, now: scenario.to))
    var tables = TelemetryTables()
    let ids = Set(series.map(\.modelID))
    tables.models = simulation.models.filter { ids.contains($0.modelID) }
    for kind in ModelKind.allCases where account.models.contains(where: { $0.kind == kind }) {
      func query(_ filter: TimelineFilter) throws -> DashboardQuery {
        try DashboardQuery(
          account: record, filter: filter, now: scenario.to, selection: ModelSelection(kind: kind),
          tables: tables,
          series: series, maxPoints: maxPoints)
      }
      for filter in TimelineFilter.presets {
        let query = try query(filter)
        query.points.map(pipeline.rollups.collect)
        pipeline.rollups.cut(at: query.period.cuts)
        pipeline.queries.append((Self.dashboardName(account, kind, filter), query))
      }
      let overview = try query(overview(account))
      pipeline.rollups.cut(at: overview.period.cuts)
      pipeline.queries.append((nil, overview))
    }
    return pipeline
  }

  /// The files that hold an account's figures and rollups.
  static func figureFiles(of account: Scenario.Account) -> [String] {
    let kinds = ModelKind.allCases.filter { kind in account.models.contains { $0.kind == kind } }
    return [RunDirectory.rollupsName(of: account.name)]
      + kinds.flatMap { kind in TimelineFilter.presets.map { dashboardName(account, kind, $0) } }
  }

  private static func dashboardName(
    _ account: Scenario.Account, _ kind: ModelKind, _ filter: TimelineFilter
  ) -> String {
    "dashboard/\(RunDirectory.folderName(of: account.name))/\(kind.rawValue)-\(filter).json"
  }

  /// All of the simulated period that a filter may select.
  private func overview(_ account: Scenario.Account) -> TimelineFilter {
    let scenario = simulation.scenario
    let today = account.calendar.date(at: scenario.to + -1)
    return .range(max(account.calendar.date(at: scenario.from), today.oneYearBefore), today)
  }
}
