import ScenarioModel

/// The shards of an account that can be simulated without each other, in any order and on any thread.
///
/// Models of an account influence each other only through the subscription's replicas: incidents are settled before the
/// simulation starts, and every stream of random numbers is named by the model or deployment that draws from it. A
/// deployment never has more than its `maxReplicas` (I2). So where the `maxReplicas` of all deployments together do not
/// exceed the subscription, nor those on a hardware what it allows of that, at every instant there is room for whatever a
/// deployment asks for: by induction over the shared events, each request to the pool is granted in full, no deployment ever waits for room, and a model's behaviour
/// depends on that model alone. Each model is then a shard, and the shards together give, event by event, what the account
/// as a whole would. Otherwise the account is one shard.
enum AccountShards {
  /// Models of each shard, by index.
  static func shards(of account: Scenario.Account) -> [Range<Int>] {
    let whole = 0..<account.models.count
    guard whole.count > 1 else { return [whole] }
    var needed = 0
    var ofHardware: [String: Int] = [:]
    for model in account.models {
      for deployment in model.deployments {
        needed += deployment.scaling.maxReplicas
        ofHardware[deployment.hardware, default: 0] += deployment.scaling.maxReplicas
      }
    }
    let hasRoom =
      needed <= account.subscriptionMaxReplicas
      && account.perHardware.allSatisfy { ofHardware[$0.key, default: 0] <= $0.value }
      && account.pools.allSatisfy { ofHardware[$0.name, default: 0] <= $0.limit ?? .max }
    return hasRoom ? whole.map { $0..<($0 + 1) } : [whole]
  }
}
