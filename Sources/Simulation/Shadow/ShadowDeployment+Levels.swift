/// Demand as a number of requests in progress that holds until the next.
extension ShadowDeployment {
  /// Goes through all levels.
  /// - Parameters:
  ///   - levels: from an instant on, µs since 1970, ascending, the first not before the shadow's start.
  ///   - end: when the recorded time is over.
  package func follow(_ levels: [(at: Int64, demand: Int)], until end: Int64) {
    for level in levels {
      advance(to: level.at, inclusive: true)
      count(until: level.at)
      inService = level.demand
      waiting = 0
      divide()
      observe(level.demand, at: level.at)
    }
    finish(at: end)
  }

  /// What the ready replicas cannot serve waits.
  func divide() {
    let demand = waiting + inService
    inService = min(demand, ready * maxBatchSize)
    waiting = demand - inService
  }
}
