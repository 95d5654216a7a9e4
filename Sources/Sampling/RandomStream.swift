import CGSL
import Foundation

/// A handle to one stream of random numbers (xoshiro256++ behind a `gsl_rng`).
///
/// A plain pointer, so that the simulation's loop can keep it in flat memory. It is valid as long as
/// the `SamplingArena` that made it, and must be used by one thread at a time.
public struct RandomStream {
  @usableFromInline let generator: UnsafeMutablePointer<gsl_rng>

  /// Uniform on [0, 1), 53 bits.
  @inlinable public func uniform() -> Double { wb_stream_uniform(generator) }

  /// The next uniforms, as `uniform()` would give them.
  package func uniforms(_ count: Int, into values: UnsafeMutablePointer<Double>) {
    wb_stream_uniforms(generator, values, count)
  }

  /// The next standard normals, as `standardNormal()` would give them.
  package func standardNormals(_ count: Int, into values: UnsafeMutablePointer<Double>) {
    wb_stream_normals(generator, values, count)
  }

  /// The next exponentials, as `exponential(mean:)` would give them.
  package func exponentials(_ count: Int, mean: Double, into values: UnsafeMutablePointer<Double>) {
    wb_stream_uniforms(generator, values, count)
    wb_exponentials(values, count, mean)
  }

  /// Exponential with the given mean (any unit, > 0).
  @inlinable public func exponential(mean: Double) -> Double { mean * wb_stream_exponential(generator) }

  /// Gamma with mean shape × scale. Source: Marsaglia and Tsang (2000), as in GSL.
  @inlinable public func gamma(shape: Double, scale: Double) -> Double {
    gsl_ran_gamma(generator, shape, scale)
  }

  /// Weibull by inversion.
  @inlinable public func weibull(shape: Double, scale: Double) -> Double {
    gsl_ran_weibull(generator, scale, shape)
  }

  /// Poisson with the given mean (at least 0).
  package func poisson(mean: Double) -> Int { mean > 0 ? Int(gsl_ran_poisson(generator, mean)) : 0 }

  /// Negative binomial: Poisson of a mean that is gamma. Variance: mean + mean² ÷ shape.
  package func negativeBinomial(mean: Double, shape: Double) -> Int {
    guard mean > 0 else { return 0 }
    // Geometric, by inversion.
    if shape == 1 { return Int(exponential(mean: 1 / log1p(1 / mean))) }
    return poisson(mean: gamma(shape: shape, scale: mean / shape))
  }

  /// Standard normal by the ziggurat method. Source: Marsaglia and Tsang (2000), as in GSL, but with 53 bits, not 24.
  @inlinable public func standardNormal() -> Double { wb_stream_normal(generator) }

  /// The next 64 random bits.
  @inlinable public func bits() -> UInt64 { UInt64(gsl_rng_get(generator)) }
}
