import ScenarioModel
import Telemetry

/// A variant that changes what figures are measured by: prices, the period, the warm-up, the random numbers. Its system
/// is that of the base, so that a plan would recommend it for nothing that it does better. A plan that recommends none
/// may compare such variants.
struct MeasureChange: Error, CustomStringConvertible {
  /// What is changed.
  let description: String

  /// The first such change of a variant; `nil` if there is none.
  /// - Parameter metrics: that variants are judged by; without any nothing is recommended.
  init?(from base: Scenario, to variant: Scenario, judgedBy metrics: [Metric]) {
    guard !metrics.isEmpty else { return nil }
    if base.from != variant.from || base.to != variant.to {
      description =
        "the period is not the base's, and figures of different periods do not say which system is better. Compare variants over one period, or do not ask for the best one"
      return
    }
    if base.seed != variant.seed {
      description =
        "the seed is not the base's, and different random numbers do not make a different system. Leave seed out; more replications draw new numbers for all variants alike"
      return
    }
    if base.warmUpMicroseconds != variant.warmUpMicroseconds {
      description =
        "the warm-up is not the base's, which changes what is observed, not the system. Give all variants the same warm-up"
      return
    }
    guard metrics.contains(where: { $0.unit == .credits }) else { return nil }
    for account in variant.accounts {
      guard let before = base.accounts.first(where: { $0.name == account.name }) else { continue }
      let used = Set(
        account.models.flatMap { $0.deployments.map(\.hardware) + $0.fineTuning.map(\.hardware) })
      for price in account.prices where used.contains(price.hardware) {
        guard let old = before.prices.first(where: { $0.hardware == price.hardware }),
          old.creditsMicroPerHour != price.creditsMicroPerHour
        else { continue }
        func credits(_ micro: Int64) -> String { Factor.text(Double(micro) / 1e6, "") }
        description =
          "\(price.hardware) costs \(credits(price.creditsMicroPerHour)) credits an hour instead of \(credits(old.creditsMicroPerHour)), and a variant with different prices is cheaper or dearer without being a different system. Give all variants one price list, or do not ask for the best one"
        return
      }
    }
    return nil
  }
}
