import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

/// Continuous batching beside a reference that takes every step, and by hand.
@Suite("Continuous batching")
struct ContinuousBatchingTests {
  /// 2026-01-05T00:00:00Z.
  static let start: Int64 = 1_767_571_200_000_000

  struct Setting: CustomTestStringConvertible {
    var name: String
    var replicas = 1
    /// That step together, in each replica.
    var ranks = 1
    var maxBatchSize = 4
    /// Replicas of their own that read prompts: how many, slots of each, and µs and µs a token until what they have read
    /// is where the rest of the response is made.
    var prefill: (replicas: Int, batch: Int, base: Double, perToken: Double)?
    /// µs.
    var base = 1000.0
    var perSequence = 0.0
    var perPromptToken = 0.0
    var perToken = 0.0
    var overlap = 0.0
    var tokensPerStep = 2048
    /// µs.
    var perContextToken = 0.0
    var perPromptTokenContext = 0.0
    /// µs.
    var requestOverhead = 0.0
    /// Blocks of the KV cache and tokens in one; without bound if `nil`.
    var cache: (blocks: Int, blockSize: Int)?
    var requests = 2000
    /// µs; arrivals come at multiples of it.
    var grid: Int64 = 1
    /// µs between arrivals, on average.
    var between = 5000.0
    var input: ClosedRange<Int32> = 0...300
    var output: ClosedRange<Int32> = 0...40
    /// Of the latency factor 2.5: from, to, µs after the start.
    var incident: Range<Int64>?
    var isLifo = false
    /// Prompts begin along the branches of a tree: tokens of a node, and branches at each.
    var prefixes: (tokens: Int32, branches: Int)?

    var testDescription: String { name }

    private var kvCache: String {
      cache.map { ", kvCache: { tokens: \($0.blocks * $0.blockSize), blockSize: \($0.blockSize) }" } ?? ""
    }

    var yaml: String {
      """
      workbench: 1
      name: steps
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 9 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { trace: t } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: A10 single
              scaling: { minReplicas: \(replicas), maxReplicas: \(replicas), maxBatchSize: \(maxBatchSize) }
              queue: { capacity: 1000000, discipline: \(isLifo ? "lifo" : "fifo") }
              service: { continuousBatching: { base: \(base)us, perSequence: \(perSequence)us, perPromptToken: \(perPromptToken)us, perToken: \(perToken)us, overlap: \(overlap)us, maxTokensPerStep: \(tokensPerStep), perContextToken: \(perContextToken)us, perPromptTokenContext: \(perPromptTokenContext)us, requestOverhead: \(requestOverhead)us, dataParallel: \(ranks)\(kvCache) } }
      """
        + (prefill.map {
          """

                  prefill: { scaling: { minReplicas: \($0.replicas), maxReplicas: \($0.replicas), maxBatchSize: \($0.batch) }, handover: { base: \($0.base)us, perToken: \($0.perToken)us } }
          """
        } ?? "")
        + (incident.map {
          """

          incidents:
            - { kind: degradation, model: m, from: "\(Timestamp(microseconds: start + $0.lowerBound).rfc3339)", to: "\(Timestamp(microseconds: start + $0.upperBound).rfc3339)", latencyFactor: 2.5 }
          """
        } ?? "")
    }

    var trace: [TraceRequest] { traceWithPrefixes.requests }

    var traceWithPrefixes: Trace {
      var tree = PrefixTree()
      var nodes: [[Int]: Int32] = [:]
      var random = SeededGenerator(state: 20_261_125)
      var time = 0.0
      let trace = (0..<requests).map { _ in
        time += -log(1 - Double.random(in: 0..<1, using: &random)) * between
        var request = TraceRequest(
          arrivedAt: start + Int64(time) / grid * grid, inputTokens: Int32.random(in: input, using: &random),
          outputTokens: Int32.random(in: output, using: &random))
        guard let prefixes else { return request }
        var branch: [Int] = []
        for depth in 0..<Int.random(in: 0...5, using: &random) {
          branch.append(Int.random(in: 0..<prefixes.branches, using: &random))
          request.prefix =
            nodes[branch]
            ?? tree.append(parent: request.prefix, end: Int32(depth + 1) * prefixes.tokens)
          nodes[branch] = request.prefix
          request.inputTokens += prefixes.tokens
        }
        // Some prompts are nothing but what others begin with.
        if !branch.isEmpty, Int.random(in: 0..<4, using: &random) == 0 {
          request.inputTokens = Int32(branch.count) * prefixes.tokens
        }
        return request
      }
      return Trace(trace, prefixes: prefixes == nil ? nil : tree)
    }
  }

  static let settings: [Setting] = [
    .init(name: "light load, whole prompts", between: 30_000),
    .init(name: "heavy load, a waiting line", between: 4000),
    .init(name: "chunked prompts", perPromptToken: 3.7, tokensPerStep: 7, between: 12_000),
    .init(name: "one token of a prompt a step", tokensPerStep: 4, requests: 500, between: 150_000),
    .init(
      name: "durations that are no whole microseconds", base: 812.3, perSequence: 77.77, perPromptToken: 0.31,
      tokensPerStep: 128, between: 6000),
    .init(
      name: "everything at the same moments", replicas: 3, base: 1000, tokensPerStep: 64, grid: 1000,
      between: 1500),
    .init(
      name: "many at once on a coarse grid", replicas: 2, maxBatchSize: 8, base: 1000, perSequence: 500,
      tokensPerStep: 50, grid: 50_000, between: 4000),
    .init(name: "one at a time", maxBatchSize: 1, perPromptToken: 1, tokensPerStep: 16, between: 40_000),
    .init(
      name: "large batches on several replicas", replicas: 4, maxBatchSize: 64, base: 9000, perSequence: 120,
      perPromptToken: 15.5, tokensPerStep: 256, requests: 4000, between: 1500, output: 1...200),
    .init(
      name: "an incident in between", replicas: 2, perSequence: 13, perPromptToken: 2, tokensPerStep: 64,
      between: 4000, incident: 1_000_037..<3_777_777),
    .init(name: "newest first", between: 4000, isLifo: true),
    .init(
      name: "computation beside the reading of weights", maxBatchSize: 16, perPromptToken: 0.5,
      perToken: 21.3,
      overlap: 900.5, tokensPerStep: 96, between: 9000),
    .init(
      name: "computation that exceeds the overlap, with attention and a full cache", replicas: 2,
      maxBatchSize: 32, perSequence: 3.3, perToken: 40, overlap: 700, tokensPerStep: 64,
      perContextToken: 0.21,
      cache: (60, 16), between: 9000),
    .init(name: "attention to contexts", perContextToken: 0.37, perPromptTokenContext: 0.011, between: 6000),
    .init(
      name: "chunked prompts with attention", perPromptToken: 3.7, tokensPerStep: 7, perContextToken: 1.3,
      perPromptTokenContext: 0.7, between: 40_000),
    .init(
      name: "attention through an incident on a coarse grid", replicas: 2, perSequence: 13, perPromptToken: 2,
      tokensPerStep: 64, perContextToken: 0.93, between: 5000, incident: 1_000_037..<3_777_777),
    .init(name: "a full cache", maxBatchSize: 16, perPromptToken: 1, cache: (60, 16), between: 5000),
    .init(
      name: "a full cache of single tokens", maxBatchSize: 16, tokensPerStep: 64, cache: (700, 1),
      between: 9000),
    .init(
      name: "a full cache of large blocks, several replicas", replicas: 3, maxBatchSize: 32, base: 812.3,
      perSequence: 7.7, perPromptToken: 0.31, tokensPerStep: 128, perContextToken: 0.05, cache: (24, 64),
      requests: 3000, grid: 1000, between: 2500, output: 1...200),
    .init(
      name: "a full cache with chunked prompts and attention", maxBatchSize: 8, perPromptToken: 2,
      tokensPerStep: 9,
      perContextToken: 0.9, perPromptTokenContext: 0.05, cache: (45, 8), between: 60_000),
    .init(
      name: "a full cache, everything at the same moments", replicas: 2, maxBatchSize: 16, tokensPerStep: 64,
      cache: (50, 8), grid: 10_000, between: 8000, isLifo: true),
    .init(
      name: "requests that never fit", maxBatchSize: 8, cache: (12, 16), between: 6000, input: 0...400,
      output: 0...60),
    .init(
      name: "prompts that begin alike", maxBatchSize: 8, perPromptToken: 20, cache: (400, 16), between: 6000,
      input: 0...60, prefixes: (32, 3)),
    .init(
      name: "prompts that begin alike in a full cache", maxBatchSize: 16, perPromptToken: 5,
      perContextToken: 0.3, cache: (60, 16), between: 7000, input: 0...60, prefixes: (48, 2)),
    .init(
      name: "prompts that begin alike, chunked, with attention, in a full cache", replicas: 2,
      maxBatchSize: 8,
      perPromptToken: 2, tokensPerStep: 24, perContextToken: 0.9, perPromptTokenContext: 0.05, cache: (45, 8),
      requests: 3000, between: 14_000, input: 0...50, prefixes: (20, 2)),
    .init(
      name: "beginnings that end within blocks, everything at the same moments, a full cache", replicas: 2,
      maxBatchSize: 32, tokensPerStep: 64, cache: (90, 8), requests: 3000, grid: 10_000, between: 3000,
      input: 0...30, output: 0...60, isLifo: true, prefixes: (13, 3)),
    .init(
      name: "prompts that are nothing but beginnings, in a cache without a block to spare",
      perPromptToken: 2, cache: (10, 16), requests: 1000, between: 9000, input: 0...0, output: 1...3,
      prefixes: (32, 2)),
    .init(
      name: "an overhead before each request, longer than a step and than most gaps", replicas: 2,
      maxBatchSize: 8, perPromptToken: 2, tokensPerStep: 64, requestOverhead: 7321, between: 4000),
    .init(
      name: "an overhead with chunked prompts, attention, a full cache and prompts that begin alike",
      maxBatchSize: 8, perPromptToken: 2, tokensPerStep: 24, perContextToken: 0.9, requestOverhead: 20_000,
      cache: (45, 8), between: 12_000, input: 0...50, prefixes: (20, 2)),
    .init(
      name: "an overhead with everything at the same moments", replicas: 3, tokensPerStep: 64,
      requestOverhead: 5000, grid: 1000, between: 1500),
    .init(
      name: "ranks that step together", ranks: 3, maxBatchSize: 12, perSequence: 130, perPromptToken: 2,
      between: 4000),
    .init(
      name: "ranks with chunked prompts and attention, of which another becomes the slowest", ranks: 4,
      maxBatchSize: 16, perPromptToken: 3, tokensPerStep: 24, perContextToken: 2.3,
      perPromptTokenContext: 0.05, requests: 3000, between: 9000, output: 1...300),
    .init(
      name: "ranks with a full cache, prompts that begin alike, an overhead and an incident", replicas: 2,
      ranks: 2, maxBatchSize: 16, perPromptToken: 2, tokensPerStep: 32, perContextToken: 0.9,
      requestOverhead: 4321, cache: (45, 8), requests: 3000, between: 6000, input: 0...50,
      incident: 1_000_037..<3_777_777, prefixes: (20, 2)),
    .init(
      name: "ranks with everything at the same moments, newest first", ranks: 5, maxBatchSize: 10,
      tokensPerStep: 64, grid: 10_000, between: 3000, isLifo: true),
    .init(
      name: "prompts read apart", maxBatchSize: 16, prefill: (1, 4, 2000, 11.1), perSequence: 13,
      perPromptToken: 9, tokensPerStep: 64, between: 7000),
    .init(
      name: "prompts read apart, several replicas, slots that are waited for, an overhead, attention",
      replicas: 2, maxBatchSize: 3, prefill: (2, 2, 0, 30.3), perPromptToken: 11, tokensPerStep: 32,
      perContextToken: 1.7, perPromptTokenContext: 0.02, requestOverhead: 3210, between: 9000),
    .init(
      name: "prompts read apart in a full cache, where those that decode are preempted and read again",
      replicas: 2, maxBatchSize: 16, prefill: (2, 12, 900, 7), perPromptToken: 2, tokensPerStep: 48,
      perContextToken: 0.9, cache: (45, 8), requests: 3000, between: 6000),
    .init(
      name: "prompts read apart that begin alike in a full cache", maxBatchSize: 32,
      prefill: (2, 6, 5000, 3.3), perPromptToken: 21, perContextToken: 0.3, cache: (60, 16), between: 7000,
      input: 0...60, prefixes: (48, 2)),
    .init(
      name: "prompts read apart by ranks, decoded by ranks, through an incident", replicas: 2, ranks: 3,
      maxBatchSize: 12, prefill: (2, 6, 1500, 2), perPromptToken: 7, tokensPerStep: 40, perContextToken: 0.9,
      requests: 3000, between: 2500, incident: 1_000_037..<3_777_777),
    .init(
      name: "prompts read apart, handed over at once, everything at the same moments", replicas: 2,
      maxBatchSize: 6, prefill: (3, 3, 0, 0), tokensPerStep: 64, grid: 10_000, between: 3000, isLifo: true),
    .init(
      name: "long answers, steps of a microsecond", base: 0.4, requests: 300, between: 3000, output: 0...5000),
  ]

  @Test(
    "every waiting time, time to first token and latency is that of a reference that takes each step",
    arguments: settings)
  func sameAsStepByStep(_ setting: Setting) throws {
    let recorded = setting.traceWithPrefixes
    let trace = recorded.requests
    let run = try Simulated(setting.yaml, traces: ["t": recorded])
    var simulation = StepByStep(setting, trace, recorded.prefixes ?? PrefixTree())
    let reference = simulation.run()
    #expect(run.requests.count == trace.count)
    func differs(_ request: SimulatedRequest, _ expected: StepByStep.Result) -> Bool {
      if let cached = request.cached, Int(cached) != expected.cached { return true }
      return request.waiting != expected.waiting || request.firstToken != expected.firstToken
        || request.latency != expected.latency
    }
    let different = zip(run.requests, reference).enumerated().filter { differs($0.element.0, $0.element.1) }
    #expect(
      different.isEmpty,
      "\(different.count) differ, the first is \(String(describing: different.first))")
    let tooLong = run.requests.map { $0.reason == "contextLengthExceeded" }
    #expect(tooLong == reference.map(\.isTooLong))
    // The caches of all, where there are any; all is over long before the period's end.
    let caches = run.result.kvCaches
    #expect(caches.isEmpty == (setting.cache == nil))
    if !caches.isEmpty {
      #expect(
        caches.reduce(0) { $0 + $1.preemptions } == reference.reduce(0) { $0 + Int64($1.preemptions) })
      // In a run of steps blocks are taken to become more evenly, and those that are handed over in it to go at once.
      let used = caches.reduce(0) { $0 + $1.blockMicroseconds }
      #expect(
        abs(used / simulation.blockTime - 1) < (setting.prefill == nil ? 0.02 : 0.05),
        "\(used / simulation.blockTime)")
    }
    Self.checkRows(run.result.tables.kvCache, caches)
    // The settings do what their names say.
    if setting.name.contains("waiting line") { #expect(reference.contains { $0.waiting > 0 }) }
    if setting.name.contains("begin") {
      #expect(reference.contains { $0.cached > 0 } && reference.contains { $0.cached == 0 })
    }
    if setting.name.contains("full cache") { #expect(reference.contains { $0.preemptions > 0 }) }
    if setting.name.contains("never fit") {
      #expect(reference.contains { $0.isTooLong } && reference.contains { !$0.isTooLong })
    }
  }

  /// Rows by quarters of an hour add up to what caches were used for.
  private static func checkRows(_ rows: [KVCacheRecord], _ caches: [KVCacheUse]) {
    #expect(rows.isEmpty == caches.isEmpty)
    // Each row is rounded to a millisecond.
    let rounding = Double(rows.count)
    let time = caches.reduce(0) { $0 + $1.replicaMicroseconds }
    #expect(
      abs(Double(rows.reduce(0) { $0 + $1.replicaMilliseconds }) - Double(time) / 1000) <= rounding)
    let used = caches.reduce(0) { $0 + $1.blockMicroseconds }
    let tolerance = rounding + used / 1000 * 1e-4
    #expect(
      abs(Double(rows.reduce(0) { $0 + $1.usedBlockMilliseconds }) - used / 1000) <= tolerance,
      "\(rows.reduce(0) { $0 + $1.usedBlockMilliseconds }) \(used / 1000)")
    #expect(rows.reduce(0) { $0 + $1.preemptions } == caches.reduce(0) { $0 + $1.preemptions })
    for row in rows {
      #expect(row.at.microseconds % KVCacheRecord.quarter == 0)
      #expect(
        row.peakBlocks <= row.blocks
          && row.usedBlockMilliseconds <= row.blocks * (row.replicaMilliseconds + 1))
    }
    #expect(Set(rows.map { "\($0.at) \($0.version) \($0.hardware) \($0.blocks)" }).count == rows.count)
  }

  @Test("two requests by hand: the second joins between steps, in pieces, and both gain a token a step")
  func byHand() throws {
    var setting = Setting(name: "", base: 10_000, perSequence: 1000, perPromptToken: 100, tokensPerStep: 11)
    setting.maxBatchSize = 2
    let trace = [
      TraceRequest(arrivedAt: Self.start, inputTokens: 5, outputTokens: 4),
      TraceRequest(arrivedAt: Self.start + 12_000, inputTokens: 15, outputTokens: 1),
    ]
    let run = try Simulated(setting.yaml, traces: ["t": Trace(trace)])
    // Step 1: a prompt of 5: 10 + 1 + 0.5 = 11.5 ms, the first token. Step 2, alone: 11 ms, to 22.5 ms; the second came
    // at 12 ms and joins step 3: 1 token for the first, 10 of the prompt: 10 + 2 + 1 = 13 ms, to 35.5 ms. Step 4: its
    // other 5 tokens: 10 + 2 + 0.5 = 12.5 ms, to 48 ms: the first's fourth token, the second's only one.
    #expect(run.requests.map(\.firstToken) == [11_500, 36_000])
    #expect(run.requests.map(\.latency) == [48_000, 36_000])
    // The second waits for the step that begins to read its prompt, at 22.5 ms.
    #expect(run.requests.map(\.waiting) == [0, 10_500])
  }

  @Test("by hand: the one that joined last is preempted and read again, and a block is there for who stays")
  func preemptionByHand() throws {
    var setting = Setting(name: "", base: 10_000, perPromptToken: 100, cache: (4, 4))
    setting.maxBatchSize = 2
    let trace = [
      TraceRequest(arrivedAt: Self.start, inputTokens: 4, outputTokens: 7),
      TraceRequest(arrivedAt: Self.start + 1000, inputTokens: 7, outputTokens: 3),
      TraceRequest(arrivedAt: Self.start + 2000, inputTokens: 16, outputTokens: 2),
    ]
    let run = try Simulated(setting.yaml, traces: ["t": Trace(trace)])
    // Four blocks of four tokens. Step 1, to 10.4 ms: the first's prompt, one block. Step 2, to 21.1 ms: it needs a second
    // block for its fifth token; the second's prompt takes the other two. Steps 3, 4 and 5: the second is at 8, 9 and 10
    // tokens; its ninth, in step 4, needs a third block, and there is none: it is preempted at 31.1 ms with two of its
    // three tokens. The first goes on alone, steps 4 and 5 to 51.1 ms, with 8 tokens at most in step 5; the second, 9
    // tokens, needs three blocks of which two are free. In step 6 the first has its ninth token and third block; step 7
    // is its last, to 71.1 ms. Step 8 reads 9 tokens in 10.9 ms, to 82 ms, and gives the second its third token.
    #expect(run.requests.map(\.firstToken) == [10_400, 20_100, 0])
    #expect(run.requests.map(\.latency) == [71_100, 81_000, 0])
    #expect(run.requests.map(\.waiting) == [0, 9_400, 0])
    #expect(run.requests.map(\.reason) == ["", "", "contextLengthExceeded"])
    let cache = try #require(run.result.kvCaches.first)
    #expect(cache.blocks == 4 && cache.preemptions == 1)
    // One block to 10.4 ms; then three, which become four, to 21.1 ms; four to 31.1 ms; the first's two to 51.1 ms, three
    // to 71.1 ms, and the three of the second's nine tokens to 82 ms.
    let byHand = 1 * 10.4 + 3.5 * 10.7 + 4 * 10 + 2 * 20 + 3 * 20 + 3 * 10.9
    #expect(abs(cache.blockMicroseconds / 1000 / byHand - 1) < 0.05, "\(cache.blockMicroseconds)")
  }

  @Test("a crashed replica loses all that it serves, and restarts with the requests that wait")
  func crash() throws {
    var setting = Setting(name: "", base: 1_000_000)
    setting.maxBatchSize = 2
    let yaml = setting.yaml + "\n        replicaCrash: { timeBetween: 10s, timeToRepair: 20s }\n"
    let trace = [(0, 100), (1, 5), (2, 3)].map {
      TraceRequest(arrivedAt: Self.start + $0.0 * 1_000_000, inputTokens: 1, outputTokens: $0.1)
    }
    let run = try Simulated(yaml, traces: ["t": Trace(trace)])
    // The replica crashes at 10 s, every 10 s after its repair. The second is done at 6 s; the third then takes its
    // slot, and its 3 tokens take until 9 s.
    #expect(run.requests.map(\.reason) == ["replicaLost", "", ""])
    #expect(run.requests.map(\.latency) == [10_000_000, 5_000_000, 7_000_000])
    #expect(run.requests.map(\.waiting) == [0, 0, 4_000_000])
    #expect(run.requests[0].output == 0 && run.requests[0].firstToken == 0)
  }

  @Test("a replica drains to its last token, and is then released")
  func draining() throws {
    let yaml = Setting(name: "", maxBatchSize: 1, base: 1_000_000).yaml.replacingOccurrences(
      of: "minReplicas: 1, maxReplicas: 1, maxBatchSize: 1",
      with:
        "minReplicas: 1, maxReplicas: 2, maxBatchSize: 1, scaleUpDelay: 2s, scaleDownDelay: 5s, startup: 10s")
    let run = try Simulated(
      yaml,
      traces: [
        "t": Trace(
          [(0, 20), (1, 300), (26, 10), (27, 1)].map {
            TraceRequest(arrivedAt: Self.start + $0.0 * 1_000_000, inputTokens: 1, outputTokens: $0.1)
          })
      ])
    // The same path as with service times (`ReplicaPathTests.draining`): alone in its batch, a request of n tokens takes
    // n steps of a second.
    #expect(
      run.tables.replicas.map(ReplicaPathTests.Row.init) == [
        .init(0, 0, 1, 0), .init(3, 1, 1, 0), .init(13, 0, 2, 0), .init(25, 0, 1, 1),
        .init(29, 0, 1, 1, .maxReplicas), .init(313, 0, 1, 0),
      ])
    #expect(run.requests.map(\.waiting) == [0, 12_000_000, 0, 9_000_000])
  }

  @Test("an undeployed version serves what it has and what waits, then ends")
  func undeploying() throws {
    let yaml = Setting(name: "", maxBatchSize: 1, base: 1_000_000).yaml.replacingOccurrences(
      of: "deployAt: 2026-01-01", with: "deployAt: 2026-01-01\n        undeployAt: 2026-01-05T00:01")
    let run = try Simulated(
      yaml,
      traces: [
        "t": Trace(
          [(50, 20), (55, 30), (60, 5), (70, 5)].map {
            TraceRequest(arrivedAt: Self.start + $0.0 * 1_000_000, inputTokens: 1, outputTokens: $0.1)
          })
      ])
    #expect(run.requests.map(\.latency) == [20_000_000, 45_000_000])
    #expect(run.result.notDeployed.map(\.requests) == [2])
    #expect(run.tables.deployments.first?.undeployedAt?.microseconds == Self.start + 100_000_000)
  }

  @Test(
    "autoscaled, crashing, failing and timing out, it gives the same on one thread and on two, and serves no more than it has slots"
  )
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
              service: { continuousBatching: { base: 9ms, perSequence: 0.15ms, perPromptToken: 0.012ms } }
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
      // At least a step for each token.
      #expect(request.latency - request.firstToken >= Int64(max(request.output - 1, 0)) * 9000)
    }
    // At no instant are more served than there are slots, and at some all slots are taken.
    let first = try #require(one.requests.first).series
    let served = one.requests.filter { $0.series == first && $0.latency > $0.waiting }
    let records = one.tables.replicas.filter { $0.modelID == first.modelID }
    var full = 0
    for instant in stride(from: Self.start + 1, to: Self.start + 5 * 3_600_000_000, by: 7_919_317) {
      let count = served.count {
        $0.arrivedAt + $0.waiting <= instant && instant < $0.arrivedAt + $0.latency
      }
      let record = try #require(records.last { $0.at.microseconds <= instant })
      let slots = 32 * (record.ready + record.draining)
      #expect(count <= slots)
      if count == slots, slots > 0 { full += 1 }
    }
    #expect(full > 0)
  }
}
