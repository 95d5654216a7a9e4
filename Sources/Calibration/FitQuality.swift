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
    /// Of what the fit saw; `nil` where that is what judges it.
    package var seenMean: Double?
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
    /// What these distances mean.
    package var bound: Bound
    /// For the Q–Q plot: quantiles of both at the same probabilities.
    package var probabilities: [Double]
    package var observedQuantiles: [Double]
    package var simulatedQuantiles: [Double]
    package var seenQuantiles: [Double]?
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
    /// Of how far ratios of dispersions are from 1.
    package var bound: Bound
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
    let observed = observed.stamped(like: observed)
    let simulated = simulated.map { $0.stamped(like: observed) }
    rates = Self.rates(observed, simulated, judged)
    failures = Self.failures(observed, simulated, judged)
    typealias Column = (name: String, unit: String, values: (Observations, [Range<Int64>]) -> [Double])
    let columns: [Column] = [
      ("inter-arrival time", "s", { $0.intervals(in: $1, most: Self.most) }),
      ("input tokens", "tokens", { Self.tokens($0, $1, .inputTokens) { $0.input[$1] } }),
      ("output tokens", "tokens", { Self.tokens($0, $1, .outputTokens) { $0.output[$1] } }),
      ("latency", "ms", { Self.successes($0, $1, .latency) { $0.latency[$1] } }),
      ("first token", "ms", { Self.successes($0, $1, .firstToken) { $0.firstToken[$1] } }),
    ]
    for column in columns {
      let a = column.values(observed, judged).sorted()
      let each = simulated.map { column.values($0, judged).sorted() }
      let b = each.flatMap { $0 }.sorted()
      guard let largest = a.last, largest > 0, b.count > 1, a.count > 1 else { continue }
      let isDemand = column.name == "inter-arrival time" || column.unit == "tokens"
      let fitted = seen.map { column.values(observed, $0).sorted() }
      let bound = Bound(
        d: fitted.flatMap { $0.isEmpty ? nil : Self.distance($0, a) }, e: Self.distance(b, a),
        s: Self.sampling(each), limit: column.unit == "s" ? Verdict.intervalLimit : Verdict.tokenLimit)
      var marginal = Self.marginal(column.name, column.unit, a, b, seen: fitted, bound)
      if isDemand, let fitted = fitted ?? .some(a), !fitted.isEmpty {
        marginal.baselineWasserstein = Self.baseline(fitted, against: a, isInterval: column.unit == "s")
      }
      marginals.append(marginal)
    }
    for window in WindowCounts.lengths(judged, resolution: observed.resolution) {
      guard let count = Self.counts(observed, simulated, judged, seen, window) else { continue }
      counts.append(count)
    }
    verdict = Verdict.words(
      marginals, counts, failures, longest: judged.map { $0.upperBound - $0.lowerBound }.max())
  }

  /// The mean distance of two simulations; `nil` unless there are two.
  private static func sampling(_ samples: [[Double]]) -> Double? {
    let pairs = stride(from: 0, to: samples.count - 1, by: 2).filter {
      samples[$0].count > 1 && samples[$0 + 1].count > 1 && samples[$0 + 1].mean > 0
    }
    return pairs.isEmpty ? nil : pairs.map { distance(samples[$0], samples[$0 + 1]) }.mean
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

  /// Of the requests of which they are known.
  private static func tokens(
    _ observations: Observations, _ spans: [Range<Int64>], _ measure: RequestMeasure,
    _ value: (Observations, Int) -> Int32
  ) -> [Double] {
    observations.rows(in: spans, most: most).compactMap { row in
      observations.isKnown(measure, row) ? Double(value(observations, row)) : nil
    }
  }

  /// In milliseconds.
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

  private static func marginal(
    _ name: String, _ unit: String, _ a: [Double], _ b: [Double], seen: [Double]?, _ bound: Bound
  ) -> Marginal {
    let seen = seen.flatMap { $0.isEmpty ? nil : $0 }
    let ks = SampleDistance.kolmogorovSmirnov(a, b)
    let ad = SampleDistance.andersonDarling(a, b)
    let probabilities = [0.001, 0.005, 0.01] + (1...49).map { Double($0) / 50 } + [0.99, 0.995, 0.999]
    func quantiles(_ values: [Double]) -> [Double] {
      probabilities.map { values[min(Int($0 * Double(values.count)), values.count - 1)] }
    }
    return Marginal(
      name: name, unit: unit, observedCount: a.count, simulatedCount: b.count, observedMean: a.mean,
      simulatedMean: b.mean, seenMean: seen?.mean, wasserstein: bound.e, kolmogorovSmirnov: ks.statistic,
      kolmogorovSmirnovP: ks.pValue, andersonDarling: ad.statistic, andersonDarlingP: ad.pValue,
      floorWasserstein: bound.d, samplingWasserstein: bound.s, bound: bound,
      probabilities: probabilities, observedQuantiles: quantiles(a), simulatedQuantiles: quantiles(b),
      seenQuantiles: seen.map(quantiles))
  }

  /// Exact quantiles of the plain model stand for a sample without sampling error.
  private static func baseline(_ fitted: [Double], against observed: [Double], isInterval: Bool) -> Double? {
    let size = max(10_000, min(4 * fitted.count, 100_000))
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
    let a = WindowCounts(observed, judged, width: width)
    let replications = simulated.map { WindowCounts($0, judged, width: width) }
    let (first, all) = (a.dispersion, replications.map(\.dispersion))
    guard first.isFinite, first > 0, all.allSatisfy(\.isFinite) else { return nil }
    let floor = seen.map { WindowCounts(observed, $0, width: width).dispersion }.flatMap {
      $0.isFinite ? $0 : nil
    }
    let pairs = stride(from: 0, to: all.count - 1, by: 2).filter { all[$0 + 1] > 0 }
    let autocorrelations = replications.map(\.autocorrelation)
    return Counts(
      window: window, windows: a.count, observedDispersion: first, simulatedDispersion: all.mean,
      floorDispersion: floor,
      bound: Bound(
        d: floor.map { abs($0 / first - 1) }, e: abs(all.mean / first - 1),
        s: pairs.isEmpty ? nil : pairs.map { abs(all[$0] / all[$0 + 1] - 1) }.mean,
        limit: Verdict.dispersionLimit(windows: a.count)),
      observedAutocorrelation: a.autocorrelation,
      simulatedAutocorrelation: (0..<10).map { lag in autocorrelations.map { $0[lag] }.mean })
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
