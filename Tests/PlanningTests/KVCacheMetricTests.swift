import Foundation
import Planning
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Use of KV caches and throughput as figures of plans")
struct KVCacheMetricTests {
  /// - Parameter again: tokens of the version's cache when it is deployed again after an hour.
  private static func variant(tokens: Int, again: Int? = nil) throws -> Variant {
    let yaml = """
      workbench: 1
      name: kv
      period: { from: 2026-03-02T10:00:00Z, to: 2026-03-02T12:00:00Z }
      account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 4 } }
      models:
        - name: chat
          kind: openSource
          load:
            arrivals: { gamma: { rate: 6/s, cv: 1.5 } }
            tokens:
              input: { lognormal: { median: 900, sigma: 1.0, min: 1, max: 12000 } }
              output: { lognormal: { median: 250, sigma: 0.8, min: 1, max: 2048 } }
          deployments:
            - version: V1
              deployAt: 2026-03-01\(again == nil ? "" : "\n        undeployAt: 2026-03-02T11:00:00Z")
              hardware: A10 single
              scaling: { minReplicas: 4, maxReplicas: 4, maxBatchSize: 64 }
              service: \(service(tokens))
      """
    let more = again.map {
      "\n      - version: V1\n        deployAt: 2026-03-02T11:00:00Z\n        hardware: A10 single\n        scaling: { minReplicas: 4, maxReplicas: 4, maxBatchSize: 64 }\n        service: \(service($0))\n"
    }
    return Variant(
      name: "base", overrides: [],
      scenario: try ScenarioDocument(Data((yaml + (more ?? "")).utf8), path: "kv.yaml", overrides: [])
        .scenario)
  }

  private static func service(_ tokens: Int) -> String {
    "{ continuousBatching: { base: 14ms, perSequence: 0.12ms, perPromptToken: 0.03ms, perContextToken: 0.15us, perPromptTokenContext: 0.002us, kvCache: { tokens: \(tokens) } } }"
  }

  private static func value(_ name: String, _ record: ReplicationRecord) -> Double? {
    Metric(name)?.value(record)
  }

  @Test("a small cache is full and preempts; a large one at the same load is neither, and holds as much")
  func small() throws {
    let small = try Self.variant(tokens: 24_000).replicate(0, warmUp: 1_800_000_000)
    let large = try Self.variant(tokens: 96_000).replicate(0, warmUp: 1_800_000_000)
    let used = try #require(Self.value("kvUtilisation", small))
    let roomy = try #require(Self.value("kvUtilisation", large))
    #expect(used > 0.6 && used <= 1)
    #expect(abs(used / 4 / roomy - 1) < 0.1, "\(used) \(roomy)")
    #expect(try #require(Self.value("preemptions", small)) > 0 && Self.value("preemptions", large) == 0)
  }

  /// Tokens that are there times the time that they are there, by hand: of each request its prompt until the first token,
  /// and then all that it attends to, in between on average. Blocks are a little more, for the last one is not full.
  @Test("blocks in use are those of the requests that are there, as far as telemetry says")
  func byRequests() throws {
    let variant = try Self.variant(tokens: 96_000)
    let rows = RecordedRows()
    let record = try variant.replicate(0, warmUp: 1_800_000_000, into: rows).record
    let period = variant.scenario.from.microseconds..<variant.scenario.to.microseconds
    var tokens = 0.0
    for request in rows.records where request.outcome == RequestOutcome.success {
      let began = Double(request.arrivedAt + request.measures[.waiting])
      let first = Double(request.arrivedAt + request.measures[.firstToken])
      let end = Double(request.arrivedAt + request.measures[.latency])
      let (input, output) = (Double(request.measures[.inputTokens]), Double(request.measures[.outputTokens]))
      func inside(_ from: Double, _ to: Double) -> Double {
        max(0, min(to, Double(period.upperBound)) - max(from, Double(period.lowerBound)))
      }
      tokens += inside(began, first) * input + inside(first, end) * (input + output / 2)
    }
    // 96,000 tokens a replica, four of them for two hours.
    let byHand = tokens / (96_000 * 4 * 7.2e9)
    let used = try #require(Self.value("kvUtilisation", record))
    // Half a block more each; and those that arrived in the warm-up are not among the rows.
    #expect(used / byHand > 0.99 && used / byHand < 1.04, "\(used) \(byHand)")
    #expect(Self.value("throughput.requests", record) == Double(record.successes) / 7200)
    #expect(Self.value("throughput.tokens", record) == Double(record.outputTokens) / 7200)
    #expect(
      Self.value("throughput.requests[model=chat]", record) == Self.value("throughput.requests", record))
  }

  @Test(
    "a version that is deployed again with another cache has the blocks of each for as long as it was there")
  func redeployed() throws {
    let one = try Self.variant(tokens: 96_000).replicate(0, warmUp: 0)
    for (first, second) in [(96_000, 480_000), (480_000, 96_000)] {
      let both = try Self.variant(tokens: first, again: second).replicate(0, warmUp: 0)
      let used = try #require(Self.value("kvUtilisation", both))
      // Half of the time five times as many blocks: a third of the share.
      let expected = try #require(Self.value("kvUtilisation", one)) / 3
      #expect(abs(used / expected - 1) < 0.1, "\(used) \(expected)")
    }
  }

  @Test("models without a KV cache have no such figure")
  func without() throws {
    let path = repository("Scenarios/steady.yaml")
    let document = try ScenarioDocument(
      Data(contentsOf: URL(fileURLWithPath: path)), path: path, overrides: ["period.to=2026-03-02T02:00:00Z"])
    let record = try Variant(name: "base", overrides: [], scenario: document.scenario).replicate(0, warmUp: 0)
    #expect(Self.value("kvUtilisation", record) == nil && Self.value("preemptions", record) == nil)
    #expect(try #require(Self.value("throughput.requests", record)) > 0)
  }
}

private final class RecordedRows: TelemetrySink {
  var records: [RequestRecord] = []
  func receive(_ requests: RequestColumns) {
    for row in 0..<requests.count { records.append(requests.record(row)) }
  }
}
