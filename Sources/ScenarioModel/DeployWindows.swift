import Telemetry

/// When deploy, undeploy and version changes may happen.
package struct DeployWindows: Sendable, Equatable {
  package enum Policy: String, Sendable {
    /// An operation asked for outside a window waits for the next one.
    case `defer`
    case refuse
  }

  /// Weekly, in local time: weekday (0 is Monday), from and to in seconds of the day.
  package struct Window: Hashable, Sendable {
    package var weekday: Int
    package var fromSecond: Int64
    package var toSecond: Int64

    package init(weekday: Int, fromSecond: Int64, toSecond: Int64) {
      self.weekday = weekday
      self.fromSecond = fromSecond
      self.toSecond = toSecond
    }
  }

  package var policy: Policy
  /// Empty: always open.
  package var weekly: [Window]
  package var freezes: [Range<Timestamp>]
  package var calendar: ZonedCalendar

  package init(policy: Policy, weekly: [Window], freezes: [Range<Timestamp>], calendar: ZonedCalendar) {
    self.policy = policy
    self.weekly = weekly
    self.freezes = freezes
    self.calendar = calendar
  }

  package static func always(_ calendar: ZonedCalendar) -> DeployWindows {
    DeployWindows(policy: .defer, weekly: [], freezes: [], calendar: calendar)
  }

  package func isOpen(at instant: Timestamp) -> Bool { nextOpening(from: instant) == instant }

  /// The first instant at or after the given one at which operations are allowed; `nil` if there is none
  /// within ten years.
  package func nextOpening(from instant: Timestamp) -> Timestamp? {
    var candidate = instant
    let horizon = instant + 3650 * 86_400_000_000
    while candidate < horizon {
      if let freeze = freezes.first(where: { $0.contains(candidate) }) {
        candidate = freeze.upperBound
        continue
      }
      guard !weekly.isEmpty else { return candidate }
      let opening = nextWeeklyOpening(from: candidate)
      guard let opening else { return nil }
      if opening == candidate { return candidate }
      candidate = opening
    }
    return nil
  }

  private func nextWeeklyOpening(from instant: Timestamp) -> Timestamp? {
    // Yesterday may come again, where clocks go back over midnight.
    var date = calendar.date(at: instant).advanced(byDays: -1)
    // Nine days: today may come again a week later, before the hour that has passed today.
    for _ in 0..<9 {
      var best: Timestamp?
      for window in weekly where window.weekday == date.weekday {
        let from = Self.border(date, window.fromSecond, isEnd: false, calendar)
        let to = Self.border(date, window.toSecond, isEnd: true, calendar)
        if instant < to, from < to { best = min(best ?? .supported.upperBound, max(from, instant)) }
      }
      if let best { return best }
      date = date.advanced(byDays: 1)
    }
    return nil
  }

  /// A border that clocks skip is the clock change; one that occurs twice opens early and closes late.
  static func border(_ date: LocalDate, _ second: Int64, isEnd: Bool, _ calendar: ZonedCalendar) -> Timestamp
  {
    if second == 86_400 { return calendar.end(of: date) }
    switch calendar.instant(of: date, secondOfDay: second) {
    case .once(let instant), .never(let instant): return instant
    case .twice(let first, let second): return isEnd ? second : first
    }
  }

  /// `Mon-Thu 08:00-18:00`, `Fri 08:00-12:00`, `Sat-Sun 00:00-24:00`; `nil` if it is none.
  static func parse(_ text: String) -> [Window]? {
    let parts = text.split(separator: " ")
    guard parts.count == 2 else { return nil }
    let days = parts[0].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    let hours = parts[1].split(separator: "-", omittingEmptySubsequences: false)
    guard (1...2).contains(days.count), hours.count == 2,
      let first = Grammar.weekdays.firstIndex(of: days[0]),
      let last = Grammar.weekdays.firstIndex(of: days[days.count - 1]),
      let from = second(hours[0]), let to = second(hours[1]), from < to
    else { return nil }
    return (0...((last - first + 7) % 7)).map {
      Window(weekday: (first + $0) % 7, fromSecond: from, toSecond: to)
    }
  }

  private static func second(_ text: some StringProtocol) -> Int64? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2,
      parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } }),
      let hour = Int64(parts[0]), let minute = Int64(parts[1]), minute < 60,
      hour < 24 || (hour == 24 && minute == 0)
    else { return nil }
    return hour * 3600 + minute * 60
  }
}

extension ZonedCalendar: Equatable {
  package static func == (a: ZonedCalendar, b: ZonedCalendar) -> Bool { a.identifier == b.identifier }
}
