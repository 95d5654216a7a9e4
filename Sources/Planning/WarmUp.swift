import Sampling

/// Means of batches of a series that may be long: batches of five, joined in pairs whenever there are too many.
struct BatchMeans: Sendable {
  private(set) var means: [Double] = []
  private(set) var size = 5
  private var sum = 0.0
  private var count = 0
  private static let most = 1 << 13

  mutating func add(_ value: Double) {
    sum += value
    count += 1
    guard count == size else { return }
    means.append(sum / Double(size))
    sum = 0
    count = 0
    if means.count == Self.most {
      means = stride(from: 0, to: means.count, by: 2).map { (means[$0] + means[$0 + 1]) / 2 }
      size *= 2
    }
  }
}

/// Where the start of a simulation still shows.
package enum MSER5 {
  /// How much of a series to leave out, as a share of it: the truncation with the least standard error of the mean of
  /// what remains. `nil` if that lies in the second half, which says that the series is too short or not stationary.
  /// Source: White, Cobb, Spratt (2000), "A comparison of five steady-state truncation heuristics for simulation", WSC
  /// (MSER-5: batches of five; longer ones here where the series is longer than 40,000).
  package static func truncation(_ batchMeans: [Double]) -> Double? {
    let n = batchMeans.count
    guard n >= 10 else { return nil }
    // From the end: sums of what remains after each truncation.
    var sum = 0.0
    var squares = 0.0
    var best = (value: Double.infinity, index: n)
    // Centred, so that squares do not cancel.
    let centre = batchMeans.mean
    for index in stride(from: n - 1, through: 0, by: -1) {
      let value = batchMeans[index] - centre
      sum += value
      squares += value * value
      let left = Double(n - index)
      // The last few are too few to judge by.
      guard n - index >= 5 else { continue }
      let error = (squares - sum * sum / left) / (left * left)
      if error <= best.value { best = (error, index) }
    }
    return best.index > n / 2 ? nil : Double(best.index) / Double(n)
  }
}
