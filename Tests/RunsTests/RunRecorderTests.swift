import Datasets
import Foundation
import Hashing
import Runs
import Telemetry
import TestSupport
import Testing

/// Requests of two accounts, made by hand: two of the first, one of the second, and one at the end of the period.
private struct HandMade: TelemetrySource {
  let optionalColumns = OptionalColumns.none
  struct Broken: Error {}
  var isBroken = false

  static let start = Timestamp(microseconds: 1_772_409_600_000_000)  // 2026-03-02T00:00:00Z
  var series: [Series] { [Series(modelID: 1, version: ""), Series(modelID: 2, version: "")] }
  var period: Range<Timestamp> { Self.start..<Self.start + 86_400_000_000 }
  var reasons: FailureReasons { FailureReasons() }
  var partitions: [SourcePartition] {
    [SourcePartition(accounts: 0..<1, series: 0..<1), SourcePartition(accounts: 1..<2, series: 1..<2)]
  }
  var tables: TelemetryTables {
    var tables = TelemetryTables()
    for (id, account) in [(Int32(1), "acme"), (2, "globex")] {
      tables.accounts.append(AccountRecord(account: account, timeZone: "UTC", subscriptionMaxReplicas: 1))
      tables.models.append(
        ModelRecord(
          modelID: id, account: account, kind: .external, name: "m", provider: "P", createdAt: Self.start))
    }
    return tables
  }

  func send(
    to sinks: TelemetrySinks, threads: Int, progress: @escaping @Sendable (Double) -> Void
  ) throws -> SentTelemetry {
    let rows: [(series: Int32, hours: Int64)] = [(0, 1), (1, 2), (0, 3), (0, 24)]
    let batch = RequestBatch(capacity: rows.count)
    for (index, row) in rows.enumerated() {
      batch.append(
        requestID: Int64(index + 1), arrivedAt: Self.start.microseconds + row.hours * 3_600_000_000,
        series: row.series, outcome: RequestOutcome.success, waitingMicroseconds: 0,
        firstTokenMicroseconds: 0, latencyMicroseconds: 2_000_000, inputTokens: 3, outputTokens: 4)
    }
    if let merged = sinks.merged { try batch.send(to: merged) }
    for partition in partitions.indices {
      let own = RequestBatch(capacity: rows.count)
      for row in 0..<rows.count where Int(rows[row].series) == partition {
        own.append(row, of: batch.columns, requestID: Int64(row + 1))
      }
      try own.send(to: sinks.partitions[partition])
    }
    if isBroken { throw Broken() }
    return SentTelemetry(tables: tables, requests: Int64(rows.count))
  }
}

@Suite("Recording any source of telemetry")
struct RunRecorderTests {
  private static func directory(_ path: String) throws -> RunDirectory {
    let period = HandMade().period
    return try RunDirectory(
      path,
      manifest: Manifest(
        program: "test", scenario: nil, seed: nil,
        period: .init(from: period.lowerBound, to: period.upperBound)),
      isDurable: false)
  }

  private static func json(_ path: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any])
  }

  @Test("the manifest names every file of the run with its SHA-256, and counts the rows")
  func manifest() throws {
    let scratch = try Scratch()
    let run = scratch.file("run")
    var recorder = RunRecorder()
    recorder.formats = [DatasetFormat(.csv)]
    _ = try recorder.record(HandMade(), into: Self.directory(run))
    let manifest = try Self.json("\(run)/manifest.json")
    var files = try contents(run)
    files["manifest.json"] = nil
    #expect(
      manifest["files"] as? [String: String] == files.mapValues { SHA256.hash(data: $0).hexadecimal })
    let rows = try #require(manifest["rows"] as? [String: Int])
    #expect(rows["requests"] == 4 && rows["models"] == 2 && rows["accounts"] == 2)
    let requests = try #require(files["telemetry/requests.csv"])
    #expect(requests.count { $0 == UInt8(ascii: "\n") } == 5)
  }

  @Test("a request at the end of the period is in the data and in no figure")
  func end() throws {
    let scratch = try Scratch()
    let recorded = try RunRecorder().record(HandMade(), into: Self.directory(scratch.file("run")))
    #expect(recorded.requests == 4 && recorded.counted == 3)
    // Of each account only its own.
    for (account, count) in [("acme", 2), ("globex", 1)] {
      let dashboard = try Self.json(scratch.file("run/dashboard/\(account)/external-24h.json"))
      let requests = try #require(dashboard["requests"] as? [String: Any])
      #expect(requests["totalRequests"] as? Int == count)
    }
    #expect(recorded.overviews.map(\.account) == ["acme", "globex"])
  }

  @Test("without formats there are the small tables and the rollups, and no requests")
  func withoutRequests() throws {
    let scratch = try Scratch()
    _ = try RunRecorder().record(HandMade(), into: Self.directory(scratch.file("run")))
    let names = Set(try contents(scratch.file("run")).keys)
    #expect(names.isSuperset(of: ["rollups/acme.rollups", "rollups/globex.rollups", "telemetry/models.csv"]))
    #expect(!names.contains("telemetry/requests.csv"))
  }

  @Test("a source that fails leaves nothing, neither under the final name nor under another")
  func failure() throws {
    let scratch = try Scratch()
    var recorder = RunRecorder()
    recorder.formats = [DatasetFormat(.csv)]
    #expect(throws: HandMade.Broken.self) {
      try recorder.record(HandMade(isBroken: true), into: Self.directory(scratch.file("run")))
    }
    #expect(try scratch.entries() == [])
  }

  @Test("a simulated run has the same bytes on one thread and on three")
  func threads() throws {
    let scratch = try Scratch()
    let bundle = try Recording.bundle(scratch)
    var runs: [[String: Data]] = []
    for threads in [1, 3] {
      let path = scratch.file("\(threads)")
      var recorder = RunRecorder()
      recorder.formats = [DatasetFormat(.csv), DatasetFormat(.ndjson)]
      recorder.threads = threads
      _ = try recorder.record(
        bundle.simulation(),
        into: RunDirectory(path, manifest: bundle.manifest(program: "test"), isDurable: false))
      runs.append(try contents(path))
    }
    #expect(runs[0] == runs[1] && runs[0].count > 20)
  }

  @Test("a baseline is the same each time, and another where the scenario is another")
  func baseline() throws {
    let scratch = try Scratch()
    let path = try scratch.write("small.yaml", Recording.scenario)
    let first = try Baseline.make(path)
    #expect(try Baseline.make(path) == first)
    let root = try #require(try JSONSerialization.jsonObject(with: first) as? [String: Any])
    let dashboards = try #require(root["dashboards"] as? [String: Any])
    #expect(Set(dashboards.keys.map { $0.prefix { $0 != "/" } }) == ["acme", "globex"])
    let other = try scratch.write(
      "other.yaml", Recording.scenario.replacing("rate: 30/h", with: "rate: 31/h"))
    #expect(try Baseline.make(other) != first)
  }
}
