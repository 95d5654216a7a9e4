import ScenarioModel

/// Figures of every variant, with their intervals.
extension Study {
  /// Every metric, failures by reason included.
  private var metrics: [Metric] {
    let reasons = Set(
      experiment.variants.indices.flatMap { experiment.records($0).flatMap(\.failures.keys) }
    ).sorted()
    let all = Metric.all + reasons.compactMap { Metric("failureRate.\($0)") }
    let models = objectives.models
    // What the plan asks for, of whatever scope.
    var more = objectives.judged.map(\.objective.metric)
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
    let base = recordsByCase(0)
    let metrics = metrics
    let showsPolicies = Set(variants.map(\.policies)).count > 1
    result.variants = variants.indices.map { index in
      let records = recordsByCase(index)
      // Of one case only: several have no demand in common.
      let demand =
        cases.count == 1 ? DemandVariance(variants[index].scenario, count: records[0].count) : nil
      var entry = PlanResult.VariantResult(
        name: variants[index].name, overrides: variants[index].overrides,
        replications: experiment.records(cell(index, 0)).count,
        metrics: [:],
        differences: [:])
      func estimate(_ metric: Metric) -> Estimate? {
        cases.count == 1
          ? Estimator.estimate(metric, records[0], confidence: options.confidence, demand: demand)
          : self.estimate(metric, index)
      }
      func difference(_ metric: Metric) -> Estimate? {
        Estimator.difference(
          metric, records, base: base, weights: weights, confidence: options.confidence)
      }
      for metric in metrics {
        entry.metrics[metric.name] = estimate(metric)
        if index > 0 { entry.differences[metric.name] = difference(metric) }
      }
      if !variants[index].alsoNamed.isEmpty { entry.alsoNamed = variants[index].alsoNamed }
      if showsPolicies { entry.policies = variants[index].policies }
      for (name, worst) in worst(estimate) {
        entry.metrics[name] = worst.estimate
        if index > 0 { entry.differences[name] = difference(worst.metric) }
        entry.worstModels = (entry.worstModels ?? [:]).merging([name: worst.model]) { $1 }
      }
      if objectives.models.count > 1, entry.worstModels == nil { entry.worstModels = [:] }
      entry.levels = objectiveResults(index)
      if cases.count > 1 { entry.cases = cases.indices.map { summary(of: index, in: $0, metrics) } }
      for name in index > 0 && cases.count == 1
        ? ["latency.mean", "latency.p95", "waiting.mean", "credits"] : []
      {
        entry.varianceReduction[name] = Metric(name).flatMap {
          Estimator.varianceReduction($0, records[0], base: base[0])
        }
      }
      return entry
    }
  }

  /// Of a variant in one case.
  private func summary(of variant: Int, in place: Int, _ metrics: [Metric]) -> PlanResult.CaseResult {
    let records = records(variant, in: place)
    func estimate(_ metric: Metric) -> Estimate? {
      Estimator.estimate(metric, records, confidence: options.confidence)
    }
    var entry = PlanResult.CaseResult(name: cases[place].name, metrics: [:])
    for metric in metrics { entry.metrics[metric.name] = estimate(metric) }
    for (name, worst) in worst(estimate) {
      entry.metrics[name] = worst.estimate
      entry.worstModels = (entry.worstModels ?? [:]).merging([name: worst.model]) { $1 }
    }
    entry.levels = objectiveResults(variant, in: place)
    return entry
  }

  /// The figures of the worst model, where several have one of their own.
  private func worst(_ estimate: (Metric) -> Estimate?) -> [String: (
    model: String, metric: Metric, estimate: Estimate
  )] {
    guard objectives.models.count > 1 else { return [:] }
    // Of very many models only what objectives are about: the rest would take longer than the simulation.
    let wanted = Set(objectives.written.map(\.metric))
    // Of a lower bound, the worst is the least.
    let lower = Set(objectives.written.filter { !$0.isUpper }.map(\.metric))
    let shown = Metric.all.filter { $0.isShownByModel && !lower.contains($0) }
    var found: [String: (model: String, metric: Metric, estimate: Estimate)] = [:]
    for metric in shown
      + objectives.written.map(\.metric).filter({ $0.isJudgedByModel && !shown.contains($0) })
    {
      guard objectives.models.count <= Self.mostModelsShown || wanted.contains(metric) else { continue }
      let own = objectives.models.compactMap { model -> (String, Metric, Estimate)? in
        let scoped = metric.scoped(.model(model))
        return estimate(scoped).map { (model, scoped, $0) }
      }
      let sign = lower.contains(metric) ? -1.0 : 1
      guard let worst = own.max(by: { sign * $0.2.value < sign * $1.2.value }) else { continue }
      found[metric.scoped(.worst).name] = worst
    }
    return found
  }

  /// Cost against latency: of the minimised metric, or credits; and of the first objective on latency, or p95.
  func paretoFront() {
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
}
