import Foundation
import ScenarioModel
import Telemetry

/// Arrivals by the clock and along a rate function at once, for processes of which one part follows the rate and another
/// the clock. Of many arrivals, only those of evenly spread stretches.
struct ClockedArrivals {
  /// Observed time without a gap.
  struct Stretch {
    /// Its arrivals, by index.
    var rows: Range<Int>
    /// The factor of the rate function at its beginning.
    var firstFactor: Double
    /// From its last arrival, or its beginning, to its end, µs, and the integral of the factor over that.
    var rest: Double
    var restExposure: Double
  }

  private(set) var stretches: [Stretch] = []
  /// Since the arrival before or the beginning of the stretch, µs.
  private(set) var gaps: [Double] = []
  /// The integral of the factor over the gap, µs.
  private(set) var exposures: [Double] = []
  /// The factor at the arrival.
  private(set) var factors: [Double] = []
  /// Per µs, where the factor is 1.
  let rate: Double
  /// Arrivals in all of the spans over those that are here.
  private(set) var share = 1.0
  /// The longest stretch, µs.
  private(set) var longest = 0.0
  /// The logarithm of the likelihood of a Poisson process whose rate is the rate function.
  private(set) var poisson = 0.0

  var count: Int { gaps.count }

  /// - Parameters:
  ///   - spans: ascending.
  ///   - segments: of the rate function, in arrivals per µs.
  ///   - most: arrivals.
  init(
    _ observations: Observations, _ spans: [Range<Int64>], _ segments: [RateProfile.Segment], rate: Double,
    most: Int
  ) {
    self.rate = rate
    let all = spans.reduce(0) { $0 + observations.rows(in: $1).count }
    var clock = Clock(segments, rate: rate)
    for span in Self.chosen(observations, spans, all: all, most: most) {
      clock.move(to: span.lowerBound)
      let first = gaps.count
      let firstFactor = clock.factor
      for row in observations.rows(in: span) {
        let (passed, exposure) = clock.move(to: observations.arrivedAt[row])
        gaps.append(passed)
        exposures.append(exposure)
        factors.append(clock.factor)
      }
      let (rest, restExposure) = clock.move(to: span.upperBound)
      stretches.append(
        Stretch(
          rows: first..<gaps.count, firstFactor: firstFactor, rest: rest, restExposure: restExposure))
      longest = max(longest, Double(span.upperBound - span.lowerBound))
    }
    share = count > 0 ? Double(all) / Double(count) : 1
    for row in 0..<count { poisson += log(rate * max(factors[row], 1e-9)) - rate * exposures[row] }
    for stretch in stretches { poisson -= rate * stretch.restExposure }
  }

  private static let parts = 16

  /// The spans, or sixteen stretches of them that have `most` arrivals.
  private static func chosen(
    _ observations: Observations, _ spans: [Range<Int64>], all: Int, most: Int
  ) -> [Range<Int64>] {
    guard all > most else { return spans }
    var chosen: [Range<Int64>] = []
    var before = 0
    for span in spans {
      let rows = observations.rows(in: span)
      for part in 0..<parts {
        // By number, in all of the spans.
        let (low, high) = (part * (all / parts), part * (all / parts) + most / parts)
        let (from, to) = (max(low - before, 0), min(high - before, rows.count))
        guard from < to else { continue }
        let start = from == 0 ? span.lowerBound : observations.arrivedAt[rows.lowerBound + from - 1] + 1
        let end = to == rows.count ? span.upperBound : observations.arrivedAt[rows.lowerBound + to]
        if start < end { chosen.append(start..<end) }
      }
      before += rows.count
    }
    return chosen
  }

  /// Goes along the segments of a rate function.
  private struct Clock {
    private let segments: [RateProfile.Segment]
    private let rate: Double
    private var segment = 0
    private var at = Int64.min

    init(_ segments: [RateProfile.Segment], rate: Double) {
      self.segments = segments
      self.rate = rate
    }

    var factor: Double { segments.isEmpty ? 1 : segments[segment].factor / rate }

    /// - Returns: how long that took, and the integral of the factor; nothing from before the first move on.
    @discardableResult
    mutating func move(to instant: Int64) -> (Double, Double) {
      let isFirst = at == .min
      let passed = isFirst ? 0 : Double(instant - at)
      var exposure = 0.0
      while segment + 1 < segments.count, segments[segment].end.microseconds <= instant {
        let end = segments[segment].end.microseconds
        if !isFirst, end > at {
          exposure += Double(end - at) * factor
          at = end
        }
        segment += 1
      }
      if !isFirst { exposure += Double(instant - at) * factor }
      at = instant
      return (passed, exposure)
    }
  }

  // MARK: What counts say

  /// Whether counts vary more than those of a Poisson process, by more than chance gives, in windows of some length.
  var isOverdispersed: Bool {
    [1.0, 3, 10, 30, 100, 300].contains { length in
      guard let found = dispersion(window: length / rate) else { return false }
      let error = (2 / max(Double(count) / length, 1)).squareRoot()
      return found > 1 + 2.5 * error
    }
  }

  /// The index of dispersion of counts about what the rate function lets expect, in windows of a length.
  /// - Returns: `nil` of fewer than twenty windows.
  func dispersion(window: Double) -> Double? {
    var (windows, expected, squares) = (0, 0.0, 0.0)
    for stretch in stretches {
      var (left, count, mean) = (window, 0.0, 0.0)
      func close() {
        windows += 1
        expected += mean
        squares += (count - mean) * (count - mean)
        (left, count, mean) = (window, 0, 0)
      }
      func pass(_ gap: Double, _ exposure: Double) {
        guard gap > 0 else { return }
        var gap = gap
        let density = exposure / gap * rate
        while gap >= left {
          mean += density * left
          gap -= left
          close()
        }
        left -= gap
        mean += density * gap
      }
      for row in stretch.rows {
        pass(gaps[row], exposures[row])
        count += 1
      }
      pass(stretch.rest, stretch.restExposure)
    }
    return windows >= 20 && expected > 0 ? squares / expected : nil
  }
}
