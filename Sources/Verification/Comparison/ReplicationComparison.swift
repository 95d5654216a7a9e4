import CJansson
import Foundation

/// Compares the documents of one name of two sets of replications, figure by figure: each figure is a sample with one
/// value of every replication.
struct ReplicationComparison {
  private let findings: ComparisonFindings

  /// A figure over the replications of one side.
  private struct Figure {
    var numbers: [Double] = []
    /// The replications that have them.
    var places: [Int] = []
    var others: Set<String> = []
    var look = ""
    var hasElements = false
    var state = 0
  }

  /// Paths in the order in which they were first seen.
  private struct Order {
    private(set) var paths: [String] = []
    private var known: Set<String> = []

    mutating func add(_ path: String) { if known.insert(path).inserted { paths.append(path) } }
  }

  /// Whether the n-th replications of both sides have the same seed.
  private let isPaired: Bool

  init(_ findings: ComparisonFindings, isPaired: Bool) {
    self.findings = findings
    self.isPaired = isPaired
  }

  func compare(_ expected: [JSONValue], _ actual: [JSONValue]) {
    var order = Order()
    var first: [String: Figure] = [:]
    var second: [String: Figure] = [:]
    for (place, value) in expected.enumerated() { collect(value, place, &first, &order) }
    for (place, value) in actual.enumerated() { collect(value, place, &second, &order) }
    for path in order.paths { compare(path, first[path], second[path], expected.count, actual.count) }
  }

  private func collect(
    _ root: JSONValue, _ place: Int, _ figures: inout [String: Figure], _ order: inout Order
  ) {
    var path = ComparisonPath()
    func visit(_ value: JSONValue, _ state: Int) {
      if findings.decision(state).test == .ignored { return }
      if value.isObject {
        value.forEachMember { name, member in
          path.push(.name(name))
          visit(member, findings.matcher.step(state, name: name))
          path.pop()
        }
      } else if value.isArray {
        var ordinal = 0
        for index in 0..<value.count {
          let isKeyed = value[index]["at"] != nil
          ordinal =
            isKeyed
            ? (index > 0 && value[index - 1]["at"]?.text == value[index]["at"]?.text ? ordinal + 1 : 0)
            : index
          let key = ElementKey(value: isKeyed ? value[index] : nil, ordinal: ordinal)
          path.push(.element(key))
          visit(value[index], findings.matcher.step(state, element: key.rendered))
          path.pop()
        }
      } else {
        let text = path.rendered
        if figures[text] == nil {
          order.add(text)
          figures[text] = Figure(look: findings.look(path), hasElements: path.hasElements, state: state)
        }
        if let number = value.number {
          figures[text]?.numbers.append(number)
          figures[text]?.places.append(place)
        } else {
          figures[text]?.others.insert(value.shown)
        }
      }
    }
    visit(root, findings.matcher.start)
  }

  private func compare(_ path: String, _ a: Figure?, _ b: Figure?, _ n: Int, _ m: Int) {
    guard let state = (a ?? b)?.state, let look = (a ?? b)?.look else { return }
    var decision = findings.decision(state)
    // Points that the replications do not share (the instant of a request) are no figures.
    let hasElements = (a ?? b)?.hasElements ?? false
    if hasElements, decision.rule == nil { return }
    guard let a, let b else {
      let isAlways = (a?.numbers.count ?? 0) == n || (b?.numbers.count ?? 0) == m
      guard isAlways, n > 1 || m > 1, !decision.isOptional else { return }
      findings.add(
        Difference(
          document: findings.document, path: path, kind: a == nil ? .extra : .missing,
          expected: a.map { "in all \($0.numbers.count)" }, actual: b.map { "in all \($0.numbers.count)" },
          look: look))
      return
    }
    findings.figures += 1
    // Texts that vary between replications say nothing; constant ones must agree.
    if a.numbers.isEmpty, b.numbers.isEmpty {
      if a.others.count == 1, b.others.count == 1, a.others != b.others {
        findings.add(
          Difference(
            document: findings.document, path: path, kind: .value, expected: a.others.first,
            actual: b.others.first, relative: 1, allowed: findings.allowed(decision), look: look))
      }
      return
    }
    if case .within = decision.test {
      guard !a.numbers.isEmpty, !b.numbers.isEmpty else { return }
      let means = [a.numbers, b.numbers].map { $0.reduce(0, +) / Double($0.count) }
      findings.number(means[0], means[1], isSame: means[0] == means[1], decision, path: path, look: look)
      return
    }
    // Constant on both sides, as limits and prices are: no test can be meant.
    if let value = a.numbers.first, a.numbers.allSatisfy({ $0 == value }),
      b.numbers.allSatisfy({ $0 == value })
    {
      return
    }
    // A figure that the pairs do not share is judged over all that have it.
    let isPaired = isPaired && a.places == b.places
    if !decision.isStatistical {
      // On common random numbers the sides are not independent, as the test of distributions wants them.
      decision.test =
        isPaired ? .means(.init(absolute: 0, relative: 0, mustBeShown: false)) : .distribution
    }
    for value in a.numbers {
      findings.sample(
        decision, path, look, expected: value, actual: nil, replications: true, paired: isPaired)
    }
    for value in b.numbers {
      findings.sample(
        decision, path, look, expected: nil, actual: value, replications: true, paired: isPaired)
    }
  }
}
