import Foundation
import TestSupport
import Testing

/// Exit status 2, and one line: no verdict was possible.
@Suite("Commands without a verdict")
struct VerdictCommandTests {
  static func small(_ scratch: Scratch) throws -> String {
    try scratch.write(
      "small.yaml",
      """
      workbench: 1
      name: small
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: acme, subscription: { maxReplicas: 2 } }
      models:
        - { name: m, kind: external, provider: p, load: { arrivals: { poisson: { rate: 2/min } }, tokens: { input: 1, output: 1 } }, service: { time: { exponential: { mean: 1s } } } }
      """)
  }

  func isInconclusive(_ outcome: Program.Outcome, _ words: String) {
    #expect(outcome.status == 2, "\(outcome.output)\(outcome.error)")
    #expect(
      outcome.error.contains(": inconclusive: ") && outcome.error.contains(words)
        && outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
  }

  @Test(
    "validate without DuckDB has not checked the figures; what does not apply leaves the verdict as it is")
  func validate() throws {
    let scratch = try Scratch()
    let path = try Self.small(scratch)
    #expect(try Program.run("run", path, "--out", scratch.file("run"), "-q").status == 0)
    // `env` sets what the others inherit.
    let without = try Program.command(
      "/usr/bin/env", ["WORKBENCH_DUCKDB=/nowhere/duckdb", Program.path, "validate", scratch.file("run")])
    isInconclusive(without, "I13 was not checked")
    #expect(without.output.contains("could not be checked"))
    let json = try Program.command(
      "/usr/bin/env",
      ["WORKBENCH_DUCKDB=/nowhere/duckdb", Program.path, "validate", scratch.file("run"), "--json"])
    let entries = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    let figures = entries.first { $0["invariant"] as? String == "I13" }
    #expect(figures?["result"] as? String == "skipped" && figures?["isMissing"] as? Bool == true)
    // The tables alone come from no scenario and have no manifest and no dashboards: that much does not apply.
    let plain = try Program.run("validate", scratch.file("run/telemetry"))
    #expect(plain.status == 0 && plain.output.contains("does not apply"), "\(plain.output)\(plain.error)")
    // Damage that is found needs no second opinion.
    try Data("{}".utf8).write(to: URL(fileURLWithPath: scratch.file("run/scenario.yaml")))
    let damaged = try Program.command(
      "/usr/bin/env", ["WORKBENCH_DUCKDB=/nowhere/duckdb", Program.path, "validate", scratch.file("run")])
    #expect(damaged.status == 1, "\(damaged.output)")
  }

  @Test("a data set without requests, replicas and figures has nothing to validate")
  func empty() throws {
    let scratch = try Scratch()
    let path = try Self.small(scratch)
    #expect(try Program.run("run", path, "--out", scratch.file("run"), "-q").status == 0)
    let requests = scratch.file("run/telemetry/requests.csv")
    let header = try String(contentsOfFile: requests, encoding: .utf8).split(separator: "\n")[0]
    try Data("\(header)\n".utf8).write(to: URL(fileURLWithPath: requests))
    isInconclusive(try Program.run("validate", scratch.file("run/telemetry")), "there is nothing to check")
  }

  @Test("baseline check and update of nothing")
  func baseline() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(
      atPath: scratch.file("Scenarios"), withIntermediateDirectories: false)
    isInconclusive(try Program.run("baseline", "check", in: scratch.path), "there is no scenario")
    isInconclusive(try Program.run("baseline", "update", in: scratch.path), "there is no scenario")
  }

  /// An hour of a hosted model, its first token after so long.
  static func hosted(_ scratch: Scratch, _ name: String, firstToken: String = "180ms") throws -> String {
    try scratch.write(
      name,
      """
      workbench: 1
      name: hosted
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: acme, subscription: { maxReplicas: 4 } }
      models:
        - name: m
          kind: fineTuned
          baseModel: base
          load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: { geometric: { mean: 200 } }, output: { geometric: { mean: 50 } } } }
          deployments:
            - { version: V1, deployAt: 2026-01-01, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 4, maxBatchSize: 4 }, service: { firstToken: \(firstToken), perOutputToken: 8ms } }
      """)
  }

  @Test("three replications of the same seeds tell a first token that takes 280 ms from one of 180 ms")
  func pairs() throws {
    let scratch = try Scratch()
    for (folder, firstToken) in [("a", "180ms"), ("b", "280ms"), ("c", "180ms")] {
      try FileManager.default.createDirectory(
        atPath: scratch.file(folder), withIntermediateDirectories: false)
      let path = try Self.hosted(scratch, "\(folder).yaml", firstToken: firstToken)
      for seed in 1...3 {
        let run = try Program.run(
          "run", path, "--seed", "\(seed)", "--out", scratch.file("\(folder)/\(seed)"), "-q", "--formats",
          "none")
        #expect(run.status == 0, "\(run.error)")
      }
    }
    let slow = try Program.run("compare", scratch.file("a"), scratch.file("b"))
    #expect(
      slow.status == 1 && slow.output.contains("in pairs") && slow.output.contains("latency.summary.average"),
      "\(slow.output)\(slow.error)")
    #expect(try Program.run("compare", scratch.file("a"), scratch.file("c")).status == 0)
  }

  @Test("a run that was copied, or simulated again, is no further replication")
  func copies() throws {
    let scratch = try Scratch()
    let path = try Self.small(scratch)
    for folder in ["a", "b", "c"] {
      try FileManager.default.createDirectory(
        atPath: scratch.file(folder), withIntermediateDirectories: false)
    }
    func run(_ place: String, _ arguments: String...) throws {
      let run = try Program.command(
        Program.path, ["run", path, "--out", scratch.file(place), "-q"] + arguments)
      #expect(run.status == 0, "\(run.error)")
    }
    try run("a/1", "--seed", "1")
    try FileManager.default.copyItem(atPath: scratch.file("a/1"), toPath: scratch.file("a/2"))
    for seed in 1...2 { try run("b/\(seed)", "--seed", "\(seed)") }
    // The same requests, by another text and in another format.
    try run("c/1", "--seed", "1")
    try run("c/2", "--seed", "1", "--set", "description=again", "--formats", "csv,ndjson")
    for (expected, actual, words) in [
      ("a", "b", "their scenario and seed are the same"), ("b", "a", "their scenario and seed"),
      ("c", "b", "their requests are the same"),
    ] {
      let outcome = try Program.run("compare", scratch.file(expected), scratch.file(actual))
      let side = expected == "b" ? actual : expected
      #expect(
        outcome.status == 65 && outcome.error.contains(words)
          && outcome.error.contains(scratch.file("\(side)/1"))
          && outcome.error.contains(scratch.file("\(side)/2")),
        "\(outcome.output)\(outcome.error)")
    }
    #expect(try Program.run("compare", scratch.file("b"), scratch.file("b")).status == 0)
    // Nor is a run of another scenario, whatever its name; another name alone makes no other scenario.
    try run("b/3", "--seed", "3", "--set", "name=other")
    #expect(try Program.run("compare", scratch.file("b"), scratch.file("b")).status == 0)
    try run("b/4", "--seed", "4", "--set", "models.0.load.scale=0.5")
    let mixed = try Program.run("compare", scratch.file("b"), scratch.file("b"))
    #expect(
      mixed.status == 65 && mixed.error.contains("differ in more than their seed")
        && mixed.error.contains(scratch.file("b/4")), "\(mixed.output)\(mixed.error)")
  }

  @Test("replicas without a price or a deployment are refused, never charged nothing or in silence")
  func charges() throws {
    let scratch = try Scratch()
    let path = try Self.hosted(scratch, "hosted.yaml")
    #expect(try Program.run("run", path, "--out", scratch.file("run"), "-q").status == 0)
    let damages: [(table: String, words: String, change: ([String]) -> [String])] = [
      (
        "hardware", "\"A10 single\", for which the hardware table has no price",
        { $0.filter { !$0.contains("A10 single") } }
      ),
      (
        "replicas", "replicas of version \"V9\", which is not in the deployments table",
        { $0 + [($0.last ?? "").replacing("V1", with: "V9")] }
      ),
    ]
    for (table, words, change) in damages {
      let data = scratch.file(table)
      try FileManager.default.copyItem(atPath: scratch.file("run/telemetry"), toPath: data)
      let file = URL(fileURLWithPath: "\(data)/\(table).csv")
      let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
      try Data((change(lines).joined(separator: "\n") + "\n").utf8).write(to: file)
      let database = scratch.file("\(table).sqlite")
      for command in [
        ["aggregate", data, "--period", "7d", "--kind", "fineTuned"], ["convert", data, database],
        ["report", data, "-o", scratch.file("r.html")],
        ["compare", data, scratch.file("run/dashboard")],
      ] {
        let outcome = try Program.command(Program.path, command)
        #expect(
          outcome.status == 65 && outcome.error.contains(words),
          "\(command): \(outcome.output)\(outcome.error)")
      }
      let validated = try Program.run("validate", data)
      #expect(validated.status == 1, "\(validated.output)")
    }
  }

  @Test("a day that rollups alone cannot cut is refused with the zone and the instant")
  func uncut() throws {
    let scratch = try Scratch()
    let path = try Self.small(scratch)
    for (place, formats) in [("none", "none"), ("csv", "csv")] {
      let run = try Program.run(
        "run", path, "--out", scratch.file(place), "-q", "--formats", formats, "--set",
        "account.timeZone=America/St_Johns", "--set", "period.from=2010-11-05", "--set",
        "period.to=2010-11-09")
      #expect(run.status == 0, "\(run.error)")
    }
    func aggregate(_ place: String, _ period: String) throws -> Program.Outcome {
      try Program.run("aggregate", scratch.file(place), "--kind", "external", "--period", period)
    }
    for period in ["2010-11-07", "2010-11-06", "2010-11-06..2010-11-07"] {
      let refused = try aggregate("none", period)
      #expect(
        refused.status == 64 && refused.output.isEmpty && refused.error.contains("America/St_Johns")
          && refused.error.contains("2010-11-07T02:31:00.000000Z")
          && refused.error.split(separator: "\n").count == 1, "\(period): \(refused.error)")
      #expect(try aggregate("csv", period).status == 0, "\(period)")
    }
    #expect(try aggregate("none", "2010-11-08").output == aggregate("csv", "2010-11-08").output)
  }

  @Test("aggregate says how many requests do not count, the same from rollups and from requests")
  func late() throws {
    let scratch = try Scratch()
    let path = try Self.small(scratch)
    for (place, formats) in [("run", "csv"), ("rollups", "none")] {
      let run = try Program.run(
        "run", path, "--out", scratch.file(place), "-q", "--formats", formats, "--set",
        "period.to=2026-01-05T03:00")
      #expect(run.status == 0, "\(run.error)")
    }
    try FileManager.default.copyItem(
      atPath: scratch.file("run/telemetry"), toPath: scratch.file("requests"))
    let rows = try String(contentsOfFile: scratch.file("requests/requests.csv"), encoding: .utf8)
      .split(separator: "\n").dropFirst().map { String($0.split(separator: ",")[1]) }
    func aggregate(_ place: String, _ now: String) throws -> (total: Int, error: String) {
      let outcome = try Program.run(
        "aggregate", scratch.file(place), "--kind", "external", "--period", "7d", "--now", now)
      #expect(outcome.status == 0, "\(outcome.error)")
      let figures = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      let requests = try #require(figures["requests"] as? [String: Any])
      return (try #require(requests["totalRequests"] as? Int), outcome.error)
    }
    // A full quarter, and an instant inside one, which needs the requests.
    for (now, places) in [
      ("2026-01-05T02:00:00.000000Z", ["run", "rollups", "requests"]),
      ("2026-01-05T02:00:30.000000Z", ["run", "requests"]),
    ] {
      let late = rows.count { $0 >= now }
      #expect(late > 50 && late < rows.count)
      for place in places {
        let found = try aggregate(place, now)
        #expect(
          found.error == "workbench: \(late) requests arrive at \(now) or later and do not count\n",
          "\(place): \(found.error)")
        #expect(found.total + late == rows.count, "\(place)")
      }
    }
    let whole = try aggregate("run", "2026-01-05T03:00:00.000000Z")
    #expect(whole.total == rows.count && whole.error.isEmpty, "\(whole.error)")
  }

  @Test("of a merge, validate says what there is")
  func merged() throws {
    let scratch = try Scratch()
    let path = try Self.hosted(scratch, "hosted.yaml")
    for (place, to) in [("a", "2026-01-05T01:00"), ("b", "2026-01-05T02:00")] {
      let from = place == "a" ? "2026-01-05T00:00" : "2026-01-05T01:00"
      let run = try Program.run(
        "run", path, "--out", scratch.file(place), "-q", "--set", "period.from=\(from)", "--set",
        "period.to=\(to)")
      #expect(run.status == 0, "\(run.error)")
    }
    let merge = try Program.run("merge", scratch.file("a"), scratch.file("b"), "-o", scratch.file("m"), "-q")
    #expect(merge.status == 0, "\(merge.error)")
    let outcome = try Program.run("validate", scratch.file("m"))
    #expect(
      outcome.status == 66 && outcome.error.contains("a merge has the rollups of its shards")
        && !outcome.error.contains("--formats"), "\(outcome.error)")
  }

  @Test("compare of too few replications, in every form of output")
  func compare() throws {
    let scratch = try Scratch()
    let path = try Self.small(scratch)
    for folder in ["a", "b"] {
      try FileManager.default.createDirectory(
        atPath: scratch.file(folder), withIntermediateDirectories: false)
    }
    for seed in 1...4 {
      let folder = seed <= 2 ? "a" : "b"
      let run = try Program.run(
        "run", path, "--seed", "\(seed)", "--out", scratch.file("\(folder)/\(seed)"), "-q", "--formats",
        "none")
      #expect(run.status == 0, "\(run.error)")
    }
    let junit = scratch.file("report.xml")
    let outcome = try Program.run("compare", scratch.file("a"), scratch.file("b"), "--junit", junit)
    isInconclusive(outcome, "2 and 2 replications are too few")
    #expect(outcome.output.hasPrefix("Inconclusive: "), "\(outcome.output)")
    let json = try Program.run("compare", scratch.file("a"), scratch.file("b"), "--json")
    let result = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(json.status == 2 && result["verdict"] as? String == "inconclusive")
    #expect((result["reason"] as? String)?.contains("too few") ?? false)
    let report = try String(contentsOfFile: junit, encoding: .utf8)
    #expect(report.contains("type=\"inconclusive\"") && report.contains("errors=\"1\""), "\(report)")
    #expect(try Program.run("compare", scratch.file("a"), scratch.file("a")).status == 0)
    let ignoring = try scratch.write(
      "t.yaml", "workbenchTolerances: 1\nrules:\n  - { path: \"**\", ignore: true }\n")
    isInconclusive(
      try Program.run(
        "compare", scratch.file("a/1"), scratch.file("a/2"), "--what", "dashboards", "--tolerances", ignoring),
      "leave no figure")
  }
}
