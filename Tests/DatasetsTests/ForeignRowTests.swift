import Datasets
import Documents
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

/// What an import makes of an export.
struct Imported {
  var requests: [SimulatedRequest]
  var models: [ModelRecord]
  var rejects: MappedImport.Rejects
  var sentences: [String]
  var reasons: [String]

  static func mapping(_ columns: [String], zone: String = "UTC") throws -> ImportMapping {
    let text =
      "workbenchMapping: 1\naccount: { name: a, timeZone: \(zone) }\ncolumns:\n"
      + columns.map { "  \($0)\n" }.joined()
    return try ImportMapping(Data(text.utf8), path: "map.yaml")
  }

  init(_ text: String, _ name: String, _ columns: [String], zone: String = "UTC", strict: Bool = false) throws
  {
    try self.init(
      text, name, name.hasSuffix(".csv") ? .csv : .ndjson, Self.mapping(columns, zone: zone), strict: strict)
  }

  init(
    _ text: String, _ name: String, _ source: MappedImport.Source, _ mapping: ImportMapping,
    strict: Bool = false
  ) throws {
    let scratch = try Scratch()
    let imported = try MappedImport(
      scratch.write(name, text), source, mapping: mapping, output: scratch.file("out"),
      rejectsPath: scratch.file("rejects.csv"), isStrict: strict)
    // Nothing lies beside the output while it reads: it may be killed.
    #expect(try scratch.entries() == [name])
    try imported.read { _ in }
    let recorder = RequestRecorder(imported.series)
    try imported.send(to: recorder)
    requests = recorder.requests
    models = imported.tables.models
    rejects = imported.rejects
    sentences = imported.report.sentences
    reasons = imported.reasons.names
  }

  var arrivals: [String] {
    requests.map { String(Timestamp(microseconds: $0.arrivedAt).rfc3339.dropFirst(11).prefix(8)) }
  }
}

@Suite("Rows of foreign telemetry")
struct ForeignRowTests {
  static let base = ["arrivedAt: time", "model: model", "kind: { constant: external }"]
  static let instant = "2026-03-02T10:00:0"

  @Test("\"-\", dates and other text in a column of numbers are no instants, durations or tokens")
  func noNumbers() throws {
    let texts = ["-", "2025-09-16", "0x10", "1.2.3", "1e5e5", "true", "nan", "+5", " 5", ""]
    let csv =
      "time,model,in,ms\n"
      + texts.map { "\($0),m,1,1\n1772445600000,m,\($0),1\n1772445600000,m,1,\($0)\n" }.joined()
    let found = try Imported(
      csv + "1772445600000,m,7.0,2.5\n", "t.csv",
      [
        "arrivedAt: { column: time, format: ms }", "model: model", "kind: { constant: external }",
        "inputTokens: in",
        "latency: ms",
      ])
    #expect(found.requests.map(\.input) == [7] && found.requests.map(\.latency) == [2500])
    #expect(found.rejects.count == 30)
    #expect(
      found.rejects.kinds == [
        "arrivedAt is not an instant": 9, "arrivedAt is missing": 1,
        "inputTokens is not a number of tokens": 9,
        "inputTokens is missing": 1, "latency is not a duration": 9, "latency is missing": 1,
      ])
  }

  @Test("JSON true is no token, and a number of 19 digits is exact")
  func json() throws {
    let found = try Imported(
      "{\"time\":1767571200123456999,\"model\":\"m\",\"in\":true}\n{\"time\":1767571200123456999,\"model\":\"m\",\"in\":3}\n",
      "t.ndjson",
      [
        "arrivedAt: { column: time, format: ns }", "model: model", "kind: { constant: external }",
        "inputTokens: in",
      ])
    #expect(found.requests.map(\.input) == [3])
    #expect(Timestamp(microseconds: found.requests[0].arrivedAt).rfc3339 == "2026-01-05T00:00:00.123456Z")
    #expect(found.rejects.examples[0].contains("inputTokens \"true\" is not a number of tokens"))
  }

  static let unknown = """
    {"time":"2026-03-02T10:00:01Z","model":"m","in":5,"state":"ok"}
    {"time":"2026-03-02T10:00:02Z","model":"m","state":"ok"}
    {"time":"2026-03-02T10:00:03Z","model":"m","in":null,"state":"ok"}
    {"time":"2026-03-02T10:00:04Z","model":"m","state":"bad"}

    """

  @Test(
    "tokens that a row does not have are not 0: the row is rejected, unless it failed or the mapping says otherwise"
  )
  func missing() throws {
    let status = "status: { column: state, success: [ ok ] }"
    let found = try Imported(Self.unknown, "t.ndjson", Self.base + ["inputTokens: in", status])
    #expect(found.requests.map(\.input) == [5, 0] && found.rejects.kinds == ["inputTokens is missing": 2])
    #expect(found.sentences.contains("1 failure has no inputTokens in the export: taken as 0."))
    #expect(
      found.sentences.suffix(2) == [
        "The mapping says nothing about waiting, firstToken: left unknown.",
        "The mapping says nothing about latency, outputTokens: not known, written as 0.",
      ])
    let taken = try Imported(
      Self.unknown, "t.ndjson", Self.base + ["inputTokens: { column: in, missing: 12 }", status])
    #expect(taken.requests.map(\.input) == [5, 12, 12, 12] && taken.rejects.count == 0)
    #expect(
      taken.sentences[0] == "3 requests have no inputTokens in the export: taken as 12. It is not known.")
  }

  @Test("columns that no row of NDJSON has are named, with those that there are")
  func nowhere() throws {
    let error = #expect(throws: DatasetError.self) {
      try Imported(
        Self.unknown, "t.ndjson",
        Self.base + [
          "inputTokens: promt", "status: { column: [ stat, st ], success: [ ok ] }", "failureReason: none",
        ])
    }
    #expect(
      error?.message
        == "no row has the columns promt (inputTokens), stat or st (status), which the mapping names. The rows have: time, model, in, state."
    )
    let optional = try Imported(
      Self.unknown, "t.ndjson",
      Self.base + ["failureReason: eror", "inputTokens: { column: promt, missing: 0 }"])
    #expect(
      optional.sentences[0]
        == "No row has the columns eror (failureReason), promt (inputTokens), which the mapping names.")
    let csv = #expect(throws: DatasetError.self) {
      try Imported("time,model\n", "t.csv", Self.base + ["inputTokens: { sum: [ model, in ] }"])
    }
    #expect(csv?.message.hasPrefix("the header has no column in, which") == true)
  }

  @Test(
    "a status that a row does not have is no failure and no success, unless a list says what nothing means")
  func status() throws {
    let rows = "time,model,state\n\(Self.instant)1Z,m,ok\n\(Self.instant)2Z,m,\n\(Self.instant)3Z,m,bad\n"
    func outcomes(_ status: String) throws -> String {
      let found = try Imported(rows, "t.csv", Self.base + ["status: { column: state, \(status) }"])
      return found.requests.map { $0.isSuccess ? "+" : "-" }.joined() + " \(found.rejects.count)"
    }
    #expect(try outcomes("success: [ ok ]") == "+- 1")
    #expect(try outcomes("success: [ ok, \"\" ]") == "++- 0")
    #expect(try outcomes("failure: [ bad ]") == "++- 0")
    #expect(try outcomes("success: [ ok ], missing: bad") == "+-- 0")
  }

  @Test("of several columns the first counts that has a value in the row; a sum adds them")
  func several() throws {
    let csv =
      "time,started,model,in,read,made\n\(Self.instant)1Z,,m,762,31559,0\n\(Self.instant)2Z,\(Self.instant)3Z,m,1,,\n\(Self.instant)4Z,,m,,,\n"
    let found = try Imported(
      csv, "t.csv",
      [
        "arrivedAt: { column: [ started, time ] }", "model: model", "kind: { constant: external }",
        "inputTokens: { sum: [ in, read, made ] }",
      ])
    #expect(found.arrivals == ["10:00:01", "10:00:03"] && found.requests.map(\.input) == [32_321, 1])
    #expect(found.rejects.kinds == ["inputTokens is missing": 1])
    #expect(
      found.sentences[0] == "1 request lacks a part of the sum inputTokens: what is missing counts as 0.")
    let large = try Imported(
      "time,model,a,b\n\(Self.instant)1Z,m,2147483647,1\n\(Self.instant)2Z,m,2147483646,1\n", "t.csv",
      Self.base + ["inputTokens: { sum: [ a, b ] }"])
    #expect(large.requests.map(\.input) == [.max] && large.rejects.count == 1)
  }

  @Test("output tokens of failures are spent too; a first token or a wait after the end is no such thing")
  func failures() throws {
    let csv = """
      time,model,state,ms,ttft,wait,out
      \(Self.instant)1Z,m,ok,1300,80,10,50
      \(Self.instant)2Z,m,error,1300,,,700
      \(Self.instant)3Z,m,ok,1277,5767,0,1
      \(Self.instant)4Z,m,ok,1277,1277.9,0,1
      \(Self.instant)5Z,m,ok,1277,80,90,1
      \(Self.instant)6Z,m,ok,1277,80,2000,1

      """
    let found = try Imported(
      csv, "t.csv",
      Self.base + [
        "status: { column: state, success: [ ok ] }", "latency: ms", "firstToken: ttft", "waiting: wait",
        "outputTokens: out",
      ])
    #expect(found.requests.map(\.output) == [50, 700, 1])
    #expect(found.requests.map(\.firstToken) == [80_000, 0, 1_277_000])
    #expect(
      found.rejects.kinds == [
        "firstToken lies after the end": 1, "waiting lies after the first token": 1,
        "waiting lies after the end": 1,
      ])
    #expect(
      found.sentences.contains { $0.hasPrefix("1 first token lies less than a millisecond after the end") })
  }

  @Test("reasons are classes of errors: long ones are cut, those beyond 247 are \"other\"")
  func reasons() throws {
    let trace = "boom\n" + String(repeating: "é\u{2028}\u{1b}[31m", count: 50_000)
    let rows = (0..<400).map {
      "{\"time\":\"\(Self.instant)1Z\",\"model\":\"m\",\"state\":\"bad\",\"why\":\"reason \($0)\"}\n"
    }
    let encoded = String(
      decoding: try JSONEncoder().encode([
        "time": "\(Self.instant)0Z", "model": "m", "state": "bad", "why": trace,
      ]), as: UTF8.self)
    let found = try Imported(
      encoded + "\n" + rows.joined(), "t.ndjson",
      Self.base + ["status: { column: state, failure: [ bad ] }", "failureReason: why"])
    #expect(found.requests.count == 401 && found.rejects.count == 0)
    #expect(found.reasons.count == 255 && found.reasons.last == "other")
    #expect(
      found.reasons.allSatisfy {
        $0.utf8.count <= 200 && !$0.unicodeScalars.contains { $0.value < 32 || $0.value == 0x2028 }
      })
    let other = found.requests.count { $0.outcome == 254 }
    #expect(found.sentences.contains { $0.hasPrefix("\(other) failures have a reason beyond the first 247") })
    #expect(found.sentences.contains { $0.hasPrefix("1 failure reason was put on one line") })
  }

  @Test("models are numbered by what they are, not by where they first appear")
  func order() throws {
    let rows = ["m b P", "m é P", "f a -", "m a Q", "m a P"].map { $0.split(separator: " ") }
    func models(_ rows: [[Substring]]) throws -> [String] {
      let csv =
        "time,kind,model,provider\n" + rows.map { "\(Self.instant)1Z,\($0[0]),\($0[1]),\($0[2])\n" }.joined()
      return try Imported(
        csv, "t.csv",
        [
          "arrivedAt: time", "model: model", "kind: { column: kind, values: { m: external, f: fineTuned } }",
          "provider: provider",
        ]
      ).models.map { "\($0.modelID) \($0.provider) \($0.name)" }
    }
    let expected = ["1  a", "2 P a", "3 P b", "4 P é", "5 Q a"]
    #expect(try models(rows).map { Array($0.utf8) } == expected.map { Array($0.utf8) })
    #expect(try models(rows.reversed()) == models(rows))
  }

  @Test("a record of more than a mebibyte is read; a quote that never closes costs its own row")
  func longRecords() throws {
    let long = String(repeating: "y", count: 3_000_000)
    let quoted = String(repeating: "a \"\"b\"\"\n", count: 300_000)
    let csv =
      "time,model,in,prompt\n\(Self.instant)1Z,m,1,\(long)\n\(Self.instant)2Z,m,2,\"\(quoted)\"\n\(Self.instant)3Z,m,3,\"a\"b\n\(Self.instant)4Z,m,4,\"open\n\(Self.instant)5Z,m,5,x\n\(Self.instant)6Z,m,6,\n"
    let found = try Imported(csv, "t.csv", Self.base + ["inputTokens: in"])
    #expect(found.requests.map(\.input) == [1, 2, 5, 6])
    #expect(found.rejects.kinds == ["CSV that cannot be read": 2])
    #expect(
      found.rejects.examples[1].hasSuffix(
        "t.csv:300005: a quote opens here and never closes. Close it, or double the quotes inside."))
    let lines =
      "{\"time\":\"\(Self.instant)1Z\",\"model\":\"m\",\"p\":\"\(long)\"}\n{\"time\":\"\(Self.instant)2Z\",\"model\":\"m\"}\n"
    #expect(try Imported(lines, "t.ndjson", Self.base).requests.count == 2)
  }

  @Test("a record or line at the limit is read, one above it is dropped, and the ones after it are read")
  func limits() throws {
    let scratch = try Scratch()
    // Three mebibytes: more than a reader holds at first.
    let limit = 3 << 20
    let text = [
      "a", String(repeating: "b", count: limit), String(repeating: "c", count: limit + 1), "d,e", "",
    ]
    let path = try scratch.write("t.csv", text.joined(separator: "\n"))
    let lines = try LineReader(path, longest: limit)
    #expect(try lines.next()?.count == 1 && lines.next()?.count == limit)
    #expect(throws: DatasetError.self) { try lines.next() }
    #expect(lines.canGoOn && lines.line == 3)
    #expect(try lines.next()?.count == 3 && lines.next() == nil && lines.line == 4)
    let records = try CSVReader(path, longest: limit)
    #expect(try records.next() && records.text(0) == "a")
    #expect(try records.next() && records.text(0).utf8.count == limit)
    #expect(throws: DatasetError.self) { try records.next() }
    #expect(records.canGoOn && records.line == 3)
    #expect(try records.next() && records.fieldCount == 2 && records.line == 4)
    #expect(try !records.next())
  }

  @Test("records with quotes come out whole, wherever the reader's memory ends")
  func quotes() throws {
    let scratch = try Scratch()
    var text = ""
    var expected: [[String]] = []
    for index in 0..<4000 {
      let filler = String(repeating: "x", count: (index * 7919) % 2003)
      expected.append(["\(index)", "a \"q\", \n\(filler)", "", filler])
      text += "\(index),\"a \"\"q\"\", \n\(filler)\",\"\",\(filler)\(index % 3 == 0 ? "\r\n" : "\n")"
    }
    let reader = try CSVReader(scratch.write("t.csv", text))
    var found: [[String]] = []
    while try reader.next() { found.append(try (0..<reader.fieldCount).map { try reader.text($0) }) }
    #expect(found == expected)
  }

  @Test(
    "mistakes in a mapping that would make numbers up are errors",
    arguments: [
      (
        "inputTokens: { column: a, sum: [ b ] }",
        "inputTokens needs a column, a sum or difference of columns, or a constant, one of them"
      ),
      ("inputTokens: { sum: [] }", "inputTokens needs a column"),
      ("provider: { sum: [ a, b ] }", "provider is not a number, so it cannot be a sum"),
      ("inputTokens: { column: a, missing: x }", "missing \"x\" is neither reject nor a number"),
      ("latency: { column: a, missing: -1 }", "missing \"-1\" is neither reject nor a number"),
      ("endedAt: { column: a, missing: 0 }", "has no replacement"),
      ("firstToken: ttft", "firstToken without a latency"),
    ])
  func mistakes(column: String, message: String) throws {
    let error = #expect(throws: DocumentErrors.self) { try Imported.mapping(Self.base + [column]) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(message))
  }
}

@Suite("Local times of foreign telemetry")
struct LocalTimeTests {
  /// Sydney, 5 April 2026: clocks go back from 03:00 to 02:00; 02:00 to 03:00 comes twice.
  static func sydney(_ clocks: [String], day: String = "2026-04-05") throws -> Imported {
    try Imported(
      "time,model\n" + clocks.map { "\(day) \($0):00,m\n" }.joined(), "t.csv",
      [
        "arrivedAt: { column: time, zone: Australia/Sydney }", "model: model", "kind: { constant: external }",
      ],
      zone: "Australia/Sydney")
  }

  @Test(
    "a local hour that comes twice is told apart by the order of the rows, in both directions",
    arguments: [
      (
        ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"],
        ["14:30", "15:00", "15:30", "16:00", "16:30", "17:00"], 4
      ),
      (
        ["03:00", "02:30", "02:00", "02:30", "02:00", "01:30"],
        ["14:30", "15:00", "15:30", "16:00", "16:30", "17:00"], 4
      ),
      (["02:50", "02:10", "03:00"], ["15:50", "16:10", "17:00"], 2),
    ])
  func told(clocks: [String], utc: [String], count: Int) throws {
    let found = try Self.sydney(clocks)
    #expect(found.arrivals.map { String($0.prefix(5)) } == utc)
    #expect(
      found.sentences[0].hasPrefix(
        "\(count) rows are of a local time that occurs twice: the order of the rows tells which"))
  }

  @Test(
    "where nothing tells which hour is meant, the import says so",
    arguments: [
      ["01:30", "02:00", "02:30", "03:00"],
      ["02:30", "02:00", "02:30", "02:00", "02:30", "02:00", "03:00"],
      ["01:00", "05:00", "00:00", "02:30", "02:00", "04:00"],
    ])
  func untold(clocks: [String]) throws {
    let found = try Self.sydney(clocks)
    #expect(found.requests.count == clocks.count)
    #expect(found.sentences.contains { $0.contains("nothing tells which is meant: taken as the first") })
    #expect(!found.arrivals.contains { $0.hasPrefix("16:0") })
  }

  @Test("a local time that never comes is rejected")
  func never() throws {
    let found = try Self.sydney(["01:59", "02:00", "02:30", "03:00"], day: "2026-10-04")
    #expect(found.arrivals == ["15:59:00", "16:00:00"])
    #expect(found.rejects.kinds == ["arrivedAt is a local time that never occurs": 2])
    #expect(found.rejects.examples[0].contains("never occurs in Australia/Sydney: clocks skip it"))
  }

  @Test("durations of two local times are those that passed, across a change of clocks")
  func durations() throws {
    let rows = [
      // Before the change and after it, both ways: 90 minutes by the clock, 150 and 30 that passed.
      ("2026-04-05 01:45", "2026-04-05 03:15", 150), ("2026-10-04 01:45", "2026-10-04 03:15", 30),
      // It ends before it began, by the clock: over the change.
      ("2026-04-05 02:50", "2026-04-05 02:10", 20), ("2026-04-05 01:50", "2026-04-05 02:10", 20),
      ("2026-06-05 02:50", "2026-06-05 03:10", 20),
    ]
    let found = try Imported(
      "time,end,model\n" + rows.map { "\($0.0):00,\($0.1):00,m\n" }.joined(), "t.csv",
      [
        "arrivedAt: { column: time, zone: Australia/Sydney }",
        "endedAt: { column: end, zone: Australia/Sydney }",
        "model: model", "kind: { constant: external }",
      ], zone: "Australia/Sydney")
    #expect(found.requests.map { $0.latency / 60_000_000 }.sorted() == rows.map { Int64($0.2) }.sorted())
    #expect(
      found.rejects.count == 0
        && found.sentences[0].hasPrefix("1 row is of a local time that occurs twice: the order"))
  }

  @Test("small disorder does not look like a change of clocks")
  func disorder() throws {
    // Finished out of order by up to five minutes throughout; one step back of half an hour.
    let found = try Self.sydney([
      "01:10", "01:05", "02:10", "02:05", "02:40", "02:08", "02:30", "03:20", "03:15",
    ])
    #expect(
      found.arrivals.count { $0.hasPrefix("15:") } == 3 && found.arrivals.count { $0.hasPrefix("16:") } == 2)
  }
}
