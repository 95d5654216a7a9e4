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
}
