import Documents

extension Scenario {
  /// Requests that wait for a free slot.
  package struct Queue: Sendable, Equatable {
    /// How many may wait.
    package var capacity: Int
    /// `nil`: requests never time out.
    package var timeoutMicroseconds: Int64?
    package var discipline: QueueDiscipline
    /// By priority: the time in which a request that waits gains a level of it, µs; `nil`: it gains none.
    package var ageingMicroseconds: Int64?
  }
}

/// Which waiting request is served first; `WaitingQueue` in Simulation chooses it.
package enum QueueDiscipline: String, Sendable, CaseIterable {
  /// The oldest.
  case fifo
  /// The newest.
  case lifo
  /// The one whose class has the highest priority, and of these the oldest; see `Scenario.Queue.ageingMicroseconds`.
  case priority

  /// Whether requests start service in the order in which they arrived.
  package var keepsOrder: Bool {
    switch self {
    case .fifo: true
    case .lifo, .priority: false
    }
  }
}

extension Scenario.Queue {
  static let shape = Shape(
    "queue", "Requests that wait because every replica's batch is full.",
    [
      Key(
        "capacity", .integer(0...10_000_000), default: "10000",
        "Requests that may wait; a further one fails as overloaded."),
      Key("timeout", .duration, "A request that waits longer fails. Without it: never."),
      Key(
        "discipline", .choice(QueueDiscipline.allCases.map(\.rawValue)),
        default: QueueDiscipline.fifo.rawValue,
        "Who is served first: the oldest, the newest, or the one with the highest priority and of these the oldest."
      ),
      Key(
        "ageing", .duration,
        "With discipline: priority, a request that waits gains a level of priority in this time: 0s is first in, first out. Without it: none, and whoever has the highest priority goes first."
      ),
    ])

  /// Of a deployment that does not describe its queue.
  static let standard = Scenario.Queue(capacity: 10_000, timeoutMicroseconds: nil, discipline: .fifo)

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    let standard = Self.standard
    let capacity = keys.has("capacity") ? keys.integer("capacity") : standard.capacity
    let timeout = keys.has("timeout") ? keys.duration("timeout") : standard.timeoutMicroseconds
    let discipline =
      keys.has("discipline")
      ? keys.choice("discipline").flatMap { QueueDiscipline(rawValue: $0) } : standard.discipline
    let ageing = keys.has("ageing") ? keys.duration("ageing") : nil
    guard let capacity, let discipline, keys.has("timeout") == (timeout != nil),
      keys.has("ageing") == (ageing != nil)
    else { return nil }
    if ageing != nil, discipline != .priority {
      keys.error(
        "ageing",
        "ageing is of queues by priority, and this one goes by \(discipline.rawValue). Give discipline: priority, or remove ageing."
      )
      return nil
    }
    self.init(
      capacity: capacity, timeoutMicroseconds: timeout, discipline: discipline, ageingMicroseconds: ageing)
  }
}
