import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Arrivals: clusters and self-excitation")
struct ClusterTests {
  static let start: Int64 = 1_767_571_200_000_000

  /// µs since the start, of one replication.
  static func draw(
    _ arrivals: Arrivals, seconds: Int64, replication: Int, profile: RateProfile = RateProfile()
  ) throws -> [Double] {
    let load = try Scenario.Load(arrivals: arrivals, profile: profile)
    return try DrawnDemand(
      load, over: Timestamp(microseconds: start)..<Timestamp(microseconds: start + seconds * 1_000_000),
      calendar: .utc, seed: 20, replication: replication
    ).arrivedAt.map { Double($0 - start) }
  }

  /// Mean and standard error over replications.
  struct Estimate {
    var mean: Double
    var error: Double

    init(_ values: [Double]) {
      mean = values.reduce(0, +) / Double(values.count)
      let center = mean
      let squares = values.reduce(0) { $0 + ($1 - center) * ($1 - center) }
      error = (squares / Double(values.count - 1) / Double(values.count)).squareRoot()
    }

    func isNear(_ truth: Double) -> Bool { abs(mean - truth) < 5.3 * error }
  }

  /// Mean square of the counts about their known mean, over the mean: free of bias, whatever is correlated.
  static func dispersion(_ times: [Double], seconds: Int64, window: Double, mean: Double) -> Double {
    var counts = [Double](repeating: 0, count: Int(Double(seconds) * 1e6 / window))
    for time in times where Int(time / window) < counts.count { counts[Int(time / window)] += 1 }
    return counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(counts.count) / mean
  }

  struct Example: Sendable, CustomTestStringConvertible {
    var name: String
    var arrivals: Arrivals
    /// Over a time, µs.
    var theory: @Sendable (Double) -> Double
    var testDescription: String { name }
  }

  static func clusters(_ form: ClusterArrivals.Form, shape: Double = 1) -> ClusterArrivals {
    ClusterArrivals(form, rate: 3e-6, requests: 5, shape: shape, delay: 4e6)
  }

  static let examples: [Example] = [
    Example(name: "Neyman–Scott", arrivals: .cluster(clusters(.neymanScott))) {
      // Geometric numbers from 1 of mean 5: E[N(N − 1)] = 2 · 5 · 4 = 40, over the mean 8.
      1 + 8 * (1 - (1 - exp(-$0 / 4e6)) / ($0 / 4e6))
    },
    Example(name: "Neyman–Scott of uneven clusters", arrivals: .cluster(clusters(.neymanScott, shape: 0.4))) {
      // N − 1 has the variance 4 + 16 ÷ 0.4 = 44: E[N(N − 1)] = 44 + 25 − 5 = 64.
      1 + 12.8 * (1 - (1 - exp(-$0 / 4e6)) / ($0 / 4e6))
    },
    Example(name: "Bartlett–Lewis", arrivals: .cluster(clusters(.bartlettLewis))) {
      // A request is followed by one more with probability 0.8, after 4 s: pairs at a distance have the density
      // 0.8 ÷ 4 · exp(−0.2 ÷ 4 · u) a second.
      1 + 8 * (1 - (1 - exp(-$0 / 20e6)) / ($0 / 20e6))
    },
    Example(
      name: "Bartlett–Lewis of uneven clusters", arrivals: .cluster(clusters(.bartlettLewis, shape: 0.4))
    ) {
      bartlettLewis($0 / 4e6, requests: 5, shape: 0.4)
    },
    Example(
      name: "Hawkes", arrivals: .hawkes(HawkesArrivals(rate: 3e-6, branching: 0.6, delay: 4e6))
    ) {
      // Hawkes (1971): 1 ÷ (1 − 0.6)² = 6.25 in the limit, and a relaxation of 4 s ÷ 0.4.
      1 + 5.25 * (1 - (1 - exp(-$0 / 10e6)) / ($0 / 10e6))
    },
    Example(
      name: "Hawkes with a tail",
      arrivals: .hawkes(HawkesArrivals(rate: 3e-6, branching: 0.5, delay: 4e6, tail: 2.5))
    ) { powerLaw($0 / 4e6, branching: 0.5, tail: 2.5) },
  ]

  /// Numbers from 1, negative binomial beyond: pairs of the nth after a request have the density of Erlang's nth time.
  /// - Parameter time: in gaps.
  static func bartlettLewis(_ time: Double, requests: Double, shape: Double) -> Double {
    let p = shape / (shape + requests - 1)
    // P(N − 1 = j), and from these E[(N − n)⁺].
    let most = 2000
    var probabilities = [pow(p, shape)]
    for j in 1..<most {
      probabilities.append(probabilities[j - 1] * (shape + Double(j) - 1) / Double(j) * (1 - p))
    }
    var (beyond, tail, sum) = ([Double](repeating: 0, count: most), 0.0, 0.0)
    for j in stride(from: most - 1, through: 0, by: -1) {
      // P(N − 1 ≥ j), and the sum of these from j on: E[(N − j)⁺].
      tail += probabilities[j]
      sum += tail
      beyond[j] = sum
    }
    var pairs = 0.0
    for n in 1..<most {
      // ∫ (t − u) of Erlang's density: t F_n(t) − n F_{n+1}(t), with P(at least n events of a Poisson process by t).
      let (here, next) = (erlang(n, time), erlang(n + 1, time))
      guard here > 1e-14 else { break }
      pairs += beyond[n] / requests * (time * here - Double(n) * next)
    }
    return 1 + 2 * pairs / time
  }

  static func erlang(_ n: Int, _ time: Double) -> Double {
    (try? Distribution(.gamma(shape: Double(n), scale: 1)).cdf(time)) ?? .nan
  }

  /// By Bartlett's spectrum, ∫ |1 − φ̂(ω)|⁻² (sin(ωt ⁄ 2) ⁄ (ω ⁄ 2))² dω ÷ 2πt. Source: Hawkes (1971), eq. 14.
  /// - Parameter time: in delays.
  static func powerLaw(_ time: Double, branching: Double, tail: Double) -> Double {
    // The kernel is a mixture of exponentials whose rates are gamma distributed.
    let rates = (-2000...400).map { exp(Double($0) / 100) }
    let weights = rates.map { pow($0, tail) * exp(-$0) }
    let whole = weights.reduce(0, +)
    func transform(_ omega: Double) -> (Double, Double) {
      var (real, imaginary) = (0.0, 0.0)
      for (x, weight) in zip(rates, weights) {
        let share = weight * x / (x * x + omega * omega)
        real += share * x
        imaginary -= share * omega
      }
      return (branching * real / whole, branching * imaginary / whole)
    }
    // Beyond Poisson's own, so that it falls fast.
    var sum = 0.0
    let step = min(0.02, 0.05 / time)
    var omega = step / 2
    while omega < 60 {
      let (real, imaginary) = transform(omega)
      let gain = 1 / ((1 - real) * (1 - real) + imaginary * imaginary) - 1
      let window = sin(omega * time / 2) / (omega / 2)
      sum += gain * window * window * step
      omega += step
    }
    return 1 + sum / .pi / time
  }

  @Test("the mean rate and the dispersion over several times are those of theory", arguments: examples)
  func theory(_ example: Example) throws {
    let seconds: Int64 = 7200
    let runs = try (0..<80).map { try Self.draw(example.arrivals, seconds: seconds, replication: $0) }
    // Rate 3 a second.
    #expect(Estimate(runs.map { Double($0.count) / Double(seconds) }).isNear(3))
    for window in [1e6, 10e6, 60e6] {
      let found = Estimate(
        runs.map { Self.dispersion($0, seconds: seconds, window: window, mean: 3e-6 * window) })
      #expect(found.isNear(example.theory(window)), "\(window): \(found), \(example.theory(window))")
      // Sharp enough to tell.
      #expect(found.error < 0.03 * found.mean)
    }
  }

  @Test("the model's own formula is that of theory", arguments: [1e4, 1e6, 60e6, 6e8])
  func formula(_ window: Double) {
    for (example, found) in [
      (Self.examples[0], Self.clusters(.neymanScott).dispersion(over: window)),
      (Self.examples[1], Self.clusters(.neymanScott, shape: 0.4).dispersion(over: window)),
      (Self.examples[2], Self.clusters(.bartlettLewis).dispersion(over: window)),
      (Self.examples[4], HawkesArrivals(rate: 3e-6, branching: 0.6, delay: 4e6).dispersion(over: window)),
    ] {
      #expect(abs(found / example.theory(window) - 1) < 1e-6, "\(example.name)")
    }
    // Geometric numbers by the other way.
    let geometric = Self.bartlettLewis(window / 4e6, requests: 5, shape: 1)
    #expect(abs(geometric / Self.examples[2].theory(window) - 1) < 1e-6)
  }

  @Test("they are stationary from the first second on, and load.scale superposes", arguments: examples)
  func stationary(_ example: Example) throws {
    // Three times as many causes: the same dispersion.
    // A tail needs a long time before.
    let runs = try (0..<(example.name.hasSuffix("tail") ? 300 : 1500)).map {
      try Self.draw(example.arrivals.scaled(by: 3), seconds: 10, replication: $0)
    }
    #expect(Estimate(runs.map { Double($0.count { $0 < 1e6 }) }).isNear(9))
    let counts = runs.map { Double($0.count) }
    #expect(Estimate(counts).isNear(90))
    let dispersion = Estimate(counts.map { ($0 - 90) * ($0 - 90) / 90 })
    #expect(dispersion.isNear(example.theory(10e6)), "\(dispersion), \(example.theory(10e6))")
  }

  @Test("causes follow the profile exactly, what they bring about keeps to the clock", arguments: examples)
  func profile(_ example: Example) throws {
    // An hour at the rate, then an hour at a quarter of it: away from the change, counts are those of the rate.
    var profile = RateProfile()
    profile.breakpoints = [.init(at: Timestamp(microseconds: Self.start + 3_600_000_000), factor: 0.25)]
    let runs = try (0..<60).map {
      [profile] in try Self.draw(example.arrivals, seconds: 7200, replication: $0, profile: profile)
    }
    #expect(Estimate(runs.map { Double($0.count { $0 < 3.6e9 }) / 3600 }).isNear(3))
    let late = runs.map { $0.filter { $0 >= 4.5e9 } }
    if example.name != "Hawkes with a tail" {
      #expect(Estimate(late.map { Double($0.count) / 2700 }).isNear(0.75))
      let found = Estimate(
        late.map {
          Self.dispersion($0.map { $0 - 4.5e9 }, seconds: 2700, window: 10e6, mean: 7.5)
        })
      #expect(found.isNear(example.theory(10e6)))
    } else {
      // What is left of the excitation of the first hour after a quarter of an hour is below 0.1 %.
      #expect(abs(Estimate(late.map { Double($0.count) / 2700 }).mean - 0.75) < 0.05)
    }
  }

  @Test("clusters that lie far apart have the numbers and the gaps of their distributions")
  func structure() throws {
    // A cause every hour and a half on average; a cluster is over within minutes.
    func split(_ arrivals: Arrivals, apart: Double) throws -> [[Double]] {
      let times = try Self.draw(arrivals, seconds: 20_000_000, replication: 1)
      var clusters: [[Double]] = []
      for time in times {
        if let last = clusters.last?.last, time - last < apart {
          clusters[clusters.count - 1].append(time)
        } else {
          clusters.append([time])
        }
      }
      return clusters
    }
    let chains = try split(
      .cluster(ClusterArrivals(.bartlettLewis, rate: 5.0 / 5400 / 1e6, requests: 5, delay: 1e6)), apart: 30e6)
    // Some 3,700 of them. The share of single ones is 1 ÷ 5; two causes meet within half a minute in 0.6 % of cases.
    let n = Double(chains.count)
    #expect(abs(n - 20_000_000 / 5400) < 5.3 * n.squareRoot() + 0.01 * n)
    let single = Double(chains.count { $0.count == 1 }) / n
    #expect(abs(single - 0.2) < 5.3 * (0.16 / n).squareRoot() + 0.01)
    let gaps = chains.flatMap { chain in zip(chain.dropFirst(), chain).map { $0 - $1 } }.filter { $0 < 10e6 }
    #expect(GoodnessOfFit.kolmogorovSmirnov(gaps) { -expm1(-$0 / 1e6) / -expm1(-10) }.pValue > 1e-7)

    let pairs = try split(
      .hawkes(HawkesArrivals(rate: 1.0 / 5400 / 1e6, branching: 0.3, delay: 1e6, tail: 1.5)), apart: 200e6
    )
    .filter { $0.count == 2 }.map { $0[1] - $0[0] }
    // Of two, the second is the first's only child.
    #expect(pairs.count > 300)
    func below(_ time: Double) -> Double { 1 - pow(1 + time / 1e6, -1.5) }
    #expect(
      GoodnessOfFit.kolmogorovSmirnov(pairs.filter { $0 < 60e6 }) { below($0) / below(60e6) }.pValue > 1e-7)
    #expect(
      GoodnessOfFit.kolmogorovSmirnov(pairs.filter { $0 < 60e6 }) { -expm1(-$0 / 2e6) }.pValue < 1e-7,
      "the test tells an exponential")
  }

  @Test("whatever the number of threads, the requests are the same; seeds and replications differ")
  func threads() throws {
    let yaml = """
      workbench: 1
      name: arrivals
      seed: 5
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
        - { name: b, kind: external, provider: P, load: { arrivals: { bartlettLewis: { rate: 1/s, requests: 4, gap: 3s, shape: 2 } }, tokens: { input: 1, output: 1 } }, service: { time: 1ms } }
        - { name: n, kind: external, provider: P, load: { scale: 2, arrivals: { neymanScott: { rate: 1/s, requests: 4, spread: 3s } }, tokens: { input: 1, output: 1 } }, service: { time: 1ms } }
        - { name: h, kind: external, provider: P, load: { arrivals: { hawkes: { rate: 1/s, branching: 0.5, delay: 3s, tail: 1.2 } }, tokens: { input: 1, output: 1 } }, service: { time: 1ms } }
      """
    let one = try Simulated(yaml)
    #expect(try Simulated(yaml, threads: 3).requests == one.requests)
    for name in ["b", "n", "h"] {
      let times = one.requests(of: name).map(\.arrivedAt)
      #expect(times.count > 60_000 && times == times.sorted())
      #expect(times.allSatisfy { $0 >= one.scenario.from.microseconds && $0 < one.scenario.to.microseconds })
    }
    let other = try Simulated(yaml, overrides: ["seed=6"])
    #expect(other.requests(of: "h").map(\.arrivedAt) != one.requests(of: "h").map(\.arrivedAt))
  }
}
