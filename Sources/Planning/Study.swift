import Foundation
import ScenarioModel
import Telemetry

/// Carries out a plan: replications, intervals, selection, bounds, sensitivity.
package final class Study {
  package struct Options: Sendable {
    package var replications = 20
    /// Whether the number was asked for: then it is kept where one would do.
    package var areReplicationsGiven = false
    package var maxReplications = 500
    package var confidence = 0.95
    package var threads = 1
    /// µs; `nil` detects it.
    package var warmUp: Int64?
    package var objectives: [Objective] = []
    /// The metric that the best variant has least of.
    package var goal: Metric?
    package var minimizes = true
    /// Of the minimised metric, as a share of its smallest mean.
    package var indifference = 0.01
    package var tolerance = 0.02
    package var precision: (metric: Metric, relative: Double)?
    package var sensitivity: Metric?
    package var sobolSamples = 0
    package var growth: DemandGrowth?
    package init() {}

    /// What it asks to be counted of requests.
    var goodputs: [[ObjectiveMetric.Condition]] {
      let metrics = objectives.map(\.metric) + [goal, precision?.metric, sensitivity].compactMap { $0 }
      return metrics.compactMap(\.goodput).reduce(into: []) { found, conditions in
        if !found.contains(conditions) { found.append(conditions) }
      }
    }
  }

  /// Reported during the work: what is being done, and how much of it.
  package typealias Progress = @Sendable (String, Int, Int) -> Void

  /// Each in the first case.
  let variants: [Variant]
  /// What may happen; at least one.
  let cases: [WeighedCase]
  private let factors: [Factor]
  /// Makes a variant of some settings, `PATH=VALUE` each.
  private let make: ([String]) throws -> Variant
  let options: Options
  let experiment: Experiment
  let progress: Progress
  let checkWanted: @Sendable () throws -> Void
  let objectives: Objectives
  /// Nothing is drawn at random, so that every replication is the first.
  let isDeterministic: Bool
  var selection: Selection?
  package internal(set) var result: PlanResult

  /// - Parameters:
  ///   - cells: the variants, the base first, each in every case.
  ///   - cases: none are one, in which the scenario is as it is.
  ///   - experiment: of the same cells, with what is known already.
  ///   - checkWanted: throws if the plan is no longer wanted; called after each replication, from any thread.
  /// - Throws: `Objective.InvalidObjective` for an objective on a model that is not there.
  package init(
    _ cells: [Variant], cases: [WeighedCase] = [], factors: [Factor], options: Options,
    experiment: Experiment, result: PlanResult,
    make: @escaping ([String]) throws -> Variant, progress: @escaping Progress,
    checkWanted: @escaping @Sendable () throws -> Void = {}
  ) throws {
    let cases = cases.isEmpty ? [.only] : cases
    self.cases = cases
    variants = stride(from: 0, to: cells.count, by: cases.count).map { cells[$0] }
    self.factors = factors
    var options = options
    isDeterministic = Self.isDeterministic(cells)
    options.replications = Self.replications(options, cells)
    self.options = options
    self.experiment = experiment
    objectives = try Objectives(
      options.objectives, models: Self.models(cells), needs: MetricNeeds(cells), cases: cases)
    self.result = result
    self.make = make
    self.progress = progress
    self.checkWanted = checkWanted
    self.result.models = objectives.models
    if isDeterministic { self.result.isDeterministic = true }
    if cases.count > 1 { self.result.cases = cases }
    let varies = cells.reduce(into: [String]()) { found, variant in
      for what in variant.scenario.randomness where !found.contains(what) { found.append(what) }
    }
    if !varies.isEmpty { self.result.varies = varies }
    let replayed = variants[0].scenario.replayedModels
    if !replayed.isEmpty { self.result.replayed = replayed }
    let uncertain = cells.reduce(into: [String]()) { found, variant in
      for name in variant.scenario.uncertainModels where !found.contains(name) { found.append(name) }
    }
    if !uncertain.isEmpty { self.result.uncertainDemand = uncertain }
  }

  /// Whether nothing of any variant is drawn at random.
  package static func isDeterministic(_ variants: [Variant]) -> Bool {
    variants.allSatisfy(\.scenario.randomness.isEmpty)
  }

  /// How many replications there are to be of each: as many as were asked for; else one where all would be the same.
  package static func replications(_ options: Options, _ variants: [Variant]) -> Int {
    isDeterministic(variants) && !options.areReplicationsGiven ? 1 : options.replications
  }

  /// What figures rest on: where nothing is drawn at random all replications are the first, and add nothing to it.
  func records(_ variant: Int, in place: Int = 0) -> [ReplicationRecord] {
    let all = experiment.records(cell(variant, place))
    return isDeterministic ? Array(all.prefix(1)) : all
  }

  /// By case.
  func recordsByCase(_ variant: Int) -> [[ReplicationRecord]] {
    cases.indices.map { records(variant, in: $0) }
  }

  /// Where the experiment has a variant in a case.
  func cell(_ variant: Int, _ place: Int) -> Int { variant * cases.count + place }

  var weights: [Double] { cases.map(\.weight) }

  /// Models with demand in any variant, in the order of the scenarios.
  package static func models(_ variants: [Variant]) -> [String] {
    variants.reduce(into: []) { found, variant in
      for name in variant.scenario.modelsWithDemand where !found.contains(name) { found.append(name) }
    }
  }

  /// The warm-up of a plan: given, or found by pilot replications of the base.
  package static func warmUp(_ base: Variant, given: Int64?) throws -> PlanResult.WarmUp {
    func text(_ microseconds: Int64) -> String {
      let seconds = Double(microseconds) / 1e6
      return seconds >= 7200 ? String(format: "%.1f h", seconds / 3600) : String(format: "%.0f s", seconds)
    }
    let own = base.scenario.warmUpMicroseconds
    if let given {
      return .init(microseconds: given, method: "given", text: "warm-up \(text(given)), as given")
    }
    if base.scenario.randomness.isEmpty {
      return .init(
        microseconds: own, method: "scenario",
        text:
          "warm-up \(text(own)), the scenario's: nothing is drawn at random, so none can be detected"
      )
    }
    var longest = 0.0
    for pilot in 0..<3 {
      // Numbers of their own: a pilot must not choose what its replications are judged by.
      guard let share = MSER5.truncation(try base.latencySeries(1_000_000 + pilot)) else {
        return .init(
          microseconds: own, method: "scenario",
          text:
            "warm-up \(text(own)), the scenario's: MSER-5 finds no steady state, so the load varies over the period"
        )
      }
      longest = max(longest, share)
    }
    let length = Double(base.scenario.to - base.scenario.simulationStart)
    // Whole minutes, so that it reads well and changes little.
    let found = Int64((longest * length / 6e7).rounded(.up)) * 60_000_000
    let chosen = max(own, longest > 0 ? found : 0)
    return .init(
      microseconds: chosen, method: "MSER-5",
      text:
        "warm-up \(text(chosen)) (MSER-5 on 3 pilot replications of the base\(own == chosen ? "; the scenario's own" : ""))"
    )
  }

  /// Selection alone: what tests of its probability of correct selection need.
  package func selectOnly() throws {
    try select()
    summarise()
    try explain(withHeadroom: false)
  }

  package func run() throws {
    if options.goal != nil {
      try select()
    } else {
      try replicate(
        "replications", Dictionary(uniqueKeysWithValues: variants.indices.map { ($0, options.replications) }))
    }
    // Without chance there is no interval to narrow.
    if options.precision != nil, !isDeterministic { try refine() }
    summarise()
    paretoFront()
    if options.goal != nil { try explain() }
    try bounds()
    try project()
    if options.sensitivity != nil || options.sobolSamples > 0 { try sensitivity() }
    result.totalReplications = experiment.replications
    result.totalRequests = experiment.variants.indices.reduce(0) {
      $0 + experiment.records($1).reduce(0) { $0 + $1.requests }
    }
  }

  /// - Parameter counts: by variant; all of its cases get as many.
  func replicate(_ what: String, _ counts: [Int: Int]) throws {
    let cells = counts.flatMap { variant, count in cases.indices.map { (cell(variant, $0), count) } }
    try experiment.run(Dictionary(uniqueKeysWithValues: cells)) { [progress] in progress(what, $0, $1) }
  }

  /// Replications in addition to those of the plan's variants.
  func trial(_ variants: [Variant]) -> Experiment {
    Experiment(variants, warmUp: experiment.warmUp, threads: options.threads) { [checkWanted] _, _ in
      try checkWanted()
    }
  }

  // MARK: Precision

  private func refine() throws {
    guard let (metric, relative) = options.precision else { return }
    var open = Set(variants.indices)
    if selection != nil { open = Set(best.map { [$0] } ?? []) }
    var counts = Dictionary(
      uniqueKeysWithValues: open.map {
        ($0, max(experiment.records(cell($0, 0)).count, options.replications))
      })
    var missed: [Int] = []
    while !open.isEmpty {
      try replicate("precision of \(metric), \(open.count) open", counts.filter { open.contains($0.key) })
      for variant in open.sorted() {
        let records = experiment.records(cell(variant, 0))
        guard let estimate = estimate(metric, variant),
          let half = estimate.halfWidth
        else {
          missed.append(variant)
          open.remove(variant)
          continue
        }
        if half <= relative * abs(estimate.value) {
          open.remove(variant)
        } else if records.count >= options.maxReplications {
          missed.append(variant)
          open.remove(variant)
        } else {
          // What the present width asks for, but never more than double at a time.
          let ratio = half / max(relative * abs(estimate.value), 1e-300)
          let wanted = Double(records.count) * min(ratio * ratio, 2)
          counts[variant] = min(options.maxReplications, max(records.count + 5, Int(wanted.rounded(.up))))
        }
      }
    }
    result.precision = .init(
      metric: metric.name, relative: relative, missed: missed.map { variants[$0].name })
  }

  // MARK: Bounds

  private func bounds() throws {
    var wanted = [0]
    if let best, best != 0 { wanted.append(best) }
    for variant in wanted {
      let records = experiment.records(cell(variant, 0))
      guard let record = records.first, record.replicaHours > 0 else { continue }
      progress("ideal bound of \(variants[variant].name)", 0, 1)
      // Of the same replication as the figures beside it.
      let study = try IdealStudy(
        variants[variant], replication: 0, warmUp: experiment.warmUp,
        objectives: objectives.judged.filter { $0.place == 0 }.map(\.objective))
      result.ideal.append(
        .init(
          variant: variants[variant].name, bound: study.bound,
          replicaHours: record.replicaHours, credits: record.credits,
          peakReplicas: Double(record.peakReplicas), series: study.series,
          underObjectives: study.underObjectives))
    }
  }

  // MARK: Sensitivity

  private func sensitivity() throws {
    let metric = options.sensitivity ?? options.goal ?? Metric("latency.p95")
    guard let metric, !factors.isEmpty else { return }
    var sensitivity = PlanResult.Sensitivity(metric: metric.name)
    let hasAccounts = variants[0].scenario.accounts.count > 1
    let replications = isDeterministic ? 1 : min(options.replications, 20)
    for (index, factor) in factors.enumerated() {
      let (low, high) = factor.extremes
      let pair = try [low, high].map { try make(factor.overrides($0, hasAccounts: hasAccounts)) }
      let trial = self.trial(pair)
      let label = "sensitivity, \(factor.path) (\(index + 1)/\(factors.count))"
      try trial.run([0: replications, 1: replications]) { [progress] in progress(label, $0, $1) }
      let ends = (0..<2).map { trial.records($0) }
      sensitivity.influences.append(
        .init(
          path: factor.path, low: low, high: high,
          atLow: Estimator.estimate(metric, ends[0], confidence: options.confidence),
          atHigh: Estimator.estimate(metric, ends[1], confidence: options.confidence),
          swing: Estimator.difference(metric, ends[1], base: ends[0], confidence: options.confidence)))
    }
    sensitivity.influences.sort { abs($0.swing?.value ?? 0) > abs($1.swing?.value ?? 0) }
    if options.sobolSamples > 0 { try sobol(metric, hasAccounts, &sensitivity) }
    result.sensitivity = sensitivity
  }

  private func sobol(_ metric: Metric, _ hasAccounts: Bool, _ sensitivity: inout PlanResult.Sensitivity)
    throws
  {
    let samples = options.sobolSamples
    let design = Design.saltelli(factors, samples: samples, seed: variants[0].scenario.seed)
    let points = design.a + design.b + design.mixed.flatMap { $0 }
    let made = try points.map { point in
      try make(zip(factors, point).flatMap { $0.overrides($1, hasAccounts: hasAccounts) })
    }
    let trial = self.trial(made)
    try trial.run(Dictionary(uniqueKeysWithValues: made.indices.map { ($0, 1) })) { [progress] in
      progress("Sobol indices", $0, $1)
    }
    let values = made.indices.map { trial.records($0).first.flatMap(metric.value) ?? 0 }
    func part(_ number: Int) -> [Double] { Array(values[(number * samples)..<((number + 1) * samples)]) }
    let indices = Design.firstOrder(
      a: part(0), b: part(1), mixed: factors.indices.map { part(2 + $0) }, seed: variants[0].scenario.seed)
    sensitivity.sobolRuns = made.count
    sensitivity.sobol = zip(factors, indices).map {
      .init(path: $0.path, index: $1.index, standardError: $1.error)
    }.sorted { $0.index > $1.index }
  }
}
