import Datasets
import Foundation
import Telemetry
import Verification

/// A comparison's result for people.
struct ComparisonText {
  private let result: ComparisonOutcome
  private let most: Int
  /// Further periods of a dashboard in which a figure differs, by the path that is shown.
  private let periods: [String: [String]]

  init(_ result: ComparisonOutcome, most: Int) {
    self.result = result
    self.most = most
    periods = [:]
  }

  /// A comparison of baselines: figures before hashes, and a figure that differs in several periods once, with the others.
  init(baselines result: ComparisonOutcome, most: Int) {
    var result = result
    var periods: [String: [String]] = [:]
    var shown: [String: String] = [:]
    let isHash = { (difference: Difference) in difference.path.utf8.starts(with: "hashes.".utf8) }
    let ordered = result.differences.filter { !isHash($0) } + result.differences.filter(isHash)
    result.differences = ordered.filter { difference in
      guard let (key, period) = Self.figure(of: difference) else { return true }
      guard let first = shown[key] else {
        shown[key] = Self.key(difference)
        return true
      }
      periods[first, default: []].append(period)
      return false
    }
    self.result = result
    self.most = most
    self.periods = periods
  }

  private static func key(_ difference: Difference) -> String {
    "\(difference.document)\0\(difference.path)"
  }

  /// A figure of a dashboard without its period, and that.
  private static func figure(of difference: Difference) -> (key: String, period: String)? {
    let dashboard = /(dashboards\..*)-(24h|7d|30d|90d)(\..*)/.matchingSemantics(.unicodeScalar)
    guard let found = difference.path.wholeMatch(of: dashboard) else { return nil }
    return ("\(difference.document)\0\(difference.kind)\0\(found.1)\0\(found.3)", String(found.2))
  }

  func text() -> String {
    var lines = [headline]
    lines += result.warnings.map { "warning: \($0.split(separator: ": warning: ").last ?? "")".shown }
    // Elements of lists are counted list by list: a shifted clock would fill the screen.
    let structure = result.differences.filter { $0.kind != .value && $0.kind != .statistical }
    let whole = structure.filter { !$0.isElement }
    let figures = result.differences.filter { $0.kind == .value || $0.kind == .statistical }
    let shownWhole = whole.prefix(most)
    let shownLists = result.unmatched.prefix(most - shownWhole.count)
    let shownFigures = figures.prefix(most)
    if !shownWhole.isEmpty || !shownLists.isEmpty {
      lines += ["", Terminal.bold("Structure")] + shownWhole.flatMap(structural) + shownLists.flatMap(list)
    }
    if !shownFigures.isEmpty {
      lines += ["", Terminal.bold("Figures, worst first")] + shownFigures.flatMap(figure)
    }
    let further = (shownWhole + shownFigures).reduce(0) { $0 + (periods[Self.key($1)]?.count ?? 0) }
    let counted = shownLists.reduce(Int64(shownWhole.count + shownFigures.count + further)) {
      $0 + $1.missing + $1.extra
    }
    if result.total > counted {
      lines += ["", "… and \(Figure.count(result.total - counted)) more (--most N, --json, --html FILE)."]
    }
    if let tests = result.testSummary { lines += ["", tests] }
    lines += result.notes.map { Terminal.dim($0) }
    return lines.joined(separator: "\n")
  }

  private var headline: String {
    let words = result.verdict.words
    // The line on standard error says why something is inconclusive.
    return "\(result.verdict == .same ? Terminal.good(words) : Terminal.bad(words)): \(result.counts)"
  }

  private static func percent(_ share: Double) -> String { String(format: "%.3g %%", share * 100) }

  private func place(_ difference: Difference) -> String {
    var path = difference.path.isEmpty ? "the whole output" : difference.path
    if let others = periods[Self.key(difference)] { path += " (and \(others.joined(separator: ", ")))" }
    return (result.documents > 1 ? "\(difference.document): \(path)" : path).shown
  }

  private func structural(_ difference: Difference) -> [String] {
    let what: String
    switch difference.kind {
    case .missing: what = "missing: \(difference.expected ?? "")"
    case .extra: what = "not expected: \(difference.actual ?? "")"
    default: what = "\(difference.expected ?? "–") → \(difference.actual ?? "–")"
    }
    return ["  \(place(difference))", "      \(what.shown)\(look(difference))"]
  }

  private func list(_ list: UnmatchedElements) -> [String] {
    var counts: [String] = []
    if list.missing > 0 { counts.append("\(Figure.count(list.missing)) missing") }
    if list.extra > 0 { counts.append("\(Figure.count(list.extra)) not expected") }
    let path = result.documents > 1 ? "\(list.document): \(list.path)" : list.path
    let examples = list.examples.compactMap { example -> String? in
      guard let bracket = example.path.lastIndex(of: "[") else { return nil }
      return String(example.path[bracket...].dropFirst().dropLast())
    }
    let more = Int64(examples.count) < list.missing + list.extra ? ", …" : ""
    return [
      "  \(path.shown)",
      "      \(counts.joined(separator: ", ")): \(examples.joined(separator: ", ").shown)\(more)",
      "      \(Terminal.dim((list.examples.first?.look ?? "").shown))",
    ]
  }

  private func figure(_ difference: Difference) -> [String] {
    var change = "\(difference.expected ?? "–") → \(difference.actual ?? "–")"
    if let amount = difference.difference {
      change += "   \(amount > 0 ? "+" : "−")\(Self.amount(abs(amount)))"
      if let share = difference.relative { change += " (\(Self.percent(share)))" }
    }
    if let allowed = difference.allowed { change += "   allowed: \(allowed)" }
    return ["  \(place(difference))", "      \(change.shown)\(look(difference))"]
  }

  private static func amount(_ value: Double) -> String {
    value == value.rounded() && value < 1e15 ? String(Int64(value)) : String(format: "%.6g", value)
  }

  private func look(_ difference: Difference) -> String {
    difference.look.isEmpty ? "" : "\n      \(Terminal.dim(difference.look.shown))"
  }

  // MARK: GitHub

  /// Workflow commands: `::error title=…::message`.
  func annotations() -> String {
    let open =
      result.verdict == .inconclusive
      ? ["::error title=inconclusive::\(GitHubText.data(result.reasons.joined(separator: " ").shown))"] : []
    let errors = result.differences.prefix(most).map { difference in
      let message =
        "\(difference.path.isEmpty ? "the whole output" : difference.path): expected \(difference.expected ?? "nothing"), is \(difference.actual ?? "missing"). \(difference.look)"
      return
        "::error title=\(GitHubText.property("\(difference.document) differs".shown))::\(GitHubText.data(message.shown))"
    }
    return (open + errors + result.warnings.map { "::warning::\(GitHubText.data($0.shown))" }).joined(
      separator: "\n")
  }
}
