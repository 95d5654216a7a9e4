import CGSL

/// Tests of a sample against a distribution. Each gives a p-value: the probability of a worse fit
/// if the sample does come from the distribution.
package enum GoodnessOfFit {
  /// One-sample Kolmogorov–Smirnov for a continuous distribution.
  /// Source: Stephens (1970), JRSS B 32: the limiting distribution at (√n + 0.12 + 0.11⁄√n)·D.
  package static func kolmogorovSmirnov(
    _ sample: [Double], cdf: (Double) -> Double
  ) -> (statistic: Double, pValue: Double) {
    let n = Double(sample.count)
    var statistic = 0.0
    for (index, value) in sample.sorted().enumerated() {
      let expected = cdf(value)
      statistic = max(statistic, expected - Double(index) / n, Double(index + 1) / n - expected)
    }
    return (statistic, kolmogorovTail((n.squareRoot() + 0.12 + 0.11 / n.squareRoot()) * statistic))
  }

  /// P(K > x) = 2 Σ (−1)^(k−1) exp(−2k²x²). Source: Kolmogorov (1933).
  package static func kolmogorovTail(_ x: Double) -> Double {
    if x < 0.2 { return 1 }
    var sum = 0.0
    for k in 1...100 {
      let term = exp(-2 * Double(k * k) * x * x)
      sum += k.isMultiple(of: 2) ? -term : term
      if term < 1e-18 { break }
    }
    return min(max(2 * sum, 0), 1)
  }

  /// Pearson's chi-squared. Cells that expect fewer than five are joined to their neighbours.
  /// - Parameter fittedParameters: how many parameters were estimated from the same sample.
  package static func chiSquared(
    observed: [Int], expected: [Double], fittedParameters: Int = 0
  ) -> (statistic: Double, degreesOfFreedom: Int, pValue: Double) {
    var cells: [(observed: Double, expected: Double)] = []
    var pending = (observed: 0.0, expected: 0.0)
    for (count, expectation) in zip(observed, expected) {
      pending.observed += Double(count)
      pending.expected += expectation
      if pending.expected >= 5 {
        cells.append(pending)
        pending = (0, 0)
      }
    }
    if pending.expected > 0, let last = cells.last {
      cells[cells.count - 1] = (last.observed + pending.observed, last.expected + pending.expected)
    }
    let statistic = cells.reduce(0) { $0 + gsl_pow_2($1.observed - $1.expected) / $1.expected }
    let degrees = cells.count - 1 - fittedParameters
    return (statistic, degrees, degrees > 0 ? gsl_cdf_chisq_Q(statistic, Double(degrees)) : 1)
  }

  /// P(|Z| > |z|) for a standard normal.
  package static func twoSidedNormalTail(_ z: Double) -> Double { 2 * gsl_cdf_ugaussian_Q(abs(z)) }
}
