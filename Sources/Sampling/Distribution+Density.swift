import CGSL
import Foundation

extension Distribution {
  /// The logarithm of the density at x of a continuous distribution; −∞ outside its support.
  ///
  /// Of a histogram, the height of the bin; of mixtures, the components' densities added up. Families of whole numbers
  /// and distributions with single values have none.
  package func logDensity(_ x: Double) -> Double {
    if x < lower || x > upper { return -.infinity }
    let mass = isTruncated ? log(truncatedMass) : 0
    return untruncatedLogDensity(x) - mass
  }

  private func untruncatedLogDensity(_ x: Double) -> Double {
    switch family {
    case .uniform(let low, let high): return x >= low && x <= high ? -log(high - low) : -.infinity
    case .exponential(let mean): return x < 0 ? -.infinity : -log(mean) - x / mean
    case .normal(let mean, let sd):
      return -0.5 * ((x - mean) / sd) * ((x - mean) / sd) - log(sd) - 0.918_938_533_204_672_7
    case .lognormal(let mu, let sigma):
      guard x > 0 else { return -.infinity }
      let score = (log(x) - mu) / sigma
      return -0.5 * score * score - log(sigma * x) - 0.918_938_533_204_672_7
    case .gamma(let shape, let scale):
      guard x > 0 else { return -.infinity }
      return (shape - 1) * log(x / scale) - x / scale - log(scale) - gsl_sf_lngamma(shape)
    case .weibull(let shape, let scale):
      guard x > 0 else { return -.infinity }
      let ratio = log(x / scale)
      return log(shape / scale) + (shape - 1) * ratio - exp(shape * ratio)
    case .pareto(let shape, let scale):
      return x < scale ? -.infinity : log(shape / scale) - (shape + 1) * log(x / scale)
    case .hyperexponential(let branches):
      return x < 0
        ? -.infinity : log(branches.reduce(0) { $0 + $1.probability / $1.mean * exp(-x / $1.mean) })
    case .mixture(let components):
      let terms = components.map { log($0.weight) + $0.distribution.logDensity(x) }
      let largest = terms.max() ?? -.infinity
      return largest == -.infinity
        ? -.infinity : largest + log(terms.reduce(0) { $0 + exp($1 - largest) })
    case .beta, .empirical, .constant, .poisson, .negativeBinomial, .geometric, .bernoulli: return -.infinity
    }
  }
}
