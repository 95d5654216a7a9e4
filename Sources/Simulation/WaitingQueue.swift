import ScenarioModel

/// Requests that wait for a free batch slot, by sequence number, in order of arrival.
///
/// A ring with a power-of-2 capacity. Invariants: `head <= tail`, `tail - head <= capacity`.
struct WaitingQueue: ~Copyable {
  private let discipline: QueueDiscipline
  private var head = 0
  private var tail = 0
  private var capacity = 64
  private var ring: UnsafeMutablePointer<Int> = .allocate(capacity: 64)

  init(_ discipline: QueueDiscipline) { self.discipline = discipline }

  deinit { ring.deallocate() }

  @inline(__always)
  var count: Int { tail - head }

  /// The one that has waited longest; the queue must not be empty.
  @inline(__always)
  var oldest: Int { ring[head & (capacity - 1)] }

  @inline(__always)
  mutating func append(_ sequence: Int) {
    if tail - head == capacity { grow() }
    ring[tail & (capacity - 1)] = sequence
    tail += 1
  }

  @inline(__always)
  mutating func removeOldest() -> Int {
    let sequence = ring[head & (capacity - 1)]
    head += 1
    return sequence
  }

  /// Takes out the one that is served next; the queue must not be empty.
  @inline(__always)
  mutating func removeNext() -> Int {
    switch discipline {
    case .fifo: removeOldest()
    case .lifo: removeNewest()
    }
  }

  @inline(__always)
  private mutating func removeNewest() -> Int {
    tail -= 1
    return ring[tail & (capacity - 1)]
  }

  /// Takes out one that waits.
  mutating func remove(_ sequence: Int) {
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
