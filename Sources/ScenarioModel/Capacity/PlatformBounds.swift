import Documents
import Telemetry

/// What the platform lets a deployment of an account have: its own limits, or those that the account has agreed.
struct PlatformBounds {
  var minReplicas = Limits.platformMinReplicas
  var maxReplicas = Limits.platformMaxReplicas
  /// Where the account states them.
  private var places: [String: String] = [:]

  static let key = Key(
    "platform", .object { shape }, "Limits of the platform's that are other than its own for this account.")

  private static let shape = Shape(
    "platform", "What the platform lets a deployment of the account have.",
    [
      Key(
        "minReplicas", .integer(1...Limits.replicasOfDeployment), default: "\(Limits.platformMinReplicas)",
        "The largest minReplicas of a deployment."),
      Key(
        "maxReplicas", .integer(1...Limits.replicasOfDeployment), default: "\(Limits.platformMaxReplicas)",
        "The largest maxReplicas of a deployment."),
    ])

  /// - Parameter account: with or without the key. What is wrong goes to its diagnostics.
  init(_ account: Section) {
    guard let keys = account.section(Self.key.name) else { return }
    for name in ["minReplicas", "maxReplicas"] where keys.has(name) {
      switch keys.location(of: name) {
      case .document(let line, _): places[name] = "line \(line)"
      case .override(let text): places[name] = text
      }
    }
    if keys.has("minReplicas"), let value = keys.integer("minReplicas") { minReplicas = value }
    if keys.has("maxReplicas"), let value = keys.integer("maxReplicas") { maxReplicas = value }
  }

  /// - Parameter owner: of the section `scaling`.
  /// - Returns: whether the platform lets a deployment have these; gives a diagnostic otherwise.
  func admit(_ scaling: Scenario.Scaling, _ owner: Section) -> Bool {
    guard let keys = owner.section("scaling") else { return true }
    let checks = [
      ("minReplicas", scaling.minReplicas, minReplicas), ("maxReplicas", scaling.maxReplicas, maxReplicas),
    ]
    for (name, value, most) in checks where value > most {
      let remedy =
        places[name].map { "which account.platform.\(name) says (\($0)). Lower one, or raise the other." }
        ?? "its own limit. Lower it, or, if your platform lets a deployment have more, give account.platform: { \(name): \(value) }."
      keys.error(name, "\(name) \(value) is above the platform's \(most), \(remedy)")
      return false
    }
    return true
  }
}
