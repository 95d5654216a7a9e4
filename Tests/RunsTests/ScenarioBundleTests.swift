import Datasets
import Foundation
import Runs
import ScenarioModel
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
