import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

/// Paths by hand. The period begins on Monday, 2026-01-05T00:00Z; a replica has one slot and starts in 10 s.
@Suite("Schedules, forecasts, KV blocks and policies together")
struct ScheduledScalingTests {
  typealias Row = ReplicaPathTests.Row

  static func path(
    _ requests: [(second: Double, service: Int32)], _ policy: String, end: Double = 3500
  ) throws -> [Row] {
    try Simulated(
      ReplicaPathTests.scenario(
        scaling:
          "{ minReplicas: 1, maxReplicas: 9, maxBatchSize: 1, startup: 10s, policy: { \(policy) } }",
        subscription: 9), traces: ReplicaPathTests.trace(requests)
    ).tables.replicas.map(Row.init).filter { $0.second <= end }
  }

  private static let threeAtTen = [
    Row(0, 0, 1, 0), Row(600, 2, 1, 0), Row(610, 1, 2, 0), Row(610, 0, 3, 0), Row(1800, 0, 1, 0),
  ]

  @Test("alone, there are as many replicas as the minimum says")
  func alone() throws {
    #expect(
      try Self.path([(0, 1)], "scheduled: { weekly: [ { window: Mon 00:10-00:30, minReplicas: 3 } ] }")
        == Self.threeAtTen)
    #expect(
      try Self.path([(0, 1)], "scheduled: { weekly: [ { window: Tue 00:10-00:30, minReplicas: 3 } ] }")
        == [Row(0, 0, 1, 0)])
  }

  /// In Berlin, clocks go from 02:00 to 03:00 at 01:00Z on March 29th, and from 03:00 to 02:00 at 01:00Z on October 25th.
  @Test(
    "where clocks change, a window holds from its local beginning to its local end",
    arguments: [
      (from: "2026-03-29T00:00:00Z", to: "2026-03-29T03:00:00Z", day: 83.0, first: 1800.0, last: 5400.0),
      // 01:30 is 23:30Z, half an hour after the period begins; 03:30 is 02:30Z.
      (
        from: "2026-10-24T23:00:00Z", to: "2026-10-25T04:00:00Z", day: 292 + 23.0 / 24, first: 1800.0,
        last: 12_600.0
      ),
    ])
  func clocks(from: String, to: String, day: Double, first: Double, last: Double) throws {
    let base = (day * 86_400).rounded()
    let scenario = ReplicaPathTests.scenario(
      scaling:
        "{ minReplicas: 1, maxReplicas: 9, maxBatchSize: 1, startup: 10s, policy: { scheduled: { weekly: [ { window: Sun 01:30-03:30, minReplicas: 3 } ] } } }",
      subscription: 9
    ).replacing("{ from: 2026-01-05, to: 2026-01-05T01:00 }", with: "{ from: \(from), to: \(to) }")
      .replacing("timeZone: UTC", with: "timeZone: Europe/Berlin")
    let rows = try Simulated(scenario, traces: ReplicaPathTests.trace([(base, 1)])).tables.replicas.map(
      Row.init)
    #expect(
      rows == [
        Row(base, 0, 1, 0), Row(base + first, 2, 1, 0), Row(base + first + 10, 1, 2, 0),
        Row(base + first + 10, 0, 3, 0), Row(base + last, 0, 1, 0),
      ])
  }

  @Test("what holds when it is deployed holds at once; dates take the place of weekly windows")
  func dates() throws {
    #expect(
      try Self.path(
        [(0, 1)],
        "scheduled: { weekly: [ { window: Mon-Fri 00:00-24:00, minReplicas: 4 } ], dates: [ { from: 2026-01-05T00:10, to: 2026-01-05T00:20, minReplicas: 2 } ] }",
        end: 1200) == [
          Row(0, 0, 1, 0), Row(0, 3, 1, 0), Row(10, 2, 2, 0), Row(10, 1, 3, 0), Row(10, 0, 4, 0),
          Row(600, 0, 2, 0), Row(1200, 2, 2, 0),
        ])
  }

  @Test("concurrency among several adds replicas when it does alone")
  func concurrencyAmongSeveral() throws {
    // One more than fits at 0, 4, 8 and 12 s, each for good: 3 s later there is a replica more.
    let requests = (0..<5).map { (second: Double($0) * 4, service: Int32(3600)) }
    let alone = try Self.path(requests, "concurrency: { scaleUpDelay: 3s }", end: 60)
    let among = try Self.path(
      requests,
      "largest: [ { concurrency: { scaleUpDelay: 3s } }, { scheduled: { weekly: [ { window: Mon 00:00-24:00, minReplicas: 1 } ] } } ]",
      end: 60)
    #expect(alone == among && alone.last?.ready == 5, "\(alone) \(among)")
  }

  @Test("around another policy, it bounds what that one wants")
  func around() throws {
    // 15 s: 1 ÷ 0.5 = 2; from 30 s on 4 are wanted, and 2 allowed until 600 s, a sync of that instant.
    #expect(
      try Self.path(
        Array(repeating: (0, 3600), count: 9),
        "scheduled: { weekly: [ { window: Mon 00:00-00:10, maxReplicas: 2 } ], policy: { targetUtilisation: { target: 0.5 } } }",
        end: 600) == [Row(0, 0, 1, 0), Row(15, 1, 1, 0), Row(25, 0, 2, 0), Row(600, 2, 2, 0)])
  }

  @Test("of several policies, the one that wants the most decides")
  func largest() throws {
    let schedule = "scheduled: { weekly: [ { window: Mon 00:10-00:30, minReplicas: 3 } ] }"
    // Utilisation wants 1 all the time.
    #expect(
      try Self.path([(0, 3600)], "largest: [ { targetUtilisation: { target: 1 } }, { \(schedule) } ]")
        == Self.threeAtTen)
    // Concurrency wants 2 from 30 s on, until a minute after the first of them has ended at 100 s.
    #expect(
      try Self.path(
        [(0, 100), (0, 100)],
        "largest: [ { concurrency: { scaleUpDelay: 30s, scaleDownDelay: 60s } }, { \(schedule) } ]")
        == [Row(0, 0, 1, 0), Row(30, 1, 1, 0), Row(40, 0, 2, 0), Row(160, 0, 1, 0)]
        + Self.threeAtTen.dropFirst())
  }

  @Test("concurrency as a policy is the concurrency of a deployment without one")
  func concurrency() throws {
    let requests: [(second: Double, service: Int32)] = [(0, 400), (0, 60), (0, 80), (0, 100)]
    let without = try Simulated(
      ReplicaPathTests.scenario(
        scaling:
          "{ minReplicas: 1, maxReplicas: 9, maxBatchSize: 1, startup: 10s, scaleUpDelay: 20s, scaleDownDelay: 50s }",
        subscription: 9), traces: ReplicaPathTests.trace(requests)
    ).tables.replicas.map(Row.init)
    #expect(try Self.path(requests, "concurrency: { scaleUpDelay: 20s, scaleDownDelay: 50s }") == without)
    #expect(without.count > 5)
  }

  @Test(
    "a forecast starts replicas before the demand of a season ago",
    arguments: ["seasonalNaive", "holtWinters"])
  func forecast(_ method: String) throws {
    // Peaks of the minutes of a season of 10: 0, but 3 in the one from 300 s and 1 in the next. Before a season has passed,
    // the last minute is expected again: 3 from 360 s, 1 from 420 s. At 900 s the season before had 3 in the minute to come.
    #expect(
      try Self.path(
        [(300, 30), (300, 30), (300, 30)],
        "predictive: { forecast: \(method), season: 10min, interval: 1min, lead: 1min, target: 1 }", end: 1000
      )
        == [
          Row(0, 0, 1, 0), Row(360, 2, 1, 0), Row(370, 1, 2, 0), Row(370, 0, 3, 0), Row(420, 0, 1, 0),
          Row(900, 2, 1, 0), Row(910, 1, 2, 0), Row(910, 0, 3, 0), Row(960, 0, 1, 0),
        ])
  }

  @Test("kvUtilisation sees the blocks of the steps that have begun")
  func blocks() throws {
    // 100 blocks of 16. A prompt of 800 has 50; a step a second. 15 s: 815 tokens at most: 51 blocks, the target. 30 s: 830
    // at most, 829 at least: 52 blocks: ⌈52 ÷ 51⌉ = 2.
    let scenario = ReplicaPathTests.scenario(
      scaling:
        "{ minReplicas: 1, maxReplicas: 3, maxBatchSize: 4, startup: 10s, policy: { kvUtilisation: { target: 0.51, tolerance: 0 } } }"
    ).replacing(
      "{ perOutputToken: 1s }",
      with:
        "{ continuousBatching: { base: 1s, maxTokensPerStep: 1000, kvCache: { tokens: 1600, blockSize: 16 } } }"
    )
    let trace = Trace([
      TraceRequest(arrivedAt: ReplicaPathTests.start, inputTokens: 800, outputTokens: 500)
    ])
    let rows = try Simulated(scenario, traces: ["t": trace]).tables.replicas.map(Row.init)
    #expect(rows.prefix(2) == [Row(0, 0, 1, 0), Row(30, 1, 1, 0)])
  }
}
