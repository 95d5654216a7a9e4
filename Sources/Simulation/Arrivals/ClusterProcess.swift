import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// Arrivals of which some bring others about after exponential times: cluster processes, and self-exciting ones without a
/// tail.
///
/// Causes follow the rate function by exact inversion; what a cause brings about keeps to the clock. Of what is under way
/// only the number counts: of n exponential times of one mean, the shortest is exponential of an nth of it, and what is left
/// of the others is as it was. So a request costs no more than one of a renewal process, however many are under way.
/// Source: for self-exciting processes Dassios and Zhao (2013), Electronic Communications in Probability 18:62.
struct ClusterProcess {
  private enum Kind {
    /// A cause is no request, and has several under way.
    case neymanScott
    /// A cause is a request; each request has a next one with a probability.
    case geometric
    /// A cause is a request; of each cause it is known how many are left.
    case counted
    /// A cause is a request; each request has a Poisson number of others under way.
    case hawkes
  }

  private let kind: Kind
  private var causes: CauseTimes
  private var nextCause: Double
  /// Time since the causes' origin, µs.
  private var now = 0.0
  /// Requests, or causes that have a next one, of which each comes after an exponential time.
  private var underWay = 0
  /// What is left of each of them.
  private var left: [Int32] = []
  /// Mean of that time, µs.
  private let delay: Double
  /// Of geometric numbers the probability of a next request; of self-exciting ones that of no request.
  private let probability: Double
  /// Of requests beyond the first.
  private let beyond: Double
  private let shape: Double
  /// When requests begin and end to count.
  private let start: Double
  private let end: Double
  private let causeStream: RandomStream
  private let stream: RandomStream

  init(_ model: ClusterArrivals, _ setting: ArrivalSetting) {
    let isScott = model.form == .neymanScott
    kind = isScott ? .neymanScott : model.shape == 1 ? .geometric : .counted
    beyond = model.requests - 1
    shape = model.shape
    delay = model.delay
    probability = beyond / model.requests
    causeStream = setting.stream("arrivals")
    stream = setting.stream("arrivalClusters")
    let rate = model.rate * setting.firstFactor
    let before = isScott ? Self.before(20 * delay, rate: rate) : 0
    causes = CauseTimes(setting, rate: model.rate / model.requests, before: before)
    (start, end) = (Double(before), causes.time(of: setting.scenario.to))
    nextCause = causes.next(after: causeStream.exponential(mean: 1))
    // The causes that have not ended are Poisson in number, as the customers of M/G/∞ are. Of independent requests that is
    // only their mean, from which on they are simulated for a while.
    underWay = stream.poisson(mean: isScott ? rate * delay : rate * probability * delay)
    guard kind == .counted else { return }
    // Causes are under way in proportion to their numbers of requests, and as likely at each of these.
    left = (0..<underWay).map { _ in
      let size = 1 + stream.negativeBinomial(mean: beyond * (shape + 1) / shape, shape: shape + 1)
      return Int32(clamping: 1 + Int(stream.uniform() * Double(size)))
    }
  }

  /// - Parameter model: whose delays are exponential.
  init(_ model: HawkesArrivals, _ setting: ArrivalSetting) {
    kind = .hawkes
    beyond = model.branching
    shape = 1
    delay = model.delay
    probability = exp(-model.branching)
    causeStream = setting.stream("arrivals")
    stream = setting.stream("arrivalClusters")
    let rate = model.rate * setting.firstFactor
    let before = Self.before(20 * delay / (1 - model.branching), rate: rate)
    causes = CauseTimes(setting, rate: model.rate * (1 - model.branching), before: before)
    (start, end) = (Double(before), causes.time(of: setting.scenario.to))
    nextCause = causes.next(after: causeStream.exponential(mean: 1))
    underWay = stream.poisson(mean: rate * model.branching * delay)
  }

  /// How long it is simulated before the time that counts, µs: until nothing is left of how it began, or for as many
  /// requests as cost no time. Its mean rate is right from the beginning on.
  static func before(_ time: Double, rate: Double) -> Int64 {
    rate > 0 ? Int64(min(time, 100_000 / rate)) : 0
  }

  mutating func draw(into times: UnsafeMutableBufferPointer<Int64>) {
    var row = 0
    while row < times.count {
      let next =
        underWay > 0 ? now + stream.exponential(mean: delay / Double(underWay)) : Double.infinity
      let isCause = nextCause <= next
      now = isCause ? nextCause : next
      guard now < end else {
        (underWay, nextCause) = (0, .infinity)
        times[row...].update(repeating: .max)
        return
      }
      if isCause {
        nextCause = causes.next(after: causeStream.exponential(mean: 1))
        if kind == .neymanScott {
          underWay += 1 + stream.negativeBinomial(mean: beyond, shape: shape)
          continue
        }
      }
      bringAbout(isCause)
      if now >= start {
        times[row] = causes.instant(now)
        row += 1
      }
    }
  }

  /// What a request changes.
  @inline(__always)
  private mutating func bringAbout(_ isCause: Bool) {
    switch kind {
    case .neymanScott: underWay -= 1
    case .geometric:
      let hasNext = stream.uniform() < probability
      if isCause {
        if hasNext { underWay += 1 }
      } else if !hasNext {
        underWay -= 1
      }
    case .hawkes:
      if !isCause { underWay -= 1 }
      var product = stream.uniform()
      while product > probability {
        underWay += 1
        product *= stream.uniform()
      }
    case .counted:
      if isCause {
        let number = stream.negativeBinomial(mean: beyond, shape: shape)
        guard number > 0 else { return }
        underWay += 1
        left.append(Int32(clamping: number))
      } else {
        let place = min(Int(stream.uniform() * Double(underWay)), underWay - 1)
        left[place] -= 1
        guard left[place] == 0 else { return }
        underWay -= 1
        left[place] = left[underWay]
        left.removeLast()
      }
    }
  }
}

/// Instants of causes: a Poisson process along a rate function.
struct CauseTimes {
  private var rate: RateFunction
  private let origin: Int64

  /// - Parameters:
  ///   - rate: per µs where the profile is 1.
  ///   - before: how long before the simulated time it begins, µs.
  init(_ setting: ArrivalSetting, rate: Double, before: Int64) {
    self.rate = setting.rateFunction(rate: rate, before: before)
    origin = setting.scenario.simulationStart.microseconds - before
  }

  /// µs since the origin, with their fraction; infinite if there are no more.
  /// - Parameter exposure: exponential, of mean 1.
  @inline(__always)
  mutating func next(after exposure: Double) -> Double {
    guard rate.time(after: exposure) != .max else { return .infinity }
    return Double(rate.current.start - origin) + rate.position
  }

  func time(of instant: Timestamp) -> Double { Double(instant.microseconds - origin) }

  /// µs since 1970.
  @inline(__always)
  func instant(_ time: Double) -> Int64 { origin + Int64(time) }
}
