import Foundation
import Planning
import Sampling
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Planning: objectives, and what they apply to")
struct ObjectiveTests {
  @Test("every metric refuses what nothing can break, and what nothing can keep")
  func bounds() throws {
    for metric in Metric.all + [Metric("failureRate.timeout")].compactMap({ $0 }) {
      let unit = metric.unit == .milliseconds ? "ms" : ""
      // All figures are at least 0; shares are at most 1.
      #expect(throws: Objective.InvalidObjective.self, "\(metric)") {
        try Objective("\(metric) >= 0\(unit)")
      }
      #expect(throws: Objective.InvalidObjective.self, "\(metric)") {
        try Objective("\(metric) <= -1\(unit)")
      }
      if metric.unit == .share {
        #expect(throws: Objective.InvalidObjective.self, "\(metric)") { try Objective("\(metric) <= 1") }
        #expect(throws: Objective.InvalidObjective.self, "\(metric)") { try Objective("\(metric) <= 100%") }
        #expect(throws: Objective.InvalidObjective.self, "\(metric)") { try Objective("\(metric) >= 1.1") }
        #expect(try Objective("\(metric) <= 0.999").bound == 0.999)
      } else {
        #expect(try Objective("\(metric) <= 1000000000\(unit)").isUpper)
      }
      if metric.better == .lower {
        #expect(throws: Objective.InvalidObjective.self, "\(metric)") {
          try Objective("\(metric) >= 0.5\(unit)")
        }
      } else {
        #expect(try !Objective("\(metric) >= 0.5\(unit)").isUpper)
      }
    }
    for text in ["failureRate <= nan", "credits <= inf", "credits <= 0x10", "latency.p95 <= nans", ""] {
      #expect(throws: Objective.InvalidObjective.self, "\(text)") { try Objective.list(text) }
    }
    do {
      _ = try Objective("latency.p95 >= 5s")
    } catch let problem as Objective.InvalidObjective {
      #expect(problem.description.contains("Write latency.p95 <= 5s"), "\(problem)")
    }
    // No failures at all may be asked for.
    #expect(try Objective("failureRate <= 0").bound == 0)
  }

  @Test("a failure rate is of a reason that there is; others are refused with the list of them")
  func reasons() throws {
    for reason in FailureReason.allCases {
      #expect(try Objective("failureRate.\(reason.name) <= 1%").metric.isOfRequests)
    }
    for name in ["failureRate.timeuot", "failureRate.Timeout", "failureRate.", "failureRate.timeout "] {
      #expect(Metric(name) == nil, "\(name)")
    }
    do {
      _ = try Objective("failureRate.timeuot\n <= 1%")
      Issue.record("accepted")
    } catch let problem as Objective.InvalidObjective {
      #expect(
        problem.description.contains("timeuot\\n") && !problem.description.contains("\n")
          && FailureReason.allCases.allSatisfy { problem.description.contains($0.name) }, "\(problem)")
    }
  }

  @Test("a scope is read back, whatever the model's name holds")
  func scopes() throws {
    for name in ["chat", "acme/chat", "a, b", "x]", "\"quoted\"", "<= 5s", "a\\b", "é\u{301}\u{600}\""] {
      let metric = try #require(Metric("latency.p95")).scoped(.model(name))
      #expect(try #require(Metric(metric.name)) == metric, "\(metric.name)")
      let listed = try Objective.list("\(metric.name) <= 2s, failureRate[all] <= 1%")
      #expect(listed.count == 2 && listed[0].metric == metric && listed[0].bound == 2000, "\(name)")
      #expect(listed[1].metric.scope == .all)
    }
    #expect(
      Metric("credits[model=chat]") == nil && Metric("latency.p95[chat]") == nil
        && Metric("credits[all]") != nil)
  }

  @Test("an objective without a scope applies to each model; with one, to that model; on credits, to all")
  func judged() throws {
    let listed = try Objective.list(
      "latency.p95 <= 2s, waiting.mean[model=b] <= 1s, failureRate[all] <= 1%, credits <= 9")
    let objectives = try Objectives(listed, models: ["a", "b"], needs: MetricNeeds([]))
    #expect(
      objectives.judged.map(\.objective.metric.name) == [
        "latency.p95[model=a]", "latency.p95[model=b]", "waiting.mean[model=b]", "failureRate[all]",
        "credits",
      ])
    #expect(objectives.judged[1].description == "latency.p95 <= 2s of b")
    #expect(
      (0..<4).map(objectives.scope) == [
        "each of 2 models", "model b", "all models together", "the whole account",
      ])
    #expect(throws: Objective.InvalidObjective.self) {
      try Objectives(
        Objective.list("latency.p95[model=c] <= 2s"), models: ["a", "b"], needs: MetricNeeds([]))
    }
  }

  @Test("figures of each model are its own, and add up to those of all")
  func perModel() throws {
    let yaml = """
      workbench: 1
      name: two
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: acme, subscription: { maxReplicas: 2 } }
      models:
        - { name: fast, kind: external, provider: p, load: { arrivals: { poisson: { rate: 2/s } }, tokens: { input: 3, output: 1 } }, service: { time: 100ms } }
        - { name: slow, kind: external, provider: p, load: { arrivals: { poisson: { rate: 2/min } }, tokens: { input: 5, output: 2 } }, service: { time: 5s }, failures: { providerError: 0.5 } }
      """
    let scenario = try ScenarioDocument(Data(yaml.utf8), path: "two.yaml").scenario
    let record = try Variant(name: "two", overrides: [], scenario: scenario).replicate(0, warmUp: 0)
    #expect(record.models.map(\.name) == ["fast", "slow"])
    #expect(record.models.reduce(0) { $0 + $1.requests } == record.requests)
    #expect(record.models.reduce(0) { $0 + $1.inputTokens } == record.inputTokens)
    #expect(record.inputTokens == 3 * record.models[0].requests + 5 * record.models[1].requests)
    #expect(record.models[0].failures.isEmpty && record.failures == record.models[1].failures)
    func value(_ name: String) throws -> Double { try #require(Metric(name)?.value(record)) }
    // Constant service: within a bin of 1.6 %.
    #expect(try abs(value("latency.p95[model=fast]") - 100) < 1.6)
    #expect(try abs(value("latency.p95[model=slow]") - 5000) < 80)
    // One request in sixty is slow, so that all together hide it.
    #expect(try abs(value("latency.p95") - 100) < 1.6)
    #expect(try value("latency.p95[worst]") == value("latency.p95[model=slow]"))
    #expect(try value("latency.p95[all]") == value("latency.p95"))
    #expect(Metric("latency.p95[model=none]")?.value(record) == nil)
  }
}

@Suite("Planning: what is drawn at random")
struct RandomnessTests {
  static func scenario(_ load: String, service: String = "100ms", more: String = "") throws -> Scenario {
    let yaml = """
      workbench: 1
      name: r
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: acme, subscription: { maxReplicas: 4 } }
      models:
        - name: m
          kind: openSource
          load: \(load)
          deployments:
            - { version: V1, deployAt: 2026-01-01, hardware: T4 single, scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 1 }, service: { time: \(service) }\(more) }
      """
    return try ScenarioDocument(Data(yaml.utf8), path: "r.yaml").scenario
  }

  static let trace = "{ arrivals: { trace: t.csv } }"

  @Test(
    "each source of chance is known by name",
    arguments: [
      (trace, "100ms", "", [String]()), (trace, "{ exponential: { mean: 1s } }", "", ["service times"]),
      (trace, "1s", ", failures: { modelError: 0.1 }", ["errors"]),
      (trace, "1s", ", failures: { modelError: 1 }", []),
      (trace, "1s", ", replicaCrash: { timeBetween: 1h, timeToRepair: 1min }", ["crashes"]),
      ("{ arrivals: { trace: t.csv }, retries: { probability: 0.5, attempts: 2 } }", "1s", "", ["retries"]),
      ("{ arrivals: { poisson: { rate: 1/s } }, tokens: { input: 1, output: 1 } }", "1s", "", ["arrivals"]),
      (
        "{ arrivals: { poisson: { rate: 1/s } }, tokens: { input: { poisson: { mean: 4 } }, output: 1 } }",
        "1s", "",
        ["arrivals", "tokens"]
      ),
    ])
  func sources(_ load: String, _ service: String, _ more: String, _ expected: [String]) throws {
    let scenario = try Self.scenario(load, service: service, more: more)
    #expect(scenario.randomness == expected)
    #expect(scenario.replayedModels == (load.contains("trace") ? ["m"] : []))
  }

  @Test(
    "where nothing is random two replications are the same; a startup time that varies is found where it is used"
  )
  func replications() throws {
    var scenario = try Self.scenario(Self.trace)
    let requests = (0..<500).map {
      TraceRequest(
        arrivedAt: scenario.from.microseconds + Int64($0) * 300_000, inputTokens: 1, outputTokens: 1)
    }
    let variant = Variant(
      name: "v", overrides: [], scenario: scenario, traces: [.init(file: "t.csv"): Trace(requests)])
    #expect(try variant.replicate(0, warmUp: 0) == variant.replicate(7, warmUp: 0))
    scenario = try Self.scenario(Self.trace, more: "")
    scenario.accounts[0].models[0].deployments[0].scaling.startup = try Distribution(.exponential(mean: 60e6))
    #expect(scenario.randomness == ["startup times"])
    scenario.accounts[0].models[0].deployments[0].scaling.maxReplicas = 1
    #expect(scenario.randomness.isEmpty)
  }
}
