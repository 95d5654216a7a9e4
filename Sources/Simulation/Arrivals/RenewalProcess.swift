import Foundation
import Sampling
import ScenarioModel

/// A renewal process of a rate that changes, while its intervals vary alike throughout.
struct RenewalProcess {
  private var rate: RateFunction
  /// Mean 1.
  private let interval: Sampler
  private let stream: RandomStream

  init(_ model: RenewalArrivals, _ setting: ArrivalSetting) throws {
    rate = setting.rateFunction(rate: model.rate)
    stream = setting.stream("arrivals")
    let cv = model.cv
    let unit: Distribution
    switch model.family {
    case .gamma: unit = try Distribution(.gamma(shape: 1 / (cv * cv), scale: cv * cv))
    case .weibull:
      let shape = weibullShape(cv: cv)
      unit = try Distribution(.weibull(shape: shape, scale: 1 / tgamma(1 + 1 / shape)))
    }
    interval = Sampler(unit, in: setting.arena)
  }

  mutating func draw(into times: UnsafeMutableBufferPointer<Int64>) {
    for row in times.indices { times[row] = rate.time(after: interval.draw(from: stream)) }
  }
}
