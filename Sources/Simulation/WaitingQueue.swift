import ScenarioModel

/// Requests that wait for a free batch slot, by sequence number, in order of arrival.
///
/// A ring with a power-of-2 capacity. Invariants: `head <= tail`, `tail - head <= capacity`. Where classes matter, the
/// requests are in `classes` and the ring is empty, but `head` and `tail` count them all the same.
struct WaitingQueue: ~Copyable {
  /// Whether classes differ in priority, or in how long their requests wait.
  let isByClass: Bool
  /// Whether the request that came first is served first, whatever it is.
  private let isInOrder: Bool
  /// How long requests wait at most, of the class that does the shortest, µs; `Int64.max`: for ever.
  let shortestPatience: Int64
  private var classes: ClassQueues
  private var head = 0
  private var tail = 0
  private var capacity = 64
  private var ring: UnsafeMutablePointer<Int> = .allocate(capacity: 64)

  /// - Parameters:
  ///   - load: whose requests wait; `nil` for those that come from elsewhere, in an order of their own.
  init(_ queue: Scenario.Queue, _ load: Scenario.Load?) {
    let patience = (load?.deadlines ?? [.max]).map { min($0, queue.timeoutMicroseconds ?? .max) }
    shortestPatience = patience.min() ?? .max
    let isByClass = queue.discipline == .priority || Set(patience).count > 1
    self.isByClass = isByClass
    isInOrder = queue.discipline == .fifo && !isByClass
    let priorities = load.map { $0.classes.map(\.priority) } ?? []
    classes = ClassQueues(queue, priorities: priorities.isEmpty ? [0] : priorities, patience: patience)
  }

  deinit { ring.deallocate() }

  @inline(__always)
  var count: Int { tail - head }

  /// The one that has waited longest; the queue must not be empty.
  @inline(__always)
  var oldest: Int { isByClass ? classes.oldest : ring[head & (capacity - 1)] }

  /// Where classes matter.
  mutating func append(_ sequence: Int, _ requestClass: UInt8, arrivedAt: Int64) {
    classes.append(sequence, Int(requestClass), arrivedAt: arrivedAt)
    tail += 1
  }

  /// When a request that arrives gives up; where classes matter.
  func expiry(_ requestClass: UInt8, arrivedAt: Int64) -> Int64 {
    classes.expiry(Int(requestClass), arrivedAt: arrivedAt)
  }

  /// When the first of those that wait gives up; where classes matter.
  var firstExpiry: Int64 { classes.firstExpiry.time }

  /// Takes out the first that gives up; where classes matter.
  mutating func removeExpired() -> Int {
    head += 1
    return classes.removeOldest(of: classes.firstExpiry.requestClass)
  }

  @inline(__always)
  mutating func append(_ sequence: Int) {
    if tail - head == capacity { grow() }
    ring[tail & (capacity - 1)] = sequence
    tail += 1
  }

  @inline(__always)
  mutating func removeOldest() -> Int {
    isByClass ? removeOldestOfAll() : removeFirst()
  }

  /// Takes out the one that is served next; the queue must not be empty.
  @inline(__always)
  mutating func removeNext() -> Int {
    if isInOrder { return removeFirst() }
    return removeNextOutOfOrder()
  }

  @inline(never)
  private mutating func removeNextOutOfOrder() -> Int {
    guard isByClass else { return removeNewest() }
    head += 1
    return classes.removeNext()
  }

  @inline(__always)
  private mutating func removeFirst() -> Int {
    let sequence = ring[head & (capacity - 1)]
    head += 1
    return sequence
  }

  @inline(never)
  private mutating func removeOldestOfAll() -> Int {
    head += 1
    return classes.removeOldest()
  }

  private mutating func removeNewest() -> Int {
    tail -= 1
    return ring[tail & (capacity - 1)]
  }

  /// Takes out one that waits.
  mutating func remove(_ sequence: Int) {
    if isByClass {
      classes.remove(sequence)
      head += 1
      return
    }
    var kept = head
    for place in head..<tail where ring[place & (capacity - 1)] != sequence {
      ring[kept & (capacity - 1)] = ring[place & (capacity - 1)]
      kept += 1
    }
    tail = kept
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Int>.allocate(capacity: capacity * 2)
    for index in head..<tail { larger[index & (capacity * 2 - 1)] = ring[index & (capacity - 1)] }
    ring.deallocate()
    ring = larger
    capacity *= 2
  }
}
