import ScenarioModel

/// From the number of replicas that a metric asks for to the one that there should be: Kubernetes' stabilisation windows and
/// limits of change.
///
/// What was wanted, or happened, exactly the length of a window or period ago is out of it. Source: Kubernetes 1.34,
/// "Horizontal Pod Autoscaling", section "Configurable scaling behavior".
struct HorizontalScaler {
  private let rules: HorizontalScaling
  private let minReplicas: Int
  /// What the metric asked for, and when, as long as a window looks at it.
  private var wishes: [(at: Int64, replicas: Int)] = []
  /// Replicas that were added (above 0) or removed, as long as a limit looks at them.
  private var changes: [(at: Int64, replicas: Int)] = []
  private var hasBegun = false

  init(_ rules: HorizontalScaling, minReplicas: Int) {
    self.rules = rules
    self.minReplicas = minReplicas
  }

  /// Replicas were added (above 0) or removed.
  mutating func changed(by replicas: Int, at time: Int64) {
    let longest = (rules.up.limits + rules.down.limits).map(\.period).max() ?? 0
    changes.removeAll { $0.at <= time - longest }
    changes.append((time, replicas))
  }

  /// The number that it finds at its first decision, with a metric or without one, counts as a wish, so that it does not
  /// scale down as soon as it begins.
  mutating func begin(with current: Int, at time: Int64) {
    if !hasBegun { wishes.append((time, current)) }
    hasBegun = true
  }

  /// Forgets everything: what follows has nothing to do with what was.
  mutating func reset() {
    wishes = []
    changes = []
    hasBegun = false
  }

  /// - Parameter wish: what the metric asks for.
  /// - Returns: how many there should be; not limited by `maxReplicas`.
  mutating func settle(_ wish: Int, of current: Int, at time: Int64) -> Int {
    let (upWindow, downWindow) = (rules.up.stabilisationWindow, rules.down.stabilisationWindow)
    var (atLeast, atMost) = (wish, wish)
    for past in wishes {
      if past.at > time - upWindow { atLeast = min(atLeast, past.replicas) }
      if past.at > time - downWindow { atMost = max(atMost, past.replicas) }
    }
    wishes.removeAll { $0.at <= time - max(upWindow, downWindow) }
    wishes.append((time, wish))
    let stable = min(max(current, atLeast), atMost)
    if stable > current {
      guard rules.hasBehavior else { return min(stable, max(2 * current, 4)) }
      return min(stable, max(limit(rules.up, from: current, at: time, up: true), current))
    }
    if stable < current {
      return max(stable, minReplicas, min(limit(rules.down, from: current, at: time, up: false), current))
    }
    return stable
  }

  /// The most, or the fewest, replicas that the limits allow.
  private func limit(_ rules: HorizontalScaling.Rules, from current: Int, at time: Int64, up: Bool) -> Int {
    guard rules.selection != .disabled else { return current }
    let proposals = rules.limits.map { limit in
      let since = changes.reduce(0) { $0 + ($1.at > time - limit.period ? $1.replicas : 0) }
      let before = max(current - since, 0)
      switch limit.amount {
      case .replicas(let count): return up ? before + count : before - count
      case .percent(let percent):
        // Rounded so that a small percentage still allows a change.
        return up ? (before * (100 + percent) + 99) / 100 : max(before * (100 - percent), 0) / 100
      }
    }
    let isLargest = (rules.selection == .max) == up
    return (isLargest ? proposals.max() : proposals.min()) ?? current
  }
}

/// A metric as Kubernetes sees it: what the replicas use, of what they have.
///
/// All comparisons are of whole numbers, so that a metric on the edge of the tolerance is on the same side everywhere.
package struct ReplicaMetric {
  /// Of all replicas that were measured together.
  var usage: Int64
  /// Replicas that were measured.
  var measured: Int
  /// What one of them has.
  var capacity: Int64
  /// The share of it that each is to use, millionths.
  var target: Int
  var tolerance: Tolerance

  /// Deviations from the target that change nothing, millionths of it: above it, and below.
  package struct Tolerance {
    var above: Int
    var below: Int

    package init(above: Int, below: Int) { (self.above, self.below) = (above, below) }

    init(_ rules: HorizontalScaling) { self.init(above: rules.up.tolerance, below: rules.down.tolerance) }

    /// Whether numerator ÷ denominator is as good as 1, both edges included.
    func covers(_ numerator: Int128, over denominator: Int128) -> Bool {
      let scaled = numerator * 1_000_000
      return scaled >= Int128(1_000_000 - below) * denominator
        && scaled <= Int128(1_000_000 + above) * denominator
    }
  }

  /// The usage as a ratio to what the target is of this many replicas.
  private struct Ratio {
    var numerator: Int128
    var denominator: Int128

    var isAboveOne: Bool { numerator > denominator }
    var isBelowOne: Bool { numerator < denominator }

    func isWithin(_ tolerance: Tolerance) -> Bool { tolerance.covers(numerator, over: denominator) }

    /// Rounded up.
    func times(_ replicas: Int) -> Int {
      Int((numerator * Int128(replicas) + denominator - 1) / denominator)
    }
  }

  package init(usage: Int64, measured: Int, capacity: Int64, target: Int, tolerance: Tolerance) {
    (self.usage, self.measured, self.capacity) = (usage, measured, capacity)
    (self.target, self.tolerance) = (target, tolerance)
  }

  /// The usage of all replicas that were measured is shared out evenly: of those that are gone meanwhile, it is left out.
  /// - Parameters:
  ///   - counted: how many of the measured replicas count.
  ///   - filled: replicas that count as if they used just the target.
  ///   - replicas: all that the usage is divided by.
  private func ratio(counted: Int, filled: Int, of replicas: Int) -> Ratio {
    let wanted = Int128(capacity) * Int128(target)
    return Ratio(
      numerator: Int128(usage) * Int128(counted) * 1_000_000 + Int128(filled) * wanted * Int128(measured),
      denominator: Int128(replicas) * wanted * Int128(measured))
  }

  /// Replicas × metric ÷ target, rounded up; `nil` without a metric.
  ///
  /// On the way up, replicas that start or were not measured are taken to use nothing; on the way down, those that were not
  /// measured to use what is wanted of each. If that would turn the direction round, nothing changes. Source: Kubernetes,
  /// "Horizontal Pod Autoscaling", section "Algorithm details".
  package func wish(ready: Int, starting: Int) -> Int? {
    let current = ready + starting
    guard measured > 0, ready > 0 else { return nil }
    let counted = min(measured, ready)
    let missing = ready - counted
    let first = ratio(counted: counted, filled: 0, of: counted)
    let isUpWithUnready = starting > 0 && first.isAboveOne
    guard isUpWithUnready || missing > 0 else {
      return first.isWithin(tolerance) ? current : first.times(ready)
    }
    let filled = first.isBelowOne ? missing : 0
    // A metric just as it is wanted says nothing of those that were not measured.
    let known = first.isBelowOne || first.isAboveOne ? ready : counted
    let replicas = known + (isUpWithUnready ? starting : 0)
    let second = ratio(counted: counted, filled: filled, of: replicas)
    guard !second.isWithin(tolerance), !(first.isBelowOne && second.isAboveOne),
      !(first.isAboveOne && second.isBelowOne)
    else { return current }
    let wish = second.times(replicas)
    let turns = second.isBelowOne ? wish > current : wish < current
    return turns ? current : wish
  }
}
