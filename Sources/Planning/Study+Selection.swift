import Foundation
import ScenarioModel

/// Choosing the best variant that meets the objectives, and saying why.
extension Study {
  func select() throws {
    guard let goal = options.goal else { return }
    if isDeterministic {
      try replicate(
        "variants", Dictionary(uniqueKeysWithValues: variants.indices.map { ($0, options.replications) }))
      result.choice = choice(goal, indifference: 0, isDecided: true)
      return
    }
    var settings = Selection.Options()
    settings.confidence = options.confidence
    settings.tolerance = options.tolerance
    settings.firstStage = max(5, min(10, options.replications))
    settings.most = options.maxReplications
    try replicate(
      "first stage", Dictionary(uniqueKeysWithValues: variants.indices.map { ($0, settings.firstStage) }))
    let means = variants.indices.compactMap { estimate(goal, $0)?.value }
    let smallest = means.map(abs).filter { $0 > 0 }.min() ?? 1
    settings.indifference = options.indifference * smallest
    let selection = Selection(
      variants: variants.count, weights: weights, goal: goal, minimizes: options.minimizes,
      objectives: objectives.judged, options: settings)
    func look() { selection.update(variants.indices.map(recordsByCase)) }
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
    result.choice = choice(goal, indifference: settings.indifference, isDecided: selection.isDecided)
    // The best and the base are reported with as many replications as were asked for.
    var counts = [0: options.replications]
    if let best { counts[best] = options.replications }
    try replicate("best and base", counts)
  }

  private func choice(_ goal: Metric, indifference: Double, isDecided: Bool) -> PlanResult.Choice {
    .init(
      levels: objectives.written.map(\.description), scopes: objectives.written.indices.map(objectives.scope),
      objective: goal.name, minimizes: options.minimizes,
      confidence: isDeterministic ? nil : options.confidence, indifference: indifference,
      tolerance: isDeterministic ? 0 : options.tolerance, isDecided: isDecided)
  }

  // MARK: Objectives

  /// Over the cases.
  func estimate(_ metric: Metric, _ variant: Int) -> Estimate? {
    Estimator.estimate(
      metric, recordsByCase(variant), weights: weights, confidence: options.confidence)
  }

  /// By how much estimates meet an objective, in units of its bound; negative if they violate it; `nil` without requests.
  private func slack(_ judged: JudgedObjective, _ records: [[ReplicationRecord]]) -> Double? {
    slack(judged.objective, records[judged.place])
  }

  func slack(_ objective: Objective, _ records: [ReplicationRecord]) -> Double? {
    guard records.contains(where: objective.hasRequests) else { return nil }
    // Requests of which none succeeded violate any objective on successes.
    return Estimator.estimate(objective.metric, records, confidence: options.confidence).map {
      objective.slack($0.value)
    }
      ?? -1
  }

  /// How a variant meets each objective as written: of the models and cases that it applies to, the one nearest to
  /// violating it.
  /// - Parameter only: a case; `nil` for all of them.
  func objectiveResults(_ variant: Int, in only: Int? = nil) -> [PlanResult.ObjectiveResult]? {
    guard !objectives.written.isEmpty else { return nil }
    let records = recordsByCase(variant)
    return zip(objectives.written, objectives.ranges).map { objective, range in
      let judged = range.map { objectives.judged[$0] }.filter { only == nil || $0.place == only }
        .compactMap { judged in slack(judged, records).map { (judged: judged, slack: $0) } }
      guard let worst = judged.min(by: { $0.slack < $1.slack }) else {
        return .init(level: objective.description)
      }
      return .init(
        level: objective.description, model: worst.judged.model,
        inCase: only == nil ? worst.judged.caseName : nil,
        estimate: Estimator.estimate(
          worst.judged.objective.metric, records[worst.judged.place], confidence: options.confidence),
        isKept: worst.slack >= 0)
    }
  }

  /// Whether estimates meet all objectives for which there are requests.
  private func keepsAll(_ variant: Int) -> Bool {
    let records = recordsByCase(variant)
    return objectives.judged.allSatisfy { (slack($0, records) ?? 0) >= 0 }
  }

  /// The first objective by which a variant cannot be judged in some case, for want of requests.
  private func unjudged(_ variant: Int) -> String? {
    for (place, records) in recordsByCase(variant).enumerated() {
      for (objective, range) in zip(objectives.written, objectives.ranges) {
        let own = objectives.judged[range].filter { $0.place == place }
        guard own.contains(where: { records.contains(where: $0.objective.hasRequests) }) else {
          return cases.count > 1 ? "\(objective) in case \(cases[place].name)" : objective.description
        }
      }
    }
    return nil
  }

  // MARK: The best

  /// The best by current estimates: of the variants that meet all objectives, the one with the least of what is minimised.
  var best: Int? {
    guard let goal = options.goal else { return nil }
    // Undecided ones are judged by their estimates.
    let candidates = (selection?.alive ?? Array(variants.indices)).filter {
      unjudged($0) == nil && (selection?.feasibility[$0] == .feasible || keepsAll($0))
    }
    func value(_ variant: Int) -> Double {
      (estimate(goal, variant)?.value ?? .infinity) * (options.minimizes ? 1 : -1)
    }
    return candidates.min { (value($0), $0) < (value($1), $1) }
  }

  func explain(withHeadroom: Bool = true) throws {
    guard let goal = options.goal, var choice = result.choice else { return }
    let best = best
    choice.best = best.map { variants[$0].name }
    if let best, let own = estimate(goal, best)?.value {
      // The objective that most of the better variants violate.
      let better = variants.indices.filter { variant in
        guard variant != best, let value = estimate(goal, variant)?.value else { return false }
        return options.minimizes ? value < own : value > own
      }
      var broken: [String: Int] = [:]
      for variant in better {
        let records = recordsByCase(variant)
        for objective in objectives.judged where (slack(objective, records) ?? 0) < 0 {
          broken[objective.description, default: 0] += 1
        }
      }
      // If nothing better was tried, no objective is binding, however narrowly the best variant meets it.
      choice.binding = broken.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
      if withHeadroom, !objectives.written.isEmpty {
        let all = try headroom(best)
        result.headroom = all.first
        if all.count > 1 { result.headroomByModel = Array(all.dropFirst()) }
      }
    } else if !objectives.written.isEmpty {
      // The least of the worst excesses.
      let misses = variants.indices.compactMap { variant -> PlanResult.Miss? in
        let records = recordsByCase(variant)
        let worst = objectives.judged.compactMap { judged in
          slack(judged, records).map { (judged: judged, slack: $0) }
        }.min { $0.slack < $1.slack }
        return worst.map {
          .init(
            variant: variants[variant].name, level: $0.judged.description,
            inCase: $0.judged.caseName, excess: -$0.slack)
        }
      }.sorted { $0.excess < $1.excess }
      if let nearest = misses.first {
        choice.nearest = nearest.variant
        choice.nearestLevel = nearest.level
        choice.nearestCase = nearest.inCase
        choice.nearestExcess = nearest.excess
      }
      if cases.count > 1 { choice.misses = misses }
    }
    choice.inconclusive = inconclusive(choice)
    result.choice = choice
    for index in variants.indices {
      if let selection {
        result.variants[index].feasibility = selection.feasibility[index].rawValue
        result.variants[index].brokenLevel = selection.broken[index]?.description
        result.variants[index].brokenCase = selection.broken[index]?.caseName
        result.variants[index].isEliminated = selection.isEliminated[index]
      } else {
        let records = recordsByCase(index)
        let broken = objectives.judged.first { (slack($0, records) ?? 0) < 0 }
        result.variants[index].feasibility =
          (broken == nil ? Selection.Feasibility.feasible : .infeasible).rawValue
        result.variants[index].brokenLevel = broken?.description
        result.variants[index].brokenCase = broken?.caseName
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
      if let objective = unjudged(variant) {
        return
          "\(variants[variant].name) has no request by which to judge \(objective). Lengthen the period, or leave it out."
      }
    }
    guard let selection, !selection.isDecided, !selection.alive.isEmpty else { return nil }
    let open = selection.alive.map { variants[$0].name }
    return
      "after \(selection.round) replications \(open.count == 1 ? "it is open whether \(open[0]) meets the objectives" : "\(open.count) variants are still in the race (\(open.prefix(3).joined(separator: "; "))\(open.count > 3 ? "; …" : ""))"). Allow more replications, or a larger indifference zone."
  }
}
