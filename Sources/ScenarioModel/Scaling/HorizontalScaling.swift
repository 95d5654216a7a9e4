import Documents

/// How Kubernetes' HorizontalPodAutoscaler goes from a metric to a number of replicas; the metric is a policy's own.
///
/// Source: Kubernetes, "Horizontal Pod Autoscaling" (autoscaling/v2), with its defaults.
package struct HorizontalScaling: Sendable, Equatable {
  /// From one decision to the next, µs, above 0.
  package var syncPeriod: Int64
  /// The age of the metric that a decision sees, µs.
  package var metricDelay: Int64
  package var up: Rules
  package var down: Rules
  /// Whether rules are stated at all. An autoscaler without any (`behavior` in Kubernetes) at most doubles the replicas at
  /// a decision, or has four.
  package var hasBehavior: Bool

  /// How fast replicas may be added, or removed.
  package struct Rules: Sendable, Equatable {
    package enum Selection: String, Sendable, CaseIterable {
      /// The limit that allows the largest change.
      case max
      /// The limit that allows the smallest change.
      case min
      /// No change.
      case disabled
    }

    /// How much the number of replicas may change in any time of a length.
    package struct Limit: Sendable, Equatable {
      package enum Amount: Sendable, Equatable {
        case replicas(Int)
        /// Of those at the beginning of the time.
        case percent(Int)
      }
      package var amount: Amount
      /// µs.
      package var period: Int64
    }

    /// Deviations from the target on this side, as a share of it, that change nothing, millionths.
    package var tolerance: Int
    /// The most cautious wish of this time is followed, µs.
    package var stabilisationWindow: Int64
    package var selection: Selection
    package var limits: [Limit]
  }

  private static let standard = HorizontalScaling(
    syncPeriod: 15_000_000, metricDelay: 0,
    up: Rules(
      tolerance: 100_000, stabilisationWindow: 0, selection: .max,
      limits: [
        .init(amount: .percent(100), period: 15_000_000), .init(amount: .replicas(4), period: 15_000_000),
      ]),
    down: Rules(
      tolerance: 100_000, stabilisationWindow: 300_000_000, selection: .max,
      limits: [.init(amount: .percent(100), period: 15_000_000)]), hasBehavior: false)

  static let keys = [
    Key("syncPeriod", .duration, default: "15s", "From one decision to the next."),
    Key("metricDelay", .duration, default: "0s", "The age of the metric that a decision sees."),
    Key(
      "tolerance", .number(0...0.99), default: "0.1",
      "Deviations from the target, as a share of it, that change nothing."),
    Key("scaleUp", .object { rules("0s", "replicas: 4 or percent: 100 in 15s") }, "How replicas are added."),
    Key("scaleDown", .object { rules("300s", "percent: 100 in 15s") }, "How replicas are removed."),
  ]

  private static func rules(_ window: String, _ limits: String) -> Shape {
    Shape(
      "scalingRules.\(window)", "How fast the number of replicas follows the metric.",
      [
        Key(
          "tolerance", .number(0...0.99),
          "Deviations from the target in this direction that change nothing. Without it: the tolerance beside it."
        ),
        Key(
          "stabilisationWindow", .duration, default: window,
          "The most cautious wish of this time is followed; it slides. At most 1h."),
        Key(
          "selectPolicy", .choice(Rules.Selection.allCases.map(\.rawValue)), default: "max",
          "The policy that counts: the one that allows the largest change, the smallest, or no change at all."
        ),
        Key(
          "policies", .list(.object { limit }),
          "What may change in any time of a length. Without it: \(limits)."
        ),
      ])
  }

  private static let limit = Shape(
    "scalingLimit", "How much may change in any time of a length: replicas or percent.",
    [
      Key("replicas", .integer(1...1_000_000), "So many; or give percent."),
      Key(
        "percent", .integer(1...1_000_000), "Of the replicas at the beginning of that time; or give replicas."
      ),
      Key("period", .duration, required: true, "The length, 1s to 30min."),
    ])

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    let standard = Self.standard
    let sync = keys.has("syncPeriod") ? keys.duration("syncPeriod") : standard.syncPeriod
    let delay = keys.has("metricDelay") ? keys.duration("metricDelay") : standard.metricDelay
    let tolerance = keys.has("tolerance") ? keys.number("tolerance").map(millionths) : standard.up.tolerance
    func rules(_ name: String, _ standard: Rules) -> Rules? {
      guard let tolerance else { return nil }
      var standard = standard
      standard.tolerance = tolerance
      return keys.has(name) ? Self.rules(keys.section(name), standard) : standard
    }
    let (up, down) = (rules("scaleUp", standard.up), rules("scaleDown", standard.down))
    guard let sync, let delay, let up, let down else { return nil }
    guard sync >= 1_000_000 else {
      keys.error("syncPeriod", "syncPeriod must be at least 1s. Raise it.")
      return nil
    }
    guard delay <= 3_600_000_000 else {
      keys.error("metricDelay", "metricDelay must be at most 1h. Lower it.")
      return nil
    }
    (syncPeriod, metricDelay, self.up, self.down) = (sync, delay, up, down)
    hasBehavior = keys.has("scaleUp") || keys.has("scaleDown")
  }

  private init(syncPeriod: Int64, metricDelay: Int64, up: Rules, down: Rules, hasBehavior: Bool) {
    (self.syncPeriod, self.metricDelay, self.hasBehavior) = (syncPeriod, metricDelay, hasBehavior)
    (self.up, self.down) = (up, down)
  }

  private static func rules(_ keys: Section?, _ standard: Rules) -> Rules? {
    guard let keys else { return nil }
    let window =
      keys.has("stabilisationWindow") ? keys.duration("stabilisationWindow") : standard.stabilisationWindow
    let selection =
      keys.has("selectPolicy")
      ? keys.choice("selectPolicy").flatMap { Rules.Selection(rawValue: $0) } : standard.selection
    let tolerance = keys.has("tolerance") ? keys.number("tolerance").map(millionths) : standard.tolerance
    guard let window, let selection, let tolerance else { return nil }
    guard window <= 3_600_000_000 else {
      keys.error("stabilisationWindow", "stabilisationWindow must be at most 1h. Lower it.")
      return nil
    }
    guard keys.has("policies") else {
      return Rules(
        tolerance: tolerance, stabilisationWindow: window, selection: selection, limits: standard.limits)
    }
    guard let count = keys.node("policies")?.elements?.count, count > 0 else {
      keys.error("policies", "policies must be a list of at least one limit. Add one, or leave it out.")
      return nil
    }
    let limits = keys.sections("policies").compactMap(limit)
    return limits.count == count
      ? Rules(tolerance: tolerance, stabilisationWindow: window, selection: selection, limits: limits) : nil
  }

  private static func limit(_ keys: Section) -> Rules.Limit? {
    guard keys.has("replicas") != keys.has("percent") else {
      keys.error(nil, "a limit is either a number of replicas or a percentage. Give replicas or percent.")
      return nil
    }
    let amount: Rules.Limit.Amount? =
      keys.has("replicas")
      ? keys.integer("replicas").map { .replicas($0) } : keys.integer("percent").map { .percent($0) }
    guard let amount, let period = keys.duration("period") else { return nil }
    guard (1_000_000...1_800_000_000).contains(period) else {
      keys.error("period", "period must be 1s to 30min. Change it.")
      return nil
    }
    return Rules.Limit(amount: amount, period: period)
  }

  /// Why no replica is ever added within a time, µs.
  func futility(within length: Int64) -> String? {
    if up.selection == .disabled {
      return
        "scaleUp.selectPolicy is disabled: no replica is ever added. Choose max or min, or lower maxReplicas."
    }
    if syncPeriod >= length {
      return
        "syncPeriod is not shorter than the period: no replica is ever added. Shorten it, or lengthen the period."
    }
    if metricDelay >= length {
      return
        "metricDelay is not shorter than the period: no decision ever has a metric. Shorten it, or lengthen the period."
    }
    guard up.stabilisationWindow >= length else { return nil }
    return
      "the window of scaleUp is not shorter than the period: the number of replicas at the start is a wish in it all the time, so that none is ever added. Shorten stabilisationWindow."
  }
}

/// A share as a whole number of millionths, in which sums and comparisons are exact.
func millionths(_ share: Double) -> Int { Int((share * 1e6).rounded()) }
