import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Uncertain demand")
struct UncertainDemandTests {
  static let start: Int64 = 1_767_571_200_000_000
  static let week: Int64 = 7 * 86_400_000_000

  static func factor(_ mean: Double, _ sd: Double) -> DemandUncertainty.LognormalFactor {
    .init(mean: mean, sd: sd)
  }

  /// µs since the start, of one replication.
  static func draw(
    _ arrivals: Arrivals, _ uncertainty: DemandUncertainty?, length: Int64, replication: Int = 0
  ) throws -> [Int64] {
    var load = try Scenario.Load(arrivals: arrivals, profile: RateProfile())
    load.uncertainty = uncertainty
    return try DrawnDemand(
      load, over: Timestamp(microseconds: start)..<Timestamp(microseconds: start + length), calendar: .utc,
      seed: 20, replication: replication
    ).arrivedAt.map { $0 - start }
  }

  /// E[g(G)] of the growth per week, by Simpson's rule over its normal score.
  static func mean(of growth: DemandUncertainty.LognormalFactor, _ value: (Double) -> Double) -> Double {
    let steps = 4000
    let sigma = log1p(growth.sd * growth.sd / growth.mean / growth.mean).squareRoot()
    let sum = (0...steps).reduce(0.0) { sum, step in
      let z = -8 + 16 * Double(step) / Double(steps)
      let weight = step == 0 || step == steps ? 1.0 : step % 2 == 1 ? 4 : 2
      return sum + weight * exp(-z * z / 2) * value(growth.mean * exp(sigma * z - sigma * sigma / 2))
    }
    return sum * 16 / Double(steps) / 3 / (2 * Double.pi).squareRoot()
  }

  @Test("counts over replications have the mean and the variance of a Poisson process with a drawn rate")
  func counts() throws {
    // 150 a week for two weeks; N is Poisson of mean λ L W, where W = ∫ G^t dt = (G² − 1) ÷ ln G.
    let rate = 150.0
    let growth = Self.factor(1.3, 0.2)
    let uncertainty = DemandUncertainty(level: Self.factor(1.1, 0.33), growthPerWeek: growth)
    let count = hasLongChecks ? 20_000 : 4000
    let counts = try (0..<count).map { replication in
      Double(
        try Self.draw(
          .poisson(PoissonArrivals(rate: rate / Double(Self.week))), uncertainty, length: 2 * Self.week,
          replication: replication
        ).count)
    }
    func weeks(_ growth: Double) -> Double {
      abs(growth - 1) < 1e-9 ? 2 : (growth * growth - 1) / log(growth)
    }
    let first = rate * 1.1 * Self.mean(of: growth) { weeks($0) }
    let second = rate * rate * (1.1 * 1.1 + 0.33 * 0.33) * Self.mean(of: growth) { weeks($0) * weeks($0) }
    let mean = counts.mean
    #expect(abs(mean - first) < 5.3 * (counts.variance / Double(count)).squareRoot())
    // Of squares about the true mean, so that their mean is the variance.
    let squares = counts.map { ($0 - first) * ($0 - first) }
    let variance = first + second - first * first
    #expect(abs(squares.mean - variance) < 5.3 * (squares.variance / Double(count)).squareRoot())
    // Chance alone would give a variance of the mean: far from it.
    #expect(variance > 50 * first)
  }

  @Test("growth compounds within the simulated time, from its origin on")
  func growth() throws {
    let arrivals = Arrivals.poisson(PoissonArrivals(rate: 20_000 / Double(Self.week)))
    let from = Timestamp(microseconds: Self.start + Self.week)
    let certain = try Self.draw(arrivals, nil, length: 3 * Self.week)
    let growing = try Self.draw(
      arrivals, DemandUncertainty(from: from, growthPerWeek: Self.factor(2, 0)), length: 3 * Self.week)
    // Before its origin, the very same requests.
    #expect(certain.prefix { $0 < Self.week } == growing.prefix { $0 < Self.week })
    // ∫ 2^t dt = 1 ÷ ln 2 over the first week after it, twice that over the second.
    for week in 1...2 {
      let own = Double(growing.count { $0 / Self.week == Int64(week) })
      let expected = 20_000 * Double(week) / log(2)
      #expect(abs(own - expected) < 5.3 * expected.squareRoot(), "week \(week): \(own) of \(expected)")
    }
  }

  static let processes: [(String, Arrivals)] = [
    ("poisson", .poisson(PoissonArrivals(rate: 2e-6))),
    ("gamma", .renewal(RenewalArrivals(.gamma, rate: 2e-6, cv: 2))),
    (
      "gamma with changes of cv",
      .renewal(
        RenewalArrivals(
          .gamma, rate: 2e-6, cv: 0.5,
          changes: [
            VariabilityChange(at: Timestamp(microseconds: start + 400_000_000), family: .weibull, cv: 2)
          ]))
    ),
    (
      "markovModulated",
      .markovModulated(
        MarkovModulatedArrivals([
          .init(rate: 1e-6, meanMicroseconds: 5e6), .init(rate: 3e-6, meanMicroseconds: 5e6),
        ]))
    ),
    (
      "neymanScott",
      .cluster(ClusterArrivals(.neymanScott, rate: 2e-6, requests: 3, shape: 1, delay: 2e6))
    ),
    ("hawkes", .hawkes(HawkesArrivals(rate: 2e-6, branching: 0.5, delay: 2e6))),
    ("hawkes with a tail", .hawkes(HawkesArrivals(rate: 2e-6, branching: 0.4, delay: 2e6, tail: 3))),
  ]

  @Test("every process follows the level", arguments: processes.indices)
  func level(_ index: Int) throws {
    let (name, arrivals) = Self.processes[index]
    let uncertainty = DemandUncertainty(level: Self.factor(1.5, 0))
    let counts = try (0..<200).map {
      Double(try Self.draw(arrivals, uncertainty, length: 1_000_000_000, replication: $0).count)
    }
    #expect(ClusterTests.Estimate(counts).isNear(1.5 * 2000), "\(name): \(counts.mean)")
  }

  static func document(_ more: String, service: String = "1s") -> String {
    """
    workbench: 1
    name: u
    seed: 5
    period: { from: 2026-01-05, to: 2026-01-06 }
    account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 20 } }
    models:
    \((1...3).map { """
        - name: m\($0)
          kind: external
          provider: P
          load: { arrivals: { gamma: { rate: 90/h, cv: 1.5 } }, tokens: { input: 10, output: 5 }\(more) }
          service: { time: \(service) }
      """ }.joined(separator: "\n"))
    """
  }

  @Test("threads change nothing, models draw their own, and variants of a replication the same")
  func sameDraws() throws {
    let more = ", uncertainty: { level: { cv: 0.4 }, growth: { perWeek: 1.1, sd: 0.1 } }"
    let one = try Simulated(Self.document(more), threads: 1)
    let many = try Simulated(Self.document(more), threads: 4)
    #expect(one.requests == many.requests && !one.requests.isEmpty)
    let draws = one.scenario.demandDraws.map(\.draw.level)
    #expect(Set(draws).count == 3)
    // Another service time: the same demand.
    let slower = try Simulated(Self.document(more, service: "3s"))
    #expect(slower.requests.map(\.arrivedAt) == one.requests.map(\.arrivedAt))
    // Another replication: another demand, and the same again.
    var other = one.scenario
    other.replication = 1
    #expect(Set(other.demandDraws.map(\.draw.level)).isDisjoint(with: draws))
    #expect(try Simulated(other).requests == (try Simulated(other)).requests)
    #expect(try Simulated(other).requests != one.requests)
    // Wider demand: the same scores, further from the mean.
    let wider = try Simulated(Self.document(", uncertainty: { level: { cv: 0.8 } }"))
    for (narrow, wide) in zip(draws, wider.scenario.demandDraws.map(\.draw.level)) {
      func score(_ level: Double, _ cv: Double) -> Double {
        let sigma = log1p(cv * cv).squareRoot()
        return (log(level) + sigma * sigma / 2) / sigma
      }
      #expect(abs(score(narrow, 0.4) - score(wide, 0.8)) < 1e-9)
    }
  }

  @Test("demand that is as expected is the demand without uncertainty, request by request")
  func certain() throws {
    let plain = try Simulated(Self.document(""))
    let certain = try Simulated(Self.document(", uncertainty: { level: { cv: 0 } }"))
    #expect(plain.requests == certain.requests && !plain.requests.isEmpty)
    #expect(!plain.scenario.randomness.contains("demand"))
    #expect(!certain.scenario.randomness.contains("demand"))
  }
}
