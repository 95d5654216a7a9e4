import Documents
import Foundation

/// A cluster process: causes arrive as a Poisson process, and each of them brings several requests.
///
/// Sources: Neyman and Scott (1958), J. R. Statistical Society B 20:1; Bartlett (1963) and Lewis (1964), ibid. 25:2 and 26:3.
package struct ClusterArrivals: ArrivalModel {
  package enum Form: String, Sendable {
    /// The requests of a cause come independently of each other, each an exponential time after the cause.
    case neymanScott
    /// The first request comes with the cause, each other one an exponential time after the one before.
    case bartlettLewis

    /// What its duration is called in a scenario.
    var delayKey: String { self == .neymanScott ? "spread" : "gap" }
  }

  package var form: Form
  /// Of requests, per microsecond, above 0.
  package var rate: Double
  /// Mean number of requests of a cause, 1 to 10,000.
  package var requests: Double
  /// Of the negative binomial number of requests beyond the first, 0.05 to 1,000; 1: geometric.
  package var shape: Double
  /// Mean spread or gap, µs, 1 to 30 days.
  package var delay: Double

  package init(_ form: Form, rate: Double, requests: Double, shape: Double = 1, delay: Double) {
    self.form = form
    self.rate = rate
    self.requests = requests
    self.shape = shape
    self.delay = delay
  }

  // MARK: In a scenario

  static let requestsRange = 1.0...10_000
  static let longestDelay = 30.0 * 86_400e6
  /// Of clusters that have begun, on average, at most this many are still to come: they are kept in memory.
  static let mostUnderWay = 1e7

  private static func shape(_ form: Form, _ delay: String) -> Shape {
    Shape(
      form.rawValue, "A cluster process.",
      [
        Key(
          "rate", .rate, required: true, "Mean arrivals of requests per time; of causes, this over requests."),
        Key("requests", .number(requestsRange), required: true, "Mean number of requests of a cause."),
        Key(form.delayKey, .duration, required: true, delay),
        Key(
          "shape", .number(0.05...1000), default: "1",
          "Shape of the negative binomial number of requests beyond a cause's first: 1 is geometric; below, clusters of very different sizes; 1000 is nearly Poisson."
        ),
      ])
  }

  static let entries = [
    entry(
      .neymanScott, "Mean time, exponential, from a cause to each of its requests.",
      "Clusters of requests: each cause brings several, independently of each other (Neyman–Scott)."),
    entry(
      .bartlettLewis, "Mean time, exponential, from a request of a cause to the next.",
      "Clusters of requests: each cause brings several, one after the other (Bartlett–Lewis)."),
  ]

  private static func entry(_ form: Form, _ delay: String, _ about: String) -> ArrivalEntry {
    ArrivalEntry(form.rawValue, shape(form, delay), about) { keys in
      guard let rate = keys.rate("rate"), let requests = keys.number("requests"),
        let delay = keys.clusterDelay(form.delayKey, rate: rate)
      else { return nil }
      let shape = keys.has("shape") ? keys.number("shape") : 1
      guard let shape else { return nil }
      return .cluster(ClusterArrivals(form, rate: rate, requests: requests, shape: shape, delay: delay))
    }
  }

  var yaml: YAMLValue.Entry {
    .init(
      form.rawValue,
      .flow(
        [
          .init("rate", .rate(rate)), .init("requests", .number(requests)),
          .init(form.delayKey, .duration(delay)),
        ] + (shape == 1 ? [] : [.init("shape", .number(shape))])))
  }

  // MARK: What follows from them

  var meanRate: Double? { rate }
  var isRandom: Bool { true }
  var asArrivals: Arrivals { .cluster(self) }

  /// More causes, each of which is as it was.
  func scaled(by factor: Double) -> Arrivals {
    var scaled = self
    scaled.rate *= factor
    return .cluster(scaled)
  }

  /// The index of dispersion of counts over a time, µs, where the profile is 1; of Bartlett–Lewis clusters, only of
  /// geometric ones. Source: Cox and Isham (1980), "Point Processes", sections 3.4 and 5.5.
  package func dispersion(over time: Double) -> Double {
    let beyond = requests - 1
    let (excess, decay): (Double, Double) =
      switch form {
      // E[N(N − 1)] ÷ E[N].
      case .neymanScott: (beyond * (1 + beyond / shape + requests) / requests, 1 / delay)
      case .bartlettLewis: (2 * beyond, 1 / (requests * delay))
      }
    let x = decay * time
    return 1 + excess * (x < 1e-4 ? x / 2 : 1 - -expm1(-x) / x)
  }
}

extension Section {
  /// The mean time after which a request follows another, µs.
  /// - Parameter rate: of requests, per µs.
  func clusterDelay(_ name: String, rate: Double) -> Double? {
    guard let delay = exactDuration(name) else { return nil }
    guard delay >= 1, delay <= ClusterArrivals.longestDelay else {
      error(name, "\(name) must be at least 1us and at most 30d.")
      return nil
    }
    guard rate * delay <= ClusterArrivals.mostUnderWay else {
      error(
        name,
        "at this rate, more than 10000000 requests would be under way between their cause and their arrival. Shorten \(name), or lower the rate."
      )
      return nil
    }
    return delay
  }
}
