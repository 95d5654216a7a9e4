/// The replicas that an account's subscription allows, shared by all its deployments: the only thing
/// through which models of one account influence each other.
final class ReplicaPool {
  let limit: Int
  private(set) var used = 0
  /// Set by a release, for those who wait for room.
  var hasReleased = false

  init(limit: Int) { self.limit = limit }

  var available: Int { limit - used }

  /// Takes as many as there are, at most `count`.
  func take(upTo count: Int) -> Int {
    let taken = min(count, available)
    used += taken
    return taken
  }

  func release(_ count: Int) {
    precondition(count <= used, "more replicas released than taken")
    used -= count
    hasReleased = hasReleased || count > 0
  }
}
