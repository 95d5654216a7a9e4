import Datasets
import Foundation
import ScenarioModel
import TestSupport
import Testing

@Suite("OpenTelemetry spans: which are calls, and each once")
struct SpanTests {
  static let trace = "5b8aa5a2d2c872e8321cf37308d69df2"
  static let model = ["gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-x"]

  static func call(_ input: Int, _ output: Int, _ operation: String = "chat") -> [String: String] {
    usage(input, output).merging(["gen_ai.operation.name": operation]) { $1 }
  }

  static func usage(_ input: Int, _ output: Int) -> [String: String] {
    model.merging(["gen_ai.usage.input_tokens": "\(input)", "gen_ai.usage.output_tokens": "\(output)"]) { $1 }
  }

  static func span(
    _ id: Int, below parent: Int? = nil, _ attributes: [String: String],
    start: Int64 = 1_764_115_200_000_000_000,
    trace: String = SpanTests.trace
  ) -> String {
    func hexadecimal(_ id: Int) -> String { String(format: "%016x", id) }
    let list = attributes.sorted { $0.key < $1.key }.map {
      "{\"key\":\"\($0)\",\"value\":{\(Int($1) == nil ? "\"stringValue\"" : "\"intValue\""):\"\($1)\"}}"
    }
    let above = parent.map { ",\"parentSpanId\":\"\(hexadecimal($0))\"" } ?? ""
    return
      "{\"traceId\":\"\(trace)\",\"spanId\":\"\(hexadecimal(id))\"\(above),\"startTimeUnixNano\":\"\(start + Int64(id))\",\"endTimeUnixNano\":\"\(start + 2_000_000_000)\",\"attributes\":[\(list.joined(separator: ","))],\"status\":{}}"
  }

  static func export(_ spans: [String]) -> String {
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[]},\"scopeSpans\":[{\"spans\":[\(spans.joined(separator: ","))]}]}]}\n"
  }

  static func imported(_ text: String, operations: Set<String> = []) throws -> Imported {
    try Imported(
      text, "traces.jsonl", .openTelemetry(operations: operations),
      ImportMapping(Data(ImportMapping.openTelemetry.utf8), path: "otlp"))
  }

  static func totals(_ imported: Imported) -> [Int] {
    [
      imported.requests.count, imported.requests.reduce(0) { $0 + Int($1.input) },
      imported.requests.reduce(0) { $0 + Int($1.output) },
    ]
  }

  @Test(
    "agents, tools, workflows, retrieval and operations that the conventions do not know are no calls; embeddings are"
  )
  func operations() throws {
    let calls = ["chat", "text_completion", "generate_content"].enumerated().map {
      Self.span($0 + 1, Self.call(100, 20, $1))
    }
    var embedding = Self.call(50, 0, "embeddings")
    embedding["gen_ai.usage.output_tokens"] = nil
    let others = ["create_agent", "invoke_agent", "execute_tool", "retrieval", "invoke_workflow", "call_llm"]
      .enumerated()
      .map { Self.span($0 + 20, Self.call(1000, 1000, $1)) }
    let found = try Self.imported(
      Self.export(calls + [Self.span(10, embedding)] + others + [Self.span(40, ["http.method": "GET"])]))
    #expect(Self.totals(found) == [4, 350, 60])
    #expect(
      found.sentences.prefix(2) == [
        "7 spans were no calls of a model: call_llm 1, create_agent 1, execute_tool 1, invoke_agent 1, invoke_workflow 1, retrieval 1, spans of other things 1.",
        "The conventions do not know the operation call_llm. Name call_llm as an additional operation if its spans are calls.",
      ])
    // What an embedding does not have is known; a first token is not.
    #expect(found.sentences[2] == "4 requests have no firstToken in the export: left unknown.")
  }

  @Test(
    "a span without an operation is a call if there is none below it, whatever comes first in the export",
    arguments: [false, true])
  func containers(reversed: Bool) throws {
    var spans = [
      // An agent by its name, and a chain that only its children give away, over a tool over a call.
      Self.span(1, Self.usage(300, 60).merging(["gen_ai.agent.name": "a"]) { $1 }),
      Self.span(2, below: 1, Self.usage(300, 60)),
      Self.span(3, below: 2, ["http.method": "POST"]),
      Self.span(4, below: 3, Self.call(100, 20)),
      Self.span(5, below: 2, Self.usage(200, 40)),
      // The same identifiers in another trace lie below nothing.
      Self.span(2, Self.usage(7, 1), trace: "00000000000000000000000000000001"),
    ]
    if reversed { spans.reverse() }
    let found = try Self.imported(spans.map { Self.export([$0]) }.joined())
    #expect(Self.totals(found) == [3, 307, 61])
    #expect(found.sentences[0].hasPrefix("3 spans were no calls of a model: "))
  }

  @Test("a span that comes again counts once, in the same export or another, in upper case too")
  func repeats() throws {
    let lines = Self.export([
      Self.span(2, Self.call(100, 20)), Self.span(3, Self.usage(200, 40)), Self.span(4, ["a": "b"]),
    ])
    let upper = Self.export([Self.span(2, Self.call(100, 20), trace: Self.trace.uppercased())])
    let found = try Self.imported(lines + lines + upper)
    #expect(Self.totals(found) == [2, 300, 60])
    #expect(found.sentences.contains("4 spans came again, by trace and span identifier: counted once."))
    #expect(found.sentences[0].hasPrefix("1 span was no call of a model"))
  }

  @Test(
    "a span that was not over counts when it is; one that says something else the second time is said; zeros name none"
  )
  func identities() throws {
    let whole = Self.span(2, Self.call(100, 20))
    let open = whole.replacing(try Regex("\"endTimeUnixNano\":\"[0-9]+\""), with: "\"endTimeUnixNano\":\"0\"")
    #expect(Self.totals(try Self.imported(Self.export([open]) + Self.export([whole]))) == [1, 100, 20])
    #expect(Self.totals(try Self.imported(Self.export([whole]) + Self.export([open]))) == [1, 100, 20])
    let other = try Self.imported(Self.export([whole]) + Self.export([Self.span(2, Self.call(100, 200))]))
    #expect(Self.totals(other) == [1, 100, 20])
    #expect(
      other.sentences.contains(
        "1 span came again, by trace and span identifier, and said something else: the first counts."),
      "\(other.sentences)")
    let nameless = Self.export([Self.span(0, Self.call(100, 20)), Self.span(0, Self.call(7, 1))])
    #expect(Self.totals(try Self.imported(nameless)) == [2, 107, 21])
    #expect(Self.totals(try Self.imported("\u{feff}" + nameless)) == [2, 107, 21])
  }

  @Test("a call below a call, as two instruments see it, is counted and said")
  func nested() throws {
    let found = try Self.imported(
      Self.export([
        Self.span(1, Self.call(5, 1)), Self.span(2, below: 1, ["x": "y"]),
        Self.span(3, below: 2, Self.call(5, 1)),
      ]))
    #expect(Self.totals(found) == [2, 10, 2])
    #expect(found.sentences.contains { $0.hasPrefix("1 call lies below another call") })
  }

  @Test("an instant of 0 is the protocol's word for unknown; a broken line costs itself alone")
  func broken() throws {
    let good = Self.export([Self.span(2, Self.call(100, 20))])
    let unknown = Self.export([Self.span(0, Self.call(1, 1), start: 0)])
    let found = try Self.imported(
      "{\"resourceSpans\": [{\n" + unknown + good + "{\"resourceLogs\":[]}\n[1]\n")
    #expect(Self.totals(found) == [1, 100, 20])
    #expect(found.rejects.kinds == ["not an OTLP export": 2, "arrivedAt is missing": 1])
    #expect(found.sentences.contains("1 export of metrics or logs left out."))
  }

  @Test("OpenLLMetry's and OpenInference's attributes from before the conventions")
  func legacy() {
    let operations = ModelOperations()
    func role(_ values: [String: String]) -> ModelOperations.Role { operations.role(of: values) }
    #expect(
      role(["llm.request.type": "completion", "gen_ai.request.model": "m"]) == .call(operation: "completion"))
    #expect(role(["llm.request.type": "embedding"]) == .call(operation: "embeddings"))
    #expect(role(["openinference.span.kind": "LLM", "llm.model_name": "m"]) == .call(operation: "chat"))
    #expect(role(["openinference.span.kind": "CHAIN", "llm.x": "m"]) == .other("CHAIN", isKnown: true))
    #expect(role(["traceloop.span.kind": "agent", "gen_ai.request.model": "m"]) != .undecided)
    #expect(role(["gen_ai.request.model": "m", "gen_ai.tool.definitions": "[]"]) == .undecided)
    #expect(
      role(["gen_ai.usage.input_tokens": "5"])
        == .other("spans without an operation or a model", isKnown: true))
    #expect(role(["gen_ai.operation.name": "Chat"]) == .other("Chat", isKnown: false))
    #expect(
      ModelOperations(further: ["Chat"]).role(of: ["gen_ai.operation.name": "Chat"])
        == .call(operation: "Chat"))
  }

  @Test(
    "a call failed if its status says so, or if it has an error.type and no status; OK stands above error.type"
  )
  func statuses() throws {
    func span(_ id: Int, _ status: String, error: String?) -> String {
      var attributes = Self.call(100, 20)
      attributes["error.type"] = error
      return Self.span(id, attributes).replacing("\"status\":{}", with: "\"status\":{\(status)}")
    }
    let found = try Self.imported(
      Self.export([
        span(1, "", error: nil), span(2, "", error: "timeout"), span(3, "\"code\":0", error: "500"),
        span(4, "\"code\":\"STATUS_CODE_UNSET\"", error: "_OTHER"), span(5, "\"code\":1", error: "timeout"),
        span(6, "\"code\":2", error: nil), span(7, "\"code\":\"STATUS_CODE_ERROR\"", error: "429"),
        span(8, "\"code\":7", error: nil),
      ]))
    #expect(
      found.requests.map { found.reasons[Int($0.outcome)] } == [
        "", "timeout", "500", "_OTHER", "", "unspecified", "429",
      ])
    #expect(
      found.sentences.contains {
        $0.hasPrefix("3 calls have an error.type and no status: counted as failures")
      }, "\(found.sentences)")
  }
}
