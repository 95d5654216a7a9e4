import Documents
import Foundation
import Telemetry

/// A deployment's `scaling` outside of any scenario: a policy that is held against what was recorded.
///
/// It is a mapping with the key `scaling`, or what stands under that key, or what stands under `policy` there.
package struct ScalingDocument {
  /// What a deployment has whose policy it is to be, and the document need not repeat; `nil` is unknown.
  package struct Deployment {
    package var minReplicas: Int?
    package var maxReplicas: Int?
    package var maxBatchSize: Int?
    /// µs.
    package var startup: Int64?
    /// Of the account: schedules have local times.
    package var calendar: ZonedCalendar

    package init(
      minReplicas: Int?, maxReplicas: Int?, maxBatchSize: Int?, startup: Int64?, calendar: ZonedCalendar
    ) {
      (self.minReplicas, self.maxReplicas) = (minReplicas, maxReplicas)
      (self.maxBatchSize, self.startup, self.calendar) = (maxBatchSize, startup, calendar)
    }
  }

  private let path: String
  private let root: DocumentNode

  private static let key = "scaling"
  private static let shape = Shape(
    "scalingDocument", "A deployment's scaling.",
    [Key(key, .object { Scenario.Scaling.shape }, required: true, Scenario.Scaling.shape.about)])

  /// - Throws: `DocumentErrors` if it is not YAML.
  package init(_ data: Data, path: String) throws {
    self.path = path
    let node = try Document.parse(data, path: path)
    func wrapped(_ node: DocumentNode, as key: String) -> DocumentNode {
      DocumentNode(
        value: .mapping([.init(key: key, keyLocation: node.location, value: node)]), location: node.location)
    }
    let keys = node.entries?.map(\.key) ?? []
    if keys.contains(Self.key) {
      root = node
    } else if keys.contains(where: { ScalingPolicy.shape.key($0) != nil }) {
      root = wrapped(wrapped(node, as: "policy"), as: Self.key)
    } else {
      root = wrapped(node, as: Self.key)
    }
  }

  /// Whether the document is a scenario, which has policies among others things.
  package static func isScenario(_ data: Data) -> Bool {
    (try? Document.parse(data, path: ""))?.member("workbench") != nil
  }

  /// The scaling of a deployment under the policy.
  /// - Throws: `DocumentErrors` with everything that is wrong.
  package func scaling(of deployment: Deployment) throws -> Scenario.Scaling {
    var root = root
    let known = [
      ("minReplicas", deployment.minReplicas.map(String.init)),
      ("maxReplicas", deployment.maxReplicas.map(String.init)),
      ("maxBatchSize", deployment.maxBatchSize.map(String.init)),
      ("startup", deployment.startup.map { "\($0)us" }),
    ]
    root.change(Self.key) { scaling in
      guard case .mapping(var entries) = scaling.value else { return }
      for (name, value) in known where !entries.contains(where: { $0.key == name }) {
        guard let value else { continue }
        let node = DocumentNode(value: .scalar(value, isPlain: true), location: scaling.location)
        entries.append(.init(key: name, keyLocation: scaling.location, value: node))
      }
      scaling.value = .mapping(entries)
    }
    let diagnostics = Diagnostics()
    let scaling = Section(root, Self.shape, diagnostics, deployment.calendar).flatMap { top in
      top.section(Self.key).flatMap { Scenario.Scaling($0) }
    }
    let found = diagnostics.inOrder()
    guard found.isEmpty, let scaling else { throw DocumentErrors(path: path, diagnostics: found) }
    return scaling
  }

  /// What is wrong with it for a deployment that has this `scaling` now.
  /// - Throws: `DocumentErrors` with everything that is wrong.
  package func check(with scaling: DocumentNode) throws {
    func number(_ name: String) -> Int? { scaling.member(name)?.scalar.flatMap { Int($0) } }
    _ = try self.scaling(
      of: .init(
        minReplicas: number("minReplicas"), maxReplicas: number("maxReplicas"),
        maxBatchSize: number("maxBatchSize"), startup: nil, calendar: .utc))
  }

  private var own: [DocumentNode.Entry] { root.member(Self.key)?.entries ?? [] }

  private static func isOfPolicy(_ entry: DocumentNode.Entry) -> Bool {
    ScalingPolicy.keys.contains { $0.name == entry.key }
  }

  /// Whether a deployment's `scaling` has keys of a policy that this one replaces, besides `policy` itself.
  package func replacesKeys(of scaling: DocumentNode) -> Bool {
    own.contains(where: Self.isOfPolicy)
      && (scaling.entries ?? []).contains { entry in
        Self.isOfPolicy(entry) && !own.contains { $0.key == entry.key }
      }
  }

  /// A deployment's `scaling` with what this one states instead: with another policy, nothing of the one that it had.
  package func merged(over scaling: DocumentNode) -> DocumentNode {
    let hasPolicy = own.contains(where: Self.isOfPolicy)
    let kept = (scaling.entries ?? []).filter { entry in
      !(hasPolicy && Self.isOfPolicy(entry)) && !own.contains { $0.key == entry.key }
    }
    return DocumentNode(value: .mapping(kept + own), location: scaling.location)
  }
}
