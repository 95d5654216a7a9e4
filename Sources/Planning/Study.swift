import Foundation
import ScenarioModel
import Telemetry

/// Carries out a plan: replications, intervals, selection, bounds, sensitivity.
package final class Study {
  package struct Options: Sendable {
    package var replications = 20
    package var maxReplications = 500
    package var confidence = 0.95
    package var threads = 1
    /// µs; `nil` detects it.
    package var warmUp: Int64?
    package var levels: [ServiceLevel] = []
    package var objective: Metric?
    package var minimizes = true
    /// Of the objective, as a share of its smallest mean.
    package var indifference = 0.01
    package var tolerance = 0.02
    package var precision: (metric: Metric, relative: Double)?
    package var sensitivity: Metric?
    package var sobolSamples = 0
    package init() {}
  }

  /// Said while the work goes on: what is being done, and how much of it.
  package typealias Progress = @Sendable (String, Int, Int) -> Void

  private let variants: [Variant]
  private let factors: [Factor]
  /// Makes a variant of some settings, `PATH=VALUE` each.
  private let make: ([String]) throws -> Variant
  private let options: Options
  private let experiment: Experiment
  private let progress: Progress
  package private(set) var result: PlanResult

  /// - Parameters:
  ///   - variants: the base first.
  ///   - experiment: of the same variants, with what is known already.
  package init(
    _ variants: [Variant], factors: [Factor], options: Options, experiment: Experiment, result: PlanResult,
    make: @escaping ([String]) throws -> Variant, progress: @escaping Progress
  ) {
    self.variants = variants
    self.factors = factors
    self.options = options
    self.experiment = experiment
    self.result = result
    self.make = make
    self.progress = progress
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
    if options.objective != nil {
      try select()
    } else {
      try replicate(
        "replications", Dictionary(uniqueKeysWithValues: variants.indices.map { ($0, options.replications) }))
    }
    if options.precision != nil { try refine() }
    summarise()
    paretoFront()
    if options.objective != nil { try explain() }
    try bounds()
    if options.sensitivity != nil || options.sobolSamples > 0 { try sensitivity() }
    result.totalReplications = experiment.replications
    result.totalRequests = variants.indices.reduce(0) {
      $0 + experiment.records($1).reduce(0) { $0 + $1.requests }
    }
  }

  private func replicate(_ what: String, _ counts: [Int: Int]) throws {
    try experiment.run(counts) { [progress] in progress(what, $0, $1) }
  }

  // MARK: Selection

  private var selection: Selection?

  private func select() throws {
    guard let objective = options.objective else { return }
    var settings = Selection.Options()
    settings.confidence = options.confidence
    settings.tolerance = options.tolerance
    settings.firstStage = max(5, min(10, options.replications))
    settings.most = options.maxReplications
    try replicate(
      "first stage", Dictionary(uniqueKeysWithValues: variants.indices.map { ($0, settings.firstStage) }))
    let means = variants.indices.compactMap {
      Estimator.estimate(objective, experiment.records($0), confidence: options.confidence)?.value
    }
    let smallest = means.map(abs).filter { $0 > 0 }.min() ?? 1
    settings.indifference = options.indifference * smallest
    let selection = Selection(
      variants: variants.count, objective: objective, minimizes: options.minimizes, levels: options.levels,
      options: settings)
    func look() { selection.update(variants.indices.map(experiment.records)) }
    look()
    while !selection.isDecided, !selection.isExhausted, !selection.alive.isEmpty {
      // A few more of those that are still in the race, fewer as it goes on than all would take.
      selection.advance(by: max(5, selection.round / 4))
      try replicate(
        "selection, \(selection.alive.count) left",
        Dictionary(uniqueKeysWithValues: selection.alive.map { ($0, selection.round) }))
      look()
    }
    self.selection = selection
    // The best and the base are told of with as many replications as were asked for.
    var counts = [0: options.replications]
    if let best = best(selection) { counts[best] = options.replications }
    try replicate("best and base", counts)
    result.choice = .init(
      levels: options.levels.map(\.description), objective: objective.name, minimizes: options.minimizes,
      confidence: options.confidence, indifference: settings.indifference, tolerance: options.tolerance,
      isDecided: selection.isDecided)
  }

  private func best(_ selection: Selection) -> Int? {
    guard let objective = options.objective else { return nil }
    // Undecided ones are judged by their estimates.
    let candidates = selection.alive.filter { variant in
      selection.feasibility[variant] == .feasible
        || options.levels.allSatisfy { level in
          Estimator.estimate(level.metric, experiment.records(variant), confidence: options.confidence)
            .map { level.slack($0.value) >= 0 } ?? level.isUpper
        }
    }
    func value(_ variant: Int) -> Double {
      let estimate = Estimator.estimate(
        objective, experiment.records(variant), confidence: options.confidence)
      return (estimate?.value ?? .infinity) * (options.minimizes ? 1 : -1)
    }
    return candidates.min { (value($0), $0) < (value($1), $1) }
  }

  private func explain(withHeadroom: Bool = true) throws {
    guard let selection, let objective = options.objective, var choice = result.choice else { return }
    let best = best(selection)
    choice.best = best.map { variants[$0].name }
    func estimate(_ metric: Metric, _ variant: Int) -> Double? {
      Estimator.estimate(metric, experiment.records(variant), confidence: options.confidence)?.value
    }
    if let best, let own = estimate(objective, best) {
      // Of those that would be better, what most of them break.
      let better = variants.indices.filter { variant in
        guard variant != best, let value = estimate(objective, variant) else { return false }
        return options.minimizes ? value < own : value > own
      }
      var broken: [String: Int] = [:]
      for variant in better {
        for level in options.levels
        where estimate(level.metric, variant).map({ level.slack($0) < 0 }) ?? false {
          broken[level.description, default: 0] += 1
        }
      }
      choice.binding =
        broken.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
        ?? options.levels.min {
          (estimate($0.metric, best).map($0.slack) ?? 1) < (estimate($1.metric, best).map($1.slack) ?? 1)
        }?.description
      if withHeadroom { result.headroom = try headroom(best) }
    } else if !options.levels.isEmpty {
      // The least of the worst excesses.
      let worst = variants.indices.map { variant in
        options.levels.map { (level: $0, slack: estimate($0.metric, variant).map($0.slack) ?? -.infinity) }
          .min { $0.slack < $1.slack }
      }
      if let nearest = variants.indices.max(by: {
        (worst[$0]?.slack ?? -.infinity) < (worst[$1]?.slack ?? -.infinity)
      }) {
        choice.nearest = variants[nearest].name
        choice.nearestLevel = worst[nearest]?.level.description
        choice.nearestExcess = worst[nearest].map { -$0.slack }
      }
    }
    result.choice = choice
    for index in variants.indices {
      result.variants[index].feasibility = selection.feasibility[index].rawValue
      result.variants[index].brokenLevel = selection.broken[index]?.description
      result.variants[index].isEliminated = selection.isEliminated[index]
    }
  }

  /// By how much demand can grow before a level's estimate breaks: bisection to 1 %, on the same random numbers.
  private func headroom(_ best: Int) throws -> PlanResult.Headroom? {
    guard !options.levels.isEmpty else { return nil }
    let replications = min(10, options.replications)
    let limit = 8.0
    func broken(_ factor: Double) throws -> ServiceLevel? {
      var variant = variants[best]
      variant.scenario = variant.scenario.demandScaled(by: factor)
      let trial = Experiment([variant], warmUp: experiment.warmUp, threads: options.threads)
      try trial.run([0: replications]) { [progress] in
        progress(String(format: "headroom, demand × %.2f", factor), $0, $1)
      }
      return options.levels.first { level in
        guard
          let value = Estimator.estimate(level.metric, trial.records(0), confidence: options.confidence)?
            .value
        else {
          return !level.isUpper
        }
        return level.slack(value) < 0
      }
    }
    if let level = try broken(1) {
      return .init(factor: 1, level: level.description, replications: replications, isAtLimit: false)
    }
    var low = 1.0
    var high = 1.25
    var level: ServiceLevel?
    while level == nil, high <= limit {
      level = try broken(high)
      if level == nil {
        low = high
        high *= 1.25
      }
    }
    guard var found = level else {
      return .init(factor: low, level: nil, replications: replications, isAtLimit: true)
    }
    while high / low > 1.01 {
      let middle = (low * high).squareRoot()
      if let level = try broken(middle) {
        high = middle
        found = level
      } else {
        low = middle
      }
    }
    return .init(factor: low, level: found.description, replications: replications, isAtLimit: false)
  }

  // MARK: Precision

  private func refine() throws {
    guard let (metric, relative) = options.precision else { return }
    var open = Set(variants.indices)
    if let selection { open = Set(best(selection).map { [$0] } ?? []) }
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
    return Metric.all + reasons.compactMap { Metric("failureRate.\($0)") }
  }

  private func summarise() {
    let base = experiment.records(0)
    let metrics = metrics
    result.variants = variants.indices.map { index in
      let records = experiment.records(index)
      var entry = PlanResult.VariantResult(
        name: variants[index].name, overrides: variants[index].overrides, replications: records.count,
        metrics: [:],
        differences: [:])
      for metric in metrics {
        entry.metrics[metric.name] = Estimator.estimate(metric, records, confidence: options.confidence)
        if index > 0 {
          entry.differences[metric.name] = Estimator.difference(
            metric, records, base: base, confidence: options.confidence)
        }
      }
      for name in index > 0 ? ["latency.mean", "latency.p95", "waiting.mean", "credits"] : [] {
        entry.varianceReduction[name] = Metric(name).flatMap {
          Estimator.varianceReduction($0, records, base: base)
        }
      }
      return entry
    }
  }

  /// Cost against latency: of the objective, or credits; and of the first level on latency, or p95.
  private func paretoFront() {
    let cost = options.minimizes ? options.objective?.name ?? "credits" : "credits"
    let latency = options.levels.first { $0.metric.name.hasPrefix("latency.") }?.metric.name ?? "latency.p95"
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
    if let best = selection.flatMap(best), best != 0 { wanted.append(best) }
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
    let metric = options.sensitivity ?? options.objective ?? Metric("latency.p95")
    guard let metric, !factors.isEmpty else { return }
    var sensitivity = PlanResult.Sensitivity(metric: metric.name)
    let hasAccounts = variants[0].scenario.accounts.count > 1
    let replications = min(options.replications, 20)
    for (index, factor) in factors.enumerated() {
      let (low, high) = factor.extremes
      let pair = try [low, high].map { try make([factor.override($0, hasAccounts: hasAccounts)]) }
      let trial = Experiment(pair, warmUp: experiment.warmUp, threads: options.threads)
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
      try make(zip(factors, point).map { $0.override($1, hasAccounts: hasAccounts) })
    }
    let trial = Experiment(made, warmUp: experiment.warmUp, threads: options.threads)
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
