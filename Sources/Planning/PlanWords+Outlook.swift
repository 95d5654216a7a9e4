import Foundation
import Telemetry

/// Cases, policies, headroom and growth in words.
extension PlanWords {
  /// What may happen, where that is more than one thing.
  package static func cases(_ result: PlanResult) -> [String] {
    guard let cases = result.cases else { return [] }
    let names = cases.map { own in
      let changes = own.overrides.isEmpty ? "the scenario as it is" : own.overrides.joined(separator: ", ")
      return "\(own.name) (\(Figure.share(own.weight)): \(changes))"
    }
    return [
      "Cases: \(names.joined(separator: "; ")). Every variant is simulated in each; its figures are the mean by these weights."
    ]
  }

  /// How the recommended variant scales, where variants differ in it.
  static func policies(_ variant: PlanResult.VariantResult) -> [String] {
    guard let policies = variant.policies, !policies.isEmpty else { return [] }
    return [
      "Scaling: \(policies.prefix(6).joined(separator: ", "))\(policies.count > 6 ? ", …" : "")."
    ]
  }

  /// How variants fail where none holds in every case.
  static func misses(_ choice: PlanResult.Choice) -> [String] {
    guard let misses = choice.misses else { return [] }
    let shown = misses.prefix(5).map {
      "\($0.variant) fails \($0.level), by \(Figure.share($0.excess))."
    }
    return shown + (misses.count > shown.count ? ["… \(misses.count - shown.count) more in plan.json"] : [])
  }

  // MARK: Headroom

  static func headroom(_ result: PlanResult) -> [String] {
    guard let headroom = result.headroom else { return [] }
    let all = "Headroom: \(words(headroom, "demand", result))"
    let own = (result.headroomByModel ?? []).compactMap { headroom in
      headroom.model.map { "Headroom of \($0) alone: \(words(headroom, "its demand", result))" }
    }
    let replayed = result.replayed.map {
      "Demand of \($0.prefix(5).joined(separator: ", ")) is scaled by superposing copies of its trace, moved by whole weeks or days, and by thinning."
    }
    return [all] + own + [replayed].compactMap { $0 }
  }

  private static func words(_ headroom: PlanResult.Headroom, _ subject: String, _ result: PlanResult)
    -> String
  {
    guard let objective = headroom.level else {
      return String(format: "%@ can grow more than %.1f-fold.", subject, headroom.factor)
    }
    let range =
      headroom.replications > 1
      ? "\(Figure.share(result.confidence)): \(headroom.lower.map(change) ?? "less") to \(headroom.upper.map(change) ?? "more"); "
      : ""
    let replications = "\(headroom.replications) replication\(headroom.replications == 1 ? "" : "s")"
    guard headroom.factor >= 1 else {
      return
        "none; \(objective) is beyond its bound until \(subject) shrinks by \(Figure.share(1 - headroom.factor)) (\(range)\(replications))."
    }
    return
      "\(subject) can grow by \(Figure.share(headroom.factor - 1)) (\(range)\(replications)) before it violates \(objective)."
  }

  private static func change(_ factor: Double) -> String {
    factor >= 1 ? Figure.share(factor - 1) : "−\(Figure.share(1 - factor))"
  }

  // MARK: Ideal bound

  /// Of replicas that are no fuller than objectives on token times allow.
  static func underObjectives(_ own: PlanResult.IdealUnderObjectives, _ ideal: PlanResult.Ideal) -> [String] {
    let batches = own.batches.prefix(6).map { "\($0.batch) of \($0.of) requests at once on \($0.deployment)" }
    let flaw =
      own.unattainable.isEmpty
      ? "" : "; \(own.unattainable.joined(separator: ", ")) is not kept even by a request that is alone"
    return [
      String(
        format:
          "Ideal bound of %@ under %@: %.1f replica-hours, %.2f credits, at most %d replica%@ at once (%@%@).",
        ideal.variant, own.levels.joined(separator: ", "), own.bound.replicaHours, own.bound.credits,
        own.bound.peakReplicas, own.bound.peakReplicas == 1 ? "" : "s",
        batches.joined(separator: ", ") + (own.batches.count > 6 ? ", …" : ""), flaw)
    ]
  }

  // MARK: Growth

  static func growth(_ result: PlanResult) -> [String] {
    guard let growth = result.growth else { return [] }
    let title = growth.perWeek == nil ? "Growth as the scenario states it" : "Growth of \(growth.growth)"
    return growth.variants.map { own in
      var line = "\(title): \(own.variant) "
      if own.replications == 1 {
        line +=
          own.median.map { "violates \(own.level ?? "an objective") from the week of \($0) on" }
          ?? "holds until at least the week of \(own.lookedUntil)"
      } else if let median = own.median {
        line += "violates \(own.level ?? "an objective") by the week of \(median) with a probability of 50 %"
        if let from = own.medianFrom {
          line +=
            " (\(Figure.share(result.confidence)): \(from) to \(own.medianTo ?? "after \(own.lookedUntil)"))"
        }
        if let early = own.early, early != median { line += ", by \(early) with one of 5 %" }
        line +=
          own.late.map { $0 == median ? "" : ", by \($0) with one of 95 %" }
          ?? "; by \(own.lookedUntil) it has not reached 95 %"
      } else {
        line += "holds until at least the week of \(own.lookedUntil)"
        let last = own.weeks.last?.probability ?? 0
        line +=
          last > 0
          ? ", where it violates \(own.level ?? "an objective") with a probability of \(Figure.share(last))"
          : ", in each of \(own.replications) replications"
      }
      if let why = growth.shortened { line += "; \(why)" }
      return line + "."
    }
  }
}
