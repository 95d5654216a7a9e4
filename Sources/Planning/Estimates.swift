import Sampling

/// An estimate with its confidence interval.
package struct Estimate: Codable, Equatable, Sendable {
  package var value: Double
  /// Half the interval's width; `nil` for a single replication.
  package var halfWidth: Double?
  package var replications: Int
  /// Of the variance behind the interval, the share that is of uncertain demand, in [0, 1]; the rest is chance. Absent
  /// where demand is certain, and of fewer than ten replications.
  package var demandShare: Double?
  /// Where the figure of one period to come lies, demand and chance together; absent as `demandShare` is.
  package var nextPeriod: Range?

  package struct Range: Codable, Equatable, Sendable {
    package var lower: Double
    package var upper: Double
  }

  package var lower: Double { value - (halfWidth ?? .infinity) }
  package var upper: Double { value + (halfWidth ?? .infinity) }
}

/// Intervals over independent replications.
package enum Estimator {
  /// Of a metric. Means have Student's interval. Quantiles are estimated from all replications together, and their
  /// variance from how far those of the replications lie from it: sectioning, which unlike batching is not biased
  /// towards the small-sample quantile. Source: Asmussen and Glynn (2007), *Stochastic Simulation*, section III.5a;
  /// Nakayama (2014), ACM TOMACS 24(4), on sectioning.
  /// - Returns: `nil` where no replication has a value.
  package static func estimate(_ metric: Metric, _ records: [ReplicationRecord], confidence: Double)
    -> Estimate?
  {
    let values = records.compactMap(metric.value)
    guard !values.isEmpty else { return nil }
    let centre: Double
    if let pooled = metric.pooledQuantile(records) {
      centre = pooled
    } else {
      centre = values.mean
    }
    return interval(values, centre, confidence)
  }

  /// Of a variant's metric less the base's, replication by replication: common random numbers make the two alike, and
  /// their difference vary less.
  package static func difference(
    _ metric: Metric, _ variant: [ReplicationRecord], base: [ReplicationRecord], confidence: Double
  ) -> Estimate? {
    let count = min(variant.count, base.count)
    var values: [Double] = []
    for index in 0..<count {
      if let a = metric.value(variant[index]), let b = metric.value(base[index]) { values.append(a - b) }
    }
    guard !values.isEmpty else { return nil }
    var centre = values.mean
    if let a = metric.pooledQuantile(Array(variant.prefix(count))),
      let b = metric.pooledQuantile(Array(base.prefix(count)))
    {
      centre = a - b
    }
    return interval(values, centre, confidence)
  }

  /// Of a metric over several cases: in each replication the mean by the cases' weights.
  /// - Parameters:
  ///   - cases: replications of each; those of one number have drawn the same numbers.
  ///   - weights: of the cases, together 1.
  package static func estimate(
    _ metric: Metric, _ cases: [[ReplicationRecord]], weights: [Double], confidence: Double
  ) -> Estimate? {
    if cases.count == 1 { return estimate(metric, cases[0], confidence: confidence) }
    let values = weighted(metric, cases, weights).compactMap { $0 }
    guard !values.isEmpty else { return nil }
    return interval(values, centre(metric, cases, weights) ?? values.mean, confidence)
  }

  /// The same of a variant less the base.
  package static func difference(
    _ metric: Metric, _ variant: [[ReplicationRecord]], base: [[ReplicationRecord]], weights: [Double],
    confidence: Double
  ) -> Estimate? {
    if base.count == 1 { return difference(metric, variant[0], base: base[0], confidence: confidence) }
    let pairs = zip(weighted(metric, variant, weights), weighted(metric, base, weights))
    let values = pairs.compactMap { a, b in a.flatMap { a in b.map { a - $0 } } }
    guard !values.isEmpty else { return nil }
    var middle = values.mean
    let count = min(variant.map(\.count).min() ?? 0, base.map(\.count).min() ?? 0)
    if let a = centre(metric, variant.map { Array($0.prefix(count)) }, weights),
      let b = centre(metric, base.map { Array($0.prefix(count)) }, weights)
    {
      middle = a - b
    }
    return interval(values, middle, confidence)
  }

  /// By replication; `nil` where a case has no value.
  private static func weighted(_ metric: Metric, _ cases: [[ReplicationRecord]], _ weights: [Double])
    -> [Double?]
  {
    let count = cases.map(\.count).min() ?? 0
    return (0..<count).map { replication -> Double? in
      var sum = 0.0
      for (records, weight) in zip(cases, weights) {
        guard let value = metric.value(records[replication]) else { return nil }
        sum += weight * value
      }
      return sum
    }
  }

  /// Of a quantile: the mean of those of all replications of each case together.
  private static func centre(_ metric: Metric, _ cases: [[ReplicationRecord]], _ weights: [Double]) -> Double?
  {
    let pooled = cases.compactMap { metric.pooledQuantile($0) }
    return pooled.count == cases.count ? zip(pooled, weights).reduce(0) { $0 + $1.0 * $1.1 } : nil
  }

  private static func interval(_ values: [Double], _ centre: Double, _ confidence: Double) -> Estimate {
    let n = Double(values.count)
    guard values.count > 1 else { return Estimate(value: centre, halfWidth: nil, replications: values.count) }
    let variance = values.meanSquare(about: centre) * n / (n - 1)
    let t = StudentT.upperQuantile((1 - confidence) / 2, degreesOfFreedom: n - 1)
    return Estimate(value: centre, halfWidth: t * (variance / n).squareRoot(), replications: values.count)
  }

  /// By how much pairing reduces the variance of a difference: Var X + Var Y over Var(X − Y); `nil` where it is not
  /// defined.
  package static func varianceReduction(
    _ metric: Metric, _ variant: [ReplicationRecord], base: [ReplicationRecord]
  ) -> Double? {
    let pairs = zip(variant, base).compactMap { a, b -> (Double, Double)? in
      guard let x = metric.value(a), let y = metric.value(b) else { return nil }
      return (x, y)
    }
    guard pairs.count > 2 else { return nil }
    let paired = pairs.map { $0.0 - $0.1 }.variance
    let apart = pairs.map(\.0).variance + pairs.map(\.1).variance
    return paired > 0 ? apart / paired : nil
  }
}
