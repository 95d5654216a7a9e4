import Foundation
import TestSupport
import Testing

/// What is special to serving with a prefix cache and overheads, through the commands.
@Suite("Serving, through the commands")
struct ServingTests {
  private static func run(_ scratch: Scratch, _ yaml: String, _ name: String, _ more: String...) throws {
    let path = try scratch.write("\(name).yaml", yaml)
    let run = try Program.command(
      Program.path, ["run", path, "--out", scratch.file(name), "-q"] + more)
    #expect(run.status == 0, "\(run.error)")
  }

  @Test("a draining replica whose request waits out its overhead does serve it")
  func overhead() throws {
    let scratch = try Scratch()
    let yaml = FormatTests.prefixes.replacing("rate: 60/h", with: "rate: 1/s")
      .replacing("base: 10ms", with: "base: 10ms, requestOverhead: 2s")
      .replacing("deployAt: 2026-03-01", with: "deployAt: 2026-03-01\n        undeployAt: 2026-03-02T01:00")
      .replacing("to: 2026-03-03", with: "to: 2026-03-02T02:00")
    try Self.run(scratch, yaml, "run")
    let valid = try Program.run("validate", scratch.file("run"))
    #expect(valid.status == 0, "\(valid.output) \(valid.error)")
  }

  @Test("prompts that fill the cache and are nothing but what others begin with are served")
  func full() throws {
    let scratch = try Scratch()
    let yaml = FormatTests.prefixes.replacing("input: 40, output: 20", with: "input: 0, output: 1")
      .replacing("kvCache: { tokens: 1200 }", with: "kvCache: { tokens: 256 }")
    try Self.run(scratch, yaml, "lru")
    try Self.run(
      scratch, yaml, "none", "--set",
      "models.chat.deployments.V1.service.continuousBatching.kvCache.prefixCache=none")
    let rows = try ["lru", "none"].map {
      try String(contentsOfFile: scratch.file("\($0)/telemetry/requests.csv"), encoding: .utf8).split(
        separator: "\n"
      )
      .filter { $0.contains(",success,") }.count
    }
    #expect(rows[0] == rows[1] && rows[0] > 1000, "\(rows)")
  }

  @Test("what one side knows and the other does not is a difference, in one row or in all")
  func unknown() throws {
    let scratch = try Scratch()
    try Self.run(scratch, FormatTests.prefixes, "run")
    let manager = FileManager.default
    for name in ["whole", "cell", "column"] {
      try manager.createDirectory(atPath: scratch.file(name), withIntermediateDirectories: true)
      try manager.copyItem(atPath: scratch.file("run/telemetry"), toPath: scratch.file("\(name)/telemetry"))
    }
    func edit(_ name: String, _ change: (inout [Substring]) -> Void) throws {
      let path = scratch.file("\(name)/telemetry/requests.csv")
      var lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      change(&lines)
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    }
    func cut(_ line: Substring) -> Substring { line[...(line.lastIndex(of: ",") ?? line.startIndex)] }
    try edit("cell") { $0[9] = cut($0[9]) }
    try edit("column") { lines in lines = lines.map { cut($0).dropLast() } }
    let wide = try scratch.write(
      "wide.yaml", "workbenchTolerances: 1\nrules: [ { path: \"**\", relative: 200% } ]\n")
    for name in ["cell", "column"] {
      // However wide a tolerance is, unknown is not a number.
      let compare = try Program.run(
        "compare", scratch.file("whole"), scratch.file(name), "--what", "data", "--tolerances", wide)
      #expect(compare.status == 1, "\(name): \(compare.output) \(compare.error)")
      #expect(compare.output.contains("cached_input_tokens") && compare.output.contains("unknown"), "\(name)")
    }
    let same = try Program.run("compare", scratch.file("whole"), scratch.file("whole"), "--what", "data")
    #expect(same.status == 0, "\(same.output)")
  }

  @Test("an objective on what no model has is refused; one that some have is about those")
  func needs() throws {
    let scratch = try Scratch()
    let path = try scratch.write("prefixes.yaml", FormatTests.prefixes)
    let none = try Program.run(
      "plan", path, "--replications", "3", "--slo", "cacheHitRate >= 50%", "-o", scratch.file("none"), "-q",
      "--set",
      "models.chat.load.tokens.prefix.tokens=1", "--set",
      "models.chat.deployments.V1.service.continuousBatching.kvCache.prefixCache=none")
    #expect(
      none.status == 64 && none.error.contains("no replica keeps what prompts begin with"), "\(none.error)")
    let direct = try scratch.write(
      "direct.yaml",
      FormatTests.prefixes.replacing(
        "continuousBatching: { base: 10ms, perPromptToken: 1ms, kvCache: { tokens: 1200 } }", with: "time: 1s"
      ))
    let whole = try Program.run(
      "plan", direct, "--replications", "3", "--slo", "ttft.p95[model=chat] <= 1s", "-o",
      scratch.file("whole"),
      "-q")
    #expect(whole.status == 64 && whole.error.contains("token by token"), "\(whole.error)")
    let some =
      FormatTests.prefixes + """

          - name: plain
            kind: openSource
            load: { arrivals: { poisson: { rate: 60/h } }, tokens: { input: 40, output: 20 } }
            deployments:
              - version: V1
                deployAt: 2026-03-01
                hardware: A10 single
                scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 8 }
                service: { continuousBatching: { base: 10ms, kvCache: { tokens: 1200 } } }
        """
    let two = try scratch.write("two.yaml", some)
    let plan = try Program.run(
      "plan", two, "--replications", "3", "--slo", "cacheHitRate >= 50%", "--slo", "ttft.p95 <= 10s", "-o",
      scratch.file("two"), "-q")
    #expect(plan.status == 0, "\(plan.output) \(plan.error)")
  }

  @Test(
    "the time per output token of dashboards is itl.mean of objectives; failures that had begun are in neither"
  )
  func interToken() throws {
    let scratch = try Scratch()
    let export = try scratch.write(
      "t.csv",
      """
      at,ms,first,in,out,hit,status
      2026-03-02T09:00:00Z,1100,100,40,11,16,ok
      2026-03-02T09:00:01Z,900,100,40,5,16,ok
      2026-03-02T09:00:02Z,3000,,40,40,16,error
      2026-03-02T09:00:03Z,100,100,40,1,16,ok

      """)
    let mapping = try scratch.write(
      "map.yaml",
      """
      workbenchMapping: 1
      account: { name: acme }
      columns:
        arrivedAt: at
        model: { constant: m }
        kind: { constant: openSource }
        latency: { column: ms, unit: ms }
        firstToken: { column: first, unit: ms, missing: unknown }
        inputTokens: in
        outputTokens: out
        cachedInputTokens: hit
        status: { column: status, failure: [ error ] }

      """)
    let made = try Program.run(
      "import", "table", export, "--mapping", mapping, "-o", scratch.file("run"), "-q")
    #expect(made.status == 0, "\(made.error)")
    // 1000 ms for ten tokens and 800 for four.
    let average = 1800.0 / 14
    struct Dashboard: Decodable {
      struct Serving: Decodable { var timePerOutputToken: Double }
      var serving: Serving
    }
    let aggregated = try Program.run(
      "aggregate", scratch.file("run"), "--kind", "openSource", "--period", "2026-03-02")
    let dashboard = try JSONDecoder().decode(Dashboard.self, from: Data(aggregated.output.utf8))
    #expect(abs(dashboard.serving.timePerOutputToken - average) < 1e-9)
    struct Judged: Decodable {
      struct Objective: Decodable {
        struct Worst: Decodable { var value: Double }
        var worst: Worst
      }
      var objectives: [Objective]
    }
    let expected = try Program.run("expect", scratch.file("run"), "--slo", "itl.mean <= 200ms", "--json")
    let judged = try JSONDecoder().decode(Judged.self, from: Data(expected.output.utf8))
    #expect(abs((judged.objectives.first?.worst.value ?? 0) - average) < 1e-9, "\(expected.output)")
    let valid = try Program.run("validate", scratch.file("run"))
    #expect(valid.status == 0, "\(valid.output) \(valid.error)")
  }

  @Test("the catalogue prints everything that it has, each entry with its source")
  func catalogue() throws {
    let all = try Program.run("catalogue", "--json")
    let tables = try #require(
      try JSONSerialization.jsonObject(with: Data(all.output.utf8)) as? [String: [[String: Any]]])
    #expect(tables.keys.sorted() == ["hardware", "models", "prices"])
    for (name, rows) in tables {
      #expect(rows.count >= 6 && rows.allSatisfy { ($0["source"] as? String)?.isEmpty == false }, "\(name)")
    }
    let text = try Program.run("catalogue")
    #expect(["RTX 4090", "T4 cluster of 8", "llama-3.1-8b"].allSatisfy(text.output.contains))
    let service = try Program.run(
      "catalogue", "service", "--model", "llama-3.1-8b", "--hardware", "A10 single", "--json")
    let computed = try #require(
      try JSONSerialization.jsonObject(with: Data(service.output.utf8)) as? [String: Any])
    #expect((computed["source"] as? String)?.contains("efficiencies assumed") == true)
    // As in the profile: what is left of the last block is not used.
    #expect(computed["kvCacheTokens"] as? Int == 41_440)
  }

  @Test("a Mooncake trace is not imported without what it says of prompts")
  func imported() throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      "trace.jsonl", #"{"timestamp": 0, "input_length": 600, "output_length": 2, "hash_ids": [7, 8]}"# + "\n")
    let refused = try Program.run("import", "azure-llm", path, "-o", scratch.file("replay.yaml"))
    #expect(refused.status == 65 && refused.error.contains("Mooncake"), "\(refused.error)")
    #expect(try scratch.entries().sorted() == ["trace.jsonl"])
  }
}
