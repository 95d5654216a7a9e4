import Aggregation
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Properties of the pipeline, on random small data sets")
struct PropertyTests {
  static let kinds: [ModelKind] = [.fineTuned, .openSource, .external]

  /// Requests of several models at random instants of three weeks around a clock change, many of them at the borders
  /// of quarters, hours and days; some absurd latencies.
  private static func world(_ seed: UInt64) -> (SmallWorld, [[Int]]) {
    var generator = SeededGenerator(state: seed)
    var world = SmallWorld()
    world.requests = []
    let start = SmallWorld.instant("2026-03-01T00:00:00-05:00").microseconds
    let series = world.series
    for _ in 0..<Int.random(in: 1...400, using: &generator) {
      let entry = series[Int.random(in: 0..<series.count, using: &generator)]
      var at = start + Int64.random(in: 0..<(21 * 86_400_000_000), using: &generator)
      if Bool.random(using: &generator) {
        at = at / 900_000_000 * 900_000_000 + Int64.random(in: -1...1, using: &generator)
      }
      let outcome =
        UInt8.random(in: 0..<10, using: &generator) < 7 ? 0 : UInt8.random(in: 1...6, using: &generator)
      let latency = Int64(exp(Double.random(in: 0...24, using: &generator)))
      world.requests.append(
        (
          Timestamp(microseconds: at).rfc3339, entry.modelID, entry.version, outcome, latency,
          Int32.random(in: 0...5000, using: &generator), Int32.random(in: 0...5000, using: &generator)
        ))
    }
    var parts: [[Int]] = [[], [], []]
    for index in world.requests.indices { parts[Int.random(in: 0..<3, using: &generator)].append(index) }
    return (world, parts)
  }

  private static func rollups(_ world: SmallWorld, _ order: [Int], now: Timestamp) throws -> RequestRollups {
    let rollups = RequestRollups(series: world.series, now: now, reasons: FailureReasons())
    try world.batch(order).send(to: rollups)
    try rollups.finish()
    return rollups
  }

  static let now = "2026-03-21T00:00:00-04:00"

  @Test(
    "aggregate(A ∪ B) = merge(aggregate A, aggregate B); shuffling changes nothing",
    arguments: 1...40 as ClosedRange<UInt64>)
  func merging(seed: UInt64) throws {
    let (world, parts) = Self.world(seed)
    let now = SmallWorld.instant(Self.now)
    var generator = SeededGenerator(state: seed)
    func archive(_ sources: [any RollupSource]) throws -> Data {
      try RollupArchive.data(
        sources, account: world.tables.accounts[0], models: world.tables.models, end: now)
    }
    let whole = try archive([try Self.rollups(world, Array(world.requests.indices), now: now)])
    let shuffled = try archive([
      try Self.rollups(world, world.requests.indices.shuffled(using: &generator), now: now)
    ])
    #expect(shuffled == whole)
    let apart = try parts.map { try RollupArchive(try archive([try Self.rollups(world, $0, now: now)])) }
    #expect(try archive(apart) == whole)
    #expect(try archive([try RollupArchive(try archive([apart[2], apart[0]])), apart[1]]) == whole)
    // Stored or fresh, a query has the same answer.
    for period in ["30d", "7d", "2026-03-08", "2026-03-01..2026-03-20"] {
      for kind in Self.kinds {
        let query = try DashboardQuery(
          account: world.tables.accounts[0], filter: TimelineFilter(period), now: now,
          selection: .init(kind: kind),
          tables: world.tables, series: world.series)
        let fresh = try Self.rollups(world, Array(world.requests.indices), now: now)
        #expect(
          try query.answer(RollupArchive(whole)).json() == query.answer(fresh).json(), "\(period) \(kind)")
      }
    }
  }

  @Test("filters partition totals", arguments: 41...70 as ClosedRange<UInt64>)
  func partition(seed: UInt64) throws {
    let (world, _) = Self.world(seed)
    func totals(_ selection: ModelSelection) throws -> [Int64] {
      let dashboard = try world.dashboard("2026-03-01..2026-03-20", selection, now: Self.now)
      return [
        dashboard.requests.totalSuccesses, dashboard.requests.totalFailures, dashboard.latency.requests,
        dashboard.tokens?.totalInputTokens ?? 0,
      ]
    }
    func sum(_ parts: [[Int64]]) -> [Int64] { (0..<4).map { index in parts.reduce(0) { $0 + $1[index] } } }
    let all = try totals(.init(kind: .fineTuned))
    #expect(try sum(["V1", "V2"].map { try totals(.init(kind: .fineTuned, version: $0)) }) == all)
    let instants = ["2026-03-02T00:00:00-05:00", "2026-03-08T00:00:00-05:00"].map(SmallWorld.instant)
    #expect(
      try sum(instants.map { try totals(.init(kind: .fineTuned, model: "chat", deployedAt: $0)) }) == all)
    let external = try totals(.init(kind: .external))
    #expect(try totals(.init(kind: .external, provider: "OpenAI")) == external)
    #expect(
      all[0] + all[1] + external[0] + external[1]
        == Int64(
          world.requests.count {
            SmallWorld.instant($0.at) >= SmallWorld.instant("2026-03-01T00:00:00-05:00")
              && SmallWorld.instant($0.at) < SmallWorld.instant(Self.now)
          }))
  }

  @Test("any period is the sum of its days", arguments: 71...90 as ClosedRange<UInt64>)
  func days(seed: UInt64) throws {
    let (world, _) = Self.world(seed)
    for kind in Self.kinds where kind != .openSource {
      let period = try world.dashboard("2026-03-04..2026-03-12", .init(kind: kind), now: Self.now)
      let days = try (4...12).map {
        try world.dashboard(String(format: "2026-03-%02d", $0), .init(kind: kind), now: Self.now)
      }
      #expect(days.reduce(0) { $0 + $1.requests.totalRequests } == period.requests.totalRequests)
      #expect(days.reduce(0) { $0 + $1.requests.totalFailures } == period.requests.totalFailures)
      #expect(
        days.reduce(0) { $0 + ($1.tokens?.totalOutputTokens ?? 0) } == period.tokens?.totalOutputTokens ?? 0)
      #expect(
        abs(days.reduce(0) { $0 + $1.account.deploymentCredits } - period.account.deploymentCredits) < 1e-9)
      // A job's share of each day is rounded to a whole micro-credit.
      #expect(
        abs(days.reduce(0) { $0 + $1.account.fineTuningCredits } - period.account.fineTuningCredits) < 1e-5)
      // Hourly points of a day add up to the day's point.
      for day in days {
        let hours = day.requests.points.reduce(0) { $0 + $1.successes }
        let point = period.requests.points.first { $0.at.prefix(10) == day.query.from.prefix(10) }
        #expect(hours == point?.successes ?? 0)
      }
    }
  }
}
