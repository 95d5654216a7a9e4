import Aggregation
import Telemetry

/// Takes a replication's requests, and sums them up model by model.
final class ReplicationSink: TelemetrySink {
  /// Of one model.
  private struct Sums {
    var requests: Int64 = 0
    var latencySum: Int64 = 0
    var waitingSum: Int64 = 0
    var waited: Int64 = 0
    var input: Int64 = 0
    var output: Int64 = 0
    /// Service given, µs.
    var busy: Int64 = 0
  }

  private let models: [String]
  /// By series.
  private let modelOfSeries: [Int]
  private let hasReplicas: [Bool]
  private var sums: [Sums]
  /// Bins of latencies and, behind them, outcomes, by model; `nil` for a model without requests so far.
  private var counts: [UnsafeMutablePointer<Int64>?]
  private static let outcomes = LatencyBin.count
  private static let width = LatencyBin.count + 256
  /// Service given to requests of models with replicas, µs.
  var busyMicroseconds: Int64 { sums.reduce(0) { $0 + $1.busy } }
  private(set) var series: BatchMeans?

  /// - Parameters:
  ///   - models: their names.
  ///   - modelOfSeries: places in `models`.
  ///   - hasReplicas: by series.
  ///   - keepsSeries: whether batch means of the latency are kept, for the warm-up.
  init(models: [String], modelOfSeries: [Int], hasReplicas: [Bool], keepsSeries: Bool) {
    self.models = models
    self.modelOfSeries = modelOfSeries
    self.hasReplicas = hasReplicas
    sums = Array(repeating: Sums(), count: models.count)
    counts = Array(repeating: nil, count: models.count)
    series = keepsSeries ? BatchMeans() : nil
  }

  deinit { for pointer in counts { pointer?.deallocate() } }

  private func counters(_ model: Int) -> UnsafeMutablePointer<Int64> {
    if let known = counts[model] { return known }
    let fresh = UnsafeMutablePointer<Int64>.allocate(capacity: Self.width)
    fresh.initialize(repeating: 0, count: Self.width)
    counts[model] = fresh
    return fresh
  }

  func receive(_ requests: RequestColumns) {
    // Requests of one model mostly follow each other: its sums stay in registers until another's turn.
    var start = 0
    while start < requests.count {
      let model = modelOfSeries[Int(requests.series[start])]
      var end = start + 1
      modelOfSeries.withUnsafeBufferPointer { modelOfSeries in
        while end < requests.count, modelOfSeries[Int(requests.series[end])] == model { end += 1 }
      }
      receive(requests, start..<end, model)
      start = end
    }
    if series != nil {
      for row in 0..<requests.count where requests.outcome[row] == RequestOutcome.success {
        series?.add(Double(requests.latencyMicroseconds[row]))
      }
    }
  }

  private func receive(_ requests: RequestColumns, _ rows: Range<Int>, _ model: Int) {
    let bins = counters(model)
    let outcomes = bins + Self.outcomes
    var own = sums[model]
    hasReplicas.withUnsafeBufferPointer { hasReplicas in
      for row in rows {
        let outcome = requests.outcome[row]
        let latency = requests.latencyMicroseconds[row]
        let waiting = requests.waitingMicroseconds[row]
        outcomes[Int(outcome)] += 1
        own.input &+= Int64(requests.inputTokens[row])
        own.output &+= Int64(requests.outputTokens[row])
        if outcome == RequestOutcome.success {
          own.latencySum &+= latency
          bins[LatencyBin.index(latency)] += 1
        }
        // One that was turned away has waited for nothing.
        if outcome != RequestOutcome.overloaded, outcome != RequestOutcome.rateLimited {
          own.waitingSum &+= waiting
          own.waited += 1
          if hasReplicas[Int(requests.series[row])] { own.busy &+= latency &- waiting }
        }
      }
    }
    own.requests += Int64(rows.count)
    sums[model] = own
  }

  /// - Parameter reasons: names by outcome.
  func finish(_ reasons: [String]) -> ReplicationRecord {
    var record = ReplicationRecord()
    for model in models.indices {
      guard let counters = counts[model] else { continue }
      let own = sums[model]
      var figures = RequestFigures(
        name: models[model], requests: own.requests, successes: counters[Self.outcomes],
        latencySum: own.latencySum, waitingSum: own.waitingSum, waited: own.waited, inputTokens: own.input,
        outputTokens: own.output)
      for (code, name) in reasons.enumerated() where code > 0 && counters[Self.outcomes + code] > 0 {
        figures.failures[name] = counters[Self.outcomes + code]
      }
      figures.latencies = (0..<LatencyBin.count).filter { counters[$0] > 0 }.flatMap {
        [Int64($0), counters[$0]]
      }
      record.add(figures)
    }
    return record
  }
}

extension ReplicationRecord {
  /// Adds a model's requests to those of all.
  fileprivate mutating func add(_ figures: RequestFigures) {
    requests += figures.requests
    successes += figures.successes
    failures.merge(figures.failures) { $0 + $1 }
    latencySum += figures.latencySum
    waitingSum += figures.waitingSum
    waited += figures.waited
    inputTokens += figures.inputTokens
    outputTokens += figures.outputTokens
    latencies = models.isEmpty ? figures.latencies : Self.pooled([latencies, figures.latencies])
    models.append(figures)
  }
}
