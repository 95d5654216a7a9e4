import Datasets
import Foundation
import TestSupport
import Testing

@Suite("workbench fixture")
struct FixtureTests {
  @Test("the same command gives the same bytes, and everything in them holds")
  func sameBytes() throws {
    let scratch = try Scratch()
    let scenario = repository("Scenarios/canary.yaml")
    for name in ["one", "two"] {
      let made = try Program.run(
        "fixture", scenario, "-o", scratch.file(name), "--requests", "300", "--formats", "csv,sqlite", "-q")
      #expect(made.status == 0, "\(made.error)")
    }
    let one = try contents(scratch.file("one"))
    #expect(try contents(scratch.file("two")) == one)
    for name in [
      "README.md", "queries.json", "manifest.json", "scenario.yaml", "sql/postgresql.sql", "sql/sqlite.sql",
      "telemetry/requests.csv", "telemetry/telemetry.sqlite",
    ] { #expect(one[name] != nil, "\(name)") }
    let rows = String(decoding: one["telemetry/requests.csv"] ?? Data(), as: UTF8.self).split(separator: "\n")
    #expect(rows.count == 301)
    let valid = try Program.run("validate", scratch.file("one"))
    #expect(valid.status == 0, "\(valid.output)")
    // Every question is answered by its file.
    let questions = try #require(
      try JSONSerialization.jsonObject(with: one["queries.json"] ?? Data()) as? [[String: Any]])
    #expect(questions.count > 30)
    #expect(questions.allSatisfy { one[$0["file"] as? String ?? ""] != nil })
    #expect(questions.count == one.keys.count { $0.hasPrefix("dashboard/") })
    let again = try Program.run("fixture", scenario, "-o", scratch.file("one"))
    #expect(again.status == 73 && again.error.contains("exists"))
  }

  @Test("thinning keeps every version and every way to end")
  func thinning() throws {
    let scratch = try Scratch()
    let source = try FormatTests.source(scratch)
    let made = try Program.run("fixture", source, "-o", scratch.file("small"), "--requests", "12")
    #expect(made.status == 0 && made.output.contains("12 of "), "\(made.error)\(made.output)")
    func combinations(_ path: String) throws -> Set<String> {
      let text = try String(contentsOfFile: "\(path)/telemetry/requests.csv", encoding: .utf8)
      let outcome = try Program.command(
        SchemaTests.python,
        [
          "-c",
          "import csv, sys; print(sorted({(r['model_id'], r['version'], r['failure_reason']) for r in csv.DictReader(open(sys.argv[1]))}))",
          "\(path)/telemetry/requests.csv",
        ])
      _ = text
      return Set(outcome.output.components(separatedBy: "), ("))
    }
    let (all, kept) = (try combinations(source), try combinations(scratch.file("small")))
    #expect(all.count == kept.count && all.count > 3, "\(all) \(kept)")
  }

  @Test("names are replaced, the same by the same, and nothing of the old ones is left")
  func anonymised() throws {
    let scratch = try Scratch()
    let source = try FormatTests.source(scratch)
    func fixture(_ name: String, _ more: [String]) throws -> [String: Data] {
      let made = try Program.command(
        Program.path, ["fixture", source, "-o", scratch.file(name), "--requests", "50", "-q"] + more)
      #expect(made.status == 0, "\(made.error)")
      return try contents(scratch.file(name))
    }
    let one = try fixture("one", ["--anonymise"])
    for (name, data) in one {
      let text = name + String(decoding: data, as: UTF8.self)
      for secret in ["acme", "the\" бот", "the\\\"", "OpenAI", "mistral"] {
        #expect(!text.contains(secret), "\(name) has \(secret)")
      }
    }
    #expect(try fixture("again", ["--anonymise"]) == one)
    let salted = try fixture("salted", ["--anonymise", "--salt", "s3cret"])
    #expect(salted["telemetry/models.csv"] != one["telemetry/models.csv"])
    #expect(!salted.values.contains { String(decoding: $0, as: UTF8.self).contains("s3cret") })
    #expect(try Program.run("validate", scratch.file("one")).status == 0)
  }

  @Test("dates are moved so that the data end on a day, and everything still holds")
  func anchored() throws {
    let scratch = try Scratch()
    let scenario = repository("Scenarios/daylight-saving.yaml")
    for anchor in ["2027-03-27", "2026-10-25", "2024-02-29"] {
      let path = scratch.file(anchor)
      #expect(
        try Program.run("fixture", scenario, "-o", path, "--requests", "200", "--anchor", anchor, "-q").status
          == 0)
      let answer = try Program.run("aggregate", path, "--period", "24h", "--kind", "openSource")
      let json = try #require(
        try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
      let query = try #require(json["query"] as? [String: Any])
      let now = try #require(query["now"] as? String)
      // The data end with the day, at local midnight.
      #expect(now.contains("T00:00:00"), "\(now)")
      let next = try #require(LocalDateText.after(anchor))
      #expect(now.hasPrefix(next), "\(now)")
      #expect(try Program.run("validate", path).status == 0)
    }
    setenv("SOURCE_DATE_EPOCH", "1780000000", 1)
    defer { unsetenv("SOURCE_DATE_EPOCH") }
    #expect(
      try Program.run(
        "fixture", scenario, "-o", scratch.file("today"), "--requests", "20", "--anchor", "today", "-q"
      ).status == 0)
    #expect(
      FileManager.default.fileExists(atPath: scratch.file("today/dashboard/acme/openSource-2026-05-28.json")))
  }

  enum LocalDateText {
    /// The next day, by Foundation's calendar.
    static func after(_ date: String) -> String? {
      let formatter = DateFormatter()
      formatter.locale = Locale(identifier: "en_US_POSIX")
      formatter.timeZone = TimeZone(identifier: "UTC")
      formatter.dateFormat = "yyyy-MM-dd"
      return formatter.date(from: date).map { formatter.string(from: $0.addingTimeInterval(86_400)) }
    }
  }

  @Test("its SQL loads into SQLite, and the data base gives the same figures")
  func sqlite() throws {
    let scratch = try Scratch()
    let fixture = scratch.file("fixture")
    #expect(
      try Program.run("fixture", "--catalogue", "--only", "hostile-names", "-o", fixture, "-q").status == 0)
    let one = "\(fixture)/hostile-names"
    let load =
      "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.executescript(open(sys.argv[2]).read()); print(d.execute('select count(*) from requests').fetchone()[0])"
    let loaded = try Program.command(
      SchemaTests.python, ["-c", load, scratch.file("loaded.sqlite"), "\(one)/sql/sqlite.sql"])
    #expect(loaded.status == 0 && (Int(loaded.output.dropLast()) ?? 0) > 500, "\(loaded.error)")
    let outcome = try Program.run("compare", scratch.file("loaded.sqlite"), one, "--what", "data")
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.error)")
    let figures = try Program.run("compare", scratch.file("loaded.sqlite"), "\(one)/dashboard")
    #expect(figures.status == 0, "\(figures.output)\(figures.error)")
  }

  @Test(
    "its SQL loads into a running PostgreSQL, which is then asked for the figures; a product's own table is imported",
    .enabled(if: PostgreSQLServer.programs != nil, "PostgreSQL is not installed: .ci/setup tests"))
  func postgreSQL() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    #expect(
      try Program.run("fixture", "--catalogue", "--only", "hostile-names", "-o", scratch.file("c"), "-q")
        .status == 0)
    let fixture = scratch.file("c/hostile-names")
    #expect(try server.file("\(fixture)/sql/postgresql.sql").status == 0)
    let figures = try Program.run("compare", server.address("fixture"), "\(fixture)/dashboard")
    #expect(
      figures.status == 0 && figures.output.hasPrefix("The same: "), "\(figures.output)\(figures.error)")
    let data = try Program.run("compare", server.address("fixture"), fixture, "--what", "data")
    #expect(data.status == 0, "\(data.output)\(data.error)")
    // A product's own schema, by a mapping.
    _ = try server.sql(
      "CREATE SCHEMA product; CREATE TABLE product.llm_calls AS SELECT arrived_at AS started, 'chat' AS model, status, latency_us / 1e6 AS seconds, input_tokens AS prompt, output_tokens AS completion FROM fixture.requests WHERE version = ''"
    )
    let mapping = try scratch.write(
      "map.yaml",
      """
      workbenchMapping: 1
      account: { name: product, timeZone: Europe/Berlin }
      columns:
        arrivedAt: started
        model: model
        kind: { constant: external }
        status: { column: status, success: [ success ] }
        latency: { column: seconds, unit: s }
        inputTokens: prompt
        outputTokens: completion
      """)
    let imported = try Program.run(
      "import", "table", server.address("product") + "&table=llm_calls", "--mapping", mapping, "-o",
      scratch.file("product"))
    #expect(imported.status == 0, "\(imported.error)")
    let count = try server.sql("SELECT count(*) FROM product.llm_calls").dropLast()
    #expect(imported.output.contains("a data set of \(count) requests"), "\(imported.output)")
    let absent = try Program.run(
      "import", "table", server.address("product"), "--mapping", mapping, "-o", scratch.file("absent"))
    #expect(absent.status == 65 && absent.error.contains("table=NAME"), "\(absent.error)")
  }

  @Test("wrong usage says what is wrong")
  func usage() throws {
    for (arguments, message) in [
      (["fixture"], "one of them"), (["fixture", "x.yaml"], "which directory"),
      (["fixture", "x.yaml", "-o", "y", "--requests", "0"], "at least 1"),
      (["fixture", "x.yaml", "-o", "y", "--anchor", "2026-02-30"], "is not a date"),
      (["fixture", "x.yaml", "-o", "y", "--formats", "xls"], "unknown format"),
      (["fixture", "--catalogue", "-o", "y", "--only", "leap"], "has no \"leap\""),
      (["fixture", "x.yaml", "-o", "y", "--salt", "s"], "--anonymise"),
    ] {
      let outcome = try Program.command(Program.path, arguments)
      #expect(outcome.status == 64 && outcome.error.contains(message), "\(arguments): \(outcome.error)")
    }
    #expect(try Program.run("fixture", "absent.yaml", "-o", "y").status == 66)
  }
}

extension PostgreSQLServer {
  /// Runs a file of SQL, stopping at the first error.
  func file(_ path: String) throws -> Program.Outcome {
    try Program.command(
      "\(try #require(Self.programs))/psql",
      [
        "-h", "127.0.0.1", "-p", "\(port)", "-U", "qa", "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1", "-f",
        path,
      ])
  }
}
