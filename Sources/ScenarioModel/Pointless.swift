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
        warnOfThePointless(pool.scaling, own)
      }
    }
  }

  private func warnOfThePointless(_ scaling: Scenario.Scaling, _ owner: Section) {
    guard let keys = owner.section("scaling") else { return }
    guard scaling.minReplicas < scaling.maxReplicas else {
      for key in ScalingPolicy.keys.map(\.name) where keys.has(key) {
        keys.warning(
          key,
          "\(key) does nothing: minReplicas and maxReplicas are both \(scaling.minReplicas). Remove it, or raise maxReplicas."
        )
      }
      return
    }
    let length = period.upperBound - period.lowerBound
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

extension AccountReader {
  /// - Parameters:
  ///   - models: in the order of their sections.
  ///   - incidents: in the order of theirs.
  func warnOfThePointless(
    _ models: [Scenario.Model?], _ modelSections: [Section], _ incidents: [Scenario.Incident?],
    _ incidentSections: [Section], _ windows: DeployWindows?, _ subscription: Int?
  ) {
    guard checkTimes else { return }
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
      if let subscription { warnOfOverload(model, keys, subscription) }
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
    guard let retries = model.load?.retries, retries.probability > 0 else { return }
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
  /// Profiles that no load names.
  func warnOfUnusedProfiles(_ top: Section, _ accounts: [Section]) {
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
  }
}
