import Documents
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing
import Yams

@Suite("YAML that we write")
struct YAMLWriterTests {
  @Test("ten thousand hostile names come back from YAML as they were, as values and as keys")
  func quoting() throws {
    let names = HostileNames.list()
    let text = names.map { "- \(YAMLWriter.quoted($0))\n- { \(YAMLWriter.quoted($0)): 1 }\n" }.joined()
    let nodes = try #require(try Yams.compose(yaml: text)?.sequence)
    #expect(nodes.count == 2 * names.count)
    for (index, name) in names.enumerated() {
      #expect(Name.same(nodes[2 * index].string ?? "?", name), "\(Name.codePoints(name))")
      #expect(
        Name.same(nodes[2 * index + 1].mapping?.first?.key.string ?? "?", name), "\(Name.codePoints(name))")
    }
    #expect(!text.unicodeScalars.contains { $0.isHidden && $0 != "\n" })
  }

  /// What YAML 1.1 or 1.2 would take for something other than text.
  static let words = [
    "yes", "no", "Yes", "NO", "on", "off", "y", "n", "true", "False", "null", "Null", "~", "", "1", "-1",
    "1.5",
    "1e3", "0x1f", "0o17", "012", ".inf", "-.INF", ".nan", "1_000", "12:30:45", "2026-03-02",
    "2026-03-02T09:00:00Z", "10s", "2/s", "- a", "-", "---", "...", "? a", "?", ": a", ":", "a: b", "a:",
    "a #b",
    "#", "&a", "*a", "!a", "!!str", "|", ">", ">-", "%YAML 1.2", "@a", "`a`", "[", "]", "{", "}", "[a, b]",
    "{a: b}", ",", "'", "\"", "'a'", "\"a\"", "\\", "\\n", " a", "a ", " ", "\ta", "a\tb", "a\nb", "a\n",
    "\n", "a\r\nb", "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "a\u{feff}", "a\u{202e}b", "caf\u{e9}",
    "\u{1f468}\u{200d}\u{1f469}", "\u{600}\"", "=", "<<", "\u{ffff}", "\u{1}", "\u{7f}",
  ]

  @Test("what reads like a number, a flag or nothing stays text", arguments: [YAMLValue.Layout.block, .flow])
  func words(_ layout: YAMLValue.Layout) throws {
    let text = YAMLWriter.document(sections: [
      [.init("list", .list(Self.words.map { .text($0) }, layout))],
      [.init("map", .mapping(Self.words.map { .init($0, .text($0)) }, layout))],
    ])
    let root = try #require(try Yams.compose(yaml: text)?.mapping)
    let list = try #require(root["list"]?.sequence)
    #expect(list.map { $0.string ?? "?" } == Self.words)
    #expect(list.allSatisfy { $0.tag == Tag(.str) || $0.scalar?.style == .doubleQuoted })
    let map = try #require(root["map"]?.mapping)
    #expect(
      map.map { $0.key.string ?? "?" } == Self.words && map.map { $0.value.string ?? "?" } == Self.words)
    for (key, word) in zip(map.map(\.key), Self.words) where ["yes", "null", "1", "on"].contains(word) {
      #expect(key.scalar?.style == .doubleQuoted)
    }
  }

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

  @Test("documents have the layout that they are given")
  func layout() {
    let text = YAMLWriter.document(
      heading: ["Two\nlines"],
      sections: [
        [.init("a", .text("x")), .init("b", .flow([.init("c", .integer(1)), .init("d", .word("2s"))]))], [],
        [.init("e f", .block([.block([.init("g", .flow([.integer(1), .integer(2)]))]), .text("h")]))],
        [.init("yes", .flow([YAMLValue.Entry]()))],
      ])
    #expect(
      text == """
        # Two
        # lines
        a: "x"
        b: {c: 1, d: 2s}

        e f:
        - g: [1, 2]
        - "h"

        "yes": {}

        """)
  }

  @Test("a comment stays a comment")
  func comments() throws {
    for name in HostileNames.few(500) {
      let node = try Yams.compose(yaml: "\(YAMLWriter.comment("from \(name)\nx: 1"))\ny: 2\n")
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
      name: \(YAMLWriter.quoted(account))
      timeZone: UTC
      subscription: { maxReplicas: 6 }
    models:
      - { name: \(YAMLWriter.quoted(model)), kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }
      - { name: \(YAMLWriter.quoted(other)), kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }

    """
  }

  @Test("a scenario keeps every name, also where overrides make its text anew")
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
