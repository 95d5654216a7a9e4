import CGSL

/// Student's t distribution.
package enum StudentT {
  /// The value that is exceeded with probability `tail`.
  /// - Parameters:
  ///   - tail: in (0, 1).
  ///   - degreesOfFreedom: above 0.
  package static func upperQuantile(_ tail: Double, degreesOfFreedom: Double) -> Double {
    gsl_cdf_tdist_Qinv(tail, degreesOfFreedom)
  }
}
