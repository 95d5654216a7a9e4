import Foundation

/// The likelihood of Neyman–Scott clusters of geometric numbers, whose causes are unseen.
///
/// Between two arrivals, the generating function of how many requests are under way is multiplied by that of the causes
/// that came in the meantime and of whose requests none has arrived, ((1 − b e z) ⁄ (1 − b z))^a with b = 1 − 1 ⁄ requests
/// and e the share that is still under way; an arrival takes its derivative. Both follow from the generating functional of
/// cluster processes; Daley and Vere-Jones (2003), "An Introduction to the Theory of Point Processes", section 6.3.
struct NeymanScottLikelihood {
  private let requests: Double
  /// µs.
  private let spread: Double
  private let arrivals: ClockedArrivals

  init(_ own: ExcitationFit.Values, _ arrivals: ClockedArrivals) {
    (requests, spread) = (own.number, own.delay)
    self.arrivals = arrivals
  }

  private var b: Double { 1 - 1 / requests }
  /// Of causes, per µs.
  private var causes: Double { arrivals.rate / requests }
  /// The exponent of what comes in the meantime, where the factor of the rate is 1.
  private var exponent: Double { arrivals.rate * spread / (requests * (requests - 1)) }

  // MARK: By two moments

  /// With the number under way taken for negative binomial after each arrival: quick, and near enough for a search.
  func approximate() -> Double {
    var sum = 0.0
    let (b, rate) = (b, 1 / spread)
    let brought = b / (1 - b)
    for stretch in arrivals.stretches {
      // Shape, and mean over shape.
      var shape = arrivals.rate * spread * max(stretch.firstFactor, 1e-9) / (requests - 1)
      var scale = requests - 1
      /// Logarithm of the probability of no arrival, and the first three derivatives at 1 of that of the rest.
      func pass(_ gap: Double, _ exposure: Double) -> (Double, Double, Double, Double) {
        let e = exp(-rate * gap)
        let a = exponent * (gap > 0 ? exposure / gap : 1)
        let beta = scale / (1 + scale)
        let (u, v) = (beta * e / (1 - beta * e), b * e / (1 - b * e))
        return (
          shape * log((1 - beta) / (1 - beta * e)) + a * log((1 - b * e) / (1 - b)) - causes * exposure,
          shape * u + a * (brought - v), shape * u * u + a * (brought * brought - v * v),
          2 * shape * u * u * u + 2 * a * (brought * brought * brought - v * v * v)
        )
      }
      for row in stretch.rows {
        let (none, first, second, third) = pass(arrivals.gaps[row], arrivals.exposures[row])
        guard first > 0 else { return -.infinity }
        sum += none + log(rate * first)
        let mean = first + second / first
        let curvature = second + (third * first - second * second) / (first * first)
        scale = max(curvature / mean, 1e-9)
        shape = mean / scale
      }
      sum += pass(stretch.rest, stretch.restExposure).0
    }
    return sum
  }

  // MARK: Exactly

  private static let negligible = 1e-11
  private static let mostUnderWay = 300

  /// Numbers under way that must be told apart.
  private var size: Int {
    let mean = arrivals.rate * spread * max(arrivals.factors.max() ?? 1, 1e-9)
    return Int(min(mean + 9 * (mean * requests).squareRoot() + 25 * requests, 1e6)) + 2
  }

  /// Whether that takes little enough time.
  var isFeasible: Bool { size <= Self.mostUnderWay }

  func exact() -> Double {
    let size = size
    guard size <= 2 * Self.mostUnderWay else { return -.infinity }
    var state = State(size)
    var sum = 0.0
    let rate = 1 / spread
    for stretch in arrivals.stretches {
      state.begin(
        shape: arrivals.rate * spread * max(stretch.firstFactor, 1e-9) / (requests - 1), scale: requests - 1)
      func pass(_ gap: Double, _ exposure: Double) -> Double {
        guard gap > 0 else { return 0 }
        let e = exp(-rate * gap)
        return state.pass(e, b: b, exponent: exponent * exposure / gap) - causes * exposure
      }
      for row in stretch.rows {
        sum += pass(arrivals.gaps[row], arrivals.exposures[row]) + log(rate) + state.arrive()
      }
      sum += pass(stretch.rest, stretch.restExposure)
      guard sum.isFinite else { return -.infinity }
    }
    return sum
  }

  /// Probabilities of how many are under way; those beyond `top` are negligible.
  private struct State {
    private var weights: [Double]
    private var next: [Double]
    private var series: [Double]
    private var top = 0
    private var most: Int { weights.count - 1 }

    init(_ size: Int) {
      weights = Array(repeating: 0, count: size + 1)
      next = weights
      series = weights
    }

    /// Negative binomial, which it is before anything has been seen.
    mutating func begin(shape: Double, scale: Double) {
      let share = scale / (1 + scale)
      var value = exp(-shape * log1p(scale))
      for k in 0...most {
        weights[k] = value
        value *= share * (Double(k) + shape) / Double(k + 1)
      }
      top = most
      _ = normalise()
    }

    /// - Returns: the logarithm of the sum by which it divides.
    private mutating func normalise() -> Double {
      var sum = 0.0
      for k in 0...top { sum += weights[k] }
      guard sum > 0, sum.isFinite else { return -.infinity }
      var last = 0
      for k in 0...top {
        weights[k] /= sum
        if weights[k] > NeymanScottLikelihood.negligible { last = k }
      }
      top = last
      return log(sum)
    }

    mutating func pass(_ e: Double, b: Double, exponent a: Double) -> Double {
      // The series of ((1 − b e z) ⁄ (1 − b z))^a, from its differential equation.
      var length = 1
      series[0] = 1
      var (before, here) = (0.0, 1.0)
      while length <= most {
        let i = Double(length - 1)
        let following = ((b * (1 + e) * i + a * b * (1 - e)) * here - b * b * e * (i - 1) * before) / (i + 1)
        (before, here) = (here, following)
        guard following > NeymanScottLikelihood.negligible || (following >= before && following > 0) else {
          break
        }
        series[length] = following
        length += 1
      }
      let end = min(top + length - 1, most)
      let (width, own) = (top, length)
      weights.withUnsafeMutableBufferPointer { weights in
        series.withUnsafeBufferPointer { series in
          next.withUnsafeMutableBufferPointer { next in
            for k in 0...end { next[k] = 0 }
            var power = 1.0
            for k in 0...width {
              let weight = weights[k] * power
              power *= e
              for j in 0..<min(own, end - k + 1) { next[k + j] += weight * series[j] }
            }
          }
        }
      }
      swap(&weights, &next)
      top = end
      return normalise()
    }

    /// One of them arrives.
    mutating func arrive() -> Double {
      for k in 0..<top { weights[k] = Double(k + 1) * weights[k + 1] }
      weights[top] = 0
      return normalise()
    }
  }
}
