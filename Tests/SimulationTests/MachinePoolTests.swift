import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Pools of machines: provisioning, limits, spot machines")
struct MachinePoolTests {
  private typealias Row = ReplicaPathTests.Row

  /// An hour from second 0 of `ReplicaPathTests`, with one model for each deployment, all with the same trace.
  private static func scenario(
    pool: String, scaling: String, deployAt: String = "2026-01-01", models: Int = 1, account: String = ""
  ) -> String {
    let text = (1...models).map {
      """
        - name: m\($0)
          kind: openSource
          load: { arrivals: { trace: t } }
          deployments:
            - version: V1
              deployAt: "\(deployAt)"
              hardware: pooled
              service: { perOutputToken: 1s }
              queue: { capacity: 100 }
              scaling: { \(scaling) }
      """
    }
    return """
      workbench: 1
      name: pools
      period: { from: 2026-01-05, to: 2026-01-05T01:00 }
      account:
        name: a
        timeZone: UTC
        subscription: { maxReplicas: 20 }
        pools: { pooled: { hardware: A10 single, \(pool) } }
      \(account)
      models:
      \(text.joined(separator: "\n"))
      """
  }

  private static func rows(_ run: Simulated, _ model: Int32 = 1) -> [Row] {
    run.tables.replicas.filter { $0.modelID == model }.map(Row.init)
  }

  private static func second(_ at: Timestamp) -> Double {
    Double(at.microseconds - ReplicaPathTests.start) / 1e6
  }

  private static let scaling =
    "minReplicas: 1, maxReplicas: 2, maxBatchSize: 1, scaleUpDelay: 5s, scaleDownDelay: 20s, startup: 10s"

  @Test("a replica that is added waits for its machine, then starts; it is there from then on")
  func provisioning() throws {
    let run = try Simulated(
      Self.scenario(pool: "provisioning: 30s", scaling: Self.scaling),
      traces: ReplicaPathTests.trace([(10, 100), (10, 100)]))
    // Wanted at 15 s; the machine comes at 45 s, the replica is ready at 55 s, when the second request starts, until
    // 155 s. Demand is 1 from 110 s on, when the first ends: a window later the youngest, which serves, drains.
    #expect(
      Self.rows(run) == [
        Row(0, 0, 1, 0), Row(45, 1, 1, 0), Row(55, 0, 2, 0), Row(130, 0, 1, 1), Row(155, 0, 1, 0),
      ])
    #expect(run.requests.map(\.waiting) == [0, 45_000_000])
  }

  @Test("a machine that is not needed any more before it is there never comes")
  func cancelled() throws {
    let run = try Simulated(
      Self.scenario(pool: "provisioning: 60s", scaling: Self.scaling),
      traces: ReplicaPathTests.trace([(10, 10), (10, 10)]))
    // Wanted at 15 s for 75 s; demand is 1 from 20 s on, so that one replica is enough at 40 s.
    #expect(Self.rows(run) == [Row(0, 0, 1, 0)])
  }

  @Test("without a machine to be had, a scale-up is cut short by the pool, and tried again")
  func limit() throws {
    let run = try Simulated(
      Self.scenario(pool: "limit: 3", scaling: Self.scaling, models: 2),
      traces: ReplicaPathTests.trace([(10, 100), (10, 100)]))
    // As under a subscription of 3: see SubscriptionTests.cutShort.
    #expect(
      Self.rows(run, 1) == [Row(0, 0, 1, 0), Row(15, 1, 1, 0), Row(25, 0, 2, 0), Row(130, 0, 1, 0)])
    #expect(Self.rows(run, 2) == [Row(0, 0, 1, 0), Row(15, 0, 1, 0, .pool)])
  }

  @Test("a replica that waits for its machine has its place under the limit; one that drains keeps it")
  func places() throws {
    // Both ask at 15 s for the third machine, which the first model gets, and gives back at 175 s, a window after its
    // demand has fallen to 1 again. The other tries every 5 s while its demand exceeds one replica, from 120 s on.
    let run = try Simulated(
      Self.scenario(pool: "limit: 3, provisioning: 30s", scaling: Self.scaling, models: 2),
      traces: ReplicaPathTests.trace([(10, 100), (10, 100), (120, 60)]))
    #expect(Self.rows(run, 2).first { $0.limit == .pool }?.second == 15)
    #expect(Self.rows(run, 2).first { $0.starting > 0 } == Row(205, 1, 1, 0))
  }

  private static let fixed = "minReplicas: 1, maxReplicas: 1, maxBatchSize: 2, startup: 10s"
  private static let spot = "provisioning: 40s, spot: { price: 0.35, timeBetweenReclaims: 100s, notice: 30s }"

  @Test("a spot machine's replica drains on notice; what it still serves at its end is cut off")
  func reclaimed() throws {
    let run = try Simulated(
      Self.scenario(pool: Self.spot, scaling: Self.fixed),
      traces: ReplicaPathTests.trace([(90, 20), (95, 60), (140, 1)]))
    // The machine is there from 0 on. Notice at 100 s; one request ends at 110 s, the other is cut off at 130 s, when the
    // replica's place is free: another machine comes at 170 s, is ready at 180 s, and on notice at 270 s, idle: it goes
    // at once, and so on every 140 s.
    #expect(
      Array(Self.rows(run).prefix(9)) == [
        Row(0, 0, 1, 0), Row(100, 0, 0, 1), Row(130, 0, 0, 0), Row(170, 1, 0, 0), Row(180, 0, 1, 0),
        Row(270, 0, 0, 0), Row(310, 1, 0, 0), Row(320, 0, 1, 0), Row(410, 0, 0, 0),
      ])
    #expect(run.requests.map(\.reason) == ["", "replicaLost", ""])
    #expect(run.requests.map(\.latency) == [20_000_000, 35_000_000, 41_000_000])
    #expect(run.requests[1].output == 0 && run.requests[1].waiting == 0)
    let reclaims = run.tables.incidents
    #expect(reclaims.allSatisfy { $0.kind == "reclaim" && $0.modelID == 1 })
    // From 100 s on; the second at 270 s, then every 140 s: (3,600 − 270) ÷ 140, rounded up.
    #expect(reclaims.count == 1 + 24)
    #expect(reclaims.map { Self.second($0.startedAt) }.prefix(3) == [100, 270, 410])
    #expect(reclaims.map { Self.second($0.endedAt) }.prefix(2) == [130, 300])
  }

  @Test("where there is room, another replica asks for a machine on notice")
  func replacedOnNotice() throws {
    let scaling = Self.fixed.replacing("maxReplicas: 1", with: "maxReplicas: 2")
    let run = try Simulated(
      Self.scenario(pool: Self.spot, scaling: scaling),
      traces: ReplicaPathTests.trace([(95, 60)]))
    #expect(
      Array(Self.rows(run).prefix(5)) == [
        Row(0, 0, 1, 0), Row(100, 0, 0, 1), Row(130, 0, 0, 0), Row(140, 1, 0, 0), Row(150, 0, 1, 0),
      ])
    // Where the pool has no machine left, each waits for its own place.
    let one = try Simulated(
      Self.scenario(pool: Self.spot + ", limit: 2", scaling: scaling, models: 2),
      traces: ReplicaPathTests.trace([(95, 60)]))
    for model in [Int32(1), 2] {
      #expect(
        Array(Self.rows(one, model).prefix(5)) == [
          Row(0, 0, 1, 0), Row(100, 0, 0, 1), Row(130, 0, 0, 0), Row(170, 1, 0, 0), Row(180, 0, 1, 0),
        ])
    }
  }

  @Test("a replica that loses its machine before it is ready asks for another")
  func neverReady() throws {
    let pool = "provisioning: 40s, spot: { credits: 0.5, timeBetweenReclaims: 5s, notice: 1s }"
    let run = try Simulated(
      Self.scenario(pool: pool, scaling: Self.fixed, deployAt: "2026-01-05T00:00:10"),
      traces: ReplicaPathTests.trace([(100, 1)]))
    #expect(run.tables.deployments.map(\.deployedAt) == [nil])
    // Asked for at 10 s, there at 50 s, lost at 55 s; every 45 s from then on.
    #expect(run.tables.incidents.map { Self.second($0.startedAt) }.prefix(3) == [55, 100, 145])
    #expect(run.tables.incidents.allSatisfy { $0.startedAt == $0.endedAt })
    #expect(
      Array(Self.rows(run).prefix(5)) == [
        Row(10, 0, 0, 0), Row(50, 1, 0, 0), Row(55, 0, 0, 0), Row(95, 1, 0, 0), Row(100, 0, 0, 0),
      ])
  }

  @Test("spot machines have their own price, and the service of their hardware")
  func price() throws {
    let share = try Simulated(
      Self.scenario(pool: Self.spot, scaling: Self.fixed), traces: ReplicaPathTests.trace([(1, 1)]))
    #expect(share.tables.hardware.first { $0.hardware == "pooled" }?.creditsMicroPerHour == 741_300)
    #expect(share.tables.hardware.first { $0.hardware == "A10 single" }?.creditsMicroPerHour == 2_118_000)
    #expect(share.tables.replicas.allSatisfy { $0.hardware == "pooled" })
    let yaml = Self.scenario(
      pool: Self.spot.replacing("price: 0.35", with: "credits: 0.9"), scaling: Self.fixed)
    let stated = yaml.replacing(
      "service: { perOutputToken: 1s }",
      with: "service: { byHardware: { A10 single: { time: 3s }, T4 single: { time: 9s } } }")
    let run = try Simulated(stated, traces: ReplicaPathTests.trace([(1, 1)]))
    #expect(run.tables.hardware.first { $0.hardware == "pooled" }?.creditsMicroPerHour == 900_000)
    #expect(run.requests.map(\.latency) == [3_000_000])
    let own = stated.replacing("byHardware: {", with: "byHardware: { pooled: { time: 5s },")
    #expect(
      try Simulated(own, traces: ReplicaPathTests.trace([(1, 1)])).requests.map(\.latency) == [5_000_000])
  }

  @Test("reclaims are a renewal process: one machine is there for up ÷ (up + provisioning) of the time")
  func availability() throws {
    let yaml = """
      workbench: 1
      name: availability
      seed: 5
      period: { from: 2025-01-01, to: 2026-01-01 }
      account:
        name: a
        timeZone: UTC
        subscription: { maxReplicas: 1 }
        pools: { spot: { hardware: T4 single, provisioning: { exponential: { mean: 10min } }, spot: { price: 0.3, timeBetweenReclaims: { exponential: { mean: 1h } }, notice: 0s } } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { poisson: { rate: 10/h } }, tokens: { input: 1, output: 1 } }
          deployments:
            - { version: V1, deployAt: 2024-12-01, hardware: spot, service: { time: 30s }, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 1, startup: 0s } }
      """
    let run = try Simulated(yaml)
    let (from, to) = (run.scenario.from, run.scenario.to)
    var ready = 0.0
    let rows = run.tables.replicas
    for (index, row) in rows.enumerated() {
      let end = index + 1 < rows.count ? rows[index + 1].at : to
      ready += Double(row.ready + row.draining) * Double(end - row.at)
    }
    // 60 ÷ 70. Of 7,509 cycles, the share's standard deviation is A (1 − A) √(2 ÷ n) = 0.0020; six of them.
    #expect(abs(ready / Double(to - from) - 6.0 / 7) < 0.012, "\(ready / Double(to - from))")
    // Cycles of variance 60² + 10² min²: the count's standard deviation is √(n × 3,700 ÷ 4,900) = 75; six of them.
    let reclaims = run.tables.incidents.count { $0.kind == "reclaim" }
    #expect(abs(Double(reclaims) - 365 * 24 * 60 / 70) < 450, "\(reclaims)")
    // With notice 0, a request is cut off if the machine's end, at a rate of 1/h, comes within its 30 s; it waits for no
    // machine then. In service for 30 s at most: 1 − e^(−1 ÷ 120) of those that begin to be served.
    let served = run.requests.filter { $0.reason != "overloaded" }
    let lost = Double(served.count { $0.reason == "replicaLost" }) / Double(served.count)
    // 87,600 requests: a standard deviation of 0.00031; six of them.
    #expect(abs(lost - (1 - exp(-1.0 / 120))) < 0.0019, "\(lost)")
  }

  private static func busy(_ service: String, _ policy: String, least: Int = 1) -> String {
    let models = ["a", "b"].map {
      """
        - name: \($0)
          kind: openSource
          load: { arrivals: { poisson: { rate: 2/s } }, tokens: { input: 50, output: 40 }, retries: { probability: 0.5, attempts: 2 } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: spot
              service: \(service)
              queue: { capacity: 200, timeout: 60s }
              replicaCrash: { timeBetween: { exponential: { mean: 20min } }, timeToRepair: 30s }
              scaling: { minReplicas: \(least), maxReplicas: 6, maxBatchSize: 4, startup: 20s\(policy) }
      """
    }
    return """
      workbench: 1
      name: busy
      seed: 8
      period: { from: 2026-01-05, to: 2026-01-05T06:00 }
      warmUp: 10min
      account:
        name: acme
        timeZone: UTC
        subscription: { maxReplicas: 20 }
        pools: { spot: { hardware: T4 single, limit: LIMIT, provisioning: { exponential: { mean: 2min } }, spot: { price: 0.3, timeBetweenReclaims: { exponential: { mean: 10min } }, notice: 5s } } }
      models:
      \(models.joined(separator: "\n"))
      """
  }

  @Test(
    "whatever the service and the policy, every request ends, limits hold, and threads change nothing",
    arguments: [
      ("{ time: { exponential: { mean: 4s } } }", "", 1),
      ("{ continuousBatching: { base: 50ms, kvCache: { tokens: 2000 } } }", "", 2),
      ("{ time: 4s }", ", policy: { targetUtilisation: { target: 0.7 } }", 1),
      ("{ time: 4s }", ", policy: { queueLength: { target: 2, counts: pending, cooldown: 30s } }", 0),
    ])
  func busy(service: String, policy: String, least: Int) throws {
    let yaml = Self.busy(service, policy, least: least)
    for limit in [7, 12] {
      let limited = yaml.replacing("LIMIT", with: "\(limit)")
      let run = try Simulated(limited)
      #expect(run.requests == (try Simulated(limited, threads: 3)).requests)
      #expect(run.requests.count > 80_000)
      #expect(run.requests.contains { $0.reason == "replicaLost" })
      #expect(run.tables.incidents.count > 50)
      var now: [Int32: Int] = [:]
      for row in run.tables.replicas {
        now[row.modelID] = row.replicas
        #expect(row.replicas <= 6 && now.values.reduce(0, +) <= limit)
      }
      if limit == 7, !service.contains("continuousBatching") {
        #expect(run.tables.replicas.contains { $0.limitedBy == .pool })
      }
    }
  }
}
