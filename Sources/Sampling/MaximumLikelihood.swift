import CGSL
import Foundation

/// A parameter with its 95 % confidence interval.
package struct ParameterEstimate: Sendable, Codable, Equatable {
  package var name: String
  package var value: Double
  /// Lower and upper end; empty where the data do not say.
  package var interval: [Double]

  package init(name: String, value: Double, interval: [Double] = []) {
    self.name = name
    self.value = value
    self.interval = interval
  }
}

/// A distribution fitted to a sample.
package struct DistributionFit: Sendable {
  package var name: String
  package var distribution: Distribution
  package var parameters: [ParameterEstimate]
  /// Free parameters, truncation points counted.
  package var parameterCount: Int
  package var logLikelihood: Double

  /// Source: Schwarz (1978), Annals of Statistics 6:2.
  package func informationCriterion(size: Double) -> Double {
    Double(parameterCount) * log(max(size, 2)) - 2 * logLikelihood
  }
}

/// Maximum likelihood fits of distributions to samples; models chosen by Schwarz' information criterion.
///
/// Whole numbers are taken as rounded, zeros as left-censored (see `GroupedSample`); families are also tried truncated
/// at the sample's ends, which are then the likelihood's estimates of the truncation.
package enum MaximumLikelihood {
  /// All candidates, the best first.
  /// - Parameter histogram: whether a histogram may be chosen.
  package static func candidates(_ sample: GroupedSample, histogram: Bool = true) -> [DistributionFit] {
    guard sample.count > 0 else { return [] }
    let cells = sample.smoothCells
    if sample.smallest == sample.largest, let constant = constant(sample.smallest) {
      return [constant]
    }
    var fits: [DistributionFit] = []
    let problem = SampleFits(sample: sample, cells: cells)
    for family in Family.allCases where problem.suits(family) {
      if let plain = problem.fit(family, lower: -.infinity, upper: .infinity) {
        fits.append(plain)
        let half = sample.isWhole ? 0.5 : 0
        let ends = (max(sample.smallest - half, 0), sample.largest + half)
        // Truncation pays where the untruncated family leaves much beyond the sample's ends.
        if let cut = problem.fit(family, lower: -.infinity, upper: ends.1) { fits.append(cut) }
        if family == .normal || family == .lognormal || family == .gamma,
          let cut = problem.fit(family, lower: ends.0, upper: ends.1)
        {
          fits.append(cut)
        }
      }
    }
    for components in 2...3 {
      if let fit = problem.lognormalMixture(components) { fits.append(fit) }
    }
    if histogram { fits += problem.histograms() }
    return fits.filter { isInSight($0.distribution, of: sample) }.sorted {
      $0.informationCriterion(size: sample.count) < $1.informationCriterion(size: sample.count)
    }
  }

  /// Whether a distribution's scale is anywhere near the sample. A truncated family can run away from it, towards a power
  /// law between the ends: such parameters say nothing, and may be more than can be written.
  private static func isInSight(_ distribution: Distribution, of sample: GroupedSample) -> Bool {
    let middle: Double
    switch distribution.family {
    case .exponential(let mean), .normal(let mean, _): middle = abs(mean)
    case .lognormal(let mu, _): middle = exp(mu)
    case .gamma(let shape, let scale): middle = shape * scale
    case .weibull(let shape, let scale): middle = scale * tgamma(1 + 1 / shape)
    default: return true
    }
    let isLow = sample.smallest > 0 && middle < sample.smallest / 1000
    return middle.isFinite && middle <= sample.largest * 1000 && !isLow
  }

  package static func best(_ sample: GroupedSample, histogram: Bool = true) -> DistributionFit? {
    candidates(sample, histogram: histogram).first
  }

  /// Always the same value.
  package static func constant(_ value: Double, interval: [Double] = []) -> DistributionFit? {
    made(.constant(value)).map {
      DistributionFit(
        name: "constant", distribution: $0,
        parameters: [.init(name: "value", value: value, interval: interval)], parameterCount: 1,
        logLikelihood: 0)
    }
  }

  /// Inter-arrival times of mean 1 under a renewal process.
  package enum UnitFamily: String, CaseIterable, Sendable { case poisson, gamma, weibull }

  package struct UnitFit: Sendable {
    package var family: UnitFamily
    /// 1 for Poisson.
    package var cv: ParameterEstimate
    package var logLikelihood: Double
    package var parameterCount: Int { family == .poisson ? 0 : 1 }
  }

  /// - Parameter sample: intervals in operational time: mean 1 as far as the rate is right.
  package static func unitIntervals(_ sample: GroupedSample, _ family: UnitFamily) -> UnitFit? {
    let cells = sample.smoothCells
    func distribution(_ logarithm: Double) -> Distribution? {
      let shape = exp(logarithm)
      switch family {
      case .poisson: return made(.exponential(mean: 1))
      case .gamma: return made(.gamma(shape: shape, scale: 1 / shape))
      case .weibull: return made(.weibull(shape: shape, scale: 1 / tgamma(1 + 1 / shape)))
      }
    }
    func cost(_ x: [Double]) -> Double {
      guard x[0] > -5, x[0] < 5.9, let distribution = distribution(x[0]) else { return .infinity }
      return -GroupedSample.logLikelihood(distribution, cells, isWhole: false)
    }
    if family == .poisson {
      let value = -cost([0])
      return value.isFinite
        ? UnitFit(family: family, cv: .init(name: "cv", value: 1), logLikelihood: value) : nil
    }
    func cv(_ logarithm: Double) -> Double { distribution(logarithm)?.coefficientOfVariation ?? .nan }
    let minimum = Minimiser.minimum(from: [0], step: [0.3], cost)
    guard minimum.value < 1e299 else { return nil }
    var interval: [Double] = []
    if let covariance = Minimiser.covariance(at: minimum.point, step: [0.01], cost) {
      let half = 1.959_964 * covariance[0][0].squareRoot()
      interval = [cv(minimum.point[0] + half), cv(minimum.point[0] - half)]
    }
    let estimate = ParameterEstimate(name: "cv", value: cv(minimum.point[0]), interval: interval)
    return estimate.value.isFinite
      ? UnitFit(family: family, cv: estimate, logLikelihood: -minimum.value) : nil
  }

  /// What the likelihood of gamma intervals of mean 1 needs to know of them.
  package struct GammaSums: Sendable {
    package var count = 0.0
    package var sum = 0.0
    package var sumOfLogarithms = 0.0
    package var sumOfSquares = 0.0

    package init() {}

    package mutating func add(_ interval: Double) {
      count += 1
      sum += interval
      sumOfLogarithms += log(interval)
      sumOfSquares += interval * interval
    }

    package static func + (a: GammaSums, b: GammaSums) -> GammaSums {
      var both = a
      both.count += b.count
      both.sum += b.sum
      both.sumOfLogarithms += b.sumOfLogarithms
      both.sumOfSquares += b.sumOfSquares
      return both
    }

    package static func - (a: GammaSums, b: GammaSums) -> GammaSums {
      var rest = a
      rest.count -= b.count
      rest.sum -= b.sum
      rest.sumOfLogarithms -= b.sumOfLogarithms
      rest.sumOfSquares -= b.sumOfSquares
      return rest
    }

    /// The likeliest shape, within 0.0025 and 400: of coefficients of variation from 20 to 0.05.
    /// Newton's method from the start of Minka (2002), "Estimating a Gamma distribution".
    package var shape: Double {
      let deficit = count > 0 ? (sum - sumOfLogarithms) / count - 1 : 0
      guard deficit > 1e-9 else { return 400 }
      var shape = (3 - deficit + ((deficit - 3) * (deficit - 3) + 24 * deficit).squareRoot()) / (12 * deficit)
      for _ in 0..<4 {
        shape = min(max(shape, 0.0025), 400)
        let error = log(shape) - gsl_sf_psi(shape) - deficit
        // Of the logarithm of the shape, in which the equation is nearly straight.
        shape *= exp(-error / (1 - shape * gsl_sf_psi_1(shape)))
      }
      return min(max(shape, 0.0025), 400)
    }

    package var logLikelihood: Double {
      let shape = shape
      return count * (shape * log(shape) - lgamma(shape)) + (shape - 1) * sumOfLogarithms - shape * sum
    }

    /// The coefficient of variation's square, whatever the family.
    package var squaredVariation: Double {
      count > 1 && sum > 0 ? max(0, sumOfSquares * count / (sum * sum) - 1) : 1
    }

    /// Of the estimate, by Fisher's information.
    package var varianceOfLogShape: Double {
      let shape = shape
      return 1 / (count * shape * (shape * gsl_sf_psi_1(shape) - 1))
    }
  }

  enum Family: String, CaseIterable { case exponential, uniform, normal, lognormal, gamma, weibull }

  static func made(
    _ family: Distribution.Family, lower: Double = -.infinity, upper: Double = .infinity
  ) -> Distribution? {
    // Parameters out of range are not candidates.
    do { return try Distribution(family, lower: lower, upper: upper) } catch { return nil }
  }
}

/// One sample's fits.
private struct SampleFits {
  let sample: GroupedSample
  let cells: [GroupedSample.Cell]
  let mean: Double
  let sd: Double
  let logMean: Double
  let logSd: Double

  init(sample: GroupedSample, cells: [GroupedSample.Cell]) {
    self.sample = sample
    self.cells = cells
    let n = cells.reduce(0) { $0 + $1.count }
    let mean = cells.reduce(0) { $0 + $1.count * $1.mean } / n
    self.mean = mean
    sd = (cells.reduce(0) { $0 + $1.count * ($1.mean - mean) * ($1.mean - mean) } / n).squareRoot()
    let logMean = cells.reduce(0) { $0 + $1.count * Self.logarithm($1) } / n
    self.logMean = logMean
    let square = cells.reduce(0) { $0 + $1.count * pow(Self.logarithm($1) - logMean, 2) } / n
    logSd = max(square.squareRoot(), 1e-5)
  }

  private static func logarithm(_ cell: GroupedSample.Cell) -> Double { log(max(cell.mean, cell.high / 4)) }

  func suits(_ family: MaximumLikelihood.Family) -> Bool {
    // Families on the whole line or a bounded one describe no heavy tails; they need not be tried there.
    switch family {
    case .uniform, .normal: sd < mean
    default: sample.smallest >= 0
    }
  }

  func fit(_ family: MaximumLikelihood.Family, lower: Double, upper: Double) -> DistributionFit? {
    let isTruncated = lower > -.infinity || upper < .infinity
    func distribution(_ x: [Double]) -> Distribution? {
      let form: Distribution.Family
      switch family {
      case .exponential: form = .exponential(mean: exp(x[0]))
      case .uniform:
        let half = sample.isWhole ? 0.5 : 0
        form = .uniform(low: sample.smallest - half, high: sample.largest + half)
      case .normal: form = .normal(mean: x[0] * sd, sd: exp(x[1]))
      case .lognormal: form = .lognormal(mu: x[0], sigma: exp(x[1]))
      case .gamma: form = .gamma(shape: exp(x[1]), scale: exp(x[0] - x[1]))
      case .weibull:
        form = .weibull(shape: exp(x[1]), scale: exp(x[0]) / tgamma(1 + exp(-x[1])))
      }
      return MaximumLikelihood.made(form, lower: lower, upper: upper)
    }
    func cost(_ x: [Double]) -> Double {
      guard x.allSatisfy({ abs($0) < 300 }), isInRange(family, x), let distribution = distribution(x) else {
        return .infinity
      }
      return -GroupedSample.logLikelihood(distribution, cells, isWhole: sample.isWhole)
    }
    let cv = max(sd / mean, 1e-4)
    let start: [Double]
    switch family {
    case .exponential: start = [log(mean)]
    case .uniform: start = []
    case .normal: start = [mean / sd, log(sd)]
    case .lognormal: start = [logMean, log(logSd)]
    case .gamma: start = [log(mean), -2 * log(cv)]
    case .weibull: start = [log(mean), log(min(max(pow(cv, -1.086), 0.2), 100))]
    }
    if family == .uniform {
      guard !isTruncated, let distribution = distribution([]),
        case .uniform(let low, let high) = distribution.family
      else { return nil }
      return DistributionFit(
        name: "uniform", distribution: distribution,
        parameters: [.init(name: "min", value: low), .init(name: "max", value: high)], parameterCount: 2,
        logLikelihood: -sample.count * log(high - low))
    }
    let minimum = Minimiser.minimum(from: start, step: start.map { _ in 0.1 }, cost)
    guard minimum.value < 1e299, let fitted = distribution(minimum.point) else { return nil }
    // Points of truncation far from where the family lies say that it is the wrong one.
    if isTruncated, fitted.truncatedMass < 0.01 { return nil }
    let covariance = Minimiser.covariance(at: minimum.point, step: start.map { _ in 1e-3 }, cost)
    return DistributionFit(
      name: family.rawValue + (isTruncated ? ", truncated" : ""), distribution: fitted,
      parameters: parameters(family, minimum.point, covariance) + ends(lower, upper),
      parameterCount: start.count + (lower > -.infinity ? 1 : 0) + (upper < .infinity ? 1 : 0),
      logLikelihood: -minimum.value)
  }

  /// Whether a scenario may say so.
  private func isInRange(_ family: MaximumLikelihood.Family, _ x: [Double]) -> Bool {
    switch family {
    case .gamma: x[1] > log(1e-3) && x[1] < log(1e6)
    case .weibull: x[1] > log(0.05) && x[1] < log(1e3)
    case .lognormal: x[1] > log(1e-6) && x[1] < log(20)
    case .exponential, .uniform, .normal: true
    }
  }

  private func ends(_ lower: Double, _ upper: Double) -> [ParameterEstimate] {
    (lower > -.infinity ? [.init(name: "min", value: lower)] : [])
      + (upper < .infinity ? [.init(name: "max", value: upper)] : [])
  }

  private func parameters(
    _ family: MaximumLikelihood.Family, _ x: [Double], _ covariance: [[Double]]?
  ) -> [ParameterEstimate] {
    func estimate(_ name: String, _ index: Int, _ value: (Double) -> Double) -> ParameterEstimate {
      guard let variance = covariance?[index][index], variance > 0 else {
        return .init(name: name, value: value(x[index]))
      }
      let half = 1.959_964 * variance.squareRoot()
      return .init(
        name: name, value: value(x[index]),
        interval: [value(x[index] - half), value(x[index] + half)].sorted())
    }
    switch family {
    case .exponential: return [estimate("mean", 0, exp)]
    case .uniform: return []
    case .normal: return [estimate("mean", 0) { $0 * sd }, estimate("sd", 1, exp)]
    case .lognormal: return [estimate("median", 0, exp), estimate("sigma", 1, exp)]
    case .gamma: return [estimate("mean", 0, exp), estimate("cv", 1) { exp(-$0 / 2) }]
    case .weibull: return [estimate("mean", 0, exp), estimate("shape", 1, exp)]
    }
  }

  /// By expectation and maximisation on the logarithms. Source: Dempster, Laird and Rubin (1977), JRSS B 39.
  func lognormalMixture(_ components: Int) -> DistributionFit? {
    guard sample.count >= 200, sample.smallest >= 0, cells.count >= 8 * components else { return nil }
    let values = cells.map { Self.logarithm($0) }
    let weights = cells.map(\.count)
    let total = weights.reduce(0, +)
    // Start: equal shares in order.
    var shares = [Double](repeating: 1 / Double(components), count: components)
    var centres = [Double](repeating: 0, count: components)
    var widths = [Double](repeating: logSd / Double(components), count: components)
    var sums = [(weight: Double, value: Double)](repeating: (0, 0), count: components)
    var running = 0.0
    for (value, weight) in zip(values, weights) {
      let part = min(Int(running / total * Double(components)), components - 1)
      sums[part].weight += weight
      sums[part].value += weight * value
      running += weight
    }
    for part in 0..<components {
      guard sums[part].weight > 0 else { return nil }
      centres[part] = sums[part].value / sums[part].weight
    }
    var last = -Double.infinity
    var parts = [Double](repeating: 0, count: components)
    for _ in 0..<400 {
      var n = [Double](repeating: 0, count: components)
      var first = n
      var second = n
      var likelihood = 0.0
      for (value, weight) in zip(values, weights) {
        var sum = 0.0
        for part in 0..<components {
          let score = (value - centres[part]) / widths[part]
          parts[part] = shares[part] / widths[part] * exp(-0.5 * score * score)
          sum += parts[part]
        }
        guard sum > 0 else { continue }
        likelihood += weight * log(sum)
        for part in 0..<components {
          let share = weight * parts[part] / sum
          n[part] += share
          first[part] += share * value
          second[part] += share * value * value
        }
      }
      for part in 0..<components {
        guard n[part] > total * 1e-4 else { return nil }
        shares[part] = n[part] / total
        centres[part] = first[part] / n[part]
        // Narrower, a component would sit on single values.
        widths[part] = max(max(second[part] / n[part] - centres[part] * centres[part], 0).squareRoot(), 0.01)
      }
      if likelihood - last < 1e-7 * abs(likelihood) { break }
      last = likelihood
    }
    var list: [Distribution.Component] = []
    var parameters: [ParameterEstimate] = []
    for part in 0..<components {
      guard let component = MaximumLikelihood.made(.lognormal(mu: centres[part], sigma: widths[part])) else {
        return nil
      }
      list.append(.init(weight: shares[part], distribution: component))
      parameters.append(.init(name: "weight \(part + 1)", value: shares[part]))
      parameters.append(.init(name: "median \(part + 1)", value: exp(centres[part])))
      parameters.append(.init(name: "sigma \(part + 1)", value: widths[part]))
    }
    guard let mixture = MaximumLikelihood.made(.mixture(list)) else { return nil }
    return DistributionFit(
      name: "mixture of \(components) lognormals", distribution: mixture, parameters: parameters,
      parameterCount: 3 * components - 1, logLikelihood: sample.logLikelihood(mixture))
  }

  /// Histograms of equally likely bins, finer at the ends, a value that is common by itself in a bin of its own.
  func histograms() -> [DistributionFit] {
    let exact = sample.cells
    var fits: [DistributionFit] = []
    if sample.isWhole, exact.count <= 256, let values = values(exact) { fits.append(values) }
    for bins in [8, 16, 32, 64, 128] where sample.count >= Double(20 * bins) && exact.count >= bins {
      guard let fit = histogram(exact, bins) else { continue }
      fits.append(fit)
    }
    return fits
  }

  /// Each value by itself.
  private func values(_ exact: [GroupedSample.Cell]) -> DistributionFit? {
    let weights = exact.map(\.count)
    do {
      let distribution = try Distribution(
        .empirical(EmpiricalDistribution(values: exact.map(\.mean), weights: weights)))
      return DistributionFit(
        name: "\(exact.count) values", distribution: distribution, parameters: [],
        parameterCount: exact.count - 1,
        logLikelihood: weights.reduce(0) { $0 + $1 * log($1 / sample.count) })
    } catch {
      return nil
    }
  }

  private func histogram(_ exact: [GroupedSample.Cell], _ bins: Int) -> DistributionFit? {
    let total = sample.count
    let share = total / Double(bins)
    /// How many values a bin may take that starts after a number of values: fewer towards the ends.
    func target(_ before: Double) -> Double {
      let left = min(before, total - before)
      return max(min(share, left / 2), 10)
    }
    let start = sample.isWhole ? exact[0].low : sample.smallest
    var edges = [max(start, sample.isWhole ? -0.5 : 0)]
    var weights: [Double] = []
    var inside = 0.0
    var before = 0.0
    for (index, cell) in exact.enumerated() {
      let goal = target(before)
      if inside > 0, cell.count >= goal, cell.low > edges[edges.count - 1] {
        edges.append(cell.low)
        weights.append(inside)
        before += inside
        inside = 0
      }
      inside += cell.count
      let isLast = index == exact.count - 1
      if inside >= goal || isLast {
        let end = isLast && !sample.isWhole ? max(sample.largest, cell.low * 1.000001) : cell.high
        edges.append(end)
        weights.append(inside)
        before += inside
        inside = 0
      }
    }
    guard weights.count >= 2, let distribution = made(edges, weights) else { return nil }
    var likelihood = 0.0
    for (index, weight) in weights.enumerated() {
      likelihood += weight * log(weight / total / (edges[index + 1] - edges[index]))
    }
    return DistributionFit(
      name: "histogram of \(weights.count) bins", distribution: distribution, parameters: [],
      parameterCount: 2 * weights.count - 1, logLikelihood: likelihood)
  }

  private func made(_ edges: [Double], _ weights: [Double]) -> Distribution? {
    do {
      return try Distribution(.empirical(EmpiricalDistribution(edges: edges, weights: weights)))
    } catch {
      return nil
    }
  }
}
