import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("The subscription and the deploy windows")
struct SubscriptionTests {
  static func at(_ text: String) -> Timestamp {
    var parser = TimestampParser()
    return parser.parse(text) ?? Timestamp(microseconds: 0)
  }

  static func two(_ a: String, _ b: String, subscription: Int, policy: String = "defer", windows: String = "")
    -> String
  {
    func model(_ name: String, _ deployment: String) -> String {
      """
        - name: \(name)
          kind: openSource
          load: { arrivals: { poisson: { rate: 1/d } }, tokens: { input: 1, output: 1 } }
          deployments:
            - { version: V1, hardware: A10 single, service: { time: 1ms }, \(deployment) }

      """
    }
    return """
      workbench: 1
      name: two
      period: { from: 2026-01-05, to: 2026-01-12 }
      account:
        name: a
        timeZone: UTC
        subscription: { maxReplicas: \(subscription) }
        deployWindows: { policy: \(policy)\(windows) }
      models:
      \(model("a", a))\(model("b", b))
      """
  }

  private static let first =
    "deployAt: 2026-01-01, undeployAt: 2026-01-06T12:00, scaling: { minReplicas: 2, maxReplicas: 2, maxBatchSize: 1, startup: 60s }"
  private static let second =
    "deployAt: 2026-01-06, scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 1, startup: 60s }"

  @Test("a deployment whose minReplicas find no room waits for it")
  func waitsForRoom() throws {
    let run = try Simulated(Self.two(Self.first, Self.second, subscription: 2))
    let late = try #require(run.tables.deployments.first { $0.modelID == 2 })
    #expect(late.outcome == .deferred)
    #expect(late.deployedAt == Self.at("2026-01-06T12:01:00Z"))
    let rows = run.tables.replicas.filter { $0.modelID == 2 }
    #expect(rows.first?.at == Self.at("2026-01-06T12:00:00Z"))
    #expect(rows.map(\.starting) == [1, 0])
  }

  @Test("…or is refused, as the policy says")
  func refusedForRoom() throws {
    let run = try Simulated(Self.two(Self.first, Self.second, subscription: 2, policy: "refuse"))
    let late = try #require(run.tables.deployments.first { $0.modelID == 2 })
    #expect(late.outcome == .refused)
    #expect(late.deployedAt == nil)
    #expect(!run.requests.contains { $0.series.modelID == 2 })
  }

  @Test("with room it is deployed when asked for")
  func withRoom() throws {
    let run = try Simulated(Self.two(Self.first, Self.second, subscription: 3))
    let late = try #require(run.tables.deployments.first { $0.modelID == 2 })
    #expect(late.outcome == .deployed)
    #expect(late.deployedAt == Self.at("2026-01-06T00:01:00Z"))
  }

  @Test("outside the weekly windows and inside a freeze, operations wait for the next opening")
  func deferredByWindow() throws {
    // Asked for on Tuesday 00:00; windows on weekdays 08:00–18:00, but Tuesday is frozen until Wednesday 10:00. The
    // undeployment of Tuesday 12:00 waits as well: both happen at 10:00, and the older model comes first.
    let windows =
      ", weekly: [\"Mon-Fri 08:00-18:00\"], freezes: [ { from: 2026-01-06, to: 2026-01-07T10:00 } ]"
    let run = try Simulated(Self.two(Self.first, Self.second, subscription: 9, windows: windows))
    let late = try #require(run.tables.deployments.first { $0.modelID == 2 })
    #expect(late.outcome == .deferred)
    #expect(late.deployedAt == Self.at("2026-01-07T10:01:00Z"))
    #expect(run.tables.deployments.first?.undeployedAt == Self.at("2026-01-07T10:00:00Z"))
    let record = try #require(run.tables.incidents.first)
    #expect(record.kind == "undeployDeferred")
    #expect(record.startedAt == Self.at("2026-01-06T12:00:00Z"))
    #expect(record.endedAt == Self.at("2026-01-07T10:00:00Z"))
  }

  @Test("…or are refused, and leave a record")
  func refusedByWindow() throws {
    let windows = ", weekly: [\"Mon-Fri 08:00-11:00\"]"
    let run = try Simulated(
      Self.two(Self.first, Self.second, subscription: 9, policy: "refuse", windows: windows))
    #expect(run.tables.deployments.map(\.outcome) == [.deployed, .refused])
    #expect(run.tables.deployments.map(\.undeployedAt) == [nil, nil])
    #expect(run.tables.incidents.map(\.kind) == ["undeployRefused"])
  }

  @Test("of two scale-ups at one instant the first model gets the last replica; the other is cut short")
  func cutShort() throws {
    func model(_ name: String) -> String {
      """
        - name: \(name)
          kind: openSource
          load: { arrivals: { trace: t } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: A10 single
              service: { perOutputToken: 1s }
              scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 1, scaleUpDelay: 5s, scaleDownDelay: 20s, startup: 10s }

      """
    }
    let yaml = """
      workbench: 1
      name: race
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 3 } }
      models:
      \(model("a"))\(model("b"))
      """
    let run = try Simulated(yaml, traces: ReplicaPathTests.trace([(10, 100), (10, 100)]))
    // Both exceed at 10 s and want one more at 15 s; there is one. The second tries again every 5 s, until the first
    // gives its replica back: both its requests end by 125 s, 20 s later it comes down, to 1.
    let a = run.tables.replicas.filter { $0.modelID == 1 }.map(ReplicaPathTests.Row.init)
    let b = run.tables.replicas.filter { $0.modelID == 2 }.map(ReplicaPathTests.Row.init)
    typealias Row = ReplicaPathTests.Row
    #expect(a == [Row(0, 0, 1, 0), Row(15, 1, 1, 0), Row(25, 0, 2, 0), Row(130, 0, 1, 0)])
    // b: the first request ends at 110 s, the second starts then: demand 1, no more excess.
    #expect(b == [Row(0, 0, 1, 0), Row(15, 0, 1, 0, .subscription)])
  }

  /// One model has the whole subscription until the last hour of the day; the others wait for it, with their demand.
  private static func waiting(_ count: Int) -> String {
    let models = (1...count).map {
      "  - { name: m\($0), kind: openSource, load: { arrivals: { poisson: { rate: 2/h } }, tokens: { input: 1, output: 1 } }, deployments: [ { version: V1, deployAt: 2026-01-05T01:00, hardware: T4 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 1 }, service: { time: 1s } } ] }"
    }
    return """
      workbench: 1
      name: waiting
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 10 } }
      models:
        - { name: holder, kind: openSource, load: { arrivals: { poisson: { rate: 20/h } }, tokens: { input: 1, output: 1 } }, deployments: [ { version: V1, deployAt: 2026-01-01, undeployAt: 2026-01-05T23:00, hardware: T4 single, scaling: { minReplicas: 10, maxReplicas: 10, maxBatchSize: 1 }, service: { time: 1s } } ] }
      \(models.joined(separator: "\n"))
      """
  }

  @Test("many models that wait for room: those that fit start in the order of requests")
  func manyWait() throws {
    let run = try Simulated(Self.waiting(40))
    let started = run.tables.deployments.filter { $0.modelID > 1 && $0.deployedAt != nil }.map(\.modelID)
    // All asked at once: the first ten in the scenario's order.
    #expect(started == Array(2...11))
    #expect(run.tables.deployments.allSatisfy { $0.modelID == 1 || $0.outcome == .deferred })
  }

  @Test("the cost of waiting grows with the models that wait, not with their square")
  func waitingCost() throws {
    func steps(_ count: Int) throws -> Int {
      let document = try ScenarioDocument(Data(Self.waiting(count).utf8), path: "waiting.yaml")
      let live = try LiveSimulation(ScenarioSimulation(document.scenario), sinks: [NoSink()])
      try live.advance(to: document.scenario.to)
      return live.waitingSteps
    }
    let (few, many) = (try steps(50), try steps(400))
    // Eight times the models and their arrivals, each found in a tree three levels higher.
    #expect(few > 1000 && many < 16 * few, "\(few), \(many)")
  }
}
