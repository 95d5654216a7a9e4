/// A mean of autocorrelated observations with its standard error, by the method of batch means.
/// Source: Law (2015), "Simulation Modeling and Analysis", section 9.5.3.
package struct BatchMeans {
  package let mean: Double
  package let standardError: Double

  /// - Parameter values: in order of time; the first tenth is taken as warm-up and left out.
  package init(_ values: [Double], batches: Int = 50) {
    let kept = values.dropFirst(values.count / 10)
    let size = kept.count / batches
    let means = (0..<batches).map { batch -> Double in
      let start = kept.startIndex + batch * size
      return kept[start..<start + size].reduce(0, +) / Double(size)
    }
    let centre = means.reduce(0, +) / Double(batches)
    let variance = means.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / Double(batches - 1)
    mean = centre
    standardError = (variance / Double(batches)).squareRoot()
  }

  /// Whether a theoretical mean lies within 6 standard errors: with 49 degrees of freedom a deviation beyond that has
  /// a probability of 2·10⁻⁷ where the theory holds.
  package func agrees(with theory: Double) -> Bool { abs(mean - theory) <= 6 * standardError }

  /// Standard error ÷ mean: what a test can tell apart. A test must also bound this.
  package var relativeError: Double { standardError / abs(mean) }
}
