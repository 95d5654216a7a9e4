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

  /// By decision, then by case.
  package private(set) var cells: [[Variant]] = []
  package private(set) var sources: [[Source]] = []
  /// What may happen; at least one.
  package let cases: [WeighedCase]
  /// Each in the first case.
  package var all: [Variant] { cells.map { $0[0] } }
  package let factors: [Factor]
  /// Variants that were left out, and why.
  package private(set) var warnings: [String] = []
  /// What there is to know of the files of scenarios.
  package private(set) var notes: [String] = []
  /// The base with its files, of which further variants are made; `nil` for variants that tasks have simulated.
  private var base: ScenarioBundle?
  /// What each case changes.
  private var happening: [[String]] = []
  /// The base in each case.
  private var casesOfBase: [ScenarioBundle] = []
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
    cases = try plan.weighedCases()
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
    let decided = try DecisionChanges(bundle.document.textAsRun, path: path, files: plan.files ?? [:])
    let hasAccounts = bundle.scenario.accounts.count > 1
    happening = try cases.map { own in
      try decided.overrides(own.overrides.map { Factor.expanded($0, hasAccounts: hasAccounts) })
    }
    casesOfBase = try cases.indices.map { try self.bundle(case: $0, bundle) }
    add("base", [], casesOfBase)
    for (name, wished) in try wanted(plan, bundle.scenario) {
      do {
        let changes = try decided.overrides(wished)
        try checkApart(changes)
        add(name, changes, try cases.indices.map { try self.bundle(name, changes, in: $0, bundle) })
      } catch let invalid as Invalid {
        guard plan.leavesInvalidOut else { throw invalid }
        warnings.append("left out: \(invalid.description)")
      }
    }
    for other in scenarios.dropFirst() { try add(scenario: other, plan, bundle) }
  }

  /// Of variants that tasks have simulated.
  package init(_ all: [Variant], _ sources: [Source], factors: [Factor], warnings: [String]) {
    cells = all.map { [$0] }
    self.sources = sources.map { [$0] }
    self.factors = factors
    cases = [.only]
    self.warnings = warnings
  }

  /// A variant beside those that were planned, of the settings of a sensitivity.
  package func further(_ changes: [String]) throws -> Variant {
    guard let base else {
      throw Invalid(name: "sensitivity", problem: "the scenario of the plan no longer exists.")
    }
    var variant = Variant(
      name: "sensitivity", overrides: changes, try bundle("sensitivity", changes, in: 0, base))
    variant.goodputs = goodputs
    return variant
  }

  private func wanted(_ plan: Plan, _ base: Scenario) throws -> [(name: String, changes: [String])] {
    let hasAccounts = base.accounts.count > 1
    func expanded(_ changes: [String]) -> [String] {
      changes.map { Factor.expanded($0, hasAccounts: hasAccounts) }
    }
    func points(_ factors: [Factor]) throws -> [(name: String, changes: [String])] {
      let paths = factors.map(\.path)
      return try self.points(plan, factors, base).map { point in
        (
          zip(factors, point).map { "\(Self.shortName($0.path, among: paths))=\(plan.label($1))" }
            .joined(separator: ", "),
          zip(factors, point).flatMap { $0.overrides($1, hasAccounts: hasAccounts) }
        )
      }
    }
    var wanted: [(name: String, changes: [String])] = []
    for decision in plan.decisions ?? [] {
      let factors = try plan.factors(of: decision)
      for point in factors.isEmpty ? [("", [])] : try points(factors) {
        wanted.append(
          (
            [decision.name, point.name].filter { !$0.isEmpty }.joined(separator: ", "),
            expanded(decision.set) + point.changes
          ))
      }
    }
    if (plan.decisions ?? []).isEmpty, !factors.isEmpty { wanted += try points(factors) }
    wanted += plan.variants.map { ($0.name, expanded($0.set)) }
    guard wanted.count <= Plan.mostVariants else {
      throw PlanProblem(
        .samples,
        "\(wanted.count) variants are more than \(Plan.mostVariants). Vary less, or take samples of them.")
    }
    return wanted
  }

  private func points(_ plan: Plan, _ factors: [Factor], _ base: Scenario) throws -> [[String]] {
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

  /// The base in a case.
  /// - Throws: `PlanProblem`.
  private func bundle(case place: Int, _ base: ScenarioBundle) throws -> ScenarioBundle {
    let own = cases[place]
    guard !own.overrides.isEmpty else { return base }
    func refused(_ why: String) -> PlanProblem { PlanProblem(.cases, "\(own.name): \(why)") }
    let overrides = base.overrides + happening[place]
    try admit(overrides)
    let bundle: ScenarioBundle
    do {
      bundle = try ScenarioBundle(path, overrides: overrides, sharing: base)
    } catch let errors as DocumentErrors {
      guard let first = errors.diagnostics.first else { throw errors }
      if case .override(let text)? = first.location { throw refused("\(text): \(first.message)") }
      throw refused("the scenario is not valid in this case: \(first.message)")
    }
    if let change = PriceOnlyChange(from: base.scenario, to: bundle.scenario) {
      throw refused(change.description)
    }
    // Prices may change: all decisions are compared within the case.
    let (before, after) = (base.scenario, bundle.scenario)
    let changed =
      before.from != after.from || before.to != after.to
      ? "the period"
      : before.seed != after.seed
        ? "the seed" : before.warmUpMicroseconds != after.warmUpMicroseconds ? "the warm-up" : nil
    if let changed {
      throw refused("it changes \(changed), by which all cases are measured. Remove that from the case.")
    }
    return bundle
  }

  /// - Throws: `PlanProblem` where a decision changes what a case changes.
  private func checkApart(_ changes: [String]) throws {
    for (own, changed) in zip(cases, happening) {
      for happens in changed {
        let path = ChangedPath(happens)
        guard let other = changes.first(where: { ChangedPath($0).overlaps(path) }) else { continue }
        func name(_ change: String) -> String {
          String(change.unicodeScalars.prefix { $0 != "=" })
        }
        throw PlanProblem(
          .cases,
          "\(own.name): \(name(happens)) happens, and \(name(other)) is decided: one value cannot be both. Remove it from the case, or from what is varied."
        )
      }
    }
  }

  /// The base with some changes, in a case.
  /// - Throws: `Invalid`.
  private func bundle(_ name: String, _ changes: [String], in place: Int, _ base: ScenarioBundle) throws
    -> ScenarioBundle
  {
    let overrides = base.overrides + changes + happening[place]
    let known = casesOfBase[place]
    let name = cases.count == 1 ? name : "\(name) in case \(cases[place].name)"
    try admit(overrides)
    let bundle: ScenarioBundle
    do {
      bundle = try ScenarioBundle(path, overrides: overrides, sharing: known)
    } catch let errors as DocumentErrors {
      throw Invalid(name: name, errors: errors)
    }
    if let change = PriceOnlyChange(from: known.scenario, to: bundle.scenario) {
      throw Invalid(name: name, problem: "\(path): error: \(change.description)".shown)
    }
    if let change = MeasureChange(from: known.scenario, to: bundle.scenario, judgedBy: judgedBy) {
      throw Invalid(name: name, problem: "\(path): error: \(change.description).".shown)
    }
    return bundle
  }

  /// A scenario of its own as a variant.
  private mutating func add(scenario other: String, _ plan: Plan, _ base: ScenarioBundle) throws {
    let name = URL(fileURLWithPath: other).deletingPathExtension().lastPathComponent
    let bundles = try cases.indices.map { place in
      let overrides = plan.overrides + happening[place]
      var bundle = try ScenarioBundle(other, overrides: overrides)
      if bundle.scenario.seed != base.scenario.seed {
        // Common random numbers: all draw from the base's seed.
        bundle = try ScenarioBundle(other, overrides: overrides + ["seed=\(base.scenario.seed)"])
      }
      let known = casesOfBase[place].scenario
      if let change = PriceOnlyChange(from: known, to: bundle.scenario) {
        throw DatasetError(other, change.description)
      }
      if let change = MeasureChange(from: known, to: bundle.scenario, judgedBy: judgedBy) {
        throw DatasetError(other, "\(change.description).")
      }
      return bundle
    }
    notes += bundles[0].notes
    add(name, [], bundles)
  }

  /// A variant that is equal to another in every case is not simulated again.
  private mutating func add(_ name: String, _ changes: [String], _ bundles: [ScenarioBundle]) {
    let made = bundles.map { bundle in
      var variant = Variant(name: name, overrides: changes, bundle)
      variant.goodputs = goodputs
      return variant
    }
    let known = cells.count > Self.mostCompared ? 1 : cells.count
    if let same = cells.prefix(known).firstIndex(where: { cell in
      zip(cell, made).allSatisfy { $0.comesToTheSame(as: $1) }
    }) {
      cells[same][0].alsoNamed.append(name)
    } else {
      cells.append(made)
      sources.append(bundles.map { Source(text: $0.document.textAsRun, files: $0.files) })
    }
  }
}

extension Variant {
  package init(name: String, overrides: [String], _ bundle: ScenarioBundle) {
    self.init(name: name, overrides: overrides, scenario: bundle.scenario, traces: bundle.traces)
  }
}
