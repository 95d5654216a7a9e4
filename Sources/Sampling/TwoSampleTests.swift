import CGSL

/// Tests of two samples against each other.
package enum TwoSampleTests {
  /// Two-sample Kolmogorov–Smirnov: the largest distance of the empirical distribution functions, and the probability
  /// of one at least as large if both samples come from one continuous distribution. With ties it is conservative.
  ///
  /// Exact for n·m ≤ 10,000 by counting lattice paths (Hodges 1958, Ark. Mat. 3, section 2; the recursion of R's
  /// `psmirnov`); beyond, the limiting distribution with Stephens' (1970) correction at the effective size.
  /// - Parameters:
  ///   - inflation: by how much the samples' dependence in time shrinks their size, at least 1; see `dependence(_:)`.
  package static func kolmogorovSmirnov(
    _ a: [Double], _ b: [Double], inflation: Double = 1
  ) -> (statistic: Double, pValue: Double) {
    guard !a.isEmpty, !b.isEmpty else { return (0, 1) }
    let statistic = distance(a.sorted(), b.sorted())
    return (statistic, tail(statistic, a.count, b.count, inflation))
  }

  /// P(D ≥ d): exact for small samples of independent values, else in the limit.
  private static func tail(_ d: Double, _ n: Int, _ m: Int, _ inflation: Double) -> Double {
    if inflation <= 1, n * m <= 10_000 { return exactTail(d, n, m) }
    let size = Double(n) * Double(m) / Double(n + m) / max(inflation, 1)
    let root = size.squareRoot()
    return GoodnessOfFit.kolmogorovTail((root + 0.12 + 0.11 / root) * d)
  }

  /// Of sorted samples.
  static func distance(_ a: [Double], _ b: [Double]) -> Double {
    var (i, j, largest) = (0, 0, 0.0)
    while i < a.count, j < b.count {
      let value = min(a[i], b[j])
      while i < a.count, a[i] == value { i += 1 }
      while j < b.count, b[j] == value { j += 1 }
      largest = max(largest, abs(Double(i) / Double(a.count) - Double(j) / Double(b.count)))
    }
    return largest
  }

  /// P(D ≥ d) over all interleavings of n and m values without ties.
  private static func exactTail(_ d: Double, _ n: Int, _ m: Int) -> Double {
    let (nd, md) = (Double(n), Double(m))
    let limit = (0.5 + (d * nd * md - 1e-7).rounded(.down)) / (nd * md)
    var paths = (0...m).map { Double($0) / md > limit ? 0.0 : 1.0 }
    for i in 1...n {
      let weight = Double(i) / (Double(i) + md)
      paths[0] = Double(i) / nd > limit ? 0 : weight * paths[0]
      for j in 1...m {
        let isInside = abs(Double(i) / nd - Double(j) / md) <= limit
        paths[j] = isInside ? weight * paths[j] + paths[j - 1] : 0
      }
    }
    return min(max(1 - paths[m], 0), 1)
  }

  /// The least p-value that samples of these sizes can have under Kolmogorov–Smirnov: none of one between those of the
  /// other, 2 ⁄ C(n+m, n), or what the limiting distribution gives for it where the test uses that.
  package static func leastPValue(_ n: Int, _ m: Int, inflation: Double = 1) -> Double {
    guard n > 0, m > 0 else { return 1 }
    if inflation > 1 || n * m > 10_000 { return tail(1, n, m, inflation) }
    return 2
      * exp(gsl_sf_lngamma(Double(n + 1)) + gsl_sf_lngamma(Double(m + 1)) - gsl_sf_lngamma(Double(n + m + 1)))
  }

  /// Fisher's exact test of two shares, two-sided: the probability, with as many successes as there are in all, of a table
  /// that is no more probable than this one.
  ///
  /// Source: Fisher (1935), "The Logic of Inductive Inference", J. R. Stat. Soc. 98; two-sided as in R's `fisher.test`.
  /// - Parameters: `a`, `b`: successes, 0…of, out of that many trials.
  package static func fisherExact(_ a: (successes: Int, of: Int), _ b: (successes: Int, of: Int)) -> Double {
    let successes = a.successes + b.successes
    func probability(_ k: Int) -> Double {
      gsl_ran_hypergeometric_pdf(
        UInt32(k), UInt32(successes), UInt32(a.of + b.of - successes), UInt32(a.of))
    }
    let observed = probability(a.successes) * (1 + 1e-7)
    let possible = max(0, successes - b.of)...min(a.of, successes)
    return min(1, possible.map(probability).filter { $0 <= observed }.reduce(0, +))
  }

  /// By how much the means of two samples like these must differ for Welch's test to find it with a probability.
  /// - Parameters:
  ///   - level: p-values up to this are significant.
  ///   - inflation: see `dependence(_:)`.
  /// - Returns: `nil` for fewer than two values on a side.
  package static func detectableByMeans(
    _ a: [Double], _ b: [Double], level: Double, power: Double, inflation: Double = 1
  ) -> Double? {
    guard let means = meanDifference(a, b) else { return nil }
    let degrees = means.degreesOfFreedom
    return (gsl_cdf_tdist_Qinv(level / 2, degrees) + gsl_cdf_tdist_Pinv(power, degrees))
      * means.standardError * inflation.squareRoot()
  }

  /// The same of Kolmogorov and Smirnov's test, for a shift of a normal distribution: the largest distance of the two is
  /// 2 Φ(δ ⁄ 2σ) − 1. A guide, since neither is known to be normal.
  package static func detectableByDistribution(
    _ a: [Double], _ b: [Double], level: Double, power: Double, inflation: Double = 1
  ) -> Double? {
    guard a.count > 1, b.count > 1 else { return nil }
    let (n, m) = (a.count, b.count)
    // The least distance that is significant, by bisection.
    var (low, high) = (0.0, 1.0)
    for _ in 0..<16 {
      let middle = (low + high) / 2
      if tail(middle, n, m, inflation) > level { low = middle } else { high = middle }
    }
    let deviation = ((a.variance * Double(n - 1) + b.variance * Double(m - 1)) / Double(n + m - 2))
      .squareRoot()
    // Samples wholly apart are as far apart as samples can be.
    let place = min((1 + high) / 2, 1 - 0.5 / Double(n + m))
    let chance = (inflation * (1 / Double(n) + 1 / Double(m))).squareRoot()
    return deviation * (2 * gsl_cdf_ugaussian_Pinv(place) + gsl_cdf_ugaussian_Pinv(power) * chance)
  }

  /// By how much dependence in time inflates the variance of a sample's empirical distribution: the integrated
  /// autocorrelation time of its ranks, from the variance of the means of √n batches; 1 for independent values.
  /// Source: Law (2015), *Simulation Modeling and Analysis*, 5th ed., section 9.5.3, on normal scores of the ranks.
  package static func dependence(_ values: [Double]) -> Double {
    let batches = Int(Double(values.count).squareRoot())
    guard batches >= 4 else { return 1 }
    let size = values.count / batches
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var ranks = [Double](repeating: 0, count: values.count)
    // Equal values share the mean of their ranks.
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = Double(start + end - 1) / 2 }
      start = end
    }
    let used = Array(ranks.prefix(batches * size))
    guard used.variance > 0 else { return 1 }
    let means = (0..<batches).map { Array(used[($0 * size)..<(($0 + 1) * size)]).mean }
    return max(1, Double(size) * means.variance / used.variance)
  }

  /// What two samples say of the difference of their means.
  package struct MeanDifference: Sendable {
    /// Of b over a.
    package var difference: Double
    package var standardError: Double
    package var degreesOfFreedom: Double

    /// P-value of the hypothesis that the means differ by no more than a margin.
    package func pValueOfDifference(beyond margin: Double) -> Double {
      guard standardError > 0 else { return abs(difference) > margin ? 0 : 1 }
      let d = abs(difference)
      return min(
        1,
        gsl_cdf_tdist_Q((d - margin) / standardError, degreesOfFreedom)
          + gsl_cdf_tdist_Q((d + margin) / standardError, degreesOfFreedom))
    }

    /// P-value of the hypothesis that they differ by the margin or more: small where they are shown to be equivalent.
    /// Source: Schuirmann (1987), two one-sided tests.
    package func pValueOfEquivalence(within margin: Double) -> Double {
      guard standardError > 0 else { return abs(difference) < margin ? 0 : 1 }
      return gsl_cdf_tdist_Q((margin - abs(difference)) / standardError, degreesOfFreedom)
    }

    /// Half the width of the confidence interval of the difference.
    package func halfWidth(confidence: Double) -> Double {
      standardError > 0 ? gsl_cdf_tdist_Qinv((1 - confidence) / 2, degreesOfFreedom) * standardError : 0
    }
  }

  /// Means of independent samples, variances not assumed equal. Source: Welch (1947), Biometrika 34.
  /// - Returns: `nil` for fewer than two values on a side.
  package static func meanDifference(_ a: [Double], _ b: [Double]) -> MeanDifference? {
    guard a.count > 1, b.count > 1 else { return nil }
    func moments(_ x: [Double]) -> (mean: Double, share: Double) { (x.mean, x.variance / Double(x.count)) }
    let (first, second) = (moments(a), moments(b))
    let square = first.share + second.share
    let degrees =
      square * square
      / (first.share * first.share / Double(a.count - 1) + second.share * second.share / Double(b.count - 1))
    return MeanDifference(
      difference: second.mean - first.mean, standardError: square.squareRoot(),
      degreesOfFreedom: square > 0 ? degrees : 1)
  }

  /// Means of paired samples, of which the n-th values belong together: replications on common random numbers. Only
  /// their differences vary, so that far smaller ones are found. Source: Law (2015), *Simulation Modeling and Analysis*,
  /// 5th ed., section 10.2.1.
  ///
  /// Differences of whole numbers (counts) are taken to vary by at least one: pairs that happen to differ by one each are
  /// no proof.
  /// - Returns: `nil` for fewer than two pairs, or samples of different sizes.
  package static func pairedDifference(_ a: [Double], _ b: [Double]) -> MeanDifference? {
    guard a.count == b.count, a.count > 1 else { return nil }
    let differences = zip(a, b).map { $1 - $0 }
    let n = Double(differences.count)
    let mean = differences.reduce(0, +) / n
    var variance = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let areWhole = (a + b).allSatisfy { $0 == $0.rounded() }
    if areWhole, differences.contains(where: { $0 != 0 }) { variance = max(variance, 1) }
    return MeanDifference(
      difference: mean, standardError: (variance / n).squareRoot(), degreesOfFreedom: n - 1)
  }

  /// The least p-value that the order within pairs alone can give: all of them differ in one direction, 2 ⁄ 2ⁿ.
  package static func leastPValue(pairs: Int) -> Double { min(1, 2 * exp2(-Double(pairs))) }

  /// By how much the means of pairs like these must differ for the paired t-test to find it with a probability.
  /// - Parameter level: p-values up to this are significant.
  /// - Returns: `nil` for fewer than two pairs.
  package static func detectableByPairs(_ a: [Double], _ b: [Double], level: Double, power: Double) -> Double?
  {
    guard let means = pairedDifference(a, b) else { return nil }
    let degrees = means.degreesOfFreedom
    return (gsl_cdf_tdist_Qinv(level / 2, degrees) + gsl_cdf_tdist_Pinv(power, degrees)) * means.standardError
  }

  /// Which of several p-values are significant when all together may err with a probability: Holm (1979).
  package static func significant(_ pValues: [Double], familywise level: Double) -> [Bool] {
    var found = [Bool](repeating: false, count: pValues.count)
    for (rank, index) in pValues.indices.sorted(by: { pValues[$0] < pValues[$1] }).enumerated() {
      guard pValues[index] <= level / Double(pValues.count - rank) else { break }
      found[index] = true
    }
    return found
  }
}
