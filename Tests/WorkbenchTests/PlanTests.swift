import Datasets
import Foundation
import TestSupport
import Testing

@Suite("workbench plan")
struct PlanTests {
  /// An hour of a small system: quick, and with an objective that splits its variants.
  static func scenario(_ scratch: Scratch, _ name: String = "small.yaml", replicas: Int = 2) throws -> String
  {
    try scratch.write(
      name,
      """
      workbench: 1
      name: small
      seed: 5
      period: { from: 2026-01-05, to: 2026-01-05T02:00 }
      account: { name: acme, subscription: { maxReplicas: 8 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: 10, output: 20 } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: T4 single
              scaling: { minReplicas: \(replicas), maxReplicas: \(replicas), maxBatchSize: 1 }
              service: { time: { exponential: { mean: 1.2s } } }
      """)
  }

  static let replicas = "models.m.deployments.V1.scaling"

  func json(_ arguments: [String], status: Int32 = 0) throws -> [String: Any] {
    let outcome = try Program.command(Program.path, arguments + ["--json"])
    #expect(outcome.status == status, "\(arguments): \(outcome.error)")
    return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  func variants(_ plan: [String: Any]) throws -> [[String: Any]] {
    try #require(plan["variants"] as? [[String: Any]])
  }

  func value(_ variant: [String: Any], _ metric: String, of key: String = "metrics") -> Double? {
    ((variant[key] as? [String: Any])?[metric] as? [String: Any])?["value"] as? Double
  }

  @Test("a factorial design: every combination, paired to the base, the same on any number of threads")
  func factorial() throws {
    let scratch = try Scratch()
    let path = try Self.scenario(scratch)
    let arguments = [
      "plan", path, "--vary", "load.scale=0.5,1", "--vary", "\(Self.replicas).maxBatchSize=1..2",
      "--replications", "6",
      "--warm-up", "10min",
    ]
    let one = try json(arguments + ["-o", scratch.file("one"), "--threads", "1"])
    let two = try json(arguments + ["-o", scratch.file("two"), "--threads", "2"])
    let list = try variants(one)
    // The variant that changes nothing is the base: it is not simulated again.
    #expect(
      list.compactMap { $0["name"] as? String } == [
        "base", "scale=0.5, maxBatchSize=1", "scale=0.5, maxBatchSize=2", "scale=1, maxBatchSize=2",
      ])
    #expect(list[0]["alsoNamed"] as? [String] == ["scale=1, maxBatchSize=1"])
    #expect((value(list[1], "latency.mean", of: "differences") ?? 0) < 0)
    #expect((value(list[3], "waiting.mean") ?? 1e9) < (value(list[0], "waiting.mean") ?? 0))
    for name in ["replications.csv"] {
      let texts = try ["one", "two"].map {
        try String(contentsOfFile: scratch.file("\($0)/\(name)"), encoding: .utf8)
      }
      #expect(texts[0] == texts[1])
      #expect(texts[0].split(separator: "\n").count == 1 + 4 * 6)
    }
    #expect((one["totalReplications"] as? Int) == 24 && (two["totalReplications"] as? Int) == 24)
    // A variant's scenario, as its run keeps it, gives the same run: with the plan's warm-up, which is not the scenario's.
    let folders = try FileManager.default.contentsOfDirectory(atPath: scratch.file("one/runs"))
    #expect(folders.count == 4)
    for folder in folders {
      let kept = scratch.file("one/runs/\(folder)")
      let manifest = try Manifest(contentsOf: kept + "/manifest.json")
      let text = try scratch.write("again.yaml", try #require(manifest.scenario?.text))
      #expect(try Program.run("run", text, "-o", scratch.file("again"), "--replace", "-q").status == 0)
      let same = try Program.run("compare", kept, scratch.file("again"))
      #expect(same.status == 0, "\(same.output)")
      #expect(manifest.scenario?.overrides.last == "warmUp=600000000us")
      #expect(
        try Manifest(contentsOf: scratch.file("again/manifest.json")).scenario?.overrides
          == manifest.scenario?.overrides)
    }
    // Runs of the variants are data that the dashboard can show.
    #expect(try Program.run("validate", scratch.file("one/runs/base")).output.contains("violated") == false)
  }

  @Test("a search selects what enumeration finds, and says why; the same through a plan file")
  func search() throws {
    let scratch = try Scratch()
    let path = try Self.scenario(scratch)
    let plan = try scratch.write(
      "plan.yaml",
      """
      workbenchPlan: 1
      variants:
        - { name: two, set: [ \(Self.replicas).minReplicas=2, \(Self.replicas).maxReplicas=2 ] }
        - { name: three, set: [ \(Self.replicas).minReplicas=3, \(Self.replicas).maxReplicas=3 ] }
        - { name: four, set: [ \(Self.replicas).minReplicas=4, \(Self.replicas).maxReplicas=4 ] }
        - { name: helper, set: [ "models.m.deployments+={version: V2, deployAt: 2026-01-01, traffic: 0.5, hardware: A10 single, scaling: {minReplicas: 2, maxReplicas: 2, maxBatchSize: 1}, service: {time: {exponential: {mean: 1s}}}}" ] }
      slo: latency.p95 <= 4.5s, failureRate <= 1%
      minimize: credits
      """)
    let result = try json([
      "plan", path, "--file", plan, "-o", scratch.file("p"), "--warm-up", "10min", "--replications", "15",
    ])
    let choice = try #require(result["choice"] as? [String: Any])
    // By enumeration: estimates of all with many replications.
    let all = try variants(
      try json([
        "plan", path, "--file",
        try scratch.write(
          "all.yaml",
          String(contentsOfFile: plan, encoding: .utf8).split(separator: "\n").filter {
            !$0.hasPrefix("slo") && !$0.hasPrefix("minimize")
          }.joined(separator: "\n") + "\n"), "-o", scratch.file("all"), "--warm-up", "10min",
        "--replications", "40",
      ]))
    let kept = all.filter {
      (value($0, "latency.p95") ?? 1e9) <= 4500 && (value($0, "failureRate") ?? 1) <= 0.01
    }
    let best = kept.min { (value($0, "credits") ?? 1e9) < (value($1, "credits") ?? 1e9) }?["name"] as? String
    #expect(choice["best"] as? String == best && best == "three", "\(choice) \(best ?? "")")
    #expect(choice["isDecided"] as? Bool == true)
    #expect(choice["binding"] as? String == "latency.p95 <= 4.5s")
    let headroom = try #require(result["headroom"] as? [String: Any])
    #expect((headroom["factor"] as? Double ?? 0) > 1 && (headroom["factor"] as? Double ?? 9) < 3)
    let ideal = try #require(result["ideal"] as? [[String: Any]])
    #expect(ideal.count == 2)
    for entry in ideal {
      let bound = try #require(entry["bound"] as? [String: Any])
      #expect((bound["replicaHours"] as? Double ?? 9e9) <= (entry["replicaHours"] as? Double ?? 0))
    }
    let front = try variants(result).filter { $0["isOnParetoFront"] as? Bool == true }.compactMap {
      $0["name"] as? String
    }
    #expect(front.contains("two") || front.contains("base"))
    let text = try Program.run("plan", path, "--file", plan, "-o", scratch.file("t"), "--warm-up", "10min")
    #expect(
      text.output.contains("Recommended: three") && text.output.contains("95 %")
        && text.output.contains("Headroom"), "\(text.output)")
  }

  @Test("before and after, precision, sensitivity and the report")
  func others() throws {
    let scratch = try Scratch()
    let before = try Self.scenario(scratch, "before.yaml")
    let after = try Self.scenario(scratch, "after.yaml", replicas: 3)
    let pair = try json(["plan", before, after, "-o", scratch.file("pair"), "--replications", "8"])
    #expect(try variants(pair).compactMap { $0["name"] as? String } == ["base", "after"])
    #expect(try (value(variants(pair)[1], "credits", of: "differences") ?? 0) > 2.8)
    let precise = try json([
      "plan", before, "--precision", "latency.p95=3%", "-o", scratch.file("precise"), "--replications", "5",
      "--warm-up", "10min",
    ])
    let base = try #require(
      (variants(precise)[0]["metrics"] as? [String: Any])?["latency.p95"] as? [String: Any])
    #expect((base["halfWidth"] as? Double ?? 1e9) <= 0.03 * (base["value"] as? Double ?? 0))
    #expect((base["replications"] as? Int ?? 0) > 5)
    let missed = try Program.run(
      "plan", before, "--precision", "latency.p95=0.01%", "--max-replications", "10", "--replications", "5",
      "-o", scratch.file("missed"), "-q")
    #expect(
      missed.status == 1 && missed.error.contains("was not reached with 10 replications"), "\(missed.error)")
    let moved = try json([
      "plan", before, "--vary", "load.scale=0.8..1.2", "--vary", "\(Self.replicas).scaleUpDelay=10s..60s",
      "--samples", "6",
      "--sensitivity", "latency.mean", "--sobol", "16", "--replications", "4", "-o", scratch.file("moved"),
      "--warm-up", "10min",
    ])
    let sensitivity = try #require(moved["sensitivity"] as? [String: Any])
    let influences = try #require(sensitivity["influences"] as? [[String: Any]])
    // The autoscaler has no room to move, so only the load matters.
    #expect(
      influences.compactMap { $0["path"] as? String } == ["load.scale", "\(Self.replicas).scaleUpDelay"])
    let sobol = try #require(sensitivity["sobol"] as? [[String: Any]])
    #expect(sobol[0]["path"] as? String == "load.scale" && (sobol[0]["index"] as? Double ?? 0) > 0.9)
    let report = try Program.run("report", scratch.file("moved"), "-o", scratch.file("plan.html"))
    #expect(report.status == 0, "\(report.error)")
    let html = try String(contentsOfFile: scratch.file("plan.html"), encoding: .utf8)
    #expect(html.contains("plan-data") && html.contains("--sobol 16"))
  }

  @Test("an interrupted plan goes on where it stopped, and ends with the same figures")
  func resumes() throws {
    let scratch = try Scratch()
    let path = try Self.scenario(scratch)
    let arguments = [
      "plan", path, "--vary", "load.scale=0.5,0.7,0.9,1.1", "--set", "period.to=2026-01-07", "--replications",
      "60", "--warm-up",
      "10min", "-o", scratch.file("p"), "--threads", "1",
    ]
    func finished() -> Int {
      (FileManager.default.contents(atPath: scratch.file("p.journal")) ?? Data()).count { $0 == 0x0a }
    }
    let cut = try Program.command(Program.path, arguments, interruptWhen: { finished() > 5 })
    #expect(cut.status == 130 && cut.error.contains("resumes where it stopped"), "\(cut.status) \(cut.error)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("p")))
    let kept = finished()
    #expect(kept > 3 && kept < 300, "\(kept)")
    let rest = try Program.command(Program.path, arguments)
    #expect(rest.status == 0 && rest.error.contains("resuming with"), "\(rest.error)")
    #expect(!FileManager.default.fileExists(atPath: scratch.file("p.journal")))
    let fresh = try Program.command(
      Program.path, arguments.map { $0 == scratch.file("p") ? scratch.file("q") : $0 })
    #expect(fresh.status == 0)
    let texts = try ["p", "q"].map {
      try String(contentsOfFile: scratch.file("\($0)/replications.csv"), encoding: .utf8)
    }
    #expect(texts[0] == texts[1])
  }

  @Test("bad input is one clear error")
  func badInput() throws {
    let scratch = try Scratch()
    let path = try Self.scenario(scratch)
    func error(_ arguments: [String], _ status: Int32, _ message: String) throws {
      let outcome = try Program.command(Program.path, ["plan", path, "-o", scratch.file("x")] + arguments)
      #expect(
        outcome.status == status && outcome.error.contains(message),
        "\(arguments): \(outcome.status) \(outcome.error)")
      #expect(!FileManager.default.fileExists(atPath: scratch.file("x")))
    }
    try error(["--vary", "models.m.deploymets.V1.hardware=T4 single"], 65, "Did you mean deployments?")
    try error(["--vary", "\(Self.replicas).minReplicas=1,3"], 65, "variant minReplicas=3 is not valid")
    try error(["--vary", "load.scale=0.5..1.5"], 64, "without a step")
    try error(["--vary", "load.scale=2..1:1"], 64, "must rise")
    try error(["--vary", "load.scale=1,1"], 64, "twice")
    try error(["--vary", "load.scale"], 64, "not of the form")
    try error(["--slo", "latency.p95 < fast"], 64, "a duration such as 2s")
    try error(["--slo", "failureRate <= 1"], 64, "can never be violated")
    try error(["--slo", "latency.p95 >= 5s"], 64, "Write latency.p95 <= 5s")
    try error(
      ["--slo", "latency.p95[model=n] <= 5s"], 64, "no model with requests is called \"n\". There are: m")
    try error(["--slo", "speed <= 2"], 64, "there is no metric \"speed\"")
    try error(["--minimize", "money"], 64, "there is no metric")
    try error(["--precision", "latency.p95"], 64, "METRIC=SHARE")
    try error(["--warm-up", "long"], 64, "neither auto")
    try error(
      ["--file", try scratch.write("bad.yaml", "workbenchPlan: 1\nvarry: {}\n")], 65, "Did you mean vary?")
    // A file of somebody else's is left alone.
    try scratch.write("x.journal", "notes\n")
    try error([], 73, "is not the journal of a plan")
    #expect(try String(contentsOfFile: scratch.file("x.journal"), encoding: .utf8) == "notes\n")
    // The others go on where asked.
    let going = try Program.run(
      "plan", path, "--vary", "\(Self.replicas).minReplicas=1,3", "--keep-going", "--replications", "3", "-o",
      scratch.file("going"))
    #expect(
      going.status == 0 && going.error.contains("left out") && going.output.contains("minReplicas=1"),
      "\(going.error)")
    // No variant meets the objective: how near the best comes.
    let none = try Program.run(
      "plan", path, "--vary", "load.scale=0.9,1", "--slo", "latency.mean <= 1s", "--replications", "5", "-o",
      scratch.file("none"))
    #expect(
      none.status == 1 && none.output.contains("No variant meets latency.mean <= 1s")
        && none.output.contains("Nearest: scale=0.9"), "\(none.output)\(none.error)")
  }

  @Test("a spreadsheet computes no cell of the replications, whatever variants and models are called")
  func formulas() throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      "formulas.yaml",
      String(contentsOfFile: Self.scenario(scratch), encoding: .utf8)
        .replacing("- name: m\n", with: "- name: \"=m\"\n"))
    let plan = try scratch.write(
      "plan.yaml",
      """
      workbenchPlan: 1
      replications: 2
      variants:
        - { name: "=1+1", set: [ load.scale=0.5 ] }
        - { name: "+1", set: [ models.*.load.scale=0.6 ] }
        - { name: "-1", set: [ models.*.load.scale=0.7 ] }
        - { name: "@SUM(A1)", set: [ models.*.load.scale=0.8 ] }
        - { name: "a \\"b\\", c", set: [ models.*.load.scale=0.9 ] }
      """)
    let outcome = try Program.run(
      "plan", path, "--file", plan, "-o", scratch.file("plan"), "-q", "--slo", "latency.p95[model==m] <= 1h")
    #expect(outcome.status == 0, "\(outcome.error)")
    let rows = try Spreadsheet.rows(scratch.file("plan/replications.csv"))
    let names = ["base", "'=1+1", "'+1", "'-1", "'@SUM(A1)", "a \"b\", c"]
    // Each as often as it was replicated.
    let found = rows.dropFirst().map { $0[0] }
    #expect(zip([""] + found, found).filter { $0 != $1 }.map(\.1) == names)
    let heads = try #require(rows.first)
    #expect(heads.contains("latency.p95[model=\"=m\"]"), "\(heads)")
    for row in rows {
      #expect(row.count == heads.count)
      #expect(row.allSatisfy { !Spreadsheet.computes($0) }, "\(row)")
    }
  }
}
