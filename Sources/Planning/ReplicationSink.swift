import Aggregation
import ScenarioModel
import Telemetry

/// Takes a replication's requests, and sums them up model by model.
final class ReplicationSink: TelemetrySink {
  /// Of one model.
  private struct Sums {
    var requests: Int64 = 0
    var latencySum: Int128 = 0
    var waitingSum: Int128 = 0
    var waited: Int64 = 0
    var input: Int64 = 0
    var output: Int64 = 0
    var cached: Int64 = 0
    var cachedOf: Int64 = 0
    var cost: Int128 = 0
    var costed: Int64 = 0
    var costedTokens: Int64 = 0
    var least = Int64.max
    var most = Int64.min
    /// Service given inside the period, µs.
    var busy: Int128 = 0
  }

  private let models: [String]
  /// By series.
  private let modelOfSeries: [Int]
  private let hasReplicas: [Bool]
  private var sums: [Sums]
  /// Bins of latencies and, behind them, outcomes, by model; `nil` for a model without requests so far.
  private var counts: [UnsafeMutablePointer<Int64>?]
  /// Of the models of which some requests have a first token before the last.
  private var tokenTimes: [TokenTimes?]
  private let hasTokenTimes: [Bool]
  /// Requests that meet each goodput, by model.
  private var good: [[Int64]]
  private let goodputs: [[ObjectiveMetric.Condition]]
  private static let outcomes = LatencyBin.count
  private static let refused = OutcomeSet(FailureReason.allCases.filter { $0.progress == .refused })
  private static let width = LatencyBin.count + 256
  private let period: Range<Int64>
  private var busyOfWarmUp: Int128 = 0
  /// Service given inside the period to requests of models with replicas, µs.
  var busyMicroseconds: Int128 { sums.reduce(busyOfWarmUp) { $0 + $1.busy } }
  private(set) var series: BatchMeans?

  /// - Parameters:
  ///   - models: their names.
  ///   - modelOfSeries: places in `models`.
  ///   - hasReplicas: by series.
  ///   - hasTokenTimes: by series, whether first tokens come before the last.
  ///   - period: what is looked at, without the warm-up.
  ///   - goodputs: conditions, of which the requests that meet them are counted.
  ///   - keepsSeries: whether batch means of the latency are kept, for the warm-up.
  init(
    models: [String], modelOfSeries: [Int], hasReplicas: [Bool], hasTokenTimes: [Bool],
    period: Range<Timestamp>, goodputs: [[ObjectiveMetric.Condition]] = [],
    keepsSeries: Bool
  ) {
    self.goodputs = goodputs
    good = models.map { _ in goodputs.map { _ in 0 } }
    self.models = models
    self.modelOfSeries = modelOfSeries
    self.hasReplicas = hasReplicas
    self.hasTokenTimes = hasTokenTimes
    tokenTimes = Array(repeating: nil, count: models.count)
    for (series, model) in modelOfSeries.enumerated() where hasTokenTimes[series] {
      tokenTimes[model] = tokenTimes[model] ?? TokenTimes()
    }
    self.period = period.lowerBound.microseconds..<period.upperBound.microseconds
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
      tokenTimes[model]?.add(requests, start..<end, hasTokenTimes)
      for place in goodputs.indices { countGood(requests, start..<end, model, place) }
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
    let refused = Self.refused
    var own = sums[model]
    hasReplicas.withUnsafeBufferPointer { hasReplicas in
      for row in rows {
        let outcome = requests.outcome[row]
        let latency = requests.latencyMicroseconds[row]
        let waiting = requests.waitingMicroseconds[row]
        outcomes[Int(outcome)] += 1
        own.input &+= Int64(requests.inputTokens[row])
        own.output &+= Int64(requests.outputTokens[row])
        if let cached = requests.cachedInputTokens?[row], cached >= 0 {
          own.cached &+= Int64(cached)
          own.cachedOf &+= Int64(requests.inputTokens[row])
        }
        if outcome == RequestOutcome.success {
          own.latencySum &+= Int128(latency)
          own.least = min(own.least, latency)
          own.most = max(own.most, latency)
          bins[LatencyBin.index(latency)] += 1
        }
        // One that was turned away has waited for nothing.
        if !refused.contains(outcome) {
          own.waitingSum &+= Int128(waiting)
          own.waited += 1
          if hasReplicas[Int(requests.series[row])] { own.busy &+= served(requests, row) }
        }
      }
    }
    own.requests += Int64(rows.count)
    if let costs = requests.extras?[.cost] {
      for row in rows where costs[row] != RequestMeasure.missing {
        own.cost += Int128(costs[row])
        own.costed += 1
        own.costedTokens &+= Int64(requests.inputTokens[row]) + Int64(requests.outputTokens[row])
      }
    }
    sums[model] = own
  }

  private func countGood(_ requests: RequestColumns, _ rows: Range<Int>, _ model: Int, _ place: Int) {
    for row in rows where requests.outcome[row] == RequestOutcome.success {
      let latency = requests.latencyMicroseconds[row]
      let first = requests.firstTokenMicroseconds[row]
      let others = Int64(requests.outputTokens[row]) - 1
      let isGood = goodputs[place].allSatisfy { condition in
        let duration =
          switch condition.span {
          case .latency: latency
          case .waiting: requests.waitingMicroseconds[row]
          case .ttft: first
          case .tpot: others > 0 ? (latency - first) / others : 0
          }
        return Double(duration) <= condition.microseconds
      }
      if isGood { good[model][place] += 1 }
    }
  }

  /// Some are still served in the period.
  func receiveWarmUp(_ requests: RequestColumns) {
    for row in 0..<requests.count where hasReplicas[Int(requests.series[row])] {
      // One that was turned away has neither waited nor been served: it adds nothing.
      busyOfWarmUp &+= served(requests, row)
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

  /// - Parameter reasons: names by outcome.
  /// - Throws: `AggregationError` if a sum leaves the range of 64 bits.
  func finish(_ reasons: [String]) throws -> ReplicationRecord {
    var record = ReplicationRecord()
    for model in models.indices {
      guard let counters = counts[model] else { continue }
      let own = sums[model]
      var figures = RequestFigures(
        name: models[model], requests: own.requests, successes: counters[Self.outcomes],
        latencySum: try Self.whole(own.latencySum), waitingSum: try Self.whole(own.waitingSum),
        waited: own.waited, inputTokens: own.input, outputTokens: own.output)
      if own.cachedOf > 0 { (figures.cachedTokens, figures.cachedOf) = (own.cached, own.cachedOf) }
      if own.costed > 0 {
        (figures.cost, figures.costedTokens) = (try Self.whole(own.cost), own.costedTokens)
      }
      for (code, name) in reasons.enumerated() where code > 0 && counters[Self.outcomes + code] > 0 {
        figures.failures[name] = counters[Self.outcomes + code]
      }
      if own.least <= own.most { (figures.latencyMin, figures.latencyMax) = (own.least, own.most) }
      figures.latencies = (0..<LatencyBin.count).filter { counters[$0] > 0 }.flatMap {
        [Int64($0), counters[$0]]
      }
      if !goodputs.isEmpty {
        let counted = zip(goodputs, good[model]).map { (ObjectiveMetric.goodput($0).name, $1) }
        figures.good = Dictionary(counted, uniquingKeysWith: { first, _ in first })
      }
      figures.firstTokens = try tokenTimes[model]?.firstTokens.figures()
      figures.perOutputTokens = try tokenTimes[model]?.perOutputTokens.figures()
      if let times = tokenTimes[model], times.furtherTokens > 0 {
        figures.decoding = try Self.whole(times.decoding)
        figures.furtherTokens = times.furtherTokens
      }
      try record.add(figures)
    }
    return record
  }

  static func whole(_ sum: Int128) throws -> Int64 {
    guard let whole = Int64(exactly: sum) else {
      throw AggregationError(
        "the sum of a replication's latencies, waiting times or tokens exceeds 64 bits. Shorten its service times, or the period."
      )
    }
    return whole
  }
}

extension ReplicationRecord {
  private static func sum(_ a: DurationFigures?, _ b: DurationFigures?) throws -> DurationFigures? {
    guard let b else { return a }
    var sum = a ?? DurationFigures()
    try sum.add(b)
    return sum
  }

  /// Adds a model's requests to those of all.
  fileprivate mutating func add(_ figures: RequestFigures) throws {
    func sum(_ a: Int64, _ b: Int64) throws -> Int64 { try ReplicationSink.whole(Int128(a) + Int128(b)) }
    requests += figures.requests
    successes += figures.successes
    failures.merge(figures.failures) { $0 + $1 }
    latencySum = try sum(latencySum, figures.latencySum)
    waitingSum = try sum(waitingSum, figures.waitingSum)
    waited += figures.waited
    inputTokens = try sum(inputTokens, figures.inputTokens)
    outputTokens = try sum(outputTokens, figures.outputTokens)
    if let cached = figures.cachedTokens, let all = figures.cachedOf {
      cachedTokens = try sum(cachedTokens ?? 0, cached)
      cachedOf = try sum(cachedOf ?? 0, all)
    }
    if let paid = figures.cost, let tokens = figures.costedTokens {
      cost = try sum(cost ?? 0, paid)
      costedTokens = try sum(costedTokens ?? 0, tokens)
    }
    firstTokens = try Self.sum(firstTokens, figures.firstTokens)
    perOutputTokens = try Self.sum(perOutputTokens, figures.perOutputTokens)
    if let time = figures.decoding, let tokens = figures.furtherTokens {
      decoding = try sum(decoding ?? 0, time)
      furtherTokens = try sum(furtherTokens ?? 0, tokens)
    }
    latencyMin = [latencyMin, figures.latencyMin].compactMap { $0 }.min()
    latencyMax = [latencyMax, figures.latencyMax].compactMap { $0 }.max()
    latencies =
      models.isEmpty ? figures.latencies : DurationFigures.pooled([latencies, figures.latencies])
    models.append(figures)
  }
}
