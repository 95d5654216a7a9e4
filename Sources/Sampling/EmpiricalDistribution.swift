/// Weighted values (a sample, or counts of tokens), or a histogram: weights of adjacent bins inside
/// which values are spread evenly.
package struct EmpiricalDistribution: Sendable, Equatable {
  /// Ascending: the values, or the bins' edges (one more than there are weights).
  let points: [Double]
  /// Probabilities of the values or bins; they add up to 1.
  let probabilities: [Double]
  /// `cumulative[i]` = P(value index ≤ i).
  let cumulative: [Double]
  let isHistogram: Bool

  /// - Throws: `DistributionError` if there are no values, or weights are negative or all zero.
  package init(values: [Double], weights: [Double]? = nil) throws(DistributionError) {
    let weights = weights ?? Array(repeating: 1, count: values.count)
    guard values.count == weights.count else {
      throw DistributionError("\(values.count) values do not go with \(weights.count) weights")
    }
    guard values.allSatisfy(\.isFinite) else { throw DistributionError("a value is not finite") }
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var points: [Double] = []
    var merged: [Double] = []
    for index in order {
      if points.last == values[index] {
        merged[merged.count - 1] += weights[index]
      } else {
        points.append(values[index])
        merged.append(weights[index])
      }
    }
    try self.init(points: points, weights: merged, isHistogram: false)
  }

  /// A histogram with `edges` ascending and one weight for each bin between them.
  package init(edges: [Double], weights: [Double]) throws(DistributionError) {
    guard edges.count == weights.count + 1 else {
      throw DistributionError("\(weights.count) bins need \(weights.count + 1) edges, not \(edges.count)")
    }
    guard edges.allSatisfy(\.isFinite), zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw DistributionError("the edges must ascend")
    }
    try self.init(points: edges, weights: weights, isHistogram: true)
  }

  private init(points: [Double], weights: [Double], isHistogram: Bool) throws(DistributionError) {
    guard !weights.isEmpty else { throw DistributionError("there are no values") }
    guard weights.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw DistributionError("a weight is negative or not finite")
    }
    let sum = weights.reduce(0, +)
    guard sum > 0, sum.isFinite else { throw DistributionError("the weights must not all be 0") }
    self.points = points
    self.isHistogram = isHistogram
    probabilities = weights.map { $0 / sum }
    var running = 0.0
    cumulative = probabilities.map {
      running += $0
      return running
    }
  }

  /// The values, or a histogram's edges.
  package var values: [Double] { points }
  /// Probabilities of the values or bins.
  package var weights: [Double] { probabilities }
  package var hasBins: Bool { isHistogram }

  var smallest: Double { points[0] }

  var mean: Double { moment(1) }

  var variance: Double { moment(2) - mean * mean }

  /// E[X^order] for order 1 or 2.
  private func moment(_ order: Int) -> Double {
    var sum = 0.0
    for (index, probability) in probabilities.enumerated() {
      let a = points[index]
      if isHistogram {
        let b = points[index + 1]
        sum += probability * (order == 1 ? (a + b) / 2 : (a * a + a * b + b * b) / 3)
      } else {
        sum += probability * (order == 1 ? a : a * a)
      }
    }
    return sum
  }

  /// P(X ≤ x), or P(X < x) if `strictly`.
  func cdf(_ x: Double, strictly: Bool = false) -> Double {
    // The number of points at or below x.
    var low = 0
    var high = points.count
    while low < high {
      let middle = (low + high) / 2
      if strictly ? points[middle] < x : points[middle] <= x { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return 0 }
    guard isHistogram else { return low == points.count ? 1 : cumulative[low - 1] }
    guard low < points.count else { return 1 }
    let before = low >= 2 ? cumulative[low - 2] : 0
    return before + probabilities[low - 1] * (x - points[low - 1]) / (points[low] - points[low - 1])
  }

  /// The smallest x with P(X ≤ x) ≥ u.
  func quantile(_ u: Double) -> Double {
    var low = 0
    var high = cumulative.count - 1
    while low < high {
      let middle = (low + high) / 2
      if cumulative[middle] >= u { high = middle } else { low = middle + 1 }
    }
    guard isHistogram else { return points[low] }
    let before = low > 0 ? cumulative[low - 1] : 0
    let share = probabilities[low] > 0 ? min(max((u - before) / probabilities[low], 0), 1) : 0
    return points[low] + share * (points[low + 1] - points[low])
  }
}
