import Aggregation
import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

/// Single bits flipped in every kind of file, under every command that may read it: what comes out is what came out
/// before, or an error; never other figures with status 0.
@Suite("Single bits")
struct BitFlipTests {
  static func flip(_ data: Data, _ generator: inout SeededGenerator) -> (data: Data, bit: Int) {
    var data = data
    let bit = Int.random(in: 0..<8 * data.count, using: &generator)
    data[bit / 8] ^= 1 << UInt8(bit % 8)
    return (data, bit)
  }

  /// What a data set says, by the library.
  static func figures(_ path: String) throws -> [Data] {
    let data = try Dataset(path)
    let now = try data.end()
    return try ["7d", "90d", "24h"].flatMap { period in
      try [ModelKind.fineTuned, .external].map { kind in
        try data.answer(
          .init(
            account: data.tables.accounts[0], filter: TimelineFilter(period), now: now,
            selection: ModelSelection(kind: kind)),
          try data.rollups(of: data.tables.accounts[0].account)
        ).json()
      }
    }
  }

  @Test("a run's manifest, tables and rollups, by the library")
  func library() throws {
    let scratch = try Scratch()
    let run = try IntegrityTests.copy(scratch)
    let expected = try Self.figures(run.path)
    var generator = SeededGenerator(state: 11)
    let files =
      ["manifest.json", "rollups/acme.rollups"]
      + [
        "accounts", "models", "deployments", "replicas", "hardware", "fine_tuning_jobs", "incidents",
      ].map { "telemetry/\($0).csv" }
    var refused = 0
    for number in 0..<(hasLongChecks ? 900 : 108) {
      let file = "\(run.path)/\(files[number % files.count])"
      let sound = try Data(contentsOf: URL(fileURLWithPath: file))
      let (damaged, bit) = Self.flip(sound, &generator)
      try damaged.write(to: URL(fileURLWithPath: file))
      do { #expect(try Self.figures(run.path) == expected, "\(file), bit \(bit)") } catch { refused += 1 }
      try sound.write(to: URL(fileURLWithPath: file))
    }
    #expect(refused > 90)
    #expect(try Self.figures(run.path) == expected)
  }
}
