import Foundation
import Sampling
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

  struct SampleKey: Hashable {
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
  private(set) var samples: [SampleKey: Samples] = [:]
  private(set) var sampleOrder: [SampleKey] = []
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
    /// Whether the n-th values of both sides belong together.
    var isPaired = false
    /// Whether a replication has the figure at all, 1 or 0.
    var isPresence = false
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
    if difference.isElement, let bracket = difference.path.lastIndex(of: "[") {
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
    actual: Double?, replications: Bool = false, paired: Bool = false
  ) {
    let key = SampleKey(document: document, path: path, rule: decision.rule ?? -1)
    if samples[key] == nil {
      sampleOrder.append(key)
      samples[key] = Samples(
        test: decision.test, isOfReplications: replications, isPaired: paired, look: look())
    }
    if let expected { samples[key]?.expected.add(expected) }
    if let actual { samples[key]?.actual.add(actual) }
  }

  /// How many replications of each side have a figure at all: a sample of its own where the sides differ in that.
  /// - Parameters: `expected`, `actual`: those that have it, and all.
  func presence(
    _ path: String, _ look: String, _ decision: Decision, expected: (has: Int, of: Int),
    actual: (has: Int, of: Int)
  ) {
    if expected.has * actual.of == actual.has * expected.of { return }
    let key = SampleKey(document: document, path: path, rule: Self.presenceRule)
    var sample = Samples(test: .distribution, isOfReplications: true, isPresence: true, look: look)
    for place in 0..<expected.of { sample.expected.add(place < expected.has ? 1 : 0) }
    for place in 0..<actual.of { sample.actual.add(place < actual.has ? 1 : 0) }
    sampleOrder.append(key)
    samples[key] = sample
  }

  /// In a `SampleKey`, in place of a rule.
  private static let presenceRule = -2

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

  /// A number that one side knows and the other does not: a difference however large a tolerance is, unless it may be
  /// absent.
  func unknown(
    expected: Int64?, actual: Int64?, _ decision: Decision, path: @autoclosure () -> String,
    look: @autoclosure () -> String
  ) {
    if decision.isOptional { return }
    add(
      Difference(
        document: document, path: path(), kind: .value, expected: expected.map(String.init) ?? "unknown",
        actual: actual.map(String.init) ?? "unknown", look: look()))
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

  static func short(_ value: Double) -> String { String(format: "%.4g", value) }

  func finish(_ result: inout ComparisonOutcome) {
    let tests = tests(replications: result.replications)
    result.tests = tests.all
    result.notes += tests.notes
    result.reasons += tests.reasons
    if !result.tests.isEmpty { result.significance = tolerances.significance }
    differences.sort(by: Difference.isWorse)
    result.differences = Array(differences.prefix(Self.mostKept))
    result.unmatched = unmatched.sorted { ($0.document, $0.path) < ($1.document, $1.path) }
    result.total = total
    result.byDocument = byDocument
    result.figures += figures
    if result.figures == 0, samples.isEmpty {
      result.reasons.append(
        result.documents == 0
          ? "there is nothing to compare on either side."
          : tolerances.rules.isEmpty
            ? "there are no figures to compare on either side."
            : "the tolerances leave no figure to compare. Ignore less."
      )
    }
    for (rule, isUsed) in zip(tolerances.rules, isUsed) where !isUsed {
      let scope = rule.documents.map { " in \($0)" } ?? ""
      result.warnings.append(
        tolerances.warning(
          rule, "\(rule.pattern)\(scope) matches nothing that was compared; it is probably misspelt."))
      switch rule.test {
      case .distribution, .means:
        // The others allow less than was asked for; this one would have brought in figures that nothing else compares.
        result.reasons.append(
          "the test that \(rule.pattern)\(scope) asks for was not made: it matches nothing.")
      default: break
      }
    }
  }
}
