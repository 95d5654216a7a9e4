import Documents

/// KEDA on the length of the queue: it starts the first replica and stops the last one, and drives a
/// HorizontalPodAutoscaler (a metric of type AverageValue) in between.
///
/// Source: KEDA, "ScaledObject specification" and "Scaling deployments".
package struct QueueLengthScaling: Sendable, Equatable {
  package enum Counts: String, Sendable, CaseIterable {
    /// Requests that wait.
    case waiting
    /// Those, and the ones in service.
    case pending
  }

  /// Requests for each replica, millionths, above 0.
  package var target: Int
  package var counts: Counts
  /// µs, above 0.
  package var pollingInterval: Int64
  /// How long nothing must have been active before the last replica stops, µs.
  package var cooldown: Int64
  /// More requests than this make it active.
  package var activationThreshold: Int
  package var heldRequests: Int
  package var horizontal: HorizontalScaling

  static let shape = Shape(
    "queueLengthScaling",
    "KEDA: replicas follow the length of the queue, from none where minReplicas is 0.",
    [
      Key("target", .number(0.001...1e6), required: true, "Requests for each replica."),
      Key(
        "counts", .choice(Counts.allCases.map(\.rawValue)), default: "waiting",
        "The requests that wait; or pending: those and the ones in service, so that a replica is kept while it serves."
      ),
      Key(
        "pollingInterval", .duration, default: "30s", "How often it looks whether replicas are needed at all."
      ),
      Key(
        "cooldown", .duration, default: "300s",
        "With minReplicas 0: how long the queue must have been inactive before no replica is left."),
      Key(
        "activationThreshold", .integer(0...10_000_000), default: "0",
        "With minReplicas 0: more requests than this start the first replica."),
      heldKey,
    ] + HorizontalScaling.keys)

  /// Keys about the first and the last replica.
  static let startKeys = ["pollingInterval", "cooldown", "activationThreshold", heldKey.name]

  static let heldKey = Key(
    "heldRequests", .integer(0...10_000_000), default: "100",
    "With minReplicas 0: requests that may wait while no replica is ready; a further one fails as overloaded."
  )

  /// Of `heldKey`; `nil` after a diagnostic.
  static func held(_ keys: Section) -> Int? { keys.has(heldKey.name) ? keys.integer(heldKey.name) : 100 }

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    let horizontal = HorizontalScaling(keys)
    let counts = keys.has("counts") ? keys.choice("counts").flatMap { Counts(rawValue: $0) } : .waiting
    let polling = keys.has("pollingInterval") ? keys.duration("pollingInterval") : 30_000_000
    let cooldown = keys.has("cooldown") ? keys.duration("cooldown") : 300_000_000
    let threshold = keys.has("activationThreshold") ? keys.integer("activationThreshold") : 0
    guard let target = keys.number("target"), let horizontal, let counts, let polling, let cooldown,
      let threshold, let held = Self.held(keys)
    else { return nil }
    guard polling >= 1_000_000 else {
      keys.error("pollingInterval", "pollingInterval must be at least 1s. Raise it.")
      return nil
    }
    (self.target, self.counts, pollingInterval, self.cooldown) = (
      millionths(target), counts, polling, cooldown
    )
    (activationThreshold, heldRequests, self.horizontal) = (threshold, held, horizontal)
  }
}
