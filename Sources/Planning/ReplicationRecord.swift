import Aggregation
import Foundation
import ScenarioModel
import Telemetry

/// What one replication of a variant came to: sums and counts from which every metric follows.
package struct ReplicationRecord: Codable, Equatable, Sendable {
  package var requests: Int64 = 0
  package var successes: Int64 = 0
  package var failures: [String: Int64] = [:]
  /// Of successes, µs.
  package var latencySum: Int64 = 0
  /// Of all requests that were not turned away, µs.
  package var waitingSum: Int64 = 0
  package var waited: Int64 = 0
  package var inputTokens: Int64 = 0
  package var outputTokens: Int64 = 0
  /// Latencies of successes: bin, count, bin, count, …
  package var latencies: [Int64] = []
  /// The smallest and the largest of them, µs; `nil` without successes, and in what earlier versions kept.
  package var latencyMin: Int64?
  package var latencyMax: Int64?
  package var credits: Double = 0
  package var replicaHours: Double = 0
  /// Shares, in [0, 1].
  package var utilisation: Double = 0
  package var atMaxReplicas: Double = 0
  package var atSubscription: Double = 0
  package var notDeployed: Int = 0
  package var peakReplicas: Int = 0

  /// Whether a simulation can have come to it: what is read from files must not reach sums and bins, which trap.
  package var isPossible: Bool {
    // So many requests that sums over all replications of a plan stay far inside 64 bits.
    let counts = 0...(Int64(1) << 40)
    let sums = 0...(Int64(1) << 62)
    var binned: Int64 = 0
    var last: Int64 = -1
    guard latencies.count.isMultiple(of: 2), latencies.count <= 2 * LatencyBin.count else { return false }
    for index in stride(from: 0, to: latencies.count, by: 2) {
      let (bin, count) = (latencies[index], latencies[index + 1])
      guard bin > last, bin < LatencyBin.count, count > 0, counts.contains(count) else { return false }
      last = bin
      binned += count
    }
    guard counts.contains(requests), counts.contains(successes), counts.contains(waited),
      failures.values.allSatisfy({ counts.contains($0) }), failures.count <= 256
    else { return false }
    let failed = failures.values.reduce(0, +)
    return successes + failed == requests && binned == successes && waited <= requests
      && [latencySum, waitingSum, inputTokens, outputTokens].allSatisfy(sums.contains)
      && (latencyMin ?? 0) >= 0 && (latencyMin ?? 0) <= (latencyMax ?? .max) && (latencyMax ?? 0) <= sums.upperBound
      && [credits, replicaHours].allSatisfy { $0.isFinite && $0 >= 0 }
      && [utilisation, atMaxReplicas, atSubscription].allSatisfy { (0...1 + 1e-9).contains($0) }
      && notDeployed >= 0 && peakReplicas >= 0
  }

  /// The q-quantile of latency in ms; `nil` without successes.
  package func latencyQuantile(_ q: Double) -> Double? { Self.latencyQuantile([self], q) }

  /// The q-quantile of the latency of several replications together, in ms: linear inside a bin, and never outside of
  /// the latencies that there were. `nil` without successes.
  package static func latencyQuantile(_ records: [ReplicationRecord], _ q: Double) -> Double? {
    let pairs = records.count == 1 ? records[0].latencies : pooled(records)
    let total = stride(from: 1, to: pairs.count, by: 2).reduce(0.0) { $0 + Double(pairs[$1]) }
    guard total > 0 else { return nil }
    let rank = q * total
    var sum = 0.0
    for index in stride(from: 0, to: pairs.count - 1, by: 2) {
      let count = Double(pairs[index + 1])
      if sum + count >= rank {
        let (lower, width) = LatencyBin.bounds(Int(pairs[index]))
        let inside = lower + width * (rank - sum) / count
        let least = records.compactMap(\.latencyMin).min().map(Double.init) ?? inside
        let most = records.compactMap(\.latencyMax).max().map(Double.init) ?? inside
        return min(max(inside, least), most) / 1000
      }
      sum += count
    }
    return nil
  }

  /// Latencies of several replications together.
  private static func pooled(_ records: [ReplicationRecord]) -> [Int64] {
    var counts: [Int64: Int64] = [:]
    for record in records {
      for index in stride(from: 0, to: record.latencies.count - 1, by: 2) {
        counts[record.latencies[index], default: 0] &+= record.latencies[index + 1]
      }
    }
    return counts.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
  }
}

/// Takes a replication's requests.
final class ReplicationSink: TelemetrySink {
  private(set) var record = ReplicationRecord()
  private let bins: UnsafeMutablePointer<Int64>
  /// By outcome.
  private let outcomes: UnsafeMutablePointer<Int64>
  /// Service given inside the period to requests of models with replicas, µs.
  private(set) var busyMicroseconds: Int128 = 0
  private let hasReplicas: [Bool]
  private let period: Range<Int64>
  private(set) var series: BatchMeans?

  /// - Parameters:
  ///   - hasReplicas: by series.
  ///   - period: what is looked at, without the warm-up.
  ///   - keepsSeries: whether batch means of the latency are kept, for the warm-up.
  init(hasReplicas: [Bool], period: Range<Timestamp>, keepsSeries: Bool) {
    self.hasReplicas = hasReplicas
    self.period = period.lowerBound.microseconds..<period.upperBound.microseconds
    bins = .allocate(capacity: LatencyBin.count)
    bins.initialize(repeating: 0, count: LatencyBin.count)
    outcomes = .allocate(capacity: 256)
    outcomes.initialize(repeating: 0, count: 256)
    series = keepsSeries ? BatchMeans() : nil
  }

  deinit {
    bins.deallocate()
    outcomes.deallocate()
  }

  /// - Throws: `AggregationError` if a sum leaves the range of 64 bits.
  func receive(_ requests: RequestColumns) throws {
    var latencySum: Int128 = 0
    var waitingSum: Int128 = 0
    var waited: Int64 = 0
    var busy: Int128 = 0
    var least = record.latencyMin ?? .max
    var most = record.latencyMax ?? .min
    var input: Int64 = 0
    var output: Int64 = 0
    hasReplicas.withUnsafeBufferPointer { hasReplicas in
      for row in 0..<requests.count {
        let outcome = requests.outcome[row]
        let latency = requests.latencyMicroseconds[row]
        let waiting = requests.waitingMicroseconds[row]
        outcomes[Int(outcome)] += 1
        input &+= Int64(requests.inputTokens[row])
        output &+= Int64(requests.outputTokens[row])
        if outcome == RequestOutcome.success {
          latencySum &+= Int128(latency)
          least = min(least, latency)
          most = max(most, latency)
          bins[LatencyBin.index(latency)] += 1
        }
        // One that was turned away has waited for nothing.
        if outcome != RequestOutcome.overloaded, outcome != RequestOutcome.rateLimited {
          waitingSum &+= Int128(waiting)
          waited += 1
          if hasReplicas[Int(requests.series[row])] { busy &+= served(requests, row) }
        }
      }
    }
    record.latencySum = try Self.sum(record.latencySum, latencySum)
    record.waitingSum = try Self.sum(record.waitingSum, waitingSum)
    record.waited += waited
    record.inputTokens = try Self.sum(record.inputTokens, Int128(input))
    record.outputTokens = try Self.sum(record.outputTokens, Int128(output))
    if least <= most { (record.latencyMin, record.latencyMax) = (least, most) }
    record.requests += Int64(requests.count)
    busyMicroseconds += busy
    if series != nil {
      for row in 0..<requests.count where requests.outcome[row] == RequestOutcome.success {
        series?.add(Double(requests.latencyMicroseconds[row]))
      }
    }
  }

  /// Some are still served in the period.
  func receiveWarmUp(_ requests: RequestColumns) {
    for row in 0..<requests.count where hasReplicas[Int(requests.series[row])] {
      // One that was turned away has neither waited nor been served: it adds nothing.
      busyMicroseconds &+= served(requests, row)
    }
  }

  /// How long a request was served inside the period, µs.
  @inline(__always)
  private func served(_ requests: RequestColumns, _ row: Int) -> Int128 {
    let arrived = requests.arrivedAt[row]
    let from = max(arrived &+ requests.waitingMicroseconds[row], period.lowerBound)
    let to = min(arrived &+ requests.latencyMicroseconds[row], period.upperBound)
    return Int128(max(to &- from, 0))
  }

  private static func sum(_ sum: Int64, _ more: Int128) throws -> Int64 {
    guard let whole = Int64(exactly: Int128(sum) + more) else {
      throw AggregationError(
        "the sum of a replication's latencies, waiting times or tokens leaves the range of 64 bits. Shorten its service times, or the period."
      )
    }
    return whole
  }

  /// - Parameter reasons: names by outcome.
  func finish(_ reasons: [String]) -> ReplicationRecord {
    record.successes = outcomes[0]
    for (code, name) in reasons.enumerated() where code > 0 && outcomes[code] > 0 {
      record.failures[name] = outcomes[code]
    }
    record.latencies = (0..<LatencyBin.count).filter { bins[$0] > 0 }.flatMap { [Int64($0), bins[$0]] }
    return record
  }
}

extension ReplicationRecord {
  /// Adds what the replicas of a run came to over the period.
  mutating func addReplicas(_ tables: TelemetryTables, _ scenario: Scenario, busy: Int128) {
    let range = scenario.from..<scenario.to
    let byAccount = tables.byAccount()
    var slotTime = 0.0
    var atMaximum = 0.0
    var deployed = 0.0
    var atLimit = 0.0
    for account in scenario.accounts {
      let own = byAccount[account.name] ?? TelemetryTables()
      let prices = Dictionary(
        account.prices.map { ($0.hardware, $0.creditsMicroPerHour) }, uniquingKeysWith: { a, _ in a })
      let time = ReplicaTime(own.replicas, in: [range])
      credits += time.creditsMicro(prices) { _ in true } / 1e6
      replicaHours += Double(time.replicaMicroseconds.values.reduce(0, +)) / 3.6e9
      struct Key: Hashable {
        var model: Int32
        var version: String
        var hardware: String
      }
      var limits: [Key: (batch: Int, most: Int)] = [:]
      for row in own.deployments {
        let key = Key(model: row.modelID, version: row.version, hardware: row.hardware)
        let known = limits[key]
        limits[key] = (max(known?.batch ?? 0, row.maxBatchSize), max(known?.most ?? 0, row.maxReplicas))
      }
      var state: [Key: ReplicaRecord] = [:]
      var total = 0
      var last = range.lowerBound
      func pass(to moment: Timestamp) {
        let until = min(max(moment, range.lowerBound), range.upperBound)
        let length = Double(until - last)
        guard length > 0 else { return }
        last = until
        if total >= account.subscriptionMaxReplicas { atLimit += length }
        for (key, row) in state where row.replicas > 0 {
          let limit = limits[key] ?? (1, .max)
          slotTime += length * Double(row.ready + row.draining) * Double(limit.batch)
          deployed += length
          if row.starting + row.ready >= limit.most { atMaximum += length }
        }
      }
      for row in own.replicas {
        pass(to: row.at)
        let key = Key(model: row.modelID, version: row.version, hardware: row.hardware)
        total += row.replicas - (state[key]?.replicas ?? 0)
        state[key] = row
        if row.at < range.upperBound { peakReplicas = max(peakReplicas, total) }
      }
      pass(to: range.upperBound)
    }
    if slotTime > 0 {
      let share = Double(busy) / slotTime
      utilisation = share < 1 ? share : 1
    } else {
      utilisation = 0
    }
    atMaxReplicas = deployed > 0 ? atMaximum / deployed : 0
    atSubscription =
      atLimit / (Double(range.upperBound - range.lowerBound) * Double(max(scenario.accounts.count, 1)))
  }
}
