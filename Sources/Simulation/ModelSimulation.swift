import Sampling
import ScenarioModel
import Telemetry

/// The simulation of one model: its demand, its deployments, its requests.
///
/// This file is the whole loop. Events of a model influence other models only through the account's
/// `ReplicaPool`; all others are *local*. `advance(to:)` applies local events one after the other and stops
/// before the first *shared* one, which `AccountSimulation` applies in the order of time over all models.
/// So models run on their own between shared events, and the result is that of one common event list.
///
/// At one instant, events come in this order: departures, ends of steps, handovers, machines that arrive, replicas that get
/// ready, crashes, notices of spot machines and their ends, undeployments, deployments, timeouts, cancellations, the
/// autoscaler, retries, arrivals (of sessions and users that are there before new ones); among the first ten, lower sequence numbers, deployments and replicas first. Between models: the order of
/// the scenario.
///
/// What the loop calls is `mutating` even where it changes nothing: to lend the state, the compiler copies all of it.
struct ModelSimulation: ~Copyable {
  // Demand.
  var demand: Demand
  var nextArrival: Int64
  var retries: RetryBuffer
  let routingStream: RandomStream
  var incidents: IncidentTimeline
  var external: ExternalService?
  let isExternal: Bool
  /// Sessions or users.
  var clients: ClientTable
  /// Whether requests have classes, or follow from responses.
  let hasClients: Bool
  /// How long clients wait for a response, by class, µs; `Int64.max`: for ever.
  let deadlines: [Int64]
  let hasDeadlines: Bool

  // Requests and their future.
  var ring: RequestRing
  var departures = DepartureList()
  var controls = EventList()
  /// Requests that replicas with continuous batching serve, and those whose responses a step has completed.
  var batched = 0
  var ended = StepBatch.Ended()
  var handovers = Handovers()
  /// When clients cancel requests that replicas serve in steps; the tags are sequence numbers.
  var cancellations = EventList()
  /// Not after the earliest of controls, timeouts, autoscaler deadlines and retries.
  var nextTimer: Int64 = .min

  // Deployments; `active` are those that take new requests, with their cumulated shares.
  var deployments: FixedArray<DeploymentState>
  var active: [(deployment: Int, share: Double)] = []
  /// The only active deployment, or −1 for none, −2 for several.
  var soleActive = -1
  /// Whether a replica drains or a deployment is undeploying, so that departures may release replicas.
  var mayRelease = false
  /// Spot machines that their provider wanted back, in order of time.
  var reclaims: [Reclaim] = []

  // Its outputs.
  let periodStart: Int64
  let sink: any TelemetrySink
  var originColumns: OriginColumns
  /// `nil` where nobody says what tokens cost.
  let costColumns: CostColumns?
  var sinkError: (any Error)?
  var notDeployed = 0
  var log: ReplicaLog
  var isFinishing = false

  /// Applies local events before `horizon`. Returns the instant of the next shared event if there is one
  /// before it, else `horizon`.
  mutating func advance(to horizon: Int64) -> Int64 {
    while true {
      let departure = departures.firstTime
      if departure <= nextArrival && departure <= nextTimer {
        if departure >= horizon || (isFinishing && isIdle) { return horizon }
        if mayRelease && isSharedDeparture { return departure }
        depart()
      } else if nextArrival < nextTimer {
        if nextArrival >= horizon { return horizon }
        arrive()
      } else {
        if nextTimer >= horizon || (isFinishing && isIdle) { return horizon }
        let timer = settleTimer()
        if nextTimer != timer.time {  // It was an estimate from before.
          nextTimer = timer.time
          continue
        }
        if timer.isShared { return timer.time }
        apply(timer, pool: nil)
      }
    }
  }

  /// Applies the shared event that `advance(to:)` stopped at.
  mutating func applyShared(_ pool: ReplicaPool) -> SharedResult {
    if departures.firstTime <= nextTimer {
      departAndRelease(pool)
      return .done
    }
    return apply(settleTimer(), pool: pool)
  }

  /// What a shared event leaves to the account.
  enum SharedResult {
    case done
    /// The deployment found no room under the subscription.
    case needsRoom(deployment: Int)
    /// A deployment that waited for room was undeployed.
    case gaveUp(deployment: Int)
  }

  /// The next event that is neither a departure nor an arrival.
  struct Timer {
    enum Kind {
      case control(EventList.Entry)
      case timeout(Int)
      case cancellation
      case scaling(Int)
      case retry, none
    }
    var time: Int64
    var kind: Kind
    var isShared: Bool
  }

  private mutating func settleTimer() -> Timer {
    var timer = Timer(time: .max, kind: .none, isShared: false)
    if controls.count > 0 {
      let entry = controls.first
      timer = Timer(time: entry.time, kind: .control(entry), isShared: isShared(entry))
    }
    for index in deployments.indices {
      if deployments[index].timeout != .max, deployments[index].queue.count > 0 {
        let time = expiry(index)
        if time < timer.time {
          timer = Timer(time: time, kind: .timeout(index), isShared: deployments[index].phase == .undeploying)
        }
      }
    }
    if cancellations.firstTime < timer.time {
      timer = Timer(time: cancellations.firstTime, kind: .cancellation, isShared: false)
    }
    for index in deployments.indices {
      let due = deployments[index].autoscaler.due
      if due < timer.time { timer = Timer(time: due, kind: .scaling(index), isShared: true) }
    }
    if retries.firstTime < timer.time {
      timer = Timer(time: retries.firstTime, kind: .retry, isShared: false)
    }
    return timer
  }

  @discardableResult
  private mutating func apply(_ timer: Timer, pool: ReplicaPool?) -> SharedResult {
    var result = SharedResult.done
    switch timer.kind {
    case .control(let entry):
      controls.removeFirst()
      result = apply(entry, pool: pool)
    case .timeout(let deployment): timeOut(deployment, at: timer.time, pool: pool)
    case .cancellation: cancel(at: timer.time)
    case .scaling(let deployment): if let pool { scale(deployment, at: timer.time, pool: pool) }
    case .retry: retry(at: timer.time)
    case .none: break
    }
    nextTimer = settleTimer().time
    return result
  }

  /// Not after its next event.
  var nextEventTime: Int64 {
    if isFinishing && isIdle { return .max }
    return min(nextArrival, departures.firstTime, nextTimer)
  }

  /// Whether no request is waiting or served.
  var isIdle: Bool {
    departures.count == 0 && batched == 0
      && deployments.indices.allSatisfy { deployments[$0].queue.count == 0 }
  }
}
