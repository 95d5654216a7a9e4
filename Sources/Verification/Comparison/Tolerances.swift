import Documents
import Foundation
import Telemetry

/// How far outputs may differ: rules by path, of which the last that matches decides.
package struct Tolerances: Sendable {
  /// What a rule asks of the figures that it matches.
  package enum Test: Equatable, Sendable {
    case exact
    case ignored
    /// Either limit suffices; the relative one is of the larger value, so that the verdict is the same both ways.
    case within(absolute: Double?, relative: Double?)
    /// Two-sample Kolmogorov–Smirnov.
    case distribution
    /// Equivalence of means.
    case means(Margin)
  }

  package struct Margin: Equatable, Sendable {
    package var absolute: Double
    /// Of the larger mean.
    package var relative: Double
    /// Whether equivalence must be shown, rather than a difference not shown.
    package var mustBeShown: Bool
  }

  /// One step of a path pattern.
  package enum Step: Hashable, Sendable {
    /// A member's name; `*` and `?` as in file names.
    case name(String)
    /// An element's key, in brackets.
    case element(String)
    /// `**`: any number of steps.
    case any
  }

  package struct Rule: Sendable {
    /// As written, for messages.
    package var pattern: String
    package var steps: [Step]
    /// Which dashboards or tables; as file names.
    package var documents: String?
    /// Whether figures may be missing on one side.
    package var isOptional: Bool
    /// `nil`: says nothing but `isOptional`.
    package var test: Test?
    package var location: Location?
  }

  /// Where the rules came from, for messages.
  package var path: String
  package var rules: [Rule] = []
  /// Of all statistical tests of a comparison together.
  package var significance = 0.01
  /// Whether instants that are the same but are written differently count as equal.
  package var comparesInstants = false

  /// Everything exact.
  package init() { path = "" }

  /// - Throws: `DocumentErrors` with everything that is wrong.
  package init(_ data: Data, path: String) throws {
    self.path = path
    let root = try Document.parse(data, path: path)
    let diagnostics = Diagnostics()
    read(root, diagnostics)
    let found = diagnostics.inOrder()
    guard found.isEmpty else { throw DocumentErrors(path: path, diagnostics: found) }
  }

  /// `file:line:column: warning: …`, for a rule.
  package func warning(_ rule: Rule, _ text: String) -> String {
    let place: String =
      if case .document(let line, let column)? = rule.location { ":\(line):\(column)" } else { "" }
    return "\(path)\(place): warning: \(text)".shown
  }

  private mutating func read(_ root: DocumentNode, _ diagnostics: Diagnostics) {
    guard let top = Section(root, ToleranceGrammar.tolerances, diagnostics, .utc) else { return }
    _ = top.integer("workbenchTolerances")
    if top.has("significance") {
      let value = Self.share(top, "significance")
      if let value, !(value > 0 && value < 0.5) {
        top.error("significance", "significance must lie between 0 and 50 %.")
      }
      significance = value ?? significance
    }
    if top.has("moments") { comparesInstants = top.choice("moments") == "instants" }
    for section in top.sections("rules") { if let rule = Self.rule(section) { rules.append(rule) } }
  }

  private static func rule(_ section: Section) -> Rule? {
    let isOptional = section.has("optional") && section.choice("optional") == "true"
    if section.has("path") == section.has("metric") {
      section.error(nil, "a rule needs a path or a metric, one of them.")
    }
    let pattern = section.text("path") ?? section.text("metric").map { "**.\($0)" } ?? ""
    guard let steps = steps(pattern) else {
      section.error(
        "path",
        "path \(quoted(pattern)) cannot be read. Write for instance requests.points[*].failures, latency.** or \"**.p99\"."
      )
      return nil
    }
    var tests: [(name: String, test: Test)] = []
    let absolute = section.has("absolute") ? limit(section, "absolute", isShare: false) : nil
    let relative = section.has("relative") ? limit(section, "relative", isShare: true) : nil
    if absolute != nil || relative != nil {
      tests.append(("absolute or relative", .within(absolute: absolute, relative: relative)))
    }
    if section.has("exact"), section.choice("exact") == "true" { tests.append(("exact", .exact)) }
    if section.has("ignore"), section.choice("ignore") == "true" { tests.append(("ignore", .ignored)) }
    if section.has("distribution"), section.choice("distribution") == "true" {
      tests.append(("distribution", .distribution))
    }
    if let means = section.section("means") {
      tests.append(
        (
          "means",
          .means(
            Margin(
              absolute: means.has("absolute") ? limit(means, "absolute", isShare: false) ?? 0 : 0,
              relative: means.has("margin") ? limit(means, "margin", isShare: true) ?? 0 : 0,
              mustBeShown: means.has("require") && means.choice("require") == "equivalence"))
        ))
    }
    if tests.count > 1 {
      section.error(
        nil, "\(tests.map(\.name).joined(separator: " and ")) cannot be given together; give one of them.")
    }
    let gave = ["absolute", "relative", "exact", "ignore", "distribution", "means"].contains {
      section.has($0)
    }
    if tests.isEmpty, !gave, !isOptional {
      section.error(
        nil,
        "the rule allows nothing. Give absolute, relative, exact, ignore, distribution, means or optional."
      )
    }
    return Rule(
      pattern: pattern, steps: steps, documents: section.has("dashboards") ? section.text("dashboards") : nil,
      isOptional: isOptional, test: tests.first?.test, location: section.location)
  }

  private static func limit(_ section: Section, _ name: String, isShare: Bool) -> Double? {
    guard let value = share(section, name, mayHavePercent: isShare) else { return nil }
    if value < 0 {
      section.error(name, "\(name) \(plain(value)) must not be negative.")
      return nil
    }
    return value
  }

  /// `2%` or `0.02`.
  private static func share(_ section: Section, _ name: String, mayHavePercent: Bool = true) -> Double? {
    guard let node = section.node(name) else { return nil }
    guard let text = node.scalar else {
      section.error(name, "\(name) must be a number, not \(node.kindName).")
      return nil
    }
    let isPercent = mayHavePercent && text.hasSuffix("%")
    let digits = isPercent ? text.dropLast().trimmingCharacters(in: .whitespaces) : text
    guard let value = Quantity.number(digits) else {
      section.error(
        name, "\(name) must be a number\(mayHavePercent ? " or a percentage" : ""), not \(quoted(text)).")
      return nil
    }
    return isPercent ? value / 100 : value
  }

  /// The steps of a pattern; `nil` if it is not valid.
  package static func steps(_ pattern: String) -> [Step]? {
    var steps: [Step] = []
    var rest = Substring(pattern)
    while !rest.isEmpty {
      if rest.first == "[" {
        guard let end = rest.firstIndex(of: "]") else { return nil }
        let key = rest[rest.index(after: rest.startIndex)..<end]
        guard !key.isEmpty else { return nil }
        steps.append(.element(String(key)))
        rest = rest[rest.index(after: end)...]
        if rest.first == "." {
          rest = rest.dropFirst()
          if rest.isEmpty { return nil }
        } else if let next = rest.first, next != "[" {
          return nil
        }
        continue
      }
      var name = ""
      while let character = rest.first, character != ".", character != "[" {
        rest = rest.dropFirst()
        if character == "\\", let escaped = rest.popFirst() {
          name.append("\\")
          name.append(escaped)
        } else {
          name.append(character)
        }
      }
      guard !name.isEmpty else { return nil }
      steps.append(name == "**" ? .any : .name(name))
      if rest.first == "." {
        rest = rest.dropFirst()
        if rest.isEmpty { return nil }
      }
    }
    return steps.isEmpty ? nil : steps
  }

  /// The JSON Schema of a tolerance file.
  package static func schemaJSON() throws -> String {
    try DocumentSchema.json(ToleranceGrammar.tolerances, title: "Model Analytics Workbench tolerances")
  }
}

/// Every key of a tolerance file.
enum ToleranceGrammar {
  private static let yes = Kind.choice(["true", "false"])
  private static let amount = Kind.either(.number(0...1e300), .text)

  static let tolerances = Shape(
    "tolerances", "How far outputs may differ. Without a rule, figures must be the same.",
    [
      Key("workbenchTolerances", .integer(1...1), required: true, "Format version of the document: 1."),
      Key(
        "significance", amount, default: "1%",
        "Of all statistical tests of a comparison together: how often outputs that do not differ are reported as different."
      ),
      Key(
        "moments", .choice(["asWritten", "instants"]), default: "asWritten",
        "Whether 2026-01-05T00:00:00Z and 2026-01-05T01:00:00+01:00 are the same."),
      Key("rules", .list(.object { rule }), "Rules; of those that match a figure, the last one decides."),
    ])

  static let rule = Shape(
    "toleranceRule", "What is allowed for the figures that it matches, and for all below them.",
    [
      Key(
        "path", .text,
        "Such as requests.points[*].failures: * is one name, [*] one element of a list, ** any number of steps."
      ),
      Key("metric", .text, "A figure's own name, wherever it stands: p99 is the path **.p99."),
      Key("dashboards", .text, "Only in dashboards or tables of this name, such as acme/external-*."),
      Key("absolute", amount, "Largest difference, in the figure's own unit."),
      Key("relative", amount, "Largest difference as a share of the larger value, 1% or 0.01."),
      Key("exact", yes, "Must be the same: an exception to a wider rule."),
      Key("ignore", yes, "Not compared."),
      Key("optional", yes, "May be missing on one side; compared if it is on both."),
      Key(
        "distribution", yes,
        "Kolmogorov–Smirnov: over replications, or of one run over all elements of a list that the path matches."
      ),
      Key("means", .object { means }, "Equivalence of means, over replications or the elements of a list."),
    ])

  static let means = Shape(
    "toleranceMeans", "Equivalence of means: Welch's test with a margin.",
    [
      Key("margin", amount, default: "0%", "Means may differ by this share of the larger one."),
      Key("absolute", amount, default: "0", "Means may differ by this much, in the figure's own unit."),
      Key(
        "require", .choice(["noDifference", "equivalence"]), default: "noDifference",
        "noDifference: fails if a difference beyond the margin is shown. equivalence: fails unless a smaller one is shown."
      ),
    ])
}
