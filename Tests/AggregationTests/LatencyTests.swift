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
      series: [.init(modelID: 1, version: "V1")], now: Timestamp(microseconds: .max),
      reasons: FailureReasons())
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
    var generator = SeededGenerator(state: 11)
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

  @Test(
    "up to the limit every point is kept; beyond it the extremes of every screen column",
    arguments: [10_000, 1000, 90])
  func thinning(maxPoints: Int) throws {
    var world = SmallWorld()
    let start = SmallWorld.instant("2026-03-03T00:00:00-05:00")
    world.requests = []
    let requests = (0..<8000).map { (index: Int) -> (at: Int64, latency: Int64) in
      (at: start.microseconds + Int64(index) * 10_000_001, latency: Int64((index * 7919) % 10_007) + 5)
    }
    let query = try DashboardQuery(
      account: world.tables.accounts[0], filter: .date(LocalDate("2026-03-03") ?? .init(daysSince1970: 0)),
      now: SmallWorld.instant("2026-03-09T00:00:00-04:00"), selection: .init(kind: .fineTuned),
      tables: world.tables,
      series: [.init(modelID: 1, version: "V1")], maxPoints: maxPoints)
    let rollups = try Self.rollups(requests, points: query.points)
    let latency = try query.answer(rollups).latency
    #expect(latency.thinned == (maxPoints < 8000) && latency.requests == 8000)
    #expect(latency.points.count == 8000 || latency.points.count <= maxPoints)
    // Columns are whole half minutes: the least of them that come to maxPoints ÷ 2 columns a day.
    let count = max(1, maxPoints / 2)
    let width = Int64((2880 + count - 1) / count) * 30_000_000
    func column(_ at: Int64) -> Int64 { (at - start.microseconds) / width }
    let kept = Dictionary(grouping: latency.points) { point in
      column(SmallWorld.instant(point.at).microseconds)
    }
    for (index, inside) in Dictionary(grouping: requests, by: { column($0.at) }) {
      let latencies = inside.map { Double($0.latency) / 1000 }
      #expect(kept[index]?.map { $0.latency }.min() == latencies.min())
      #expect(kept[index]?.map { $0.latency }.max() == latencies.max())
    }
  }

  @Test("a sum beyond 64 bits is an error, not a wrong figure")
  func overflow() {
    #expect(throws: AggregationError.self) { try Self.rollups((0..<3).map { (Int64($0), Int64.max / 2) }) }
  }
}
