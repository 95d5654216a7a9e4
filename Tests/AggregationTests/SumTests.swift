import Aggregation
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Sums are exact, or an error in words")
struct SumTests {
  /// A world of requests of one external model, a quarter of an hour apart, with these latencies.
  private static func world(_ latencies: [Int64], quarters: Int64 = 1, tokens: Int32 = 1) -> SmallWorld {
    var world = SmallWorld()
    let start = SmallWorld.instant("2026-03-02T12:00:00-05:00")
    world.requests = latencies.enumerated().map { index, latency in
      (
        (start + Int64(index) * quarters * Rollup.quarterMicroseconds).rfc3339, 3, "", 0, latency, tokens,
        tokens
      )
    }
    return world
  }

  private static func rollups(_ world: SmallWorld, mostInQuarter: Int64? = nil) throws -> RequestRollups {
    let rollups = RequestRollups(
      series: world.series, now: SmallWorld.instant("2026-03-09T00:00:00-04:00"),
      reasons: FailureReasons(), mostInQuarter: mostInQuarter)
    try world.batch().send(to: rollups)
    try rollups.finish()
    return rollups
  }

  private static func latency(_ world: SmallWorld, _ rollups: some RollupSource) throws -> LatencyWidget {
    try DashboardQuery(
      account: world.tables.accounts[0], filter: TimelineFilter("7d"),
      now: SmallWorld.instant("2026-03-09T00:00:00-04:00"), selection: .init(kind: .external),
      tables: world.tables, series: world.series
    ).answer(rollups).latency
  }

  @Test("latencies of several quarters may leave 64 bits together: the average is that of all")
  func beyond() throws {
    // 3 × 4·10¹⁸ µs = 1.2·10¹⁹ > 2⁶³ = 9.2·10¹⁸.
    let world = Self.world([4_000_000_000_000_000_000, 4_000_000_000_000_000_000, 4_000_000_000_000_000_003])
    let latency = try Self.latency(world, Self.rollups(world))
    let average = try #require(latency.summary.average)
    #expect(abs(average - 4_000_000_000_000_000.001) < 1)
    #expect(latency.summary.minimum == 4_000_000_000_000_000)
  }

  @Test("in one quarter they may not: an error, never another average")
  func quarter() throws {
    let inside = Self.world([4_000_000_000_000_000_000, 4_000_000_000_000_000_000], quarters: 0)
    let rollups = try Self.rollups(inside)
    #expect(try Self.latency(inside, rollups).summary.average == 4_000_000_000_000_000)
    // What an archive may hold it gives back.
    let archive = try RollupArchive(
      RollupArchive.data(
        [rollups], account: inside.tables.accounts[0], models: inside.tables.models,
        end: SmallWorld.instant("2026-03-09T00:00:00-04:00")))
    #expect(try Self.latency(inside, archive).summary.average == 4_000_000_000_000_000)
    let world = Self.world(
      [4_000_000_000_000_000_000, 4_000_000_000_000_000_000, 4_000_000_000_000_000_000], quarters: 0)
    let error = #expect(throws: AggregationError.self) { try Self.rollups(world) }
    #expect(error?.description.contains("exceeds 64 bits") ?? false)
  }

  @Test("an archive of days that leave 64 bits is refused in words")
  func archive() throws {
    let world = Self.world([4_000_000_000_000_000_000, 4_000_000_000_000_000_000, 4_000_000_000_000_000_000])
    let rollups = try Self.rollups(world)
    #expect(throws: AggregationError.self) {
      try RollupArchive.data(
        [rollups], account: world.tables.accounts[0], models: world.tables.models,
        end: SmallWorld.instant("2026-03-09T00:00:00-04:00"))
    }
  }

  @Test("a quarter with more requests than its bins count is made of several, and comes to the same")
  func manyInQuarter() throws {
    var generator = SeededGenerator(state: 8)
    let latencies = (0..<500).map { _ in Int64.random(in: 0...9, using: &generator) * 1000 }
    let world = Self.world(latencies, quarters: 0, tokens: Int32.max)
    func archive(_ most: Int64?) throws -> Data {
      try RollupArchive.data(
        [try Self.rollups(world, mostInQuarter: most)], account: world.tables.accounts[0],
        models: world.tables.models, end: SmallWorld.instant("2026-03-09T00:00:00-04:00"))
    }
    // The batch has 500 rows: each limit below lets some of them in, or one batch at a time.
    let whole = try archive(nil)
    for most: Int64 in [1, 499, 500, 501] { #expect(try archive(most) == whole) }
    #expect(
      try DashboardQuery(
        account: world.tables.accounts[0], filter: TimelineFilter("7d"),
        now: SmallWorld.instant("2026-03-09T00:00:00-04:00"), selection: .init(kind: .external),
        tables: world.tables, series: world.series
      ).answer(RollupArchive(whole)).tokens?.totalInputTokens == 500 * 2_147_483_647)
  }

  @Test(
    "the parts of a period have the credits of the whole, to the micro-credit",
    arguments: 1...50 as ClosedRange<UInt64>)
  func fineTuning(_ seed: UInt64) {
    var generator = SeededGenerator(state: seed)
    let start = Int64.random(in: -1_000_000...1_000_000, using: &generator)
    let job = FineTuningJobRecord(
      jobID: 1, modelID: 1, baseModel: "b", hardware: "A10", startedAt: Timestamp(microseconds: start),
      finishedAt: Timestamp(microseconds: start + Int64.random(in: 0...3_000_000, using: &generator)),
      outcome: .succeeded, creditsMicro: Int64.random(in: 0...20_000_000, using: &generator))
    let borders =
      [-2_000_000, 5_000_000]
      + (0..<40).map { _ in Int64.random(in: -1_500_000...4_500_000, using: &generator) }
    let sorted = borders.sorted().map { Timestamp(microseconds: $0) }
    let parts = zip(sorted, sorted.dropFirst()).map { job.accrued(in: $0..<$1) }
    #expect(parts.reduce(0, +) == job.creditsMicro && parts.allSatisfy { $0 >= 0 })
  }

  @Test("10 credits over three days are 3.333333, 3.333334 and 3.333333")
  func threeDays() {
    let day: Int64 = 86_400_000_000
    let start = SmallWorld.instant("2026-03-02T00:00:00Z")
    let job = FineTuningJobRecord(
      jobID: 1, modelID: 1, baseModel: "b", hardware: "A10", startedAt: start, finishedAt: start + 3 * day,
      outcome: .succeeded, creditsMicro: 10_000_000)
    // Cumulated: 3,333,333⅓, 6,666,666⅔, 10,000,000; rounded half up.
    #expect(
      (0..<3).map { job.accrued(in: start + $0 * day..<start + ($0 + 1) * day) } == [
        3_333_333, 3_333_334, 3_333_333,
      ])
  }

  @Test("replica time × price at the largest that telemetry may say: no trap, and the right credits")
  func largeCredits() {
    let from = SmallWorld.instant("2025-01-01T00:00:00Z")
    let year = from..<from + 365 * 86_400_000_000
    let rows = (0..<40).map {
      ReplicaRecord(
        at: from, modelID: 1, version: "V\($0)", hardware: "A10", starting: 1_000_000_000,
        ready: 1_000_000_000,
        draining: 1_000_000_000, limitedBy: .none)
    }
    let credits = ReplicaTime(rows, in: [year]).creditsMicro(["A10": 1_000_000_000_000_000]) { _ in true }
    // 40 × 3·10⁹ replicas × 8,760 h × 10¹⁵.
    #expect(abs(credits / (40 * 3e9 * 8760 * 1e15) - 1) < 1e-12)
  }

  @Test("a large price list and many jobs: fine-tuning credits beyond 64 bits")
  func manyJobs() throws {
    var world = SmallWorld()
    let start = SmallWorld.instant("2026-03-02T00:00:00-05:00")
    world.tables.fineTuningJobs = (0..<20_000).map {
      .init(
        jobID: $0 + 1, modelID: 1, baseModel: "b", hardware: "A10", startedAt: start,
        finishedAt: start + 1, outcome: .succeeded, creditsMicro: 1_000_000_000_000_000)
    }
    let account = try world.dashboard("7d", .init(kind: .fineTuned)).account
    // 2·10¹⁹ micro-credits.
    #expect(account.fineTuningCredits == 2e13)
  }

  @Test(
    "a dashboard of the first and of the last year there is, for every preset and kind",
    arguments: ["0001-01-01T00:00:00Z", "0001-01-03T04:05:06Z", "9999-12-31T23:59:59.999999Z"])
  func ends(_ now: String) throws {
    let world = SmallWorld()
    for period in ["24h", "7d", "30d", "90d", "this-month", "last-month", "this-year", "last-year"] {
      for kind in ModelKind.allCases {
        let json = try world.dashboard(period, .init(kind: kind), now: now).json()
        #expect(json.count > 100)
      }
    }
  }
}
