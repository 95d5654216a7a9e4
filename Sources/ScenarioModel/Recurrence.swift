import Telemetry

/// A cycle of the rate and of its variability that repeats, before and after: the
/// seasonal naive forecast. Source: Hyndman and Athanasopoulos (2021), "Forecasting: Principles and Practice",
/// section 5.2.
package struct Recurrence: Sendable, Equatable {
  package var from: Timestamp
  /// µs, above 0. Whole days are local ones: what began at nine does so on either side of a clock change.
  package var every: Int64

  package init(from: Timestamp, every: Int64) {
    self.from = from
    self.every = every
  }

  package static let microsecondsPerDay: Int64 = 86_400_000_000
  /// The most changes that a recurrence may cause in a period.
  static let mostChanges = 1_000_000

  var stretch: Range<Timestamp> { from..<(from + every) }

  /// When an instant of the stretch comes in another recurrence; the stretch itself is number 0.
  private func instant(_ instant: Timestamp, in number: Int64, _ calendar: ZonedCalendar) -> Timestamp {
    guard number != 0 else { return instant }
    guard every % Self.microsecondsPerDay == 0 else { return instant + number * every }
    let date = calendar.date(at: instant).advanced(byDays: Int(number * (every / Self.microsecondsPerDay)))
    let fraction = instant.microseconds - instant.secondsRoundedDown * 1_000_000
    switch calendar.instant(of: date, secondOfDay: calendar.secondOfDay(at: instant)) {
    case .once(let other), .twice(let other, _): return other + fraction
    // Nothing of the second comes.
    case .never(let change): return change
    }
  }

  /// How many recurrences a period sees, roughly.
  func count(_ period: Range<Timestamp>) -> Int64 { (period.upperBound - period.lowerBound) / every + 2 }

  /// What holds from when on, over a period, where `changes` say so for the stretch.
  ///
  /// - Parameters:
  ///   - changes: ascending, within the stretch.
  ///   - first: what holds from the stretch's start to the first change.
  package func unrolled<Value>(
    _ changes: [(at: Timestamp, value: Value)], first: Value, over period: Range<Timestamp>,
    _ calendar: ZonedCalendar
  ) -> [(at: Timestamp, value: Value)] {
    var cycle = changes
    if changes.first?.at != from { cycle.insert((from, first), at: 0) }
    // A day more on both sides: local days differ in length.
    let slack = 2 * Self.microsecondsPerDay
    let lowest = (period.lowerBound - from - slack) / every - 1
    let highest = (period.upperBound - from + slack) / every + 1
    var unrolled: [(at: Timestamp, value: Value)] = []
    for number in lowest...highest {
      let start = instant(from, in: number, calendar)
      let next = instant(from, in: number + 1, calendar)
      guard next > period.lowerBound, start < period.upperBound else { continue }
      for change in cycle {
        let at = instant(change.at, in: number, calendar)
        // An hour that clocks leave out holds no change: only the last of its changes is seen.
        while let last = unrolled.last, last.at >= at { unrolled.removeLast() }
        unrolled.append((at, change.value))
      }
    }
    return unrolled
  }
}

extension RateProfile {
  /// The profile whose breakpoints recur over a period.
  func recurring(_ recurrence: Recurrence, over period: Range<Timestamp>, _ calendar: ZonedCalendar)
    -> RateProfile
  {
    guard !breakpoints.isEmpty else { return self }
    var profile = self
    profile.breakpoints = recurrence.unrolled(
      breakpoints.map { ($0.at, $0.factor) }, first: 1, over: period, calendar
    ).map { Breakpoint(at: $0.at, factor: $0.value) }
    return profile
  }
}
