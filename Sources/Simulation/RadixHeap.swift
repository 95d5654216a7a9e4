/// Events by time and tag that are taken out in order, where none comes before the last that was taken out: a radix heap.
/// Equal times are in the order of their tags.
///
/// An event lies in the bucket of the highest bit in which its time differs from `last`, and only ever moves to lower
/// ones. No two events are compared, so that there is no coin toss to lose. Source: Ahuja, Mehlhorn, Orlin and Tarjan
/// (1990), "Faster algorithms for the shortest path problem", JACM 37:2.
///
/// Invariants, checked by `checkInvariants()`: each event is in the bucket that its time and `last` give, and none comes
/// before `last`; the bits of `occupied` are those of the buckets from the first on that have events; `earliest` of these
/// is the time of their first; the tags of bucket 0 descend; `count` is that of all.
package struct RadixHeap: ~Copyable {
  private struct Event {
    var time: Int64
    var tag: Int
  }

  private struct Bucket {
    var events: UnsafeMutablePointer<Event>
    var capacity: Int
    var count = 0
    var earliest = Int64.max

    init(capacity: Int) {
      events = .allocate(capacity: capacity)
      self.capacity = capacity
    }

    @inline(__always)
    mutating func append(_ event: Event) {
      if count == capacity { grow() }
      events[count] = event
      count &+= 1
      earliest = min(earliest, event.time)
    }

    @inline(never)
    private mutating func grow() {
      let larger = UnsafeMutablePointer<Event>.allocate(capacity: 2 * capacity)
      larger.moveInitialize(from: events, count: count)
      events.deallocate()
      events = larger
      capacity *= 2
    }
  }

  /// One for equal times, and one for each bit.
  private static let buckets = 65

  private let buckets: UnsafeMutablePointer<Bucket>
  /// Bit *b* is of bucket *b* + 1.
  private var occupied: UInt64 = 0
  /// The time of the event that was taken out last.
  private var last: Int64
  package private(set) var count = 0

  /// - Parameter start: no event comes before.
  package init(from start: Int64) {
    last = start
    buckets = .allocate(capacity: Self.buckets)
    for index in 0..<Self.buckets { (buckets + index).initialize(to: Bucket(capacity: 4)) }
  }

  deinit {
    for index in 0..<Self.buckets { buckets[index].events.deallocate() }
    buckets.deallocate()
  }

  /// `Int64.max` when empty.
  @inline(__always)
  package var firstTime: Int64 {
    if buckets[0].count > 0 { return last }
    return occupied == 0 ? .max : buckets[occupied.trailingZeroBitCount &+ 1].earliest
  }

  /// - Parameter time: not before the last that was taken out.
  @inline(__always)
  package mutating func insert(time: Int64, tag: Int) {
    assert(time >= last)
    count &+= 1
    if time == last {
      insertNow(tag)
    } else {
      put(Event(time: time, tag: tag))
    }
  }

  /// Takes out the earliest event; there must be one.
  @inline(__always)
  package mutating func removeFirst() -> (time: Int64, tag: Int) {
    if buckets[0].count == 0 { advance() }
    count &-= 1
    buckets[0].count &-= 1
    return (last, buckets[0].events[buckets[0].count].tag)
  }

  /// Of all events, in no order.
  package func tags() -> [Int] {
    (0..<Self.buckets).flatMap { index in (0..<buckets[index].count).map { buckets[index].events[$0].tag } }
  }

  @inline(__always)
  private func bucket(_ time: Int64) -> Int { 64 &- (time ^ last).leadingZeroBitCount }

  @inline(__always)
  private mutating func put(_ event: Event) {
    let index = bucket(event.time)
    occupied |= 1 &<< UInt64(truncatingIfNeeded: index &- 1)
    buckets[index].append(event)
  }

  /// Into the bucket of `last`, whose tags descend.
  @inline(never)
  private mutating func insertNow(_ tag: Int) {
    buckets[0].append(Event(time: last, tag: tag))
    let events = buckets[0].events
    var place = buckets[0].count - 1
    while place > 0, events[place - 1].tag < events[place].tag {
      swap(&events[place - 1], &events[place])
      place -= 1
    }
  }

  /// Time goes to that of the first event, and those of its bucket to where they then belong.
  @inline(never)
  private mutating func advance() {
    let lowest = occupied.trailingZeroBitCount &+ 1
    occupied &= occupied &- 1
    last = buckets[lowest].earliest
    buckets[lowest].earliest = .max
    let moving = buckets[lowest].count
    buckets[lowest].count = 0
    let events = buckets[lowest].events
    for place in 0..<moving {
      let event = events[place]
      if event.time == last { buckets[0].append(event) } else { put(event) }
    }
    guard buckets[0].count > 1 else { return }
    var now = UnsafeMutableBufferPointer(start: buckets[0].events, count: buckets[0].count)
    now.sort { $0.tag > $1.tag }
  }

  package func checkInvariants() -> Bool {
    var found = 0
    for index in 0..<Self.buckets {
      let events = (0..<buckets[index].count).map { buckets[index].events[$0] }
      found += events.count
      guard events.allSatisfy({ $0.time >= last && bucket($0.time) == index }) else { return false }
      if index == 0 {
        guard zip(events, events.dropFirst()).allSatisfy({ $0.tag > $1.tag }) else { return false }
      } else {
        guard events.map(\.time).min() ?? .max == buckets[index].earliest,
          (occupied >> UInt64(index - 1) & 1 == 1) == !events.isEmpty
        else { return false }
      }
    }
    return found == count
  }
}
