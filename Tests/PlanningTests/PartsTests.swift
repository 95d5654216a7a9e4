import Foundation
import Planning
import Sampling
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Parts of planning")
struct PartsTests {
  @Test("MSER-5 finds a transient, leaves a stationary series whole, and refuses one that never settles")
  func warmUp() throws {
    let arena = SamplingArena()
    let stream = arena.stream(state: (1, 2, 3, 4))
    let noise = (0..<2000).map { _ in stream.standardNormal() }
    try withExtendedLifetime(arena) {
      #expect(try #require(MSER5.truncation(noise)) < 0.1)
      // Starts ten standard deviations away and decays over 200 batches: to one after 460, which is 0.23 of the series.
      let transient = noise.enumerated().map { $1 + 10 * exp(-Double($0) / 200) }
      let found = try #require(MSER5.truncation(transient))
      #expect(found > 0.15 && found <= 0.5, "\(found)")
      #expect(MSER5.truncation((0..<2000).map { Double($0) }) == nil)
      #expect(MSER5.truncation([1, 2, 3]) == nil)
    }
  }

  @Test("the ideal bound of a system without waiting is the time in service; never more than what is used")
  func ideal() throws {
    // M/M/10 at 10 %: nobody waits; requests in service are arrivals × service time, each a replica of one slot.
    let variant = try KnownSystem.variant(
      "idle", rate: 1, servers: 10, service: "{ exponential: { mean: 1s } }", hours: 10)
    let bound = try IdealStudy(variant, replication: 0, warmUp: 0, objectives: []).bound
    #expect(abs(bound.replicaHours - 10) < 0.3, "\(bound.replicaHours)")
    let record = try variant.replicate(0, warmUp: 0)
    #expect(bound.replicaHours < record.replicaHours && abs(record.replicaHours - 100) < 0.5)
    // 1.428 credits an hour on a T4.
    #expect(abs(bound.credits - 1.428 * bound.replicaHours) < 1e-6)
    #expect(abs(record.utilisation - 0.1) < 0.01)
  }

  @Test("replica figures by hand: hours, credits, utilisation, time at the limit")
  func replicas() throws {
    let variant = try KnownSystem.variant(
      "busy", rate: 10, servers: 2, service: "1s", hours: 2, more: ", timeout: 5s")
    let record = try variant.replicate(3, warmUp: 600_000_000)
    #expect(abs(record.replicaHours - 4) < 1e-9 && abs(record.credits - 4 * 1.428) < 1e-9)
    #expect(record.utilisation > 0.99 && record.atMaxReplicas == 1 && record.atSubscription == 0)
    #expect(record.peakReplicas == 2)
    // Two a second are served of ten.
    let served = Double(record.successes) / 7200
    #expect(abs(served - 2) < 0.01, "\(served)")
    #expect(record.failures["timeout"].map { Double($0) / 7200 > 7.5 } ?? false)
  }

  @Test("quantiles lie among the latencies that there were: where all are alike, all quantiles are")
  func quantiles() throws {
    let variant = try KnownSystem.variant("alike", rate: 0.1, servers: 10, service: "1s", hours: 1)
    let records = try (0..<3).map { try variant.replicate($0, warmUp: 0) }
    for name in ["p50", "p90", "p95", "p99", "p999"] {
      let metric = try #require(Metric("latency.\(name)"))
      // The bin of 1 s ends at 1.007 s.
      #expect(records.allSatisfy { metric.value($0) == 1000 }, "\(name)")
      let estimate = try #require(Estimator.estimate(metric, records, confidence: 0.95))
      #expect(estimate.value == 1000 && estimate.halfWidth == 0)
      #expect(Estimator.difference(metric, records, base: records, confidence: 0.95)?.value == 0)
    }
    let varied = try KnownSystem.variant(
      "varied", rate: 0.5, servers: 10, service: "{ exponential: { mean: 1s } }", hours: 1
    ).replicate(0, warmUp: 0)
    let (least, most) = (try #require(varied.latencyMin), try #require(varied.latencyMax))
    for q in stride(from: 0, through: 1, by: 0.01) {
      let value = try #require(varied.latencyQuantile(q))
      #expect(value * 1000 >= Double(least) && value * 1000 <= Double(most))
    }
  }

  @Test("records of earlier versions, which did not keep the extremes, are still read")
  func earlierRecords() throws {
    var record = try KnownSystem.variant("one", rate: 0.001, servers: 1, service: "1s", hours: 1)
      .replicate(0, warmUp: 0)
    record.latencies = [100, 2]
    (record.latencyMin, record.latencyMax) = (nil, nil)
    var json = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? [String: Any])
    json["latencyMin"] = nil
    json["latencyMax"] = nil
    let read = try JSONDecoder().decode(
      ReplicationRecord.self, from: JSONSerialization.data(withJSONObject: json))
    #expect(read == record && read.latencyQuantile(0.5) == 0.1005)
  }

  @Test(
    "utilisation counts what is served inside the period: of the warm-up's requests and of the last ones, a part"
  )
  func utilisation() throws {
    let yaml = """
      workbench: 1
      name: edges
      period: { from: "2026-03-02T09:00:00Z", to: "2026-03-02T10:00:00Z" }
      account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 3 } }
      models:
        - name: one
          kind: openSource
          load: { arrivals: { trace: t } }
          deployments:
            - { version: V1, deployAt: 2026-03-02, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 1 }, service: { perOutputToken: 1s } }
      """
    let scenario = try ScenarioDocument(Data(yaml.utf8), path: "edges.yaml").scenario
    // Requests of 100 s. 40 s of the first lie in the period, 100 s of the next two, 30 s of the fourth, for which the
    // fifth waits until after the end.
    let seconds: [Int64] = [-60, 0, 1800, 3570, 3599]
    let trace = seconds.map {
      TraceRequest(
        arrivedAt: scenario.from.microseconds + $0 * 1_000_000, inputTokens: 0, outputTokens: 100)
    }
    let variant = Variant(name: "edges", overrides: [], scenario: scenario, traces: ["t": Trace(trace)])
    let record = try variant.replicate(0, warmUp: 1_800_000_000)
    #expect(record.requests == 4)
    #expect(abs(record.utilisation - 270.0 / 3600) < 1e-12, "\(record.utilisation)")
    // Without the warm-up, the first is not there at all.
    #expect(abs(try variant.replicate(0, warmUp: 0).utilisation - 230.0 / 3600) < 1e-12)
  }

  @Test("a Latin hypercube uses every part of every range once; a factorial design is every combination")
  func designs() throws {
    let factors = try [Factor("a=0..1"), Factor("b=10s..50s"), Factor("c=x,y")]
    let points = Design.latinHypercube(factors, samples: 20, seed: 3)
    let seconds = points.compactMap { Double($0[1].dropLast()) }.sorted()
    #expect(points.count == 20 && seconds.count == 20)
    for (index, value) in seconds.enumerated() {
      #expect(value >= 10 + 2 * Double(index) && value <= 10 + 2 * Double(index + 1))
    }
    #expect(points.count { $0[2] == "x" } == 10)
    #expect(Design.factorial([["1", "2"], ["a", "b", "c"]]).count == 6)
    #expect(try Factor("a=2..8:3").levels() == ["2", "5", "8"])
    // Together, and as factors of what is there.
    #expect(
      try Factor("account.x & models.*.y*=2..4:2").overrides("4", hasAccounts: false) == [
        "account.x=4", "models.*.y*=4",
      ])
    #expect(
      try Factor(#"load.scale&models.r\&d.y=1,2"#).overrides("2", hasAccounts: true) == [
        "accounts.*.models.*.load.scale=2", "models.r&d.y=2",
      ])
    #expect(throws: Factor.InvalidFactor.self) { try Factor("a &=1,2") }
    #expect(try Factor("a=0.5..1:0.25").levels() == ["0.5", "0.75", "1"])
    #expect(try Factor("a=5/s..10/s:5/s").levels() == ["5/s", "10/s"])
    #expect(try Factor("a=[1, 2],[3]").levels() == ["[1, 2]", "[3]"])
    #expect(throws: Factor.InvalidFactor.self) { try Factor("a=1..2:x") }
  }

  @Test("Sobol indices of a function whose indices are known")
  func sobol() throws {
    // y = 3 x1 + 4 x2, uniform: 9 ⁄ 25 and 16 ⁄ 25; x3 does nothing.
    let factors = try ["x1=0..1000", "x2=0..1000", "x3=0..1000"].map { try Factor($0 + ":0.001") }
    let design = Design.saltelli(factors, samples: 4000, seed: 1)
    func f(_ point: [String]) -> Double { 3 * (Double(point[0]) ?? 0) + 4 * (Double(point[1]) ?? 0) }
    let indices = Design.firstOrder(
      a: design.a.map(f), b: design.b.map(f), mixed: design.mixed.map { $0.map(f) }, seed: 1)
    #expect(
      abs(indices[0].index - 0.36) < 0.04 && abs(indices[1].index - 0.64) < 0.04
        && abs(indices[2].index) < 0.05, "\(indices)")
    #expect(indices.allSatisfy { $0.error > 0 && $0.error < 0.05 })
  }
}
