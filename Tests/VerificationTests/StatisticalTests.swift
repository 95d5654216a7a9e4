import Aggregation
import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing
import Verification

/// Statistical comparison, judged over many pairs whose truth is known.
@Suite("Comparison, statistical")
struct StatisticalTests {
  /// A small queueing system: an hour of an M/M/2 at 80 % load.
  static func scenario(_ seed: UInt64, service: Double) throws -> Scenario {
    try ScenarioDocument(
      Data(
        """
        workbench: 1
        name: pair
        seed: \(seed)
        period: { from: 2026-01-05, to: 2026-01-05T01:00 }
        warmUp: 10min
        account: { name: acme, subscription: { maxReplicas: 2 } }
        models:
          - name: m
            kind: openSource
            load: { arrivals: { poisson: { rate: 8/min } }, tokens: { input: { geometric: { mean: 200 } }, output: 10 } }
            deployments:
              - version: V1
                deployAt: 2026-01-01
                hardware: T4 single
                scaling: { minReplicas: 2, maxReplicas: 2, maxBatchSize: 1 }
                service: { time: { exponential: { mean: \(12 * service)s } } }
        """.utf8), path: "pair.yaml"
    ).scenario
  }

  /// Its dashboard of 30 days: without a point for each request.
  static func dashboard(_ seed: UInt64, service: Double = 1) throws -> [String: Data] {
    let scenario = try scenario(seed, service: service)
    let simulation = ScenarioSimulation(scenario)
    let rollups = RequestRollups(series: simulation.series, now: scenario.to, reasons: FailureReasons())
    let account = AccountRecord(account: "acme", timeZone: "UTC", subscriptionMaxReplicas: 2)
    var tables = TelemetryTables()
    tables.models = simulation.models
    var query = try DashboardQuery(
      account: account, filter: .days(30), now: scenario.to, selection: .init(kind: .openSource),
      tables: tables,
      series: simulation.series)
    query.points.map(rollups.collect)
    let result = try simulation.run(threads: 1, into: .init(accounts: [rollups], merged: nil)) { _ in }
    try rollups.finish()
    query.tables = result.tables
    return ["acme/openSource-30d": try query.answer(rollups).json()]
  }

  static let perSide = 12

  /// How many of some pairs are said to differ. Replications of a pair are used in no other.
  static func alarms(_ pairs: Int, _ rules: Tolerances, seed: UInt64, factor: Double) async throws -> Int {
    try await withThrowingTaskGroup(of: Int.self) { group in
      for half in 0..<2 {
        group.addTask {
          var alarms = 0
          for pair in stride(from: half, to: pairs, by: 2) {
            let first = seed + UInt64(pair * 2 * perSide)
            let a = try (0..<perSide).map { try dashboard(first + UInt64($0)) }
            let b = try (0..<perSide).map { try dashboard(first + UInt64(perSide + $0), service: factor) }
            let result = try OutputComparison.compareReplications(expected: a, actual: b, tolerances: rules)
            if !result.isSame { alarms += 1 }
          }
          return alarms
        }
      }
      return try await group.reduce(0, +)
    }
  }

  /// The most alarms that a test of a level gives in n pairs but once in 10,000 times: a normal bound.
  static func bound(_ level: Double, _ n: Int) -> Int {
    Int((Double(n) * level + 3.72 * (Double(n) * level * (1 - level)).squareRoot()).rounded(.up))
  }

  static let distribution =
    "  - { path: latency.summary.*, distribution: true }\n  - { path: requests.total*, distribution: true }"
  static let means = "  - { path: latency.summary.*, means: {} }\n  - { path: requests.total*, means: {} }"

  /// Of each kind of test.
  private static let pairs = hasLongChecks ? 500 : 150

  @Test("over many pairs of replications that do not differ, false alarms stay within the significance")
  func falseAlarms() async throws {
    let rest = "\n  - { path: account, ignore: true }\n  - { path: requests.credits*, ignore: true }"
    for (name, rules, seed) in [
      ("distribution", Self.distribution, 1_000_000), ("means", Self.means, 2_000_000),
    ] {
      let alarms = try await Self.alarms(
        Self.pairs, tolerances(rules + rest, "significance: 5%"), seed: UInt64(seed), factor: 1)
      print(
        "statistical comparison, \(name): \(alarms) false alarms in \(Self.pairs) pairs of 2 × \(Self.perSide) replications at 5 %"
      )
      #expect(alarms <= Self.bound(0.05, Self.pairs))
    }
  }

  @Test("its power against a service time that is 5 % longer is reported, and grows with the shift")
  func power() async throws {
    let rules = try tolerances(Self.means + "\n  - { path: account, ignore: true }", "significance: 5%")
    let five = try await Self.alarms(100, rules, seed: 3_000_000, factor: 1.05)
    let thirty = try await Self.alarms(60, rules, seed: 4_000_000, factor: 1.3)
    print(
      "power with 2 × \(Self.perSide) replications: \(five) of 100 at 5 % longer service, \(thirty) of 60 at 30 %"
    )
    #expect(thirty > 54 && Double(five) / 100 < Double(thirty) / 60)
  }

  @Test("a sample of known distribution shifted by 5 % is told from one that is not")
  func powerOnKnown() throws {
    func json(_ value: Double) -> [String: Data] {
      ["d": Data("{\"query\": {}, \"figure\": \(value)}".utf8)]
    }
    let arena = SamplingArena()
    let stream = arena.stream(state: (11, 12, 13, 14))
    // Normal with a coefficient of variation of 5 %: one standard deviation apart.
    func draw(_ mean: Double) -> Double {
      mean * (1 + 0.05 * (-2 * log(1 - stream.uniform())).squareRoot() * cos(2 * .pi * stream.uniform()))
    }
    for rule in ["distribution: true", "means: {}"] {
      let rules = try tolerances("  - { path: figure, \(rule) }", "significance: 5%")
      func share(_ pairs: Int, _ factor: Double) throws -> Double {
        var alarms = 0
        for _ in 0..<pairs {
          let a = (0..<30).map { _ in json(draw(100)) }
          let b = (0..<30).map { _ in json(draw(100 * factor)) }
          if try !OutputComparison.compareReplications(expected: a, actual: b, tolerances: rules).isSame {
            alarms += 1
          }
        }
        return Double(alarms) / Double(pairs)
      }
      let (false_, power) = (try share(1000, 1), try share(300, 1.05))
      print(
        "\(rule), 2 × 30 values of cv 5 %: \(false_ * 100) % false alarms at 5 %, power against a 5 % shift \(power * 100) %"
      )
      #expect(false_ * 1000 <= Double(Self.bound(0.05, 1000)))
      #expect(power > 0.85)
    }
  }

  @Test(
    "a margin of means: just inside passes, just outside fails, and equivalence must be shown where it is asked for"
  )
  func margins() throws {
    func set(_ mean: Double, spread: Double, _ n: Int = 10) -> [[String: Data]] {
      (0..<n).map { index in
        let value = mean + spread * (Double(index) - Double(n - 1) / 2)
        return ["d": Data("{\"query\": {}, \"figure\": \(value)}".utf8)]
      }
    }
    func verdict(_ a: [[String: Data]], _ b: [[String: Data]], _ rule: String) throws -> Bool {
      try OutputComparison.compareReplications(
        expected: a, actual: b, tolerances: tolerances("  - { path: figure, means: { \(rule) } }")
      ).isSame
    }
    // Hardly any spread: the verdict turns at the margin.
    #expect(try verdict(set(100, spread: 1e-7), set(101.9999, spread: 1e-7), "margin: 2%"))
    #expect(try !verdict(set(100, spread: 1e-7), set(102.05, spread: 1e-7), "margin: 2%"))
    #expect(try !verdict(set(102.05, spread: 1e-7), set(100, spread: 1e-7), "margin: 2%"))
    #expect(try verdict(set(100, spread: 1e-7), set(102.9999, spread: 1e-7), "absolute: 3"))
    #expect(try !verdict(set(100, spread: 1e-7), set(103.001, spread: 1e-7), "absolute: 3"))
    // Wide spread: no difference is shown, nor is equivalence.
    #expect(try verdict(set(100, spread: 5), set(101, spread: 5), "margin: 2%"))
    #expect(try !verdict(set(100, spread: 5), set(101, spread: 5), "margin: 2%, require: equivalence"))
    #expect(try verdict(set(100, spread: 0.01), set(100.5, spread: 0.01), "margin: 2%, require: equivalence"))
  }

  @Test("Kolmogorov–Smirnov agrees with published and simulated values")
  func kolmogorov() {
    // n = m = 5, all of one below the other: 2 ⁄ C(10, 5).
    let apart = TwoSampleTests.kolmogorovSmirnov([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
    #expect(apart.statistic == 1 && abs(apart.pValue - 2.0 / 252) < 1e-12)
    #expect(abs(TwoSampleTests.leastPValue(5, 5) - 2.0 / 252) < 1e-12)
    // Every way to interleave 4 and 6 values, counted one by one.
    var distances: [Double] = []
    for mask in 0..<1024 where mask.nonzeroBitCount == 4 {
      let a = (0..<10).filter { mask >> $0 & 1 == 1 }.map(Double.init)
      let b = (0..<10).filter { mask >> $0 & 1 == 0 }.map(Double.init)
      distances.append(TwoSampleTests.kolmogorovSmirnov(a, b).statistic)
    }
    for (a, b) in [([1.0, 3, 5, 7], [2.0, 4, 6, 8, 10, 12]), ([1, 2, 3, 5], [4, 6, 7, 8, 9, 10])] {
      let test = TwoSampleTests.kolmogorovSmirnov(a, b)
      let share = Double(distances.count { $0 >= test.statistic - 1e-12 }) / Double(distances.count)
      #expect(abs(test.pValue - share) < 1e-12, "\(test), counted \(share)")
    }
    // A dependent series counts as fewer values.
    let arena = SamplingArena()
    let stream = arena.stream(state: (3, 4, 5, 6))
    var (x, series) = (0.0, [Double]())
    for _ in 0..<20_000 {
      x = 0.9 * x + (stream.uniform() - 0.5)
      series.append(x)
    }
    // (1 + 0.9) ⁄ (1 − 0.9) = 19 for the mean.
    #expect((12...28).contains(TwoSampleTests.dependence(series)), "\(TwoSampleTests.dependence(series))")
    #expect(TwoSampleTests.dependence((0..<20_000).map { _ in stream.uniform() }) < 1.6)
  }
}
