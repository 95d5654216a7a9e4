import Documents
import Foundation
import Sampling
import Telemetry

// Warnings about settings that have no effect: they are valid, and probably not what is meant.

extension ModelReader {
  /// - Parameter sections: of the deployments, in the order of the document.
  func warnOfThePointless(
    _ deployments: [Scenario.Deployment?], _ sections: [Section], _ load: Scenario.Load?
  ) {
    guard checkTimes else { return }
    if !deployments.isEmpty, !section.has("load") {
      section.warning(
        "deployments",
        "the model has no load: its replicas cost credits and serve nothing. Give it a load, or leave it out."
      )
    }
    if let profile = load?.profile, profile.hourly.allSatisfy({ $0 == 0 }), !profile.hourly.isEmpty {
      section.section("load")?.warning(
        "profile", "every hour's factor is 0: no request ever arrives. Raise one, or leave the load out.")
    }
    if load?.tokens?.prefix != nil, !deployments.contains(where: { $0 == nil || $0?.keepsPrefixes == true }) {
      section.section("load")?.section("tokens")?.warning(
        "prefix",
        "no deployment keeps what prompts begin with: each reads it again. Give one service: { continuousBatching: { …, kvCache: { tokens: … } } }, or add the tokens to input."
      )
    }
    for (deployment, keys) in zip(deployments, sections) {
      if let batching = deployment?.service.continuousBatching,
        let futility = batching.futility(tokens: load?.tokens)
      {
        keys.warning("service", futility)
      }
      guard let deployment else { continue }
      warnOfThePointless(deployment.scaling, keys)
      if let pool = deployment.prefill, let own = keys.section(PrefillPool.key.name) {
        if own.has("service"), let reading = pool.service.continuousBatching,
          let futility = reading.futility(tokens: load?.tokens, onlyReads: true)
        {
          own.warning("service", futility)
        }
        warnOfThePointless(pool.scaling, own)
      }
    }
  }

  private func warnOfThePointless(_ scaling: Scenario.Scaling, _ owner: Section) {
    guard let keys = owner.section("scaling") else { return }
    if let policy = keys.section("policy") { warnOfSchedules(policy, scaling) }
    guard scaling.minReplicas < scaling.maxReplicas else {
      for key in ScalingPolicy.keys.map(\.name) where keys.has(key) {
        keys.warning(
          key,
          "\(key) does nothing: minReplicas and maxReplicas are both \(scaling.minReplicas). Remove it, or raise maxReplicas."
        )
      }
      return
    }
    if let most = scaling.policy.largestMaximum, most > scaling.maxReplicas {
      keys.warning(
        "policy",
        "the schedule allows \(most) replicas, and maxReplicas \(scaling.maxReplicas) cuts them. Lower its maxReplicas, or raise the deployment's."
      )
    }
    if scaling.minReplicas > 0, let policy = keys.section("policy") { ScalingPolicy.warnOfStartKeys(policy) }
    let length = period.upperBound - period.lowerBound
    scaling.policy.warnOfShortHistory(length + warmUp, keys)
    if let futile = scaling.policy.futility(within: length) {
      keys.warning(futile.key, futile.message)
    } else if scaling.startup.mean >= Double(length) {
      keys.warning(
        "startup",
        "a replica takes longer to start than the period lasts: no added replica serves a request. Shorten it, or lengthen the period."
      )
    }
  }
}

extension ModelReader {
  /// Bounds of a schedule that the deployment's own take the place of.
  private func warnOfSchedules(_ policy: Section, _ scaling: Scenario.Scaling) {
    for other in policy.shape.key("largest") == nil ? [] : policy.sections("largest") {
      warnOfSchedules(other, scaling)
    }
    guard let schedule = policy.section("scheduled") else { return }
    if let inner = schedule.section("policy") { warnOfSchedules(inner, scaling) }
    for own in schedule.sections("weekly") + schedule.sections("dates") {
      if own.has("maxReplicas"), let most = own.integer("maxReplicas"), most > scaling.maxReplicas {
        own.warning(
          "maxReplicas",
          "the schedule's maxReplicas \(most) is above the deployment's \(scaling.maxReplicas), which is never exceeded. Lower it, or raise the deployment's."
        )
      }
      if own.has("minReplicas"), let least = own.integer("minReplicas"), least <= scaling.minReplicas {
        own.warning(
          "minReplicas",
          "the schedule's minReplicas \(least) does nothing: the deployment always has \(scaling.minReplicas). Raise it, or remove it."
        )
      }
    }
  }
}

extension AccountReader {
  /// - Parameters:
  ///   - models: in the order of their sections.
  ///   - incidents: in the order of theirs.
  func warnOfThePointless(
    _ models: [Scenario.Model?], _ modelSections: [Section], _ incidents: [Scenario.Incident?],
    _ incidentSections: [Section], _ windows: DeployWindows?, _ subscription: Scenario.Subscription?
  ) {
    guard checkTimes else { return }
    if let subscription { warnOfUnusedLimits(subscription, models) }
    warnOfFreezes()
    for (incident, keys) in zip(incidents, incidentSections) {
      if let incident { warn(of: incident, keys, models) }
    }
    if let windows, !windows.weekly.isEmpty || !windows.freezes.isEmpty,
      windows.nextOpening(from: period.lowerBound).map({ $0 >= period.upperBound }) ?? true
    {
      section.warning(
        "deployWindows", "no deploy window opens in the period: nothing can be deployed or undeployed in it.")
    }
    for (model, keys) in zip(models, modelSections) {
      guard let model else { continue }
      warnOfRetries(model, keys, incidents)
      if let subscription { warnOfOverload(model, keys, subscription.maxReplicas) }
      for (deployment, own) in zip(model.deployments, deploymentSections(keys, model)) {
        guard let windows, windows.policy == .defer, deployment.deployAt > period.lowerBound,
          windows.nextOpening(from: deployment.deployAt).map({ $0 >= period.upperBound }) ?? true
        else { continue }
        own.warning(
          "deployAt",
          "version \(deployment.version) is never deployed: no deploy window opens between deployAt and the period's end. Move it, or open one."
        )
      }
    }
  }

  private func warnOfFreezes() {
    for freeze in section.section("deployWindows")?.sections("freezes") ?? [] {
      guard let from = freeze.instant("from"), let to = freeze.instant("to") else { continue }
      if from >= period.upperBound {
        freeze.warning("from", "the freeze starts after the period's end. Move it, or extend the period.")
      } else if to <= period.lowerBound + -warmUp {
        freeze.warning("to", "the freeze ends before the period starts. Move it, or remove it.")
      }
    }
  }

  /// In the order of the model's deployments, which are sorted by time.
  private func deploymentSections(_ keys: Section, _ model: Scenario.Model) -> [Section] {
    let sections = keys.sections("deployments")
    return model.deployments.compactMap { deployment in
      sections.first {
        $0.text("version") == deployment.version && $0.instant("deployAt") == deployment.deployAt
      }
    }
  }

  private func warn(of incident: Scenario.Incident, _ keys: Section, _ models: [Scenario.Model?]) {
    if case .between(let from, let to) = incident.schedule {
      if from >= period.upperBound {
        keys.warning("from", "the incident starts after the period's end. Move it, or extend the period.")
      } else if to <= period.lowerBound + -warmUp {
        keys.warning(
          "to", "the incident ends before the period starts. Move it, or start the period earlier.")
      }
    }
    if incident.errorProbability == 0, incident.latencyFactor == 1 {
      keys.warning(
        nil, "the incident changes nothing: errorProbability is 0 and latencyFactor is 1. Give one of them.")
    }
    if let name = incident.model, !models.contains(where: { $0?.name == name && $0?.load != nil }) {
      keys.warning("model", "\(name) has no load, so the incident affects no request.")
    }
  }

  private func warnOfRetries(_ model: Scenario.Model, _ keys: Section, _ incidents: [Scenario.Incident?]) {
    guard let retries = model.load?.retries else { return }
    guard retries.probability > 0 else {
      keys.section("load")?.section("retries")?.warning(
        "probability", "probability is 0: no request is tried again. Raise it, or remove retries.")
      return
    }
    let mayFail =
      model.providerErrorProbability > 0 || model.rateLimitedProbability > 0 || model.rateLimit != nil
      || model.load?.deadlines.contains { $0 < .max } == true
      // A queue that is full turns requests away.
      || !model.deployments.isEmpty
      || incidents.contains {
        ($0?.errorProbability ?? 0) > 0
          && ($0?.model.map { $0 == model.name } ?? $0?.provider.map { $0 == model.provider } ?? true)
      }
    if !mayFail {
      keys.section("load")?.warning(
        "retries",
        "no request of this model can fail, so none is tried again. Add failures, or remove retries."
      )
    }
  }

  /// Demand far beyond what its replicas can serve, however they are scaled: the queue only grows.
  private func warnOfOverload(_ model: Scenario.Model, _ keys: Section, _ subscription: Int) {
    let length = Double(period.upperBound - period.lowerBound)
    let demand = model.expectedArrivals(period, origin: period.lowerBound, section.calendar) / length
    // As if all were deployed all the time, and no other model needed the subscription.
    let capacities = model.deployments.map { deployment in
      deployment.service.capacity(
        batch: Double(deployment.scaling.maxBatchSize), tokens: model.load?.tokens, deployment.part
      ).map { $0 * Double(min(deployment.scaling.maxReplicas, subscription)) }
    }
    guard model.load?.arrivals.closedLoop == nil,
      model.load?.classes.contains(where: { $0.tokens != nil }) != true,
      demand > 0, !capacities.isEmpty, !capacities.contains(where: { $0 == nil })
    else { return }
    let capacity = model.deployments.indices.reduce(0.0) { sum, index in
      guard let own = capacities[index] else { return sum }
      switch model.deployments[index].part {
      case .whole: return sum + own
      // Those that read prompts or those that decode, whichever serve fewer.
      case .decode(let prefill): return sum + min(own, capacities[prefill] ?? own)
      case .prefill: return sum
      }
    }
    guard capacity > 0, demand > 2 * capacity else { return }
    func rate(_ perMicrosecond: Double) -> String { String(format: "%.3g/s", perMicrosecond * 1e6) }
    keys.warning(
      "load",
      "\(rate(demand)) arrive on average, and all replicas together serve at most \(rate(capacity)): the queue only grows. Lower the rate, or raise maxReplicas or maxBatchSize."
    )
  }
}

extension ScenarioReader {
  /// Profiles that no load names, and what in the others lies outside the simulated time.
  func warnOfUnusedProfiles(_ top: Section, _ accounts: [Section], simulated: Range<Timestamp>) {
    guard let profiles = top.section("profiles") else { return }
    let models = ([top] + accounts).flatMap { owner in
      owner.shape.key("models") == nil ? [] : owner.node("models")?.elements ?? []
    }
    let used = Set(models.compactMap { $0.member("load")?.member("profile")?.scalar })
    for entry in profiles.map("rates") where !used.contains(entry.key) {
      diagnostics.warning(
        entry.keyLocation,
        "no load names the rate profile \(quoted(entry.key)). Name it as a load's profile, or remove it."
      )
    }
    for entry in profiles.map("rates") where used.contains(entry.key) {
      guard case .map(_, .object(let shape))? = profiles.shape.key("rates")?.kind,
        let profile = Section(entry.value, shape(), diagnostics, accounts.first?.calendar ?? .utc)
      else { continue }
      warnOfTimesOutside(profile, simulated)
    }
  }

  /// Profiles are shared by accounts, whose days begin at different instants: only what is outside by more than a day.
  private func warnOfTimesOutside(_ profile: Section, _ simulated: Range<Timestamp>) {
    let day: Int64 = 86_400_000_000
    let (from, to) = (simulated.lowerBound + -day, simulated.upperBound + day)
    for entry in profile.map("dates") {
      guard let date = LocalDate(entry.key) else { continue }
      let start = ZonedCalendar.utc.start(of: date)
      if start >= to || start + day <= from {
        diagnostics.warning(
          entry.keyLocation, "\(entry.key) lies outside the period. Remove it, or change the period.")
      }
    }
    for spike in profile.sections("spikes") {
      guard let at = spike.instant("at"), let duration = spike.duration("duration") else { continue }
      if at >= to || at + duration <= from {
        spike.warning("at", "the spike lies outside the period. Move it, or change the period.")
      }
    }
    for change in profile.sections("breakpoints") {
      guard let at = change.instant("at"), at >= to else { continue }
      change.warning(
        "at", "the change comes after the period's end. Move it, or extend the period.")
    }
  }
}
