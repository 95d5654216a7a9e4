import Foundation
import Sampling
import Testing

@Suite("Maximum likelihood fits")
struct MaximumLikelihoodTests {
  static func sample(
    _ distribution: Distribution, size: Int, seed: UInt64 = 1, isWhole: Bool = false
  ) -> GroupedSample {
    let arena = SamplingArena()
    let stream = arena.stream(StreamName(seed: seed, account: "a", entity: "e", purpose: "fit"))
    let sampler = Sampler(distribution, in: arena)
    var sample = GroupedSample(isWhole: isWhole)
    withExtendedLifetime(arena) {
      for _ in 0..<size {
        let value = sampler.draw(from: stream)
        sample.add(isWhole ? max(0, (value + 0.5).rounded(.down)) : value)
      }
    }
    return sample
  }

  static let families: [(Distribution.Family, String, [Double])] = [
    (.exponential(mean: 3), "exponential", [3]),
    (.normal(mean: 50, sd: 4), "normal", [50, 4]),
    (.lognormal(mu: log(200), sigma: 0.4), "lognormal", [200, 0.4]),
    (.gamma(shape: 0.25, scale: 8), "gamma", [2, 2]),
    (.weibull(shape: 0.6, scale: 1), "weibull", [tgamma(1 + 1 / 0.6), 0.6]),
  ]

  @Test(
    "the family is recognised among all, and its parameters lie within six standard errors",
    arguments: families)
  func recovers(_ family: Distribution.Family, _ name: String, _ parameters: [Double]) throws {
    let fit = try #require(MaximumLikelihood.best(Self.sample(Distribution(family), size: 50_000)))
    #expect(fit.name == name)
    #expect(fit.parameters.count == parameters.count)
    for (estimate, truth) in zip(fit.parameters, parameters) {
      try #require(estimate.interval.count == 2)
      // The interval is ± 1.96 standard errors; a standard error is below 2 % with so many.
      let half = (estimate.interval[1] - estimate.interval[0]) / 2
      #expect(abs(estimate.value - truth) < 6 / 1.96 * half, "\(estimate) for \(truth)")
      #expect(half < 0.04 * truth)
    }
  }

  @Test("a 95 % interval contains the truth in 95 % of samples")
  func coverage() throws {
    var hits = 0
    for seed in 1...400 as ClosedRange<UInt64> {
      let sample = Self.sample(try Distribution(.gamma(shape: 4, scale: 0.25)), size: 500, seed: seed)
      let fit = try #require(MaximumLikelihood.unitIntervals(sample, .gamma))
      if fit.cv.interval[0] <= 0.5, fit.cv.interval[1] >= 0.5 { hits += 1 }
    }
    // Binomial(400, 0.95) lies in 354…398 but for 2·10⁻⁶ on either side.
    #expect((354...398).contains(hits), "\(hits) of 400")
  }

  @Test("truncation is found, and the parameters are those before it")
  func truncation() throws {
    let truth = try Distribution(.lognormal(mu: log(300), sigma: 0.9), upper: 500)
    let fit = try #require(MaximumLikelihood.best(Self.sample(truth, size: 50_000), histogram: false))
    #expect(fit.name == "lognormal, truncated")
    #expect(abs(fit.distribution.upper - 500) < 1)
    #expect(
      abs(fit.parameters[0].value - 300) < 30 && abs(fit.parameters[1].value - 0.9) < 0.06,
      "\(fit.parameters)")
  }

  @Test("zeros of a rounded sample are left-censored: small means are not biased")
  func censoring() throws {
    let truth = try Distribution(.lognormal(mu: log(1.2), sigma: 0.8))
    let sample = Self.sample(truth, size: 50_000, isWhole: true)
    #expect(sample.smallest == 0)
    let fit = try #require(MaximumLikelihood.best(sample, histogram: false))
    #expect(fit.name == "lognormal")
    #expect(
      abs(fit.parameters[0].value - 1.2) < 0.03 && abs(fit.parameters[1].value - 0.8) < 0.03,
      "\(fit.parameters)")
  }

  @Test("what no family describes becomes a histogram near to it, common values in bins of their own")
  func histogram() throws {
    let truth = try Distribution(
      .mixture([
        .init(weight: 0.3, distribution: Distribution(.constant(1000))),
        .init(weight: 0.7, distribution: Distribution(.uniform(low: 100, high: 5000))),
      ]))
    let fit = try #require(MaximumLikelihood.best(Self.sample(truth, size: 50_000, isWhole: true)))
    #expect(fit.name.hasPrefix("histogram"))
    let atom = fit.distribution.cdf(1000.5) - fit.distribution.cdf(999.5)
    #expect(abs(atom - 0.3) < 0.01, "\(atom)")
    #expect(abs(fit.distribution.mean / truth.mean - 1) < 0.01)
  }

  @Test("a constant is a constant, and no sample is no fit")
  func degenerate() {
    var sample = GroupedSample(isWhole: true)
    #expect(MaximumLikelihood.best(sample) == nil)
    for _ in 0..<10 { sample.add(7) }
    #expect(MaximumLikelihood.best(sample)?.distribution.family == .constant(7))
  }
}

@Suite("Distances of samples")
struct SampleDistanceTests {
  @Test("Wasserstein-1 of a shift is the shift, whatever the sizes; by hand otherwise")
  func wasserstein() {
    let a = (0..<1000).map { Double($0) }
    #expect(abs(SampleDistance.wasserstein(a, a.map { $0 + 3 }) - 3) < 1e-9)
    // Quantiles 0 (half), 2 (half) against 1, 1, 4: areas ⅓·1 + ⅙·1 + ⅙·1 + ⅓·2.
    #expect(
      abs(SampleDistance.wasserstein([0, 2], [1, 1, 4]) - (1.0 / 3 + 1.0 / 6 + 1.0 / 6 + 2.0 / 3)) < 1e-12)
  }

  @Test("Anderson–Darling: critical values of the limit, and the statistic of small samples by hand")
  func andersonDarling() {
    // Source of the critical values: Marsaglia and Marsaglia (2004), section 2: 2.4924 at 5 %, 3.8781 at 1 %.
    #expect(abs(SampleDistance.andersonDarlingTail(2.4924) - 0.05) < 2e-5)
    #expect(abs(SampleDistance.andersonDarlingTail(3.8781) - 0.01) < 2e-5)
    // {1, 3} and {2}: ((3·1 − 2·1)²/(1·2) + (3·1 − 2·2)²/(2·1)) / (2·1) = ½.
    #expect(abs(SampleDistance.andersonDarling([1, 3], [2]).statistic - 0.5) < 1e-12)
    #expect(SampleDistance.andersonDarling([1, 2, 3], [1, 2, 3]).statistic == 0)
  }

  @Test("of samples of one distribution, five in a hundred are called different at 5 %")
  func size() throws {
    let arena = SamplingArena()
    let stream = arena.stream(StreamName(seed: 3, account: "a", entity: "e", purpose: "ad"))
    var (ad, ks) = (0, 0)
    withExtendedLifetime(arena) {
      for _ in 0..<600 {
        let a = (0..<200).map { _ in stream.standardNormal() }.sorted()
        let b = (0..<150).map { _ in stream.standardNormal() }.sorted()
        if SampleDistance.andersonDarling(a, b).pValue < 0.05 { ad += 1 }
        if SampleDistance.kolmogorovSmirnov(a, b).pValue < 0.05 { ks += 1 }
      }
    }
    // Binomial(600, 0.05): 30 ± 5.3; six standard deviations. Kolmogorov–Smirnov is conservative.
    #expect((6...62).contains(ad), "\(ad)")
    #expect((2...62).contains(ks), "\(ks)")
  }

  @Test("the copula's parameter comes back")
  func copula() throws {
    let arena = SamplingArena()
    let stream = arena.stream(StreamName(seed: 4, account: "a", entity: "e", purpose: "copula"))
    let copula = GaussianCopula(
      try Distribution(.lognormal(mu: 5, sigma: 1)), try Distribution(.exponential(mean: 100)),
      correlation: 0.4,
      in: arena)
    let pairs = withExtendedLifetime(arena) { (0..<20_000).map { _ in copula.draw(from: stream) } }
    // Standard error (1 − ρ²)/√n = 0.006.
    #expect(abs(SampleDistance.normalScoreCorrelation(pairs.map(\.0), pairs.map(\.1)) - 0.4) < 0.036)
  }
}

@Suite("Minima without derivatives")
struct MinimiserTests {
  @Test("a search ends as soon as it is told that it is near enough, and not before")
  func nearEnough() {
    // A bowl with its minimum of 1 at (3, −2).
    func bowl(_ point: [Double]) -> Double {
      1 + (point[0] - 3) * (point[0] - 3) + 4 * (point[1] + 2) * (point[1] + 2)
    }
    var seen: [Double] = []
    let near = Minimiser.minimum(
      from: [0, 0], step: [1, 1],
      until: {
        seen.append($0)
        return $0 < 1.1
      }, bowl)
    #expect(near.value < 1.1 && seen.count > 1 && seen.dropLast().allSatisfy { $0 >= 1.1 }, "\(seen)")
    #expect(seen == seen.sorted(by: >) && bowl(near.point) == near.value)
    let whole = Minimiser.minimum(from: [0, 0], step: [1, 1], bowl)
    #expect(whole.hasConverged && abs(whole.value - 1) < 1e-6 && !near.hasConverged)
  }
}
