import Aggregation
import Telemetry

/// Times to first token and per output token of one model's successful requests.
struct TokenTimes {
  /// Durations, as they come.
  struct Durations {
    private var bins = [Int64](repeating: 0, count: LatencyBin.count)
    private var sum: Int128 = 0
    private var least = Int64.max
    private var most = Int64.min

    mutating func add(_ duration: Int64) {
      sum &+= Int128(duration)
      least = min(least, duration)
      most = max(most, duration)
      bins[LatencyBin.index(duration)] += 1
    }

    /// - Returns: `nil` without any.
    /// - Throws: `AggregationError` if the sum leaves the range of 64 bits.
    func figures() throws -> DurationFigures? {
      guard least <= most else { return nil }
      return DurationFigures(
        sum: try ReplicationSink.whole(sum),
        bins: bins.indices.filter { bins[$0] > 0 }.flatMap { [Int64($0), bins[$0]] }, least: least, most: most
      )
    }
  }

  private(set) var firstTokens = Durations()
  /// Whole µs, of requests with more than one output token: the time after the first over the number of the others.
  private(set) var perOutputTokens = Durations()
  /// Of these requests, all the time after the first token, µs, and all tokens after it.
  private(set) var decoding: Int128 = 0
  private(set) var furtherTokens: Int64 = 0

  /// - Parameter isKnown: by series.
  mutating func add(_ requests: RequestColumns, _ rows: Range<Int>, _ isKnown: [Bool]) {
    for row in rows
    where requests.outcome[row] == RequestOutcome.success && isKnown[Int(requests.series[row])] {
      let first = requests.firstTokenMicroseconds[row]
      firstTokens.add(first)
      let others = Int64(requests.outputTokens[row]) - 1
      guard others > 0 else { continue }
      let time = requests.latencyMicroseconds[row] - first
      perOutputTokens.add(time / others)
      decoding += Int128(time)
      furtherTokens += others
    }
  }
}
