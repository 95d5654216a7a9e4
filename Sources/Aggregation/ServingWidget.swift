import Telemetry

/// How deployments with a KV cache or a prefix cache were used in the period.
package struct ServingWidget: Equatable, Sendable {
  /// Averages over successful requests, ms; `nil` where no first token is known.
  package var firstToken: Double?
  package var timePerOutputToken: Double?
  /// The share of input tokens that a prefix cache had, in [0, 1]; `nil` where it is not known.
  package var cacheHitRate: Double?
  /// The share of KV blocks that requests held, in [0, 1], averaged over replicas and time, and how often a request lost
  /// its blocks; `nil` where no KV cache is known.
  package var kvUtilisation: Double?
  package var preemptions: Int64?

  /// `nil` where telemetry knows of neither cache: then the dashboard does not have the part.
  init?(_ total: RollupTotal, _ use: KVCacheTotal) {
    guard total.cacheHitRate != nil || use.isKnown else { return nil }
    firstToken = total.averageFirstToken
    timePerOutputToken = total.averageTimePerOutputToken
    cacheHitRate = total.cacheHitRate
    kvUtilisation = use.utilisation
    preemptions = use.isKnown ? use.preemptions : nil
  }
}

/// The sum of rows of the `kv_cache` table, exact.
struct KVCacheTotal {
  private var used = Int128(0)
  private var available = Int128(0)
  private(set) var preemptions: Int64 = 0
  private(set) var isKnown = false

  mutating func add(_ row: KVCacheRecord) {
    isKnown = true
    used += Int128(row.usedBlockMilliseconds)
    available += Int128(row.blocks) * Int128(row.replicaMilliseconds)
    preemptions &+= row.preemptions
  }

  /// In [0, 1]; `nil` without replicas.
  var utilisation: Double? { available == 0 ? nil : Double(used) / Double(available) }
}
