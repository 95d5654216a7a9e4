/// Hardware that is changed without the service time that goes with it, by overrides or in a variant of a plan. What
/// then differs is the price alone, and a plan would recommend the cheapest hardware, no matter how slow it is. Where
/// the scenario states the service by hardware there is no such change.
package struct PriceOnlyChange: Error, CustomStringConvertible {
  /// What is moved, and between which hardware.
  package let description: String

  /// The first such change of a variant; `nil` if there is none.
  package init?(from base: Scenario, to variant: Scenario) {
    for account in variant.accounts {
      guard let before = base.accounts.first(where: { $0.name == account.name }) else { continue }
      for model in account.models {
        guard
          let old = before.models.first(where: { $0.name == model.name && $0.ordinal == model.ordinal }),
          let words = Self.change(old, model)
        else { continue }
        description =
          "\(words), so only its price would change. State the time that it takes on each hardware in the scenario (service: { byHardware: { … } }), or set both (in a variant of a plan file, if it is a plan): the hardware, and the time that it takes there."
        return
      }
    }
    return nil
  }

  private static func change(_ old: Scenario.Model, _ new: Scenario.Model) -> String? {
    var seen: [String: Int] = [:]
    for deployment in new.deployments {
      let place = seen[deployment.version, default: 0]
      seen[deployment.version] = place + 1
      let same = old.deployments.filter { $0.version == deployment.version }
      guard place < same.count, same[place].hardware != deployment.hardware,
        !deployment.isServiceOfHardware, same[place].service == deployment.service
      else { continue }
      return
        "\(new.name) \(deployment.version) moves from \(same[place].hardware) to \(deployment.hardware) and keeps its service"
    }
    for (before, after) in zip(old.fineTuning, new.fineTuning)
    where before.hardware != after.hardware && before.startAt == after.startAt
      && before.duration == after.duration
    {
      return
        "a fine-tuning job of \(new.name) moves from \(before.hardware) to \(after.hardware) and keeps its duration"
    }
    return nil
  }
}
