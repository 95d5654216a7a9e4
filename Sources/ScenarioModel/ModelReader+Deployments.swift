import Documents
import Telemetry

/// The deployments of a model together: how many, what they serve at once, whether they overlap.
extension ModelReader {
  /// - Returns: `nil` for more than can be simulated, which are not read.
  func readDeployments() -> ([Scenario.Deployment?], [Section])? {
    let elements = section.node("deployments")?.elements ?? []
    // Those that read prompts for others are deployments too.
    let count = elements.reduce(0) { $0 + ($1.member(PrefillPool.key.name) == nil ? 1 : 2) }
    guard count <= Limits.deploymentsOfModel else {
      section.error(
        "deployments",
        "\(count) deployments of one model: at most \(Limits.deploymentsOfModel) are simulated. Give fewer, or spread them over several models."
      )
      return nil
    }
    let sections = section.sections("deployments")
    let deployments = sections.map(deployment)
    for (keys, deployment) in zip(sections, deployments) {
      if let deployment { check(deployment, keys) }
    }
    let scalings = deployments.compactMap { $0 }.flatMap {
      [$0.scaling] + ($0.prefill.map { [$0.scaling] } ?? [])
    }
    let slots = scalings.reduce(0) { $0 + $1.maxReplicas * $1.maxBatchSize }
    let batch = scalings.map(\.maxBatchSize).max() ?? 0
    let served = min(slots, (subscription?.maxReplicas ?? Limits.requestsInService) * batch)
    if served > Limits.requestsInService {
      section.error(
        "deployments",
        "the model could serve \(served) requests at once (replicas × maxBatchSize, within the subscription): at most \(Limits.requestsInService) are simulated. Lower maxReplicas, maxBatchSize or account.subscription.maxReplicas, or spread the deployments over several models."
      )
    }
    return (deployments, sections)
  }

  private func check(_ deployment: Scenario.Deployment, _ keys: Section) {
    if let undeployAt = deployment.undeployAt, undeployAt <= deployment.deployAt {
      keys.error("undeployAt", "undeployAt is not after deployAt. Move it, or leave it out.")
    }
    if checkTimes {
      if deployment.deployAt >= period.upperBound {
        keys.error(
          "deployAt",
          "the deployment lies outside the period, which ends at \(period.upperBound.rfc3339(in: keys.calendar)). Move it, or extend the period."
        )
      }
      if let undeployAt = deployment.undeployAt, undeployAt <= period.lowerBound {
        keys.error(
          "undeployAt",
          "the deployment lies outside the period, which starts at \(period.lowerBound.rfc3339(in: keys.calendar)). Move it, or extend the period."
        )
      }
    }
    check(deployment.scaling, deployment.service, on: deployment.hardware, keys)
    guard let pool = deployment.prefill, let own = keys.section(PrefillPool.key.name) else { return }
    for (hardware, owner) in [(deployment.hardware, keys), (pool.hardware, own)] {
      guard pools.contains(where: { Name.same($0.name, hardware) && $0.spot != nil }) else { continue }
      (owner.has("hardware") ? owner : keys).error(
        "hardware",
        "spot machines cannot be combined with prefill: what a prompt left on one would be lost with it. Choose other hardware, or remove prefill."
      )
      break
    }
    check(pool.scaling, pool.service, on: pool.hardware, own)
    for (scaling, owner) in [(deployment.scaling, keys), (pool.scaling, own)] where scaling.minReplicas == 0 {
      owner.section("scaling")?.error(
        "minReplicas", "minReplicas 0 cannot be combined with prefill. Raise it to 1, or remove prefill.")
    }
    let least = deployment.scaling.minReplicas + pool.scaling.minReplicas
    let shared = deployment.hardware == pool.hardware ? pool.hardware : nil
    if let limit = limits(on: shared).first, least > limit.replicas,
      max(deployment.scaling.minReplicas, pool.scaling.minReplicas) <= limit.replicas
    {
      own.section("scaling")?.error(
        "minReplicas",
        "the deployment and those that read its prompts need \(least) replicas at least, which can never fit into \(limit.whose). Lower minReplicas, or raise \(limit.path)."
      )
    }
  }

  /// The limits that hold for the replicas of a deployment, the narrowest first.
  private func limits(on hardware: String?) -> [Scenario.CapacityLimit] {
    var all = subscription?.limits(on: hardware) ?? []
    if let hardware, let limit = pools.first(where: { Name.same($0.name, hardware) })?.limit {
      let machines = limit == 1 ? "one machine" : "\(limit) machines"
      all.append(
        .init(
          replicas: limit, whose: "the \(machines) of the pool \(quoted(hardware))",
          path: "its limit in account.pools"))
    }
    return all.sorted { $0.replicas < $1.replicas }
  }

  private func check(
    _ scaling: Scenario.Scaling, _ service: DeploymentService, on hardware: String, _ keys: Section
  ) {
    if scaling.policy.needsKVCache, service.continuousBatching?.kvCache == nil {
      keys.section("scaling")?.error(
        "policy",
        "kvUtilisation needs a KV cache, which the service does not have. Give service: { continuousBatching: { …, kvCache: { tokens: … } } }, or choose another policy."
      )
    }
    guard bounds.admit(scaling, keys), let limit = limits(on: hardware).first else { return }
    if scaling.minReplicas > limit.replicas {
      keys.section("scaling")?.error(
        "minReplicas",
        "minReplicas \(scaling.minReplicas) can never fit into \(limit.whose). Lower it, or raise \(limit.path)."
      )
    } else if scaling.maxReplicas > limit.replicas {
      keys.section("scaling")?.error(
        "maxReplicas",
        "maxReplicas \(scaling.maxReplicas) is above \(limit.whose). Lower it, or raise \(limit.path)."
      )
    }
  }

  /// For each span, the others that overlap it, ascending. In the order of their starts, so that many that follow each
  /// other need not be compared in pairs.
  private static func overlapping(_ spans: [Range<Timestamp>?]) -> [[Int]] {
    var others = [[Int]](repeating: [], count: spans.count)
    var open: [(index: Int, end: Timestamp)] = []
    let order = spans.indices.compactMap { index in
      spans[index].flatMap { $0.isEmpty ? nil : (start: $0.lowerBound, end: $0.upperBound, index: index) }
    }.sorted { ($0.start, $0.index) < ($1.start, $1.index) }
    for next in order {
      open.removeAll { $0.end <= next.start }
      for earlier in open {
        others[earlier.index].append(next.index)
        others[next.index].append(earlier.index)
      }
      open.append((next.index, next.end))
    }
    return others.map { $0.sorted() }
  }

  func checkOverlaps(_ deployments: [Scenario.Deployment?], _ sections: [Section]) {
    for (deployment, keys) in zip(deployments, sections) {
      guard let deployment,
        let other = deployments.compactMap({ $0 }).first(where: {
          $0.prefill != nil && Name.same(PrefillVersion.name(for: $0.version), deployment.version)
        })
      else { continue }
      keys.error(
        "version",
        "telemetry calls the replicas that read the prompts of \(other.version) so. Choose another name.")
    }
    func span(_ deployment: Scenario.Deployment) -> Range<Timestamp> {
      deployment.deployAt..<max(deployment.undeployAt ?? .supported.upperBound, deployment.deployAt)
    }
    let overlapping = Self.overlapping(deployments.map { $0.map(span) })
    for later in deployments.indices {
      guard let b = deployments[later] else { continue }
      var stated = b.traffic ?? 0
      var hasRest = b.traffic == nil
      for earlier in overlapping[later] {
        guard let a = deployments[earlier] else { continue }
        stated += a.traffic ?? 0
        if a.version == b.version, earlier < later {
          sections[later].error(
            "version",
            "version \(b.version) is deployed twice at the same time. Give undeployAt to the first, or another version."
          )
        } else if a.traffic == nil, b.traffic == nil, earlier < later {
          sections[later].error(
            "deployAt",
            "versions \(a.version) and \(b.version) overlap without traffic shares. Give one of them traffic, or undeploy \(a.version) before."
          )
        }
        if a.traffic == nil { hasRest = true }
      }
      if hasRest, stated >= 1, b.traffic != nil {
        sections[later].error(
          "traffic",
          "the traffic shares leave nothing for the version without one. They must add up to less than 1.")
      }
    }
  }
}
