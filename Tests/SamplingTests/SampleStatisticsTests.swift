import Foundation
import Sampling
import Testing

@Suite("Moments of samples")
struct SampleStatisticsTests {
  @Test("means and variances are those of a textbook, also far from zero")
  func moments() {
    let values = [2.0, 4, 4, 4, 5, 5, 7, 9]
    for shift in [0, 1e9] {
      let shifted = values.map { $0 + shift }
      #expect(shifted.mean == 5 + shift)
      #expect(abs(shifted.variance - 32.0 / 7) < 1e-6)
      #expect(abs(shifted.meanSquare(about: 5 + shift) - 4) < 1e-6)
    }
    #expect([3.0].mean == 3 && [3.0].variance.isNaN && [Double]().mean.isNaN)
  }

  /// Source: NIST, Statistical Reference Datasets, linear regression, "Norris".
  @Test("a line through points is NIST's, to the digits that it certifies")
  func line() throws {
    let y = [
      0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8, 339.3,
      448.9,
      10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6,
      228.9,
      668.4, 449.2, 0.2,
    ]
    let x = [
      0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9, 338.0,
      447.5,
      11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3,
      229.2,
      669.1, 448.9, 0.5,
    ]
    let line = try #require(LeastSquares.line(x: x, y: y))
    #expect(abs(line.intercept + 0.262323073774029) < 1e-10)
    #expect(abs(line.slope - 1.00211681802045) < 1e-12)
    #expect(abs(line.standardError - 0.429796848199937e-3) < 1e-12)
    #expect(LeastSquares.line(x: [1, 1, 1], y: [1, 2, 3]) == nil)
    #expect(LeastSquares.line(x: [1, 2], y: [1, 2]) == nil)
  }
}
