import Datasets
import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

/// The prefix cache beside caches that know nothing of steps: requests that do not overlap, so that only what is
/// cached decides.
@Suite("Prefix cache")
struct PrefixCacheTests {
  private static let mooncake = sharedData("mooncake-conversation.jsonl")

  /// Least recently used of `capacity` blocks; a prompt's blocks count as used from its end to its beginning.
  private struct Cache {
    let capacity: Int
    private var usedAt: [Int32: Int] = [:]
    private var byUse: [Int: Int32] = [:]
    private var clock = 0
    private var oldest = 0

    init(_ capacity: Int) { self.capacity = capacity }

    /// - Parameter path: from the beginning.
    /// - Returns: how many of the blocks were there.
    mutating func ask(_ path: [Int32]) -> Int {
      let hits = path.prefix { usedAt[$0] != nil }.count
      for block in path.reversed() {
        if let time = usedAt[block] { byUse[time] = nil }
        usedAt[block] = clock
        byUse[clock] = block
        clock += 1
      }
      while usedAt.count > capacity {
        if let block = byUse.removeValue(forKey: oldest) { usedAt[block] = nil }
        oldest += 1
      }
      return hits
    }
  }

  private static func scenario(
    load: String, tokens: Int, blockSize: Int, to: String = "2026-03-01", policy: String = "lru"
  ) -> String {
    """
    workbench: 1
    name: prefixes
    period: { from: 2026-01-05, to: \(to) }
    account: { name: a, timeZone: UTC, subscription: { maxReplicas: 9 } }
    models:
      - name: m
        kind: openSource
        load: \(load)
        deployments:
          - version: V1
            deployAt: 2026-01-01
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 4 }
            service: { continuousBatching: { base: 1ms, kvCache: { tokens: \(tokens), blockSize: \(blockSize), prefixCache: \(policy) } } }
    """
  }

  private static func trace() throws -> Trace {
    let file = try TraceFile(contentsOf: try #require(mooncake))
    return Trace(
      file.requests.map {
        TraceRequest(
          arrivedAt: $0.arrivedAt.microseconds, inputTokens: $0.inputTokens, outputTokens: $0.outputTokens,
          prefix: $0.prefix)
      }, prefixes: file.prefixes)
  }

  private static func path(_ node: Int32, _ tree: PrefixTree) -> [Int32] {
    var path: [Int32] = []
    var node = node
    while node >= 0 {
      path.append(node)
      node = tree.parents[Int(node)]
    }
    return path.reversed()
  }

  @Test(
    "hits on a real trace are those of an independent cache, block for block",
    .enabled(if: mooncake != nil, "NOT CHECKED: set WORKBENCH_DATA"),
    arguments: [500, 5000, 30_000, 200_000])
  func mooncakeHits(capacity: Int) throws {
    let published = try Self.trace()
    let tree = try #require(published.prefixes)
    // Ten seconds apart, whole blocks and one token more: the block of that token is the only one that is never shared.
    let start: Int64 = 1_767_571_200_000_000
    var trace = published
    for index in trace.requests.indices {
      var node = trace.requests[index].prefix
      if node >= 0, tree.ends[Int(node)] % 512 != 0 { node = tree.parents[Int(node)] }
      trace.requests[index].prefix = node
      trace.requests[index].inputTokens = (node < 0 ? 0 : tree.ends[Int(node)]) + 1
      trace.requests[index].outputTokens = 1
      trace.requests[index].arrivedAt = start + Int64(index) * 10_000_000
    }
    let run = try Simulated(
      Self.scenario(load: "{ arrivals: { trace: t } }", tokens: (capacity + 1) * 512, blockSize: 512),
      traces: ["t": trace])
    var cache = Cache(capacity)
    let expected = trace.requests.map { request -> Int32? in
      let path = Self.path(request.prefix, tree)
      // What can never fit is not served.
      return path.count > capacity ? nil : Int32(cache.ask(path) * 512)
    }
    let found = run.requests.map { $0.isSuccess ? $0.cached : nil }
    #expect(found == expected)
    #expect(expected.contains { ($0 ?? 0) > 0 })
  }

  @Test(
    "with room for everything, the trace as published has the hits that its blocks promise",
    .enabled(if: mooncake != nil, "NOT CHECKED: set WORKBENCH_DATA"))
  func mooncakeAsPublished() throws {
    var trace = try Self.trace()
    let tree = try #require(trace.prefixes)
    for index in trace.requests.indices {
      trace.requests[index].arrivedAt = 1_767_571_200_000_000 + Int64(index) * 60_000_000
    }
    let run = try Simulated(
      Self.scenario(load: "{ arrivals: { trace: t } }", tokens: 1_000_000_000, blockSize: 16),
      traces: ["t": trace])
    var seen: Set<Int32> = []
    let expected = trace.requests.map { request -> Int32 in
      let path = Self.path(request.prefix, tree)
      let there = path.prefix { seen.contains($0) }
      seen.formUnion(path)
      // Whole blocks of the replica, and never the last token of the prompt.
      return min(there.last.map { tree.ends[Int($0)] / 16 * 16 } ?? 0, (request.inputTokens - 1) / 16 * 16)
    }
    #expect(run.requests.map(\.cached) == expected.map { Optional($0) })
    let rate =
      Double(expected.reduce(0) { $0 + Int($1) })
      / Double(trace.requests.reduce(0) { $0 + Int($1.inputTokens) })
    // A count over the blocks of the file alone gives 37.4 %; the replica has whole blocks only.
    #expect((0.37...0.375).contains(rate), "\(rate)")
  }

  @Test("hit rates under random requests are those of Che's approximation", arguments: [50, 200, 600])
  func che(capacity: Int) throws {
    let (count, skew) = (1000, 0.8)
    let run = try Simulated(
      Self.scenario(
        load:
          "{ arrivals: { poisson: { rate: 1/s } }, tokens: { input: 1, output: 1, prefix: { tokens: 16, count: \(count), skew: \(skew) } } }",
        tokens: (capacity + 1) * 16, blockSize: 16, to: "2026-01-07"))
    // Che, Tung and Wang (2002), "Hierarchical Web caching systems", IEEE JSAC 20(7): an item is there if it was asked
    // for within the time in which as many different ones as fit are.
    let weights = (1...count).map { pow(Double($0), -skew) }
    let sum = weights.reduce(0, +)
    let shares = weights.map { $0 / sum }
    var (low, high) = (0.0, 1e9)
    for _ in 0..<200 {
      let time = (low + high) / 2
      if shares.reduce(0, { $0 + 1 - exp(-$1 * time) }) < Double(capacity) { low = time } else { high = time }
    }
    let expected = shares.reduce(0) { $0 + $1 * (1 - exp(-$1 * low)) }
    let hits = run.requests.dropFirst(20_000)
    let found = Double(hits.count { $0.cached == 16 }) / Double(hits.count)
    #expect(abs(found - expected) < 0.01, "\(found), expected \(expected)")
    #expect(run.requests.allSatisfy { $0.input == 17 && ($0.cached == 0 || $0.cached == 16) })
  }

  @Test("a replica that has been stopped and started again has nothing left")
  func restarted() throws {
    var tree = PrefixTree()
    let leaf = tree.append(parent: PrefixTree.none, end: 8)
    let start: Int64 = 1_767_571_200_000_000
    func request(_ second: Int64, output: Int32, prefix: Int32) -> TraceRequest {
      TraceRequest(
        arrivedAt: start + second * 1_000_000, inputTokens: 10, outputTokens: output, prefix: prefix)
    }
    // The first keeps the only replica busy. The second waits for another one, which is stopped after it; so does the
    // third; the fourth comes while the third's replica is still there.
    let trace = Trace(
      [
        request(0, output: 300, prefix: PrefixTree.none), request(1, output: 1, prefix: leaf),
        request(60, output: 1, prefix: leaf), request(75, output: 1, prefix: leaf),
      ], prefixes: tree)
    let run = try Simulated(
      Self.scenario(load: "{ arrivals: { trace: t } }", tokens: 4000, blockSize: 4)
        .replacingOccurrences(of: "base: 1ms", with: "base: 1s")
        .replacingOccurrences(
          of: "maxReplicas: 1, maxBatchSize: 4",
          with: "maxReplicas: 2, maxBatchSize: 1, scaleUpDelay: 2s, scaleDownDelay: 5s, startup: 10s"),
      traces: ["t": trace])
    #expect(run.requests.map(\.waiting) == [0, 12_000_000, 12_000_000, 0])
    #expect(run.requests.map(\.cached) == [0, 0, 0, 8])
  }

  @Test(
    "by hand: a prompt is read from where the cache ends, shared blocks are held once, and none without a cache"
  )
  func byHand() throws {
    var tree = PrefixTree()
    let leaf = tree.append(parent: PrefixTree.none, end: 8)
    let start: Int64 = 1_767_571_200_000_000
    // Blocks of 4 tokens. 10 tokens each, 8 of them alike; then a prompt that is nothing but these 8.
    let trace = Trace(
      [
        TraceRequest(arrivedAt: start, inputTokens: 10, outputTokens: 1, prefix: leaf),
        TraceRequest(arrivedAt: start + 1_000_000, inputTokens: 10, outputTokens: 3, prefix: leaf),
        TraceRequest(arrivedAt: start + 1_000_000, inputTokens: 10, outputTokens: 3, prefix: leaf),
        TraceRequest(arrivedAt: start + 2_000_000, inputTokens: 8, outputTokens: 1, prefix: leaf),
      ], prefixes: tree)
    func run(_ policy: String, blocks: Int) throws -> Simulated {
      try Simulated(
        Self.scenario(load: "{ arrivals: { trace: t } }", tokens: blocks * 4, blockSize: 4, policy: policy)
          .replacingOccurrences(of: "base: 1ms", with: "base: 1ms, perPromptToken: 1ms"),
        traces: ["t": trace])
    }
    // Two blocks are shared, two are each request's own: 4 of 6 would not do for two requests of 3 blocks.
    let cached = try run("lru", blocks: 4)
    #expect(cached.requests.map(\.cached) == [0, 8, 8, 4])
    // A step of 1 ms and a token of 1 ms: 11 ms; 2 tokens of each at once, 1 + 4 ms; 4 tokens.
    #expect(cached.requests.map(\.firstToken) == [11_000, 5000, 5000, 5000])
    let none = try run("none", blocks: 6)
    #expect(none.requests.map(\.cached) == [nil, nil, nil, nil])
    #expect(none.requests.map(\.firstToken) == [11_000, 21_000, 21_000, 9000])
  }
}
