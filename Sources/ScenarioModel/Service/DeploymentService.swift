import Documents
import Sampling

/// How a deployment's replicas serve: one of the service models, each described in a file of its own.
package enum DeploymentService: Sendable, Equatable {
  /// Each request has a service time of its own.
  case alone(ServiceTime)
  case continuousBatching(ContinuousBatching)

  static let shape = Shape(
    "service",
    "Service time of one request alone on a replica, stretched by the batch it shares: either time, or firstToken + perInputToken × input + perOutputToken × output. Or continuousBatching.",
    ServiceTime.keys + [ServiceTime.slowdownKey, ContinuousBatching.key])

  /// - Parameter scaling: of the deployment; `nil` if there is something wrong with it.
  /// - Returns: `nil` after a diagnostic.
  static func read(_ keys: Section, scaling: Scenario.Scaling?) -> DeploymentService? {
    let name = ContinuousBatching.key.name
    guard keys.has(name) else { return ServiceTime.read(keys).map { .alone($0) } }
    for key in shape.keys where key.name != name && keys.has(key.name) {
      keys.error(
        key.name,
        "continuousBatching and \(key.name) together. A replica works in steps, or serves each request by a time of its own: remove one."
      )
    }
    return keys.section(name).flatMap { ContinuousBatching($0, scaling: scaling) }.map {
      .continuousBatching($0)
    }
  }

  /// Whether it takes random numbers.
  var varies: Bool {
    switch self {
    case .alone(let time): time.varies
    case .continuousBatching: false
    }
  }

  /// Requests that a replica with a full batch serves per microsecond; `nil` where that is not known.
  func capacity(batch: Double, tokens: Scenario.Tokens?) -> Double? {
    switch self {
    case .alone(let time): time.capacity(batch: batch, tokens: tokens)
    case .continuousBatching(let batching): batching.capacity(batch: batch, tokens: tokens)
    }
  }
}
