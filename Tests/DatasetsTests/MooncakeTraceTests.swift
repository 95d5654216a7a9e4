import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Mooncake traces")
struct MooncakeTraceTests {
  private static func line(_ at: String, _ input: String, _ output: String, _ blocks: String) -> String {
    #"{"timestamp": \#(at), "input_length": \#(input), "output_length": \#(output), "hash_ids": \#(blocks)}"#
  }

  @Test("requests, in order of arrival, with the tree of what their prompts begin with")
  func read() throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      "trace.jsonl",
      [
        Self.line("3000", "1030", "5", "[7, 9, 11]"), "", Self.line("0", "600", "2", "[7, 8]"),
        Self.line("3000", "20", "1", "[]"),
      ].joined(separator: "\n") + "\n")
    let trace = try TraceFile(contentsOf: path)
    let tree = try #require(trace.prefixes)
    #expect(trace.requests.map(\.arrivedAt.microseconds) == [0, 3_000_000, 3_000_000])
    #expect(trace.requests.map(\.inputTokens) == [600, 1030, 20])
    #expect(trace.requests.map(\.prefix) == [3, 2, PrefixTree.none])
    #expect(tree.parents == [-1, 0, 1, 0] && tree.ends == [512, 1024, 1030, 600])
    #expect(trace.borrowedAnswers == 0 && trace.failures == 0)
  }

  @Test(
    "what contradicts itself is one error with its line and column",
    arguments: [
      (line("0", "600", "2", "[1, 2, 3]"), "3 blocks of 512 tokens, but the prompt has 600", 71),
      (line("0", "600", "2", "[8]"), "block 8 follows another block here", 72),
      (line("0", "700", "2", "[7, 8]"), "block 8 ends after 700 tokens here and after 600", 75),
      (line("-1", "600", "2", "[7]"), "timestamp -1 is not a whole number of milliseconds in 0…", 15),
      (line("1.5", "600", "2", "[7]"), "timestamp 1.5 is not a whole number", 15),
      (line("0", "true", "2", "[7]"), "input_length true is not a whole number of tokens", 34),
      (line("0", "600", "9999999999", "[7]"), "output_length 9999999999 is not a whole number of tokens", 56),
      (line("0", "600", "2", "[7.5]"), "block 7.5 of hash_ids is not a whole number", 72),
      (line("0", "600", "2", "7"), "hash_ids is no list", 71),
      (#"{"timestamp": 0, "input_length": 5, "hash_ids": []}"#, "output_length is missing", 1),
      (#"{"timestamp": 0, "input_length": 5, "output_length": 1}"#, "hash_ids is missing. Write", 1),
      (#"{"timestamp": 0, "input_le"#, "the line is not a JSON object", 1),
      ("[1]", "the line is not a JSON object", 1),
      (line("0", "600", "2", "[18446744073709551615]"), "is not a whole number in −2⁶³", 72),
    ])
  func contradictions(line: String, message: String, column: Int) throws {
    let scratch = try Scratch()
    let path = try scratch.write("trace.jsonl", Self.line("0", "600", "2", "[7, 8]") + "\n" + line + "\n")
    do {
      _ = try TraceFile(contentsOf: path)
      Issue.record("it was read")
    } catch let error as DatasetError {
      #expect(error.description.hasPrefix("\(path):2:\(column): error: "), "\(error)")
      #expect(error.description.contains(message), "\(error)")
    }
  }

  @Test("what is wrong with the first request is said as of a Mooncake trace, also after blank lines")
  func first() throws {
    let scratch = try Scratch()
    let path = try scratch.write("trace.jsonl", "\n \n" + Self.line("0", "600", "x", "[7, 8]") + "\n")
    do {
      _ = try TraceFile(contentsOf: path)
      Issue.record("it was read")
    } catch let error as DatasetError {
      #expect(error.description.contains(":3:") && error.description.contains("JSON"), "\(error)")
    }
  }

  @Test("a model cannot be chosen in it; a file of telemetry is not taken for one")
  func others() throws {
    let scratch = try Scratch()
    let path = try scratch.write("trace.jsonl", Self.line("0", "600", "2", "[7, 8]") + "\n")
    #expect(throws: DatasetError.self) { try TraceFile(contentsOf: path, model: "chat") }
    let telemetry = try scratch.write(
      "requests.ndjson",
      #"{"request_id":1,"arrived_at":"2026-01-05T00:00:00.000000Z","model_id":1,"version":"","status":"success","failure_reason":"","waiting_us":0,"ttft_us":1,"latency_us":2,"input_tokens":3,"output_tokens":4}"#
        + "\n")
    #expect(try TraceFile(contentsOf: telemetry).prefixes == nil)
  }
}
