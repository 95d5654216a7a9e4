import Documents
import Sampling
import Telemetry

extension Scenario {
  /// How many replicas a deployment has, and what they serve at once.
  package struct Scaling: Sendable, Equatable {
    package var minReplicas: Int
    package var maxReplicas: Int
    package var maxBatchSize: Int
    /// What decides how many of them there are.
    package var policy: ScalingPolicy
    /// µs.
    package var startup: Distribution
  }
}

extension Scenario.Scaling {
  static let shape = Shape(
    "scaling", "Replicas and the autoscaler.",
    [
      Key(
        "minReplicas", .integer(0...Limits.replicasOfDeployment), required: true,
        "Kept while deployed; at most account.platform.minReplicas. 0 only with a policy that starts the first replica: queueLength or averageConcurrency."
      ),
      Key(
        "maxReplicas", .integer(1...Limits.replicasOfDeployment), required: true,
        "Never exceeded; at most account.platform.maxReplicas."),
      Key(
        "maxBatchSize", .integer(1...Limits.batchSize), required: true,
        "Requests that a replica serves at the same time."),
    ] + ScalingPolicy.keys + [
      Key(
        "startup", .distribution(.duration), default: "60s",
        "Cold start: from a replica's start, charged, until it serves.")
    ])

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    let policy = ScalingPolicy.read(keys)
    let startup: Distribution? =
      keys.has("startup") ? keys.distribution("startup") : .constant(microseconds: 60e6)
    guard let least = keys.integer("minReplicas"), let most = keys.integer("maxReplicas"),
      let batch = keys.integer("maxBatchSize"), let policy, let startup
    else { return nil }
    guard least <= most else {
      keys.error(
        "minReplicas", "minReplicas \(least) is above maxReplicas \(most). Lower it, or raise maxReplicas.")
      return nil
    }
    guard least > 0 || policy.heldRequests != nil else {
      keys.error(
        "minReplicas",
        "minReplicas 0 needs a policy that starts the first replica. Raise it to 1, or give policy: { queueLength: { … } } or { averageConcurrency: { … } }."
      )
      return nil
    }
    if least == 0, let flaw = policy.flawFromNone(queueCapacity: nil) {
      keys.error("policy", flaw)
      return nil
    }
    if let limit = policy.smallestMaximum, limit < least {
      keys.error(
        "policy",
        "the schedule allows \(limit) \(limit == 1 ? "replica" : "replicas"), which is below minReplicas \(least). Raise its maxReplicas, or lower minReplicas."
      )
      return nil
    }
    if let initial = policy.initialScale, initial > most {
      keys.error(
        "policy",
        "initialScale \(initial) is above maxReplicas \(most). Lower it, or raise maxReplicas.")
      return nil
    }
    guard policy.largestMinimum <= most else {
      keys.error(
        "policy",
        "the schedule wants \(policy.largestMinimum) replicas, which is above maxReplicas \(most). Lower its minReplicas, or raise maxReplicas."
      )
      return nil
    }
    self.init(
      minReplicas: least, maxReplicas: most, maxBatchSize: batch, policy: policy, startup: startup)
  }
}
