import Documents
import Telemetry

/// Knative's autoscaler (KPA): replicas follow the average number of requests, waiting or in service, over a stable window,
/// and over a short one when that shows a burst (panic), in which none is removed.
///
/// Source: Knative Serving, "About autoscaling" and "Additional autoscaling configuration", with their defaults.
package struct AverageConcurrencyScaling: Sendable, Equatable {
  /// Of maxBatchSize, millionths.
  package var target: Int
  /// µs, whole multiples of `tick`.
  package var stableWindow: Int64
  package var panicWindow: Int64
  /// Replicas wanted for each that is ready, from which on it panics, millionths.
  package var panicThreshold: Int
  /// How many times the ready replicas there may be after a decision, millionths; and how small a part of them.
  package var maxScaleUpRate: Int
  package var maxScaleDownRate: Int
  /// The largest wish of this time is followed, µs, a whole multiple of `tick`.
  package var scaleDownDelay: Int64
  package var heldRequests: Int
  /// Replicas that a new deployment begins with; `nil`: its minReplicas.
  package var initialScale: Int?

  /// From one decision to the next, µs.
  package static let tick: Int64 = 2_000_000

  static let shape = Shape(
    "averageConcurrencyScaling",
    "Knative: replicas follow the average of the requests, waiting or in service, over a stable and a panic window.",
    [
      Key(
        "target", .number(0.01...1), default: "0.7", "The average that a replica is to have, of maxBatchSize."
      ),
      Key("stableWindow", .duration, default: "60s", "The window of the average."),
      Key("panicWindow", .duration, default: "6s", "The window that shows a burst."),
      Key(
        "panicThreshold", .number(1.1...10), default: "2",
        "Replicas that the panic window wants, for each that is ready, from which on none is removed."),
      Key(
        "maxScaleUpRate", .number(1.01...1e6), default: "1000",
        "A decision wants at most this many times the ready replicas."),
      Key(
        "maxScaleDownRate", .number(1.01...1e6), default: "2",
        "A decision wants at least the ready replicas divided by this."),
      Key("scaleDownDelay", .duration, default: "0s", "The largest wish of this time is followed."),
      QueueLengthScaling.heldKey,
      Key(
        "initialScale", .integer(1...Limits.replicasOfDeployment),
        "Replicas that a new deployment starts with, and of which none is removed before all have been ready. Without it: minReplicas; Knative's own default is 1."
      ),
    ])

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    func number(_ name: String, _ standard: Double) -> Int? {
      (keys.has(name) ? keys.number(name) : standard).map(millionths)
    }
    func window(_ name: String, _ standard: Int64, from least: Int64) -> Int64? {
      guard let window = keys.has(name) ? keys.duration(name) : standard else { return nil }
      guard window % Self.tick == 0, window >= least, window <= 3_600_000_000 else {
        keys.error(
          name, "\(name) must be a multiple of 2s, from \(least / 1_000_000)s to 1h. Change it.")
        return nil
      }
      return window
    }
    let stable = window("stableWindow", 60_000_000, from: 6_000_000)
    let panic = window("panicWindow", 6_000_000, from: Self.tick)
    let delay = window("scaleDownDelay", 0, from: 0)
    guard let target = number("target", 0.7), let threshold = number("panicThreshold", 2),
      let up = number("maxScaleUpRate", 1000), let down = number("maxScaleDownRate", 2),
      let stable, let panic, let delay, let held = QueueLengthScaling.held(keys)
    else { return nil }
    if keys.has("initialScale") {
      guard let scale = keys.integer("initialScale") else { return nil }
      initialScale = scale
    }
    guard panic <= stable else {
      keys.error(
        "panicWindow", "panicWindow is longer than stableWindow. Shorten it, or lengthen stableWindow.")
      return nil
    }
    (self.target, stableWindow, panicWindow, panicThreshold) = (target, stable, panic, threshold)
    (maxScaleUpRate, maxScaleDownRate, scaleDownDelay, heldRequests) = (up, down, delay, held)
  }
}
