import DashboardServer
import Foundation
import Hashing
import TestSupport
import Testing
import Verification

@Suite("Pages that are files")
struct SelfContainedPageTests {
  /// A scalar of every category before and after everything that HTML, JSON or JavaScript could take for an end.
  static func names(_ count: Int) -> [String] {
    let around: [Unicode.Scalar] = [
      "a", "\u{600}", "\u{6dd}", "\u{110bd}", "\u{301}", "\u{20dd}", "\u{200d}", "\u{fe0f}", "\u{1f1e6}",
      "\u{1100}",
      "\u{feff}", "\u{202e}", "\u{2028}", "\u{2029}", "\u{0}", "\u{1b}", "\u{85}", "\r", "\n", "\u{fffd}",
      "\u{e000}",
      "\u{10ffff}", "日", "🦊", "\\",
    ]
    let special = [
      "<", "</script>", "<!--", "-->", "<script>", "]]>", "\"", "'", "&", "&lt;", "\\u003c", "$&", "$1",
      "/* data */",
      "<link rel=\"stylesheet\" href=\"style.css\">", "<meta charset=\"utf-8\">", "`${x}`",
    ]
    var random = SeededGenerator(state: 8)
    return (0..<count).map { _ in
      (0..<Int.random(in: 1...4, using: &random)).map { _ in
        String(String.UnicodeScalarView([around.randomElement(using: &random)!])) + special.randomElement(
          using: &random)!
      }.joined()
    }
  }

  /// How often a text stands in bytes.
  private static func count(_ text: String, in page: Data) -> Int {
    let word = Array(text.utf8)
    return page.withUnsafeBytes { bytes in
      guard var start = bytes.baseAddress else { return 0 }
      let end = start + bytes.count
      var count = 0
      while let found = memchr(start, Int32(word[0]), end - start) {
        let place = UnsafeRawPointer(found)
        if end - place >= word.count, memcmp(place, word, word.count) == 0 { count += 1 }
        start = place + 1
      }
      return count
    }
  }

  @Test("10,000 names come back from the data of a page, and none has a byte that could end it")
  func data() throws {
    let names = Self.names(10_000)
    let safe = Data(SelfContainedPage.json(try JSONEncoder().encode(names)))
    for byte in "<>&".utf8 { #expect(!safe.contains(byte)) }
    for text in ["\u{2028}", "\u{2029}"] { #expect(safe.firstRange(of: Data(text.utf8)) == nil) }
    let back = try JSONDecoder().decode([String].self, from: safe)
    #expect(zip(back, names).allSatisfy { $0.utf8.elementsEqual($1.utf8) } && back.count == names.count)
    // What is not UTF-8 cannot hide a byte either.
    #expect(!SelfContainedPage.json(Data([0x22, 0xe2, 0x80, 0x3c, 0x22])).contains(UInt8(ascii: "<")))
  }

  @Test(
    "a file has its own two scripts and its data, whatever the names; the policy lets those two run and no other"
  )
  func policy() throws {
    let names = Self.names(500)
    let plan = Data("{\"names\": ".utf8) + (try JSONEncoder().encode(names)) + Data("}".utf8)
    var difference = try DifferencePage(expected: "no run", actual: "nor this")
    difference.add(.init(name: names[0], differs: true, expected: plan, actual: plan))
    // Documents, paths, values and labels with these names; JSON's keys have no U+0000.
    let keys = names.filter { !$0.unicodeScalars.contains("\0") }
    func documents(_ value: String) throws -> [String: Data] {
      let members = Dictionary(keys.map { ($0, $0 + value) }, uniquingKeysWith: { first, _ in first })
      return [names[0]: try JSONEncoder().encode(members)]
    }
    let outcome = try OutputComparison.compare(
      expected: try documents("a"), actual: try documents("b"), labels: (names[1], names[2]))
    #expect(outcome.differences.count > 400)
    let pages: [Data] = [
      try PlanPage(
        plan: plan, words: names, columns: [.init(name: names[1], unit: "ms", objective: names[0])]
      ).html(),
      try FigurePage(.fit, plan).html(),
      try difference.html(outcome),
    ]
    for page in pages {
      // The policy stands at the beginning, before anything that could run.
      let text = String(decoding: page.prefix(200_000), as: UTF8.self)
      #expect(Self.count("<script", in: page) == 3)
      #expect(Self.count("</script>", in: page) == 3)
      #expect(Self.count("</style>", in: page) == 1)
      #expect(Self.count("<meta ", in: page) == 4)
      #expect(Self.count("<meta name=\"generator\" content=\"Model Analytics Workbench\">", in: page) == 1)
      let policy =
        try #require(
          text.firstMatch(of: try Regex("http-equiv=\"Content-Security-Policy\" content=\"([^\"]*)\""))
        ).output[1]
        .substring ?? ""
      #expect(policy.hasPrefix("default-src 'none'; script-src 'sha256-"))
      #expect(
        !policy.contains("script-src 'unsafe") && !policy.contains("eval")
          && policy.contains("base-uri 'none'"))
      // Before anything that could run.
      let place = try #require(text.firstRange(of: "Content-Security-Policy"))
      let script = try #require(text.firstRange(of: "<script"))
      #expect(place.lowerBound < script.lowerBound)
      var hashes = 0
      for open in ["<script>", "<script type=\"module\">"] {
        let start = try #require(page.firstRange(of: Data(open.utf8))).upperBound
        let end = try #require(page[start...].firstRange(of: Data("</script>".utf8))).lowerBound
        let hash = Data(SHA256.hash(data: page[start..<end])).base64EncodedString()
        if policy.contains("'sha256-\(hash)'") { hashes += 1 }
      }
      #expect(hashes == 2)
    }
  }

  @Test("the page of a comparison is bounded whatever was compared, and says what it leaves out")
  func bounded() throws {
    func dashboard(_ credits: Int, points: Int) -> Data {
      let list = (0..<points).map {
        "{\"at\":\"2026-03-02T00:\(10 + $0 / 60 % 50):\(10 + $0 % 50)Z\",\"latency\":\($0 * 7919 % 1000),\"requests\":1}"
      }
      return Data(
        "{\"query\":{\"kind\":\"external\"},\"more\":\"\(String(repeating: "x", count: 10_000))\",\"account\":{\"deploymentCredits\":\(credits)},\"latency\":{\"points\":[\(list.joined(separator: ","))]}}"
          .utf8)
    }
    func page(_ many: Int, points: Int) throws -> (page: Data, outcome: ComparisonOutcome) {
      var (sides, page) = (
        (expected: [String: Data](), actual: [String: Data]()), try DifferencePage(expected: "-", actual: "-")
      )
      for name in (0..<many).map({ "d\(100 + $0)" }) {
        sides.expected[name] = dashboard(1, points: points)
        sides.actual[name] = dashboard(2, points: points)
        page.add(
          .init(
            name: name, differs: true, expected: try #require(sides.expected[name]),
            actual: try #require(sides.actual[name])))
      }
      let outcome = try OutputComparison.compare(
        expected: sides.expected, actual: sides.actual, labels: ("a", "b"))
      return (try page.html(outcome), outcome)
    }
    let small = try page(4, points: 5000)
    #expect(small.page.count < 600_000, "\(small.page.count) bytes")
    #expect(small.outcome.total == 4 && Self.count("deploymentCredits", in: small.page) > 8)
    let large = try page(70, points: 3000)
    #expect(large.page.count < 5 << 20, "\(large.page.count) bytes")
    #expect(Self.count("graphs of 60 of 70 dashboards", in: large.page) == 1)
    #expect(Self.count("\"document\":\"d169\"", in: large.page) == 1)
  }

  @Test("what stands in the data is never a place to put something")
  func markers() throws {
    let marker = "<script src=\"plan.js\" type=\"module\"></script>"
    let page = try PlanPage(plan: try JSONEncoder().encode([marker]), words: [marker], columns: []).html()
    #expect(page.firstRange(of: Data(marker.utf8)) == nil)
    #expect(Self.count("id=\"plan-data\"", in: page) == 1)
  }

  @Test("every file of the page is known to be needed, so that one that is missing is noticed at the start")
  func files() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/DashboardServer/Web").standardized
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(PageFiles.needed.union(PageFiles.modules).union(["vendor"]) == Set(names))
  }

  @Test("parts of others are as their makers published them; all scripts together are small")
  func vendored() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/DashboardServer/Web/vendor").standardized
    let table = try String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
    for name in PageFiles.vendored {
      let hash = SHA256.hash(data: try Data(contentsOf: folder.appendingPathComponent(name))).hexadecimal
      let row = try #require(table.split(separator: "\n").first { $0.hasPrefix("| `\(name)`") })
      #expect(row.contains(hash))
    }
    let files = try PageFiles().files
    // As they are sent: the bound is that of the served page.
    let bytes = try (["vendor.js"] + PageFiles.modules).map { name in
      let script = try #require(files[name]?.data)
      return Gzip.compressed(script)?.count ?? script.count
    }.reduce(0, +)
    #expect(bytes <= 120_000, "the dashboard's scripts are \(bytes) bytes")
  }
}
