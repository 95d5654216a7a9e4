import Datasets
import Foundation
import Planning
import ScenarioModel
import Simulation

/// The variants of a plan: made from its base, and refused where they cannot be compared with it.
extension PlanCommand {
  var baseOverrides: [String] { overrides + (seed.map { ["seed=\($0)"] } ?? []) }

  /// A variant of the base.
  /// - Parameters:
  ///   - base: of which it shares the traces that it names too; `nil` for the base itself.
  ///   - stored: what tasks have simulated under its number.
  /// - Throws: `ScenarioErrors` under the variant's name.
  func variant(
    _ name: String, _ changes: [String], path: String, base: Variant?, stored: CollectedPlan.Entry? = nil
  ) throws -> (variant: Variant, source: PlanSource) {
    let document: ScenarioDocument
    let place = stored?.path ?? path
    do {
      document = try ScenarioInput.document(
        place, overrides: stored == nil ? baseOverrides + changes : [], files: stored?.files ?? [:])
    } catch let errors as ScenarioErrors {
      if base == nil { throw errors }
      throw InvalidVariant(name: name, problem: errors.description)
    }
    if let base, let change = PriceOnlyChange(from: base.scenario, to: document.scenario) {
      throw InvalidVariant(name: name, problem: "\(path): error: \(change.description)")
    }
    let source = PlanSource(document, scenarioPath: place, files: stored?.files ?? [:])
    var traces = base?.traces ?? [:]
    let isShared = document.scenario.accounts.flatMap(\.models).allSatisfy { model in
      guard let source = model.load?.arrivals.replayed else { return true }
      return traces[source.selection] != nil
    }
    if base == nil || stored != nil || !isShared {
      traces = try ScenarioInput.traces(document.scenario, scenarioPath: place, files: source.files)
    }
    return (Variant(name: name, overrides: changes, scenario: document.scenario, traces: traces), source)
  }

  /// The base: the scenario with what --set changes of it.
  func baseVariant(_ path: String, _ stored: CollectedPlan.Entry?) throws -> (
    variant: Variant, source: PlanSource
  ) {
    let made = try variant("base", [], path: path, base: nil, stored: stored)
    // A file that is only valid with its overrides has nothing to be held against.
    if stored == nil, !overrides.isEmpty, let plain = try? ScenarioInput.document(path),
      let change = PriceOnlyChange(from: plain.scenario, to: made.variant.scenario)
    {
      throw DatasetError(path, change.description)
    }
    return made
  }

  struct InvalidVariant: Error, CustomStringConvertible {
    var name: String
    var problem: String
    var description: String { "variant \(name) is not valid:\n\(problem)" }
  }

  /// Variants one by one, each with its source; one that comes to the same as another is not taken twice.
  struct Variants {
    private(set) var all: [Variant] = []
    private(set) var sources: [PlanSource] = []
    /// Of more, each is only held against the base.
    private static let mostCompared = 500

    private func place(of variant: Variant) -> Int? {
      let known = all.count > Self.mostCompared ? 1 : all.count
      return all.prefix(known).firstIndex { $0.comesToTheSame(as: variant) }
    }

    func has(_ variant: Variant) -> Bool { place(of: variant) != nil }

    mutating func add(_ variant: Variant, _ source: PlanSource) {
      if let same = place(of: variant) {
        all[same].alsoNamed.append(variant.name)
      } else {
        all.append(variant)
        sources.append(source)
      }
    }
  }

  /// A variant that no task is of, since it comes to the same as an earlier one.
  /// - Throws: `InvalidVariant` for one that is not valid; `DatasetError` for one that tasks should have simulated.
  func known(
    _ name: String, _ changes: [String], _ collected: CollectedPlan, _ variants: Variants, _ base: Variant
  ) throws -> Variant {
    guard let entry = collected.entries.first else { return base }
    let document: ScenarioDocument
    do {
      document = try ScenarioInput.document(entry.path, overrides: changes, files: entry.files)
    } catch let errors as ScenarioErrors {
      throw InvalidVariant(name: name, problem: errors.description)
    }
    if let change = PriceOnlyChange(from: base.scenario, to: document.scenario) {
      throw InvalidVariant(name: name, problem: "\(entry.path): error: \(change.description)")
    }
    let made = Variant(
      name: name, overrides: changes, scenario: document.scenario, traces: base.traces)
    guard variants.has(made) else { throw collected.differs("variant \(name) is not among them") }
    return made
  }
}
