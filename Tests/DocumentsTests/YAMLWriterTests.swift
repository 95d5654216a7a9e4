import Documents
import Foundation
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
}
