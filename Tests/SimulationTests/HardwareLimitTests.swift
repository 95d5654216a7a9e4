import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Limits of hardware, and many replicas")
struct HardwareLimitTests {
  private typealias Row = ReplicaPathTests.Row

  private static func deployment(_ hardware: String, _ rest: String) -> String {
    "{ version: V1, hardware: \(hardware), service: { time: 1ms }, \(rest) }"
  }

  private static func scenario(_ models: [String], limits: String, policy: String = "defer") -> String {
    let text = models.enumerated().map {
      """
        - name: m\($0 + 1)
          kind: openSource
          load: { arrivals: { poisson: { rate: 1/d } }, tokens: { input: 1, output: 1 } }
          deployments:
            - \($1)
      """
    }
    return """
      workbench: 1
      name: limits
      period: { from: 2026-01-05, to: 2026-01-12 }
      account:
        name: a
        timeZone: UTC
        subscription: { maxReplicas: 20, perHardware: \(limits) }
        deployWindows: { policy: \(policy) }
      models:
      \(text.joined(separator: "\n"))
      """
  }

  private static let holder = deployment(
    "A10 single",
    "deployAt: 2026-01-01, undeployAt: 2026-01-06T12:00, scaling: { minReplicas: 2, maxReplicas: 2, maxBatchSize: 1, startup: 60s }"
  )
  private static func late(_ hardware: String) -> String {
    deployment(
      hardware,
      "deployAt: 2026-01-06, scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 1, startup: 60s }")
  }

  @Test("a deployment waits for room on its hardware, and one on other hardware does not")
  func waits() throws {
    let run = try Simulated(
      Self.scenario(
        [Self.holder, Self.late("A10 single"), Self.late("T4 single")], limits: "{ A10 single: 2 }"))
    let rows = run.tables.deployments
    #expect(rows.map(\.outcome) == [.deployed, .deferred, .deployed])
    #expect(
      rows.map(\.deployedAt) == [
        SubscriptionTests.at("2026-01-01T00:00:00Z"), SubscriptionTests.at("2026-01-06T12:01:00Z"),
        SubscriptionTests.at("2026-01-06T00:01:00Z"),
      ])
  }

  @Test("…or is refused, as the policy says")
  func refused() throws {
    let run = try Simulated(
      Self.scenario(
        [Self.holder, Self.late("A10 single")], limits: "{ A10 single: 2 }", policy: "refuse"))
    #expect(run.tables.deployments.map(\.outcome) == [.deployed, .refused])
  }

  @Test("outside the deploy windows, room alone does not start what waits")
  func windows() throws {
    // The holder ends on Tuesday 12:00 by a window, and the waiting one finds room at once; a smaller one that waits
    // for the same hardware after it does not.
    let yaml = Self.scenario(
      [Self.holder, Self.late("A10 single"), Self.late("A10 single")], limits: "{ A10 single: 2 }"
    ).replacing("policy: defer", with: "policy: defer, weekly: [\"Mon-Fri 12:00-13:00\"]")
    let run = try Simulated(yaml)
    // All are asked for at 00:00 and wait for the window at 12:00, where undeployments come first.
    #expect(
      run.tables.deployments.map(\.deployedAt) == [
        SubscriptionTests.at("2026-01-01T00:00:00Z"), SubscriptionTests.at("2026-01-06T12:01:00Z"),
        SubscriptionTests.at("2026-01-06T12:01:00Z"),
      ])
  }

  @Test("a new version waits until the old one's replicas on the same hardware are gone")
  func blueGreen() throws {
    let second =
      "{ version: V2, hardware: A10 single, service: { time: 1ms }, traffic: 0.5, deployAt: 2026-01-06, scaling: { minReplicas: 2, maxReplicas: 3, maxBatchSize: 1, startup: 60s } }"
    let yaml = Self.scenario(["\(Self.holder)\n      - \(second)"], limits: "{ A10 single: 3 }")
    let run = try Simulated(yaml)
    let green = try #require(run.tables.deployments.first { $0.version == "V2" })
    #expect(green.outcome == .deferred)
    #expect(green.deployedAt == SubscriptionTests.at("2026-01-06T12:01:00Z"))
  }

  @Test("a scale-up that a hardware's limit cuts short says so, and is tried again")
  func cutShort() throws {
    func model(_ name: String, _ hardware: String) -> String {
      """
        - name: \(name)
          kind: openSource
          load: { arrivals: { trace: t } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: \(hardware)
              service: { perOutputToken: 1s }
              scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 1, scaleUpDelay: 5s, scaleDownDelay: 20s, startup: 10s }

      """
    }
    let yaml = """
      workbench: 1
      name: race
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 9, perHardware: { A10 single: 3 } } }
      models:
      \(model("a", "A10 single"))\(model("b", "A10 single"))\(model("c", "T4 single"))
      """
    let run = try Simulated(yaml, traces: ReplicaPathTests.trace([(10, 100), (10, 100)]))
    func rows(_ model: Int32) -> [Row] { run.tables.replicas.filter { $0.modelID == model }.map(Row.init) }
    // As under a subscription of 3 (SubscriptionTests.cutShort); c has hardware of its own.
    let granted = [Row(0, 0, 1, 0), Row(15, 1, 1, 0), Row(25, 0, 2, 0), Row(130, 0, 1, 0)]
    #expect(rows(1) == granted)
    #expect(rows(2) == [Row(0, 0, 1, 0), Row(15, 0, 1, 0, .perHardware)])
    #expect(rows(3) == granted)
  }

  @Test("a limit that cannot bind changes nothing", arguments: [1, 3])
  func notBinding(threads: Int) throws {
    let yaml = Self.scenario([Self.late("A10 single"), Self.late("A10 single")], limits: "{ A10 single: 4 }")
    let without = yaml.replacing(", perHardware: { A10 single: 4 }", with: "")
    let (a, b) = (try Simulated(yaml, threads: threads), try Simulated(without))
    #expect(a.requests == b.requests && a.tables.replicas == b.tables.replicas)
    #expect(!a.requests.isEmpty)
  }

  @Test(
    "every replica serves its share, below and above each width of a set",
    arguments: [1, 63, 64, 65, 128, 129, 256])
  func many(replicas: Int) throws {
    let yaml = """
      workbench: 1
      name: many
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 256 }, platform: { minReplicas: 256, maxReplicas: 256 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { trace: t } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: A10 single
              service: { perOutputToken: 1s, batchSlowdown: 1 }
              scaling: { minReplicas: \(replicas), maxReplicas: \(replicas), maxBatchSize: 2 }
      """
    // Three for each replica, all at once: as many alone on a replica (1 s), as many second there (2 s, by the
    // slowdown), and the rest wait until the first of them end.
    let run = try Simulated(
      yaml, traces: ReplicaPathTests.trace(Array(repeating: (10, 1), count: 3 * replicas)))
    let sorted = run.requests.map { [$0.waiting, $0.latency] }
    let second: Int64 = 1_000_000
    #expect(sorted.prefix(replicas).allSatisfy { $0 == [0, second] })
    #expect(sorted.dropFirst(replicas).prefix(replicas).allSatisfy { $0 == [0, 2 * second] })
    #expect(sorted.dropFirst(2 * replicas).allSatisfy { $0 == [second, 3 * second] })
    #expect(sorted.count == 3 * replicas)
  }

  @Test("M/M/100: the share of arrivals that wait is Erlang's")
  func erlang() throws {
    let (servers, load) = (100, 92.0)
    let yaml = """
      workbench: 1
      name: mm100
      seed: 11
      period: { from: 2026-01-05, to: 2026-01-06 }
      warmUp: 1h
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 100 }, platform: { minReplicas: 100, maxReplicas: 100 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { poisson: { rate: \(load / 2)/s } }, tokens: { input: 1, output: 1 } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: A10 single
              service: { time: { exponential: { mean: 2s } } }
              queue: { capacity: 1000000 }
              scaling: { minReplicas: \(servers), maxReplicas: \(servers), maxBatchSize: 1 }
      """
    let run = try Simulated(yaml)
    let waited = Double(run.requests.count { $0.waiting > 0 }) / Double(run.requests.count)
    // Erlang B by its recursion, then C. Over 43,200 mean service times, four million requests in all; the share that
    // waits is an average over busy periods of some 25 s, so that its standard error is below 1 %.
    var blocking = 1.0
    for server in 1...servers { blocking = load * blocking / (Double(server) + load * blocking) }
    let expected = blocking / (1 - load / Double(servers) * (1 - blocking))
    #expect(abs(waited / expected - 1) < 0.05, "\(waited) instead of \(expected)")
  }
}
