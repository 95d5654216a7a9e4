import Foundation
import Sampling

/// Statistical tests of what was sampled, and what they could have found.
extension ComparisonFindings {
  struct Tests {
    var all: [StatisticalTest] = []
    var notes: [String] = []
    /// Why tests that found nothing do not say that nothing differs.
    var reasons: [String] = []
  }

  /// The power at which differences are called detectable.
  private static let power = 0.8

  /// Makes the tests, and adds a difference for each that is significant together with the others (Holm 1979).
  func tests(replications: [Int]) -> Tests {
    var made = Tests()
    /// Places in `sampleOrder`, of tests and of samples too small for one.
    var places: [Int] = []
    var untested: [Int] = []
    for (place, key) in sampleOrder.enumerated() {
      guard let sample = samples[key] else { continue }
      if let test = test(key, sample) {
        made.all.append(test)
        places.append(place)
      } else {
        untested.append(place)
      }
    }
    let significant = TwoSampleTests.significant(
      made.all.map(\.pValue), familywise: tolerances.significance)
    // What the first of them must reach for any to be significant.
    let level = tolerances.significance / Double(max(made.all.count, 1))
    var leastPValue = 1.0
    var powerless: [Int] = []
    for index in made.all.indices {
      let test = made.all[index]
      let least = test.test == "means" ? 0 : Self.leastPValue(test)
      leastPValue = min(leastPValue, least)
      if significant[index] {
        made.all[index].verdict = "different"
      } else if least > level, !isAlike(places[index]) {
        made.all[index].verdict = "undecided"
        powerless.append(places[index])
      }
      if made.all[index].verdict == "different" {
        add(Self.difference(test, look: samples[sampleOrder[places[index]]]?.look ?? ""))
      }
      made.all[index].detectable = least > level ? nil : detectable(test, sampleOrder[places[index]], level)
    }
    conclude(
      &made, places: places, powerless: powerless, untested: untested, leastPValue, level, replications)
    return made
  }

  /// - Returns: `nil` where a side has too few values for any test.
  private func test(_ key: SampleKey, _ sample: Samples) -> StatisticalTest? {
    let (a, b) = (sample.expected.values, sample.actual.values)
    guard a.count >= 2, b.count >= 2 else { return nil }
    func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
    var test = StatisticalTest(
      document: key.document, path: key.path, test: "distribution", expectedCount: a.count,
      actualCount: b.count, expectedMean: mean(a), actualMean: mean(b), pValue: 1, statistic: 0,
      dependence: sample.isOfReplications
        ? 1 : max(TwoSampleTests.dependence(a), TwoSampleTests.dependence(b)))
    guard case .means(let margin) = sample.test else {
      (test.statistic, test.pValue) = TwoSampleTests.kolmogorovSmirnov(a, b, inflation: test.dependence)
      return test
    }
    guard var means = TwoSampleTests.meanDifference(a, b) else { return nil }
    means.standardError *= test.dependence.squareRoot()
    let allowed = margin.absolute + margin.relative * max(abs(test.expectedMean), abs(test.actualMean))
    test.test = "means"
    test.statistic = means.difference
    test.margin = allowed
    test.pValue = means.pValueOfDifference(beyond: allowed)
    if margin.mustBeShown, means.pValueOfEquivalence(within: allowed) > tolerances.significance {
      test.verdict = test.pValue <= tolerances.significance ? "different" : "undecided"
    }
    return test
  }

  private static func difference(_ test: StatisticalTest, look: String) -> Difference {
    let larger = max(abs(test.expectedMean), abs(test.actualMean))
    let name = test.test == "means" ? "Welch's test" : "Kolmogorov–Smirnov, distance \(short(test.statistic))"
    return Difference(
      document: test.document, path: test.path, kind: .statistical,
      expected: "mean \(short(test.expectedMean)) of \(test.expectedCount)",
      actual: "mean \(short(test.actualMean)) of \(test.actualCount)",
      difference: test.actualMean - test.expectedMean,
      relative: larger > 0 ? abs(test.actualMean - test.expectedMean) / larger : nil,
      allowed: "p \(short(test.pValue)) by \(name)", look: look)
  }

  private static func leastPValue(_ test: StatisticalTest) -> Double {
    TwoSampleTests.leastPValue(test.expectedCount, test.actualCount, inflation: test.dependence)
  }

  /// Whether both sides have the same values: no test is needed to say that they do not differ.
  private func isAlike(_ place: Int) -> Bool {
    guard let sample = samples[sampleOrder[place]] else { return true }
    return sample.expected.values.sorted() == sample.actual.values.sorted()
  }

  private func detectable(_ test: StatisticalTest, _ key: SampleKey, _ level: Double) -> Double? {
    guard let sample = samples[key] else { return nil }
    return test.test == "means"
      ? TwoSampleTests.detectableByMeans(
        sample.expected.values, sample.actual.values, level: level, power: Self.power,
        inflation: test.dependence)
      : TwoSampleTests.detectableByDistribution(
        sample.expected.values, sample.actual.values, level: level, power: Self.power,
        inflation: test.dependence)
  }

  /// Says what the tests could not have told.
  private func conclude(
    _ made: inout Tests, places: [Int], powerless: [Int], untested: [Int], _ leastPValue: Double,
    _ level: Double, _ replications: [Int]
  ) {
    let unequal = untested.filter { !isAlike($0) }
    // A dashboard of which no figure that varies could be judged has no verdict.
    let blind = Set((powerless + unequal).map { sampleOrder[$0].document })
      .subtracting(Set(places).subtracting(powerless).map { sampleOrder[$0].document }).sorted()
    let count = powerless.count + unequal.count
    if !blind.isEmpty {
      let isOfReplications = sampleOrder.contains { samples[$0]?.isOfReplications ?? false }
      let sizes =
        isOfReplications
        ? "\(replications[0]) and \(replications[1]) replications are too few" : "the samples are too small"
      let asked =
        made.all.isEmpty
        ? "no test is possible of \(unequal.count == 1 ? "1 figure" : "\(unequal.count) figures")"
        : "of \(made.all.count) tests at \(Self.short(tolerances.significance * 100)) % together none could be significant, however large the difference (least p-value \(Self.short(leastPValue)), needed \(Self.short(level)))"
      let needed = Self.replicationsNeeded(
        level: tolerances.significance / Double(max(made.all.count, unequal.count)))
      let remedy =
        isOfReplications
        ? "Compare \(needed) and \(needed) or more, or name fewer figures in the rules."
        : "Compare more, or leave the rule out."
      let isPart = blind.count < Set(sampleOrder.map(\.document)).count
      let scope =
        isPart ? " in \(blind.prefix(3).joined(separator: ", "))\(blind.count > 3 ? ", …" : "")" : ""
      made.reasons.append("\(sizes)\(scope): \(asked). \(remedy)")
    } else if count > 0 {
      made.notes.append(
        "\(count == 1 ? "1 figure has" : "\(count) figures have") too few values for a test to tell anything."
      )
    }
    let open = made.all.filter { $0.test == "means" && $0.verdict == "undecided" }
    if let first = open.first {
      made.reasons.append(
        "that \(first.path) stays within ±\(Self.short(first.margin ?? 0)) is neither shown nor refuted\(open.count > 1 ? ", nor are \(open.count - 1) others" : ""). Compare more replications, or allow a wider margin."
      )
    }
    let found = made.all.compactMap { test -> (path: String, share: Double)? in
      let larger = max(abs(test.expectedMean), abs(test.actualMean))
      return larger > 0 ? test.detectable.map { (test.path, $0 / larger) } : nil
    }.sorted { $0.share < $1.share }
    if let least = found.first, let most = found.last {
      let to = found.count > 1 ? " to \(Self.percent(most.share)) (\(most.path))" : ""
      made.notes.append(
        "Found in 4 of 5 such comparisons: a mean that differs by about \(Self.percent(least.share)) (\(least.path))\(to). Smaller differences may be there."
      )
    }
  }

  private static func percent(_ share: Double) -> String { String(format: "%.2g %%", share * 100) }

  /// The fewest replications on each side with which a test by Kolmogorov and Smirnov can be significant.
  private static func replicationsNeeded(level: Double) -> Int {
    var count = 2
    while TwoSampleTests.leastPValue(count, count) > level { count += 1 }
    return count
  }
}
