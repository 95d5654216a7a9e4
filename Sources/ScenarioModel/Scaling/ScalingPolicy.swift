import Documents

/// How a deployment's replicas follow its demand: one of the policies, each described in a file of its own.
///
/// A new policy takes that file, a case here, its keys in `keys` and its reading in `read`; and in Simulation the type
/// that decides, with a case of `Autoscaler`. Nothing else asks which policy it is.
package enum ScalingPolicy: Sendable, Equatable {
  case concurrency(ConcurrencyScaling)

  /// Keys of a deployment's `scaling` that belong to a policy, in the order of the reference.
  static let keys: [Key] = ConcurrencyScaling.keys

  /// The policy that a deployment's `scaling` asks for; `nil` after a diagnostic.
  static func read(_ scaling: Section) -> ScalingPolicy? {
    ConcurrencyScaling(scaling).map { .concurrency($0) }
  }

  /// What keeps the policy from ever adding a replica within a time, µs: a key, and what is wrong with it.
  func futility(within length: Int64) -> (key: String, message: String)? {
    switch self {
    case .concurrency(let policy): policy.futility(within: length)
    }
  }
}
