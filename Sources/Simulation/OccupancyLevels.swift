/// The ready replicas of a deployment, by how many requests they serve: the one with the fewest is found without looking
/// at the others.
///
/// A set for each number of requests, one bit a replica, in words of 64; the sets' first words stand side by side, then
/// their second ones. Most deployments have one word, and those that have more mostly need their first: what every request
/// takes is written for it.
///
/// Invariants: a bit is set in the one set of the requests that its replica serves; no set below `lowest` has any. With one
/// word, `lowest` is the first set that is not empty, or any number if none is below `most`.
struct OccupancyLevels: ~Copyable {
  private var sets: FixedArray<UInt64>
  private var lowest = 0
  /// By how much `lowest` rises when the last bit of a first word goes: other words may have more of them.
  private let step: Int
  private let words: Int
  /// Requests that a replica serves at most.
  private let most: Int

  init(replicas: Int, maxBatchSize: Int) {
    words = max(1, (replicas + 63) / 64)
    step = replicas <= 64 ? 1 : 0
    most = maxBatchSize
    sets = FixedArray(repeating: 0, count: words * (maxBatchSize + 1))
  }

  /// Moves the replica with the fewest requests, the lowest number among equals, up by one; a slot must be free.
  ///
  /// - Returns: the replica, and how many it served.
  @inline(__always)
  mutating func raiseLowest() -> (replica: Int, level: Int) {
    let level = lowest
    let equals = sets[level]
    if equals == 0 { return raiseLowestOfMany() }
    let others = equals & (equals &- 1)
    sets[level] = others
    sets[level &+ 1] |= equals ^ others
    lowest = level &+ (others == 0 ? step : 0)
    return (equals.trailingZeroBitCount, level)
  }

  /// With the lowest number beyond the first word.
  @inline(never)
  private mutating func raiseLowestOfMany() -> (replica: Int, level: Int) {
    settle()
    let level = lowest
    var word = 0
    while sets[place(word, level)] == 0 { word += 1 }
    let replica = word * 64 + sets[place(word, level)].trailingZeroBitCount
    remove(replica, at: level)
    insert(replica, at: level + 1)
    return (replica, level)
  }

  /// Moves a replica down by one, to this many requests.
  @inline(__always)
  mutating func lower(_ replica: Int, to level: Int) {
    if replica >= 64 {
      remove(replica, at: level + 1)
      insert(replica, at: level)
      return
    }
    let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: replica)
    sets[level &+ 1] &= ~bit
    sets[level] |= bit
    lowest = min(lowest, level)
  }

  private func place(_ word: Int, _ level: Int) -> Int { word * (most + 1) + level }

  private func bit(_ replica: Int) -> UInt64 { 1 &<< UInt64(truncatingIfNeeded: replica & 63) }

  @inline(never)
  mutating func remove(_ replica: Int, at level: Int) { sets[place(replica >> 6, level)] &= ~bit(replica) }

  @inline(never)
  mutating func insert(_ replica: Int, at level: Int) {
    sets[place(replica >> 6, level)] |= bit(replica)
    lowest = min(lowest, level)
  }

  /// After a removal: `lowest` may have become empty.
  mutating func settle() {
    while lowest < most, isEmpty(lowest) { lowest += 1 }
  }

  private func isEmpty(_ level: Int) -> Bool { (0..<words).allSatisfy { sets[place($0, level)] == 0 } }

  /// - Parameters:
  ///   - hasFree: whether some replica serves fewer than it may.
  ///   - served: how many requests a replica serves; `nil` of one that is not ready.
  func checkInvariants(hasFree: Bool, served: (Int) -> Int?) -> Bool {
    let levels = 0...most
    let replicas = words * 64
    return levels.allSatisfy { level in
      (0..<words).allSatisfy { word in
        sets[place(word, level)]
          == (word * 64..<min(replicas, word * 64 + 64)).reduce(0) {
            $0 | (served($1) == level ? bit($1) : 0)
          }
      }
    } && (0..<lowest).allSatisfy { isEmpty($0) }
      && (words > 1 || !hasFree || lowest == (0..<most).first { !isEmpty($0) })
  }
}
