import CGSL
import Foundation

/// How far two samples lie apart, both sorted, neither empty.
package enum SampleDistance {
  /// The area between the two empirical distribution functions: what moving one sample onto the other costs. In the
  /// samples' unit. Source: Vallender (1974), Theory of Probability and its Applications 18.
  package static func wasserstein(_ a: [Double], _ b: [Double]) -> Double {
    var (i, j, done, sum) = (0, 0, 0.0, 0.0)
    let (n, m) = (Double(a.count), Double(b.count))
    while i < a.count, j < b.count {
      let next = min(Double(i + 1) / n, Double(j + 1) / m)
      sum += (next - done) * abs(a[i] - b[j])
      done = next
      if Double(i + 1) / n <= next { i += 1 }
      if Double(j + 1) / m <= next { j += 1 }
    }
    return sum
  }

  /// The two-sample Anderson–Darling statistic and the probability of one at least as large if both samples come from
  /// one distribution. Source: Pettitt (1976), Biometrika 63; ties as in Scholz and Stephens (1987), JASA 82, equation
  /// (6); the limiting distribution by Marsaglia and Marsaglia (2004), J. Statistical Software 9:2.
  package static func andersonDarling(_ a: [Double], _ b: [Double]) -> (statistic: Double, pValue: Double) {
    let (n, m) = (Double(a.count), Double(b.count))
    let total = n + m
    var (i, j, sum) = (0, 0, 0.0)
    while i < a.count || j < b.count {
      let value = min(i < a.count ? a[i] : .infinity, j < b.count ? b[j] : .infinity)
      let before = i + j
      while i < a.count, a[i] == value { i += 1 }
      while j < b.count, b[j] == value { j += 1 }
      let below = Double(i + j)
      guard below < total else { break }
      let difference = total * Double(i) - n * below
      sum += Double(i + j - before) * difference * difference / (below * (total - below))
    }
    let statistic = sum / (n * m)
    return (statistic, andersonDarlingTail(statistic))
  }

  /// P(A² > z) in the limit of large samples.
  package static func andersonDarlingTail(_ z: Double) -> Double {
    guard z > 0 else { return 1 }
    if z < 2 {
      let series =
        2.00012 + (0.247105 - (0.0649821 - (0.0347962 - (0.011672 - 0.00168691 * z) * z) * z) * z) * z
      return 1 - exp(-1.2337141 / z) / z.squareRoot() * series
    }
    let inner =
      1.0776 - (2.30695 - (0.43424 - (0.082433 - (0.008056 - 0.0003146 * z) * z) * z) * z) * z
    return z > 30 ? 0 : -expm1(-exp(inner))
  }

  /// The largest distance of the two empirical distribution functions, and its probability (see `TwoSampleTests`).
  package static func kolmogorovSmirnov(_ a: [Double], _ b: [Double]) -> (statistic: Double, pValue: Double) {
    let largest = TwoSampleTests.distance(a, b)
    let size = (Double(a.count) * Double(b.count) / Double(a.count + b.count)).squareRoot()
    return (largest, GoodnessOfFit.kolmogorovTail((size + 0.12 + 0.11 / size) * largest))
  }

  /// Correlation of the normal scores of paired values: the parameter of their Gaussian copula.
  /// Source: Hájek and Šidák (1967), "Theory of Rank Tests" (van der Waerden scores).
  package static func normalScoreCorrelation(_ a: [Double], _ b: [Double]) -> Double {
    let (x, y) = (normalScores(a), normalScores(b))
    let n = Double(x.count)
    let (mx, my) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for (u, v) in zip(x, y) {
      xx += (u - mx) * (u - mx)
      yy += (v - my) * (v - my)
      xy += (u - mx) * (v - my)
    }
    return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : 0
  }

  private static func normalScores(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var scores = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      let rank = Double(start + end + 1) / 2
      let score = gsl_cdf_ugaussian_Pinv(rank / Double(values.count + 1))
      for place in start..<end { scores[order[place]] = score }
      start = end
    }
    return scores
  }
}
