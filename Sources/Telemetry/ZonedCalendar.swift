import Foundation

/// Days and hours of a time zone, through every change of its clocks. The rules come from Foundation, which carries the
/// IANA time zone database with it, so that figures do not depend on the machine's.
///
/// A *stretch* is an interval in which the clock shows one date, or one hour, without a jump. Most dates are one stretch
/// of 23, 24 or 25 hours. A date that clocks skip has none (Apia, 30 December 2011). Where clocks go back over midnight
/// the earlier date comes again: St John's showed 6 November 2010, for one minute the 7th, for 59 minutes the 6th again,
/// and then the 7th. An instant belongs to the date that the clock shows.
package struct ZonedCalendar: Sendable {
  package let timeZone: TimeZone
  package let identifier: String

  /// `nil` for an identifier that is not a name of the IANA time zone database.
  package init?(identifier: String) {
    guard Self.isName(identifier), let zone = TimeZone(identifier: identifier) else { return nil }
    timeZone = zone
    self.identifier = identifier
  }

  package static let utc = ZonedCalendar(utc: ())
  private init(utc: Void) {
    timeZone = .gmt
    identifier = "UTC"
  }

  /// Every name that may be given.
  package static let knownIdentifiers = ZoneNames.all.union(TimeZone.knownTimeZoneIdentifiers)

  /// Byte by byte: `String` takes canonically equal names for one.
  private static func isName(_ identifier: String) -> Bool {
    identifier.utf8.allSatisfy { $0 < 0x80 } && knownIdentifiers.contains(identifier)
  }

  package func offsetSeconds(at instant: Timestamp) -> Int { timeZone.secondsFromGMT(for: instant.date) }

  private func offset(_ second: Int64) -> Int64 { Int64(offsetSeconds(at: Timestamp(seconds: second))) }

  /// Seconds that a clock on the wall shows, counted as if it were UTC.
  private func wallSeconds(at instant: Timestamp) -> Int64 {
    instant.secondsRoundedDown + Int64(offsetSeconds(at: instant))
  }

  package func date(at instant: Timestamp) -> LocalDate {
    LocalDate(daysSince1970: Int(Self.floor(wallSeconds(at: instant), 86_400)))
  }

  /// Seconds since midnight that the clock shows, rounded down: 0 to 86,399.
  package func secondOfDay(at instant: Timestamp) -> Int64 {
    let wall = wallSeconds(at: instant)
    return wall - Self.floor(wall, 86_400) * 86_400
  }

  /// The quotient rounded down, of negative numbers too.
  private static func floor(_ number: Int64, _ divisor: Int64) -> Int64 {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}

// MARK: Readings of the clock

extension ZonedCalendar {
  /// The instants that a wall-clock reading can mean.
  package enum WallTime: Equatable, Sendable {
    case once(Timestamp)
    /// Clocks go back: it occurs twice.
    case twice(first: Timestamp, second: Timestamp)
    /// Clocks go forward: it never occurs. The instant is that of the change.
    case never(changeAt: Timestamp)
  }

  /// Half of the window in which a reading is looked for: offsets lie within a day of UTC, as do dates across the date
  /// line. No zone has changed its clock twice in so short a time.
  private static let mostOffset: Int64 = 86_400

  /// - Parameter secondOfDay: 0 to 86,400.
  package func instant(of date: LocalDate, secondOfDay: Int64 = 0) -> WallTime {
    let wall = Int64(date.daysSince1970) * 86_400 + secondOfDay
    let (from, to) = (wall - Self.mostOffset, wall + Self.mostOffset)
    let (before, after) = (offset(from), offset(to))
    if before == after { return .once(Timestamp(seconds: wall - before)) }
    let change = change(from, to)
    let first = wall - before
    let second = wall - after
    switch (first < change, second >= change) {
    case (true, true): return .twice(first: Timestamp(seconds: first), second: Timestamp(seconds: second))
    case (true, false): return .once(Timestamp(seconds: first))
    case (false, true): return .once(Timestamp(seconds: second))
    case (false, false): return .never(changeAt: Timestamp(seconds: change))
    }
  }

  /// The first second at which the offset is no longer that of `from`, in (from, to], where the two differ.
  private func change(_ from: Int64, _ to: Int64) -> Int64 {
    let before = offset(from)
    var (low, high) = (from, to)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if offset(middle) == before { low = middle } else { high = middle }
    }
    return high
  }

  /// The first instant of a local day; of one that clocks skip, the change that skips it.
  package func start(of date: LocalDate) -> Timestamp {
    switch instant(of: date) {
    case .once(let instant), .twice(let instant, _), .never(let instant): instant
    }
  }

  /// The end of a local day: after it the clock does not show the date again.
  package func end(of date: LocalDate) -> Timestamp {
    switch instant(of: date, secondOfDay: 86_400) {
    case .once(let instant), .never(let instant): return instant
    case .twice(_, let second):
      // Midnight occurs twice: before the second the clock shows this date again, or goes on in the next one.
      return self.date(at: second + -1) == date ? second : start(of: date.advanced(byDays: 1))
    }
  }

  /// The stretches in which the clock shows the dates from `first` to `last`, in order; none for dates that never were.
  package func stretches(from first: LocalDate, to last: LocalDate) -> [Range<Timestamp>] {
    let hull = start(of: first)..<end(of: last)
    if hull.isEmpty { return [] }
    var stretches: [Range<Timestamp>] = []
    // Only where clocks go back over midnight does the hull hold other dates, at its beginning or its end.
    let beginning = start(of: first)..<min(end(of: first.advanced(byDays: -1)), hull.upperBound)
    let ending = max(start(of: last.advanced(byDays: 1)), hull.lowerBound)..<hull.upperBound
    var from = hull.lowerBound
    for doubtful in [beginning, ending] where doubtful.lowerBound < doubtful.upperBound {
      for stretch in dayStretches(from: doubtful.lowerBound, to: doubtful.upperBound)
      where stretch.date < first || stretch.date > last {
        if from < stretch.range.lowerBound { stretches.append(from..<stretch.range.lowerBound) }
        from = max(from, stretch.range.upperBound)
      }
    }
    if from < hull.upperBound { stretches.append(from..<hull.upperBound) }
    return stretches
  }
}

// MARK: Days and hours

extension ZonedCalendar {
  /// The first instant after the given one at which the clock shows another date.
  package func nextDate(after instant: Timestamp) -> Timestamp {
    let date = date(at: instant)
    var second = instant.secondsRoundedDown
    while true {
      let offset = offset(second)
      let wall = second + offset
      let midnight = second + 86_400 - (wall - Self.floor(wall, 86_400) * 86_400)
      second = self.offset(midnight) == offset ? midnight : change(second, midnight)
      let next = Timestamp(seconds: second)
      if self.date(at: next) != date { return next }
    }
  }

  /// The first instant of the stretch of one date that contains an instant.
  package func startOfDay(_ instant: Timestamp) -> Timestamp {
    var start = start(of: date(at: instant))
    while case let next = nextDate(after: start), next <= instant { start = next }
    return start
  }

  /// The stretches of one date each that intersect [from, to), whole. A date may come again.
  package func dayStretches(from: Timestamp, to: Timestamp) -> [(date: LocalDate, range: Range<Timestamp>)] {
    guard from < to else { return [] }
    var stretches: [(date: LocalDate, range: Range<Timestamp>)] = []
    var start = startOfDay(from)
    while start < to {
      let end = nextDate(after: start)
      stretches.append((date(at: start), start..<end))
      start = end
    }
    return stretches
  }

  /// The first instants of the stretches of one date each that intersect [from, to).
  package func dayStarts(from: Timestamp, to: Timestamp) -> [Timestamp] {
    dayStretches(from: from, to: to).map(\.range.lowerBound)
  }

  /// The next border of a local hour after an instant: a full hour on the wall clock, or a clock change.
  /// A repeated hour is two hours; a clock change by half an hour makes a short one.
  package func nextHour(after instant: Timestamp) -> Timestamp {
    let second = instant.secondsRoundedDown
    let offset = offset(second)
    let wall = second + offset
    let next = second + 3600 - (wall - Self.floor(wall, 3600) * 3600)
    return Timestamp(seconds: self.offset(next) == offset ? next : change(second, next))
  }

  /// The start of the local hour that contains an instant.
  package func startOfHour(_ instant: Timestamp) -> Timestamp {
    let second = instant.secondsRoundedDown
    let offset = offset(second)
    let wall = second + offset
    let start = second - (wall - Self.floor(wall, 3600) * 3600)
    return Timestamp(seconds: self.offset(start) == offset ? start : change(start, second))
  }

  /// The starts of the local hours that intersect [from, to).
  package func hourStarts(from: Timestamp, to: Timestamp) -> [Timestamp] {
    guard from < to else { return [] }
    var starts = [startOfHour(from)]
    while case let next = nextHour(after: starts[starts.count - 1]), next < to { starts.append(next) }
    return starts
  }

  /// The first instant at or after the given one at which the clock shows a full hour.
  package func fullHour(from instant: Timestamp) -> Timestamp {
    func isFull(_ instant: Timestamp) -> Bool {
      instant.microseconds == instant.secondsRoundedDown * 1_000_000 && secondOfDay(at: instant) % 3600 == 0
    }
    var instant = instant
    while !isFull(instant) { instant = nextHour(after: instant) }
    return instant
  }

  /// The borders of local hours in [from, to) that are not on a multiple of some time since 1970: of quarters of an hour,
  /// those of a few zones, at changes at one past midnight and where an offset is not of whole quarters.
  package func hourStarts(from: Timestamp, to: Timestamp, notOn grid: Int64) -> [Timestamp] {
    guard from < to else { return [] }
    let seconds = grid / 1_000_000
    var odd: [Timestamp] = []
    var (low, end) = (from.secondsRoundedDown, to.secondsRoundedDown + 1)
    while low < end {
      // A day at a time: where the offset stays, either no border is on the grid or, at whole offsets, every one is.
      let high = min(low + 86_400, end)
      if offset(low) != offset(high) || offset(low) % seconds != 0 {
        odd += hourStarts(from: Timestamp(seconds: low), to: Timestamp(seconds: high + 1)).filter {
          $0 >= from && $0 < to && $0.microseconds % grid != 0
        }
      }
      low = high
    }
    return Array(Set(odd)).sorted()
  }
}
