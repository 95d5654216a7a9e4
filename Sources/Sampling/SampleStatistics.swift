import CGSL

/// Moments of a sample, by GSL: stable recurrences in extended precision.
extension Array where Element == Double {
  /// The arithmetic mean; not a number of no values.
  package var mean: Double { isEmpty ? .nan : gsl_stats_mean(self, 1, count) }

  /// The unbiased estimate of the variance, with n − 1; not a number of fewer than two values.
  package var variance: Double { count < 2 ? .nan : gsl_stats_variance(self, 1, count) }

  /// The mean square about a given centre; not a number of no values.
  package func meanSquare(about centre: Double) -> Double {
    isEmpty ? .nan : gsl_stats_variance_with_fixed_mean(self, 1, count, centre)
  }
}

/// A straight line through points.
package enum LeastSquares {
  package struct Line: Sendable {
    package var intercept: Double
    package var slope: Double
    /// Of the slope.
    package var standardError: Double
  }

  /// The least-squares line of y, with equal weights.
  /// - Returns: `nil` for fewer than three points, or if all have one x.
  package static func line(x: [Double], y: [Double]) -> Line? {
    guard x.count == y.count, x.count > 2, x.meanSquare(about: x.mean) > 0 else { return nil }
    var (intercept, slope, a, b, squares) = (0.0, 0.0, 0.0, 0.0, 0.0)
    var slopeVariance = 0.0
    gsl_fit_linear(x, 1, y, 1, x.count, &intercept, &slope, &a, &b, &slopeVariance, &squares)
    return Line(intercept: intercept, slope: slope, standardError: slopeVariance.squareRoot())
  }
}
