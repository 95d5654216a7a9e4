import Documents
import Foundation
import Sampling
import ScenarioModel
import TestSupport
import Testing
import Verification

/// A dashboard as small as can be, with a place for each kind of figure.
struct SmallDashboard {
  var average = 100.0
  var p99 = 250.0
  var totalFailures = 7
  var buckets: [(at: String, successes: Int, failures: Int)] = [
    ("2026-01-05T00:00:00Z", 10, 1), ("2026-01-06T00:00:00Z", 20, 2), ("2026-01-07T00:00:00Z", 30, 4),
  ]
  var now = "2026-01-08T00:00:00Z"
  var hardware: String? = "A10 single"

  var json: Data {
    let points = buckets.map {
      "{\"at\": \"\($0.at)\", \"successes\": \($0.successes), \"failures\": \($0.failures)}"
    }
    return Data(
      """
      {"query": {"kind": "openSource", "model": "a", "version": null, "period": "7d", "now": "\(now)"},
       "latency": {"summary": {"average": \(average), "p99": \(p99)}},
       "requests": {"points": [\(points.joined(separator: ", "))], "totalFailures": \(totalFailures)},
       "scaling": {"hardware": \(hardware.map { "\"\($0)\"" } ?? "null")}}
      """.utf8)
  }
}

/// Tolerances from YAML rules.
func tolerances(_ rules: String, _ more: String = "") throws -> Tolerances {
  try Tolerances(
    Data("workbenchTolerances: 1\n\(more)\nrules:\n\(rules.isEmpty ? "  []" : rules)\n".utf8), path: "t.yaml")
}

func compare(_ a: SmallDashboard, _ b: SmallDashboard, _ tolerances: Tolerances = Tolerances()) throws
  -> ComparisonOutcome
{
  try OutputComparison.compare(
    expected: ["acme/openSource-7d": a.json], actual: ["acme/openSource-7d": b.json], tolerances: tolerances,
    labels: ("expected", "actual"))
}

@Suite("Comparison, metamorphic")
struct MetamorphicTests {
  @Test("an output is the same as itself")
  func reflexive() throws {
    let result = try compare(SmallDashboard(), SmallDashboard())
    #expect(result.isSame && result.figures == 18, "\(result)")
  }

  /// A rule, a perturbation of a figure that is just inside, and one just outside.
  struct Case: CustomTestStringConvertible {
    var name: String
    var rules: String
    var inside: @Sendable (inout SmallDashboard) -> Void
    var outside: @Sendable (inout SmallDashboard) -> Void
    var testDescription: String { name }
  }

  static let cases = [
    Case(
      name: "absolute", rules: "  - { path: latency.summary.average, absolute: 0.5 }",
      inside: { $0.average = 100.5 }, outside: { $0.average = 100.50001 }),
    Case(
      name: "absolute, below", rules: "  - { path: latency.summary.average, absolute: 0.5 }",
      inside: { $0.average = 99.5 }, outside: { $0.average = 99.49999 }),
    Case(
      name: "relative, of the larger", rules: "  - { path: latency.summary.p99, relative: 2% }",
      inside: { $0.p99 = 250 / 0.98 - 1e-9 }, outside: { $0.p99 = 250 / 0.98 + 1e-6 }),
    Case(
      name: "relative, below", rules: "  - { path: latency.summary.p99, relative: 0.02 }",
      inside: { $0.p99 = 245 }, outside: { $0.p99 = 244.999 }),
    Case(
      name: "either limit suffices", rules: "  - { path: latency.**, relative: 1%, absolute: 5 }",
      inside: { $0.average = 105 }, outside: { $0.average = 105.01 }),
    Case(
      name: "a metric anywhere", rules: "  - { metric: failures, absolute: 1 }",
      inside: { $0.buckets[1].failures = 3 }, outside: { $0.buckets[1].failures = 4 }),
    Case(
      name: "any element", rules: "  - { path: \"requests.points[*].successes\", absolute: 2 }",
      inside: { $0.buckets[2].successes = 32 }, outside: { $0.buckets[2].successes = 33 }),
    Case(
      name: "one element", rules: "  - { path: \"requests.points[2026-01-06*].successes\", absolute: 2 }",
      inside: { $0.buckets[1].successes = 18 }, outside: { $0.buckets[0].successes = 11 }),
    Case(
      name: "a name with stars", rules: "  - { path: requests.total*, absolute: 1 }",
      inside: { $0.totalFailures = 8 }, outside: { $0.totalFailures = 9 }),
    Case(
      name: "a group is all below it", rules: "  - { path: latency, absolute: 1 }", inside: { $0.p99 = 251 },
      outside: { $0.p99 = 251.1 }),
    Case(
      name: "the last rule decides",
      rules: "  - { path: latency.**, absolute: 50 }\n  - { path: latency.summary.p99, exact: true }",
      inside: { $0.average = 150 }, outside: { $0.p99 = 250.001 }),
    Case(
      name: "ignored", rules: "  - { path: query, ignore: true }",
      inside: { $0.now = "2027-01-01T00:00:00Z" },
      outside: { $0.hardware = "T4 single" }),
    Case(
      name: "only in some dashboards",
      rules:
        "  - { metric: average, absolute: 1, dashboards: \"acme/open*\" }\n  - { metric: p99, absolute: 1, dashboards: \"other/*\" }",
      inside: { $0.average = 101 }, outside: { $0.p99 = 250.5 }),
    Case(
      name: "optional: may be missing", rules: "  - { path: \"requests.points[*]\", optional: true }",
      inside: { $0.buckets.remove(at: 1) }, outside: { $0.buckets[1].failures = 3 }),
    Case(
      name: "optional: null", rules: "  - { path: scaling.hardware, optional: true }",
      inside: { $0.hardware = nil }, outside: { $0.hardware = "T4 single" }),
  ]

  @Test("just inside a tolerance passes, just outside fails, both ways round", arguments: cases)
  func limits(_ one: Case) throws {
    let rules = try tolerances(one.rules)
    let base = SmallDashboard()
    var inside = base
    one.inside(&inside)
    var outside = base
    one.outside(&outside)
    #expect(try compare(base, inside, rules).isSame)
    #expect(try compare(inside, base, rules).isSame)
    #expect(try !compare(base, outside, rules).isSame)
    #expect(try !compare(outside, base, rules).isSame)
    // Without the rule, either differs.
    #expect(try !compare(base, inside).isSame)
    #expect(try !compare(base, outside).isSame)
  }

  @Test("instants that are written differently are the same only if told so")
  func instants() throws {
    var other = SmallDashboard()
    other.now = "2026-01-08T01:00:00+01:00"
    other.buckets[0].at = "2026-01-05T02:00:00+02:00"
    let exact = try compare(SmallDashboard(), other)
    #expect(
      exact.total == 2 && exact.differences.allSatisfy { $0.allowed?.contains("same instant") ?? false })
    #expect(try compare(SmallDashboard(), other, tolerances("", "moments: instants")).isSame)
  }

  @Test("the verdict is the same both ways, for any perturbation under any tolerance")
  func symmetric() throws {
    var rules = [Tolerances()]
    rules += try Self.cases.map { try tolerances($0.rules) }
    let arena = SamplingArena()
    let stream = arena.stream(state: (5, 6, 7, 8))
    func chance(_ n: Int) -> Int { min(n - 1, Int(stream.uniform() * Double(n))) }
    var different = 0
    for round in 0..<2000 {
      var one = SmallDashboard()
      var two = SmallDashboard()
      for _ in 0...chance(3) {
        func change(_ dashboard: inout SmallDashboard) {
          switch chance(8) {
          case 0: dashboard.average += stream.uniform() * 2 - 1
          case 1: dashboard.p99 *= 0.97 + 0.06 * stream.uniform()
          case 2: dashboard.totalFailures += chance(4) - 2
          case 3 where dashboard.buckets.count > 1:
            dashboard.buckets.remove(at: chance(dashboard.buckets.count))
          case 4: dashboard.buckets[chance(dashboard.buckets.count)].successes += chance(6) - 3
          case 5: dashboard.buckets[chance(dashboard.buckets.count)].failures += chance(4) - 2
          case 6: dashboard.hardware = chance(2) == 0 ? nil : "T4 single"
          default: dashboard.buckets.reverse()
          }
        }
        if chance(2) == 0 { change(&one) } else { change(&two) }
      }
      let rule = rules[round % rules.count]
      let (there, back) = (try compare(one, two, rule), try compare(two, one, rule))
      #expect(there.isSame == back.isSame && there.total == back.total)
      #expect(try compare(one, one, rule).isSame)
      if !there.isSame { different += 1 }
    }
    #expect(different > 800 && different < 1990, "\(different) of 2000 differ")
  }

  @Test("each kind of structural difference is named")
  func structure() throws {
    func kinds(_ change: (inout SmallDashboard) -> Void) throws -> [String] {
      var other = SmallDashboard()
      change(&other)
      return try compare(SmallDashboard(), other).differences.map { "\($0.kind.rawValue) \($0.path)" }
    }
    #expect(
      try kinds { $0.buckets.remove(at: 1) } == ["missing requests.points[2026-01-06T00:00:00Z]"])
    #expect(
      try kinds { $0.buckets.append(("2026-01-08T00:00:00Z", 1, 0)) } == [
        "extra requests.points[2026-01-08T00:00:00Z]"
      ])
    #expect(try kinds { $0.buckets.swapAt(0, 2) } == ["order requests.points"])
    #expect(
      try kinds { $0.buckets[2].at = "2026-01-06T00:00:00Z" } == [
        "extra requests.points[2026-01-06T00:00:00Z #2]", "missing requests.points[2026-01-07T00:00:00Z]",
      ])
    let text = Data(
      String(decoding: SmallDashboard().json, as: UTF8.self).replacing(
        "\"totalFailures\": 7", with: "\"totalFailures\": \"7\""
      ).utf8)
    let typed = try OutputComparison.compare(
      expected: ["a": SmallDashboard().json], actual: ["a": text, "b": text], labels: ("e", "a"))
    #expect(typed.differences.map(\.kind) == [.extra, .type])
  }

  @Test("the worst comes first, and says where to look")
  func order() throws {
    var other = SmallDashboard()
    other.average = 101
    other.p99 = 500
    other.buckets[1].failures = 3
    let differences = try compare(SmallDashboard(), other).differences
    #expect(
      differences.map(\.path) == [
        "latency.summary.p99", "requests.points[2026-01-06T00:00:00Z].failures", "latency.summary.average",
      ])
    #expect(differences[0].difference == 250 && differences[0].relative == 0.5)
    #expect(differences[1].expected == "2" && differences[1].actual == "3")
    #expect(differences[1].look.contains("2026-01-06T00:00:00Z"))
  }

  @Test("a rule that matches nothing is warned of by its place")
  func misspelt() throws {
    let rules = try tolerances(
      "  - { path: latency.sumary.p99, absolute: 1 }\n  - { metric: p99, absolute: 1 }")
    let result = try compare(SmallDashboard(), SmallDashboard(), rules)
    #expect(result.isSame && result.warnings.count == 1)
    #expect(
      result.warnings[0].hasPrefix("t.yaml:4:5: warning: latency.sumary.p99 matches nothing"),
      "\(result.warnings)")
  }

  @Test(
    "a tolerance file that is wrong says where and what",
    arguments: [
      ("  - { path: a, absolute: 1, ignore: true }", "together; give one of them"),
      ("  - { path: a, metric: b, ignore: true }", "a path or a metric"),
      ("  - { ignore: true }", "a path or a metric"),
      ("  - { path: a }", "allows nothing"), ("  - { path: a, absolute: -1 }", "must not be negative"),
      ("  - { path: a, relative: much }", "must be a number or a percentage"),
      ("  - { path: \"a[\", ignore: true }", "cannot be read"),
      ("  - { path: a., ignore: true }", "cannot be read"),
      ("  - { path: a, tolerance: 1 }", "unknown key"),
      ("  - { path: a, absolute: nan }", "must be a number"),
    ])
  func wrongTolerances(_ rules: String, _ message: String) throws {
    let error = #expect(throws: DocumentErrors.self) { try tolerances(rules) }
    #expect(error?.description.contains(message) ?? false, "\(error?.description ?? "")")
    #expect(error?.description.hasPrefix("t.yaml:4:") ?? false, "\(error?.description ?? "")")
  }

  @Test(
    "what is not JSON says where and what",
    arguments: [
      ("{\"query\": {}, \"a\": NaN}", "x.json:1:", "no NaN"),
      ("{\"query\": {}, \"a\": 1, \"a\": 2}", "x.json:1:", "given twice"),
      ("{\"query\": {}, \n \"a\": [1, 2", "x.json:2:", "truncated"), ("", "x.json:", "empty"),
      ("{\"a\": 1e999}", "x.json:1:", "not JSON"), ("{'a': 1}", "x.json:1:", "not JSON"),
    ])
  func notJSON(_ text: String, _ place: String, _ message: String) throws {
    let error = #expect(throws: (any Error).self) {
      try OutputComparison.compare(
        expected: ["x": Data(text.utf8)], actual: ["x": Data(text.utf8)], labels: ("e", "a"))
    }
    let said = error.map { String(describing: $0) } ?? ""
    #expect(said.contains(place) && said.contains(message), "\(said)")
  }
}
