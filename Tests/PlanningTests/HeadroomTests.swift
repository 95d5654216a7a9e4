import Foundation
import Planning
import ScenarioModel
import TestSupport
import Testing

@Suite("Planning: headroom and growth, on systems where they are known")
struct HeadroomTests {
  /// The factor at which the mean waiting time in M/M/c reaches a bound, by bisection.
  static func factor(_ servers: Int, rate: Double, service: Double, bound: Double) -> Double {
    var (low, high) = (0.01, Double(servers) / service / rate * 0.999_999)
    for _ in 0..<100 {
      let middle = (low + high) / 2
      if CaseSelectionTests.waiting(servers, rate * middle, service) > bound {
        high = middle
      } else {
        low = middle
      }
    }
    return low
  }

  /// M/M/c of its own for each model.
  static func variant(
    _ models: [(name: String, rate: Double, servers: Int)], seed: Int, uncertainty: String = "",
    hours: Int = 2
  ) throws -> Variant {
    let own = models.map { model in
      """
        - name: \(model.name)
          kind: openSource
          load: { arrivals: { poisson: { rate: \(model.rate)/s } }, tokens: { input: 1, output: 1 }\(uncertainty) }
          deployments:
            - version: V1
              deployAt: 2026-01-01
              hardware: T4 single
              scaling: { minReplicas: \(model.servers), maxReplicas: \(model.servers), maxBatchSize: 1 }
              service: { time: { exponential: { mean: 1s } } }
              queue: { capacity: 100000 }
      """
    }
    let yaml = """
      workbench: 1
      name: known
      seed: \(seed)
      period: { from: 2026-01-05, to: "2026-01-05T0\(hours):00" }
      account: { name: acme, subscription: { maxReplicas: 50 } }
      models:
      \(own.joined(separator: "\n"))
      """
    return Variant(
      name: "base", overrides: [],
      scenario: try ScenarioDocument(Data(yaml.utf8), path: "known.yaml").scenario)
  }

  static func study(
    _ variant: Variant, slo: String, replications: Int = 10, growth: DemandGrowth? = nil
  ) throws -> PlanResult {
    var options = Study.Options()
    options.threads = 2
    options.replications = replications
    options.maxReplications = max(replications, 100)
    options.objectives = try Objective.list(slo)
    options.goal = Metric("credits")
    options.growth = growth
    let study = try Study(
      [variant], factors: [], options: options,
      experiment: Experiment([variant], warmUp: 600_000_000, threads: 2),
      result: PlanResult(
        program: "", command: "", scenario: "known", description: "", seed: 1,
        warmUp: .init(microseconds: 0, method: "given", text: ""), confidence: 0.95),
      make: { _ in variant }, progress: { _, _, _ in })
    try study.run()
    return study.result
  }

  @Test("the interval of headroom contains the true factor as often as is stated")
  func coverage() throws {
    let truth = Self.factor(3, rate: 1.6, service: 1, bound: 0.6)
    #expect(truth > 1.1 && truth < 1.5)
    let trials = hasLongChecks ? 400 : 100
    var (inside, width, sum) = (0, 0.0, 0.0)
    for trial in 0..<trials {
      let variant = try KnownSystem.variant(
        "base", seed: UInt64(500 + trial), rate: 1.6, servers: 3, service: "{ exponential: { mean: 1s } }",
        hours: 1)
      let headroom = try #require(try Self.study(variant, slo: "waiting.mean <= 0.6s").headroom)
      let (lower, upper) = (try #require(headroom.lower), try #require(headroom.upper))
      #expect(lower <= headroom.factor && headroom.factor <= upper && !headroom.isAtLimit)
      if lower <= truth, truth <= upper { inside += 1 }
      width += (upper - lower) / Double(trials)
      sum += headroom.factor / Double(trials)
    }
    let share = Double(inside) / Double(trials)
    print(
      "headroom of M/M/3: true factor \(truth), mean of estimates \(sum), \(share) of \(trials) intervals contain it, \(width) wide"
    )
    // Nominal 95 %; four standard errors below.
    #expect(share >= 0.95 - 4 * (0.95 * 0.05 / Double(trials)).squareRoot())
    // Two steps of the search are 2 %; an interval that says nothing is no interval.
    #expect(width < 0.15)
    #expect(abs(sum - truth) < 0.02)
  }

  @Test("of several models, each has headroom of its own, and the one that binds is named")
  func byModel() throws {
    let models = [("calm", 0.5, 2), ("hot", 1.5, 2)]
    let result = try Self.study(
      try Self.variant(models, seed: 3, hours: 9), slo: "waiting.mean <= 3s", replications: 20)
    let all = try #require(result.headroom)
    let own = try #require(result.headroomByModel)
    #expect(own.map(\.model) == ["calm", "hot"] && all.model == nil)
    for (headroom, model) in zip(own, models) {
      let truth = Self.factor(model.2, rate: model.1, service: 1, bound: 3)
      #expect(abs(headroom.factor / truth - 1) < 0.03, "\(headroom) \(truth)")
      #expect(headroom.level == "waiting.mean <= 3s of \(model.0)")
    }
    // Of all demand, the model with the least.
    #expect(all.level == "waiting.mean <= 3s of hot" && abs(all.factor - own[1].factor) < 1e-9)
    let words = try #require(PlanWords.recommendation(result))
    #expect(words.contains { $0.hasPrefix("Headroom: demand can grow by ") && $0.contains("95 %: ") })
    #expect(words.contains { $0.hasPrefix("Headroom of calm alone: its demand can grow by ") }, "\(words)")
  }

  @Test("growth breaks the objective in the week in which demand reaches what the queue bears")
  func growth() throws {
    let truth = Self.factor(3, rate: 1.6, service: 1, bound: 0.6)
    let week = Int((log(truth) / log(1.02)).rounded(.up))
    let variant = try KnownSystem.variant(
      "base", rate: 1.6, servers: 3, service: "{ exponential: { mean: 1s } }", hours: 23)
    let result = try Self.study(
      variant, slo: "waiting.mean <= 0.6s", replications: 30, growth: try DemandGrowth("2%/week", weeks: nil))
    let growth = try #require(result.growth?.variants.first)
    let median = try #require(growth.weeks.firstIndex { $0.probability >= 0.5 })
    #expect(abs(median - week) <= 1, "\(median) \(week)")
    // Mondays from the period on.
    #expect(growth.weeks[0].date == "2026-01-05" && growth.weeks[2].date == "2026-01-19")
    #expect(growth.median == growth.weeks[median].date && growth.level == "waiting.mean <= 0.6s")
    let (from, to) = (try #require(growth.medianFrom), try #require(growth.medianTo))
    #expect(from <= growth.weeks[week].date && to >= growth.weeks[week - 1].date)
    #expect(zip(growth.weeks, growth.weeks.dropFirst()).allSatisfy { $0.probability <= $1.probability })
    #expect(growth.weeks.last?.probability == 1)
    let words = try #require(PlanWords.recommendation(result))
    #expect(
      words.contains {
        $0.hasPrefix("Growth of 2%/week: base violates waiting.mean <= 0.6s by the week of ")
      },
      "\(words)")
    // Within two weeks it holds.
    let short = try Self.study(
      variant, slo: "waiting.mean <= 0.6s", replications: 10, growth: try DemandGrowth("2%/week", weeks: 2))
    #expect(short.growth?.variants.first?.median == nil)
    #expect(short.growth?.variants.first?.lookedUntil == "2026-01-19")
    #expect(
      PlanWords.recommendation(short)?.contains {
        $0
          == "Growth of 2%/week: base holds until at least the week of 2026-01-19, in each of 10 replications."
      } == true)
  }

  @Test("of uncertain growth, the probability of each week is that of the growth that it takes")
  func uncertainGrowth() throws {
    let truth = Self.factor(3, rate: 1.6, service: 1, bound: 0.6)
    let variant = try Self.variant(
      [("m", 1.6, 3)], seed: 7, uncertainty: ", uncertainty: { growth: { perWeek: 1.03, sd: 0.015 } }",
      hours: 9)
    let result = try Self.study(
      variant, slo: "waiting.mean <= 0.6s", replications: 100,
      growth: try DemandGrowth("scenario", weeks: nil))
    let growth = try #require(result.growth?.variants.first)
    #expect(growth.replications == 100 && result.growth?.perWeek == nil)
    // P(G^k ≥ truth) of a lognormal G by its mean and standard deviation; chance within nine hours moves the week by one.
    let sigma = log1p(pow(0.015 / 1.03, 2)).squareRoot()
    let mu = log(1.03) - sigma * sigma / 2
    func probability(_ week: Double) -> Double {
      week <= 0 ? 0 : erfc((log(truth) / week - mu) / sigma / 2.0.squareRoot()) / 2
    }
    for own in growth.weeks where own.week > 0 {
      let week = Double(own.week)
      // Four standard errors of the binomial, beyond what a week and a half of chance does.
      let margin = 4 * 0.05
      #expect(own.probability > probability(week - 1.5) - margin, "\(own)")
      #expect(own.probability < probability(week + 1.5) + margin, "\(own)")
      #expect((own.lower ?? 1) <= own.probability && own.probability <= own.upper ?? 0)
    }
  }

  @Test(
    "growth as it is written",
    arguments: [("5%/week", 1.05), ("7%/day", 1.605_781), ("100%/year", 1.013_374), ("0.1/month", 1.022_161)])
  func written(_ text: String, _ perWeek: Double) throws {
    let growth = try DemandGrowth(text, weeks: nil)
    #expect(abs((growth.perWeek ?? 0) - perWeek) < 1e-5 && growth.weeks == 52)
    #expect(try DemandGrowth("scenario", weeks: 9) == DemandGrowth("scenario", weeks: 9))
  }

  @Test(
    "what is no growth",
    arguments: [
      ("0%/week", "is no growth, which breaks nothing"), ("-5%/week", "shrinks, which breaks nothing"),
      ("5%", "Write 5%/week"), ("5%/fortnight", "Write 5%/week"), ("150%/week", "more than doubles"),
    ])
  func refused(_ text: String, _ words: String) {
    #expect {
      _ = try DemandGrowth(text, weeks: nil)
    } throws: {
      "\($0)".contains(words)
    }
  }

  @Test("Clopper and Pearson's interval, and that of the median, as tables have them")
  func binomial() throws {
    // Clopper and Pearson (1934); Newcombe (1998), table I.
    let none = BinomialInterval.probability(0, of: 10, confidence: 0.95)
    #expect(none.lowerBound == 0 && abs(none.upperBound - 0.3085) < 1e-4)
    let half = BinomialInterval.probability(5, of: 10, confidence: 0.95)
    #expect(abs(half.lowerBound - 0.1871) < 1e-4 && abs(half.upperBound - 0.8129) < 1e-4)
    let many = BinomialInterval.probability(81, of: 263, confidence: 0.95)
    #expect(abs(many.lowerBound - 0.2527) < 1e-4 && abs(many.upperBound - 0.3676) < 1e-4)
    // The sixth and the fifteenth of twenty (Conover 1999, table A3).
    #expect(BinomialInterval.median(of: 20, confidence: 0.95) == 5...14)
    #expect(BinomialInterval.median(of: 6, confidence: 0.95) == 0...5)
    #expect(BinomialInterval.median(of: 5, confidence: 0.95) == nil)
  }
}
