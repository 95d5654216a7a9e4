import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Classes and priorities")
struct PriorityTests {
  private static let three = """
    [{ name: high, share: 0.2, priority: 2 }, { name: middle, share: 0.3, priority: 1 }, { name: low, share: 0.5 }]
    """

  /// One deployment that never scales: classes `high`, `middle` and `low` with shares of 0.2, 0.3 and 0.5.
  static func queue(
    rate: Double, slots: Int, time: String, seed: Int, hours: Int, queue: String,
    classes: String = Self.three
  ) -> String {
    oneDeployment(
      load:
        "arrivals: { poisson: { rate: \(rate)/s } }, tokens: { input: 1, output: 1 }, classes: \(classes)",
      service: "{ time: \(time) }", slots: slots, more: "queue: { capacity: 10000000, \(queue) }",
      hours: hours, seed: seed)
  }

  private static func waits(_ requests: [SimulatedRequest], _ name: String) -> BatchMeans {
    BatchMeans(requests.filter { $0.requestClass == name }.map { Double($0.waiting) / 1e6 })
  }

  @Test(
    "M/M/c by priority: mean waiting times of the classes are Cobham's",
    arguments: [(1, 0.7, 71), (4, 0.85, 72), (16, 0.9, 73)])
  func cobham(slots: Int, utilisation: Double, seed: Int) throws {
    let load = Double(slots) * utilisation
    let run = try Simulated(
      Self.queue(
        rate: load, slots: slots, time: "{ exponential: { mean: 1s } }", seed: seed,
        hours: max(30, 24 * 20 / slots), queue: "discipline: priority"))
    let expected = QueueTheory.cobham(slots, [0.2, 0.3, 0.5].map { $0 * load })
    for (name, theory) in zip(["high", "middle", "low"], expected) {
      let waiting = Self.waits(run.requests, name)
      #expect(waiting.agrees(with: theory), "\(name): \(waiting) against \(theory)")
      #expect(waiting.relativeError < 0.06)
    }
  }

  @Test(
    "M/G/1 by priority: mean waiting times of the classes are Cobham's",
    arguments: [("1s", 0.0, 74), ("{ lognormal: { mean: 1s, cv: 1.5 } }", 2.25, 75)])
  func generalService(time: String, squaredCv: Double, seed: Int) throws {
    let load = 0.7
    let run = try Simulated(
      Self.queue(
        rate: load, slots: 1, time: time, seed: seed, hours: 24 * 20, queue: "discipline: priority"))
    // What is left of the service at hand: λE[S²] ÷ 2. Cobham (1954), eq. 3.
    let residual = load * (1 + squaredCv) / 2
    var before = 0.0
    for (name, share) in [("high", 0.2), ("middle", 0.3), ("low", 0.5)] {
      let after = before + share * load
      let theory = residual / ((1 - before) * (1 - after))
      let waiting = Self.waits(run.requests, name)
      #expect(waiting.agrees(with: theory), "\(name): \(waiting) against \(theory)")
      #expect(waiting.relativeError < 0.06)
      before = after
    }
  }

  private static func simulated(_ rules: String) throws -> [SimulatedRequest] {
    try Simulated(
      queue(
        rate: 3.4, slots: 4, time: "{ exponential: { mean: 1s } }", seed: 76, hours: 24, queue: rules)
    ).requests
  }

  @Test("with an ageing of 0 s, a queue by priority is first in, first out")
  func fastAgeing() throws {
    let aged = try Self.simulated("discipline: priority, ageing: 0s")
    #expect(try aged == Self.simulated("discipline: fifo"))
  }

  @Test("with an ageing that nobody lives to see, priorities are strict")
  func slowAgeing() throws {
    let strict = try Self.simulated("discipline: priority")
    #expect(try strict == Self.simulated("discipline: priority, ageing: 3650d"))
    #expect(try strict != Self.simulated("discipline: priority, ageing: 2s"))
  }

  @Test(
    "whatever the ageing, the classes' waiting times weighted by their shares are those of first in, first out"
  )
  func conservation() throws {
    // Kleinrock's conservation law, with one service time for all classes. Source: Kleinrock (1965), "A conservation law
    // for a wide class of queueing disciplines". Service times are drawn in the order of starts, so that the sums of
    // waiting times are equal to the last microsecond.
    let expected = try Self.simulated("discipline: fifo").reduce(0) { $0 + $1.waiting }
    for ageing in [
      "discipline: priority", "discipline: priority, ageing: 2s", "discipline: priority, ageing: 60s",
    ] {
      #expect(try Self.simulated(ageing).reduce(0) { $0 + $1.waiting } == expected)
    }
  }

  @Test(
    "between strict priority and first in, first out, the lowest class waits the less the faster requests age"
  )
  func between() throws {
    // Nobody waits for more than 33 s: with an ageing of 17 s and more, no request of the highest class is overtaken.
    let low = try [
      "discipline: priority", "discipline: priority, ageing: 10s", "discipline: priority, ageing: 3s",
    ]
    .map { try Self.waits(Self.simulated($0), "low").mean }
    let high = try [
      "discipline: priority", "discipline: priority, ageing: 10s", "discipline: priority, ageing: 3s",
    ]
    .map { try Self.waits(Self.simulated($0), "high").mean }
    #expect(low[0] > low[1] && low[1] > low[2])
    #expect(high[0] < high[1] && high[1] < high[2])
  }

  @Test("the order by hand: a level of priority is worth the ageing")
  func byHand() throws {
    // Priorities 0, 1 and 3; a level in 10 s. Arrivals at 0, 9, 11 and 29 s count as ones at 0, −1, 11 and −1 s.
    let text = Self.queue(
      rate: 1, slots: 1, time: "1s", seed: 1, hours: 1, queue: "discipline: priority, ageing: 10s")
    let scenario = try ScenarioDocument(Data(text.utf8), path: "test.yaml").scenario
    let rules = scenario.accounts[0].models[0].deployments[0].queue
    var queue = ClassQueues(rules, priorities: [0, 1, 3], patience: [.max, .max, .max])
    queue.append(1, 0, arrivedAt: 0)
    queue.append(2, 1, arrivedAt: 9_000_000)
    queue.append(3, 0, arrivedAt: 11_000_000)
    queue.append(4, 2, arrivedAt: 29_000_000)
    // Of the two at −1 s the one that arrived first.
    let order = (0..<4).map { _ in queue.removeNext() }
    #expect(order == [2, 4, 1, 3])
  }

  @Test("last in, first out and timeouts hold for all classes together")
  func otherDisciplines() throws {
    let classes = "[{ name: a, share: 0.5, deadline: 20s }, { name: b, share: 0.5 }]"
    for discipline in ["fifo", "lifo"] {
      func run(_ classes: String) throws -> [SimulatedRequest] {
        try Simulated(
          Self.queue(
            rate: 0.95, slots: 1, time: "1s", seed: 77, hours: 24, queue: "discipline: \(discipline)",
            classes: classes)
        ).requests
      }
      // A deadline that never passes: queues by class, and the same order.
      let apart = try run(classes.replacingOccurrences(of: "20s", with: "9d"))
      let together = try run(classes.replacingOccurrences(of: ", deadline: 20s", with: ""))
      #expect(apart == together)
      let given = try run(classes)
      #expect(given.allSatisfy { $0.requestClass == "b" ? $0.isSuccess : $0.latency <= 20_000_000 })
      #expect(given.contains { $0.reason == "timeout" && $0.latency == 20_000_000 })
    }
  }

  @Test("requests have the tokens of their class, and its share")
  func tokens() throws {
    let run = try Simulated(
      Self.queue(
        rate: 5, slots: 64, time: "1s", seed: 78, hours: 24, queue: "discipline: fifo",
        classes: """
          [{ name: chat, share: 0.75 }, { name: batch, share: 0.25, tokens: { input: 4000, output: { uniform: { min: 10, max: 20 } } } }]
          """))
    let batch = run.requests.filter { $0.requestClass == "batch" }
    #expect(batch.allSatisfy { $0.input == 4000 && (10...20).contains($0.output) })
    #expect(run.requests.allSatisfy { $0.requestClass == "batch" || $0.input == 1 })
    // 432,000 requests: six standard deviations of a share of a quarter are 0.004.
    #expect(abs(Double(batch.count) / Double(run.requests.count) - 0.25) < 0.004)
  }

  @Test("classes change neither when requests arrive nor what is served, if all are alike")
  func sameArrivals() throws {
    let text = Self.queue(
      rate: 3, slots: 4, time: "{ exponential: { mean: 1s } }", seed: 79, hours: 6, queue: "discipline: fifo")
    let plain = text.replacing(", classes: \(Self.three)", with: "")
    try #require(plain != text)
    var with = try Simulated(text).requests
    for index in with.indices { with[index].requestClass = nil }
    #expect(try with == Simulated(plain).requests)
  }

  @Test("results do not depend on the number of threads")
  func threads() throws {
    let text = Self.queue(
      rate: 3, slots: 4, time: "{ exponential: { mean: 1s } }", seed: 80, hours: 6,
      queue: "discipline: priority, ageing: 5s")
    #expect(try Simulated(text, threads: 1).requests == Simulated(text, threads: 4).requests)
  }
}
