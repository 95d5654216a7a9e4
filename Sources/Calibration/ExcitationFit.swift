import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// A process in which requests bring others about, fitted by maximum likelihood: clusters, or self-excitation.
///
/// The rate is that of the rate function; how many requests a cause or a request has, and after what time, is what the
/// likelihood is maximised over.
package struct ExcitationFit: Sendable, Equatable {
  package enum Kind: String, CaseIterable, Sendable {
    case neymanScott, bartlettLewis, hawkes
    case powerLawHawkes
  }

  package let kind: Kind
  /// Mean number of requests of a cause, or brought about by a request.
  package private(set) var number: Double
  /// µs.
  package private(set) var delay: Double
  package private(set) var tail: Double?
  /// By how much the likelihood's logarithm is above that of a Poisson process of the same rate.
  package private(set) var gain: Double
  private(set) var estimates: [ParameterEstimate] = []
  private var isExact = true

  var parameterCount: Int { kind == .powerLawHawkes ? 3 : 2 }
  /// Of counts over long times: of clusters, geometric.
  var limitingDispersion: Double {
    switch kind {
    case .neymanScott, .bartlettLewis: 1 + 2 * (number - 1)
    case .hawkes, .powerLawHawkes: 1 / ((1 - number) * (1 - number))
    }
  }

  /// Over which a cause's requests come, µs: with a power law, by its median.
  private var duration: Double {
    switch kind {
    case .neymanScott: delay
    case .bartlettLewis: delay * number
    case .hawkes: delay / (1 - number)
    case .powerLawHawkes: delay * (pow(2, 1 / (tail ?? 1)) - 1) / (1 - number)
    }
  }

  /// - Parameter rate: per µs where the profile is 1.
  func arrivals(rate: Double) -> Arrivals {
    switch kind {
    case .neymanScott, .bartlettLewis:
      .cluster(
        ClusterArrivals(
          kind == .neymanScott ? .neymanScott : .bartlettLewis, rate: rate, requests: number, delay: delay))
    case .hawkes, .powerLawHawkes:
      .hawkes(HawkesArrivals(rate: rate, branching: number, delay: delay, tail: tail))
    }
  }

  /// By how much the likelihood's logarithm is above that of a Poisson process of the same rate.
  func gain(
    of observations: Observations, _ spans: [Range<Int64>], _ segments: [RateProfile.Segment], rate: Double
  ) -> Double {
    let arrivals = ClockedArrivals(
      observations, spans, segments, rate: rate,
      most: Self.mostJudged)
    return ExcitationLikelihood.gain(kind, (number, delay, tail), arrivals, isExact: isExact) * arrivals.share
  }

  /// Arrivals over which the likelihood is computed at its maximum; the search itself has fewer.
  private static let mostJudged = 12_000
  private static let mostSearched = 12_000
  private static let mostOfStart = 2500
  /// The exact likelihood of Neyman–Scott clusters takes a hundred times as long.
  private static let mostExact = 3000
  /// Of a cluster, and requests that one brings about: what a scenario may say, a little less.
  private static let mostRequests = 5000.0
  private static let mostBranching = 0.985
  /// Causes of all requests that were seen: of fewer, how many requests a cause has cannot be told from a rate that changes.
  /// One whose requests come over a long time cannot either.
  private static let leastCauses = 20.0

  /// - Parameter toBeat: gain of another process; what is far below need not be known exactly.
  /// - Returns: `nil` where nothing is brought about, or the search does not end.
  init?(
    _ kind: Kind, _ observations: Observations, _ spans: [Range<Int64>], _ segments: [RateProfile.Segment],
    rate: Double, toBeat: Double = -.infinity
  ) {
    self.kind = kind
    let some = ClockedArrivals(observations, spans, segments, rate: rate, most: Self.mostSearched)
    guard some.count >= 100, rate > 0, some.isOverdispersed else { return nil }
    // Where the search begins: the best two points of a grid, on fewer arrivals.
    let few = ClockedArrivals(observations, spans, segments, rate: rate, most: Self.mostOfStart)
    var starts: [(cost: Double, point: [Double])] = []
    for delay in [0.1, 1, 10, 100, 1000] {
      for number in kind.isCluster ? [1.0, 7] : [0.3, 0.75] {
        let point =
          [kind.isCluster ? log(number) : Self.logit(number), log(delay / rate)]
          + (kind == .powerLawHawkes ? [log(1.5)] : [])
        let value = Self.cost(kind, point, few)
        if value.isFinite { starts.append((value, point)) }
      }
    }
    starts.sort { $0.cost < $1.cost }
    var best: Minimiser.Minimum?
    for start in starts.prefix(2) {
      let found = Minimiser.minimum(
        from: start.point, step: start.point.map { _ in 0.6 }, tolerance: 1e-2, mostSteps: 60
      ) { Self.cost(kind, $0, few) }
      if found.value < best?.value ?? .infinity { best = found }
    }
    guard let rough = best, rough.value < 1e299 else { return nil }
    var found = Minimiser.minimum(
      from: rough.point, step: rough.point.map { _ in 0.1 }, tolerance: 1e-4, mostSteps: 120
    ) { Self.cost(kind, $0, some) }
    guard found.value < 1e299, -found.value * some.share > 0 else { return nil }
    var judged = some
    if kind == .neymanScott {
      guard -found.value * some.share > 0.9 * toBeat - 30 else { return nil }
      isExact = Self.values(kind, found.point).map { NeymanScottLikelihood($0, some).isFeasible } ?? false
    }
    if kind == .neymanScott, isExact {
      // What two moments do not tell.
      judged = ClockedArrivals(observations, spans, segments, rate: rate, most: Self.mostExact)
      found = Minimiser.minimum(
        from: found.point, step: found.point.map { _ in 0.1 }, tolerance: 3e-3, mostSteps: 40
      ) { Self.cost(kind, $0, judged, isExact: true) }
    }
    guard found.value < 1e299, let own = Self.values(kind, found.point) else { return nil }
    (number, delay, tail) = (own.number, own.delay, own.tail)
    gain = 0
    let causes = Double(some.count) * some.share * (kind.isCluster ? 1 / number : 1 - number)
    let observed = spans.reduce(0.0) { $0 + Double($1.upperBound - $1.lowerBound) }
    guard causes >= Self.leastCauses, observed >= Self.leastCauses * duration else { return nil }
    gain = self.gain(of: observations, spans, segments, rate: rate)
    guard gain.isFinite, gain > 0 else { return nil }
    estimate(found.point, judged) { [isExact] in Self.cost(kind, $0, judged, isExact: isExact) }
  }

  /// The likelihood's logarithm, below zero for a minimiser.
  private static func cost(
    _ kind: Kind, _ x: [Double], _ arrivals: ClockedArrivals, isExact: Bool = false
  ) -> Double {
    let load = (values(kind, x)?.delay ?? 0) * arrivals.rate
    guard let own = values(kind, x), own.delay >= 1, own.delay < arrivals.longest,
      (1e-4...2000).contains(load)
    else { return .infinity }
    return -ExcitationLikelihood.gain(kind, own, arrivals, isExact: isExact)
  }

  typealias Values = (number: Double, delay: Double, tail: Double?)

  private static func logit(_ share: Double) -> Double { log(share / (1 - share)) }

  private static func values(_ kind: Kind, _ x: [Double]) -> Values? {
    let delay = exp(x[1])
    guard kind.isCluster else {
      let number = mostBranching / (1 + exp(-x[0]))
      guard kind == .powerLawHawkes else { return (number, delay, nil) }
      let tail = exp(x[2])
      return HawkesArrivals.tails.contains(tail) ? (number, delay, tail) : nil
    }
    let number = 1 + exp(x[0])
    return number >= 1.01 && number <= mostRequests ? (number, delay, nil) : nil
  }

  private var delayName: String {
    switch kind {
    case .neymanScott: "mean spread"
    case .bartlettLewis: "mean gap"
    case .hawkes: "mean delay"
    case .powerLawHawkes: "scale of delays"
    }
  }

  /// Normal intervals of the transformed parameters. A search on a part of the arrivals has wider ones.
  private mutating func estimate(
    _ point: [Double], _ arrivals: ClockedArrivals, _ cost: ([Double]) -> Double
  ) {
    let covariance = Minimiser.covariance(at: point, step: point.map { _ in 0.02 }, cost)
    let half = 1.959_964 * (limitingDispersion / (Double(arrivals.count) * arrivals.share)).squareRoot()
    estimates = [
      ParameterEstimate(
        name: "rate", value: arrivals.rate,
        interval: [arrivals.rate * max(0, 1 - half), arrivals.rate * (1 + half)])
    ]
    for index in point.indices {
      func value(_ x: Double) -> Double? {
        var moved = point
        moved[index] = x
        return Self.values(kind, moved).map { [$0.number, $0.delay, $0.tail ?? 0][index] }
      }
      guard let middle = value(point[index]) else { continue }
      var estimate = ParameterEstimate(
        name: [kind.isCluster ? "requests" : "branching", delayName, "tail"][index], value: middle)
      if let variance = covariance?[index][index], variance > 0 {
        let half = 1.959_964 * variance.squareRoot()
        estimate.interval = [value(point[index] - half), value(point[index] + half)].compactMap { $0 }
        if estimate.interval.count < 2 { estimate.interval = [] }
      }
      estimates.append(estimate)
    }
  }
}

extension ExcitationFit.Kind {
  var isCluster: Bool { self == .neymanScott || self == .bartlettLewis }
  /// As whoever chooses families writes it.
  var family: String { self == .powerLawHawkes ? "hawkes" : rawValue }
  var words: String { self == .powerLawHawkes ? "hawkes with a tail" : rawValue }
}
