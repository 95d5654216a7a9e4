import Foundation
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
      let wall = middle.secondsRoundedDown + Int64(calendar.offsetSeconds(at: middle))
      let hour = Int(((wall % 86_400) + 86_400) % 86_400 / 3600)
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
    let mean = factors.reduce(0, +) / Double(count)
    return mean > 0 ? factors.map { $0 / mean } : factors
  }
}
