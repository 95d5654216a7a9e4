import Foundation
import TestSupport
import Testing
import Verification

/// I23: the validator, proved by damage to a run whose queue goes by priority with ageing.
@Suite("What a queue by priority promises, proved by damage")
struct PriorityInvariantTests {
  private static func scenario(_ queue: String) -> String {
    """
    workbench: 1
    name: priorities
    seed: 3
    period: { from: 2026-03-02T00:00:00Z, to: 2026-03-02T06:00:00Z }
    account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 1 } }
    models:
      - name: chat
        kind: openSource
        load:
          arrivals: { poisson: { rate: 1/s } }
          tokens: { input: 10, output: 10 }
          deadline: 2min
          classes: [{ name: people, share: 0.4, priority: 1 }, { name: jobs, share: 0.6 }]
        deployments:
          - version: V1
            deployAt: 2026-03-01
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 4 }
            service: { time: { exponential: { mean: 4s } } }
            queue: { \(queue) }
    """
  }

  private func report(_ queue: String, _ damage: (DamagedRun) throws -> Void) throws -> InvariantReport {
    let scratch = try Scratch()
    let file = try scratch.write("priorities.yaml", Self.scenario(queue))
    let done = try Program.run("run", file, "--out", scratch.file("run"), "-q")
    #expect(done.status == 0, "\(done.error)")
    let run = DamagedRun(path: scratch.file("run"))
    try damage(run)
    try run.rehash()
    return try RunVerification(run.path).run()
  }

  @Test(
    "sound runs hold",
    arguments: [
      "discipline: priority", "discipline: priority, ageing: 20s", "discipline: priority, ageing: 0s",
    ])
  func sound(queue: String) throws {
    let report = try report(queue) { run in
      let text = try run.text("telemetry/requests.csv")
      #expect(text.contains("people") && text.contains("timeout"))
    }
    #expect(report.holds, "\(report.findings)")
    #expect(!report.skipped.contains { $0.invariant == .i23 })
  }

  @Test("a request that is overtaken is found, and nothing else is")
  func overtaken() throws {
    let report = try report("discipline: priority, ageing: 20s") { run in
      try run.rows("requests") { rows, columns in
        var rows = rows
        let (waiting, latency) = (columns["waiting_us"] ?? 0, columns["latency_us"] ?? 0)
        // One of the people starts 30 s later than it did.
        let index = try #require(
          rows.indices.first {
            rows[$0][columns["class"] ?? 0] == "people" && rows[$0][columns["status"] ?? 0] == "success"
              && (Int(rows[$0][waiting]) ?? 0) > 10_000_000
          })
        for column in [waiting, latency, columns["ttft_us"] ?? 0] {
          rows[index][column] = "\((Int(rows[index][column]) ?? 0) + 30_000_000)"
        }
        return rows
      }
    }
    let found = report.findings.filter { $0.invariant == .i23 }.map(\.message)
    #expect(
      found.contains { $0.contains("which its priority and its age put before it") }, "\(report.findings)")
  }

  @Test("classes that are swapped are found: priorities were not what the scenario says")
  func swapped() throws {
    let report = try report("discipline: priority") { run in
      try run.rows("requests") { rows, columns in
        let place = columns["class"] ?? 0
        return rows.map { row in
          row.enumerated().map {
            $0.offset == place ? ($0.element == "people" ? "jobs" : "people") : $0.element
          }
        }
      }
    }
    #expect((report.violations[.i23] ?? 0) > 10)
    let others = Set(report.violations.keys).subtracting([.i23, .i10, .i13, .i14, .i15])
    #expect(others.isEmpty, "\(report.findings)")
  }
}
