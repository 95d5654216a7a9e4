import Aggregation
import Foundation
import ScenarioModel
import Telemetry
import Testing

@Suite("What requests cost")
struct CostTests {
  private static let instant: Int64 = 1_767_571_200_000_000

  /// Requests a minute apart from 2026-01-05T00:00Z, of 100 input and 20 output tokens each; the cost of every third is not
  /// known.
  private static func batch() -> RequestBatch {
    let batch = RequestBatch(capacity: 100)
    for row in 0..<90 {
      var record = RequestRecord(id: Int64(row + 1), arrivedAt: instant + Int64(row) * 60_000_000, series: 0)
      record.measures[.latency] = 1_000_000
      record.measures[.inputTokens] = 100
      record.measures[.outputTokens] = 20
      if row % 3 != 2 { record.measures[.cost] = Int64(row) * 1000 }
      batch.append(record)
    }
    return batch
  }

  private static let account = AccountRecord(account: "a", timeZone: "UTC", subscriptionMaxReplicas: 1)
  private static let models = [
    ModelRecord(
      modelID: 1, account: "a", kind: .external, name: "m", provider: "p",
      createdAt: Timestamp(microseconds: 0))
  ]
  private static let end = Timestamp(microseconds: instant + 86_400_000_000)

  private static func rollups() throws -> RequestRollups {
    let rollups = RequestRollups(
      series: [Series(modelID: 1, version: "")], now: end, reasons: FailureReasons())
    try batch().send(to: rollups)
    try rollups.finish()
    return rollups
  }

  private static func archive(_ rollups: RequestRollups) throws -> RollupArchive {
    try RollupArchive(RollupArchive.data([rollups], account: account, models: models, end: end))
  }

  private static func total(_ source: some RollupSource, byDay: Bool = false) throws -> RollupTotal {
    var total = RollupTotal()
    let all = Timestamp(microseconds: .min)..<Timestamp(microseconds: .max)
    try source.visit(0, in: all, byDay: byDay) { total.add($0.cell) }
    return total
  }

  @Test("sums are of the requests of which the cost is known: in memory, stored, by day")
  func sums() throws {
    let known = (0..<90).filter { $0 % 3 != 2 }
    let rollups = try Self.rollups()
    let archive = try Self.archive(rollups)
    for total in [
      try Self.total(rollups), try Self.total(archive), try Self.total(archive, byDay: true),
    ] {
      #expect(total.cost == Int128(known.reduce(0, +) * 1000))
      #expect(total.costed == 60 && total.costedTokens == 60 * 120)
    }
  }

  @Test("the dashboard has a point for each bucket with a known cost, and averages over these requests")
  func widget() throws {
    var tables = TelemetryTables()
    tables.accounts = [Self.account]
    tables.models = Self.models
    let query = try DashboardQuery(
      account: Self.account, filter: TimelineFilter("24h"), now: Self.end,
      selection: ModelSelection(kind: .external), tables: tables, series: [Series(modelID: 1, version: "")])
    let cost = try #require(try query.answer(Self.rollups()).cost)
    #expect(cost.points.map(\.at) == ["2026-01-05T00:00:00Z", "2026-01-05T01:00:00Z"])
    let first = (0..<60).filter { $0 % 3 != 2 }.reduce(0, +)
    let all = (0..<90).filter { $0 % 3 != 2 }.reduce(0, +)
    #expect(cost.points.map(\.cost) == [Double(first) / 1000, Double(all - first) / 1000])
    #expect(cost.total == Double(all) / 1000 && cost.requests == 60)
    #expect(cost.perRequest == Double(all) / 1000 / 60)
    #expect(cost.perMillionTokens == Double(all * 1000) / 7200)
  }

  @Test("telemetry that knows of no cost has no such part")
  func none() throws {
    let rollups = RequestRollups(
      series: [Series(modelID: 1, version: "")], now: Self.end, reasons: FailureReasons())
    let batch = RequestBatch(capacity: 1)
    batch.append(RequestRecord(id: 1, arrivedAt: Self.instant, series: 0))
    try batch.send(to: rollups)
    try rollups.finish()
    #expect(try Self.total(rollups).costed == 0)
  }
}

@Suite("Budgets of calendar months, judged by hand")
struct MonthlyCostTests {
  /// A request at each noon, in Berlin, of the days from 2026-03-16 on: it costs 1 on weekdays, 3 on Saturdays and 5 on
  /// Sundays.
  static func report(_ objective: String, days: Int, hour: Int = 24) throws -> ObjectiveReport.Result {
    let calendar = try #require(ZonedCalendar(identifier: "Europe/Berlin"))
    let first = try #require(LocalDate("2026-03-16"))
    var tables = TelemetryTables()
    tables.accounts = [.init(account: "a", timeZone: "Europe/Berlin", subscriptionMaxReplicas: 1)]
    tables.models = [
      .init(
        modelID: 1, account: "a", kind: .external, name: "m", provider: "p",
        createdAt: Timestamp(microseconds: 0))
    ]
    let start = calendar.start(of: first)
    let last = first.advanced(byDays: days - 1)
    let end = hour == 24 ? calendar.end(of: last) : calendar.start(of: last) + Int64(hour) * 3_600_000_000
    let parsed = [try ServiceObjective(objective)]
    let series = [Series(modelID: 1, version: "")]
    let rollups = ObjectiveRollups(parsed, series: series, owners: .init(tables), period: start..<end)
    let batch = RequestBatch(capacity: days)
    for day in 0..<days {
      let date = first.advanced(byDays: day)
      let noon = calendar.start(of: date) + 12 * 3_600_000_000
      if noon >= end { continue }
      var record = RequestRecord(id: Int64(day), arrivedAt: noon.microseconds, series: 0)
      record.measures[.latency] = 1
      record.measures[.inputTokens] = 1000
      record.measures[.cost] = date.weekday == 5 ? 3_000_000 : date.weekday == 6 ? 5_000_000 : 1_000_000
      batch.append(record)
    }
    try batch.send(to: rollups)
    return ObjectiveJudge(
      parsed, [rollups], tables: tables, reasons: RequestOutcome.names, period: start..<end
    ).report().objectives[0]
  }

  @Test("a month is that of the account's clock; the dearest one counts, and is named")
  func months() throws {
    // 16 to 31 March: two weeks of 13, and two weekdays. 1 to 14 April: a week of 13 twice.
    let result = try Self.report("cost.month <= 27", days: 30)
    #expect(result.verdict == .broken && result.worst?.value == 28)
    #expect(result.worst?.worst?.from == "2026-03-01T00:00:00+01:00")
    #expect(result.worst?.windows == 2 && result.worst?.brokenWindows == 1)
    #expect(try Self.report("cost.month <= 28", days: 30).verdict == .kept)
  }

  @Test("the rest of the month is the mean of the same weekdays of the last four weeks")
  func forecast() throws {
    // 14 days of April cost 26. The other 16, from Wednesday 15: 12 weekdays, two Saturdays, two Sundays: 28.
    let result = try Self.report("cost.month.forecast <= 53", days: 30)
    #expect(result.verdict == .broken && result.worst?.value == 54)
    #expect(result.worst?.worst?.from == "2026-04-01T00:00:00+02:00")
    #expect(result.worst?.worst?.to == "2026-05-01T00:00:00+02:00")
  }

  @Test("a day that is not over has its rest to come, and nothing twice")
  func today() throws {
    // The telemetry ends on Tuesday 14 at 18:00, after the day's request, or at 6:00, before it.
    for hour in [18, 6] {
      #expect(try Self.report("cost.month.forecast <= 54", days: 30, hour: hour).worst?.value == 54)
    }
  }

  @Test("a month that is over is foreseen as it was; without a whole day nothing can be")
  func edges() throws {
    #expect(try Self.report("cost.month.forecast <= 28", days: 16).worst?.value == 28)
    let short = try Self.report("cost.month.forecast <= 28", days: 1, hour: 18)
    #expect(short.verdict == .inconclusive && short.reason?.contains("no whole day") == true)
    // Three days: no Thursday has been seen, so that it costs what the three cost on average.
    #expect(try Self.report("cost.month.forecast <= 100", days: 3).worst?.value == 3 + 13)
  }
}
