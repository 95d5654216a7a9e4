import CGSL

extension Distribution {
  /// P(X ≤ x).
  package func cdf(_ x: Double) -> Double {
    guard isTruncated else { return untruncatedCdf(x) }
    if x < lower { return 0 }
    if x >= upper { return 1 }
    let below = untruncatedProbabilityBelow(lower)
    return min(max((untruncatedCdf(x) - below) / truncatedMass, 0), 1)
  }

  /// The smallest x with P(X ≤ x) ≥ u, for u in [0, 1].
  package func quantile(_ u: Double) -> Double {
    guard isTruncated else { return untruncatedQuantile(u) }
    let below = untruncatedProbabilityBelow(lower)
    let x = untruncatedQuantile(min(below + u * truncatedMass, 1))
    return min(max(x, infimum), upper)
  }

  /// How much of the untruncated probability lies in [lower, upper].
  var truncatedMass: Double {
    (upper == .infinity ? 1 : untruncatedCdf(upper)) - untruncatedProbabilityBelow(lower)
  }

  /// P(X < x) without truncation.
  func untruncatedProbabilityBelow(_ x: Double) -> Double {
    if x == -.infinity { return 0 }
    switch family {
    case .constant(let value): return value < x ? 1 : 0
    case .empirical(let empirical): return empirical.cdf(x, strictly: true)
    case .mixture(let components):
      return components.reduce(0) { $0 + $1.weight * $1.distribution.probabilityBelow(x) }
    default: return untruncatedCdf(isDiscrete ? x.rounded(.up) - 1 : x)
    }
  }

  private func probabilityBelow(_ x: Double) -> Double {
    if x <= lower { return 0 }
    if x > upper { return 1 }
    return (untruncatedProbabilityBelow(x) - untruncatedProbabilityBelow(lower)) / truncatedMass
  }

  func untruncatedCdf(_ x: Double) -> Double {
    if x == .infinity { return 1 }
    if x == -.infinity { return 0 }
    switch family {
    case .constant(let value): return x >= value ? 1 : 0
    case .uniform(let low, let high): return gsl_cdf_flat_P(x, low, high)
    case .exponential(let mean): return gsl_cdf_exponential_P(x, mean)
    case .normal(let mean, let sd): return gsl_cdf_gaussian_P(x - mean, sd)
    case .lognormal(let mu, let sigma): return x <= 0 ? 0 : gsl_cdf_lognormal_P(x, mu, sigma)
    case .gamma(let shape, let scale): return x <= 0 ? 0 : gsl_cdf_gamma_P(x, shape, scale)
    case .weibull(let shape, let scale): return x <= 0 ? 0 : gsl_cdf_weibull_P(x, scale, shape)
    case .hyperexponential(let branches):
      return branches.reduce(0) { $0 + $1.probability * gsl_cdf_exponential_P(x, $1.mean) }
    case .pareto(let shape, let scale): return x <= scale ? 0 : gsl_cdf_pareto_P(x, shape, scale)
    case .beta(let alpha, let beta, let low, let high):
      return gsl_cdf_beta_P(min(max((x - low) / (high - low), 0), 1), alpha, beta)
    case .poisson(let mean): return x < 0 ? 0 : gsl_cdf_poisson_P(UInt32(min(x, 4e9)), mean)
    case .negativeBinomial(let n, let p):
      return x < 0 ? 0 : gsl_cdf_negative_binomial_P(UInt32(min(x, 4e9)), p, n)
    case .geometric(let p): return x < 1 ? 0 : gsl_cdf_geometric_P(UInt32(min(x, 4e9)), p)
    case .bernoulli(let p): return x < 0 ? 0 : x < 1 ? 1 - p : 1
    case .empirical(let empirical): return empirical.cdf(x)
    case .mixture(let components):
      return components.reduce(0) { $0 + $1.weight * $1.distribution.cdf(x) }
    }
  }

  func untruncatedQuantile(_ u: Double) -> Double {
    switch family {
    case .constant(let value): return value
    case .uniform(let low, let high): return low + u * (high - low)
    case .exponential(let mean): return gsl_cdf_exponential_Pinv(u, mean)
    case .normal(let mean, let sd): return mean + gsl_cdf_gaussian_Pinv(u, sd)
    case .lognormal(let mu, let sigma): return gsl_cdf_lognormal_Pinv(u, mu, sigma)
    case .gamma(let shape, let scale): return inverted(u, gsl_cdf_gamma_Pinv(u, shape, scale))
    case .weibull(let shape, let scale): return gsl_cdf_weibull_Pinv(u, scale, shape)
    case .pareto(let shape, let scale): return gsl_cdf_pareto_Pinv(u, shape, scale)
    case .beta(let alpha, let beta, let low, let high):
      return inverted(u, low + (high - low) * gsl_cdf_beta_Pinv(u, alpha, beta))
    case .bernoulli(let p): return u <= 1 - p ? 0 : 1
    case .empirical(let empirical): return empirical.quantile(u)
    case .poisson, .negativeBinomial, .geometric: return wholeQuantile(u)
    case .hyperexponential(let branches):
      let quantiles = branches.map { gsl_cdf_exponential_Pinv(u, $0.mean) }
      return bisected(u, between: quantiles.min() ?? 0, and: quantiles.max() ?? 0)
    case .mixture(let components):
      let used = components.filter { $0.weight > 0 }
      let quantiles = used.map { $0.distribution.quantile(u) }
      return bisected(u, between: quantiles.min() ?? 0, and: quantiles.max() ?? 0)
    }
  }

  /// GSL's gamma and beta inverses refine by Newton's steps and can fail in the far tails; then bisect.
  private func inverted(_ u: Double, _ x: Double) -> Double {
    if u <= 0 || u >= 1 { return x }
    if x.isFinite, abs(untruncatedCdf(x) - u) < 1e-9 { return x }
    var high = 1.0
    while untruncatedCdf(high) < u, high < 1e300 { high *= 2 }
    return bisected(u, between: min(untruncatedInfimum, 0), and: high)
  }

  /// The smallest x in [low, high] with cdf(x) ≥ u, to the last bits.
  private func bisected(_ u: Double, between low: Double, and high: Double) -> Double {
    guard low.isFinite, high.isFinite, low < high else { return high }
    if untruncatedCdf(low) >= u { return low }
    var low = low
    var high = high
    for _ in 0..<200 {
      let middle = low + (high - low) / 2
      if middle <= low || middle >= high { break }
      if untruncatedCdf(middle) >= u { high = middle } else { low = middle }
    }
    return high
  }

  private func wholeQuantile(_ u: Double) -> Double {
    if u >= 1 { return .infinity }
    var high = max(untruncatedMean, 1).rounded(.up)
    while untruncatedCdf(high) < u, high < 4e9 { high *= 2 }
    var low = untruncatedInfimum - 1
    while high - low > 1 {
      let middle = ((low + high) / 2).rounded(.down)
      if untruncatedCdf(middle) >= u { high = middle } else { low = middle }
    }
    return high
  }
}
