import Foundation
import Sampling
import Telemetry

/// How well the simulated requests of a model represent the observed ones.
package struct FitQuality: Sendable, Codable {
  /// One quantity's distributions in parallel.
  package struct Marginal: Sendable, Codable {
    package var name: String
    package var unit: String
    package var observedCount: Int
    package var simulatedCount: Int
    package var observedMean: Double
    package var simulatedMean: Double
    /// Relative to the observed mean.
    package var wasserstein: Double
    package var kolmogorovSmirnov: Double
    package var kolmogorovSmirnovP: Double
    package var andersonDarling: Double
    package var andersonDarlingP: Double
    /// Of a plain Poisson process with lognormal tokens, fitted to what the fit saw.
    package var baselineWasserstein: Double?
    /// Of what the fit saw itself: how much the held-out part differs from it.
    package var floorWasserstein: Double?
    /// Of two simulations from each other: what sampling alone gives; `nil` where there is only one.
    package var samplingWasserstein: Double?
    /// For the Q–Q plot: quantiles of both at the same probabilities.
    package var probabilities: [Double]
    package var observedQuantiles: [Double]
    package var simulatedQuantiles: [Double]
  }

  /// Counts of arrivals in windows of one length.
  package struct Counts: Sendable, Codable {
    /// s.
    package var window: Double
    package var windows: Int
    /// Variance over mean.
    package var observedDispersion: Double
    package var simulatedDispersion: Double
    package var floorDispersion: Double?
    /// Autocorrelation at lags 1 to 10.
    package var observedAutocorrelation: [Double]
    package var simulatedAutocorrelation: [Double]

    /// Simulated over observed; 1 where neither varies.
    package var dispersionRatio: Double {
      observedDispersion == simulatedDispersion ? 1 : simulatedDispersion / observedDispersion
    }
  }

  /// How often requests failed.
  package struct Failures: Sendable, Codable {
    package var observed: Int
    package var observedRequests: Int
    package var simulated: Int
    package var simulatedRequests: Int

    package var observedShare: Double { Double(observed) / Double(max(observedRequests, 1)) }
    package var simulatedShare: Double { Double(simulated) / Double(max(simulatedRequests, 1)) }
  }

  /// Arrivals per second over time, for the overlay.
  package struct Rates: Sendable, Codable {
    package var at: [String]
    package var observed: [Double]
    package var simulated: [Double]
  }

  package private(set) var marginals: [Marginal] = []
  package private(set) var counts: [Counts] = []
  package private(set) var failures: Failures
  package private(set) var rates: Rates
  package private(set) var verdict: [String] = []

  private static let most = 500_000

  /// - Parameters:
  ///   - simulated: replications of the scenario, at least one, all of which count.
  ///   - judged: the spans by which the fit is judged.
  ///   - seen: what it was fitted to; `nil` where that is the same.
  package init(
    observed: Observations, simulated: [Observations], judged: [Range<Int64>], seen: [Range<Int64>]?
  ) {
    // Simulated requests get the stamps that the same clock would have given them.
    let simulated = simulated.map { $0.stamped(like: observed) }
    rates = Self.rates(observed, simulated, judged)
    failures = Self.failures(observed, simulated, judged)
    typealias Column = (name: String, unit: String, values: (Observations, [Range<Int64>]) -> [Double])
    let columns: [Column] = [
      ("inter-arrival time", "s", { Self.intervals($0, $1) }),
      ("input tokens", "tokens", { Self.tokens($0, $1, .inputTokens) { $0.input[$1] } }),
      ("output tokens", "tokens", { Self.tokens($0, $1, .outputTokens) { $0.output[$1] } }),
      ("latency", "ms", { Self.successes($0, $1, .latency) { $0.latency[$1] } }),
      ("first token", "ms", { Self.successes($0, $1, .firstToken) { $0.firstToken[$1] } }),
    ]
    for column in columns {
      let a = column.values(observed, judged).sorted()
      let b = simulated.flatMap { column.values($0, judged) }.sorted()
      guard let largest = a.last, largest > 0, b.count > 1, a.count > 1 else { continue }
      var marginal = Self.marginal(column.name, column.unit, a, b)
      if simulated.count > 1 {
        let two = simulated.prefix(2).map { column.values($0, judged).sorted() }
        if two.allSatisfy({ $0.count > 1 }) { marginal.samplingWasserstein = Self.distance(two[0], two[1]) }
      }
      let isDemand = column.name == "inter-arrival time" || column.unit == "tokens"
      if isDemand {
        let fitted = seen.map { column.values(observed, $0).sorted() } ?? a
        if !fitted.isEmpty {
          marginal.baselineWasserstein = Self.baseline(fitted, against: a, isInterval: column.unit == "s")
          if seen != nil { marginal.floorWasserstein = Self.distance(fitted, a) }
        }
      }
      marginals.append(marginal)
    }
    let time = judged.reduce(0.0) { $0 + Double($1.upperBound - $1.lowerBound) } / 1e6
    for window in [1.0, 10, 60, 600, 3600]
    where time / window >= 20 && window * 1e6 >= Double(observed.resolution) {
      guard let count = Self.counts(observed, simulated, judged, seen, window) else { continue }
      counts.append(count)
    }
    verdict = Verdict.words(marginals, counts, failures)
  }

  private static func failures(
    _ observed: Observations, _ simulated: [Observations], _ judged: [Range<Int64>]
  ) -> Failures {
    func count(_ observations: Observations) -> (failures: Int, requests: Int) {
      var (failures, requests) = (0, 0)
      for span in judged {
        let rows = observations.rows(in: span)
        requests += rows.count
        failures += rows.count { observations.outcome[$0] != RequestOutcome.success }
      }
      return (failures, requests)
    }
    let own = count(observed)
    let others = simulated.map(count)
    return Failures(
      observed: own.failures, observedRequests: own.requests,
      simulated: others.reduce(0) { $0 + $1.failures },
      simulatedRequests: others.reduce(0) { $0 + $1.requests })
  }

  /// In seconds, ascending. Of many, as many of each length are taken together as leave half a million: a sample of
  /// them would miss the few long ones that much of the time consists of.
  private static func intervals(_ observations: Observations, _ spans: [Range<Int64>]) -> [Double] {
    let parts = spans.map { observations.rows(in: $0) }.filter { $0.count > 1 }
    var intervals: [Float] = []
    intervals.reserveCapacity(parts.reduce(0) { $0 + $1.count - 1 })
    for part in parts {
      for row in part.dropLast() {
        intervals.append(Float(observations.arrivedAt[row + 1] - observations.arrivedAt[row]) / 1e6)
      }
    }
    intervals.sort()
    let together = (intervals.count + most - 1) / most
    guard together > 1 else { return intervals.map(Double.init) }
    return stride(from: 0, to: intervals.count, by: together).map { start in
      let group = intervals[start..<min(start + together, intervals.count)]
      return group.reduce(0) { $0 + Double($1) } / Double(group.count)
    }
  }

  /// In milliseconds.
  /// Of the requests of which they are known.
  private static func tokens(
    _ observations: Observations, _ spans: [Range<Int64>], _ measure: RequestMeasure,
    _ value: (Observations, Int) -> Int32
  ) -> [Double] {
    observations.rows(in: spans, most: most).compactMap { row in
      observations.isKnown(measure, row) ? Double(value(observations, row)) : nil
    }
  }

  private static func successes(
    _ observations: Observations, _ spans: [Range<Int64>], _ measure: RequestMeasure,
    _ value: (Observations, Int) -> UInt32
  ) -> [Double] {
    observations.rows(in: spans, most: most).compactMap { row in
      observations.outcome[row] == RequestOutcome.success && observations.isKnown(measure, row)
        ? Double(value(observations, row)) / 1000 : nil
    }
  }

  private static func distance(_ a: [Double], _ observed: [Double]) -> Double {
    SampleDistance.wasserstein(a, observed) / observed.mean
  }

  private static func marginal(_ name: String, _ unit: String, _ a: [Double], _ b: [Double]) -> Marginal {
    let ks = SampleDistance.kolmogorovSmirnov(a, b)
    let ad = SampleDistance.andersonDarling(a, b)
    let probabilities = [0.001, 0.005, 0.01] + (1...49).map { Double($0) / 50 } + [0.99, 0.995, 0.999]
    func quantiles(_ values: [Double]) -> [Double] {
      probabilities.map { values[min(Int($0 * Double(values.count)), values.count - 1)] }
    }
    return Marginal(
      name: name, unit: unit, observedCount: a.count, simulatedCount: b.count, observedMean: a.mean,
      simulatedMean: b.mean, wasserstein: distance(b, a), kolmogorovSmirnov: ks.statistic,
      kolmogorovSmirnovP: ks.pValue, andersonDarling: ad.statistic, andersonDarlingP: ad.pValue,
      probabilities: probabilities, observedQuantiles: quantiles(a), simulatedQuantiles: quantiles(b))
  }

  /// Exact quantiles of the plain model stand for a sample without sampling error.
  private static func baseline(_ fitted: [Double], against observed: [Double], isInterval: Bool) -> Double? {
    let size = 100_000
    let family: Distribution.Family
    if isInterval {
      family = .exponential(mean: max(fitted.mean, 1e-12))
    } else {
      let logs = fitted.map { log(max($0, 0.5)) }
      let centre = logs.mean
      let spread = logs.meanSquare(about: centre).squareRoot()
      family = .lognormal(mu: centre, sigma: max(spread, 1e-9))
    }
    do {
      let distribution = try Distribution(family)
      let values = (0..<size).map { distribution.quantile((Double($0) + 0.5) / Double(size)) }
      return distance(isInterval ? values : values.map { $0.rounded() }, observed)
    } catch {
      return nil
    }
  }

  private static func counts(
    _ observed: Observations, _ simulated: [Observations], _ judged: [Range<Int64>], _ seen: [Range<Int64>]?,
    _ window: Double
  ) -> Counts? {
    let width = Int64(window * 1e6)
    func series(_ observations: Observations, _ spans: [Range<Int64>]) -> [[Double]] {
      spans.compactMap { span in
        let count = Int((span.upperBound - span.lowerBound) / width)
        guard count > 0 else { return nil }
        var counts = [Double](repeating: 0, count: count)
        for row in observations.rows(in: span) {
          let index = Int((observations.arrivedAt[row] - span.lowerBound) / width)
          if index < count { counts[index] += 1 }
        }
        return counts
      }
    }
    func dispersion(_ series: [[Double]]) -> Double {
      let all = series.flatMap { $0 }
      return all.variance / all.mean
    }
    func autocorrelation(_ series: [[Double]]) -> [Double] {
      let mean = series.flatMap { $0 }.mean
      var square = 0.0
      for part in series { for value in part { square += (value - mean) * (value - mean) } }
      return (1...10).map { lag in
        var sum = 0.0
        for part in series where part.count > lag {
          for index in lag..<part.count { sum += (part[index] - mean) * (part[index - lag] - mean) }
        }
        return square > 0 ? sum / square : 0
      }
    }
    let a = series(observed, judged)
    let replications = simulated.map { series($0, judged) }
    let windows = a.reduce(0) { $0 + $1.count }
    guard windows >= 20 else { return nil }
    let first = dispersion(a)
    let second = replications.map(dispersion).mean
    guard first.isFinite, second.isFinite else { return nil }
    let floor = seen.map { dispersion(series(observed, $0)) }
    return Counts(
      window: window, windows: windows, observedDispersion: first, simulatedDispersion: second,
      floorDispersion: floor.flatMap { $0.isFinite ? $0 : nil }, observedAutocorrelation: autocorrelation(a),
      simulatedAutocorrelation: (0..<10).map { lag in replications.map { autocorrelation($0)[lag] }.mean })
  }

  private static func rates(_ observed: Observations, _ simulated: [Observations], _ spans: [Range<Int64>])
    -> Rates
  {
    guard let start = spans.first?.lowerBound, let end = spans.last?.upperBound, end > start else {
      return Rates(at: [], observed: [], simulated: [])
    }
    let width = max((end - start) / 300, 1_000_000)
    var rates = Rates(at: [], observed: [], simulated: [])
    for from in stride(from: start, to: end, by: Int(width)) {
      let bin = intersection([from..<min(from + width, end)], spans)
      let seconds = bin.reduce(0.0) { $0 + Double($1.upperBound - $1.lowerBound) } / 1e6
      guard seconds > Double(width) / 2e6 else { continue }
      rates.at.append(Timestamp(microseconds: from).rfc3339)
      rates.observed.append(Double(bin.reduce(0) { $0 + observed.rows(in: $1).count }) / seconds)
      let count = simulated.reduce(0) { sum, one in sum + bin.reduce(0) { $0 + one.rows(in: $1).count } }
      rates.simulated.append(Double(count) / Double(max(simulated.count, 1)) / seconds)
    }
    return rates
  }
}
