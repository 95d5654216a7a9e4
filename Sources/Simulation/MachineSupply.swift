import Sampling
import ScenarioModel

/// The machines of a deployment's replicas, which come from a pool: each arrives some time after it was asked for, and a
/// spot machine may have to be given back.
///
/// Looked at when replicas come and go, and never for a request.
final class MachineSupply {
  private struct Machine {
    /// µs since 1970; `reclaimedAt` is `Int64.max` of one that stays.
    var reclaimedAt = Int64.max
    var isThere = false
    /// Whether another replica starts as soon as this one is gone.
    var isReplaced = false
  }

  /// By replica.
  private var machines: [Machine]
  /// Replicas whose machines are not there yet.
  private(set) var awaited = 0
  /// From the notice until a spot machine is gone, µs.
  let notice: Int64
  private let provisioning: Sampler
  private let lifetime: Sampler?
  private let provisioningStream: RandomStream
  private let reclaimStream: RandomStream

  init(
    _ pool: Scenario.HardwarePool, replicas: Int, in arena: SamplingArena, stream: (String) -> RandomStream
  ) {
    machines = Array(repeating: Machine(), count: replicas)
    notice = pool.spot?.notice ?? 0
    provisioning = Sampler(pool.provisioning, in: arena)
    lifetime = pool.spot.map { Sampler($0.timeBetweenReclaims, in: arena) }
    provisioningStream = stream("provisioning")
    reclaimStream = stream("reclaims")
  }

  var isSpot: Bool { lifetime != nil }

  /// A replica asks for a machine.
  /// - Parameter isThere: whether it has one already, as those have that were deployed before the simulation.
  /// - Returns: when it arrives.
  func order(_ replica: Int, at time: Int64, isThere: Bool) -> Int64 {
    let arrival = isThere ? time : time + microseconds(provisioning.draw(from: provisioningStream))
    // It is there for a microsecond at least, so that time goes on.
    let end = lifetime.map { arrival + max(microseconds($0.draw(from: reclaimStream)), 1) } ?? .max
    machines[replica] = Machine(reclaimedAt: end)
    awaited += 1
    return arrival
  }

  /// - Returns: when its provider wants it back; `nil` if never.
  func arrive(_ replica: Int) -> Int64? {
    machines[replica].isThere = true
    awaited -= 1
    return reclaim(of: replica)
  }

  func isThere(_ replica: Int) -> Bool { machines[replica].isThere }

  func reclaim(of replica: Int) -> Int64? {
    machines[replica].reclaimedAt == .max ? nil : machines[replica].reclaimedAt
  }

  /// There is no room for another replica until this one is gone.
  func replaceWhenGone(_ replica: Int) { machines[replica].isReplaced = true }

  /// A replica gives its machine back, or needs the one no longer that it asked for.
  /// - Returns: whether another replica is to start in its place.
  func giveBack(_ replica: Int) -> Bool {
    let machine = machines[replica]
    machines[replica] = Machine(isThere: true)
    if !machine.isThere { awaited -= 1 }
    return machine.isReplaced
  }
}

/// A spot machine that its provider wanted back.
struct Reclaim {
  var deployment: Int
  /// The notice, and the end of the machine, µs since 1970.
  var at: Int64
  var gone: Int64
}
