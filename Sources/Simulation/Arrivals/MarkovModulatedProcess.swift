import Foundation
import Sampling
import ScenarioModel

/// Arrivals that are Poisson within each state of a chain: what is left of an exponential interval when the state changes
/// goes on at the new rate.
struct MarkovModulatedProcess {
  private let states: [MarkovModulatedArrivals.State]
  /// What multiplies the states' rates.
  private var profile: RateFunction
  private var state = 0
  /// Clock time left in the state, µs.
  private var stateRemaining: Double
  private let stream: RandomStream
  private let stateStream: RandomStream

  init(_ model: MarkovModulatedArrivals, _ setting: ArrivalSetting) {
    states = model.states
    profile = setting.rateFunction(rate: 1)
    stream = setting.stream("arrivals")
    stateStream = setting.stream("arrivalState")
    // The stationary state: each as likely as its share of time.
    var left = stateStream.uniform() * states.reduce(0) { $0 + $1.meanMicroseconds }
    while state < states.count - 1, left >= states[state].meanMicroseconds {
      left -= states[state].meanMicroseconds
      state += 1
    }
    stateRemaining = stateStream.exponential(mean: states[state].meanMicroseconds)
  }

  mutating func draw(into times: UnsafeMutableBufferPointer<Int64>) {
    for row in times.indices { times[row] = time(after: stream.exponential(mean: 1)) }
  }

  private mutating func time(after exposure: Double) -> Int64 {
    var exposure = exposure
    while !profile.hasEnded {
      let current = profile.current
      let position = profile.position
      let stay = min(current.length - position, stateRemaining)
      let rateNow = states[state].rate * current.rate * exp(current.growth * position)
      let growth = current.growth
      let available = growth == 0 ? rateNow * stay : rateNow * expm1(growth * stay) / growth
      if exposure < available {
        let step = growth == 0 ? exposure / rateNow : log1p(growth * exposure / rateNow) / growth
        profile.move(by: step)
        stateRemaining -= step
        return profile.now
      }
      exposure -= available
      if stay == stateRemaining {
        profile.move(by: stay)
        state = (state + 1) % states.count
        stateRemaining = stateStream.exponential(mean: states[state].meanMicroseconds)
      } else {
        stateRemaining -= stay
        profile.nextSegment()
      }
    }
    return .max
  }
}
