import Foundation
import Planning
import Sampling
import ScenarioModel
import TestSupport
import Testing

@Suite("Planning: how much of an interval is demand, and how much chance")
struct DemandVarianceTests {
  /// Values of known shares: the figure is 10 + 2 x + noise, by the logarithms x of the demand of the models.
  private static func shares(_ trials: Int, count: Int, models: Int, slope: Double, noise: Double) -> [Double]
  {
    let arena = SamplingArena()
    let stream = arena.stream(StreamName(seed: 3, account: "a", entity: "b", purpose: "c"))
    return withExtendedLifetime(arena) {
      (0..<trials).compactMap { _ in
        let draws = (0..<count).map { _ in (0..<models).map { _ in 0.3 * stream.standardNormal() } }
        let values = draws.map { 10 + slope * $0.reduce(0, +) + noise * stream.standardNormal() }
        return DemandVariance(draws: draws, weights: Array(repeating: 1, count: models)).share(of: values)
      }
    }
  }

  @Test(
    "a share that is known is found, up to the bias of a ratio, with 10 and with 20 replications",
    arguments: [10, 20])
  func known(_ count: Int) {
    // Var of 2 x is 0.36; of the noise 0.09: 80 % is demand. Chance ÷ total is a ratio of two estimates that are free
    // of bias; the ratio's own is some −0.04 at ten and −0.02 at twenty.
    let shares = Self.shares(2000, count: count, models: 1, slope: 2, noise: 0.3)
    let error = (shares.variance / Double(shares.count)).squareRoot()
    #expect(abs(shares.mean - 0.8) < (count == 10 ? 0.05 : 0.03) + 5.3 * error, "\(shares.mean) ± \(error)")
  }

  @Test("of several models, each has its part")
  func models() {
    // Four models of 0.36 each, and noise of 0.36: 80 %.
    let shares = Self.shares(1000, count: 20, models: 4, slope: 2, noise: 0.6)
    let error = (shares.variance / Double(shares.count)).squareRoot()
    #expect(abs(shares.mean - 0.8) < 0.03 + 5.3 * error, "\(shares.mean) ± \(error)")
  }

  @Test("chance alone is no demand, and demand alone no chance")
  func extremes() {
    #expect(Self.shares(500, count: 20, models: 1, slope: 0, noise: 1).mean < 0.15)
    #expect(Self.shares(20, count: 20, models: 1, slope: 1, noise: 0).allSatisfy { $0 > 1 - 1e-9 })
  }

  @Test("fewer than ten values, and values that do not vary, say nothing")
  func few() {
    let draws = (0..<20).map { [Double($0)] }
    let variance = DemandVariance(draws: draws, weights: [1])
    #expect(variance.share(of: (0..<20).map { $0 < 9 ? Double($0) : nil }) == nil)
    #expect(variance.share(of: Array(repeating: 3, count: 20)) == nil)
    #expect(variance.share(of: (0..<20).map { Double($0 * $0) }) != nil)
  }

  @Test("the requests of a replication: the share is that of theory")
  func requests() throws {
    // Poisson of mean 20 L, cv of L 0.2: Var = 400 · 0.04 + 20 = 36, of which demand causes 16.
    let yaml = """
      workbench: 1
      name: u
      period: { from: 2026-01-05, to: "2026-01-05T01:00" }
      account: { name: acme, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: external
          provider: P
          load:
            arrivals: { poisson: { rate: 20/h } }
            tokens: { input: 1, output: 1 }
            uncertainty: { level: { cv: 0.2 } }
          service: { time: 1s }
      """
    let variant = Variant(
      name: "u", overrides: [], scenario: try ScenarioDocument(Data(yaml.utf8), path: "u.yaml").scenario)
    let count = 2000
    let records = try (0..<count).map { try variant.replicate($0, warmUp: 0) }
    let demand = try #require(DemandVariance(variant.scenario, count: count))
    let metric = try #require(Metric("requests"))
    let estimate = try #require(
      Estimator.estimate(metric, records, confidence: 0.95, demand: demand))
    // The share's standard error is near √(4 ρ (1 − ρ)² ÷ n) = 0.0165, where ρ is the share.
    let share = try #require(estimate.demandShare)
    #expect(abs(share - 16.0 / 36) < 5.3 * 0.0165, "\(share)")
    // About 95 % of the replications lie in the range of one to come.
    let next = try #require(estimate.nextPeriod)
    let inside = records.count { (next.lower...next.upper).contains(metric.value($0) ?? -1) }
    #expect(abs(Double(inside) / Double(count) - 0.95) < 0.03)
    // Without uncertain demand, there is neither.
    #expect(DemandVariance(try KnownSystem.variant("k", rate: 1, service: "1s").scenario, count: 9) == nil)
  }

  @Test("a period to come lies in its range as often as is said, from 20 replications")
  func prediction() throws {
    // Lognormal figures: the interval is exact. Of 4,000, the binomial standard error is 0.34 %.
    let arena = SamplingArena()
    let stream = arena.stream(StreamName(seed: 4, account: "a", entity: "b", purpose: "c"))
    let metric = try #require(Metric("latency.p95"))
    let inside = withExtendedLifetime(arena) {
      (0..<4000).count { _ in
        let values = (0..<21).map { _ in exp(0.5 * stream.standardNormal()) }
        let range = Estimator.prediction(metric, Array(values.dropLast()), confidence: 0.95)
        return range.map { ($0.lower...$0.upper).contains(values[20]) } ?? false
      }
    }
    #expect(abs(Double(inside) / 4000 - 0.95) < 5.3 * 0.0034, "\(inside)")
  }
}
