import Telemetry

/// The dashboard's global timeline filter.
package enum TimelineFilter: Hashable, Sendable, CustomStringConvertible {
  case last24Hours
  /// Calendar days that end today.
  case days(Int)
  case date(LocalDate)
  case range(LocalDate, LocalDate)
  case thisMonth, lastMonth, thisYear, lastYear

  package static let presets: [TimelineFilter] = [.last24Hours, .days(7), .days(30), .days(90)]

  /// `24h`, `7d`, `30d`, `90d`, `2026-01-05`, `2026-01-05..2026-01-09`, `this-month`, …
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
      throw QueryError(
        "\"\(text)\" is not a period. Write 24h, 7d, 30d, 90d, a date (2026-01-05), a range of dates (2026-01-05..2026-01-09), this-month, last-month, this-year or last-year."
      )
    }
  }

  package var description: String {
    switch self {
    case .last24Hours: "24h"
    case .days(let count): "\(count)d"
    case .date(let date): "\(date)"
    case .range(let first, let last): "\(first)..\(last)"
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
    func day(_ date: LocalDate) -> Timestamp { calendar.start(of: date) }
    func dated(_ first: LocalDate, _ last: LocalDate) throws -> Range<Timestamp> {
      if last > today {
        throw QueryError("\(last) is after today, \(today). Nothing after now can be selected.")
      }
      if first < today.oneYearBefore {
        throw QueryError(
          "\(first) is more than one year before today, \(today). The earliest date is \(today.oneYearBefore)."
        )
      }
      return day(first)..<min(day(last.advanced(byDays: 1)), now)
    }
    let range: Range<Timestamp>
    switch self {
    case .last24Hours:
      let end = calendar.startOfHour(now) == now ? now : calendar.nextHour(after: now)
      // 24 local hours are never longer than 27: clocks change by an hour at most, seldom two.
      let starts = calendar.hourStarts(from: end + -27 * 3_600_000_000, to: end)
      range = starts[starts.count - 24]..<end
    case .days(let count): range = day(today.advanced(byDays: 1 - count))..<now
    case .date(let date): range = try dated(date, date)
    case .range(let first, let last): range = try dated(first, last)
    case .thisMonth: range = day(today.firstOfMonth)..<now
    case .thisYear: range = day(today.firstOfYear)..<now
    case .lastMonth:
      range = day(today.firstOfMonth.advanced(byDays: -1).firstOfMonth)..<day(today.firstOfMonth)
    case .lastYear:
      range = day(today.firstOfYear.advanced(byDays: -1).firstOfYear)..<day(today.firstOfYear)
    }
    var isHourly = self == .last24Hours
    if case .date = self { isHourly = true }
    if case .range(let first, let last) = self, first == last { isHourly = true }
    return DashboardPeriod(
      filter: self, range: Self.supported(range), now: now, isHourly: isHourly, calendar: calendar)
  }
}

extension TimelineFilter {
  /// What of a period lies in the years 1 to 9999: there are no moments before or after.
  private static func supported(_ range: Range<Timestamp>) -> Range<Timestamp> {
    func inside(_ moment: Timestamp) -> Timestamp {
      min(max(moment, Timestamp.supported.lowerBound), Timestamp.supported.upperBound)
    }
    return inside(range.lowerBound)..<inside(range.upperBound)
  }
}

/// A request for figures that cannot be answered: the user's to fix.
package struct QueryError: Error, CustomStringConvertible, Equatable {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// What a timeline filter selects, with its buckets.
package struct DashboardPeriod: Sendable {
  package let filter: TimelineFilter
  package let range: Range<Timestamp>
  package let now: Timestamp
  package let isHourly: Bool
  package let calendar: ZonedCalendar
  /// Starts of the local hours or days; the first may lie before the range only if the range starts within it.
  package let bucketStarts: [Timestamp]

  init(
    filter: TimelineFilter, range: Range<Timestamp>, now: Timestamp, isHourly: Bool, calendar: ZonedCalendar
  ) {
    self.filter = filter
    self.range = range
    self.now = now
    self.isHourly = isHourly
    self.calendar = calendar
    let starts =
      isHourly
      ? calendar.hourStarts(from: range.lowerBound, to: range.upperBound)
      : calendar.dayStarts(from: range.lowerBound, to: range.upperBound)
    // The first day that there is has begun, in the east, before the first moment.
    bucketStarts = starts.map { max($0, Timestamp.supported.lowerBound) }
  }

  /// The period without what lies after now.
  package var past: Range<Timestamp> { range.lowerBound..<max(range.lowerBound, min(range.upperBound, now)) }

  /// One latency point a request for periods of up to 7 local days.
  package var showsEveryRequest: Bool {
    calendar.dayStarts(from: range.lowerBound, to: range.upperBound).count <= 7
  }

  /// Single days end their scaling graph at the largest max replicas.
  package var isSingleDay: Bool { isHourly }
}
