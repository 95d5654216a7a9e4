import Foundation
import TestSupport
import Testing

@Suite("workbench shadow")
struct ShadowCommandTests {
  static let policy = "targetUtilisation: { target: 0.6 }"

  /// Two hours whose replicas follow `policy`.
  static func run(_ scratch: Scratch, _ name: String, formats: String = "csv") throws -> String {
    let yaml = """
      workbench: 1
      name: \(name)
      period: { from: 2026-03-02, to: 2026-03-02T02:00 }
      account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 40 } }
      models:
        - name: chat
          kind: openSource
          load: { arrivals: { poisson: { rate: 30/s } }, tokens: { input: 10, output: 10 } }
          deployments:
            - version: V1
              deployAt: 2026-03-01
              hardware: A10 single
              scaling: { minReplicas: 4, maxReplicas: 30, maxBatchSize: 32, startup: 40s, policy: { \(policy) } }
              service: { time: 4s }
        - { name: api, kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }
      """
    let run = try Program.run(
      "run", try scratch.write("\(name).yaml", yaml), "--out", scratch.file(name), "-q", "--formats", formats)
    #expect(run.status == 0, "\(run.error)")
    return scratch.file(name)
  }

  private func json(_ outcome: Program.Outcome) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any],
      "\(outcome.output)\(outcome.error)")
  }

  private func agreement(_ outcome: Program.Outcome) throws -> [String: Double] {
    let deployments = try #require(try json(outcome)["deployments"] as? [[String: Any]])
    #expect(deployments.count == 1)
    return try #require(deployments.first?["agreement"] as? [String: Double])
  }

  @Test("a run held against its own policy agrees, from the scenario too; its text fits 80 columns")
  func itself() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch, "own")
    for policy in [Self.policy, scratch.file("own.yaml")] {
      let outcome = try Program.run("shadow", run, "--policy", policy, "--json", "--max-disagreement", "0%")
      #expect(outcome.status == 0, "\(outcome.error)")
      #expect(try json(outcome)["resolution"] as? String == "requests")
      #expect(try agreement(outcome)["equal"] == 1)
    }
    let text = try Program.run("shadow", run, "--policy", Self.policy).output
    #expect(text.contains("acme/chat V1 on A10 single: targetUtilisation, 4 to 30"), "\(text)")
    #expect(text.contains("The policy would never have decided otherwise."))
    let other = try Program.run(
      "shadow", run, "--policy", "{ policy: { concurrency: { scaleUpDelay: 5s } } }"
    ).output
    #expect(other.contains("It would have differed"), "\(other)")
    for line in (text + other).split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
  }

  @Test("--max-disagreement: status 1 beyond it, 2 where it cannot be told")
  func gate() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch, "gate")
    let broken = try Program.run(
      "shadow", run, "--policy", "targetUtilisation: { target: 0.3 }", "-q", "--max-disagreement", "5%")
    #expect(broken.status == 1 && broken.output.isEmpty)
    #expect(
      broken.error.contains("acme/chat V1: the policy differs from what was recorded for "), "\(broken.error)"
    )
    let blind = try Program.run(
      "shadow", run, "--policy", "concurrency: {}", "-q", "--resolution", "quarters", "--max-disagreement",
      "50%")
    #expect(
      blind.status == 2
        && blind.error.contains(
          "inconclusive: means of a quarter of an hour do not show how demand fluctuates"),
      "\(blind.error)")
    for bad in ["5", "100%", "x%", "-1%"] {
      #expect(
        try Program.run("shadow", run, "--policy", Self.policy, "--max-disagreement=\(bad)").status == 64)
    }
  }

  @Test("a run without requests is shadowed from its rollups, and it is said")
  func rollups() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch, "rollups", formats: "none")
    let outcome = try Program.run("shadow", run, "--policy", Self.policy, "--json")
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try json(outcome)["resolution"] as? String == "quarters")
    let agreement = try agreement(outcome)
    // 120 requests in progress on average are ⌈120 ÷ (32 × 0.6)⌉ = 7 replicas; the largest wish of 5 minutes sees three
    // standard deviations, 153, as well: 8.
    #expect(agreement["meanAbsoluteDifference"] ?? 9 <= 1, "\(agreement)")
    #expect(
      try Program.run("shadow", run, "--policy", Self.policy).output.contains(
        "the mean of each quarter of an hour"))
    let none = try Program.run("shadow", run, "--policy", Self.policy, "--resolution", "requests")
    #expect(none.status == 66 && none.error.contains("recorded without one"), "\(none.error)")
  }

  @Test("the page is one file with both lines, whatever the names")
  func page() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch, "page")
    let policy = try scratch.write(
      "<script>alert(1)</script>.yaml".replacing("/", with: "_"), "policy: { \(Self.policy) }")
    let file = scratch.file("shadow.html")
    #expect(try Program.run("shadow", run, "--policy", policy, "--html", file, "-q").status == 0)
    let page = try String(contentsOfFile: file, encoding: .utf8)
    #expect(page.contains("\"peakDemand\"") && !page.contains("<script>alert"))
    #expect(!page.contains("src=\"") && page.contains("Content-Security-Policy"))
    let again = try Program.run("shadow", run, "--policy", policy, "--html", file, "-q")
    #expect(again.status == 73, "\(again.error)")
  }

  @Test("bad input is one error with its place and the right status")
  func bad() throws {
    let scratch = try Scratch()
    let run = try Self.run(scratch, "bad")
    let replicas = try scratch.write(
      "replicas.json",
      #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"],[16,"2"]]}]}}"#
    )
    for (arguments, status, error) in [
      (["--policy", "none.yaml"], 66, "none.yaml: error: there is no such file"),
      (["--policy", "targetUtilisation: { target: 7 }"], 65, "policy:1:30: error: target 7 is out of range"),
      (
        ["--policy", "kvUtilisation: { target: 0.7 }"], 65,
        "the policy kvUtilisation looks at the blocks of KV caches"
      ),
      (
        ["--policy", Self.policy, "--model", "chta"], 64, "no model or version matches. There are: acme/chat."
      ),
      (["--policy", Self.policy, "--model", "api"], 64, "no model or version matches"),
      (["--policy", Self.policy, "--resolution", "hours"], 64, "Give requests or quarters"),
      (
        ["--policy", "queueLength: { target: 1 }", "--resolution", "quarters"], 65,
        "counts the requests that wait"
      ),
      (
        ["--policy", Self.policy, "--replicas", replicas], 65,
        "the replicas are of another period than the demand"
      ),
      ([], 64, "--policy"),
    ] as [([String], Int32, String)] {
      let outcome = try Program.command(Program.path, ["shadow", run] + arguments)
      #expect(
        outcome.status == status && outcome.error.contains(error),
        "\(arguments): \(outcome.status) \(outcome.error)")
    }
  }
}
