import CGSL
import Foundation
import Sampling
import Testing

@Suite("Draws in blocks")
struct BlockTests {
  static let arena = SamplingArena()

  static func stream(_ purpose: String) -> RandomStream {
    arena.stream(StreamName(seed: 3, account: "a", entity: "block", purpose: purpose))
  }

  /// In units of the last place of what it should be.
  static func error(_ found: Double, _ truth: Double) -> Double { abs(found - truth) / truth.ulp }

  @Test("the exponential function: within an ulp and a half of the library's, and right where it ends")
  func exponentialFunction() {
    var worst = 0.0
    for index in 0..<2_000_000 {
      let x = -700 + 1400 * (Double(index) + 0.37) / 2_000_000
      worst = max(worst, Self.error(wb_exp(x), exp(x)), Self.error(wb_exp(x / 1000), exp(x / 1000)))
    }
    // Ours is within 1 ulp of the truth, the library's within a little more than half of one.
    #expect(worst <= 1.5, "\(worst)")
    #expect(wb_exp(0) == 1 && wb_exp(-0.0) == 1)
    for x in [699.999, 700, 709.7, 710, -745, -746, .infinity, -.infinity, 1e300, -1e300] {
      #expect(wb_exp(x) == exp(x) || Self.error(wb_exp(x), exp(x)) <= 1, "\(x)")
    }
    #expect(wb_exp(.nan).isNaN)
  }

  @Test("exponentials are minus the logarithms of what uniforms leave of 1, to the last of them")
  func logarithm() {
    let edges = [0, 0x1p-53, 0x1p-30, 0.25, 0.5, 1 - 0x1p-53, 1 - 0x1p-52]
    // Multiples of 2⁻⁵³, as uniforms are: what they leave of 1 is exact.
    let uniforms =
      edges + (0..<1_000_000).map { ((Double($0) + 0.5) / 1_000_000 * 0x1p53).rounded() * 0x1p-53 }
    var values = uniforms
    wb_exponentials(&values, values.count, 1)
    #expect(values[0] == 0)
    var worst = 0.0
    for (value, uniform) in zip(values, uniforms) where uniform > 0 {
      worst = max(worst, Self.error(value, -log1p(-uniform)))
    }
    #expect(worst <= 2, "\(worst)")
  }

  @Test(
    "a block is what draws one by one would be, bit for bit, whatever its size and its quantities",
    arguments: [
      [.lognormal(mu: 6, sigma: 0.8), .lognormal(mu: 4, sigma: 0.6)],
      [.exponential(mean: 3), .constant(7), .exponential(mean: 11)], [.constant(1), .constant(2)],
      [.lognormal(mu: 2, sigma: 1), .gamma(shape: 2, scale: 3), .exponential(mean: 5)],
      [.constant(4), .lognormal(mu: -3, sigma: 2)], [.lognormal(mu: 690, sigma: 20)],
      [.weibull(shape: 2, scale: 1)],
    ] as [[Distribution.Family]])
  func sameness(_ families: [Distribution.Family]) throws {
    let samplers = try families.map { Sampler(try Distribution($0), in: Self.arena) }
    let together = BlockSampler(samplers, from: Self.stream("same"))
    let alone = Self.stream("same")
    for rows in [64, 1, 7, 64, 63, 2] {
      together.draw(rows)
      for row in 0..<rows {
        for (column, sampler) in samplers.enumerated() {
          let expected = sampler.draw(from: alone)
          #expect(together.column(column)[row].bitPattern == expected.bitPattern, "\(rows) \(row) \(column)")
        }
      }
    }
  }

  @Test("truncated quantities are drawn one by one, and are in a block what they are alone")
  func truncated() throws {
    let distribution = try Distribution(.lognormal(mu: 0, sigma: 1), lower: 0.5, upper: 2)
    let samplers = [
      Sampler(distribution, in: Self.arena),
      Sampler(try Distribution(.lognormal(mu: 0, sigma: 1)), in: Self.arena),
    ]
    let together = BlockSampler(samplers, from: Self.stream("truncated"))
    let alone = Self.stream("truncated")
    together.draw(64)
    for row in 0..<64 {
      for column in 0..<2 {
        #expect(together.column(column)[row] == samplers[column].draw(from: alone))
      }
    }
  }

  @Test("normals: as many beyond each border as there should be, far into the tail, on both sides")
  func normals() {
    let stream = Self.stream("normals")
    let count = 40_000_000
    let borders = [0.5, 1, 2, 3, 3.5, 3.654_152_885_361_008_8, 4, 4.5, 5]
    var beyond = [Int](repeating: 0, count: borders.count)
    var positive = 0
    var values = [Double](repeating: 0, count: 64)
    var (sum, squares) = (0.0, 0.0)
    for _ in 0..<count / 64 {
      stream.standardNormals(64, into: &values)
      for value in values {
        sum += value
        squares += value * value
        if value > 0 { positive += 1 }
        for (index, border) in borders.enumerated() where abs(value) > border { beyond[index] += 1 }
      }
    }
    let n = Double(count)
    // 5.5 standard errors: each by itself once in 10⁷.
    for (border, found) in zip(borders, beyond) {
      let expected = n * erfc(border / 2.0.squareRoot())
      #expect(
        abs(Double(found) - expected) < 5.5 * expected.squareRoot() + 1,
        "beyond \(border): \(found) of \(expected)")
    }
    #expect(abs(Double(positive) - n / 2) < 5.5 * n.squareRoot() / 2)
    #expect(abs(sum) < 5.5 * n.squareRoot())
    #expect(abs(squares - n) < 5.5 * (2 * n).squareRoot())
  }

  @Test("normals are normal between the borders, to the finest digits of their places")
  func normalDistribution() {
    let stream = Self.stream("normal distribution")
    let sample = (0..<400_000).map { _ in stream.standardNormal() }
    #expect(GoodnessOfFit.kolmogorovSmirnov(sample) { 0.5 * erfc(-$0 / 2.0.squareRoot()) }.pValue > 1e-7)
    // 24 bits would leave at most 2²⁴ places a layer: equal values among this many.
    #expect(Set(sample).count == sample.count)
  }
}
