import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// How much of a figure's variance over replications is of the demand that they drew, and how much is chance.
///
/// By the law of total variance, Var *Y* = Var E[*Y* | *D*] + E Var[*Y* | *D*]. E[*Y* | *D*] is estimated by a least-squares
/// regression on the logarithms of the demand drawn (with its square where there is one), so that no replication is
/// simulated more than once and replications stay independent. The residual mean square, with its degrees of freedom, is
/// then an unbiased estimate of chance, and the sample variance less it of demand, for any number of replications, where
/// the figure follows the regression; what the regression does not follow counts as chance, so that the share is rather
/// too small. Source: Searle, Casella and McCulloch (1992), "Variance Components", section 1.1; Draper and Smith (1998),
/// "Applied Regression Analysis", section 5.1.
package struct DemandVariance: Sendable {
  /// Fewer replications say nothing.
  package static let least = 10

  /// By replication: of each model whose demand is uncertain, ln of what multiplies its rate in the middle of the period.
  private let draws: [[Double]]
  /// Of each model: its expected requests.
  private let weights: [Double]

  /// - Parameters:
  ///   - draws: by replication, a number for each model, of the same number of models.
  ///   - weights: of the models.
  package init(draws: [[Double]], weights: [Double]) {
    self.draws = draws
    self.weights = weights
  }

  /// - Parameter replications: a scenario for each, that has its seed and its number.
  /// - Returns: `nil` where no demand is uncertain.
  package init?(_ replications: [Scenario]) {
    guard let first = replications.first, first.hasUncertainDemand else { return nil }
    let expected = first.demandByModel
    var weights: [Double] = []
    for draw in first.demandDraws {
      let own = expected.first { $0.account == draw.account && $0.model == draw.model }
      weights.append(max(own?.requests ?? 0, 1))
    }
    self.init(
      draws: replications.map { scenario in
        scenario.demandDraws.map { $0.draw.logFactor(over: scenario.from..<scenario.to) }
      }, weights: weights)
  }

  /// Replications 0 and on of a scenario.
  package init?(_ scenario: Scenario, count: Int) {
    guard scenario.hasUncertainDemand else { return nil }
    self.init(
      (0..<count).map { number in
        var own = scenario
        own.replication = number
        return own
      })
  }

  /// The share of the variance that is demand's, in [0, 1].
  /// - Parameter values: by replication; `nil` where the figure is undefined.
  /// - Returns: `nil` of fewer than ten values, and where they do not vary.
  package func share(of values: [Double?]) -> Double? {
    let rows = zip(draws, values).compactMap { draw, value in value.map { (draw: draw, value: $0) } }
    guard rows.count >= Self.least else { return nil }
    let n = rows.count
    var residual = Self.centred(rows.map(\.value))
    let total = Self.square(residual) / Double(n - 1)
    guard total > 0 else { return nil }
    var used = 0
    var basis: [[Double]] = []
    for column in columns(rows.map(\.draw)) {
      var own = column
      for other in basis { Self.remove(other, from: &own) }
      // A column that the others explain already, or that does not vary.
      guard Self.square(own) > 1e-9 * max(Self.square(column), 1e-300) else { continue }
      basis.append(own)
      Self.remove(own, from: &residual)
      used += 1
    }
    guard used > 0 else { return 0 }
    let chance = Self.square(residual) / Double(n - 1 - used)
    return min(max(1 - chance / total, 0), 1)
  }

  /// What the figure is regressed on, centred: the logarithms, one a model as long as replications are three times as
  /// many; else that of all demand together.
  private func columns(_ draws: [[Double]]) -> [[Double]] {
    let models = draws.first?.count ?? 0
    if models > 1, draws.count >= 3 * (models + 1) {
      return (0..<models).map { model in Self.centred(draws.map { $0[model] }) }
    }
    let total = weights.reduce(0, +)
    let whole = Self.centred(
      draws.map { draw in log(zip(draw, weights).reduce(0) { $0 + exp($1.0) * $1.1 } / total) })
    return [whole, Self.centred(whole.map { $0 * $0 })]
  }

  private static func centred(_ values: [Double]) -> [Double] {
    let mean = values.mean
    return values.map { $0 - mean }
  }

  private static func square(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }

  /// Takes away what is along another column.
  private static func remove(_ other: [Double], from values: inout [Double]) {
    let factor = zip(values, other).reduce(0) { $0 + $1.0 * $1.1 } / square(other)
    for index in values.indices { values[index] -= factor * other[index] }
  }
}

extension Estimator {
  /// Where the figure of one replication more lies, with the confidence given: Student's prediction interval, of
  /// logarithms where all values are above 0 and the figure is no share, since demand multiplies.
  /// Source: Hahn and Meeker (1991), "Statistical Intervals", section 4.7.
  /// - Returns: `nil` of fewer than ten values.
  package static func prediction(_ metric: Metric, _ values: [Double], confidence: Double) -> Estimate.Range?
  {
    guard values.count >= DemandVariance.least else { return nil }
    let n = Double(values.count)
    let isLogarithmic = metric.unit != .share && values.allSatisfy { $0 > 0 }
    let scores = isLogarithmic ? values.map { log($0) } : values
    let t = StudentT.upperQuantile((1 - confidence) / 2, degreesOfFreedom: n - 1)
    let half = t * (scores.variance * (1 + 1 / n)).squareRoot()
    let ends = [scores.mean - half, scores.mean + half].map { isLogarithmic ? exp($0) : $0 }
    let range = metric.range
    return .init(
      lower: min(max(ends[0], range.lowerBound), range.upperBound),
      upper: min(max(ends[1], range.lowerBound), range.upperBound))
  }

  /// The estimate of a metric with what uncertain demand does to it.
  /// - Parameter demand: of the same replications; `nil` where demand is certain.
  package static func estimate(
    _ metric: Metric, _ records: [ReplicationRecord], confidence: Double, demand: DemandVariance?
  ) -> Estimate? {
    guard var estimate = estimate(metric, records, confidence: confidence) else { return nil }
    guard let demand else { return estimate }
    let values = records.map(metric.value)
    estimate.demandShare = demand.share(of: values)
    estimate.nextPeriod = prediction(metric, values.compactMap { $0 }, confidence: confidence)
    return estimate
  }
}
