import Foundation
import Sampling
import ScenarioModel
import Testing
import Verification

/// A verdict that could not be given is not green.
@Suite("Comparison: when there is no verdict")
struct VerdictTests {
  /// Replications of one dashboard with so many figures, each drawn evenly around a mean.
  static func replications(_ count: Int, figures: Int, mean: Double) -> [[String: Data]] {
    (0..<count).map { index in
      // 1 % from one replication to the next, so that 17 % lies beyond all of them.
      let value = mean * (1 + 0.01 * (Double(index) - Double(count - 1) / 2))
      let members = (0..<figures).map { "\"f\($0)\": \(value + Double($0))" }.joined(separator: ", ")
      return ["d": Data("{\"query\": {}, \(members)}".utf8)]
    }
  }

  static func compare(_ a: [[String: Data]], _ b: [[String: Data]], _ rules: String = "") throws
    -> ComparisonOutcome
  {
    try OutputComparison.compareReplications(
      expected: a, actual: b, tolerances: rules.isEmpty ? Tolerances() : tolerances(rules))
  }

  @Test(
    "six against six replications of 24 figures, one side 17 % slower: nothing could be found, and eight would do"
  )
  func tooFew() throws {
    // The least p-value is 2 ⁄ C(12, 6) = 0.00216; of 24 tests at 1 % together the first must reach 0.000417. With seven
    // on each side it is 2 ⁄ 3,432 = 0.00058, with eight 2 ⁄ 12,870 = 0.00016.
    let result = try Self.compare(
      Self.replications(6, figures: 24, mean: 100), Self.replications(6, figures: 24, mean: 117))
    #expect(result.verdict == .inconclusive && result.total == 0)
    let reason = result.reasons.joined()
    #expect(
      reason.contains("6 and 6 replications are too few") && reason.contains("smallest p-value 0.002165")
        && reason.contains("needed 0.0004167") && reason.contains("Compare 8 and 8"), "\(reason)")
    #expect(result.tests.allSatisfy { $0.verdict == "undecided" && $0.detectable == nil })
    let enough = try Self.compare(
      Self.replications(8, figures: 24, mean: 100), Self.replications(8, figures: 24, mean: 117))
    #expect(enough.verdict == .different && enough.total == 24)
    // Of one figure six are enough to tell.
    #expect(
      try Self.compare(
        Self.replications(6, figures: 1, mean: 100), Self.replications(6, figures: 1, mean: 117)
      ).verdict == .different)
    let same = try Self.compare(
      Self.replications(8, figures: 24, mean: 100), Self.replications(8, figures: 24, mean: 100.1))
    #expect(same.verdict == .same && same.notes.contains { $0.contains("Found in 4 of 5") }, "\(same.notes)")
  }

  /// So many replications, of which each of these figures has a value for each.
  static func replications(_ figures: [[Double]]) -> [[String: Data]] {
    (0..<figures[0].count).map { replication in
      let members = figures.enumerated().map { "\"f\($0)\": \($1[replication])" }.joined(separator: ", ")
      return ["d": Data("{\"query\": {}, \(members)}".utf8)]
    }
  }

  @Test(
    "figures that are the same do not speak for those that differ and could not be judged",
    arguments: [3, 6])
  func identicalFigures(_ count: Int) throws {
    let numbers = (0..<count).map(Double.init)
    let alike = (0..<20).map { figure in numbers.map { $0 + Double(figure) } }
    let slow = numbers.map { 118 + $0 / 10 }
    let result = try Self.compare(
      Self.replications(alike + [numbers.map { 100 + $0 / 10 }]), Self.replications(alike + [slow]))
    #expect(result.verdict == .inconclusive && result.total == 0)
    let reason = result.reasons.joined()
    #expect(
      reason.contains("1 of 21 tests at 1 % together could not be significant") && reason.contains("(f20)"),
      "\(reason)")
    // Nor with two on each side.
    let two = alike.map { Array($0.prefix(2)) }
    let single = try Self.compare(
      Self.replications(two), Self.replications(Array(two.dropLast()) + [[99, 99.5]]))
    #expect(single.verdict == .inconclusive, "\(single.reasons)")
  }

  @Test(
    "with the same seeds on both sides, as few as three pairs tell a service that is 18 % slower",
    arguments: 3...10)
  func paired(_ count: Int) throws {
    let seeds = (0..<count).map { UInt64($0 * 7 + 1) }
    // What differs between seeds is far more than what differs between sides.
    let base = (0..<count).map { 1000 * (1 + 0.4 * sin(Double($0))) }
    let noise = (0..<count).map { 0.01 * cos(Double($0)) }
    let alike = (0..<20).map { figure in base.map { $0 * Double(figure + 2) } }
    func compare(_ actual: [Double], rules: String = "") throws -> ComparisonOutcome {
      try OutputComparison.compareReplications(
        expected: Self.replications(alike + [base]),
        // In another order: seeds say what belongs together.
        actual: Self.replications((alike + [actual]).map { Array($0.reversed()) }),
        seeds: (seeds, seeds.reversed()),
        tolerances: rules.isEmpty ? Tolerances() : tolerances(rules))
    }
    let slow = try compare(zip(base, noise).map { $0 + 180 + $1 })
    #expect(slow.verdict == .different && slow.total == 1, "\(slow.reasons)")
    #expect(
      slow.tests.last?.test == "pairs" && slow.differences[0].allowed?.contains("paired t-test") ?? false)
    #expect(try compare(base).verdict == .same)
    // Without seeds the same figures tell nothing.
    let apart = try Self.compare(Self.replications([base]), Self.replications([base.map { $0 + 180 }]))
    #expect(apart.verdict != .different)
    // Counts that differ by one each are no proof, and not the same.
    let counts = base.map { $0.rounded() }
    let one = try OutputComparison.compareReplications(
      expected: Self.replications(alike + [counts]),
      actual: Self.replications(alike + [counts.map { $0 + 1 }]),
      seeds: (seeds, seeds), tolerances: Tolerances())
    #expect(one.verdict == .inconclusive, "\(one.reasons)")
    // Within a margin that is allowed.
    #expect(
      try compare(base.map { $0 + 5 }, rules: "  - { path: f20, means: { margin: 2% } }").verdict == .same)
  }

  @Test("pairs that differ by chance are the same, as often as the significance promises")
  func pairsByChance() throws {
    let arena = SamplingArena()
    let stream = arena.stream(state: (31, 32, 33, 34))
    let seeds = (0..<14).map(UInt64.init)
    var alarms = 0
    for _ in 0..<400 {
      let base = seeds.map { _ in 100 + 20 * stream.standardNormal() }
      let result = try OutputComparison.compareReplications(
        expected: Self.replications([base]),
        actual: Self.replications([base.map { $0 + stream.standardNormal() }]), seeds: (seeds, seeds),
        tolerances: tolerances("", "significance: 5%"))
      #expect(result.verdict != .inconclusive)
      if result.verdict == .different { alarms += 1 }
    }
    #expect(alarms <= StatisticalTests.bound(0.05, 400), "\(alarms)")
    withExtendedLifetime(arena) {}
  }

  @Test("one replication on each side tells nothing, unless they are the same")
  func one() throws {
    let (a, b) = (Self.replications(1, figures: 3, mean: 100), Self.replications(1, figures: 3, mean: 101))
    let result = try Self.compare(a, b)
    #expect(
      result.verdict == .inconclusive && result.reasons.joined().contains("no test is possible of 3 figures"),
      "\(result.reasons)")
    #expect(try Self.compare(a, a).verdict == .same)
    // Three against the same three: no test is needed.
    let three = Self.replications(3, figures: 30, mean: 100)
    #expect(try Self.compare(three, three).verdict == .same)
  }

  @Test("what was found to differ stands, whatever else could not be compared")
  func foundNonetheless() throws {
    var other = Self.replications(3, figures: 30, mean: 120)
    for index in other.indices { other[index]["e"] = other[index]["d"] }
    let result = try Self.compare(Self.replications(3, figures: 30, mean: 100), other)
    #expect(result.verdict == .different && result.differences.map(\.kind) == [.extra])
  }

  @Test("equivalence that is neither shown nor refuted is no verdict; a difference beyond the margin is one")
  func equivalence() throws {
    func set(_ mean: Double, _ spread: Double) -> [[String: Data]] {
      (0..<10).map { ["d": Data("{\"query\": {}, \"figure\": \(mean + spread * (Double($0) - 4.5))}".utf8)] }
    }
    let rule = "  - { path: figure, means: { margin: 2%, require: equivalence } }"
    let open = try Self.compare(set(100, 5), set(101, 5), rule)
    #expect(open.verdict == .inconclusive && open.reasons.joined().contains("neither shown nor refuted"))
    #expect(try Self.compare(set(100, 0.01), set(100.5, 0.01), rule).verdict == .same)
    #expect(try Self.compare(set(100, 0.01), set(105, 0.01), rule).verdict == .different)
  }

  /// Twelve replications of one dashboard with the same figures but for one, which `member` writes for each.
  private static func twelve(_ member: (Int) -> String) -> [[String: Data]] {
    (0..<12).map { ["d": Data("{\"query\": {}, \"x\": \($0)\(member($0))}".utf8)] }
  }

  @Test(
    "a figure that one side lacks is a difference, or no verdict where some of it have one; within tolerances too",
    arguments: ["", "  - { path: \"**\", relative: 5% }"])
  func presence(_ rules: String) throws {
    let all = Self.twelve { ", \"y\": \(100 + $0)" }
    for lacking in [", \"y\": null", ""] {
      let none = try Self.compare(all, Self.twelve { _ in lacking }, rules)
      #expect(none.verdict == .different, "\(none.reasons)")
      #expect(try Self.compare(Self.twelve { _ in lacking }, all, rules).verdict == .different)
      let third = try Self.compare(all, Self.twelve { $0 < 4 ? ", \"y\": \(100 + $0)" : lacking }, rules)
      #expect(third.verdict == .different && third.differences.map(\.actual) == ["in 4 of 12"], "\(third)")
      // Half of them: p is 0.014 by Fisher's exact test (R: fisher.test(matrix(c(12, 0, 6, 6), 2))).
      let half = try Self.compare(all, Self.twelve { $0 < 6 ? ", \"y\": \(100 + $0)" : lacking }, rules)
      #expect(half.verdict == .inconclusive && half.reasons.joined().contains("in 6 of 12"), "\(half)")
      let one = try Self.compare(all, Self.twelve { $0 > 0 ? ", \"y\": \(100 + $0)" : lacking }, rules)
      #expect(one.verdict == .same, "\(one.reasons)")
      let optional = try Self.compare(
        all, Self.twelve { _ in lacking }, "  - { path: y, optional: true }")
      #expect(optional.verdict == .same, "\(optional.reasons)")
    }
  }

  @Test("a dashboard that some replications lack is a difference")
  func missingDashboard() throws {
    let all = Self.twelve { _ in "" }
    var some = all
    for index in 0..<6 { some[index]["e"] = some[index]["d"] }
    var every = all
    for index in 0..<12 { every[index]["e"] = every[index]["d"] }
    #expect(try Self.compare(every, some).verdict == .different)
    #expect(try Self.compare(some, every).verdict == .different)
    #expect(try Self.compare(every, every).verdict == .same)
  }

  @Test(
    "a text that one side always has is compared with what the other has; texts of each run's own are not")
  func texts() throws {
    let always = Self.twelve { _ in ", \"t\": \"A10 single\"" }
    let never = Self.twelve { ", \"t\": \"\($0 % 2 == 0 ? "T4 single" : "Multiple Hardware")\"" }
    #expect(try Self.compare(always, never).verdict == .different)
    #expect(try Self.compare(never, always).verdict == .different)
    #expect(try Self.compare(always, Self.twelve { _ in ", \"t\": \"T4\"" }).verdict == .different)
    #expect(try Self.compare(always, always).verdict == .same)
    let (a, b) = (Self.twelve { ", \"t\": \"run \($0)\"" }, Self.twelve { ", \"t\": \"run \($0 + 50)\"" })
    #expect(try Self.compare(a, b).verdict == .same)
  }

  @Test("Fisher's exact test gives what R's does")
  func fisher() {
    // fisher.test(matrix(c(k, n - k, l, m - l), 2))$p.value
    for (k, n, l, m, p) in [
      (12, 12, 6, 12, 0.01373), (3, 10, 9, 10, 0.01977), (1, 10, 11, 14, 0.002759), (5, 5, 0, 5, 0.007937),
      (4, 8, 4, 8, 1), (0, 7, 0, 9, 1),
    ] {
      #expect(abs(TwoSampleTests.fisherExact((k, n), (l, m)) - p) < 1e-5 + p * 1e-3, "\(k) \(n) \(l) \(m)")
    }
  }

  @Test("nothing to compare is no verdict: no documents, no figures, everything ignored")
  func nothing() throws {
    func documents(_ a: [String: Data], _ b: [String: Data], _ rules: Tolerances = Tolerances()) throws
      -> ComparisonOutcome
    { try OutputComparison.compare(expected: a, actual: b, tolerances: rules, labels: ("e", "a")) }
    let none = try documents([:], [:])
    #expect(none.verdict == .inconclusive && none.reasons.joined().contains("nothing to compare"))
    let empty = Data("{}".utf8)
    #expect(try documents(["a": empty], ["a": empty]).verdict == .inconclusive)
    let one = Data("{\"x\": 1}".utf8)
    #expect(try documents(["a": one], ["a": one]).verdict == .same)
    let ignored = try documents(["a": one], ["a": one], tolerances("  - { path: \"**\", ignore: true }"))
    #expect(
      ignored.verdict == .inconclusive && ignored.reasons.joined().contains("leave no figure"),
      "\(ignored.reasons)")
    #expect(try documents([:], ["a": one]).verdict == .different)
  }

  @Test("a test that was asked for and matches nothing leaves no verdict; a limit that does only warns")
  func misspelt() throws {
    let three = Self.replications(3, figures: 1, mean: 100)
    let test = try Self.compare(three, three, "  - { path: latncy.p95, means: { margin: 2% } }")
    #expect(test.verdict == .inconclusive && test.reasons.joined().contains("latncy.p95"), "\(test.reasons)")
    #expect(try Self.compare(three, three, "  - { path: latncy.p95, relative: 2% }").verdict == .same)
  }

  @Test(
    "a difference that is called detectable is found in about four of five comparisons",
    arguments: [true, false])
  func detectable(_ ofMeans: Bool) throws {
    let (n, pairs, level) = (20, 400, 0.05)
    let arena = SamplingArena()
    let stream = arena.stream(state: (21, 22, 23, 24))
    try withExtendedLifetime(arena) {
      // A sample whose deviation is that of the normal distribution that is drawn.
      let plain = (0..<n).map { Double($0) - Double(n - 1) / 2 }
      let deviation = (plain.reduce(0) { $0 + $1 * $1 } / Double(n - 1)).squareRoot()
      let unit = plain.map { $0 / deviation }
      let shift = try #require(
        ofMeans
          ? TwoSampleTests.detectableByMeans(unit, unit, level: level, power: 0.8)
          : TwoSampleTests.detectableByDistribution(unit, unit, level: level, power: 0.8))
      var found = 0
      for _ in 0..<pairs {
        let a = (0..<n).map { _ in stream.standardNormal() }
        let b = (0..<n).map { _ in stream.standardNormal() + shift }
        let p =
          ofMeans
          ? TwoSampleTests.meanDifference(a, b)?.pValueOfDifference(beyond: 0) ?? 1
          : TwoSampleTests.kolmogorovSmirnov(a, b).pValue
        if p <= level { found += 1 }
      }
      // Four standard errors of a share of 400; the guide for the distribution is a little cautious.
      let share = Double(found) / Double(pairs)
      #expect(share > 0.72 && share < (ofMeans ? 0.88 : 0.95), "\(share) at \(shift)")
    }
  }
}
