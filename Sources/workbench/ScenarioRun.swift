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
    for index in pipelines.indices {
      let pipeline = pipelines[index]
      try pipeline.rollups.finish()
      try directory.store(
        [pipeline.rollups], of: pipeline.account, models: result.tables.models, end: simulation.scenario.to)
      for entry in pipeline.queries {
        var query = entry.query
        query.tables = tables[pipeline.account.account] ?? TelemetryTables()
        let dashboard = query.answer(pipeline.rollups)
        if let file = entry.file {
          try directory.write(try dashboard.json(), as: file)
        } else {
          outcome.overviews.append(.init(account: pipeline.account.account, dashboard: dashboard))
        }
      }
      outcome.requests += pipeline.rollups.totalRequests
      pipelines[index].queries = []
    }
    directory.count(result.tables, requests: outcome.requests)
    for writer in writers { try writer.finish(directory.manifest) }
    return outcome
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
    let folder = "dashboard/" + RunDirectory.folderName(of: account.name)
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
        pipeline.queries.append(("\(folder)/\(kind.rawValue)-\(filter).json", query))
      }
      pipeline.queries.append((nil, try query(overview(account))))
    }
    return pipeline
  }

  /// All of the simulated period that a filter may select.
  private func overview(_ account: Scenario.Account) -> TimelineFilter {
    let scenario = simulation.scenario
    let today = account.calendar.date(at: scenario.to + -1)
    return .range(max(account.calendar.date(at: scenario.from), today.oneYearBefore), today)
  }
}
