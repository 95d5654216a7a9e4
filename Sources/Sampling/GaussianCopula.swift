import CGSL

/// Correlated pairs with given margins: two normal scores with correlation ρ, each turned into its
/// margin's value at the same quantile. ρ is the correlation of the normal scores, not of the values.
/// Source: Nelsen (2006), "An Introduction to Copulas", section 2.3 (Gaussian copula).
package struct GaussianCopula {
  private let correlation: Double
  private let complement: Double
  private let first: Margin
  private let second: Margin

  /// - Parameter correlation: in [−1, 1].
  package init(
    _ first: Distribution, _ second: Distribution, correlation: Double, in arena: SamplingArena
  ) {
    self.correlation = correlation
    complement = (1 - correlation * correlation).squareRoot()
    self.first = Margin(first, in: arena)
    self.second = Margin(second, in: arena)
  }

  package func draw(from stream: RandomStream) -> (Double, Double) {
    let x = stream.standardNormal()
    let y = correlation * x + complement * stream.standardNormal()
    return (first.value(atNormalScore: x), second.value(atNormalScore: y))
  }

  /// Q(Φ(z)): tabulated in steps of 1/64 and interpolated for a continuous margin (relative error below
  /// h²σ²⁄8 = 3·10⁻⁵ σ² for a lognormal), evaluated for one with atoms.
  private struct Margin {
    private static let stepsPerUnit = 64.0
    private static let limit = 8.0
    private let table: UnsafePointer<Double>?
    private let exact: UnsafeRawPointer?

    init(_ distribution: Distribution, in arena: SamplingArena) {
      if distribution.hasAtoms {
        table = nil
        exact = arena.quantileFunction(of: distribution)
      } else {
        let count = Int(2 * Self.limit * Self.stepsPerUnit) + 1
        let values = (0..<count).map { index in
          let score = Double(index) / Self.stepsPerUnit - Self.limit
          return distribution.quantile(gsl_cdf_ugaussian_P(score))
        }
        table = arena.table(values)
        exact = nil
      }
    }

    func value(atNormalScore score: Double) -> Double {
      guard let table else {
        let box = Unmanaged<QuantileFunction>.fromOpaque(exact.unsafelyUnwrapped)
        return box._withUnsafeGuaranteedRef { $0.distribution.quantile(gsl_cdf_ugaussian_P(score)) }
      }
      let inside = min(max(score, -Self.limit), Self.limit - 1e-9)
      let position = (inside + Self.limit) * Self.stepsPerUnit
      let index = Int(position)
      let share = position - Double(index)
      return table[index] + share * (table[index + 1] - table[index])
    }
  }
}
