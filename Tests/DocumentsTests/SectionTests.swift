import Documents
import Foundation
import Telemetry
import Testing

@Suite("Sections of documents")
struct SectionTests {
  private static let shape = Shape(
    "thing", "A thing: what it is.",
    [
      Key("name", .text, required: true, "Its name."), Key("count", .integer(1...10), "How many."),
      Key("share", .number(0...1), "A share."), Key("wait", .duration, "How long."),
      Key("rate", .rate, "How often."),
      Key("from", .instant, "Since when."), Key("colour", .choice(["red", "green"]), "Which."),
      Key("words", .list(.text), "Texts."),
      Key(
        "part",
        .object { Shape("part", "A part.", choice: true, [Key("a", .text, ""), Key("b", .text, "")]) }, ""),
    ])

  private static func read(_ text: String) throws -> (Section?, [String]) {
    let diagnostics = Diagnostics()
    let calendar = try #require(ZonedCalendar(identifier: "UTC"))
    let section = Section(try Document.parse(text, path: "t.yaml"), shape, diagnostics, calendar)
    if let section {
      _ = (section.text("name"), section.integer("count"), section.number("share"), section.duration("wait"))
      _ = (section.rate("rate"), section.instant("from"), section.choice("colour"), section.texts("words"))
      _ = section.section("part")
    }
    return (section, diagnostics.inOrder().map { $0.rendered(path: "t.yaml") })
  }

  @Test("what is right is read without a word")
  func right() throws {
    let (section, errors) = try Self.read(
      "{ name: x, count: 10, share: 0.5, wait: 1s, rate: 1/s, from: 2026-01-01, colour: red, words: [a, \"1\"], part: { a: x } }"
    )
    #expect(errors.isEmpty, "\(errors)")
    let read = try #require(section)
    #expect(
      read.integer("count") == 10 && read.duration("wait") == 1_000_000 && read.choice("colour") == "red")
    #expect(read.texts("words") == ["a", "1"] && read.has("part") && !read.has("nothing"))
  }

  @Test(
    "what is wrong is one error at its place that says what would be right",
    arguments: [
      ("[]", "t.yaml:1:1: error: a list where a mapping is expected"),
      ("{}", "t.yaml:1:1: error: name is missing"),
      ("{ name: x, cout: 1 }", "t.yaml:1:12: error: unknown key \"cout\". Did you mean count?"),
      ("{ name: x, zzzzzzzz: 1 }", "Known here: name, count"),
      ("{ name: [] }", "name must be text, not a list"),
      ("{ name: x, count: 11 }", "1 to 10"), ("{ name: x, count: 1.5 }", "count must be"),
      ("{ name: x, count: 99999999999999999999 }", "count"), ("{ name: x, share: 2 }", "0 to 1"),
      ("{ name: x, share: nan }", "share must be a number"), ("{ name: x, wait: 5 }", "has no unit"),
      ("{ name: x, wait: -5s }", "between 0 and 100 years"), ("{ name: x, wait: {} }", "must be a duration"),
      ("{ name: x, rate: 5 }", "has no unit"), ("{ name: x, rate: 0/s }", "above 0"),
      ("{ name: x, from: 1800-01-01 }", "1900 to 2199"), ("{ name: x, from: soon }", "is not an instant"),
      ("{ name: x, colour: rde }", "red"), ("{ name: x, words: a }", "words must be a list"),
      ("{ name: x, words: [a, [b]] }", "an entry of words must be text, not a list"),
      ("{ name: x, part: { a: 1, b: 2 } }", "a and b cannot be given together"),
      ("{ name: x, part: {} }", "nothing is given"),
    ])
  func wrong(_ text: String, words: String) throws {
    let (_, errors) = try Self.read(text)
    #expect(errors.count == 1 && errors[0].contains(words), "\(errors)")
    #expect(errors.allSatisfy { $0.hasPrefix("t.yaml:1:") })
  }

  @Test("every error of a document is found in one pass, in its order")
  func all() throws {
    let (_, errors) = try Self.read("rate: 5\ncount: 11\nname: x\nshare: 2\nwords: a\n")
    #expect(
      errors.map { $0.prefix { $0 != " " } } == ["t.yaml:1:7:", "t.yaml:2:8:", "t.yaml:4:8:", "t.yaml:5:8:"])
  }

  @Test(
    "keys that are given twice, tags, anchors without end and other hostile YAML are refused at their place")
  func hostile() {
    let aliases =
      "a: &a [x, x]\n"
      + (1...30).map {
        "b\($0): &b\($0) [*\($0 == 1 ? "a" : "b\($0 - 1)"), *\($0 == 1 ? "a" : "b\($0 - 1)")]\n"
      }.joined()
    for (text, words) in [
      ("a: 1\na: 2\n", "given twice"), ("", "empty"), ("a: *b\n", "t.yaml"),
      (aliases, "values (including aliases)"),
      ("a: \u{1}\n", "not YAML"), ("a: b: c\n", "t.yaml:1:"), ("a: [\n", "not YAML"),
    ] {
      do {
        _ = try Document.parse(text, path: "t.yaml")
        Issue.record("\(text.prefix(40)) was read")
      } catch {
        #expect("\(error)".contains(words), "\(error)")
      }
    }
    let invalid = Data([0x61, 0x3a, 0x20, 0xff])
    #expect { try Document.parse(invalid, path: "t.yaml") } throws: {
      "\($0)".hasPrefix("t.yaml:1:4: error: not UTF-8")
    }
  }

  @Test("a misspelt word is told the nearest one, or none")
  func nearestWords() {
    #expect(nearest("maxReplcias", among: ["minReplicas", "maxReplicas"]) == "maxReplicas")
    #expect(nearest("MAXREPLICAS", among: ["maxReplicas"]) == "maxReplicas")
    #expect(nearest("colour", among: ["rate", "count"]) == nil)
    #expect(nearest(String(repeating: "x", count: 5000), among: ["x"]) == nil)
  }
}
