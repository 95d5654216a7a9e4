import Foundation
import Telemetry

/// What multiplies an arrival rate over time.
package struct RateProfile: Sendable, Equatable {
  package init() {}

  package struct Spike: Sendable, Equatable {
    package var from: Timestamp
    package var to: Timestamp
    package var factor: Double
  }

  /// 24 factors, or none.
  package var hourly: [Double] = []
  /// 7 factors from Monday, or none.
  package var weekly: [Double] = []
  /// Growth from one week to the next, exponential and continuous from the start of the period.
  package var trendPerWeek = 1.0
  package var dates: [LocalDate: Double] = [:]
  package var spikes: [Spike] = []
  /// Lasting changes, ascending: from each instant its factor holds until the next; 1 before the first.
  package var breakpoints: [Breakpoint] = []
  /// How much demand there is where that is uncertain.
  package var draw: DemandUncertainty.Draw?

  package struct Breakpoint: Sendable, Equatable {
    package var at: Timestamp
    package var factor: Double

    package init(at: Timestamp, factor: Double) {
      self.at = at
      self.factor = factor
    }
  }

  /// A stretch of time in which the factor is `factor · exp(growth · (t − start))`.
  package struct Segment: Equatable, Sendable {
    package var start: Timestamp
    package var end: Timestamp
    package var factor: Double
    /// Per microsecond.
    package var growth: Double
  }

  /// The profile as segments that cover [from, to) without gaps: what the simulation's loop walks along.
  /// - Parameter origin: where the trend is 1.
  package func segments(
    from: Timestamp, to: Timestamp, origin: Timestamp, calendar: ZonedCalendar
  ) -> [Segment] {
    var borders: Set<Timestamp> = [from]
    if !hourly.isEmpty {
      borders.formUnion(calendar.hourStarts(from: from, to: to))
    } else if !weekly.isEmpty || !dates.isEmpty {
      borders.formUnion(calendar.dayStarts(from: from, to: to))
    }
    for spike in spikes { borders.formUnion([spike.from, spike.to]) }
    borders.formUnion(breakpoints.map(\.at))
    if let from = draw?.from { borders.insert(from) }
    let starts = borders.filter { $0 >= from && $0 < to }.sorted()
    let trend = trendPerWeek == 1 ? 0 : log(trendPerWeek) / (7 * 86_400e6)
    var segments: [Segment] = []
    for (index, start) in starts.enumerated() {
      let end = index + 1 < starts.count ? starts[index + 1] : to
      var factor = stepFactor(at: start, calendar)
      if trend != 0 { factor *= exp(trend * Double(start - origin)) }
      var growth = trend
      if let draw, start >= draw.from ?? start {
        factor *= draw.level * exp(draw.growth * Double(start - (draw.from ?? origin)))
        growth += draw.growth
      }
      if growth == 0, let last = segments.last, last.growth == 0, last.factor == factor {
        segments[segments.count - 1].end = end
      } else {
        segments.append(Segment(start: start, end: end, factor: factor, growth: growth))
      }
    }
    return segments
  }

  private func stepFactor(at instant: Timestamp, _ calendar: ZonedCalendar) -> Double {
    let date = calendar.date(at: instant)
    var factor = 1.0
    if !hourly.isEmpty {
      factor *= hourly[Int(calendar.secondOfDay(at: instant) / 3600)]
    }
    if !weekly.isEmpty { factor *= weekly[date.weekday] }
    factor *= dates[date] ?? 1
    factor *= breakpointFactor(at: instant)
    for spike in spikes where instant >= spike.from && instant < spike.to { factor *= spike.factor }
    return factor
  }

  private func breakpointFactor(at instant: Timestamp) -> Double {
    var low = 0
    var high = breakpoints.count
    while low < high {
      let middle = (low + high) / 2
      if breakpoints[middle].at <= instant { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? 1 : breakpoints[low - 1].factor
  }
}
