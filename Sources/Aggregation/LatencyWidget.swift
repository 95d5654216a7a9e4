import Telemetry

/// Model Latency: successful requests, each for itself for periods of up to seven local days, else the average of
/// each day.
package struct LatencyWidget: Encodable, Equatable, Sendable {
  package enum Mode: String, Encodable, Sendable { case perRequest, dailyAverage }

  package struct Point: Encodable, Equatable, Sendable {
    /// The request's arrival, or the start of the day.
    package var at: String
    /// ms.
    package var latency: Double
    /// How many requests the point stands for.
    package var requests: Int64
  }

  package var mode: Mode
  package var unit = "ms"
  package var points: [Point]
  /// Whether requests are left out between the extremes of each screen column.
  package var thinned: Bool
  /// Successful requests in the period.
  package var requests: Int64
  package var summary: Summary
  /// Average and quantiles of each bucket with successful requests.
  package var buckets: [Bucket]

  package struct Bucket: Encodable, Equatable, Sendable {
    package var at: String
    package var requests: Int64
    package var average: Double
    package var p50: Double
    package var p90: Double
    package var p95: Double
    package var p99: Double
    package var p999: Double
  }

  /// Over the period: the average from exact sums, and quantiles within 1 %; ms, `null` without requests.
  package struct Summary: Encodable, Equatable, Sendable {
    package var average: Double?
    package var p50: Double?
    package var p90: Double?
    package var p95: Double?
    package var p99: Double?
    package var p999: Double?
    package var minimum: Double?
    package var maximum: Double?

    enum CodingKeys: String, CodingKey { case average, p50, p90, p95, p99, p999, minimum, maximum }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(average, forKey: .average)
      try container.encode(p50, forKey: .p50)
      try container.encode(p90, forKey: .p90)
      try container.encode(p95, forKey: .p95)
      try container.encode(p99, forKey: .p99)
      try container.encode(p999, forKey: .p999)
      try container.encode(minimum, forKey: .minimum)
      try container.encode(maximum, forKey: .maximum)
    }
  }

  /// - Parameter collected: points that were collected beside the rollups.
  init(_ period: DashboardPeriod, _ buckets: Buckets, _ collected: LatencyPoints?) {
    let calendar = period.calendar
    func milliseconds(_ histogram: LatencyHistogram, _ q: Double) -> Double? {
      histogram.quantile(q).map { $0 / 1000 }
    }
    self.buckets = buckets.filled.compactMap { at, bucket in
      guard let average = bucket.cell.averageLatency else { return nil }
      func quantile(_ q: Double) -> Double { milliseconds(bucket.latencies, q) ?? average }
      return Bucket(
        at: at.rfc3339(in: calendar), requests: bucket.cell.successes, average: average, p50: quantile(0.5),
        p90: quantile(0.9), p95: quantile(0.95), p99: quantile(0.99), p999: quantile(0.999))
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
    func quantile(_ q: Double) -> Double? { milliseconds(buckets.latencies, q) }
    summary = Summary(
      average: total.averageLatency, p50: quantile(0.5), p90: quantile(0.9),
      p95: quantile(0.95), p99: quantile(0.99), p999: quantile(0.999),
      minimum: total.successes > 0 ? Double(total.latencyMin) / 1000 : nil,
      maximum: total.successes > 0 ? Double(total.latencyMax) / 1000 : nil)
  }
}
