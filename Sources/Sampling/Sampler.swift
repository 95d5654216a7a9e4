import CGSL

/// A distribution made ready for drawing: flat, without reference counting or allocation, so that
/// the simulation's loop can hold it. Valid as long as the arena that made it.
public struct Sampler {
  @usableFromInline enum Method: UInt8 {
    case constant, uniform, exponential, normal, lognormal, gamma, weibull, pareto, beta
    case poisson, negativeBinomial, geometric, bernoulli
    case values, histogram, hyperexponential, mixture, inversion
  }

  @usableFromInline let method: Method
  @usableFromInline let isTruncated: Bool
  @usableFromInline var a = 0.0
  @usableFromInline var b = 0.0
  @usableFromInline var lower: Double
  @usableFromInline var upper: Double
  private var table: UnsafeRawPointer?
  private var alias: UnsafeMutablePointer<gsl_ran_discrete_t>?

  /// Rejection throws away what truncation cuts off; below this share of hits the cdf is inverted instead.
  private static let leastAcceptance = 0.25

  package init(_ distribution: Distribution, in arena: SamplingArena) {
    lower = distribution.lower
    upper = distribution.upper
    guard !distribution.isTruncated || distribution.truncatedMass >= Self.leastAcceptance else {
      method = .inversion
      isTruncated = false
      table = arena.quantileFunction(of: distribution)
      return
    }
    isTruncated = distribution.isTruncated
    switch distribution.family {
    case .constant(let value): (method, a) = (.constant, value)
    case .uniform(let low, let high): (method, a, b) = (.uniform, low, high - low)
    case .exponential(let mean): (method, a) = (.exponential, mean)
    case .normal(let mean, let sd): (method, a, b) = (.normal, mean, sd)
    case .lognormal(let mu, let sigma): (method, a, b) = (.lognormal, mu, sigma)
    case .gamma(let shape, let scale): (method, a, b) = (.gamma, shape, scale)
    case .weibull(let shape, let scale): (method, a, b) = (.weibull, scale, shape)
    case .pareto(let shape, let scale): (method, a, b) = (.pareto, shape, scale)
    case .beta(let alpha, let beta, let low, let high):
      (method, a, b) = (.beta, alpha, beta)
      table = UnsafeRawPointer(arena.table([low, high - low]))
    case .poisson(let mean): (method, a) = (.poisson, mean)
    case .negativeBinomial(let n, let p): (method, a, b) = (.negativeBinomial, p, n)
    case .geometric(let p): (method, a) = (.geometric, p)
    case .bernoulli(let p): (method, a) = (.bernoulli, p)
    case .empirical(let empirical):
      method = empirical.isHistogram ? .histogram : .values
      alias = arena.aliasTable(weights: empirical.probabilities)
      table = UnsafeRawPointer(arena.table(empirical.points))
    case .hyperexponential(let branches):
      method = .hyperexponential
      alias = arena.aliasTable(weights: branches.map(\.probability))
      table = UnsafeRawPointer(arena.table(branches.map(\.mean)))
    case .mixture(let components):
      method = .mixture
      alias = arena.aliasTable(weights: components.map(\.weight))
      table = UnsafeRawPointer(arena.table(components.map { Sampler($0.distribution, in: arena) }))
    }
  }

  /// Whether every draw gives the same value (and takes nothing from the stream).
  package var isConstant: Bool { method == .constant }

  /// One value.
  @inlinable
  @inline(__always)
  public func draw(from stream: RandomStream) -> Double {
    // What the draws of a request mostly are, without a call.
    switch method {
    case .constant: return a
    case .exponential where !isTruncated: return stream.exponential(mean: a)
    case .lognormal where !isTruncated: return wb_exp(a + b * stream.standardNormal())
    default: return drawFromAny(stream)
    }
  }

  @usableFromInline
  func drawFromAny(_ stream: RandomStream) -> Double {
    var value = drawUntruncated(stream)
    if isTruncated {
      while value < lower || value > upper { value = drawUntruncated(stream) }
    }
    return value
  }

  @inline(__always)
  private func drawUntruncated(_ stream: RandomStream) -> Double {
    let generator = stream.generator
    switch method {
    case .constant: return a
    case .uniform: return a + b * wb_stream_uniform(generator)
    case .exponential: return a * wb_stream_exponential(generator)
    case .normal: return a + b * wb_stream_normal(generator)
    case .lognormal: return wb_exp(a + b * wb_stream_normal(generator))
    case .gamma: return gsl_ran_gamma(generator, a, b)
    case .weibull: return gsl_ran_weibull(generator, a, b)
    case .pareto: return gsl_ran_pareto(generator, a, b)
    case .beta:
      let range = numbers
      return range[0] + range[1] * gsl_ran_beta(generator, a, b)
    case .poisson: return Double(gsl_ran_poisson(generator, a))
    case .negativeBinomial: return Double(gsl_ran_negative_binomial(generator, a, b))
    case .geometric: return Double(gsl_ran_geometric(generator, a))
    case .bernoulli: return wb_stream_uniform(generator) < a ? 1 : 0
    case .values: return numbers[index(generator)]
    case .histogram:
      let bin = index(generator)
      let edges = numbers
      return edges[bin] + (edges[bin + 1] - edges[bin]) * wb_stream_uniform(generator)
    case .hyperexponential: return numbers[index(generator)] * wb_stream_exponential(generator)
    case .mixture:
      guard let table else { return .nan }
      return table.assumingMemoryBound(to: Sampler.self)[index(generator)].draw(from: stream)
    case .inversion:
      guard let table else { return .nan }
      let box = Unmanaged<QuantileFunction>.fromOpaque(table)
      return box._withUnsafeGuaranteedRef { $0.distribution.quantile(wb_stream_uniform(generator)) }
    }
  }

  // Set by the initialiser for every method that uses it.
  private var numbers: UnsafePointer<Double> { table.unsafelyUnwrapped.assumingMemoryBound(to: Double.self) }

  private func index(_ generator: UnsafeMutablePointer<gsl_rng>) -> Int {
    gsl_ran_discrete(generator, alias)
  }
}
