import Documents
import Telemetry

/// What stands before the sign of an objective: a scope, and a metric.
struct ObjectiveTarget {
  let metric: ObjectiveMetric
  let scope: ObjectiveScope

  typealias Problem = ServiceObjective.Problem

  /// - Throws: `ServiceObjective.Problem`.
  init(_ text: String) throws(ServiceObjective.Problem) {
    if let bracket = Self.brackets(text) {
      (metric, scope) = try Self.inBrackets(bracket.base, bracket.inside, text)
      return
    }
    let parts = ObjectiveText.cut(text, at: ".")
    var scope = ObjectiveScope()
    var place = 0
    if Name.same(parts[0], "pooled") {
      scope.isPooled = true
      place = 1
    }
    while place < parts.count, let part = ObjectiveScope.Part(rawValue: parts[place]) {
      try Self.check(part, scope)
      let (selector, end) = try Self.selector(parts, place + 1, part, text)
      scope[part] = selector
      place = end
    }
    let name = parts[place...].joined(separator: ".")
    guard !name.isEmpty else {
      throw Problem("\(quoted(text)) names no metric. Write for instance \(text).latency.p95.")
    }
    metric = try Self.metric(name)
    self.scope = scope
  }

  /// Whether a part may follow what is there.
  private static func check(_ part: ObjectiveScope.Part, _ scope: ObjectiveScope) throws(Problem) {
    if scope[part] != nil {
      throw Problem("\(part.rawValue) is given twice. Name one \(part.one), or write an objective for each.")
    }
    let order = ObjectiveScope.Part.allCases
    guard let own = order.firstIndex(of: part) else { return }
    if let later = order[(own + 1)...].first(where: { scope[$0] != nil }) {
      throw Problem(
        "\(part.rawValue) stands after \(later.rawValue). Write \(part.rawValue).NAME before \(later.rawValue).NAME."
      )
    }
    if part == .versions, scope.model == nil {
      throw Problem("a version belongs to a model. Write models.NAME.versions.NAME.")
    }
    if scope.isPooled, part != .classes {
      throw Problem(
        "pooled means all models together, so that it cannot be followed by \(part.rawValue). Leave one of them out."
      )
    }
  }

  /// A name, `*` or a name in quotes; a name may have points in it, and ends before what can follow it.
  private static func selector(
    _ parts: [String], _ start: Int, _ part: ObjectiveScope.Part, _ text: String
  ) throws(Problem) -> (ObjectiveScope.Selector, end: Int) {
    let missing = Problem(
      "\(part.rawValue) has no name. Write \(part.rawValue).NAME, or \(part.rawValue).* for each of them.")
    guard start < parts.count, !parts[start].isEmpty else { throw missing }
    let first = parts[start]
    if Name.same(first, "*") { return (.each, start + 1) }
    if first.unicodeScalars.first == "\"" {
      guard let name = first.unquotedInScope else {
        throw Problem(
          "the quote in \(quoted(text)) is not closed. Close it, and write \\\" for one in a name.")
      }
      guard !name.isEmpty else { throw missing }
      return (.named(name), start + 1)
    }
    var end = start + 1
    while end < parts.count, !canFollow(parts, end) { end += 1 }
    // Nothing after it is known: what follows the first point is a metric that there is none of.
    if end == parts.count { end = start + 1 }
    return (.named(parts[start..<end].joined(separator: ".")), end)
  }

  private static func canFollow(_ parts: [String], _ place: Int) -> Bool {
    if ObjectiveScope.Part(rawValue: parts[place]) != nil { return true }
    let rest = parts[place...].joined(separator: ".")
    return ObjectiveMetric(rest) != nil || goodput(rest) != nil
  }

  // MARK: Metrics

  private static func metric(_ name: String) throws(Problem) -> ObjectiveMetric {
    if let inside = goodput(name) { return .goodput(try conditions(inside)) }
    if let metric = ObjectiveMetric(name) { return metric }
    if let why = unknowable[name] { throw Problem("there is no metric \(quoted(name)): \(why)") }
    let hint = nearest(name, among: ObjectiveMetric.known).map { " Did you mean \($0)?" } ?? ""
    throw Problem("there is no metric \(quoted(name)).\(hint) There are: \(ObjectiveMetric.names).")
  }

  /// Figures that the field has and telemetry does not.
  private static let unknowable: [String: String] = {
    func between(_ statistic: String) -> String {
      "telemetry has the times of a response's first and last token, not of those between. Use itl.mean, their average over all tokens, or tpot.\(statistic), of the averages of responses."
    }
    var all = ["itl": between("p95")]
    for quantile in LatencyQuantile.allCases { all["itl.\(quantile.name)"] = between(quantile.name) }
    for span in ObjectiveMetric.Span.allCases {
      all[span.name] =
        "it is of single requests. Say which of all requests: \(span.name).mean, or a quantile such as \(span.name).p95."
    }
    all["goodput"] = "it needs its conditions. Write for instance goodput(ttft <= 1s, tpot <= 50ms) >= 99%."
    return all
  }()

  /// The conditions of a goodput by its name; `nil` of anything else.
  static func goodputConditions(_ name: String) -> [ObjectiveMetric.Condition]? {
    goodput(name).flatMap { try? conditions($0) }
  }

  /// What stands in the parentheses of goodput.
  private static func goodput(_ name: String) -> String? {
    let prefix = "goodput("
    guard name.utf8.starts(with: prefix.utf8), name.unicodeScalars.last == ")" else { return nil }
    return String(name.unicodeScalars.dropFirst(prefix.unicodeScalars.count).dropLast())
  }

  private static func conditions(_ text: String) throws(Problem) -> [ObjectiveMetric.Condition] {
    let known = ObjectiveMetric.Span.allCases.map(\.name).joined(separator: ", ")
    var conditions: [ObjectiveMetric.Condition] = []
    for part in ObjectiveText.cut(text, at: ",") {
      guard let (name, sign, value) = ObjectiveText.compared(part), sign == "<" else {
        throw Problem(
          "\(quoted(part.trimmed)) is not a condition of goodput. Write for instance ttft <= 1s; there are \(known)."
        )
      }
      guard let span = ObjectiveMetric.Span.allCases.first(where: { Name.same($0.name, name) }) else {
        let base = ObjectiveMetric.Span.allCases.first { name.utf8.starts(with: "\($0.name).".utf8) }
        let hint =
          base.map { "It is of each request, which has no quantiles: write \($0.name) <= \(value)." }
          ?? "There are \(known)."
        throw Problem("\(quoted(name)) cannot be a condition of goodput. \(hint)")
      }
      guard let milliseconds = ObjectiveBound.milliseconds(value) else {
        throw Problem(
          "\(quoted(value)) is not a bound on \(name). Write a duration such as 2s or 800ms.")
      }
      guard milliseconds > 0 || (milliseconds == 0 && !span.isPositive) else {
        throw Problem("\(part.trimmed) can never be met: \(name) is always above 0. Give a bound above that.")
      }
      guard !conditions.contains(where: { $0.span == span }) else {
        throw Problem("goodput has two conditions on \(name). Give the stricter one.")
      }
      conditions.append(
        .init(span: span, microseconds: milliseconds * 1000, text: "\(name) <= \(value)"))
    }
    return conditions
  }

  // MARK: The older spelling

  /// `latency.p95[model=chat]`.
  private static func brackets(_ text: String) -> (base: String, inside: String)? {
    let scalars = text.unicodeScalars
    guard scalars.last == "]", let bracket = scalars.firstIndex(of: "[") else { return nil }
    return (
      String(scalars[..<bracket]).trimmed,
      String(scalars[scalars.index(after: bracket)...].dropLast()).trimmed
    )
  }

  private static func inBrackets(
    _ base: String, _ inside: String, _ text: String
  ) throws(Problem) -> (ObjectiveMetric, ObjectiveScope) {
    let metric = try metric(base)
    var scope = ObjectiveScope()
    scope.isInBrackets = true
    let prefix = "model="
    if Name.same(inside, "all") {
      scope.isPooled = true
    } else if inside.utf8.starts(with: prefix.utf8),
      let name = String(inside.unicodeScalars.dropFirst(prefix.unicodeScalars.count)).trimmed.unquotedInScope,
      !name.isEmpty
    {
      scope.model = .named(name)
    } else {
      throw Problem(
        "there is no metric \(quoted(text)): in brackets stands all or model=NAME. There are: \(ObjectiveMetric.names)."
      )
    }
    return (metric, scope)
  }
}
