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
      Key("minReplicas", .integer(1...10), required: true, "Kept while deployed."),
      Key(
        "maxReplicas", .integer(1...Limits.replicasOfDeployment), required: true, "Never exceeded."),
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
    self.init(
      minReplicas: least, maxReplicas: most, maxBatchSize: batch, policy: policy, startup: startup)
  }
}
