import Aggregation
import Foundation
import Telemetry
import TestSupport
import Testing

/// A data set in a zone: a replica and a fine-tuning job all the time, and a request every few minutes and around every
/// change of the clock.
private struct ZonedWorld {
  let calendar: ZonedCalendar
  let from: Timestamp
  let to: Timestamp
  var tables = TelemetryTables()
  var arrivals: [Timestamp] = []
  let series = [Series(modelID: 1, version: "V1")]

  init(_ zone: String, _ from: String, _ to: String) throws {
    calendar = try #require(ZonedCalendar(identifier: zone))
    self.from = SmallWorld.instant(from)
    self.to = SmallWorld.instant(to)
    tables.accounts = [.init(account: "acme", timeZone: zone, subscriptionMaxReplicas: 8)]
    tables.hardware = [.init(account: "acme", hardware: "A10", creditsMicroPerHour: 3_600_000)]
    tables.models = [
      .init(modelID: 1, account: "acme", kind: .openSource, name: "m", provider: "", createdAt: self.from)
    ]
    tables.deployments = [
      .init(
        modelID: 1, version: "V1", hardware: "A10", minReplicas: 1, maxReplicas: 4, maxBatchSize: 4,
        requestedAt: self.from, deployedAt: self.from, undeployedAt: nil, outcome: .deployed)
    ]
    tables.replicas = [
      .init(
        at: self.from, modelID: 1, version: "V1", hardware: "A10", starting: 0, ready: 1, draining: 0,
        limitedBy: .none)
    ]
    var instants: Set<Timestamp> = []
    var instant = self.from
    while instant < self.to {
      instants.insert(instant)
      instant = instant + 433_000_000
    }
    for hour in calendar.hourStarts(from: self.from, to: self.to) {
      for shift: Int64 in [-1_000_000, -1, 0, 1, 1_000_000, 30_000_000] { instants.insert(hour + shift) }
    }
    arrivals = instants.filter { $0 >= self.from && $0 < self.to }.sorted()
  }

  var batch: RequestBatch {
    let batch = RequestBatch(capacity: arrivals.count)
    for (id, at) in arrivals.enumerated() {
      batch.append(
        requestID: Int64(id + 1), arrivedAt: at.microseconds, series: 0, outcome: 0, waitingMicroseconds: 0,
        firstTokenMicroseconds: 500, latencyMicroseconds: 1000 + Int64(id), inputTokens: 1, outputTokens: 1)
    }
    return batch
  }

  func query(_ period: String, now: Timestamp? = nil) throws -> DashboardQuery {
    try DashboardQuery(
      account: tables.accounts[0], filter: TimelineFilter(period), now: now ?? to,
      selection: .init(kind: .openSource), tables: tables, series: series)
  }

  func rollups(_ cuts: [Timestamp] = []) throws -> RequestRollups {
    let rollups = RequestRollups(series: series, now: to, reasons: FailureReasons())
    rollups.cut(at: cuts)
    try batch.send(to: rollups)
    try rollups.finish()
    return rollups
  }

  func archive() throws -> RollupArchive {
    try RollupArchive(
      try RollupArchive.data([try rollups()], account: tables.accounts[0], models: tables.models, end: to))
  }

  func answer(_ period: String) throws -> Dashboard {
    let query = try query(period)
    return try query.answer(try rollups(query.period.cuts))
  }
}

@Suite("Figures where clocks change")
struct ClockChangeFigureTests {
  /// A zone and UTC instants before and after a change.
  static let changes = [
    ("America/St_Johns", "2010-11-05T00:00:00Z", "2010-11-09T12:00:00Z"),
    ("America/Goose_Bay", "2010-11-05T00:00:00Z", "2010-11-09T12:00:00Z"),
    ("Antarctica/Casey", "2010-03-02T00:00:00Z", "2010-03-07T00:00:00Z"),
    ("Antarctica/Casey", "2020-10-02T00:00:00Z", "2020-10-06T00:00:00Z"),
    ("Asia/Gaza", "2011-03-30T00:00:00Z", "2011-04-03T00:00:00Z"),
    ("Pacific/Apia", "2011-12-27T00:00:00Z", "2012-01-02T00:00:00Z"),
    ("America/Havana", "2025-10-31T00:00:00Z", "2025-11-05T00:00:00Z"),
    ("Asia/Beirut", "2026-03-27T00:00:00Z", "2026-03-31T00:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-03T00:00:00Z", "2026-04-07T00:00:00Z"),
    ("Africa/Monrovia", "1972-01-05T00:00:00Z", "1972-01-10T00:00:00Z"),
    ("Europe/Paris", "1911-03-08T00:00:00Z", "1911-03-13T00:00:00Z"),
    ("Europe/Amsterdam", "1935-10-04T00:00:00Z", "1935-10-08T00:00:00Z"),
  ]

  @Test("a request counts in the date that the clock shows, once", arguments: changes)
  func everyDate(zone: String, from: String, to: String) throws {
    let world = try ZonedWorld(zone, from, to)
    let expected = Dictionary(grouping: world.arrivals, by: world.calendar.date).mapValues(\.count)
    let first = world.calendar.date(at: world.from)
    let last = world.calendar.date(at: world.to + -1)
    var (counted, credits) = (0, 0.0)
    var date = first
    while date <= last {
      let dashboard = try world.answer("\(date)")
      #expect(dashboard.requests.totalRequests == Int64(expected[date] ?? 0), "\(date)")
      #expect(
        dashboard.requests.points.reduce(0) { $0 + $1.successes } == dashboard.requests.totalRequests,
        "\(date)")
      #expect(dashboard.latency.points.count == expected[date] ?? 0, "\(date)")
      // One replica at 3,600,000 micro-credits an hour costs a micro-credit a millisecond.
      let inside = world.calendar.stretches(from: date, to: date).reduce(Int64(0)) {
        $0 + max(0, min($1.upperBound, world.to) - max($1.lowerBound, world.from))
      }
      #expect(abs(dashboard.account.deploymentCredits - Double(inside) / 1e9) < 1e-9, "\(date)")
      counted += Int(dashboard.requests.totalRequests)
      credits += dashboard.account.deploymentCredits
      date = date.advanced(byDays: 1)
    }
    #expect(counted == world.arrivals.count)
    #expect(abs(credits - Double(world.to - world.from) / 1e9) < 1e-9)
    // By days, in one period.
    let whole = try world.answer("\(first)..\(last)")
    #expect(whole.requests.points.count == expected.count)
    #expect(
      whole.requests.points.map { Int($0.successes) } == expected.sorted { $0.key < $1.key }.map(\.value))
    #expect(abs(whole.account.deploymentCredits - credits) < 1e-9)
  }

  @Test("stored rollups give the same figures, or say which instant they cannot cut", arguments: changes)
  func stored(zone: String, from: String, to: String) throws {
    let world = try ZonedWorld(zone, from, to)
    let archive = try world.archive()
    #expect(try archive.totalRequests() == Int64(world.arrivals.count))
    let first = world.calendar.date(at: world.from)
    let last = world.calendar.date(at: world.to + -1)
    var periods = ["\(first)..\(last)", "24h", "7d", "30d", "90d"]
    for days in 0...(last.daysSince1970 - first.daysSince1970) {
      periods.append("\(first.advanced(byDays: days))")
    }
    for period in periods {
      let query = try world.query(period)
      if let cut = try query.cut(archive) {
        #expect(query.period.cuts.contains(cut) && cut.microseconds % 900_000_000 != 0)
      } else {
        #expect(try query.answer(archive).json() == world.answer(period).json(), "\(period)")
      }
      // Rollups that were cut beforehand, as a run's and a live run's are, answer everything.
      let hours = world.calendar.hourStarts(from: world.from, to: world.to, notOn: 900_000_000)
      let fresh = try world.rollups(hours)
      #expect(try query.cut(fresh) == nil, "\(period)")
      #expect(try query.answer(fresh).json() == world.answer(period).json(), "\(period)")
    }
  }

  @Test("quarters that clocks cut are stored whole, to the same bytes")
  func storedWhole() throws {
    let world = try ZonedWorld("America/St_Johns", "2010-11-05T00:00:00Z", "2010-11-09T12:00:00Z")
    func bytes(_ cuts: [Timestamp]) throws -> Data {
      try RollupArchive.data(
        [try world.rollups(cuts)], account: world.tables.accounts[0], models: world.tables.models,
        end: world.to)
    }
    let cut = SmallWorld.instant("2010-11-07T02:31:00Z")
    #expect(try bytes([cut]) == bytes([]))
  }

  @Test("24 hours end with the first full hour that the clock shows at or after now")
  func lastDay() throws {
    func range(_ zone: String, _ now: String) throws -> [String] {
      let calendar = try #require(ZonedCalendar(identifier: zone))
      let period = try TimelineFilter("24h").period(now: SmallWorld.instant(now), calendar: calendar)
      return [
        period.range.lowerBound.rfc3339(in: calendar), period.range.upperBound.rfc3339(in: calendar),
        "\(period.bucketStarts.count)", try #require(period.bucketStarts.first).rfc3339(in: calendar),
      ]
    }
    // Lord Howe goes back by half an hour at 02:00 on 5 April, forward at 02:00 on 4 October.
    #expect(
      try range("Australia/Lord_Howe", "2026-04-06T00:00:00+10:30")
        == ["2026-04-05T00:30:00+11:00", "2026-04-06T00:00:00+10:30", "25", "2026-04-05T00:30:00+11:00"])
    #expect(
      try range("Australia/Lord_Howe", "2026-10-05T00:00:00+11:00")
        == ["2026-10-03T23:30:00+10:30", "2026-10-05T00:00:00+11:00", "25", "2026-10-03T23:30:00+10:30"])
    #expect(
      try range("Australia/Lord_Howe", "2026-04-05T01:50:00+11:00")
        == ["2026-04-04T02:30:00+11:00", "2026-04-05T02:00:00+10:30", "25", "2026-04-04T02:30:00+11:00"])
    #expect(
      try range("Antarctica/Casey", "2020-10-04T00:00:30+08:00")
        == ["2020-10-03T01:00:00+08:00", "2020-10-04T04:00:00+11:00", "25", "2020-10-03T01:00:00+08:00"])
    #expect(
      try range("Pacific/Chatham", "2026-04-05T12:10:00+12:45")
        == ["2026-04-04T14:00:00+13:45", "2026-04-05T13:00:00+12:45", "25", "2026-04-04T14:00:00+13:45"])
  }

  @Test("a date that clocks skip is a period without anything")
  func noDay() throws {
    let world = try ZonedWorld("Pacific/Apia", "2011-12-27T00:00:00Z", "2012-01-02T00:00:00Z")
    let dashboard = try world.answer("2011-12-30")
    #expect(dashboard.requests.totalRequests == 0 && dashboard.requests.points.isEmpty)
    #expect(dashboard.account.deploymentCredits == 0 && dashboard.account.deployedModels == 0)
    #expect(dashboard.scaling?.points.isEmpty == true && dashboard.scaling?.hardware == nil)
    #expect(dashboard.query.from == dashboard.query.to)
  }
}
