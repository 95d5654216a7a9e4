import Documents
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Arrival processes in a scenario")
struct ArrivalsTests {
  /// The arrivals of a document that has only these; recorded demand brings its own tokens.
  static func read(_ arrivals: String, load: String = "") throws -> Arrivals {
    let isRecorded = arrivals.contains("trace:")
    let yaml = """
      workbench: 1
      name: a
      period: { from: 2026-01-05, to: 2026-01-12 }
      account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: external
          provider: P
          load: { arrivals: \(arrivals)\(isRecorded ? "" : ", tokens: { input: 1, output: 1 }")\(load) }
          service: { time: 1s }
      """
    let scenario = try ScenarioDocument(Data(yaml.utf8), path: "a.yaml").scenario
    return try #require(scenario.accounts[0].models[0].load?.arrivals)
  }

  static let all = [
    "{poisson: {rate: 2.5/s}}",
    "{poisson: {rate: 3/d}}",
    "{gamma: {rate: 2/s, cv: 1.5}}",
    "{weibull: {rate: 2/s, cv: 0.5, changes: [{at: \"2026-01-06T00:00:00.000000Z\", cv: 2}, {at: \"2026-01-07T00:00:00.000000Z\", cv: 0.25, family: gamma}]}}",
    "{markovModulated: {states: [{rate: 0/s, mean: 2min}, {rate: 4/s, mean: 1.5s}]}}",
    "{neymanScott: {rate: 2/s, requests: 4.5, spread: 90s}}",
    "{bartlettLewis: {rate: 2/s, requests: 1, gap: 1.5s, shape: 0.25}}",
    "{hawkes: {rate: 2/s, branching: 0.5, delay: 250us}}",
    "{hawkes: {rate: 2/s, branching: 0, delay: 2min, tail: 1.5}}",
    "{resampled: {trace: \"r.csv\", blocks: 5min}}",
    "{resampled: {trace: \"r.csv\", model: \"7\", rate: 2/s, blocks: 1.5s, from: \"2026-01-06T00:00:00.000000Z\", to: \"2026-01-07T00:00:00.000000Z\"}}",
    "{trace: \"a b.csv\"}",
    "{trace: {file: \"t.csv\", model: \"7\", startAt: \"2026-01-06T00:00:00.000000Z\"}}",
    "{serveGen: {trace: \"t.csv\", dataset: \"d.json\", startAt: \"2026-01-06T00:00:00.000000Z\"}}",
  ]

  @Test("a process is written as it is read", arguments: all)
  func text(_ arrivals: String) throws {
    let process = try Self.read(arrivals)
    let written = YAMLWriter.document(sections: [[.init("arrivals", process.yaml)]])
    #expect(written == "arrivals: \(arrivals)\n")
    #expect(try Self.read(String(written.dropFirst("arrivals: ".count).dropLast())) == process)
  }

  @Test("the mean rate of a chain is that of its states, weighted by their time")
  func meanRate() throws {
    // 10 and 100 a minute for two minutes and one: 120 in three minutes.
    let chain = try Self.read(
      "{ markovModulated: { states: [ { rate: 10/min, mean: 2min }, { rate: 100/min, mean: 1min } ] } }")
    let rate = try #require(chain.meanRate)
    #expect(abs(rate * 60e6 - 40) < 1e-9)
  }

  @Test("a load's scale multiplies every rate and nothing else", arguments: all)
  func scale(_ arrivals: String) throws {
    let process = try Self.read(arrivals)
    let scaled = process.scaled(by: 4)
    #expect(scaled.meanRate == process.meanRate.map { $0 * 4 })
    #expect(scaled.scaled(by: 0.25) == process)
    #expect(scaled.changes == process.changes)
    #expect(scaled != process)
    #expect(try Self.read(arrivals, load: ", scale: 4") == scaled)
  }

  @Test("recorded demand names its files, and its rate is unknown before they are read")
  func files() throws {
    let processes = try Self.all.map { try Self.read($0) }
    #expect(
      processes.map(\.namedFiles) == [
        [], [], [], [], [], [], [], [], [], ["r.csv"], ["r.csv"], ["a b.csv"], ["t.csv"],
        ["t.csv", "d.json"],
      ])
    for process in processes {
      let isOfRecord = process.resampled.map { $0.rate == nil } ?? false
      let isUnknown = process.source != nil || isOfRecord
      #expect((process.meanRate == nil) == isUnknown)
    }
  }
}
