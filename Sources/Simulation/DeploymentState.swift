import Dispatch
import Sampling
import ScenarioModel
import Telemetry

/// A replica of a deployment.
struct Replica {
  enum State: UInt8 { case free, starting, ready, draining }
  var state = State.free
  /// Requests that it serves.
  var occupancy = 0
  /// Counts its lives, so that events scheduled for an earlier one are recognised.
  var generation: UInt32 = 0
  /// Order of starts within the deployment: the youngest goes first when replicas are removed.
  var startOrder = 0
}

/// Everything about one deployment that changes, and what its rules are.
///
/// Invariants, checked by `checkInvariants()`: `starting`, `ready`, `draining` count the replicas in these
/// states; `freeSlots` = ready × maxBatchSize − what ready replicas serve; `demand` = requests waiting + served
/// by ready replicas, which the autoscaler has observed; requests wait only while no slot is free.
struct DeploymentState: ~Copyable {
  enum Phase: UInt8 {
    /// Not asked for yet.
    case planned
    /// Asked for; waits for room under the subscription.
    case pending
    /// Its first replica starts.
    case deploying
    case deployed
    /// Takes no new requests; serves those it has.
    case undeploying
    /// Undeployed, refused, or given up before it was deployed.
    case ended
  }

  let series: Int32
  let minReplicas: Int
  /// That it begins with when it is deployed in the simulated time.
  let firstReplicas: Int
  let maxReplicas: Int
  /// Its place in `LimitedHardware`.
  let hardware: Int?
  /// `nil` where its replicas always find a machine.
  let machines: MachineSupply?
  let maxBatchSize: Int
  /// How many requests may wait, and how many while no replica is ready.
  private let fullCapacity: Int
  private let heldCapacity: Int
  /// How long requests wait at most, of the class that does the shortest; `Int64.max`: for ever.
  let timeout: Int64
  var limits: RateLimits
  /// Whether it neither turns requests away nor hands them on, whatever they are.
  let takesAll: Bool
  let traffic: Double?
  let modelErrorProbability: Double
  let mayFail: Bool
  let crashes: Bool
  /// Whether a replica may be lost with what it serves: how a request ends is then known only when it does.
  let mayLose: Bool

  var service: ServiceDraws
  let batchSlowdown: Double
  /// `nil` where requests are served alone, each with a service time of its own.
  let batching: ContinuousBatching?
  let isBatching: Bool
  /// `nil` where every prompt is read from its beginning.
  let prefixes: DeploymentPrefixes?
  /// The deployment that reads its prompts, and the one that it reads them for; −1 where its replicas do both.
  let prefill: Int
  let decoder: Int
  /// Of what it has read, µs and µs a token.
  let handover: PrefillPool.Handover
  /// Tokens of a request, input and output, that the KV cache of a replica can hold; `Int64.max` without one.
  let longestContext: Int64
  let startup: Sampler
  let timeBetweenCrashes: Sampler
  let timeToRepair: Sampler
  let startupStream: RandomStream
  let crashStream: RandomStream

  var phase = Phase.planned
  var replicas: FixedArray<Replica>
  /// Of each replica; none without continuous batching.
  var batches: FixedArray<StepBatch>
  /// The ready replicas, by how many requests they serve.
  private var levels: OccupancyLevels
  var starting = 0
  var ready = 0
  var draining = 0
  var startOrder = 0
  var freeSlots = 0
  var queue: WaitingQueue
  /// Changed by `raiseDemand` and `lowerDemand` of its model simulation alone.
  var demand = 0
  var autoscaler: Autoscaler

  var outcome = DeploymentOutcome.deployed
  var deployedAt: Int64?
  var undeployedAt: Int64?

  init(
    _ deployment: Scenario.Deployment, _ load: Scenario.Load?, hardware: Int?,
    pool: Scenario.HardwarePool?, series: Int32, mayFail: Bool,
    start: Int64,
    period: Range<Int64>, arena: SamplingArena,
    prefixes: DeploymentPrefixes?, helper: DrawHelper?,
    stream: (String) -> RandomStream
  ) throws {
    self.series = series
    minReplicas = deployment.scaling.minReplicas
    firstReplicas = max(minReplicas, deployment.scaling.policy.initialScale ?? 0)
    maxReplicas = deployment.scaling.maxReplicas
    self.hardware = hardware
    maxBatchSize = deployment.scaling.maxBatchSize
    var (prefill, decoder) = (-1, -1)
    var handover = PrefillPool.Handover(base: 0, perToken: 0)
    switch deployment.part {
    case .whole: break
    case .prefill(let index, let stated): (decoder, handover) = (index, stated)
    case .decode(let index): prefill = index
    }
    (self.prefill, self.decoder, self.handover) = (prefill, decoder, handover)
    // Requests are turned away, give up and fail where their prompts are read, and come from there in order.
    let decodesOnly = prefill >= 0
    let capacity = decodesOnly ? .max : deployment.queue.capacity
    fullCapacity = capacity
    let held = deployment.scaling.minReplicas == 0 ? deployment.scaling.policy.heldRequests : nil
    heldCapacity = min(held ?? .max, capacity)
    var rules = deployment.queue
    if decodesOnly { (rules.discipline, rules.timeoutMicroseconds) = (.fifo, nil) }
    queue = WaitingQueue(rules, decodesOnly ? nil : load)
    timeout = queue.shortestPatience
    limits = RateLimits(deployment.rateLimit, at: start)
    traffic = deployment.traffic
    modelErrorProbability = decodesOnly ? 0 : deployment.modelErrorProbability
    self.mayFail = !decodesOnly && (mayFail || deployment.modelErrorProbability > 0)
    crashes = deployment.crash != nil
    mayLose = deployment.crash != nil || pool?.spot != nil
    machines = pool.map {
      MachineSupply($0, replicas: deployment.scaling.maxReplicas, in: arena, stream: stream)
    }
    let nothing = Sampler(try Distribution(.constant(0)), in: arena)
    service = try ServiceDraws(
      deployment.service, mayFail: self.mayFail, in: arena, helper: helper, stream: stream)
    batchSlowdown = deployment.service.batchSlowdown
    batching = deployment.service.continuousBatching
    isBatching = batching != nil
    takesAll = batching == nil && prefill < 0 && deployment.rateLimit == nil
    let prefixes = decodesOnly ? nil : prefixes
    self.prefixes = prefixes
    longestContext = batching?.kvCache?.longestContext ?? .max
    startup = Sampler(deployment.scaling.startup, in: arena)
    timeBetweenCrashes = deployment.crash.map { Sampler($0.timeBetween, in: arena) } ?? nothing
    timeToRepair = deployment.crash.map { Sampler($0.timeToRepair, in: arena) } ?? nothing
    startupStream = stream("startup")
    crashStream = stream("crashes")
    replicas = FixedArray(repeating: Replica(), count: maxReplicas)
    let model = batching
    batches = FixedArray(count: isBatching ? maxReplicas : 0) { _ in
      StepBatch(model, prefixes?.tree, handsOver: decoder >= 0, period: period)
    }
    levels = OccupancyLevels(replicas: maxReplicas, maxBatchSize: maxBatchSize)
    autoscaler = Autoscaler(
      deployment.scaling,
      kvBlocks: model.flatMap { model in model.kvCache.map { $0.blocks * Int64(model.dataParallel) } } ?? 0)
  }

  /// What its replicas' KV caches were used for; `nil` where they have none.
  var kvCacheUse: (blocks: Int64, preemptions: Int64, blockMicroseconds: Double)? {
    guard let batching, let cache = batching.kvCache else { return nil }
    var (preemptions, blockMicroseconds) = (Int64(0), 0.0)
    for replica in batches.indices {
      preemptions += batches[replica].meter?.preemptions ?? 0
      blockMicroseconds += batches[replica].meter?.blockMicroseconds ?? 0
    }
    return (cache.blocks * Int64(batching.dataParallel), preemptions, blockMicroseconds)
  }

  /// What the KV cache of each replica was used for so far, by quarters of an hour since 1970.
  func visitKVCacheQuarters(_ body: (_ number: Int64, _ use: KVCacheQuarter) -> Void) {
    for replica in batches.indices { batches[replica].meter?.visitQuarters(body) }
  }

  /// How many requests may wait now.
  @inline(__always)
  var queueCapacity: Int { ready == 0 ? heldCapacity : fullCapacity }

  /// What the account pays for.
  var total: Int { starting + ready + draining }

  /// Replicas that serve or will serve.
  var provisioned: Int { starting + ready }

  /// Adds a request to the ready replica with the fewest, the lowest number among equals; a slot must be free.
  ///
  /// - Returns: the replica.
  @inline(__always)
  mutating func occupyLeast() -> Int {
    let (replica, level) = levels.raiseLowest()
    replicas[replica].occupancy = level &+ 1
    return replica
  }

  /// Takes a request from a replica.
  @inline(__always)
  mutating func vacate(_ replica: Int) {
    let level = replicas[replica].occupancy &- 1
    replicas[replica].occupancy = level
    guard replicas[replica].state == .ready else { return }
    levels.lower(replica, to: level)
  }

  /// Changes what a replica serves.
  mutating func setOccupancy(_ occupancy: Int, of replica: Int) {
    takeOffLevel(replica)
    replicas[replica].occupancy = occupancy
    putOnLevel(replica)
  }

  mutating func setState(_ state: Replica.State, of replica: Int) {
    takeOffLevel(replica)
    replicas[replica].state = state
    putOnLevel(replica)
  }

  /// Takes a ready replica from those that serve as many as it does. The levels are right after `putOnLevel` only.
  private mutating func takeOffLevel(_ replica: Int) {
    guard replicas[replica].state == .ready else { return }
    levels.remove(replica, at: replicas[replica].occupancy)
  }

  /// Puts a ready replica among those that serve as many as it does.
  private mutating func putOnLevel(_ replica: Int) {
    if replicas[replica].state == .ready { levels.insert(replica, at: replicas[replica].occupancy) }
    levels.settle()
  }

  /// The youngest replica in a state.
  func youngest(_ state: Replica.State) -> Int? {
    (0..<maxReplicas).filter { replicas[$0].state == state }.max {
      replicas[$0].startOrder < replicas[$1].startOrder
    }
  }

  func checkInvariants() -> Bool {
    func count(_ state: Replica.State) -> Int { (0..<maxReplicas).count { replicas[$0].state == state } }
    let served = (0..<maxReplicas).reduce(0) {
      $0 + (replicas[$1].state == .ready ? replicas[$1].occupancy : 0)
    }
    return starting == count(.starting) && ready == count(.ready) && draining == count(.draining)
      && freeSlots == ready * maxBatchSize - served && demand == queue.count + served
      && (queue.count == 0 || freeSlots == 0)
      && (0..<maxReplicas).allSatisfy { (0...maxBatchSize).contains(replicas[$0].occupancy) }
      && levels.checkInvariants(hasFree: freeSlots > 0) {
        replicas[$0].state == .ready ? replicas[$0].occupancy : nil
      }
      && total <= maxReplicas && (machines?.awaited ?? 0) <= starting
      && autoscaler.checkInvariants(demand: demand)
  }
}
