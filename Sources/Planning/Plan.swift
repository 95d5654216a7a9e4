import Documents
import Foundation
import Telemetry

/// A what-if experiment as a value: what is varied, what is asked, and how surely it is to be known. Options of a
/// command line and plan files are read into it, and tasks carry it to other machines.
package struct Plan: Codable, Equatable, Sendable {
  /// A path of the scenario and its values, `A..B[:STEP]` or `V1,V2,…`.
  package struct Variation: Codable, Equatable, Sendable {
    package var path: String
    package var values: String

    package init(path: String, values: String) {
      self.path = path
      self.values = values
    }

    /// `PATH=VALUES`.
    /// - Throws: `PlanProblem`.
    package init(_ text: String) throws {
      guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
        throw PlanProblem(.vary, "\"\(text)\" is not of the form PATH=A..B[:STEP] or PATH=V1,V2,….")
      }
      self.init(path: String(text[..<equals]), values: String(text[text.index(after: equals)...]))
    }
  }

  /// A variant with changes of its own, `PATH=VALUE` each.
  package struct NamedVariant: Codable, Equatable, Sendable {
    package var name: String
    package var set: [String]

    package init(name: String, set: [String]) {
      self.name = name
      self.set = set
    }
  }

  /// What can be decided, of which each is combined with every combination of what is varied.
  package struct Decision: Codable, Equatable, Sendable {
    package var name: String
    package var set: [String]
    /// Of this decision alone: the parameters of its policy, which others do not have.
    package var vary: [Variation]

    package init(name: String, set: [String], vary: [Variation]) {
      (self.name, self.set, self.vary) = (name, set, vary)
    }
  }

  /// Every combination of the values is a variant.
  package var vary: [Variation] = []
  package var variants: [NamedVariant] = []
  // What the tasks of older programs do not have is optional.
  package var decisions: [Decision]?
  /// What may happen, whatever is decided.
  package var cases: [PlanCase]?
  /// Contents of the files that values name, by `@FILE`.
  package var files: [String: FileValue]?
  /// How demand grows, as written, and over how many weeks it is looked ahead.
  package var growth: String?
  package var growthWeeks: Int?
  /// A Latin hypercube of this many variants instead of every combination.
  package var samples: Int?
  /// Of the base itself, `PATH=VALUE` each.
  package var overrides: [String] = []
  /// Of every variant; in a search, of the best and the base. `nil`: 20, or one where nothing is drawn at random.
  package var replications: Int?
  /// Of any variant.
  package var maxReplications: Int?
  /// Service-level objectives, separated by commas.
  package var objectives: String?
  /// The metric that the best variant has least of.
  package var minimize: String?
  /// `METRIC=SHARE`.
  package var precision: String?
  /// Of intervals, and of correct selection; in (0.5, 1).
  package var confidence = 0.95
  /// A difference of the minimised metric that does not matter, as a share; in (0, 1).
  package var indifference = 0.01
  /// µs before the period; `nil` detects it.
  package var warmUp: Int64?
  /// The metric of a tornado.
  package var sensitivity: String?
  /// Of first-order Sobol indices; 0 for none.
  package var sobolSamples = 0
  /// Whether variants that are not valid are left out instead of ending the plan.
  package var leavesInvalidOut = false

  package init() {}

  private enum CodingKeys: String, CodingKey {
    case vary, variants, decisions, cases, files, growth, growthWeeks
    case samples, overrides, replications, maxReplications
    // Tasks that other programs have made name it so.
    case objectives = "levels"
    case minimize, precision, confidence, indifference, warmUp, sensitivity, sobolSamples, leavesInvalidOut
  }

  static let replicationsByDefault = 20
  static let mostReplicationsByDefault = 500
  static let mostVariants = 100_000

  /// Takes from a plan file what options have not set.
  /// - Throws: `PlanProblem`.
  package mutating func fill(from document: PlanDocument) throws {
    let kept = document.vary.map { Variation(path: $0.path, values: $0.values) }
    let given = vary
    vary = kept.filter { known in !given.contains { Name.same($0.path, known.path) } } + given
    variants += document.variants.map { NamedVariant(name: $0.name, set: $0.set) }
    if !document.decisions.isEmpty { decisions = (decisions ?? []) + document.decisions }
    if !document.cases.isEmpty {
      // A case of the command line replaces the file's of that name.
      let own = cases ?? []
      cases = document.cases.filter { known in !own.contains { $0.name == known.name } } + own
    }
    if !document.files.isEmpty { files = document.files.merging(files ?? [:]) { $1 } }
    growth = growth ?? document.growth
    growthWeeks = growthWeeks ?? document.growthWeeks
    samples = samples ?? document.samples
    replications = replications ?? document.replications
    maxReplications = maxReplications ?? document.maxReplications
    objectives = objectives ?? document.slo
    minimize = minimize ?? document.minimize
    precision = precision ?? document.precision
  }

  /// - Throws: `PlanProblem`.
  package func factors() throws -> [Factor] { try Self.factors(vary) }

  /// Those of a decision of its own, before those of all.
  /// - Throws: `PlanProblem`.
  func factors(of decision: Decision) throws -> [Factor] { try Self.factors(decision.vary + vary) }

  private static func factors(_ vary: [Variation]) throws -> [Factor] {
    let all: [Factor]
    do {
      all = try vary.map { try Factor(path: $0.path, values: $0.values) }
    } catch let problem as Factor.InvalidFactor {
      throw PlanProblem(.vary, problem.description)
    }
    if let twice = all.first(where: { one in all.count { Name.same($0.path, one.path) } > 1 }) {
      throw PlanProblem(.vary, "\(twice.path) is given twice. Give all its values at once.")
    }
    return all
  }

  /// What a study is to do.
  /// - Parameter threads: at least 1.
  /// - Throws: `PlanProblem`.
  package func options(threads: Int) throws -> Study.Options {
    var options = Study.Options()
    options.replications = replications ?? Self.replicationsByDefault
    options.areReplicationsGiven = replications != nil
    options.maxReplications = max(maxReplications ?? Self.mostReplicationsByDefault, options.replications)
    options.confidence = confidence
    options.indifference = indifference
    options.threads = threads
    do {
      if let objectives { options.objectives = try Objective.list(objectives) }
    } catch let problem as Objective.InvalidObjective {
      throw PlanProblem(.objectives, problem.description)
    }
    if let minimize {
      options.goal = try Self.metric(minimize, .minimize)
    } else if !options.objectives.isEmpty {
      options.goal = Metric("credits")
    }
    if let precision { options.precision = try Self.precision(precision) }
    options.growth = try growth.map { try DemandGrowth($0, weeks: growthWeeks) }
    if growth == nil, growthWeeks != nil {
      throw PlanProblem(.growth, "it is said how far to look ahead, but not how demand grows. Give 5%/week.")
    }
    if growth != nil, options.objectives.isEmpty {
      throw PlanProblem(
        .growth, "there is no objective that growth could break. Give one, such as latency.p95 <= 2s.")
    }
    options.warmUp = warmUp
    options.sensitivity = try sensitivity.map { try Self.metric($0, .sensitivity) }
    options.sobolSamples = sobolSamples
    return options
  }

  private static func metric(_ name: String, _ part: PlanProblem.Part) throws -> Metric {
    guard let metric = Metric(name) else {
      let hint = nearest(name, among: Metric.all.map(\.name)).map { " Did you mean \($0)?" } ?? ""
      throw PlanProblem(part, "there is no metric \"\(name)\".\(hint) There are: \(Metric.names).")
    }
    return metric
  }

  private static func precision(_ text: String) throws -> (metric: Metric, relative: Double) {
    // A scope has a sign of its own: latency.p95[model=chat]=2%.
    let parts =
      text.lastIndex(of: "=").map { [String(text[..<$0]), String(text[text.index(after: $0)...])] } ?? []
    let share = parts.count == 2 ? NumberText.share(parts[1]) : nil
    guard let metric = parts.first.flatMap(Metric.init), let share, share > 0, share < 1 else {
      throw PlanProblem(
        .precision,
        "\"\(text)\" is not METRIC=SHARE, such as latency.p95=2%. Metrics: \(Metric.names).")
    }
    return (metric, share)
  }

  /// Whether what is simulated depends on what was: such a plan cannot be divided into tasks.
  package func decidesAsItGoes() throws -> Bool {
    let options = try options(threads: 1)
    return !options.objectives.isEmpty || options.goal != nil || options.precision != nil
      || options.sensitivity != nil || options.sobolSamples > 0
  }
}

/// What is wrong with a plan. The front end that read it adds which option or field is wrong.
package struct PlanProblem: Error, CustomStringConvertible {
  package enum Part: String, Sendable {
    case vary, cases, growth, samples
    /// As the API names it.
    case objectives = "levels"
    case minimize, precision, sensitivity
  }

  package let part: Part
  /// What is wrong, and how to fix it, in words that name no option or field.
  package let description: String

  init(_ part: Part, _ description: String) {
    self.part = part
    self.description = description.shown
  }
}
