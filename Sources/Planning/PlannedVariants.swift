import Datasets
import Documents
import Foundation
import Runs
import ScenarioModel
import Telemetry

/// The variants of a plan, the base first: made from it, and refused where they cannot be compared with it.
package struct PlannedVariants: Sendable {
  /// What a variant was read from.
  package struct Source: Sendable {
    /// The scenario as simulated.
    package var text: String
    /// Paths of the files that it names, by the name it gives them.
    package var files: [String: String]
  }

  package private(set) var all: [Variant] = []
  package private(set) var sources: [Source] = []
  package let factors: [Factor]
  /// Variants that were left out, and why.
  package private(set) var warnings: [String] = []
  /// What there is to know of the files of scenarios.
  package private(set) var notes: [String] = []
  /// The base with its files, of which further variants are made; `nil` for variants that tasks have simulated.
  private var base: ScenarioBundle?
  private var path = ""
  /// What variants are judged by, where one is to be recommended.
  private var judgedBy: [Metric] = []
  /// Of which requests are counted, for what the plan asks.
  private(set) var goodputs: [[ObjectiveMetric.Condition]] = []
  private var admit: @Sendable ([String]) throws -> Void = { _ in }
  /// If there are more, each is compared with the base only.
  private static let mostCompared = 500

  /// A variant that cannot be simulated, or not be compared.
  package struct Invalid: ExplainedError {
    package let kind = ErrorKind.data
    private let name: String
    private let problem: @Sendable ((Setting) -> String) -> String

    init(name: String, problem: String) {
      self.name = name
      self.problem = { _ in problem }
    }

    init(name: String, errors: DocumentErrors) {
      self.name = name
      problem = { errors.text(naming: $0) }
    }

    package func text(naming setting: (Setting) -> String) -> String {
      "variant \(name.shown) is not valid:\n\(problem(setting))"
    }
  }

  /// - Parameters:
  ///   - scenarios: the base; further ones are variants of it.
  ///   - admit: is given the overrides of the base with those of each variant before files that they name are read;
  ///     throws for those that must not be.
  /// - Throws: `PlanProblem`; `Invalid`; what a scenario's files and `admit` throw.
  package init(
    _ plan: Plan, scenarios: [String], admit: @escaping @Sendable ([String]) throws -> Void = { _ in }
  ) throws {
    self.admit = admit
    factors = try plan.factors()
    let options = try plan.options(threads: 1)
    judgedBy = options.goal.map { [$0] + options.objectives.map(\.metric) } ?? []
    goodputs = options.goodputs
    path = scenarios[0]
    let bundle = try ScenarioBundle(path, overrides: plan.overrides)
    base = bundle
    notes = bundle.notes
    // A file that is valid only with its overrides has no base to be compared with.
    if !plan.overrides.isEmpty, let plain = try? ScenarioBundle(path, sharing: bundle),
      let change = PriceOnlyChange(from: plain.scenario, to: bundle.scenario)
    {
      throw DatasetError(path, change.description)
    }
    add(Variant(name: "base", overrides: [], bundle), bundle)
    for (name, changes) in try wanted(plan, bundle.scenario) {
      do {
        let made = try self.bundle(name, changes, bundle)
        add(Variant(name: name, overrides: changes, made), made)
      } catch let invalid as Invalid {
        guard plan.leavesInvalidOut else { throw invalid }
        warnings.append("left out: \(invalid.description)")
      }
    }
    for other in scenarios.dropFirst() { try add(scenario: other, plan, bundle) }
  }

  /// Of variants that tasks have simulated.
  package init(_ all: [Variant], _ sources: [Source], factors: [Factor], warnings: [String]) {
    self.all = all
    self.sources = sources
    self.factors = factors
    self.warnings = warnings
  }

  /// A variant beside those that were planned, of the settings of a sensitivity.
  package func further(_ changes: [String]) throws -> Variant {
    guard let base else {
      throw Invalid(name: "sensitivity", problem: "the scenario of the plan no longer exists.")
    }
    var variant = Variant(name: "sensitivity", overrides: changes, try bundle("sensitivity", changes, base))
    variant.goodputs = goodputs
    return variant
  }

  private func wanted(_ plan: Plan, _ base: Scenario) throws -> [(name: String, changes: [String])] {
    var wanted: [(name: String, changes: [String])] = []
    let hasAccounts = base.accounts.count > 1
    if !factors.isEmpty {
      let paths = factors.map(\.path)
      for point in try points(plan, base) {
        wanted.append(
          (
            zip(factors, point).map { "\(Self.shortName($0.path, among: paths))=\($1)" }
              .joined(separator: ", "),
            zip(factors, point).flatMap { $0.overrides($1, hasAccounts: hasAccounts) }
          ))
      }
    }
    return wanted
      + plan.variants.map { variant in
        (variant.name, variant.set.map { Factor.expanded($0, hasAccounts: hasAccounts) })
      }
  }

  private func points(_ plan: Plan, _ base: Scenario) throws -> [[String]] {
    let points: [[String]]
    do {
      points =
        try plan.samples.map { Design.latinHypercube(factors, samples: $0, seed: base.seed) }
        ?? Design.factorial(factors.map { try $0.levels() })
    } catch let problem as Factor.InvalidFactor {
      throw PlanProblem(.vary, problem.description)
    }
    guard points.count <= Plan.mostVariants else {
      throw PlanProblem(
        .samples,
        "\(points.count) variants are more than \(Plan.mostVariants). Vary less, or take samples of them.")
    }
    return points
  }

  /// Of a path's end as much as tells it from the others.
  private static func shortName(_ path: String, among paths: [String]) -> String {
    let bytes = Array(path.utf8)
    // From the end: what follows each point.
    for start in bytes.indices.reversed() where start == 0 || bytes[start - 1] == UInt8(ascii: ".") {
      let short = bytes[start...]
      let isShared = paths.contains { other in
        guard !other.utf8.elementsEqual(bytes) else { return false }
        let end = other.utf8.suffix(short.count)
        guard end.elementsEqual(short) else { return false }
        return end.startIndex == other.startIndex
          || other.utf8[other.utf8.index(before: end.startIndex)] == UInt8(ascii: ".")
      }
      if !isShared { return String(decoding: short, as: UTF8.self) }
    }
    return path
  }

  /// The base with some changes.
  /// - Throws: `Invalid`.
  private func bundle(_ name: String, _ changes: [String], _ base: ScenarioBundle) throws -> ScenarioBundle {
    try admit(base.overrides + changes)
    let bundle: ScenarioBundle
    do {
      bundle = try ScenarioBundle(path, overrides: base.overrides + changes, sharing: base)
    } catch let errors as DocumentErrors {
      throw Invalid(name: name, errors: errors)
    }
    if let change = PriceOnlyChange(from: base.scenario, to: bundle.scenario) {
      throw Invalid(name: name, problem: "\(path): error: \(change.description)".shown)
    }
    if let change = MeasureChange(from: base.scenario, to: bundle.scenario, judgedBy: judgedBy) {
      throw Invalid(name: name, problem: "\(path): error: \(change.description).".shown)
    }
    return bundle
  }

  /// A scenario of its own as a variant.
  private mutating func add(scenario other: String, _ plan: Plan, _ base: ScenarioBundle) throws {
    let name = URL(fileURLWithPath: other).deletingPathExtension().lastPathComponent
    var bundle = try ScenarioBundle(other, overrides: plan.overrides)
    if bundle.scenario.seed != base.scenario.seed {
      // Common random numbers: all draw from the base's seed.
      bundle = try ScenarioBundle(other, overrides: plan.overrides + ["seed=\(base.scenario.seed)"])
    }
    notes += bundle.notes
    if let change = PriceOnlyChange(from: base.scenario, to: bundle.scenario) {
      throw DatasetError(other, change.description)
    }
    if let change = MeasureChange(from: base.scenario, to: bundle.scenario, judgedBy: judgedBy) {
      throw DatasetError(other, "\(change.description).")
    }
    add(Variant(name: name, overrides: [], bundle), bundle)
  }

  /// A variant that is equal to another is not simulated again.
  private mutating func add(_ made: Variant, _ bundle: ScenarioBundle) {
    var variant = made
    variant.goodputs = goodputs
    let known = all.count > Self.mostCompared ? 1 : all.count
    if let same = all.prefix(known).firstIndex(where: { $0.comesToTheSame(as: variant) }) {
      all[same].alsoNamed.append(variant.name)
    } else {
      all.append(variant)
      sources.append(Source(text: bundle.document.textAsRun, files: bundle.files))
    }
  }
}

extension Variant {
  package init(name: String, overrides: [String], _ bundle: ScenarioBundle) {
    self.init(name: name, overrides: overrides, scenario: bundle.scenario, traces: bundle.traces)
  }
}
