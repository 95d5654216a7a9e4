import Foundation
import TestSupport
import Testing

/// What a plan recommends it can back; what it cannot, it refuses or says.
@Suite("workbench plan: verdicts")
struct PlanVerdictTests {
  struct Plan {
    var status: Int32
    var json: [String: Any]
    var error: String

    var choice: [String: Any] { json["choice"] as? [String: Any] ?? [:] }
    var variants: [[String: Any]] { json["variants"] as? [[String: Any]] ?? [] }
  }

  func plan(_ scratch: Scratch, _ arguments: String...) throws -> Plan {
    let outcome = try Program.command(
      Program.path, ["plan"] + arguments + ["-o", scratch.file(UUID().uuidString), "--json"])
    let json = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return Plan(status: outcome.status, json: json ?? [:], error: outcome.error)
  }

  /// Two hosted models: of sixty requests fifty-nine take 100 ms, and one, to another model, 5 s.
  static func twoModels(_ scratch: Scratch) throws -> String {
    try scratch.write(
      "two.yaml",
      """
      workbench: 1
      name: two
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account: { name: acme, subscription: { maxReplicas: 2 } }
      models:
        - { name: fast, kind: external, provider: p, load: { arrivals: { poisson: { rate: 59/min } }, tokens: { input: 1, output: 1 } }, service: { time: 100ms } }
        - { name: slow, kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 5s } }
      """)
  }

  @Test(
    "an objective applies to each model, and the result names the one that violates it; a scope names one, or all"
  )
  func eachModel() throws {
    let scratch = try Scratch()
    let path = try Self.twoModels(scratch)
    let each = try plan(
      scratch, path, "--slo", "latency.p95 <= 1s", "--replications", "5", "--warm-up", "none")
    #expect(each.status == 1 && each.choice["best"] == nil, "\(each.error)")
    #expect(each.choice["scopes"] as? [String] == ["each of 2 models"])
    #expect(each.choice["nearestLevel"] as? String == "latency.p95 <= 1s of slow")
    let objective = try #require((each.variants[0]["levels"] as? [[String: Any]])?.first)
    #expect(objective["model"] as? String == "slow" && objective["isKept"] as? Bool == false)
    let p95 = try #require((objective["estimate"] as? [String: Any])?["value"] as? Double)
    #expect(abs(p95 - 5000) < 80)
    for (slo, status) in [
      ("latency.p95[all] <= 1s", 0), ("latency.p95[model=fast] <= 1s", 0),
      ("latency.p95[model=slow] <= 1s", 1),
    ] {
      let one = try plan(scratch, path, "--slo", slo, "--replications", "5", "--warm-up", "none")
      #expect(one.status == Int32(status), "\(slo): \(one.error)")
    }
    let text = try Program.run(
      "plan", path, "--slo", "latency.p95 <= 6s", "--replications", "5", "--warm-up", "none", "-o",
      scratch.file("t"))
    #expect(
      text.status == 0 && text.output.contains("latency.p95 <= 6s (each of 2 models)")
        && text.output.contains("Of all models, slow comes nearest")
        && text.output.contains("latency.p95[worst]"),
      "\(text.output)\(text.error)")
  }

  @Test(
    "hardware that would only cost differently is refused, however it is varied; with its service it is not")
  func hardware() throws {
    let scratch = try Scratch()
    let path = try PlanTests.scenario(scratch)
    let deployment = "models.m.deployments.V1"
    let hardware = "\(deployment).hardware=A10 single"
    let service = "\(deployment).service={time: {exponential: {mean: 0.9s}}}"
    let price = try scratch.write(
      "price.yaml", "workbenchPlan: 1\nvariants:\n  - { name: a10, set: [ \"\(hardware)\" ] }\n")
    let both = try scratch.write(
      "both.yaml",
      "workbenchPlan: 1\nvariants:\n  - { name: a10, set: [ \"\(hardware)\", \"\(service)\" ] }\n")
    let other = try scratch.write(
      "other.yaml",
      String(contentsOfFile: path, encoding: .utf8).replacing(
        "hardware: T4 single", with: "hardware: A10 single"))
    for arguments in [
      ["--vary", "\(hardware),T4 single"], ["--file", price], [other], ["--set", hardware],
      ["--vary", "\(hardware),T4 single", "--samples", "4"],
    ] {
      let outcome = try Program.command(
        Program.path, ["plan", path, "-o", scratch.file("x"), "--replications", "3"] + arguments)
      #expect(
        outcome.status == 65 && outcome.error.contains("from T4 single to A10 single and keeps its service")
          && outcome.error.contains("variant of a plan file"), "\(arguments): \(outcome.error)")
      #expect(!FileManager.default.fileExists(atPath: scratch.file("x")))
    }
    let allowed = try plan(scratch, path, "--file", both, "--replications", "3", "--warm-up", "none")
    #expect(allowed.status == 0 && allowed.variants.count == 2, "\(allowed.error)")
    // Stated by hardware, it moves with the hardware, and decides.
    let stated = try scratch.write(
      "stated.yaml",
      String(contentsOfFile: path, encoding: .utf8).replacing(
        "service: { time: { exponential: { mean: 1.2s } } }",
        with:
          "service: { byHardware: { T4 single: { time: { exponential: { mean: 1.2s } } }, A10 single: { time: { exponential: { mean: 0.2s } } } } }"
      ))
    let varied = try Program.run(
      "plan", stated, "--vary", "\(hardware),T4 single", "--slo", "latency.mean <= 300ms", "--replications",
      "3", "--warm-up", "none", "-o", scratch.file("stated"))
    #expect(varied.status == 0 && varied.output.contains("A10 single"), "\(varied.output)\(varied.error)")
  }

  @Test(
    "what no variant can break, and models that there are none of, are refused before anything is simulated")
  func pointless() throws {
    let scratch = try Scratch()
    let path = try PlanTests.scenario(scratch)
    for (arguments, words) in [
      (
        ["--slo", "peakReplicas <= 1000000"],
        "can never be violated: the deployments' maxReplicas add up to 2"
      ),
      (["--slo", "replicaHours <= 100000"], "can never be violated"),
      (["--slo", "credits <= 1000000"], "can never be violated"),
      (["--slo", "latency.p999 <= 1000d"], "nothing longer can be observed"),
      (["--slo", "waiting.mean <= 1000d"], "nothing longer can be observed"),
      (["--slo", "latency.p95 <= 0s"], "can never be met: latency.p95 is always above 0"),
      (["--slo", "failureRate.timeout <= 1%"], "requests of a model fail with timeout"),
      (["--slo", "failureRate.replicaLost <= 1%"], "fail with replicaLost"),
      (["--slo", "failureRate.modelError <= 1%"], "fail with modelError"),
      (["--slo", "failureRate.providerError <= 1%"], "fail with providerError"),
      (["--slo", "failureRate.rateLimited[all] <= 1%"], "fail with rateLimited"),
      (["--slo", "failureRate.contextLengthExceeded <= 1%"], "fail with contextLengthExceeded"),
      (["--slo", "failureRate.timeuot <= 1%"], "failureRate.REASON with one of overloaded, timeout"),
      (["--minimize", "latency.p95[model=chat]"], "--minimize: no model with requests is called \"chat\""),
      (
        ["--precision", "latency.p95[model=chat]=2%"],
        "--precision: no model with requests is called \"chat\""
      ),
      (["--sensitivity", "latency.p95[model=chat]", "--vary", "load.scale=1,2"], "--sensitivity: no model"),
      (["--slo", "latency.p95[model=\u{1b}[2J\n::error::x] <= 2s"], "\\u{1B}[2J\\n::error::x"),
    ] {
      let outcome = try Program.command(Program.path, ["plan", path, "-o", scratch.file("x")] + arguments)
      #expect(
        outcome.status == 64 && outcome.error.contains(words) && !outcome.error.contains("\n::error"),
        "\(arguments): \(outcome.error)")
      #expect(!FileManager.default.fileExists(atPath: scratch.file("x")))
    }
    // Below the limit it can be broken.
    let allowed = try plan(
      scratch, path, "--slo", "peakReplicas <= 1", "--replications", "3", "--warm-up", "none")
    #expect(allowed.status != 64, "\(allowed.error)")
  }

  @Test("no objective binds if nothing better was tried, however narrowly it is met")
  func binding() throws {
    let scratch = try Scratch()
    let path = try PlanTests.scenario(scratch)
    let outcome = try plan(
      scratch, path, "--slo", "failureRate <= 50%", "--vary",
      "models.m.deployments.V1.scaling.maxBatchSize=1,2",
      "--replications", "3", "--warm-up", "none")
    #expect(
      outcome.choice["best"] != nil && outcome.choice["binding"] == nil, "\(outcome.choice) \(outcome.error)")
  }

  @Test("a variant that only changes prices, the period or the random numbers is not recommended")
  func measure() throws {
    let scratch = try Scratch()
    func scenario(_ name: String, price: Double) throws -> String {
      let path = try PlanTests.scenario(scratch, name)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      return try scratch.write(
        name,
        text.replacing("subscription: {", with: "credits: { T4 single: \(price) }, subscription: {"))
    }
    let path = try scenario("base.yaml", price: 1.428)
    let priced = try scenario("priced.yaml", price: 0.5)
    let file = try scratch.write(
      "plan.yaml",
      "workbenchPlan: 1\nvariants:\n  - { name: \"cheap\\n::error::x\", set: [ \"account.credits.T4 single=0.5\" ] }\n"
    )
    let period = "period.to=2026-01-05T01:00,2026-01-05T00:30"
    for (arguments, words) in [
      (
        ["--vary", "account.credits.T4 single=0.5,1"], "T4 single costs 0.5 credits an hour instead of 1.428"
      ),
      ([priced], "T4 single costs 0.5 credits an hour instead of 1.428"),
      (["--file", file], "variant cheap\\n::error::x is not valid"),
      (["--vary", period], "the period is not the base's"),
      (["--vary", "seed=1..4"], "the seed is not the base's"),
      (["--vary", "warmUp=1min,2min"], "the warm-up is not the base's"),
    ] {
      let outcome = try Program.command(
        Program.path,
        ["plan", path, "-o", scratch.file("x"), "--replications", "3", "--minimize", "credits"] + arguments)
      #expect(outcome.status == 65 && outcome.error.contains(words), "\(arguments): \(outcome.error)")
      #expect(!outcome.error.contains("\n::error"))
      #expect(!FileManager.default.fileExists(atPath: scratch.file("x")))
    }
    // Without a recommendation prices may be laid beside each other, and other metrics do not depend on them.
    for more in [[String](), ["--minimize", "latency.mean"]] {
      let outcome = try Program.command(
        Program.path,
        [
          "plan", path, "-o", scratch.file(UUID().uuidString), "--replications", "3", "--warm-up", "none",
          "--vary",
          "account.credits.T4 single=0.5,1.428",
        ] + more)
      #expect([0, 2].contains(outcome.status), "\(outcome.error)")
    }
  }

  @Test(
    "a replayed trace with constant service is simulated once, without intervals or probabilities; headroom is of copies of it"
  )
  func deterministic() throws {
    let scratch = try Scratch()
    let rows = (0..<600).map {
      "2026-01-05 00:\($0 / 60 < 10 ? "0" : "")\($0 / 60):\($0 % 60 < 10 ? "0" : "")\($0 % 60).0000000,10,20"
    }
    try scratch.write(
      "t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n" + rows.joined(separator: "\n") + "\n")
    let path = try PlanTests.scenario(scratch)
    let replayed = try String(contentsOfFile: path, encoding: .utf8)
      .replacing(
        "load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: 10, output: 20 } }",
        with: "load: { arrivals: { trace: t.csv } }")
    let random = try scratch.write("random.yaml", replayed)
    let constant = try scratch.write(
      "constant.yaml", replayed.replacing("{ exponential: { mean: 1.2s } }", with: "1.2s"))
    let vary = "models.m.deployments.V1.scaling.maxBatchSize=1..2"
    let once = try plan(scratch, constant, "--vary", vary, "--slo", "latency.p95 <= 2s")
    #expect(once.status == 0, "\(once.error)")
    #expect(once.json["isDeterministic"] as? Bool == true && once.json["totalReplications"] as? Int == 2)
    // As many as are asked for, all the same, and no more said than by one.
    let thrice = try plan(
      scratch, constant, "--vary", vary, "--slo", "latency.p95 <= 2s", "--replications", "3")
    #expect(thrice.status == 0 && thrice.json["totalReplications"] as? Int == 6, "\(thrice.error)")
    #expect(thrice.json["choice"] as? NSDictionary == once.json["choice"] as? NSDictionary)
    #expect(
      thrice.variants.map { $0["metrics"] as? NSDictionary }
        == once.variants.map { $0["metrics"] as? NSDictionary })
    #expect(once.choice["confidence"] == nil)
    // Copies of the trace are moved at random: of these there are replications.
    let headroom = try #require(once.json["headroom"] as? [String: Any])
    #expect(headroom["replications"] as? Int == 10 && (headroom["factor"] as? Double ?? 0) > 1)
    #expect(once.json["replayed"] as? [String] == ["m"])
    let metrics = try #require(once.variants[0]["metrics"] as? [String: [String: Any]])
    #expect(metrics.values.allSatisfy { $0["halfWidth"] == nil })
    // In tasks: as many replications as on one machine.
    let tasks = try Program.run(
      "plan", constant, "--vary", vary, "--emit-tasks", "--store", scratch.file("store"), "-q")
    #expect(tasks.status == 0 && tasks.output.split(separator: "\n").count == 2, "\(tasks.error)")
    try scratch.write("tasks.jsonl", tasks.output)
    for index in ["0", "1"] {
      let done = try Program.run(
        "task", "--tasks", scratch.file("tasks.jsonl"), "--index", index, "--results", scratch.file("results")
      )
      #expect(done.status == 0, "\(done.error)")
    }
    let collected = try Program.run(
      "collect", scratch.file("tasks.jsonl"), scratch.file("results"), "-o", scratch.file("collected"), "-q")
    #expect(collected.status == 0, "\(collected.error)")
    let text = try Program.run("plan", constant, "--slo", "latency.p95 <= 2s", "-o", scratch.file("text"))
    #expect(
      text.output.contains("Deterministic:") && text.output.contains("Headroom: demand can grow by ")
        && !text.output.contains("probability") && !text.output.contains("±"), "\(text.output)\(text.error)")
    let report = try Program.run("report", scratch.file("text"), "-o", scratch.file("text.html"))
    #expect(report.status == 0, "\(report.error)")
    let chance = try Program.run(
      "plan", random, "--slo", "latency.p95 <= 20s", "--replications", "5", "-o", scratch.file("chance"))
    #expect(
      chance.output.contains("The demand of m is a trace, the same in every replication")
        && chance.output.contains("reflect only what varies (service times)")
        && chance.output.contains("Demand of m is scaled by superposing copies of its trace"),
      "\(chance.output)\(chance.error)")
  }

  @Test("without a decision or without a request there is no recommendation: status 2, and one line")
  func inconclusive() throws {
    let scratch = try Scratch()
    let path = try PlanTests.scenario(scratch)
    // A bound where the estimate lies: five replications cannot tell on which side.
    let known = try plan(scratch, path, "--replications", "5", "--warm-up", "10min")
    let p95 = try #require(
      ((known.variants[0]["metrics"] as? [String: Any])?["latency.p95"] as? [String: Any])?["value"]
        as? Double)
    let open = try plan(
      scratch, path, "--replications", "5", "--max-replications", "5", "--warm-up", "10min", "--slo",
      "latency.p95 <= \(Int(p95))ms")
    #expect(open.status == 2, "\(open.error)")
    #expect(
      open.error.contains(": inconclusive: after 5 replications")
        && open.error.contains("Allow more replications")
        && open.error.split(separator: "\n").count == 1, "\(open.error)")
    #expect(open.choice["inconclusive"] != nil)
    // All requests of the trace lie before the period.
    try scratch.write(
      "early.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2025-01-05 00:00:00.0000000,10,20\n")
    let empty = try scratch.write(
      "empty.yaml",
      String(contentsOfFile: path, encoding: .utf8).replacing(
        "load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: 10, output: 20 } }",
        with: "load: { arrivals: { trace: early.csv } }"))
    let none = try plan(scratch, empty, "--slo", "latency.p95 <= 2s")
    #expect(
      none.status == 2 && none.error.contains("has no request by which"), "\(none.status) \(none.error)")
  }

  @Test("a few failures of very many are shown", arguments: [("0.000003", "0.0003")])
  func fewFailures(_ share: String, _ least: String) throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      "z.yaml",
      """
      workbench: 1
      name: z
      seed: 4
      period: { from: 2026-03-02, to: 2026-03-03 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: external
          provider: P
          load: { arrivals: { poisson: { rate: 12/s } }, tokens: { input: 1, output: 1 } }
          service: { time: 1s }
          failures: { providerError: \(share) }
      """)
    let run = try Program.run("run", path, "--out", scratch.file("o"), "--formats", "none")
    #expect(run.status == 0 && !run.output.contains("0.00 % failed"), "\(run.output)")
    let plan = try Program.run(
      "plan", path, "--replications", "3", "--warm-up", "none", "-o", scratch.file("p"))
    #expect(plan.output.contains("< 0.001 %"), "\(plan.output)")
  }
}
