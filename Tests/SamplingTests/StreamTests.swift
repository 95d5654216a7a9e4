import Foundation
import Sampling
import Testing

@Suite("Named random streams")
struct StreamTests {
  static let arena = SamplingArena()

  static func stream(
    _ seed: UInt64 = 1, replication: Int = 0, _ account: String = "a", _ entity: String = "e",
    _ purpose: String = "p"
  )
    -> RandomStream
  {
    arena.stream(
      StreamName(seed: seed, replication: replication, account: account, entity: entity, purpose: purpose))
  }

  @Test("the generator is xoshiro256++: the first outputs of the reference implementation")
  func reference() {
    // State 1, 2, 3, 4: result = rotl(s0 + s3, 23) + s0 = (5 << 23) + 1, then by hand from the published code.
    let expected: [UInt64] = [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]
    let state: (UInt64, UInt64, UInt64, UInt64) = (1, 2, 3, 4)
    let stream = Self.arena.stream(state: state)
    #expect((0..<4).map { _ in stream.bits() } == expected)
  }

  @Test("the same name gives the same numbers; every part of the name matters")
  func names() {
    let first = Self.stream().bits()
    #expect(Self.stream().bits() == first)
    let others = [
      Self.stream(2), Self.stream(replication: 1), Self.stream(1, "b"), Self.stream(1, "a", "f"),
      Self.stream(1, "a", "e", "q"),
      // Parts do not run together.
      Self.stream(1, "ae", "", "p"), Self.stream(1, "a", "ep", ""),
    ].map { $0.bits() }
    #expect(Set(others + [first]).count == others.count + 1)
  }

  @Test("uniform numbers are uniform, in their high and low digits")
  func uniform() {
    let stream = Self.stream(9)
    let sample = (0..<200_000).map { _ in stream.uniform() }
    #expect(sample.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(GoodnessOfFit.kolmogorovSmirnov(sample) { $0 }.pValue > 1e-7)
    let low = sample.map { ($0 * 0x1p40).truncatingRemainder(dividingBy: 1) }
    #expect(GoodnessOfFit.kolmogorovSmirnov(low) { $0 }.pValue > 1e-7)
  }

  @Test("streams of neighbouring names are independent: pairs fill the square evenly, and do not correlate")
  func independence() {
    // 20 pairs of streams that differ in one part only; family-wise 10⁻⁶.
    for pair in 0..<20 {
      let a = Self.stream(UInt64(pair), "account", "model", "arrivals")
      let b =
        pair.isMultiple(of: 2)
        ? Self.stream(UInt64(pair), "account", "model", "tokens")
        : Self.stream(UInt64(pair) + 1, "account", "model", "arrivals")
      var cells = [Int](repeating: 0, count: 256)
      var product = 0.0
      let n = 100_000
      for _ in 0..<n {
        let (x, y) = (a.uniform(), b.uniform())
        cells[Int(x * 16) * 16 + Int(y * 16)] += 1
        product += (x - 0.5) * (y - 0.5)
      }
      let fit = GoodnessOfFit.chiSquared(
        observed: cells, expected: Array(repeating: Double(n) / 256, count: 256))
      #expect(fit.pValue > 2.5e-8, "pair \(pair)")
      // Var of (U−½)(V−½) is 1⁄144.
      #expect(abs(product / Double(n)) < 5.6 / 12 / Double(n).squareRoot(), "pair \(pair)")
    }
  }

  @Test("numbers of one stream do not correlate with those before")
  func serialCorrelation() {
    let stream = Self.stream(33)
    let sample = (0..<200_000).map { _ in stream.standardNormal() }
    let n = Double(sample.count)
    for lag in [1, 2, 3, 7, 100] {
      let product = zip(sample, sample.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(abs(product / n) < 5.6 / n.squareRoot(), "lag \(lag)")
    }
  }

  @Test("an error of GSL never ends the process")
  func errors() throws {
    // Far out, where GSL's own inverses call the error handler.
    let gamma = try Distribution(.gamma(shape: 1e-3, scale: 1))
    #expect(gamma.quantile(1e-300) >= 0)
    #expect(gamma.quantile(1) == .infinity)
    let beta = try Distribution(.beta(alpha: 1e-3, beta: 1e6, low: 0, high: 1))
    #expect((0...1).contains(beta.quantile(0.5)))
    #expect(try Distribution(.weibull(shape: 0.05, scale: 1)).mean.isFinite)
    #expect(try Distribution(.lognormal(mu: 700, sigma: 20)).variance == .infinity)
  }
}

@Suite("The Gaussian copula")
struct CopulaTests {
  @Test(
    "keeps the margins and has the correlation of the normal scores", arguments: [-0.9, -0.3, 0.35, 0.99])
  func margins(correlation: Double) throws {
    let arena = SamplingArena()
    let first = try Distribution(.lognormal(mu: 6, sigma: 0.9), lower: 1, upper: 8192)
    let second = try Distribution(.gamma(shape: 0.83, scale: 217), lower: 1, upper: 2048)
    let copula = GaussianCopula(first, second, correlation: correlation, in: arena)
    let stream = arena.stream(
      StreamName(seed: 5, account: "a", entity: "e", purpose: "copula \(correlation)"))
    let pairs = (0..<100_000).map { _ in copula.draw(from: stream) }
    #expect(GoodnessOfFit.kolmogorovSmirnov(pairs.map(\.0), cdf: first.cdf).pValue > 1e-7)
    #expect(GoodnessOfFit.kolmogorovSmirnov(pairs.map(\.1), cdf: second.cdf).pValue > 1e-7)
    let normal = try Distribution(.normal(mean: 0, sd: 1))
    let scores = pairs.map { (normal.quantile(first.cdf($0.0)), normal.quantile(second.cdf($0.1))) }
    let n = Double(scores.count)
    let measured = scores.reduce(0) { $0 + $1.0 * $1.1 } / n
    // Var(XY) of a standard bivariate normal is 1 + ρ².
    #expect(abs(measured - correlation) < 5.6 * ((1 + correlation * correlation) / n).squareRoot())
  }

  @Test("margins with atoms come out exactly")
  func atoms() throws {
    let arena = SamplingArena()
    let dice = try Distribution(.empirical(EmpiricalDistribution(values: [1, 2, 3, 4, 5, 6])))
    let copula = GaussianCopula(dice, try Distribution(.poisson(mean: 2)), correlation: 0.5, in: arena)
    let stream = arena.stream(StreamName(seed: 6, account: "a", entity: "e", purpose: "dice"))
    var observed = [Int](repeating: 0, count: 6)
    for _ in 0..<60_000 { observed[Int(copula.draw(from: stream).0) - 1] += 1 }
    #expect(
      GoodnessOfFit.chiSquared(observed: observed, expected: Array(repeating: 10_000, count: 6)).pValue > 1e-7
    )
  }
}
