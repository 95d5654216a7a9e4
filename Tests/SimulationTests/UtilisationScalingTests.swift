import Simulation
import Telemetry
import TestSupport
import Testing

/// Paths of a HorizontalPodAutoscaler, by hand. It syncs every 15 s from the start; a replica has one slot unless said, so
/// that utilisation is 1 or 0 for each. Requests are (second of arrival, seconds of service).
@Suite("targetUtilisation is Kubernetes' HorizontalPodAutoscaler")
struct UtilisationScalingTests {
  typealias Row = ReplicaPathTests.Row

  static func path(
    _ requests: [(second: Double, service: Int32)], _ policy: String, min: Int = 1, max: Int = 20,
    batch: Int = 1,
    startup: String = "10s", end: Double = 3600
  ) throws -> [Row] {
    try Simulated(
      ReplicaPathTests.scenario(
        scaling:
          "{ minReplicas: \(min), maxReplicas: \(max), maxBatchSize: \(batch), startup: \(startup), policy: { targetUtilisation: { \(policy) } } }",
        subscription: 30),
      traces: ReplicaPathTests.trace(requests)
    ).tables.replicas.map(Row.init).filter { $0.second <= end }
  }

  static func several(_ count: Int, at second: Double = 0, _ service: Int32 = 3000) -> [(
    second: Double, service: Int32
  )] {
    Array(repeating: (second: second, service: service), count: count)
  }

  @Test(
    "desired is replicas × utilisation ÷ target, rounded up, of the ready ones; those that start use nothing")
  func up() throws {
    // 15 s: 1 × 1 ÷ 0.4 = 2.5, 3. 25 s: all ready. 30 s: 3 ÷ 0.4 = 7.5, 8; without behavior at most max(2 × 3, 4) = 6.
    // 40 s: ready. 45 s: 6 of 6 in use: 15; at most 12.
    #expect(
      try Self.path(several(40), "target: 0.4", end: 45) == [
        Row(0, 0, 1, 0), Row(15, 2, 1, 0), Row(25, 1, 2, 0), Row(25, 0, 3, 0), Row(30, 3, 3, 0),
        Row(40, 2, 4, 0), Row(40, 1, 5, 0), Row(40, 0, 6, 0), Row(45, 6, 6, 0),
      ])
  }

  @Test(
    "with any behavior, the defaults of the rest are 100 % or 4 replicas in 15 s; without, twice or 4 in all")
  func behavior() throws {
    // 1 ÷ 0.1 = 10. Without: max(2 × 1, 4). With: max(2 × 1, 1 + 4).
    #expect(try Self.path(several(40), "target: 0.1", end: 15) == [Row(0, 0, 1, 0), Row(15, 3, 1, 0)])
    for stated in ["scaleDown: { stabilisationWindow: 60s }", "scaleUp: { selectPolicy: max }"] {
      #expect(
        try Self.path(several(40), "target: 0.1, \(stated)", end: 15) == [Row(0, 0, 1, 0), Row(15, 4, 1, 0)])
    }
  }

  @Test("each direction may have a tolerance of its own; the other keeps the common one")
  func tolerances() throws {
    // 11 of 20 in use are 1.1 times the target: within the common 10 %, and beyond 5 % on the way up: ⌈1.1⌉ = 2.
    for (policy, rows) in [
      ("scaleUp: { tolerance: 0.05 }", [Row(0, 0, 1, 0), Row(15, 1, 1, 0)]),
      ("scaleDown: { tolerance: 0.05 }", [Row(0, 0, 1, 0)]),
      ("tolerance: 0.05, scaleUp: { tolerance: 0.1 }", [Row(0, 0, 1, 0)]),
      ("tolerance: 0.05", [Row(0, 0, 1, 0), Row(15, 1, 1, 0)]),
    ] {
      #expect(
        try Self.path(Self.several(11), "target: 0.5, \(policy)", batch: 20, end: 15) == rows, "\(policy)")
    }
    // 20 of 20: two at 15 s, which serve the 21st until 125 s. Then 10 of 40 are half of the target: one, at 135 s, unless
    // 60 % are tolerated.
    let window = "stabilisationWindow: 0s"
    let requests = Self.several(10) + Self.several(11, 100)
    #expect(
      try Self.path(requests, "target: 0.5, scaleDown: { \(window) }", batch: 20, end: 300).last
        == Row(135, 0, 1, 0))
    #expect(
      try Self.path(requests, "target: 0.5, scaleDown: { \(window), tolerance: 0.6 }", batch: 20, end: 300)
        .last == Row(25, 0, 2, 0))
  }

  private func several(_ count: Int) -> [(second: Double, service: Int32)] { Self.several(count) }

  @Test("a replica that starts is taken to use nothing, so that none is added for what it will do")
  func unready() throws {
    // Start 40 s. 15 s: 1 ÷ 0.5 = 2. 30 and 45 s: 1 of 2 in use, a ratio of 1 to the target: as it is. 55 s: ready.
    // 60 s: 2 ÷ 0.5 = 4.
    #expect(
      try Self.path(several(9), "target: 0.5", startup: "40s", end: 60) == [
        Row(0, 0, 1, 0), Row(15, 1, 1, 0), Row(55, 0, 2, 0), Row(60, 2, 2, 0),
      ])
  }

  @Test("on the edge of the tolerance nothing changes, and beyond it it does")
  func tolerance() throws {
    // 10 slots, 11 × 0.05 = 0.55: 5.5 cannot be; with 20 slots, 11 in use are 0.55 = 0.5 × 1.1: within 10 %.
    #expect(try Self.path(Self.several(11), "target: 0.5", batch: 20, end: 60) == [Row(0, 0, 1, 0)])
    // 12 in use: 0.6 ÷ 0.5 = 1.2: ⌈1.2⌉ = 2 replicas.
    #expect(
      try Self.path(Self.several(12), "target: 0.5", batch: 20, end: 29) == [
        Row(0, 0, 1, 0), Row(15, 1, 1, 0), Row(25, 0, 2, 0),
      ])
    // 0.55 without any tolerance.
    #expect(
      try Self.path(Self.several(11), "target: 0.5, tolerance: 0", batch: 20, end: 29) == [
        Row(0, 0, 1, 0), Row(15, 1, 1, 0), Row(25, 0, 2, 0),
      ])
  }

  @Test("it scales down to the largest wish of the window, which slides")
  func down() throws {
    // 15 s: 1 ÷ 0.5 = 2; 30 s: 2 ÷ 0.5 = 4; 45 s: 3 of 4 in use: 0.75 ÷ 0.5 × 4 = 6; 60 s: 3 of 6: as it is. The two short
    // requests, served from 25 and 40 s on, end at 125 and 140 s. Wishes then: 2 of 6 from 135 s: ⌈6 × 0.33 ÷ 0.5⌉ = 4;
    // 1 of 6 from 150 s: 2. 120 s was the last wish of 6: out of the window of 300 s at 420 s; the one of 4, at 135 s, holds
    // until 435 s; then 2.
    #expect(
      try Self.path([(0, 3000), (0, 100), (0, 100)], "target: 0.5", end: 900) == [
        Row(0, 0, 1, 0), Row(15, 1, 1, 0), Row(25, 0, 2, 0), Row(30, 2, 2, 0), Row(40, 1, 3, 0),
        Row(40, 0, 4, 0), Row(45, 2, 4, 0), Row(55, 1, 5, 0), Row(55, 0, 6, 0), Row(420, 0, 4, 0),
        Row(435, 0, 2, 0),
      ])
  }

  @Test("a window on the way up follows the smallest wish in it; the number that it finds counts as one")
  func upWindow() throws {
    // The wish found at 15 s is 1, then 2 at 15, 30, 45 s: at 45 s those of 15 s are out of a window of 30 s.
    #expect(
      try Self.path(several(9), "target: 0.5, scaleUp: { stabilisationWindow: 30s }", end: 45) == [
        Row(0, 0, 1, 0), Row(45, 1, 1, 0),
      ])
  }

  @Test("limits count from the replicas at the beginning of their period; min takes the smaller change")
  func limits() throws {
    // Two a minute. 15 s: 1 ÷ 0.1 = 10, at most 1 + 2. Until 75 s the period's beginning has 1. 75 s: 3 + 2.
    let slow = "target: 0.1, scaleUp: { policies: [ { replicas: 2, period: 60s } ] }"
    #expect(
      try Self.path(several(40), slow, end: 80) == [
        Row(0, 0, 1, 0), Row(15, 2, 1, 0), Row(25, 1, 2, 0), Row(25, 0, 3, 0), Row(75, 2, 3, 0),
      ])
    // 50 % of 3, rounded up: 4.5, 5; or one: min takes 4; max 5.
    func both(_ select: String) -> String {
      "target: 0.1, scaleUp: { selectPolicy: \(select), policies: [ { percent: 50, period: 60s }, { replicas: 1, period: 60s } ] }"
    }
    #expect(try Self.path(several(40), both("min"), min: 3, end: 15) == [Row(0, 0, 3, 0), Row(15, 1, 3, 0)])
    #expect(try Self.path(several(40), both("max"), min: 3, end: 15) == [Row(0, 0, 3, 0), Row(15, 2, 3, 0)])
    #expect(try Self.path(several(40), both("disabled"), min: 3, end: 900) == [Row(0, 0, 3, 0)])
  }

  @Test("replicas are removed no faster than the limits of scaleDown allow")
  func downLimits() throws {
    // As in `down` to 6 replicas with 3 requests, until 155 s. 165 s: none is in use; one replica a minute.
    let slow =
      "target: 0.5, scaleDown: { stabilisationWindow: 0s, policies: [ { replicas: 1, period: 60s } ] }"
    #expect(
      try Self.path([(0, 155), (0, 130), (0, 115)], slow, end: 900).suffix(5) == [
        Row(165, 0, 5, 0), Row(225, 0, 4, 0), Row(285, 0, 3, 0), Row(345, 0, 2, 0), Row(405, 0, 1, 0),
      ])
    // Until 55 s. 60 s: a minute ago there was 1 replica, so that 1 is within the limit.
    #expect(
      try Self.path([(0, 55), (0, 30), (0, 15)], slow, end: 900).suffix(2) == [
        Row(55, 0, 6, 0), Row(60, 0, 1, 0),
      ])
  }

  @Test("a metric is seen with its delay; replicas that it does not know use nothing on the way up")
  func delay() throws {
    // Of the metric of 5 s at 15 s: 1 ÷ 0.5 = 2; ready at 25 s. 30 s: the metric of 20 s knows one of two: 1 ÷ 2 ÷ 0.5 = 1:
    // as it is. 45 s: that of 35 s knows two: 4.
    #expect(
      try Self.path(several(40), "target: 0.5, metricDelay: 10s", end: 45) == [
        Row(0, 0, 1, 0), Row(15, 1, 1, 0), Row(25, 0, 2, 0), Row(45, 2, 2, 0),
      ])
    // The metric of −5 s does not exist; that of 10 s is seen at 30 s.
    #expect(
      try Self.path(several(40), "target: 0.5, metricDelay: 20s", end: 30) == [
        Row(0, 0, 1, 0), Row(30, 1, 1, 0),
      ])
    // Requests that come at 12 s are not in the metric of 5 s.
    #expect(
      try Self.path(Self.several(9, at: 12), "target: 0.5, metricDelay: 10s", end: 30) == [
        Row(0, 0, 1, 0), Row(30, 1, 1, 0),
      ])
  }

  @Test("maxReplicas is not exceeded, and what it cuts is recorded")
  func bounds() throws {
    #expect(
      try Self.path(several(40), "target: 0.1", max: 3, end: 15) == [
        Row(0, 0, 1, 0), Row(15, 2, 1, 0, .maxReplicas),
      ])
  }

  @Test(
    "the documentation's cases of missing and unready replicas",
    arguments: [
      // (usage, measured, ready, starting, wish); a replica has 10, the target is 50 %.
      (10, 1, 1, 0, 2), (5, 1, 1, 0, 1),
      // On the edges of the tolerance, 45 and 55 of 100: 0.9 and 1.1; beyond: 0.88, ⌈8.8⌉ = 9, and 1.12, ⌈11.2⌉ = 12.
      (45, 10, 10, 0, 10), (44, 10, 10, 0, 9), (55, 10, 10, 0, 10), (56, 10, 10, 0, 12),
      // Without anything measured or ready: no wish.
      (0, 0, 0, 2, nil), (0, 0, 3, 0, nil),
      // Up: 18 of 20 is 1.8; with two that start, 18 of 40 is 0.9: within 10 %. With one, 18 of 30 is 1.2: ⌈3.6⌉ = 4.
      (18, 2, 2, 2, 4), (18, 2, 2, 1, 4),
      // Up, and down with those that start: as it is. 12 of 20 is 1.2, 12 of 50 is 0.48.
      (12, 2, 2, 3, 5),
      // Down: those that start do not count. 4 of 20 is 0.4: ⌈0.8⌉ = 1.
      (4, 2, 2, 3, 1),
      // Down with one that was not measured, taken to use the 5 that are wanted of each: 2 + 5 of 15 is 0.47: ⌈1.4⌉ = 2.
      (2, 2, 3, 0, 2),
      // The same with three measured: 0 + 5 of 20 is 0.25: ⌈1⌉ = 1.
      (0, 3, 4, 0, 1),
      // Two measured at 8 of 10, two not: 8 + 10 of 20 is 0.9: within 10 %.
      (8, 2, 4, 0, 4),
      // Of three that were measured at 30 of 30, one is gone and another starts: 20 of 15 is 1.33: ⌈4⌉ = 4.
      (30, 3, 2, 1, 4),
      // The same without another that starts: 20 of 10 is 2: 4.
      (30, 3, 2, 0, 4),
    ] as [(Int64, Int, Int, Int, Int?)])
  func wishes(_ usage: Int64, _ measured: Int, _ ready: Int, _ starting: Int, _ wish: Int?) {
    let metric = ReplicaMetric(
      usage: usage, measured: measured, capacity: 10, target: 500_000,
      tolerance: .init(above: 100_000, below: 100_000))
    #expect(metric.wish(ready: ready, starting: starting) == wish)
  }
}
