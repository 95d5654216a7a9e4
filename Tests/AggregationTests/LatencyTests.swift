import Aggregation
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Latency histogram and points")
struct LatencyTests {
  /// Rollups of one series from (arrival, latency), all successes.
  static func rollups(_ requests: [(at: Int64, latency: Int64)], points: LatencyPoints? = nil) throws
    -> RequestRollups
  {
    let rollups = RequestRollups(
      series: [.init(modelID: 1, version: "V1")], now: Timestamp(microseconds: .max))
    points.map(rollups.collect)
    let batch = RequestBatch(capacity: requests.count)
    for request in requests {
      batch.append(
        requestID: 1, arrivedAt: request.at, series: 0, outcome: 0, waitingMicroseconds: 0,
        firstTokenMicroseconds: 0,
        latencyMicroseconds: request.latency, inputTokens: 0, outputTokens: 0)
    }
    try batch.send(to: rollups)
    try rollups.finish()
    return rollups
  }

  @Test("quantiles are within 0.8 % of the exact ones, over nine orders of magnitude")
  func quantiles() throws {
    var generator = SystemRandomNumberGenerator()
    var exact: [Int64] = (0..<20_000).map { _ in Int64(exp(Double.random(in: 0...25, using: &generator))) }
    exact += [0, 1, 63, 64, 65, 127, 128, 10_000_000_000]
    let rollups = try Self.rollups(exact.enumerated().map { (Int64($0.offset) * 1_000_000, $0.element) })
    var histogram = LatencyHistogram()
    for rollup in rollups.rollups(of: 0) { histogram.add(rollup.cell, rollup.latencies) }
    exact.sort()
    for q in [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1] {
      let rank = max(1, Int((q * Double(exact.count)).rounded(.up)))
      let expected = Double(exact[rank - 1])
      let said = try #require(histogram.quantile(q))
      #expect(abs(said - expected) <= 0.008 * expected, "\(q): \(said) for \(expected)")
    }
    #expect(LatencyHistogram().quantile(0.5) == nil)
  }

  @Test("up to the limit every point is kept; beyond it the extremes of every column")
  func thinning() throws {
    let range = Timestamp(microseconds: 0)..<Timestamp(microseconds: 1_000_000)
    let requests = (0..<10_000).map { (index: Int) -> (at: Int64, latency: Int64) in
      (at: Int64(index) * 100, latency: Int64((index * 7919) % 10_007) + 5)
    }
    let all = LatencyPoints(range, isSelected: [true], maxPoints: 10_000)
    _ = try Self.rollups(requests, points: all)
    #expect(!all.isThinned && all.points.count == 10_000)
    let thin = LatencyPoints(range, isSelected: [true], maxPoints: 200)
    _ = try Self.rollups(requests, points: thin)
    #expect(thin.isThinned && thin.points.count <= 200 && thin.requests == 10_000)
    for column in 0..<100 {
      let inside = requests.filter { $0.at / 10_000 == column }.map(\.latency)
      let kept = thin.points.filter { $0.at / 10_000 == column }.map(\.latency)
      #expect(kept.min() == inside.min() && kept.max() == inside.max())
    }
  }

  @Test("a sum beyond 64 bits is an error, not a wrong figure")
  func overflow() {
    #expect(throws: AggregationError.self) { try Self.rollups((0..<3).map { (Int64($0), Int64.max / 2) }) }
  }
}
