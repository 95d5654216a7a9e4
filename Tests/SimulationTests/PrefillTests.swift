import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

/// Prefill and decode apart, by hand and with everything that can happen to replicas. `ContinuousBatchingTests` holds it to
/// a reference that takes each step.
@Suite("Prefill and decode apart")
struct PrefillTests {
  private static let start = ContinuousBatchingTests.start

  private func request(_ milliseconds: Int64, _ input: Int32, _ output: Int32) -> TraceRequest {
    TraceRequest(
      arrivedAt: Self.start + milliseconds * 1000, inputTokens: input, outputTokens: output)
  }

  @Test("by hand: the first token is made where the prompt is read, the others after the handover")
  func byHand() throws {
    let setting = ContinuousBatchingTests.Setting(
      name: "", prefill: (1, 2, 1000, 100), base: 10_000, perPromptToken: 100)
    let run = try Simulated(
      setting.yaml, traces: ["t": Trace([request(0, 5, 3), request(2, 10, 1)])])
    // Step 1 of the replica that reads: 10 + 0.5 = 10.5 ms. Handover: 1 + 0.5 = 1.5 ms, to 12 ms. Two steps of 10 ms where
    // it is decoded, to 32 ms. The second is read in step 2, to 10.5 + 11 = 21.5 ms, which makes its only token.
    #expect(run.requests.map(\.firstToken) == [10_500, 19_500])
    #expect(run.requests.map(\.latency) == [32_000, 19_500])
    #expect(run.requests.map(\.waiting) == [0, 8_500])
    #expect(run.tables.deployments.map(\.version) == ["V1", "V1 prefill"])
    #expect(Set(run.requests.map(\.series.version)) == ["V1"])
  }

  @Test("by hand: a request keeps its slot where it was read until there is one where it is decoded")
  func slots() throws {
    let setting = ContinuousBatchingTests.Setting(
      name: "", maxBatchSize: 1, prefill: (1, 1, 1000, 100), base: 10_000, perPromptToken: 100)
    let run = try Simulated(
      setting.yaml, traces: ["t": Trace([request(0, 5, 3), request(1, 5, 2), request(2, 5, 1)])])
    // The first is handed over by 12 ms, and decoded by 32 ms. The second is read from 12 to 22.5 ms, waits for the slot,
    // is handed over by 33.5 ms, and decoded by 43.5 ms. The third is read from 33.5 to 44 ms.
    #expect(run.requests.map(\.waiting) == [0, 11_000, 31_500])
    #expect(run.requests.map(\.firstToken) == [10_500, 21_500, 42_000])
    #expect(run.requests.map(\.latency) == [32_000, 42_500, 42_000])
  }

  @Test(
    "by hand: a crash where prompts are read loses those on their way, one where they are decoded those too")
  func crashes() throws {
    let setting = ContinuousBatchingTests.Setting(
      name: "", prefill: (1, 4, 60_000_000, 0), base: 1_000_000)
    let crash = "\n        replicaCrash: { timeBetween: 10s, timeToRepair: 20s }\n"
    // Both replicas crash at 10 s, then 10 s after each repair. The first is on its way at 10 s, and lost; the second comes
    // at 31 s, is read by 32 s, and on its way when both crash again at 40 s.
    let run = try Simulated(
      setting.yaml + crash, traces: ["t": Trace([request(0, 1, 5), request(31_000, 1, 5)])])
    #expect(run.requests.map(\.reason) == ["replicaLost", "replicaLost"])
    #expect(run.requests.map(\.latency) == [10_000_000, 9_000_000])
    // With a handover of a second, the first of three tokens is there after one, the last after four.
    let quick = ContinuousBatchingTests.Setting(
      name: "", prefill: (1, 4, 1_000_000, 0), base: 1_000_000)
    let served = try Simulated(quick.yaml + crash, traces: ["t": Trace([request(0, 1, 3)])])
    #expect(served.requests.map(\.latency) == [4_000_000])
  }

  @Test("an undeployed version ends with the last request that is decoded, those that read before")
  func undeploying() throws {
    let setting = ContinuousBatchingTests.Setting(
      name: "", maxBatchSize: 1, prefill: (1, 4, 5_000_000, 0), base: 1_000_000)
    let yaml = setting.yaml.replacingOccurrences(
      of: "deployAt: 2026-01-01", with: "deployAt: 2026-01-01\n        undeployAt: 2026-01-05T00:01")
    let run = try Simulated(
      yaml,
      traces: ["t": Trace([request(50_000, 1, 20), request(58_000, 1, 5), request(70_000, 1, 5)])])
    // The first is read by 51 s, handed over by 56 s and decoded by 75 s. The second is read by 59 s, waits until 75 s,
    // is handed over by 80 s, when those that read have nothing left, and decoded by 84 s.
    #expect(run.requests.map(\.latency) == [25_000_000, 26_000_000])
    #expect(run.result.notDeployed.map(\.requests) == [1])
    let ends = run.tables.deployments.map { ($0.undeployedAt?.microseconds ?? 0) - Self.start }
    #expect(ends == [84_000_000, 80_000_000])
  }

  @Test("a prompt that does not fit where it is read, and a context that does not where it is decoded, fail")
  func tooLong() throws {
    let setting = ContinuousBatchingTests.Setting(
      name: "", prefill: (1, 4, 0, 0), base: 1000, cache: (4, 4))
    let yaml = setting.yaml.replacingOccurrences(
      of: "prefill: {",
      with:
        "prefill: { service: { continuousBatching: { base: 1ms, kvCache: { tokens: 8, blockSize: 4 } } },")
    let run = try Simulated(
      yaml, traces: ["t": Trace([request(0, 8, 9), request(1, 9, 1), request(2, 8, 10)])])
    #expect(run.requests.map(\.reason) == ["", "contextLengthExceeded", "contextLengthExceeded"])
  }

  @Test(
    "autoscaled, crashing, failing, timing out and undeployed, it gives the same on one thread and on two")
  func everything() throws {
    func model(_ name: String) -> String {
      """
        - name: \(name)
          kind: openSource
          load:
            arrivals: { gamma: { rate: 20/s, cv: 2 } }
            tokens: { input: { lognormal: { mean: 900, cv: 1.2 } }, output: { lognormal: { mean: 150, cv: 0.8 } } }
            retries: { probability: 0.5, attempts: 2 }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              undeployAt: 2026-01-05T05:00
              hardware: A10 single
              scaling: { minReplicas: 1, maxReplicas: 4, maxBatchSize: 32, scaleUpDelay: 10s, scaleDownDelay: 60s, startup: 30s }
              queue: { capacity: 300, timeout: 20s }
              failures: { modelError: 0.01 }
              replicaCrash: { timeBetween: { exponential: { mean: 40min } }, timeToRepair: 1min }
              service: { continuousBatching: { base: 9ms, perSequence: 0.15ms, perPromptToken: 0.012ms, dataParallel: 2, kvCache: { tokens: 30000 } } }
              prefill:
                hardware: T4 single
                scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 8, scaleUpDelay: 10s, scaleDownDelay: 60s, startup: 30s }
                service: { continuousBatching: { base: 12ms, perPromptToken: 0.05ms, kvCache: { tokens: 20000 } } }
                handover: { base: 3ms, perToken: 2us }
      """
    }
    let yaml = """
      workbench: 1
      name: all
      seed: 7
      period: { from: 2026-01-05, to: 2026-01-05T06:00 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 9 } }
      models:
      \(model("m1"))
      \(model("m2"))
      incidents:
        - { kind: degradation, model: m1, timeBetween: 1h, timeToRepair: 5min, latencyFactor: 2, errorProbability: 0.1 }
      """
    let one = try Simulated(yaml, threads: 1)
    let two = try Simulated(yaml, threads: 2)
    #expect(one.requests == two.requests)
    #expect(one.tables.replicas == two.tables.replicas)
    let reasons = Dictionary(grouping: one.requests, by: \.reason).mapValues(\.count)
    for reason in ["", "modelError", "replicaLost", "timeout"] {
      #expect(reasons[reason, default: 0] > 0, "no \(reason): \(reasons)")
    }
    for request in one.requests where request.isSuccess {
      #expect(request.waiting < request.firstToken && request.firstToken <= request.latency)
      // The handover, and at least a step for each token after the first.
      if request.output > 1 {
        let least = 3000 + 2 * Int64(request.input) + Int64(request.output - 1) * 9000
        #expect(request.latency - request.firstToken >= least)
      }
    }
    // Both pools scale, and both are gone in the end.
    for version in ["V1", "V1 prefill"] {
      let rows = one.tables.replicas.filter { $0.version == version && $0.modelID == 1 }
      #expect((rows.map(\.ready).max() ?? 0) > 1)
      #expect(rows.last.map { $0.starting + $0.ready + $0.draining } == 0)
    }
    #expect(one.tables.deployments.allSatisfy { $0.undeployedAt != nil })
  }

  @Test(
    "what cannot be apart is refused",
    arguments: [
      (
        "service: { continuousBatching: { base: 1ms } }", "service: { time: 1s }",
        "prompts are read apart only under continuousBatching or roofline. Give the deployment"
      ),
      (
        "prefill: {", "prefill: { service: { time: 1s },",
        "prompts are read apart only under continuousBatching or roofline. Give one of them"
      ),
      (
        "prefill: {", "prefill: { hardware: T4 single,",
        "prompts are read on \"T4 single\", and the service is that of \"A10 single\": how long they take is not known."
      ),
      ("maxReplicas: 9", "maxReplicas: 1", "need 2 replicas at least"),
      (
        "version: V1",
        "version: V1 prefill\n        traffic: 0.5\n        deployAt: 2026-01-01\n        hardware: A10 single\n        scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 1 }\n        service: { time: 1s }\n      - version: V1",
        "telemetry calls the replicas"
      ),
    ])
  func refused(_ part: String, _ other: String, _ message: String) throws {
    let yaml = """
      workbench: 1
      name: apart
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 9 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: 5, output: 5 } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: A10 single
              scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 8 }
              service: { continuousBatching: { base: 1ms } }
              prefill: { scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 8 } }
      """
    let text = try #require(yaml.contains(part) ? yaml.replacingOccurrences(of: part, with: other) : nil)
    let error = #expect(throws: (any Error).self) { try Simulated(text) }
    #expect(String(describing: error).contains(message), "\(String(describing: error))")
  }
}
