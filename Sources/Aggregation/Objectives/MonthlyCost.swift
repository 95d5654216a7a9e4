import ScenarioModel
import Telemetry

/// What requests cost in the calendar months of an account's zone, and what the last month will cost.
struct MonthlyCost {
  struct Month {
    /// From its first local day to that of the next month, µs.
    var range: Range<Int64>
    var cost: Double
    var requests: Int64
  }

  /// In order of time.
  private(set) var months: [Month] = []
  private var days: [LocalDate: Double] = [:]
  private let calendar: ZonedCalendar
  private let period: Range<Timestamp>

  /// - Parameters:
  ///   - period: of the telemetry; of a month that reaches beyond it, only what lies inside is known.
  init(_ cells: [ObjectiveCell], _ calendar: ZonedCalendar, _ period: Range<Timestamp>) {
    self.calendar = calendar
    self.period = period
    var byMonth: [LocalDate: (cost: Int128, requests: Int64)] = [:]
    var byDay: [LocalDate: Int128] = [:]
    for cell in cells {
      let date = calendar.date(at: Timestamp(microseconds: cell.hour.lowerBound))
      byDay[date, default: 0] += cell.counts.cost
      byMonth[date.firstOfMonth, default: (0, 0)].cost += cell.counts.cost
      byMonth[date.firstOfMonth, default: (0, 0)].requests += cell.counts.costed
    }
    days = byDay.mapValues(CostWidget.amount)
    months = byMonth.sorted { $0.key < $1.key }.map { first, sum in
      let from = calendar.start(of: first)
      let next = calendar.start(of: Self.next(first))
      return Month(
        range: from.microseconds..<next.microseconds, cost: CostWidget.amount(sum.cost),
        requests: sum.requests)
    }
  }

  private static func next(_ firstOfMonth: LocalDate) -> LocalDate {
    firstOfMonth.advanced(byDays: 31).firstOfMonth
  }

  /// What the month of the telemetry's end will have cost: what it has cost, and for each local day that is to come, and
  /// the rest of the last one, the mean of the same weekday among the last 28 whole days; of all of these days where
  /// there is no such weekday. `nil` without a whole day.
  var forecast: Month? {
    let last = Timestamp(microseconds: period.upperBound.microseconds - 1)
    let today = calendar.date(at: last)
    let isDayOver = calendar.end(of: today) <= period.upperBound
    let firstToCome = isDayOver ? today.advanced(byDays: 1) : today
    let firstOfMonth = today.firstOfMonth
    let next = Self.next(firstOfMonth)
    let range = calendar.start(of: firstOfMonth).microseconds..<calendar.start(of: next).microseconds
    let spent = months.first { $0.range == range }
    var month = Month(range: range, cost: spent?.cost ?? 0, requests: spent?.requests ?? 0)
    if firstToCome >= next { return month }
    let whole = (1...28).map { firstToCome.advanced(byDays: -$0) }.filter {
      calendar.start(of: $0) >= period.lowerBound
    }
    if whole.isEmpty { return nil }
    func mean(_ dates: [LocalDate]) -> Double {
      dates.reduce(0) { $0 + (days[$1] ?? 0) } / Double(dates.count)
    }
    var day = firstToCome
    while day < next {
      let alike = whole.filter { $0.weekday == day.weekday }
      let expected = mean(alike.isEmpty ? whole : alike)
      // Of a day that is not over, what is to come: never less than nothing.
      month.cost += day == today ? max(expected - (days[day] ?? 0), 0) : expected
      day = day.advanced(byDays: 1)
    }
    return month
  }
}
