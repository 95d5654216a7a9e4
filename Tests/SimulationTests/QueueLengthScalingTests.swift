import Telemetry
import TestSupport
import Testing

/// Paths of KEDA, by hand. It polls every 30 s from the start, its HorizontalPodAutoscaler syncs every 15 s; a replica has
/// one slot and starts in 10 s.
@Suite("queueLength is KEDA with its HorizontalPodAutoscaler")
struct QueueLengthScalingTests {
  typealias Row = ReplicaPathTests.Row
  typealias Requests = [(second: Double, service: Int32)]

  static func run(
    _ requests: Requests, _ policy: String, min: Int = 0, max: Int = 10, subscription: Int = 30,
    queue: String = "{ capacity: 1000 }", undeployAt: String? = nil
  ) throws -> Simulated {
    try Simulated(
      ReplicaPathTests.scenario(
        scaling:
          "{ minReplicas: \(min), maxReplicas: \(max), maxBatchSize: 1, startup: 10s, policy: { queueLength: { \(policy) } } }",
        queue: queue, subscription: subscription, undeployAt: undeployAt),
      traces: ReplicaPathTests.trace(requests))
  }

  static func path(
    _ requests: Requests, _ policy: String, min: Int = 0, max: Int = 10, end: Double = 3600
  ) throws -> [Row] {
    try run(requests, policy, min: min, max: max).tables.replicas.map(Row.init).filter {
      $0.second <= end && (min > 0 || $0.second > 0)
    }
  }

  @Test(
    "the first poll that finds a request starts one replica; the cool-down begins with the last that found one"
  )
  func fromZero() throws {
    // Polls at 0, 30, 60 s. The request of 31 s is held until 60 + 10 s and served until 75 s; the poll of 60 s was the last
    // to find it waiting: 360 s is not after 60 + 300 s; 390 s is.
    let run = try Self.run([(31, 5)], "target: 5")
    #expect(
      run.tables.replicas.map(Row.init) == [
        Row(0, 0, 0, 0), Row(60, 1, 0, 0), Row(70, 0, 1, 0), Row(390, 0, 0, 0),
      ])
    #expect(run.requests.map(\.waiting) == [39_000_000])
    #expect(run.requests.map(\.isSuccess) == [true])
  }

  @Test("a poll at the instant of an arrival comes before it")
  func tie() throws {
    #expect(try Self.path([(30, 5)], "target: 5", end: 80) == [Row(60, 1, 0, 0), Row(70, 0, 1, 0)])
  }

  @Test("with pending requests, a replica is kept while it serves; with waiting ones, it drains")
  func counts() throws {
    // Served from 40 to 540 s: polls find it until 510 s (at 540 s the departure comes first); 840 s is after 810.
    #expect(
      try Self.path([(1, 500)], "target: 5, counts: pending") == [
        Row(30, 1, 0, 0), Row(40, 0, 1, 0), Row(840, 0, 0, 0),
      ])
    // Last found waiting at 30 s: 360 s is the first poll after 330 s. It serves until 540 s.
    #expect(
      try Self.path([(1, 500)], "target: 5") == [
        Row(30, 1, 0, 0), Row(40, 0, 1, 0), Row(360, 0, 0, 1), Row(540, 0, 0, 0),
      ])
  }

  @Test("no more requests than the activation threshold start nothing")
  func activation() throws {
    // 3 are not more than 3; the fourth, of 100 s, is found at 120 s.
    #expect(
      try Self.path([(1, 5), (2, 5), (3, 5), (100, 5)], "target: 5, activationThreshold: 3", end: 130) == [
        Row(120, 1, 0, 0), Row(130, 0, 1, 0),
      ])
  }

  @Test("what is still held when the period ends is served, whatever the threshold")
  func end() throws {
    let run = try Self.run([(1, 5)], "target: 5, activationThreshold: 3")
    // The period ends at 3600 s; the poll of that instant starts a replica.
    #expect(run.requests.map(\.waiting) == [3_609_000_000])
    #expect(run.requests.map(\.isSuccess) == [true])
  }

  @Test("between one and maxReplicas, desired is the queue ÷ target, rounded up, within the limits")
  func average() throws {
    // 15 s: 20 wait for 1: 20 ÷ 5 = 4. 25 s: three more serve, 17 wait. 30 s: 17 ÷ (5 × 4) = 0.85: ⌈3.4⌉ = 4.
    // Each serves for 1000 s, so nothing changes any more.
    #expect(
      try Self.path(Array(repeating: (0, 1000), count: 21), "target: 5", min: 1, end: 900) == [
        Row(0, 0, 1, 0), Row(15, 3, 1, 0), Row(25, 2, 2, 0), Row(25, 1, 3, 0), Row(25, 0, 4, 0),
      ])
    // 42 ÷ 5 = 9 replicas; at most max(2 × 1, 4). 30 s: 39 wait: ⌈7.8⌉ = 8, twice the 4.
    #expect(
      try Self.path(Array(repeating: (0, 1000), count: 43), "target: 5", min: 1, end: 30) == [
        Row(0, 0, 1, 0), Row(15, 3, 1, 0), Row(25, 2, 2, 0), Row(25, 1, 3, 0), Row(25, 0, 4, 0),
        Row(30, 4, 4, 0),
      ])
  }

  @Test("on the edge of the tolerance nothing changes")
  func tolerance() throws {
    // 11 wait: 11 ÷ 10 = 1.1. 12: 1.2, ⌈1.2⌉ = 2.
    #expect(
      try Self.path(Array(repeating: (0, 1000), count: 12), "target: 10", min: 1, end: 90) == [
        Row(0, 0, 1, 0)
      ])
    #expect(
      try Self.path(Array(repeating: (0, 1000), count: 13), "target: 10", min: 1, end: 15) == [
        Row(0, 0, 1, 0), Row(15, 1, 1, 0),
      ])
  }

  @Test("replicas that start count as others do")
  func starting() throws {
    // 20 wait, 4 wanted at 15 s; start 10 s, so that a sync at 20 s finds them starting: 20 ÷ (5 × 4) = 1: as it is.
    #expect(
      try Self.path(Array(repeating: (0, 1000), count: 21), "target: 5, syncPeriod: 5s", min: 1, end: 20) == [
        Row(0, 0, 1, 0), Row(5, 3, 1, 0), Row(15, 2, 2, 0), Row(15, 1, 3, 0), Row(15, 0, 4, 0),
      ])
  }

  @Test("down to one by the window of 300 s, and from one to none by the cool-down")
  func down() throws {
    // 45 s: one is served, 10 wait: 2 replicas, ready at 55 s. They take one each at 60, 75, 80, 95, 100, 115 s, …: 90 s: 6
    // wait, ⌈1.2⌉ = 2; 105 s: 4, ⌈0.8⌉ = 1. The wish of 90 s is out of the window at 390 s. The last wait until 140 s, so
    // that the poll of 120 s is the last to find one: 420 s is not after 120 + 300 s; 450 s is.
    let rows = try Self.path(Array(repeating: (1, 20), count: 11), "target: 5")
    #expect(
      rows == [
        Row(30, 1, 0, 0), Row(40, 0, 1, 0), Row(45, 1, 1, 0), Row(55, 0, 2, 0), Row(390, 0, 1, 0),
        Row(450, 0, 0, 0),
      ])
  }

  @Test("no more requests are held than heldRequests; a further one fails as overloaded")
  func held() throws {
    let run = try Self.run(Array(repeating: (1, 1), count: 8), "target: 5, heldRequests: 5")
    #expect(run.requests.filter(\.isSuccess).count == 5)
    #expect(
      run.requests.filter { !$0.isSuccess }.map(\.reason) == ["overloaded", "overloaded", "overloaded"])
    // Once a replica is ready, the queue's own capacity counts.
    let later = try Self.run(
      Array(repeating: (1, 100), count: 5) + Array(repeating: (41, 1), count: 20),
      "target: 50, heldRequests: 5")
    #expect(later.requests.filter { !$0.isSuccess }.isEmpty)
    // A queue that holds fewer holds fewer.
    let small = try Self.run(
      Array(repeating: (1, 1), count: 8), "target: 5, heldRequests: 5", queue: "{ capacity: 2 }")
    #expect(small.requests.filter(\.isSuccess).count == 2)
  }

  @Test("held requests time out as others do")
  func timeout() throws {
    let run = try Self.run([(1, 5)], "target: 5", queue: "{ capacity: 10, timeout: 20s }")
    #expect(run.requests.map(\.reason) == ["timeout"])
    #expect(run.tables.replicas.map(Row.init) == [Row(0, 0, 0, 0)])
  }

  @Test("requests that are held when the version is undeployed fail")
  func undeployed() throws {
    let run = try Self.run(
      [(595, 5)], "target: 5, pollingInterval: 1h", undeployAt: "2026-01-05T00:10")
    #expect(run.requests.map(\.reason) == ["overloaded"])
    #expect(run.requests.map(\.latency) == [5_000_000])
  }

  @Test(
    "a window for the way up begins with the first replica: what was wanted of none before does not hold back"
  )
  func activationAndWindow() throws {
    // 200 requests are found at 630 s, when what the autoscaler noted at its beginning is out of the window. 645 s:
    // 199 ÷ 5 = 40 wanted, 1 + 4 allowed; 660 s: twice 5; 675 s: twice 10.
    let rows = try Self.run(
      Array(repeating: (601, 1000), count: 200),
      "target: 5, heldRequests: 200, scaleUp: { stabilisationWindow: 2min }", max: 40,
      subscription: 40
    ).tables.replicas.map(Row.init)
    let all = [630, 645, 660, 675].map { second in
      rows.filter { $0.second == Double(second) }.map { $0.starting + $0.ready }
    }
    #expect(all == [[1], [5], [10], [20]])
  }
}
