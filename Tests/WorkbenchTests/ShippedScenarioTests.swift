import Foundation
import TestSupport
import Testing
import Verification

@Suite("The shipped scenarios")
struct ShippedScenarioTests {
  @Test("hold every invariant", arguments: try shippedScenarios())
  func invariants(path: String) throws {
    let scratch = try Scratch()
    let isMonth = path.contains("month")
    // The month's 24 million requests are a check of `make verify`; here is its first part with everything deployed.
    let shorter =
      isMonth
      ? [
        "--set", "models.support-mistral.load.arrivals.poisson.rate=0.3/s", "--set",
        "models.queue-check.load.arrivals.poisson.rate=0.3/s",
      ] : []
    let run = try Program.command(
      Program.path, ["run", path, "--out", scratch.file("run"), "--quiet"] + shorter)
    #expect(run.status == 0, "\(run.error)")
    let report = try RunVerification(scratch.file("run")).run()
    #expect(report.holds, "\(report.findings)")
    // Not every scenario has steps, and versions that end.
    let skipped = Set(report.skipped.map(\.invariant))
    // A queue is first-in-first-out or goes by priority.
    let isByPriority = path.hasSuffix("priority-classes.yaml")
    #expect(skipped.contains(.i23) == !isByPriority && skipped.contains(.i12) == isByPriority)
    #expect(
      skipped.subtracting([.i12]).isSubset(of: [.i19, .i20, .i21, .i22, .i23, .i24]), "\(report.skipped)")
    if path.hasSuffix("kv-cache.yaml") || path.hasSuffix("prefix-cache.yaml") {
      #expect(skipped == [.i21, .i23, .i24])
    }
    if path.hasSuffix("prefill-decode.yaml") { #expect(skipped == [.i23, .i24]) }
    if path.hasSuffix("canary.yaml") { #expect(skipped == [.i19, .i20, .i22, .i23, .i24]) }
  }

  @Test("show what they are for")
  func purposes() throws {
    let scratch = try Scratch()
    func summary(_ name: String) throws -> String {
      let run = try Program.run(
        "run", repository("Scenarios/\(name).yaml"), "--out", scratch.file(name), "--formats", "none")
      #expect(run.status == 0, "\(run.error)")
      return run.output
    }
    #expect(try summary("subscription-exhausted").contains("The subscription cut"))
    let spot = try summary("spot-pool")
    #expect(spot.contains("The machines of pools cut") && spot.contains("perHardware cut"))
    #expect(spot.contains("spot machines were reclaimed"))
    #expect(try summary("deploy-freeze").contains("1 deployment deferred."))
    #expect(try summary("provider-outage").contains("providerError"))
    #expect(try summary("canary").contains("Multiple Hardware"))
    // Ranks wait for each other, replicas do not.
    let ranks = try Program.run(
      "run", repository("Scenarios/data-parallel.yaml"), "--out", scratch.file("ranks"), "-q", "--set",
      "period.to=2026-03-02T10:00")
    #expect(ranks.status == 0, "\(ranks.error)")
    for (version, status) in [("V1", 1), ("V2", 0)] as [(String, Int32)] {
      let judged = try Program.run(
        "expect", scratch.file("ranks"), "--slo", "models.mixture.versions.\(version).tpot.mean <= 20ms")
      #expect(judged.status == status, "\(judged.output)\(judged.error)")
    }
  }
}
