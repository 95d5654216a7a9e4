import Foundation
import Sampling

/// A sample's own quantiles as a distribution, for token counts that no family describes.
package enum SampleQuantiles {
  /// A distance up to which a family describes a sample, relative to the mean: so much of the limit of a verdict (5 %)
  /// that what else separates the seen from the held-out part has room.
  private static let negligible = 0.01
  /// Of the distance of the sample's halves: halves lie √2 · √2 times as far from each other as the sample lies from what
  /// it was drawn from, and a family that was fitted to the sample lies nearer to it still.
  private static let shareOfHalves = 0.6
  /// Strata in which quantiles are compared.
  private static let strata = 4000
  /// Bins in the middle, which hold equal shares.
  private static let bins = 200.0

  /// The quantiles of a sample, if a fitted family does not describe it: lies further from it than its halves explain.
  /// - Parameter halves: every second value of the sample, and the others.
  static func instead(
    of fit: DistributionFit, _ sample: GroupedSample, halves: (GroupedSample, GroupedSample)
  )
    -> DistributionFit?
  {
    guard fit.name != "constant", sample.count >= 30, sample.mean > 0 else { return nil }
    let count = min(Int(sample.count), strata)
    let observed = means(sample, count)
    let fitted = (0..<count).map { index -> Double in
      let value = fit.distribution.quantile((Double(index) + 0.5) / Double(count))
      return max(sample.isWhole && count < 1000 ? value.rounded() : value, 0)
    }
    let distance = distance(fitted, observed) / sample.mean
    let size = min(count, Int(min(halves.0.count, halves.1.count)))
    guard size > 0 else { return nil }
    let apart = self.distance(means(halves.0, size), means(halves.1, size)) / sample.mean
    guard !(distance <= max(negligible, shareOfHalves * apart)) else { return nil }
    return self.fit(sample)
  }

  private static func distance(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(max(a.count, 1))
  }

  /// Means of so many equal shares of a sample, ascending.
  private static func means(_ sample: GroupedSample, _ count: Int) -> [Double] {
    let share = sample.count / Double(count)
    var means: [Double] = []
    var (sum, left) = (0.0, share)
    for cell in sample.cells {
      var rest = cell.count
      while rest >= left, means.count < count {
        sum += left * cell.mean
        rest -= left
        means.append(sum / share)
        (sum, left) = (0, share)
      }
      sum += rest * cell.mean
      left -= rest
    }
    // What rounding left over.
    while means.count < count { means.append(sample.largest) }
    return means
  }

  /// A histogram whose bins hold equal shares of the sample, smaller ones towards its ends; a frequent value has a bin of
  /// its own, and where the sample has nothing there is nothing.
  package static func fit(_ sample: GroupedSample) -> DistributionFit? {
    let half = sample.isWhole ? 0.5 : 0
    var edges: [Double] = []
    var weights: [Double] = []
    func close(_ low: Double, _ high: Double, _ weight: Double) {
      if let last = edges.last, last < low {
        edges.append(low)
        weights.append(0)
      } else if edges.isEmpty {
        edges.append(low)
      }
      edges.append(max(high, edges[edges.count - 1] + 1e-9))
      weights.append(weight)
    }
    var (passed, held, start) = (0.0, 0.0, 0.0)
    var end = 0.0
    for cell in sample.cells {
      let (low, high) = (max(cell.mean - half, 0), cell.mean + half)
      let most = max(1, min(sample.count / bins, min(passed, sample.count - passed) / 8))
      // A gap as wide as what is in the bin ends it.
      if held > 0, held + cell.count > most || low - end > max(end - start, 1, 0.1 * end) {
        close(start, end, held)
        held = 0
      }
      if held == 0 { start = low }
      held += cell.count
      passed += cell.count
      end = high
    }
    if held > 0 { close(start, end, held) }
    // A sample whose bins no scenario can hold has no quantiles to be drawn from; the families remain.
    guard let histogram = try? EmpiricalDistribution(edges: edges, weights: weights),
      let distribution = try? Distribution(.empirical(histogram))
    else { return nil }
    guard var fit = MaximumLikelihood.constant(0) else { return nil }
    fit.name = "the sample's quantiles, \(weights.count { $0 > 0 }) bins"
    fit.distribution = distribution
    fit.parameters = []
    fit.parameterCount = weights.count
    fit.logLikelihood = sample.logLikelihood(distribution)
    return fit
  }
}
