import Foundation

/// Likelihoods of processes in which requests bring others about, as gains over a Poisson process of the same rate.
///
/// What cannot be seen of clusters is how many requests are still under way. That number is a Markov chain, and the
/// likelihood a filter over it (Rabiner 1989, with the arrivals' times instead of symbols); of Bartlett–Lewis clusters, it
/// changes only with arrivals. Of self-exciting processes, the intensity is known. Source: Ozaki (1979), Annals of the
/// Institute of Statistical Mathematics 31; delays of a power law are a mixture of exponential ones.
enum ExcitationLikelihood {
  /// - Parameter isExact: whether Neyman–Scott clusters take the time that they need (see `isFeasible`).
  static func gain(
    _ kind: ExcitationFit.Kind, _ own: ExcitationFit.Values, _ arrivals: ClockedArrivals, isExact: Bool
  ) -> Double {
    switch kind {
    case .neymanScott:
      (isExact
        ? NeymanScottLikelihood(own, arrivals).exact() : NeymanScottLikelihood(own, arrivals).approximate())
        - arrivals.poisson
    case .bartlettLewis: bartlettLewis(own, arrivals)
    case .hawkes: hawkes(own.number, [(1, 1 / own.delay)], arrivals)
    case .powerLawHawkes: hawkes(own.number, mixture(delay: own.delay, tail: own.tail ?? 1), arrivals)
    }
  }

  // MARK: Self-excitation

  /// - Parameter kernel: shares of delays, and their rates per µs.
  private static func hawkes(
    _ branching: Double, _ kernel: [(share: Double, rate: Double)], _ arrivals: ClockedArrivals
  ) -> Double {
    let own = arrivals.rate * (1 - branching)
    var excited = [Double](repeating: 0, count: kernel.count)
    var sum = -arrivals.poisson
    func decay(_ time: Double) -> Double {
      var integral = 0.0
      for index in kernel.indices {
        let left = exp(-kernel[index].rate * time)
        integral += excited[index] * (1 - left) / kernel[index].rate
        excited[index] *= left
      }
      return integral
    }
    for stretch in arrivals.stretches {
      // As excited as on average.
      for index in kernel.indices {
        excited[index] = branching * arrivals.rate * stretch.firstFactor * kernel[index].share
      }
      for row in stretch.rows {
        sum -= decay(arrivals.gaps[row]) + own * arrivals.exposures[row]
        var intensity = own * arrivals.factors[row]
        for index in kernel.indices { intensity += excited[index] }
        guard intensity > 0 else { return -.infinity }
        sum += log(intensity)
        for index in kernel.indices {
          excited[index] += branching * kernel[index].share * kernel[index].rate
        }
      }
      sum -= decay(stretch.rest) + own * stretch.restExposure
    }
    return sum
  }

  /// (1 + t ÷ delay)^−tail is a mixture of exponential tails whose rates are gamma distributed: the trapezoidal rule over
  /// their logarithm, which is exact to a thousandth.
  static func mixture(delay: Double, tail: Double) -> [(share: Double, rate: Double)] {
    // Narrower where the gamma distribution is.
    let step = 0.8 / max(1, tail / 2).squareRoot()
    let last = log(tail + 12)
    let first = min(-7 / tail, log(tail) - 3)
    var terms: [(share: Double, rate: Double)] = []
    var y = last
    while y >= first {
      let x = exp(y)
      terms.append((exp(tail * y - x), x / delay))
      y -= step
    }
    let sum = terms.reduce(0) { $0 + $1.share }
    return terms.map { ($0.share / sum, $0.rate) }
  }

  // MARK: Clusters

  /// Probabilities of how many are under way; those beyond `top` are negligible.
  private struct Filter {
    var weights: [Double]
    var next: [Double]
    var top = 0
    private static let negligible = 1e-12

    init(_ most: Int) {
      weights = Array(repeating: 0, count: most + 1)
      next = weights
    }

    /// Divides by the sum, which it gives.
    mutating func normalise(_ most: Int) -> Double {
      var sum = 0.0
      for k in 0...most { sum += weights[k] }
      guard sum > 0, sum.isFinite else { return 0 }
      top = 0
      for k in 0...most {
        weights[k] /= sum
        if weights[k] > Self.negligible { top = k }
      }
      if top < most { for k in top + 1...most { weights[k] = 0 } }
      return sum
    }

    /// Multiplies each by a factor to the power of its number.
    mutating func thin(_ factor: Double) {
      var power = 1.0
      for k in 0...top {
        weights[k] *= power
        power *= factor
      }
    }
  }

  /// Causes under way, on average: of more, nothing could be told.
  private static let mostUnderWay = 100.0

  private static func size(mean: Double, deviation: Double) -> Int {
    Int(mean + 8 * deviation + 12)
  }

  private static func bartlettLewis(_ own: ExcitationFit.Values, _ arrivals: ClockedArrivals) -> Double {
    let causes = arrivals.rate / own.number
    let p = (own.number - 1) / own.number
    let rate = 1 / own.delay
    let factor = max(arrivals.factors.max() ?? 1, 1e-9)
    let mean = causes * (own.number - 1) * own.delay
    guard mean * factor < mostUnderWay else { return -.infinity }
    let most = size(mean: mean * factor, deviation: (own.number * mean * factor).squareRoot())
    var filter = Filter(most)
    var sum = -arrivals.poisson
    for stretch in arrivals.stretches {
      // Poisson in number.
      let first = mean * stretch.firstFactor
      let logarithm = log(max(first, 1e-300))
      for k in 0...most {
        filter.weights[k] = exp(Double(k) * logarithm - first - lgamma(Double(k) + 1))
      }
      guard filter.normalise(most) > 0 else { return -.infinity }
      for row in stretch.rows {
        filter.thin(exp(-rate * arrivals.gaps[row]))
        let cause = causes * arrivals.factors[row]
        let end = min(filter.top + 1, most)
        for k in 0...end {
          var value = cause * (1 - p) * filter.weights[k] + rate * p * Double(k) * filter.weights[k]
          if k > 0 { value += cause * p * filter.weights[k - 1] }
          if k < end { value += rate * (1 - p) * Double(k + 1) * filter.weights[k + 1] }
          filter.next[k] = value
        }
        if end < most { filter.next[end + 1] = 0 }
        swap(&filter.weights, &filter.next)
        let total = filter.normalise(end)
        guard total > 0 else { return -.infinity }
        sum += log(total) - causes * arrivals.exposures[row]
      }
      filter.thin(exp(-rate * stretch.rest))
      let total = filter.weights[0...filter.top].reduce(0, +)
      guard total > 0 else { return -.infinity }
      sum += log(total) - causes * stretch.restExposure
    }
    return sum
  }
}
