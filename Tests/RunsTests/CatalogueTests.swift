import Datasets
import Foundation
import Runs
import TestSupport
import Testing
import Verification

/// Each trap of the catalogue is what it says: judged on the figures, by what a person would expect.
@Suite("The catalogue of edge cases")
struct CatalogueTests {
  /// Written once: all fixtures. A static has no end; the process has one.
  static let catalogue: Result<Scratch, any Error> = Result {
    let scratch = try Scratch()
    for edge in try EdgeCase.catalogue() {
      let run = try Recording.record(try ScenarioBundle(edge.path), scratch.file("run-\(edge.name)"))
      var options = FixtureWriter.Options()
      options.requests = 1000
      options.name = edge.name
      options.about = edge.about
      options.program = "test"
      _ = try FixtureWriter(try Dataset(run), options).write(to: scratch.file("all/\(edge.name)"))
      try FileManager.default.removeItem(atPath: run)
    }
    atexit { if case .success(let scratch) = CatalogueTests.catalogue { scratch.remove() } }
    return scratch
  }

  typealias JSON = [String: Any]

  func json(_ fixture: String, _ name: String, account: String = "acme") throws -> JSON {
    let path = try Self.catalogue.get().file("all/\(fixture)/dashboard/\(account)/\(name).json")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? JSON)
  }

  func widget(_ json: JSON, _ name: String) throws -> JSON { try #require(json[name] as? JSON) }
  func points(_ json: JSON, _ widget: String) throws -> [JSON] {
    try #require(try self.widget(json, widget)["points"] as? [JSON])
  }
  func days(_ points: [JSON]) -> [String] {
    points.compactMap { ($0["at"] as? String).map { String($0.prefix(10)) } }
  }

  @Test("every fixture is whole: its invariants hold, and a second opinion gives every figure")
  func valid() throws {
    let root = try Self.catalogue.get().file("all")
    let names = try FileManager.default.contentsOfDirectory(atPath: root).sorted()
    #expect(names.count == 21)
    for name in names {
      let report = try RunVerification("\(root)/\(name)").run()
      #expect(report.holds, "\(name): \(report.findings) \(report.missing)")
      #expect(!report.skipped.contains { $0.invariant.rawValue == "I13" }, "\(name)")
    }
  }

  @Test("the catalogue's own README leads to each fixture and says what it is for")
  func readme() throws {
    let edges = try EdgeCase.catalogue()
    let text = EdgeCase.readme(edges, program: "p 1")
    #expect(edges.count == 21 && text.contains("p 1"))
    for edge in edges {
      #expect(text.contains("| [\(edge.name)](\(edge.name)/README.md) | \(edge.about) |"))
    }
  }

  @Test("a day without requests has no point and undefined averages")
  func silentDay() throws {
    let week = try json("silent-day", "openSource-7d")
    #expect(
      try days(points(week, "requests")) == ["02", "03", "05", "06", "07", "08"].map { "2026-03-\($0)" })
    let day = try json("silent-day", "openSource-2026-03-04")
    #expect(try points(day, "requests").isEmpty)
    #expect(try widget(day, "requests")["creditsPerRequest"] is NSNull)
    #expect(try widget(day, "latency")["summary"].map { ($0 as? JSON)?["average"] is NSNull } ?? false)
    #expect(try widget(day, "account")["deploymentCredits"] as? Double ?? 0 > 50)
  }

  @Test("a single request is its own average, quantiles and extremes")
  func singleRequest() throws {
    let week = try json("single-request", "openSource-7d")
    #expect(try points(week, "requests").count == 1 && points(week, "latency").count == 1)
    let summary = try #require(try widget(week, "latency")["summary"] as? [String: Double])
    #expect(summary["average"] == summary["minimum"] && summary["average"] == summary["maximum"])
  }

  @Test("only failures: requests and credits per request, no latency, no credits per response")
  func onlyFailures() throws {
    let week = try json("only-failures", "openSource-7d")
    let requests = try widget(week, "requests")
    #expect(requests["totalSuccesses"] as? Int == 0 && (requests["totalFailures"] as? Int ?? 0) > 100)
    #expect(requests["creditsPerResponse"] is NSNull && (requests["creditsPerRequest"] as? Double ?? 0) > 0)
    #expect(try points(week, "latency").isEmpty)
  }

  @Test("clocks: 23 hours without two o'clock, 25 with two of them")
  func clocks() throws {
    let spring = try points(json("daylight-saving-spring", "external-2026-03-08"), "requests").compactMap {
      $0["at"] as? String
    }
    #expect(!spring.contains { $0.contains("T02:") } && spring.count > 12 && spring.count <= 23)
    #expect(spring.contains { $0.hasSuffix("-05:00") } && spring.contains { $0.hasSuffix("-04:00") })
    let autumn = try json("daylight-saving-autumn", "openSource-2026-10-25")
    let twos = try points(autumn, "requests").compactMap { $0["at"] as? String }.filter {
      $0.contains("T02:00")
    }
    #expect(twos == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"])
  }

  @Test("odd time zones: hours start at a quarter and at half of an hour of UTC")
  func zones() throws {
    let kathmandu = try points(json("time-zone-kathmandu", "openSource-24h"), "requests")
    #expect(
      kathmandu.allSatisfy { ($0["at"] as? String ?? "").hasSuffix(":00:00+05:45") } && kathmandu.count > 10)
    let johns = try points(json("time-zone-st-johns", "openSource-24h"), "requests")
    #expect(johns.allSatisfy { ($0["at"] as? String ?? "").hasSuffix(":00:00-03:30") } && johns.count > 10)
  }

  @Test("the leap day is a day, and the year's edge is where it is")
  func calendar() throws {
    #expect(try days(points(json("leap-day", "openSource-7d"), "requests")).last == "2028-02-29")
    let (now, last) = (
      try json("year-edge", "openSource-this-year"), try json("year-edge", "openSource-last-year")
    )
    #expect(try days(points(now, "requests")) == ["2027-01-01", "2027-01-02", "2027-01-03"])
    #expect(try days(points(last, "requests")).last == "2026-12-31")
    #expect(try widget(now, "query")["from"] as? String == "2027-01-01T00:00:00+13:00")
  }

  @Test("same-name models are two, together under the name and apart by their deployment")
  func sameName() throws {
    let all = try json("same-name-models", "openSource-7d--model-translator")
    let total = try #require(try widget(all, "requests")["totalRequests"] as? Int)
    let folder = try Self.catalogue.get().file("all/same-name-models/dashboard/acme")
    let parts = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
      $0.hasPrefix("openSource-7d--model-translator--deployed") && !$0.contains("version")
    }
    #expect(parts.count == 2)
    let counts = try parts.map { part in
      try #require(
        try widget(json("same-name-models", String(part.dropLast(5))), "requests")["totalRequests"] as? Int)
    }
    #expect(counts.reduce(0, +) == total && counts.allSatisfy { $0 > 0 })
    #expect(try widget(all, "account")["deployedModels"] as? Int == 2)
  }

  @Test("redeployed, undeployed, on several hardware, at the limit")
  func deployments() throws {
    let again = try points(json("version-redeployed", "openSource-7d"), "scaling")
    let replicas = again.compactMap { $0["replicas"] as? Int }
    let zero = try #require(replicas.firstIndex(of: 0))
    #expect(replicas[(zero + 1)...].contains { $0 > 0 })
    #expect(Set(again.compactMap { $0["version"] as? String }) == ["V1"])
    #expect(
      try widget(json("several-hardwares", "openSource-7d"), "scaling")["hardware"] as? String
        == "Multiple Hardware")
    #expect(
      try widget(json("several-hardwares", "openSource-7d--version-V1"), "scaling")["hardware"] as? String
        == "T4 single")
    let gone = try points(json("undeployed-mid-range", "openSource-7d"), "scaling")
    #expect(gone.last?["replicas"] as? Int == 0)
    #expect(try widget(json("undeployed-mid-range", "openSource-24h"), "scaling")["hardware"] is NSNull)
    let limit = try json("at-the-replica-limit", "openSource-24h")
    #expect(try widget(limit, "scaling")["maxReplicas"] as? Int == 2)
    #expect(try points(limit, "scaling").last?["replicas"] as? Int == 2)
    #expect(try (widget(limit, "requests")["totalFailures"] as? Int ?? 0) > 50)
  }

  @Test("operations outside the windows happen at the next opening")
  func deferred() throws {
    let path = try Self.catalogue.get().file("all/deferred-deploys/telemetry/deployments.csv")
    let rows = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").dropFirst()
    #expect(rows.count == 3 && rows.count { $0.hasSuffix("deferred") } == 2, "\(rows)")
    // Asked for on Friday evening; Monday is frozen; Tuesday at eight in Berlin it starts.
    #expect(rows.contains { $0.contains("2026-03-06T18:00:00") && $0.contains("2026-03-10T07:0") }, "\(rows)")
  }

  @Test("token counts of nothing and of thousands of millions add up")
  func tokens() throws {
    let tokens = try widget(json("token-extremes", "external-7d--provider-OpenAI"), "tokens")
    #expect(tokens["totalInputTokens"] as? Int == 20_000_000_000)
    #expect(
      try
        (widget(json("token-extremes", "external-7d--provider-Cohere"), "tokens")["totalOutputTokens"] as? Int)
        == 0)
  }

  @Test("outliers, hostile names, external models only, latency modes, now inside an hour")
  func others() throws {
    let summary = try #require(
      try widget(json("latency-outliers", "openSource-7d"), "latency")["summary"] as? [String: Double])
    #expect((summary["average"] ?? 0) > 5 * (summary["p50"] ?? 0) && (summary["maximum"] ?? 0) > 300_000)
    let hostile = try Self.catalogue.get().file("all/hostile-names/telemetry/models.csv")
    let text = try String(contentsOfFile: hostile, encoding: .utf8)
    for name in ["<script>alert('x')</script>", "DROP TABLE", "\u{202e}gnp.exe", "模型", "../../etc/passwd"] {
      #expect(text.contains(name), "\(name)")
    }
    let external = try json("external-only", "external-7d")
    #expect(try widget(external, "account")["deploymentCredits"] as? Double == 0)
    #expect(external["scaling"] is NSNull)
    #expect(try widget(external, "account")["deployedModels"] as? Int == 3)
    #expect(
      try widget(json("latency-mode", "openSource-2026-03-04..2026-03-10"), "latency")["mode"] as? String
        == "perRequest")
    #expect(
      try widget(json("latency-mode", "openSource-2026-03-03..2026-03-10"), "latency")["mode"] as? String
        == "dailyAverage")
    let inside = try widget(json("now-inside-an-hour", "openSource-24h"), "query")
    #expect(
      (inside["to"] as? String ?? "").contains("T11:00:00")
        && (inside["now"] as? String ?? "").contains("T10:20:00"))
  }
}
