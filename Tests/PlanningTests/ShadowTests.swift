import Aggregation
import Foundation
import Planning
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

/// A policy held against a simulated run is the simulation's own judge: under the policy that the run had, both must agree.
@Suite("A policy in the shadow of recorded telemetry")
struct ShadowTests {
  /// Twelve hours of bursts, with failures, timeouts and retries; `scaling` without minReplicas, maxReplicas and so on.
  static func scenario(
    _ scaling: String, rate: String = "40/min", more: String = "",
    service: String = "{ lognormal: { median: 9s, sigma: 0.8, max: 90s } }"
  ) -> String {
    """
    workbench: 1
    name: shadowed
    seed: 7
    period: { from: 2026-03-02, to: 2026-03-02T12:00 }
    account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 12 } }
    profiles:
      rates:
        day: { hourly: [0.1, 0.5, 1, 2.5, 0, 0, 0.4, 2, 1, 0.1, 0, 1.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] }
    models:
      - name: chat
        kind: openSource
        load:
          arrivals: { gamma: { rate: \(rate), cv: 2 } }
          profile: day
          tokens: { input: 10, output: 10 }
          retries: { probability: 0.5, attempts: 2, backoff: 3s }
        deployments:
          - version: V1
            deployAt: 2026-03-01
            hardware: A10 single
            scaling: \(scaling)
            service: { time: \(service) }
            queue: { capacity: 60, timeout: 45s }
            failures: { modelError: 0.02 }
    \(more)
    """
  }

  static func recorded(_ yaml: String) throws -> Shadow.Recorded {
    let scenario = try ScenarioDocument(Data(yaml.utf8), path: "test.yaml").scenario
    let simulation = ScenarioSimulation(scenario, traces: [:])
    let collector = RecordedRequestCollector(isWanted: simulation.series.map { _ in true })
    let result = try simulation.run(
      threads: 1, into: .init(accounts: scenario.accounts.map { _ in NoSink() }, merged: collector))
    return Shadow.Recorded(
      place: "run", tables: result.tables, series: simulation.series,
      period: scenario.from.microseconds..<scenario.to.microseconds, demand: .requests(collector.finish()))
  }

  static func scaling(_ policy: String, min: Int = 1, max: Int = 8, batch: Int = 4) -> String {
    "{ minReplicas: \(min), maxReplicas: \(max), maxBatchSize: \(batch), startup: 40s, \(policy) }"
  }

  @Test(
    "under the policy that the run had, every decision is the same to the microsecond",
    arguments: [
      scaling("scaleUpDelay: 20s, scaleDownDelay: 4min"),
      scaling("policy: { concurrency: { scaleUpDelay: 5s, scaleDownDelay: 30s } }", min: 2),
      scaling("policy: { targetUtilisation: { target: 0.6 } }"),
      scaling(
        "policy: { targetUtilisation: { target: 0.5, metricDelay: 40s, scaleDown: { stabilisationWindow: 60s, policies: [ { replicas: 1, period: 30s } ] } } }"
      ),
      scaling("policy: { queueLength: { target: 3 } }", min: 0),
      scaling(
        "policy: { queueLength: { target: 2.5, counts: pending, cooldown: 60s, pollingInterval: 10s } }",
        min: 0),
      scaling("policy: { averageConcurrency: { target: 0.6 } }", min: 0),
      scaling("policy: { averageConcurrency: { target: 0.8, scaleDownDelay: 2min } }"),
      scaling(
        "policy: { scheduled: { weekly: [ { window: Mon 02:00-05:00, minReplicas: 3, maxReplicas: 5 } ], policy: { targetUtilisation: { target: 0.6 } } } }"
      ),
      scaling("policy: { scheduled: { weekly: [ { window: Mon 02:00-05:00, minReplicas: 3 } ] } }"),
      scaling("policy: { predictive: { season: 1h, interval: 1min, lead: 3min } }"),
      scaling("policy: { predictive: { forecast: holtWinters, season: 1h, interval: 5min } }"),
      scaling(
        "policy: { largest: [ { predictive: { season: 2h, interval: 5min } }, { queueLength: { target: 3 } }, { targetUtilisation: { target: 0.7 } } ] }"
      ),
    ])
  func itself(_ scaling: String) throws {
    let recorded = try Self.recorded(Self.scenario(scaling))
    let result = try Shadow(recorded, policy: try ShadowPolicy("scaling: \(scaling)")).result()
    let own = try #require(result.deployments.first)
    // The run must be worth it: replicas came and went, and requests waited.
    #expect(own.recorded.peakReplicas > own.minReplicas && recorded.tables.replicas.count > 3)
    #expect(own.differences == [], "\(own.differences.prefix(3))")
    #expect(own.agreement.equal == 1 && own.agreement.meanAbsoluteDifference == 0)
    // Draining replicas too, and so the money.
    #expect(own.shadow.replicaHours == own.recorded.replicaHours)
    #expect(own.shadow.credits == own.recorded.credits && own.shadow.credits ?? 0 > 0)
    #expect(own.shadow.shortHours == own.recorded.shortHours)
    #expect(own.comparedHours == 12)
  }

  @Test("of two models that share a subscription, each is cut short as it was")
  func subscription() throws {
    let policy = Self.scaling(
      "policy: { targetUtilisation: { target: 0.4, scaleDown: { stabilisationWindow: 30s } } }")
    let other = Self.scaling("policy: { concurrency: { scaleUpDelay: 5s, scaleDownDelay: 30s } }")
    let second = """
        - name: other
          kind: openSource
          load: { arrivals: { gamma: { rate: 70/min, cv: 2 } }, tokens: { input: 10, output: 10 } }
          deployments:
            - version: V1
              deployAt: 2026-03-01
              hardware: A10 single
              scaling: \(other)
              service: { time: { lognormal: { median: 12s, sigma: 0.8, max: 90s } } }
              queue: { capacity: 60, timeout: 45s }
      """
    let recorded = try Self.recorded(
      Self.scenario(policy, more: second).replacing(
        "subscription: { maxReplicas: 12 }", with: "subscription: { maxReplicas: 10 }"))
    #expect(recorded.tables.replicas.count { $0.limitedBy == .subscription } > 10)
    for (model, scaling) in [("chat", policy), ("other", other)] {
      let result = try Shadow(recorded, policy: try ShadowPolicy("scaling: \(scaling)")).result {
        record, _ in record.name == model
      }
      let own = try #require(result.deployments.first)
      #expect(result.deployments.count == 1 && own.model == model)
      #expect(own.differences == [], "\(model): \(own.differences.prefix(3))")
      #expect(own.notes.contains { $0.hasPrefix("The subscription leaves") })
    }
  }

  @Test(
    "another policy decides in the shadow what it decides in a run on the same demand, where nothing waits",
    arguments: [
      scaling("policy: { targetUtilisation: { target: 0.05 } }", min: 3, max: 10, batch: 64),
      scaling("policy: { averageConcurrency: { target: 0.05 } }", min: 3, max: 10, batch: 64),
      scaling(
        "policy: { predictive: { season: 1h, interval: 1min, target: 0.05 } }", min: 3, max: 10, batch: 64),
    ])
  func another(_ scaling: String) throws {
    // Neither replicas nor batches change how long a request takes.
    let steady = Self.scaling("scaleUpDelay: 30s", min: 10, max: 10, batch: 64)
    let (asRun, demand) = (
      try Self.recorded(Self.scenario(scaling)), try Self.recorded(Self.scenario(steady))
    )
    guard case .requests(let all) = asRun.demand else { return }
    try #require(all[0].waits.allSatisfy { $0 == 0 }, "the policy's own run must have no waiting")
    var recorded = demand
    recorded.tables = asRun.tables
    let own = try #require(
      try Shadow(recorded, policy: try ShadowPolicy("scaling: \(scaling)")).result().deployments.first)
    #expect(own.recorded.peakReplicas > 3)
    #expect(own.differences == [], "\(own.differences.prefix(3))")
    #expect(own.shadow.replicaHours == own.recorded.replicaHours)
  }

  // MARK: By hand

  /// An hour with recorded replicas of one slot, and requests (second of arrival, seconds until the end).
  static func byHand(
    _ replicas: [(second: Int64, ready: Int)], _ requests: [(second: Int64, length: Int64)]
  ) throws -> Shadow.Recorded {
    let start: Int64 = 1_767_571_200_000_000
    var tables = TelemetryTables()
    tables.accounts = [AccountRecord(account: "a", timeZone: "UTC", subscriptionMaxReplicas: 30)]
    tables.hardware = [HardwareRecord(account: "a", hardware: "h", creditsMicroPerHour: 2_000_000)]
    tables.models = [
      ModelRecord(
        modelID: 1, account: "a", kind: .openSource, name: "m", provider: "",
        createdAt: Timestamp(microseconds: start))
    ]
    tables.deployments = [
      DeploymentRecord(
        modelID: 1, version: "V1", hardware: "h", minReplicas: 1, maxReplicas: 20, maxBatchSize: 1,
        requestedAt: Timestamp(microseconds: start), deployedAt: Timestamp(microseconds: start),
        undeployedAt: nil, outcome: .deployed)
    ]
    tables.replicas = replicas.map {
      ReplicaRecord(
        at: Timestamp(microseconds: start + $0.second * 1_000_000), modelID: 1, version: "V1", hardware: "h",
        starting: 0, ready: $0.ready, draining: 0, limitedBy: .none)
    }
    let batch = RequestBatch(capacity: max(requests.count, 1))
    for (index, request) in requests.enumerated() {
      batch.append(
        requestID: Int64(index), arrivedAt: start + request.second * 1_000_000, series: 0,
        outcome: RequestOutcome.success, waitingMicroseconds: 0, firstTokenMicroseconds: 0,
        latencyMicroseconds: request.length * 1_000_000, inputTokens: 1, outputTokens: 1)
    }
    let collector = RecordedRequestCollector(isWanted: [true])
    try batch.send(to: collector)
    return Shadow.Recorded(
      place: "data", tables: tables, series: [Series(modelID: 1, version: "V1")],
      period: start..<start + 3_600_000_000, demand: .requests(collector.finish()))
  }

  static func second(_ instant: String) -> Int64 {
    var parser = TimestampParser()
    return ((parser.parse(instant)?.microseconds ?? 0) - 1_767_571_200_000_000) / 1_000_000
  }

  @Test(
    "a HorizontalPodAutoscaler beside four recorded replicas: when it differs, by how much, and what that costs"
  )
  func hand() throws {
    // Four of four in use. 15 s: 4 × 1 ÷ 0.5 = 8; at most max(2 × 4, 4 + 4). 30 s: 4 of 8 is the target. From 3000 s on
    // none is in use: wishes of 0; the last wish of 8, at 2985 s, leaves the window of 300 s at 3285 s: down to 1.
    let recorded = try Self.byHand([(0, 4)], Array(repeating: (0, 3000), count: 4))
    let policy = try ShadowPolicy("{ startup: 10s, policy: { targetUtilisation: { target: 0.5 } } }")
    let own = try #require(try Shadow(recorded, policy: policy).result().deployments.first)
    #expect(
      own.differences.map {
        [Self.second($0.from), Self.second($0.to), Int64($0.recorded), Int64($0.shadow)]
      } == [[15, 3285, 4, 8], [3285, 3600, 4, 1]])
    #expect(
      own.agreement.equal == 15.0 / 3600 && own.agreement.above == 3270.0 / 3600
        && own.agreement.below == 315.0 / 3600)
    // 3270 × 4 + 315 × 3.
    #expect(own.agreement.meanAbsoluteDifference == 14025.0 / 3600)
    #expect(own.recorded.replicaHours == 4 && own.shadow.replicaHours == 26535.0 / 3600)
    // 4 × 15 + 8 × 3270 + 315 replica-seconds; two credits an hour.
    #expect(own.recorded.credits == 8)
    #expect(own.recorded.shortHours == 0 && own.shadow.shortHours == 0)
    #expect(own.minReplicas == 1 && own.maxReplicas == 20 && own.maxBatchSize == 1)
  }

  @Test(
    "time in which demand exceeds the policy's slots is said, and a request that waits still ends when it did"
  )
  func short() throws {
    // One replica at most: the second request waits from 100 s until the first ends at 400 s; it ends at 700 s as recorded.
    let recorded = try Self.byHand([(0, 2)], [(0, 400), (100, 600)])
    let policy = try ShadowPolicy("{ maxReplicas: 1, policy: { targetUtilisation: { target: 0.5 } } }")
    let own = try #require(try Shadow(recorded, policy: policy).result().deployments.first)
    #expect(own.shadow.shortHours == 300.0 / 3600)
    #expect(own.differences.count == 1 && own.differences[0].shadow == 1 && own.differences[0].recorded == 2)
    #expect(own.notes.contains { $0.hasPrefix("The policy begins with 1 replicas") })
  }

  @Test("a policy that does not state startup has the recorded one")
  func startup() throws {
    var recorded = try Self.byHand([(0, 4)], Array(repeating: (0, 3000), count: 4))
    // Two start at 100 s: one is ready at 125 s, the other, and a third of 130 s that is given up, are not recorded as ready.
    for (second, starting, ready) in [(100, 2, 4), (125, 1, 5), (130, 2, 5), (140, 0, 5)]
      as [(Int64, Int, Int)]
    {
      var row = recorded.tables.replicas[0]
      row.at = Timestamp(microseconds: recorded.period.lowerBound + second * 1_000_000)
      (row.starting, row.ready) = (starting, ready)
      recorded.tables.replicas.append(row)
    }
    let policy = try ShadowPolicy("targetUtilisation: { target: 0.5 }")
    let own = try #require(try Shadow(recorded, policy: policy).result().deployments.first)
    #expect(own.startupSeconds == 25)
    let stated = try ShadowPolicy("{ startup: 10s, policy: { targetUtilisation: { target: 0.5 } } }")
    let other = try #require(try Shadow(recorded, policy: stated).result().deployments.first)
    #expect(other.startupSeconds == 10 && other.notes.contains { $0.contains("as recorded, it took 25.0 s") })
  }

  @Test("KEDA in the shadow: a poll finds a request, the cool-down ends, none is left")
  func keda() throws {
    // 90 s: the poll of 90 s comes before the arrival at it; 120 s finds 1: starts; ready at 130 s. It ends at 190 s; the
    // poll of 180 s is the last that is active, 180 + 300 = 480 s is not later than that, 510 s is.
    let recorded = try Self.byHand([(0, 0)], [(90, 100)])
    let policy = try ShadowPolicy(
      "{ minReplicas: 0, startup: 10s, policy: { queueLength: { target: 1, counts: pending } } }")
    let own = try #require(try Shadow(recorded, policy: policy).result().deployments.first)
    #expect(
      own.differences.map { [Self.second($0.from), Self.second($0.to), Int64($0.shadow)] } == [[120, 510, 1]])
    // Held from 90 s until the replica is ready.
    #expect(own.shadow.shortHours == 40.0 / 3600)
  }

  // MARK: Quarters of an hour

  @Test("a quarter's demand is what was in progress on average, failures that were served included")
  func quarter() throws {
    let batch = RequestBatch(capacity: 42)
    for index in 0..<42 {
      let outcome =
        index < 30
        ? RequestOutcome.success : index < 36 ? FailureReason.overloaded.code : FailureReason.modelError.code
      batch.append(
        requestID: Int64(index), arrivedAt: 9_000_000_000 + Int64(index), series: 0, outcome: outcome,
        waitingMicroseconds: 0, firstTokenMicroseconds: 0,
        latencyMicroseconds: index < 30 ? 60_000_000 : 0, inputTokens: 1, outputTokens: 1)
    }
    let rollups = RequestRollups(
      series: [Series(modelID: 1, version: "")], now: Timestamp(microseconds: .max), reasons: FailureReasons()
    )
    try batch.send(to: rollups)
    try rollups.finish()
    let quarter = RecordedQuarter(try #require(rollups.rollups(of: 0).first), reasons: rollups.reasons)
    // 36 requests of 60 s in 900 s.
    #expect(quarter.inProgress == 2.4 && quarter.at == 9_000_000_000)
  }

  /// The same demand as means.
  static func quarters(_ recorded: Shadow.Recorded) throws -> Shadow.Recorded {
    guard case .requests(let all) = recorded.demand else { return recorded }
    var coarse = recorded
    coarse.demand = .quarters(
      all.map { requests in
        let sums = Dictionary(grouping: requests.arrivals.indices) { requests.arrivals[$0] / 900_000_000 }
        return sums.sorted { $0.key < $1.key }.map { quarter, rows in
          RecordedQuarter(
            at: quarter * 900_000_000,
            inProgress: Double(rows.reduce(0) { $0 + requests.latencies[$1] }) / 900e6,
            requests: Int64(rows.count))
        }
      })
    return coarse
  }

  @Test(
    "from means of quarters, a policy on averages has the same replicas on average within half a replica, and the same peak within one",
    arguments: [
      scaling("policy: { targetUtilisation: { target: 0.6 } }", max: 12, batch: 64),
      scaling("policy: { averageConcurrency: { target: 0.6 } }", max: 12, batch: 64),
      scaling("policy: { queueLength: { target: 40, counts: pending } }", max: 12, batch: 64),
    ])
  func coarse(_ scaling: String) throws {
    let recorded = try Self.recorded(
      Self.scenario(scaling, rate: "40/s").replacing("cv: 2", with: "cv: 1"))
    let own = try #require(
      try Shadow(try Self.quarters(recorded), policy: try ShadowPolicy("scaling: \(scaling)")).result()
        .deployments.first)
    #expect(own.recorded.peakReplicas >= 6)
    #expect(own.agreement.meanAbsoluteDifference <= 0.5, "\(own.agreement)")
    #expect(abs(own.shadow.meanReplicas - own.recorded.meanReplicas) <= 0.25)
    #expect(abs(own.shadow.peakReplicas - own.recorded.peakReplicas) <= 1)
    #expect(own.unseen == [])
  }

  @Test("what means do not show is refused, or said")
  func unseen() throws {
    let recorded = try Self.quarters(try Self.byHand([(0, 2)], [(0, 400), (100, 600)]))
    let waiting = try ShadowPolicy("queueLength: { target: 2 }")
    #expect { try Shadow(recorded, policy: waiting).result() } throws: {
      "\($0)".contains("the policy queueLength counts the requests that wait")
        && "\($0)".contains("counts: pending")
    }
    for policy in [
      "concurrency: {}", "largest: [ { predictive: {} }, { targetUtilisation: { target: 0.7 } } ]",
    ] {
      let own = try #require(
        try Shadow(recorded, policy: try ShadowPolicy(policy)).result().deployments.first)
      #expect(own.unseen.count == 1 && own.notes.contains { $0.contains("looks at peaks of demand") })
    }
  }

  // MARK: What telemetry does not have

  @Test("a policy on KV caches is refused without them, and named")
  func noCache() throws {
    let recorded = try Self.byHand([(0, 2)], [(0, 400)])
    #expect {
      try Shadow(recorded, policy: try ShadowPolicy("kvUtilisation: { target: 0.7 }")).result()
    } throws: {
      "\($0)".contains("the policy kvUtilisation looks at the blocks of KV caches in use")
    }
  }

  @Test("blocks of KV caches are those of the quarter, within what the shadow's replicas hold")
  func cache() throws {
    var recorded = try Self.byHand([(0, 2)], [(0, 3000)])
    let start = recorded.period.lowerBound
    // 150 of 200 blocks in the first two quarters: 0.75 ÷ 0.5 × 2 = 3 at 15 s. Of 300, 0.5 is the target. Then 30 blocks:
    // ⌈3 × 0.1 ÷ 0.5⌉ = 1 at 1800 + 300 − 15 s, when the last wish of 3 has left the window.
    recorded.tables.kvCache = (0..<4).map { quarter in
      KVCacheRecord(
        at: Timestamp(microseconds: start + quarter * 900_000_000), modelID: 1, version: "V1", hardware: "h",
        blocks: 100, replicaMilliseconds: 1_800_000,
        usedBlockMilliseconds: (quarter < 2 ? 150 : 30) * 900_000,
        peakBlocks: 150, preemptions: 0)
    }
    let policy = try ShadowPolicy("{ startup: 10s, policy: { kvUtilisation: { target: 0.5 } } }")
    let own = try #require(try Shadow(recorded, policy: policy).result().deployments.first)
    #expect(
      own.differences.map { [Self.second($0.from), Self.second($0.to), Int64($0.shadow)] } == [
        [15, 2085, 3], [2085, 3600, 1],
      ])
  }

  @Test("demand without latencies, and models without replicas, are refused with a remedy")
  func unknown() throws {
    let policy = try ShadowPolicy("targetUtilisation: { target: 0.7 }")
    let silent = try Self.byHand([(0, 2)], [(0, 0), (100, 0)])
    #expect { try Shadow(silent, policy: policy).result() } throws: {
      "\($0)".contains("no request of m V1 has a latency") && "\($0)".contains("targetUtilisation")
    }
    #expect { try Shadow(try Self.byHand([], [(0, 400)]), policy: policy).result() } throws: {
      "\($0)".contains("no replicas are recorded")
    }
    // Two deployments of one version at one time: whose requests were they?
    var twice = try Self.byHand([(0, 2)], [(0, 400)])
    twice.tables.deployments.append(twice.tables.deployments[0])
    twice.tables.deployments[1].hardware = "g"
    twice.tables.replicas.append(twice.tables.replicas[0])
    twice.tables.replicas[1].hardware = "g"
    #expect { try Shadow(twice, policy: policy).result() } throws: {
      "\($0)".contains("data/deployments: error: version V1 of model m was deployed twice at the same time")
    }
  }

  @Test("times of which the telemetry has nothing are not compared, and it is said")
  func gaps() throws {
    var recorded = try Self.byHand([(0, 4)], Array(repeating: (0, 3000), count: 4))
    recorded.gaps = [recorded.period.lowerBound + 600_000_000..<recorded.period.lowerBound + 1_200_000_000]
    let policy = try ShadowPolicy("{ startup: 10s, policy: { targetUtilisation: { target: 0.5 } } }")
    let own = try #require(try Shadow(recorded, policy: policy).result().deployments.first)
    #expect(
      own.differences.map { [Self.second($0.from), Self.second($0.to)] } == [
        [15, 600], [1200, 3285], [3285, 3600],
      ])
    #expect(
      own.comparedHours == 3000.0 / 3600
        && own.notes.contains { $0.contains("0.1667 h without recorded replicas") })
  }

  // MARK: Policies as they are given

  @Test("a policy is a scaling, its policy, or a scenario's; errors have its place")
  func given() throws {
    let recorded = try Self.byHand([(0, 4)], Array(repeating: (0, 3000), count: 4))
    for text in [
      "targetUtilisation: { target: 0.5 }", "policy: { targetUtilisation: { target: 0.5 } }",
      "scaling: { policy: { targetUtilisation: { target: 0.5 } } }",
      "scaling:\n  minReplicas: 1\n  maxReplicas: 20\n  policy:\n    targetUtilisation: { target: 0.5 }\n",
    ] {
      let own = try #require(try Shadow(recorded, policy: try ShadowPolicy(text)).result().deployments.first)
      #expect(own.policy == "targetUtilisation" && own.shadow.peakReplicas == 8, "\(text)")
    }
    let scratch = try Scratch()
    let scenario = Self.scenario(Self.scaling("policy: { predictive: {} }", max: 5)).replacing(
      "name: chat", with: "name: m")
    let file = try scratch.write("scenario.yaml", scenario)
    let own = try #require(try Shadow(recorded, policy: try ShadowPolicy(file)).result().deployments.first)
    #expect(own.policy == "predictive" && own.maxReplicas == 5)
    #expect {
      try Shadow(recorded, policy: try ShadowPolicy("targetUtilisation: { target: 70 }")).result()
    } throws: {
      "\($0)".contains("policy:1:30: error: target 70 is out of range")
    }
    #expect {
      try Shadow(recorded, policy: try ShadowPolicy("{ minReplicas: 300, policy: { concurrency: {} } }"))
        .result()
    } throws: {
      "\($0)".contains("minReplicas 300 is out of range")
    }
    #expect(throws: (any Error).self) { try ShadowPolicy(scratch.file("none.yaml")) }
  }
}
