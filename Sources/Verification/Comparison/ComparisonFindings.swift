import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// Collects what a comparison finds, and knows which rule decides where.
final class ComparisonFindings {
  /// What is asked of a figure.
  struct Decision {
    var test = Tolerances.Test.exact
    var isOptional = false
    /// The rule that decided.
    var rule: Int?

    var isStatistical: Bool {
      switch test {
      case .distribution, .means: true
      default: false
      }
    }
  }

  private struct SampleKey: Hashable {
    var document: String
    var path: String
    var rule: Int
  }

  /// Differences kept; there may be more.
  static let mostKept = 10_000
  /// Of the elements of one list without a counterpart.
  private static let mostOfAList = 100

  let tolerances: Tolerances
  var matcher: RuleMatcher
  private var isUsed: [Bool]
  private var isActive: [Bool]
  private var decisions: [Int: Decision] = [:]
  private var samples: [SampleKey: Samples] = [:]
  private var sampleOrder: [SampleKey] = []
  private(set) var differences: [Difference] = []
  private(set) var total: Int64 = 0
  private var unmatched: [UnmatchedElements] = []
  private var unmatchedIndex: [String: Int] = [:]
  var figures: Int64 = 0
  private(set) var byDocument: [String: Int64] = [:]
  private(set) var document = ""
  /// Said of differences in the document at hand.
  private var view = ""
  var instants = TimestampParser()

  /// Values of both sides, thinned evenly where there are very many.
  struct Samples {
    var expected = Thinned()
    var actual = Thinned()
    var test: Tolerances.Test
    var isOfReplications: Bool
    var look: String
  }

  struct Thinned {
    private(set) var values: [Double] = []
    private var stride = 1
    private var seen = 0
    static let most = 1 << 21

    mutating func add(_ value: Double) {
      defer { seen += 1 }
      guard seen % stride == 0 else { return }
      if values.count == Self.most {
        values = Swift.stride(from: 0, to: values.count, by: 2).map { values[$0] }
        stride *= 2
        guard seen % stride == 0 else { return }
      }
      values.append(value)
    }
  }

  init(_ tolerances: Tolerances) {
    self.tolerances = tolerances
    matcher = RuleMatcher(tolerances.rules)
    isUsed = tolerances.rules.map { _ in false }
    isActive = tolerances.rules.map { _ in true }
  }

  /// Turns to another document.
  /// - Parameter view: the filters that it shows, for people.
  func begin(_ document: String, view: String) {
    self.document = document
    self.view = view
    isActive = tolerances.rules.map { $0.documents.map { fnmatch($0, document, 0) == 0 } ?? true }
    decisions = [:]
  }

  func decision(_ state: Int) -> Decision {
    if let known = decisions[state] { return known }
    var decision = Decision()
    for index in matcher.matches(state) where isActive[index] {
      isUsed[index] = true
      let rule = tolerances.rules[index]
      if rule.isOptional { decision.isOptional = true }
      if let test = rule.test {
        decision.test = test
        decision.rule = index
      }
    }
    decisions[state] = decision
    return decision
  }

  func add(_ difference: Difference) {
    total += 1
    byDocument[difference.document, default: 0] += 1
    if difference.kind == .missing || difference.kind == .extra, difference.path.hasSuffix("]"),
      let bracket = difference.path.lastIndex(of: "[")
    {
      // A shifted clock must not drown the figures: of a list the first are kept, the rest counted.
      if countUnmatched(difference, list: String(difference.path[..<bracket])) > Self.mostOfAList { return }
    }
    differences.append(difference)
    if differences.count >= 2 * Self.mostKept {
      differences.sort(by: Difference.isWorse)
      differences.removeLast(differences.count - Self.mostKept)
    }
  }

  /// - Returns: how many the list has by now.
  /// Whether of a list's elements without a counterpart enough are kept, so that more need only be counted.
  func hasEnough(ofList list: String) -> Bool {
    guard let index = unmatchedIndex["\(document)\u{0}\(list)"] else { return false }
    return unmatched[index].missing + unmatched[index].extra > Self.mostOfAList
  }

  /// Counts elements without a counterpart of a list that has enough of them.
  func count(_ kind: Difference.Kind, _ elements: Int, ofList list: String) {
    guard let index = unmatchedIndex["\(document)\u{0}\(list)"] else { return }
    total += Int64(elements)
    byDocument[document, default: 0] += Int64(elements)
    if kind == .missing {
      unmatched[index].missing += Int64(elements)
    } else {
      unmatched[index].extra += Int64(elements)
    }
  }

  private func countUnmatched(_ difference: Difference, list: String) -> Int64 {
    let key = "\(difference.document)\u{0}\(list)"
    let index = unmatchedIndex[key] ?? unmatched.count
    if index == unmatched.count {
      unmatchedIndex[key] = index
      unmatched.append(UnmatchedElements(document: difference.document, path: list))
    }
    if difference.kind == .missing { unmatched[index].missing += 1 } else { unmatched[index].extra += 1 }
    if unmatched[index].examples.count < 3 { unmatched[index].examples.append(difference) }
    return unmatched[index].missing + unmatched[index].extra
  }

  /// Something that only one side has, or that is of another kind or order.
  func structural(_ kind: Difference.Kind, _ path: ComparisonPath, expected: String?, actual: String?) {
    add(
      Difference(
        document: document, path: path.rendered, kind: kind, expected: expected, actual: actual,
        look: look(path)))
  }

  func sample(
    _ decision: Decision, _ path: String, _ look: @autoclosure () -> String, expected: Double?,
    actual: Double?, replications: Bool = false
  ) {
    let key = SampleKey(document: document, path: path, rule: decision.rule ?? -1)
    if samples[key] == nil {
      sampleOrder.append(key)
      samples[key] = Samples(test: decision.test, isOfReplications: replications, look: look())
    }
    if let expected { samples[key]?.expected.add(expected) }
    if let actual { samples[key]?.actual.add(actual) }
  }

  /// Two numbers of one figure.
  func number(
    _ expected: Double, _ actual: Double, isSame: Bool, _ decision: Decision, path: @autoclosure () -> String,
    look: @autoclosure () -> String
  ) {
    if isSame { return }
    let gap = abs(actual - expected)
    let larger = max(abs(expected), abs(actual))
    if case .within(let absolute, let relative) = decision.test {
      if let absolute, gap <= absolute { return }
      if let relative, gap <= relative * larger { return }
    }
    add(
      Difference(
        document: document, path: path(), kind: .value, expected: Self.text(expected),
        actual: Self.text(actual), difference: actual - expected, relative: larger > 0 ? gap / larger : nil,
        allowed: allowed(decision), look: look()))
  }

  static func text(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
  }

  func allowed(_ decision: Decision) -> String? {
    guard let index = decision.rule else { return nil }
    let rule = tolerances.rules[index]
    switch decision.test {
    case .within(let absolute, let relative):
      let limits = [
        absolute.map { "±\(Self.text($0))" }, relative.map { "±\(Self.text($0 * 100)) %" },
      ].compactMap { $0 }
      return "\(limits.joined(separator: " or ")) by \(rule.pattern)"
    case .exact, .ignored: return "none by \(rule.pattern)"
    case .distribution, .means: return "by \(rule.pattern)"
    }
  }

  /// Model and filters, widget, bucket.
  func look(_ path: ComparisonPath) -> String {
    var parts = view.isEmpty ? [] : [view]
    let names = [
      "latency": "Model Latency", "requests": "Requests", "scaling": "Model Scaling and Usage",
      "tokens": "Tokens", "account": "account cards", "query": "the query itself",
    ]
    if !view.isEmpty, let first = path.steps.first {
      let name =
        switch first {
        case .name(let pointer): String(cString: pointer)
        case .text(let text): text
        case .element(let key): key.rendered
        }
      parts.append(names[name] ?? name)
    }
    for step in path.steps { if case .element(let key) = step { parts.append(key.rendered) } }
    return parts.joined(separator: ", ")
  }

  // MARK: The end

  /// Statistical tests of what was sampled; differences for those that are significant together.
  private func tests(_ notes: inout [String]) -> [StatisticalTest] {
    var tests: [StatisticalTest] = []
    var untested = 0
    var leastPower = 0.0
    for key in sampleOrder {
      guard let sample = samples[key] else { continue }
      let (a, b) = (sample.expected.values, sample.actual.values)
      guard a.count >= 2, b.count >= 2 else {
        untested += 1
        continue
      }
      func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
      var test = StatisticalTest(
        document: key.document, path: key.path, test: "", expectedCount: a.count, actualCount: b.count,
        expectedMean: mean(a), actualMean: mean(b), pValue: 1, statistic: 0,
        dependence: sample.isOfReplications
          ? 1 : max(TwoSampleTests.dependence(a), TwoSampleTests.dependence(b)))
      switch sample.test {
      case .means(let margin):
        guard var means = TwoSampleTests.meanDifference(a, b) else { continue }
        means.standardError *= test.dependence.squareRoot()
        let allowed = margin.absolute + margin.relative * max(abs(test.expectedMean), abs(test.actualMean))
        test.test = "means"
        test.statistic = means.difference
        test.margin = allowed
        test.pValue = means.pValueOfDifference(beyond: allowed)
        if margin.mustBeShown {
          let isShown = means.pValueOfEquivalence(within: allowed) <= tolerances.significance
          test.verdict = isShown ? "same" : test.pValue <= tolerances.significance ? "different" : "undecided"
        }
      default:
        test.test = "distribution"
        (test.statistic, test.pValue) = TwoSampleTests.kolmogorovSmirnov(a, b, inflation: test.dependence)
        if sample.isOfReplications {
          leastPower = max(leastPower, TwoSampleTests.leastPValue(a.count, b.count))
        }
      }
      tests.append(test)
    }
    let significant = TwoSampleTests.significant(tests.map(\.pValue), familywise: tolerances.significance)
    for index in tests.indices {
      if significant[index] { tests[index].verdict = "different" }
      guard tests[index].verdict != "same" else { continue }
      let test = tests[index]
      let key = sampleOrder.first { $0.document == test.document && $0.path == test.path }
      let larger = max(abs(test.expectedMean), abs(test.actualMean))
      add(
        Difference(
          document: test.document, path: test.path, kind: .statistical,
          expected: "mean \(Self.short(test.expectedMean)) of \(test.expectedCount)",
          actual: "mean \(Self.short(test.actualMean)) of \(test.actualCount)",
          difference: test.actualMean - test.expectedMean,
          relative: larger > 0 ? abs(test.actualMean - test.expectedMean) / larger : nil,
          allowed: test.verdict == "undecided"
            ? "equivalence within ±\(Self.short(test.margin ?? 0)) is not shown: more replications are needed"
            : "p \(Self.short(test.pValue)) by \(test.test == "means" ? "Welch's test" : "Kolmogorov–Smirnov, distance \(Self.short(test.statistic))")",
          look: key.flatMap { samples[$0]?.look } ?? ""))
    }
    if untested > 0 { notes.append("\(untested) figures have too few values for a test.") }
    if !tests.isEmpty, leastPower > tolerances.significance / Double(tests.count) {
      notes.append(
        "With so few replications no single one of \(tests.count) tests can be significant at \(Self.short(tolerances.significance * 100)) % together. Add replications, or name fewer figures in the rules."
      )
    }
    return tests
  }

  static func short(_ value: Double) -> String { String(format: "%.4g", value) }

  func finish(_ result: inout ComparisonOutcome) {
    result.tests = tests(&result.notes)
    if !result.tests.isEmpty { result.significance = tolerances.significance }
    differences.sort(by: Difference.isWorse)
    result.differences = Array(differences.prefix(Self.mostKept))
    result.unmatched = unmatched.sorted { ($0.document, $0.path) < ($1.document, $1.path) }
    result.total = total
    result.byDocument = byDocument
    result.figures += figures
    for (rule, isUsed) in zip(tolerances.rules, isUsed) where !isUsed {
      let scope = rule.documents.map { " in \($0)" } ?? ""
      result.warnings.append(
        tolerances.warning(
          rule, "\(rule.pattern)\(scope) matches nothing that was compared; it is probably misspelt."))
    }
  }
}
