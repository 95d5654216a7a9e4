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
