import Foundation
import TestSupport
import Testing
import Verification

/// I19 to I22: the validator, proved by damage to a run of continuous batching whose first version ends.
@Suite("What steps promise, proved by damage")
struct StepInvariantTests {
  private static let scenario = """
    workbench: 1
    name: steps
    seed: 2
    period: { from: 2026-03-02T00:00:00Z, to: 2026-03-02T06:00:00Z }
    account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 6 } }
    incidents:
      - { kind: degradation, model: chat, from: 2026-03-02T04:00:00Z, to: 2026-03-02T04:10:00Z, latencyFactor: 0.5 }
    models:
      - name: chat
        kind: openSource
        load: { arrivals: { poisson: { rate: 30/min } }, tokens: { input: { lognormal: { median: 800, sigma: 0.8 } }, output: { lognormal: { median: 200, sigma: 0.6, min: 2 } } } }
        deployments:
          - version: V1
            deployAt: 2026-03-01
            undeployAt: 2026-03-02T03:00:00Z
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 16 }
            service: { continuousBatching: { base: 20ms, perPromptToken: 0.1ms, kvCache: { tokens: 8000 } } }
          - version: V2
            deployAt: 2026-03-02T02:00:00Z
            traffic: 0.5
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 16 }
            service: { continuousBatching: { base: 20ms, perPromptToken: 0.1ms, kvCache: { tokens: 8000 } } }
    """

  /// A sound run, then a copy that was damaged and given a manifest that agrees.
  private func report(_ damage: (DamagedRun) throws -> Void) throws -> InvariantReport {
    let scratch = try Scratch()
    let scenario = try scratch.write("steps.yaml", Self.scenario)
    let done = try Program.run("run", scenario, "--out", scratch.file("run"), "-q")
    #expect(done.status == 0, "\(done.error)")
    let run = DamagedRun(path: scratch.file("run"))
    try damage(run)
    try run.rehash()
    return try RunVerification(run.path).run()
  }

  private func expect(_ invariant: Invariant, _ words: String, _ report: InvariantReport) {
    let found = report.findings.filter { $0.invariant == invariant }.map(\.message)
    #expect(found.contains { $0.contains(words) }, "\(report.findings.map(\.message).prefix(12))")
    let others = Set([Invariant.i19, .i20, .i21]).subtracting([invariant])
    #expect(others.isDisjoint(with: report.violations.keys), "\(report.findings)")
  }

  @Test("the sound run holds; requests failed because their context could never fit, and others waited")
  func sound() throws {
    let scratch = try Scratch()
    let scenario = try scratch.write("steps.yaml", Self.scenario)
    #expect(try Program.run("run", scenario, "--out", scratch.file("run"), "-q").status == 0)
    let report = try RunVerification(scratch.file("run")).run()
    #expect(report.holds, "\(report.findings)")
    #expect(
      !report.skipped.contains { [.i19, .i20, .i21, .i22].contains($0.invariant) }, "\(report.skipped)")
    #expect(
      try DamagedRun(path: scratch.file("run")).text("telemetry/requests.csv").contains(
        "contextLengthExceeded"))
  }

  @Test("a context that no replica could hold")
  func context() throws {
    let report = try report { run in
      try run.row(
        "requests", where: { row, columns in row[columns["status"] ?? 0] == "success" },
        { row, columns in row[columns["input_tokens"] ?? 0] = "8001" })
    }
    expect(.i19, "where a replica holds 8000", report)
  }

  @Test("an answer that lost steps")
  func steps() throws {
    let report = try report { run in
      try run.row(
        "requests", where: { row, columns in row[columns["status"] ?? 0] == "success" },
        { row, columns in
          // As many tokens as it has, each of less than the ten milliseconds that a step takes in the incident.
          let tokens = Int(row[columns["output_tokens"] ?? 0]) ?? 0
          let first = Int(row[columns["ttft_us"] ?? 0]) ?? 0
          row[columns["latency_us"] ?? 0] = "\(first + (tokens - 1) * 9_999)"
        })
    }
    expect(.i20, "where a step takes at least 10000 µs", report)
  }

  @Test("replicas of a version that ended")
  func ended() throws {
    let report = try report { run in
      try run.rows("replicas") { rows, columns in
        var rows = rows
        let version = columns["version"] ?? 0
        let last = try #require(rows.lastIndex { $0[version] == "V1" })
        rows[last][columns["ready"] ?? 0] = "1"
        return rows
      }
    }
    expect(.i21, "V1 has 1 replica at", report)
  }

  @Test(
    "what the KV cache was used for",
    arguments: [
      ("peak_blocks", "501", "has 500 blocks a replica, but 501 were in use"),
      ("used_block_ms", "9000000000", "was in use for 9000000000 block ms"),
      ("replica_ms", "1", "has 1 ms of replicas, but ready and draining replicas were there for"),
      ("model_id", "7", "is of a model that does not exist"),
    ])
  func blocks(_ column: String, _ value: String, _ words: String) throws {
    let report = try report { run in
      try run.row("kv_cache", where: { _, _ in true }, { row, columns in row[columns[column] ?? 0] = value })
    }
    expect(.i22, words, report)
  }

  @Test("a second opinion on what the dashboard says of caches")
  func secondOpinion() throws {
    let report = try report { run in
      try run.row(
        "kv_cache", where: { _, _ in true },
        { row, columns in
          row[columns["preemptions"] ?? 0] = String((Int(row[columns["preemptions"] ?? 0]) ?? 0) + 3)
        })
    }
    #expect(
      report.findings.contains { $0.invariant == .i13 && $0.message.contains("serving.preemptions") },
      "\(report.findings)")
  }
}
