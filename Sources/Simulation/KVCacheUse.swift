import Telemetry

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

/// What KV caches were used for in a quarter of an hour.
struct KVCacheQuarter {
  /// Twice the blocks in use × µs.
  var twice = Int128(0)
  /// On one replica.
  var peak: Int64 = 0
  var preemptions: Int64 = 0

  var isEmpty: Bool { twice == 0 && preemptions == 0 }

  mutating func add(_ other: KVCacheQuarter) {
    twice += other.twice
    peak = max(peak, other.peak)
    preemptions += other.preemptions
  }

  /// Of an instant, since 1970.
  static func number(_ instant: Int64) -> Int64 {
    let (quotient, remainder) = instant.quotientAndRemainder(dividingBy: KVCacheRecord.quarter)
    return remainder < 0 ? quotient - 1 : quotient
  }
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
  /// The quarter of an hour that it is in, µs since 1970, and what the cache was used for in it.
  private var now: Range<Int64>
  private var current = KVCacheQuarter()
  /// Quarters that have passed, since 1970, ascending; those in which nothing was used are left out.
  private var passed: [(number: Int64, use: KVCacheQuarter)] = []

  init(_ period: Range<Int64>) {
    self.period = period
    now = Self.quarter(period.lowerBound)
  }

  private static func quarter(_ instant: Int64) -> Range<Int64> {
    let start = KVCacheQuarter.number(instant) * KVCacheRecord.quarter
    return start..<start + KVCacheRecord.quarter
  }

  var blockMicroseconds: Double { Double(twice) / 2 }

  /// - Parameters:
  ///   - first: blocks in use at the instant up to which they have been counted.
  ///   - last: those at this one.
  mutating func advance(to instant: Int64, _ first: Int64, _ last: Int64) {
    let began = time
    let from = max(began, period.lowerBound)
    let to = min(instant, period.upperBound)
    time = instant
    guard to > from, first + last > 0 else { return }
    let area = Int128(first + last) * Int128(to - from)
    twice += area
    if from >= now.lowerBound, to <= now.upperBound {
      current.twice += area
      current.peak = max(current.peak, first, last)
    } else {
      split((first, last), during: began..<instant, inside: from..<to)
    }
  }

  /// Blocks that became more or fewer evenly, over the end of a quarter.
  /// - Parameters:
  ///   - used: blocks at both ends of `time`.
  ///   - inside: the part of it that counts; not empty.
  private mutating func split(_ used: (Int64, Int64), during time: Range<Int64>, inside: Range<Int64>) {
    func blocks(_ instant: Int64) -> Int64 {
      if instant == time.lowerBound { return used.0 }
      if instant == time.upperBound { return used.1 }
      let share = Double(instant - time.lowerBound) / Double(time.upperBound - time.lowerBound)
      return used.0 + Int64((Double(used.1 - used.0) * share).rounded())
    }
    var from = inside.lowerBound
    var before = blocks(from)
    while from < inside.upperBound {
      enter(from)
      let to = min(now.upperBound, inside.upperBound)
      let after = blocks(to)
      current.twice += Int128(before + after) * Int128(to - from)
      current.peak = max(current.peak, before, after)
      (from, before) = (to, after)
    }
  }

  private mutating func enter(_ instant: Int64) {
    if now.contains(instant) { return }
    if !current.isEmpty { passed.append((KVCacheQuarter.number(now.lowerBound), current)) }
    current = KVCacheQuarter()
    now = Self.quarter(instant)
  }

  mutating func preempted(_ requests: Int, at instant: Int64) {
    guard requests > 0, period.contains(instant) else { return }
    preemptions += Int64(requests)
    enter(instant)
    current.preemptions += Int64(requests)
  }

  /// By quarters of an hour since 1970, so far.
  func visitQuarters(_ body: (_ number: Int64, _ use: KVCacheQuarter) -> Void) {
    for (number, use) in passed { body(number, use) }
    if !current.isEmpty { body(KVCacheQuarter.number(now.lowerBound), current) }
  }
}

extension AccountSimulation {
  /// What the KV caches of a model's deployments were used for so far: a row for each version, hardware and quarter of an
  /// hour in which there were replicas.
  func kvCacheRows(_ modelIndex: Int) -> [KVCacheRecord] {
    // Deployments of one version that share the rows of replicas share these, too.
    struct Rows: Hashable {
      var version: String
      var hardware: String
      var blocks: Int64
    }
    struct Quarter {
      var number: Int64
      var replicas: Int64 = 0
      var use = KVCacheQuarter()
    }
    var quarters: [Rows: [Quarter]] = [:]
    for index in account.models[modelIndex].deployments.indices {
      let deployment = account.models[modelIndex].deployments[index]
      guard let blocks = modelSimulations[modelIndex].deployments[index].kvCacheUse?.blocks else { continue }
      let key = Rows(version: deployment.version, hardware: deployment.hardware, blocks: blocks)
      var own = quarters.removeValue(forKey: key) ?? []
      modelSimulations[modelIndex].deployments[index].visitKVCacheQuarters {
        own.append(.init(number: $0, use: $1))
      }
      modelSimulations[modelIndex].log.visitServing(index, until: reached) { from, to, replicas in
        var from = from
        while from < to {
          let number = KVCacheQuarter.number(from)
          let end = min((number + 1) * KVCacheRecord.quarter, to)
          own.append(.init(number: number, replicas: Int64(replicas) * (end - from)))
          from = end
        }
      }
      quarters[key] = own
    }
    return quarters.flatMap { key, parts in
      var sums: [Quarter] = []
      // A few ascending runs, which the sort merges: a simulation of years has many quarters.
      for part in parts.sorted(by: { $0.number < $1.number }) {
        if sums.last?.number != part.number { sums.append(.init(number: part.number)) }
        sums[sums.count - 1].replicas += part.replicas
        sums[sums.count - 1].use.add(part.use)
      }
      return sums.map { sum in
        KVCacheRecord(
          at: Timestamp(microseconds: sum.number * KVCacheRecord.quarter), modelID: modelIDs[modelIndex],
          version: key.version, hardware: key.hardware, blocks: key.blocks,
          replicaMilliseconds: (sum.replicas + 500) / 1000,
          usedBlockMilliseconds: Int64(clamping: (sum.use.twice + 1000) / 2000), peakBlocks: sum.use.peak,
          preemptions: sum.use.preemptions)
      }
    }
  }
}
