import Aggregation
import Datasets
import Foundation
import Telemetry

/// A question whose answer a fixture holds, and why.
package struct FixtureQuestion: Sendable {
  /// Inside the fixture.
  package var file: String
  package var question: Dataset.Question
  /// What it exercises.
  package var why: String
}

/// Which views of the dashboard are worth expecting: every tab and filter, every kind of period, and the days on which
/// dashboards go wrong.
struct FixtureQuestions {
  private let tables: TelemetryTables
  private let now: Timestamp
  private let start: Timestamp
  private var used: Set<String> = []
  private(set) var questions: [FixtureQuestion] = []

  /// - Parameters:
  ///   - arrivals: sorted, of each account's requests.
  init(_ tables: TelemetryTables, start: Timestamp, now: Timestamp, arrivals: [String: [Int64]]) {
    self.tables = tables
    self.now = now
    self.start = start
    for account in tables.accounts { add(account, arrivals[account.account] ?? []) }
  }

  private mutating func add(_ account: AccountRecord, _ arrivals: [Int64]) {
    guard let calendar = ZonedCalendar(identifier: account.timeZone) else { return }
    let periods = periods(calendar, arrivals)
    for kind in ModelKind.allCases
    where tables.models.contains(where: { $0.account == account.account && $0.kind == kind }) {
      for selection in tables.selections(kind, of: account.account) {
        let isWhole = selection.isWholeTab
        for period in periods where isWhole || period.isForEverySelection {
          let name = name(account, selection, period.filter)
          let why = isWhole ? period.why : "\(Self.why(selection)); \(period.why)"
          questions.append(
            FixtureQuestion(
              file: "dashboard/\(RunDirectory.folderName(of: account.account))/\(name).json",
              question: .init(account: account, filter: period.filter, now: now, selection: selection),
              why: why))
        }
      }
    }
  }

  private struct Period {
    var filter: TimelineFilter
    var why: String
    var isForEverySelection = false
  }

  /// Presets, and days of interest.
  private func periods(_ calendar: ZonedCalendar, _ arrivals: [Int64]) -> [Period] {
    var periods = [
      Period(
        filter: .last24Hours, why: "24 hourly points that end with the first whole hour at or after now",
        isForEverySelection: true),
      Period(
        filter: .days(7), why: "the default period: daily points, and one latency point a request",
        isForEverySelection: true),
      Period(filter: .days(30), why: "daily points and daily average latency", isForEverySelection: true),
      Period(filter: .days(90), why: "a long period, most of it perhaps before the data"),
      Period(filter: .thisMonth, why: "from the first of the month to now"),
      Period(filter: .lastMonth, why: "a whole month that ends before now"),
      Period(filter: .thisYear, why: "from New Year to now"),
      Period(filter: .lastYear, why: "a whole year that ends before now"),
    ]
    let today = calendar.date(at: now + -1)
    let first = max(calendar.date(at: start), today.oneYearBefore)
    var days: [LocalDate] = []
    var day = first
    while day <= today, days.count < 400 {
      days.append(day)
      day = day.advanced(byDays: 1)
    }
    var counts: [LocalDate: Int] = [:]
    for at in arrivals { counts[calendar.date(at: Timestamp(microseconds: at)), default: 0] += 1 }
    var known: Set<String> = []
    func add(_ filter: TimelineFilter, _ why: String, everySelection: Bool = false) {
      guard known.insert(filter.description).inserted else { return }
      periods.append(Period(filter: filter, why: why, isForEverySelection: everySelection))
    }
    if let busiest = days.max(by: { (counts[$0] ?? 0, $1) < (counts[$1] ?? 0, $0) }), counts[busiest] != nil {
      add(
        .date(busiest), "the busiest day: hourly points, and the configured maximum of replicas",
        everySelection: true)
    }
    if let silent = days.dropFirst().first(where: { counts[$0] == nil }), silent < today {
      add(.date(silent), "a day without requests: no points, undefined averages")
      let before = silent.advanced(byDays: -1)
      let after = silent.advanced(byDays: 1)
      if before >= first { add(.range(before, after), "a gap of a day between points") }
    }
    for day in days {
      let stretches = calendar.stretches(from: day, to: day)
      let length = stretches.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
      if stretches.isEmpty {
        add(.date(day), "a day that never was: clocks skip it")
      } else if stretches.count > 1 {
        add(.date(day), "a day with a gap: clocks go back over midnight")
      } else if length != 86_400_000_000 {
        let hours = Double(length) / 3.6e9
        add(
          .date(day),
          "a day of \(hours == hours.rounded() ? String(Int(hours)) : String(hours)) hours: clocks change")
      }
      if "\(day)".hasSuffix("-02-29") { add(.date(day), "the leap day") }
      if "\(day)".hasSuffix("-01-01"), day > first {
        add(
          .range(day.advanced(byDays: -1), day),
          "New Year's Eve and New Year's Day: buckets on both sides of the year's edge")
      }
    }
    if days.count > 1 {
      add(.date(first), "the first day of the data")
      add(.date(today), "today, cut at now")
    }
    if today.advanced(byDays: -7) >= today.oneYearBefore {
      add(.range(today.advanced(byDays: -6), today), "seven days: one latency point a request")
      add(.range(today.advanced(byDays: -7), today), "eight days: the latency graph turns to daily averages")
    }
    return periods
  }

  private static func why(_ selection: ModelSelection) -> String {
    selection.filters.map { $0.filter.words($0.value) }.joined(separator: ", ")
  }

  /// A name that any file system takes; two that come out alike are numbered.
  private mutating func name(_ account: AccountRecord, _ selection: ModelSelection, _ filter: TimelineFilter)
    -> String
  {
    var name = "\(selection.kind.rawValue)-\(filter)"
    for (filter, value) in selection.filters {
      switch value {
      case .text(let text): name += "--\(filter.name)-\(Self.slug(text))"
      case .instant(let instant): name += "--deployed-\(Self.slug(instant.rfc3339))"
      }
    }
    var unique = name
    var number = 2
    while !used.insert("\(account.account)/\(unique.lowercased())").inserted {
      unique = "\(name)~\(number)"
      number += 1
    }
    return unique
  }

  private static func slug(_ text: String) -> String {
    String(
      text.unicodeScalars.prefix(40).map { scalar -> Character in
        scalar.isASCII
          && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
            || "-_.".unicodeScalars.contains(scalar))
          ? Character(scalar) : "_"
      })
  }
}
