import ScenarioModel
import Telemetry

/// The replicas that an account's subscription allows, shared by all its deployments: the only thing
/// through which models of one account influence each other.
final class ReplicaPool {
  /// On all hardware together.
  let limit: Int
  private(set) var used = 0
  private let hardware: LimitedHardware
  private var usedOfHardware: [Int]
  /// Set by a release, for those who wait for room.
  var hasReleased = false

  init(limit: Int, _ hardware: LimitedHardware = LimitedHardware()) {
    self.limit = limit
    self.hardware = hardware
    usedOfHardware = hardware.limits.map { _ in 0 }
  }

  var available: Int { limit - used }

  /// - Parameter place: of the hardware, in `LimitedHardware`; `nil` of any other.
  func available(on place: Int?) -> Int {
    guard let place else { return available }
    return min(available, min(hardware.limits[place], hardware.machines[place]) - usedOfHardware[place])
  }

  /// Takes as many as there are, at most `count`.
  /// - Returns: how many, and, if they are fewer, the limit that did not let it take more.
  func take(upTo count: Int, on place: Int?) -> (taken: Int, limit: ReplicaLimit) {
    let taken = min(count, available(on: place))
    used += taken
    if let place { usedOfHardware[place] += taken }
    if taken == count { return (taken, .none) }
    guard available > 0, let place else { return (taken, .subscription) }
    return (taken, usedOfHardware[place] == hardware.limits[place] ? .perHardware : .pool)
  }

  func release(_ count: Int, on place: Int?) {
    precondition(count <= used, "more replicas released than taken")
    used -= count
    if let place { usedOfHardware[place] -= count }
    hasReleased = hasReleased || count > 0
  }

  func checkInvariants() -> Bool {
    used <= limit
      && usedOfHardware.indices.allSatisfy {
        (0...min(hardware.limits[$0], hardware.machines[$0])).contains(usedOfHardware[$0])
      }
  }
}

/// The hardware of an account on which only so many replicas may run, or of which there are only so many machines.
struct LimitedHardware {
  private var places: [String: Int] = [:]
  /// By place: what the subscription allows, and the machines of the pool; `Int.max` where there is no such limit.
  private(set) var limits: [Int] = []
  private(set) var machines: [Int] = []

  init() {}

  init(_ account: Scenario.Account) {
    for name in Set(account.perHardware.keys).union(account.pools.map(\.name)).sorted() {
      places[name] = limits.count
      limits.append(account.perHardware[name] ?? .max)
      machines.append(account.pool(name)?.limit ?? .max)
    }
  }

  /// `nil` of hardware that has no limit of its own.
  func place(_ name: String) -> Int? { places[name] }
}
