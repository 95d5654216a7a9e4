import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Formats, there and back")
struct FormatTests {
  /// A run with hostile names, all tables, several accounts.
  static func source(_ scratch: Scratch) throws -> String {
    let yaml = DamageTests.scenario
      .replacing("name: chat\n", with: "name: \"chat, \\\"the\\\" бот <img src=x>\"\n")
      .replacing("version: V1", with: "version: \"V,1 \"").replacing("to: 2026-03-10", with: "to: 2026-03-06")
      .replacing("- { startAt: 2026-03-09T20:00, hardware: A10 single, duration: 8h }", with: "")
    let path = try scratch.write("source.yaml", yaml)
    let run = try Program.run("run", path, "--out", scratch.file("source"), "--quiet")
    #expect(run.status == 0, "\(run.error)")
    return scratch.file("source")
  }

  static func telemetry(_ directory: String) throws -> [String: Data] {
    try contents(directory).filter { $0.key.hasPrefix("telemetry/") || $0.key.hasPrefix("rollups/") }
  }

  @Test("a round trip through every format gives the same bytes of CSV, and the same rollups")
  func roundTrip() throws {
    let scratch = try Scratch()
    let source = try Self.source(scratch)
    let expected = try Self.telemetry(source)
    #expect(expected.count == 9)
    var from = source
    for (index, format) in ["ndjson", "csv.gz", "parquet", "ndjson.zst", "csv.zst", "ndjson.gz", "sqlite"]
      .enumerated()
    {
      let to = scratch.file("\(index)")
      let convert = try Program.run("convert", from, to, "--format", format)
      #expect(convert.status == 0 && convert.output.contains("requests"), "\(format): \(convert.error)")
      from = to
    }
    #expect(try Program.run("convert", from, scratch.file("one.sqlite")).status == 0)
    #expect(try Program.run("convert", scratch.file("one.sqlite"), scratch.file("back")).status == 0)
    #expect(try Self.telemetry(scratch.file("back")) == expected)
    // The figures of every one are the same.
    let figures = try Program.run("aggregate", source, "--kind", "fineTuned", "--period", "2026-03-05").output
    for name in ["2", "4", "6", "one.sqlite"] {
      #expect(
        try Program.run("aggregate", scratch.file(name), "--kind", "fineTuned", "--period", "2026-03-05")
          .output == figures)
    }
  }

  @Test(
    "a report of data without a manifest is the same byte for byte, from a copy too, and for every process")
  func withoutManifest() throws {
    let scratch = try Scratch()
    let source = try Self.source(scratch)
    #expect(try Program.run("convert", source, scratch.file("one.sqlite")).status == 0)
    let manager = FileManager.default
    try manager.createDirectory(atPath: scratch.file("tables"), withIntermediateDirectories: true)
    try manager.copyItem(atPath: "\(source)/telemetry", toPath: scratch.file("tables/telemetry"))
    for (name, copy, shown) in [("one.sqlite", "other.sqlite", "data.sqlite"), ("tables", "copy", "data")] {
      try manager.copyItem(atPath: scratch.file(name), toPath: scratch.file(copy))
      // Neither place nor time tells them apart.
      try manager.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: scratch.file(copy))
      var reports: Set<Data> = []
      for (index, data) in [name, name, copy].enumerated() {
        // The page names the data set.
        let place = scratch.file("\(name)-\(index)")
        try manager.createDirectory(atPath: place, withIntermediateDirectories: true)
        try manager.moveItem(atPath: scratch.file(data), toPath: "\(place)/\(shown)")
        let report = try Program.run("report", "\(place)/\(shown)", "-o", "\(place)/report.html")
        #expect(report.status == 0, "\(report.error)")
        reports.insert(try Data(contentsOf: URL(fileURLWithPath: "\(place)/report.html")))
        try manager.moveItem(atPath: "\(place)/\(shown)", toPath: scratch.file(data))
      }
      #expect(reports.count == 1, "\(name)")
    }
  }

  static let prefixes = """
    workbench: 1
    name: prefixes
    period: { from: 2026-03-02, to: 2026-03-03 }
    account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 4 } }
    models:
      - name: chat
        kind: openSource
        load: { arrivals: { poisson: { rate: 60/h } }, tokens: { input: 40, output: 20, prefix: { tokens: 256, count: 5, skew: 1 } } }
        deployments:
          - version: V1
            deployAt: 2026-03-01
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 8 }
            service: { continuousBatching: { base: 10ms, perPromptToken: 1ms, kvCache: { tokens: 1200 } } }
    """

  @Test("what a cache had is a column of every format where it is known, and of none where it is not")
  func optionalColumn() throws {
    let scratch = try Scratch()
    let path = try scratch.write("prefixes.yaml", Self.prefixes)
    for (name, set) in [("with", "lru"), ("without", "none")] {
      let run = try Program.run(
        "run", path, "--out", scratch.file(name), "-q", "--set",
        "models.chat.deployments.V1.service.continuousBatching.kvCache.prefixCache=\(set)")
      #expect(run.status == 0, "\(run.error)")
      let valid = try Program.run("validate", scratch.file(name), "--json")
      #expect(valid.status == 0, "\(valid.output) \(valid.error)")
      let expected = try Self.telemetry(scratch.file(name))
      let csv = String(
        decoding: try #require(expected["telemetry/requests.csv"]), as: UTF8.self)
      let header = try #require(csv.split(separator: "\n").first)
      #expect(header.hasSuffix(",output_tokens,cached_input_tokens") == (set == "lru"))
      var from = scratch.file(name)
      let formats = ["ndjson", "csv.gz", "parquet", "ndjson.zst", "sqlite", "csv"]
      for (index, format) in formats.enumerated() {
        let to = scratch.file("\(name)-\(index)")
        let convert = try Program.run("convert", from, to, "--format", format)
        #expect(convert.status == 0, "\(format): \(convert.error)")
        from = to
      }
      #expect(try Self.telemetry(from) == expected)
    }
    // 256 of 296 tokens, of nearly all requests; the rest after its prefix has gone or comes first.
    let plan = try Program.run(
      "plan", path, "--replications", "5", "--slo", "cacheHitRate >= 50%", "--slo", "latency.p95 <= 2s",
      "--minimize", "credits", "-o", scratch.file("plan"), "-q")
    #expect(plan.status == 0, "\(plan.output) \(plan.error)")
  }

  @Test("a value that a data set has no column for is not dropped in silence")
  func lateColumn() throws {
    let scratch = try Scratch()
    let path = try scratch.write("prefixes.yaml", Self.prefixes)
    #expect(
      try Program.run("run", path, "--out", scratch.file("run"), "-q", "--formats", "ndjson").status == 0)
    let data = scratch.file("data")
    try FileManager.default.copyItem(atPath: scratch.file("run") + "/telemetry", toPath: data)
    var lines = try String(contentsOfFile: data + "/requests.ndjson", encoding: .utf8).split(separator: "\n")
    lines[0] = Substring(lines[0].replacing(/,"cached_input_tokens":[0-9]+/, with: ""))
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(
      to: URL(fileURLWithPath: data + "/requests.ndjson"))
    let convert = try Program.run("convert", data, scratch.file("out"))
    #expect(convert.status == 65 && convert.error.contains("cached_input_tokens"), "\(convert.error)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }

  @Test("run writes every format directly, the same bytes each time")
  func direct() throws {
    let scratch = try Scratch()
    let path = try scratch.write("s.yaml", DamageTests.scenario)
    for out in ["a", "b"] {
      let run = try Program.run(
        "run", path, "--out", scratch.file(out), "--quiet", "--formats", "csv,sqlite,parquet,ndjson.gz")
      #expect(run.status == 0, "\(run.error)")
    }
    let all = try contents(scratch.file("a"))
    #expect(all["telemetry/telemetry.sqlite"] != nil && all["telemetry/requests.parquet"] != nil)
    #expect(try contents(scratch.file("b")) == all)
    #expect(try Program.run("validate", scratch.file("a")).status == 0)
  }

  @Test("DuckDB reads our Parquet with the contract's types, sqlite3's library our SQLite file")
  func otherTools() throws {
    let scratch = try Scratch()
    let source = try Self.source(scratch)
    #expect(try Program.run("convert", source, scratch.file("p"), "--format", "parquet").status == 0)
    let duck = try Program.command(
      repository(".venv/bin/duckdb"),
      [
        "-csv", "-noheader", "-c",
        "SELECT column_name, column_type FROM (DESCRIBE FROM '\(scratch.file("p/telemetry/requests.parquet"))')",
      ])
    #expect(
      duck.output.contains("arrived_at,TIMESTAMP WITH TIME ZONE")
        && duck.output.contains("latency_us,BIGINT") && duck.output.contains("input_tokens,INTEGER"),
      "\(duck.output)")
    #expect(try Program.run("convert", source, scratch.file("s.sqlite")).status == 0)
    let code = """
      import sqlite3, sys
      db = sqlite3.connect(sys.argv[1])
      print(db.execute('pragma integrity_check').fetchone()[0])
      print(db.execute('select count(*) from requests').fetchone()[0])
      print(db.execute('explain query plan select avg(latency_us) from requests where model_id = 1 and version = ?', ('V2',)).fetchone()[3])
      """
    let lite = try Program.command(repository(".venv/bin/python"), ["-c", code, scratch.file("s.sqlite")])
    let rows =
      try String(contentsOfFile: source + "/telemetry/requests.csv", encoding: .utf8).split(separator: "\n")
      .count - 1
    #expect(
      lite.output.hasPrefix("ok\n\(rows)\n") && lite.output.contains("requests_by_model"),
      "\(lite.output)\(lite.error)")
  }

  @Test("without DuckDB, Parquet is refused with the command that installs it, and nothing is left")
  func noDuckDB() throws {
    let scratch = try Scratch()
    let source = try Self.source(scratch)
    // Outside of the checkout, where the program looks for one.
    let elsewhere = try Scratch()
    try FileManager.default.copyItem(atPath: Program.path, toPath: elsewhere.file("workbench"))
    let outcome = try Program.command(
      "/usr/bin/env",
      [
        "-i", "PATH=/nowhere", elsewhere.file("workbench"), "convert", source, scratch.file("p"), "--format",
        "parquet",
      ],
      in: scratch.path)
    #expect(outcome.status == 66 && outcome.error.contains("pip install duckdb-cli"), "\(outcome.error)")
    #expect(try scratch.entries() == ["source", "source.yaml"])
  }

  /// A data set of tables alone: 600 requests of an external model, the first of which fail for these reasons.
  static func failing(_ scratch: Scratch, _ name: String, _ reasons: [String]) throws -> String {
    let path = scratch.file(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let deployments =
      "model_id,version,hardware,min_replicas,max_replicas,max_batch_size,requested_at,deployed_at,undeployed_at,outcome"
    let jobs = "job_id,model_id,base_model,hardware,started_at,finished_at,outcome,credits_micro"
    let tables: [(name: String, text: String)] = [
      ("accounts", "account,time_zone,subscription_max_replicas\na,UTC,4"),
      (
        "models",
        "model_id,account,kind,name,provider,created_at\n1,a,external,m,p,2026-01-05T00:00:00.000000Z"
      ), ("hardware", "account,hardware,credits_micro_per_hour"), ("deployments", deployments),
      ("replicas", "at,model_id,version,hardware,starting,ready,draining,limited_by"),
      ("fine_tuning_jobs", jobs), ("incidents", "model_id,provider,kind,started_at,ended_at"),
    ]
    for table in tables { try scratch.write("\(name)/\(table.name).csv", table.text + "\n") }
    var requests =
      "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens\n"
    for row in 0..<600 {
      let at = "2026-01-05T0\(row / 60):\(row % 60 < 10 ? "0" : "")\(row % 60):00.000000Z"
      let end = row < reasons.count ? "failure,\(reasons[row]),0,0,2000,1,0" : "success,,0,0,2000,1,1"
      requests += "\(row + 1),\(at),1,,\(end)\n"
    }
    try scratch.write("\(name)/requests.csv", requests)
    return path
  }

  @Test("as many and as long failure reasons as there may be go through every format; one more is one error")
  func failureReasons() throws {
    let scratch = try Scratch()
    func long(_ number: Int) -> String {
      "\(number)" + String(repeating: "x", count: Name.longest - "\(number)".utf8.count)
    }
    let most = try Self.failing(scratch, "most", (0..<FailureReasons.mostForeign).map { long($0 + 1000) })
    let expected = try Data(contentsOf: URL(fileURLWithPath: most + "/requests.csv"))
    let refused: [(path: String, words: [String])] = [
      (
        try Self.failing(scratch, "longer", ["fine", long(1000) + "x"]),
        ["requests.csv:3:", "failure_reason has 1025 bytes of UTF-8"]
      ),
      (
        try Self.failing(scratch, "more", (0..<300).map { "reason \($0)" }),
        ["requests.csv:\(FailureReasons.mostForeign + 2):", FailureReasons.tooMany]
      ),
    ]
    for format in DatasetFormat.all {
      let to = scratch.file("most-\(format)")
      let whole = try Program.run("convert", most, to, "--format", "\(format)", "-q")
      #expect(whole.status == 0, "\(format): \(whole.error)")
      let back = scratch.file("back-\(format)")
      #expect(try Program.run("convert", to, back, "-q").status == 0)
      #expect(try Data(contentsOf: URL(fileURLWithPath: back + "/telemetry/requests.csv")) == expected)
      for (path, words) in refused {
        let to = scratch.file("refused-\(format)")
        let outcome = try Program.run("convert", path, to, "--format", "\(format)")
        #expect(outcome.status == 65 && outcome.output.isEmpty, "\(format): \(outcome.status)")
        for word in words { #expect(outcome.error.contains(word), "\(format): \(outcome.error)") }
        #expect(outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
        #expect(!FileManager.default.fileExists(atPath: to))
      }
    }
  }

  @Test("convert says what it does not carry over, and which requests are in no rollups")
  func leftOut() throws {
    let scratch = try Scratch()
    let path = try scratch.write("s.yaml", MergeTests.day)
    let run = try Program.run("run", path, "--out", scratch.file("run"), "-q")
    #expect(run.status == 0, "\(run.error)")
    func convert(_ to: String, _ arguments: String...) throws -> String {
      let outcome = try Program.command(
        Program.path, ["convert", scratch.file("run"), scratch.file(to)] + arguments)
      #expect(outcome.status == 0, "\(outcome.error)")
      return outcome.error
    }
    let dashboards =
      "workbench: dashboards are not copied into a database: workbench aggregate gives them\n"
    #expect(try convert("a.sqlite") == dashboards)
    #expect(try convert("b.sqlite", "-q").isEmpty)
    #expect(try convert("c").isEmpty)
    try MergeTests.add(
      "9999,2026-03-03T00:00:00.000000Z,1,V1,success,,0,0,5000,1,1", to: scratch.file("run"))
    let late =
      "workbench: 1 request arrives after the period's end: it is in the tables, not in the rollups\n"
    #expect(try convert("d") == late)
    // What does not count is said in any case.
    #expect(try convert("e", "-q") == late)
    for name in ["d", "e"] {
      let rows = try String(contentsOfFile: scratch.file(name + "/telemetry/requests.csv"), encoding: .utf8)
      #expect(rows.contains("2026-03-03T00:00:00.000000Z"))
      let rollups = scratch.file(name + "/rollups/acme.rollups")
      #expect(try Data(contentsOf: URL(fileURLWithPath: rollups)) == MergeTests.rollups(scratch.file("c")))
    }
  }

  @Test("no user's settings of DuckDB are read")
  func settings() throws {
    let scratch = try Scratch()
    let source = try Self.source(scratch)
    try FileManager.default.createDirectory(
      atPath: scratch.file("home"), withIntermediateDirectories: false)
    try scratch.write("home/.duckdbrc", ".shell touch \(scratch.file("touched"))\n")
    func run(_ program: String, _ arguments: String...) throws -> Program.Outcome {
      try Program.command("/usr/bin/env", ["HOME=\(scratch.file("home"))", program] + arguments)
    }
    let outcome = try run(
      Program.path, "convert", source, scratch.file("p"), "--format", "parquet", "-q")
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("touched")))
    // DuckDB itself reads them.
    _ = try run(repository(".venv/bin/duckdb"), "-c", "SELECT 1")
    #expect(FileManager.default.fileExists(atPath: scratch.file("touched")))
  }

  @Test(
    "a file that is not a database, or one that lacks a table or a column, or holds a wrong value, is refused"
  )
  func badSQLite() throws {
    let scratch = try Scratch()
    let source = try Self.source(scratch)
    #expect(try Program.run("convert", source, scratch.file("s.sqlite")).status == 0)
    func damaged(_ name: String, _ sql: String) throws -> Program.Outcome {
      try FileManager.default.copyItem(atPath: scratch.file("s.sqlite"), toPath: scratch.file(name))
      _ = try Program.command(
        repository(".venv/bin/python"),
        [
          "-c", "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.executescript(sys.argv[2])",
          scratch.file(name), sql,
        ])
      return try Program.run("convert", scratch.file(name), scratch.file(name + "-out"))
    }
    for (name, sql, error) in [
      ("a.sqlite", "drop table models", "there is no table models"),
      ("b.sqlite", "alter table requests rename column latency_us to latency", "has no column latency_us"),
      (
        "c.sqlite", "update requests set latency_us = 'slow' where request_id = 7",
        "latency_us is not a whole number"
      ),
      (
        "d.sqlite", "update requests set model_id = 99 where request_id = 7",
        "model_id 99 is not in the models table"
      ),
      ("e.sqlite", "update deployments set requested_at = 1e30", "requested_at is"),
    ] {
      let outcome = try damaged(name, sql)
      #expect(outcome.status == 65 && outcome.error.contains(error), "\(name): \(outcome.error)")
      #expect(!FileManager.default.fileExists(atPath: scratch.file(name + "-out")))
    }
    let whole = try Data(contentsOf: URL(fileURLWithPath: scratch.file("s.sqlite")))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: scratch.file("cut.sqlite")))
    #expect(try Program.run("convert", scratch.file("cut.sqlite"), scratch.file("cut-out")).status == 65)
    try scratch.write("text.sqlite", "not a database")
    #expect(try Program.run("convert", scratch.file("text.sqlite"), scratch.file("text-out")).status == 65)
  }

  @Test("a damaged Parquet file is refused")
  func badParquet() throws {
    let scratch = try Scratch()
    let source = try Self.source(scratch)
    #expect(try Program.run("convert", source, scratch.file("p"), "--format", "parquet").status == 0)
    let file = scratch.file("p/telemetry/requests.parquet")
    let whole = try Data(contentsOf: URL(fileURLWithPath: file))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: file))
    let outcome = try Program.run("convert", scratch.file("p"), scratch.file("out"))
    #expect(outcome.status == 65 && outcome.error.contains("DuckDB"), "\(outcome.error)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }
}
