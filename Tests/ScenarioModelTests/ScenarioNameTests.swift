import Documents
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Names in scenarios")
struct ScenarioNameTests {
  @Test("documents of hostile names are read as they were meant, by us and by Yams", arguments: [0, 900])
  func documents(padding: Int) throws {
    // As many brackets, question marks and number signs as there are names, never closed.
    let names = HostileNames.few(400).map { name in
      let long = name + String(repeating: " x", count: padding / 2)
      return long.utf8.count <= Name.longest ? long : name
    }
    let profiles = names.map {
      YAMLValue.Entry($0, .block([.init("hourly", .flow((0..<24).map { .integer($0) }))]))
    }
    let models = names.map { name in
      YAMLValue.flow([
        .init("name", .text(name)), .init("kind", .word("external")), .init("provider", .text(name)),
        .init(
          "load",
          .flow([
            .init("arrivals", .flow([.init("poisson", .flow([.init("rate", .word("1/min"))]))])),
            .init("profile", .text(name)),
            .init("tokens", .flow([.init("input", .integer(1)), .init("output", .integer(1))])),
          ])), .init("service", .flow([.init("time", .word("1s"))])),
      ])
    }
    let text = YAMLWriter.document(
      heading: names,
      sections: [
        [
          .init("workbench", .integer(1)), .init("name", .text(names[7])),
          .init("period", .flow([.init("from", .word("2026-03-02")), .init("to", .word("2026-03-03"))])),
        ],
        [.init("profiles", .block([.init("rates", .block(profiles))]))],
        [
          .init(
            "account",
            .block([
              .init("name", .text(names[9])),
              .init("subscription", .flow([.init("maxReplicas", .integer(1))])),
              .init("credits", .flow(names.map { .init($0, .word("1.5")) })),
            ]))
        ], [], [.init("models", .block(models))],
      ])
    #expect(!text.unicodeScalars.contains { $0.isHidden && $0 != "\n" })
    let document = try ScenarioDocument(Data(text.utf8), path: "s.yaml")
    let account = document.scenario.accounts[0]
    #expect(account.models.map(\.name).elementsEqual(names, by: Name.same))
    #expect(account.models.map(\.provider).elementsEqual(names, by: Name.same))
    #expect(Set(names.map(ExactName.init)).isSubset(of: account.prices.map { ExactName($0.hardware) }))
    // The same with overrides, for which the document is written from what was read of it.
    let changed = try ScenarioDocument(Data(text.utf8), path: "s.yaml", overrides: ["seed=2"])
    var again = try ScenarioDocument(Data(changed.textAsRun.utf8), path: "s.yaml").scenario
    again.seed = document.scenario.seed
    #expect(again == document.scenario)
    #expect(!changed.textAsRun.unicodeScalars.contains { $0.isHidden && $0 != "\n" })
  }

  static func scenario(account: String = "acme", model: String = "m", other: String = "n") -> String {
    """
    workbench: 1
    name: names
    seed: 1
    period: { from: 2026-03-02, to: 2026-03-03 }
    account:
      name: \(YAMLWriter.quoted(account))
      timeZone: UTC
      subscription: { maxReplicas: 6 }
    models:
      - { name: \(YAMLWriter.quoted(model)), kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }
      - { name: \(YAMLWriter.quoted(other)), kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }

    """
  }

  @Test("a scenario keeps every name, even if overrides rewrite its text")
  func scenarioNames() throws {
    for name in HostileNames.few(300) where !Name.same(name, "n") {
      let text = Self.scenario(account: name, model: name)
      let plain = try ScenarioDocument(Data(text.utf8), path: "s.yaml")
      #expect(Name.same(plain.scenario.accounts[0].name, name))
      let changed = try ScenarioDocument(
        Data(text.utf8), path: "s.yaml", overrides: ["description=\(YAMLWriter.quoted(name))"])
      let again = try ScenarioDocument(Data(changed.textAsRun.utf8), path: "s.yaml")
      #expect(Name.same(again.scenario.accounts[0].models[0].name, name), "\(Name.codePoints(name))")
      #expect(Name.same(again.scenario.description, name), "\(Name.codePoints(name))")
    }
  }

  @Test("names that are canonically equal, too long or with U+0000 are refused, also by --set")
  func refusals() throws {
    func refused(_ text: String, _ overrides: [String] = []) -> String {
      do {
        _ = try ScenarioDocument(Data(text.utf8), path: "s.yaml", overrides: overrides)
        return "accepted"
      } catch {
        return "\(error)"
      }
    }
    #expect(refused(Self.scenario()) == "accepted")
    #expect(refused(Self.scenario(model: "caf\u{e9}", other: "cafe\u{301}")).contains("U+0065 U+0301"))
    #expect(
      refused(Self.scenario(model: "caf\u{e9}"), ["models.1.name=cafe\u{301}"]).contains("U+0065 U+0301"))
    #expect(refused(Self.scenario(model: "m\u{0}")).contains("U+0000"))
    #expect(refused(Self.scenario(model: String(repeating: "x", count: 1024))) == "accepted")
    #expect(refused(Self.scenario(model: String(repeating: "x", count: 1025))).contains("1025 bytes"))
    // One line, whatever the name.
    #expect(refused(Self.scenario(), ["models.9\nx.name=1"]).utf8.count { $0 == 10 } == 0)
  }

  @Test("the path of an override is read by code points")
  func overrides() throws {
    let text = Self.scenario(model: "a.\u{301}b")
    let changed = try ScenarioDocument(
      Data(text.utf8), path: "s.yaml", overrides: ["models.a\\.\u{301}b.name=\u{301}c"])
    #expect(Name.same(changed.scenario.accounts[0].models[0].name, "\u{301}c"))
  }
}
