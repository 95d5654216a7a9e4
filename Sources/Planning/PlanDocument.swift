import Documents
import Foundation
import ScenarioModel
import Telemetry

/// A plan file: what `workbench plan` varies and asks for, kept beside a scenario.
package struct PlanDocument: Sendable {
  package struct Variant: Sendable {
    package var name: String
    /// `PATH=VALUE` each.
    package var set: [String]
  }

  /// Path and values, as on the command line.
  package var vary: [(path: String, values: String)] = []
  package var variants: [Variant] = []
  package var decisions: [Plan.Decision] = []
  package var cases: [PlanCase] = []
  /// Policies that decisions state, as if each had a file of its own.
  package var files: [String: Plan.FileValue] = [:]
  package var growth: String?
  package var growthWeeks: Int?
  package var replications: Int?
  package var maxReplications: Int?
  package var samples: Int?
  package var slo: String?
  package var minimize: String?
  package var precision: String?

  /// - Throws: `DocumentErrors` with everything that is wrong.
  package init(_ data: Data, path: String) throws {
    let root = try Document.parse(data, path: path)
    let diagnostics = Diagnostics()
    read(root, diagnostics)
    let found = diagnostics.inOrder()
    guard found.isEmpty else { throw DocumentErrors(path: path, diagnostics: found) }
  }

  /// Reads the files that its values name.
  /// - Parameter read: the bytes of a file, by the name that the value gives it.
  /// - Throws: as `Plan.readFiles`.
  package mutating func readFiles(_ read: (String) throws -> Data) throws {
    var plan = Plan()
    try plan.fill(from: self)
    try plan.readFiles(read)
    files = plan.files ?? [:]
  }

  private mutating func read(_ root: DocumentNode, _ diagnostics: Diagnostics) {
    guard let top = Section(root, PlanGrammar.plan, diagnostics, .utc) else { return }
    _ = top.integer("workbenchPlan")
    vary = Self.variations(top, diagnostics)
    for (name, section) in Self.named(top, "variants", "variant") {
      let set = Self.changes(section, diagnostics)
      if set.isEmpty { section.error("set", "the variant changes nothing. Give PATH=VALUE.") }
      variants.append(Variant(name: name, set: set))
    }
    for (name, section) in Self.named(top, "decisions", "decision") {
      decisions.append(decision(name, section, diagnostics))
    }
    for (name, section) in Self.named(top, "cases", "case") {
      var own = PlanCase(name: name, set: Self.changes(section, diagnostics))
      if section.has("weight"), let text = section.text("weight") {
        own.weight = NumberText.share(text)
        if own.weight == nil { section.error("weight", "\(quoted(text)) is not a share. Write 20% or 0.2.") }
      }
      cases.append(own)
    }
    growth = top.has("growth") ? top.text("growth") : nil
    growthWeeks = top.has("growthWeeks") ? top.integer("growthWeeks") : nil
    replications = top.has("replications") ? top.integer("replications") : nil
    maxReplications = top.has("maxReplications") ? top.integer("maxReplications") : nil
    samples = top.has("samples") ? top.integer("samples") : nil
    slo = top.has("slo") ? top.text("slo") : nil
    minimize = top.has("minimize") ? top.text("minimize") : nil
    precision = top.has("precision") ? top.text("precision") : nil
  }

  /// What is varied, in the document or in a decision.
  private static func variations(_ section: Section, _ diagnostics: Diagnostics) -> [(
    path: String, values: String
  )] {
    section.map("vary").compactMap { entry in
      if let text = entry.value.scalar { return (entry.key, text) }
      if let elements = entry.value.elements {
        return (entry.key, elements.map(YAMLWriter.line).joined(separator: ","))
      }
      diagnostics.error(
        entry.value.location,
        "\(entry.key) must be A..B:STEP or a list of values, not \(entry.value.kindName).")
      return nil
    }
  }

  /// Those with a name; no two may share one.
  private static func named(_ top: Section, _ key: String, _ what: String) -> [(String, Section)] {
    var names: Set<String> = []
    return top.sections(key).compactMap { section in
      guard let name = section.name("name") else { return nil }
      if !names.insert(name).inserted {
        section.error("name", "a second \(what) is called \(quoted(name)). Rename one of them.")
      }
      return (name, section)
    }
  }

  private static func changes(_ section: Section, _ diagnostics: Diagnostics) -> [String] {
    section.list("set").compactMap { node in
      guard let text = node.scalar, text.utf8.contains(UInt8(ascii: "=")) else {
        diagnostics.error(
          node.location, "must be PATH=VALUE, or PATH+=VALUE to append to a list, not \(node.kindName).")
        return nil
      }
      return text
    }
  }

  private mutating func decision(_ name: String, _ section: Section, _ diagnostics: Diagnostics)
    -> Plan.Decision
  {
    var set: [String] = []
    if section.has("scaling"), section.has("policy") {
      section.error(
        "policy", "scaling and policy cannot be given together. Put the policy into the file, or remove one.")
    }
    if section.has("scaling"), let file = section.text("scaling") { set.append("scaling=@\(file)") }
    if let policy = section.node("policy"), let keys = section.section("policy"),
      ScalingPolicy.choice(keys) != nil
    {
      set.append("scaling=@\(name)")
      files["@\(name)"] = Plan.FileValue(
        path: name, text: "policy: \(YAMLWriter.line(policy))\n", label: name)
    }
    set += Self.changes(section, diagnostics)
    let vary = Self.variations(section, diagnostics).map { Plan.Variation(path: $0.path, values: $0.values) }
    if set.isEmpty, vary.isEmpty, !section.has("policy") {
      section.error(nil, "the decision changes nothing. Give policy, scaling, set or vary.")
    }
    return .init(name: name, set: set, vary: vary)
  }

  /// The JSON Schema of a plan file.
  package static func schemaJSON() throws -> String {
    try DocumentSchema.json(PlanGrammar.plan, title: "Model Analytics Workbench plan")
  }
}

/// Every key of a plan file.
enum PlanGrammar {
  static let plan = Shape(
    "plan", "What a plan varies and estimates.",
    [
      Key("workbenchPlan", .integer(1...1), required: true, "Format version of the document: 1."),
      Key(
        "vary", .map(keys: ".+", .either(.text, .list(.text))),
        "Paths of the scenario, each with A..B:STEP or a list of values; every combination is a variant."),
      Key("variants", .list(.object { variant }), "Explicit variants, for structural changes."),
      Key(
        "decisions", .list(.object { decision }),
        "What can be decided, such as a scaling policy, each with parameters of its own; combined with every combination of vary."
      ),
      Key(
        "cases", .list(.object { planCase }),
        "What may happen, whatever is decided: every variant is simulated in every case, and the recommended one meets the objectives in all of them."
      ),
      Key(
        "growth", .text,
        "How demand grows, 5%/week, or scenario for the growth of load.uncertainty: when does it break an objective?"
      ),
      Key("growthWeeks", .integer(1...520), default: "52", "How far to look ahead, weeks."),
      Key(
        "replications", .integer(2...100_000), default: "20",
        "Replications of every variant; in a search, of the best."),
      Key("maxReplications", .integer(2...100_000), default: "500", "The most replications of any variant."),
      Key(
        "samples", .integer(2...100_000),
        "A Latin hypercube of this many variants instead of every combination."),
      Key("slo", .text, "Service-level objectives: latency.p95 <= 2s, failureRate <= 0.1%."),
      Key("minimize", .text, "The metric to minimise."),
      Key("precision", .text, "METRIC=SHARE: replications until the interval is that narrow."),
    ])

  static let decision = Shape(
    "planDecision", "What can be decided.",
    [
      Key("name", .text, required: true, "Its name."),
      Key(
        "scaling", .text,
        "A file with the scaling of every deployment, as for workbench shadow. What it does not state stays; its policy replaces the one there is."
      ),
      Key("policy", .object { ScalingPolicy.shape }, "Instead of a file: the policy of every deployment."),
      Key(
        "set", .list(.text), "PATH=VALUE each; PATH+=VALUE appends to a list, a value @FILE is the file's."),
      Key(
        "vary", .map(keys: ".+", .either(.text, .list(.text))),
        "Paths and values as in the plan's vary, of this decision alone: the parameters of its policy."),
    ])

  static let planCase = Shape(
    "planCase", "What may happen.",
    [
      Key("name", .text, required: true, "Its name."),
      Key(
        "weight", .text,
        "Its share of what may happen, 20%. Either all cases have a weight, and sum to 100%, or none has: then all weigh the same, and the scenario as it is is one of them."
      ),
      Key("set", .list(.text), "PATH=VALUE each; none: the scenario as it is."),
    ])

  static let variant = Shape(
    "planVariant", "A variant.",
    [
      Key("name", .text, required: true, "Its name."),
      Key("set", .list(.text), required: true, "PATH=VALUE each; PATH+=VALUE appends to a list."),
    ])
}
