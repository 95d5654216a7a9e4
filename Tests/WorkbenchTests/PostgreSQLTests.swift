import Foundation
import TestSupport
import Testing

/// A PostgreSQL server of the test's own.
final class PostgreSQLServer {
  let port: Int
  private let folder: String
  private let programs: String
  private let asOther: [String]
  private let server = Process()

  /// `nil` where PostgreSQL is not installed.
  static let programs: String? = {
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return versions.sorted { (Int($0) ?? 0) < (Int($1) ?? 0) }.last.map { "\(root)/\($0)/bin" }
  }()

  init(_ programs: String) throws {
    self.programs = programs
    folder = "/tmp/workbench-postgres-\(UUID().uuidString.prefix(8))"
    port = Int.random(in: 20_000...29_999)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // The server refuses to run as root.
    asOther = getuid() == 0 ? ["/sbin/runuser", "-u", "postgres", "--"] : []
    if getuid() == 0 { _ = try Program.command("/bin/chown", ["postgres", folder]) }
    try run(["initdb", "-D", "\(folder)/data", "-A", "trust", "-U", "qa", "--no-sync"])
    // A child of ours, not a daemon: Foundation waits for whoever holds its sockets.
    let command =
      asOther + [
        "\(programs)/postgres", "-D", "\(folder)/data", "-p", "\(port)", "-k", folder, "-c",
        "listen_addresses=127.0.0.1", "-c", "fsync=off",
      ]
    server.executableURL = URL(fileURLWithPath: command[0])
    server.arguments = Array(command.dropFirst())
    server.currentDirectoryURL = URL(fileURLWithPath: "/tmp")
    server.standardOutput = FileHandle.nullDevice
    server.standardError = FileHandle.nullDevice
    try server.run()
    for _ in 0..<200 {
      let ready = try Program.command("\(programs)/pg_isready", ["-q", "-h", "127.0.0.1", "-p", "\(port)"])
      if ready.status == 0 { return }
      Thread.sleep(forTimeInterval: 0.05)
    }
    Issue.record("the server does not start")
  }

  private func run(_ command: [String]) throws {
    let all = asOther + ["\(programs)/\(command[0])"] + command.dropFirst()
    let outcome = try Program.command(all[0], Array(all.dropFirst()), in: "/tmp")
    if outcome.status != 0 { Issue.record("\(command): \(outcome.error)\(outcome.output)") }
  }

  deinit {
    try? run(["pg_ctl", "-D", "\(folder)/data", "-m", "immediate", "stop"])
    server.waitUntilExit()
    try? FileManager.default.removeItem(atPath: folder)
  }

  func address(_ schema: String) -> String { "postgres://qa@127.0.0.1:\(port)/postgres?schema=\(schema)" }

  func sql(_ text: String) throws -> String {
    try Program.command(
      "\(programs)/psql", ["-h", "127.0.0.1", "-p", "\(port)", "-U", "qa", "-d", "postgres", "-Atc", text]
    ).output
  }
}

@Suite(
  "PostgreSQL", .enabled(if: PostgreSQLServer.programs != nil, "PostgreSQL is not installed: .ci/setup tests")
)
struct PostgreSQLTests {
  @Test("a data set goes into a real server and comes back the same")
  func roundTrip() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let source = try FormatTests.source(scratch)
    let load = try Program.run("convert", source, server.address("week"))
    #expect(load.status == 0, "\(load.error)")
    #expect(try Program.run("convert", server.address("week"), scratch.file("back")).status == 0)
    #expect(try FormatTests.telemetry(scratch.file("back")) == FormatTests.telemetry(source))
    let query = ["--kind", "external", "--period", "2026-03-05"]
    #expect(
      try Program.command(Program.path, ["aggregate", server.address("week")] + query).output
        == Program.command(Program.path, ["aggregate", source] + query).output)
    // The schema explains itself.
    #expect(
      try server.sql(
        "SELECT count(*) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid WHERE c.relnamespace = 'week'::regnamespace AND d.objsubid = 0"
      ) == "8\n")
    #expect(try server.sql("SELECT col_description('week.requests'::regclass, 9)").contains("µs"))
    // Never over another.
    let again = try Program.run("convert", source, server.address("week"))
    #expect(again.status == 73 && again.error.contains("exists already"))
  }

  @Test("loading is one transaction: what fails leaves nothing")
  func transaction() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let source = try FormatTests.source(scratch)
    let requests = source + "/telemetry/requests.csv"
    let text = try String(contentsOfFile: requests, encoding: .utf8)
    try Data((text + "broken,row\n").utf8).write(to: URL(fileURLWithPath: requests))
    let load = try Program.run("convert", source, server.address("half"))
    #expect(load.status == 65)
    #expect(try server.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'half'") == "0\n")
  }

  @Test("a server that is not there, or not for us, is said in one line without the password")
  func unreachable() throws {
    let outcome = try Program.run("aggregate", "postgres://qa:secret@127.0.0.1:1/postgres?schema=x")
    #expect(
      outcome.status == 66 && outcome.error.contains("cannot connect") && !outcome.error.contains("secret"),
      "\(outcome.error)")
    #expect(outcome.error.split(separator: "\n").count == 1)
  }

  // MARK: A home for runs

  static func home(_ server: PostgreSQLServer) -> String { "postgres://qa@127.0.0.1:\(server.port)/postgres" }

  @Test(
    "two people push the same run at the same instant: one copy, no error for either; it comes back the same")
  func pushing() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = Self.home(server)
    let run = try FormatTests.source(scratch)
    // Neither finds a schema: both make it.
    let both = try Program.command(
      "/bin/sh",
      [
        "-c",
        "printf 'first\\nsecond\\n' | xargs -P 2 -I{} sh -c '\"$0\" push \"$1\" \"$2\" --json --note {} > \"$3/{}\"' \"$1\" \"$2\" \"$3\" \"$4\"",
        "sh", Program.path, run, home, scratch.path,
      ])
    #expect(both.status == 0, "\(both.error)")
    let said = try ["first", "second"].map { try String(contentsOfFile: scratch.file($0), encoding: .utf8) }
    #expect(said.count { $0.contains("\"isNew\":true") } == 1, "\(said)")
    #expect(try server.sql("SELECT count(*) FROM workbench.runs") == "1\n")
    let pieces = try server.sql("SELECT count(*), sum(length(data)) FROM workbench.pieces")
    let bytes = try server.sql(
      "SELECT sum(bytes) FROM (SELECT DISTINCT sha256, bytes FROM workbench.files) f")
    #expect(pieces.hasSuffix("|" + bytes), "\(pieces) \(bytes)")
    // Twenty at once, of two runs that have files in common.
    let other = scratch.file("other")
    let copy = try Program.command(Program.path, ["convert", run, other, "--format", "ndjson", "-q"])
    #expect(copy.status == 0, "\(copy.error)")
    let many = try Program.command(
      "/bin/sh",
      [
        "-c",
        "for n in 1 2 3 4 5 6 7 8 9 10; do echo \"$2\"; echo \"$4\"; done | xargs -P 20 -I{} \"$1\" push {} \"$3\" -q",
        "sh", Program.path, run, home, other,
      ])
    #expect(many.status == 0, "\(many.error)")
    #expect(try server.sql("SELECT count(*) FROM workbench.runs") == "2\n")
    let list = try Program.run("pull", home)
    #expect(list.output.split(separator: "\n").count == 2 && list.output.contains("qa"), "\(list.output)")
    let id = try server.sql("SELECT id FROM workbench.runs WHERE note <> ''").prefix(10)
    let pulled = try Program.run("pull", home, String(id), "-o", scratch.file("back"), "-q")
    #expect(pulled.status == 0, "\(pulled.error)")
    #expect(try TaskTests.differences(run, scratch.file("back")) == "")
    #expect(try Program.run("pull", home, String(id), "-o", scratch.file("back")).status == 73)
    let light = try Program.run(
      "pull", home, String(id), "-o", scratch.file("light"), "--without-requests", "-q")
    #expect(
      light.status == 0
        && !FileManager.default.fileExists(atPath: scratch.file("light/telemetry/requests.csv")))
  }

  @Test("a run that does not match its manifest is not pushed; a damaged chunk is not pulled")
  func damagedRuns() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = Self.home(server)
    let run = try FormatTests.source(scratch)
    let empty = try Program.run("pull", home)
    #expect(empty.status == 66 && empty.error.contains("no run has been pushed"), "\(empty.error)")
    #expect(try server.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'workbench'") == "0\n")
    #expect(try Program.run("push", run, home, "-q").status == 0)
    _ = try server.sql("UPDATE workbench.pieces SET data = set_byte(data, 0, get_byte(data, 0) # 1)")
    let pulled = try Program.run("pull", home, "week", "-o", scratch.file("back"))
    #expect(pulled.status == 65 || pulled.status == 66, "\(pulled.error)")
    let id = try server.sql("SELECT id FROM workbench.runs").prefix(12)
    let damaged = try Program.run("pull", home, String(id), "-o", scratch.file("back"))
    #expect(damaged.status == 65 && damaged.error.contains("does not match its hash"), "\(damaged.error)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("back")))
    _ = try server.sql("UPDATE workbench.pieces SET data = set_byte(data, 0, get_byte(data, 0) # 1)")
    // Somebody may have written anything.
    _ = try server.sql(
      "UPDATE workbench.files SET path = '../../stray' WHERE path = 'scenario.yaml'"
    )
    let stray = try Program.run("pull", home, String(id), "-o", scratch.file("back"))
    #expect(stray.status == 65 && stray.error.contains("cannot be inside it"), "\(stray.error)")
    try Data("changed".utf8).write(to: URL(fileURLWithPath: run + "/telemetry/models.csv"))
    let changed = try Program.run("push", run, home)
    #expect(
      changed.status == 65
        && changed.error.contains("telemetry/models.csv: error: the file has been changed"),
      "\(changed.error)")
    let nothing = try Program.run("push", scratch.path, home)
    #expect(nothing.status == 66 && nothing.error.contains("neither a run nor a plan"))
  }

  @Test(
    "pushing again repairs what is damaged: chunks, too many chunks, lists of files, another run's common content"
  )
  func repair() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = Self.home(server)
    let run = try FormatTests.source(scratch)
    #expect(try Program.run("push", run, home, "-q").status == 0)
    let id = String(try server.sql("SELECT id FROM workbench.runs").prefix(64))
    let untouched = try Program.run("push", run, home, "--json")
    #expect(untouched.output.contains("\"isNew\":false") && untouched.output.contains("\"repaired\":0"))
    let damages = [
      "UPDATE workbench.pieces SET data = set_byte(data, 0, get_byte(data, 0) # 1)",
      "UPDATE workbench.pieces SET data = substr(data, 1, length(data) / 2)",
      "INSERT INTO workbench.pieces SELECT sha256, 1 + max(number), 'more' FROM workbench.pieces GROUP BY sha256",
      "DELETE FROM workbench.pieces", "DELETE FROM workbench.files WHERE path = 'scenario.yaml'",
      "UPDATE workbench.files SET path = 'elsewhere' WHERE path = 'manifest.json'",
    ]
    for (number, damage) in damages.enumerated() {
      _ = try server.sql(damage)
      let back = scratch.file("back\(number)")
      #expect(try Program.run("pull", home, id, "-o", back, "-q").status == 65, "\(damage)")
      let again = try Program.run("push", run, home)
      #expect(again.status == 0, "\(again.error)")
      if damage.contains("pieces") {
        #expect(again.output.contains("is repaired"), "\(damage): \(again.output)")
      }
      #expect(try Program.run("pull", home, id, "-o", back, "-q").status == 0, "\(damage)")
      #expect(try TaskTests.differences(run, back) == "", "\(damage)")
    }
    // A run that has contents in common with a damaged one brings them along.
    _ = try server.sql(damages[0])
    let other = scratch.file("other")
    #expect(
      try Program.command(Program.path, ["convert", run, other, "--format", "ndjson", "-q"]).status == 0)
    #expect(try Program.run("push", other, home, "-q").status == 0)
    let second = String(try server.sql("SELECT id FROM workbench.runs WHERE id <> '\(id)'").prefix(64))
    let pulled = try Program.run("pull", home, second, "-o", scratch.file("second"), "-q")
    #expect(pulled.status == 0, "\(pulled.error)")
  }

  @Test("one unreadable run does not stop the dashboard of a home: the others are shown, and it is said")
  func unreadableRun() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = Self.home(server)
    let run = try FormatTests.source(scratch)
    #expect(try Program.run("push", run, home, "-q").status == 0)
    // An entry of somebody who writes to the database, whose identifier would be a path.
    _ = try server.sql(
      """
      ALTER TABLE workbench.runs DROP CONSTRAINT runs_id_check;
      INSERT INTO workbench.runs VALUES ('../../stray', 'run', 'evil', 'p', '{}', 1);
      INSERT INTO workbench.files VALUES ('../../stray', 'authorized_keys', encode(sha256('k'), 'hex'), 1);
      INSERT INTO workbench.pieces VALUES (encode(sha256('k'), 'hex'), 0, 'k');
      INSERT INTO workbench.runs VALUES (repeat('a', 64), 'run', 'cut', 'p', '{}', 1);
      """)
    let script = """
      "$1" serve "$2" --port 0 > "$3/address" 2> "$3/said" & server=$!
      for n in $(seq 200); do [ -s "$3/address" ] && break; sleep 0.1; done
      curl -s "$(cat "$3/address")api/runs" > "$3/runs"
      curl -s "$(cat "$3/address")api/unreadable" > "$3/unreadable"
      kill $server
      """
    let outcome = try Program.command("/bin/bash", ["-c", script, "bash", Program.path, home, scratch.path])
    func text(_ name: String) throws -> String {
      try String(contentsOfFile: scratch.file(name), encoding: .utf8)
    }
    let id = try server.sql("SELECT id FROM workbench.runs WHERE name NOT IN ('evil', 'cut')").prefix(64)
    #expect(try text("runs").contains("\"id\":\"\(id)\""), "\(outcome.error)")
    #expect(try text("unreadable").contains("evil") && text("unreadable").contains("cut"))
    #expect(try text("said").contains("identifier is not the hash") && text("said").contains("is missing"))
    #expect(try Program.run("pull", home, "evil", "-o", scratch.file("evil")).status == 65)
    #expect(!FileManager.default.fileExists(atPath: scratch.file("evil")))
    // Nothing but such runs: an error in words.
    _ = try server.sql("DELETE FROM workbench.runs WHERE name NOT IN ('evil', 'cut')")
    #expect(try Program.run("serve", home, "--port", "0").status == 65)
  }

  @Test(
    "a home of an older program is brought up to date by a push, with what is in it; one of a newer program is left alone"
  )
  func migration() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = Self.home(server)
    let run = try FormatTests.source(scratch)
    #expect(try Program.run("push", run, home, "-q").status == 0)
    // Back to version 1.
    _ = try server.sql(
      "DROP INDEX workbench.runs_by_name; ALTER TABLE workbench.runs DROP COLUMN note; DELETE FROM workbench.home_version WHERE version = 2"
    )
    let old = try Program.run("pull", home)
    #expect(old.status == 65 && old.error.contains("of an older program"), "\(old.error)")
    #expect(try Program.run("push", run, home, "-q").status == 0)
    #expect(try server.sql("SELECT max(version), count(*) FROM workbench.home_version") == "2|2\n")
    let list = try Program.run("pull", home, "--json")
    #expect(list.status == 0 && list.output.contains("\"note\":\"\""), "\(list.output)")
    _ = try server.sql("INSERT INTO workbench.home_version (version) VALUES (99)")
    for words in [["push", run, home], ["pull", home]] {
      let newer = try Program.command(Program.path, words)
      #expect(newer.status == 65 && newer.error.contains("Use a newer program"), "\(newer.error)")
    }
  }

  @Test("a home that names files and runs elsewhere makes nothing outside of the directory asked for")
  func hostileHome() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = Self.home(server)
    let run = try FormatTests.source(scratch)
    // What a person put beside a run stays with that person.
    try Data("mine".utf8).write(to: URL(fileURLWithPath: run + "/notes.txt"))
    #expect(try Program.run("push", run, home, "-q").status == 0)
    #expect(try server.sql("SELECT count(*) FROM workbench.files WHERE path = 'notes.txt'") == "0\n")
    let before = try scratch.entries()
    for name in [
      "../escaped", "/tmp/workbench-escaped", "telemetry/../../escaped", ".", "a//b", "telemetry/",
    ] {
      _ = try server.sql("UPDATE workbench.files SET path = '\(name)' WHERE path LIKE 'scenario.yaml'")
      let pulled = try Program.run("pull", home, "-q", try Self.only(server), "-o", scratch.file("pulled"))
      #expect(pulled.status == 65 && pulled.error.contains("cannot be inside it"), "\(pulled.error)")
      #expect(try scratch.entries() == before)
      _ = try server.sql("UPDATE workbench.files SET path = 'scenario.yaml' WHERE path = '\(name)'")
    }
    #expect(!FileManager.default.fileExists(atPath: "/tmp/workbench-escaped"))
    // A run's identifier is a name of nothing but the run.
    _ = try server.sql(
      """
      ALTER TABLE workbench.runs DROP CONSTRAINT runs_id_check;
      ALTER TABLE workbench.files DROP CONSTRAINT files_run_id_fkey;
      UPDATE workbench.runs SET id = '../escaped'; UPDATE workbench.files SET run_id = '../escaped'
      """)
    let script = """
      export TMPDIR="$3"; "$1" serve "$2" --port 0 > "$3/address" & server=$!
      for n in $(seq 100); do [ -s "$3/address" ] && break; sleep 0.1; done
      ls "$3"; kill $server; wait $server
      """
    try FileManager.default.createDirectory(atPath: scratch.file("tmp"), withIntermediateDirectories: false)
    let served = try Program.command(
      "/bin/bash", ["-c", script, "bash", Program.path, home, scratch.file("tmp")])
    #expect(!served.output.contains("escaped"))
    #expect(try scratch.entries("/tmp") == ["address"])
  }

  /// The identifier of the one run in a home.
  static func only(_ server: PostgreSQLServer) throws -> String {
    try server.sql("SELECT id FROM workbench.runs").trimmingCharacters(in: .newlines)
  }

  @Test("the dashboard of a shared home has the runs that people pushed, and gives the bytes of aggregate")
  func servedHome() async throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = Self.home(server)
    let run = try FormatTests.source(scratch)
    #expect(try Program.run("push", run, home, "-q").status == 0)
    let script = """
      "$1" serve "$2" --port 0 > "$4/address" & server=$!
      for n in $(seq 100); do [ -s "$4/address" ] && break; sleep 0.1; done
      curl -s "$(cat "$4/address")api/runs" > "$4/runs"
      curl -s "$(cat "$4/address")api/runs/1/dashboard?kind=external&period=2026-03-05" > "$4/answer"
      kill $server
      """
    let outcome = try Program.command(
      "/bin/bash", ["-c", script, "bash", Program.path, home, run, scratch.path])
    let runs = try String(contentsOfFile: scratch.file("runs"), encoding: .utf8)
    let id = try server.sql("SELECT id FROM workbench.runs").prefix(64)
    #expect(runs.contains("\"id\":\"\(id)\""), "\(runs) \(outcome.error)")
    let expected = try Program.run("aggregate", run, "--kind", "external", "--period", "2026-03-05").output
    #expect(try String(contentsOfFile: scratch.file("answer"), encoding: .utf8) == expected)
  }
}
