import Foundation
import Runs
import ScenarioModel

/// One scenario with several seeds: what `run` gives with each, and the interval of every figure over them.
package struct SeedReplications: Sendable {
  /// A figure over all seeds.
  package struct Row: Codable, Sendable {
    package var metric: String
    package var unit: String
    package var estimate: Estimate
    /// Of the replications.
    package var smallest: Double
    package var largest: Double

    package var isOfUnit: Metric.Unit { Metric.Unit(rawValue: unit) ?? .count }
  }

  package let scenario: Scenario
  package let seeds: [UInt64]
  package let confidence: Double
  /// Whether nothing is drawn at random, so that every seed gives the same.
  package let isDeterministic: Bool
  package let rows: [Row]
  package let requests: Int64

  /// Simulates the scenario with each seed: the scenario's own and those that follow it.
  /// - Parameters:
  ///   - count: of seeds, at least 2.
  ///   - threads: at most this many are used, each for one seed at a time.
  ///   - progress: of the seeds; called from any thread, with the share in [0, 1].
  /// - Throws: what simulations throw.
  package init(
    _ bundle: ScenarioBundle, count: Int, confidence: Double = 0.95, threads: Int,
    progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws {
    scenario = bundle.scenario
    self.confidence = confidence
    let first = scenario.seed
    seeds = (0..<count).map { first &+ UInt64($0) }
    let variants = seeds.map { seed in
      var variant = Variant(name: "seed \(seed)", overrides: ["seed=\(seed)"], bundle)
      variant.scenario.seed = seed
      return variant
    }
    isDeterministic = Study.isDeterministic(variants)
    let experiment = Experiment(variants, warmUp: scenario.warmUpMicroseconds, threads: threads)
    try experiment.run(Dictionary(uniqueKeysWithValues: variants.indices.map { ($0, 1) })) {
      progress(Double($0) / Double($1))
    }
    let records = variants.indices.flatMap { experiment.records($0) }
    requests = records.reduce(0) { $0 + $1.requests }
    let demand = DemandVariance(variants.map(\.scenario))
    rows = Self.metrics(variants[0]).compactMap { metric in
      guard
        let estimate = Estimator.estimate(metric, records, confidence: confidence, demand: demand)
      else { return nil }
      let values = records.compactMap { metric.value($0) }
      return Row(
        metric: metric.name, unit: metric.unit.rawValue, estimate: estimate,
        smallest: values.min() ?? estimate.value, largest: values.max() ?? estimate.value)
    }
  }

  /// Those of all models together, then, if there are several models, those that each model has.
  private static func metrics(_ variant: Variant) -> [Metric] {
    let models = Study.models([variant])
    guard models.count > 1 else { return Metric.all }
    let own = ["latency.mean", "latency.p95", "failureRate", "requests"].compactMap { Metric($0) }
    return Metric.all + models.flatMap { model in own.map { $0.scoped(.model(model)) } }
  }
}
