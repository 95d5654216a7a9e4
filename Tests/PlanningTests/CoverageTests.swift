import Foundation
import Planning
import Sampling
import ScenarioModel
import TestSupport
import Testing

/// Systems whose answers are known, and the intervals that plans give for them.
enum KnownSystem {
  /// A single queue: `servers` replicas of one slot.
  static func variant(
    _ name: String, seed: UInt64 = 1, rate: Double, servers: Int = 1, service: String, hours: Double = 2,
    hardware: String = "T4 single", more: String = ""
  ) throws -> Variant {
    let yaml = """
      workbench: 1
      name: known
      seed: \(seed)
      period: { from: 2026-01-05, to: "2026-01-05T\(String(format: "%02d:%02d", Int(hours), Int(hours * 60) % 60))" }
      account: { name: acme, subscription: { maxReplicas: 50 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { poisson: { rate: \(rate)/s } }, tokens: { input: 1, output: 1 } }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: \(hardware)
              scaling: { minReplicas: \(servers), maxReplicas: \(servers), maxBatchSize: 1 }
              service: { time: \(service) }
              queue: { capacity: 100000\(more) }
      """
    return Variant(
      name: name, overrides: [], scenario: try ScenarioDocument(Data(yaml.utf8), path: "known.yaml").scenario)
  }

  /// P(latency > t) in M/M/c with mean service 1/μ, by integrating over the service; and its quantile by bisection.
  static func latencyTail(_ t: Double, lambda: Double, mu: Double, servers: Int) -> Double {
    let pw = QueueTheory.erlangC(servers, lambda / mu)
    let theta = Double(servers) * mu - lambda
    // W = 0 with 1 − pw, else exponential with rate θ; plus an exponential service.
    return exp(-mu * t) * (1 - pw) + pw * (theta * exp(-mu * t) - mu * exp(-theta * t)) / (theta - mu)
  }

  static func latencyQuantile(_ q: Double, lambda: Double, mu: Double, servers: Int) -> Double {
    var (low, high) = (0.0, 1000 / mu)
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if latencyTail(middle, lambda: lambda, mu: mu, servers: servers) > 1 - q {
        low = middle
      } else {
        high = middle
      }
    }
    return low
  }
}

@Suite("Planning: intervals and selection on systems with known answers")
struct CoverageTests {
  static let repetitions = hasLongChecks ? 2000 : 500
  static let perInterval = 20

  /// All replications of some variants.
  static func replications(_ variants: [Variant], _ warmUp: Int64) async throws -> [[ReplicationRecord]] {
    let count = repetitions * perInterval
    var all: [[ReplicationRecord]] = []
    for variant in variants {
      let parts = try await withThrowingTaskGroup(of: (Int, [ReplicationRecord]).self) { group in
        for part in 0..<4 {
          group.addTask {
            let range = (part * count / 4)..<((part + 1) * count / 4)
            return (part, try range.map { try variant.replicate($0, warmUp: warmUp) })
          }
        }
        var parts: [Int: [ReplicationRecord]] = [:]
        for try await (part, records) in group { parts[part] = records }
        return parts
      }
      all.append((0..<4).flatMap { parts[$0] ?? [] })
    }
    return all
  }

  /// Two percent either way, and for shorter runs the chance of the draw.
  static func isNominal(_ coverage: Double) -> Bool { abs(coverage - 0.95) <= 0.02 }

  @Test("M/M/2: the mean and the 95th percentile of latency, the mean waiting time")
  func mm2() async throws {
    let (lambda, mu) = (0.7, 0.5)
    let variant = try KnownSystem.variant(
      "mm2", rate: lambda, servers: 2, service: "{ exponential: { mean: 2s } }")
    let records = try await Self.replications([variant], 3_600_000_000)[0]
    func coverage(_ name: String, _ truth: Double) throws -> Double {
      let metric = try #require(Metric(name))
      var inside = 0
      for repetition in 0..<Self.repetitions {
        let own = Array(records[(repetition * Self.perInterval)..<((repetition + 1) * Self.perInterval)])
        let estimate = try #require(Estimator.estimate(metric, own, confidence: 0.95))
        if estimate.lower <= truth, truth <= estimate.upper { inside += 1 }
      }
      return Double(inside) / Double(Self.repetitions)
    }
    let waiting = QueueTheory.erlangC(2, lambda / mu) / (2 * mu - lambda)
    let p95 = KnownSystem.latencyQuantile(0.95, lambda: lambda, mu: mu, servers: 2)
    let results = [
      ("waiting.mean", try coverage("waiting.mean", 1000 * waiting)),
      ("latency.mean", try coverage("latency.mean", 1000 * (waiting + 1 / mu))),
      ("latency.p95", try coverage("latency.p95", 1000 * p95)),
      (
        "latency.p50",
        try coverage(
          "latency.p50", 1000 * KnownSystem.latencyQuantile(0.5, lambda: lambda, mu: mu, servers: 2))
      ),
    ]
    for (name, share) in results {
      print(
        "coverage, M/M/2 \(name): \(share) of \(Self.repetitions) intervals over \(Self.perInterval) replications"
      )
      #expect(Self.isNominal(share), "\(name) \(share)")
    }
  }

  @Test("M/G/1: the mean latency, and the paired difference of two service times")
  func mg1() async throws {
    // Gamma service with cv 0.5: Pollaczek and Khinchine.
    func mean(_ lambda: Double, _ service: Double) -> Double {
      service + lambda * service * service * 1.25 / (2 * (1 - lambda * service))
    }
    let variants = try [1.0, 1.1].map {
      try KnownSystem.variant("mg1", rate: 0.6, service: "{ gamma: { mean: \($0)s, cv: 0.5 } }")
    }
    let all = try await Self.replications(variants, 3_600_000_000)
    let metric = try #require(Metric("latency.mean"))
    var (inMean, inDifference) = (0, 0)
    var reduction: [Double] = []
    for repetition in 0..<Self.repetitions {
      let range = (repetition * Self.perInterval)..<((repetition + 1) * Self.perInterval)
      let (a, b) = (Array(all[0][range]), Array(all[1][range]))
      let estimate = try #require(Estimator.estimate(metric, a, confidence: 0.95))
      if abs(estimate.value - 1000 * mean(0.6, 1)) <= estimate.halfWidth ?? 0 { inMean += 1 }
      let difference = try #require(Estimator.difference(metric, b, base: a, confidence: 0.95))
      if abs(difference.value - 1000 * (mean(0.6, 1.1) - mean(0.6, 1))) <= difference.halfWidth ?? 0 {
        inDifference += 1
      }
      reduction.append(Estimator.varianceReduction(metric, b, base: a) ?? 0)
    }
    let shares = [inMean, inDifference].map { Double($0) / Double(Self.repetitions) }
    let median = reduction.sorted()[reduction.count / 2]
    print(
      "coverage, M/G/1 latency.mean: \(shares[0]), paired difference: \(shares[1]); variance of the difference reduced \(median)-fold"
    )
    #expect(shares.allSatisfy(Self.isNominal))
    #expect(median > 5)
  }

  @Test("the selection is correct at least as often as it states, and agrees with enumeration")
  func selection() throws {
    // 1 to 5 servers under an objective on the mean waiting time; the truth by Erlang's C. Cost rises with servers.
    let lambda = 1.2
    let mu = 0.8
    let bound = 0.5
    let truth = try #require(
      (2...6).first { QueueTheory.erlangC($0, lambda / mu) / (Double($0) * mu - lambda) <= bound })
    // Far enough from the bound on both sides for the procedure's promise to hold.
    let waits = (2...6).map { QueueTheory.erlangC($0, lambda / mu) / (Double($0) * mu - lambda) }
    #expect(waits.allSatisfy { abs($0 - bound) > 0.05 * bound }, "\(waits)")
    let trials = Self.repetitions / 5
    var correct = 0
    var replications = 0
    for trial in 0..<trials {
      let variants = try (2...6).map {
        try KnownSystem.variant(
          "\($0)", seed: UInt64(7000 + trial), rate: lambda, servers: $0,
          service: "{ exponential: { mean: \(1 / mu)s } }", hours: 1)
      }
      var options = Study.Options()
      options.threads = 2
      options.warmUp = 600_000_000
      options.replications = 10
      options.objectives = try Objective.list("waiting.mean <= \(bound)s")
      options.goal = Metric("credits")
      options.tolerance = 0.05
      let experiment = Experiment(variants, warmUp: 600_000_000, threads: 2)
      let study = try Study(
        variants, factors: [], options: options, experiment: experiment,
        result: PlanResult(
          program: "", command: "", scenario: "known", description: "", seed: 1,
          warmUp: .init(microseconds: 0, method: "given", text: ""), confidence: 0.95),
        make: { _ in variants[0] }, progress: { _, _, _ in })
      try study.selectOnly()
      if study.result.choice?.best == "\(truth)" { correct += 1 }
      replications += experiment.replications
      #expect(study.result.choice?.isDecided ?? false)
    }
    let share = Double(correct) / Double(trials)
    print(
      "selection: correct in \(correct) of \(trials), stated 95 %; \(replications / trials) replications each on the average"
    )
    #expect(share >= 0.95)
  }
}
