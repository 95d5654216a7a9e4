import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Traces of telemetry")
struct TraceTests {
  private static let header =
    "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens\n"

  /// A request a second: model_id, failure reason (empty for a success), output tokens.
  private static func table(_ rows: [(model: Int, reason: String, output: Int)]) -> String {
    header
      + rows.enumerated().map { index, row in
        let second = index < 10 ? "0\(index)" : "\(index)"
        return
          "\(index + 1),2026-03-02T01:00:\(second).000000Z,\(row.model),V1,\(row.reason.isEmpty ? "success" : "failure"),\(row.reason),0,0,1000,\(index),\(row.output)\n"
      }.joined()
  }

  private func error(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test("a trace of several models replays the one that is named, and none unasked")
  func severalModels() throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      "t.csv", Self.table((0..<30).map { ($0 % 3 == 0 ? 1 : 2, "", 10) }))
    let refusal = error { _ = try TraceFile(contentsOf: path) }
    #expect(refusal.contains("requests of 2 models (model_id 1, 2)"), "\(refusal)")
    let one = try TraceFile(contentsOf: path, model: "1").requests
    #expect(one.map(\.inputTokens) == (0..<10).map { Int32(3 * $0) })
    #expect(try TraceFile(contentsOf: path, model: "2").requests.count == 20)
    #expect(error { _ = try TraceFile(contentsOf: path, model: "3") }.contains("no requests of model \"3\""))
    #expect(error { _ = try TraceFile(contentsOf: path, model: "chat") }.contains("model_id (1, 2)"))
  }

  @Test("a model's name is looked up in the table of models beside the trace")
  func byName() throws {
    let scratch = try Scratch()
    let path = try scratch.write("requests.csv", Self.table([(1, "", 5), (2, "", 6), (3, "", 7)]))
    try scratch.write(
      "models.csv",
      "model_id,account,kind,name,provider,created_at\n1,a,openSource,chat,,2026-03-01T00:00:00.000000Z\n2,a,openSource,code,,2026-03-01T00:00:00.000000Z\n3,a,fineTuned,code,,2026-03-01T00:00:00.000000Z\n"
    )
    #expect(try TraceFile(contentsOf: path, model: "chat").requests.map(\.outputTokens) == [5])
    #expect(
      error { _ = try TraceFile(contentsOf: path, model: "code") }.contains(
        "2 models are named \"code\" (model_id 2, 3)"))
    #expect(
      error { _ = try TraceFile(contentsOf: path, model: "chit") }.contains("There are: chat, code, code."))
  }

  @Test(
    "a failed request is replayed with an answer, not with none: its own, or that of the success before it")
  func failures() throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      "t.csv",
      Self.table([
        (1, "timeout", 0), (1, "", 40), (1, "modelError", 0), (1, "modelError", 3), (1, "", 0),
        (1, "timeout", 0),
      ]))
    let trace = try TraceFile(contentsOf: path)
    // The first has no success before it; the fourth said how far it came; an empty answer is an answer.
    #expect(trace.requests.map(\.outputTokens) == [40, 40, 40, 3, 0, 0])
    #expect(trace.borrowedAnswers == 3)
    #expect(trace.failures == 4)
    let all = try scratch.write("all.csv", Self.table([(1, "timeout", 0), (1, "timeout", 0)]))
    #expect(error { _ = try TraceFile(contentsOf: all) }.contains("all 2 requests of the trace failed"))
  }

  @Test("a request that is listed twice is not replayed twice, wherever its rows are")
  func twice() throws {
    let scratch = try Scratch()
    let rows = Self.table((0..<5).map { _ in (1, "", 10) })
    #expect(try TraceFile(contentsOf: try scratch.write("a.csv", rows)).requests.count == 5)
    let path = try scratch.write("b.csv", rows.replacing("\n5,", with: "\n2,"))
    #expect(error { _ = try TraceFile(contentsOf: path) }.contains("request_id 2 is listed twice"))
  }
}
