import Documents
import Foundation
import Telemetry

/// `expect:` of a document: objectives, each with its place.
package struct Expectations: Sendable {
  package struct Entry: Sendable {
    package var objective: ServiceObjective
    package var location: Location
  }

  package private(set) var entries: [Entry] = []

  static let key = Key(
    "expect", .list(.text),
    "Service-level objectives: a run that breaks one is a failed test. For instance latency.p95 <= 5s, models.chat.ttft.p99 <= 800ms, goodput(ttft <= 1s, tpot <= 50ms) >= 99%, latency.p95 <= 5s in 95% of hours."
  )

  private init() {}

  /// What is wrong with an entry goes to the diagnostics.
  init(_ section: Section) {
    guard section.keyLocations[Self.key.name] != nil else { return }
    let nodes = section.list(Self.key.name)
    if nodes.isEmpty, section.node(Self.key.name).map({ $0.elements != nil }) ?? true {
      section.error(Self.key.name, "expect is empty. Name at least one objective, or leave it out.")
    }
    for node in nodes {
      guard let text = node.scalar else {
        section.diagnostics.error(
          node.location,
          "an entry of expect must be an objective such as latency.p95 <= 5s, not \(node.kindName). Put it in quotes if it has a colon or a brace."
        )
        continue
      }
      do {
        let objective = try ServiceObjective(text)
        if entries.contains(where: { $0.objective == objective }) {
          section.diagnostics.error(node.location, "\(objective) is given twice. Leave one of them out.")
        }
        entries.append(Entry(objective: objective, location: node.location))
      } catch {
        section.diagnostics.error(node.location, error.description)
      }
    }
  }

  // MARK: A file of objectives

  static let documentShape = Shape(
    "objectives", "Objectives, kept in a file of their own.",
    [
      Key("workbenchObjectives", .integer(1...1), required: true, "Format version of the document: 1."),
      Key(key.name, key.kind, required: true, key.about),
    ])

  /// - Throws: `DocumentErrors` with everything that is wrong.
  package init(_ data: Data, path: String) throws {
    let root = try Document.parse(data, path: path)
    let diagnostics = Diagnostics()
    if let top = Section(root, Self.documentShape, diagnostics, .utc) {
      _ = top.integer("workbenchObjectives")
      self.init(top)
    } else {
      self.init()
    }
    let found = diagnostics.inOrder()
    guard found.isEmpty else { throw DocumentErrors(path: path, diagnostics: found) }
  }

  /// The JSON Schema of such a file.
  package static func schemaJSON() throws -> String {
    try DocumentSchema.json(documentShape, title: "Model Analytics Workbench objectives")
  }
}

extension ScenarioReader {
  /// The objectives of a scenario whose accounts have been read.
  func expectations(_ top: Section, _ accounts: [Scenario.Account], simulated: Int64) -> [ServiceObjective] {
    let expectations = Expectations(top)
    // Of a document with errors, what there is is not known.
    guard diagnostics.all.isEmpty else { return [] }
    let limits = ExpectationLimits(accounts, simulatedMicroseconds: simulated)
    for entry in expectations.entries {
      if let problem = limits.unknown(entry.objective) {
        diagnostics.error(entry.location, "\(entry.objective): \(problem)")
      } else if let problem = limits.problem(entry.objective) {
        let message = "\(entry.objective): \(problem)"
        // Of a variant, that its settings cannot break it may be the answer.
        if isChanged {
          diagnostics.warning(entry.location, message)
        } else {
          diagnostics.error(entry.location, message)
        }
      }
    }
    return expectations.entries.map(\.objective)
  }
}
