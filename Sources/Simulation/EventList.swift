/// The event list: a binary heap of (time, tag), smallest first; equal times in the order of their tags.
///
/// Invariants, checked by `checkInvariants()`: `count <= capacity`; no entry is smaller than its parent.
struct EventList: ~Copyable {
  struct Entry {
    var time: Int64
    var tag: UInt64

    @inline(__always)
    func precedes(_ other: Entry) -> Bool { time < other.time || (time == other.time && tag < other.tag) }
  }

  private var heap: UnsafeMutablePointer<Entry>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 16) {
    self.capacity = max(capacity, 2)
    heap = .allocate(capacity: self.capacity)
  }

  deinit { heap.deallocate() }

  /// `Int64.max` when empty.
  @inline(__always)
  var firstTime: Int64 { count == 0 ? .max : heap.pointee.time }

  /// The earliest entry; the list must not be empty.
  @inline(__always)
  var first: Entry { heap.pointee }

  @inline(__always)
  mutating func insert(time: Int64, tag: UInt64) {
    if count == capacity { grow() }
    siftUp(Entry(time: time, tag: tag), from: count)
    count += 1
  }

  /// Takes out the earliest entry; the list must not be empty.
  @inline(__always)
  @discardableResult
  mutating func removeFirst() -> Entry {
    let first = heap.pointee
    count -= 1
    if count > 0 { siftDown(heap[count]) }
    return first
  }

  /// `removeFirst` and `insert` in one pass.
  @inline(__always)
  mutating func replaceFirst(time: Int64, tag: UInt64) { siftDown(Entry(time: time, tag: tag)) }

  /// Takes out every entry that the condition holds for.
  mutating func removeAll(where shouldRemove: (Entry) -> Bool) {
    var kept = 0
    for index in 0..<count where !shouldRemove(heap[index]) {
      heap[kept] = heap[index]
      kept += 1
    }
    count = 0
    for index in 0..<kept {
      siftUp(heap[index], from: index)
      count += 1
    }
  }

  @inline(__always)
  private mutating func siftUp(_ entry: Entry, from start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) >> 1
      if !entry.precedes(heap[parent]) { break }
      heap[index] = heap[parent]
      index = parent
    }
    heap[index] = entry
  }

  /// Puts an entry at the root and moves it down to its place.
  @inline(__always)
  private mutating func siftDown(_ entry: Entry) {
    var index = 0
    while true {
      var child = 2 * index + 1
      if child >= count { break }
      if child + 1 < count, heap[child + 1].precedes(heap[child]) { child += 1 }
      if !heap[child].precedes(entry) { break }
      heap[index] = heap[child]
      index = child
    }
    heap[index] = entry
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: heap, count: count)
    heap.deallocate()
    heap = larger
    capacity *= 2
  }

  func checkInvariants() -> Bool {
    (1..<max(count, 1)).allSatisfy { !heap[$0].precedes(heap[($0 - 1) / 2]) } && count <= capacity
  }
}
