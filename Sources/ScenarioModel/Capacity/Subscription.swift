import Documents
import Telemetry

extension Scenario {
  /// The replicas that an account has booked.
  package struct Subscription: Sendable, Equatable {
    /// On all hardware together.
    package var maxReplicas: Int
    /// Of hardware on which fewer may run.
    package var perHardware: [String: Int] = [:]
  }
}

extension Scenario.Subscription {
  static let shape = Shape(
    "subscription", "The capacity that the account has booked.",
    [
      Key(
        "maxReplicas", .integer(1...1_000_000), required: true,
        "Replicas that may run at once over all deployments."),
      Key(
        perHardware, .map(keys: ".+", .integer(1...1_000_000)),
        "Replicas that may run at once on a hardware, over all deployments, as {A10 single: 4}. Of hardware that is not named: maxReplicas."
      ),
    ])

  static let perHardware = "perHardware"

  /// - Parameter isKnown: whether hardware of that name has a price; gives a diagnostic at the location otherwise.
  /// - Returns: `nil` after a diagnostic.
  static func read(_ keys: Section, isKnown: (String, Location) -> Bool) -> Self? {
    var found = keys.integer("maxReplicas").map { Self(maxReplicas: $0) }
    for entry in keys.map(perHardware) {
      guard isKnown(entry.key, entry.keyLocation),
        let limit = keys.integer(entry.value, entry.key, 1...1_000_000)
      else {
        found = nil
        continue
      }
      found?.perHardware[entry.key] = limit
      if let most = found?.maxReplicas, limit > most {
        keys.diagnostics.warning(
          entry.value.location,
          "\(limit) replicas on \(quoted(entry.key)) are more than the subscription's \(most) in total, so that this limit does nothing. Lower it, or remove it."
        )
      }
    }
    return found
  }

  /// Those that hold for a deployment on some hardware.
  func limits(on hardware: String?) -> [Scenario.CapacityLimit] {
    var all = [
      Scenario.CapacityLimit(
        replicas: maxReplicas, whose: "the subscription's \(maxReplicas)",
        path: "account.subscription.maxReplicas")
    ]
    if let hardware, let own = perHardware[hardware] {
      all.append(
        .init(
          replicas: own, whose: "the subscription's \(own) on \(quoted(hardware))",
          path: "account.subscription.perHardware"))
    }
    return all
  }
}

extension Scenario {
  /// A limit of replicas, for messages.
  struct CapacityLimit {
    var replicas: Int
    var whose: String
    /// Where it stands.
    var path: String
  }
}

extension AccountReader {
  /// Limits of hardware that no deployment runs on.
  func warnOfUnusedLimits(_ subscription: Scenario.Subscription, _ models: [Scenario.Model?]) {
    // One that could not be read may run on any.
    guard !subscription.perHardware.isEmpty, !models.contains(where: { $0 == nil }),
      let keys = section.section("subscription")
    else { return }
    let used = Set(models.flatMap { $0?.deployments.map(\.hardware) ?? [] })
    for entry in keys.map(Scenario.Subscription.perHardware) where !used.contains(entry.key) {
      diagnostics.warning(
        entry.keyLocation,
        "no deployment runs on \(quoted(entry.key)), so that its limit does nothing. Remove it, or correct the name."
      )
    }
  }
}
