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

  let variants: [Variant]
  private let factors: [Factor]
  /// Makes a variant of some settings, `PATH=VALUE` each.
  private let make: ([String]) throws -> Variant
  let options: Options
  let experiment: Experiment
  let progress: Progress
  private let checkWanted: @Sendable () throws -> Void
  let objectives: Objectives
  /// Nothing is drawn at random, so that every replication is the first.
  let isDeterministic: Bool
  var selection: Selection?
  package internal(set) var result: PlanResult

  /// - Parameters:
  ///   - variants: the base first.
  ///   - experiment: of the same variants, with what is known already.
  ///   - checkWanted: throws if the plan is no longer wanted; called after each replication, from any thread.
  /// - Throws: `Objective.InvalidObjective` for an objective on a model that is not there.
  package init(
    _ variants: [Variant], factors: [Factor], options: Options, experiment: Experiment, result: PlanResult,
    make: @escaping ([String]) throws -> Variant, progress: @escaping Progress,
    checkWanted: @escaping @Sendable () throws -> Void = {}
  ) throws {
    self.variants = variants
    self.factors = factors
    var options = options
    isDeterministic = Self.isDeterministic(variants)
    options.replications = Self.replications(options, variants)
    self.options = options
    self.experiment = experiment
    objectives = try Objectives(
      options.objectives, models: Self.models(variants), needs: MetricNeeds(variants))
    self.result = result
    self.make = make
    self.progress = progress
    self.checkWanted = checkWanted
    self.result.models = objectives.models
    if isDeterministic { self.result.isDeterministic = true }
    let varies = variants.reduce(into: [String]()) { found, variant in
      for what in variant.scenario.randomness where !found.contains(what) { found.append(what) }
    }
    if !varies.isEmpty { self.result.varies = varies }
    let replayed = variants[0].scenario.replayedModels
    if !replayed.isEmpty { self.result.replayed = replayed }
    let uncertain = variants.reduce(into: [String]()) { found, variant in
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
  func records(_ variant: Int) -> [ReplicationRecord] {
    let all = experiment.records(variant)
    return isDeterministic ? Array(all.prefix(1)) : all
  }

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
    if options.sensitivity != nil || options.sobolSamples > 0 { try sensitivity() }
    result.totalReplications = experiment.replications
    result.totalRequests = variants.indices.reduce(0) {
      $0 + experiment.records($1).reduce(0) { $0 + $1.requests }
    }
  }

  func replicate(_ what: String, _ counts: [Int: Int]) throws {
    try experiment.run(counts) { [progress] in progress(what, $0, $1) }
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
      uniqueKeysWithValues: open.map { ($0, max(experiment.records($0).count, options.replications)) })
    var missed: [Int] = []
    while !open.isEmpty {
      try replicate("precision of \(metric), \(open.count) open", counts.filter { open.contains($0.key) })
      for variant in open.sorted() {
        let records = experiment.records(variant)
        guard let estimate = Estimator.estimate(metric, records, confidence: options.confidence),
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

  // MARK: Summary

  /// Every metric, failures by reason included.
  private var metrics: [Metric] {
    let reasons = Set(variants.indices.flatMap { experiment.records($0).flatMap(\.failures.keys) }).sorted()
    let all = Metric.all + reasons.compactMap { Metric("failureRate.\($0)") }
    let models = objectives.models
    // What the plan asks for, of whatever scope.
    var more = objectives.judged.map(\.metric)
    more += [options.goal, options.precision?.metric, options.sensitivity].compactMap { $0 }
    if models.count > 1, models.count <= Self.mostModelsShown {
      // Of several models each has figures of its own: together they say nothing about the worst.
      more += all.filter(\.isShownByModel).flatMap { metric in models.map { metric.scoped(.model($0)) } }
    }
    var seen = Set(all)
    return all + more.filter { $0.scope != .worst && seen.insert($0).inserted }
  }

  /// Of more models only those figures that objectives are about are kept one by one.
  private static let mostModelsShown = 20

  func summarise() {
    let base = records(0)
    let metrics = metrics
    result.variants = variants.indices.map { index in
      let records = self.records(index)
      let demand = DemandVariance(variants[index].scenario, count: records.count)
      var entry = PlanResult.VariantResult(
        name: variants[index].name, overrides: variants[index].overrides,
        replications: experiment.records(index).count,
        metrics: [:],
        differences: [:])
      for metric in metrics {
        entry.metrics[metric.name] = Estimator.estimate(
          metric, records, confidence: options.confidence, demand: demand)
        if index > 0 {
          entry.differences[metric.name] = Estimator.difference(
            metric, records, base: base, confidence: options.confidence)
        }
      }
      if !variants[index].alsoNamed.isEmpty { entry.alsoNamed = variants[index].alsoNamed }
      addWorst(&entry, records, base: index > 0 ? base : nil, demand)
      entry.levels = objectiveResults(index)
      for name in index > 0 ? ["latency.mean", "latency.p95", "waiting.mean", "credits"] : [] {
        entry.varianceReduction[name] = Metric(name).flatMap {
          Estimator.varianceReduction($0, records, base: base)
        }
      }
      return entry
    }
  }

  /// The figures of the worst model, where several have one of their own.
  private func addWorst(
    _ entry: inout PlanResult.VariantResult, _ records: [ReplicationRecord], base: [ReplicationRecord]?,
    _ demand: DemandVariance?
  ) {
    guard objectives.models.count > 1 else { return }
    var names: [String: String] = [:]
    // Of very many models only what objectives are about: the rest would take longer than the simulation.
    let wanted = Set(objectives.written.map(\.metric))
    // Of a lower bound, the worst is the least.
    let lower = Set(objectives.written.filter { !$0.isUpper }.map(\.metric))
    let shown = Metric.all.filter { $0.isShownByModel && !lower.contains($0) }
    for metric in shown
      + objectives.written.map(\.metric).filter({ $0.isJudgedByModel && !shown.contains($0) })
    {
      guard objectives.models.count <= Self.mostModelsShown || wanted.contains(metric) else { continue }
      let own = objectives.models.compactMap { model -> (String, Metric, Estimate)? in
        let scoped = metric.scoped(.model(model))
        return Estimator.estimate(scoped, records, confidence: options.confidence, demand: demand).map {
          (model, scoped, $0)
        }
      }
      let sign = lower.contains(metric) ? -1.0 : 1
      guard let worst = own.max(by: { sign * $0.2.value < sign * $1.2.value }) else { continue }
      let name = metric.scoped(.worst).name
      entry.metrics[name] = worst.2
      names[name] = worst.0
      if let base {
        entry.differences[name] = Estimator.difference(
          worst.1, records, base: base, confidence: options.confidence)
      }
    }
    entry.worstModels = names
  }

  /// Cost against latency: of the minimised metric, or credits; and of the first objective on latency, or p95.
  private func paretoFront() {
    let cost = options.minimizes ? options.goal?.name ?? "credits" : "credits"
    let limited = objectives.written.first { $0.metric.base.utf8.starts(with: "latency.".utf8) }?.metric
    // Of several models, that of the worst.
    let latency =
      limited.map { $0.isJudgedByModel && objectives.models.count > 1 ? $0.scoped(.worst).name : $0.name }
      ?? "latency.p95"
    let points = result.variants.map {
      ($0.metrics[cost]?.value ?? .infinity, $0.metrics[latency]?.value ?? .infinity)
    }
    for index in points.indices {
      let (a, b) = points[index]
      let isDominated = points.contains { $0.0 <= a && $0.1 <= b && ($0.0 < a || $0.1 < b) }
      result.variants[index].isOnParetoFront = !isDominated && a < .infinity && b < .infinity
    }
  }

  private func bounds() throws {
    var wanted = [0]
    if let best, best != 0 { wanted.append(best) }
    for variant in wanted {
      let records = experiment.records(variant)
      guard let record = records.first, record.replicaHours > 0 else { continue }
      progress("ideal bound of \(variants[variant].name)", 0, 1)
      // Of the same replication as the figures beside it.
      result.ideal.append(
        .init(
          variant: variants[variant].name,
          bound: try IdealBound(variants[variant], replication: 0, warmUp: experiment.warmUp),
          replicaHours: record.replicaHours, credits: record.credits,
          peakReplicas: Double(record.peakReplicas)))
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
