import Foundation
import TestSupport
import Testing
import Verification

/// A manifest that fits its own checksum and not what such a run has: nothing is checked away by removing it.
@Suite("Manifests: what is removed or changed and sealed again")
struct ManifestClaimsTests {
  /// Removes files, and what the manifest says of them.
  static func remove(
    _ run: DamagedRun, _ names: [String], _ change: (inout [String: Any]) -> Void = { _ in }
  ) throws {
    for name in names { try FileManager.default.removeItem(atPath: "\(run.path)/\(name)") }
    try IntegrityTests.manifest(run) {
      var files = $0["files"] as? [String: String] ?? [:]
      for name in names { files[name] = nil }
      $0["files"] = files
      change(&$0)
    }
  }

  @Test("what a run is written with must be there")
  func removed() throws {
    let scratch = try Scratch()
    let damages: [(words: String, inflict: (DamagedRun) throws -> Void)] = [
      (
        "the manifest has no fingerprint of rollups/acme.rollups",
        { try IntegrityTests.manifest($0) { $0["rollups"] = nil } }
      ),
      (
        "rollups/acme.rollups is missing",
        { try Self.remove($0, ["rollups/acme.rollups"]) { $0["rollups"] = nil } }
      ),
      (
        "dashboard/acme/fineTuned-30d.json is missing",
        { try Self.remove($0, ["dashboard/acme/fineTuned-30d.json"]) }
      ),
      ("scenario.yaml is missing", { try Self.remove($0, ["scenario.yaml"]) }),
      (
        "names neither the scenario nor the source",
        { try Self.remove($0, ["scenario.yaml"]) { $0["scenario"] = nil } }
      ),
      (
        "come from elsewhere, which has neither a scenario nor a seed",
        { try IntegrityTests.manifest($0) { $0["source"] = "elsewhere" } }
      ),
      (
        "the manifest's overrides are a=1, but the scenario was run with none",
        {
          try IntegrityTests.manifest($0) {
            var scenario = $0["scenario"] as? [String: Any] ?? [:]
            scenario["overrides"] = ["a=1"]
            $0["scenario"] = scenario
          }
        }
      ),
    ]
    for (number, (words, inflict)) in damages.enumerated() {
      let run = try IntegrityTests.copy(scratch, "run\(number)")
      try inflict(run)
      let report = try RunVerification(run.path).run()
      let findings = report.findings.filter { $0.invariant == .i15 }.map(\.message)
      #expect(findings.contains { $0.contains(words) }, "\(words): \(findings)")
      #expect(!report.holds)
    }
  }

  @Test(
    "overrides that are taken out of a manifest leave no verdict; a scenario that a run kept runs again and holds"
  )
  func overrides() throws {
    let scratch = try Scratch()
    let path = try VerdictCommandTests.small(scratch)
    let run = try Program.run(
      "run", path, "--set", "account.subscription.maxReplicas=3", "--out", scratch.file("run"), "-q")
    #expect(run.status == 0, "\(run.error)")
    let again = try Program.run(
      "run", scratch.file("run/scenario.yaml"), "--out", scratch.file("again"), "-q")
    #expect(again.status == 0, "\(again.error)")
    for name in ["run", "again"] {
      let report = try RunVerification(scratch.file(name)).run()
      #expect(report.holds, "\(name): \(report.findings) \(report.missing)")
    }
    for (overrides, isViolated) in [([String](), false), (["account.subscription.maxReplicas=4"], true)] {
      try IntegrityTests.manifest(DamagedRun(path: scratch.file("run"))) {
        var scenario = $0["scenario"] as? [String: Any] ?? [:]
        scenario["overrides"] = overrides
        $0["scenario"] = scenario
      }
      let report = try RunVerification(scratch.file("run")).run()
      #expect(!report.holds && (report.violations[.i15] != nil) == isViolated, "\(report.findings)")
    }
    // A manifest without a checksum may say anything.
    try IntegrityTests.manifest(DamagedRun(path: scratch.file("again")), sealed: false) {
      $0["checksum"] = nil
    }
    let report = try RunVerification(scratch.file("again")).run()
    #expect(!report.holds && report.violations.isEmpty, "\(report.findings)")
  }

  @Test("totals at the edge of what numbers hold are an error or a violation, never a trap")
  func edges() throws {
    let scratch = try Scratch()
    _ = try IntegrityTests.copy(scratch)
    for value in [
      NSNumber(value: UInt64(1) << 63), NSNumber(value: Int64.max), NSNumber(value: 1e300),
      NSNumber(value: Int64.min),
    ] {
      for (widget, member) in [
        ("requests", "totalRequests"), ("requests", "totalSuccesses"), ("latency", "requests"),
        ("account", "deploymentCredits"), ("account", "subscriptionMaxReplicas"),
      ] {
        let run = DamagedRun(path: scratch.file("run"))
        let file = "dashboard/acme/fineTuned-7d.json"
        let kept = try run.text(file)
        defer { try? run.write(kept, file) }
        try run.widget("fineTuned-7d", widget) { $0[member] = value }
        try run.rehash()
        try IntegrityTests.manifest(run) { _ in }
        let outcome = try Program.run("validate", run.path)
        #expect([1, 65].contains(outcome.status), "\(member) \(value): \(outcome.output)\(outcome.error)")
      }
    }
  }
}
