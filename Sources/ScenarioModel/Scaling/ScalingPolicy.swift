import Documents

/// How a deployment's replicas follow its demand: one of the policies, each described in a file of its own.
///
/// A new policy takes that file, a case here with its key and its reading; and in Simulation the type that decides, with a
/// case of `makeLaw`. Nothing else asks which policy it is.
package indirect enum ScalingPolicy: Sendable, Equatable {
  case concurrency(ConcurrencyScaling)
  case targetUtilisation(TargetUtilisationScaling)
  case kvUtilisation(KVUtilisationScaling)
  case queueLength(QueueLengthScaling)
  case averageConcurrency(AverageConcurrencyScaling)
  case scheduled(ScheduledScaling)
  case predictive(PredictiveScaling)
  /// Each of them wants a number of replicas; the largest is what there should be.
  case largest([ScalingPolicy])

  /// Keys of a deployment's `scaling` that belong to a policy, in the order of the reference.
  static let keys: [Key] = ConcurrencyScaling.keys + [key]

  private static let key: Key = Key(
    "policy", .object { shape },
    "What decides how many replicas there are. Without it: concurrency, with the delays beside it.")

  package static let shape: Shape = Shape(
    "scalingPolicy", "What decides how many replicas there are.", choice: true,
    [
      Key("concurrency", .object { ConcurrencyScaling.shape }, ConcurrencyScaling.shape.about),
      Key(
        "targetUtilisation", .object { TargetUtilisationScaling.shape }, TargetUtilisationScaling.shape.about),
      Key("kvUtilisation", .object { KVUtilisationScaling.shape }, KVUtilisationScaling.shape.about),
      Key("queueLength", .object { QueueLengthScaling.shape }, QueueLengthScaling.shape.about),
      Key(
        "averageConcurrency", .object { AverageConcurrencyScaling.shape },
        AverageConcurrencyScaling.shape.about),
      Key("scheduled", .object { ScheduledScaling.shape }, ScheduledScaling.shape.about),
      Key("predictive", .object { PredictiveScaling.shape }, PredictiveScaling.shape.about),
      Key(
        largestName, .list(.object { shape }),
        "Several policies: the one that wants the most replicas decides, as with several metrics of Kubernetes."
      ),
    ])

  private static let largestName = "largest"
  /// Beyond, a list is a mistake.
  private static let mostCombined = 16

  /// The policy that a deployment's `scaling` asks for; `nil` after a diagnostic.
  static func read(_ scaling: Section) -> ScalingPolicy? {
    guard scaling.has(key.name) else { return ConcurrencyScaling(scaling).map { .concurrency($0) } }
    let beside = ConcurrencyScaling.keys.map(\.name).filter(scaling.has)
    for name in beside {
      scaling.error(
        name,
        "\(name) and policy cannot be given together. Move it into policy: { concurrency: { … } }, or remove it."
      )
    }
    let policy = scaling.section(key.name).flatMap(choice)
    return beside.isEmpty ? policy : nil
  }

  /// One of the policies; `nil` after a diagnostic.
  package static func choice(_ keys: Section) -> ScalingPolicy? {
    guard let name = keys.chosen?.key else { return nil }
    guard name != largestName else { return combined(keys) }
    guard let own = keys.section(name) else { return nil }
    switch name {
    case "concurrency": return ConcurrencyScaling(own).map { .concurrency($0) }
    case "targetUtilisation": return TargetUtilisationScaling(own).map { .targetUtilisation($0) }
    case "kvUtilisation": return KVUtilisationScaling(own).map { .kvUtilisation($0) }
    case "queueLength": return QueueLengthScaling(own).map { .queueLength($0) }
    case "averageConcurrency": return AverageConcurrencyScaling(own).map { .averageConcurrency($0) }
    case "scheduled": return ScheduledScaling(own).map { .scheduled($0) }
    default: return PredictiveScaling(own).map { .predictive($0) }
    }
  }

  private static func combined(_ keys: Section) -> ScalingPolicy? {
    let sections = keys.sections(largestName)
    let count = keys.node(largestName)?.elements?.count ?? 0
    guard keys.node(largestName)?.elements != nil else { return nil }
    guard (2...mostCombined).contains(count) else {
      keys.error(
        largestName,
        "\(count) \(count == 1 ? "policy" : "policies") to combine: there must be 2 to \(mostCombined). Give the policy itself, or change the list."
      )
      return nil
    }
    let policies = sections.compactMap(choice)
    return policies.count == count ? .largest(policies) : nil
  }

  /// All policies that take part, itself among them.
  private var parts: [ScalingPolicy] {
    switch self {
    case .largest(let policies): policies.flatMap(\.parts)
    case .scheduled(let scheduled): [self] + (scheduled.policy?.parts ?? [])
    default: [self]
    }
  }

  /// How many requests may wait while there is no replica; `nil` if the policy cannot start one from none.
  package var heldRequests: Int? {
    parts.compactMap { part -> Int? in
      switch part {
      case .queueLength(let policy): policy.heldRequests
      case .averageConcurrency(let policy): policy.heldRequests
      default: nil
      }
    }.max()
  }

  /// Replicas that a new deployment begins with, where that is not its minReplicas.
  package var initialScale: Int? {
    parts.compactMap { if case .averageConcurrency(let policy) = $0 { policy.initialScale } else { nil } }
      .max()
  }

  /// Whether it looks at the KV cache.
  package var needsKVCache: Bool {
    parts.contains { if case .kvUtilisation = $0 { true } else { false } }
  }

  /// Policies that look at the peaks of demand, or at requests that wait, which averages do not show: their names.
  package var unknownFromAverages: [String] {
    parts.compactMap { part -> String? in
      switch part {
      case .concurrency: "concurrency"
      case .predictive: "predictive"
      case .queueLength(let policy): policy.counts == .waiting ? "queueLength" : nil
      case .averageConcurrency, .targetUtilisation, .kvUtilisation, .scheduled, .largest: nil
      }
    }
  }

  /// Whether it counts the requests that wait.
  package var countsWaiting: Bool {
    parts.contains { if case .queueLength(let policy) = $0 { policy.counts == .waiting } else { false } }
  }

  /// The name of the policy, and of those that take part.
  package var name: String {
    switch self {
    case .concurrency: "concurrency"
    case .targetUtilisation: "targetUtilisation"
    case .kvUtilisation: "kvUtilisation"
    case .queueLength: "queueLength"
    case .averageConcurrency: "averageConcurrency"
    case .scheduled(let policy): policy.policy.map { "scheduled(\($0.name))" } ?? "scheduled"
    case .predictive: "predictive"
    case .largest(let policies): "largest(\(policies.map(\.name).joined(separator: ", ")))"
    }
  }

  /// The most replicas that it always wants: a schedule's largest minimum.
  var largestMinimum: Int {
    parts.map { if case .scheduled(let policy) = $0 { policy.largestMinimum } else { 0 } }.max() ?? 0
  }

  /// The fewest replicas to which it ever limits a deployment; `nil` without a limit.
  var smallestMaximum: Int? {
    parts.compactMap { if case .scheduled(let policy) = $0 { policy.smallestMaximum } else { nil } }.min()
  }

  /// The most replicas that a schedule allows; `nil` if none says.
  var largestMaximum: Int? {
    parts.compactMap { if case .scheduled(let policy) = $0 { policy.largestMaximum } else { nil } }.max()
  }

  /// Warns of keys that do nothing where there is always a replica.
  /// - Parameter keys: a choice of policies.
  static func warnOfStartKeys(_ keys: Section) {
    for (name, startKeys) in [
      ("queueLength", QueueLengthScaling.startKeys),
      ("averageConcurrency", [QueueLengthScaling.heldKey.name]),
    ] {
      guard let own = keys.section(name) else { continue }
      for key in startKeys where own.has(key) {
        own.warning(
          key,
          "\(key) does nothing: it is for a deployment without any replica, and minReplicas is above 0. Remove it, or lower minReplicas to 0."
        )
      }
    }
    keys.section("scheduled")?.section("policy").map(warnOfStartKeys)
    for part in keys.sections(largestName) { warnOfStartKeys(part) }
  }

  /// Warns of forecasts that have no season to go by within a time, µs.
  func warnOfShortHistory(_ length: Int64, _ keys: Section) {
    for case .predictive(let policy) in parts where policy.season >= length {
      keys.warning(
        Self.key.name,
        "the season of predictive is not shorter than the simulated time: there is never one to go by, and each interval is expected to repeat. Shorten the season, lengthen the period, or give warmUp."
      )
    }
  }

  /// What is wrong with a deployment that has no replica at times, in words.
  func flawFromNone(queueCapacity: Int?) -> String? {
    for part in parts {
      let (held, threshold): (Int, Int)
      switch part {
      case .queueLength(let policy): (held, threshold) = (policy.heldRequests, policy.activationThreshold)
      case .averageConcurrency(let policy): (held, threshold) = (policy.heldRequests, 0)
      default: continue
      }
      if held <= threshold {
        return
          "heldRequests \(held) \(threshold == 0 ? "lets no request wait for the first replica" : "is not above activationThreshold \(threshold): no replica is ever started from none"). Raise it, or raise minReplicas."
      }
      if let queueCapacity, queueCapacity <= threshold {
        return
          "a queue of \(queueCapacity) never holds more requests than the \(threshold) above which the first replica starts. Raise the queue's capacity, or raise minReplicas."
      }
    }
    return nil
  }

  /// What keeps the policy from ever adding a replica within a time, µs: a key, and what is wrong with it.
  func futility(within length: Int64) -> (key: String, message: String)? {
    switch self {
    case .concurrency(let policy): policy.futility(within: length)
    case .targetUtilisation(let policy):
      policy.futility(within: length).map { (key: Self.key.name, message: $0) }
    case .kvUtilisation(let policy):
      policy.horizontal.futility(within: length).map { (key: Self.key.name, message: $0) }
    case .queueLength(let policy):
      policy.horizontal.futility(within: length).map { (key: Self.key.name, message: $0) }
    case .averageConcurrency, .scheduled, .predictive: nil
    case .largest(let policies):
      policies.contains { $0.futility(within: length) == nil }
        ? nil : policies.first?.futility(within: length).map { (key: Self.key.name, message: $0.message) }
    }
  }
}
