import Foundation
import ScenarioModel

/// Choosing the best variant that meets the objectives, and saying why.
extension Study {
  func select() throws {
    guard let objective = options.objective else { return }
    if isDeterministic {
      try replicate(
        "variants", Dictionary(uniqueKeysWithValues: variants.indices.map { ($0, options.replications) }))
      result.choice = choice(objective, indifference: 0, isDecided: true)
      return
    }
    var settings = Selection.Options()
    settings.confidence = options.confidence
    settings.tolerance = options.tolerance
    settings.firstStage = max(5, min(10, options.replications))
    settings.most = options.maxReplications
    try replicate(
      "first stage", Dictionary(uniqueKeysWithValues: variants.indices.map { ($0, settings.firstStage) }))
    let means = variants.indices.compactMap {
      Estimator.estimate(objective, records($0), confidence: options.confidence)?.value
    }
    let smallest = means.map(abs).filter { $0 > 0 }.min() ?? 1
    settings.indifference = options.indifference * smallest
    let selection = Selection(
      variants: variants.count, objective: objective, minimizes: options.minimizes,
      levels: objectives.judged, options: settings)
    func look() { selection.update(variants.indices.map(records)) }
    look()
    while !selection.isDecided, !selection.isExhausted, !selection.alive.isEmpty {
      // A few more of those still in the race: fewer in total than replicating all variants would take.
      selection.advance(by: max(5, selection.round / 4))
      try replicate(
        "selection, \(selection.alive.count) left",
        Dictionary(uniqueKeysWithValues: selection.alive.map { ($0, selection.round) }))
      look()
    }
    self.selection = selection
    result.choice = choice(objective, indifference: settings.indifference, isDecided: selection.isDecided)
    // The best and the base are told of with as many replications as were asked for.
    var counts = [0: options.replications]
    if let best { counts[best] = options.replications }
    try replicate("best and base", counts)
  }

  private func choice(_ objective: Metric, indifference: Double, isDecided: Bool) -> PlanResult.Choice {
    .init(
      levels: objectives.levels.map(\.description), scopes: objectives.levels.indices.map(objectives.scope),
      objective: objective.name, minimizes: options.minimizes,
      confidence: isDeterministic ? nil : options.confidence, indifference: indifference,
      tolerance: isDeterministic ? 0 : options.tolerance, isDecided: isDecided)
  }

  // MARK: Objectives

  private func estimate(_ metric: Metric, _ variant: Int) -> Estimate? {
    Estimator.estimate(metric, records(variant), confidence: options.confidence)
  }

  /// By how much estimates meet an objective, in units of its bound; negative if they violate it; `nil` without requests.
  private func slack(_ level: Objective, _ records: [ReplicationRecord]) -> Double? {
    guard records.contains(where: level.hasRequests) else { return nil }
    // Requests of which none succeeded break what is asked of successes.
    return Estimator.estimate(level.metric, records, confidence: options.confidence).map {
      level.slack($0.value)
    }
      ?? -1
  }

  /// How a variant meets each objective as written: of the models that it applies to, the one nearest to violating it.
  func levelResults(_ variant: Int) -> [PlanResult.ObjectiveResult]? {
    guard !objectives.levels.isEmpty else { return nil }
    let records = self.records(variant)
    return zip(objectives.levels, objectives.parts).map { level, parts in
      let judged = parts.compactMap { place in
        slack(objectives.judged[place], records).map { (level: objectives.judged[place], slack: $0) }
      }
      guard let worst = judged.min(by: { $0.slack < $1.slack }) else {
        return .init(level: level.description)
      }
      var model: String?
      if case .model(let name) = worst.level.metric.scope { model = name }
      return .init(
        level: level.description, model: model, estimate: estimate(worst.level.metric, variant),
        isKept: worst.slack >= 0)
    }
  }

  /// Whether estimates meet all objectives for which there are requests.
  private func keepsAll(_ variant: Int) -> Bool {
    let records = self.records(variant)
    return objectives.judged.allSatisfy { (slack($0, records) ?? 0) >= 0 }
  }

  /// The first objective by which a variant cannot be judged, for want of requests.
  private func unjudged(_ variant: Int) -> Objective? {
    let records = self.records(variant)
    return zip(objectives.levels, objectives.parts).first { _, parts in
      !parts.contains { place in records.contains(where: objectives.judged[place].hasRequests) }
    }?.0
  }

  // MARK: The best

  /// The best by current estimates: of the variants that meet all objectives, the one with the least of what is minimised.
  var best: Int? {
    guard let objective = options.objective else { return nil }
    // Undecided ones are judged by their estimates.
    let candidates = (selection?.alive ?? Array(variants.indices)).filter {
      unjudged($0) == nil && (selection?.feasibility[$0] == .feasible || keepsAll($0))
    }
    func value(_ variant: Int) -> Double {
      (estimate(objective, variant)?.value ?? .infinity) * (options.minimizes ? 1 : -1)
    }
    return candidates.min { (value($0), $0) < (value($1), $1) }
  }

  func explain(withHeadroom: Bool = true) throws {
    guard let objective = options.objective, var choice = result.choice else { return }
    let best = best
    choice.best = best.map { variants[$0].name }
    if let best, let own = estimate(objective, best)?.value {
      // Of those that would be better, what most of them break.
      let better = variants.indices.filter { variant in
        guard variant != best, let value = estimate(objective, variant)?.value else { return false }
        return options.minimizes ? value < own : value > own
      }
      var broken: [String: Int] = [:]
      for variant in better {
        let records = self.records(variant)
        for level in objectives.judged where (slack(level, records) ?? 0) < 0 {
          broken[level.description, default: 0] += 1
        }
      }
      // If nothing better was tried, no objective is binding, however narrowly the best variant meets it.
      choice.binding = broken.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
      if withHeadroom, !objectives.levels.isEmpty {
        if let replayed = variants[best].scenario.replayedModels.first {
          choice.noHeadroom =
            "the demand of \(replayed) is a trace, which is replayed as it is and cannot grow"
        } else {
          result.headroom = try headroom(best)
        }
      }
    } else if !objectives.levels.isEmpty {
      // The least of the worst excesses.
      let worst = variants.indices.map { variant in
        let records = self.records(variant)
        return objectives.judged.compactMap { level in slack(level, records).map { (level: level, slack: $0) }
        }
        .min { $0.slack < $1.slack }
      }
      if let nearest = variants.indices.max(by: {
        (worst[$0]?.slack ?? -.infinity) < (worst[$1]?.slack ?? -.infinity)
      }), let found = worst[nearest] {
        choice.nearest = variants[nearest].name
        choice.nearestLevel = found.level.description
        choice.nearestExcess = -found.slack
      }
    }
    choice.inconclusive = inconclusive(choice)
    result.choice = choice
    for index in variants.indices {
      if let selection {
        result.variants[index].feasibility = selection.feasibility[index].rawValue
        result.variants[index].brokenLevel = selection.broken[index]?.description
        result.variants[index].isEliminated = selection.isEliminated[index]
      } else {
        let records = self.records(index)
        let broken = objectives.judged.first { (slack($0, records) ?? 0) < 0 }
        result.variants[index].feasibility =
          (broken == nil ? Selection.Feasibility.feasible : .infeasible).rawValue
        result.variants[index].brokenLevel = broken?.description
        result.variants[index].isEliminated = index != best
      }
      if unjudged(index) != nil {
        result.variants[index].feasibility = Selection.Feasibility.undecided.rawValue
      }
    }
  }

  /// Why there is no verdict; `nil` where there is one.
  private func inconclusive(_ choice: PlanResult.Choice) -> String? {
    for variant in variants.indices {
      if let level = unjudged(variant) {
        return
          "\(variants[variant].name) has no request by which to judge \(level). Lengthen the period, or leave it out."
      }
    }
    guard let selection, !selection.isDecided, !selection.alive.isEmpty else { return nil }
    let open = selection.alive.map { variants[$0].name }
    return
      "after \(selection.round) replications \(open.count == 1 ? "it is open whether \(open[0]) keeps the levels" : "\(open.count) variants are still in the race (\(open.prefix(3).joined(separator: "; "))\(open.count > 3 ? "; …" : ""))"). Allow more replications, or a larger indifference zone."
  }

  // MARK: Headroom

  /// By how much demand can grow before the estimate violates an objective: bisection to 1 %, on the same random numbers.
  private func headroom(_ best: Int) throws -> PlanResult.Headroom? {
    let replications = min(10, options.replications)
    let limit = 8.0
    func broken(_ factor: Double) throws -> Objective? {
      var variant = variants[best]
      variant.scenario = variant.scenario.demandScaled(by: factor)
      let trial = self.trial([variant])
      try trial.run([0: replications]) { [progress] in
        progress(String(format: "headroom, demand × %.2f", factor), $0, $1)
      }
      let records = trial.records(0)
      return objectives.judged.first { (slack($0, records) ?? 0) < 0 }
    }
    if let level = try broken(1) {
      return .init(factor: 1, level: level.description, replications: replications, isAtLimit: false)
    }
    var low = 1.0
    var high = 1.25
    var level: Objective?
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
}
