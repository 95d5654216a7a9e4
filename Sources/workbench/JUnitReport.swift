import Aggregation
import Datasets
import Foundation
import Telemetry
import Verification

/// A comparison as a JUnit report: what CI systems show as tests. A suite for each dashboard, a case for each widget.
struct JUnitReport {
  private let result: ComparisonOutcome
  private let widgets: [String]
  private let command: String

  /// - Parameters:
  ///   - widgets: the cases of each suite; what belongs to none of them is in the first.
  ///   - command: what was compared, as a command.
  init(
    _ result: ComparisonOutcome, widgets: [String] = ["structure"] + Dashboard.parts, command: String? = nil
  ) {
    self.result = result
    self.widgets = widgets
    self.command = command ?? "workbench compare \(result.expected) \(result.actual)"
  }

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
      let cases = isData ? Set(differences.map(part)).union(["telemetry"]).sorted() : widgets
      var failed = 0
      var skipped = 0
      for part in cases {
        let own = differences.filter { Name.same(self.part($0), part) }
        let test = XMLElement(name: "testcase")
        test.set([("name", part), ("classname", Self.clean(name))])
        if !own.isEmpty {
          failed += 1
          let lines = own.prefix(Self.mostShown).map(Self.line)
          let failure = XMLElement(name: "failure", stringValue: Self.clean(lines.joined(separator: "\n")))
          failure.set(
            [
              ("message", own.count == 1 ? "1 difference" : "\(own.count) differences"),
              ("type", own[0].kind.rawValue),
            ])
          test.addChild(failure)
        } else if let reason = undecided(name, part) {
          skipped += 1
          let skip = XMLElement(name: "skipped")
          skip.set([("message", reason)])
          test.addChild(skip)
        }
        suite.addChild(test)
      }
      suite.set(
        [
          ("name", Self.clean(name)), ("tests", String(cases.count)), ("failures", String(failed)),
          ("errors", "0"), ("skipped", String(skipped)),
        ])
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
    root.set(
      [
        ("name", Self.clean(command)),
        ("tests", String(tests)),
        ("failures", String(failures)), ("errors", isOpen ? "1" : "0"),
      ])
    return root.document()
  }

  /// A suite that says that there is no verdict, and why.
  private func inconclusive() -> XMLElement {
    let suite = XMLElement(name: "testsuite")
    let test = XMLElement(name: "testcase")
    test.set([("name", "verdict"), ("classname", "verdict")])
    let error = XMLElement(name: "error", stringValue: Self.clean(result.reasons.joined(separator: "\n")))
    error.set([("message", "no verdict was possible"), ("type", "inconclusive")])
    test.addChild(error)
    suite.addChild(test)
    suite.set(
      [("name", "verdict"), ("tests", "1"), ("failures", "0"), ("errors", "1"), ("skipped", "0")])
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
    return widgets.contains(first) ? first : widgets[0]
  }

  private static func line(_ difference: Difference) -> String {
    var line =
      "\(difference.kind.rawValue) \(difference.path.shown): expected \(difference.expected?.shown ?? "nothing"), is \(difference.actual?.shown ?? "missing")"
    if let allowed = difference.allowed { line += " (allowed: \(allowed))" }
    return line + (difference.look.isEmpty ? "" : " [\(difference.look)]")
  }

  private static func clean(_ text: String) -> String { XMLText.clean(text) }
}
