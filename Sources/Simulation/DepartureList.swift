import CBranchless

/// The departures of a model: a winner tree over places, each of which holds one request that is being served.
///
/// An arrival or a departure changes one leaf and the winners of the matches on its way to the root. Which leaves meet
/// is known beforehand, so the way up waits for comparisons only, and none of them is a branch; a heap has to find its
/// way, and wins or loses a coin toss on each level. Source: Knuth (1998), "The Art of Computer Programming", volume 3,
/// section 5.2.3 (tree selection).
///
/// Invariants, checked by `checkInvariants()`: each winner is the smallest of its four; as many leaves are taken as
/// `count` says, and the others are on the list of free places.
package struct DepartureList: ~Copyable {
  package struct Departure {
    package var time: Int64
    package var sequence: Int
    package var deployment: Int
    package var replica: Int
  }

  /// Deployments (24 bits) and replicas (8 bits) that a route can name.
  package static let deployments = 1 << 24
  package static let replicas = 1 << 8
  /// Requests that can be served at once: places are numbered in 24 bits.
  package static let places = 1 << 24
  /// Sequence numbers that there are, in 44 bits: one for each request of a model, and each of its attempts.
  package static let sequences = 1 << 44

  /// Time, then sequence number, then place, so that one comparison orders all: 60, 44 and 24 bits.
  private typealias Key = Int128
  private static var empty: Key { 1 << 126 }
  /// The last instant that may be given, in the year 11104, so that the difference of two keys is a key.
  package static var endOfTime: Int64 { 1 << 58 - 1 }

  /// See `wb_play`: the root is 1, the children of n are 4n to 4n + 3, the leaves `capacity` and those that follow.
  private var nodes: UnsafeMutablePointer<Key>
  /// The deployment and replica of each place.
  private var routes: UnsafeMutablePointer<UInt32>
  private var free: UnsafeMutablePointer<Int32>
  /// A power of four.
  private var capacity: Int
  package private(set) var count = 0

  package init(capacity: Int = 16) {
    var places = 4
    while places < capacity { places *= 4 }
    self.capacity = places
    nodes = .allocate(capacity: 2 * places)
    nodes.initialize(repeating: Self.empty, count: 2 * places)
    routes = .allocate(capacity: places)
    routes.initialize(repeating: 0, count: places)
    free = .allocate(capacity: places)
    for place in 0..<places { (free + place).initialize(to: Int32(places - 1 - place)) }
  }

  deinit {
    nodes.deallocate()
    routes.deallocate()
    free.deallocate()
  }

  /// `Int64.max` when empty.
  @inline(__always)
  package var firstTime: Int64 { count == 0 ? .max : Self.time(nodes[1]) }

  /// The earliest; the list must not be empty.
  @inline(__always)
  package var first: Departure {
    let key = nodes[1]
    let route = Int(routes[Self.place(key)])
    return Departure(
      time: Self.time(key), sequence: Int(truncatingIfNeeded: key >> 24) & 0xfff_ffff_ffff,
      deployment: route >> 8, replica: route & 255)
  }

  @inline(__always)
  package mutating func insert(time: Int64, sequence: Int, deployment: Int, replica: Int) {
    if count == capacity { grow() }
    let place = Int(free[capacity &- 1 &- count])
    count &+= 1
    assert(deployment < Self.deployments && replica < Self.replicas && sequence < Self.sequences)
    routes[place] = UInt32(truncatingIfNeeded: deployment &<< 8 | replica)
    replay(place, Self.key(time, sequence, place))
  }

  /// Takes out the earliest; the list must not be empty.
  @inline(__always)
  package mutating func removeFirst() {
    let place = Self.place(nodes[1])
    count &-= 1
    free[capacity &- 1 &- count] = Int32(truncatingIfNeeded: place)
    replay(place, Self.empty)
  }

  /// `removeFirst` and `insert`, at the same replica, in one pass.
  @inline(__always)
  package mutating func replaceFirst(time: Int64, sequence: Int) {
    let place = Self.place(nodes[1])
    replay(place, Self.key(time, sequence, place))
  }

  /// Takes out the departures of a replica.
  ///
  /// - Returns: their sequence numbers, ascending.
  package mutating func removeAll(deployment: Int, replica: Int) -> [Int] {
    var sequences: [Int] = []
    for place in 0..<capacity where nodes[capacity + place] != Self.empty {
      guard routes[place] == UInt32(deployment << 8 | replica) else { continue }
      sequences.append(Int(truncatingIfNeeded: nodes[capacity + place] >> 24) & 0xfff_ffff_ffff)
      count -= 1
      free[capacity - 1 - count] = Int32(place)
      replay(place, Self.empty)
    }
    return sequences.sorted()
  }

  @inline(__always)
  private static func key(_ time: Int64, _ sequence: Int, _ place: Int) -> Key {
    Key(time) << 68 | Key(sequence) << 24 | Key(place)
  }

  @inline(__always)
  private static func time(_ key: Key) -> Int64 { Int64(truncatingIfNeeded: key >> 68) }

  @inline(__always)
  private static func place(_ key: Key) -> Int { Int(truncatingIfNeeded: key) & 0xff_ffff }

  /// Gives a leaf its key, and plays the matches up to the root again.
  @inline(__always)
  private func replay(_ place: Int, _ key: Key) {
    UnsafeMutableRawPointer(nodes).withMemoryRebound(to: wb_key.self, capacity: 2 &* capacity) { keys in
      let halves = wb_key(low: UInt64(truncatingIfNeeded: key), high: Int64(truncatingIfNeeded: key >> 64))
      wb_play(keys, capacity &+ place, halves)
    }
  }

  private mutating func grow() {
    // A scenario that could exceed this is refused: see `Limits.requestsInService`.
    precondition(
      capacity < Self.places, "more requests of one model are served at once than the limit allows")
    var larger = DepartureList(capacity: 4 * capacity)
    for place in 0..<capacity {
      let key = nodes[capacity + place]
      let route = Int(routes[place])
      larger.insert(
        time: Self.time(key), sequence: Int(truncatingIfNeeded: key >> 24) & 0xfff_ffff_ffff,
        deployment: route >> 8, replica: route & 255)
    }
    swap(&nodes, &larger.nodes)
    swap(&routes, &larger.routes)
    swap(&free, &larger.free)
    swap(&capacity, &larger.capacity)
  }

  package func checkInvariants() -> Bool {
    let free = Set((0..<capacity - count).map { Int(self.free[$0]) })
    var level = capacity
    while level > 1 {
      for node in level / 4..<level / 2 {
        guard nodes[node] == (0..<4).map({ nodes[4 * node + $0] }).min() else { return false }
      }
      level /= 4
    }
    return free.count == capacity - count
      && (0..<capacity).allSatisfy { (nodes[capacity + $0] == Self.empty) == free.contains($0) }
  }
}
