import CJansson
import Foundation
import Sampling

/// Compares the documents of one name of two sets of replications, figure by figure: each figure is a sample with one
/// value of every replication.
struct ReplicationComparison {
  private let findings: ComparisonFindings

  /// A figure over the replications of one side.
  private struct Figure {
    var numbers: [Double] = []
    /// The replications that have them.
    var places: [Int] = []
    /// Values that are not numbers, for each replication that has some.
    var others: [String] = []
    var look = ""
    var hasElements = false
    var state = 0

    var isEmpty: Bool { numbers.isEmpty && others.isEmpty }
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
          figures[text]?.others.append(value.shown)
        }
      }
    }
    visit(root, findings.matcher.start)
  }

  private func compare(_ path: String, _ a: Figure?, _ b: Figure?, _ n: Int, _ m: Int) {
    guard let state = (a ?? b)?.state, let look = (a ?? b)?.look else { return }
    var decision = findings.decision(state)
    // Points that the replications do not share (the instant of a request) are not figures.
    let hasElements = (a ?? b)?.hasElements ?? false
    if hasElements, decision.rule == nil { return }
    let (a, b) = (a ?? Figure(), b ?? Figure())
    if hasElements, a.isEmpty || b.isEmpty {
      // Of a list's elements that the replications need not share, what all of one side have and the other never.
      if n > 1 || m > 1, a.numbers.count == n || b.numbers.count == m {
        absent(path, a, b, n, m, decision, look)
      }
      return
    }
    findings.figures += 1
    guard !a.numbers.isEmpty || !b.numbers.isEmpty else {
      compareTexts(path, a, b, n, m, decision, look)
      return
    }
    if a.numbers.count * b.numbers.count == 0, a.numbers.count == n || b.numbers.count == m {
      absent(path, a, b, n, m, decision, look)
      return
    }
    if !hasElements, !decision.isOptional {
      findings.presence(path, look, decision, expected: (a.numbers.count, n), actual: (b.numbers.count, m))
    }
    guard !a.numbers.isEmpty, !b.numbers.isEmpty else { return }
    if case .within = decision.test {
      let means = [a.numbers.mean, b.numbers.mean]
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
  /// A figure that all replications of one side have, and none of the other.
  private func absent(
    _ path: String, _ a: Figure, _ b: Figure, _ n: Int, _ m: Int, _ decision: ComparisonFindings.Decision,
    _ look: String
  ) {
    if decision.isOptional { return }
    func words(_ side: Figure, _ count: Int) -> String? {
      side.numbers.isEmpty ? side.others.first : "in \(side.numbers.count) of \(count)"
    }
    let kind: Difference.Kind = a.isEmpty ? .extra : b.isEmpty ? .missing : .type
    findings.add(
      Difference(
        document: findings.document, path: path, kind: kind, expected: words(a, n), actual: words(b, m),
        look: look))
  }

  /// Texts that are another in each replication (an identifier, an instant) say nothing. One that most replications of a
  /// side have is a figure: how many have it.
  private func compareTexts(
    _ path: String, _ a: Figure, _ b: Figure, _ n: Int, _ m: Int, _ decision: ComparisonFindings.Decision,
    _ look: String
  ) {
    let texts = [a, b].map { $0.others.reduce(into: [:]) { counts, text in counts[text, default: 0] += 1 } }
    if let x = texts[0].first, let y = texts[1].first, texts[0].count == 1, texts[1].count == 1,
      x.key != y.key
    {
      findings.add(
        Difference(
          document: findings.document, path: path, kind: .value, expected: x.key, actual: y.key, relative: 1,
          allowed: findings.allowed(decision), look: look))
      return
    }
    if decision.isOptional { return }
    for text in Set(texts[0].keys).union(texts[1].keys).sorted() {
      let (k, l) = (texts[0][text] ?? 0, texts[1][text] ?? 0)
      guard 2 * k > n || 2 * l > m else { continue }
      findings.presence("\(path) is \(text)", look, decision, expected: (k, n), actual: (l, m))
    }
  }
}
