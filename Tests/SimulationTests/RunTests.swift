import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("A run as a whole")
struct RunTests {
  static func load(_ name: String) throws -> Scenario {
    let path = repository("Scenarios/\(name).yaml")
    let data = try #require(FileManager.default.contents(atPath: path))
    return try ScenarioDocument(data, path: path).scenario
  }

  @Test(
    "the same requests and tables on one thread and on several",
    arguments: ["many-accounts", "subscription-exhausted", "canary"])
  func threads(name: String) throws {
    let scenario = try Self.load(name)
    let one = try Simulated(scenario, threads: 1)
    let four = try Simulated(scenario, threads: 4)
    #expect(one.requests.count > 100_000)
    #expect(one.requests == four.requests)
    #expect(one.tables == four.tables)
  }

  @Test("whoever does not ask for tables gets the same requests")
  func withoutTables() throws {
    let scenario = try Self.load("which-hardware")
    let whole = try Simulated(scenario)
    #expect(!whole.tables.deployments.isEmpty && !whole.tables.replicas.isEmpty)
    for merged in [true, false] {
      let simulation = ScenarioSimulation(scenario)
      let recorder = RequestRecorder(simulation.series)
      let result = try simulation.run(
        threads: 1,
        into: .init(accounts: [merged ? NoSink() : recorder], merged: merged ? recorder : nil, tables: false))
      #expect(recorder.requests.map(\.latency) == whole.requests.map(\.latency))
      #expect(
        result.tables.deployments.isEmpty && result.tables.replicas.isEmpty && result.tables.kvCache.isEmpty)
      #expect(result.tables.models == whole.tables.models)
    }
  }

  @Test("adding a model leaves every other model's telemetry as it was, where the subscription does not bind")
  func addedModel() throws {
    var scenario = try Self.load("support-assistant-month")
    scenario.to = scenario.from + 7 * 86_400_000_000
    scenario.accounts[0].subscriptionMaxReplicas = 100
    let all = try Simulated(scenario)
    #expect(all.requests.count > 1_000_000)
    for index in scenario.accounts[0].models.indices {
      let name = scenario.accounts[0].models[index].name
      var fewer = scenario
      fewer.accounts[0].models = [scenario.accounts[0].models[index]]
      let alone = try Simulated(fewer)
      // Identifiers apart: requests and models are numbered through.
      func anonymous(_ requests: [SimulatedRequest]) -> [SimulatedRequest] {
        requests.map { request in
          var request = request
          request.id = 0
          request.series.modelID = 0
          return request
        }
      }
      #expect(anonymous(alone.requests(of: name)) == anonymous(all.requests(of: name)), "\(name)")
    }
  }

  @Test(
    "models simulated as shards of their own give what they give together, whatever the number of threads")
  func parts() throws {
    var apart = try Self.load("support-assistant-month")
    apart.to = apart.from + 7 * 86_400_000_000
    let needed = apart.accounts[0].models.flatMap(\.deployments).reduce(0) { $0 + $1.scaling.maxReplicas }
    apart.accounts[0].subscriptionMaxReplicas = needed
    // A deployment that comes in the last second makes the sum exceed the subscription: the account is one part.
    var together = apart
    var late = try #require(together.accounts[0].models.first { $0.name == "queue-check" })
    late.name = "late"
    late.load = nil
    late.deployments[0].scaling.minReplicas = 1
    late.deployments[0].deployAt = together.to + -1_000_000
    together.accounts[0].models.append(late)
    let whole = try Simulated(together)
    for threads in [1, 2, 5] {
      let parts = try Simulated(apart, threads: threads)
      #expect(parts.requests.count > 1_000_000)
      #expect(parts.requests == whole.requests)
      #expect(parts.tables.replicas == whole.tables.replicas.filter { $0.modelID <= 3 })
      #expect(parts.tables.deployments == whole.tables.deployments.filter { $0.modelID <= 3 })
      #expect(parts.tables.incidents == whole.tables.incidents)
    }
  }

  @Test("two versions share the demand as their traffic says")
  func trafficSplit() throws {
    let yaml = """
      workbench: 1
      name: split
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 9 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { poisson: { rate: 2/s } }, tokens: { input: 1, output: 1 } }
          deployments:
            - { version: V1, deployAt: 2026-01-01, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 9 }, service: { time: 1ms } }
            - { version: V2, deployAt: 2026-01-01, traffic: 0.25, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 9 }, service: { time: 1ms } }
      """
    let run = try Simulated(yaml)
    let n = Double(run.requests.count)
    let second = Double(run.requests.count { $0.series.version == "V2" })
    #expect(abs(second - n / 4) < 5.3 * (n * 3 / 16).squareRoot())
  }

  @Test("a failed request is tried again as often as its client likes")
  func retries() throws {
    let yaml = """
      workbench: 1
      name: retries
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { trace: t }, retries: { probability: 1, attempts: 2, backoff: 3s } }
          deployments:
            - { version: V1, deployAt: 2026-01-01, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 9 }, service: { time: 2s }, failures: { modelError: 1 } }
      """
    let run = try Simulated(yaml, traces: ReplicaPathTests.trace([(10, 1)]))
    let start = ReplicaPathTests.start
    #expect(run.requests.map { ($0.arrivedAt - start) / 1_000_000 } == [10, 15, 20])
    #expect(
      run.requests.allSatisfy { $0.reason == "modelError" && $0.latency == 2_000_000 && $0.output == 0 })
  }

  @Test("a provider's rate limit is a bucket of a minute's allowance that refills evenly")
  func rateLimit() throws {
    let yaml = """
      workbench: 1
      name: limit
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: external
          provider: P
          load: { arrivals: { trace: t } }
          service: { time: 2s }
          rateLimit: { requestsPerMinute: 6 }
      """
    // Six at once fit, the seventh and eighth do not; ten seconds later one more does.
    let run = try Simulated(
      yaml, traces: ReplicaPathTests.trace((0..<8).map { _ in (5, 1) } + [(14.999999, 1), (15, 1), (15, 1)]))
    #expect(
      run.requests.map(\.reason) == [
        "", "", "", "", "", "", "rateLimited", "rateLimited", "rateLimited", "", "rateLimited",
      ]
    )
    #expect(run.requests.map(\.latency) == [2, 2, 2, 2, 2, 2, 0, 0, 0, 2, 0].map { $0 * 1_000_000 })
  }

  @Test("an incident fails and slows what starts service while it lasts, and nothing else")
  func incident() throws {
    let yaml = """
      workbench: 1
      name: incident
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 2 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { poisson: { rate: 0.2/s } }, tokens: { input: 1, output: 1 } }
          deployments:
            - { version: V1, deployAt: 2026-01-01, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 99 }, service: { time: 2s } }
      incidents:
        - { kind: outage, model: m, from: 2026-01-05T10:00, to: 2026-01-05T11:00 }
        - { kind: degradation, from: 2026-01-05T12:00, to: 2026-01-05T13:00, latencyFactor: 3, errorProbability: 0.5 }
      """
    let run = try Simulated(yaml)
    func hour(_ request: SimulatedRequest) -> Int64 {
      (request.arrivedAt - run.scenario.from.microseconds) / ArrivalTests.hour
    }
    #expect(run.requests.filter { hour($0) == 10 }.allSatisfy { $0.reason == "modelError" })
    let slow = run.requests.filter { hour($0) == 12 }
    #expect(slow.allSatisfy { $0.latency == 6_000_000 })
    let failed = Double(slow.count { !$0.isSuccess })
    #expect(abs(failed - Double(slow.count) / 2) < 5.3 * (Double(slow.count) / 4).squareRoot())
    #expect(
      run.requests.filter { ![10, 12].contains(hour($0)) }.allSatisfy {
        $0.isSuccess && $0.latency == 2_000_000
      })
    #expect(run.tables.incidents.map(\.kind) == ["outage", "degradation"])
  }

  @Test("the warm-up is simulated and left out")
  func warmUp() throws {
    let yaml = QueueTheoryTests.queue(
      rate: 3, slots: 4, time: "{ exponential: { mean: 1s } }", seed: 3, hours: 24)
    let cold = try Simulated(yaml)
    let warm = try Simulated(yaml, overrides: ["warmUp=6h", "period.from=2026-01-05T06:00"])
    let from = warm.scenario.from.microseconds
    // The same simulation, seen later: the streams start at the same instant.
    #expect(
      warm.requests.map { [$0.arrivedAt, $0.waiting, $0.latency] }
        == cold.requests.filter { $0.arrivedAt >= from }.map { [$0.arrivedAt, $0.waiting, $0.latency] })
    #expect(warm.requests.first?.id == 1)
  }

  @Test("fine-tuning jobs: outcomes in their shares, credits = time × price")
  func fineTuning() throws {
    let jobs = (0..<400).map {
      "{ startAt: 2026-01-05T\(String(format: "%02d:%02d", $0 / 60, $0 % 60)), hardware: A10 cluster of 4, duration: { gamma: { mean: 2h, cv: 0.5 } }, failureProbability: 0.2, cancelProbability: 0.1 }"
    }
    let yaml = """
      workbench: 1
      name: tuning
      period: { from: 2026-01-05, to: 2026-01-08 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: fineTuned
          baseModel: b
          fineTuning: [ \(jobs.joined(separator: ", ")) ]
      """
    let run = try Simulated(yaml)
    let rows = run.tables.fineTuningJobs
    #expect(rows.count == 400)
    #expect(abs(Double(rows.count { $0.outcome == .failed }) - 80) < 5.3 * 8)
    #expect(abs(Double(rows.count { $0.outcome == .cancelled }) - 40) < 5.3 * 6)
    for row in rows {
      let exact = Double(row.finishedAt - row.startedAt) * 8_808_000 / 3.6e9
      #expect(abs(Double(row.creditsMicro) - exact) <= 0.5)
    }
  }

  @Test(
    "a request that takes longer than telemetry holds ends the run: nothing is written that no reader takes")
  func latencyLimit() throws {
    func run(_ service: String) throws -> Simulated {
      try Simulated(
        """
        workbench: 1
        name: limit
        period: { from: 2026-01-05, to: 2026-01-06 }
        account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
        models:
          - name: m
            kind: external
            provider: P
            load: { arrivals: { trace: t } }
            service: { \(service) }
        """, traces: ReplicaPathTests.trace([(1, 100)]))
    }
    // The trace's request has 100 tokens of output: exactly 100 days, and a second more.
    #expect(try run("perOutputToken: 1d").requests.map(\.latency) == [Limits.latency])
    let error = #expect(throws: TelemetryLimitError.self) { try run("firstToken: 1s, perOutputToken: 1d") }
    #expect(
      error?.description.hasPrefix(
        "a request of model \"m\" of account \"a\" takes 100.01 days from arrival to response; telemetry holds at most 100."
      ) ?? false, "\(String(describing: error))")
  }
}
