import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing
import Yams

@Suite("YAML that we write")
struct YAMLTextTests {
  @Test("ten thousand hostile names come back from YAML as they were, as values and as keys")
  func quoting() throws {
    let names = HostileNames.list()
    let text = names.map { "- \(YAMLText.quoted($0))\n- { \(YAMLText.quoted($0)): 1 }\n" }.joined()
    let nodes = try #require(try Yams.compose(yaml: text)?.sequence)
    #expect(nodes.count == 2 * names.count)
    for (index, name) in names.enumerated() {
      #expect(Name.same(nodes[2 * index].string ?? "?", name), "\(Name.codePoints(name))")
      #expect(
        Name.same(nodes[2 * index + 1].mapping?.first?.key.string ?? "?", name), "\(Name.codePoints(name))")
    }
    #expect(!text.unicodeScalars.contains { $0.isHidden && $0 != "\n" })
  }

  @Test("a comment stays a comment")
  func comments() throws {
    for name in HostileNames.few(500) {
      let node = try Yams.compose(yaml: "\(YAMLText.comment("from \(name)\nx: 1"))\ny: 2\n")
      #expect(node?.mapping?.count == 1)
    }
  }

  static func scenario(account: String = "acme", model: String = "m", other: String = "n") -> String {
    """
    workbench: 1
    name: names
    seed: 1
    period: { from: 2026-03-02, to: 2026-03-03 }
    account:
      name: \(YAMLText.quoted(account))
      timeZone: UTC
      subscription: { maxReplicas: 6 }
    models:
      - { name: \(YAMLText.quoted(model)), kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }
      - { name: \(YAMLText.quoted(other)), kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }

    """
  }

  @Test("a scenario keeps every name, also where overrides make its text anew")
  func scenarioNames() throws {
    for name in HostileNames.few(300) where !Name.same(name, "n") {
      let text = Self.scenario(account: name, model: name)
      let plain = try ScenarioDocument(Data(text.utf8), path: "s.yaml")
      #expect(Name.same(plain.scenario.accounts[0].name, name))
      let changed = try ScenarioDocument(
        Data(text.utf8), path: "s.yaml", overrides: ["description=\(YAMLText.quoted(name))"])
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
