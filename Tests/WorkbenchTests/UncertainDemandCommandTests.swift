import Foundation
import TestSupport
import Testing

@Suite("Uncertain demand on the command line")
struct UncertainDemandCommandTests {
  private static let scenario = """
    workbench: 1
    name: uncertain
    seed: 5
    period: { from: 2026-01-05, to: "2026-01-05T02:00" }
    account: { name: acme, subscription: { maxReplicas: 10 } }
    models:
      - name: m
        kind: openSource
        load:
          arrivals: { poisson: { rate: 0.3/s } }
          tokens: { input: 1, output: 1 }
          uncertainty: { level: { cv: 0.3 }, growth: { sd: 0.05 } }
        deployments:
          - version: V1
            deployAt: 2026-01-01
            hardware: T4 single
            scaling: { minReplicas: 4, maxReplicas: 4, maxBatchSize: 1 }
            service: { time: { exponential: { mean: 5s } } }
    """

  private func json(_ arguments: [String]) throws -> [String: Any] {
    let outcome = try Program.command(Program.path, arguments)
    #expect(outcome.status == 0, "\(outcome.error)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  }

  @Test("check and run say what was drawn, and a plan how much of its intervals is demand")
  func words() throws {
    let scratch = try Scratch()
    let path = scratch.file("uncertain.yaml")
    try Self.scenario.write(toFile: path, atomically: true, encoding: .utf8)
    let check = try Program.run("check", path)
    #expect(check.status == 0 && check.output.contains("  m: uncertain; seed 5 draws × "), "\(check.output)")
    let other = try Program.run("check", path, "--set", "seed=6")
    #expect(other.output != check.output)
    let run = try json(["run", path, "--json", "--formats", "none", "-o", scratch.file("run")])
    let drawn = try #require((run["demand"] as? [[String: Any]])?.first)
    let level = try #require(drawn["level"] as? Double)
    #expect(check.output.contains(String(format: "draws × %.4g,", level)))
    // The run has as many requests as that level gives, up to chance: 2,160 at level 1.
    let requests = try #require(run["requests"] as? Double)
    #expect(abs(requests - 2160 * level) < 5.3 * (2160 * level).squareRoot() + 0.01 * 2160 * level)

    let table = try Program.run("run", path, "--replications", "12")
    #expect(table.output.contains("uncertain: demand causes of the variance of requests"), "\(table.output)")
    let seeds = try json(["run", path, "--replications", "12", "--json"])
    let metrics = try #require(seeds["metrics"] as? [String: [String: Any]])
    // Nearly all of the variance of requests is demand: 2,160² · 0.09 beside 2,160.
    #expect(try #require(metrics["requests"]?["demandShare"] as? Double) > 0.95)
    #expect(metrics["requests"]?["nextPeriod"] != nil)

    let more = ["--vary", "models.m.deployments.V1.scaling.minReplicas=3,4", "--warm-up", "none"]
    let text = try Program.command(
      Program.path, ["plan", path, "-o", scratch.file("text"), "--replications", "12"] + more)
    #expect(text.output.contains("The demand of m is uncertain: each replication draws its own"))
    #expect(text.output.contains("base: demand causes of the variance of latency.mean"), "\(text.output)")
    #expect(text.output.contains("base, a period to come, 95 %: latency.mean"))
    let plan = try json(["plan", path, "-o", scratch.file("json"), "--replications", "12", "--json"] + more)
    #expect(plan["uncertainDemand"] as? [String] == ["m"])
    let variants = try #require(plan["variants"] as? [[String: Any]])
    let shares = variants.compactMap {
      (($0["metrics"] as? [String: Any])?["requests"] as? [String: Any])?["demandShare"] as? Double
    }
    // Both see the same demand, so the same requests.
    #expect(shares.count == 2 && shares[0] == shares[1] && shares[0] > 0.95)
    let few = try Program.command(
      Program.path, ["plan", path, "-o", scratch.file("few"), "--replications", "5"] + more)
    #expect(few.output.contains("base: fewer than 10 replications do not say"), "\(few.output)")
  }

  @Test("without the key, nothing is said of it")
  func certain() throws {
    let scratch = try Scratch()
    let path = scratch.file("certain.yaml")
    try Self.scenario.split(separator: "\n").filter { !$0.contains("uncertainty") }.joined(separator: "\n")
      .write(toFile: path, atomically: true, encoding: .utf8)
    let run = try json(["run", path, "--json", "--formats", "none", "-o", scratch.file("run")])
    #expect(run["demand"] == nil)
    let table = try Program.run("run", path, "--replications", "12")
    #expect(!table.output.contains("demand"), "\(table.output)")
  }
}
