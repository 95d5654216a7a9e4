import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

/// Columns that a data set need not have, and values that a row need not have.
@Suite("What only some telemetry knows of requests")
struct OptionalColumnTests {
  private static let instant = Timestamp(microseconds: 1_772_442_000_000_000)
  private static let series = [Series(modelID: 1, version: "V1")]

  /// Every name that is hard to write, in every text, with gaps; every number at its limits.
  private static let records: [RequestRecord] = HostileNames.list().prefix(600).enumerated().map {
    row, name in
    var record = RequestRecord(
      id: Int64(row + 1), arrivedAt: instant.microseconds + Int64(row), series: 0,
      outcome: RequestOutcome.success)
    record.measures[.latency] = 5
    for measure in RequestMeasure.optional where row % 5 != measure.rawValue % 5 {
      record.measures[measure] = row % 2 == 0 ? measure.column.range.upperBound : Int64(row)
    }
    for measure in RequestMeasure.allCases
    where measure.column.mayBeUnknown && row % 7 == measure.rawValue { record.unknown |= measure.bit }
    if row % 3 == 0 { return record }
    record.texts = RequestText.allCases.map {
      row % 4 == $0.rawValue % 4
        ? "" : $0 == .prefix ? (0...row).map(String.init).joined(separator: " ") : name
    }
    return record
  }

  private static var tables: TelemetryTables {
    var tables = TelemetryTables()
    tables.accounts = [AccountRecord(account: "a", timeZone: "UTC", subscriptionMaxReplicas: 5)]
    tables.hardware = [HardwareRecord(account: "a", hardware: "A10 single", creditsMicroPerHour: 1)]
    tables.models = [
      ModelRecord(
        modelID: 1, account: "a", kind: .openSource, name: "m", provider: "", createdAt: instant)
    ]
    tables.deployments = [
      DeploymentRecord(
        modelID: 1, version: "V1", hardware: "A10 single", minReplicas: 1, maxReplicas: 1, maxBatchSize: 1,
        requestedAt: instant, deployedAt: instant, undeployedAt: nil, outcome: .deployed)
    ]
    return tables
  }

  private static func write(
    _ records: [RequestRecord], _ path: String, _ format: DatasetFormat, _ optional: OptionalColumns = .all
  ) throws {
    let batch = RequestBatch(capacity: records.count)
    for record in records { batch.append(record) }
    let directory = try RunDirectory(
      path,
      manifest: Manifest(
        program: "test", scenario: nil, seed: nil,
        period: .init(from: instant, to: instant + 3_600_000_000)), isDurable: false)
    let writer = try directory.writer(
      format, RequestTable(series: series, reasons: FailureReasons(), optional: optional))
    try batch.send(to: writer)
    try writer.write(tables)
    try writer.finish(directory.manifest)
    try directory.finish()
  }

  private static func read(_ path: String) throws -> (OptionalColumns, [RequestRecord]) {
    let dataset = try Dataset(path)
    let rows = RecordCollector()
    try dataset.requests().read(into: rows)
    return (try dataset.location.optionalColumns(), rows.records)
  }

  /// By code points: Swift's texts are equal where they look alike.
  private static func same(_ a: RequestRecord, _ b: RequestRecord) -> Bool {
    a == b
      && (a.texts ?? []).elementsEqual(b.texts ?? []) { $0.utf8.elementsEqual($1.utf8) }
  }

  @Test(
    "every value comes back from every format, what is unknown too",
    arguments: DatasetFormat.all.filter { $0.compression == .none })
  func everyFormat(format: DatasetFormat) throws {
    let scratch = try Scratch()
    try Self.write(Self.records, scratch.file("run"), format)
    let (optional, records) = try Self.read(scratch.file("run"))
    #expect(optional == .all)
    #expect(records.elementsEqual(Self.records, by: Self.same))
  }

  @Test("a table has the columns that its source knows of, and a value without a column is not dropped")
  func columns() throws {
    let scratch = try Scratch()
    let some = OptionalColumns(measures: [.turn], texts: [.session])
    var records = Self.records
    for row in records.indices {
      for measure in RequestMeasure.optional where measure != .turn {
        records[row].measures[measure] = RequestMeasure.missing
      }
      records[row].texts = records[row].texts.map { [$0[0], "", "", "", ""] }
      if records[row].texts?.allSatisfy(\.isEmpty) == true { records[row].texts = nil }
    }
    for format in ["csv", "ndjson", "sqlite"] {
      let path = scratch.file("some-\(format)")
      try Self.write(records, path, try #require(DatasetFormat(format)), some)
      let found = try Self.read(path)
      #expect(found.0 == some && found.1.elementsEqual(records, by: Self.same), "\(format)")
      let error = #expect(throws: DatasetError.self) {
        try Self.write(Self.records, scratch.file("no-\(format)"), try #require(DatasetFormat(format)), some)
      }
      #expect(error?.description.contains("has no column for it") == true)
    }
    let without = scratch.file("none")
    var plain = RequestRecord(id: 1, arrivedAt: Self.instant.microseconds, series: 0, outcome: 0)
    plain.measures[.latency] = 5
    try Self.write([plain], without, DatasetFormat(.csv), .none)
    let header = try #require(
      try String(contentsOfFile: "\(without)/telemetry/requests.csv", encoding: .utf8).split(separator: "\n")
        .first)
    #expect(header.hasSuffix(",input_tokens,output_tokens"))
  }

  @Test(
    "a value that is changed in a database is found by the checksum of its rows",
    arguments: RequestColumn.all.filter { $0.isOptional || $0.mayBeUnknown }.map(\.name))
  func digest(column: String) throws {
    let scratch = try Scratch()
    let path = scratch.file("run.sqlite")
    let batch = RequestBatch(capacity: Self.records.count)
    for record in Self.records { batch.append(record) }
    let writer = try SQLiteWriter(
      newFile: path, RequestTable(series: Self.series, reasons: FailureReasons(), optional: .all))
    try batch.send(to: writer)
    try writer.write(Self.tables)
    try writer.finish(
      Manifest(
        program: "test", scenario: nil, seed: nil,
        period: .init(from: Self.instant, to: Self.instant + 3_600_000_000)))
    _ = try Self.read(path)
    try Self.change(
      path,
      "UPDATE requests SET \(column) = NULL WHERE request_id = (SELECT min(request_id) FROM requests WHERE \(column) IS NOT NULL)"
    )
    let error = #expect(throws: DatasetError.self) { try Self.read(path) }
    #expect(error?.description.contains("requests") == true, "\(error?.description ?? "")")
  }

  private static func change(_ path: String, _ sql: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
    process.arguments = [path, sql]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  @Test("bad texts and numbers are errors with their place", arguments: ["csv", "ndjson"])
  func refused(layout: String) throws {
    let base = "1,2026-03-02T09:00:00.000000Z,1,V1,success,,0,0,5,1,0"
    let fields = [
      "turn": "-1", "cost_micro": "1000000001", "prefix": "a  b",
      "session": String(repeating: "x", count: 1025),
    ]
    for (column, value) in fields {
      let scratch = try Scratch()
      let text: String
      if layout == "csv" {
        let header = RequestColumn.all.prefix(11).map(\.name).joined(separator: ",")
        text = "\(header),\(column)\n\(base),\(value)\n"
      } else {
        let isText = RequestText.allCases.contains { $0.column.name == column }
        let names = RequestColumn.all.prefix(11).map(\.name)
        let values = [
          "1", "\"2026-03-02T09:00:00.000000Z\"", "1", "\"V1\"", "\"success\"", "\"\"", "0", "0", "5", "1",
          "0",
        ]
        let pairs =
          zip(names, values).map { "\"\($0)\":\($1)" } + ["\"\(column)\":\(isText ? "\"\(value)\"" : value)"]
        text = "{\(pairs.joined(separator: ","))}\n"
      }
      let path = try scratch.write("requests.\(layout)", text)
      let reader = try RequestReader(
        path, layout: layout == "csv" ? .csv : .ndjson, series: [Series(modelID: 1, version: "V1")])
      let error = #expect(throws: DatasetError.self) { try reader.read(into: RecordCollector()) }
      let message = error?.description ?? ""
      #expect(message.contains(":\(layout == "csv" ? 2 : 1):") && message.contains(column), "\(message)")
    }
  }

  @Test("an import takes them by its mapping, users as hashes, lists of hashes in any spelling")
  func imported() throws {
    let rows = [
      #"{"t":"2026-03-02T09:00:00Z","m":"x","in":10,"out":5,"think":3,"price":0.0042,"s":"a","n":2,"try":1,"c":"batch","u":"Ann","lora":"fr","hash_ids":[46,47,48]}"#,
      #"{"t":"2026-03-02T09:00:01Z","m":"x","in":10,"out":5,"u":"Ann","hash_ids":"46,47"}"#,
      #"{"t":"2026-03-02T09:00:02Z","m":"x","in":10,"out":5,"u":"Bob","hash_ids":[]}"#,
      #"{"t":"2026-03-02T09:00:03Z","m":"x","in":10,"out":5,"think":6}"#,
      #"{"t":"2026-03-02T09:00:04Z","m":"x","in":10,"out":5,"price":-1}"#,
      #"{"t":"2026-03-02T09:00:05Z","m":"x","in":10,"out":5,"hash_ids":["a|b"]}"#,
    ]
    let found = try Mapped(
      rows.joined(separator: "\n"), "t.ndjson",
      "account: { name: a }\ncolumns:\n  arrivedAt: t\n  model: m\n  kind: { constant: external }\n  inputTokens: in\n  outputTokens: out\n  reasoningTokens: think\n  cost: price\n  session: s\n  turn: n\n  attempt: try\n  class: c\n  user: u\n  adapter: lora\n  prefix: hash_ids\n"
    )
    #expect(
      found.rejects.kinds == [
        "reasoningTokens is more than outputTokens": 1, "cost is not an amount": 1,
        "prefix cannot be taken": 1,
      ])
    #expect(
      found.optional
        == OptionalColumns(
          measures: [.reasoningTokens, .cost, .turn, .attempt], texts: RequestText.allCases))
    let first = found.records[0]
    #expect(first.measures[.reasoningTokens] == 3 && first.measures[.cost] == 4200)
    #expect(first.measures[.turn] == 2 && first.measures[.attempt] == 1)
    let texts = try #require(first.texts)
    #expect(texts[RequestText.session.rawValue] == "a" && texts[RequestText.requestClass.rawValue] == "batch")
    #expect(texts[RequestText.adapter.rawValue] == "fr" && texts[RequestText.prefix.rawValue] == "46 47 48")
    // HMAC-SHA-256 of Ann under the key a, by Python's hmac, and its first half.
    let users = found.records.map { $0.texts?[RequestText.user.rawValue] ?? "" }
    #expect(users == [Self.ann, Self.ann, Self.bob])
    #expect(found.records[1].texts?[RequestText.prefix.rawValue] == "46 47")
    #expect(found.records[2].texts?[RequestText.prefix.rawValue] == "")
    // Neither waiting nor first token is mapped; the tokens are.
    let bits = RequestMeasure.waiting.bit | RequestMeasure.firstToken.bit
    #expect(found.records.allSatisfy { $0.unknown == bits })
  }

  private static let ann = "10ec80c76a9117f5464ebb241e77b6d4"
  private static let bob = "02eb75c7dcbc570a05b908772029c3b7"

  @Test("the longest texts that are read can be written", arguments: ["csv", "ndjson"])
  func longest(format: String) throws {
    let scratch = try Scratch()
    var record = RequestRecord(id: 1, arrivedAt: Self.instant.microseconds, series: 0, outcome: 0)
    record.measures[.latency] = 5
    record.texts = RequestText.allCases.map {
      // Of what JSON writes the longest.
      String(repeating: $0 == .prefix ? "a" : "\u{1}", count: $0.longest)
    }
    let path = scratch.file("long")
    try Self.write([record], path, try #require(DatasetFormat(format)))
    #expect(try Self.read(path).1 == [record])
  }

  @Test("a list of JSON is hashes of blocks and nothing else, and one of other things is refused")
  func lists() throws {
    let rows = ["[1,null,3]", #"[1,{"h":4},3]"#, #"["a b","c"]"#, "[[1,2],[3]]", "[7,8]"].enumerated().map {
      #"{"t":"2026-03-02T09:00:0\#($0.offset)Z","m":"x","in":[5],"b":\#($0.element)}"#
    }
    let columns =
      "account: { name: a }\ncolumns:\n  arrivedAt: t\n  model: m\n  kind: { constant: external }\n"
    let found = try Mapped(rows.joined(separator: "\n"), "t.ndjson", columns + "  prefix: b\n")
    #expect(found.records.map { $0.texts?[RequestText.prefix.rawValue] } == ["7 8"])
    #expect(found.rejects.kinds == ["prefix cannot be taken": 4])
    #expect(throws: DatasetError.self) {
      try Mapped(rows.joined(separator: "\n"), "t.ndjson", columns + "  inputTokens: in\n")
    }
  }

  @Test("a part of unknown tokens is taken as it is")
  func partOfUnknown() throws {
    let found = try Mapped(
      "t,m,in,hit,out,think,s\n2026-03-02T09:00:00Z,x,,5,,6,\n2026-03-02T09:00:01Z,x,4,5,9,6,\n", "t.csv",
      "account: { name: a }\ncolumns:\n  arrivedAt: t\n  model: m\n  kind: { constant: external }\n  inputTokens: { column: in, missing: unknown }\n  outputTokens: { column: out, missing: unknown }\n  cachedInputTokens: { column: hit, missing: unknown }\n  reasoningTokens: think\n  session: { column: s, missing: unknown }\n"
    )
    #expect(found.rejects.kinds == ["cachedInputTokens is more than inputTokens": 1])
    #expect(found.records.count == 1 && found.records[0].measures[.cachedInputTokens] == 5)
    #expect(found.records[0].measures[.reasoningTokens] == 6 && found.records[0].texts == nil)
  }

  @Test("missing: unknown leaves a number unknown, and no other row's")
  func unknown() throws {
    let found = try Mapped(
      "t,m,w,f,in\n2026-03-02T09:00:00Z,x,0.5,1,\n2026-03-02T09:00:01Z,x,,,7\n", "t.csv",
      "account: { name: a }\ncolumns:\n  arrivedAt: t\n  model: m\n  kind: { constant: external }\n  latency: { constant: 2, unit: s }\n  waiting: { column: w, unit: s, missing: unknown }\n  firstToken: { column: f, unit: s, missing: unknown }\n  inputTokens: { column: in, missing: unknown }\n  outputTokens: { constant: 1 }\n"
    )
    #expect(
      found.records.map(\.unknown) == [
        RequestMeasure.inputTokens.bit, RequestMeasure.waiting.bit | RequestMeasure.firstToken.bit,
      ])
    #expect(found.sentences.contains("1 request has no inputTokens in the export: left unknown."))
    #expect(
      Mapped.problems(Mapped.columns("arrivedAt: t", "latency: { column: l, missing: unknown }")).contains(
        "neither reject nor a number"))
  }
}
