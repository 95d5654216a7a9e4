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
    return min(available, hardware.limits[place] - usedOfHardware[place])
  }

  /// Takes as many as there are, at most `count`.
  /// - Returns: how many, and, if they are fewer, the limit that did not let it take more.
  func take(upTo count: Int, on place: Int?) -> (taken: Int, limit: ReplicaLimit) {
    let taken = min(count, available(on: place))
    used += taken
    if let place { usedOfHardware[place] += taken }
    return (taken, taken == count ? .none : available == 0 ? .subscription : .perHardware)
  }

  func release(_ count: Int, on place: Int?) {
    precondition(count <= used, "more replicas released than taken")
    used -= count
    if let place { usedOfHardware[place] -= count }
    hasReleased = hasReleased || count > 0
  }

  func checkInvariants() -> Bool {
    used <= limit && zip(usedOfHardware, hardware.limits).allSatisfy { (0...$1).contains($0) }
  }
}

/// The hardware of an account on which only so many replicas may run.
struct LimitedHardware {
  private var places: [String: Int] = [:]
  /// By place.
  private(set) var limits: [Int] = []

  init() {}

  init(_ account: Scenario.Account) {
    for (name, limit) in account.perHardware.sorted(by: { $0.key < $1.key }) {
      places[name] = limits.count
      limits.append(limit)
    }
  }

  /// `nil` of hardware that has no limit of its own.
  func place(_ name: String) -> Int? { places[name] }
}
