import Foundation
import Planning
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Times of tokens in plans")
struct TokenTimeTests {
  private static let yaml = """
    workbench: 1
    name: tokens
    period: { from: 2026-03-02T09:00, to: 2026-03-02T10:00 }
    account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 9 } }
    models:
      - name: streamed
        kind: openSource
        load: { arrivals: { trace: t } }
        deployments:
          - { version: V1, deployAt: 2026-03-01, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 8 }, service: { firstToken: 200ms, perInputToken: 1ms, perOutputToken: 10ms } }
      - name: whole
        kind: openSource
        load: { arrivals: { trace: t } }
        deployments:
          - { version: V1, deployAt: 2026-03-01, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 8 }, service: { time: 3s } }
    """

  private static func value(_ metric: String, _ record: ReplicationRecord) throws -> Double? {
    try #require(Metric(metric), "\(metric)").value(record)
  }

  @Test("are those of the requests, by model; none of responses that come as a whole, or that failed")
  func byHand() throws {
    let scenario = try ScenarioDocument(Data(Self.yaml.utf8), path: "tokens.yaml").scenario
    // First tokens after 300, 400 and 600 ms; 2, 11 and 1 tokens of 10 ms each.
    let trace = [(100, 2), (200, 11), (400, 1)].enumerated().map {
      TraceRequest(
        arrivedAt: scenario.from.microseconds + Int64($0) * 60_000_000, inputTokens: Int32($1.0),
        outputTokens: Int32($1.1))
    }
    let variant = Variant(name: "v", overrides: [], scenario: scenario, traces: ["t": Trace(trace)])
    let record = try variant.replicate(0, warmUp: 0)
    let first = try #require(try Self.value("ttft.mean", record))
    #expect(abs(first - 1300.0 / 3) < 1e-9)
    // 20 ms after the first of two; 110 ms after the first of eleven; a response of one token has none.
    let each = try #require(try Self.value("tpot.mean[model=streamed]", record))
    #expect(abs(each - (20 + 11.0) / 2) < 1e-9)
    // 20 ms for one token and 110 for ten.
    #expect(abs(try #require(try Self.value("itl.mean[model=streamed]", record)) - 130.0 / 11) < 1e-9)
    #expect(try Self.value("itl.mean", record) == (try Self.value("itl.mean[model=streamed]", record)))
    #expect(try Self.value("itl.mean[model=whole]", record) == nil)
    // Inside the bins, which are 1.6 % wide, and never beyond what there was.
    #expect(abs(try #require(try Self.value("ttft.p50", record)) / 400 - 1) < 0.016)
    #expect(try Self.value("ttft.p999", record) ?? 0 <= 600)
    #expect(abs(try #require(try Self.value("tpot.p99[model=streamed]", record)) / 20 - 1) < 0.016)
    #expect(try Self.value("ttft.p95[model=whole]", record) == nil)
    #expect(try Self.value("tpot.mean[model=whole]", record) == nil)
    // Written to a journal and read again, it is the same; what earlier versions wrote has none.
    let json = try JSONEncoder().encode(record)
    #expect(try JSONDecoder().decode(ReplicationRecord.self, from: json) == record && record.isPossible)
  }

  @Test("what requests cost, of the models that have prices")
  func costs() throws {
    let yaml = Self.yaml.replacingOccurrences(
      of: "  - name: whole",
      with: """
          - name: bought
            kind: external
            provider: p
            load: { arrivals: { trace: t } }
            service: { time: 1s }
            prices: { input: 3, output: 15 }
          - name: whole
        """)
    let scenario = try ScenarioDocument(Data(yaml.utf8), path: "tokens.yaml").scenario
    let trace = [(100, 2), (200, 11)].enumerated().map {
      TraceRequest(
        arrivedAt: scenario.from.microseconds + Int64($0) * 60_000_000, inputTokens: Int32($1.0),
        outputTokens: Int32($1.1))
    }
    let variant = Variant(name: "v", overrides: [], scenario: scenario, traces: ["t": Trace(trace)])
    let record = try variant.replicate(0, warmUp: 0)
    let micro = 300.0 * 3 + 13 * 15
    #expect(try Self.value("cost", record) == micro / 1e6)
    #expect(try Self.value("cost[model=bought]", record) == micro / 1e6)
    #expect(try Self.value("costPerMillionTokens", record) == micro / 313)
    #expect(try Self.value("cost[model=whole]", record) == nil)
    let json = try JSONEncoder().encode(record)
    #expect(try JSONDecoder().decode(ReplicationRecord.self, from: json) == record && record.isPossible)
  }

  @Test("their quantiles are those of the simulated requests")
  func quantiles() throws {
    let yaml = Self.yaml.replacingOccurrences(
      of: "{ arrivals: { trace: t } }",
      with:
        "{ arrivals: { poisson: { rate: 2/s } }, tokens: { input: { lognormal: { median: 300, sigma: 0.9 } }, output: { lognormal: { median: 40, sigma: 0.7, min: 1 } } } }"
    )
    let scenario = try ScenarioDocument(Data(yaml.utf8), path: "tokens.yaml").scenario
    let record = try Variant(name: "v", overrides: [], scenario: scenario).replicate(0, warmUp: 0)
    let requests = try Simulated(scenario).requests.filter { $0.series.modelID == 1 && $0.isSuccess }
    let first = requests.map { Double($0.firstToken) / 1000 }.sorted()
    let each = requests.filter { $0.output > 1 }.map {
      Double(($0.latency - $0.firstToken) / Int64($0.output - 1)) / 1000
    }.sorted()
    #expect(first.count > 6000)
    for (name, values) in [("ttft", first), ("tpot", each)] {
      let mean = values.reduce(0, +) / Double(values.count)
      #expect(abs(try #require(try Self.value("\(name).mean[model=streamed]", record)) / mean - 1) < 1e-9)
      for (quantile, q) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
        let expected = values[Int(q * Double(values.count))]
        let found = try #require(try Self.value("\(name).\(quantile)[model=streamed]", record))
        #expect(abs(found / expected - 1) < 0.02, "\(name).\(quantile): \(found), \(expected)")
      }
    }
  }
}
