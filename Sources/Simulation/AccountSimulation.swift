import Dispatch
import Sampling
import ScenarioModel
import Telemetry

/// The simulation of one account: its models' lanes, coupled by the subscription's replicas.
///
/// Lanes run on their own up to their next shared event (see `ModelLane`); the account applies shared events
/// in the order of (time, model). A lane with a deployment that waits for room never runs ahead of the others,
/// since any release of a replica may let it start.
///
/// Sendable, unchecked: a simulation belongs to one thread at a time. It is made by one thread, and handed from epoch to
/// epoch by `inParallel`, which gives each index to one thread and returns only when all have ended.
final class AccountSimulation: @unchecked Sendable {
  /// Of a part of an account, with that part's models only.
  let account: Scenario.Account
  private let scenario: Scenario
  private let arena: SamplingArena
  private var lanes: FixedArray<ModelLane>
  private let pool: ReplicaPool
  private let schedules: [[DeploymentSchedule]]
  private let modelIDs: [Int32]
  private let incidents: [SettledIncident]
  /// Whether rows that concern no single model are this part's to give.
  private let givesCommonRows: Bool

  /// Of all deployments, in the order in which they were asked for.
  private let asked: [(lane: Int, deployment: Int)]
  /// A deployment's place in that order.
  private let ranks: [[Int]]
  /// Deployments that wait for room, by rank.
  private var waiting: WaitingForRoom
  /// The next events of the lanes of those.
  private var nextOfWaiting: EarliestLane

  /// - Parameters:
  ///   - models: which of the account's, by index; see `AccountParts`.
  ///   - modelIDs: of those models.
  ///   - sinks: one a model.
  ///   - helpers: threads that have nothing else to do; they draw ahead for the models, in turn.
  init(
    _ scenario: Scenario, account index: Int, models: Range<Int>, modelIDs: [Int32],
    traces: [TraceSource.Selection: [TraceRequest]], seriesIndex: @escaping (Series) -> Int32,
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
    let requests = account.models.enumerated().flatMap { lane, model in
      model.deployments.indices.map { (at: model.deployments[$0].deployAt, lane: lane, deployment: $0) }
    }.sorted { ($0.at, $0.lane, $0.deployment) < ($1.at, $1.lane, $1.deployment) }
    asked = requests.map { ($0.lane, $0.deployment) }
    var ranks = account.models.map { Array(repeating: 0, count: $0.deployments.count) }
    for (rank, request) in requests.enumerated() { ranks[request.lane][request.deployment] = rank }
    self.ranks = ranks
    waiting = WaitingForRoom(deployments: requests.count, lanes: account.models.count)
    nextOfWaiting = EarliestLane(lanes: account.models.count)
    pool = ReplicaPool(limit: account.subscriptionMaxReplicas)
    let (settled, models) = (incidents, account.models)
    lanes = try FixedArray(count: models.count) { lane in
      try ModelLane(
        LaneSetting(
          scenario: scenario, account: account, model: models[lane], arena: arena, traces: traces,
          incidents: settled,
          seriesIndex: { seriesIndex(Series(modelID: modelIDs[lane], version: $0)) }, sink: sinks[lane],
          ringCapacity: ringCapacity,
          helper: helpers.isEmpty
            ? nil : DrawHelper(helpers[lane % helpers.count], models: models.count)))
    }
    scheduleDeployments()
  }

  private func scheduleDeployments() {
    let start = scenario.simulationStart.microseconds
    for (lane, index) in asked {
      let schedule = schedules[lane][index]
      lanes[lane].deployments[index].outcome = schedule.outcome
      if case .at(let instant) = schedule.start {
        lanes[lane].controls.insert(time: instant.microseconds, tag: ControlTag(.deploy, index).bits)
      } else if schedule.start == .never {
        lanes[lane].deployments[index].phase = .ended
      }
      if let instant = schedule.undeployAt {
        lanes[lane].controls.insert(time: instant.microseconds, tag: ControlTag(.undeploy, index).bits)
      }
    }
    for (lane, index) in asked where schedules[lane][index].start == .beforehand {
      let requestedAt = account.models[lane].deployments[index].deployAt
      let fits = lanes[lane].deployBeforehand(
        index, requestedAt: requestedAt.microseconds, at: start, pool)
      if !fits { holdBack(lane, index) }
    }
  }

  /// Applies all events before `horizon`. Where the horizons lie changes nothing in the result.
  func run(until horizon: Int64) {
    var shared = EventList(capacity: lanes.count)
    for lane in lanes.indices {
      if waiting.hasAny(ofLane: lane) { follow(lane) } else { advance(lane, to: horizon, &shared) }
    }
    while true {
      var time = min(shared.firstTime, horizon)
      var lane = time < horizon ? Int(shared.first.tag) : -1
      let ofWaiting = nextSharedEventOfWaiting(before: time, lane)
      if let ofWaiting { (time, lane) = ofWaiting }
      guard time < horizon else { break }
      if ofWaiting == nil { shared.removeFirst() }
      switch lanes[lane].applyShared(pool) {
      case .done: break
      case .needsRoom(let deployment): holdBack(lane, deployment)
      case .gaveUp(let deployment): waiting.remove(ranks[lane][deployment], lane: lane)
      }
      let woken = pool.hasReleased ? startWaiting(at: time) : []
      for candidate in Set(woken + [lane]).sorted() {
        follow(candidate)
        if !waiting.hasAny(ofLane: candidate) { advance(candidate, to: horizon, &shared) }
      }
    }
    assert(checkInvariants(), "the state of account \(account.name) is inconsistent")
  }

  private func advance(_ lane: Int, to horizon: Int64, _ shared: inout EventList) {
    let stop = lanes[lane].advance(to: horizon)
    if stop < horizon { shared.insert(time: stop, tag: UInt64(lane)) }
  }

  // MARK: Waiting for room under the subscription

  /// Notes the next event of a lane, if it waits for room.
  private func follow(_ lane: Int) {
    nextOfWaiting.set(lane, waiting.hasAny(ofLane: lane) ? lanes[lane].nextEventTime : .max)
  }

  /// Brings the lanes that wait for room up to (`time`, `lane`), in step with each other, and returns their first
  /// shared event before it.
  private func nextSharedEventOfWaiting(before time: Int64, _ lane: Int) -> (time: Int64, lane: Int)? {
    guard waiting.count > 0 else { return nil }
    while true {
      let next = nextOfWaiting.first
      guard next < (time, lane) else { return nil }
      nextOfWaiting.set(next.lane, .max)
      let second = nextOfWaiting.first
      let afterNext = second < (time, lane) ? second : (time: time, lane: lane)
      // One microsecond further where the tie is its own.
      let bound = next.lane < afterNext.lane ? afterNext.time + 1 : afterNext.time
      let stop = lanes[next.lane].advance(to: bound)
      follow(next.lane)
      if stop < bound { return (stop, next.lane) }
    }
  }

  /// Steps of finding who comes next among those that wait, for tests of how the cost grows.
  var waitingSteps: Int { waiting.steps + nextOfWaiting.steps }

  /// A deployment whose minReplicas do not fit waits for room, or is refused.
  private func holdBack(_ lane: Int, _ deployment: Int) {
    if account.deployWindows.policy == .refuse {
      lanes[lane].deployments[deployment].phase = .ended
      lanes[lane].deployments[deployment].outcome = .refused
      return
    }
    lanes[lane].deployments[deployment].phase = .pending
    lanes[lane].deployments[deployment].outcome = .deferred
    waiting.insert(
      ranks[lane][deployment], lane: lane, minReplicas: lanes[lane].deployments[deployment].minReplicas)
  }

  /// After a release: who waits is tried in the order of requests; a small deployment may pass a large one
  /// that still does not fit. Outside the deploy windows, all wait for the next one.
  /// - Returns: lanes of which some deployment waits no longer.
  private func startWaiting(at time: Int64) -> [Int] {
    pool.hasReleased = false
    var woken: [Int] = []
    var rank = 0
    lazy var opening = account.deployWindows.nextOpening(from: Timestamp(microseconds: time))
    while let next = waiting.first(from: rank, needingAtMost: pool.available) {
      rank = next + 1
      let (lane, deployment) = asked[next]
      if let opening, opening.microseconds == time {
        guard lanes[lane].deploy(deployment, at: time, pool) else { continue }
      } else {
        lanes[lane].deployments[deployment].phase = .planned
        if let opening {
          lanes[lane].controls.insert(
            time: opening.microseconds, tag: ControlTag(.deploy, deployment).bits)
          lanes[lane].nextTimer = min(lanes[lane].nextTimer, opening.microseconds)
        }
      }
      waiting.remove(next, lane: lane)
      woken.append(lane)
    }
    return woken
  }

  // MARK: The end

  /// Serves all that has arrived to its end.
  func finish() {
    for lane in lanes.indices { lanes[lane].startFinishing() }
    run(until: .max)
    flush()
  }

  /// Hands on what has ended.
  func flush() { for lane in lanes.indices { lanes[lane].flush() } }

  /// All requests before this instant have been handed on, once the simulation has run until `horizon`.
  func frontier(horizon: Int64) -> Int64 {
    lanes.indices.reduce(horizon) { min($0, lanes[$1].frontier) }
  }

  /// - Throws: what a sink threw; `TelemetryLimitError` for a request that took longer than telemetry can say.
  func checkSinks() throws {
    for lane in lanes.indices {
      guard let error = lanes[lane].sinkError else { continue }
      guard let tooLong = error as? RequestTooLong else { throw error }
      throw TelemetryLimitError(
        "a request of model \"\(account.models[lane].name)\" of account \"\(account.name)\" takes \(Self.days(tooLong.latency)) days from arrival to response; telemetry holds at most \(Self.days(Limits.latency)). Shorten the service times, add replicas, or give the queue a timeout or a smaller capacity."
      )
    }
  }

  private static func days(_ microseconds: Int64) -> String {
    let hundredths = microseconds / 864_000_000 + (microseconds % 864_000_000 > 0 ? 1 : 0)
    if hundredths > 100_000_000 { return "more than a million" }
    let rest = hundredths % 100
    return "\(hundredths / 100)" + (rest == 0 ? "" : rest < 10 ? ".0\(rest)" : ".\(rest)")
  }

  var notDeployed: Int { lanes.indices.reduce(0) { $0 + lanes[$1].notDeployed } }

  /// Every lane's state is consistent, and the pool counts what the deployments have.
  func checkInvariants() -> Bool {
    var total = 0
    for lane in lanes.indices {
      guard lanes[lane].departures.checkInvariants(), lanes[lane].controls.checkInvariants() else {
        return false
      }
      for index in lanes[lane].deployments.indices {
        guard lanes[lane].deployments[index].checkInvariants() else { return false }
        total += lanes[lane].deployments[index].total
      }
    }
    return total == pool.used && pool.used <= pool.limit
  }

  /// Deployments, replicas and incidents of the account, once it has finished.
  func tables() -> TelemetryTables {
    var tables = TelemetryTables()
    func within(_ instant: Int64?) -> Timestamp? {
      instant.flatMap { $0 < scenario.to.microseconds ? Timestamp(microseconds: $0) : nil }
    }
    for (lane, model) in account.models.enumerated() {
      let modelID = modelIDs[lane]
      for (index, deployment) in model.deployments.enumerated() {
        let deployedAt = within(lanes[lane].deployments[index].deployedAt)
        tables.deployments.append(
          DeploymentRecord(
            modelID: modelID, version: deployment.version, hardware: deployment.hardware,
            minReplicas: deployment.scaling.minReplicas, maxReplicas: deployment.scaling.maxReplicas,
            maxBatchSize: deployment.scaling.maxBatchSize, requestedAt: deployment.deployAt,
            deployedAt: deployedAt, undeployedAt: within(lanes[lane].deployments[index].undeployedAt),
            outcome: lanes[lane].deployments[index].outcome))
        if let asked = deployment.undeployAt,
          let record = undeployRecord(schedules[lane][index], asked, modelID)
        {
          tables.incidents.append(record)
        }
      }
      tables.replicas += lanes[lane].log.whole.map { entry in
        ReplicaRecord(
          at: Timestamp(microseconds: entry.at), modelID: modelID,
          version: model.deployments[entry.deployment].version,
          hardware: model.deployments[entry.deployment].hardware, starting: entry.starting,
          ready: entry.ready,
          draining: entry.draining, limitedBy: entry.limitedBy)
      }
    }
    for settled in incidents where settled.from < scenario.to && settled.to > scenario.from {
      let row = { (model: Int32?) in
        IncidentRecord(
          modelID: model, provider: settled.incident.provider ?? "", kind: settled.incident.kind,
          startedAt: settled.from, endedAt: settled.to)
      }
      if let name = settled.incident.model {
        for (lane, model) in account.models.enumerated() where model.name == name {
          tables.incidents.append(row(modelIDs[lane]))
        }
      } else if givesCommonRows {
        tables.incidents.append(row(nil))
      }
    }
    return tables
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
