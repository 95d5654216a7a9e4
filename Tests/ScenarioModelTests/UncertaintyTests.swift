import Documents
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Uncertain demand in a scenario")
struct UncertaintyTests {
  static func document(_ load: String) -> String {
    """
    workbench: 1
    name: u
    period: { from: 2026-01-05, to: 2026-01-12 }
    account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 1 } }
    models:
      - name: m
        kind: external
        provider: P
        load:
          \(load)
        service: { time: 1s }
    """
  }

  static func messages(_ load: String) -> [String] { CheckTests.errors(document(load)) }

  static let plain = "{ arrivals: { poisson: { rate: 1/s } }, tokens: { input: 1, output: 1 }, uncertainty: "

  @Test(
    "what cannot be is refused, at its place",
    arguments: [
      (
        "{ arrivals: { trace: t.csv }, uncertainty: { level: { cv: 0.1 } } }",
        "t.yaml:10:50: error: uncertainty cannot be combined with a trace, which is replayed as it is. Remove it, or resample the trace (arrivals: { resampled: … })."
      ),
      (
        "{ arrivals: { serveGen: { trace: t.csv, dataset: d.json } }, uncertainty: { growth: { sd: 0.1 } } }",
        "error: a client of ServeGen has rates of its own at each instant, so its demand can have an uncertain level only. Remove growth."
      ),
      (
        "{ arrivals: { gamma: { rate: 1/s, cv: 1, changes: [ { at: 2026-01-06, cv: 2 } ] } }, tokens: { input: 1, output: 1 }, uncertainty: { level: { cv: 0.1 }, growth: { perWeek: 1.1 } } }",
        "error: uncertain growth cannot be combined with changes of cv. Remove growth, or remove changes."
      ),
      (plain + "{} }", "error: uncertainty has neither level nor growth. Give one, or remove uncertainty."),
      (plain + "{ level: { mean: 2 } } }", "error: cv is missing."),
      (plain + "{ level: { cv: 2.5 } } }", "error: cv 2.5 is out of range. It must be 0 to 2."),
      (
        plain + "{ growth: { perWeek: 3 } } }",
        "error: perWeek 3 is out of range. It must be 0.5 to 2."
      ),
      (
        plain + "{ levle: { cv: 1 } } }",
        "error: unknown key \"levle\". Did you mean level?"
      ),
      (
        "{ arrivals: { poisson: { rate: 90000/s } }, tokens: { input: 1, output: 1 }, uncertainty: { level: { cv: 2 } } }",
        "error: the demand is so uncertain that a replication may draw"
      ),
    ])
  func refused(_ load: String, _ error: String) {
    let found = Self.messages(load)
    #expect(found.contains { $0.contains(error) }, "\(found)")
  }

  @Test("uncertainty that begins after the period is a warning")
  func late() throws {
    let text = Self.document(Self.plain + "{ level: { cv: 0.1 }, from: 2026-01-12 } }")
    let document = try ScenarioDocument(Data(text.utf8), path: "t.yaml")
    #expect(document.warnings.contains { $0.message.contains("after the period, and does nothing") })
  }

  @Test(
    "it is written as it is read",
    arguments: [
      "{level: {cv: 0.25}}", "{level: {mean: 1.5, cv: 0}}", "{growth: {perWeek: 1.02, sd: 0.03}}",
      "{level: {mean: 1.5, cv: 0.5}, growth: {perWeek: 1, sd: 0.1}, from: \"2026-01-06T00:00:00.000000Z\"}",
    ])
  func text(_ uncertainty: String) throws {
    func read(_ text: String) throws -> DemandUncertainty? {
      try ScenarioDocument(Data(Self.document("\(Self.plain)\(text) }").utf8), path: "t.yaml").scenario
        .accounts[0].models[0].load?.uncertainty
    }
    let first = try #require(try read(uncertainty))
    let written = YAMLWriter.document(sections: [[.init("u", first.yaml)]])
    #expect(written == "u: \(uncertainty)\n")
  }

  @Test("expected demand is at the means")
  func expected() throws {
    // 2 · ∫ 1.5^t dt over the week, of a request a second.
    let text = Self.document(
      Self.plain + "{ level: { mean: 2, cv: 1 }, growth: { perWeek: 1.5, sd: 0.2 } } }")
    let scenario = try ScenarioDocument(Data(text.utf8), path: "t.yaml").scenario
    let expected = 2 * 604_800 * 0.5 / log(1.5)
    #expect(abs(scenario.expectedArrivals / expected - 1) < 1e-9)
    #expect(abs((scenario.demandByModel[0].requests ?? 0) / expected - 1) < 1e-9)
  }
}
