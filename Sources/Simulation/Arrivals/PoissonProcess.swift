import Sampling
import ScenarioModel

/// Poisson arrivals of a rate that changes: exponential intervals in operational time, a block of them at a time.
struct PoissonProcess {
  private var rate: RateFunction
  private let stream: RandomStream

  init(_ model: PoissonArrivals, _ setting: ArrivalSetting) {
    rate = setting.rateFunction(rate: model.rate)
    stream = setting.stream("arrivals")
  }

  mutating func draw(into times: UnsafeMutableBufferPointer<Int64>) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: BlockSampler.most) { exposures in
      guard let values = exposures.baseAddress else { return }
      var row = 0
      while row < times.count {
        let rows = min(BlockSampler.most, times.count - row)
        stream.exponentials(rows, mean: 1, into: values)
        var index = 0
        while index < rows {
          index = rate.timesWithin(
            values, from: index, to: rows, UnsafeMutableBufferPointer(rebasing: times[row...]))
          if index < rows {
            times[row + index] = rate.time(after: values[index])
            index += 1
          }
        }
        row += rows
      }
    }
  }
}
