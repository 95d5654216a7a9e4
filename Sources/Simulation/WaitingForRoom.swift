/// The deployments of an account that wait for room under the subscription, in the order in which they were asked for.
///
/// A tree of the least `minReplicas` below each node, over all deployments by rank: who waits and fits is found without
/// asking all the others.
///
/// Invariants: a leaf is `minReplicas` of a deployment that waits, else `Int.max`; a node is the least of its two.
struct WaitingForRoom {
  private var least: [Int]
  private let leaves: Int
  /// By model simulation.
  private var waitingOfModel: [Int]
  private(set) var count = 0
  /// Nodes that were looked at or changed, for tests of how the cost grows.
  private(set) var steps = 0

  init(deployments: Int, models: Int) {
    var leaves = 1
    while leaves < deployments { leaves *= 2 }
    self.leaves = leaves
    least = Array(repeating: .max, count: 2 * leaves)
    waitingOfModel = Array(repeating: 0, count: models)
  }

  func contains(_ rank: Int) -> Bool { least[leaves + rank] != .max }

  func hasAny(ofModel modelIndex: Int) -> Bool { waitingOfModel[modelIndex] > 0 }

  mutating func insert(_ rank: Int, modelIndex: Int, minReplicas: Int) {
    if contains(rank) { return }
    count += 1
    waitingOfModel[modelIndex] += 1
    set(rank, minReplicas)
  }

  mutating func remove(_ rank: Int, modelIndex: Int) {
    guard contains(rank) else { return }
    count -= 1
    waitingOfModel[modelIndex] -= 1
    set(rank, .max)
  }

  private mutating func set(_ rank: Int, _ value: Int) {
    var node = leaves + rank
    least[node] = value
    while node > 1 {
      node /= 2
      least[node] = min(least[2 * node], least[2 * node + 1])
      steps += 1
    }
  }

  /// The first from a rank on that needs no more than this; `nil` if there is none.
  mutating func first(from rank: Int, needingAtMost available: Int) -> Int? {
    guard rank < leaves else { return nil }
    var node = leaves + rank
    // Up, until something to the right fits; then down to the first that does.
    while least[node] > available {
      steps += 1
      while node & 1 == 1 {
        if node == 1 { return nil }
        node /= 2
      }
      node += 1
    }
    while node < leaves {
      steps += 1
      node = least[2 * node] <= available ? 2 * node : 2 * node + 1
    }
    return node - leaves
  }
}

/// Which of some model simulations has the earliest event, the first of them among equals: a winner tree over all.
///
/// Invariants: the leaf of a model simulation is its time, or `Int64.max` if it does not take part; a node is the smaller
/// of its two.
struct EarliestModel {
  private var times: [Int64]
  private let leaves: Int
  /// Nodes that were changed, for tests of how the cost grows.
  private(set) var steps = 0

  init(models: Int) {
    var leaves = 1
    while leaves < models { leaves *= 2 }
    self.leaves = leaves
    times = Array(repeating: .max, count: 2 * leaves)
  }

  mutating func set(_ modelIndex: Int, _ time: Int64) {
    var node = leaves + modelIndex
    times[node] = time
    while node > 1 {
      node /= 2
      times[node] = min(times[2 * node], times[2 * node + 1])
      steps += 1
    }
  }

  /// `Int64.max` and no model simulation in particular if none takes part.
  var first: (time: Int64, modelIndex: Int) {
    var node = 1
    while node < leaves { node = times[2 * node] == times[node] ? 2 * node : 2 * node + 1 }
    return (times[1], node - leaves)
  }
}
