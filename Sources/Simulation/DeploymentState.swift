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
/// by ready replicas; requests wait only while no slot is free.
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
  let maxReplicas: Int
  let maxBatchSize: Int
  let scaleUpDelay: Int64
  let scaleDownDelay: Int64
  let queueCapacity: Int
  /// `Int64.max` without a timeout.
  let timeout: Int64
  let isLifo: Bool
  let traffic: Double?
  let modelErrorProbability: Double
  let mayFail: Bool
  let crashes: Bool

  let isDirectService: Bool
  let firstToken: Sampler
  let perInputToken: Sampler
  let perOutputToken: Sampler
  let batchSlowdown: Double
  let startup: Sampler
  let timeBetweenCrashes: Sampler
  let timeToRepair: Sampler
  let serviceStream: RandomStream
  let failureStream: RandomStream
  let startupStream: RandomStream
  let crashStream: RandomStream

  var phase = Phase.planned
  var replicas: UnsafeMutablePointer<Replica>
  var starting = 0
  var ready = 0
  var draining = 0
  var startOrder = 0
  var freeSlots = 0
  var line = WaitingLine()
  var demand = 0

  /// Demand above this exceeds capacity.
  var upThreshold = Int.max
  /// Demand at or below this would be met by one replica less.
  var downThreshold = -1
  var upDeadline = Int64.max
  var downDeadline = Int64.max
  /// Largest demand since capacity began to exceed demand.
  var peakDemand = 0

  var outcome = DeploymentOutcome.deployed
  var deployedAt: Int64?
  var undeployedAt: Int64?

  init(
    _ deployment: Scenario.Deployment, series: Int32, mayFail: Bool, arena: SamplingArena,
    stream: (String) -> RandomStream
  ) throws {
    self.series = series
    minReplicas = deployment.scaling.minReplicas
    maxReplicas = deployment.scaling.maxReplicas
    maxBatchSize = deployment.scaling.maxBatchSize
    scaleUpDelay = deployment.scaling.scaleUpDelayMicroseconds
    scaleDownDelay = deployment.scaling.scaleDownDelayMicroseconds
    queueCapacity = deployment.queue.capacity
    timeout = deployment.queue.timeoutMicroseconds ?? .max
    isLifo = deployment.queue.discipline == .lifo
    traffic = deployment.traffic
    modelErrorProbability = deployment.modelErrorProbability
    self.mayFail = mayFail || deployment.modelErrorProbability > 0
    crashes = deployment.crash != nil
    let nothing = Sampler(try Distribution(.constant(0)), in: arena)
    switch deployment.service {
    case .direct(let time, let slowdown):
      isDirectService = true
      firstToken = Sampler(time, in: arena)
      perInputToken = nothing
      perOutputToken = nothing
      batchSlowdown = slowdown
    case .tokens(let first, let input, let output, let slowdown):
      isDirectService = false
      firstToken = Sampler(first, in: arena)
      perInputToken = Sampler(input, in: arena)
      perOutputToken = Sampler(output, in: arena)
      batchSlowdown = slowdown
    }
    startup = Sampler(deployment.scaling.startup, in: arena)
    timeBetweenCrashes = deployment.crash.map { Sampler($0.timeBetween, in: arena) } ?? nothing
    timeToRepair = deployment.crash.map { Sampler($0.timeToRepair, in: arena) } ?? nothing
    serviceStream = stream("service")
    failureStream = stream("failures")
    startupStream = stream("startup")
    crashStream = stream("crashes")
    replicas = .allocate(capacity: maxReplicas)
    replicas.initialize(repeating: Replica(), count: maxReplicas)
  }

  deinit { replicas.deallocate() }

  /// What the account pays for.
  var total: Int { starting + ready + draining }

  /// Replicas that serve or will serve.
  var provisioned: Int { starting + ready }

  /// The ready replica with the fewest requests, the lowest number among equals; a slot must be free.
  @inline(__always)
  func leastOccupied() -> Int {
    if maxReplicas == 1 { return 0 }
    var best = -1
    var fewest = maxBatchSize
    for index in 0..<maxReplicas where replicas[index].state == .ready && replicas[index].occupancy < fewest {
      best = index
      fewest = replicas[index].occupancy
      if fewest == 0 { break }
    }
    return best
  }

  /// The youngest replica in a state.
  func youngest(_ state: Replica.State) -> Int? {
    (0..<maxReplicas).filter { replicas[$0].state == state }.max { replicas[$0].startOrder < replicas[$1].startOrder }
  }

  func checkInvariants() -> Bool {
    func count(_ state: Replica.State) -> Int { (0..<maxReplicas).count { replicas[$0].state == state } }
    let served = (0..<maxReplicas).reduce(0) { $0 + (replicas[$1].state == .ready ? replicas[$1].occupancy : 0) }
    return starting == count(.starting) && ready == count(.ready) && draining == count(.draining)
      && freeSlots == ready * maxBatchSize - served && demand == line.count + served
      && (line.count == 0 || freeSlots == 0)
      && (0..<maxReplicas).allSatisfy { (0...maxBatchSize).contains(replicas[$0].occupancy) }
      && total <= maxReplicas
  }
}
