import Documents
import Foundation
import Sampling
import Telemetry

/// Reads one account with its models and incidents.
struct AccountReader {
  let section: Section
  /// Holds the models and incidents: the account itself, or the document where it has only one.
  let owner: Section
  let diagnostics: Diagnostics
  let period: Range<Timestamp>
  /// µs, before the period.
  let warmUp: Int64
  /// Off where the period itself is wrong.
  let checkTimes: Bool
  let profiles: [String: RateProfile]

  func read() -> Scenario.Account? {
    let name = section.name("name")
    var prices = self.prices()
    let configurations = KnownHardware(Set(prices.keys))
    let pools = Scenario.HardwarePool.read(section, &prices)
    let hardware = KnownHardware(Set(prices.keys))
    let subscription = section.section("subscription").flatMap { keys in
      Scenario.Subscription.read(keys) { hardware.isKnown($0, $1, diagnostics) }
    }
    let bounds = PlatformBounds(section)
    let windows = deployWindows()
    let modelSections = owner.sections("models")
    if owner.has("models"), owner.list("models").isEmpty {
      owner.error("models", "models is empty. Name at least one model.")
    }
    let models = modelSections.map {
      ModelReader(
        section: $0, hardware: hardware, configurations: configurations, pools: pools ?? [],
        subscription: subscription, bounds: bounds, period: period,
        warmUp: warmUp, checkTimes: checkTimes, profiles: profiles
      ).read()
    }
    let numbered = distinguished(models, modelSections)
    let incidentSections = owner.sections("incidents")
    let incidents = incidentSections.map { incident($0, models.compactMap { $0 }) }
    warnOfThePointless(models, modelSections, incidents, incidentSections, windows, subscription)
    if checkTimes, let pools { warnOfUnusedPools(pools, models) }
    guard let name, let subscription, let pools, let windows, !numbered.contains(where: { $0 == nil }),
      !incidents.contains(where: { $0 == nil })
    else { return nil }
    return Scenario.Account(
      name: name, calendar: section.calendar, subscriptionMaxReplicas: subscription.maxReplicas,
      perHardware: subscription.perHardware, pools: pools,
      prices: prices.sorted { $0.key < $1.key }.map {
        .init(hardware: $0.key, creditsMicroPerHour: $0.value)
      },
      deployWindows: windows,
      models: numbered.compactMap { $0 }, incidents: incidents.compactMap { $0 })
  }

  private func prices() -> [String: Int64] {
    var prices = defaultPriceList
    for entry in section.map("credits") {
      if section.admit(entry.key, "the hardware", entry.keyLocation),
        let credits = section.number(entry.value, entry.key, 0...1e6)
      {
        prices[entry.key] = Int64((credits * 1e6).rounded())
      }
    }
    return prices
  }

  private func deployWindows() -> DeployWindows? {
    guard section.has("deployWindows") else { return .always(section.calendar) }
    guard let keys = section.section("deployWindows") else { return nil }
    let policy: DeployWindows.Policy? =
      keys.has("policy") ? keys.choice("policy").flatMap { .init(rawValue: $0) } : .defer
    var weekly: [DeployWindows.Window] = []
    for node in keys.list("weekly") {
      guard let text = node.scalar, let windows = DeployWindows.parse(text) else {
        diagnostics.error(
          node.location,
          "\(node.kindName) is not a weekly window. Write \"Mon-Thu 08:00-18:00\" or \"Fri 08:00-12:00\".")
        continue
      }
      weekly += windows
    }
    var freezes: [Range<Timestamp>] = []
    for freeze in keys.sections("freezes") {
      guard let from = freeze.instant("from"), let to = freeze.instant("to") else { continue }
      guard from < to else {
        freeze.error("to", "the freeze ends before it starts. Swap from and to.")
        continue
      }
      freezes.append(from..<to)
    }
    return policy.map {
      DeployWindows(policy: $0, weekly: weekly, freezes: freezes, calendar: section.calendar)
    }
  }

  /// Numbers models of the same name. Those of one kind and provider must not be there at the same time: nothing would
  /// tell them apart.
  private func distinguished(_ models: [Scenario.Model?], _ sections: [Section]) -> [Scenario.Model?] {
    var numbered = models
    var seen: [String: [Int]] = [:]
    for index in models.indices {
      guard let model = models[index] else { continue }
      for other in seen[model.name, default: []] {
        guard let earlier = models[other], earlier.kind == model.kind,
          Name.same(earlier.provider, model.provider)
        else { continue }
        let spans = { (model: Scenario.Model) in
          model.deployments.map { $0.deployAt..<max($0.undeployAt ?? .supported.upperBound, $0.deployAt) }
        }
        let overlap = spans(model).contains { a in spans(earlier).contains { $0.overlaps(a) } }
        if overlap || model.kind == .external {
          sections[index].error(
            "name",
            "a second model is called \(quoted(model.name)), and both are \(model.kind == .external ? "external, of one provider" : "deployed at the same time"). Rename one\(model.kind == .external ? "" : ", or undeploy the first before")."
          )
        }
      }
      seen[model.name, default: []].append(index)
      numbered[index]?.ordinal = seen[model.name]?.count ?? 1
    }
    return numbered
  }

  private func incident(_ keys: Section, _ models: [Scenario.Model]) -> Scenario.Incident? {
    let kind = keys.choice("kind")
    let model = keys.has("model") ? keys.name("model") : nil
    let provider = keys.has("provider") ? keys.name("provider") : nil
    if let model, !models.contains(where: { $0.name == model }) {
      let hint =
        nearest(model, among: models.map(\.name)).map { "Did you mean \($0)?" }
        ?? "Models: \(models.prefix(8).map(\.name).joined(separator: ", "))."
      keys.error("model", "no model is called \(quoted(model)). \(hint)")
    }
    if let provider, !models.contains(where: { $0.provider == provider }) {
      let hint =
        nearest(provider, among: models.map(\.provider).filter { !$0.isEmpty }).map { "Did you mean \($0)?" }
        ?? "No external model has that provider."
      keys.error("provider", "unknown provider \(quoted(provider)). \(hint)")
    }
    if model != nil, provider != nil {
      keys.error("provider", "model and provider cannot be given together. Give one of them.")
    }
    let errorProbability =
      keys.has("errorProbability") ? keys.number("errorProbability") : kind == "outage" ? 1 : 0
    let latencyFactor = keys.has("latencyFactor") ? keys.number("latencyFactor") : 1
    guard let schedule = schedule(keys), let kind, let errorProbability, let latencyFactor else { return nil }
    return Scenario.Incident(
      kind: kind, model: model, provider: provider, schedule: schedule, errorProbability: errorProbability,
      latencyFactor: latencyFactor)
  }

  private func schedule(_ keys: Section) -> Scenario.Incident.Schedule? {
    let scheduled = keys.has("from") || keys.has("to")
    let random = keys.has("timeBetween") || keys.has("timeToRepair")
    guard scheduled != random else {
      keys.error(
        nil,
        scheduled
          ? "from and to cannot be combined with timeBetween and timeToRepair. Give a schedule or distributions."
          : "no time is given. Give from and to, or timeBetween and timeToRepair.")
      return nil
    }
    if scheduled {
      guard keys.has("from"), keys.has("to") else {
        keys.error(nil, "\(keys.has("from") ? "to" : "from") is missing. An incident needs both ends.")
        return nil
      }
      guard let from = keys.instant("from"), let to = keys.instant("to") else { return nil }
      guard from < to else {
        keys.error("to", "the incident ends before it starts. Swap from and to.")
        return nil
      }
      return .between(from, to)
    }
    guard keys.has("timeBetween"), keys.has("timeToRepair") else {
      keys.error(
        nil,
        "\(keys.has("timeBetween") ? "timeToRepair" : "timeBetween") is missing. Random incidents need both.")
      return nil
    }
    guard let between = keys.distribution("timeBetween"), let repair = keys.distribution("timeToRepair")
    else { return nil }
    return positiveMean(between, keys, "timeBetween")
      ? .random(timeBetween: between, timeToRepair: repair) : nil
  }
}

/// With almost no time between events, the simulation would hardly advance.
func positiveMean(_ distribution: Distribution, _ keys: Section, _ name: String) -> Bool {
  if distribution.mean >= 1e6 { return true }
  keys.error(name, "\(name) is below a second on average. Give at least 1s.")
  return false
}
