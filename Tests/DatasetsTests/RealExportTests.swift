import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

private let realRun = sharedData("vllm-rtx4090-llama-3.1-8b/requests.jsonl")

/// Exports as others published them, imported as they are. The figures were computed from the raw files by a script of
/// decimal arithmetic that shares nothing with the import.
@Suite("Real exports", .enabled(if: realRun != nil, "NOT CHECKED: set WORKBENCH_DATA"))
struct RealExportTests {
  private func path(_ name: String) throws -> String { try #require(sharedData(name)) }

  /// The guide's mapping of an account, so that what the guide shows is what is tested.
  private func guide(_ account: String) throws -> String {
    try #require(MappingGuide.mappings().first { $0.contains("account: { name: \(account)") })
  }

  @Test(
    "vLLM's requests: a wall clock for the arrival, differences of a monotonic one for the rest",
    arguments: [
      (
        "vllm-rtx4090-llama-3.1-8b", 19_557_305_251, 19_636_972_281, 25_973_476_130, 257_239, 195_753,
        1_787_267_980_082_740
      ),
      (
        "vllm-rtxpro6000-qwen3-32b", 10_895_328_651, 11_071_565_984, 27_122_417_298, 258_691, 199_486,
        1_777_142_984_578_685
      ),
    ] as [(String, Int64, Int64, Int64, Int64, Int64, Int64)])
  func vLLM(
    run: String, waiting: Int64, firstToken: Int64, latency: Int64, input: Int64, output: Int64, first: Int64
  ) throws {
    let found = try Mapped(
      path: path("\(run)/requests.jsonl"),
      guide("vllm"))
    #expect(found.requests.count == 300 && found.rejects.count == 0 && found.sentences.isEmpty)
    #expect(found.sum(\.waiting) == waiting && found.sum(\.firstToken) == firstToken)
    #expect(found.sum(\.latency) == latency && found.requests.first?.arrivedAt == first)
    #expect(found.sum { Int64($0.input) } == input && found.sum { Int64($0.output) } == output)
    #expect(found.tables.replicas.map(\.ready) == [1])
  }

  @Test("the Mooncake trace, whose milliseconds count from 0")
  func mooncake() throws {
    let found = try Mapped(
      path: path("mooncake-conversation.jsonl"),
      guide("kimi"))
    #expect(found.requests.count == 12_031 && found.rejects.count == 0)
    #expect(found.requests.first?.arrivedAt == 1_767_571_200_000_000)
    let last: Int64 = 1_767_571_200_000_000 + 3_536_999_000
    #expect(found.requests.last?.arrivedAt == last && found.optional == OptionalColumns(texts: [.prefix]))
    #expect(found.sum { Int64($0.input) } == 144_793_823 && found.sum { Int64($0.output) } == 4_122_048)
  }

  @Test(
    "AIBrix's multi-turn logs: launch and finish on one clock, in no order",
    arguments: [
      ("naive-2.9", 322, 20_483_918_026, 5_500_752_515, 6_785_506, 1_747_434_775_939_345),
      ("prefix-routing-0.5", 55, 150_301_017, 78_147_891, 1_159_015, 1_747_556_710_725_847),
    ] as [(String, Int, Int64, Int64, Int64, Int64)])
  func aibrix(run: String, count: Int, latency: Int64, firstToken: Int64, input: Int64, first: Int64) throws {
    let columns = try guide("aibrix")
    let file = try path("aibrix-multiturn/\(run).csv")
    let found = try Mapped(path: file, columns)
    #expect(found.requests.count == count && found.rejects.count == 0)
    #expect(found.sum(\.latency) == latency && found.sum(\.firstToken) == firstToken)
    #expect(found.sum { Int64($0.input) } == input && found.requests.first?.arrivedAt == first)
    #expect(found.sum { Int64($0.output) } == Int64(100 * count))
    #expect(found.optional == OptionalColumns(measures: [.turn], texts: [.session]))
    // Its first token and its generation are the same latency, to the six microseconds that the clocks differ by.
    let sum = try Mapped(
      path: file,
      columns.replacing(
        "endedAt: { column: finish_time, format: s }",
        with: "latency: { sum: [ ttft, generation_time ], unit: s }"))
    #expect(zip(sum.requests, found.requests).allSatisfy { abs($0.latency - $1.latency) <= 6 })
  }

  @Test("Langfuse's observations, of which the generations are calls, and a trace with a list of them")
  func langfuse() throws {
    let found = try Mapped(
      path: path("langfuse/observations.ndjson"), guide("langfuse")
    )
    #expect(found.requests.count == 16 && found.rejects.count == 0)
    #expect(found.sum(\.latency) == 70_685_000)
    #expect(found.sum { Int64($0.input) } == 13_867 && found.sum { Int64($0.output) } == 840)
    #expect(found.requests.count { $0.cached == nil } == 14 && found.requests.count { $0.cached == 0 } == 2)
    #expect(
      found.tables.models.map(\.name) == [
        "claude-sonnet-4-5-20250929", "gemini-2.5-flash", "gpt-4o-2024-08-06", "gpt-4o-mini", "gpt-5",
      ])
    #expect(
      found.sentences.prefix(1) == [
        "40 rows were left out, as rows of the mapping says: type SPAN 35, type TOOL 5."
      ])
    let trace = try Mapped(
      path: path("langfuse/langgraph-python-2025-08-22.trace.json"),
      guide("langfuse").replacing("rows: { only", with: "rows: { list: observations, only"))
    #expect(trace.requests.map(\.latency) == [848_000, 1_743_000])
    #expect(trace.requests.map(\.input) == [60, 108] && trace.requests.map(\.output) == [15, 51])
    #expect(trace.requests.map(\.cached) == [0, 0])
  }

  @Test("invocations that have an end and a duration, and no arrival")
  func functions() throws {
    let found = try Mapped(
      path: path("azure-functions-2021.csv"),
      guide("azure"))
    let origin: Int64 = 1_612_051_200_000_000
    #expect(found.requests.count == 199 && found.rejects.count == 0)
    #expect(found.sum(\.latency) == 10_599_170_000)
    #expect(found.requests.first?.arrivedAt == origin + 1490)
    #expect(found.requests.last?.arrivedAt == origin + 1_200_014_798)
    #expect(found.sum { $0.arrivedAt - origin } == 97_194_569_618)
    #expect(found.tables.models.count == 31)
  }

  @Test("reports of benchmarks and dumps of spans: lists inside documents")
  func documents() throws {
    let calls = try Mapped(
      path: path("reports/anyscale_7b.json"),
      guide("llmperf"))
    #expect(calls.requests.count == 150 && calls.rejects.count == 0)
    #expect(calls.sum(\.latency) == 442_090_538 && calls.sum(\.firstToken) == 33_777_513)
    #expect(calls.sum { Int64($0.input) } == 82_500 && calls.sum { Int64($0.output) } == 22_649)
    let spans = try Mapped(
      path: path("spans/GOOGLE_trace.json"),
      """
      account: { name: agents }
      rows: { list: spans, only: { attributes.gen_ai.operation.name: [ call_llm ] } }
      columns:
        id: context.span_id
        arrivedAt: { column: start_time, format: ns }
        endedAt: { column: end_time, format: ns }
        status: { column: status.status_code, success: [ ok, unset ] }
        model: attributes.gen_ai.request.model
        kind: { constant: external }
        inputTokens: attributes.gen_ai.usage.input_tokens
        outputTokens: attributes.gen_ai.usage.output_tokens
      """)
    #expect(spans.requests.map(\.latency) == [512_086, 344_015, 717_837])
    #expect(spans.requests.map(\.input) == [672, 770, 809] && spans.requests.map(\.output) == [16, 14, 56])
    // This report was made by a run in which no request ended: it has lists, and they are empty.
    let empty = #expect(throws: DatasetError.self) {
      try Mapped(
        path: path("reports/guidellm_report_v2.json"),
        Mapped.columns(
          "arrivedAt: { column: start_time, format: s }",
          more: "rows: { list: benchmarks.*.requests.successful }\n"))
    }
    #expect(empty?.message.hasPrefix("no row becomes a request (0 rejected)") == true)
  }

  @Test("rounds of coding agents, most of whose input a cache had")
  func rounds() throws {
    let found = try Mapped(
      path: path("tracelab-rounds.jsonl"),
      """
      account: { name: agents }
      columns:
        id: round_id
        arrivedAt: timing_events.0.timestamp
        model: model
        provider: provider
        kind: { constant: external }
        inputTokens: { sum: [ prefix_tokens, newly_append_tokens ] }
        cachedInputTokens: { difference: [ input_tokens_total, newly_append_tokens ] }
        outputTokens: output_tokens
      """)
    #expect(found.requests.count == 19 && found.rejects.count == 0)
    #expect(found.sum { Int64($0.input) } == 514_012 && found.sum { Int64($0.output) } == 11_335)
    #expect(
      found.sum { Int64($0.cached ?? -1) } == 473_556
        && found.optional == OptionalColumns(measures: [.cachedInputTokens]))
    #expect(found.tables.models.map(\.name) == ["claude-opus-4-8", "gpt-5.4"])
  }
}

/// The guide's text about mappings.
enum MappingGuide {
  /// Its examples that are mappings, without their first line.
  static func mappings() throws -> [String] {
    let path = repository("Sources/workbench/Workbench.docc/DataSets.md")
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let blocks = text.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 1 }
    return blocks.map(\.element).filter { $0.hasPrefix("yaml\n") }.map { String($0.dropFirst(5)) }
      .filter { $0.contains("columns:") }
  }
}

@Suite("Mappings in the guide")
struct MappingGuideTests {
  @Test("each is right")
  func right() throws {
    let mappings = try MappingGuide.mappings()
    #expect(mappings.count == 6)
    for mapping in mappings { #expect(Mapped.problems(mapping) == "") }
  }
}
