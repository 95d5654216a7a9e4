import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

/// Whole replica paths, computed by hand, to the microsecond. Requests come from a trace; a request's output tokens
/// are its service time in seconds.
@Suite("The replica path")
struct ReplicaPathTests {
  /// 2026-01-05T00:00:00Z.
  static let start: Int64 = 1_767_571_200_000_000

  static func at(_ seconds: Double) -> Timestamp { Timestamp(microseconds: start + Int64(seconds * 1e6)) }

  static func trace(_ requests: [(second: Double, service: Int32)]) -> [TraceSource.Selection: Trace] {
    [
      "t": Trace(
        requests.map {
          TraceRequest(arrivedAt: at($0.second).microseconds, inputTokens: 0, outputTokens: $0.service)
        })
    ]
  }

  static func scenario(
    scaling: String, queue: String = "{ capacity: 100 }", extra: String = "", subscription: Int = 3,
    undeployAt: String? = nil
  ) -> String {
    """
    workbench: 1
    name: path
    period: { from: 2026-01-05, to: 2026-01-05T01:00 }
    account: { name: a, timeZone: UTC, subscription: { maxReplicas: \(subscription) } }
    models:
      - name: m
        kind: openSource
        load: { arrivals: { trace: t } }
        deployments:
          - version: V1
            deployAt: 2026-01-01
            \(undeployAt.map { "undeployAt: \($0)" } ?? "# stays")
            hardware: A10 single
            scaling: \(scaling)
            service: { perOutputToken: 1s }
            queue: \(queue)
            \(extra)
    """
  }

  struct Row: Equatable, CustomStringConvertible {
    var second: Double
    var starting: Int
    var ready: Int
    var draining: Int
    var limit = ReplicaLimit.none

    init(_ second: Double, _ starting: Int, _ ready: Int, _ draining: Int, _ limit: ReplicaLimit = .none) {
      (self.second, self.starting, self.ready, self.draining, self.limit) =
        (second, starting, ready, draining, limit)
    }
    init(_ record: ReplicaRecord) {
      self.init(
        Double(record.at.microseconds - start) / 1e6, record.starting, record.ready, record.draining,
        record.limitedBy)
    }
    var description: String { "\(second) s: \(starting)+\(ready)+\(draining) \(limit)" }
  }

  @Test(
    "a scale-up waits for scaleUpDelay of unbroken excess demand, stops at maxReplicas, and comes down a window after demand"
  )
  func upAndDown() throws {
    let run = try Simulated(
      Self.scenario(
        scaling:
          "{ minReplicas: 1, maxReplicas: 3, maxBatchSize: 1, scaleUpDelay: 10s, scaleDownDelay: 60s, startup: 30s }"
      ),
      traces: Self.trace([(1, 100), (2, 100), (3, 100), (4, 100)]))
    // 2 s: demand 2 exceeds capacity 1; 12 s: demand 4 wants 3 more, maxReplicas allows 2; ready at 42 s. Demand 4 still
    // exceeds 3, so every 10 s another attempt is cut short (one row says so). 101 s: the fourth starts, demand 3.
    // 142 s: two depart, demand 1; 202 s: the peak of the last 60 s is 1, down to minReplicas.
    #expect(
      run.tables.replicas.map(Row.init) == [
        Row(0, 0, 1, 0), Row(12, 2, 1, 0, .maxReplicas), Row(42, 1, 2, 0), Row(42, 0, 3, 0),
        Row(42, 0, 3, 0, .maxReplicas), Row(202, 0, 1, 0),
      ])
    #expect(run.requests.map(\.waiting) == [0, 40_000_000, 39_000_000, 97_000_000])
    #expect(run.requests.map(\.latency) == [100_000_000, 140_000_000, 139_000_000, 197_000_000])
  }

  @Test("excess demand that ends before scaleUpDelay adds nothing")
  func shortExcess() throws {
    let run = try Simulated(
      Self.scenario(
        scaling:
          "{ minReplicas: 1, maxReplicas: 3, maxBatchSize: 1, scaleUpDelay: 10s, scaleDownDelay: 60s, startup: 30s }"
      ),
      // Each pair has demand 2 for 9 s, twice; the delay restarts.
      traces: Self.trace([(0, 9), (0, 1), (20, 9), (20, 1)]))
    #expect(run.tables.replicas.map(Row.init) == [Row(0, 0, 1, 0)])
  }

  @Test("excess demand of exactly scaleUpDelay does not count: departures come before the autoscaler")
  func tie() throws {
    let scaling =
      "{ minReplicas: 1, maxReplicas: 2, maxBatchSize: 1, scaleUpDelay: 9s, scaleDownDelay: 1h, startup: 30s }"
    let tie = try Simulated(Self.scenario(scaling: scaling), traces: Self.trace([(0, 9), (0, 1)]))
    #expect(tie.tables.replicas.map(Row.init) == [Row(0, 0, 1, 0)])
  }

  @Test("a draining replica takes no new requests, and is paid for until it is released")
  func draining() throws {
    let run = try Simulated(
      Self.scenario(
        scaling:
          "{ minReplicas: 1, maxReplicas: 2, maxBatchSize: 1, scaleUpDelay: 2s, scaleDownDelay: 5s, startup: 10s }"
      ),
      traces: Self.trace([(0, 20), (1, 300), (26, 10), (27, 1)]))
    // 1 s: demand 2; 3 s: a second replica, ready at 13 s, takes the second request until 313 s. 20 s: demand 1; 25 s:
    // the younger replica drains. 26 s: the third goes to the older one, the fourth waits for it until 36 s although
    // the draining replica's batch has no other request; 27 s: demand 2 − what drains = 2, exceeds 1; 29 s: it wants a
    // replica, and maxReplicas counts the draining one. 36 s: demand 1.
    #expect(
      run.tables.replicas.map(Row.init) == [
        Row(0, 0, 1, 0), Row(3, 1, 1, 0), Row(13, 0, 2, 0), Row(25, 0, 1, 1), Row(29, 0, 1, 1, .maxReplicas),
        Row(313, 0, 1, 0),
      ])
    #expect(run.requests.map(\.waiting) == [0, 12_000_000, 0, 9_000_000])
  }

  @Test("an undeployed version drains, then ends; what still waits is served first")
  func undeploying() throws {
    let run = try Simulated(
      Self.scenario(
        scaling: "{ minReplicas: 1, maxReplicas: 1, maxBatchSize: 1, startup: 10s }",
        undeployAt: "2026-01-05T00:01"),
      traces: Self.trace([(50, 20), (55, 30), (60, 5), (70, 5)]))
    // At 60 s undeployment comes before the arrival, which finds nothing deployed; so does the last.
    #expect(run.requests.map(\.latency) == [20_000_000, 45_000_000])
    #expect(run.result.notDeployed.map(\.requests) == [2])
    #expect(run.tables.deployments.map(\.undeployedAt) == [Self.at(100)])
    // At 70 s the first departs and the waiting one starts: the line is empty, the replica drains.
    #expect(
      run.tables.replicas.map(Row.init) == [Row(0, 0, 1, 0), Row(70, 0, 0, 1), Row(100, 0, 0, 0)])
  }

  @Test("a crash loses what is served; the replica restarts and goes on being paid for")
  func crash() throws {
    let run = try Simulated(
      Self.scenario(
        scaling: "{ minReplicas: 1, maxReplicas: 1, maxBatchSize: 2, startup: 10s }",
        extra: "replicaCrash: { timeBetween: 20min, timeToRepair: 5min }"),
      traces: Self.trace([(1000, 50), (1190, 30), (1195, 1), (1199, 40), (1250, 10)]))
    // Ready since 0 s: crash at 1200 s, back at 1500 s, crash at 2700 s, back at 3000 s. At 1200 s one request is
    // served that started at 1190 s and one that started at 1196 s at the earliest: the batch holds 2.
    #expect(
      run.tables.replicas.map(Row.init) == [
        Row(0, 0, 1, 0), Row(1200, 1, 0, 0), Row(1500, 0, 1, 0), Row(2700, 1, 0, 0), Row(3000, 0, 1, 0),
      ])
    #expect(run.requests.map(\.reason) == ["", "replicaLost", "", "replicaLost", ""])
    #expect(run.requests.map(\.latency) == [50_000_000, 10_000_000, 1_000_000, 1_000_000, 260_000_000])
    #expect(run.requests[4].waiting == 250_000_000)
  }

  @Test("a queue that is full refuses; one that waits too long gives up; lifo serves the newest")
  func queueRules() throws {
    let scaling = "{ minReplicas: 1, maxReplicas: 1, maxBatchSize: 1 }"
    let arrivals = Self.trace([(0, 10), (1, 10), (2, 10), (3, 10)])
    let fifo = try Simulated(
      Self.scenario(scaling: scaling, queue: "{ capacity: 2, timeout: 12s }"), traces: arrivals)
    #expect(fifo.requests.map(\.reason) == ["", "", "timeout", "overloaded"])
    #expect(fifo.requests.map(\.latency) == [10_000_000, 19_000_000, 12_000_000, 0])
    let lifo = try Simulated(
      Self.scenario(scaling: scaling, queue: "{ capacity: 2, discipline: lifo }"), traces: arrivals)
    #expect(lifo.requests.map(\.waiting) == [0, 19_000_000, 8_000_000, 0])
  }

  @Test("service is stretched by the others in the batch at its start")
  func batchSlowdown() throws {
    let yaml = Self.scenario(scaling: "{ minReplicas: 2, maxReplicas: 2, maxBatchSize: 4 }")
      .replacing("{ perOutputToken: 1s }", with: "{ perOutputToken: 1s, firstToken: 2s, batchSlowdown: 0.5 }")
    let run = try Simulated(yaml, traces: Self.trace([(0, 10), (1, 10), (2, 10)]))
    // The least occupied replica takes the next: the third shares with the first.
    #expect(run.requests.map(\.latency) == [12_000_000, 12_000_000, 18_000_000])
    #expect(run.requests.map(\.firstToken) == [2_000_000, 2_000_000, 3_000_000])
  }
}
