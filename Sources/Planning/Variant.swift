import ScenarioModel
import Simulation
import Telemetry

/// One of the systems that a plan compares.
package struct Variant: Sendable {
  package var name: String
  /// What it changes of the base, `PATH=VALUE` each.
  package var overrides: [String]
  package var scenario: Scenario
  /// Names of other variants that are equal, and are not simulated again.
  package var alsoNamed: [String] = []
  /// What the requests that meet it are counted of, for objectives on goodput.
  var goodputs: [[ObjectiveMetric.Condition]] = []
  /// Requests of the trace files that it names.
  package var traces: [TraceSource.Selection: Trace]

  package init(
    name: String, overrides: [String], scenario: Scenario,
    traces: [TraceSource.Selection: Trace] = [:]
  ) {
    self.name = name
    self.overrides = overrides
    self.scenario = scenario
    self.traces = traces
  }

  /// Whether another's replications would be these, number for number.
  package func comesToTheSame(as other: Variant) -> Bool {
    var (a, b) = (scenario, other.scenario)
    (a.name, a.description, a.expectations) = (b.name, b.description, b.expectations)
    return a == b && traces == other.traces
  }

  /// Of its scenario, or of that in another form.
  func simulation(of other: Scenario? = nil) -> ScenarioSimulation {
    ScenarioSimulation(other ?? scenario, traces: traces)
  }

  /// Simulates one replication. Replications of the same number draw the same numbers in every variant.
  /// - Parameter warmUp: simulated before the period and left out, µs.
  package func replicate(_ replication: Int, warmUp: Int64) throws -> ReplicationRecord {
    try simulate(replication, warmUp: warmUp, keepsSeries: false, nil).record
  }

  /// The same, with its requests and its tables.
  /// - Parameter requests: takes those of the warm-up too.
  package func replicate(_ replication: Int, warmUp: Int64, into requests: any TelemetrySink) throws -> (
    record: ReplicationRecord, tables: TelemetryTables
  ) {
    let done = try simulate(replication, warmUp: warmUp, keepsSeries: false, requests)
    return (done.record, done.tables)
  }

  /// Means of batches of the latency in order of the requests' arrival, from the simulation's start.
  package func latencySeries(_ replication: Int) throws -> [Double] {
    var whole = self
    // The warm-up that is asked for, if any, is looked at too.
    whole.scenario.from = scenario.simulationStart
    whole.scenario.warmUpMicroseconds = 0
    return try whole.simulate(replication, warmUp: 0, keepsSeries: true, nil).series
  }

  private func simulate(
    _ replication: Int, warmUp: Int64, keepsSeries: Bool, _ requests: (any TelemetrySink)?
  ) throws -> (record: ReplicationRecord, series: [Double], tables: TelemetryTables) {
    var scenario = scenario
    scenario.replication = replication
    scenario.warmUpMicroseconds = warmUp
    let simulation = simulation(of: scenario)
    let external = Set(simulation.models.filter { $0.kind == .external }.map(\.modelID))
    let hasReplicas = simulation.series.map { !external.contains($0.modelID) }
    // Models of one name follow each other; a reader of figures takes them for one.
    let names = scenario.modelNames
    let places = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    let modelOfID = Dictionary(
      simulation.models.map { ($0.modelID, places[scenario.modelName($0.name, of: $0.account)] ?? 0) },
      uniquingKeysWith: { first, _ in first })
    let sink = ReplicationSink(
      models: names, modelOfSeries: simulation.series.map { modelOfID[$0.modelID] ?? 0 },
      hasReplicas: hasReplicas, hasTokenTimes: Self.hasTokenTimes(scenario, simulation),
      period: scenario.from..<scenario.to, goodputs: goodputs, keepsSeries: keepsSeries)
    let target: any TelemetrySink = requests.map { FanOut([sink, $0]) } ?? sink
    let result = try simulation.run(
      threads: 1, into: .init(accounts: scenario.accounts.map { _ in target }, merged: nil))
    var record = try sink.finish(RequestOutcome.names)
    record.notDeployed = result.notDeployed.reduce(0) { $0 + $1.requests }
    record.addKVCaches(result.kvCaches, in: scenario.from..<scenario.to) { id in
      modelOfID[id].map { names[$0] }
    }
    record.addReplicas(result.tables, scenario, busy: sink.busyMicroseconds)
    return (record, sink.series?.means ?? [], result.tables)
  }
}

extension Variant {
  /// How each deployment scales: `chat V1: queueLength`.
  var policies: [String] {
    scenario.accounts.flatMap { account in
      account.models.flatMap { model in
        model.deployments.map {
          "\(scenario.modelName(model.name, of: account.name)) \($0.version): \($0.scaling.policy.name)"
        }
      }
    }
  }

  /// By series: whether responses come token by token, so that the first comes before the last.
  fileprivate static func hasTokenTimes(_ scenario: Scenario, _ simulation: ScenarioSimulation) -> [Bool] {
    let models = Dictionary(
      zip(simulation.models.map(\.modelID), scenario.accounts.flatMap(\.models)),
      uniquingKeysWith: { first, _ in first })
    return simulation.series.map { series in
      guard let model = models[series.modelID] else { return false }
      if model.externalService != nil { return model.hasTokenTimes }
      return model.deployments.contains { Name.same($0.version, series.version) && $0.hasTokenTimes }
    }
  }
}

extension Scenario {
  /// What a model is called in figures: by its own name, or with its account's where there are several.
  func modelName(_ model: String, of account: String) -> String {
    accounts.count > 1 ? "\(account)/\(model)" : model
  }

  /// Names of all models, each once, in order.
  var modelNames: [String] { names { _ in true } }

  /// Names of the models that have demand.
  package var modelsWithDemand: [String] { names { $0.load != nil } }

  private func names(_ isWanted: (Model) -> Bool) -> [String] {
    var seen: Set<String> = []
    return accounts.flatMap { account in
      account.models.filter(isWanted).map { modelName($0.name, of: account.name) }
    }.filter { seen.insert($0).inserted }
  }
}
