import Foundation
import Planning
import ScenarioModel
import Simulation
import TestSupport
import Testing

@Suite("Planning: the ideal bound over time")
struct IdealBoundTests {
  /// 2026-01-05T00:00:00Z.
  static let start: Int64 = 1_767_571_200_000_000

  static func result(
    _ arrivals: [Int64], tokens: (Int32, Int32) = (10, 101), service: String, batch: Int, replicas: Int,
    slo: String?,
    warmUp: Int64 = 0
  ) throws -> PlanResult.Ideal {
    let yaml = """
      workbench: 1
      name: known
      period: { from: 2026-01-05T01:00Z, to: "2026-01-05T02:00Z" }
      account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 50 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { trace: t } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: T4 single
              scaling: { minReplicas: \(replicas), maxReplicas: \(replicas), maxBatchSize: \(batch) }
              service: \(service)
              queue: { capacity: 100000 }
      """
    let trace = Trace(
      arrivals.map { .init(arrivedAt: start + $0 * 1_000_000, inputTokens: tokens.0, outputTokens: tokens.1) }
    )
    let variant = Variant(
      name: "base", overrides: [],
      scenario: try ScenarioDocument(Data(yaml.utf8), path: "known.yaml").scenario,
      traces: ["t": trace])
    var options = Study.Options()
    options.objectives = try slo.map { try Objective.list($0) } ?? []
    options.goal = slo == nil ? nil : Metric("credits")
    let study = try Study(
      [variant], factors: [], options: options, experiment: Experiment([variant], warmUp: warmUp, threads: 1),
      result: PlanResult(
        program: "", command: "", scenario: "known", description: "", seed: 1,
        warmUp: .init(microseconds: 0, method: "given", text: ""), confidence: 0.95),
      make: { _ in variant }, progress: { _, _, _ in })
    try study.run()
    return try #require(study.result.ideal.first)
  }

  @Test("by quarters of an hour, beside the replicas that ran; the warm-up does not count")
  func series() throws {
    // A request of ten minutes in the warm-up until 01:05; three at once at 01:10, one at 01:25, each of ten minutes; two
    // fit on a replica.
    let minutes: [Int64] = [55, 70, 70, 70, 85]
    let ideal = try Self.result(
      minutes.map { $0 * 60 }, service: "{ time: 10min }", batch: 2, replicas: 3, slo: nil,
      warmUp: 1_800_000_000)
    let series = try #require(ideal.series)
    // 01:00–01:05 one; 01:10–01:20 two; 01:25–01:35 one.
    #expect(series.from == "2026-01-05T01:00:00.000000Z" && series.seconds == 900)
    let replicaMinutes: [Double] = [15, 15, 5, 0]
    #expect(series.needed.count == replicaMinutes.count)
    for (needed, minutes) in zip(series.needed, replicaMinutes) { #expect(abs(needed - minutes / 15) < 1e-6) }
    #expect(series.neededAtMost == [2, 2, 1, 0])
    #expect(series.ran == [3, 3, 3, 3] && series.neededUnderObjectives == nil)
    #expect(abs(ideal.bound.replicaHours - 35 / 60.0) < 1e-9 && ideal.bound.peakReplicas == 2)
    #expect(abs(ideal.replicaHours - 3) < 1e-9 && ideal.underObjectives == nil)
  }

  @Test(
    "under objectives on token times a replica serves no more at once than lets them hold",
    arguments: [
      // 10.1 ms a token alone, and half as much again for each other.
      ("{ firstToken: 100ms, perOutputToken: 10ms, batchSlowdown: 0.5 }", "tpot.p95 <= 16ms", 2),
      ("{ firstToken: 100ms, perOutputToken: 10ms, batchSlowdown: 0.5 }", "tpot.mean <= 25.3ms", 4),
      ("{ firstToken: 100ms, perOutputToken: 10ms, batchSlowdown: 0.5 }", "ttft.p99 <= 210ms", 3),
      // Both: the smaller.
      (
        "{ firstToken: 100ms, perOutputToken: 10ms, batchSlowdown: 0.5 }",
        "ttft.p99 <= 210ms, tpot.p95 <= 16ms",
        2
      ),
      ("{ firstToken: 100ms, perOutputToken: 10ms, batchSlowdown: 0.5 }", "tpot.p95 <= 5s", 8),
      // Steps of 10 ms and 1 ms for each request.
      ("{ continuousBatching: { base: 10ms, perSequence: 1ms } }", "tpot.p95 <= 14.5ms", 4),
      ("{ continuousBatching: { base: 10ms, perSequence: 1ms } }", "tpot.p95 <= 11ms", 1),
    ])
  func batches(_ service: String, _ slo: String, _ batch: Int) throws {
    let arrivals: [Int64] = (0..<120).map { 3600 + 20 * $0 }
    let ideal = try Self.result(arrivals, service: service, batch: 8, replicas: 8, slo: slo)
    let own = try #require(ideal.underObjectives)
    #expect(
      own.batches.map(\.batch) == [batch] && own.batches[0].of == 8 && own.batches[0].deployment == "m V1")
    #expect(own.unattainable.isEmpty)
    #expect(own.bound.replicaHours <= ideal.replicaHours)
    #expect(try #require(ideal.series?.neededUnderObjectives).count == 4)
  }

  @Test("an objective that not even a request that is alone keeps is named")
  func unattainable() throws {
    let ideal = try Self.result(
      [3600, 3700], service: "{ firstToken: 100ms, perOutputToken: 10ms }", batch: 4, replicas: 1,
      slo: "tpot.p95 <= 9ms")
    let own = try #require(ideal.underObjectives)
    #expect(own.batches.map(\.batch) == [1] && own.unattainable == ["tpot.p95 <= 9ms"])
  }

  @Test("with a smaller batch, the same requests need more replicas: by hand")
  func byHand() throws {
    // Four requests at once; each alone takes 0.1 + 101 × 0.01 = 1.11 s. Two on each replica: half as much again.
    let ideal = try Self.result(
      [3600, 3600, 3600, 3600], service: "{ firstToken: 100ms, perOutputToken: 10ms, batchSlowdown: 0.5 }",
      batch: 4, replicas: 1, slo: "tpot.p95 <= 16ms")
    let own = try #require(ideal.underObjectives)
    #expect(own.batches.map(\.batch) == [2] && own.bound.peakReplicas == 2)
    #expect(abs(own.bound.replicaHours - 2 * 1.11 * 1.5 / 3600) < 1e-8)
    #expect(ideal.bound.peakReplicas == 1)
  }
}
