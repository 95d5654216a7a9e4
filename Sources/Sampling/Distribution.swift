/// A probability distribution on the real line, without a unit: what a number means (µs, tokens) is
/// the caller's business.
///
/// `lower` and `upper` truncate it: the distribution given that the value lies between them, both
/// included. Without truncation they are infinite.
package struct Distribution: Sendable, Equatable {
  package indirect enum Family: Sendable, Equatable {
    /// Always the same value.
    case constant(Double)
    /// Uniform on [low, high].
    case uniform(low: Double, high: Double)
    /// Exponential; `mean` > 0.
    case exponential(mean: Double)
    /// Normal; `sd` > 0.
    case normal(mean: Double, sd: Double)
    /// exp(N(mu, sigma²)); the median is exp(mu). `sigma` > 0.
    case lognormal(mu: Double, sigma: Double)
    /// Gamma with mean shape × scale. Erlang is gamma with a whole shape.
    case gamma(shape: Double, scale: Double)
    /// P(X > x) = exp(−(x ÷ scale)^shape).
    case weibull(shape: Double, scale: Double)
    /// A mixture of exponentials: probability and mean of each branch.
    case hyperexponential([Branch])
    /// P(X > x) = (scale ÷ x)^shape for x ≥ scale.
    case pareto(shape: Double, scale: Double)
    /// Beta stretched to [low, high].
    case beta(alpha: Double, beta: Double, low: Double, high: Double)
    /// Counts 0, 1, 2, …
    case poisson(mean: Double)
    /// Failures before the n-th success (n > 0, not necessarily whole), success probability p.
    case negativeBinomial(n: Double, p: Double)
    /// Trials up to and including the first success: 1, 2, 3, …
    case geometric(p: Double)
    /// 1 with probability p, else 0.
    case bernoulli(p: Double)
    /// Observed values with weights, or a histogram.
    case empirical(EmpiricalDistribution)
    /// Components (which may be truncated themselves) with weights that add up to 1.
    case mixture([Component])
  }

  package struct Branch: Sendable, Equatable {
    package var probability: Double
    package var mean: Double
    package init(probability: Double, mean: Double) {
      self.probability = probability
      self.mean = mean
    }
  }

  package struct Component: Sendable, Equatable {
    package var weight: Double
    package var distribution: Distribution
    package init(weight: Double, distribution: Distribution) {
      self.weight = weight
      self.distribution = distribution
    }
  }

  package let family: Family
  package let lower: Double
  package let upper: Double

  /// - Throws: `DistributionError` for parameters out of range, or a truncation that leaves less than
  ///   10⁻¹² of the probability.
  package init(
    _ family: Family, lower: Double = -.infinity, upper: Double = .infinity
  ) throws(DistributionError) {
    self.family = try Self.checked(family)
    self.lower = lower
    self.upper = upper
    if isTruncated {
      guard lower <= upper else {
        throw DistributionError("the minimum \(lower) is above the maximum \(upper)")
      }
      guard truncatedMass > 1e-12 else {
        throw DistributionError("nothing of the distribution lies between \(lower) and \(upper)")
      }
    }
  }

  /// Always 0.
  package static let zero = Distribution(always: 0)

  private init(always value: Double) {
    family = .constant(value)
    lower = -.infinity
    upper = .infinity
  }

  package var isTruncated: Bool { lower > -.infinity || upper < .infinity }

  /// Whether all values are whole numbers.
  package var isDiscrete: Bool {
    switch family {
    case .poisson, .negativeBinomial, .geometric, .bernoulli: true
    default: false
    }
  }

  /// Whether the cdf has jumps or flat stretches, so that its quantile function must not be interpolated.
  package var hasAtoms: Bool {
    switch family {
    case .constant, .empirical, .mixture: true
    default: isDiscrete
    }
  }

  /// The smallest possible value.
  package var infimum: Double { max(lower, untruncatedInfimum) }

  var untruncatedInfimum: Double {
    switch family {
    case .constant(let value): value
    case .uniform(let low, _), .beta(_, _, let low, _): low
    case .normal: -.infinity
    case .pareto(_, let scale): scale
    case .geometric: 1
    case .empirical(let empirical): empirical.smallest
    case .mixture(let components): components.map { $0.distribution.infimum }.min() ?? 0
    default: 0
    }
  }

  private static func checked(_ family: Family) throws(DistributionError) -> Family {
    func need(_ holds: Bool, _ problem: @autoclosure () -> String) throws(DistributionError) {
      guard holds else { throw DistributionError(problem()) }
    }
    func positive(_ value: Double, _ name: String) throws(DistributionError) {
      try need(value > 0 && value.isFinite, "\(name) must be a positive number, not \(value)")
    }
    switch family {
    case .constant(let value):
      try need(value.isFinite, "the value must be finite, not \(value)")
    case .uniform(let low, let high):
      try need(low.isFinite && high.isFinite && low < high, "min \(low) must lie below max \(high)")
    case .exponential(let mean):
      try positive(mean, "mean")
    case .normal(let mean, let sd):
      try need(mean.isFinite, "mean must be finite, not \(mean)")
      try positive(sd, "sd")
    case .lognormal(let mu, let sigma):
      try need(mu.isFinite, "the median must be a positive number")
      try positive(sigma, "sigma")
      try need(sigma <= 20, "sigma \(sigma) is beyond 20, where nearly all values are 0 or infinite")
    case .gamma(let shape, let scale), .weibull(let shape, let scale), .pareto(let shape, let scale):
      try positive(shape, "shape")
      try positive(scale, "scale")
    case .hyperexponential(let branches):
      try need(!branches.isEmpty, "there must be at least one branch")
      for branch in branches {
        try positive(branch.mean, "a branch's mean")
        try need(branch.probability >= 0, "a probability must not be negative (\(branch.probability))")
      }
      let sum = branches.reduce(0) { $0 + $1.probability }
      try need(abs(sum - 1) < 1e-6, "the branches' probabilities must add up to 1, not \(sum)")
    case .beta(let alpha, let beta, let low, let high):
      try positive(alpha, "alpha")
      try positive(beta, "beta")
      try need(low.isFinite && high.isFinite && low < high, "from \(low) must lie below to \(high)")
    case .poisson(let mean):
      try positive(mean, "mean")
      try need(mean <= 1e9, "a Poisson mean beyond 10⁹ (\(mean)) cannot be drawn")
    case .negativeBinomial(let n, let p):
      try positive(n, "n")
      try need(p > 0 && p <= 1, "p must lie in (0, 1], not \(p)")
    case .geometric(let p):
      try need(p > 0 && p <= 1, "p must lie in (0, 1], not \(p)")
    case .bernoulli(let p):
      try need(p >= 0 && p <= 1, "p must lie in [0, 1], not \(p)")
    case .empirical:
      break
    case .mixture(let components):
      try need(!components.isEmpty, "there must be at least one component")
      for component in components {
        try need(
          component.weight >= 0 && component.weight.isFinite,
          "a weight must not be negative (\(component.weight))")
      }
      let sum = components.reduce(0) { $0 + $1.weight }
      try need(sum > 0 && sum.isFinite, "the weights must not all be 0")
      return .mixture(
        components.map { Component(weight: $0.weight / sum, distribution: $0.distribution) })
    }
    return family
  }
}

/// Why parameters do not make a distribution.
package struct DistributionError: Error, Equatable, CustomStringConvertible {
  package let description: String
  init(_ description: String) { self.description = description }
}
