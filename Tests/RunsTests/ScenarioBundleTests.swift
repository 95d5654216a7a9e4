import Datasets
import Foundation
import Runs
import ScenarioModel
import Simulation
import TestSupport
import Testing

@Suite("A scenario with every file that it names")
struct ScenarioBundleTests {
  private static let replay = """
    workbench: 1
    name: replay
    period: { from: 2026-03-02, to: 2026-03-03 }
    account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
    models:
      - name: m
        kind: external
        provider: P
        load: { arrivals: { trace: calls.csv } }
        service: { time: 1s }
    """
  private static let calls = """
    TIMESTAMP,ContextTokens,GeneratedTokens
    2026-03-02 00:00:01.0000000,10,20
    2026-03-02 00:00:02.0000000,30,40

    """

  @Test("what is not there, or is a directory, is not found")
  func absent() throws {
    let scratch = try Scratch()
    #expect(throws: NotFoundError.self) { try ScenarioBundle(scratch.file("absent.yaml")) }
    #expect(throws: NotFoundError.self) { try ScenarioBundle(scratch.path) }
  }

  @Test("a trace that the scenario names lies beside it, or where the caller says; otherwise it is not found")
  func traces() throws {
    let scratch = try Scratch()
    let scenario = try scratch.write("replay.yaml", Self.replay)
    #expect(throws: NotFoundError.self) { try ScenarioBundle(scenario) }
    let elsewhere = try scratch.write("elsewhere.csv", Self.calls)
    let given = try ScenarioBundle(scenario, files: ["calls.csv": elsewhere])
    let beside = try scratch.write("calls.csv", Self.calls)
    let found = try ScenarioBundle(scenario)
    #expect(given.files == ["calls.csv": elsewhere] && found.files == ["calls.csv": beside])
    for bundle in [given, found] {
      let requests = try #require(bundle.traces["calls.csv"]).requests
      #expect(requests.map(\.inputTokens) == [10, 30] && requests.map(\.outputTokens) == [20, 40])
      #expect(requests[1].arrivedAt - requests[0].arrivedAt == 1_000_000)
    }
  }

  private static let requestColumns =
    "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens\n"

  /// A request a second, of so many models in turn; their input tokens are 100, 101, ….
  private static func requests(_ count: Int, ofModels models: Int) -> String {
    requestColumns
      + (0..<count).map { index in
        let second = index < 10 ? "0\(index)" : "\(index)"
        return
          "\(index + 1),2026-03-02T01:00:\(second).000000Z,\(1 + index % models),V1,success,,0,0,1000,\(100 + index),7\n"
      }.joined()
  }

  @Test("of a trace of two models a model replays the one that the scenario names, by its number or its name")
  func oneModelOfTwo() throws {
    let scratch = try Scratch()
    try scratch.write("requests.csv", Self.requests(20, ofModels: 2))
    try scratch.write(
      "models.csv",
      "model_id,account,kind,name,provider,created_at\n1,a,openSource,chat,,2026-03-01T00:00:00.000000Z\n2,a,openSource,code,,2026-03-01T00:00:00.000000Z\n"
    )
    func inputs(_ trace: String) throws -> [Int32] {
      let text = Self.replay.replacing("trace: calls.csv", with: "trace: \(trace)")
      let simulation = try ScenarioBundle(try scratch.write("replay.yaml", text)).simulation()
      let recorder = RequestRecorder(simulation.series)
      _ = try simulation.run(threads: 1, into: .init(accounts: [NoSink()], merged: recorder))
      return recorder.requests.sorted { $0.arrivedAt < $1.arrivedAt }.map(\.input)
    }
    let second = (0..<10).map { Int32(101 + 2 * $0) }
    #expect(try inputs("{ file: requests.csv, model: \"2\" }") == second)
    #expect(try inputs("{ file: requests.csv, model: code }") == second)
    #expect(try inputs("{ file: requests.csv, model: chat }") == second.map { $0 - 1 })
    // Where none is named, not both of them are replayed.
    #expect(throws: DatasetError.self) { try inputs("requests.csv") }
  }

  @Test("two models that name different models of one file replay each its own, in a shared bundle too")
  func twoModelsOfOneFile() throws {
    let scratch = try Scratch()
    try scratch.write("calls.csv", Self.requests(6, ofModels: 3))
    let text =
      Self.replay.replacing("trace: calls.csv", with: "trace: { file: calls.csv, model: \"1\" }")
      + "\n  - { name: n, kind: external, provider: P, load: { arrivals: { trace: { file: calls.csv, model: \"3\" } } }, service: { time: 1s } }\n"
    let scenario = try scratch.write("replay.yaml", text)
    let first = try ScenarioBundle(scenario)
    for bundle in [first, try ScenarioBundle(scenario, overrides: ["seed=9"], sharing: first)] {
      #expect(bundle.traces.count == 2)
      let simulated = try Simulated(bundle.scenario, traces: bundle.traces)
      #expect(simulated.requests(of: "m").map(\.input).sorted() == [100, 103])
      #expect(simulated.requests(of: "n").map(\.input).sorted() == [102, 105])
    }
  }

  @Test("a bundle that shares another's traces reads no file that both name")
  func sharing() throws {
    let scratch = try Scratch()
    let scenario = try scratch.write("replay.yaml", Self.replay)
    let trace = try scratch.write("calls.csv", Self.calls)
    let first = try ScenarioBundle(scenario)
    try FileManager.default.removeItem(atPath: trace)
    let second = try ScenarioBundle(scenario, overrides: ["seed=9"], sharing: first)
    #expect(second.scenario.seed == 9)
    #expect(second.traces["calls.csv"] == first.traces["calls.csv"])
    #expect(throws: NotFoundError.self) { try ScenarioBundle(scenario) }
  }

  @Test("the manifest says what was run: overrides, seed, period, and the document with them")
  func manifest() throws {
    let bundle = try Recording.bundle(try Scratch(), ["seed=77"])
    let manifest = bundle.manifest(program: "p 1")
    #expect(manifest.program == "p 1" && manifest.seed == 77)
    #expect(manifest.scenario?.name == "small" && manifest.scenario?.overrides == ["seed=77"])
    let again = try ScenarioDocument(Data(try #require(manifest.scenario?.text).utf8), path: "again.yaml")
    #expect(again.scenario.seed == 77 && again.scenario.from == bundle.scenario.from)
  }
}
