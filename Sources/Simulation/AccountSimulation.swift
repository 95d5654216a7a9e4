import Dispatch
import Sampling
import ScenarioModel
import Telemetry

/// The simulation of one account: its model simulations, coupled by the subscription's replicas.
///
/// Model simulations run on their own up to their next shared event (see `ModelSimulation`); the account applies
/// shared events in the order of (time, model). One with a deployment that waits for room never runs ahead of the others,
/// since any release of a replica may let it start.
///
/// Sendable, unchecked: a simulation belongs to one thread at a time. It is made by one thread, and handed from epoch to
/// epoch by `inParallel`, which gives each index to one thread and returns only when all have ended.
final class AccountSimulation: @unchecked Sendable {
  /// Of a shard of an account, with that shard's models only.
  let account: Scenario.Account
  private let scenario: Scenario
  private let arena: SamplingArena
  private(set) var modelSimulations: FixedArray<ModelSimulation>
  private let pool: ReplicaPool
  private let schedules: [[DeploymentSchedule]]
  let modelIDs: [Int32]
  private let incidents: [SettledIncident]
  /// Whether this shard gives the rows that concern no single model.
  private let givesCommonRows: Bool

  /// Of all deployments, in the order in which they were asked for.
  private let asked: [(modelIndex: Int, deployment: Int)]
  /// A deployment's place in that order.
  private let ranks: [[Int]]
  /// Deployments that wait for room, by rank.
  private var waiting: WaitingForRoom
  /// The next events of the model simulations of those.
  private var nextOfWaiting: EarliestModel
  private var hasFinished = false
  /// All before it has been simulated, µs since 1970.
  private(set) var reached = Int64.min

  /// - Parameters:
  ///   - models: which of the account's, by index; see `AccountShards`.
  ///   - modelIDs: of those models.
  ///   - sinks: one a model.
  ///   - helpers: threads that have nothing else to do; they draw ahead for the models, in turn.
  init(
    _ scenario: Scenario, account index: Int, models: Range<Int>, modelIDs: [Int32],
    traces: [TraceSource.Selection: Trace], seriesIndex: @escaping (Series) -> Int32,
    sinks: [any TelemetrySink],
    ringCapacity: Int, helpers: [DispatchQueue] = []
  ) throws {
    var account = scenario.accounts[index]
    givesCommonRows = models.lowerBound == 0
    account.models = Array(account.models[models])
    let arena = SamplingArena()
    self.account = account
    self.scenario = scenario
    self.arena = arena
    self.modelIDs = modelIDs
    incidents = SettledIncident.settle(
      account.incidents, from: scenario.simulationStart, to: scenario.to, arena: arena
    ) {
      arena.stream(
        StreamName(
          seed: scenario.seed, replication: scenario.replication, account: account.name, entity: "incidents",
          purpose: $0))
    }
    schedules = account.models.map { model in
      model.deployments.map {
        DeploymentSchedule($0, windows: account.deployWindows, periodStart: scenario.from)
      }
    }
    let requests = account.models.enumerated().flatMap { modelIndex, model in
      model.deployments.indices.map {
        (at: model.deployments[$0].deployAt, modelIndex: modelIndex, deployment: $0)
      }
    }.sorted { ($0.at, $0.modelIndex, $0.deployment) < ($1.at, $1.modelIndex, $1.deployment) }
    asked = requests.map { ($0.modelIndex, $0.deployment) }
    var ranks = account.models.map { Array(repeating: 0, count: $0.deployments.count) }
    for (rank, request) in requests.enumerated() { ranks[request.modelIndex][request.deployment] = rank }
    self.ranks = ranks
    waiting = WaitingForRoom(deployments: requests.count, models: account.models.count)
    nextOfWaiting = EarliestModel(models: account.models.count)
    pool = ReplicaPool(limit: account.subscriptionMaxReplicas, LimitedHardware(account))
    let (settled, models) = (incidents, account.models)
    modelSimulations = try FixedArray(count: models.count) { modelIndex in
      try ModelSimulation(
        ModelSetting(
          scenario: scenario, account: account, model: models[modelIndex],
          modelID: modelIDs[modelIndex], arena: arena, traces: traces,
          incidents: settled,
          seriesIndex: { seriesIndex(Series(modelID: modelIDs[modelIndex], version: $0)) },
          sink: sinks[modelIndex],
          ringCapacity: ringCapacity,
          helper: helpers.isEmpty
            ? nil : DrawHelper(helpers[modelIndex % helpers.count], models: models.count)))
    }
    scheduleDeployments()
  }

  private func scheduleDeployments() {
    let start = scenario.simulationStart.microseconds
    for (modelIndex, index) in asked {
      let schedule = schedules[modelIndex][index]
      modelSimulations[modelIndex].deployments[index].outcome = schedule.outcome
      if case .at(let instant) = schedule.start {
        modelSimulations[modelIndex].controls.insert(
          time: instant.microseconds, tag: ControlTag(.deploy, index).bits)
      } else if schedule.start == .never {
        modelSimulations[modelIndex].deployments[index].phase = .ended
      }
      if let instant = schedule.undeployAt {
        modelSimulations[modelIndex].controls.insert(
          time: instant.microseconds, tag: ControlTag(.undeploy, index).bits)
      }
    }
    for (modelIndex, index) in asked where schedules[modelIndex][index].start == .beforehand {
      let requestedAt = account.models[modelIndex].deployments[index].deployAt
      let fits = modelSimulations[modelIndex].deployBeforehand(
        index, requestedAt: requestedAt.microseconds, at: start, pool)
      if !fits { holdBack(modelIndex, index) }
    }
  }

  /// Applies all events before `horizon`. Where the horizons lie changes nothing in the result.
  func run(until horizon: Int64) {
    reached = horizon
    var shared = EventList(capacity: modelSimulations.count)
    for modelIndex in modelSimulations.indices {
      if waiting.hasAny(ofModel: modelIndex) {
        follow(modelIndex)
      } else {
        advance(modelIndex, to: horizon, &shared)
      }
    }
    while true {
      var time = min(shared.firstTime, horizon)
      var modelIndex = time < horizon ? Int(shared.first.tag) : -1
      let ofWaiting = nextSharedEventOfWaiting(before: time, modelIndex)
      if let ofWaiting { (time, modelIndex) = ofWaiting }
      guard time < horizon else { break }
      if ofWaiting == nil { shared.removeFirst() }
      switch modelSimulations[modelIndex].applyShared(pool) {
      case .done: break
      case .needsRoom(let deployment): holdBack(modelIndex, deployment)
      case .gaveUp(let deployment): waiting.remove(ranks[modelIndex][deployment], modelIndex: modelIndex)
      }
      let woken = pool.hasReleased ? startWaiting(at: time) : []
      for candidate in Set(woken + [modelIndex]).sorted() {
        follow(candidate)
        if !waiting.hasAny(ofModel: candidate) { advance(candidate, to: horizon, &shared) }
      }
    }
    assert(checkInvariants(), "the state of account \(account.name) is inconsistent")
  }

  private func advance(_ modelIndex: Int, to horizon: Int64, _ shared: inout EventList) {
    let stop = modelSimulations[modelIndex].advance(to: horizon)
    if stop < horizon { shared.insert(time: stop, tag: UInt64(modelIndex)) }
  }

  // MARK: Waiting for room under the subscription

  /// Notes the next event of a model simulation, if it waits for room.
  private func follow(_ modelIndex: Int) {
    nextOfWaiting.set(
      modelIndex, waiting.hasAny(ofModel: modelIndex) ? modelSimulations[modelIndex].nextEventTime : .max)
  }

  /// Brings the model simulations that wait for room up to (`time`, `modelIndex`), in step with each other, and
  /// returns their first shared event before it.
  private func nextSharedEventOfWaiting(before time: Int64, _ modelIndex: Int) -> (
    time: Int64, modelIndex: Int
  )? {
    guard waiting.count > 0 else { return nil }
    while true {
      let next = nextOfWaiting.first
      guard next < (time, modelIndex) else { return nil }
      nextOfWaiting.set(next.modelIndex, .max)
      let second = nextOfWaiting.first
      let afterNext = second < (time, modelIndex) ? second : (time: time, modelIndex: modelIndex)
      // One microsecond further where the tie is its own.
      let bound = next.modelIndex < afterNext.modelIndex ? afterNext.time + 1 : afterNext.time
      let stop = modelSimulations[next.modelIndex].advance(to: bound)
      follow(next.modelIndex)
      if stop < bound { return (stop, next.modelIndex) }
    }
  }

  /// Steps of finding who comes next among those that wait, for tests of how the cost grows.
  var waitingSteps: Int { waiting.steps + nextOfWaiting.steps }

  /// A deployment whose minReplicas do not fit waits for room, or is refused.
  private func holdBack(_ modelIndex: Int, _ deployment: Int) {
    if account.deployWindows.policy == .refuse {
      modelSimulations[modelIndex].deployments[deployment].phase = .ended
      modelSimulations[modelIndex].deployments[deployment].outcome = .refused
      return
    }
    modelSimulations[modelIndex].deployments[deployment].phase = .pending
    modelSimulations[modelIndex].deployments[deployment].outcome = .deferred
    waiting.insert(
      ranks[modelIndex][deployment], modelIndex: modelIndex,
      minReplicas: modelSimulations[modelIndex].deployments[deployment].firstReplicas)
  }

  /// After a release, waiting deployments are tried in the order of their requests; a small deployment may pass a large
  /// one that still does not fit. Outside the deploy windows, all wait for the next one.
  /// - Returns: model simulations of which some deployment waits no longer.
  private func startWaiting(at time: Int64) -> [Int] {
    pool.hasReleased = false
    var woken: [Int] = []
    var rank = 0
    lazy var opening = account.deployWindows.nextOpening(from: Timestamp(microseconds: time))
    while let next = waiting.first(from: rank, needingAtMost: pool.available) {
      rank = next + 1
      let (modelIndex, deployment) = asked[next]
      guard modelSimulations[modelIndex].hasRoom(for: deployment, pool) else { continue }
      if let opening, opening.microseconds == time {
        guard modelSimulations[modelIndex].deploy(deployment, at: time, pool) else { continue }
      } else {
        modelSimulations[modelIndex].deployments[deployment].phase = .planned
        if let opening {
          modelSimulations[modelIndex].controls.insert(
            time: opening.microseconds, tag: ControlTag(.deploy, deployment).bits)
          modelSimulations[modelIndex].nextTimer = min(
            modelSimulations[modelIndex].nextTimer, opening.microseconds)
        }
      }
      waiting.remove(next, modelIndex: modelIndex)
      woken.append(modelIndex)
    }
    return woken
  }

  // MARK: The end

  /// Serves all that has arrived to its end.
  func finish() {
    for modelIndex in modelSimulations.indices { modelSimulations[modelIndex].startFinishing() }
    run(until: .max)
    flush()
    hasFinished = true
  }

  /// Hands on what has ended.
  func flush() { for modelIndex in modelSimulations.indices { modelSimulations[modelIndex].flush() } }

  /// All requests before this instant have been handed on, once the simulation has run until `horizon`.
  func frontier(horizon: Int64) -> Int64 {
    modelSimulations.indices.reduce(horizon) { min($0, modelSimulations[$1].frontier) }
  }

  /// - Throws: what a sink threw; `TelemetryLimitError` for a request that took longer than telemetry can say;
  ///   `UnendedRequests`.
  func checkSinks() throws {
    for modelIndex in modelSimulations.indices {
      guard let error = modelSimulations[modelIndex].sinkError else {
        guard hasFinished, modelSimulations[modelIndex].frontier < .max else { continue }
        throw UnendedRequests(model: account.models[modelIndex].name, account: account.name)
      }
      guard let tooLong = error as? RequestTooLong else { throw error }
      throw TelemetryLimitError(
        "a request of model \"\(account.models[modelIndex].name)\" of account \"\(account.name)\" takes \(Self.days(tooLong.latency)) days from arrival to response; telemetry holds at most \(Self.days(Limits.latency)). Shorten the service times, add replicas, or give the queue a timeout or a smaller capacity."
      )
    }
  }

  private static func days(_ microseconds: Int64) -> String {
    let hundredths = microseconds / 864_000_000 + (microseconds % 864_000_000 > 0 ? 1 : 0)
    if hundredths > 100_000_000 { return "more than a million" }
    let rest = hundredths % 100
    return "\(hundredths / 100)" + (rest == 0 ? "" : rest < 10 ? ".0\(rest)" : ".\(rest)")
  }

  var notDeployed: Int { modelSimulations.indices.reduce(0) { $0 + modelSimulations[$1].notDeployed } }

  /// Every model simulation's state is consistent, and the pool counts what the deployments have.
  func checkInvariants() -> Bool {
    var total = 0
    for modelIndex in modelSimulations.indices {
      guard modelSimulations[modelIndex].departures.checkInvariants(),
        modelSimulations[modelIndex].controls.checkInvariants(),
        modelSimulations[modelIndex].clients.checkInvariants()
      else {
        return false
      }
      for index in modelSimulations[modelIndex].deployments.indices {
        guard modelSimulations[modelIndex].deployments[index].checkInvariants() else { return false }
        total += modelSimulations[modelIndex].deployments[index].total
      }
    }
    return total == pool.used && pool.checkInvariants()
  }

  /// Deployments, replicas and incidents of the account, once it has finished.
  func tables() -> TelemetryTables {
    var tables = TelemetryTables()
    func within(_ instant: Int64?) -> Timestamp? {
      instant.flatMap { $0 < scenario.to.microseconds ? Timestamp(microseconds: $0) : nil }
    }
    for (modelIndex, model) in account.models.enumerated() {
      let modelID = modelIDs[modelIndex]
      for (index, deployment) in model.deployments.enumerated() {
        let deployedAt = within(modelSimulations[modelIndex].deployments[index].deployedAt)
        tables.deployments.append(
          DeploymentRecord(
            modelID: modelID, version: deployment.version, hardware: deployment.hardware,
            minReplicas: deployment.scaling.minReplicas, maxReplicas: deployment.scaling.maxReplicas,
            maxBatchSize: deployment.scaling.maxBatchSize, requestedAt: deployment.deployAt,
            deployedAt: deployedAt,
            undeployedAt: within(modelSimulations[modelIndex].deployments[index].undeployedAt),
            outcome: modelSimulations[modelIndex].deployments[index].outcome))
        if let asked = deployment.undeployAt,
          let record = undeployRecord(schedules[modelIndex][index], asked, modelID)
        {
          tables.incidents.append(record)
        }
      }
      tables.replicas += modelSimulations[modelIndex].log.whole.map { entry in
        ReplicaRecord(
          at: Timestamp(microseconds: entry.at), modelID: modelID,
          version: model.deployments[entry.deployment].version,
          hardware: model.deployments[entry.deployment].hardware, starting: entry.starting,
          ready: entry.ready,
          draining: entry.draining, limitedBy: entry.limitedBy)
      }
      tables.incidents += reclaimRows(modelIndex)
      tables.kvCache += kvCacheRows(modelIndex)
    }
    for settled in incidents where settled.from < scenario.to && settled.to > scenario.from {
      let row = { (model: Int32?) in
        IncidentRecord(
          modelID: model, provider: settled.incident.provider ?? "", kind: settled.incident.kind,
          startedAt: settled.from, endedAt: settled.to)
      }
      if let name = settled.incident.model {
        for (modelIndex, model) in account.models.enumerated() where model.name == name {
          tables.incidents.append(row(modelIDs[modelIndex]))
        }
      } else if givesCommonRows {
        tables.incidents.append(row(nil))
      }
    }
    return tables
  }

  /// Spot machines that were wanted back in the period, or gone in it.
  private func reclaimRows(_ modelIndex: Int) -> [IncidentRecord] {
    modelSimulations[modelIndex].reclaims.compactMap { reclaim in
      guard reclaim.at < scenario.to.microseconds, reclaim.gone >= scenario.from.microseconds else {
        return nil
      }
      return IncidentRecord(
        modelID: modelIDs[modelIndex], provider: "", kind: IncidentKind.reclaim.rawValue,
        startedAt: Timestamp(microseconds: reclaim.at), endedAt: Timestamp(microseconds: reclaim.gone))
    }
  }

  /// Of deployments whose replicas have one, in the order of the scenario.
  func kvCaches() -> [KVCacheUse] {
    account.models.indices.flatMap { modelIndex in
      account.models[modelIndex].deployments.indices.compactMap { index in
        modelSimulations[modelIndex].deployments[index].kvCacheUse.map { use in
          KVCacheUse(
            modelID: modelIDs[modelIndex], version: account.models[modelIndex].deployments[index].version,
            blocks: use.blocks,
            replicaMicroseconds: modelSimulations[modelIndex].log.servingMicroseconds(index),
            preemptions: use.preemptions, blockMicroseconds: use.blockMicroseconds)
        }
      }
    }
  }

  /// A window that moved or refused an undeployment leaves a record, from when it was asked for.
  private func undeployRecord(_ schedule: DeploymentSchedule, _ asked: Timestamp, _ model: Int32)
    -> IncidentRecord?
  {
    switch schedule.undeployDecision {
    case .asAsked: nil
    case .deferred:
      IncidentRecord(
        modelID: model, provider: "", kind: IncidentKind.undeployDeferred.rawValue, startedAt: asked,
        endedAt: schedule.undeployAt ?? scenario.to)
    case .refused:
      IncidentRecord(
        modelID: model, provider: "", kind: IncidentKind.undeployRefused.rawValue, startedAt: asked,
        endedAt: asked)
    }
  }
}

/// Requests were admitted and never end, although nothing happens any more: they would be in no figure, and nobody would
/// miss them. A fault of this program.
struct UnendedRequests: Error, CustomStringConvertible {
  var model: String
  var account: String
  var description: String {
    "requests of model \"\(model)\" of account \"\(account)\" never end. This is a fault of the simulation; please report it."
  }
}
