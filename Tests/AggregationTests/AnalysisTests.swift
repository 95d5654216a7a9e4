import Aggregation
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Credits by what they were spent on, finer buckets, and models beside each other")
struct AnalysisTests {
  let world = SmallWorld()
  static let now = SmallWorld.instant("2026-03-09T00:00:00-04:00")

  func rollups() throws -> RequestRollups {
    let rollups = RequestRollups(series: world.series, now: Self.now, reasons: FailureReasons())
    try world.batch(nil).send(to: rollups)
    try rollups.finish()
    return rollups
  }

  func credits(_ period: String) throws -> CreditsAnalysis {
    try CreditsAnalysis(world.tables.accounts[0], world.tables, TimelineFilter(period), now: Self.now)
  }

  @Test("credits of versions and jobs, in the days on which they were spent")
  func creditsByDay() throws {
    let credits = try credits("7d")
    // The week from 2 to 8 March. V1: a replica at 2/h, on 6 March two more for 6 h, until noon of the 7th.
    let first = try #require(credits.entries.first { $0.version == "V1" && $0.modelID == 1 })
    #expect(first.parts == [48, 48, 48, 48, 72, 24, 0])
    #expect(first.credits == 288 && first.replicaHours == 144 && first.hardware == "A10")
    let second = try #require(credits.entries.first { $0.version == "V2" })
    #expect(second.parts == [0, 0, 0, 0, 48, 24, 0])
    // The day on which clocks go forward has 23 hours.
    let third = try #require(credits.entries.first { $0.modelID == 2 && $0.use == .deployment })
    #expect(third.parts == [0, 0, 0, 0, 0, 0, 46])
    // Half of 8.000001 credits had accrued before the week began.
    let job = try #require(credits.entries.first { $0.use == .fineTuning && $0.modelID == 1 })
    #expect(job.parts == [4, 0, 0, 0, 0, 0, 0] && job.replicaHours == nil)
    #expect(credits.entries.map(\.credits) == credits.entries.map(\.credits).sorted(by: >))
  }

  @Test(
    "credits of a period are those of the cards",
    arguments: ["24h", "2026-03-08", "7d", "30d", "2026-03-02..2026-03-07"])
  func creditsOfCards(period: String) throws {
    let credits = try credits(period)
    let account = try world.dashboard(period).account
    #expect(credits.deploymentCredits == account.deploymentCredits)
    #expect(credits.fineTuningCredits == account.fineTuningCredits)
    #expect(credits.entries.allSatisfy { $0.parts.count == credits.starts.count })
  }

  @Test("a week has half hours, a day quarters, a year days; requests, failures and reasons fall into them")
  func buckets() throws {
    func figures(_ period: String, _ selection: ModelSelection) throws -> AnalysisFigures {
      try AnalysisFigures(
        DashboardQuery(
          account: world.tables.accounts[0], filter: TimelineFilter(period), now: Self.now,
          selection: selection, tables: world.tables, series: world.series), try rollups())
    }
    let week = try figures("7d", .init(kind: .fineTuned))
    #expect(week.bucketSeconds == 1800)
    #expect(
      week.buckets.map(\.at) == [
        "2026-03-02T09:00:00-05:00", "2026-03-02T09:30:00-05:00", "2026-03-02T10:00:00-05:00",
        "2026-03-06T12:00:00-05:00", "2026-03-08T00:30:00-05:00", "2026-03-08T03:00:00-04:00",
        "2026-03-08T23:30:00-04:00",
      ])
    #expect(week.buckets.map(\.successes) == [1, 1, 0, 1, 1, 1, 0])
    #expect(week.buckets.map(\.failures) == [0, 0, 1, 0, 0, 0, 1])
    #expect(week.buckets[2].reasons == ["timeout": 1] && week.buckets[6].reasons == ["modelError": 1])
    #expect(week.buckets[2].p95 == nil && week.buckets[2].heat.isEmpty)
    // Half of each latency passes before the first token (whole µs), the rest over the four tokens after it.
    #expect(week.buckets.map(\.firstToken) == [50, 100, nil, 25, 35, 45, nil])
    #expect(week.buckets.map(\.perOutputToken) == [12.5, 25.00025, nil, 6.25, 8.75, 11.25, nil])
    // 100 ms lies in the row that says so.
    let row = Int(week.buckets[0].heat[0])
    #expect(week.rows[row] <= 100 && 100 < week.rows[row + 1] && week.buckets[0].heat[1] == 1)
    // Rows span an eighth of a power of two; all of them are there.
    #expect(week.rows.count > 2 && zip(week.rows, week.rows.dropFirst()).allSatisfy { $1 / $0 <= 1.126 })
    #expect(try figures("2026-03-08", .init(kind: .fineTuned)).bucketSeconds == 900)
    let year = try figures("this-year", .init(kind: .fineTuned, model: "chat", version: "V1"))
    #expect(year.buckets.map(\.successes).reduce(0, +) == 4)
    #expect(try figures("7d", .init(kind: .external)).buckets.map(\.reasons) == [[:], ["rateLimited": 1]])
  }

  @Test("the overview: figures of each model, replicas at their peak")
  func overview() throws {
    let overview = try AccountOverview(
      world.tables.accounts[0], world.tables, TimelineFilter("7d"), now: Self.now, try rollups())
    #expect(overview.models.map(\.modelID) == [1, 2, 3])
    let first = overview.models[0]
    #expect(first.successes == 3 && first.failures == 1)
    #expect(first.requests == [3, 0, 0, 0, 1, 0, 0] && first.failed == [1, 0, 0, 0, 0, 0, 0])
    // V1 with 3 and V2 with 2 on 6 March.
    #expect(first.peakReplicas == 5 && overview.peakReplicas == 5 && first.maxReplicas == 4 + 6)
    #expect(first.deploymentCredits == 288 + 72 && first.fineTuningCredits == 4)
    #expect(overview.models[2].peakReplicas == 0 && overview.subscriptionMaxReplicas == 8)
    let dashboard = try world.dashboard("7d", .init(kind: .external))
    #expect(overview.models[2].p95 == dashboard.latency.summary.quantiles[.p95])
    // The state at the beginning counts, and what changes at one instant changes at once.
    let day = try AccountOverview(
      world.tables.accounts[0], world.tables, TimelineFilter("2026-03-07"), now: Self.now, try rollups())
    #expect(day.models[0].peakReplicas == 3)
  }

  @Test("what KV caches were used for, in buckets and over the period, of the versions that are selected")
  func kvCaches() throws {
    var tables = world.tables
    func row(
      _ at: String, _ version: String, replicas: Int64 = 900_000, used: Int64, preemptions: Int64
    ) -> KVCacheRecord {
      KVCacheRecord(
        at: SmallWorld.instant(at), modelID: 1, version: version, hardware: "A10", blocks: 100,
        replicaMilliseconds: replicas, usedBlockMilliseconds: used, peakBlocks: 90, preemptions: preemptions)
    }
    tables.kvCache = [
      row("2026-03-02T09:00:00-05:00", "V1", used: 45_000_000, preemptions: 2),
      row("2026-03-02T09:15:00-05:00", "V1", replicas: 1_800_000, used: 0, preemptions: 1),
      // Without requests there: it counts over the period alone.
      row("2026-03-03T09:15:00-05:00", "V1", used: 90_000_000, preemptions: 0),
      row("2026-03-06T12:00:00-05:00", "V2", used: 9_000_000, preemptions: 5),
      // Before the week.
      row("2026-03-01T09:00:00-05:00", "V1", used: 90_000_000, preemptions: 100),
    ]
    func query(_ selection: ModelSelection) throws -> DashboardQuery {
      try DashboardQuery(
        account: world.tables.accounts[0], filter: TimelineFilter("7d"), now: Self.now, selection: selection,
        tables: tables, series: world.series)
    }
    let first = try AnalysisFigures(
      query(.init(kind: .fineTuned, model: "chat", version: "V1")), try rollups())
    #expect(first.buckets[0].at == "2026-03-02T09:00:00-05:00")
    // 45 of 90 + 180 million block ms.
    #expect(first.buckets[0].kvUtilisation == 45.0 / 270 && first.buckets[0].preemptions == 3)
    #expect(first.kvUtilisation == 135.0 / 360 && first.preemptions == 3)
    let both = try AnalysisFigures(query(.init(kind: .fineTuned)), try rollups())
    #expect(both.kvUtilisation == 144.0 / 450 && both.preemptions == 8)
    #expect(both.buckets.filter { $0.kvUtilisation == nil }.count == both.buckets.count - 2)
    let serving = try #require(try query(.init(kind: .fineTuned)).answer(try rollups()).serving)
    #expect(serving.kvUtilisation == 144.0 / 450 && serving.preemptions == 8 && serving.cacheHitRate == nil)
    // Averages of the week's four successes: first tokens at 50, 100, 25, 35 and 45 ms.
    #expect(serving.firstToken == 51)
    #expect(both.firstToken == 51 && both.perOutputToken == serving.timePerOutputToken)
    #expect(first.firstToken != both.firstToken && first.perOutputToken != nil)
    #expect(try query(.init(kind: .external)).answer(try rollups()).serving == nil)
    #expect(try world.dashboard("7d").serving == nil)
  }
}
