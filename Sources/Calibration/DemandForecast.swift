import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// The demand after the record, with its uncertainty, from totals of complete local days.
///
/// The logarithm of a day's total is the effect of its weekday, a local level with drift, and the day's own noise:
/// *x*ₜ = *w* + *μ*ₜ + *ε*ₜ, *μ*ₜ = *μ*ₜ₋₁ + *β* + *η*ₜ. Weekdays and drift are fixed effects, estimated by generalised
/// least squares; the ratio of the variances of *η* and *ε* is not estimated but averaged over, with the restricted
/// likelihood as the weight, since a record of weeks does not tell it well.
/// Source: Harvey (1989), "Forecasting, Structural Time Series Models and the Kalman Filter", sections 2.3 and 3.7;
/// Patterson and Thompson (1971), Biometrika 58:3; Hoeting et al. (1999), Statistical Science 14:4.
package struct DemandForecast: Sendable, Equatable {
  /// Three of each weekday: with fewer, a weekly pattern cannot be told from a level that changes.
  package static let leastDays = 21
  /// What was longer ago says nothing.
  static let mostDays = 182
  private static let ratios = [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]

  /// Complete days that it rests on.
  package let days: Int
  /// ln of what multiplies the record's mean rate on the day after: mean and variance, less the chance of arrivals.
  package let logLevel: (mean: Double, variance: Double)
  /// ln of the growth per week: mean and variance.
  package let logGrowth: (mean: Double, variance: Double)
  /// By how much the logarithms of the record's days, less their weekdays, vary.
  let variance: Double

  package static func == (a: DemandForecast, b: DemandForecast) -> Bool {
    a.days == b.days && a.logLevel == b.logLevel && a.logGrowth == b.logGrowth
  }

  /// - Parameters:
  ///   - totals: of days, by their number; those of which the total is not known, or 0, are left out. Ascending.
  ///   - weekday: of a day, from 0.
  /// - Returns: `nil` of fewer than 21 days, and where a weekday is missing.
  package init?(_ totals: [(day: Int, count: Double)], weekday: (Int) -> Int) {
    let known = totals.filter { $0.count > 0 }.suffix(Self.mostDays)
    guard known.count >= Self.leastDays, let first = known.first?.day, let last = known.last?.day,
      Set(known.map { weekday($0.day) }).count == 7
    else { return nil }
    days = known.count
    let y = known.map { log($0.count) }
    let times = known.map { Double($0.day - first + 1) }
    let weekdays = known.map { weekday($0.day) }
    let next = Double(last - first + 2)
    let fits = Self.ratios.map {
      LocalLevel(y, times: times, weekdays: weekdays, ratio: $0, next: next)
    }
    let best = fits.map(\.logLikelihood).max() ?? 0
    let weights = fits.map { exp($0.logLikelihood - best) }
    let sum = weights.reduce(0, +)
    func average(_ value: (LocalLevel) -> Double) -> Double {
      zip(fits, weights).reduce(0) { $0 + value($1.0) * $1.1 } / sum
    }
    // Of Student's t, which has so many degrees of freedom.
    let freedom = Double(known.count - 8)
    let wider = freedom / (freedom - 2)
    let level = average(\.prediction)
    let drift = average(\.drift)
    let effects = (0..<7).map { day in average { $0.effects[day] } }
    // The mean rate of the record, in which each weekday has its factor, and all factors the mean 1.
    let norm = effects.reduce(0) { $0 + exp($1) } / 7
    let base =
      zip(known, weekdays).reduce(0) { $0 + $1.0.count * norm / exp(effects[$1.1]) } / Double(known.count)
    let chance = 1 / (known.reduce(0) { $0 + $1.count } / Double(known.count))
    let variance = average {
      wider * $0.predictionVariance + ($0.prediction - level) * ($0.prediction - level)
    }
    self.variance = zip(y, weekdays).map { $0 - effects[$1] }.variance
    logLevel = (
      // Growth from the end of the record brings it to the middle of the next day.
      mean: level + log(norm) - log(base) - drift / 2, variance: max(variance - chance, 0)
    )
    // A level that wanders widens the growth so that it is right four weeks on: 27 more days of it.
    let wandering = average { $0.stepVariance }
    logGrowth = (
      mean: 7 * drift,
      variance: average { 49 * (wider * $0.driftVariance + ($0.drift - drift) * ($0.drift - drift)) }
        + 27.0 / 16 * wandering
    )
  }

  /// Totals of the complete local days that were seen.
  package init?(_ observations: Observations, spans: [Range<Int64>], calendar: ZonedCalendar) {
    let totals = Self.totals(observations, spans, calendar)
    self.init(totals) { LocalDate(daysSince1970: $0).weekday }
  }

  static func totals(_ observations: Observations, _ spans: [Range<Int64>], _ calendar: ZonedCalendar)
    -> [(day: Int, count: Double)]
  {
    spans.flatMap { span in
      calendar.dayStretches(
        from: Timestamp(microseconds: span.lowerBound), to: Timestamp(microseconds: span.upperBound)
      ).compactMap { date, range -> (day: Int, count: Double)? in
        guard range.lowerBound == calendar.start(of: date), range.upperBound == calendar.end(of: date) else {
          return nil
        }
        let rows = observations.rows(in: range.lowerBound.microseconds..<range.upperBound.microseconds)
        return (date.daysSince1970, Double(rows.count))
      }
    }
  }

  /// As a scenario has it.
  /// - Parameters:
  ///   - end: of the record.
  ///   - mayGrow: whether the arrival process can; else the growth of half a week goes into the level.
  ///   - recurs: whether what the rate did on the record's days comes again: then each day to come is measured beside
  ///     one of these, which was above or below the mean itself.
  package func uncertainty(from end: Timestamp, mayGrow: Bool, recurs: Bool = false) -> DemandUncertainty {
    var logLevel = logLevel
    if recurs { logLevel.variance += variance }
    func factor(_ log: (mean: Double, variance: Double), _ range: ClosedRange<Double>, mostCV: Double)
      -> DemandUncertainty.LognormalFactor
    {
      let mean = Self.written(min(max(exp(log.mean + log.variance / 2), range.lowerBound), range.upperBound))
      return .init(
        mean: mean, sd: mean * Self.written(min(expm1(log.variance).squareRoot(), mostCV)))
    }
    guard mayGrow else {
      let level = (
        logLevel.mean + logGrowth.mean / 2, logLevel.variance + logGrowth.variance / 4
      )
      return DemandUncertainty(from: end, level: factor(level, 0.01...100, mostCV: 2))
    }
    let growth = factor(logGrowth, 0.5...2, mostCV: 0.25)
    return DemandUncertainty(
      from: end, level: factor(logLevel, 0.01...100, mostCV: 2),
      growthPerWeek: .init(mean: growth.mean, sd: Self.written(growth.sd)))
  }

  /// What was found, in words.
  /// - Parameter uncertainty: as the scenario has it.
  func words(_ uncertainty: DemandUncertainty) -> String {
    let (level, growth) = (uncertainty.level, uncertainty.growthPerWeek)
    let grows =
      uncertainty.hasGrowth
      ? String(format: ", and grows × %.4g ± %.2g a week", growth.mean, growth.sd)
      : "; the process has changes of cv, with which no growth can be written: that of half a week is part of the level"
    return String(
      format:
        "Demand to come is uncertain: by %d complete days, that of a day after the record is × %.4g of its mean, with a coefficient of variation of %.3g",
      days, level.mean, level.sd / level.mean) + grows
      + ". Each replication draws its own (uncertainty in the scenario)."
  }

  /// Why nothing is known of a record.
  static func unknown(_ days: Int) -> String {
    "Demand to come: how uncertain it is, is not known, since the record has \(Figure.count(days, "complete day")) with requests and it takes \(leastDays), with every weekday among them. The scenario's demand is certain, so intervals of a plan hold only for this demand; if you know how uncertain it is, give the load uncertainty."
  }

  /// Four digits: more are not known.
  private static func written(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    let unit = pow(10, 3 - (log10(value)).rounded(.down))
    return (value * unit).rounded() / unit
  }
}

/// A local level with drift and weekdays, for one ratio of the variances of the level's steps and of the days' noise.
private struct LocalLevel {
  /// Restricted.
  let logLikelihood: Double
  /// Of weekdays, with the level at the first day; the drift, a day.
  let effects: [Double]
  let drift: Double
  let driftVariance: Double
  /// Of the level's steps.
  let stepVariance: Double
  /// Of the day after, less its weekday's effect; and the mean of its variance over weekdays.
  let prediction: Double
  let predictionVariance: Double

  init(_ y: [Double], times: [Double], weekdays: [Int], ratio: Double, next: Double) {
    let n = y.count
    let covariance = SymmetricFactor(
      (0..<n).map { i in (0...i).map { j in (i == j ? 1 : 0) + ratio * min(times[i], times[j]) } })
    let columns = (0..<8).map { column in
      covariance.whitened((0..<n).map { column < 7 ? (weekdays[$0] == column ? 1 : 0) : times[$0] })
    }
    func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let target = covariance.whitened(y)
    let normal = SymmetricFactor((0..<8).map { i in (0...i).map { product(columns[i], columns[$0]) } })
    let effects = normal.solved(columns.map { product($0, target) })
    let residual = (0..<n).map { row in
      target[row] - (0..<8).reduce(0) { $0 + columns[$1][row] * effects[$1] }
    }
    let freedom = Double(n - 8)
    let variance = max(product(residual, residual) / freedom, 1e-12)
    logLikelihood =
      -0.5 * (freedom * log(variance) + covariance.logDeterminant + normal.logDeterminant)
    let own = covariance.whitened(times.map { ratio * min($0, next) })
    let carried = columns.map { product($0, own) }
    let mean = effects[..<7].reduce(0, +) / 7
    self.effects = effects[..<7].map { $0 - mean }
    drift = effects[7]
    stepVariance = ratio * variance
    driftVariance = variance * normal.square((0..<8).map { $0 == 7 ? 1 : 0 })
    prediction = mean + drift * next + product(own, residual)
    let known = ratio * next + 1 - product(own, own)
    predictionVariance =
      variance
      * (known
        + (0..<7).reduce(0) { sum, weekday in
          sum
            + normal.square((0..<8).map { ($0 == 7 ? next : $0 == weekday ? 1 : 0) - carried[$0] }) / 7
        })
  }
}

/// The Cholesky factor of a positive definite matrix.
private struct SymmetricFactor {
  private var rows: [[Double]]

  /// - Parameter lower: each row up to the diagonal.
  init(_ lower: [[Double]]) {
    rows = lower
    for i in rows.indices {
      for j in 0...i {
        var sum = rows[i][j]
        for k in 0..<j { sum -= rows[i][k] * rows[j][k] }
        rows[i][j] = i == j ? max(sum, 1e-300).squareRoot() : sum / rows[j][j]
      }
    }
  }

  var logDeterminant: Double { 2 * rows.indices.reduce(0) { $0 + log(rows[$1][$1]) } }

  /// L⁻¹ v.
  func whitened(_ vector: [Double]) -> [Double] {
    var result = vector
    for i in rows.indices {
      for k in 0..<i { result[i] -= rows[i][k] * result[k] }
      result[i] /= rows[i][i]
    }
    return result
  }

  /// The matrix's inverse times v.
  func solved(_ vector: [Double]) -> [Double] {
    var result = whitened(vector)
    for i in rows.indices.reversed() {
      result[i] /= rows[i][i]
      for k in 0..<i { result[k] -= rows[i][k] * result[i] }
    }
    return result
  }

  /// vᵀ times the matrix's inverse times v.
  func square(_ vector: [Double]) -> Double { whitened(vector).reduce(0) { $0 + $1 * $1 } }
}
