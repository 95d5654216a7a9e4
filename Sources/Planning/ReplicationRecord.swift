import Aggregation
import Foundation
import ScenarioModel
import Simulation
import Telemetry

/// The result of one replication of a variant: sums and counts from which every metric follows.
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
  /// Input tokens that a cache had, and all of the requests of which that is known; `nil` where there are none.
  package var cachedTokens: Int64?
  package var cachedOf: Int64?
  /// What requests cost, in millionths, and the tokens of those of which that is known; `nil` where it is of none.
  package var cost: Int64?
  package var costedTokens: Int64?
  /// Times to first token and per output token; `nil` where no first token is known.
  package var firstTokens: DurationFigures?
  package var perOutputTokens: DurationFigures?
  /// As in `RequestFigures`.
  package var decoding: Int64?
  package var furtherTokens: Int64?
  /// Of replicas with a KV cache (see `RequestFigures`).
  package var preemptions: Int64?
  package var kvBlockTime: Double?
  package var kvTime: Double?
  /// Of the period, without the warm-up; `nil` in what earlier versions kept.
  package var seconds: Double?
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

  /// `nil` in what earlier versions kept, and without requests.
  private var byModel: [RequestFigures]?
  /// Of each model that had requests, in the scenario's order.
  package var models: [RequestFigures] {
    get { byModel ?? [] }
    set { byModel = newValue.isEmpty ? nil : newValue }
  }

  package init() {}

  /// Whether a simulation can have produced it: what is read from files must not reach sums and bins, which trap.
  package var isPossible: Bool {
    figures.isPossible && models.allSatisfy(\.isPossible) && models.count <= RequestFigures.mostModels
      && (models.isEmpty || models.reduce(0) { $0 + $1.requests } == requests)
      && [credits, replicaHours].allSatisfy { $0.isFinite && $0 >= 0 }
      && [utilisation, atMaxReplicas, atSubscription].allSatisfy { (0...1 + 1e-9).contains($0) }
      && notDeployed >= 0 && peakReplicas >= 0
  }

  /// The q-quantile of latency in ms; `nil` without successes.
  package func latencyQuantile(_ q: Double) -> Double? { figures.latencyQuantile(q) }

  /// Of all models together.
  package var figures: RequestFigures {
    RequestFigures(
      requests: requests, successes: successes, failures: failures, latencySum: latencySum,
      waitingSum: waitingSum, waited: waited, inputTokens: inputTokens, outputTokens: outputTokens,
      cachedTokens: cachedTokens, cachedOf: cachedOf, cost: cost, costedTokens: costedTokens,
      firstTokens: firstTokens,
      perOutputTokens: perOutputTokens, decoding: decoding, furtherTokens: furtherTokens, good: good,
      preemptions: preemptions, kvBlockTime: kvBlockTime,
      kvTime: kvTime, seconds: seconds, latencies: latencies, latencyMin: latencyMin, latencyMax: latencyMax)
  }

  /// Of all models together.
  private var good: [String: Int64]? {
    models.reduce(into: [String: Int64]?.none) { sum, model in
      guard let good = model.good else { return }
      sum = (sum ?? [:]).merging(good) { $0 + $1 }
    }
  }
}

extension ReplicationRecord {
  /// Adds what the KV caches of a run were used for, by model.
  /// - Parameter model: the name of a model by its identifier.
  mutating func addKVCaches(
    _ caches: [KVCacheUse], in range: Range<Timestamp>, model: (Int32) -> String?
  ) {
    seconds = Double(range.upperBound - range.lowerBound) / 1e6
    for place in models.indices { models[place].seconds = seconds }
    for use in caches {
      let time = Double(use.blocks) * Double(use.replicaMicroseconds)
      preemptions = (preemptions ?? 0) + use.preemptions
      kvBlockTime = (kvBlockTime ?? 0) + use.blockMicroseconds
      kvTime = (kvTime ?? 0) + time
      guard let name = model(use.modelID), let place = models.firstIndex(where: { Name.same($0.name, name) })
      else { continue }
      models[place].preemptions = (models[place].preemptions ?? 0) + use.preemptions
      models[place].kvBlockTime = (models[place].kvBlockTime ?? 0) + use.blockMicroseconds
      models[place].kvTime = (models[place].kvTime ?? 0) + time
    }
  }

  /// Adds the replica time of a run over the period.
  mutating func addReplicas(_ tables: TelemetryTables, _ scenario: Scenario, busy: Int128) {
    let range = scenario.from..<scenario.to
    let byAccount = tables.byAccount()
    var use = ReplicaUse(range: range)
    for account in scenario.accounts {
      let own = byAccount[account.name] ?? TelemetryTables()
      let prices = Dictionary(
        account.prices.map { ($0.hardware, $0.creditsMicroPerHour) }, uniquingKeysWith: { a, _ in a })
      let time = ReplicaTime(own.replicas, in: [range])
      credits += time.creditsMicro(prices) { _ in true } / 1e6
      replicaHours += Double(time.replicaMicroseconds.values.reduce(0, +)) / 3.6e9
      use.add(own, subscription: account.subscriptionMaxReplicas)
    }
    peakReplicas = max(peakReplicas, use.peakReplicas)
    if use.slotTime > 0 {
      let share = Double(busy) / use.slotTime
      utilisation = share < 1 ? share : 1
    } else {
      utilisation = 0
    }
    atMaxReplicas = use.deployed > 0 ? use.atMaximum / use.deployed : 0
    atSubscription =
      use.atSubscription
      / (Double(range.upperBound - range.lowerBound) * Double(max(scenario.accounts.count, 1)))
  }
}
