import DequeModule
import ScenarioModel

/// Requests that wait for a free batch slot, in a queue for each class, each in order of arrival: whoever goes first, by
/// any discipline, and whoever gives up first, is at an end of one of them.
///
/// By priority: a request with priority *p* that has waited for *w* counts as one with priority *p* + *w* ÷ ageing. Between
/// two that wait the difference does not change, so that the one with the smallest arrival − *p* × ageing goes first, in
/// integers; of equals, the one that arrived first. Without ageing, the highest priority goes first, and of these the oldest. Source: Jackson (1961), "Queues with
/// dynamic priority discipline", Management Science 8:1.
package struct ClassQueues: ~Copyable {
  private struct Waiting {
    var sequence: Int
    var arrivedAt: Int64
  }

  private enum Order {
    case oldest, newest, priority
    /// What each class is ahead by, µs.
    case aged([Int64])
  }

  private var queues: [Deque<Waiting>]
  private let order: Order
  private let priorities: [Int]
  /// How long requests of each class wait, µs; `Int64.max`: for ever.
  private let patience: [Int64]

  /// - Parameters:
  ///   - priorities: of the classes, at least one.
  ///   - patience: of each.
  package init(_ queue: Scenario.Queue, priorities: [Int], patience: [Int64]) {
    queues = Array(repeating: [], count: priorities.count)
    self.priorities = priorities
    self.patience = patience
    switch queue.discipline {
    case .fifo: order = .oldest
    case .lifo: order = .newest
    case .priority:
      let ageing = queue.ageingMicroseconds
      // Durations are at most a hundred years and priorities at most a thousand, so that no product overflows.
      order = ageing.map { ageing in .aged(priorities.map { Int64($0) * ageing }) } ?? .priority
    }
  }

  package mutating func append(_ sequence: Int, _ requestClass: Int, arrivedAt: Int64) {
    queues[requestClass].append(Waiting(sequence: sequence, arrivedAt: arrivedAt))
  }

  /// When the request that arrives at an instant gives up, µs since 1970.
  func expiry(_ requestClass: Int, arrivedAt: Int64) -> Int64 {
    patience[requestClass] == .max ? .max : arrivedAt + patience[requestClass]
  }

  /// When the first of those that wait gives up, and its class; `Int64.max` if none does.
  var firstExpiry: (time: Int64, requestClass: Int) {
    var first = (time: Int64.max, requestClass: -1)
    for index in queues.indices {
      guard let head = queues[index].first else { continue }
      let time = expiry(index, arrivedAt: head.arrivedAt)
      if time < first.time { first = (time, index) }
    }
    return first
  }

  /// Takes out the one that has waited longest of a class.
  mutating func removeOldest(of requestClass: Int) -> Int { queues[requestClass].removeFirst().sequence }

  /// The one that has waited longest of all; there must be one.
  var oldest: Int { queues.reduce(.max) { min($0, $1.first?.sequence ?? .max) } }

  mutating func removeOldest() -> Int {
    let sequence = oldest
    for index in queues.indices where queues[index].first?.sequence == sequence {
      queues[index].removeFirst()
    }
    return sequence
  }

  /// Takes out the one that is served next; there must be one.
  package mutating func removeNext() -> Int {
    var best = -1
    for index in queues.indices where !queues[index].isEmpty {
      if best < 0 || precedes(index, best) { best = index }
    }
    if case .newest = order { return queues[best].removeLast().sequence }
    return queues[best].removeFirst().sequence
  }

  /// Whether the one of class `a` that would go first is served before that of `b`.
  private func precedes(_ a: Int, _ b: Int) -> Bool {
    switch order {
    case .newest: return queues[a][queues[a].count - 1].sequence > queues[b][queues[b].count - 1].sequence
    case .oldest: return queues[a][0].sequence < queues[b][0].sequence
    case .priority: return (-priorities[a], queues[a][0].sequence) < (-priorities[b], queues[b][0].sequence)
    case .aged(let ahead):
      let (first, second) = (queues[a][0].arrivedAt - ahead[a], queues[b][0].arrivedAt - ahead[b])
      return (first, queues[a][0].sequence) < (second, queues[b][0].sequence)
    }
  }

  /// Takes out one that waits.
  mutating func remove(_ sequence: Int) {
    for index in queues.indices { queues[index].removeAll { $0.sequence == sequence } }
  }
}
