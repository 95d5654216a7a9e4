import Datasets
import Documents
import Foundation
import FoundationXML
import ScenarioModel
import Telemetry
import TestSupport
import Testing

/// Scenarios whose names are attacks on every program that they pass through.
@Suite("Names that are attacks")
struct HostileNameTests {
  /// Each made a file called HIT, or a table of its own, where it was taken for more than a name.
  static let names = [
    "acme\u{600}'\n;\n.shell touch HIT\n--",
    "acme\u{600}'; COPY (SELECT $$export PWNED=1$$) TO $$HIT$$ (FORMAT csv, HEADER false, QUOTE $$$$); --",
    "st\u{600}'); CREATE TABLE public.pwned5(x int); --",
    "m\u{600}', '', now()); CREATE TABLE public.pwned6(x int); --",
    "\u{600}\"; CREATE TABLE pwned7(x int); --",
    "a\r\n::error title=forged::x\n\u{1b}[2J##[error]y",
    "\u{600}]]>\u{1}\u{ffff}<x a='\u{600}\"'>",
    "$(touch HIT)`touch HIT`\u{600}'; touch HIT; '",
    "=cmd|' /C calc'!A0", "x\n.\\.\n\\.\ny", "m\nport\u{e9}",
  ]

  static func scenario(_ names: [String] = names) -> String {
    let models = names.enumerated().map { index, name in
      """
        - name: \(YAMLWriter.quoted(name))
          kind: openSource
          load: { arrivals: { poisson: { rate: 0.05/s } }, tokens: { input: 10, output: 5 } }
          deployments:
            - version: \(YAMLWriter.quoted(name))
              deployAt: 2026-03-01
              hardware: \(YAMLWriter.quoted(name))
              scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 4 }
              service: { firstToken: 120ms }
              failures: { modelError: 0.1 }
        - { name: \(YAMLWriter.quoted("external \(index)")), kind: external, provider: \(YAMLWriter.quoted(name)), load: { arrivals: { poisson: { rate: 0.02/s } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }
      """
    }
    return """
      workbench: 1
      name: \(YAMLWriter.quoted(names[2]))
      description: \(YAMLWriter.quoted(names[0]))
      seed: 1
      period: { from: 2026-03-02, to: 2026-03-02T02:00 }
      account:
        name: \(YAMLWriter.quoted(names[0]))
        timeZone: UTC
        subscription: { maxReplicas: 50 }
        credits: { \(names.map { "\(YAMLWriter.quoted($0)): 1" }.joined(separator: ", ")) }
      models:
      \(models.joined(separator: "\n"))

      """
  }

  /// A run in a directory of its own, which must stay as it is.
  static func run(_ scratch: Scratch, _ formats: String = "csv") throws -> String {
    let file = try scratch.write("s.yaml", scenario())
    let plain = try Program.run(
      "run", file, "--out", scratch.file("run"), "--formats", formats, in: scratch.path)
    #expect(plain.status == 0, "\(plain.error)")
    // What people see is lines of text.
    for said in [plain.output, plain.error] {
      #expect(!said.unicodeScalars.contains { $0.isHidden && $0 != "\n" })
    }
    return scratch.file("run")
  }

  static func expectNoHit(_ scratch: Scratch) throws {
    for case let path as String in FileManager.default.enumerator(atPath: scratch.path) ?? .init() {
      #expect(URL(fileURLWithPath: path).lastPathComponent != "HIT")
    }
  }

  static func modelNames(_ path: String) throws -> [String] {
    try Dataset(path).tables.models.filter { $0.kind == .openSource }.map(\.name)
  }

  @Test("run, validate and convert through every format carry nothing out and lose no name")
  func everyFormat() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch)
    let validated = try Program.run("validate", run, in: scratch.path)
    #expect(validated.status == 0, "\(validated.output)\(validated.error)")
    for (index, format) in ["ndjson", "parquet", "sqlite", "csv"].enumerated() {
      let target = scratch.file("c\(index)")
      let converted = try Program.run("convert", run, target, "--format", format, in: scratch.path)
      #expect(converted.status == 0, "\(format): \(converted.error)")
      #expect(try Self.modelNames(target).elementsEqual(Self.names, by: Name.same), "\(format)")
    }
    try Self.expectNoHit(scratch)
  }

  @Test(
    "a dashboard's query is data: a kind that is none is bad input, and nothing of it is carried out",
    arguments: ["kind", "timeZone", "now", "period", "model", "provider", "version", "deployedAt"])
  func queries(key: String) throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch)
    let dashboard = try #require(
      (FileManager.default.enumerator(atPath: "\(run)/dashboard")?.compactMap { $0 as? String } ?? [])
        .first { $0.utf8.suffix(5).elementsEqual(".json".utf8) })
    let url = URL(fileURLWithPath: "\(run)/dashboard/\(dashboard)")
    var json = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    var query = try #require(json["query"] as? [String: Any])
    query[key] = "x\u{600}'\n;\n.shell touch HIT\n.shell touch \(scratch.path)/HIT\n--"
    json["query"] = query
    try JSONSerialization.data(withJSONObject: json).write(to: url)
    let outcome = try Program.run("validate", run, in: scratch.path)
    #expect(outcome.status == 65 || outcome.status == 1, "\(outcome.status): \(outcome.error)")
    #expect(outcome.error.utf8.count { $0 == 10 } <= 1)
    try Self.expectNoHit(scratch)
  }

  @Test("a fixture's SQL makes the tables of the data set and no others")
  func fixture() throws {
    let scratch = try Scratch()
    let file = try scratch.write("s.yaml", Self.scenario())
    let made = try Program.run("fixture", file, "-o", scratch.file("fixture"), in: scratch.path)
    #expect(made.status == 0, "\(made.error)")
    let dump = try String(contentsOfFile: scratch.file("fixture/sql/sqlite.sql"), encoding: .utf8)
    #expect(!dump.unicodeScalars.contains { $0.isHidden && $0 != "\n" })
    let load = try Program.command(
      "/bin/sh",
      ["-c", "sqlite3 \"$0\" < \"$1\"", scratch.file("f.sqlite"), scratch.file("fixture/sql/sqlite.sql")],
      in: scratch.path)
    #expect(load.status == 0 && load.error.isEmpty, "\(load.error)")
    #expect(try Self.modelNames(scratch.file("f.sqlite")).elementsEqual(Self.names, by: Name.same))
    let tables = try Program.command("/usr/bin/sqlite3", [scratch.file("f.sqlite"), ".tables"])
    #expect(!tables.output.contains("pwned"))
    try Self.expectNoHit(scratch)
  }

  @Test(
    "a real PostgreSQL server: names, notes, schemas and tables are data",
    .enabled(if: PostgreSQLServer.programs != nil, "PostgreSQL is not installed: .ci/setup tests"))
  func postgreSQL() throws {
    let scratch = try Scratch()
    let programs = try #require(PostgreSQLServer.programs)
    let server = try PostgreSQLServer(programs)
    let run = try Self.run(scratch)
    func expectNoTable() throws {
      #expect(try server.sql("SELECT count(*) FROM pg_class WHERE relname ~ 'pwned'") == "0\n")
    }
    // A schema's name is an identifier.
    let schema = "\u{600}\"; CREATE TABLE public.pwned8(x int); --"
    let encoded = try #require(schema.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
    let loaded = try Program.run("convert", run, server.address(encoded))
    #expect(loaded.status == 0, "\(loaded.error)")
    #expect(try Self.modelNames(server.address(encoded)).elementsEqual(Self.names, by: Name.same))
    let foreign = try Program.run(
      "import", "table", server.address("public") + "&table=" + encoded, "--mapping",
      try scratch.write(
        "m.yaml",
        "workbenchMapping: 1\naccount: { name: a }\ncolumns: { arrivedAt: t, model: m, kind: { constant: external } }\n"
      ),
      "-o", scratch.file("imported"))
    #expect(foreign.status != 0)
    try expectNoTable()
    // A run's name and a note are values.
    for note in ["\u{600}', ''); CREATE TABLE public.pwned9(x int); --", "n\n\u{1b}[31m"] {
      let pushed = try Program.run("push", run, PostgreSQLTests.home(server), "--note", note)
      #expect(pushed.status == 0, "\(pushed.error)")
    }
    let list = try Program.run("pull", PostgreSQLTests.home(server))
    #expect(list.status == 0 && list.output.utf8.count { $0 == 10 } == 1, "\(list.output)")
    try expectNoTable()
    // The dump through psql.
    let made = try Program.run("fixture", scratch.file("s.yaml"), "-o", scratch.file("fixture"))
    #expect(made.status == 0, "\(made.error)")
    let load = try Program.command(
      "\(programs)/psql",
      [
        "-h", "127.0.0.1", "-p", "\(server.port)", "-U", "qa", "-d", "postgres", "-qv", "ON_ERROR_STOP=1",
        "-f",
        scratch.file("fixture/sql/postgresql.sql"),
      ], in: scratch.path)
    #expect(load.status == 0, "\(load.error)")
    #expect(try Self.modelNames(server.address("fixture")).elementsEqual(Self.names, by: Name.same))
    try expectNoTable()
    try Self.expectNoHit(scratch)
    // Ten thousand names by COPY and by literals.
    let many = scratch.file("many")
    let names = HostileNames.list()
    try NamedDataset.write(names, many)
    #expect(try Program.run("convert", many, server.address("many")).status == 0)
    #expect(try Dataset(server.address("many")).tables.models.map(\.name).elementsEqual(names, by: Name.same))
    let script =
      "SET client_encoding = 'UTF8';\n"
      + names.map { "SELECT encode(convert_to(\(SQLText.literal($0, .postgresql)), 'UTF8'), 'hex');\n" }
      .joined()
    let literals = try Program.command(
      "\(programs)/psql",
      [
        "-h", "127.0.0.1", "-p", "\(server.port)", "-U", "qa", "-d", "postgres", "-Atq", "-f",
        try scratch.write("literals.sql", script),
      ])
    let hex = names.map { $0.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    #expect(literals.output.split(separator: "\n").map(String.init) == hex)
  }

  @Test("reports of a comparison: annotations and JUnit hold names as text")
  func reports() throws {
    let scratch = try Scratch()
    let file = try scratch.write("s.yaml", Self.scenario())
    for (name, rate) in [("a", "0.05/s"), ("b", "0.5/s")] {
      let run = try Program.run(
        "run", file, "--out", scratch.file(name), "--set", "models.*.load.arrivals.poisson.rate=\(rate)")
      #expect(run.status == 0, "\(run.error)")
    }
    let compared = try Program.run(
      "compare", scratch.file("a"), scratch.file("b"), "--github", "--junit", scratch.file("j.xml"), "--most",
      "500")
    #expect(compared.status == 1, "\(compared.error)")
    // Each line of the log is ours: nothing forged begins one.
    for line in compared.output.utf8.split(separator: 10) where line.starts(with: "::".utf8) {
      #expect(line.starts(with: "::error title=".utf8) && !line.starts(with: "::error title=forged".utf8))
    }
    #expect(!compared.output.unicodeScalars.contains { $0.isHidden && $0 != "\n" })
    let document = try XMLDocument(data: Data(contentsOf: URL(fileURLWithPath: scratch.file("j.xml"))))
    #expect(document.rootElement()?.name == "testsuites")
  }

  @Test("fit keeps a line break in a model's name")
  func fit() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch)
    let fitted = try Program.run("fit", run, "-o", scratch.file("f.yaml"), "--no-check", in: scratch.path)
    #expect(fitted.status == 0, "\(fitted.error)")
    let document = try ScenarioDocument(
      Data(contentsOf: URL(fileURLWithPath: scratch.file("f.yaml"))), path: "f.yaml")
    let found = document.scenario.accounts[0].models.map(\.name)
    for name in Self.names { #expect(found.contains { Name.same($0, name) }, "\(Name.codePoints(name))") }
    try Self.expectNoHit(scratch)
  }

  @Test("ten thousand names through an XML document and back")
  func xml() throws {
    let names = HostileNames.list()
    let elements = names.map { "<name of=\"\(XMLText.attribute($0))\">\(XMLText.content($0))</name>" }
    let text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<names>\(elements.joined())</names>"
    let back = try #require(try XMLDocument(data: Data(text.utf8)).rootElement()?.children)
    #expect(back.count == names.count)
    for (node, name) in zip(back, names) {
      #expect(Name.same(node.stringValue ?? "", XMLText.clean(name)), "\(Name.codePoints(name))")
      #expect(
        Name.same((node as? XMLElement)?.attribute(forName: "of")?.stringValue ?? "", XMLText.clean(name)),
        "\(Name.codePoints(name))")
    }
  }
}
