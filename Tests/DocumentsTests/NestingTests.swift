import Documents
import Foundation
import Testing

@Suite("How deep a document may be")
struct NestingTests {
  private static func refusal(_ text: String) -> String {
    do {
      _ = try Document.parse(Data(text.utf8), path: "s.yaml")
      return "read"
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "brackets in quotes nest nothing",
    arguments: [
      #""[""#, #""{ [[ {""#, #"'[ it''s {'"#, #""a # [""#, #""what ?{""#, #""\\ [ {""#, #""\" [ \\""#,
      #"']'"#,
    ])
  func quoted(_ text: String) {
    let lines = (0..<200).map { "- { a\($0): \(text), b: \(text) }" }
    let found = Self.refusal("list:\n" + lines.joined(separator: "\n"))
    #expect(found == "read", "\(found.prefix(300))")
  }

  @Test(
    "real nesting is refused, whatever stands around it",
    arguments: [
      "", "'[' ", "\"]]]]\": 1\n", "a: it's\n", "a: \"x\n  ]\"\n", "a: x \"y\n", "# \"\n", "- \"]\"\n- ",
    ])
  func deep(_ before: String) {
    let found = Self.refusal("\(before)x: " + String(repeating: "[", count: 200))
    #expect(found.contains("nested more than 64 levels deep") || found.contains("not YAML"), "\(found)")
    #expect(Self.refusal(String(repeating: "- ", count: 300) + "y").contains("nested"))
  }

  @Test("levels that quotes over several lines hide are refused as well, in little memory")
  func hidden() async {
    for depth in [100, 900, 100_000] {
      let text =
        "x: " + String(repeating: "[ \"\n]\", ", count: depth) + "1" + String(repeating: " ]", count: depth)
      let found = await withCheckedContinuation { continuation in
        let thread = Thread { continuation.resume(returning: Self.refusal(text)) }
        thread.stackSize = 1 << 20
        thread.start()
      }
      #expect(found.contains("nested") || found.contains("Maximum nesting level"), "\(found.prefix(200))")
    }
  }

  @Test("a quoted key may be of any length; one of several parts is refused")
  func keys() {
    let long = String(repeating: "k", count: 2000)
    #expect(Self.refusal("? \"\(long)\"\n: 1\n") == "read")
    #expect(Self.refusal("? \"a [ ? #\"   \n: { b: 1 }\n") == "read")
    for text in [
      "? a\n: 1", "? [a]\n: 1", "? {a: b}\n: 1", "? \"a\" : b\n: 1", "? \"a\" # b\n: 1", "? &x \"a\"\n: 1",
      "? \"a\n  b\"\n: 1", "? \"a", "?", "? ", "a: { ? \"b\" : 1 }", "- ? [a]\n  : 1",
    ] {
      #expect(Self.refusal(text).contains("a key must be a word"), "\(text)")
    }
  }
}
