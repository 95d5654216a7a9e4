import Foundation
import Sampling

/// Where something changes permanently: the segmentation of least cost, with a penalty for each change.
///
/// Source: Killick, Fearnhead and Eckley (2012), JASA 107 (PELT: exact, pruned dynamic programming).
enum ChangePoints {
  /// Changes of a rate.
  ///
  /// - Parameters:
  ///   - counts: of consecutive bins.
  ///   - exposures: what each bin's expected count is proportional to.
  ///   - dispersions: variance of each bin's count over its mean, at least 1: of a quasi-Poisson likelihood.
  ///   - penalty: of each change, in units of twice the logarithm of the likelihood.
  /// - Returns: indices of the first bins of segments, without the very first.
  static func find(counts: [Double], exposures: [Double], dispersions: [Double], penalty: Double) -> [Int] {
    let n = counts.count
    guard n > 1 else { return [] }
    var sumCounts = [0.0]
    var sumExposures = [0.0]
    for index in 0..<n {
      sumCounts.append(sumCounts[index] + counts[index] / dispersions[index])
      sumExposures.append(sumExposures[index] + exposures[index] / dispersions[index])
    }
    return find(count: n, penalty: penalty) { from, to in
      let x = sumCounts[to] - sumCounts[from]
      let e = sumExposures[to] - sumExposures[from]
      return x > 0 && e > 0 ? -2 * (x * log(x / e) - x) : 0
    }
  }

  /// Changes of how much intervals of mean 1 vary: of the shape of a gamma distribution. How much more the shapes of
  /// neighbouring blocks differ than those of gamma intervals would is paid for likewise.
  ///
  /// - Parameters:
  ///   - blocks: consecutive.
  ///   - penalty: of each change, in units of twice the logarithm of the likelihood.
  /// - Returns: indices of the first blocks of segments, without the very first.
  static func find(_ blocks: [MaximumLikelihood.GammaSums], penalty: Double) -> [Int] {
    guard blocks.count > 1 else { return [] }
    var squares: [Double] = []
    for (a, b) in zip(blocks, blocks.dropFirst()) {
      let difference = log(a.shape) - log(b.shape)
      squares.append(difference * difference / (a.varianceOfLogShape + b.varianceOfLogShape))
    }
    squares.sort()
    let dispersion = squares.count >= 10 ? max(1, squares[squares.count / 2] / 0.4549) : 1
    var sums = [MaximumLikelihood.GammaSums()]
    for block in blocks { sums.append(sums[sums.count - 1] + block) }
    return find(count: blocks.count, penalty: penalty) { from, to in
      -2 / dispersion * (sums[to] - sums[from]).logLikelihood
    }
  }

  /// - Parameter cost: of a segment, its end excluded; splitting a segment never costs more.
  private static func find(count n: Int, penalty: Double, cost: (_ from: Int, _ to: Int) -> Double) -> [Int] {
    var best = [Double](repeating: 0, count: n + 1)
    best[0] = -penalty
    var previous = [Int](repeating: 0, count: n + 1)
    var candidates = [0]
    var costs: [Double] = []
    for end in 1...n {
      var least = Double.infinity
      costs.removeAll(keepingCapacity: true)
      for start in candidates {
        let total = best[start] + cost(start, end)
        costs.append(total)
        if total + penalty < least {
          least = total + penalty
          previous[end] = start
        }
      }
      best[end] = least
      var kept: [Int] = []
      for (start, total) in zip(candidates, costs) where total <= least { kept.append(start) }
      kept.append(end)
      candidates = kept
    }
    var changes: [Int] = []
    var end = previous[n]
    while end > 0 {
      changes.append(end)
      end = previous[end]
    }
    return changes.reversed()
  }

  /// How much more bins vary than Poisson counts do, judged by neighbours, so that changes of the rate do not count.
  /// The median of squared differences makes it robust; 0.4549 is the median of a χ² of one degree of freedom.
  ///
  /// - Parameter expected: what each bin's dispersion is taken for; by default 1.
  /// - Returns: what to multiply the expected dispersions by, at least 1.
  static func dispersion(counts: [Double], exposures: [Double], expected: [Double]? = nil) -> Double {
    var squares: [Double] = []
    for index in 1..<max(counts.count, 1) {
      let (a, b) = (exposures[index - 1], exposures[index])
      let both = counts[index - 1] + counts[index]
      guard both > 0, a > 0, b > 0 else { continue }
      let rate = both / (a + b)
      let difference = counts[index - 1] / a - counts[index] / b
      let (p, q) = (expected?[index - 1] ?? 1, expected?[index] ?? 1)
      squares.append(difference * difference / (rate * (p / a + q / b)))
    }
    guard squares.count >= 10 else { return 1 }
    squares.sort()
    return max(1, squares[squares.count / 2] / 0.4549)
  }
}
