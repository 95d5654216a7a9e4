import Foundation
import ScenarioModel
import Synchronization
import Telemetry

/// When growth breaks the recommended variant, and the base.
///
/// Each replication is a future of its own: it draws the growth, where that is uncertain, and what chance does. In it the
/// first week is sought in which the figures of a period like the scenario's violate an objective, in any case. A week's
/// demand is the period's times the growth until then, on the same random numbers in every week, so that once an objective
/// is violated it stays so, and few weeks need be simulated. The share of the replications that are broken by a week
/// estimates the probability that an objective is violated in that week.
extension Study {
  func project() throws {
    guard let growth = options.growth else { return }
    var shown = [0]
    if let best, best != 0 { shown.append(best) }
    var found = GrowthResult(growth: growth.text, perWeek: growth.perWeek, weeks: growth.weeks, variants: [])
    for variant in shown {
      let futures = try futures(of: variant, growth)
      let looked = futures.filter { $0.broken == nil }.map(\.weeks).min() ?? growth.weeks
      if looked < growth.weeks {
        found.shortened = String(
          format: "beyond, demand would be more than %.0f times what it is", DemandGrowth.most)
      }
      found.variants.append(summary(of: variant, futures, growth, until: looked))
    }
    result.growth = found
  }

  /// One replication.
  private struct Future: Sendable {
    /// The first week in which an objective is violated; `nil`: none of those that were looked at.
    var broken: Int?
    var by: JudgedObjective?
    /// How far ahead could be looked.
    var weeks: Int
  }

  private func futures(of variant: Int, _ growth: DemandGrowth) throws -> [Future] {
    let count = replicationsOfMore(variant)
    let cells = cases.indices.map { experiment.variants[cell(variant, $0)] }
    let name = variants[variant].name
    let known = Mutex([Future?](repeating: nil, count: count))
    let done = Atomic(0)
    let own = recordsByCase(variant)
    let (judged, warmUp) = (objectives.judged, experiment.warmUp)
    progress("growth of \(name)", 0, count)
    try Experiment.spread(count, threads: options.threads) { [progress, checkWanted] replication in
      /// The objective that is violated most so many weeks later, if any is.
      func look(_ weeks: Int) throws -> JudgedObjective? {
        let records = try cells.enumerated().map { place, cell in
          if weeks == 0, replication < own[place].count { return own[place][replication] }
          try checkWanted()
          var later = cell
          later.scenario = growth.scenario(cell.scenario, replication: replication, after: weeks)
          return try later.replicate(replication, warmUp: warmUp)
        }
        return judged.map {
          ($0, $0.objective.excess(records[$0.place]) / max(abs($0.objective.bound), 1e-9))
        }.filter { $0.1 > 0 }.max { $0.1 < $1.1 }?.0
      }
      let weeks = cells.map { growth.weeks(of: $0.scenario, replication: replication) }.min() ?? 0
      let future = try Self.future(weeks: weeks, look)
      known.withLock { $0[replication] = future }
      progress("growth of \(name)", done.wrappingAdd(1, ordering: .relaxed).newValue, count)
    }
    return known.withLock { $0.compactMap { $0 } }
  }

  /// Looks at weeks farther and farther away until an objective is violated, then for the first such week.
  private static func future(weeks: Int, _ look: (Int) throws -> JudgedObjective?) throws -> Future {
    var future = Future(broken: nil, by: nil, weeks: weeks)
    var (holds, next) = (-1, 0)
    while future.broken == nil, holds < weeks {
      if let by = try look(next) {
        (future.broken, future.by) = (next, by)
      } else {
        holds = next
        next = min(max(1, 2 * next), weeks)
      }
    }
    while let broken = future.broken, broken - holds > 1 {
      let middle = (broken + holds) / 2
      if let by = try look(middle) {
        (future.broken, future.by) = (middle, by)
      } else {
        holds = middle
      }
    }
    return future
  }

  private func summary(of variant: Int, _ futures: [Future], _ growth: DemandGrowth, until looked: Int)
    -> GrowthResult.VariantGrowth
  {
    let scenario = variants[variant].scenario
    let calendar = scenario.accounts[0].calendar
    let first = calendar.date(at: scenario.from)
    func date(_ week: Int) -> String {
      LocalDate(daysSince1970: first.daysSince1970 + 7 * week).description
    }
    let (count, confidence) = (futures.count, options.confidence)
    func broken(_ week: Int) -> Int { futures.count { $0.broken.map { $0 <= week } ?? false } }
    var found = GrowthResult.VariantGrowth(
      variant: variants[variant].name, replications: count, weeks: [], lookedUntil: date(looked))
    for week in 0...max(looked, 0) {
      let own = broken(week)
      let interval = BinomialInterval.probability(own, of: count, confidence: confidence)
      found.weeks.append(
        .init(
          week: week, date: date(week), factor: growth.perWeek.map { pow($0, Double(week)) },
          probability: Double(own) / Double(count), lower: count > 1 ? interval.lowerBound : nil,
          upper: count > 1 ? interval.upperBound : nil))
      if own == count { break }
    }
    func week(_ share: Double) -> String? { found.weeks.first { $0.probability >= share }?.date }
    (found.early, found.median, found.late) = (week(0.05), week(0.5), week(0.95))
    if let places = BinomialInterval.median(of: count, confidence: confidence) {
      let sorted = futures.map { $0.broken ?? .max }.sorted()
      func at(_ place: Int) -> String? { sorted[place] <= looked ? date(sorted[place]) : nil }
      (found.medianFrom, found.medianTo) = (at(places.lowerBound), at(places.upperBound))
    }
    let by = Dictionary(grouping: futures.compactMap(\.by), by: \.description).mapValues(\.count)
    if let most = by.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
      found.level = most.key
      found.levelShare = Double(most.value) / Double(by.values.reduce(0, +))
    }
    return found
  }
}
