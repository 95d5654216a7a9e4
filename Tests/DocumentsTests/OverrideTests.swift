import Documents
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Overrides by path")
struct OverrideTests {
  private static let text = """
    seed: 1
    models:
    - { name: chat, scale: 1, deployments: [ { version: V1, max: 2 }, { version: V2, max: 3 } ] }
    - { name: "a.b", scale: 2 }
    - { name: twin, scale: 3 }
    - { name: twin, scale: 4 }
    empty: []
    nothing:

    """

  /// The value at a path of keys and numbers after an override, as YAML.
  private static func value(_ override: String, at path: String...) throws -> String {
    var node = try Document.parse(Self.text, path: "s.yaml")
    try node.apply(override)
    for step in path {
      let next = Int(step).flatMap { node.elements?[$0] } ?? node.entries?.first { $0.key == step }?.value
      node = try #require(next, "\(override): nothing at \(step)")
    }
    return node.scalar ?? node.elements.map { "\($0.count) elements" } ?? "a mapping"
  }

  private static func refusal(_ override: String) -> String {
    do {
      var node = try Document.parse(Self.text, path: "s.yaml")
      try node.apply(override)
      return "accepted"
    } catch {
      return "\(error)"
    }
  }

  @Test("a path means keys, an element's name or version, its number, and * all of them")
  func paths() throws {
    #expect(try Self.value("seed=7", at: "seed") == "7")
    #expect(try Self.value("models.chat.scale=9", at: "models", "0", "scale") == "9")
    #expect(try Self.value("models.1.scale=9", at: "models", "1", "scale") == "9")
    #expect(try Self.value(#"models.a\.b.scale=9"#, at: "models", "1", "scale") == "9")
    #expect(
      try Self.value("models.chat.deployments.V2.max=9", at: "models", "0", "deployments", "1", "max") == "9")
    for index in 0..<4 {
      #expect(try Self.value("models.*.scale=9", at: "models", "\(index)", "scale") == "9")
    }
    #expect(try Self.value("models.3.scale=9", at: "models", "2", "scale") == "3")
    #expect(try Self.value("nothing.x=1", at: "nothing", "x") == "1")
    #expect(try Self.value("fresh={ a: [1, 2] }", at: "fresh", "a") == "2 elements")
    #expect(try Self.value("empty+=x", at: "empty", "0") == "x")
    #expect(try Self.value("fresh+=x", at: "fresh") == "1 elements")
    #expect(try Self.value("seed=", at: "seed") == "")
    #expect(try Self.value("nothing.x+=1", at: "nothing", "x") == "1 elements")
  }

  @Test("*= multiplies a number and keeps its unit; a list, each of it")
  func multiplied() throws {
    for (text, override, product) in [
      ("5/s", "x*=1.5", "7.5/s"), ("90s", "x*=2", "180s"), ("250ms", "x*=0.1", "25ms"), ("8", "x*=2", "16"),
      ("0.1", "x*=3", "0.3"), ("5", "x*=0.5", "2.5"), ("1e3", "x*=1e-1", "100"), ("-2", "x*=-1", "2"),
      ("10 min", "x*=+2", "20 min"),
    ] {
      var node = try Document.parse("x: \(text)", path: "s.yaml")
      try node.apply(override)
      #expect(node.member("x")?.scalar == product, "\(text) \(override)")
    }
    #expect(try Self.value("models.*.scale*=2", at: "models", "3", "scale") == "8")
    // * at the end of a path is every element still.
    #expect(try Self.value("models.*=7", at: "models", "3") == "7")
    var list = try Document.parse("hourly: [1, 0.5, 2]", path: "s.yaml")
    try list.apply("hourly*=2")
    #expect(list.member("hourly")?.elements?.map(\.scalar) == ["2", "1", "4"])
  }

  @Test(
    "what a path cannot mean is one error that says so, and changes nothing",
    arguments: [
      ("seed", "PATH=VALUE"), ("=1", "PATH=VALUE"), ("sed.x=1", "Did you mean seed?"),
      ("seed.x=1", "Shorten the path"), ("models.4.scale=1", "from 0 to 3"),
      ("models.+1.scale=1", "from 0 to 3"),
      ("models.-1.scale=1", "from 0 to 3"), ("models.Chat.scale=1", "Name one"), ("empty.0=1", "It is empty"),
      ("empty.*.x=1", "empty"), ("seed+=1", "appends to a list"),
      ("seed*=x", "multiplies by a number, not by \"x\""), ("sede*=2", "Did you mean seed?"),
      ("models.chat.name*=2", "*= multiplies a number, but this is \"chat\""),
      ("models.chat*=2", "*= multiplies a number, but this is a mapping"),
      ("empty*=2", "*= multiplies a number, but this is a list"), ("fresh*=2", "there is no \"fresh\""),
      ("seed=[1", "not YAML"),
      ("models.twin.scale=1", "2 elements of the list are named \"twin\". Say which by its number: 2, 3."),
    ])
  func refusals(_ override: String, words: String) {
    let found = Self.refusal(override)
    #expect(found.contains(words), "\(found)")
    #expect(found.utf8.allSatisfy { $0 != 10 })
  }

  @Test("keys and names are told apart by their code points")
  func codePoints() throws {
    var node = try Document.parse(
      "{ \"caf\u{e9}\": 1, list: [ { name: \"caf\u{e9}\", x: 1 } ] }", path: "s.yaml")
    try node.apply("cafe\u{301}=2")
    #expect(node.entries?.count == 3)
    #expect(node.entries?[0].value.scalar == "1")
    #expect(throws: DocumentErrors.self) { try node.apply("list.cafe\u{301}.x=2") }
    try node.apply("list.caf\u{e9}.x=2")
    #expect(node.member("list")?.elements?[0].member("x")?.scalar == "2")
  }

  @Test("the text of a document with overrides is read back as that document")
  func text() throws {
    var node = try Document.parse(Self.text, path: "s.yaml")
    try node.apply("models.chat.scale=9")
    let text = node.yamlText(overrides: ["models.chat.scale=9"])
    let again = try Document.parse(text, path: "s.yaml")
    #expect(text.hasPrefix("# --set models.chat.scale=9\n"))
    #expect(YAMLWriter.text(of: again) == YAMLWriter.text(of: node))
  }
}
