import Foundation
import ScenarioModel
import Synchronization
import Telemetry

/// A run of a whole scenario: its accounts, independent of each other, on any number of threads.
///
/// The number of threads and the epochs into which a run is cut change nothing in its result.
package struct ScenarioSimulation: Sendable {
  package let scenario: Scenario
  /// What requests are of: the index into this list is what batches carry.
  package let series: [Series]
  /// Of all accounts, by identifier.
  package let models: [ModelRecord]
  /// Each account's range of `series`.
  package let seriesOfAccount: [Range<Int>]
  private let modelIDs: [[Int32]]
  private let seriesIndices: [Series: Int32]
  let traces: [TraceSource.Selection: Trace]
  /// Roughly, of the whole scenario.
  package let expectedRequests: Double
  /// Of the scenario: those that are simulated.
  package let accounts: Range<Int>
  /// What is simulated on its own: some models of an account, in the order of accounts and models.
  private let shards: [Shard]

  private struct Shard {
    var account: Int
    var models: Range<Int>
    /// Arrivals expected of it, as far as they are known before.
    var weight: Double
  }

  /// Where demand is uncertain, it is what the scenario's replication draws.
  /// - Parameters:
  ///   - traces: requests of the trace files that the scenario names, in order of arrival.
  ///   - accounts: those that are simulated; `nil` for all. The result of one account does not depend on the others.
  package init(
    _ scenario: Scenario, traces: [TraceSource.Selection: Trace] = [:], accounts: Range<Int>? = nil
  ) {
    let scenario = scenario.withDrawnDemand
    self.accounts = accounts ?? scenario.accounts.indices
    self.scenario = scenario
    self.traces = traces
    var models: [ModelRecord] = []
    var modelIDs: [[Int32]] = []
    var series: [Series] = []
    var seriesIndices: [Series: Int32] = [:]
    var expected = scenario.expectedArrivals
    var seriesOfAccount: [Range<Int>] = []
    for account in scenario.accounts {
      let firstSeries = series.count
      var ids: [Int32] = []
      for model in account.models {
        let id = Int32(models.count + 1)
        ids.append(id)
        let instants = model.fineTuning.prefix(1).map(\.startAt) + model.deployments.map(\.deployAt)
        models.append(
          ModelRecord(
            modelID: id, account: account.name, kind: model.kind, name: model.name, provider: model.provider,
            createdAt: model.createdAt ?? instants.min() ?? scenario.from))
        for version in model.kind == .external ? [""] : model.deployments.map(\.version) {
          let entry = Series(modelID: id, version: version)
          if seriesIndices[entry] == nil {
            seriesIndices[entry] = Int32(series.count)
            series.append(entry)
          }
        }
        if let trace = model.load?.arrivals.replayed {
          expected += Double(traces[trace.selection]?.requests.count ?? 0) * trace.scale
        }
      }
      modelIDs.append(ids)
      seriesOfAccount.append(firstSeries..<series.count)
    }
    self.models = models
    self.modelIDs = modelIDs
    self.series = series
    self.seriesOfAccount = seriesOfAccount
    self.seriesIndices = seriesIndices
    expectedRequests = expected
    shards = self.accounts.flatMap { index in
      let account = scenario.accounts[index]
      return AccountShards.shards(of: account).map { models in
        Shard(
          account: index, models: models,
          weight: models.reduce(0) { $0 + Self.weight(account.models[$1], scenario, traces) })
      }
    }
  }

  /// Roughly how many requests a model has, without its profile.
  private static func weight(
    _ model: Scenario.Model, _ scenario: Scenario, _ traces: [TraceSource.Selection: Trace]
  ) -> Double {
    guard let arrivals = model.load?.arrivals else { return 0 }
    if let trace = arrivals.replayed {
      return Double(traces[trace.selection]?.requests.count ?? 0) * trace.scale
    }
    if let source = arrivals.source { return source.expectedRequests(in: scenario) ?? 0 }
    if arrivals.closedLoop != nil || model.load?.sessions != nil {
      return model.expectedArrivals(scenario.simulationStart..<scenario.to, origin: scenario.from, .utc)
    }
    return (arrivals.meanRate ?? 0) * Double(scenario.to - scenario.simulationStart)
  }

  /// Roughly how many requests an account has.
  package func expectedRequests(ofAccount index: Int) -> Double {
    shards.reduce(0) { $0 + ($1.account == index ? $1.weight : 0) }
  }

  package struct Result: Sendable {
    package var tables: TelemetryTables
    /// Requests that arrived while no version of their model was deployed, by account name.
    package var notDeployed: [(account: String, requests: Int)]
    /// Of deployments whose replicas have one, in the order of the scenario.
    package var kvCaches: [KVCacheUse]
  }

  /// Where a run's requests go.
  package struct Sinks {
    /// One an account of the scenario, called from the account's thread. Batches come in order of arrival for each model.
    package var accounts: [any TelemetrySink]
    /// Takes the requests of all accounts in order of arrival, numbered; `nil` where no data set is wanted.
    package var merged: (any TelemetrySink)?
    /// Whether the result has the deployments, replicas, incidents and quarters of KV caches: of simulated years, these are
    /// more than a few requests.
    package var tables: Bool

    package init(accounts: [any TelemetrySink], merged: (any TelemetrySink)?, tables: Bool = true) {
      self.accounts = accounts
      self.merged = merged
      self.tables = tables
    }
  }

  /// Simulates, and hands on every request.
  /// - Parameters:
  ///   - threads: at least 1.
  ///   - progress: called now and then, from any thread, with the share that is done, in [0, 1].
  /// - Throws: what a sink throws; `TelemetryLimitError` for what was drawn and telemetry cannot hold.
  package func run(
    threads: Int, into sinks: Sinks, progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws -> Result {
    let result =
      if let merged = sinks.merged {
        try runTogether(threads: threads, sinks: sinks, merged: merged, progress: progress)
      } else {
        try runApart(threads: threads, sinks: sinks, progress: progress)
      }
    try result.tables.checkInstants()
    return result
  }

  /// Each shard from start to end on its own: nothing has to be in order between them. The largest come first, so that
  /// no thread is left with one at the end.
  private func runApart(
    threads: Int, sinks: Sinks, progress: @escaping @Sendable (Double) -> Void
  ) throws -> Result {
    let results = Slots<AccountResult>(count: shards.count)
    let done = Mutex(0.0)
    let accountSinks = Shared(accountSinks(sinks))
    let total = max(shards.reduce(0) { $0 + $1.weight }, 1)
    let helpers = helpers(threads)
    let tables = sinks.tables
    let order = shards.indices.sorted { (-shards[$0].weight, $0) < (-shards[$1].weight, $1) }
    try inParallel(shards.count, threads: threads) { place in
      let index = order[place]
      let shard = shards[index]
      let sink = accountSinks.value[shard.account]
      let simulation = try simulation(of: shard, helpers: helpers) { _ in sink }
      let horizons = epochs(share: shard.weight / total)
      for horizon in horizons {
        simulation.run(until: horizon)
        try simulation.checkSinks()
        let share = done.withLock { sum in
          sum += shard.weight / total / Double(horizons.count)
          return sum
        }
        progress(min(share, 1))
      }
      simulation.finish()
      try simulation.checkSinks()
      results[index] = AccountResult(simulation, tables: tables)
    }
    return result(results.all)
  }

  /// All shards side by side, epoch by epoch, with their requests merged in order of arrival.
  private func runTogether(
    threads: Int, sinks: Sinks, merged: any TelemetrySink, progress: @escaping @Sendable (Double) -> Void
  ) throws -> Result {
    var buffers: [RequestBuffer] = []
    let accountSinks = accountSinks(sinks)
    let helpers = helpers(threads)
    let simulations = try shards.map { shard in
      try simulation(of: shard, helpers: helpers) { _ in
        let buffer = RequestBuffer(direct: accountSinks[shard.account])
        buffers.append(buffer)
        return buffer
      }
    }
    let merger = RequestMerger(sink: merged)
    let horizons = epochs(share: 1)
    for (epoch, horizon) in horizons.enumerated() {
      try inParallel(simulations.count, threads: threads) { index in
        simulations[index].run(until: horizon)
        simulations[index].flush()
        try simulations[index].checkSinks()
      }
      let frontier = simulations.reduce(horizon) { min($0, $1.frontier(horizon: horizon)) }
      try merger.merge(buffers, before: frontier)
      progress(Double(epoch + 1) / Double(horizons.count))
    }
    try inParallel(simulations.count, threads: threads) { index in
      simulations[index].finish()
      try simulations[index].checkSinks()
    }
    try merger.merge(buffers, before: .max)
    try merger.flush()
    return result(simulations.map { AccountResult($0, tables: sinks.tables) })
  }

  /// Each account's sink, to be called from the threads of its shards.
  private func accountSinks(_ sinks: Sinks) -> [any TelemetrySink] {
    var counts = [Int](repeating: 0, count: scenario.accounts.count)
    for shard in shards { counts[shard.account] += 1 }
    return sinks.accounts.enumerated().map { index, sink in
      counts[index] > 1 && !sink.takesSeriesConcurrently ? OneAtATime(sink) : sink
    }
  }

  func accountSimulations(sinks: [any TelemetrySink]) throws -> [AccountSimulation] {
    try scenario.accounts.indices.map { index in
      let whole = Shard(account: index, models: 0..<scenario.accounts[index].models.count, weight: 0)
      return try simulation(of: whole) { _ in sinks[index] }
    }
  }

  func tables(of accounts: [AccountSimulation]) -> TelemetryTables {
    result(
      accounts.map { AccountResult($0, tables: true) },
      accounts: Array(accounts.indices)
    ).tables
  }

  /// Threads beyond those that simulate shards: they draw ahead of the loops.
  private func helpers(_ threads: Int) -> [DispatchQueue] {
    (0..<max(0, min(threads - shards.count, 64))).map { DispatchQueue(label: "draws ahead \($0)") }
  }

  private func simulation(
    of shard: Shard, helpers: [DispatchQueue] = [], sink: (Int) -> any TelemetrySink
  ) throws -> AccountSimulation {
    try AccountSimulation(
      scenario, account: shard.account, models: shard.models,
      modelIDs: Array(modelIDs[shard.account][shard.models]), traces: traces,
      seriesIndex: { seriesIndices[$0] ?? -1 }, sinks: shard.models.map(sink),
      ringCapacity: modelIDs[shard.account].count <= 64 && scenario.accounts.count <= 64 ? 1024 : 256,
      helpers: helpers)
  }

  /// Ends of epochs of some 200,000 expected requests each; the last is the end of the period.
  private func epochs(share: Double) -> [Int64] {
    let start = scenario.simulationStart.microseconds
    let end = scenario.to.microseconds
    let count = Int64(max(1, min(expectedRequests * share / 200_000, 100_000)).rounded(.up))
    let length = (end - start) / count
    return (1..<max(count, 2)).map { start + $0 * length }.filter { $0 < end } + [end]
  }

  private struct AccountResult: Sendable {
    var tables: TelemetryTables
    var notDeployed: Int
    var kvCaches: [KVCacheUse]

    init(_ simulation: AccountSimulation, tables wanted: Bool) {
      tables = wanted ? simulation.tables() : .init()
      notDeployed = simulation.notDeployed
      kvCaches = simulation.kvCaches()
    }
  }

  /// - Parameter accounts: which each result belongs to; `nil`: as the shards do.
  private func result(_ results: [AccountResult], accounts: [Int]? = nil) -> Result {
    let owners = accounts ?? shards.map(\.account)
    var tables = TelemetryTables()
    var notDeployed = [Int](repeating: 0, count: scenario.accounts.count)
    var tablesOfAccount = [TelemetryTables](repeating: .init(), count: scenario.accounts.count)
    for (owner, result) in zip(owners, results) {
      notDeployed[owner] += result.notDeployed
      tablesOfAccount[owner].append(result.tables)
    }
    let names = Set(scenario.accounts[self.accounts].map(\.name))
    tables.models = models.filter { names.contains($0.account) }
    var jobs = 0
    for (index, account) in scenario.accounts.enumerated() {
      // Jobs are numbered over all accounts.
      var jobsOfAccount: [FineTuningJobRecord] = []
      for (modelIndex, model) in account.models.enumerated() {
        jobsOfAccount += FineTuning.jobs(
          model, id: modelIDs[index][modelIndex], entity: model.streamEntity, account: account,
          seed: scenario.seed,
          replication: scenario.replication, firstJobID: Int64(jobs + jobsOfAccount.count + 1))
      }
      jobs += jobsOfAccount.count
      guard self.accounts.contains(index) else { continue }
      tables.accounts.append(
        AccountRecord(
          account: account.name, timeZone: account.calendar.identifier,
          subscriptionMaxReplicas: account.subscriptionMaxReplicas))
      tables.hardware += account.prices.map {
        HardwareRecord(
          account: account.name, hardware: $0.hardware, creditsMicroPerHour: $0.creditsMicroPerHour)
      }
      tables.append(tablesOfAccount[index])
      tables.fineTuningJobs += jobsOfAccount
    }
    tables.sort()
    return Result(
      tables: tables,
      notDeployed: self.accounts.map { (scenario.accounts[$0].name, notDeployed[$0]) },
      kvCaches: results.flatMap(\.kvCaches))
  }
}

extension TelemetryTables {
  /// Whether readers take what was drawn: all else lies in the scenario's period.
  fileprivate func checkInstants() throws {
    let ends =
      fineTuningJobs.map { ("a fine-tuning job", $0.modelID, $0.finishedAt) }
      + deployments.flatMap { row in
        [row.deployedAt, row.undeployedAt].compactMap { $0.map { ("a deployment", row.modelID, $0) } }
      } + incidents.map { ("an incident", $0.modelID ?? 0, $0.endedAt) }
    guard let (what, id, at) = ends.first(where: { !Timestamp.supported.contains($0.2) }) else { return }
    let model = models.first { $0.modelID == id }.map { " of model \"\($0.name)\"" } ?? ""
    throw TelemetryLimitError(
      "\(what)\(model) ends at \(at.rfc3339), which is beyond \(Timestamp.supportedYears). Shorten its duration, or move the period."
    )
  }
}

/// Lets one thread at a time give batches to a sink that does not care for the order between models.
private final class OneAtATime: TelemetrySink, Sendable {
  private let sink: Mutex<Shared<any TelemetrySink>>
  let readsTexts: Bool
  init(_ sink: any TelemetrySink) {
    readsTexts = sink.readsTexts
    self.sink = Mutex(Shared(sink))
  }
  func receive(_ requests: RequestColumns) throws {
    let requests = Shared(requests)
    try sink.withLock { try $0.value.receive(requests.value) }
  }
  func receiveWarmUp(_ requests: RequestColumns) throws {
    let requests = Shared(requests)
    try sink.withLock { try $0.value.receiveWarmUp(requests.value) }
  }
}

/// Carries to other threads what no two of them use at the same time.
///
/// Sendable, unchecked, because sinks and columns are not: each shard calls the sink of its own account, and where an account
/// has several shards, either the sink says that it takes them side by side, or `OneAtATime` stands before it, whose lock
/// is held for the whole of a call. Columns are read within the call that they were given to.
private struct Shared<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}
