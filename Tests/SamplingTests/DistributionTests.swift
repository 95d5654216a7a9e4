import Foundation
import Sampling
import Testing

/// A distribution with a name for messages, and what its parameters say its mean and variance are, from the textbook
/// rather than from the code.
struct Case: Sendable, CustomTestStringConvertible {
  var name: String
  var distribution: Distribution
  var mean: Double
  var variance: Double
  var testDescription: String { name }

  init(
    _ name: String, _ family: Distribution.Family, _ lower: Double = -.infinity, _ upper: Double = .infinity,
    mean: Double, variance: Double
  ) {
    self.name = name
    do {
      distribution = try Distribution(family, lower: lower, upper: upper)
    } catch {
      fatalError("\(name): \(error)")
    }
    self.mean = mean
    self.variance = variance
  }

  /// Source of the moments: Johnson, Kotz and Balakrishnan (1994), "Continuous Univariate Distributions".
  static let continuous: [Case] = [
    Case("uniform", .uniform(low: 2, high: 5), mean: 3.5, variance: 0.75),
    Case("exponential", .exponential(mean: 4), mean: 4, variance: 16),
    Case("normal", .normal(mean: -1, sd: 3), mean: -1, variance: 9),
    Case(
      "lognormal", .lognormal(mu: log(10), sigma: 0.5), mean: 10 * exp(0.125),
      variance: 100 * exp(0.25) * (exp(0.25) - 1)),
    Case("gamma, shape above 1", .gamma(shape: 2.5, scale: 2), mean: 5, variance: 10),
    Case("gamma, shape below 1", .gamma(shape: 0.4, scale: 3), mean: 1.2, variance: 3.6),
    Case("Erlang", .gamma(shape: 3, scale: 1), mean: 3, variance: 3),
    Case(
      "Weibull", .weibull(shape: 2, scale: 1), mean: Double.pi.squareRoot() / 2, variance: 1 - Double.pi / 4),
    Case(
      "hyperexponential",
      .hyperexponential([.init(probability: 0.3, mean: 5), .init(probability: 0.7, mean: 1)]), mean: 2.2,
      variance: 2 * (0.3 * 25 + 0.7) - 2.2 * 2.2),
    Case("Pareto", .pareto(shape: 5, scale: 2), mean: 2.5, variance: 4 * 5 / (16 * 3)),
    Case("beta", .beta(alpha: 2, beta: 3, low: 10, high: 20), mean: 14, variance: 100 * 6 / (25 * 6)),
    Case(
      "mixture",
      .mixture([component(1, .uniform(low: 0, high: 1)), component(3, .uniform(low: 5, high: 6))]),
      mean: 0.25 * 0.5 + 0.75 * 5.5, variance: 1.0 / 12 + 25 * 3 / 16),
    // Truncated: φ and Φ of a normal cut at ±1 (variance 1 − 2φ(1)/(2Φ(1) − 1)).
    Case(
      "normal within ±1", .normal(mean: 0, sd: 1), -1, 1, mean: 0,
      variance: 1 - 2 * 0.24197072451914337 / 0.6826894921370859),
    // An exponential is memoryless.
    Case("exponential above 2", .exponential(mean: 1), 2, mean: 3, variance: 1),
    Case(
      "normal far in the tail", .normal(mean: 0, sd: 1), 4, mean: tailMean,
      variance: 1 + 4 * tailMean - tailMean * tailMean),
    Case("uniform cut", .uniform(low: 0, high: 10), 2, 6, mean: 4, variance: 16.0 / 12),
  ]

  /// Mills: φ(4) ÷ (1 − Φ(4)).
  static let tailMean = exp(-8) / (2 * Double.pi).squareRoot() / (0.5 * erfc(4 / 2.0.squareRoot()))

  static let discrete: [Case] = [
    Case("Poisson, small", .poisson(mean: 3), mean: 3, variance: 3),
    Case("Poisson, large", .poisson(mean: 300), mean: 300, variance: 300),
    Case("negative binomial", .negativeBinomial(n: 2.5, p: 0.25), mean: 7.5, variance: 30),
    Case("geometric", .geometric(p: 0.2), mean: 5, variance: 20),
    Case("Bernoulli", .bernoulli(p: 0.3), mean: 0.3, variance: 0.21),
    Case(
      "Poisson from 1", .poisson(mean: 2), 1, mean: 2 / (1 - exp(-2)),
      variance: 6 / (1 - exp(-2)) - pow(2 / (1 - exp(-2)), 2)),
    Case(
      "values", .empirical(values([1, 2, 10], [5, 3, 2])), mean: 3.1,
      variance: (5 + 12 + 200) / 10 - 3.1 * 3.1),
    Case(
      "values, cut", .empirical(values([1, 2, 10], [5, 3, 2])), 1.5, mean: (6 + 20) / 5,
      variance: (12 + 200) / 5 - 27.04),
  ]

  static let histogram = Case(
    "histogram", .empirical(bins([0, 1, 3], [1, 3])), mean: 0.25 * 0.5 + 0.75 * 2,
    variance: 0.25 / 3 + 0.75 * (1 + 3 + 9) / 3 - 1.625 * 1.625)

  private static func component(_ weight: Double, _ family: Distribution.Family) -> Distribution.Component {
    .init(weight: weight, distribution: made { try Distribution(family) })
  }
  private static func values(_ values: [Double], _ weights: [Double]) -> EmpiricalDistribution {
    made { try EmpiricalDistribution(values: values, weights: weights) }
  }
  private static func bins(_ edges: [Double], _ weights: [Double]) -> EmpiricalDistribution {
    made { try EmpiricalDistribution(edges: edges, weights: weights) }
  }
  private static func made<T>(_ make: () throws -> T) -> T {
    do { return try make() } catch { fatalError("\(error)") }
  }
}

@Suite("Distributions against their theory")
struct DistributionTests {
  static let sampleSize = 200_000
  static let arena = SamplingArena()

  static func sample(_ distribution: Distribution, _ purpose: String, _ count: Int = sampleSize) -> [Double] {
    let stream = arena.stream(
      StreamName(seed: 2026, account: "tests", entity: "distributions", purpose: purpose))
    let sampler = Sampler(distribution, in: arena)
    return (0..<count).map { _ in sampler.draw(from: stream) }
  }

  @Test("mean and variance are the textbook's", arguments: Case.continuous + Case.discrete + [Case.histogram])
  func moments(entry: Case) {
    #expect(
      abs(entry.distribution.mean - entry.mean) < 1e-6 * max(1, abs(entry.mean)), "\(entry.distribution.mean)"
    )
    #expect(
      abs(entry.distribution.variance - entry.variance) < 2e-6 * max(1, entry.variance),
      "\(entry.distribution.variance)")
  }

  /// Family-wise 10⁻⁶ over some 50 comparisons: |z| > 5.6 at most (two-sided 2·10⁻⁸ each).
  @Test("samples have these moments", arguments: Case.continuous + Case.discrete + [Case.histogram])
  func sampledMoments(entry: Case) {
    let sample = Self.sample(entry.distribution, "moments \(entry.name)")
    let n = Double(sample.count)
    let mean = sample.reduce(0, +) / n
    #expect(abs(mean - entry.mean) < 5.6 * (entry.variance / n).squareRoot(), "\(mean) for \(entry.mean)")
    let squares = sample.map { ($0 - entry.mean) * ($0 - entry.mean) }
    let variance = squares.reduce(0, +) / n
    let fourth = squares.reduce(0) { $0 + ($1 - variance) * ($1 - variance) } / n
    #expect(
      abs(variance - entry.variance) < 5.6 * (fourth / n).squareRoot() + 1e-12,
      "\(variance) for \(entry.variance)")
  }

  @Test("samples pass Kolmogorov and Smirnov's test", arguments: Case.continuous + [Case.histogram])
  func kolmogorovSmirnov(entry: Case) {
    let fit = GoodnessOfFit.kolmogorovSmirnov(
      Self.sample(entry.distribution, "ks \(entry.name)"), cdf: entry.distribution.cdf)
    #expect(fit.pValue > 2e-8, "D = \(fit.statistic)")
  }

  @Test("…and fail it against a neighbour: the test has power")
  func power() throws {
    let sample = Self.sample(try Distribution(.gamma(shape: 2.5, scale: 2)), "power")
    let neighbour = try Distribution(.gamma(shape: 2.6, scale: 5 / 2.6))
    #expect(GoodnessOfFit.kolmogorovSmirnov(sample, cdf: neighbour.cdf).pValue < 1e-3)
  }

  @Test("counts pass Pearson's chi-squared test", arguments: Case.discrete)
  func chiSquared(entry: Case) {
    let sample = Self.sample(entry.distribution, "chi \(entry.name)")
    #expect(sample.allSatisfy { $0 == $0.rounded() && $0 >= 0 })
    let largest = Int(sample.max() ?? 0)
    var observed = [Int](repeating: 0, count: largest + 1)
    for value in sample { observed[Int(value)] += 1 }
    let n = Double(sample.count)
    var below = 0.0
    let expected = (0...largest).map { value -> Double in
      let upTo = value == largest ? 1 : entry.distribution.cdf(Double(value))
      defer { below = upTo }
      return n * (upTo - below)
    }
    let fit = GoodnessOfFit.chiSquared(observed: observed, expected: expected)
    #expect(fit.pValue > 2e-8, "χ² = \(fit.statistic) with \(fit.degreesOfFreedom)")
  }

  @Test("the quantile is the inverse of the cdf", arguments: Case.continuous + [Case.histogram])
  func quantiles(entry: Case) {
    for u in [1e-6, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1 - 1e-6] {
      let x = entry.distribution.quantile(u)
      #expect(abs(entry.distribution.cdf(x) - u) < 1e-7, "quantile(\(u)) = \(x)")
    }
    let sorted = (1..<1000).map { entry.distribution.quantile(Double($0) / 1000) }
    #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test("the quantile of counts is the smallest value that reaches the probability", arguments: Case.discrete)
  func discreteQuantiles(entry: Case) {
    for u in [0.001, 0.05, 0.3, 0.5, 0.77, 0.95, 0.9999] {
      let x = entry.distribution.quantile(u)
      #expect(entry.distribution.cdf(x) >= u)
      #expect(entry.distribution.cdf(x - 0.5) < u || x == entry.distribution.infimum, "quantile(\(u)) = \(x)")
    }
  }

  @Test(
    "truncated samples stay within their limits",
    arguments: Case.continuous.filter { $0.distribution.isTruncated })
  func truncation(entry: Case) {
    let sample = Self.sample(entry.distribution, "truncation \(entry.name)", 50_000)
    #expect(sample.allSatisfy { $0 >= entry.distribution.lower && $0 <= entry.distribution.upper })
    #expect(entry.distribution.cdf(entry.distribution.lower - 1e-9) == 0)
    #expect(entry.distribution.cdf(entry.distribution.upper) == 1)
  }

  @Test("a constant is what it says, and costs no random numbers")
  func constant() throws {
    let distribution = try Distribution(.constant(42))
    #expect(distribution.mean == 42 && distribution.variance == 0 && distribution.quantile(0.3) == 42)
    #expect(distribution.cdf(41.9) == 0 && distribution.cdf(42) == 1)
    let name = StreamName(seed: 1, account: "a", entity: "e", purpose: "p")
    let (used, fresh) = (Self.arena.stream(name), Self.arena.stream(name))
    #expect(Sampler(distribution, in: Self.arena).draw(from: used) == 42)
    #expect(used.bits() == fresh.bits())
  }

  @Test("infinite moments are infinite, not wrong")
  func infiniteMoments() throws {
    #expect(try Distribution(.pareto(shape: 1, scale: 1)).mean == .infinity)
    #expect(try Distribution(.pareto(shape: 1.5, scale: 1)).variance == .infinity)
    #expect(try Distribution(.pareto(shape: 1.5, scale: 1)).mean == 3)
  }

  @Test(
    "parameters that make no distribution are refused with a reason",
    arguments: [
      Distribution.Family.exponential(mean: 0), .exponential(mean: -.infinity), .exponential(mean: .nan),
      .normal(mean: 0, sd: -1), .uniform(low: 3, high: 3), .gamma(shape: 0, scale: 1), .bernoulli(p: 1.1),
      .hyperexponential([.init(probability: 0.5, mean: 1)]), .mixture([]), .poisson(mean: 1e12),
      .lognormal(mu: .infinity, sigma: 1), .constant(.nan),
    ])
  func refused(family: Distribution.Family) {
    #expect(throws: DistributionError.self) { try Distribution(family) }
  }

  @Test("a truncation that leaves nothing is refused")
  func emptyTruncation() {
    #expect(throws: DistributionError.self) { try Distribution(.exponential(mean: 1), lower: -5, upper: -1) }
    #expect(throws: DistributionError.self) { try Distribution(.normal(mean: 0, sd: 1), lower: 40) }
    #expect(throws: DistributionError.self) {
      try Distribution(.uniform(low: 0, high: 1), lower: 1, upper: 0)
    }
  }
}
