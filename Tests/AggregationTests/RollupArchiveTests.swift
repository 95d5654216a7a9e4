import Aggregation
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Stored rollups")
struct RollupArchiveTests {
  static let account = AccountRecord(
    account: "acme", timeZone: "Europe/Berlin", subscriptionMaxReplicas: 1)
  static let models = (1...2).map {
    ModelRecord(
      modelID: Int32($0), account: "acme", kind: .external, name: "m\($0)", provider: "p",
      createdAt: Timestamp(microseconds: 0))
  }
  static let series = models.map { Series(modelID: $0.modelID, version: "") }
  static let start: Int64 = 1_767_571_200_000_000
  static let end = Timestamp(microseconds: start + 4 * 86_400_000_000)

  /// Two models over four days; `pick` says which requests are in.
  static func rollups(failing reason: FailureReason = .timeout, _ pick: (Int) -> Bool = { _ in true }) throws
    -> RequestRollups
  {
    let rollups = RequestRollups(series: series, now: end, reasons: FailureReasons())
    let batch = RequestBatch(capacity: 4000)
    var generator = SeededGenerator(state: 7)
    for index in 0..<4000 {
      let latency = Int64.random(in: 1000...9_000_000, using: &generator)
      let jitter = Int64.random(in: 0..<80_000_000, using: &generator)
      guard pick(index) else { continue }
      let fails = index % 17 == 0
      batch.append(
        requestID: Int64(index + 1), arrivedAt: start + Int64(index) * 86_000_000 + jitter,
        series: Int32(index % 2), outcome: fails ? reason.code : RequestOutcome.success,
        waitingMicroseconds: latency / 10, firstTokenMicroseconds: fails ? 0 : latency / 2,
        latencyMicroseconds: latency, inputTokens: Int32(index % 900), outputTokens: fails ? 0 : 5)
    }
    try batch.send(to: rollups)
    try rollups.finish()
    return rollups
  }

  static func archive(_ rollups: any RollupSource) throws -> Data {
    try RollupArchive.data([rollups], account: account, models: models, end: end)
  }

  /// Everything that an archive says.
  @discardableResult
  static func all(_ archive: RollupArchive) throws -> [Rollup] {
    var found: [Rollup] = []
    let all = Timestamp(microseconds: .min)..<Timestamp(microseconds: .max)
    for byDay in [false, true] {
      for index in archive.series.indices {
        try archive.visit(index, in: all, byDay: byDay) { found.append($0) }
      }
      #expect(try archive.visitAll(.external, in: all, byDay: byDay) { found.append($0) })
    }
    return found
  }

  // From the specification's own test vectors and the reference implementation, xxhsum -H64.
  @Test(
    "the checksum is XXH64",
    arguments: [
      ("", 0xef46_db37_51d8_e999), ("a", 0xd24e_c4f1_a98c_6e5b), ("abc", 0x44bc_2cf5_ad77_0999),
      ("Nobody inspects the spammish repetition", 0xfbce_a83c_8a37_8bf1),
    ] as [(String, UInt64)])
  func xxh64(text: String, expected: UInt64) {
    #expect(Checksum.xxh64(text.utf8) == expected)
    #expect(Checksum.text(0xab).utf8.count == 16)
  }

  @Test("a flip of any single bit is an error and never another figure")
  func flips() throws {
    let sound = try Self.archive(try Self.rollups())
    let expected = try Self.all(try RollupArchive(sound))
    var generator = SeededGenerator(state: 20)
    for _ in 0..<400 {
      var data = sound
      let bit = Int.random(in: 0..<8 * data.count, using: &generator)
      data[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: AggregationError.self, "bit \(bit)") { try Self.all(try RollupArchive(data)) }
    }
    // What a query does not touch may be damaged; what it gives is what it gave.
    var (same, refused) = (0, 0)
    for _ in 0..<200 {
      var data = sound
      let bit = Int.random(in: 0..<8 * data.count, using: &generator)
      data[bit / 8] ^= 1 << UInt8(bit % 8)
      do {
        let archive = try RollupArchive(data)
        let day = Timestamp(microseconds: Self.start)..<Timestamp(microseconds: Self.start + 86_400_000_000)
        var (own, other): ([Rollup], [Rollup]) = ([], [])
        try archive.visit(0, in: day, byDay: false) { own.append($0) }
        try RollupArchive(sound).visit(0, in: day, byDay: false) { other.append($0) }
        #expect(own == other)
        same += 1
      } catch is AggregationError { refused += 1 }
    }
    #expect(same > 0 && refused > 0)
    #expect(try Self.all(try RollupArchive(sound)) == expected)
  }

  @Test("cut, padded and exchanged bytes are refused")
  func cuts() throws {
    let sound = try Self.archive(try Self.rollups())
    for count in stride(from: 0, to: sound.count, by: max(1, sound.count / 97)) {
      #expect(throws: AggregationError.self) { try RollupArchive(sound.prefix(count)) }
    }
    #expect(throws: AggregationError.self) { try RollupArchive(sound + [0]) }
    #expect(throws: AggregationError.self) { try RollupArchive(Data([0]) + sound) }
    // Two whole days' blocks, exchanged.
    let half = sound.count / 2
    let swapped = sound[0..<20] + sound[half..<half + 1000] + sound[20..<half] + sound[(half + 1000)...]
    #expect(throws: AggregationError.self) { try Self.all(try RollupArchive(Data(swapped))) }
  }

  @Test("rollups of an earlier version are refused in words that say what rebuilds them")
  func earlier() throws {
    var data = try Self.archive(try Self.rollups())
    data.replaceSubrange(0..<20, with: Data("workbench rollups 1\n".utf8))
    do {
      _ = try RollupArchive(data, from: "a.rollups")
      Issue.record("it was read")
    } catch let error as AggregationError {
      #expect(error.description.contains("a.rollups: error: these rollups have another version's format"))
      #expect(error.description.contains("workbench convert"))
    }
  }

  @Test("behind a right checksum, damage is an error too, never a crash")
  func behind() throws {
    let sound = try Self.archive(try Self.rollups())
    var generator = SeededGenerator(state: 21)
    for _ in 0..<300 {
      var data = sound
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        data[Int.random(in: 20..<data.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      // Read or refused; there may be no sums over kinds any more.
      if let archive = try? RollupArchive(data, verifies: false) {
        _ = try? archive.totalRequests()
        _ = try? archive.differences(from: archive)
        let query = try DashboardQuery(
          account: Self.account, filter: TimelineFilter("7d"), now: Self.end,
          selection: ModelSelection(kind: .external), tables: Self.tables, series: Self.series)
        _ = try? query.answer(archive).json()
      }
    }
  }

  static var tables: TelemetryTables {
    var tables = TelemetryTables()
    tables.accounts = [account]
    tables.models = models
    return tables
  }

  @Test("shards that share a request are found, and shards that share none are not")
  func overlaps() throws {
    let whole = try Self.rollups()
    let odd = try Self.rollups { $0 % 3 == 0 }
    let even = try Self.rollups { $0 % 3 == 1 }
    let rest = try Self.rollups { $0 % 3 == 2 }
    let early = try Self.rollups { $0 < 2000 }
    let late = try Self.rollups { $0 >= 2000 }
    let lateAndMore = try Self.rollups { $0 >= 1990 }
    #expect(try RollupOverlap.find([[odd], [even], [rest]]) == nil)
    #expect(try RollupOverlap.find([[early], [late]]) == nil)
    for (a, b) in [(whole, whole), (whole, odd), (even, whole), (early, lateAndMore)] {
      let found = try #require(try RollupOverlap.find([[a], [b]]))
      #expect(found.shards == (0, 1))
    }
    let stored = try RollupArchive(try Self.archive(lateAndMore))
    #expect(try RollupOverlap.find([[rest], [], [stored]])?.shards.1 == 2)
  }

  @Test("failures alone are told apart by their sums")
  func failures() throws {
    func failing(_ tokens: Int32) throws -> RequestRollups {
      let rollups = RequestRollups(series: Self.series, now: Self.end, reasons: FailureReasons())
      let batch = RequestBatch(capacity: 1)
      batch.append(
        requestID: 1, arrivedAt: Self.start + 5, series: 0, outcome: FailureReason.timeout.code,
        waitingMicroseconds: 0, firstTokenMicroseconds: 0, latencyMicroseconds: 9, inputTokens: tokens,
        outputTokens: 0)
      try batch.send(to: rollups)
      try rollups.finish()
      return rollups
    }
    #expect(try RollupOverlap.find([[failing(7)], [failing(7)]]) != nil)
    #expect(try RollupOverlap.find([[failing(7)], [failing(8)]]) == nil)
  }

  @Test("differences from what the requests give are named by series, quarter and figure")
  func differences() throws {
    let archive = try RollupArchive(try Self.archive(try Self.rollups()))
    #expect(try archive.differences(from: archive).isEmpty)
    let less = try RollupArchive(try Self.archive(try Self.rollups { $0 != 1000 }))
    let found = try archive.differences(from: less)
    #expect(
      found.contains { $0.contains("model 1 at 2026-01-05T23:45:00") || $0.contains("model 1 at 2026-01-06") }
    )
    #expect(found.allSatisfy { $0.contains("of the requests") || $0.contains("quarters") }, "\(found)")
  }

  /// An archive of another version of the program, which has other names for two reasons of one length.
  private static func archive(swapping one: String, _ other: String, failing reason: FailureReason) throws
    -> RollupArchive
  {
    let sound = Array(try archive(try rollups(failing: reason)))
    let (trailer, length) = (16, one.utf8.count)
    let start = sound[(sound.count - trailer)..<(sound.count - 8)].reversed().reduce(0) { $0 << 8 | Int($1) }
    var index = Array(sound[start...].dropLast(8))
    func place(_ name: String) -> Int? {
      index.indices.first { index[$0...].starts(with: name.utf8) }
    }
    let (first, second) = (try #require(place(one)), place(other))
    index.replaceSubrange(first..<first + length, with: other.utf8)
    if let second { index.replaceSubrange(second..<second + length, with: one.utf8) }
    let checksum = Checksum.xxh64(index)
    return try RollupArchive(
      Data(sound[..<start] + index + (0..<8).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }))
  }

  /// Failures of all days by the names of their reasons.
  private static func failures(_ archive: RollupArchive) throws -> [String: Int64] {
    var counts: [String: Int64] = [:]
    for index in archive.series.indices {
      try archive.visit(
        index, in: Timestamp(microseconds: .min)..<Timestamp(microseconds: .max), byDay: false
      ) { rollup in
        for entry in rollup.reasons { counts[archive.reasons[Int(entry.reason)], default: 0] += entry.count }
      }
    }
    return counts
  }

  @Test(
    "failures of another version's archive keep the names that it gives them",
    arguments: [
      // Reasons in another order; and one that this version does not know.
      (FailureReason.rateLimited, "replicaLost"), (.timeout, "expired"),
    ])
  func otherVersions(reason: FailureReason, name: String) throws {
    let other = try Self.archive(swapping: reason.name, name, failing: reason)
    #expect(try Self.failures(other) == [name: 236])
    // Written by this version, and in the other's own bytes.
    let written = try RollupArchive(try Self.archive(other))
    #expect(Array(written.reasons.prefix(RequestOutcome.names.count)) == RequestOutcome.names)
    #expect(try Self.failures(written) == [name: 236])
    let again = try RollupArchive(
      try RollupArchive.data(
        [written], account: Self.account, models: Self.models, end: Self.end, known: other.reasons))
    #expect(again.reasons == other.reasons)
    #expect(try again.differences(from: other).isEmpty)
  }
}
