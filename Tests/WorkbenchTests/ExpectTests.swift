import Foundation
import TestSupport
import Testing

@Suite("workbench run and expect: objectives")
struct ExpectTests {
  /// An hour of two external models: of sixty requests fifty-nine take 100 ms, and one, to another model, 5 s.
  static func scenario(_ scratch: Scratch, _ objectives: [String], name: String = "two.yaml") throws -> String
  {
    let lines = objectives.map { "  - \($0)\n" }.joined()
    return try scratch.write(
      name,
      """
      workbench: 1
      name: two
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: acme, subscription: { maxReplicas: 2 } }
      models:
        - { name: fast, kind: external, provider: p, load: { arrivals: { poisson: { rate: 59/min } }, tokens: { input: 1, output: 11 } }, service: { firstToken: 50ms, perOutputToken: 5ms } }
        - { name: slow, kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 5s } }
      \(objectives.isEmpty ? "" : "expect:\n\(lines)")
      """)
  }

  private func json(_ outcome: Program.Outcome) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any],
      "\(outcome.output)\(outcome.error)")
  }

  @Test("a run that breaks an objective is whole, has status 1 and says what broke where and when")
  func broken() throws {
    let scratch = try Scratch()
    let path = try Self.scenario(scratch, ["latency.p95 <= 1s", "models.fast.ttft.p99 <= 80ms"])
    let run = try Program.run(
      "run", path, "--out", scratch.file("run"), "--junit", scratch.file("junit.xml"))
    #expect(run.status == 1, "\(run.error)")
    #expect(
      run.output.contains("BROKEN       latency.p95 <= 1s: model slow has 50")
        && run.output.contains("worst 2026-01-05T00:00:00Z to 2026-01-05T01:00:00Z")
        && run.output.contains("kept         models.fast.ttft.p99 <= 80ms: model fast has 50.0 ms"),
      "\(run.output)")
    let junit = try String(contentsOfFile: scratch.file("junit.xml"), encoding: .utf8)
    #expect(
      junit.contains(#"tests="2" failures="1" errors="0""#)
        && junit.contains(#"<testcase name="latency.p95 &lt;= 1s" classname="each of 2 models">"#)
        && junit.contains("model slow has 50"), "\(junit)")
    // It is a run like any other: the same files as without objectives, but for the scenario.
    let plain = try Self.scenario(scratch, [], name: "plain.yaml")
    #expect(try Program.run("run", plain, "--out", scratch.file("plain"), "-q").status == 0)
    let (with, without) = (try contents(scratch.file("run")), try contents(scratch.file("plain")))
    #expect(Set(with.keys) == Set(without.keys))
    for (file, data) in without where file != "scenario.yaml" && file != "manifest.json" {
      #expect(with[file] == data, "\(file)")
    }
    #expect(try Program.run("aggregate", scratch.file("run"), "--period", "24h").status == 0)
    // Quietly, standard error says it; as JSON, the summary has it.
    let quiet = try Program.run("run", path, "--out", scratch.file("quiet"), "-q", "--formats", "none")
    #expect(quiet.status == 1 && quiet.output.isEmpty, "\(quiet.output)")
    #expect(
      quiet.error.contains("two.yaml: broken: latency.p95 <= 1s: model slow has")
        && quiet.error.split(separator: "\n").count == 1, "\(quiet.error)")
    let document = try json(
      Program.run("run", path, "--out", scratch.file("json"), "--json", "--formats", "none"))
    let objectives = try #require(document["objectives"] as? [String: Any])
    #expect(objectives["verdict"] as? String == "broken")
    let results = try #require(objectives["objectives"] as? [[String: Any]])
    #expect(results.map { $0["verdict"] as? String } == ["broken", "kept"])
    let worst = try #require(results[0]["worst"] as? [String: Any])
    #expect((worst["subject"] as? [String: Any])?["model"] as? String == "slow")
    #expect(((worst["worst"] as? [String: Any])?["from"] as? String) == "2026-01-05T00:00:00Z")
  }

  @Test("a run that keeps its objectives has status 0; one that cannot be judged has status 2 and one line")
  func keptAndOpen() throws {
    let scratch = try Scratch()
    let kept = try Self.scenario(
      scratch,
      [
        "latency.p95 <= 6s", "models.fast.goodput(ttft <= 60ms, tpot <= 6ms) >= 99%",
        "latency.p50 <= 6s in 100% of hours",
      ])
    let run = try Program.run("run", kept, "--out", scratch.file("kept"), "--formats", "none")
    #expect(run.status == 0 && run.output.contains("Objectives"), "\(run.output)\(run.error)")
    #expect(!run.output.contains("BROKEN"))
    // Some sixty requests do not show a 99th percentile.
    let open = try Self.scenario(scratch, ["models.slow.latency.p99 <= 6s"], name: "open.yaml")
    let outcome = try Program.run("run", open, "--out", scratch.file("open"))
    #expect(outcome.status == 2, "\(outcome.output)")
    #expect(
      outcome.error.contains("open.yaml: inconclusive: models.slow.latency.p99 <= 6s: model slow has ")
        && outcome.error.contains("100 are the fewest") && outcome.error.split(separator: "\n").count == 1,
      "\(outcome.error)")
    #expect(FileManager.default.fileExists(atPath: scratch.file("open/manifest.json")))
    let none = try Self.scenario(scratch, [], name: "none.yaml")
    let junit = try Program.run("run", none, "--out", scratch.file("n"), "--junit", scratch.file("n.xml"))
    #expect(junit.status == 64 && junit.error.contains("the scenario has none"), "\(junit.error)")
  }

  @Test("expect judges a data set by options, a file, a scenario, or the run's own scenario")
  func sources() throws {
    let scratch = try Scratch()
    let path = try Self.scenario(scratch, ["latency.p95 <= 6s"])
    let run = scratch.file("run")
    #expect(try Program.run("run", path, "--out", run, "-q").status == 0)
    let own = try Program.run("expect", run)
    #expect(own.status == 0 && own.output.contains("kept         latency.p95 <= 6s"), "\(own.error)")
    let options = try Program.run(
      "expect", run, "--slo", "pooled.latency.p95 <= 1s, models.slow.latency.p95 <= 1s", "--slo",
      "accounts.*.failureRate <= 5%")
    #expect(
      options.status == 1 && options.output.contains("kept         pooled.latency.p95 <= 1s")
        && options.output.contains("BROKEN       models.slow.latency.p95 <= 1s")
        && options.output.contains("kept         accounts.*.failureRate <= 5%: account acme has 0.000 %"),
      "\(options.output)\(options.error)")
    let file = try scratch.write("o.yaml", "workbenchObjectives: 1\nexpect: [ latency.p95 <= 1s ]\n")
    #expect(try Program.run("expect", run, "--file", file).status == 1)
    let other = try Self.scenario(scratch, ["latency.p95 <= 2s"], name: "other.yaml")
    // The telemetry alone, of which nothing says where it comes from; as JSON and JUnit.
    let alone = try Program.run(
      "expect", scratch.file("run/telemetry"), "--scenario", other, "--json", "--junit",
      scratch.file("j.xml"))
    #expect(alone.status == 1, "\(alone.error)")
    #expect(try json(alone)["verdict"] as? String == "broken")
    #expect(alone.error.contains("broken: latency.p95 <= 2s: model slow has"), "\(alone.error)")
    let junit = try String(contentsOfFile: scratch.file("j.xml"), encoding: .utf8)
    #expect(junit.contains(#"failures="1""#) && junit.contains("workbench expect"), "\(junit)")
    // Every format of the same requests gives the same answer.
    #expect(try Program.run("convert", run, scratch.file("run.sqlite")).status == 0)
    let sqlite = try Program.run("expect", scratch.file("run.sqlite"), "--slo", "latency.p95 <= 2s")
    let csv = try Program.run("expect", run, "--slo", "latency.p95 <= 2s")
    #expect(sqlite.output == csv.output && csv.status == 1, "\(sqlite.error)")
  }

  @Test("expect never passes without a verdict")
  func inconclusive() throws {
    let scratch = try Scratch()
    let run = scratch.file("run")
    #expect(
      try Program.run("run", Self.scenario(scratch, []), "--out", run, "-q").status == 0)
    for (arguments, words) in [
      ([], "there is no objective to judge it by"),
      (["--slo", "models.slow.tpot.mean <= 1s"], "tpot of any request"),
      (["--slo", "classes.batch.latency.p95 <= 9s"], "no request has a class"),
      (["--slo", "credits <= 9"], "has no replicas"),
      (["--slo", "cacheHitRate >= 10%"], "which input tokens a cache had"),
    ] {
      let outcome = try Program.command(Program.path, ["expect", run] + arguments)
      #expect(outcome.status == 2, "\(arguments): \(outcome.output)\(outcome.error)")
      #expect(
        outcome.error.contains(": inconclusive: ") && outcome.error.contains(words)
          && outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    }
    let requests = scratch.file("run/telemetry/requests.csv")
    let header = try String(contentsOfFile: requests, encoding: .utf8).split(separator: "\n")[0]
    try Data("\(header)\n".utf8).write(to: URL(fileURLWithPath: requests))
    let junit = scratch.file("empty.xml")
    let empty = try Program.run(
      "expect", scratch.file("run/telemetry"), "--slo", "latency.p95 <= 9s", "--junit", junit)
    #expect(empty.status == 2 && empty.error.contains("no request in the period"), "\(empty.error)")
    #expect(try String(contentsOfFile: junit, encoding: .utf8).contains(#"failures="0" errors="1""#))
  }

  @Test("wrong objectives: usage on the command line, with file and line in a document; a nearest name")
  func mistakes() throws {
    let scratch = try Scratch()
    let run = scratch.file("run")
    #expect(try Program.run("run", Self.scenario(scratch, []), "--out", run, "-q").status == 0)
    for (slo, words) in [
      ("latency.p95 <= 5", "--slo: \"5\" is not a bound on latency.p95."),
      ("models.fsat.latency.p95 <= 5s", "there is no model \"fsat\". Did you mean fast?"),
    ] {
      let outcome = try Program.run("expect", run, "--slo", slo)
      #expect(outcome.status == 64 && outcome.error.contains(words), "\(outcome.error)")
    }
    let file = try scratch.write(
      "o.yaml", "workbenchObjectives: 1\nexpect:\n  - models.fsat.latency.p95 <= 5s\n")
    let unknown = try Program.run("expect", run, "--file", file)
    #expect(
      unknown.status == 65
        && unknown.error.contains("o.yaml:3:5: error: models.fsat.latency.p95 <= 5s: there is"),
      "\(unknown.error)")
    let scenario = try Self.scenario(scratch, ["models.fsat.latency.p95 <= 5s"], name: "wrong.yaml")
    let wrong = try Program.run("run", scenario, "--out", scratch.file("wrong"))
    #expect(
      wrong.status == 65 && wrong.error.contains("wrong.yaml:9:5: error: ")
        && wrong.error.contains("Did you mean fast?"), "\(wrong.error)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("wrong")))
    #expect(try Program.run("expect", scratch.file("nowhere"), "--slo", "latency.p95 <= 5s").status == 66)
  }

  @Test("plans take the same notation, goodput too, and say what they do not keep")
  func plans() throws {
    let scratch = try Scratch()
    let path = try Self.scenario(scratch, [])
    func plan(_ slo: String) throws -> Program.Outcome {
      try Program.run(
        "plan", path, "--slo", slo, "--replications", "3", "--warm-up", "none", "-o",
        scratch.file(UUID().uuidString), "--json")
    }
    for (slo, status) in [
      ("models.slow.latency.p95 <= 1s", 1), ("models.fast.latency.p95 <= 1s", 0),
      ("pooled.latency.p95 <= 1s", 0), ("latency.p95 <= 1s", 1), ("models.*.latency.p95 <= 6s", 0),
      ("goodput(latency <= 1s) >= 50%", 1), ("models.fast.goodput(ttft <= 60ms, tpot <= 6ms) >= 99%", 0),
      ("pooled.goodput(latency <= 1s) >= 90%", 0), ("throughput.requests >= 0.5/s", 1),
      ("pooled.throughput.requests >= 0.5/s", 0),
    ] {
      let outcome = try plan(slo)
      #expect(outcome.status == Int32(status), "\(slo): \(outcome.error)")
    }
    let worst = try json(plan("throughput.requests >= 0.5/s"))
    let variant = try #require((worst["variants"] as? [[String: Any]])?.first)
    #expect(((variant["levels"] as? [[String: Any]])?.first)?["model"] as? String == "slow")
    #expect((variant["worstModels"] as? [String: String])?["throughput.requests[worst]"] == "slow")
    for (slo, words) in [
      ("latency.p95 <= 1s in 95% of hours", "a plan keeps no figures of hours"),
      ("models.fast.versions.V1.latency.p95 <= 1s", "not of versions or classes"),
      ("classes.batch.latency.p95 <= 1s", "not of versions or classes"),
      ("accounts.*.failureRate <= 1%", "not of an account"),
      ("waiting.p95 <= 1s", "a plan does not keep waiting.p95"),
      ("models.fast.credits <= 1", "of all replicas together"),
      ("models.fsat.latency.p95 <= 1s", "no model with requests is called \"fsat\""),
      ("models.slow.goodput(ttft <= 1s) >= 99%", "no response comes token by token"),
    ] {
      let outcome = try plan(slo)
      #expect(outcome.status == 64 && outcome.error.contains(words), "\(slo): \(outcome.error)")
    }
  }
}
