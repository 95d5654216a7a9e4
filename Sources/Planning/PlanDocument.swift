import Documents
import Foundation

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

  private mutating func read(_ root: DocumentNode, _ diagnostics: Diagnostics) {
    guard let top = Section(root, PlanGrammar.plan, diagnostics, .utc) else { return }
    _ = top.integer("workbenchPlan")
    for entry in top.map("vary") {
      if let text = entry.value.scalar {
        vary.append((entry.key, text))
      } else if let elements = entry.value.elements {
        vary.append((entry.key, elements.map(YAMLWriter.line).joined(separator: ",")))
      } else {
        diagnostics.error(
          entry.value.location,
          "\(entry.key) must be A..B:STEP or a list of values, not \(entry.value.kindName).")
      }
    }
    var names: Set<String> = []
    for section in top.sections("variants") {
      guard let name = section.name("name") else { continue }
      if !names.insert(name).inserted {
        section.error("name", "a second variant is called \(quoted(name)). Rename one of them.")
      }
      var set: [String] = []
      for node in section.list("set") {
        guard let text = node.scalar, text.utf8.contains(UInt8(ascii: "=")) else {
          diagnostics.error(
            node.location, "must be PATH=VALUE, or PATH+=VALUE to append to a list, not \(node.kindName).")
          continue
        }
        set.append(text)
      }
      if set.isEmpty { section.error("set", "the variant changes nothing. Give PATH=VALUE.") }
      variants.append(Variant(name: name, set: set))
    }
    replications = top.has("replications") ? top.integer("replications") : nil
    maxReplications = top.has("maxReplications") ? top.integer("maxReplications") : nil
    samples = top.has("samples") ? top.integer("samples") : nil
    slo = top.has("slo") ? top.text("slo") : nil
    minimize = top.has("minimize") ? top.text("minimize") : nil
    precision = top.has("precision") ? top.text("precision") : nil
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

  static let variant = Shape(
    "planVariant", "A variant.",
    [
      Key("name", .text, required: true, "Its name."),
      Key("set", .list(.text), required: true, "PATH=VALUE each; PATH+=VALUE appends to a list."),
    ])
}
