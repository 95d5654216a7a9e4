import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

/// Each table by itself, so that a check that is left out for one of them is noticed.
@Suite("Names in every table")
struct NameTableTests {
  /// A column that holds names.
  struct Place: Sendable, CustomTestStringConvertible {
    var table: String
    var column: String
    /// Adds a row with that name in the column, and names of the sound tables everywhere else.
    var add: @Sendable (inout TelemetryTables, String) -> Void
    var testDescription: String { "\(table).\(column)" }

    init(
      _ table: String, _ column: String, _ add: @escaping @Sendable (inout TelemetryTables, String) -> Void
    ) {
      (self.table, self.column, self.add) = (table, column, add)
    }
  }

  static let places: [Place] = [
    Place("accounts", "account") { $0.accounts.append(account($1)) },
    Place("hardware", "account") { $0.hardware.append(hardware(account: $1)) },
    Place("hardware", "hardware") { $0.hardware.append(hardware(hardware: $1)) },
    Place("models", "account") { $0.models.append(model(account: $1)) },
    Place("models", "name") { $0.models.append(model(name: $1)) },
    Place("models", "provider") { $0.models.append(model(provider: $1)) },
    Place("deployments", "version") { $0.deployments.append(deployment(version: $1)) },
    Place("deployments", "hardware") { $0.deployments.append(deployment(hardware: $1)) },
    Place("replicas", "version") { $0.replicas.append(replicas(version: $1)) },
    Place("replicas", "hardware") { $0.replicas.append(replicas(hardware: $1)) },
    Place("fine_tuning_jobs", "base_model") {
      $0.fineTuningJobs.append(job(Int64($0.fineTuningJobs.count + 1), baseModel: $1))
    },
    Place("fine_tuning_jobs", "hardware") {
      $0.fineTuningJobs.append(job(Int64($0.fineTuningJobs.count + 1), hardware: $1))
    },
    Place("incidents", "provider") { $0.incidents.append(incident(provider: $1)) },
    Place("incidents", "kind") { $0.incidents.append(incident(kind: $1)) },
    Place("kv_cache", "version") { $0.kvCache.append(kvCache(version: $1)) },
    Place("kv_cache", "hardware") { $0.kvCache.append(kvCache(hardware: $1)) },
  ]

  // MARK: Rows

  private static let instant = Timestamp(microseconds: 1_772_442_000_000_000)

  private static func account(_ name: String = "accountQ") -> AccountRecord {
    AccountRecord(account: name, timeZone: "UTC", subscriptionMaxReplicas: 5)
  }

  private static func hardware(account: String = "accountQ", hardware: String = "hardwareQ") -> HardwareRecord
  { HardwareRecord(account: account, hardware: hardware, creditsMicroPerHour: 7) }

  private static func model(
    account: String = "accountQ", name: String = "nameQ", provider: String = "providerQ"
  ) -> ModelRecord {
    ModelRecord(
      modelID: 1, account: account, kind: .openSource, name: name, provider: provider, createdAt: instant)
  }

  private static func deployment(version: String = "versionQ", hardware: String = "hardwareQ")
    -> DeploymentRecord
  {
    DeploymentRecord(
      modelID: 1, version: version, hardware: hardware, minReplicas: 1, maxReplicas: 1, maxBatchSize: 1,
      requestedAt: instant, deployedAt: instant, undeployedAt: nil, outcome: .deployed)
  }

  private static func replicas(version: String = "versionQ", hardware: String = "hardwareQ") -> ReplicaRecord
  {
    ReplicaRecord(
      at: instant, modelID: 1, version: version, hardware: hardware, starting: 0, ready: 1, draining: 0,
      limitedBy: .none)
  }

  private static func kvCache(version: String = "versionQ", hardware: String = "hardwareQ") -> KVCacheRecord {
    let quarter = Timestamp(
      microseconds: instant.microseconds / KVCacheRecord.quarter * KVCacheRecord.quarter)
    return KVCacheRecord(
      at: quarter, modelID: 1, version: version, hardware: hardware, blocks: 100,
      replicaMilliseconds: 900_000, usedBlockMilliseconds: 1, peakBlocks: 1, preemptions: 0)
  }

  private static func job(_ id: Int64 = 1, baseModel: String = "baseQ", hardware: String = "hardwareQ")
    -> FineTuningJobRecord
  {
    FineTuningJobRecord(
      jobID: id, modelID: 1, baseModel: baseModel, hardware: hardware, startedAt: instant,
      finishedAt: instant,
      outcome: .succeeded, creditsMicro: 1)
  }

  private static func incident(provider: String = "providerQ", kind: String = "kindQ") -> IncidentRecord {
    IncidentRecord(modelID: 1, provider: provider, kind: kind, startedAt: instant, endedAt: instant)
  }

  /// A row in each, with nothing wrong.
  private static var sound: TelemetryTables {
    var tables = TelemetryTables()
    tables.accounts = [account()]
    tables.hardware = [hardware()]
    tables.models = [model()]
    tables.deployments = [deployment()]
    tables.replicas = [replicas()]
    tables.fineTuningJobs = [job()]
    tables.incidents = [incident()]
    tables.kvCache = [kvCache()]
    return tables
  }

  private static func write(_ tables: TelemetryTables, _ path: String, _ format: DatasetFormat) throws {
    let batch = RequestBatch(capacity: 1)
    batch.append(
      requestID: 1, arrivedAt: instant.microseconds, series: 0, outcome: RequestOutcome.success,
      waitingMicroseconds: 0, firstTokenMicroseconds: 0, latencyMicroseconds: 5, inputTokens: 1,
      outputTokens: 0)
    let directory = try RunDirectory(
      path,
      manifest: Manifest(
        program: "test", scenario: nil, seed: nil, period: .init(from: instant, to: instant + 60_000_000)),
      isDurable: false)
    let writer = try directory.writer(
      format,
      RequestTable(
        series: [Series(modelID: 1, version: "versionQ")], reasons: FailureReasons(), optional: .none))
    try batch.send(to: writer)
    try writer.write(tables)
    try writer.finish(directory.manifest)
    try directory.finish()
  }

  // MARK: Spellings

  @Test("two spellings of one name are refused where no other table has them", arguments: places)
  func twins(_ place: Place) throws {
    let scratch = try Scratch()
    var tables = Self.sound
    try Self.write(tables, scratch.file("sound"), DatasetFormat(.csv))
    _ = try Dataset(scratch.file("sound"))
    place.add(&tables, "caf\u{e9}")
    place.add(&tables, "cafe\u{301}")
    try Self.write(tables, scratch.file("twins"), DatasetFormat(.csv))
    let error = #expect(throws: DatasetError.self) { try Dataset(scratch.file("twins")) }
    let text = error?.description ?? ""
    #expect(text.contains("/twins/\(place.table)") && text.contains("U+0065 U+0301"), "\(text)")
  }

  @Test("two spellings of one name are refused in any two columns")
  func twinsApart() throws {
    try Self.sound.checkSpellings("data")
    for first in Self.places {
      for second in Self.places {
        var tables = Self.sound
        first.add(&tables, "caf\u{e9}")
        second.add(&tables, "cafe\u{301}")
        #expect(throws: DatasetError.self, "\(first.testDescription), \(second.testDescription)") {
          try tables.checkSpellings("data")
        }
      }
    }
  }

  // MARK: U+0000

  @Test(
    "U+0000 in a name is refused in every table, from every format",
    arguments: ["csv", "ndjson", "sqlite", "parquet"])
  func zero(format: String) throws {
    let scratch = try Scratch()
    let sound = scratch.file("sound")
    try Self.write(Self.sound, sound, try #require(DatasetFormat(format)))
    // With it, it would be the hash of the changed file that is refused.
    try FileManager.default.removeItem(atPath: "\(sound)/manifest.json")
    _ = try Dataset(sound)
    var tables: Set<String> = []
    for place in Self.places {
      // DuckDB takes its time: one column of each table.
      if !tables.insert(place.table).inserted, format == "parquet" { continue }
      let path = scratch.file(place.testDescription)
      try FileManager.default.copyItem(atPath: sound, toPath: path)
      try Self.spoil(path, place, format)
      let error = #expect(throws: DatasetError.self, "\(place.testDescription)") { try Dataset(path) }
      let text = error?.description ?? ""
      #expect(text.contains("\(place.column) ") && text.contains("U+0000"), "\(text)")
    }
    #expect(tables.count == 8)
  }

  /// Puts U+0000 for the last letter of the only name in a column.
  private static func spoil(_ path: String, _ place: Place, _ format: String) throws {
    let file = "\(path)/telemetry/\(format == "sqlite" ? "telemetry" : place.table).\(format)"
    switch format {
    case "sqlite":
      try NameTests.sqlite(file, "UPDATE \(place.table) SET \(place.column) = 'x' || char(0);")
    case "parquet":
      let folder = try ScratchDirectory()
      try folder.link(file, as: "sound.parquet")
      _ = try DuckDB.run(
        "COPY (SELECT * REPLACE ('x' || chr(0) AS \(place.column)) FROM read_parquet('sound.parquet')) TO 'spoilt.parquet' (FORMAT parquet);",
        in: folder, path: file)
      try FileManager.default.removeItem(atPath: file)
      try FileManager.default.copyItem(atPath: "\(folder.path)/spoilt.parquet", toPath: file)
    default:
      let name = place.column == "base_model" ? "baseQ" : "\(place.column)Q"
      let text = try String(contentsOfFile: file, encoding: .utf8)
      let spoilt = text.replacing(name, with: "x" + (format == "csv" ? "\u{0}" : "\\u0000"))
      try #require(!Name.same(text, spoilt))
      try Data(spoilt.utf8).write(to: URL(fileURLWithPath: file))
    }
  }

  @Test("U+0000 in a failure reason is refused when requests are read", arguments: ["csv", "ndjson"])
  func zeroInReasons(format: String) throws {
    let scratch = try Scratch()
    let path = scratch.file("run")
    try Self.write(Self.sound, path, try #require(DatasetFormat(format)))
    try FileManager.default.removeItem(atPath: "\(path)/manifest.json")
    let file = "\(path)/telemetry/requests.\(format)"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let failed =
      format == "csv"
      ? text.replacing(",success,,", with: ",failure,x\u{0},")
      : text.replacing("\"success\"", with: "\"failure\"")
        .replacing("\"failure_reason\":\"\"", with: "\"failure_reason\":\"x\\u0000\"")
    try #require(!Name.same(text, failed))
    try Data(failed.utf8).write(to: URL(fileURLWithPath: file))
    let data = try Dataset(path)
    let error = #expect(throws: DatasetError.self) {
      try data.requests().read(into: RequestRecorder(data.series))
    }
    #expect(error?.description.contains("U+0000") == true, "\(error?.description ?? "")")
  }
}
