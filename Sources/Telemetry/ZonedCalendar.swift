import Foundation

/// Days and hours of a time zone, through its clock changes. Rules come from Foundation.
package struct ZonedCalendar: Sendable {
  package let timeZone: TimeZone
  package let identifier: String

  /// `nil` for an identifier that is not in the IANA data base.
  package init?(identifier: String) {
    // Foundation also takes abbreviations and "GMT+3", whose meaning is not IANA's. Its list of known identifiers
    // lacks aliases such as Asia/Kolkata, which it can read nonetheless.
    guard identifier.contains("/") || Self.knownIdentifiers.contains(identifier),
      let zone = TimeZone(identifier: identifier)
    else { return nil }
    timeZone = zone
    self.identifier = identifier
  }

  package static let utc = ZonedCalendar(utc: ())
  private init(utc: Void) {
    timeZone = .gmt
    identifier = "UTC"
  }

  package static let knownIdentifiers = Set(TimeZone.knownTimeZoneIdentifiers).union(["UTC", "Etc/UTC"])

  package func offsetSeconds(at moment: Timestamp) -> Int { timeZone.secondsFromGMT(for: moment.date) }

  /// Seconds that a clock on the wall shows, counted as if it were UTC.
  private func wallSeconds(at moment: Timestamp) -> Int64 {
    moment.secondsRoundedDown + Int64(offsetSeconds(at: moment))
  }

  package func date(at moment: Timestamp) -> LocalDate {
    let wall = wallSeconds(at: moment)
    return LocalDate(daysSince1970: Int((wall >= 0 ? wall : wall - 86_399) / 86_400))
  }

  /// What a wall-clock reading stands for.
  package enum WallTime: Equatable, Sendable {
    case once(Timestamp)
    /// Clocks go back: it comes twice.
    case twice(first: Timestamp, second: Timestamp)
    /// Clocks go forward: it never comes. The moment is that of the change.
    case never(changeAt: Timestamp)
  }

  package func moment(of date: LocalDate, secondOfDay: Int64 = 0) -> WallTime {
    let wall = Int64(date.daysSince1970) * 86_400 + secondOfDay
    let around = [wall - 86_400, wall + 86_400].map {
      Int64(offsetSeconds(at: Timestamp(seconds: $0)))
    }
    var found: [Timestamp] = []
    for offset in Set(around) {
      let candidate = Timestamp(seconds: wall - offset)
      if Int64(offsetSeconds(at: candidate)) == offset { found.append(candidate) }
    }
    found.sort()
    if found.count == 2 { return .twice(first: found[0], second: found[1]) }
    if let only = found.first { return .once(only) }
    // The first second whose wall clock has passed the reading.
    var low = wall - max(around[0], around[1]) - 1
    var high = wall - min(around[0], around[1]) + 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if wallSeconds(at: Timestamp(seconds: middle)) > wall { high = middle } else { low = middle }
    }
    return .never(changeAt: Timestamp(seconds: high))
  }

  /// The first moment of a local day.
  package func start(of date: LocalDate) -> Timestamp {
    switch moment(of: date) {
    case .once(let moment), .twice(let moment, _), .never(let moment): moment
    }
  }

  /// The starts of the local days that intersect [from, to).
  package func dayStarts(from: Timestamp, to: Timestamp) -> [Timestamp] {
    guard from < to else { return [] }
    var starts: [Timestamp] = []
    var date = date(at: from)
    while case let start = start(of: date), start < to {
      starts.append(start)
      date = date.advanced(byDays: 1)
    }
    return starts
  }

  /// The next border of a local hour after a moment: a full hour on the wall clock, or a clock change.
  /// A repeated hour is two hours; a clock change by half an hour makes a short one.
  package func nextHour(after moment: Timestamp) -> Timestamp {
    let second = moment.secondsRoundedDown
    let wall = wallSeconds(at: moment)
    let past = ((wall % 3600) + 3600) % 3600
    let next = Timestamp(seconds: second + 3600 - past)
    if offsetSeconds(at: next) == offsetSeconds(at: moment) { return next }
    let offset = offsetSeconds(at: moment)
    var low = second
    var high = next.secondsRoundedDown
    while high - low > 1 {
      let middle = (low + high) / 2
      if offsetSeconds(at: Timestamp(seconds: middle)) == offset { low = middle } else { high = middle }
    }
    return Timestamp(seconds: high)
  }

  /// The start of the local hour that contains a moment.
  package func startOfHour(_ moment: Timestamp) -> Timestamp {
    var start = start(of: date(at: moment))
    while case let next = nextHour(after: start), next <= moment { start = next }
    return start
  }

  /// The starts of the local hours that intersect [from, to).
  package func hourStarts(from: Timestamp, to: Timestamp) -> [Timestamp] {
    guard from < to else { return [] }
    var starts = [startOfHour(from)]
    while case let next = nextHour(after: starts[starts.count - 1]), next < to { starts.append(next) }
    return starts
  }
}
