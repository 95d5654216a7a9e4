import Dispatch
import Sampling
import ScenarioModel
import Telemetry

/// What a model simulation needs to know of its surroundings before it can start.
struct ModelSetting {
  let scenario: Scenario
  let account: Scenario.Account
  let model: Scenario.Model
  let modelID: Int32
  let arena: SamplingArena
  let traces: [TraceSource.Selection: Trace]
  let incidents: [SettledIncident]
  /// Index of a version in the run's list of series.
  let seriesIndex: (String) -> Int32
  let sink: any TelemetrySink
  let ringCapacity: Int
  /// Draws ahead of the loop; `nil` if no other thread does.
  let helper: DrawHelper?

  func stream(entity: String, _ purpose: String) -> RandomStream {
    arena.stream(
      StreamName(
        seed: scenario.seed, replication: scenario.replication, account: account.name, entity: entity,
        purpose: purpose))
  }

  /// Streams of the deployments: `NAME/VERSION`, and `NAME/VERSION#2` when the version is deployed again.
  var deploymentEntities: [String] {
    var deployed: [String: Int] = [:]
    return model.deployments.map { deployment in
      let times = deployed[deployment.version, default: 0] + 1
      deployed[deployment.version] = times
      return "\(model.streamEntity)/\(deployment.version)" + (times == 1 ? "" : "#\(times)")
    }
  }
}

extension ModelSimulation {
  /// The model simulation at the start of the simulation, before anything is deployed.
  init(_ setting: ModelSetting) throws {
    let model = setting.model
    let scenario = setting.scenario
    let entity = model.streamEntity
    let arena = setting.arena
    let nothing = Sampler(try Distribution(.constant(0)), in: arena)

    // All that may throw comes first: a value with a deinitialiser is made as a whole.
    let arrivals = ArrivalSetting(
      scenario: scenario, calendar: setting.account.calendar, profile: model.load?.profile,
      traces: setting.traces, arena: arena, stream: { setting.stream(entity: entity, $0) })
    let demand = try Demand(model.load, arrivals, helper: setting.helper)
    let clients = try ClientTable(
      model.load, keepsPrefixes: model.keepsPrefixes(setting.traces), arrivals)
    let concerning = setting.incidents.filter { $0.incident.concerns(model) }
    let incidentsCauseErrors = concerning.contains { $0.effect.errorProbability > 0 }
    let external = try model.externalService.map {
      try ExternalService(
        model, $0, series: setting.seriesIndex(""), mayFail: incidentsCauseErrors,
        start: scenario.simulationStart, arena: arena
      ) { setting.stream(entity: entity, $0) }
    }
    let names = setting.deploymentEntities
    let limited = LimitedHardware(setting.account)
    let deployments = try FixedArray(count: model.deployments.count) { index in
      let deployment = model.deployments[index]
      return try DeploymentState(
        deployment, model.load, hardware: limited.place(deployment.hardware),
        pool: setting.account.pool(deployment.hardware),
        series: setting.seriesIndex(deployment.version),
        mayFail: incidentsCauseErrors, start: scenario.simulationStart.microseconds,
        period: scenario.from.microseconds..<scenario.to.microseconds, arena: arena,
        prefixes: DeploymentPrefixes(
          model.load, deployment.service.continuousBatching, setting.traces, sessions: clients.prefixes),
        helper: setting.helper
      ) { setting.stream(entity: names[index], $0) }
    }

    // In locals: while parts of the value are missing, nothing may look at it, not even a closure that cannot throw.
    let originColumns = OriginColumns(
      model, modelID: setting.modelID, hasTexts: setting.sink.readsTexts)
    let deadlines = model.load?.deadlines ?? [.max]
    let hasDeadlines = deadlines.contains { $0 < .max }
    let hasClients = clients.isUsed || demand.hasClasses
    let hasOrigins = hasClients || hasDeadlines || !originColumns.isEmpty
    let hasPrefixes = demand.hasPrefixes || clients.prefixes != nil
    let (capacity, firstArrival) = (setting.ringCapacity, demand.nextTime)

    nextArrival = firstArrival
    ring = RequestRing(capacity: capacity, hasPrefixes: hasPrefixes, hasOrigins: hasOrigins)
    self.originColumns = originColumns
    costColumns = model.prices.map { CostColumns($0) }
    self.deadlines = deadlines
    self.hasDeadlines = hasDeadlines
    self.hasClients = hasClients
    self.clients = clients
    self.demand = demand
    self.external = external
    isExternal = external != nil
    self.deployments = deployments
    incidents = IncidentTimeline(
      concerning.map { ($0.from.microseconds, $0.to.microseconds, $0.effect) })
    routingStream = setting.stream(entity: entity, "routing")
    let retrying = model.load?.retries
    retries = RetryBuffer(
      probability: retrying?.probability ?? 0, attempts: retrying?.attempts ?? 0,
      backoff: retrying.map { Sampler($0.backoff, in: arena) } ?? nothing,
      stream: setting.stream(entity: entity, "retries"), noneFrom: scenario.to.microseconds)
    periodStart = scenario.from.microseconds
    sink = setting.sink
    log = ReplicaLog(
      from: scenario.from.microseconds, to: scenario.to.microseconds,
      keys: model.deployments.map { [$0.version, $0.hardware] },
      follows: model.deployments.map { $0.service.continuousBatching?.kvCache != nil })
  }

  /// No more arrivals; what has arrived is served to its end.
  mutating func startFinishing() {
    nextArrival = .max
    isFinishing = true
  }
}
