import Telemetry
import TestSupport
import Testing

/// Paths of Knative's autoscaler, by hand. It decides every 2 s; a replica has 100 slots, of which 10 are to be filled, so
/// that none waits once one is ready, and starts in 10 s. Requests are (how many, second of arrival, seconds of service).
@Suite("averageConcurrency is Knative's autoscaler")
struct AverageConcurrencyScalingTests {
  typealias Row = ReplicaPathTests.Row

  static func run(
    _ requests: [(count: Int, second: Double, service: Int32)], _ policy: String = "", min: Int = 1
  ) throws -> Simulated {
    try Simulated(
      ReplicaPathTests.scenario(
        scaling:
          "{ minReplicas: \(min), maxReplicas: 20, maxBatchSize: 100, startup: 10s, policy: { averageConcurrency: { target: 0.1\(policy) } } }",
        queue: "{ capacity: 1000 }", subscription: 20),
      traces: ReplicaPathTests.trace(
        requests.flatMap { Array(repeating: (second: $0.second, service: $0.service), count: $0.count) }))
  }

  static func path(
    _ requests: [(count: Int, second: Double, service: Int32)], _ policy: String = "", min: Int = 1,
    end: Double = 3500
  ) throws -> [Row] {
    try run(requests, policy, min: min).tables.replicas.map(Row.init).filter { $0.second <= end }
  }

  /// From one replica to three.
  private static let three = [
    Row(0, 0, 1, 0), Row(2, 2, 1, 0), Row(12, 1, 2, 0), Row(12, 0, 3, 0),
  ]

  @Test("what the average fills to the target, rounded up")
  func up() throws {
    #expect(try Self.path([(25, 0, 3600)]) == Self.three)
    // Exactly one replica's, and one request more.
    #expect(try Self.path([(10, 0, 3600)]) == [Row(0, 0, 1, 0)])
    #expect(try Self.path([(11, 0, 3600)]) == [Row(0, 0, 1, 0), Row(2, 1, 1, 0), Row(12, 0, 2, 0)])
  }

  @Test("the stable window slides")
  func down() throws {
    // 25 until 100 s, then 5. It panicked until 10 s (3 wanted, 1 ready), which ends after 70 s. 100 + x s: 25 − 20 x ÷ 60:
    // 20 at x = 15: 2 from 116 s on; 10 at x = 45: 1 from 146 s on.
    #expect(
      try Self.path([(20, 0, 100), (5, 0, 3600)]) == Self.three + [Row(116, 0, 2, 0), Row(146, 0, 1, 0)])
  }

  @Test("with scaleDownDelay, the largest wish of that time is followed")
  func delay() throws {
    // Wishes as before: 3 until 114 s, 2 until 144 s.
    #expect(
      try Self.path([(20, 0, 100), (5, 0, 3600)], ", scaleDownDelay: 20s")
        == Self.three + [Row(134, 0, 2, 0), Row(164, 0, 1, 0)])
  }

  @Test("a window that reaches back to before the deployment is as long as it has scaled")
  func young() throws {
    // 20 until 10 s: 200 request seconds. With a threshold of 3, 2 replicas for 1 are no panic. 18 s: 11.1: 2; 20 s: 10: 1.
    #expect(
      try Self.path([(20, 0, 10)], ", panicThreshold: 3") == [
        Row(0, 0, 1, 0), Row(2, 1, 1, 0), Row(12, 0, 2, 0), Row(20, 0, 1, 0),
      ])
  }

  @Test("none is removed in panic, which lasts for a stable window after the threshold was last reached")
  func panic() throws {
    // 2 wanted for 1 ready: exactly the threshold, until 10 s. 72 s is the first decision after 10 + 60 s.
    #expect(
      try Self.path([(20, 0, 10)]) == [
        Row(0, 0, 1, 0), Row(2, 1, 1, 0), Row(12, 0, 2, 0), Row(72, 0, 1, 0),
      ])
  }

  @Test("the panic window sees a burst that the stable one does not")
  func burst() throws {
    // 10 for 100 s; 10 more from 100 s on. 102 s: stable 10 + 10 × 2 ÷ 60 = 10.3: 2; panic 10 + 10 × 2 ÷ 6 = 13.3: 2, so
    // that it panics. Both want 2 at last.
    #expect(
      try Self.path([(10, 0, 3600), (10, 100, 3600)], end: 300) == [
        Row(0, 0, 1, 0), Row(102, 1, 1, 0), Row(112, 0, 2, 0),
      ])
    // 50 more: 102 s: panic 10 + 50 × 2 ÷ 6 = 26.7: 3; 104 s: 43.3: 5; 106 s: 60: 6, while stable comes to 15.
    #expect(
      try Self.path([(10, 0, 3600), (50, 100, 3600)], end: 107) == [
        Row(0, 0, 1, 0), Row(102, 2, 1, 0), Row(104, 4, 1, 0), Row(106, 5, 1, 0),
      ])
  }

  @Test("a decision wants at most maxScaleUpRate times the ready replicas")
  func upRate() throws {
    // 60 need 6: 2 × 1, once these are ready 2 × 2, then 6.
    #expect(
      try Self.path([(60, 0, 3600)], ", maxScaleUpRate: 2", end: 22) == [
        Row(0, 0, 1, 0), Row(2, 1, 1, 0), Row(12, 0, 2, 0), Row(12, 2, 2, 0), Row(22, 1, 3, 0),
        Row(22, 0, 4, 0), Row(22, 2, 4, 0),
      ])
    // 1.1 × 1, rounded up, is 2: it never gets stuck.
    #expect(
      try Self.path([(60, 0, 3600)], ", maxScaleUpRate: 1.1", end: 11) == [Row(0, 0, 1, 0), Row(2, 1, 1, 0)])
  }

  @Test("a decision wants at least the ready replicas divided by maxScaleDownRate, rounded down")
  func downRate() throws {
    // 60 until 100 s. 102 s: 40: 4, but ⌊6 ÷ 1.2⌋ = 5; ⌊5 ÷ 1.2⌋ = 4, and so on.
    #expect(
      try Self.path([(60, 0, 100)], ", stableWindow: 6s, maxScaleDownRate: 1.2").suffix(5) == [
        Row(102, 0, 5, 0), Row(104, 0, 4, 0), Row(106, 0, 3, 0), Row(108, 0, 2, 0), Row(110, 0, 1, 0),
      ])
    // After a panic, the window is empty: 72 s: ⌊6 ÷ 2⌋, 74 s: ⌊3 ÷ 2⌋.
    #expect(
      try Self.path([(60, 0, 10)]).suffix(2) == [Row(72, 0, 3, 0), Row(74, 0, 1, 0)])
  }

  @Test("with no replica, the first request starts one at once; an empty stable window stops it")
  func zero() throws {
    // Served from 41 to 46 s. 104 s: the window begins at 44 s; 106 s: at 46 s.
    let run = try Self.run([(1, 31, 5)], min: 0)
    #expect(
      run.tables.replicas.map(Row.init) == [
        Row(0, 0, 0, 0), Row(31, 1, 0, 0), Row(41, 0, 1, 0), Row(106, 0, 0, 0),
      ])
    #expect(run.requests.map(\.waiting) == [10_000_000])
  }

  @Test("after a silence of a window, its average begins with the request that ends it")
  func silence() throws {
    // Nothing for longer than both windows. 132 s: 60 on average since 131 s, which is all that is known: 6, in panic.
    let rows = try Self.run([(60, 131, 3600)], min: 0).tables.replicas.map(Row.init)
    #expect(
      rows.filter { $0.second < 141 } == [Row(0, 0, 0, 0), Row(131, 1, 0, 0), Row(132, 6, 0, 0)], "\(rows)")
  }

  @Test("initialScale: so many start, none is removed before all are ready, nor for a stable window after it")
  func initialScale() throws {
    // Deployed at 600 s, started in 70 s, which is longer than a stable window; no request comes. The tick at which all are
    // ready is that of 670 s; panic, in which none is removed, is over once more than 60 s have passed: at 732 s. Then half
    // of them at a tick: 3, 1, 0.
    func rows(_ policy: String) throws -> [Row] {
      try Simulated(
        ReplicaPathTests.scenario(
          scaling:
            "{ minReplicas: 0, maxReplicas: 6, maxBatchSize: 1, startup: 70s, policy: { averageConcurrency: { \(policy) } } }",
          subscription: 6
        ).replacing("deployAt: 2026-01-01", with: "deployAt: 2026-01-05T00:10"),
        traces: ReplicaPathTests.trace([(0, 1)])
      ).tables.replicas.map(Row.init)
    }
    #expect(
      try rows("initialScale: 3") == [
        Row(600, 3, 0, 0), Row(670, 2, 1, 0), Row(670, 1, 2, 0), Row(670, 0, 3, 0), Row(732, 0, 1, 0),
        Row(734, 0, 0, 0),
      ])
    #expect(try rows("") == [Row(600, 0, 0, 0)])
  }

  @Test("a start that is not needed any more is undone, and requests beyond heldRequests fail")
  func held() throws {
    let run = try Self.run([(7, 31, 5)], ", heldRequests: 4", min: 0)
    #expect(run.requests.filter { $0.reason == "overloaded" }.count == 3)
    #expect(run.requests.filter(\.isSuccess).count == 4)
  }
}
