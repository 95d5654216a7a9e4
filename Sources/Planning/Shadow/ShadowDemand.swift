import Aggregation
import Telemetry

/// Demand as telemetry recorded it, for policies that are held against it.
package enum ShadowDemand {
  /// By series: every request, exact to the microsecond.
  case requests([RecordedRequests])
  /// By series: means of quarters of an hour, in order of time.
  case quarters([[RecordedQuarter]])

  package enum Resolution: String, Encodable, Sendable { case requests, quarters }

  package var resolution: Resolution { if case .requests = self { .requests } else { .quarters } }
}

/// The requests of one series that were in progress for a time: those that were turned away on arrival were not.
package struct RecordedRequests: Sendable {
  /// µs since 1970, ascending once collected.
  package private(set) var arrivals: [Int64] = []
  /// µs, at least 1.
  package private(set) var latencies: [Int64] = []
  /// µs; of no use unless `knowsWaiting`.
  package private(set) var waits: [Int64] = []
  package private(set) var knowsWaiting = true
  /// Requests that no replica had room for; they are no demand.
  package private(set) var refused: Int64 = 0
  private var isInOrder = true

  package init() {}

  fileprivate mutating func append(_ row: Int, of columns: RequestColumns) {
    let (outcome, latency) = (columns.outcome[row], columns.latencyMicroseconds[row])
    if Self.refusals.contains(outcome) || (outcome != RequestOutcome.success && latency == 0) {
      refused += 1
      return
    }
    let at = columns.arrivedAt[row]
    if let last = arrivals.last, at < last { isInOrder = false }
    arrivals.append(at)
    latencies.append(max(latency, 1))
    waits.append(columns.waitingMicroseconds[row])
    if let bits = columns.extras?.unknown?[row], bits & RequestMeasure.waiting.bit != 0 {
      knowsWaiting = false
    }
  }

  fileprivate mutating func settle() {
    guard !isInOrder else { return }
    let order = arrivals.indices.sorted { (arrivals[$0], $0) < (arrivals[$1], $1) }
    arrivals = order.map { arrivals[$0] }
    latencies = order.map { latencies[$0] }
    waits = order.map { waits[$0] }
    isInOrder = true
  }

  private static let refusals = OutcomeSet(FailureReason.allCases.filter { $0.progress == .refused })

  /// What was in progress in a time; what had begun before begins with it.
  func clipped(to span: Range<Int64>) -> (arrivals: [Int64], latencies: [Int64]) {
    if let first = arrivals.first, let last = arrivals.last, span.contains(first), span.contains(last) {
      return (arrivals, latencies)
    }
    var clipped: (arrivals: [Int64], latencies: [Int64]) = ([], [])
    for (arrival, latency) in zip(arrivals, latencies)
    where arrival < span.upperBound && arrival + latency > span.lowerBound {
      let start = max(arrival, span.lowerBound)
      clipped.arrivals.append(start)
      clipped.latencies.append(arrival + latency - start)
    }
    return clipped
  }

  /// Time of a span in which a request waited, µs; `nil` where waiting times are unknown.
  func waitingTime(in span: Range<Int64>) -> Int64? {
    guard knowsWaiting else { return nil }
    var (time, counted) = (Int64(0), span.lowerBound)
    for (arrival, wait) in zip(arrivals, waits) where wait > 0 {
      let (from, to) = (max(arrival, counted), min(arrival + wait, span.upperBound))
      guard from < to else { continue }
      time += to - from
      counted = to
    }
    return time
  }
}

/// Collects requests by series, in memory that grows with their number.
package final class RecordedRequestCollector: TelemetrySink {
  private var requests: [RecordedRequests]
  private let isWanted: [Bool]

  /// - Parameter isWanted: of each series.
  package init(isWanted: [Bool]) {
    self.isWanted = isWanted
    requests = isWanted.map { _ in RecordedRequests() }
  }

  package func receive(_ columns: RequestColumns) {
    for row in 0..<columns.count {
      let series = Int(columns.series[row])
      if isWanted[series] { requests[series].append(row, of: columns) }
    }
  }

  /// In order of arrival, once all have come.
  package func finish() -> [RecordedRequests] {
    for index in requests.indices { requests[index].settle() }
    return requests
  }
}

/// What a rollup says of the demand of a quarter of an hour.
package struct RecordedQuarter: Sendable {
  /// Its start, µs since 1970.
  package var at: Int64
  /// Requests in progress on average, by Little's law: of those that arrived in it, the time until they ended, over its length.
  package var inProgress: Double
  package var requests: Int64

  package init(at: Int64, inProgress: Double, requests: Int64) {
    (self.at, self.inProgress, self.requests) = (at, inProgress, requests)
  }

  /// Of requests that failed, rollups have no latency: those that were served are taken to have lasted as long as others.
  /// - Parameter reasons: names of outcomes by the rollup's codes.
  package init(_ rollup: Rollup, reasons: [String]) {
    at = rollup.start.microseconds
    requests = rollup.cell.requests
    let served = rollup.reasons.reduce(Int64(0)) { sum, entry in
      let name = Int(entry.reason) < reasons.count ? reasons[Int(entry.reason)] : ""
      let reason = FailureReason.allCases.first { $0.name == name }
      return sum + (reason?.progress == .served ? entry.count : 0)
    }
    let (sum, successes) = (Double(rollup.cell.latencySum), Double(rollup.cell.successes))
    let whole = successes > 0 ? sum * (successes + Double(served)) / successes : 0
    inProgress = whole / Double(Rollup.quarterMicroseconds)
  }

  /// In whole requests: to the nearest, and one at least where any came.
  var level: Int { max(Int(inProgress.rounded()), requests > 0 ? 1 : 0) }
}

extension [RecordedQuarter] {
  /// Levels over a span, 0 in quarters without requests.
  func levels(over span: Range<Int64>) -> [(at: Int64, demand: Int)] {
    var levels: [(at: Int64, demand: Int)] = []
    var end = span.lowerBound
    for quarter in self {
      let (from, to) = (quarter.at, quarter.at + Rollup.quarterMicroseconds)
      guard to > span.lowerBound, from < span.upperBound else { continue }
      if from > end { levels.append((end, 0)) }
      levels.append((Swift.max(from, span.lowerBound), quarter.level))
      end = to
    }
    if end < span.upperBound { levels.append((end, 0)) }
    return levels
  }
}
