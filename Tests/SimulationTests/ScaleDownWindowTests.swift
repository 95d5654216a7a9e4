import Telemetry
import TestSupport
import Testing

/// Paths by hand. One request a replica unless said; a scale-up waits for 30 s, a cold start takes 10 s, and the window
/// is 60 s. Requests are (second of arrival, seconds of service), in order of arrival: the first is served by the oldest
/// replica, which stays.
@Suite("The scale-down window slides")
struct ScaleDownWindowTests {
  typealias Row = ReplicaPathTests.Row

  private static func path(
    _ requests: [(second: Double, service: Int32)], min: Int = 1, batch: Int = 1, window: String = "60s",
    startup: String = "10s", queue: String = "{ capacity: 100 }"
  ) throws -> [Row] {
    try Simulated(
      ReplicaPathTests.scenario(
        scaling:
          "{ minReplicas: \(min), maxReplicas: 5, maxBatchSize: \(batch), scaleUpDelay: 30s, scaleDownDelay: \(window), startup: \(startup) }",
        queue: queue, subscription: 10),
      traces: ReplicaPathTests.trace(requests)
    ).tables.replicas.map(Row.init)
  }

  @Test("it looks back over its whole length, whatever was removed in it")
  func slides() throws {
    // Demand is 4 until 60 s, 3 until 100 s, then 1. 120 s: the peak of the last 60 s is 3; the youngest drains, since it
    // serves the long request. 160 s: the peak of the last 60 s is 1, although one was removed 40 s ago.
    #expect(
      try Self.path([(0, 60), (0, 60), (0, 60), (0, 300)]) == [
        Row(0, 0, 1, 0), Row(30, 3, 1, 0), Row(40, 2, 2, 0), Row(40, 1, 3, 0), Row(40, 0, 4, 0),
        Row(120, 0, 3, 1), Row(160, 0, 1, 1), Row(340, 0, 1, 0),
      ])
  }

  @Test("demand that comes down in steps is followed in the same steps, a window later")
  func staircase() throws {
    // Served from 40 s on: demand is 4 until 100 s, 3 until 120 s, 2 until 140 s, then 1.
    #expect(
      try Self.path([(0, 400), (0, 60), (0, 80), (0, 100)]) == [
        Row(0, 0, 1, 0), Row(30, 3, 1, 0), Row(40, 2, 2, 0), Row(40, 1, 3, 0), Row(40, 0, 4, 0),
        Row(160, 0, 3, 0), Row(180, 0, 2, 0), Row(200, 0, 1, 0),
      ])
  }

  @Test("a short rise in the window keeps what it needed until the window has left it")
  func blip() throws {
    // Demand is 3 until 100 s, then 1, but 2 from 150 to 155 s: two replicas until 215 s.
    #expect(
      try Self.path([(0, 400), (0, 60), (0, 60), (150, 5)]) == [
        Row(0, 0, 1, 0), Row(30, 2, 1, 0), Row(40, 1, 2, 0), Row(40, 0, 3, 0), Row(160, 0, 2, 0),
        Row(215, 0, 1, 0),
      ])
  }

  @Test("a rise to the demand that all replicas serve restarts the window")
  func cancelled() throws {
    // Demand is 3 until 100 s, 1, and 3 again from 120 to 130 s.
    #expect(
      try Self.path([(0, 400), (0, 60), (0, 60), (120, 10), (120, 10)]) == [
        Row(0, 0, 1, 0), Row(30, 2, 1, 0), Row(40, 1, 2, 0), Row(40, 0, 3, 0), Row(190, 0, 1, 0),
      ])
  }

  @Test("minReplicas end the way down")
  func least() throws {
    // Two replicas: demand is 4, 3 from 60 s, 2 from 120 s. 120 s: down to 3, the youngest drains until 140 s and takes
    // its request out of demand; 180 s: the window has left the time when demand was 3.
    #expect(
      try Self.path([(0, 400), (0, 60), (0, 80), (0, 100)], min: 2) == [
        Row(0, 0, 2, 0), Row(30, 2, 2, 0), Row(40, 1, 3, 0), Row(40, 0, 4, 0), Row(120, 0, 3, 1),
        Row(140, 0, 3, 0), Row(180, 0, 2, 0),
      ])
  }

  @Test("with larger batches only demand beyond what whole replicas serve counts")
  func batches() throws {
    // Batches of 4: demand is 8 until 100 s, then 4, which one replica serves; 5 from 110 to 120 s takes two.
    func several(_ count: Int, _ service: Int32) -> [(second: Double, service: Int32)] {
      Array(repeating: (second: 0, service: service), count: count)
    }
    #expect(
      try Self.path(several(4, 400) + several(4, 60) + [(110, 10)], batch: 4) == [
        Row(0, 0, 1, 0), Row(30, 1, 1, 0), Row(40, 0, 2, 0), Row(180, 0, 1, 0),
      ])
    // 3 from 100 s on, and 4 at times: one replica all the time.
    #expect(
      try Self.path(
        several(3, 400) + [(0, 100)] + several(4, 60) + [(110, 10), (130, 10)], batch: 4) == [
          Row(0, 0, 1, 0), Row(30, 1, 1, 0), Row(40, 0, 2, 0), Row(160, 0, 1, 0),
        ])
  }

  @Test(
    "replicas that were removed are added again when demand wants them, and the window starts with its fall")
  func upAgain() throws {
    #expect(
      try Self.path([(0, 600), (0, 60), (0, 60), (170, 100)]) == [
        Row(0, 0, 1, 0), Row(30, 2, 1, 0), Row(40, 1, 2, 0), Row(40, 0, 3, 0), Row(160, 0, 1, 0),
        Row(200, 1, 1, 0), Row(210, 0, 2, 0), Row(370, 0, 1, 0),
      ])
  }

  @Test("replicas that have not started yet are removed when they are no longer needed")
  func starting() throws {
    // Two wait for replicas that take 200 s to start, and give up at 35 s.
    #expect(
      try Self.path([(0, 300), (0, 60), (0, 60)], startup: "200s", queue: "{ capacity: 100, timeout: 35s }")
        == [Row(0, 0, 1, 0), Row(30, 2, 1, 0), Row(95, 0, 1, 0)])
  }

  @Test("without a delay, what is not needed goes at once")
  func noDelay() throws {
    #expect(
      try Self.path([(0, 300), (0, 60)], window: "0s") == [
        Row(0, 0, 1, 0), Row(30, 1, 1, 0), Row(40, 0, 2, 0), Row(100, 0, 1, 0),
      ])
  }
}
