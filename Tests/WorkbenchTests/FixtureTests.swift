import Datasets
import Foundation
import TestSupport
import Testing

@Suite("workbench fixture")
struct FixtureTests {
  @Test("options reach the fixture; the same command gives the same bytes; what exists is refused")
  func options() throws {
    let scratch = try Scratch()
    let source = try FormatTests.source(scratch)
    func make(_ name: String) throws -> [String: Data] {
      let made = try Program.run(
        "fixture", source, "-o", scratch.file(name), "--requests", "50", "--formats", "csv,sqlite",
        "--anonymise", "--salt", "s3cret")
      #expect(made.status == 0 && made.output.contains(": 50 of "), "\(made.error)\(made.output)")
      return try contents(scratch.file(name))
    }
    let one = try make("one")
    #expect(try make("two") == one)
    #expect(one["telemetry/telemetry.sqlite"] != nil)
    let rows = String(decoding: one["telemetry/requests.csv"] ?? Data(), as: UTF8.self).split(separator: "\n")
    #expect(rows.count == 51)
    for (name, data) in one {
      let text = name + String(decoding: data, as: UTF8.self)
      for secret in ["s3cret", "acme", "OpenAI"] { #expect(!text.contains(secret), "\(name) has \(secret)") }
    }
    let again = try Program.run("fixture", source, "-o", scratch.file("one"))
    #expect(again.status == 73 && again.error.contains("exists"))
  }

  @Test("a scenario is simulated for its fixture, which may end today: on the day of SOURCE_DATE_EPOCH")
  func today() throws {
    let scratch = try Scratch()
    let made = try Program.command(
      "/usr/bin/env",
      [
        "SOURCE_DATE_EPOCH=1780000000", Program.path, "fixture", repository("Scenarios/daylight-saving.yaml"),
        "-o", scratch.file("today"), "--requests", "20", "--anchor", "today", "-q",
      ])
    #expect(made.status == 0, "\(made.error)")
    #expect(
      FileManager.default.fileExists(atPath: scratch.file("today/dashboard/acme/openSource-2026-05-28.json")))
  }

  @Test("its SQL loads into SQLite, and the database gives the same figures")
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
      (["fixture"], "either a scenario"), (["fixture", "x.yaml"], "which directory"),
      (["fixture", "x.yaml", "-o", "y", "--requests", "0"], "at least 1"),
      (["fixture", "x.yaml", "-o", "y", "--anchor", "2026-02-30"], "is not a date"),
      (["fixture", "x.yaml", "-o", "y", "--formats", "xls"], "unknown format"),
      (["fixture", "--catalogue", "-o", "y", "--only", "leap"], "unknown fixture \"leap\""),
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
