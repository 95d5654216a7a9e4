import Foundation
import Sampling

/// How long the blocks of a stationary bootstrap should be.
package enum BlockLength {
  /// The mean length, in values, that makes the error of the bootstrap's variance of the mean least.
  ///
  /// Source: Politis and White (2004), Econometric Reviews 23:1, as corrected by Patton, Politis and White (2009), ibid.
  /// 28:4.
  package static func politisWhite(_ values: [Double]) -> Double {
    let n = values.count
    guard n >= 10 else { return 1 }
    let mean = values.mean
    func covariance(_ lag: Int) -> Double {
      var sum = 0.0
      for index in lag..<n { sum += (values[index] - mean) * (values[index - lag] - mean) }
      return sum / Double(n)
    }
    let variance = covariance(0)
    guard variance > 0 else { return 1 }
    let most = min(Int(Double(n).squareRoot().rounded(.up)) + 5, n / 2)
    let negligible = 2 * (log10(Double(n)) / Double(n)).squareRoot()
    let run = max(5, Int(log10(Double(n)).squareRoot().rounded(.up)))
    var covariances = [variance]
    func at(_ lag: Int) -> Double {
      while covariances.count <= lag { covariances.append(covariance(covariances.count)) }
      return covariances[lag]
    }
    // The last lag before a run of negligible correlations; if there is none, the last that is not negligible.
    var last = 0
    var quiet = 0
    for lag in 1...most {
      if abs(at(lag)) / variance < negligible { quiet += 1 } else { (quiet, last) = (0, lag) }
      if quiet == run { break }
    }
    let bandwidth = min(2 * max(last, 1), n - 1)
    var (sum, weighted) = (variance, 0.0)
    for lag in 1...bandwidth {
      let share = Double(lag) / Double(bandwidth)
      let taper = share <= 0.5 ? 1 : 2 * (1 - share)
      sum += 2 * taper * at(lag)
      weighted += 2 * taper * Double(lag) * at(lag)
    }
    guard sum > 0 else { return 1 }
    let length = pow(weighted * weighted / (sum * sum) * Double(n), 1 / 3.0)
    return min(max(length, 1), min(3 * Double(n).squareRoot(), Double(n) / 3).rounded(.up))
  }
}
