import HeapModule
import ScenarioModel
import Telemetry

/// Whether the requests of a queue by priority start service as its law says: whenever one starts, none waits that the law
/// puts before it (see `ClassQueues` in Simulation, with which this shares no code).
///
/// Takes requests in order of arrival. A request counts as if it had arrived its priority × the ageing earlier; without
/// ageing, a higher priority goes before any lower one. Within a class, whoever arrived earlier comes first, so that of each
/// class only the one that has waited longest is looked at.
struct PriorityOrder {
  private struct Waiting: Comparable {
    var start: Int64
    var id: Int64
    var arrivedAt: Int64
    var place: Int

    static func < (a: Waiting, b: Waiting) -> Bool { (a.start, a.id) < (b.start, b.id) }
  }

  /// First in, first out.
  private struct Line {
    private var requests: [Waiting] = []
    private var head = 0

    var first: Waiting? { head < requests.count ? requests[head] : nil }

    mutating func append(_ request: Waiting) { requests.append(request) }

    mutating func removeFirst() {
      head += 1
      guard head > 1024, 2 * head > requests.count else { return }
      requests.removeFirst(head)
      head = 0
    }
  }

  /// A request that was overtaken, and by which.
  struct Overtaking {
    var overtaken: Int64
    var by: Int64
  }

  private let places: [ExactName: Int]
  private let priorities: [Int]
  /// µs; `nil` without ageing.
  private let ageing: Int64?
  private var starting = Heap<Waiting>()
  /// Of each class, in order of arrival; those that have started are taken out when they get to the front.
  private var waiting: [Line]
  private var started: Set<Int64> = []

  /// - Returns: `nil` if the queue does not go by priority, or there are no classes.
  init?(_ queue: Scenario.Queue, _ classes: [Scenario.RequestClass]) {
    guard queue.discipline == .priority, !classes.isEmpty else { return nil }
    places = Dictionary(uniqueKeysWithValues: classes.enumerated().map { (ExactName($1.name), $0) })
    priorities = classes.map(\.priority)
    ageing = queue.ageingMicroseconds
    waiting = Array(repeating: Line(), count: classes.count)
  }

  /// A request that waited from its arrival to `start`, when it was served or gave up.
  /// - Returns: the first overtaking among those that have started before it arrived.
  mutating func receive(_ id: Int64, class name: String, arrivedAt: Int64, start: Int64, isServed: Bool)
    -> Overtaking?
  {
    let found = advance(to: arrivedAt)
    guard let place = places[ExactName(name)] else { return found }
    let request = Waiting(start: start, id: isServed ? id : -id, arrivedAt: arrivedAt, place: place)
    starting.insert(request)
    waiting[place].append(request)
    return found
  }

  /// All that start up to an instant do.
  mutating func advance(to time: Int64) -> Overtaking? {
    var found: Overtaking?
    while let first = starting.min, first.start <= time {
      // Those of one instant start together.
      var together: [Waiting] = []
      while let next = starting.min, next.start == first.start {
        starting.removeMin()
        together.append(next)
        started.insert(next.id)
      }
      for place in waiting.indices {
        while let head = waiting[place].first, started.contains(head.id) {
          waiting[place].removeFirst()
          started.remove(head.id)
        }
      }
      guard found == nil else { continue }
      for served in together where served.id > 0 {
        let before = waiting.first {
          guard let head = $0.first else { return false }
          return head.arrivedAt < served.start && precedes(head, served)
        }
        if let head = before?.first { found = Overtaking(overtaken: abs(head.id), by: served.id) }
      }
    }
    return found
  }

  /// Whether the law puts one before another, whatever the order of those that it puts side by side.
  private func precedes(_ a: Waiting, _ b: Waiting) -> Bool {
    guard let ageing else {
      return (-priorities[a.place], a.arrivedAt) < (-priorities[b.place], b.arrivedAt)
    }
    return a.arrivedAt - Int64(priorities[a.place]) * ageing < b.arrivedAt - Int64(priorities[b.place])
      * ageing
  }
}
