import Telemetry

/// Dates and times as documents and options have them.
package enum InstantText {
  package struct InstantError: Error {
    package let text: String
  }

  /// `2026-01-05`, `2026-01-05T09:00`, seconds and an offset if wanted; local to the calendar without one.
  package static func parse(_ text: String, _ calendar: ZonedCalendar) -> Result<Timestamp, InstantError> {
    let help = "is not an instant. Write 2026-01-05, 2026-01-05T09:00 or 2026-01-05T09:00:00Z."
    guard let date = LocalDate(text.prefix(10)) else {
      let looksLikeDate = text.utf8.count >= 10 && text.dropFirst(4).first == "-"
      return .failure(
        InstantError(text: looksLikeDate ? "is not a date of the calendar. \(help.dropFirst(19))" : help))
    }
    var rest = text.dropFirst(10)
    guard !rest.isEmpty else { return local(date, 0, calendar) }
    guard rest.first == "T" || rest.first == " " else { return .failure(InstantError(text: help)) }
    rest = rest.dropFirst()
    let clock = rest.prefix { $0.isNumber || $0 == ":" || $0 == "." }
    let zone = rest.dropFirst(clock.count)
    let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), parts[0].count == 2, parts[1].count == 2 else {
      return .failure(InstantError(text: help))
    }
    if !zone.isEmpty {
      var parser = TimestampParser()
      let seconds = parts.count == 2 ? ":00" : ""
      guard let instant = parser.parse("\(text.prefix(10))T\(clock)\(seconds)\(zone)") else {
        return .failure(InstantError(text: help))
      }
      return .success(instant)
    }
    guard let hour = Int64(parts[0]), let minute = Int64(parts[1]), minute < 60,
      let second = parts.count == 3 ? (parts[2].count == 2 ? Int64(parts[2]) : nil) : 0, second < 60,
      hour < 24 || (hour == 24 && minute == 0 && second == 0)
    else { return .failure(InstantError(text: help)) }
    return local(date, hour * 3600 + minute * 60 + second, calendar)
  }

  private static func local(
    _ date: LocalDate, _ second: Int64, _ calendar: ZonedCalendar
  ) -> Result<Timestamp, InstantError> {
    switch calendar.instant(of: date, secondOfDay: second) {
    case .once(let instant): return .success(instant)
    case .twice(let first, _): return .success(first)
    case .never(let change):
      // A day that starts in the gap (00:00 → 01:00) starts at the change.
      if second == 0 { return .success(change) }
      return .failure(
        InstantError(
          text:
            "does not exist in \(calendar.identifier): clocks skip it, to \(change.rfc3339(in: calendar)). Write a time that exists, or give an offset."
        ))
    }
  }
}
