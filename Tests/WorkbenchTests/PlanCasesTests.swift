import Foundation
import TestSupport
import Testing

@Suite("workbench plan: cases, policies, growth")
struct PlanCasesTests {
  static let replicas = "models.m.deployments.V1.scaling"

  func plan(_ scratch: Scratch, _ arguments: String...) throws -> PlanVerdictTests.Plan {
    let outcome = try Program.command(
      Program.path,
      ["plan"] + arguments + ["--warm-up", "10min", "-o", scratch.file(UUID().uuidString), "--json"])
    let json = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return .init(status: outcome.status, json: json ?? [:], error: outcome.error)
  }

  /// Replicas of one slot that are there all the time: their number is decided.
  static func decisions(_ counts: [Int]) -> String {
    let variants = counts.map {
      "  - { name: \"\($0) replicas\", set: [ \(replicas).minReplicas=\($0), \(replicas).maxReplicas=\($0) ] }"
    }
    return "workbenchPlan: 1\nvariants:\n\(variants.joined(separator: "\n"))\n"
  }

  @Test("a launch decides: what is enough today is not recommended, in text, JSON, CSV and on the page")
  func launch() throws {
    let scratch = try Scratch()
    let path = try PlanTests.scenario(scratch)
    let file = try scratch.write("plan.yaml", Self.decisions([3, 4, 5, 6]))
    let slo = ["--slo", "latency.p95 <= 4.7s", "--replications", "5"]
    let today = try plan(scratch, path, "--file", file, slo[0], slo[1], slo[2], slo[3])
    #expect(today.choice["best"] as? String == "3 replicas", "\(today.error)")
    #expect(today.json["cases"] == nil && today.variants[0]["cases"] == nil)
    let output = scratch.file("out")
    let text = try Program.command(
      Program.path,
      ["plan", path, "--file", file, "--case", "launch: load.scale=2", "--warm-up", "10min", "-o", output]
        + slo)
    #expect(
      text.status == 0
        && text.output.contains("Cases: base (50 %: the scenario as it is); launch (50 %: load.scale=2)")
        && text.output.contains(
          "Recommended: 4 replicas: least credits over the cases that meets latency.p95 <= 4.7s in every case"
        )
        && text.output.contains("in case launch"),
      "\(text.output)\(text.error)")
    let json = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: output + "/plan.json")))
    let variants = try #require((json as? [String: Any])?["variants"] as? [[String: Any]])
    let three = try #require(variants.first { $0["name"] as? String == "3 replicas" })
    #expect(three["brokenLevel"] as? String == "latency.p95 <= 4.7s in case launch")
    #expect(three["brokenCase"] as? String == "launch")
    #expect((three["cases"] as? [[String: Any]])?.compactMap { $0["name"] as? String } == ["base", "launch"])
    let csv = try String(contentsOfFile: output + "/replications.csv", encoding: .utf8).split(separator: "\n")
    #expect(csv[0].hasPrefix("variant,case,replication,"))
    #expect(csv.contains { $0.hasPrefix("\"4 replicas\",\"launch\",0,") })
    let runs = try FileManager.default.contentsOfDirectory(atPath: output + "/runs").sorted()
    #expect(runs.count == 4 && runs.contains { $0.contains("launch") }, "\(runs)")
    let report = try Program.run("report", output, "-o", scratch.file("plan.html"))
    let page = try String(contentsOfFile: scratch.file("plan.html"), encoding: .utf8)
    #expect(report.status == 0 && page.contains("in every case"))
  }

  @Test("where nothing holds in every case, each variant is named with the case and the objective")
  func none() throws {
    let scratch = try Scratch()
    let path = try PlanTests.scenario(scratch)
    let file = try scratch.write(
      "plan.yaml",
      Self.decisions([3])
        + "cases:\n  - { name: usual, weight: 90% }\n  - { name: rush, weight: 0.1, set: [ load.scale=4 ] }\n"
    )
    let result = try plan(scratch, path, "--file", file, "--slo", "latency.p95 <= 5s", "--replications", "5")
    #expect(result.status == 1, "\(result.error)")
    let misses = try #require(result.choice["misses"] as? [[String: Any]])
    #expect(misses.compactMap { $0["variant"] as? String } == ["3 replicas", "base"])
    #expect(misses.allSatisfy { $0["inCase"] as? String == "rush" })
    let cases = try #require(result.json["cases"] as? [[String: Any]])
    #expect(cases.compactMap { $0["weight"] as? Double } == [0.9, 0.1])
  }

  static let policies = """
    workbench: 1
    name: policies
    seed: 5
    period: { from: 2026-01-05T08:00, to: 2026-01-05T12:00 }
    account: { name: acme, subscription: { maxReplicas: 8 } }
    models:
      - name: chat
        kind: openSource
        load: { arrivals: { poisson: { rate: 2/s } }, tokens: { input: 10, output: 20 } }
        deployments:
          - version: V1
            deployAt: 2026-01-01
            hardware: T4 single
            scaling: { minReplicas: 1, maxReplicas: 6, maxBatchSize: 4, scaleUpDelay: 30s }
            service: { firstToken: 200ms, perOutputToken: 40ms }
      - { name: gpt, kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 100ms } }
    """

  @Test(
    "policies from files, by the command line: named in variants and words, whatever delays the base states")
  func files() throws {
    let scratch = try Scratch()
    try scratch.write("s.yaml", Self.policies)
    try scratch.write("hpa.yaml", "targetUtilisation: { target: 0.7 }\n")
    try scratch.write(
      "keda.yaml", "scaling:\n  maxReplicas: 5\n  policy: { queueLength: { target: 3, counts: pending } }\n")
    let outcome = try Program.command(
      "/bin/sh",
      [
        "-c",
        "\"\(Program.path)\" plan s.yaml --vary scaling=@hpa.yaml,@keda.yaml --vary scaling.maxBatchSize=4,8 --slo 'latency.p95 <= 30s' --replications 5 --warm-up 30min -o out",
      ], in: scratch.path)
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.error)")
    for name in ["scaling=hpa, maxBatchSize=4", "scaling=keda, maxBatchSize=8"] {
      #expect(outcome.output.contains(name), "\(outcome.output)")
    }
    #expect(outcome.output.contains("Scaling: chat V1: "))
    let data = try Data(contentsOf: URL(fileURLWithPath: scratch.file("out/plan.json")))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let variants = try #require(json["variants"] as? [[String: Any]])
    #expect(
      variants.compactMap { ($0["policies"] as? [String])?.first } == [
        "chat V1: concurrency", "chat V1: targetUtilisation", "chat V1: targetUtilisation",
        "chat V1: queueLength",
        "chat V1: queueLength",
      ])
    // The overrides say all: files are not needed again, and what a file does not state stays.
    let overrides = try #require(variants[3]["overrides"] as? [String])
    #expect(overrides[0].hasPrefix("models.chat.deployments.V1.scaling={"))
    #expect(
      overrides[0].contains("minReplicas: 1") && overrides[0].contains("maxReplicas: 5")
        && !overrides[0].contains("scaleUpDelay"))
    #expect(overrides[1] == "models.chat.deployments.V1.scaling.maxBatchSize=4")
  }

  @Test("a policy as a value replaces the delays of the one that the base has")
  func inline() throws {
    let scratch = try Scratch()
    let path = try scratch.write("s.yaml", Self.policies)
    let result = try plan(
      scratch, path, "--vary",
      "models.chat.deployments.V1.scaling.policy={targetUtilisation: {target: 0.6}},{queueLength: {target: 2}}",
      "--replications", "3")
    #expect(result.status == 0 && result.variants.count == 3, "\(result.error)")
    #expect(
      result.variants.compactMap { ($0["policies"] as? [String])?.first } == [
        "chat V1: concurrency", "chat V1: targetUtilisation", "chat V1: queueLength",
      ])
  }

  @Test("decisions of a plan file have parameters of their own, and are combined with what is varied")
  func decisions() throws {
    let scratch = try Scratch()
    let path = try scratch.write("s.yaml", Self.policies)
    try scratch.write("hpa.yaml", "targetUtilisation: { target: 0.7 }\n")
    let file = try scratch.write(
      "plan.yaml",
      """
      workbenchPlan: 1
      decisions:
        - { name: as now, set: [ scaling.startup=60s ] }
        - { name: HPA, scaling: hpa.yaml, vary: { scaling.policy.targetUtilisation.target: [ 0.5, 0.7 ] } }
        - { name: queue, policy: { queueLength: { target: 3 } }, vary: { scaling.policy.queueLength.target: 2..4 } }
      vary:
        scaling.maxReplicas: [ 5, 6 ]
      """)
    let result = try plan(scratch, path, "--file", file, "--replications", "3")
    #expect(result.status == 0, "\(result.error)")
    let names = result.variants.flatMap { variant -> [String] in
      [variant["name"] as? String ?? ""] + (variant["alsoNamed"] as? [String] ?? [])
    }
    var expected: Set<String> = ["base"]
    for most in [5, 6] {
      expected.insert("as now, maxReplicas=\(most)")
      for target in ["0.5", "0.7"] { expected.insert("HPA, target=\(target), maxReplicas=\(most)") }
      for target in 2...4 { expected.insert("queue, target=\(target), maxReplicas=\(most)") }
    }
    #expect(Set(names) == expected, "\(names)")
    let schema = try Program.run("schema", "plan")
    #expect(schema.output.contains("\"decisions\"") && schema.output.contains("\"cases\""))
  }

  @Test(
    "growth of a trace, by copies of it; the date, the probability and the objective in JSON and in words")
  func growth() throws {
    let scratch = try Scratch()
    let rows = (0..<3600).map {
      String(format: "2026-01-05 %02d:%02d:%02d.0000000,10,20", $0 / 1800, $0 / 30 % 60, $0 * 2 % 60)
    }
    try scratch.write(
      "t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n" + rows.joined(separator: "\n") + "\n")
    let path = try PlanTests.scenario(scratch)
    let replayed = try scratch.write(
      "replayed.yaml",
      String(contentsOfFile: path, encoding: .utf8).replacing(
        "load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: 10, output: 20 } }",
        with: "load: { arrivals: { trace: t.csv } }"))
    let output = scratch.file("out")
    let text = try Program.run(
      "plan", replayed, "--slo", "latency.p95 <= 8s", "--growth", "10%/week", "--replications", "10",
      "--warm-up",
      "none", "-o", output)
    #expect(
      text.status == 0
        && text.output.contains("Growth of 10%/week: base violates latency.p95 <= 8s by the week of 2026-")
        && text.output.contains("Demand of m is scaled by superposing copies of its trace")
        && text.output.contains("Headroom: demand can grow by "),
      "\(text.output)\(text.error)")
    let data = try Data(contentsOf: URL(fileURLWithPath: output + "/plan.json"))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let growth = try #require(json["growth"] as? [String: Any])
    let own = try #require((growth["variants"] as? [[String: Any]])?.first)
    let weeks = try #require(own["weeks"] as? [[String: Any]])
    #expect(weeks.first?["date"] as? String == "2026-01-05" && weeks.last?["probability"] as? Double == 1)
    #expect(own["level"] as? String == "latency.p95 <= 8s")
    // The server has two slots of 1.2 s: it bears less than 1.67 requests a second, which 10 % a week reach in the thirteenth.
    #expect(weeks.count <= 14, "\(weeks.count)")
  }
}
