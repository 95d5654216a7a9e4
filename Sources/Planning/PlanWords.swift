import Foundation
import Telemetry

/// A plan's result in words: the recommendation, what it rests on, and figures with their intervals.
package enum PlanWords {
  /// What is shown of each variant: the objectives' metrics, the minimised metric, and a few that are always of interest.
  package static func columns(_ result: PlanResult) -> [Metric] {
    var metrics = (result.choice?.levels ?? []).compactMap { try? Objective($0) }.map(\.metric)
    metrics += [result.choice?.objective, result.precision?.metric].compactMap { $0.flatMap(Metric.init) }
    metrics += ["latency.mean", "latency.p95", "failureRate", "credits", "utilisation"].compactMap(
      Metric.init)
    metrics = metrics.map { shown($0, result) }
    var seen: Set<String> = []
    return Array(metrics.filter { seen.insert($0.name).inserted }.prefix(6))
  }

  /// Of several models, the worst: all together could hide it.
  private static func shown(_ metric: Metric, _ result: PlanResult) -> Metric {
    let worst = metric.scoped(.worst)
    return (result.models?.count ?? 1) > 1 && metric.isJudgedByModel
      && result.variants[0].metrics[worst.name] != nil ? worst : metric
  }

  /// The objectives on a column's metric, as written; `nil` if there are none.
  package static func objectives(on column: Metric, _ result: PlanResult) -> String? {
    let own = (result.choice?.levels ?? []).filter { text in
      (try? Objective(text)).map { shown($0.metric, result).name == column.name } ?? false
    }
    return own.isEmpty ? nil : own.joined(separator: ", ")
  }

  package static func value(_ value: Double, _ unit: Metric.Unit) -> String {
    switch unit {
    case .milliseconds: Figure.milliseconds(value)
    case .share: Figure.percent(value, decimals: abs(value) < 0.01 ? 3 : 2)
    case .credits, .money:
      abs(value) < 0.01 && abs(value) > 1e-9 ? String(format: "%.3g", value) : String(format: "%.2f", value)
    case .hours: String(format: "%.1f h", value)
    case .count: abs(value) >= 1000 ? Figure.count(value) : String(format: "%.4g", value)
    case .perSecond: (abs(value) >= 1000 ? Figure.count(value) : String(format: "%.4g", value)) + "/s"
    }
  }

  package static func estimate(_ estimate: Estimate?, _ unit: Metric.Unit, signed: Bool = false) -> String {
    guard let estimate else { return "–" }
    let sign = signed && estimate.value > 0 ? "+" : ""
    let half = estimate.halfWidth.map { " ± \(value($0, unit))" } ?? ""
    return sign + value(estimate.value, unit) + half
  }

  /// What uncertain demand does to the figures of the base, and of the best where there is one.
  package static func demand(_ result: PlanResult) -> [String] {
    guard result.uncertainDemand != nil, result.isDeterministic != true else { return [] }
    let columns = columns(result)
    let shown = result.variants.enumerated().filter {
      $0.offset == 0 || $0.element.name == result.choice?.best
    }
    return shown.flatMap { _, variant in
      demand(
        of: variant.name, columns.map { ($0, variant.metrics[$0.name]) }, confidence: result.confidence)
    }
  }

  /// Of the variance of each figure, how much is demand's, and where the figure of a period to come lies.
  package static func demand(
    of name: String, _ figures: [(metric: Metric, estimate: Estimate?)], confidence: Double
  ) -> [String] {
    let shares = figures.compactMap { figure in
      figure.estimate?.demandShare.map { "\(figure.metric.name) \(Figure.share($0))" }
    }
    guard !shares.isEmpty else {
      return [
        "\(name): fewer than \(DemandVariance.least) replications do not say how much of an interval is demand and how much chance."
      ]
    }
    let ranges = figures.compactMap { figure in
      figure.estimate?.nextPeriod.map {
        "\(figure.metric.name) \(value($0.lower, figure.metric.unit)) to \(value($0.upper, figure.metric.unit))"
      }
    }
    return [
      "\(name): demand causes of the variance of \(shares.joined(separator: ", ")); the rest is chance.",
      "\(name), a period to come, \(Figure.share(confidence)): \(ranges.joined(separator: ", ")).",
    ]
  }

  /// What the figures vary by, where that is not everything.
  package static func chance(_ result: PlanResult) -> [String] {
    if result.isDeterministic == true {
      return [
        "Deterministic: \(result.replayed == nil ? "" : "demand is replayed from a trace, and ")nothing is drawn at random, so one replication is enough; figures have no intervals, and hold for this \(result.replayed == nil ? "scenario" : "trace") alone."
      ]
    }
    if let uncertain = result.uncertainDemand {
      return [
        "The demand of \(uncertain.prefix(5).joined(separator: ", "))\(uncertain.count > 5 ? ", …" : "") is uncertain: each replication draws its own, the same in all variants."
      ]
    }
    guard let replayed = result.replayed, let varies = result.varies else { return [] }
    return [
      "The demand of \(replayed.prefix(5).joined(separator: ", "))\(replayed.count > 5 ? ", …" : "") is a trace, the same in every replication. Intervals and probabilities reflect only what varies (\(varies.joined(separator: ", "))), not the variation between days."
    ]
  }

  /// The recommendation in words.
  package static func recommendation(_ result: PlanResult) -> [String]? {
    guard let choice = result.choice else {
      let lines = growth(result) + (ideal(result) ?? [])
      return lines.isEmpty ? nil : lines
    }
    var lines: [String] = []
    // If there is more than one model, the text says which ones an objective applies to.
    let objectives = choice.levels.enumerated().map { place, objective in
      let scope = (result.models?.count ?? 1) > 1 ? choice.scopes?[place] : nil
      return scope.map { "\(objective) (\($0))" } ?? objective
    }.joined(separator: ", ")
    let goal = "least \(choice.objective)"
    if let best = choice.best, let variant = result.variants.first(where: { $0.name == best }),
      let metric = Metric(choice.objective)
    {
      let certainty =
        if let reason = choice.inconclusive {
          "it is not shown to be the best: \(reason)"
        } else if let confidence = choice.confidence {
          "with a probability of at least \(Figure.share(confidence)) it is the best of all, up to \(value(choice.indifference, metric.unit)) of \(choice.objective) and \(Figure.share(choice.tolerance)) of an objective's bound."
        } else {
          "nothing is drawn at random."
        }
      let title = choice.inconclusive == nil ? "Recommended" : "Inconclusive, best so far"
      let over = result.cases == nil ? "" : " over the cases"
      let everywhere = result.cases == nil ? "" : " in every case"
      lines.append(
        "\(title): \(variant.title): \(goal)\(over)\(objectives.isEmpty ? "" : " that meets \(objectives)\(everywhere)"), \(estimate(variant.metrics[choice.objective], metric.unit)); \(certainty)"
      )
      lines += policies(variant)
      lines += worst(variant, result)
      if let binding = choice.binding {
        lines.append("Binding: \(binding) prevents a better variant from being chosen.")
      }
      lines += headroom(result)
      let front = result.variants.filter(\.isOnParetoFront).map(\.name)
      lines.append(
        "Pareto front of cost and latency: \(front.prefix(8).joined(separator: "; "))\(front.count > 8 ? "; …" : "")."
      )
    } else {
      let everywhere = result.cases == nil ? "" : " in every case"
      var line =
        choice.inconclusive.map {
          "Inconclusive: no variant is shown to meet \(objectives)\(everywhere): \($0)"
        }
        ?? "No variant meets \(objectives)\(everywhere)."
      if choice.misses == nil, let nearest = choice.nearest, let objective = choice.nearestLevel,
        let excess = choice.nearestExcess
      {
        line += " Nearest: \(nearest), which misses \(objective) by \(Figure.share(excess))."
      }
      lines.append(line)
      lines += misses(choice)
    }
    return lines + growth(result) + (ideal(result) ?? [])
  }

  /// Of several models, the one that is nearest to violating each objective.
  private static func worst(_ variant: PlanResult.VariantResult, _ result: PlanResult) -> [String] {
    guard (result.models?.count ?? 1) > 1 else { return [] }
    return (variant.levels ?? []).compactMap { entry in
      guard let model = entry.model, let objective = try? Objective(entry.level) else { return nil }
      return
        "Of all models, \(model) comes nearest to violating \(entry.level)\(entry.inCase.map { ", in case \($0)" } ?? ""): \(objective.metric.base) \(estimate(entry.estimate, objective.metric.unit))."
    }
  }

  private static func ideal(_ result: PlanResult) -> [String]? {
    if result.ideal.isEmpty { return nil }
    return result.ideal.flatMap { ideal -> [String] in
      let share = ideal.replicaHours > 0 ? ideal.bound.replicaHours / ideal.replicaHours : 0
      let line = String(
        format:
          "Ideal bound of %@: a perfect autoscaler needs %.1f replica-hours (%.0f %% of the %.1f used; %.2f credits instead of %.2f), at most %d replicas at once instead of %.0f.",
        ideal.variant, ideal.bound.replicaHours, share * 100, ideal.replicaHours, ideal.bound.credits,
        ideal.credits,
        ideal.bound.peakReplicas, ideal.peakReplicas)
      return [line] + (ideal.underObjectives.map { underObjectives($0, ideal) } ?? [])
    }
  }
}
