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
