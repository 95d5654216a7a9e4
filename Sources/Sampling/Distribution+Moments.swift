import CGSL

extension Distribution {
  /// E[X]; infinite where it does not exist (Pareto with shape ≤ 1).
  package var mean: Double { isTruncated ? truncatedMoments.mean : untruncatedMean }

  /// Var[X]; infinite where it does not exist (Pareto with shape ≤ 2).
  package var variance: Double { isTruncated ? truncatedMoments.variance : untruncatedVariance }

  /// Standard deviation ÷ mean.
  package var coefficientOfVariation: Double { variance.squareRoot() / mean }

  var untruncatedMean: Double {
    switch family {
    case .constant(let value): value
    case .uniform(let low, let high): (low + high) / 2
    case .exponential(let mean): mean
    case .normal(let mean, _): mean
    case .lognormal(let mu, let sigma): gsl_sf_exp(mu + sigma * sigma / 2)
    case .gamma(let shape, let scale): shape * scale
    case .weibull(let shape, let scale): scale * gsl_sf_gamma(1 + 1 / shape)
    case .hyperexponential(let branches): branches.reduce(0) { $0 + $1.probability * $1.mean }
    case .pareto(let shape, let scale): shape > 1 ? shape * scale / (shape - 1) : .infinity
    case .beta(let alpha, let beta, let low, let high): low + (high - low) * alpha / (alpha + beta)
    case .poisson(let mean): mean
    case .negativeBinomial(let n, let p): n * (1 - p) / p
    case .geometric(let p): 1 / p
    case .bernoulli(let p): p
    case .empirical(let empirical): empirical.mean
    case .mixture(let components): components.reduce(0) { $0 + $1.weight * $1.distribution.mean }
    }
  }

  var untruncatedVariance: Double {
    switch family {
    case .constant: 0
    case .uniform(let low, let high): (high - low) * (high - low) / 12
    case .exponential(let mean): mean * mean
    case .normal(_, let sd): sd * sd
    case .lognormal(let mu, let sigma):
      gsl_sf_expm1(sigma * sigma) * gsl_sf_exp(2 * mu + sigma * sigma)
    case .gamma(let shape, let scale): shape * scale * scale
    case .weibull(let shape, let scale):
      scale * scale * (gsl_sf_gamma(1 + 2 / shape) - gsl_pow_2(gsl_sf_gamma(1 + 1 / shape)))
    case .hyperexponential(let branches):
      branches.reduce(0) { $0 + 2 * $1.probability * $1.mean * $1.mean } - gsl_pow_2(untruncatedMean)
    case .pareto(let shape, let scale):
      shape > 2 ? scale * scale * shape / ((shape - 1) * (shape - 1) * (shape - 2)) : .infinity
    case .beta(let alpha, let beta, let low, let high):
      gsl_pow_2(high - low) * alpha * beta / (gsl_pow_2(alpha + beta) * (alpha + beta + 1))
    case .poisson(let mean): mean
    case .negativeBinomial(let n, let p): n * (1 - p) / (p * p)
    case .geometric(let p): (1 - p) / (p * p)
    case .bernoulli(let p): p * (1 - p)
    case .empirical(let empirical): empirical.variance
    case .mixture(let components):
      components.reduce(0) {
        $0 + $1.weight * ($1.distribution.variance + gsl_pow_2($1.distribution.mean))
      } - gsl_pow_2(untruncatedMean)
    }
  }

  /// Moments as integrals of the quantile function, E[Xᵏ] = ∫₀¹ Q(u)ᵏ du, or as a sum for whole numbers.
  private var truncatedMoments: (mean: Double, variance: Double) {
    switch family {
    case .constant(let value): return (value, 0)
    case .pareto(let shape, _) where upper == .infinity && shape <= 2:
      return (shape <= 1 ? .infinity : integral { self.quantile($0) }, .infinity)
    case .poisson, .negativeBinomial, .geometric, .bernoulli: return summedMoments
    case .empirical(let empirical) where !empirical.isHistogram: return empiricalMoments(empirical)
    default:
      let mean = integral { self.quantile($0) }
      return (mean, integral { gsl_pow_2(self.quantile($0) - mean) })
    }
  }

  private func empiricalMoments(_ empirical: EmpiricalDistribution) -> (mean: Double, variance: Double) {
    let kept = zip(empirical.points, empirical.probabilities).filter { $0.0 >= lower && $0.0 <= upper }
    let mass = kept.reduce(0) { $0 + $1.1 }
    let mean = kept.reduce(0) { $0 + $1.0 * $1.1 } / mass
    return (mean, kept.reduce(0) { $0 + gsl_pow_2($1.0 - mean) * $1.1 } / mass)
  }

  private var summedMoments: (mean: Double, variance: Double) {
    let first = quantile(0).rounded(.up)
    let last = min(upper.rounded(.down), quantile(1 - 1e-14))
    var sum = 0.0
    var squares = 0.0
    var below = 0.0
    var value = max(first, infimum)
    while value <= last {
      let cumulative = cdf(value)
      sum += value * (cumulative - below)
      squares += value * value * (cumulative - below)
      below = cumulative
      value += 1
    }
    return (sum, squares - sum * sum)
  }

  /// ∫₀¹ f, with singularities at the ends allowed (QAGS: Gauss–Kronrod 21 points with Wynn's ε).
  private func integral(_ integrand: @escaping (Double) -> Double) -> Double {
    final class Box {
      let f: (Double) -> Double
      init(_ f: @escaping (Double) -> Double) { self.f = f }
    }
    let box = Box(integrand)
    return withExtendedLifetime(box) {
      var function = gsl_function(
        function: { u, context in
          guard let context else { return .nan }
          return Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().f(u)
        },
        params: Unmanaged.passUnretained(box).toOpaque())
      let workspace = gsl_integration_workspace_alloc(1000)
      defer { gsl_integration_workspace_free(workspace) }
      var result = 0.0
      var error = 0.0
      gsl_integration_qags(&function, 0, 1, 0, 1e-9, 1000, workspace, &result, &error)
      return result
    }
  }
}
