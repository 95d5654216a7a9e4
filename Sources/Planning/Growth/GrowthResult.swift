import Foundation
import Sampling

/// When growth breaks an objective, as kept in plan.json.
package struct GrowthResult: Codable, Sendable {
  package struct Week: Codable, Sendable {
    /// From the period on.
    package var week: Int
    package var date: String
    /// By which all demand is multiplied; absent where each model and each replication has its own.
    package var factor: Double?
    /// That an objective is violated in a period like the scenario's that begins then.
    package var probability: Double
    /// Its interval; absent of a single replication.
    package var lower: Double?
    package var upper: Double?
  }

  package struct VariantGrowth: Codable, Sendable {
    package var variant: String
    package var replications: Int
    package var weeks: [Week]
    /// The first week by which an objective is violated with a probability of at least 5, 50 and 95 %; absent where it is
    /// not in the weeks that were looked at.
    package var early: String?
    package var median: String?
    package var late: String?
    /// The interval of the median; an end is absent where it is not in those weeks, or there are too few replications.
    package var medianFrom: String?
    package var medianTo: String?
    /// What is violated first, most often: the objective, with its model, and its case where there are several.
    package var level: String?
    /// Of the replications in which an objective is violated, the share in which it is that one.
    package var levelShare: Double?
    /// The last week that was looked at.
    package var lookedUntil: String
  }

  /// As written.
  package var growth: String
  /// The factor from one week to the next; absent where each model has its own.
  package var perWeek: Double?
  package var weeks: Int
  /// Why fewer weeks than were asked for were looked at.
  package var shortened: String?
  package var variants: [VariantGrowth]
}

/// Intervals that follow from the binomial distribution.
package enum BinomialInterval {
  /// P(X ≤ k) of n trials.
  static func cumulative(_ k: Int, _ n: Int, _ p: Double) -> Double {
    guard k >= 0 else { return 0 }
    guard k < n else { return 1 }
    guard p > 0 else { return 1 }
    guard p < 1 else { return 0 }
    var sum = 0.0
    for successes in 0...k {
      let choose = lgamma(Double(n + 1)) - lgamma(Double(successes + 1)) - lgamma(Double(n - successes + 1))
      sum += exp(choose + Double(successes) * log(p) + Double(n - successes) * log1p(-p))
    }
    return min(sum, 1)
  }

  /// Of a probability, from k successes in n trials. Source: Clopper and Pearson (1934), Biometrika 26.
  package static func probability(_ k: Int, of n: Int, confidence: Double) -> ClosedRange<Double> {
    let tail = (1 - confidence) / 2
    func root(_ isAbove: (Double) -> Bool) -> Double {
      var (low, high) = (0.0, 1.0)
      for _ in 0..<60 {
        let middle = (low + high) / 2
        if isAbove(middle) { high = middle } else { low = middle }
      }
      return (low + high) / 2
    }
    let lower = k == 0 ? 0 : root { 1 - cumulative(k - 1, n, $0) > tail }
    let upper = k == n ? 1 : root { cumulative(k, n, $0) < tail }
    return lower...max(lower, upper)
  }

  /// Places of the ordered values between which the median lies, from 0; `nil` of too few. Source: David and Nagaraja
  /// (2003), "Order Statistics", section 7.1.
  package static func median(of n: Int, confidence: Double) -> ClosedRange<Int>? {
    let tail = (1 - confidence) / 2
    // P(fewer than `place` + 1 values lie below the median) ≤ tail.
    guard let place = (0..<(n / 2)).last(where: { cumulative($0, n, 0.5) <= tail }) else { return nil }
    return place...(n - 1 - place)
  }
}
