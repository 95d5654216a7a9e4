import Aggregation
import Foundation
import Telemetry
import Verification

/// What a comparison found as one file that needs nothing else: the Compare view of the served page, with the dashboards
/// of both sides, and every difference.
package struct DifferencePage {
  private let page: PageFiles
  private let expected: ComparedRun?
  private let actual: ComparedRun?
  private var pairs: [OutputComparison.Pair] = []
  private var bytes = 0

  /// Dashboards held while others are compared.
  private static let mostHeld = 48 << 20
  /// Dashboards that differ and are shown with graphs; of the others, the tables only.
  private static let mostPairs = 60
  private static let mostBytes = 4 << 20
  /// Dashboards that are the same are shown while all together are no larger.
  private static let mostBytesOfSame = 160 << 10
  /// Differences listed of one output, and of all.
  private static let mostOfOutput = 200
  private static let mostDifferences = 4000
  private static let mostTests = 500

  /// - Parameters: `expected`, `actual`: where the two sides are.
  /// - Throws: if the program's resources are not where they belong; `DatasetError`.
  package init(expected: String, actual: String) throws {
    page = try PageFiles()
    self.expected = try ComparedRun(expected)
    self.actual = try ComparedRun(actual)
  }

  /// Keeps a dashboard for its graphs. Both texts must be JSON.
  package mutating func add(_ pair: OutputComparison.Pair) {
    let size = pair.expected.count + pair.actual.count
    guard bytes + size <= Self.mostHeld else { return }
    bytes += size
    pairs.append(pair)
  }

  private struct Content: Encodable {
    var outcome: ComparisonOutcome
    var expected: ComparedRun?
    var actual: ComparedRun?
    var scenario: [ScenarioDifference]?
    /// What the tests came to, listed or not.
    var tests: String?
    var pairs: [Pair] = []
  }

  private struct Pair: Encodable {
    var name: String
    var differences: Int64
    var expected: JSONValue
    var actual: JSONValue
    /// What the account's credits were spent on in the same period, of each side.
    var expectedCredits: CreditsAnalysis?
    var actualCredits: CreditsAnalysis?
  }

  package func html(_ outcome: ComparisonOutcome) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var outcome = outcome
    outcome.differences =
      outcome.differences.filter { !$0.isElement } + outcome.differences.filter(\.isElement)
    var content = Content(outcome: outcome, expected: expected, actual: actual)
    content.tests = outcome.testSummary
    content.scenario = try ScenarioDifference.between(expected?.scenario, actual?.scenario)
    var size = 0
    for pair in ordered(outcome) {
      let limit = pair.differs ? Self.mostBytes : Self.mostBytesOfSame
      guard content.pairs.count < Self.mostPairs, size < limit,
        let expected = DrawnDashboard.json(pair.expected), let actual = DrawnDashboard.json(pair.actual)
      else { continue }
      let folder = String(pair.name.prefix { $0 != "/" })
      let drawn = Pair(
        name: pair.name, differences: outcome.byDocument[pair.name] ?? 0, expected: expected, actual: actual,
        expectedCredits: self.expected?.credits(folder, expected),
        actualCredits: self.actual?.credits(folder, actual))
      let bytes = try encoder.encode(drawn).count
      // The first is shown whatever its size.
      guard content.pairs.isEmpty || size + bytes <= limit else { continue }
      size += bytes
      content.pairs.append(drawn)
    }
    Self.shorten(&content.outcome)
    let shown = content.pairs.filter { $0.differences > 0 }.count
    let differing = pairs.filter(\.differs).count
    if shown < differing {
      content.outcome.notes.append(
        "This page has the graphs of \(shown) of \(differing) dashboards that differ, the worst first.")
    }
    return try SelfContainedPage(
      page, template: "diff.html", modules: PageFiles.drawing + ["state.js", "against.js", "diff.js"],
      dataID: "differences", data: try encoder.encode(content)
    ).html()
  }

  /// Those that differ first, the worst of them before others.
  private func ordered(_ outcome: ComparisonOutcome) -> [OutputComparison.Pair] {
    var ranks: [String: Int] = [:]
    for difference in outcome.differences where ranks[difference.document] == nil {
      ranks[difference.document] = ranks.count
    }
    return pairs.sorted { first, second in
      let (a, b) = (ranks[first.name] ?? .max, ranks[second.name] ?? .max)
      return a != b ? a < b : first.name < second.name
    }
  }

  /// Leaves the worst differences of each output, and the tests that say most.
  private static func shorten(_ outcome: inout ComparisonOutcome) {
    var counts: [String: Int] = [:]
    outcome.differences = Array(
      outcome.differences.filter { difference in
        counts[difference.document, default: 0] += 1
        return counts[difference.document, default: 0] <= mostOfOutput
      }.prefix(mostDifferences))
    if outcome.differences.count < outcome.total {
      outcome.notes.append(
        "This page lists \(Figure.count(outcome.differences.count)) of the differences: the worst of each output, and of a list's elements that only one side has, the first hundred."
      )
    }
    let ranks = ["different": 0, "undecided": 1]
    outcome.tests.sort { a, b in
      let (first, second) = (ranks[a.verdict] ?? 2, ranks[b.verdict] ?? 2)
      if first != second { return first < second }
      return a.pValue != b.pValue ? a.pValue < b.pValue : (a.document, a.path) < (b.document, b.path)
    }
    if outcome.tests.count > mostTests {
      outcome.notes.append(
        "This page lists \(mostTests) of \(Figure.count(outcome.tests.count)) statistical tests.")
      outcome.tests.removeLast(outcome.tests.count - mostTests)
    }
    outcome.unmatched = Array(outcome.unmatched.prefix(mostTests))
  }
}

/// A dashboard's JSON as far as a page draws it.
private enum DrawnDashboard {
  private static let widgets = ["query", "account", "latency", "requests", "scaling", "tokens"]
  /// Of a graph of single requests: as wide as a graph has pixels to tell them apart.
  private static let mostPoints = 400

  /// `nil` for what is nested too deeply, or is otherwise nothing that can be drawn.
  static func json(_ text: Data) -> JSONValue? {
    // What cannot be decoded has no graphs, but its differences are listed.
    guard case .object(let root)? = try? JSONValue(json: text) else { return nil }
    var drawn = root.filter { widgets.contains($0.key) }
    if case .object(var latency)? = drawn["latency"], case .list(let points)? = latency["points"],
      points.count > mostPoints
    {
      latency["points"] = .list(extremes(points))
      latency["thinned"] = .bool(true)
      drawn["latency"] = .object(latency)
    }
    return .object(drawn)
  }

  /// Of as many requests one after the other, the fastest and the slowest.
  private static func extremes(_ points: [JSONValue]) -> [JSONValue] {
    func latency(_ point: JSONValue) -> Double {
      if case .object(let members) = point, case .number(let value)? = members["latency"] { value } else { 0 }
    }
    let size = (points.count * 2 + mostPoints - 1) / mostPoints
    return stride(from: 0, to: points.count, by: size).flatMap { start -> [JSONValue] in
      let slot = start..<min(start + size, points.count)
      guard let low = slot.min(by: { latency(points[$0]) < latency(points[$1]) }),
        let high = slot.max(by: { latency(points[$0]) < latency(points[$1]) })
      else { return [] }
      return low == high ? [points[low]] : [points[min(low, high)], points[max(low, high)]]
    }
  }
}
