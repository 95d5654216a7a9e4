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

  /// Whether replications have a figure at all is mostly no matter of chance, so what is this improbable, though not
  /// significant among all tests, is not called the same.
  private static let doubt = 0.05

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
    var powerless: [Int] = []
    for index in made.all.indices {
      let test = made.all[index]
      let isPowerless = !hasPower(test, places[index], level)
      if significant[index] {
        made.all[index].verdict = "different"
      } else if isPowerless, !isAlike(places[index]) {
        made.all[index].verdict = "undecided"
        powerless.append(index)
      }
      if made.all[index].verdict == "different" {
        add(Self.difference(test, look: samples[sampleOrder[places[index]]]?.look ?? ""))
      }
      made.all[index].detectable = isPowerless ? nil : detectable(test, sampleOrder[places[index]], level)
    }
    conclude(&made, places: places, powerless: powerless, untested: untested, level, replications)
    return made
  }

  /// - Returns: `nil` where a side has too few values for any test.
  private func test(_ key: SampleKey, _ sample: Samples) -> StatisticalTest? {
    let (a, b) = (sample.expected.values, sample.actual.values)
    guard a.count >= 2, b.count >= 2 else { return nil }
    var test = StatisticalTest(
      document: key.document, path: key.path, test: "distribution", expectedCount: a.count,
      actualCount: b.count, expectedMean: a.mean, actualMean: b.mean, pValue: 1, statistic: 0,
      dependence: sample.isOfReplications
        ? 1 : max(TwoSampleTests.dependence(a), TwoSampleTests.dependence(b)))
    if sample.isPresence {
      let has = { (side: [Double]) in side.count { $0 > 0 } }
      test.test = "presence"
      test.statistic = test.actualMean - test.expectedMean
      test.pValue = TwoSampleTests.fisherExact((has(a), a.count), (has(b), b.count))
      if test.pValue <= Self.doubt { test.verdict = "undecided" }
      return test
    }
    guard case .means(let margin) = sample.test else {
      (test.statistic, test.pValue) = TwoSampleTests.kolmogorovSmirnov(a, b, inflation: test.dependence)
      return test
    }
    let found =
      sample.isPaired ? TwoSampleTests.pairedDifference(a, b) : TwoSampleTests.meanDifference(a, b)
    guard var means = found else { return nil }
    means.standardError *= test.dependence.squareRoot()
    let allowed = margin.absolute + margin.relative * max(abs(test.expectedMean), abs(test.actualMean))
    test.test = sample.isPaired ? "pairs" : "means"
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
    if test.test == "presence" {
      return Difference(
        document: test.document, path: test.path, kind: .statistical, expected: test.having(expected: true),
        actual: test.having(expected: false), allowed: "p \(short(test.pValue)) by Fisher's exact test",
        look: look)
    }
    let name =
      switch test.test {
      case "pairs": "the paired t-test"
      case "means": "Welch's test"
      default: "Kolmogorov–Smirnov, distance \(short(test.statistic))"
      }
    return Difference(
      document: test.document, path: test.path, kind: .statistical,
      expected: "mean \(short(test.expectedMean)) of \(test.expectedCount)",
      actual: "mean \(short(test.actualMean)) of \(test.actualCount)",
      difference: test.actualMean - test.expectedMean,
      relative: larger > 0 ? abs(test.actualMean - test.expectedMean) / larger : nil,
      allowed: "p \(short(test.pValue)) by \(name)", look: look)
  }

  /// The least p-value that the order of values alone can give samples of these sizes.
  private static func leastPValue(_ test: StatisticalTest) -> Double {
    test.test == "pairs"
      ? TwoSampleTests.leastPValue(pairs: test.expectedCount)
      : TwoSampleTests.leastPValue(test.expectedCount, test.actualCount, inflation: test.dependence)
  }

  /// Whether a test that is not significant says anything: a test of distributions, if any difference could have been
  /// significant; a test of means also, unless the samples are as far apart as so few values can be. Then only the
  /// assumption that means are normal stands between them and a difference, and few values do not support it.
  private func hasPower(_ test: StatisticalTest, _ place: Int, _ level: Double) -> Bool {
    guard Self.leastPValue(test) > level else { return true }
    guard test.isOfMeans else { return false }
    return abs(test.statistic) <= (test.margin ?? 0) || !isApart(place)
  }

  /// Whether all values of one side are above those of the other; of pairs, in each pair.
  private func isApart(_ place: Int) -> Bool {
    guard let sample = samples[sampleOrder[place]] else { return false }
    let (a, b) = (sample.expected.values, sample.actual.values)
    if sample.isPaired { return zip(a, b).allSatisfy { $0 < $1 } || zip(a, b).allSatisfy { $0 > $1 } }
    guard let leastOfA = a.min(), let mostOfA = a.max(), let leastOfB = b.min(), let mostOfB = b.max() else {
      return false
    }
    return mostOfA < leastOfB || mostOfB < leastOfA
  }

  /// Whether both sides have the same values: no test is needed to say that they do not differ.
  private func isAlike(_ place: Int) -> Bool {
    guard let sample = samples[sampleOrder[place]] else { return true }
    return sample.isPaired
      ? sample.expected.values == sample.actual.values
      : sample.expected.values.sorted() == sample.actual.values.sorted()
  }

  private func detectable(_ test: StatisticalTest, _ key: SampleKey, _ level: Double) -> Double? {
    guard let sample = samples[key], !sample.isPresence else { return nil }
    if test.test == "pairs" {
      return TwoSampleTests.detectableByPairs(
        sample.expected.values, sample.actual.values, level: level, power: Self.power)
    }
    return test.isOfMeans
      ? TwoSampleTests.detectableByMeans(
        sample.expected.values, sample.actual.values, level: level, power: Self.power,
        inflation: test.dependence)
      : TwoSampleTests.detectableByDistribution(
        sample.expected.values, sample.actual.values, level: level, power: Self.power,
        inflation: test.dependence)
  }

  /// Says what the tests could not have told.
  /// - Parameters:
  ///   - places: of the tests, in `sampleOrder`.
  ///   - powerless: of the tests, those that would have found no difference and whose samples differ.
  ///   - untested: in `sampleOrder`.
  private func conclude(
    _ made: inout Tests, places: [Int], powerless: [Int], untested: [Int], _ level: Double,
    _ replications: [Int]
  ) {
    let unequal = untested.filter { !isAlike($0) }
    // What differs and could not be judged leaves no verdict, however much else was the same.
    if !powerless.isEmpty || !unequal.isEmpty {
      made.reasons.append(
        tooFew(made, powerless: powerless, open: powerless.map { places[$0] } + unequal, level, replications))
    }
    let open = made.all.indices.filter {
      made.all[$0].isOfMeans && made.all[$0].verdict == "undecided" && !powerless.contains($0)
    }
    if let first = open.first.map({ made.all[$0] }) {
      made.reasons.append(
        "that \(first.path) stays within ±\(Self.short(first.margin ?? 0)) is neither shown nor refuted\(open.count > 1 ? ", nor are \(open.count - 1) others" : ""). Compare more replications, or allow a wider margin."
      )
    }
    let doubtful = made.all.indices.filter {
      made.all[$0].test == "presence" && made.all[$0].verdict == "undecided" && !powerless.contains($0)
    }
    if let first = doubtful.first.map({ made.all[$0] }) {
      made.reasons.append(
        "\(first.path) is there \(first.having(expected: true)) and \(first.having(expected: false)) replications\(doubtful.count > 1 ? ", and \(doubtful.count - 1) others likewise" : ""): that is unlikely to be chance (p \(Self.short(first.pValue)) by Fisher's exact test), but not proven. Compare more replications, or mark the figure optional in the tolerances."
      )
    }
    let found = made.all.compactMap { test -> (path: String, share: Double)? in
      let larger = max(abs(test.expectedMean), abs(test.actualMean))
      return larger > 0 ? test.detectable.map { (test.path, $0 / larger) } : nil
    }
    // Pairs that are the same do not say how far others vary.
    .filter { $0.share > 0 }.sorted { $0.share < $1.share }
    if let least = found.first, let most = found.last {
      let to = found.count > 1 ? " to \(Self.percent(most.share)) (\(most.path))" : ""
      made.notes.append(
        "Found in 4 of 5 such comparisons: a mean that differs by about \(Self.percent(least.share)) (\(least.path))\(to). Smaller differences may exist."
      )
    }
  }

  /// Why figures that differ could not be judged, and what would do.
  /// - Parameter open: their places in `sampleOrder`.
  private func tooFew(
    _ made: Tests, powerless: [Int], open: [Int], _ level: Double, _ replications: [Int]
  ) -> String {
    let all = open.compactMap { samples[sampleOrder[$0]] }
    let isOfReplications = all.contains(where: \.isOfReplications)
    let isPaired = all.contains(where: \.isPaired)
    let sizes =
      isPaired
      ? "\(replications[0]) pairs of replications are too few"
      : isOfReplications
        ? "\(replications[0]) and \(replications[1]) replications are too few" : "the samples are too small"
    let documents = Set(open.map { sampleOrder[$0].document }).sorted()
    let isPart = documents.count < Set(sampleOrder.map(\.document)).count
    let scope =
      isPart ? " in \(documents.prefix(3).joined(separator: ", "))\(documents.count > 3 ? ", …" : "")" : ""
    let untested = open.count - powerless.count
    var asked: [String] = []
    if let least = powerless.map({ Self.leastPValue(made.all[$0]) }).min() {
      let tests = "\(made.all.count) tests at \(Self.short(tolerances.significance * 100)) % together"
      let which =
        powerless.count == made.all.count
        ? "of \(tests) none could" : "\(powerless.count) of \(tests) could not"
      asked.append(
        "\(which) be significant, however large the difference (smallest p-value \(Self.short(least)), needed \(Self.short(level)))"
      )
    }
    if untested > 0 {
      asked.append("no test is possible of \(untested == 1 ? "1 figure" : "\(untested) figures")")
    }
    let first = sampleOrder[open[0]].path
    let example = open.count < sampleOrder.count ? " (\(first)\(open.count > 1 ? ", …" : ""))" : ""
    let needed = Self.replicationsNeeded(
      level: tolerances.significance / Double(max(made.all.count, untested)), isPaired: isPaired)
    let remedy =
      isOfReplications
      ? "Compare \(needed) and \(needed) or more, or name fewer figures in the rules."
      : "Compare more, or leave the rule out."
    return "\(sizes)\(scope): \(asked.joined(separator: ", and "))\(example). \(remedy)"
  }

  private static func percent(_ share: Double) -> String { String(format: "%.2g %%", share * 100) }

  /// The fewest replications on each side with which the order of their values alone can be significant.
  private static func replicationsNeeded(level: Double, isPaired: Bool) -> Int {
    var count = 2
    func least() -> Double {
      isPaired ? TwoSampleTests.leastPValue(pairs: count) : TwoSampleTests.leastPValue(count, count)
    }
    while least() > level { count += 1 }
    return count
  }
}

extension StatisticalTest {
  /// How many replications of a side have the figure, of a test of presence.
  fileprivate func having(expected: Bool) -> String {
    let (mean, count) = expected ? (expectedMean, expectedCount) : (actualMean, actualCount)
    return "in \(Int((mean * Double(count)).rounded())) of \(count)"
  }
}
