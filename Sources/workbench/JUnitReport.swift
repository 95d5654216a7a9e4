import Datasets
import Foundation
import FoundationXML
import Telemetry
import Verification

/// A comparison as a JUnit report: what CI systems show as tests. A suite for each dashboard, a case for each widget.
struct JUnitReport {
  private let result: ComparisonOutcome

  init(_ result: ComparisonOutcome) { self.result = result }

  private static let widgets = ["structure", "query", "account", "latency", "requests", "scaling", "tokens"]
  private static let mostShown = 50

  func xml() -> Data {
    let root = XMLElement(name: "testsuites")
    var tests = 0
    var failures = 0
    let byDocument = Dictionary(grouping: result.differences, by: \.document)
    for name in result.names {
      let differences = byDocument[name] ?? []
      let suite = XMLElement(name: "testsuite")
      let isData = name == "telemetry"
      let cases = isData ? Set(differences.map(part)).union(["telemetry"]).sorted() : Self.widgets
      var failed = 0
      for part in cases {
        let own = differences.filter { Name.same(self.part($0), part) }
        let test = XMLElement(name: "testcase")
        Self.set([("name", part), ("classname", Self.clean(name))], on: test)
        if !own.isEmpty {
          failed += 1
          let lines = own.prefix(Self.mostShown).map(Self.line)
          let failure = XMLElement(name: "failure", stringValue: Self.clean(lines.joined(separator: "\n")))
          Self.set(
            [
              ("message", own.count == 1 ? "1 difference" : "\(own.count) differences"),
              ("type", own[0].kind.rawValue),
            ],
            on: failure)
          test.addChild(failure)
        }
        suite.addChild(test)
      }
      Self.set(
        [
          ("name", Self.clean(name)), ("tests", String(cases.count)), ("failures", String(failed)),
          ("errors", "0"),
        ], on: suite)
      tests += cases.count
      failures += failed
      root.addChild(suite)
    }
    Self.set(
      [
        ("name", Self.clean("workbench compare \(result.expected) \(result.actual)")),
        ("tests", String(tests)),
        ("failures", String(failures)),
      ], on: root)
    let document = XMLDocument(rootElement: root)
    document.version = "1.0"
    document.characterEncoding = "UTF-8"
    return document.xmlData(options: .nodePrettyPrint) + Data("\n".utf8)
  }

  /// In this order, so that the same result is the same bytes.
  private static func set(_ attributes: [(String, String)], on element: XMLElement) {
    for (name, value) in attributes {
      if let node = XMLNode.attribute(withName: name, stringValue: value) as? XMLNode {
        element.addAttribute(node)
      }
    }
  }

  /// The widget or table that a difference is in; a whole dashboard or widget that is missing is its structure.
  private func part(_ difference: Difference) -> String {
    let first = String(difference.path.prefix { $0 != "." && $0 != "[" })
    if difference.document == "telemetry" { return first.isEmpty ? "telemetry" : first }
    return Self.widgets.contains(first) ? first : "structure"
  }

  private static func line(_ difference: Difference) -> String {
    var line =
      "\(difference.kind.rawValue) \(difference.path.shown): expected \(difference.expected?.shown ?? "nothing"), is \(difference.actual?.shown ?? "missing")"
    if let allowed = difference.allowed { line += " (allowed: \(allowed))" }
    return line + (difference.look.isEmpty ? "" : " [\(difference.look)]")
  }

  private static func clean(_ text: String) -> String { XMLText.clean(text) }
}
