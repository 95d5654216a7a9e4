import Aggregation
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Operations and attempts")
struct AttemptTests {
  private static let instant: Int64 = 1_767_571_200_000_000

  /// Ten operations of three attempts each, 20 s apart, so that a quarter of an hour ends among them: of the first four
  /// the third attempt succeeds, the others never do. Then a request of which nobody knows which attempt it is.
  private static func batch() -> RequestBatch {
    let batch = RequestBatch(capacity: 100)
    for row in 0..<31 {
      var record = RequestRecord(id: Int64(row + 1), arrivedAt: instant + Int64(row) * 40_000_000, series: 0)
      let (operation, attempt) = (row / 3, row % 3 + 1)
      if row < 30 {
        record.measures[.attempt] = Int64(attempt)
        if attempt < 3 || operation >= 4 { record.outcome = FailureReason.timeout.code }
      }
      record.measures[.latency] = 1_000_000
      batch.append(record)
    }
    return batch
  }

  private static func rollups(_ batches: RequestBatch...) throws -> RequestRollups {
    let rollups = RequestRollups(
      series: [Series(modelID: 1, version: "")], now: Timestamp(microseconds: instant + 86_400_000_000),
      reasons: FailureReasons())
    for batch in batches { try batch.send(to: rollups) }
    try rollups.finish()
    return rollups
  }

  private static func archive(_ rollups: RequestRollups...) throws -> RollupArchive {
    let data = try RollupArchive.data(
      rollups, account: AccountRecord(account: "a", timeZone: "UTC", subscriptionMaxReplicas: 1),
      models: [
        ModelRecord(
          modelID: 1, account: "a", kind: .external, name: "m", provider: "p",
          createdAt: Timestamp(microseconds: 0))
      ], end: Timestamp(microseconds: instant + 86_400_000_000))
    return try RollupArchive(data)
  }

  private static func total(_ source: some RollupSource, byDay: Bool = false) throws -> RollupTotal {
    var total = RollupTotal()
    let all = Timestamp(microseconds: .min)..<Timestamp(microseconds: .max)
    try source.visit(0, in: all, byDay: byDay) { total.add($0.cell) }
    return total
  }

  @Test("operations are first attempts, and one that succeeds answers one: in memory, stored, by day")
  func counts() throws {
    let rollups = try Self.rollups(Self.batch())
    let archive = try Self.archive(rollups)
    for total in [
      try Self.total(rollups), try Self.total(archive), try Self.total(archive, byDay: true),
    ] {
      #expect(total.requests == 31)
      #expect(total.attempts == 30 && total.operations == 10 && total.answered == 4)
    }
  }

  @Test("shards add up")
  func shards() throws {
    let shard = try Self.rollups(Self.batch())
    let both = try Self.total(try Self.archive(shard, shard))
    #expect(both.attempts == 60 && both.operations == 20 && both.answered == 8)
  }

  @Test("an archive of requests without numbers says nothing of attempts, and differs from one with them")
  func absent() throws {
    let plain = RequestBatch(capacity: 100)
    let numbered = RequestBatch(capacity: 100)
    for row in 0..<10 {
      var record = RequestRecord(id: Int64(row + 1), arrivedAt: Self.instant, series: 0)
      record.measures[.latency] = 1_000_000
      plain.append(record)
      record.measures[.attempt] = 1
      numbered.append(record)
    }
    let without = try Self.archive(try Self.rollups(plain))
    let with = try Self.archive(try Self.rollups(numbered))
    #expect(try Self.total(without).attempts == 0)
    let found = try without.differences(from: with)
    #expect(found.contains { $0.contains("numbered attempts 0, of the requests 10") }, "\(found)")
  }
}
