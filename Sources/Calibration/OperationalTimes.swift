import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// Intervals in operational time: in which the rate is 1.
struct OperationalTimes {
  /// Between the cuts.
  private(set) var parts: [GroupedSample]
  /// Σ of the logarithms of the rate at the arrivals, per µs, except for the first of each span.
  private(set) var logRates = 0.0
  /// The longest, the longest first.
  private(set) var longest: [(length: Double, from: Int64, microseconds: Int64)] = []
  /// Consecutive intervals, and when the first of them ended.
  private(set) var blocks: [(from: Int64, sums: MaximumLikelihood.GammaSums)] = []

  /// - Parameters:
  ///   - cuts: ascending: an interval that ends later belongs to the next part.
  ///   - perBlock: intervals; none: no blocks are wanted.
  init(
    _ observations: Observations, _ spans: [Range<Int64>], _ segments: [RateProfile.Segment],
    cuts: [Int64] = [],
    perBlock: Int? = nil
  ) {
    let rates = segments.map(\.factor)
    let ends = segments.map(\.end.microseconds)
    let starts = segments.map(\.start.microseconds)
    let logs = rates.map { $0 > 0 ? log($0) : 0 }
    let highest = rates.max() ?? 1
    parts = (0...cuts.count).map { _ in GroupedSample(isWhole: false, resolution: 0.5 * highest) }
    var segment = 0
    var part = 0
    // Below this, nothing need be compared.
    var floor = 0.0
    for span in spans {
      let rows = observations.rows(in: span)
      guard !rows.isEmpty else { continue }
      var before = Double.nan
      var beforeAt = Int64(0)
      // Operational time since the start of the segment at hand, plus that of the segments since `before`.
      var carried = 0.0
      for row in rows {
        let at = observations.arrivedAt[row]
        while segment + 1 < ends.count, at >= ends[segment] {
          if !before.isNaN {
            carried += rates[segment] * (Double(ends[segment] - starts[segment]) - before)
            before = 0
          }
          segment += 1
        }
        while part < cuts.count, at >= cuts[part] { part += 1 }
        let position = Double(at - starts[segment])
        if !before.isNaN {
          let length = carried + rates[segment] * max(position - before, 0)
          parts[part].add(length)
          logRates += logs[segment]
          if let perBlock { addToBlock(max(length, 0.5 * rates[segment]), at, perBlock) }
          if length > floor {
            longest.append((length, beforeAt, at - beforeAt))
            if longest.count > 64 {
              longest = Array(longest.sorted { $0.length > $1.length }.prefix(5))
              floor = longest[longest.count - 1].length
            }
          }
        }
        before = position
        carried = 0
        beforeAt = at
      }
      // What is left of the span is not an interval.
    }
    longest = Array(longest.sorted { $0.length > $1.length }.prefix(5))
  }

  /// When the variability of intervals changes. A block with a change in its midst is an interval of its own to the
  /// search, between those on both sides of it: the change is put in its middle.
  func variabilityChanges(penalty: Double) -> [Int64] {
    let starts = ChangePoints.find(blocks.map(\.sums), penalty: penalty)
    var cuts: [Int64] = []
    var index = 0
    while index < starts.count {
      let at = blocks[starts[index]].from
      // Coarse time stamps may give several blocks the same instant.
      guard at > cuts.last ?? .min else {
        index += 1
        continue
      }
      if index + 1 < starts.count, starts[index + 1] == starts[index] + 1 {
        cuts.append((at + blocks[starts[index + 1]].from) / 2)
        index += 2
      } else {
        cuts.append(at)
        index += 1
      }
    }
    return cuts
  }

  /// - Parameter length: above 0.
  private mutating func addToBlock(_ length: Double, _ at: Int64, _ perBlock: Int) {
    if blocks.last.map({ $0.sums.count >= Double(perBlock) }) ?? true { blocks.append((at, .init())) }
    blocks[blocks.count - 1].sums.add(length)
  }
}

/// Renewal intervals of mean 1.
enum UnitInterval {
  /// Of a gamma or Weibull distribution; of a coefficient of variation of 1, both are exponential.
  static func logLikelihood(_ sample: GroupedSample, isWeibull: Bool, cv: Double) -> Double {
    let shape = isWeibull ? weibullShape(cv: cv) : 1 / (cv * cv)
    do {
      return sample.logLikelihood(
        try Distribution(
          isWeibull
            ? .weibull(shape: shape, scale: 1 / tgamma(1 + 1 / shape))
            : .gamma(shape: shape, scale: 1 / shape)))
    } catch {
      return -.infinity
    }
  }

  static func gammaTail(_ x: Double, cv: Double) -> Double {
    tail(.gamma(shape: 1 / (cv * cv), scale: cv * cv), x)
  }

  static func weibullTail(_ x: Double, cv: Double) -> Double {
    let shape = weibullShape(cv: cv)
    return tail(.weibull(shape: shape, scale: 1 / tgamma(1 + 1 / shape)), x)
  }

  private static func tail(_ family: Distribution.Family, _ x: Double) -> Double {
    // The parameters were fitted: they are in range.
    do { return try 1 - Distribution(family).cdf(x) } catch { return 1 }
  }
}
