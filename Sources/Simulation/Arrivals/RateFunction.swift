import CBranchless
import Foundation
import ScenarioModel
import Telemetry

/// A rate over the simulated time, piecewise constant or exponential, and how far an arrival process has come along it.
///
/// Processes run in operational time: intervals of mean 1 are drawn, and clock time follows from the cumulative rate Λ
/// by exact inversion, so that no arrival is lost or shifted where the rate changes. Source: Çinlar (1975),
/// "Introduction to Stochastic Processes", section 4.7; for renewal processes Gerhardt and Nelson (2009), INFORMS J.
/// Computing 21:4, section 3.1.
struct RateFunction {
  struct Segment {
    /// µs since 1970.
    var start: Int64
    /// µs.
    var length: Double
    /// At the start, per µs.
    var rate: Double
    /// Of the rate, per µs.
    var growth: Double
    /// 1 ÷ rate: a division less an arrival.
    let meanInterval: Double

    init(start: Int64, length: Double, rate: Double, growth: Double) {
      self.start = start
      self.length = length
      self.rate = rate
      self.growth = growth
      meanInterval = 1 / rate
    }

    /// - Parameter rate: what the profile multiplies, per µs.
    init(_ segment: RateProfile.Segment, rate: Double) {
      self.init(
        start: segment.start.microseconds, length: Double(segment.end - segment.start),
        rate: rate * segment.factor, growth: segment.growth)
    }
  }

  private let segments: [Segment]
  private var index = 0
  /// The segment at hand; the last one once all are behind.
  private(set) var current: Segment
  /// Clock time since its start, µs, with its fraction.
  private(set) var position = 0.0
  private(set) var hasEnded: Bool

  init(_ segments: [Segment]) {
    self.segments = segments
    hasEnded = segments.isEmpty
    current = segments.first ?? Segment(start: 0, length: 0, rate: 0, growth: 0)
  }

  /// The instant at hand, µs since 1970, within the segment.
  var now: Int64 { current.start + Int64(min(position, current.length - 1)) }

  /// Goes on within the segment, by less than what is left of it.
  @inline(__always)
  mutating func move(by microseconds: Double) { position += microseconds }

  /// Goes to the start of the next segment.
  @inline(__always)
  mutating func nextSegment() {
    index += 1
    position = 0
    if index < segments.count { current = segments[index] } else { hasEnded = true }
  }

  /// Goes to where Λ has grown by `exposure`: µs since 1970; `Int64.max` if it never does.
  @inline(__always)
  mutating func time(after exposure: Double) -> Int64 {
    var exposure = exposure
    while !hasEnded {
      if current.growth == 0 {
        let available = current.rate * (current.length - position)
        if exposure < available {
          position += exposure * current.meanInterval
          return now
        }
        exposure -= available
      } else {
        let rateNow = current.rate * exp(current.growth * position)
        let available = rateNow * expm1(current.growth * (current.length - position)) / current.growth
        if exposure < available {
          position += log1p(current.growth * exposure / rateNow) / current.growth
          return now
        }
        exposure -= available
      }
      nextSegment()
    }
    return .max
  }

  /// `time(after:)` for as many as arrive in the segment at hand, if its rate is constant.
  ///
  /// - Returns: the first that does not.
  mutating func timesWithin(
    _ exposures: UnsafeMutablePointer<Double>, from first: Int, to end: Int,
    _ times: UnsafeMutableBufferPointer<Int64>
  ) -> Int {
    guard !hasEnded, current.growth == 0 else { return first }
    let current = current
    let last = current.length - 1
    var position = position
    var index = first
    while index < end, exposures[index] < current.rate * (current.length - position) {
      position += exposures[index] * current.meanInterval
      times[index] = current.start &+ wb_truncated(position < last ? position : last)
      index += 1
    }
    self.position = position
    return index
  }
}
