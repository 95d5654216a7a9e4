import Documents
import Foundation
import Sampling
import Telemetry

extension Section {
  /// A constant, or `{ lognormal: { … } }`. Durations are in microseconds.
  func distribution(_ name: String) -> Distribution? {
    guard let node = node(name), case .constant(let dimension, let shape)? = shape.key(name)?.kind else {
      return nil
    }
    return DistributionReader(
      diagnostics: diagnostics, section: self, dimension: dimension, choices: shape(), name: name
    ).read(node)
  }
}

/// Reads one distribution.
private struct DistributionReader {
  let diagnostics: Diagnostics
  let section: Section
  let dimension: Quantity.Dimension
  let choices: Shape
  let name: String

  func read(_ node: DocumentNode) -> Distribution? {
    if node.scalar != nil { return value(node, name).flatMap { make(.constant($0), node, nil) } }
    guard let choice = Section(node, choices, diagnostics, section.calendar),
      let (family, body) = choice.chosen,
      case .object(let shape)? = choice.shape.key(family)?.kind,
      let keys = Section(body, shape(), diagnostics, section.calendar)
    else { return nil }
    let complaints = diagnostics.all.count
    guard let parameters = self.family(family, keys) else {
      if diagnostics.all.count == complaints,
        keys.shape.keys.allSatisfy({ !$0.isRequired || keys.has($0.name) })
      {
        diagnostics.error(body.location, "\(family) is not fully given. \(keys.shape.about)")
      }
      return nil
    }
    return make(parameters, body, keys)
  }

  private func make(_ family: Distribution.Family, _ node: DocumentNode, _ keys: Section?) -> Distribution? {
    var lower = -Double.infinity
    var upper = Double.infinity
    if let keys, keys.shape.key("min")?.isRequired == false {
      if let node = keys.node("min") {
        guard let value = value(node, "min") else { return nil }
        lower = value
      }
      if let node = keys.node("max") {
        guard let value = value(node, "max") else { return nil }
        upper = value
      }
    }
    do {
      let made = try Distribution(family, lower: lower, upper: upper)
      warnOfNegatives(made, node, keys)
      return made
    } catch {
      diagnostics.error(node.location, "\(name): \(error). Change the parameters.")
      return nil
    }
  }

  /// Less than this share of negative values is a tail that nobody would see.
  private static let smallestNegativeShare = 0.001

  /// Durations and counts of which some are below 0, where the simulation takes 0. Components of a mixture are
  /// distributions themselves.
  private func warnOfNegatives(_ made: Distribution, _ node: DocumentNode, _ keys: Section?) {
    if case .mixture = made.family { return }
    guard made.infimum < 0 else { return }
    if case .constant = made.family {
      diagnostics.warning(node.location, "\(name) is negative and counts as 0. Give a positive value.")
      return
    }
    let share = made.cdf(-Double.ulpOfOne)
    guard share >= Self.smallestNegativeShare else { return }
    let remedy =
      keys?.shape.key("min")?.isRequired == false
      ? "Give min: \(dimension == .duration ? "0s" : "0"), or a distribution without negative values."
      : "Change its parameters."
    diagnostics.warning(
      node.location,
      "\(Figure.percent(share)) of the values of \(name) are negative and count as 0. \(remedy)")
  }

  private func value(_ node: DocumentNode, _ name: String) -> Double? {
    switch dimension {
    case .duration: section.durationMicroseconds(node, name, allowNegative: true)
    case .count: section.number(node, name, -1e15...1e15)
    }
  }

  private func value(_ keys: Section, _ name: String) -> Double? {
    keys.node(name).flatMap { value($0, name) }
  }

  private func values(_ keys: Section, _ name: String) -> [Double]? {
    let nodes = keys.list(name)
    let read = nodes.compactMap { value($0, name) }
    return keys.has(name) && read.count == nodes.count ? read : nil
  }

  private func family(_ family: String, _ keys: Section) -> Distribution.Family? {
    switch family {
    case "constant": return value(keys, "value").map { .constant($0) }
    case "uniform":
      guard let low = value(keys, "min"), let high = value(keys, "max") else { return nil }
      return .uniform(low: low, high: high)
    case "exponential": return value(keys, "mean").map { .exponential(mean: $0) }
    case "normal":
      guard let mean = value(keys, "mean"), let sd = value(keys, "sd") else { return nil }
      return .normal(mean: mean, sd: sd)
    case "lognormal": return lognormal(keys)
    case "gamma":
      guard let mean = value(keys, "mean"), let shape = shape(keys, fromCv: { 1 / ($0 * $0) }) else {
        return nil
      }
      return .gamma(shape: shape, scale: mean / shape)
    case "weibull":
      guard let mean = value(keys, "mean"), let shape = shape(keys, fromCv: weibullShape(cv:)) else {
        return nil
      }
      return .weibull(shape: shape, scale: mean / tgamma(1 + 1 / shape))
    case "erlang":
      guard let mean = value(keys, "mean"), let phases = keys.integer("phases") else { return nil }
      return .gamma(shape: Double(phases), scale: mean / Double(phases))
    case "hyperexponential": return hyperexponential(keys)
    case "pareto":
      guard let shape = keys.number("shape"), exactlyOne(keys, "scale", "mean") else { return nil }
      if let scale = value(keys, "scale") { return .pareto(shape: shape, scale: scale) }
      guard let mean = value(keys, "mean") else { return nil }
      guard shape > 1 else {
        keys.error(
          "shape",
          "a Pareto distribution with shape \(shape) has no mean. Give scale instead, or a shape above 1.")
        return nil
      }
      return .pareto(shape: shape, scale: mean * (shape - 1) / shape)
    case "beta":
      guard let alpha = keys.number("alpha"), let beta = keys.number("beta"), let high = value(keys, "to")
      else { return nil }
      let low: Double? = keys.has("from") ? value(keys, "from") : 0
      return low.map { .beta(alpha: alpha, beta: beta, low: $0, high: high) }
    case "poisson": return keys.number("mean").map { .poisson(mean: $0) }
    case "negativeBinomial":
      guard let mean = keys.number("mean"), let cv = keys.number("cv") else { return nil }
      let variance = cv * cv * mean * mean
      guard variance > mean else {
        keys.error(
          "cv", "the variance (\(variance)) must be above the mean (\(mean)). Raise cv, or use poisson.")
        return nil
      }
      return .negativeBinomial(n: mean * mean / (variance - mean), p: mean / variance)
    case "geometric": return keys.number("mean").map { .geometric(p: 1 / $0) }
    case "bernoulli":
      guard let probability = keys.number("probability") else { return nil }
      guard keys.has("value") else { return .bernoulli(p: probability) }
      guard let value = value(keys, "value") else { return nil }
      return made(keys) { () throws(DistributionError) in
        try EmpiricalDistribution(values: [0, value], weights: [1 - probability, probability])
      }
    case "empirical": return empirical(keys)
    case "mixture":
      let components: [Distribution.Component?] = keys.sections("of").map { section in
        guard let weight = section.number("weight"), let distribution = section.distribution("distribution")
        else { return nil }
        return .init(weight: weight, distribution: distribution)
      }
      return components.contains { $0 == nil } ? nil : .mixture(components.compactMap { $0 })
    default: return nil
    }
  }

  private func lognormal(_ keys: Section) -> Distribution.Family? {
    guard exactlyOne(keys, "sigma", "cv"), exactlyOne(keys, "median", "mean") else { return nil }
    guard let sigma = keys.number("sigma") ?? keys.number("cv").map({ log1p($0 * $0).squareRoot() }) else {
      return nil
    }
    guard let centre = value(keys, "median") ?? value(keys, "mean") else { return nil }
    guard centre > 0 else {
      keys.error(nil, "a lognormal's \(keys.has("median") ? "median" : "mean") must be positive.")
      return nil
    }
    return .lognormal(mu: log(centre) - (keys.has("mean") ? sigma * sigma / 2 : 0), sigma: sigma)
  }

  private func hyperexponential(_ keys: Section) -> Distribution.Family? {
    if keys.has("branches") {
      guard !keys.has("mean"), !keys.has("cv") else {
        keys.error(nil, "branches cannot be combined with mean or cv; give one or the other.")
        return nil
      }
      let branches: [Distribution.Branch?] = keys.sections("branches").map { section in
        guard let probability = section.number("probability"), let mean = value(section, "mean") else {
          return nil
        }
        return .init(probability: probability, mean: mean)
      }
      return branches.contains { $0 == nil } ? nil : .hyperexponential(branches.compactMap { $0 })
    }
    guard let mean = value(keys, "mean"), let cv = keys.number("cv") else { return nil }
    // Balanced means. Source: Whitt (1982), "Approximating a point process by a renewal process", (3.7).
    let p = (1 + ((cv * cv - 1) / (cv * cv + 1)).squareRoot()) / 2
    return .hyperexponential([
      .init(probability: p, mean: mean / (2 * p)), .init(probability: 1 - p, mean: mean / (2 * (1 - p))),
    ])
  }

  private func empirical(_ keys: Section) -> Distribution.Family? {
    guard exactlyOne(keys, "values", "edges") else { return nil }
    let weightNodes = keys.list("weights")
    let weights = weightNodes.compactMap { section.number($0, "weights", 0...1e18) }
    guard weights.count == weightNodes.count else { return nil }
    if let values = values(keys, "values") {
      return made(keys) { () throws(DistributionError) in
        try EmpiricalDistribution(values: values, weights: keys.has("weights") ? weights : nil)
      }
    }
    guard let edges = values(keys, "edges") else { return nil }
    return made(keys) { () throws(DistributionError) in
      try EmpiricalDistribution(edges: edges, weights: weights)
    }
  }

  private func made(
    _ keys: Section, _ make: () throws(DistributionError) -> EmpiricalDistribution
  ) -> Distribution.Family? {
    do {
      return .empirical(try make())
    } catch {
      keys.error(nil, "\(name): \(error). Change the values or weights.")
      return nil
    }
  }

  private func shape(_ keys: Section, fromCv convert: (Double) -> Double) -> Double? {
    guard exactlyOne(keys, "cv", "shape") else { return nil }
    return keys.number("shape") ?? keys.number("cv").map(convert)
  }

  private func exactlyOne(_ keys: Section, _ a: String, _ b: String) -> Bool {
    if keys.has(a) != keys.has(b) { return true }
    keys.error(
      nil,
      keys.has(a)
        ? "\(a) and \(b) cannot be given together; give one of them."
        : "\(a) or \(b) is missing. \(keys.shape.about)")
    return false
  }
}

/// The shape of a Weibull distribution with a given coefficient of variation, by bisection:
/// cv² = Γ(1 + 2⁄k) ÷ Γ(1 + 1⁄k)² − 1, which falls as k grows.
package func weibullShape(cv: Double) -> Double {
  var low = 0.01
  var high = 1000.0
  for _ in 0..<200 {
    let k = (low * high).squareRoot()
    let logRatio = lgamma(1 + 2 / k) - 2 * lgamma(1 + 1 / k)
    if expm1(logRatio) > cv * cv { low = k } else { high = k }
  }
  return (low * high).squareRoot()
}
