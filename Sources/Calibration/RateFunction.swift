import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// A rate function: constant, by local hour and weekday, with permanent changes, or both.
struct RateFunction {
  var profile: RateProfile
  /// Where every factor is 1, per µs.
  var rate: Double
  var criterion: Double
  var parameterCount: Int

  func segments(_ period: Range<Int64>, _ calendar: ZonedCalendar) -> [RateProfile.Segment] {
    profile.segments(
      from: Timestamp(microseconds: period.lowerBound), to: Timestamp(microseconds: period.upperBound),
      origin: Timestamp(microseconds: period.lowerBound), calendar: calendar
    ).map { segment in
      var segment = segment
      segment.factor *= rate
      return segment
    }
  }

  /// Mean factor of the profile in each bin.
  func factors(_ bins: RateBins, _ period: Range<Int64>, _ calendar: ZonedCalendar) -> [Double] {
    let segments = segments(period, calendar)
    var index = 0
    return (0..<bins.count).map { bin in
      let (start, end) = (bins.start[bin], bins.end(bin))
      while index + 1 < segments.count, segments[index].end.microseconds <= start { index += 1 }
      var sum = 0.0
      var at = index
      while at < segments.count, segments[at].start.microseconds < end {
        let low = max(start, segments[at].start.microseconds)
        let high = min(end, segments[at].end.microseconds)
        if high > low { sum += Double(high - low) * segments[at].factor }
        at += 1
      }
      return sum / rate / Double(end - start)
    }
  }

  /// Outages begin with the last arrival before them and end with the first after.
  mutating func refine(_ observations: Observations, _ spans: [Range<Int64>], _ bins: RateBins) {
    for index in profile.breakpoints.indices {
      let before = index > 0 ? profile.breakpoints[index - 1].factor : 1
      let isStart = profile.breakpoints[index].factor == 0 && before > 0
      let isEnd = profile.breakpoints[index].factor > 0 && before == 0
      guard isStart || isEnd else { continue }
      let at = profile.breakpoints[index].at.microseconds
      guard let span = spans.first(where: { $0.contains(at) && $0.lowerBound < at }) else { continue }
      let instant: Int64
      if isStart {
        let rows = observations.rows(in: max(span.lowerBound, at - 2 * bins.width)..<at)
        guard let last = rows.last else { continue }
        instant = observations.arrivedAt[last] + 1
      } else {
        let rows = observations.rows(in: at..<min(span.upperBound, at + 2 * bins.width))
        guard let first = rows.first else { continue }
        instant = observations.arrivedAt[first]
      }
      let earliest = index > 0 ? profile.breakpoints[index - 1].at.microseconds + 1 : Int64.min
      let latest =
        index + 1 < profile.breakpoints.count
        ? profile.breakpoints[index + 1].at.microseconds - 1 : Int64.max
      profile.breakpoints[index].at = Timestamp(microseconds: min(max(instant, earliest), latest))
    }
  }

  /// The dispersion of counts in each bin, as far as it comes from how much intervals vary: over times that are long
  /// beside them, the square of their coefficient of variation. Source: Cox (1962), section 4.2.
  static func dispersions(
    _ blocks: [(from: Int64, sums: MaximumLikelihood.GammaSums)], _ bins: RateBins, penalty: Double
  ) -> [Double] {
    let starts = [0] + ChangePoints.find(blocks.map(\.sums), penalty: penalty)
    let parts = starts.indices.map { index -> (from: Int64, dispersion: Double) in
      let end = index + 1 < starts.count ? starts[index + 1] : blocks.count
      let sums = blocks[starts[index]..<end].reduce(MaximumLikelihood.GammaSums()) { $0 + $1.sums }
      return (index == 0 ? .min : blocks[starts[index]].from, max(1, 1 / sums.shape, sums.squaredVariation))
    }
    var part = 0
    return (0..<bins.count).map { bin in
      let middle = bins.start[bin] + Int64(bins.exposure[bin] / 2)
      while part + 1 < parts.count, parts[part + 1].from <= middle { part += 1 }
      return parts[part].dispersion
    }
  }

  /// Every rate function that the counts may speak for.
  ///
  /// - Parameters:
  ///   - expected: dispersions of the bins, as far as they are known.
  ///   - mayChange: whether permanent changes are looked for.
  static func rateFunctions(
    _ bins: RateBins, _ expected: [Double]?, calendar: ZonedCalendar, period: Range<Int64>, mayChange: Bool
  ) -> [RateFunction] {
    let factors = CalendarFactors(bins, calendar: calendar)
    let excess = ChangePoints.dispersion(counts: bins.counts, exposures: bins.exposure, expected: expected)
    let dispersions = (0..<bins.count).map { excess * (expected?[$0] ?? 1) }
    let size = Double(max(bins.count, 2))
    let habits = factors.habits()
    var rateFunctions: [RateFunction] = []
    for hourly in [false, true] where !hourly || habits.hourly {
      for weekly in [false, true] where !weekly || habits.weekly {
        let fit = factors.fit(hourly: hourly, weekly: weekly)
        let exposures = zip(bins.exposure, fit.factors).map { $0 * $1 }
        let calendarParameters = (hourly ? 23 : 0) + (weekly ? 6 : 0)
        let rate = bins.counts.reduce(0, +) / max(exposures.reduce(0, +), 1e-300)
        func deviance(_ levels: (Int) -> Double) -> Double {
          (0..<bins.count).reduce(0) { sum, bin in
            let x = bins.counts[bin]
            let expected = levels(bin) * exposures[bin]
            if x == 0 { return sum + 2 * expected / dispersions[bin] }
            return expected > 0
              ? sum + 2 * (x * log(x / expected) - x + expected) / dispersions[bin] : .infinity
          }
        }
        rateFunctions.append(
          RateFunction(
            profile: fit.profile, rate: rate,
            criterion: deviance { _ in rate } + Double(1 + calendarParameters) * log(size),
            parameterCount: calendarParameters))
        guard mayChange else { continue }
        let changes = ChangePoints.find(
          counts: bins.counts, exposures: exposures, dispersions: dispersions, penalty: 2 * log(size))
        guard !changes.isEmpty else { continue }
        let starts = [0] + changes
        let levels = starts.indices.map { index -> Double in
          let range = starts[index]..<(index + 1 < starts.count ? starts[index + 1] : bins.count)
          let exposure = range.reduce(0) { $0 + exposures[$1] }
          return exposure > 0 ? range.reduce(0) { $0 + bins.counts[$1] } / exposure : 0
        }
        var profile = fit.profile
        for (index, start) in starts.enumerated() {
          // Across a gap in what was observed, the change is put in its middle.
          let at =
            index == 0
            ? period.lowerBound
            : bins.followsOn[start] ? bins.start[start] : (bins.end(start - 1) + bins.start[start]) / 2
          profile.breakpoints.append(
            .init(at: Timestamp(microseconds: at), factor: (levels[index] / rate * 1e6).rounded() / 1e6))
        }
        var level = 0
        let value = deviance { bin in
          while level + 1 < starts.count, bin >= starts[level + 1] { level += 1 }
          return levels[level]
        }
        rateFunctions.append(
          RateFunction(
            profile: profile, rate: rate,
            criterion: value + Double(1 + calendarParameters + 2 * changes.count) * log(size),
            parameterCount: calendarParameters + 2 * changes.count))
      }
    }
    return rateFunctions
  }
}
