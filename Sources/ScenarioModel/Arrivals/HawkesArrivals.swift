import Documents
import Foundation

/// A self-exciting process: each request makes further ones likelier for a while.
///
/// Source: Hawkes (1971), Biometrika 58:1; as a branching process Hawkes and Oakes (1974), J. Applied Probability 11:3.
package struct HawkesArrivals: ArrivalModel {
  /// Of all requests, per microsecond, above 0.
  package var rate: Double
  /// Mean number of requests that a request brings about directly, 0 to 0.99.
  package var branching: Double
  /// Mean time from a request to one that it brings about; under a power law, the scale of that time. µs, 1 to 30 days.
  package var delay: Double
  /// The exponent with which that time is longer than a time, 0.5 to 10: (1 + time ÷ delay)^−tail; `nil`: exponential.
  package var tail: Double?

  package init(rate: Double, branching: Double, delay: Double, tail: Double? = nil) {
    self.rate = rate
    self.branching = branching
    self.delay = delay
    self.tail = tail
  }

  // MARK: In a scenario

  package static let mostBranching = 0.99
  package static let tails = 0.5...10

  static let shape = Shape(
    "hawkes", "A self-exciting process.",
    [
      Key("rate", .rate, required: true, "Mean arrivals per time, those that others bring about included."),
      Key(
        "branching", .number(0...mostBranching), required: true,
        "Mean number of requests that a request brings about directly."),
      Key(
        "delay", .duration, required: true,
        "Mean time, exponential, from a request to one that it brings about; with tail, the scale of that time."
      ),
      Key(
        "tail", .number(tails),
        "With it, that time has a power law: it is longer than t with probability (1 + t / delay)^-tail."),
    ])

  static let entry = ArrivalEntry(
    "hawkes", shape, "Self-exciting arrivals: each request brings about others (Hawkes)."
  ) { keys in
    guard let rate = keys.rate("rate"), let branching = keys.number("branching"),
      let delay = keys.clusterDelay("delay", rate: rate)
    else { return nil }
    var model = HawkesArrivals(rate: rate, branching: branching, delay: delay)
    if keys.has("tail") {
      guard let tail = keys.number("tail") else { return nil }
      model.tail = tail
    }
    return .hawkes(model)
  }

  var yaml: YAMLValue.Entry {
    .init(
      "hawkes",
      .flow(
        [
          .init("rate", .rate(rate)), .init("branching", .number(branching)),
          .init("delay", .duration(delay)),
        ] + (tail.map { [.init("tail", .number($0))] } ?? [])))
  }

  // MARK: What follows from them

  var meanRate: Double? { rate }
  var isRandom: Bool { true }
  var asArrivals: Arrivals { .hawkes(self) }

  /// More requests that nothing brings about, each of which has as many descendants as before.
  func scaled(by factor: Double) -> Arrivals {
    var scaled = self
    scaled.rate *= factor
    return .hawkes(scaled)
  }

  /// The index of dispersion of counts over a time, µs, where the profile is 1 and delays are exponential.
  /// Source: Hawkes (1971), eq. 18.
  package func dispersion(over time: Double) -> Double {
    let excess = 1 / ((1 - branching) * (1 - branching)) - 1
    let x = (1 - branching) / delay * time
    return 1 + excess * (x < 1e-4 ? x / 2 : 1 - -expm1(-x) / x)
  }
}
