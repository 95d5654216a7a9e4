import Foundation
import ScenarioModel
import Simulation
import Telemetry

/// Simulates the very requests that a deployment was observed to serve, with a service that is to be judged: arrivals
/// and tokens are those observed, and what comes out is compared with the times of each request.
///
/// It covers a stretch in which the number of ready replicas did not change.
struct ServiceReplay {
  /// Replicas that were ready.
  let replicas: Int
  /// Requests of a replica's batch, at most.
  let batch: Int
  /// Requests whose times are compared.
  private(set) var scored: Int
  private var trace: Trace
  private var observed: [Times?]
  private let time: Range<Timestamp>
  /// Sums over what is compared, µs.
  private var totals = Errors()
  /// The same in ascending order.
  private var sorted: [[Double]] = []

  /// Mean absolute differences from what was observed over its mean, of times to the first token, of the time from it to
  /// the end, and of that per output token.
  struct Errors: Sendable {
    var firstToken = 0.0
    var decoding = 0.0
    var perToken = 0.0
    /// Of the three distributions: the mean of Wasserstein's distances over the means.
    var distance = 0.0
    /// What a fit makes least.
    var whole: Double { (firstToken + decoding + perToken) / 3 + distance }
  }

  private struct Times {
    /// µs from arrival.
    var first: Double
    /// µs from the first token to the end.
    var decoding: Double
    /// Tokens after the first.
    var further: Double
  }

  /// Requests of a replay: enough for six coefficients, and few enough that a candidate takes milliseconds.
  private static let most = 2000
  static let least = 50

  /// - Parameters:
  ///   - rows: of the deployment, in order of arrival, that replicas worked on.
  ///   - replicas: its rows of the replicas table, in order of time.
  ///   - spans: the part of the time whose results the fit may see, ascending. Arrivals and tokens of the requests
  ///     between them are replayed too, since those compete for the same replicas; their times are not looked at.
  /// - Returns: `nil` if there are too few requests with a first token before their end, or nobody knows the replicas.
  init?(
    _ observations: Observations, rows: [Int], replicas: [ReplicaRecord], deployment: DeploymentRecord,
    spans: [Range<Int64>]
  ) {
    guard deployment.maxBatchSize >= 1, let stretch = Self.longestStretch(observations, rows, replicas) else {
      return nil
    }
    var requests: [TraceRequest] = []
    var times: [Times?] = []
    var scored = 0
    for row in rows where stretch.span.contains(observations.arrivedAt[row]) {
      guard scored < Self.most else { break }
      let at = observations.arrivedAt[row]
      requests.append(
        TraceRequest(
          arrivedAt: at, inputTokens: observations.input[row], outputTokens: observations.output[row]))
      let (first, last) = (Double(observations.firstToken[row]), Double(observations.latency[row]))
      guard observations.outcome[row] == RequestOutcome.success, first > 0, last > first,
        observations.output[row] > 1, at >= stretch.scoredFrom, spans.contains(where: { $0.contains(at) })
      else {
        times.append(nil)
        continue
      }
      let own = Times(
        first: first, decoding: last - first, further: Double(observations.output[row] - 1))
      times.append(own)
      scored += 1
    }
    guard scored >= Self.least, let firstAt = requests.first?.arrivedAt, let lastAt = requests.last?.arrivedAt
    else { return nil }
    self.replicas = stretch.replicas
    self.scored = scored
    time = Timestamp(microseconds: firstAt)..<Timestamp(microseconds: lastAt + 1)
    batch = deployment.maxBatchSize
    trace = Trace(requests)
    observed = times
    sum()
  }

  /// The replay of the first requests that are compared, and of those between them.
  func first(_ count: Int) -> ServiceReplay {
    guard count < scored else { return self }
    var (end, left) = (0, count)
    while left > 0 {
      if observed[end] != nil { left -= 1 }
      end += 1
    }
    var part = self
    part.trace = Trace(Array(trace.requests.prefix(end)))
    part.observed = Array(observed.prefix(end))
    part.sum()
    return part
  }

  /// Sums what is compared.
  private mutating func sum() {
    let known = observed.compactMap { $0 }
    scored = known.count
    totals = Errors(
      firstToken: known.reduce(0) { $0 + $1.first }, decoding: known.reduce(0) { $0 + $1.decoding },
      perToken: known.reduce(0) { $0 + $1.decoding / $1.further })
    sorted = [
      known.map(\.first).sorted(), known.map(\.decoding).sorted(),
      known.map { $0.decoding / $0.further }.sorted(),
    ]
  }

  /// How far the requests' times are from those observed. Of several replicas, one that is a microsecond quicker may take
  /// the next request, and all that follow go elsewhere: so not only each request counts, but also how many took how
  /// long. `nil` if they cannot be served that way.
  func errors(of service: DeploymentService) -> Errors? {
    var sums = Errors()
    var columns = [[Double]](repeating: [], count: 3)
    guard
      compare(
        service,
        with: { own, first, decoding in
          if replicas > 1 {
            columns[0].append(first)
            columns[1].append(decoding)
            columns[2].append(decoding / own.further)
          }
          sums.firstToken += abs(first - own.first)
          sums.decoding += abs(decoding - own.decoding)
          sums.perToken += abs(decoding - own.decoding) / own.further
        })
    else { return nil }
    if replicas > 1 {
      let totals = [totals.firstToken, totals.decoding, totals.perToken]
      for (index, column) in columns.enumerated() {
        let distance = zip(column.sorted(), sorted[index]).reduce(0) { $0 + abs($1.0 - $1.1) }
        sums.distance += distance / totals[index] / 3
      }
    }
    return Errors(
      firstToken: sums.firstToken / totals.firstToken, decoding: sums.decoding / totals.decoding,
      perToken: sums.perToken / totals.perToken, distance: sums.distance)
  }

  /// Mean and 95th percentile of the requests' times, observed and simulated; `nil` if they cannot be served that way.
  func figures(of service: DeploymentService) -> [ReplayedFigure]? {
    var columns: [(name: String, observed: [Double], simulated: [Double])] = [
      ("time to first token", [], []), ("time per output token", [], []), ("latency", [], []),
    ]
    func add(_ column: Int, _ observed: Double, _ simulated: Double) {
      columns[column].observed.append(observed / 1000)
      columns[column].simulated.append(simulated / 1000)
    }
    guard
      compare(
        service,
        with: { own, first, decoding in
          add(0, own.first, first)
          add(1, own.decoding / own.further, decoding / own.further)
          add(2, own.first + own.decoding, first + decoding)
        })
    else { return nil }
    return columns.map { ReplayedFigure(name: $0.name, observed: $0.observed, simulated: $0.simulated) }
  }

  /// Simulates, and calls back for each request that is compared.
  /// - Parameter body: gets what was observed, and the time to the first token and that after it, µs.
  /// - Returns: whether all requests were served.
  private func compare(_ service: DeploymentService, with body: (Times, Double, Double) -> Void) -> Bool {
    let scenario = Scenario(
      replaying: TraceSource(file: Self.name), over: time, replicas: replicas, batch: batch, service: service)
    let sink = Sink(observed.count)
    do {
      _ = try ScenarioSimulation(scenario, traces: [.init(file: Self.name): trace]).run(
        threads: 1, into: .init(accounts: [sink], merged: nil, tables: false))
    } catch {
      // Times that telemetry cannot hold.
      return false
    }
    guard sink.hasAll else { return false }
    for (own, times) in zip(observed, sink.times) {
      if let own { body(own, times.first, times.decoding) }
    }
    return true
  }

  /// Tokens of context that a replica held at once, at most, as far as the requests' times tell: a prompt from when it
  /// was taken in, and a response as it grew. Replicas are taken to have held the same.
  func mostContext(_ observations: Observations, rows: [Int]) -> Double {
    struct Interval {
      var start, first, end, input, output: Double
    }
    let intervals = rows.filter { observations.outcome[$0] == RequestOutcome.success }.prefix(Self.most).map {
      row in
      let at = Double(observations.arrivedAt[row])
      return Interval(
        start: at + Double(observations.waiting[row]), first: at + Double(observations.firstToken[row]),
        end: at + Double(observations.latency[row]), input: Double(observations.input[row]),
        output: Double(observations.output[row]))
    }
    var most = 0.0
    // What is held grows until a request ends, so the most is held right before some end.
    for instant in intervals.map(\.end) {
      let held = intervals.reduce(0.0) { sum, own in
        guard own.start < instant, instant <= own.end else { return sum }
        let share = own.end > own.first ? max(0, (instant - own.first) / (own.end - own.first)) : 0
        return sum + own.input + own.output * share
      }
      most = max(most, held)
    }
    return most / Double(replicas)
  }

  // MARK: Parts

  private static let name = "observed"

  private struct Stretch {
    var span: Range<Int64>
    /// Requests that arrived before found others there that are not known.
    var scoredFrom: Int64
    var replicas: Int
    var requests = 0
  }

  /// The stretch of one number of ready replicas in which most requests arrived.
  private static func longestStretch(
    _ observations: Observations, _ rows: [Int], _ replicas: [ReplicaRecord]
  ) -> Stretch? {
    var stretches: [Stretch] = []
    for (index, row) in replicas.enumerated() {
      let (at, ready) = (row.at.microseconds, row.ready)
      if let last = stretches.last, last.replicas == ready { continue }
      if let last = stretches.last { stretches[stretches.count - 1].span = last.span.lowerBound..<at }
      stretches.append(
        Stretch(
          span: at..<Int64.max, scoredFrom: index == 0 || stretches.isEmpty ? at : .max, replicas: ready)
      )
    }
    var place = 0
    for row in rows {
      let at = observations.arrivedAt[row]
      while place < stretches.count, at >= stretches[place].span.upperBound { place += 1 }
      if place < stretches.count, stretches[place].span.contains(at) { stretches[place].requests += 1 }
    }
    guard
      var best = stretches.filter({ $0.replicas > 0 }).max(by: { $0.requests < $1.requests }),
      best.requests > 0
    else { return nil }
    if best.scoredFrom == .max {
      let longest = rows.reduce(Int64(0)) { max($0, Int64(observations.latency[$1])) }
      best.scoredFrom = best.span.lowerBound + longest
    }
    return best
  }

  /// Keeps the requests' times, in order of arrival.
  private final class Sink: TelemetrySink {
    private(set) var times: [(first: Double, decoding: Double)] = []
    private var failures = 0
    private let expected: Int

    init(_ expected: Int) {
      self.expected = expected
      times.reserveCapacity(expected)
    }

    var hasAll: Bool { failures == 0 && times.count == expected }

    func receive(_ requests: RequestColumns) {
      for row in 0..<requests.count {
        if requests.outcome[row] != RequestOutcome.success { failures += 1 }
        let first = Double(requests.firstTokenMicroseconds[row])
        times.append((first, Double(requests.latencyMicroseconds[row]) - first))
      }
    }
  }
}

/// One of the times of requests whose arrivals and tokens were replayed under the fitted service, ms.
package struct ReplayedFigure: Sendable, Codable {
  package var name: String
  package var requests: Int
  package var observedMean: Double
  package var simulatedMean: Double
  package var observedP95: Double
  package var simulatedP95: Double

  init(name: String, observed: [Double], simulated: [Double]) {
    func p95(_ values: [Double]) -> Double {
      let sorted = values.sorted()
      // The smallest value that at least 95 % do not exceed.
      return sorted[max(0, Int((0.95 * Double(sorted.count)).rounded(.up)) - 1)]
    }
    self.name = name
    requests = observed.count
    (observedMean, simulatedMean) = (observed.mean, simulated.mean)
    (observedP95, simulatedP95) = (p95(observed), p95(simulated))
  }

  /// How far the simulated mean and 95th percentile are from the observed, relative to them.
  package var errorOfMean: Double { simulatedMean / observedMean - 1 }
  package var errorOfP95: Double { simulatedP95 / observedP95 - 1 }
}
