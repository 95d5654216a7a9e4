import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry

/// Observed requests as a record to be resampled: along its rate function, so that the record has the same rate
/// throughout, and without the time that was not observed.
package struct ResampledFit: Sendable, Equatable {
  /// Its requests; the record begins with `from` and ends with `to`.
  package let trace: Trace
  package let from: Int64
  package let to: Int64
  /// Mean length of a block, µs.
  package private(set) var blocks: Double
  /// Per µs, where the profile is 1.
  package let rate: Double

  /// A record needs several blocks, or simulations would hardly differ.
  private static let leastBlocks = 6.0
  /// Requests in a block on average, at least.
  private static let leastRequests = 10.0

  /// - Parameters:
  ///   - spans: observed time, ascending.
  ///   - segments: of the rate function, in arrivals per µs.
  ///   - rate: where the profile's factor is 1, per µs.
  ///   - isSample: whether the spans are a sample of those that the rate is of.
  /// - Returns: `nil` of fewer than 30 requests, or all at one instant.
  init?(
    _ observations: Observations, spans: [Range<Int64>], segments: [RateProfile.Segment], rate: Double,
    isSample: Bool = false
  ) {
    guard let start = spans.first?.lowerBound, rate > 0 else { return nil }
    var requests: [TraceRequest] = []
    var tokens = RecordedTokens(observations, spans)
    // Operational time over the rate: µs as long as the factor is 1.
    var passed = 0.0
    var segment = 0
    for span in spans {
      var at = span.lowerBound
      func move(to instant: Int64) {
        while segment + 1 < segments.count, segments[segment].end.microseconds <= instant {
          let end = segments[segment].end.microseconds
          if end > at {
            passed += Double(end - at) * segments[segment].factor / rate
            at = end
          }
          segment += 1
        }
        if instant > at {
          passed += Double(instant - at) * segments[segment].factor / rate
          at = instant
        }
      }
      guard !segments.isEmpty else { return nil }
      for row in observations.rows(in: span) {
        move(to: observations.arrivedAt[row])
        let (input, output) = tokens.next(row)
        requests.append(
          TraceRequest(arrivedAt: start + Int64(passed), inputTokens: input, outputTokens: output))
      }
      move(to: span.upperBound)
    }
    guard requests.count >= 30, let first = requests.first, let last = requests.last,
      first.arrivedAt < last.arrivedAt, passed > Double(last.arrivedAt - start)
    else { return nil }
    trace = Trace(requests)
    from = start
    to = start + Int64(passed)
    self.rate = isSample ? rate : Double(requests.count) / passed
    blocks = 0
    blocks = bounded(chosenLength())
  }

  /// Of the lengths that suit counts over a second, ten seconds, a minute and ten minutes, the longest.
  private func chosenLength() -> Double {
    var longest = 0.0
    for window in WindowCounts.windows {
      let width = Int64(window * 1e6)
      let count = (to - from) / width
      // Counts of nearly empty windows say nothing that longer ones do not.
      guard count >= 50, rate * Double(width) >= 0.2 else { continue }
      let most = 100_000
      var counts = [Double](repeating: 0, count: min(Int(count), most))
      for request in trace.requests {
        let index = Int((request.arrivedAt - from) / width)
        guard index < counts.count else { break }
        counts[index] += 1
      }
      longest = max(longest, BlockLength.politisWhite(counts) * Double(width))
    }
    return longest
  }

  private func bounded(_ length: Double) -> Double {
    let most = Double(to - from) / Self.leastBlocks
    let round = min(max(length, min(Self.leastRequests / rate, most)), most)
    // Two figures are enough.
    let unit = pow(10, (log10(max(round, 1000)) - 1).rounded(.down))
    return max((round / unit).rounded() * unit, 1000)
  }

  /// The same with blocks of another length.
  func with(blocksTimes factor: Double) -> ResampledFit {
    var copy = self
    copy.blocks = bounded(blocks * factor)
    return copy
  }

  /// The process in a scenario.
  package func arrivals(_ record: TraceSource.Selection) -> Arrivals {
    .resampled(
      ResampledArrivals(
        record, rate: rate, blocks: blocks, from: Timestamp(microseconds: from),
        to: Timestamp(microseconds: to)))
  }
}

/// The tokens of requests, in order of arrival; a request whose tokens are not known has those of the one before of
/// which they are, or of the first.
private struct RecordedTokens {
  private let observations: Observations
  private let isTold: Bool
  private var input: Int32 = 0
  private var output: Int32 = 0

  init(_ observations: Observations, _ spans: [Range<Int64>]) {
    self.observations = observations
    let rows = spans.map { observations.rows(in: $0) }
    isTold = rows.contains { $0.contains { observations.input[$0] > 0 } }
    input = first(rows) { hasInput($0) }.map { observations.input[$0] } ?? 0
    output = first(rows) { hasOutput($0) }.map { observations.output[$0] } ?? 0
  }

  private func first(_ parts: [Range<Int>], _ holds: (Int) -> Bool) -> Int? {
    for part in parts { if let row = part.first(where: holds) { return row } }
    return nil
  }

  private func hasInput(_ row: Int) -> Bool {
    observations.isKnown(.inputTokens, row)
      && !(isTold && observations.input[row] == 0
        && (observations.isForeign || observations.outcome[row] != RequestOutcome.success))
  }

  private func hasOutput(_ row: Int) -> Bool {
    observations.isKnown(.outputTokens, row) && observations.outcome[row] == RequestOutcome.success
  }

  mutating func next(_ row: Int) -> (Int32, Int32) {
    if hasInput(row) { input = observations.input[row] }
    if hasOutput(row) { output = observations.output[row] }
    return (input, output)
  }
}
