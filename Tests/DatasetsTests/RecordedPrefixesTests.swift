import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

/// What recorded requests say of how their prompts begin, as a trace to replay.
@Suite("Prefixes and sessions of recorded requests")
struct RecordedPrefixesTests {
  private static func trace(
    _ column: String, _ rows: [(tokens: Int, value: String)]
  ) throws -> TraceFile {
    let scratch = try Scratch()
    let lines = rows.enumerated().map { index, row in
      "\(index + 1),2026-03-02T09:00:0\(index % 10).000000Z,1,V1,success,,0,0,5,\(row.tokens),1,\(row.value)"
    }
    let header =
      "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens,\(column)"
    return try TraceFile(
      contentsOf: scratch.write("requests.csv", ([header] + lines).joined(separator: "\n") + "\n"))
  }

  @Test(
    "hashes of blocks are a tree, whether a prompt's last block is there when it is begun or when it is full")
  func hashes() throws {
    let begun = try Self.trace(
      "prefix", [(40, "a b c"), (33, "a b d"), (16, "a"), (70, ""), (50, "x y z w")])
    let tree = try #require(begun.prefixes)
    // Blocks of 16 tokens: 40 of them in three blocks, 50 in four.
    #expect(tree.parents == [-1, 0, 1, 1, -1, 4, 5, 6] && tree.ends == [16, 32, 40, 33, 16, 32, 48, 50])
    #expect(begun.requests.map(\.prefix) == [2, 3, 0, PrefixTree.none, 7])
    let full = try Self.trace("prefix", [(40, "a b"), (33, "a b"), (16, "a"), (63, "a b c")])
    #expect(full.prefixes?.ends == [16, 32, 48] && full.requests.map(\.prefix) == [1, 1, 0, 2])
  }

  @Test("a session's prompts contain the ones before them, as far as they grow")
  func sessions() throws {
    let trace = try Self.trace(
      "session",
      [(10, "s"), (30, "t"), (25, "s"), (25, "s"), (12, "s"), (40, ""), (20, "s"), (0, "t")])
    let tree = try #require(trace.prefixes)
    #expect(tree.parents == [-1, -1, 0, -1, 3] && tree.ends == [10, 30, 25, 12, 20])
    #expect(trace.requests.map(\.prefix) == [0, 1, 2, 2, 3, PrefixTree.none, 4, PrefixTree.none])
  }

  @Test("a table that knows neither has no tree, and one that contradicts itself is an error")
  func others() throws {
    #expect(try Self.trace("turn", [(10, "1")]).prefixes == nil)
    #expect(try Self.trace("session", [(10, "")]).prefixes == nil)
    for (rows, message) in [
      ([(40, "a b c"), (40, "x b c")], "request 2 has block 2 of its prefix after other blocks"),
      ([(40, "a b c"), (1000, "a b")], "fit no one size of block"),
    ] {
      let error = #expect(throws: DatasetError.self) {
        try Self.trace("prefix", rows)
      }
      #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
  }

  @Test("requests of which the tokens are not known are replayed with those of another, and counted")
  func unknownTokens() throws {
    let scratch = try Scratch()
    let rows = [("", ""), ("10", "5"), ("", "7"), ("20", ""), ("", "")].enumerated().map { index, tokens in
      "\(index + 1),2026-03-02T09:00:0\(index).000000Z,1,V1,success,,0,0,5,\(tokens.0),\(tokens.1)"
    }
    let header =
      "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens"
    let trace = try TraceFile(
      contentsOf: scratch.write("requests.csv", ([header] + rows).joined(separator: "\n") + "\n"))
    #expect(trace.requests.map(\.inputTokens) == [10, 10, 10, 20, 20])
    #expect(trace.requests.map(\.outputTokens) == [5, 5, 7, 7, 7])
    #expect(trace.unknownTokens == 4 && trace.borrowedAnswers == 0)
    // Where nothing is known, they have none.
    let empty = try TraceFile(
      contentsOf: scratch.write("requests.csv", "\(header)\n\(rows[0])\n"))
    #expect(empty.requests.map(\.inputTokens) == [0] && empty.unknownTokens == 0)
  }

  @Test(
    "the Mooncake trace is the same with its hashes in telemetry",
    .enabled(if: sharedData("mooncake-conversation.jsonl") != nil, "NOT CHECKED: set WORKBENCH_DATA"))
  func mooncake() throws {
    let published = try #require(sharedData("mooncake-conversation.jsonl"))
    let mapped = try Mapped(
      path: published,
      "account: { name: kimi }\ncolumns:\n  arrivedAt: { column: timestamp, format: ms }\n  inputTokens: input_length\n  outputTokens: output_length\n  prefix: hash_ids\n  model: { constant: kimi }\n  kind: { constant: external }\n"
    )
    let scratch = try Scratch()
    let batch = RequestBatch(capacity: mapped.records.count)
    for record in mapped.records { batch.append(record) }
    let file = try OutputFile(scratch.file("requests.ndjson"))
    try batch.send(
      to: RequestWriter(
        file, layout: .ndjson,
        RequestTable(
          series: [Series(modelID: 1, version: "")], reasons: FailureReasons(),
          optional: OptionalColumns(texts: [.prefix]))))
    try file.close()
    let (direct, recorded) = (
      try TraceFile(contentsOf: published), try TraceFile(contentsOf: scratch.file("requests.ndjson"))
    )
    #expect(direct.requests.map(\.arrivedAt) == recorded.requests.map(\.arrivedAt))
    let (a, b) = (try #require(direct.prefixes), try #require(recorded.prefixes))
    #expect(a.count == 182_790 && a.count == b.count)
    // Nodes are numbered as they come; what counts is how far each prompt's path goes, and whether it is another's.
    func path(_ node: Int32, _ tree: PrefixTree) -> [Int32] {
      node < 0 ? [] : path(tree.parents[Int(node)], tree) + [tree.ends[Int(node)]]
    }
    #expect(
      zip(direct.requests, recorded.requests).allSatisfy { path($0.prefix, a) == path($1.prefix, b) })
    let pairs = Set(zip(direct.requests, recorded.requests).map { "\($0.prefix) \($1.prefix)" })
    #expect(pairs.count == Set(direct.requests.map(\.prefix)).count)
  }
}
