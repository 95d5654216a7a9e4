/// The event list: a heap of (time, tag), four children to a parent, smallest first; equal times in the order of their tags.
///
/// Invariants, checked by `checkInvariants()`: `count <= capacity`; no entry is smaller than its parent.
struct EventList: ~Copyable {
  struct Entry {
    /// Time above tag, so that one comparison without a branch orders both: which of two events comes first
    /// is a coin toss that no branch predictor wins.
    private let key: Int128

    @inline(__always)
    init(time: Int64, tag: UInt64) { key = Int128(time) << 64 | Int128(tag) }

    @inline(__always)
    var time: Int64 { Int64(truncatingIfNeeded: key >> 64) }

    @inline(__always)
    var tag: UInt64 { UInt64(truncatingIfNeeded: key) }

    @inline(__always)
    func precedes(_ other: Entry) -> Bool { key < other.key }
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

  /// The tags of all entries, which are places elsewhere, in no order.
  func places() -> [Int] { (0..<count).map { Int(heap[$0].tag) } }

  /// Takes out the only entry with a tag, which must be there.
  /// - Returns: its time.
  mutating func remove(place: Int) -> Int64 {
    var time: Int64 = 0
    removeAll {
      guard $0.tag == UInt64(place) else { return false }
      time = $0.time
      return true
    }
    return time
  }

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
    let heap = heap
    var index = start
    while index > 0 {
      let parent = (index &- 1) >> 2
      if !entry.precedes(heap[parent]) { break }
      heap[index] = heap[parent]
      index = parent
    }
    heap[index] = entry
  }

  /// Puts an entry at the root and moves it down to its place: the hole goes down to a leaf first, and the entry
  /// up from there, since most entries belong near the leaves. Source: Wegener (1993), "Bottom-up heapsort".
  @inline(__always)
  private mutating func siftDown(_ entry: Entry) {
    let count = count
    let heap = heap
    var index = 0
    var child = 1
    while child &+ 3 < count {
      let left = child &+ (heap[child &+ 1].precedes(heap[child]) ? 1 : 0)
      let right = child &+ (heap[child &+ 3].precedes(heap[child &+ 2]) ? 3 : 2)
      child = heap[right].precedes(heap[left]) ? right : left
      heap[index] = heap[child]
      index = child
      child = 4 &* index &+ 1
    }
    if child < count {
      var least = child
      for sibling in child &+ 1..<max(count, child &+ 1) where heap[sibling].precedes(heap[least]) {
        least = sibling
      }
      heap[index] = heap[least]
      index = least
    }
    siftUp(entry, from: index)
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: heap, count: count)
    heap.deallocate()
    heap = larger
    capacity *= 2
  }

  func checkInvariants() -> Bool {
    (1..<max(count, 1)).allSatisfy { !heap[$0].precedes(heap[($0 - 1) / 4]) } && count <= capacity
  }
}
