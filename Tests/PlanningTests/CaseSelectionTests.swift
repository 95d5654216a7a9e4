import Foundation
import Planning
import ScenarioModel
import TestSupport
import Testing

@Suite("Planning: cases, on systems whose best is known")
struct CaseSelectionTests {
  static let trials = hasLongChecks ? 200 : 40

  /// Variants in every case; the cases are arrival rates.
  static func study(
    _ variants: [(name: String, servers: Int, service: Double)],
    cases: [(name: String, rate: Double, weight: Double)],
    slo: String?, minimize: String, seed: Int, hours: Double = 1, tolerance: Double = 0.05,
    _ change: (inout Study.Options) -> Void = { _ in }
  ) throws -> Study {
    let cells = try variants.flatMap { variant in
      try cases.map { own in
        try KnownSystem.variant(
          variant.name, seed: UInt64(seed), rate: own.rate, servers: variant.servers,
          service: "{ exponential: { mean: \(variant.service)s } }", hours: hours)
      }
    }
    var options = Study.Options()
    options.threads = 2
    options.replications = 10
    if let slo { options.objectives = try Objective.list(slo) }
    options.goal = Metric(minimize)
    options.tolerance = tolerance
    change(&options)
    return try Study(
      cells, cases: cases.map { .init(name: $0.name, weight: $0.weight, overrides: []) }, factors: [],
      options: options, experiment: Experiment(cells, warmUp: 600_000_000, threads: 2),
      result: PlanResult(
        program: "", command: "", scenario: "known", description: "", seed: 1,
        warmUp: .init(microseconds: 0, method: "given", text: ""), confidence: 0.95),
      make: { _ in cells[0] }, progress: { _, _, _ in })
  }

  /// Mean waiting time in M/M/c.
  static func waiting(_ servers: Int, _ rate: Double, _ service: Double) -> Double {
    QueueTheory.erlangC(servers, rate * service) / (Double(servers) / service - rate)
  }

  @Test("the cheapest variant that meets the objective in every case is found as often as is stated")
  func everyCase() throws {
    let third = 1.0 / 3
    let cases: [(String, Double, Double)] = [
      ("usual", 0.8, third), ("busy", 1.2, third), ("peak", 1.6, third),
    ]
    let (service, bound) = (1.25, 0.5)
    // By Erlang's C: the first that holds in all, and each case by itself would choose another.
    func best(_ rates: [Double]) throws -> Int {
      try #require(
        (3...6).first { servers in rates.allSatisfy { Self.waiting(servers, $0, service) <= bound } })
    }
    let truth = try best(cases.map(\.1))
    #expect(try truth > best([cases[0].1]) && truth < 6)
    for servers in 3...6 {
      for own in cases {
        // Far enough from the bound on both sides for the procedure's promise to hold.
        #expect(abs(Self.waiting(servers, own.1, service) - bound) > 0.05 * bound, "\(servers) \(own)")
      }
    }
    var correct = 0
    for trial in 0..<Self.trials {
      let study = try Self.study(
        (3...6).map { ("\($0)", $0, service) }, cases: cases, slo: "waiting.mean <= \(bound)s",
        minimize: "credits", seed: 8000 + trial)
      try study.selectOnly()
      #expect(study.result.choice?.isDecided == true)
      if study.result.choice?.best == "\(truth)" { correct += 1 }
    }
    print("selection in three cases: correct in \(correct) of \(Self.trials), stated 95 %")
    #expect(Double(correct) >= 0.95 * Double(Self.trials))
  }

  @Test(
    "what is minimised is the mean over the cases by their weights",
    arguments: [(0.05, "fast"), (0.4, "many")])
  func weights(_ share: Double, _ expected: String) throws {
    // One fast server is better while little is to do, four slow ones if there is much. By Erlang's C:
    let variants = [("fast", 1, 0.5), ("many", 4, 1.0)]
    let cases: [(String, Double, Double)] = [("quiet", 0.2, 1 - share), ("busy", 1.7, share)]
    let truth = variants.map { variant -> (name: String, latency: Double) in
      var latency = 0.0
      for own in cases { latency += own.2 * (Self.waiting(variant.1, own.1, variant.2) + variant.2) }
      return (variant.0, latency)
    }
    #expect(truth.min { $0.latency < $1.latency }?.name == expected)
    var correct = 0
    for trial in 0..<10 {
      let study = try Self.study(
        variants, cases: cases, slo: nil, minimize: "latency.mean", seed: 300 + trial, hours: 2)
      try study.run()
      if study.result.choice?.best == expected { correct += 1 }
      for (variant, known) in zip(study.result.variants, truth) {
        let estimate = try #require(variant.metrics["latency.mean"])
        // Within five standard errors (the half width has about two).
        #expect(abs(estimate.value - 1000 * known.latency) < 3 * (estimate.halfWidth ?? 0), "\(variant.name)")
        let own = try #require(variant.cases)
        var mean = 0.0
        for (result, known) in zip(own, cases) {
          mean += known.2 * (result.metrics["latency.mean"]?.value ?? 0)
        }
        #expect(abs(mean - estimate.value) < 1e-6 * mean)
      }
    }
    #expect(correct >= 9)
  }

  @Test(
    "where no variant holds in all cases, each is named with the case and the objective by which it fails")
  func noneHolds() throws {
    // One server is too slow when it is busy; four cost too much, whatever happens.
    let study = try Self.study(
      [("one", 1, 1.0), ("four", 4, 1.0)], cases: [("quiet", 0.1, 0.5), ("busy", 0.8, 0.5)],
      slo: "waiting.mean <= 1s, replicaHours <= 2.5", minimize: "credits", seed: 4)
    try study.run()
    let choice = try #require(study.result.choice)
    #expect(choice.best == nil && choice.inconclusive == nil)
    let misses = try #require(choice.misses)
    #expect(misses.map(\.variant) == ["four", "one"])
    #expect(misses[1].inCase == "busy" && misses[1].level == "waiting.mean <= 1s in case busy")
    #expect(misses[0].level.hasPrefix("replicaHours <= 2.5 in case "))
    // 4 of 2.5 hours.
    #expect(abs(misses[0].excess - 0.6) < 0.01)
    let one = study.result.variants[0]
    #expect(one.brokenCase == "busy" && one.feasibility == "infeasible")
    #expect(one.levels?.first?.inCase == "busy" && one.levels?.first?.isKept == false)
    #expect(one.cases?.map { $0.levels?.first?.isKept } == [true, false])
    let words = try #require(PlanWords.recommendation(study.result))
    #expect(words.contains { $0.hasPrefix("one fails waiting.mean <= 1s in case busy, by ") }, "\(words)")
  }

  @Test("cases as they are written, and what is wrong with them")
  func written() throws {
    func cases(_ texts: String...) throws -> [WeighedCase] {
      var plan = Plan()
      plan.cases = try texts.map { try PlanCase($0) }
      return try plan.weighedCases()
    }
    // Without weights the scenario as it is comes first, unless one of them is it.
    let three = try cases(
      "launch: load.scale=2", "outage: incidents+={a: [1, 2], b: c}, models.m.load.scale=3")
    #expect(three.map(\.name) == ["base", "launch", "outage"])
    #expect(three.allSatisfy { $0.weight == 1.0 / 3 })
    let changes: [[String]] = [
      [], ["load.scale=2"], ["incidents+={a: [1, 2], b: c}", "models.m.load.scale=3"],
    ]
    #expect(three.map(\.overrides) == changes)
    #expect(try cases("launch: load.scale=2", "usual").map(\.name) == ["launch", "usual"])
    // Weights are of all there is.
    #expect(try cases("launch@20%: load.scale=2", "quiet@0.8: load.scale=0.5").map(\.weight) == [0.2, 0.8])
    #expect(try cases("a: at=12:30", "b: x=1").map(\.overrides) == [[], ["at=12:30"], ["x=1"]])
    let mistakes: [([String], String)] = [
      (["load.scale=2"], "is not of the form NAME[@SHARE][:PATH=VALUE[,PATH=VALUE]]"),
      (["launch: load.scale"], "is not of the form"), ([": a=1"], "is not of the form"),
      (["launch@much: a=1"], "is not of the form"), (["a: x=1", "a: x=2"], "two cases are called \"a\""),
      (["a", "b"], "a and b both change nothing"),
      (["a@50%: x=1", "b: x=2"], "b has no weight, and a has one"),
      (["a@50%: x=1", "b@40%: x=2"], "sum to 90%, not to 100%"),
      (["a@50%: x=1", "b@40%: x=2"], "or add a case without changes"),
      (["a@60%: x=1", "b@60%: x=2"], "sum to 120%, not to 100%. Change them."),
      (["a@0%: x=1", "b@100%: x=2"], "the weight of a must be above 0"),
      (["base: x=1"], "base is the scenario as it is, and a case of that name changes it"),
    ]
    for (texts, words) in mistakes {
      #expect {
        var plan = Plan()
        plan.cases = try texts.map { try PlanCase($0) }
        _ = try plan.weighedCases()
      } throws: { error in
        "\(error)".contains(words)
      }
    }
  }
}
