import Foundation
import TestSupport
import Testing
import Verification

@Suite("Operations and attempts in figures")
struct AttemptFigureTests {
  private static func scenario(_ retries: String) -> String {
    """
    workbench: 1
    name: attempts
    seed: 4
    period: { from: 2026-03-02T00:00:00Z, to: 2026-03-02T06:00:00Z }
    account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 1 } }
    models:
      - name: chat
        kind: openSource
        load:
          arrivals: { poisson: { rate: 1/s } }
          tokens: { input: 10, output: 10 }
          deadline: 15s
          retries: { probability: 0.8, attempts: 2\(retries) }
        deployments:
          - version: V1
            deployAt: 2026-03-01
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 4 }
            service: { time: { exponential: { mean: 4s } } }
            queue: { capacity: 100 }
    """
  }

  private func run(_ retries: String, _ scratch: Scratch) throws -> DamagedRun {
    let file = try scratch.write("attempts.yaml", Self.scenario(retries))
    let done = try Program.run("run", file, "-o", scratch.file("run"), "-q")
    #expect(done.status == 0, "\(done.error)")
    return DamagedRun(path: scratch.file("run"))
  }

  private func attempts(_ run: DamagedRun) throws -> [String: Int]? {
    let answer = try Program.run("aggregate", run.path, "--kind", "openSource", "--period", "24h")
    #expect(answer.status == 0, "\(answer.error)")
    let json = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
    return json?["attempts"] as? [String: Int]
  }

  @Test("`aggregate` counts first attempts, all of them, and those that succeeded")
  func aggregate() throws {
    let scratch = try Scratch()
    let run = try run(", numbered: true", scratch)
    var counts = ["operations": 0, "attempts": 0, "answered": 0]
    try run.rows("requests") { rows, columns in
      for row in rows {
        counts["attempts", default: 0] += 1
        if row[columns["attempt"] ?? 0] == "1" { counts["operations", default: 0] += 1 }
        if row[columns["status"] ?? 0] == "success" { counts["answered", default: 0] += 1 }
      }
      return rows
    }
    #expect(try attempts(run) == counts)
    #expect((counts["operations"] ?? 0) * 11 / 10 < counts["attempts"] ?? 0)
    #expect(try RunVerification(run.path).run().holds)
  }

  @Test("without numbers, there is no such part")
  func absent() throws {
    let scratch = try Scratch()
    #expect(try attempts(run("", scratch)) == nil)
  }

  @Test("a second opinion on them")
  func secondOpinion() throws {
    let scratch = try Scratch()
    let run = try run(", numbered: true", scratch)
    try run.row(
      "requests", where: { row, columns in row[columns["attempt"] ?? 0] == "2" },
      { row, columns in row[columns["attempt"] ?? 0] = "1" })
    try run.rehash()
    let report = try RunVerification(run.path).run()
    #expect(
      report.findings.contains { $0.invariant == .i13 && $0.message.contains("attempts.operations") },
      "\(report.findings)")
  }
}
