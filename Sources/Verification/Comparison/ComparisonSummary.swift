import Telemetry

extension Verdict {
  /// For people.
  package var words: String {
    switch self {
    case .same: "The same"
    case .different: "Different"
    case .inconclusive: "Inconclusive"
    }
  }
}

/// What a comparison came to in one line, with the same words on a terminal, in JSON and on the page.
extension ComparisonOutcome {
  /// `Different: 12 differences in 2 of 4 outputs; 688 figures in 4 outputs compared.`
  package var summary: String { "\(verdict.words): \(counts)" }

  /// `120 statistical tests at 5 % together: 3 significant.`; `nil` where none was made.
  package var testSummary: String? {
    guard !tests.isEmpty else { return nil }
    let different = tests.filter { $0.verdict == "different" }.count
    return
      "\(Figure.count(tests.count)) statistical tests at \(Figure.share(significance ?? 0)) together: \(Figure.count(different)) significant."
  }

  /// The same as `summary`, without the verdict.
  package var counts: String {
    var compared = "\(Figure.count(figures)) figures"
    if requests > 0 { compared += " of \(Figure.count(requests)) requests" }
    if documents > 1 || requests == 0 {
      compared += " in \(Figure.count(documents)) \(documents == 1 ? "output" : "outputs")"
    }
    if replications != [1, 1] { compared += ", \(replications[0]) and \(replications[1]) replications" }
    switch verdict {
    case .same: return "\(compared)."
    case .inconclusive: return "\(compared) compared, and no difference found."
    case .different: break
    }
    let many = total == 1 ? "1 difference" : "\(Figure.count(total)) differences"
    let places = documents > 1 ? " in \(min(byDocument.count, documents)) of \(documents) outputs" : ""
    return "\(many)\(places); \(compared) compared."
  }
}
