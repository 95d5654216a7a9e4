import ScenarioModel

/// What a policy may know when it decides.
struct ScalingObservation {
  /// µs since 1970.
  var time: Int64
  var starting: Int
  var ready: Int
  /// Requests that wait for a slot, and those that ready replicas serve.
  var waiting: Int
  var inService: Int
  /// Blocks of the KV caches of the ready replicas that requests hold; 0 unless a policy looks at them.
  var usedBlocks: Int64 = 0
  /// Whether no request arrives any more.
  var isFinishing = false

  /// What a policy scales: replicas that serve or will serve.
  var provisioned: Int { starting + ready }
  var demand: Int { waiting + inService }
}

/// A scaling policy at work. Everything but `quiet` and `due` is called at the instants that these announce, never for each
/// request unless the policy asks for it, so that an existential costs the loop nothing.
protocol ScalingLaw: AnyObject {
  /// Demand of which the policy need not hear: above the first, up to the second.
  var quiet: (above: Int, upTo: Int) { get }
  /// When it must decide next, µs since 1970; `Int64.max` if there is nothing to decide at present.
  var due: Int64 { get }
  /// Demand rose above what was quiet, or fell to its lower end; it changes by one at a time.
  func demandChanged(to demand: Int, rises: Bool, at time: Int64)
  /// The deployment scales from now on, replicas were added or removed, or did not come.
  /// - Parameters:
  ///   - provisioned: replicas that serve or start.
  ///   - notBefore: the earliest instant of another attempt to add some.
  func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64)
  /// The deployment scales no more, or not yet.
  func stop()
  /// How many replicas there should be; `nil` if the policy has no say at this instant. It may be asked at instants that
  /// are not its own.
  func decide(_ observation: ScalingObservation) -> Int?
  func checkInvariants(demand: Int) -> Bool
}

/// All demand.
let everyDemand = (above: -1, upTo: Int.max)

extension ScalingLaw {
  var quiet: (above: Int, upTo: Int) { everyDemand }
  func demandChanged(to demand: Int, rises: Bool, at time: Int64) {}
  func checkInvariants(demand: Int) -> Bool { true }
}

/// - Parameter kvBlocks: of a replica; 0 where there is no KV cache.
func makeLaw(_ policy: ScalingPolicy, _ scaling: Scenario.Scaling, kvBlocks: Int64) -> any ScalingLaw {
  switch policy {
  case .concurrency(let policy): ConcurrencyLaw(policy, scaling)
  case .targetUtilisation(let policy):
    UtilisationLaw(policy.horizontal, target: policy.target, scaling, .slots)
  case .kvUtilisation(let policy):
    UtilisationLaw(policy.horizontal, target: policy.target, scaling, .blocks(ofReplica: kvBlocks))
  case .queueLength(let policy): QueueLengthLaw(policy, scaling)
  case .averageConcurrency(let policy): AverageConcurrencyLaw(policy, scaling)
  case .scheduled(let policy):
    ScheduledLaw(
      policy, scaling, policy.policy.map { makeLaw($0, scaling, kvBlocks: kvBlocks) })
  case .predictive(let policy): PredictiveLaw(policy, scaling)
  case .largest(let policies): LargestLaw(policies.map { makeLaw($0, scaling, kvBlocks: kvBlocks) })
  }
}

/// The concurrency policy as a part of another, which may hold more replicas than it wants, or fewer.
final class ConcurrencyLaw: ScalingLaw {
  /// Until it looks again where the other did not follow, µs.
  private static let retry: Int64 = 15_000_000

  private var autoscaler: ConcurrencyAutoscaler
  private var notBefore = Int64.min
  private var provisioned = -1

  init(_ policy: ConcurrencyScaling, _ scaling: Scenario.Scaling) {
    autoscaler = ConcurrencyAutoscaler(policy, scaling)
  }

  var quiet: (above: Int, upTo: Int) { autoscaler.quiet }
  var due: Int64 { max(autoscaler.due, notBefore) }

  func demandChanged(to demand: Int, rises: Bool, at time: Int64) {
    if rises { autoscaler.demandRose(at: time) } else { autoscaler.demandFell(at: time) }
  }

  func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    // It was followed.
    if provisioned != self.provisioned { self.notBefore = .min }
    self.provisioned = provisioned
    autoscaler.replicasChanged(to: provisioned, demand: demand, at: time, notBefore: notBefore)
  }

  func stop() {
    (notBefore, provisioned) = (.min, -1)
    autoscaler.stop()
  }

  func decide(_ observation: ScalingObservation) -> Int? {
    if due <= observation.time { notBefore = observation.time + Self.retry }
    return autoscaler.decide(provisioned: observation.provisioned, at: observation.time)
  }

  func checkInvariants(demand: Int) -> Bool { autoscaler.checkInvariants(demand: demand) }
}
