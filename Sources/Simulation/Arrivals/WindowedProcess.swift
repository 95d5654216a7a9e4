import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// A renewal process whose rate and variability change from window to window: a client of ServeGen, or a renewal process
/// with changes of variability.
///
/// It is in equilibrium from each window's start: the first arrival comes after a residual interval, so that a window's
/// expected count is its rate times its length, whatever the variability. Source: Cox (1962), "Renewal Theory", section
/// 5.2: a residual is a uniform share of a length-biased interval.
struct WindowedProcess {
  /// An interval of one rate and one variability, where there is demand.
  struct Window {
    /// µs since 1970.
    var start: Int64
    /// µs.
    var length: Double
    var family: WindowedDemand.Family
    var shape: Double
    /// Of intervals in µs, so that their mean is 1 ÷ rate.
    var scale: Double

    /// - Parameter mean: interval, µs.
    init(start: Int64, length: Double, family: WindowedDemand.Family, shape: Double, mean: Double) {
      self.start = start
      self.length = length
      self.family = family
      self.shape = shape
      scale =
        switch family {
        case .gamma: mean / shape
        case .weibull: mean / tgamma(1 + 1 / shape)
        }
    }

    @inline(__always)
    func interval(_ stream: RandomStream) -> Double {
      switch family {
      case .gamma: stream.gamma(shape: shape, scale: scale)
      case .weibull: stream.weibull(shape: shape, scale: scale)
      }
    }

    /// An interval chosen in proportion to its length.
    func lengthBiased(_ stream: RandomStream) -> Double {
      switch family {
      case .gamma: stream.gamma(shape: shape + 1, scale: scale)
      case .weibull: scale * pow(stream.gamma(shape: 1 + 1 / shape, scale: 1), 1 / shape)
      }
    }
  }

  private let windows: [Window]
  private var index = 0
  /// Clock time since the window's start, µs, with its fraction.
  private var position = 0.0
  /// Whether the window at hand has had its first interval.
  private var hasEntered = false
  private let stream: RandomStream

  /// A window for each interval in which neither the rate nor how intervals vary changes.
  init(_ model: RenewalArrivals, _ setting: ArrivalSetting) {
    stream = setting.stream("arrivals")
    let changes = model.variabilityChanges
    var windows: [Window] = []
    var (family, cv) = (model.family, model.cv)
    var next = 0
    for segment in setting.profileSegments {
      var start = segment.start
      while start < segment.end {
        while next < changes.count, changes[next].at <= start {
          (family, cv) = (changes[next].family, changes[next].cv)
          next += 1
        }
        let end = next < changes.count ? min(changes[next].at, segment.end) : segment.end
        if model.rate * segment.factor > 0 {
          windows.append(
            Window(
              start: start.microseconds, length: Double(end - start), family: family,
              shape: family == .gamma ? 1 / (cv * cv) : weibullShape(cv: cv),
              mean: 1 / (model.rate * segment.factor)))
        }
        start = end
      }
    }
    self.windows = windows
  }

  /// The windows of a client that lie in the simulated time, cut to it.
  init(_ source: ServeGenSource, _ setting: ArrivalSetting) {
    stream = setting.stream("arrivals")
    let scenario = setting.scenario
    let origin = source.start(in: scenario).microseconds
    let from = scenario.simulationStart.microseconds
    let to = scenario.to.microseconds
    windows = (scenario.measured[source.trace]?.windows ?? []).compactMap { window in
      let start = max(origin + window.start, from)
      let end = min(origin + window.start + window.length, to)
      guard end > start, window.rate > 0 else { return nil }
      return Window(
        start: start, length: Double(end - start), family: window.family, shape: window.shape,
        mean: 1 / (window.rate * source.scale))
    }
  }

  mutating func draw(into times: UnsafeMutableBufferPointer<Int64>) {
    for row in times.indices { times[row] = next() }
  }

  private mutating func next() -> Int64 {
    while index < windows.count {
      let window = windows[index]
      if !hasEntered {
        hasEntered = true
        position = stream.uniform() * window.lengthBiased(stream)
      } else {
        position += window.interval(stream)
      }
      if position < window.length { return window.start + Int64(position) }
      index += 1
      hasEntered = false
    }
    return .max
  }
}
