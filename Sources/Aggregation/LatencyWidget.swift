import Telemetry

/// Model Latency: successful requests one by one for periods of up to seven local days, otherwise the average of each
/// day.
package struct LatencyWidget: Equatable, Sendable {
  package enum Mode: String, CaseIterable, Sendable { case perRequest, dailyAverage }

  package struct Point: Equatable, Sendable {
    /// The request's arrival, or the start of the day.
    package var at: String
    /// ms.
    package var latency: Double
    /// How many requests the point stands for.
    package var requests: Int64
  }

  package var mode: Mode
  package var points: [Point]
  /// Whether requests are left out between the extremes of each screen column.
  package var thinned: Bool
  /// Successful requests in the period.
  package var requests: Int64
  package var summary: Summary
  /// Average and quantiles of each bucket with successful requests.
  package var buckets: [Bucket]

  package struct Bucket: Equatable, Sendable {
    package var at: String
    package var requests: Int64
    package var average: Double
    package var quantiles: [LatencyQuantile: Double]
  }

  /// Over the period: the average from exact sums, and quantiles within 1 %; ms, `null` without requests.
  package struct Summary: Equatable, Sendable {
    package var average: Double?
    package var quantiles: [LatencyQuantile: Double]
    package var minimum: Double?
    package var maximum: Double?
  }

  /// - Parameter collected: points that were collected beside the rollups.
  init(_ period: DashboardPeriod, _ buckets: Buckets, _ collected: LatencyPoints?) {
    let calendar = period.calendar
    func quantiles(_ histogram: LatencyHistogram) -> [LatencyQuantile: Double] {
      Dictionary(
        uniqueKeysWithValues: LatencyQuantile.allCases.compactMap { quantile in
          histogram.quantile(quantile.rawValue).map { (quantile, $0 / 1000) }
        })
    }
    self.buckets = buckets.filled.compactMap { at, bucket in
      guard let average = bucket.cell.averageLatency else { return nil }
      return Bucket(
        at: at.rfc3339(in: calendar), requests: bucket.cell.successes, average: average,
        quantiles: quantiles(bucket.latencies))
    }
    if let thin = buckets.thinned {
      mode = .perRequest
      let every = buckets.keepsEveryPoint ? buckets.kept.sorted() : collected?.points
      let isWhole = every.map { Int64($0.count) == buckets.total.successes } ?? false
      thinned = !isWhole
      points = (isWhole ? every ?? [] : thin.points).map {
        Point(
          at: Timestamp(microseconds: $0.at).rfc3339(in: calendar), latency: Double($0.latency) / 1000,
          requests: 1)
      }
    } else {
      mode = .dailyAverage
      points = self.buckets.map { Point(at: $0.at, latency: $0.average, requests: $0.requests) }
      thinned = false
    }
    let total = buckets.total
    requests = total.successes
    summary = Summary(
      average: total.averageLatency, quantiles: quantiles(buckets.latencies),
      minimum: total.successes > 0 ? Double(total.latencyMin) / 1000 : nil,
      maximum: total.successes > 0 ? Double(total.latencyMax) / 1000 : nil)
  }
}
