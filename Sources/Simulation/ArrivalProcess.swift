import CBranchless
import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// A request of a trace to replay.
package struct TraceRequest: Sendable {
  /// µs since 1970, UTC.
  package var arrivedAt: Int64
  package var inputTokens: Int32
  package var outputTokens: Int32

  package init(arrivedAt: Int64, inputTokens: Int32, outputTokens: Int32) {
    self.arrivedAt = arrivedAt
    self.inputTokens = inputTokens
    self.outputTokens = outputTokens
  }
}

/// When the requests of one model arrive.
///
/// Renewal processes run in operational time: inter-arrival times of mean 1 are drawn, and clock time
/// follows from the cumulative rate Λ (piecewise constant or exponential) by exact inversion, so that no
/// arrival is lost or shifted where the rate changes. Source: Çinlar (1975), "Introduction to Stochastic
/// Processes", section 4.7; for renewal processes Gerhardt and Nelson (2009), INFORMS J. Computing 21:4,
/// section 3.1. Markov-modulated arrivals are Poisson within each state; what is left of an exponential
/// interval when the state changes goes on at the new rate.
struct ArrivalProcess {
  private enum Kind { case poisson, renewal, markovModulated, windows, trace, none }

  private let kind: Kind
  private let stream: RandomStream
  private let interval: Sampler
  private let plan: ArrivalPlan
  private var segment = 0
  /// Clock time since the segment's start, µs, with its fraction.
  private var position = 0.0
  private var state = 0
  private let stateStream: RandomStream
  /// Clock time left in the state, µs.
  private var stateRemaining = 0.0
  /// Whether the window at hand has had its first interval.
  private var hasEntered = false
  /// Index of the trace's request that arrives next.
  private var traceIndex = 0

  init(
    _ arrivals: Arrivals?, plan: ArrivalPlan, in arena: SamplingArena, stream: (String) -> RandomStream
  ) throws {
    self.plan = plan
    self.stream = stream("arrivals")
    stateStream = stream("arrivalState")
    var unitInterval = try Distribution(.exponential(mean: 1))
    switch arrivals {
    case .poisson: kind = .poisson
    case .gamma(_, let cv, let changes):
      kind = changes.isEmpty ? .renewal : .windows
      unitInterval = try Distribution(.gamma(shape: 1 / (cv * cv), scale: cv * cv))
    case .weibull(_, let cv, let changes):
      kind = changes.isEmpty ? .renewal : .windows
      let shape = weibullShape(cv: cv)
      unitInterval = try Distribution(.weibull(shape: shape, scale: 1 / tgamma(1 + 1 / shape)))
    case .markovModulated(let states):
      kind = .markovModulated
      // The stationary state: each as likely as its share of time.
      var left = stateStream.uniform() * states.reduce(0) { $0 + $1.meanMicroseconds }
      while state < states.count - 1, left >= states[state].meanMicroseconds {
        left -= states[state].meanMicroseconds
        state += 1
      }
      stateRemaining = stateStream.exponential(mean: states[state].meanMicroseconds)
    case .trace: kind = .trace
    case .serveGen: kind = .windows
    case nil: kind = .none
    }
    interval = Sampler(unitInterval, in: arena)
  }

  /// The next arrivals, µs since 1970; `Int64.max` when there are no more.
  mutating func next(_ times: UnsafeMutableBufferPointer<Int64>) {
    switch kind {
    case .poisson: nextOfPoisson(times)
    case .renewal: for row in times.indices { times[row] = moment(after: interval.draw(from: stream)) }
    case .markovModulated:
      for row in times.indices { times[row] = modulatedMoment(after: stream.exponential(mean: 1)) }
    case .windows: for row in times.indices { times[row] = nextInWindow() }
    case .none: times.update(repeating: .max)
    // Requests of a trace bring their tokens: nextOfTrace().
    case .trace: for row in times.indices { times[row] = nextOfTrace()?.arrivedAt ?? .max }
    }
  }

  private mutating func nextOfPoisson(_ times: UnsafeMutableBufferPointer<Int64>) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: BlockSampler.most) { exposures in
      guard let values = exposures.baseAddress else { return }
      var row = 0
      while row < times.count {
        let rows = min(BlockSampler.most, times.count - row)
        stream.exponentials(rows, mean: 1, into: values)
        var index = 0
        while index < rows {
          index = momentsWithin(
            values, from: index, to: rows, UnsafeMutableBufferPointer(rebasing: times[row...]))
          if index < rows {
            times[row + index] = moment(after: values[index])
            index += 1
          }
        }
        row += rows
      }
    }
  }

  /// `moment(after:)` for as many as arrive in the segment at hand, if its rate is constant.
  ///
  /// - Returns: the first that does not.
  private mutating func momentsWithin(
    _ exposures: UnsafeMutablePointer<Double>, from first: Int, to end: Int,
    _ times: UnsafeMutableBufferPointer<Int64>
  ) -> Int {
    guard segment < plan.segmentCount, plan.segments[segment].growth == 0 else { return first }
    let current = plan.segments[segment]
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

  mutating func nextOfTrace() -> TraceRequest? {
    guard traceIndex < plan.traceCount else { return nil }
    defer { traceIndex += 1 }
    return plan.trace[traceIndex]
  }

  /// Where Λ has grown by `exposure`.
  @inline(__always)
  private mutating func moment(after exposure: Double) -> Int64 {
    var exposure = exposure
    while segment < plan.segmentCount {
      let current = plan.segments[segment]
      if current.growth == 0 {
        let available = current.rate * (current.length - position)
        if exposure < available {
          position += exposure * current.meanInterval
          return current.start + Int64(min(position, current.length - 1))
        }
        exposure -= available
      } else {
        let rateNow = current.rate * exp(current.growth * position)
        let available = rateNow * expm1(current.growth * (current.length - position)) / current.growth
        if exposure < available {
          position += log1p(current.growth * exposure / rateNow) / current.growth
          return current.start + Int64(min(position, current.length - 1))
        }
        exposure -= available
      }
      segment += 1
      position = 0
    }
    return .max
  }

  /// The next arrival of a process that is in equilibrium from each window's start: the first comes after a residual
  /// interval, so that a window's expected count is its rate times its length, whatever the variability.
  /// Source: Cox (1962), "Renewal Theory", section 5.2: a residual is a uniform share of a length-biased interval.
  private mutating func nextInWindow() -> Int64 {
    while segment < plan.windowCount {
      let window = plan.windows + segment
      if !hasEntered {
        hasEntered = true
        position = stream.uniform() * window.pointee.lengthBiased(stream)
      } else {
        position += window.pointee.interval(stream)
      }
      if position < window.pointee.length { return window.pointee.start + Int64(position) }
      segment += 1
      hasEntered = false
    }
    return .max
  }

  private mutating func modulatedMoment(after exposure: Double) -> Int64 {
    var exposure = exposure
    while segment < plan.segmentCount {
      let current = plan.segments[segment]
      let piece = min(current.length - position, stateRemaining)
      let rateNow = plan.states[state].rate * current.rate * exp(current.growth * position)
      let growth = current.growth
      let available = growth == 0 ? rateNow * piece : rateNow * expm1(growth * piece) / growth
      if exposure < available {
        let step = growth == 0 ? exposure / rateNow : log1p(growth * exposure / rateNow) / growth
        position += step
        stateRemaining -= step
        return current.start + Int64(min(position, current.length - 1))
      }
      exposure -= available
      if piece == stateRemaining {
        position += piece
        state = (state + 1) % plan.stateCount
        stateRemaining = stateStream.exponential(mean: plan.states[state].mean)
      } else {
        stateRemaining -= piece
        segment += 1
        position = 0
      }
    }
    return .max
  }
}

/// What an arrival process walks along; owned by the account's simulation.
final class ArrivalPlan: @unchecked Sendable {
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
  }

  /// A stretch of one rate and one variability, where there is demand.
  struct Window {
    /// µs since 1970.
    var start: Int64
    /// µs.
    var length: Double
    var isGamma: Bool
    var shape: Double
    /// Of intervals in µs, so that their mean is 1 ÷ rate.
    var scale: Double

    /// - Parameter mean: interval, µs.
    init(start: Int64, length: Double, isGamma: Bool, shape: Double, mean: Double) {
      self.start = start
      self.length = length
      self.isGamma = isGamma
      self.shape = shape
      scale = isGamma ? mean / shape : mean / tgamma(1 + 1 / shape)
    }

    @inline(__always)
    func interval(_ stream: RandomStream) -> Double {
      isGamma ? stream.gamma(shape: shape, scale: scale) : stream.weibull(shape: shape, scale: scale)
    }

    /// An interval chosen in proportion to its length.
    func lengthBiased(_ stream: RandomStream) -> Double {
      isGamma
        ? stream.gamma(shape: shape + 1, scale: scale)
        : scale * pow(stream.gamma(shape: 1 + 1 / shape, scale: 1), 1 / shape)
    }
  }

  let windows: UnsafeMutablePointer<Window>
  let windowCount: Int
  let segments: UnsafeMutablePointer<Segment>
  let segmentCount: Int
  let states: UnsafeMutablePointer<(rate: Double, mean: Double)>
  let stateCount: Int
  let trace: UnsafeMutablePointer<TraceRequest>
  let traceCount: Int

  init(_ load: Scenario.Load?, trace: [TraceRequest], scenario: Scenario, calendar: ZonedCalendar) {
    var baseRate = 1.0
    var states: [(rate: Double, mean: Double)] = []
    var profile = RateProfile()
    switch load?.arrivals {
    case .poisson(let rate), .gamma(let rate, _, _), .weibull(let rate, _, _): baseRate = rate
    case .markovModulated(let given): states = given.map { (rate: $0.rate, mean: $0.meanMicroseconds) }
    case .trace, .serveGen, nil: break
    }
    if let given = load?.profile { profile = given }
    let pieces = profile.segments(
      from: scenario.simulationStart, to: scenario.to, origin: scenario.from, calendar: calendar)
    let windows = Self.windows(load, pieces, scenario)
    self.windows = .allocate(capacity: max(windows.count, 1))
    self.windows.initialize(from: windows, count: windows.count)
    windowCount = windows.count
    segments = .allocate(capacity: max(pieces.count, 1))
    segmentCount = pieces.count
    for (index, piece) in pieces.enumerated() {
      (segments + index).initialize(
        to: Segment(
          start: piece.start.microseconds, length: Double(piece.end - piece.start),
          rate: baseRate * piece.factor,
          growth: piece.growth))
    }
    self.states = .allocate(capacity: max(states.count, 1))
    self.states.initialize(from: states, count: states.count)
    stateCount = states.count
    self.trace = .allocate(capacity: max(trace.count, 1))
    self.trace.initialize(from: trace, count: trace.count)
    traceCount = trace.count
  }

  private static func windows(
    _ load: Scenario.Load?, _ pieces: [RateProfile.Segment], _ scenario: Scenario
  ) -> [Window] {
    switch load?.arrivals {
    case .gamma(let rate, let cv, let changes) where !changes.isEmpty:
      changing(rate, .gamma, cv, changes, pieces)
    case .weibull(let rate, let cv, let changes) where !changes.isEmpty:
      changing(rate, .weibull, cv, changes, pieces)
    case .serveGen(let trace, _, let startAt, let scale):
      measured(scenario.measured[trace], from: startAt ?? scenario.from, scale, scenario)
    default: []
    }
  }

  /// A window for each stretch in which neither the rate nor how intervals vary changes.
  private static func changing(
    _ rate: Double, _ family: WindowedDemand.Family, _ cv: Double, _ changes: [VariabilityChange],
    _ pieces: [RateProfile.Segment]
  ) -> [Window] {
    var windows: [Window] = []
    var (family, cv) = (family, cv)
    var next = 0
    for piece in pieces {
      var start = piece.start
      while start < piece.end {
        while next < changes.count, changes[next].at <= start {
          (family, cv) = (changes[next].family, changes[next].cv)
          next += 1
        }
        let end = next < changes.count ? min(changes[next].at, piece.end) : piece.end
        if rate * piece.factor > 0 {
          windows.append(
            Window(
              start: start.microseconds, length: Double(end - start), isGamma: family == .gamma,
              shape: family == .gamma ? 1 / (cv * cv) : weibullShape(cv: cv), mean: 1 / (rate * piece.factor))
          )
        }
        start = end
      }
    }
    return windows
  }

  /// Those of a client that lie in the simulated time, cut to it.
  private static func measured(
    _ demand: WindowedDemand?, from startAt: Timestamp, _ scale: Double, _ scenario: Scenario
  ) -> [Window] {
    guard let demand else { return [] }
    let origin = startAt.microseconds
    let from = scenario.simulationStart.microseconds
    let to = scenario.to.microseconds
    return demand.windows.compactMap { window in
      let start = max(origin + window.start, from)
      let end = min(origin + window.start + window.length, to)
      guard end > start, window.rate > 0 else { return nil }
      return Window(
        start: start, length: Double(end - start), isGamma: window.family == .gamma, shape: window.shape,
        mean: 1 / (window.rate * scale))
    }
  }

  deinit {
    windows.deallocate()
    segments.deallocate()
    states.deallocate()
    trace.deallocate()
  }
}
