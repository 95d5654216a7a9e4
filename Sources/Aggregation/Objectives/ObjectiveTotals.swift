import ScenarioModel
import Telemetry

/// What objectives need of some requests: exact counts and sums, and durations by bin. Adding two gives that of both.
struct ObjectiveCounts {
  var requests: Int64 = 0
  var successes: Int64 = 0
  /// By outcome.
  var failures: [UInt8: Int64] = [:]
  /// Of requests of which they are known, and how many these are.
  var inputTokens: Int128 = 0
  var withInput: Int64 = 0
  var outputTokens: Int128 = 0
  var withOutput: Int64 = 0
  /// Input tokens that a cache had, of the requests of which that is known; and all input tokens of these.
  var cachedTokens: Int128 = 0
  var cachedOf: Int128 = 0
  /// Of requests of which the cost is known, in millionths; how many these are, and their tokens.
  var cost: Int128 = 0
  var costed: Int64 = 0
  var costedTokens: Int128 = 0
  /// Successes of which the first token comes before the last.
  var streamed: Int64 = 0
  /// Successes of which the first token is known, and that have further ones.
  var ofSeveralTokens: Int64 = 0
  /// Of these, the time after the first token, µs, and the tokens after it.
  var decoding: Int128 = 0
  var furtherTokens: Int128 = 0
  /// For each goodput that is asked for: requests that meet its conditions, and those of which that is known.
  var good: [Int64]
  var judged: [Int64]

  init(goodputs: Int) {
    good = Array(repeating: 0, count: goodputs)
    judged = good
  }

  /// Whether responses come token by token, as far as can be seen: a source that does not measure first tokens may give
  /// the time of the whole response instead.
  var hasTokenTimes: Bool { streamed > 0 || (ofSeveralTokens == 0 && withOutput > 0) }

  mutating func add(_ other: ObjectiveCounts) {
    requests += other.requests
    successes += other.successes
    failures.merge(other.failures, uniquingKeysWith: +)
    inputTokens += other.inputTokens
    withInput += other.withInput
    outputTokens += other.outputTokens
    withOutput += other.withOutput
    cachedTokens += other.cachedTokens
    cachedOf += other.cachedOf
    cost += other.cost
    costed += other.costed
    costedTokens += other.costedTokens
    streamed += other.streamed
    ofSeveralTokens += other.ofSeveralTokens
    decoding += other.decoding
    furtherTokens += other.furtherTokens
    for place in good.indices {
      good[place] += other.good[place]
      judged[place] += other.judged[place]
    }
  }
}

/// Counts and durations of any number of requests.
struct ObjectiveTotals {
  struct Durations {
    /// µs.
    var sum: Int128 = 0
    var histogram = LatencyHistogram()
  }

  var counts: ObjectiveCounts
  /// By `ObjectiveMetric.Span`; of those that no objective asks for, empty.
  var durations: [Durations]

  init(goodputs: Int) {
    counts = ObjectiveCounts(goodputs: goodputs)
    durations = Array(repeating: Durations(), count: ObjectiveMetric.Span.allCases.count)
  }

  subscript(_ span: ObjectiveMetric.Span) -> Durations { durations[span.rawValue] }

  mutating func add(_ cell: ObjectiveCell) {
    counts.add(cell.counts)
    for (place, own) in cell.durations.enumerated() {
      durations[place].sum += own.sum
      durations[place].histogram.add(own.bins, count: own.count, least: own.least, most: own.most)
    }
  }
}

/// The requests of one model version, and one class, in a local hour: packed.
struct ObjectiveCell {
  struct Durations {
    var sum: Int128
    var bins: PackedBins
    var count: Int64
    var least: Int64
    var most: Int64
  }

  var hour: Range<Int64>
  var counts: ObjectiveCounts
  var durations: [Durations]

  init(_ totals: ObjectiveTotals, hour: Range<Int64>) {
    self.hour = hour
    counts = totals.counts
    durations = totals.durations.map { own in
      Durations(
        sum: own.sum, bins: own.histogram.packed, count: own.histogram.total, least: own.histogram.smallest,
        most: own.histogram.largest)
    }
  }
}
