/// What the KV caches of a deployment's replicas were used for, from the end of the warm-up to the period's end.
package struct KVCacheUse: Equatable, Sendable {
  package var modelID: Int32
  package var version: String
  /// Blocks of a replica, of all its ranks together.
  package var blocks: Int64
  /// Replicas that were ready or draining × µs.
  package var replicaMicroseconds: Int64
  /// How often a request lost its blocks to others.
  package var preemptions: Int64
  /// Blocks in use × µs, over all replicas. In a run of like steps blocks are taken to become more evenly, which is off by
  /// less than one of each request at any time.
  package var blockMicroseconds: Double
}

/// Adds up what a replica's cache is used for.
struct KVCacheMeter {
  /// What counts, µs since 1970.
  private let period: Range<Int64>
  /// Until when blocks have been counted, µs.
  private var time = Int64.min
  /// Twice the blocks in use × µs.
  private var twice: Int128 = 0
  private(set) var preemptions: Int64 = 0

  init(_ period: Range<Int64>) { self.period = period }

  var blockMicroseconds: Double { Double(twice) / 2 }

  /// - Parameters:
  ///   - first: blocks in use at the instant up to which they have been counted.
  ///   - last: those at this one.
  mutating func advance(to instant: Int64, _ first: Int64, _ last: Int64) {
    let from = max(time, period.lowerBound)
    let to = min(instant, period.upperBound)
    time = instant
    if to > from, first + last > 0 { twice += Int128(first + last) * Int128(to - from) }
  }

  mutating func preempted(_ requests: Int, at instant: Int64) {
    if period.contains(instant) { preemptions += Int64(requests) }
  }
}
