import Telemetry

/// The dashboard's global timeline filter.
package enum TimelineFilter: Hashable, Sendable, CustomStringConvertible {
  case last24Hours
  /// Calendar days that end today.
  case days(Int)
  case date(LocalDate)
  case range(LocalDate, LocalDate)
  /// From an instant to another, the second not included.
  case window(Timestamp, Timestamp)
  case thisMonth, lastMonth, thisYear, lastYear

  package static let presets: [TimelineFilter] = [.last24Hours, .days(7), .days(30), .days(90)]

  /// `24h`, `7d`, `30d`, `90d`, `2026-01-05`, `2026-01-05..2026-01-09`, `this-month`, …; instants of RFC 3339 in the place
  /// of both dates, `2026-01-05T10:00:00Z..2026-01-06T10:00:00Z`.
  /// - Throws: `QueryError`.
  package init(_ text: String) throws {
    switch text {
    case "24h": self = .last24Hours
    case "7d": self = .days(7)
    case "30d": self = .days(30)
    case "90d": self = .days(90)
    case "this-month": self = .thisMonth
    case "last-month": self = .lastMonth
    case "this-year": self = .thisYear
    case "last-year": self = .lastYear
    default:
      if let date = LocalDate(text) {
        self = .date(date)
        return
      }
      if let dots = text.range(of: ".."), let first = LocalDate(text[..<dots.lowerBound]),
        let last = LocalDate(text[dots.upperBound...])
      {
        guard first <= last else {
          throw QueryError("the period \(text) ends before it starts. Write the earlier date first.")
        }
        self = .range(first, last)
        return
      }
      var parser = TimestampParser()
      if let dots = text.range(of: ".."), let from = parser.parse(String(text[..<dots.lowerBound])),
        let to = parser.parse(String(text[dots.upperBound...]))
      {
        guard from < to else {
          throw QueryError("the period \(text) ends before it starts. Write the earlier instant first.")
        }
        self = .window(from, to)
        return
      }
      throw QueryError(
        "\"\(text)\" is not a period. Write 24h, 7d, 30d, 90d, a date (2026-01-05), a range of dates (2026-01-05..2026-01-09) or of instants (2026-01-05T10:00:00Z..2026-01-06T10:00:00Z), this-month, last-month, this-year or last-year."
      )
    }
  }

  package var description: String {
    switch self {
    case .last24Hours: "24h"
    case .days(let count): "\(count)d"
    case .date(let date): "\(date)"
    case .range(let first, let last): "\(first)..\(last)"
    case .window(let from, let to): "\(from.rfc3339)..\(to.rfc3339)"
    case .thisMonth: "this-month"
    case .lastMonth: "last-month"
    case .thisYear: "this-year"
    case .lastYear: "last-year"
    }
  }

  /// The filter's period in an account's calendar.
  /// - Throws: `QueryError` for a date after today or more than a year before.
  package func period(now: Timestamp, calendar: ZonedCalendar) throws -> DashboardPeriod {
    let today = calendar.date(at: now + -1)
    func dated(_ first: LocalDate, _ last: LocalDate) throws -> ClosedRange<LocalDate> {
      if last > today {
        throw QueryError("\(last) is after today, \(today). Nothing after now can be selected.")
      }
      if first < today.oneYearBefore {
        throw QueryError(
          "\(first) is more than one year before today, \(today). The earliest date is \(today.oneYearBefore)."
        )
      }
      return first...last
    }
    let dates: ClosedRange<LocalDate>
    switch self {
    case .last24Hours:
      // 24 hours that pass, not 24 that the clock shows: where it changes by half an hour they begin at half past.
      let end = calendar.fullHour(from: now)
      return DashboardPeriod(
        filter: self, spans: [Self.writable(end + -24 * 3_600_000_000..<end)], now: now, isHourly: true,
        calendar: calendar)
    case .days(let count): dates = today.advanced(byDays: 1 - count)...today
    case .date(let date): dates = try dated(date, date)
    case .range(let first, let last): dates = try dated(first, last)
    case .window(let from, let to):
      let covered = try dated(calendar.date(at: from), calendar.date(at: to + -1))
      // As a date, or the last 24 hours, would be.
      let isHourly = covered.lowerBound == covered.upperBound || to - from <= 24 * 3_600_000_000
      return DashboardPeriod(
        filter: self, spans: [Self.writable(from..<max(from, min(to, now)))], now: now, isHourly: isHourly,
        calendar: calendar)
    case .thisMonth: dates = today.firstOfMonth...today
    case .thisYear: dates = today.firstOfYear...today
    case .lastMonth:
      let last = today.firstOfMonth.advanced(byDays: -1)
      dates = last.firstOfMonth...last
    case .lastYear:
      let last = today.firstOfYear.advanced(byDays: -1)
      dates = last.firstOfYear...last
    }
    var isHourly = false
    if case .date = self { isHourly = true }
    if case .range(let first, let last) = self, first == last { isHourly = true }
    var spans = calendar.stretches(from: dates.lowerBound, to: dates.upperBound).filter {
      $0.lowerBound < now
    }.map { $0.lowerBound..<min($0.upperBound, now) }
    if spans.isEmpty {
      // A date that clocks skipped: nothing, where it would have been.
      let start = min(calendar.start(of: dates.lowerBound), now)
      spans = [start..<start]
    }
    return DashboardPeriod(
      filter: self, spans: spans.map(Self.writable), now: now, isHourly: isHourly, calendar: calendar)
  }
}

extension TimelineFilter {
  /// What of a period lies in the years 1 to 9999: there are no instants before or after.
  private static func writable(_ range: Range<Timestamp>) -> Range<Timestamp> {
    func inside(_ instant: Timestamp) -> Timestamp {
      min(max(instant, Timestamp.writable.lowerBound), Timestamp.writable.upperBound)
    }
    return inside(range.lowerBound)..<inside(range.upperBound)
  }
}

/// A request for figures that cannot be answered: the user's to fix.
package struct QueryError: ExplainedError, Equatable {
  package let kind = ErrorKind.usage
  package let hasPlace = false
  private let wording: Wording

  package init(wording: Wording) { self.wording = wording }

  package init(_ description: String) { self.init(wording: Wording(description)) }

  package func text(naming name: (Setting) -> String) -> String { wording.text(naming: name).shown }
}
