import Foundation
import Sampling

/// A Markov-modulated Poisson process whose states follow each other in turn, fitted to counts of short bins.
///
/// The chain may change at the bins' borders only; within a bin arrivals are Poisson given the state. By expectation
/// and maximisation. Source: Baum, Petrie, Soules and Weiss (1970), Annals of Mathematical Statistics 41:1; for MMPPs
/// Rydén (1996), Computational Statistics & Data Analysis 21.
struct MarkovModulatedFit {
  /// Per µs of the first factor's time, ascending for two states.
  private(set) var rates: [Double]
  /// µs.
  private(set) var means: [Double]
  /// By how much the likelihood's logarithm is above that of a Poisson process of the same bins.
  private(set) var gain: Double
  private(set) var estimates: [ParameterEstimate] = []

  private struct Chain {
    /// Expected count in a bin of mean exposure.
    var rates: [Double]
    /// Probability of leaving for the next state at a border.
    var leave: [Double]
  }

  /// Bins of one observed interval after another.
  private let counts: [Int]
  /// Relative to the mean.
  private let exposures: [Double]
  private let startsAnew: [Bool]

  /// - Parameter factors: of the rate profile, for each bin.
  /// - Returns: `nil` where the counts show no such states.
  init?(_ bins: RateBins, factors: [Double], states: Int) {
    let raw = zip(bins.exposure, factors).map { $0 * $1 }
    let meanExposure = raw.mean
    guard bins.count >= 200, meanExposure > 0 else { return nil }
    counts = bins.counts.map { Int($0) }
    exposures = raw.map { $0 / meanExposure }
    startsAnew = bins.followsOn.map { !$0 }
    let mean = bins.counts.mean
    guard mean > 0 else { return nil }
    rates = []
    means = []
    gain = -.infinity

    var best: (chain: Chain, logLikelihood: Double)?
    for sojourn in [8.0, 60, 500] where sojourn < Double(bins.count) / 6 {
      for spread in [1.5, 4.0] {
        let start = Chain(
          rates: (0..<states).map { mean * pow(spread, Double($0) - Double(states - 1) / 2) },
          leave: Array(repeating: 1 / sojourn, count: states))
        let found = improved(start, steps: 12)
        if found.logLikelihood > best?.logLikelihood ?? -.infinity { best = found }
      }
    }
    guard let candidate = best else { return nil }
    let found = improved(candidate.chain, steps: 150)
    let chain = found.chain
    guard chain.rates.allSatisfy(\.isFinite), chain.leave.allSatisfy({ $0 > 0 && $0 < 0.9 }) else {
      return nil
    }
    gain = found.logLikelihood - poisson(rate: mean / exposures.mean)
    let width = Double(bins.width)
    rates = chain.rates.map { $0 / meanExposure }
    means = chain.leave.map { width / $0 }
    estimates = intervals(chain, meanExposure: meanExposure, width: width)
    if states == 2, rates[0] > rates[1] {
      rates.reverse()
      means.reverse()
      estimates = [estimates[1], estimates[0], estimates[3], estimates[2]]
    }
    for index in 0..<states {
      estimates[index].name = "rate \(index + 1)"
      estimates[states + index].name = "mean \(index + 1)"
    }
  }

  private init(_ bins: RateBins, factors: [Double], chain: Chain, width: Double) {
    let raw = zip(bins.exposure, factors).map { $0 * $1 }
    counts = bins.counts.map { Int($0) }
    exposures = raw.map { $0 / width }
    startsAnew = bins.followsOn.map { !$0 }
    (rates, means, gain) = (chain.rates, chain.leave, 0)
  }

  /// By how much a chain's likelihood is above that of a Poisson process, of other bins than it was fitted to.
  /// - Parameters:
  ///   - rates: per µs; `means`: of states, µs.
  ///   - rate: of the Poisson process, per µs.
  static func gain(_ bins: RateBins, factors: [Double], rates: [Double], means: [Double], rate: Double)
    -> Double
  {
    let width = Double(bins.width)
    let chain = Chain(
      rates: rates.map { $0 * width }, leave: means.map { min(width / max($0, 1), 0.999) })
    let fit = MarkovModulatedFit(bins, factors: factors, chain: chain, width: width)
    return fit.logLikelihood(chain) - fit.poisson(rate: rate * width)
  }

  /// The logarithm of the likelihood of one rate, as far as `logLikelihood` has it.
  private func poisson(rate: Double) -> Double {
    zip(counts, exposures).reduce(0) { $0 + Double($1.0) * log(max(rate, 1e-12)) - rate * $1.1 }
  }

  /// Expectation and maximisation until nothing changes, or this many times.
  private func improved(_ start: Chain, steps: Int) -> (chain: Chain, logLikelihood: Double) {
    var chain = start
    var last = -Double.infinity
    for _ in 0..<steps {
      let (next, value) = step(chain)
      if value - last < 1e-8 * abs(value), last > -.infinity { return (chain, value) }
      last = value
      chain = next
    }
    return (chain, logLikelihood(chain))
  }

  /// Emission of a bin in each state, relative to the bin's largest, and the logarithm of that.
  @inline(__always)
  private func emission(_ chain: Chain, _ logs: [Double], _ bin: Int, _ into: inout [Double]) -> Double {
    var largest = -Double.infinity
    for state in 0..<chain.rates.count {
      let value = Double(counts[bin]) * logs[state] - chain.rates[state] * exposures[bin]
      into[state] = value
      if value > largest { largest = value }
    }
    for state in 0..<chain.rates.count { into[state] = exp(into[state] - largest) }
    return largest
  }

  private func stationary(_ chain: Chain) -> [Double] {
    let shares = chain.leave.map { 1 / $0 }
    let sum = shares.reduce(0, +)
    return shares.map { $0 / sum }
  }

  private func logLikelihood(_ chain: Chain) -> Double {
    let k = chain.rates.count
    let logs = chain.rates.map { log(max($0, 1e-12)) }
    let initial = stationary(chain)
    var forward = initial
    var next = forward
    var emitted = forward
    var sum = 0.0
    for bin in 0..<counts.count {
      if startsAnew[bin] {
        forward = initial
      } else {
        for state in 0..<k {
          let before = state == 0 ? k - 1 : state - 1
          next[state] = forward[state] * (1 - chain.leave[state]) + forward[before] * chain.leave[before]
        }
        swap(&forward, &next)
      }
      sum += emission(chain, logs, bin, &emitted)
      var total = 0.0
      for state in 0..<k {
        forward[state] *= emitted[state]
        total += forward[state]
      }
      for state in 0..<k { forward[state] /= total }
      sum += log(total)
    }
    return sum
  }

  private func step(_ chain: Chain) -> (Chain, Double) {
    let k = chain.rates.count
    let n = counts.count
    let logs = chain.rates.map { log(max($0, 1e-12)) }
    let initial = stationary(chain)
    var forward = [Double](repeating: 0, count: n * k)
    var emissions = forward
    var emitted = [Double](repeating: 0, count: k)
    var scales = [Double](repeating: 0, count: n)
    var sum = 0.0
    for bin in 0..<n {
      sum += emission(chain, logs, bin, &emitted)
      var total = 0.0
      for state in 0..<k {
        emissions[bin * k + state] = emitted[state]
        var prior = initial[state]
        if !startsAnew[bin] {
          let before = state == 0 ? k - 1 : state - 1
          prior =
            forward[(bin - 1) * k + state] * (1 - chain.leave[state])
            + forward[(bin - 1) * k + before] * chain.leave[before]
        }
        forward[bin * k + state] = prior * emitted[state]
        total += prior * emitted[state]
      }
      for state in 0..<k { forward[bin * k + state] /= total }
      scales[bin] = total
      sum += log(total)
    }
    var backward = [Double](repeating: 1, count: k)
    var earlier = backward
    var weight = [Double](repeating: 0, count: k)
    var seen = weight
    var left = weight
    var stayed = weight
    for bin in stride(from: n - 1, through: 0, by: -1) {
      for state in 0..<k {
        let share = forward[bin * k + state] * backward[state]
        weight[state] += share * exposures[bin]
        seen[state] += share * Double(counts[bin])
      }
      guard bin > 0 else { break }
      if startsAnew[bin] {
        for state in 0..<k { backward[state] = 1 }
        continue
      }
      for state in 0..<k {
        let after = state + 1 == k ? 0 : state + 1
        let stay = (1 - chain.leave[state]) * emissions[bin * k + state] * backward[state] / scales[bin]
        let leave = chain.leave[state] * emissions[bin * k + after] * backward[after] / scales[bin]
        earlier[state] = stay + leave
        stayed[state] += forward[(bin - 1) * k + state] * stay
        left[state] += forward[(bin - 1) * k + state] * leave
      }
      swap(&backward, &earlier)
    }
    var next = chain
    for state in 0..<k {
      next.rates[state] = weight[state] > 0 ? max(seen[state] / weight[state], 1e-9) : chain.rates[state]
      let total = stayed[state] + left[state]
      next.leave[state] = total > 0 ? min(max(left[state] / total, 1e-9), 0.999) : chain.leave[state]
    }
    return (next, sum)
  }

  private func intervals(_ chain: Chain, meanExposure: Double, width: Double) -> [ParameterEstimate] {
    let k = chain.rates.count
    let point = chain.rates.map { log($0) } + chain.leave.map { log($0) }
    let covariance = Minimiser.covariance(at: point, step: point.map { _ in 0.01 }) { x in
      guard x[k...].allSatisfy({ $0 < 0 }) else { return .infinity }
      return -logLikelihood(Chain(rates: x[..<k].map { exp($0) }, leave: x[k...].map { exp($0) }))
    }
    return point.indices.map { index in
      func value(_ logarithm: Double) -> Double {
        index < k ? exp(logarithm) / meanExposure : width / exp(logarithm)
      }
      var estimate = ParameterEstimate(name: "", value: value(point[index]))
      if let variance = covariance?[index][index], variance > 0 {
        let half = 1.959_964 * variance.squareRoot()
        estimate.interval = [value(point[index] - half), value(point[index] + half)].sorted()
      }
      return estimate
    }
  }
}
