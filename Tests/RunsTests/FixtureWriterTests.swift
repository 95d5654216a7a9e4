import Datasets
import Foundation
import Runs
import Telemetry
import TestSupport
import Testing
import Verification

@Suite("Fixtures")
struct FixtureWriterTests {
  /// - Returns: what the fixture's directory holds.
  @discardableResult
  private static func fixture(
    _ run: String, _ path: String, _ change: (inout FixtureWriter.Options) throws -> Void
  ) throws -> [String: Data] {
    var options = FixtureWriter.Options()
    options.name = "test"
    options.program = "test"
    try change(&options)
    _ = try FixtureWriter(try Dataset(run), options).write(to: path)
    return try contents(path)
  }

  private static func text(_ data: Data?) -> String { String(decoding: data ?? Data(), as: UTF8.self) }

  @Test("the same data set gives the same bytes, and everything in them holds")
  func sameBytes() throws {
    let scratch = try Scratch()
    let bundle = try ScenarioBundle(repository("Scenarios/canary.yaml"))
    let run = try Recording.record(bundle, scratch.file("run"))
    func make(_ name: String) throws -> [String: Data] {
      try Self.fixture(run, scratch.file(name)) {
        $0.requests = 300
        $0.formats = [DatasetFormat(.csv), DatasetFormat(.sqlite)]
      }
    }
    let one = try make("one")
    #expect(try make("two") == one)
    for name in [
      "README.md", "queries.json", "manifest.json", "scenario.yaml", "sql/postgresql.sql", "sql/sqlite.sql",
      "telemetry/requests.csv", "telemetry/telemetry.sqlite",
    ] { #expect(one[name] != nil, "\(name)") }
    #expect(Self.text(one["telemetry/requests.csv"]).split(separator: "\n").count == 301)
    let report = try RunVerification(scratch.file("one")).run()
    #expect(report.holds, "\(report.findings) \(report.missing)")
    // Every question is answered by its file.
    let questions = try #require(
      try JSONSerialization.jsonObject(with: one["queries.json"] ?? Data()) as? [[String: Any]])
    #expect(questions.count > 30)
    #expect(questions.allSatisfy { one[$0["file"] as? String ?? ""] != nil })
    #expect(questions.count == one.keys.count { $0.hasPrefix("dashboard/") })
    #expect(throws: OutputError.self) { try make("one") }
  }

  @Test("thinning keeps as many as wanted, and of them every version and every outcome")
  func thinning() throws {
    let scratch = try Scratch()
    let run = try Recording.record(try Recording.bundle(scratch), scratch.file("run"))
    func combinations(_ path: String) throws -> (rows: Int, Set<[String]>) {
      let lines = Self.text(try contents(path)["telemetry/requests.csv"]).split(separator: "\n")
      let header = lines[0].split(separator: ",").map(String.init)
      let columns = try ["model_id", "version", "status", "failure_reason"].map {
        try #require(header.firstIndex(of: $0))
      }
      let rows = lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
      return (rows.count, Set(rows.map { row in columns.map { String(row[$0]) } }))
    }
    try Self.fixture(run, scratch.file("small")) { $0.requests = 12 }
    let (all, kept) = (try combinations(run), try combinations(scratch.file("small")))
    #expect(kept.rows == 12 && all.rows > 1000)
    #expect(all.1 == kept.1 && all.1.count > 3, "\(all.1) \(kept.1)")
  }

  @Test("names are replaced, the same by the same, and nothing of the old ones is left")
  func anonymised() throws {
    let scratch = try Scratch()
    let run = try Recording.record(try Recording.bundle(scratch), scratch.file("run"))
    func make(_ name: String, salt: String) throws -> [String: Data] {
      try Self.fixture(run, scratch.file(name)) {
        $0.requests = 50
        $0.pseudonyms = Pseudonyms(salt: salt)
      }
    }
    let one = try make("one", salt: "")
    for (name, data) in one {
      let text = name + Self.text(data)
      for secret in ["acme", "globex", "the\" бот", "the\\\"", "OpenAI"] {
        #expect(!text.contains(secret), "\(name) has \(secret)")
      }
    }
    #expect(try make("again", salt: "") == one)
    let salted = try make("salted", salt: "s3cret")
    #expect(salted["telemetry/models.csv"] != one["telemetry/models.csv"])
    #expect(!salted.values.contains { Self.text($0).contains("s3cret") })
    #expect(try RunVerification(scratch.file("one")).run().holds)
  }

  @Test(
    "dates are moved so that the data end with a day, however long that day is, and everything still holds",
    arguments: [("2027-03-27", "2027-03-28"), ("2026-10-25", "2026-10-26"), ("2024-02-29", "2024-03-01")])
  func anchored(anchor: String, next: String) throws {
    let scratch = try Scratch()
    let bundle = try ScenarioBundle(repository("Scenarios/daylight-saving.yaml"))
    let run = try Recording.record(bundle, scratch.file("run"))
    let files = try Self.fixture(run, scratch.file("moved")) {
      $0.requests = 200
      $0.anchor = LocalDate(anchor)
    }
    let dashboard = try #require(
      try JSONSerialization.jsonObject(with: files["dashboard/acme/openSource-24h.json"] ?? Data())
        as? [String: Any])
    let now = try #require((dashboard["query"] as? [String: Any])?["now"] as? String)
    // Local midnight after the anchor.
    #expect(now.hasPrefix("\(next)T00:00:00"), "\(now)")
    #expect(try RunVerification(scratch.file("moved")).run().holds)
  }
}
