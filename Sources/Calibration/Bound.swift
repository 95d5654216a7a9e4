/// Whether a simulation lies no further from what was held out than the data themselves do.
///
/// Distances are relative: of samples, Wasserstein-1 over the held-out mean; of indices of dispersion, how far their ratio
/// is from 1.
package struct Bound: Sendable, Codable, Equatable {
  /// Of the held-out part from what the fit saw; `nil` where nothing was held out.
  package var d: Double?
  /// Of the simulation from the held-out part.
  package var e: Double
  /// Of two simulations of the fit: what sampling alone gives; `nil` where there is only one.
  package var s: Double?
  /// Up to which a distance does not matter.
  package var limit: Double

  /// A fit is as good as the data where it lies no further from what was held out than this many times what it saw does.
  package static let mostOfData = 1.25

  package init(d: Double?, e: Double, s: Double?, limit: Double) {
    (self.d, self.e, self.s, self.limit) = (d, e, s, limit)
  }

  /// The largest *e* of a fit that is as good as the data.
  package var allowed: Double { max(Self.mostOfData * (d ?? 0), s ?? 0, limit) }

  package var isMet: Bool { e <= allowed }

  /// *e* over what is allowed.
  package var excess: Double { e / allowed }

  /// Whether the distance is that of the data: it matters, and is as large as that of what the fit saw.
  package var dataChanged: Bool {
    guard let d else { return false }
    return isMet && e > limit && d > limit / Self.mostOfData && e <= Self.mostOfData * d
      && e >= d / Self.mostOfData
  }
}

/// Counts of arrivals in windows of one length, each within a span of the time. Windows without any are not listed, so
/// that they cost nothing: of sparse traffic, most seconds are.
struct WindowCounts {
  private struct Part {
    /// Windows in it.
    var count: Int
    /// Those with arrivals, ascending, and how many.
    var windows: [Int] = []
    var counts: [Int] = []

    /// The sum over pairs of windows this far apart.
    func products(lag: Int) -> Int {
      var (sum, other) = (0, 0)
      for index in windows.indices {
        let earlier = windows[index] - lag
        while other < index, windows[other] < earlier { other += 1 }
        if other < index, windows[other] == earlier { sum += counts[index] * counts[other] }
      }
      return sum
    }

    /// The sum from a window on, and the sum up to as many windows before the end.
    func sums(lag: Int) -> Int {
      var sum = 0
      for index in windows.indices {
        if windows[index] >= lag { sum += counts[index] }
        if windows[index] < count - lag { sum += counts[index] }
      }
      return sum
    }
  }

  private var parts: [Part] = []
  private(set) var count = 0
  private var sum = 0
  private var squares = 0

  /// What counts in windows this long say, s.
  static let windows: [Double] = [1, 10, 60, 600, 3600]
  static let least = 20

  /// - Parameter width: µs.
  init(_ observations: Observations, _ spans: [Range<Int64>], width: Int64) {
    for span in spans {
      var part = Part(count: Int((span.upperBound - span.lowerBound) / width))
      guard part.count > 0 else { continue }
      for row in observations.rows(in: span) {
        let window = Int((observations.arrivedAt[row] - span.lowerBound) / width)
        guard window < part.count else { break }
        if part.windows.last == window {
          part.counts[part.counts.count - 1] += 1
        } else {
          part.windows.append(window)
          part.counts.append(1)
        }
      }
      count += part.count
      sum += part.counts.reduce(0, +)
      squares += part.counts.reduce(0) { $0 + $1 * $1 }
      parts.append(part)
    }
  }

  /// Σ (x − mean)².
  private var deviation: Double {
    max(Double(squares) - Double(sum) * Double(sum) / Double(max(count, 1)), 0)
  }

  /// Variance over mean; not a number without arrivals, or of fewer than two windows.
  var dispersion: Double {
    guard count > 1, sum > 0 else { return .nan }
    return deviation / Double(count - 1) / (Double(sum) / Double(count))
  }

  /// At lags 1 to 10; 0 where counts do not vary.
  var autocorrelation: [Double] {
    let mean = Double(sum) / Double(max(count, 1))
    let deviation = deviation
    return (1...10).map { lag in
      guard deviation > 0 else { return 0 }
      let covariance = parts.reduce(0.0) { total, part in
        guard part.count > lag else { return total }
        let pairs = Double(part.count - lag)
        return total + Double(part.products(lag: lag)) - mean * Double(part.sums(lag: lag)) + pairs * mean
          * mean
      }
      return covariance / deviation
    }
  }

  private static let leastSteps: Int64 = 5

  /// Windows of which at least twenty lie in the spans, and that are many steps of the time stamps long: where a window
  /// begins within a step would otherwise decide what it counts.
  static func lengths(_ spans: [Range<Int64>], resolution: Int64) -> [Double] {
    windows.filter { window in
      let width = Int64(window * 1e6)
      return (resolution <= 1 || width >= leastSteps * resolution)
        && spans.reduce(0) { $0 + Int(($1.upperBound - $1.lowerBound) / width) } >= least
    }
  }
}

extension Observations {
  /// Intervals between requests of one span, in seconds, ascending. Of many, as many of each length are taken together as
  /// leave `most`: a sample of them would miss the few long ones that much of the time consists of.
  func intervals(in spans: [Range<Int64>], most: Int) -> [Double] {
    let parts = spans.map { rows(in: $0) }.filter { $0.count > 1 }
    var intervals: [Float] = []
    intervals.reserveCapacity(parts.reduce(0) { $0 + $1.count - 1 })
    for part in parts {
      for row in part.dropLast() { intervals.append(Float(arrivedAt[row + 1] - arrivedAt[row]) / 1e6) }
    }
    intervals.sort()
    let together = (intervals.count + most - 1) / most
    guard together > 1 else { return intervals.map(Double.init) }
    return stride(from: 0, to: intervals.count, by: together).map { start in
      let group = intervals[start..<min(start + together, intervals.count)]
      return group.reduce(0) { $0 + Double($1) } / Double(group.count)
    }
  }
}
