import Aggregation
import Datasets
import Foundation
import FoundationXML
import Telemetry
import Verification

/// A comparison as a JUnit report: what CI systems show as tests. A suite for each dashboard, a case for each widget.
struct JUnitReport {
  private let result: ComparisonOutcome

  init(_ result: ComparisonOutcome) { self.result = result }

  private static let widgets = ["structure"] + Dashboard.parts
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
      var skipped = 0
      for part in cases {
        let own = differences.filter { Name.same(self.part($0), part) }
        let test = XMLElement(name: "testcase")
        JUnit.set([("name", part), ("classname", Self.clean(name))], on: test)
        if !own.isEmpty {
          failed += 1
          let lines = own.prefix(Self.mostShown).map(Self.line)
          let failure = XMLElement(name: "failure", stringValue: Self.clean(lines.joined(separator: "\n")))
          JUnit.set(
            [
              ("message", own.count == 1 ? "1 difference" : "\(own.count) differences"),
              ("type", own[0].kind.rawValue),
            ],
            on: failure)
          test.addChild(failure)
        } else if let reason = undecided(name, part) {
          skipped += 1
          let skip = XMLElement(name: "skipped")
          JUnit.set([("message", reason)], on: skip)
          test.addChild(skip)
        }
        suite.addChild(test)
      }
      JUnit.set(
        [
          ("name", Self.clean(name)), ("tests", String(cases.count)), ("failures", String(failed)),
          ("errors", "0"), ("skipped", String(skipped)),
        ], on: suite)
      tests += cases.count
      failures += failed
      root.addChild(suite)
    }
    // Systems that show skipped tests as green must not show this one so.
    let isOpen = result.verdict == .inconclusive
    if isOpen {
      root.addChild(inconclusive())
      tests += 1
    }
    JUnit.set(
      [
        ("name", Self.clean("workbench compare \(result.expected) \(result.actual)")),
        ("tests", String(tests)),
        ("failures", String(failures)), ("errors", isOpen ? "1" : "0"),
      ], on: root)
    return JUnit.data(root)
  }

  /// A suite that says that there is no verdict, and why.
  private func inconclusive() -> XMLElement {
    let suite = XMLElement(name: "testsuite")
    let test = XMLElement(name: "testcase")
    JUnit.set([("name", "verdict"), ("classname", "verdict")], on: test)
    let error = XMLElement(name: "error", stringValue: Self.clean(result.reasons.joined(separator: "\n")))
    JUnit.set([("message", "no verdict was possible"), ("type", "inconclusive")], on: error)
    test.addChild(error)
    suite.addChild(test)
    JUnit.set(
      [("name", "verdict"), ("tests", "1"), ("failures", "0"), ("errors", "1"), ("skipped", "0")], on: suite)
    return suite
  }

  /// The message about a widget none of whose varying figures could be judged; `nil` if some could, or none varies.
  private func undecided(_ document: String, _ part: String) -> String? {
    let own = result.tests.filter { $0.document == document && self.part(ofPath: $0.path, document) == part }
    guard !own.isEmpty, own.allSatisfy({ $0.verdict == "undecided" }) else { return nil }
    return own.count == 1 ? "1 test was inconclusive" : "\(own.count) tests were inconclusive"
  }

  /// The widget or table that a difference is in; a whole dashboard or widget that is missing is its structure.
  private func part(_ difference: Difference) -> String { part(ofPath: difference.path, difference.document) }

  private func part(ofPath path: String, _ document: String) -> String {
    let first = String(path.prefix { $0 != "." && $0 != "[" })
    if document == "telemetry" { return first.isEmpty ? "telemetry" : first }
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
