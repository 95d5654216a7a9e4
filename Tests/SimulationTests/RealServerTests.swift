import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

/// Runs of real vLLM servers, replayed on services that are computed and fitted to nothing.
@Suite("Real servers", .enabled(if: RealServer.folder != nil, "NOT CHECKED: set WORKBENCH_DATA"))
struct RealServerTests {
  @Test(
    "a roofline without any fit is within 25 % of times to first token, per output token, and latencies",
    arguments: RealServer.all)
  func roofline(server: RealServer) throws {
    let requests = try server.requests()
    let start: Int64 = 1_767_571_200_000_000
    let first = try #require(requests.map(\.queued).min())
    let arrivals = requests.map { ($0, start + Int64(((($0.queued) - first) * 1e6).rounded())) }
      .sorted { $0.1 < $1.1 }
    let run = try Simulated(
      server.yaml,
      traces: [
        "t": Trace(
          arrivals.map {
            TraceRequest(arrivedAt: $0.1, inputTokens: $0.0.input, outputTokens: $0.0.output)
          })
      ])
    #expect(run.requests.count == 300 && run.requests.allSatisfy { $0.reason == "" })
    var figures: [Figure] = [
      Figure(name: "time to first token"), Figure(name: "time per output token"), Figure(name: "latency"),
    ]
    for (simulated, (real, _)) in zip(run.requests, arrivals) {
      let ours: [Double] = [Double(simulated.firstToken) / 1e6, Double(simulated.latency) / 1e6]
      let theirs: [Double] = [real.firstToken - real.queued, real.lastToken - real.queued]
      figures[0].add(ours[0], theirs[0])
      figures[2].add(ours[1], theirs[1])
      guard real.output > 1 else { continue }
      let tokens = Double(real.output - 1)
      figures[1].add((ours[1] - ours[0]) / tokens, (theirs[1] - theirs[0]) / tokens)
    }
    for figure in figures {
      for (statistic, of) in [("mean", Self.mean), ("p95", Self.p95)] {
        let (simulated, real): (Double, Double) = (of(figure.simulated), of(figure.real))
        let error = simulated / real - 1
        print("\(server.name): \(figure.name), \(statistic): \(String(format: "%+.1f %%", error * 100))")
        #expect(abs(error) <= 0.25, "\(figure.name), \(statistic): \(simulated) s, really \(real) s")
      }
    }
  }

  /// What a figure of each request is, simulated and really, s.
  private struct Figure {
    var name: String
    var simulated: [Double] = []
    var real: [Double] = []

    mutating func add(_ simulated: Double, _ real: Double) {
      self.simulated.append(simulated)
      self.real.append(real)
    }
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  private static func p95(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, Int(0.95 * Double(sorted.count)))]
  }
}

/// One run of 300 requests; the folder's `meta.json` says how the server was set up.
struct RealServer: Sendable, CustomTestStringConvertible {
  var name: String
  var hardware: String
  var model: String
  /// max_num_seqs.
  var sequences: Int
  var testDescription: String { name }

  static let folder: String? = sharedData("vllm-rtx4090-llama-3.1-8b/requests.jsonl").map { _ in
    ProcessInfo.processInfo.environment["WORKBENCH_DATA"] ?? ""
  }

  static let all: [RealServer] = [
    .init(
      name: "vllm-rtx4090-llama-3.1-8b", hardware: "RTX 4090 single", model: "llama-3.1-8b", sequences: 256),
    .init(
      name: "vllm-rtxpro6000-qwen3-32b", hardware: "RTX PRO 6000 cluster of 2", model: "qwen3-32b",
      sequences: 128),
  ]

  /// Times in s, of one clock.
  struct Request: Decodable {
    var input: Int32
    var output: Int32
    var queued: Double
    var firstToken: Double
    var lastToken: Double

    enum CodingKeys: String, CodingKey {
      case input = "input_toks"
      case output = "output_toks"
      case queued = "queued_ts"
      case firstToken = "first_token_ts"
      case lastToken = "last_token_ts"
    }
  }

  func requests() throws -> [Request] {
    let path = try #require(sharedData("\(name)/requests.jsonl"))
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
      try JSONDecoder().decode(Request.self, from: Data($0.utf8))
    }
  }

  var yaml: String {
    """
    workbench: 1
    name: real
    period: { from: 2026-01-05, to: 2026-01-06 }
    account: { name: a, timeZone: UTC, credits: { \(hardware): 1 }, subscription: { maxReplicas: 1 } }
    models:
      - name: m
        kind: openSource
        load: { arrivals: { trace: t } }
        deployments:
          - version: V1
            deployAt: 2026-01-01
            hardware: \(hardware)
            scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: \(sequences) }
            queue: { capacity: 1000000 }
            service: { roofline: { model: \(model) } }
    """
  }
}
