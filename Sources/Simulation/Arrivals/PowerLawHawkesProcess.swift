import Foundation
import Sampling
import ScenarioModel

/// A self-exciting process whose delays have a power law, as the branching process that it is: each request has a Poisson
/// number of others, whose times are kept until they come. Requests that nothing brings about follow the rate function.
///
/// Of the requests before the simulation, only so many are simulated; those before them excite it as much as they do on
/// average. So the mean rate is right from the beginning on, though no time before it would be long enough.
/// Source: Hawkes and Oakes (1974), J. Applied Probability 11:3.
struct PowerLawHawkesProcess {
  private var causes: CauseTimes
  private var nextCause: Double
  private var history: History
  private var nextOfHistory: Double
  /// Requests that will come before the end.
  private var coming = TimeHeap()
  /// The probability that a request brings about none.
  private let none: Double
  private let delay: Double
  private let tail: Double
  private let start: Double
  private let end: Double
  private let causeStream: RandomStream
  private let stream: RandomStream

  init(_ model: HawkesArrivals, tail: Double, _ setting: ArrivalSetting) {
    none = exp(-model.branching)
    delay = model.delay
    self.tail = tail
    causeStream = setting.stream("arrivals")
    stream = setting.stream("arrivalClusters")
    let rate = model.rate * setting.firstFactor
    let before = ClusterProcess.before(1000 * delay / (1 - model.branching), rate: rate)
    causes = CauseTimes(setting, rate: model.rate * (1 - model.branching), before: before)
    (start, end) = (Double(before), causes.time(of: setting.scenario.to))
    nextCause = causes.next(after: causeStream.exponential(mean: 1))
    history = History(intensity: rate * model.branching, delay: delay, tail: tail)
    nextOfHistory = history.next(after: stream.exponential(mean: 1))
  }

  mutating func draw(into times: UnsafeMutableBufferPointer<Int64>) {
    var row = 0
    while row < times.count {
      let now: Double
      if coming.first <= min(nextCause, nextOfHistory) {
        now = coming.first
        guard now < end else { break }
        coming.removeFirst()
      } else if nextCause <= nextOfHistory {
        now = nextCause
        guard now < end else { break }
        nextCause = causes.next(after: causeStream.exponential(mean: 1))
      } else {
        now = nextOfHistory
        guard now < end else { break }
        nextOfHistory = history.next(after: stream.exponential(mean: 1))
      }
      var product = stream.uniform()
      while product > none {
        let time = now + delay * expm1(stream.exponential(mean: 1) / tail)
        if time < end { coming.insert(time) }
        product *= stream.uniform()
      }
      if now >= start {
        times[row] = causes.instant(now)
        row += 1
      }
    }
    times[row...].update(repeating: .max)
  }

  /// What requests before all that is simulated bring about on average: Poisson, of an intensity that falls like the tail.
  private struct History {
    /// At its beginning, per µs.
    let intensity: Double
    let delay: Double
    let tail: Double
    /// The integral of the intensity so far.
    private var passed = 0.0

    init(intensity: Double, delay: Double, tail: Double) {
      self.intensity = intensity
      self.delay = delay
      self.tail = tail
    }

    mutating func next(after exposure: Double) -> Double {
      guard intensity > 0 else { return .infinity }
      passed += exposure
      // ∫ (1 + t ÷ delay)^−tail, inverted.
      let share = passed / (intensity * delay)
      if abs(tail - 1) < 1e-9 { return delay * expm1(share) }
      let base = 1 + (1 - tail) * share
      return base > 0 ? delay * (pow(base, 1 / (1 - tail)) - 1) : .infinity
    }
  }
}

/// Times, of which the first is at hand: a binary heap.
struct TimeHeap {
  private var times: [Double] = []

  /// Infinite if there is none.
  @inline(__always)
  var first: Double { times.isEmpty ? .infinity : times[0] }

  mutating func insert(_ time: Double) {
    times.append(time)
    var place = times.count - 1
    times.withUnsafeMutableBufferPointer { times in
      while place > 0 {
        let parent = (place - 1) / 2
        guard times[parent] > time else { break }
        times[place] = times[parent]
        place = parent
      }
      times[place] = time
    }
  }

  mutating func removeFirst() {
    let moved = times.removeLast()
    let count = times.count
    guard count > 0 else { return }
    times.withUnsafeMutableBufferPointer { times in
      var place = 0
      while true {
        var child = 2 * place + 1
        guard child < count else { break }
        if child + 1 < count, times[child + 1] < times[child] { child += 1 }
        guard times[child] < moved else { break }
        times[place] = times[child]
        place = child
      }
      times[place] = moved
    }
  }
}
