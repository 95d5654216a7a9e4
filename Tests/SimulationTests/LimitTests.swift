import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("What the engine's packed fields hold")
struct LimitTests {
  @Test("routes, places and sequence numbers hold all that the grammar lets through")
  func widths() {
    #expect(DepartureList.deployments >= Limits.deploymentsOfModel)
    #expect(DepartureList.replicas >= Limits.replicasOfDeployment)
    #expect(DepartureList.places == Limits.requestsInService)
    // 10¹¹ requests that each have every attempt.
    #expect(DepartureList.sequences > 100_000_000_000 * (1 + Limits.attempts))
    #expect(Limits.attempts < 256 && Limits.tokens < Int(Int32.max) && Limits.replicasOfDeployment <= 256)
  }

  @Test("a departure's route survives at both ends of what it holds")
  func routes() {
    var list = DepartureList()
    let ends = [
      0, 1023, 1024, 1025, 4095, 4096, Limits.deploymentsOfModel - 1, DepartureList.deployments - 1,
    ]
    for (sequence, deployment) in ends.enumerated() {
      list.insert(
        time: Int64(sequence), sequence: sequence, deployment: deployment,
        replica: sequence % 2 == 0 ? 0 : DepartureList.replicas - 1)
    }
    // Taking out those of one leaves those of the one that shares its lowest ten bits.
    #expect(list.removeAll(deployment: 1024, replica: 0) == [2])
    for (sequence, deployment) in ends.enumerated() where deployment != 1024 {
      #expect(list.first.sequence == sequence && list.first.deployment == deployment)
      #expect(list.first.replica == (sequence % 2 == 0 ? 0 : DepartureList.replicas - 1))
      list.removeFirst()
    }
    #expect(list.count == 0)
  }

  /// Versions that follow each other, a minute each, of one model.
  private static func versions(_ count: Int) -> String {
    func minute(_ index: Int) -> String {
      let (hour, minute) = (index / 60, index % 60)
      func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
      return "2026-01-0\(5 + hour / 24)T\(two(hour % 24)):\(two(minute)):00Z"
    }
    let deployments = (0..<count).map {
      "        - { version: V\($0 + 1), deployAt: \"\(minute($0))\", undeployAt: \"\(minute($0 + 1))\", hardware: T4 single, scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 64, startup: 1s, scaleUpDelay: 1h }, service: { time: 5s } }"
    }
    return """
      workbench: 1
      name: many versions
      period: { from: "2026-01-05T00:00:00Z", to: "\(minute(count))" }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 10 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { poisson: { rate: 12/min } }, tokens: { input: 1, output: 1 } }
          deployments:
      \(deployments.joined(separator: "\n"))
      """
  }

  @Test("of 1,100 versions of one model, each is released when its last request ends")
  func manyVersions() throws {
    let run = try Simulated(Self.versions(1100))
    // Each has one replica from its start, for a minute, and as long as a request of 5 s drains: 65 s at most. With
    // departures at the wrong deployment, those of the versions after the 1,024th are never released.
    var on: [String: Timestamp] = [:]
    for row in run.tables.replicas {
      if row.replicas > 0 {
        on[row.version] = on[row.version] ?? row.at
        #expect(row.replicas == 1, "\(row)")
      } else if let since = on.removeValue(forKey: row.version) {
        #expect(row.at - since <= 65_000_000, "\(row.version) took \((row.at - since) / 1_000_000) s")
      }
    }
    // Only the last ones may still run at the end.
    #expect(Set(on.keys).isSubset(of: ["V1099", "V1100"]))
    let ended = run.tables.deployments.filter { $0.undeployedAt != nil }
    #expect(ended.count >= 1098)
  }
}
