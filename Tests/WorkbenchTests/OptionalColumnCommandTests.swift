import Foundation
import TestSupport
import Testing

/// What only some telemetry knows of requests, by the command line.
@Suite("Optional columns and unknown values under the commands")
struct OptionalColumnCommandTests {
  private static let mapping = """
    workbenchMapping: 1
    account: { name: acme }
    columns:
      arrivedAt: t
      model: m
      kind: { constant: external }
      latency: { column: ms }
      waiting: { column: w, missing: unknown }
      firstToken: { column: f, missing: unknown }
      inputTokens: { column: in, missing: unknown }
      outputTokens: { column: out, missing: unknown }
      cachedInputTokens: hit
      reasoningTokens: think
      cost: price
      session: s
      turn: n
      attempt: try
      class: c
      user: u
      adapter: lora
      prefix: blocks

    """

  /// Every second request states everything, the others nothing that they need not.
  private static func run(_ scratch: Scratch, _ requests: Int = 40) throws -> String {
    let rows = (0..<requests).map { row -> String in
      let at = "2026-03-02T09:\(row / 10 < 6 ? "0" : "")\(row / 10 % 6):\(row % 10 * 6 + 10)Z"
      if row % 2 == 1 { return #"{"t":"\#(at)","m":"x","ms":300}"# }
      return
        #"{"t":"\#(at)","m":"x","ms":300,"w":10,"f":100,"in":40,"out":21,"hit":16,"think":4,"price":0.002,"s":"s\#(row % 3)","n":\#(row),"try":1,"c":"batch","u":"Ann","lora":"fr","blocks":["a","b\#(row % 3)","c\#(row)"]}"#
    }
    let export = try scratch.write("t.ndjson", rows.joined(separator: "\n") + "\n")
    let made = try Program.run(
      "import", "table", export, "--mapping", scratch.write("map.yaml", mapping), "-o", scratch.file("run"),
      "-q")
    #expect(made.status == 0, "\(made.error)")
    return scratch.file("run")
  }

  private static func requests(_ run: String) throws -> [[String: String]] {
    let text = try String(contentsOfFile: "\(run)/telemetry/requests.csv", encoding: .utf8)
    let lines = text.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    return lines.dropFirst().map { line in
      Dictionary(uniqueKeysWithValues: zip(lines[0].map(String.init), line.map(String.init)))
    }
  }

  @Test(
    "PostgreSQL gives back every column, also one that is called as its own word for the role that asks",
    .enabled(if: PostgreSQLServer.programs != nil, "PostgreSQL is not installed: .ci/setup tests"))
  func postgreSQL() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch)
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let address = server.address("optional")
    for (from, to) in [(run, address), (address, scratch.file("back"))] {
      let converted = try Program.run("convert", from, to, "-q")
      #expect(converted.status == 0, "\(converted.error)")
    }
    #expect(try Self.requests(scratch.file("back")) == Self.requests(run))
    // A fixture's statements make the same tables.
    let fixture = try Program.run(
      "fixture", run, "-o", scratch.file("fixture"), "--formats", "csv", "-q")
    #expect(fixture.status == 0, "\(fixture.error)")
    let loaded = try server.file(scratch.file("fixture/sql/postgresql.sql"))
    #expect(loaded.status == 0, "\(loaded.error)")
    let again = try Program.run(
      "convert", server.address("fixture"), scratch.file("again"), "-q"
    )
    #expect(again.status == 0, "\(again.error)")
    #expect(
      try Self.requests(scratch.file("again")).map { $0["user"] } == Self.requests(run).map { $0["user"] })
  }

  @Test("a fixture that is anonymised names no session, user or adapter, and keeps them apart")
  func anonymised() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch)
    let made = try Program.run(
      "fixture", run, "-o", scratch.file("f"), "--formats", "csv", "--anonymise", "--salt", "s3cret", "-q")
    #expect(made.status == 0, "\(made.error)")
    let (before, after) = (try Self.requests(run), try Self.requests(scratch.file("f")))
    for column in ["session", "user", "adapter"] {
      let pairs = Set(zip(before, after).map { "\($0[column] ?? "") \($1[column] ?? "")" })
      #expect(pairs.count == Set(before.map { $0[column] }).count, "one for one")
      #expect(
        zip(before, after).allSatisfy { $0[column] == "" ? $1[column] == "" : $0[column] != $1[column] })
    }
    for column in ["class", "prefix", "turn", "cost_micro"] {
      #expect(before.map { $0[column] } == after.map { $0[column] })
    }
  }

  @Test("what is unknown is no sample, and 0 is one")
  func samples() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch, 60)
    let file = "\(run)/telemetry/requests.csv"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    // Without a manifest nothing is claimed of the rows.
    for (name, waiting) in [("unknown", ""), ("zero", "0")] {
      let copy = scratch.file(name)
      try FileManager.default.copyItem(atPath: "\(run)/telemetry", toPath: copy)
      let changed = text.replacing(/(success,,)(?:10000)?,/, with: { "\($0.output.1)\(waiting)," })
      try Data(changed.utf8).write(to: URL(fileURLWithPath: "\(copy)/requests.csv"))
    }
    let rules = try scratch.write(
      "tol.yaml",
      "workbenchTolerances: 1\nrules:\n  - { path: \"requests[*].waiting_us\", distribution: true }\n  - { path: \"**\", ignore: true }\n"
    )
    let compared = try Program.run(
      "compare", scratch.file("unknown"), scratch.file("zero"), "--what", "data", "--tolerances", rules)
    #expect(compared.status != 0, "\(compared.output)\(compared.error)")
  }

  @Test("a plan has every objective that it was given, in one option or in several")
  func objectives() throws {
    let scratch = try Scratch()
    let plan = try Program.run(
      "plan", repository("Scenarios/steady.yaml"), "--set", "period.to=2026-03-02T06:00:00Z",
      "--replications", "3",
      "--warm-up", "none", "--slo", "failureRate <= 0.0001%", "--slo", "throughput.requests >= 0.001/s", "-o",
      scratch.file("plan"), "-q", "--json")
    #expect(
      plan.output.contains("failureRate") && plan.output.contains("throughput.requests"), "\(plan.error)")
  }
}
