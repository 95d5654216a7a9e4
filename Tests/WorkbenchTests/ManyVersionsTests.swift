import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Many versions of one model")
struct ManyVersionsTests {
  /// Versions that follow each other, an hour each, and a request of 5 s in the middle of each hour.
  private static func write(_ count: Int, _ scratch: Scratch) throws -> String {
    let start = Timestamp(seconds: 1_767_571_200)  // 2026-01-05
    func hour(_ index: Int, minutes: Int = 0) -> String {
      (start + (Int64(index) * 3600 + Int64(minutes) * 60) * 1_000_000).rfc3339
    }
    let versions = (0..<count).map {
      "      - { version: V\($0 + 1), deployAt: \"\(hour($0))\", undeployAt: \"\(hour($0 + 1))\", hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 8 }, service: { time: 5s } }"
    }
    let calls = (0..<count).map { "\(hour($0, minutes: 30)),1,1\n" }.joined()
    try scratch.write("calls.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n" + calls)
    return try scratch.write(
      "versions.yaml",
      """
      workbench: 1
      name: many versions
      period: { from: "\(hour(0))", to: "\(hour(count))" }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 10 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { trace: calls.csv } }
          deployments:
      \(versions.joined(separator: "\n"))

      """)
  }

  @Test("1,100 hourly versions cost 1,100 hours of a replica, and validate agrees")
  func credits() throws {
    let scratch = try Scratch()
    let run = try Program.run(
      "run", try Self.write(1100, scratch), "-q", "--out", scratch.file("run"))
    #expect(run.status == 0, "\(run.error)")
    // 1,100 hours are 45 days and 20 hours: to 20:00 of 19 February.
    let answer = try Program.run("aggregate", scratch.file("run"), "--period", "2026-01-05..2026-02-19")
    #expect(answer.status == 0, "\(answer.error)")
    let figures = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
    let account = try #require(figures["account"] as? [String: Any])
    let requests = try #require(figures["requests"] as? [String: Any])
    // A version has one replica from the start of its hour to the end: nothing is in service then, so nothing drains. An
    // hour of "A10 single" is 2.118 credits by the price list, and 1,100 × 2.118 = 2,329.8. Departures at the wrong
    // version would leave replicas of the last 76 draining to the end.
    let credits = try #require(account["deploymentCredits"] as? Double)
    #expect(abs(credits - 2329.8) < 1e-9, "\(credits)")
    #expect(requests["totalRequests"] as? Int == 1100)
    let validated = try Program.run("validate", scratch.file("run"))
    #expect(validated.status == 0, "\(validated.output)\(validated.error)")
  }
}
