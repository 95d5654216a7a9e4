import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// Counts of arrivals in bins of equal length that fill the observed time.
struct RateBins {
  /// µs.
  let width: Int64
  private(set) var start: [Int64] = []
  /// Observed time, µs.
  private(set) var exposure: [Double] = []
  private(set) var counts: [Double] = []
  /// Whether observed time precedes the bin without a gap.
  private(set) var followsOn: [Bool] = []

  init(_ observations: Observations, _ spans: [Range<Int64>], width: Int64) {
    self.width = width
    for span in spans {
      var from = span.lowerBound
      while from < span.upperBound {
        var to = min(from + width, span.upperBound)
        // A rest of less than half a bin goes with the last.
        if span.upperBound - to < width / 2 { to = span.upperBound }
        start.append(from)
        exposure.append(Double(to - from))
        counts.append(Double(observations.rows(in: from..<to).count))
        followsOn.append(from > span.lowerBound)
        from = to
      }
    }
  }

  var count: Int { counts.count }
  func end(_ index: Int) -> Int64 { start[index] + Int64(exposure[index]) }

  /// A round length that gives some thirty arrivals a bin, and no more than a few thousand bins.
  static func width(rate: Double, observed: Double, mostBins: Double = 8000) -> Int64 {
    let least = max(30 / max(rate, 1e-12), observed / mostBins)
    let rounds: [Int64] = [
      1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400,
    ]
    return (rounds.first { Double($0) >= least } ?? 86_400) * 1_000_000
  }
}

/// Factors of local hours and weekdays, as a scenario's rate profile has them.
struct CalendarFactors {
  private let hours: [Int]
  private let weekdays: [Int]
  private let bins: RateBins
  /// How many days each hour, and how many weeks each weekday, was observed.
  let leastDaysOfAnHour: Int
  let leastWeeksOfAWeekday: Int

  init(_ bins: RateBins, calendar: ZonedCalendar) {
    self.bins = bins
    var hours: [Int] = []
    var weekdays: [Int] = []
    var seenHours = [Set<LocalDate>](repeating: [], count: 24)
    var seenDays = [Set<LocalDate>](repeating: [], count: 7)
    for index in 0..<bins.count {
      let middle = Timestamp(microseconds: bins.start[index] + Int64(bins.exposure[index] / 2))
      let date = calendar.date(at: middle)
      let hour = Int(calendar.secondOfDay(at: middle) / 3600)
      hours.append(hour)
      weekdays.append(date.weekday)
      seenHours[hour].insert(date)
      seenDays[date.weekday].insert(date)
    }
    self.hours = hours
    self.weekdays = weekdays
    leastDaysOfAnHour = bins.width <= 3_600_000_000 ? seenHours.map(\.count).min() ?? 0 : 0
    leastWeeksOfAWeekday = seenDays.map(\.count).min() ?? 0
  }

  /// Which factors the counts speak for, judged by whole hours of days: what varies from day to day at the same hour is
  /// noise to a habit, however steady it is within an hour. An information criterion of a quasi-Poisson likelihood whose
  /// dispersion is that of the richest model. Source: Burnham and Anderson (2002), section 2.5.
  func habits() -> (hourly: Bool, weekly: Bool) {
    let mayHours = leastDaysOfAnHour >= 2
    let mayDays = leastWeeksOfAWeekday >= 2
    guard mayHours || mayDays else { return (false, false) }
    // Bins of one hour of one day together.
    var cells: [[Int]] = []
    for index in 0..<bins.count {
      if let last = cells.last?.last, hours[last] == hours[index],
        bins.start[index] - bins.start[last] < 3_600_000_000
      {
        cells[cells.count - 1].append(index)
      } else {
        cells.append([index])
      }
    }
    func errors(_ hourly: Bool, _ weekly: Bool) -> (deviance: Double, pearson: Double) {
      let factors = fit(hourly: hourly, weekly: weekly).factors
      let exposure = (0..<bins.count).reduce(0.0) { $0 + bins.exposure[$1] * factors[$1] }
      let rate = bins.counts.reduce(0, +) / max(exposure, 1e-300)
      var (deviance, pearson) = (0.0, 0.0)
      for cell in cells {
        let x = cell.reduce(0) { $0 + bins.counts[$1] }
        let expected = cell.reduce(0) { $0 + rate * bins.exposure[$1] * factors[$1] }
        guard expected > 0 else { continue }
        deviance += 2 * (x > 0 ? x * log(x / expected) - x + expected : expected)
        pearson += (x - expected) * (x - expected) / expected
      }
      return (deviance, pearson)
    }
    let n = Double(cells.count)
    let richest = Double(1 + (mayHours ? 23 : 0) + (mayDays ? 6 : 0))
    let dispersion = max(1, errors(mayHours, mayDays).pearson / max(n - richest, 1))
    var best = (criterion: Double.infinity, hourly: false, weekly: false)
    for hourly in [false, true] where !hourly || mayHours {
      for weekly in [false, true] where !weekly || mayDays {
        let criterion =
          errors(hourly, weekly).deviance / dispersion + Double((hourly ? 23 : 0) + (weekly ? 6 : 0))
          * log(max(n, 2))
        if criterion < best.criterion { best = (criterion, hourly, weekly) }
      }
    }
    return (best.hourly, best.weekly)
  }

  /// Outages in hours in which there were arrivals on other days: they happened once and do not recur.
  func unusualOutages() -> [Range<Int64>] {
    let exposures = bins.exposure
    let dispersion = ChangePoints.dispersion(counts: bins.counts, exposures: exposures)
    let starts =
      [0]
      + ChangePoints.find(
        counts: bins.counts, exposures: exposures,
        dispersions: Array(repeating: dispersion, count: bins.count),
        penalty: 2 * log(Double(max(bins.count, 2)))) + [bins.count]
    var byHour = [Double](repeating: 0, count: 24)
    for index in 0..<bins.count { byHour[hours[index]] += bins.counts[index] }
    return zip(starts, starts.dropFirst()).compactMap { from, to in
      guard from < to, (from..<to).allSatisfy({ bins.counts[$0] == 0 }) else { return nil }
      let isUnusual = 2 * (from..<to).count { byHour[hours[$0]] > 0 } > to - from
      return isUnusual ? bins.start[from]..<bins.end(to - 1) : nil
    }
  }

  /// Factors of mean 1 by which the counts are best described, together with the profile's factor for each bin.
  /// The two kinds of factors are fitted in turn: maximum likelihood of a Poisson regression with two factors.
  func fit(hourly: Bool, weekly: Bool) -> (profile: RateProfile, factors: [Double]) {
    var byHour = [Double](repeating: 1, count: 24)
    var byDay = [Double](repeating: 1, count: 7)
    let rate = bins.counts.reduce(0, +) / bins.exposure.reduce(0, +)
    for _ in 0..<(hourly && weekly ? 20 : 1) {
      if hourly { byHour = Self.factors(24, hours, bins) { rate * byDay[weekdays[$0]] } }
      if weekly { byDay = Self.factors(7, weekdays, bins) { rate * byHour[hours[$0]] } }
    }
    var profile = RateProfile()
    if hourly { profile.hourly = byHour.map { ($0 * 1e4).rounded() / 1e4 } }
    if weekly { profile.weekly = byDay.map { ($0 * 1e4).rounded() / 1e4 } }
    let factors = (0..<bins.count).map { index in
      (hourly ? profile.hourly[hours[index]] : 1) * (weekly ? profile.weekly[weekdays[index]] : 1)
    }
    return (profile, factors)
  }

  private static func factors(
    _ count: Int, _ classes: [Int], _ bins: RateBins, _ expected: (Int) -> Double
  ) -> [Double] {
    var seen = [Double](repeating: 0, count: count)
    var wanted = seen
    for index in 0..<bins.count {
      seen[classes[index]] += bins.counts[index]
      wanted[classes[index]] += expected(index) * bins.exposure[index]
    }
    let factors = (0..<count).map { wanted[$0] > 0 ? seen[$0] / wanted[$0] : 1 }
    let mean = factors.mean
    return mean > 0 ? factors.map { $0 / mean } : factors
  }
}
