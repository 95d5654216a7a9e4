import Aggregation
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Figures of requests of which something is unknown")
struct UnknownValueTests {
  private static let instant: Int64 = 1_767_571_200_000_000

  /// Every second request knows all; of the others a part is unknown, by turns.
  private static func batch() -> RequestBatch {
    let batch = RequestBatch(capacity: 640)
    for row in 0..<600 {
      var record = RequestRecord(id: Int64(row + 1), arrivedAt: instant + Int64(row) * 20_000_000, series: 0)
      record.measures[.latency] = 1_100_000
      record.measures[.firstToken] = 100_000
      record.measures[.inputTokens] = 40
      record.measures[.outputTokens] = 51
      record.measures[.cachedInputTokens] = 10
      if row % 2 == 1 {
        let unknown: [RequestMeasure] =
          [
            [.firstToken], [.outputTokens], [.inputTokens],
            [.firstToken, .outputTokens, .inputTokens, .waiting],
          ][
            row / 2 % 4]
        for measure in unknown {
          record.measures[measure] = 0
          record.unknown |= measure.bit
        }
      }
      batch.append(record)
    }
    // Failures that had begun to answer: when their first token came is not known.
    for row in 600..<640 {
      var record = RequestRecord(
        id: Int64(row + 1), arrivedAt: instant + Int64(row) * 20_000_000, series: 0, outcome: 1)
      record.measures[.latency] = 9_000_000
      record.measures[.outputTokens] = 30
      batch.append(record)
    }
    return batch
  }

  private static func rollups() throws -> RequestRollups {
    let rollups = RequestRollups(
      series: [Series(modelID: 1, version: "")], now: Timestamp(microseconds: instant + 86_400_000_000),
      reasons: FailureReasons())
    try batch().send(to: rollups)
    try rollups.finish()
    return rollups
  }

  private static func total(_ source: some RollupSource) throws -> RollupTotal {
    var total = RollupTotal()
    let all = Timestamp(microseconds: .min)..<Timestamp(microseconds: .max)
    try source.visit(0, in: all, byDay: false) { total.add($0.cell) }
    return total
  }

  @Test("averages are of what is known, in memory, stored, by day and added up")
  func averages() throws {
    let rollups = try Self.rollups()
    let data = try RollupArchive.data(
      [rollups],
      account: AccountRecord(account: "a", timeZone: "UTC", subscriptionMaxReplicas: 1),
      models: [
        ModelRecord(
          modelID: 1, account: "a", kind: .external, name: "m", provider: "p",
          createdAt: Timestamp(microseconds: 0))
      ], end: Timestamp(microseconds: Self.instant + 86_400_000_000))
    let archive = try RollupArchive(data)
    var byDay = RollupTotal()
    try archive.visit(
      0, in: Timestamp(microseconds: .min)..<Timestamp(microseconds: .max), byDay: true
    ) { byDay.add($0.cell) }
    for total in [try Self.total(rollups), try Self.total(archive), byDay] {
      #expect(total.successes == 600 && total.averageLatency == 1100)
      #expect(total.averageFirstToken == 100)
      #expect(total.failures == 40)
      // A second for fifty tokens after the first, of successes: the time of the failures' tokens is not known.
      #expect(total.averageTimePerOutputToken == 20)
      #expect(total.cacheHitRate == 0.25)
    }
  }
}
