import Foundation

/// Something in which two outputs differ.
package struct Difference: Encodable, Equatable, Sendable {
  package enum Kind: String, Encodable, Sendable {
    /// Only in the expected output.
    case missing
    /// Only in the actual one.
    case extra
    /// The same elements in another order.
    case order
    /// A group where a value is expected, or text for a number.
    case type
    case value
    /// A statistical test says that the values behind it differ.
    case statistical
  }

  /// The dashboard by its name in the run directory, or `telemetry`.
  package var document: String
  package var path: String
  package var kind: Kind
  /// As in JSON; of a statistical test, a summary of the sample.
  package var expected: String?
  package var actual: String?
  /// Actual − expected.
  package var difference: Double?
  /// As a share of the larger.
  package var relative: Double?
  /// What was allowed, and by which rule.
  package var allowed: String?
  /// Where to look: model and filters, widget, bucket.
  package var look: String

  /// Whether it is an element of a list that only one side has: a point, a row. There may be very many.
  package var isElement: Bool { (kind == .missing || kind == .extra) && path.hasSuffix("]") }

  /// Structure first, then by size.
  static func isWorse(_ a: Difference, _ b: Difference) -> Bool {
    if a.rank != b.rank { return a.rank < b.rank }
    let (first, second) = (a.relative ?? 0, b.relative ?? 0)
    if first != second { return first > second }
    return (a.document, a.path) < (b.document, b.path)
  }

  /// Whole dashboards, widgets and buckets before figures.
  private var rank: Int {
    switch kind {
    case .missing, .extra: path.isEmpty ? 0 : path.contains("[") ? 2 : 1
    case .order, .type: 3
    case .value, .statistical: 4
    }
  }
}

/// Elements of one list that only one side has, counted: a bucket, a point, a row.
package struct UnmatchedElements: Encodable, Equatable, Sendable {
  package var document: String
  /// Of the list.
  package var path: String
  package var missing: Int64 = 0
  package var extra: Int64 = 0
  /// The first few of them.
  package var examples: [Difference] = []
}

/// A statistical test of one figure, or of all elements of a list.
package struct StatisticalTest: Encodable, Sendable {
  package var document: String
  package var path: String
  /// `distribution`; `means`; `pairs` of means where replications have the same seeds on both sides; `presence` of how many
  /// replications have the figure at all, the means being shares.
  package var test: String
  var isOfMeans: Bool { test == "means" || test == "pairs" }
  package var expectedCount: Int
  package var actualCount: Int
  package var expectedMean: Double
  package var actualMean: Double
  package var pValue: Double
  /// Of Kolmogorov–Smirnov, the largest distance of the distributions; of means and shares, the difference.
  package var statistic: Double
  /// By how much dependence in time shrinks the samples.
  package var dependence: Double
  package var margin: Double?
  /// By how much the means must differ for this test to find it in four of five such comparisons, in the figure's own
  /// unit and beyond any margin; absent where no difference, however large, could be found.
  package var detectable: Double?
  /// `same`; `different`; `undecided` where equivalence was neither shown nor refuted, or where the samples are so small
  /// that no difference, however large, would be significant.
  package var verdict = "same"
}

/// What a comparison says.
package enum Verdict: String, Encodable, Sendable {
  case same, different
  /// Nothing was found to differ, but nothing could have been: there is no verdict.
  case inconclusive
}

/// The result of a comparison.
package struct ComparisonOutcome: Encodable, Sendable {
  package var expected: String
  package var actual: String
  /// A difference that was found stands, whatever else could not be compared.
  package var verdict: Verdict { total > 0 ? .different : reasons.isEmpty ? .same : .inconclusive }
  package var isSame: Bool { verdict == .same }
  /// Why nothing that was found would not mean that nothing differs; empty where it does.
  package var reasons: [String] = []
  /// Dashboards (and data sets) compared.
  package var documents = 0
  /// Figures compared.
  package var figures: Int64 = 0
  /// Rows of requests compared.
  package var requests: Int64 = 0
  /// Replications on each side; 1 for single outputs.
  package var replications = [1, 1]
  /// All differences that there are.
  package var total: Int64 = 0
  /// The worst of them.
  package var differences: [Difference] = []
  /// All elements without a counterpart, counted list by list; the first hundred of each are among the differences.
  package var unmatched: [UnmatchedElements] = []
  package var tests: [StatisticalTest] = []
  package var significance: Double?
  package var warnings: [String] = []
  package var notes: [String] = []
  /// How many differences each document has.
  package var byDocument: [String: Int64] = [:]
  /// All documents compared, in order.
  package var names: [String] = []

  private enum CodingKeys: String, CodingKey {
    case verdict, summary, reason, expected, actual, documents, figures, requests, replications, total
    case differences, unmatched, tests, significance, warnings, notes
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(verdict, forKey: .verdict)
    try container.encode(summary, forKey: .summary)
    if verdict == .inconclusive { try container.encode(reasons.joined(separator: " "), forKey: .reason) }
    try container.encode(expected, forKey: .expected)
    try container.encode(actual, forKey: .actual)
    try container.encode(documents, forKey: .documents)
    try container.encode(figures, forKey: .figures)
    try container.encode(requests, forKey: .requests)
    try container.encode(replications, forKey: .replications)
    try container.encode(total, forKey: .total)
    try container.encode(differences, forKey: .differences)
    try container.encode(unmatched, forKey: .unmatched)
    try container.encode(tests, forKey: .tests)
    try container.encodeIfPresent(significance, forKey: .significance)
    try container.encode(warnings, forKey: .warnings)
    try container.encode(notes, forKey: .notes)
  }
}
