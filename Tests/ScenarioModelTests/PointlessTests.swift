import Foundation
import ScenarioModel
import TestSupport
import Testing

@Suite("What `check` warns of")
struct PointlessTests {
  static func warnings(_ yaml: String, overrides: [String] = []) throws -> [String] {
    try ScenarioDocument(Data(yaml.utf8), path: "t.yaml", overrides: overrides).warnings.map {
      $0.rendered(path: "t.yaml")
    }
  }

  @Test("the document that means what it says has none, and neither have the shipped ones")
  func clean() throws {
    #expect(try Self.warnings(CheckTests.valid) == [])
    let folder = repository("Scenarios")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix(".yaml") {
      #expect(
        try Self.warnings(String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) == [], "\(name)")
    }
  }

  /// A change of the valid document, and what is then warned of, with its place.
  static let pointless: [CheckTests.Mistake] = [
    .init(
      "models:\n",
      "profiles: { rates: { night: { hourly: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] } } }\nmodels:\n",
      "t.yaml:8:22: warning: no load names the rate profile \"night\"."),
    .init(
      "models:\n", "incidents: [ { kind: outage, model: m, from: 2026-03-01, to: 2026-03-02 } ]\nmodels:\n",
      "t.yaml:8:46: warning: the incident starts after the period's end."),
    .init(
      "models:\n", "incidents: [ { kind: outage, model: m, from: 2025-03-01, to: 2025-03-02 } ]\nmodels:\n",
      "t.yaml:8:62: warning: the incident ends before the period starts."),
    .init(
      "models:\n",
      "incidents: [ { kind: degradation, model: m, from: 2026-01-03, to: 2026-01-04 } ]\nmodels:\n",
      "t.yaml:8:14: warning: the incident changes nothing"),
    .init(
      "    load:\n      arrivals: { poisson: { rate: 1/s } }\n      tokens: { input: 100, output: 50 }\n", "",
      "warning: the model has no load: its replicas cost credits and serve nothing."),
    .init(
      "rate: 1/s", "rate: 1000/s",
      "t.yaml:12:7: warning: 1e+03/s arrive on average, and all replicas together serve at most 32/s"),
    .init(
      "minReplicas: 1, maxReplicas: 4, maxBatchSize: 8",
      "minReplicas: 4, maxReplicas: 4, maxBatchSize: 8, scaleUpDelay: 10s",
      "warning: scaleUpDelay does nothing: minReplicas and maxReplicas are both 4."),
    .init(
      "maxBatchSize: 8", "maxBatchSize: 8, scaleUpDelay: 31d",
      "warning: scaleUpDelay is not shorter than the period"),
    .init(
      "maxBatchSize: 8",
      "maxBatchSize: 8, policy: { scheduled: { weekly: [ { window: Mon 08:00-18:00, maxReplicas: 9 } ] } }",
      "warning: the schedule allows 9 replicas, and maxReplicas 4 cuts them."),
    .init(
      "maxBatchSize: 8", "maxBatchSize: 8, policy: { queueLength: { target: 5, cooldown: 1min } }",
      "warning: cooldown does nothing: it is for a deployment without any replica, and minReplicas is above 0."
    ),
    .init(
      "maxBatchSize: 8",
      "maxBatchSize: 8, policy: { largest: [ { predictive: {} }, { averageConcurrency: { heldRequests: 5 } } ] }",
      "warning: heldRequests does nothing"),
    .init(
      "maxBatchSize: 8", "maxBatchSize: 8, policy: { predictive: { season: 31d, interval: 5min } }",
      "warning: the season of predictive is not shorter than the simulated time"),
    .init(
      "maxBatchSize: 8", "maxBatchSize: 8, policy: { targetUtilisation: { target: 0.7, syncPeriod: 31d } }",
      "warning: syncPeriod is not shorter than the period"),
    .init(
      "maxBatchSize: 8", "maxBatchSize: 8, startup: 31d",
      "warning: a replica takes longer to start than the period"),
    .init(
      "  subscription: { maxReplicas: 10 }\n",
      "  subscription: { maxReplicas: 10 }\n  deployWindows: { freezes: [ { from: 2026-01-01, to: 2026-03-01 } ] }\n",
      "warning: no deploy window opens in the period"),
    .init(
      "  subscription: { maxReplicas: 10 }\n",
      "  subscription: { maxReplicas: 10 }\n  deployWindows: { freezes: [ { from: 2026-01-03, to: 2026-03-01 } ] }\n",
      "warning: version V1 is never deployed: no deploy window opens between deployAt and the period's end."),
    .init(
      "models:\n",
      "models:\n  - { name: x, kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/h } }, tokens: { input: 1, output: 1 }, retries: { probability: 1, attempts: 2 } }, service: { time: 1s } }\n",
      "warning: no request of this model can fail"),
    // Φ(−1) = 15.87 % of a normal distribution are more than one standard deviation below its mean.
    .init(
      "service: { time: 1s }", "service: { time: { normal: { mean: 1s, sd: 1s } } }",
      "warning: 15.87 % of the values of time are negative and count as 0. Give min: 0s"),
    .init(
      "input: 100", "input: { constant: { value: -5 } }",
      "warning: input is negative and counts as 0. Give a positive value."),
    .init(
      "maxBatchSize: 8 }",
      "maxBatchSize: 8, policy: { scheduled: { weekly: [ { window: \"Mon-Fri 08:00-18:00\", maxReplicas: 5 } ] } } }",
      "warning: the schedule's maxReplicas 5 is above the deployment's 4, which is never exceeded."),
    .init(
      "maxBatchSize: 8 }",
      "maxBatchSize: 8, policy: { scheduled: { weekly: [ { window: \"Mon-Fri 08:00-18:00\", minReplicas: 1 } ] } } }",
      "warning: the schedule's minReplicas 1 does nothing: the deployment always has 1."),
    .init(
      "  subscription: { maxReplicas: 10 }\n",
      "  subscription: { maxReplicas: 10 }\n  deployWindows: { freezes: [ { from: 2026-03-01, to: 2026-03-02 } ] }\n",
      "warning: the freeze starts after the period's end."),
    .init(
      "rate: 1/s } }\n", "rate: 1/s } }\n      retries: { probability: 0, attempts: 2 }\n",
      "warning: probability is 0: no request is tried again."),
    .init(
      "models:\n  - name: m\n    kind: openSource\n    load:\n",
      "profiles: { rates: { p: { dates: { 2026-05-01: 2 } } } }\nmodels:\n  - name: m\n    kind: openSource\n    load:\n      profile: p\n",
      "t.yaml:8:36: warning: 2026-05-01 lies outside the period."),
    .init(
      "models:\n  - name: m\n    kind: openSource\n    load:\n",
      "profiles: { rates: { p: { spikes: [ { at: 2026-05-01, duration: 1h, factor: 3 } ] } } }\nmodels:\n  - name: m\n    kind: openSource\n    load:\n      profile: p\n",
      "warning: the spike lies outside the period."),
    // 100 + 50 tokens, of which the last is not kept: 149, in 9 blocks of 16.
    .init(
      "service: { time: 1s }", "service: { continuousBatching: { base: 10ms, kvCache: { tokens: 149 } } }",
      "warning: a replica's memory holds 144 tokens (9 blocks of 16), a prompt and its response have 149 on average"
    ),
    .init(
      "service: { time: 1s }",
      "service: { continuousBatching: { base: 10ms } }\n        prefill: { scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 1 }, service: { continuousBatching: { base: 10ms, kvCache: { tokens: 99 } } } }",
      "warning: a replica's memory holds 96 tokens (6 blocks of 16), a prompt has 100 on average"),
    // 100 prompt tokens in steps of 8 take 13 steps beside the 50 of the response, one request at a time.
    .init(
      "service: { time: 1s }",
      "service: { continuousBatching: { base: 1s, maxTokensPerStep: 8 } }",
      "warning: 1/s arrive on average, and all replicas together serve at most 0.213/s"),
  ]

  @Test("a tail that is hardly ever negative is not warned of, nor a truncated one")
  func tails() throws {
    for time in ["normal: { mean: 1s, sd: 250ms }", "normal: { mean: 1s, sd: 1s, min: 0s }"] {
      let yaml = CheckTests.valid.replacing("service: { time: 1s }", with: "service: { time: { \(time) } }")
      #expect(try Self.warnings(yaml) == [])
    }
  }

  @Test("memory that just holds the average request is not warned of")
  func memory() throws {
    let cache = "service: { continuousBatching: { base: 10ms, kvCache: { tokens: 149, blockSize: 1 } } }"
    #expect(try Self.warnings(CheckTests.valid.replacing("service: { time: 1s }", with: cache)) == [])
  }

  @Test("each pointless thing is a warning at its place, and no error", arguments: pointless)
  func warned(_ change: CheckTests.Mistake) throws {
    let yaml = CheckTests.valid.replacing(change.from, with: change.to)
    #expect(yaml != CheckTests.valid)
    let found = try Self.warnings(yaml)
    #expect(found.contains { $0.contains(change.error) }, "\(found)")
  }

  @Test("files that a scenario names are found with their places, even where the rest is wrong")
  func namedFiles() {
    let yaml = """
      workbench: 1
      nmae: x
      models:
        - { name: a, load: { arrivals: { trace: one.csv } } }
        - { name: b, load: { arrivals: { trace: { file: two.csv, model: 7, startAt: 2026-01-01 } } } }
        - name: c
          load:
            arrivals:
              serveGen: { trace: t.csv, dataset: d.json }
      """
    let files = NamedFile.all(in: Data(yaml.utf8), path: "t.yaml")
    #expect(
      files.map(\.content) == [
        .trace(.init(file: "one.csv")), .trace(.init(file: "two.csv", model: "7")),
        .serveGen(trace: "t.csv", dataset: "d.json"),
      ])
    #expect(files[0].location == .document(line: 4, column: 43))
    #expect(NamedFile.all(in: Data("[".utf8), path: "t.yaml").isEmpty)
  }

  @Test("what is expected of each model adds up to what is expected of all")
  func demand() throws {
    let scenario = try ScenarioDocument(Data(CheckTests.valid.utf8), path: "t.yaml").scenario
    // One a second for 31 days.
    #expect(scenario.demandByModel.map(\.requests) == [Double(31 * 86_400)])
    #expect(scenario.expectedArrivals == Double(31 * 86_400))
  }
}
