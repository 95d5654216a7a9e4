import Foundation

/// What the figures of a fit mean, what is not as good as the data first.
enum Verdict {
  /// Relative distances up to which a marginal is well met: tokens and times, intervals.
  static let tokenLimit = 0.05
  static let intervalLimit = 0.10
  /// Relative error of the index of dispersion: a fifth, or two standard errors of a variance where windows are few.
  static func dispersionLimit(windows: Int) -> Double {
    max(0.20, 2 * (2 / Double(max(windows - 1, 1))).squareRoot())
  }

  /// A sentence, and whether it says that the fit falls short, or that the data changed.
  private struct Sentence {
    enum Weight: Int { case failure, change, rest }
    var weight: Weight
    var text: String
  }

  /// - Parameter longest: stretch of the time by which the fit is judged, µs.
  static func words(
    _ marginals: [FitQuality.Marginal], _ counts: [FitQuality.Counts], _ failures: FitQuality.Failures,
    longest: Int64?
  ) -> [String] {
    var sentences = marginals.map(sentence)
    if let own = sentence(failures) { sentences.append(own) }
    sentences += counts.map(sentence)
    for count in counts {
      let (a, b) = (count.observedAutocorrelation[0], count.simulatedAutocorrelation[0])
      if abs(a - b) > 0.2, count.windows >= 100 {
        sentences.append(
          Sentence(
            weight: .failure,
            text: String(
              format:
                "Counts of neighbouring windows of %@ are correlated by %.2f, simulated ones by %.2f. The fit falls short, not the data.",
              span(count.window), a, b)))
      }
    }
    let ordered = [Sentence.Weight.failure, .change, .rest].flatMap { weight in
      sentences.filter { $0.weight == weight }.map(\.text)
    }
    let missing = WindowCounts.windows.filter { window in !counts.contains { $0.window == window } }
    guard !missing.isEmpty else { return ordered }
    let isShort = longest.map { Double($0) < missing[0] * 1e6 } ?? false
    return ordered + [
      "Not judged: the dispersion over \(missing.map(span).joined(separator: ", ")). That needs twenty windows\(isShort ? ", each within a stretch that judges the fit" : ", none shorter than a step of the time stamps")."
    ]
  }

  private static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

  /// *e*, and beside it *d*, *s* and the limit.
  private static func sentence(
    _ name: String, _ bound: Bound, _ cause: @autoclosure () -> String
  ) -> Sentence {
    let beside = [
      bound.d.map { "d = \(percent($0))" }, bound.s.map { "s = \(percent($0))" },
      "limit \(percent(bound.limit))",
    ].compactMap { $0 }.joined(separator: ", ")
    let figures = "e = \(percent(bound.e)) (\(beside))"
    guard bound.isMet else {
      return Sentence(
        weight: .failure,
        text:
          "\(name): not reproduced; e = \(percent(bound.e)), where \(percent(bound.allowed)) is allowed (\(beside)). The fit falls short, not the data.\(cause())"
      )
    }
    if bound.e <= bound.limit { return Sentence(weight: .rest, text: "\(name): reproduced; \(figures).") }
    if bound.dataChanged {
      return Sentence(
        weight: .change, text: "\(name): as near as the data allow; \(figures): the data changed.")
    }
    if let d = bound.d, bound.e <= Bound.mostOfData * d {
      return Sentence(weight: .rest, text: "\(name): nearer than the data; \(figures).")
    }
    return Sentence(
      weight: .rest,
      text: "\(name): too few requests to tell; \(figures), which is no more than chance gives.")
  }

  private static func sentence(_ marginal: FitQuality.Marginal) -> Sentence {
    sentence(
      marginal.name.prefix(1).uppercased() + marginal.name.dropFirst(), marginal.bound, cause(marginal))
  }

  private static func cause(_ marginal: FitQuality.Marginal) -> String {
    if abs(marginal.simulatedMean - marginal.observedMean) > 0.7 * marginal.bound.e * marginal.observedMean {
      return marginal.simulatedMean > marginal.observedMean
        ? " Nearly all of that is a mean that is too high." : " Nearly all of that is a mean that is too low."
    }
    guard let (observed, simulated) = quantile(marginal, 0.99) else { return "" }
    return simulated < 0.8 * observed
      ? " Large values are too rare." : simulated > 1.25 * observed ? " Large values are too frequent." : ""
  }

  private static func sentence(_ count: FitQuality.Counts) -> Sentence {
    sentence(
      String(
        format: "Dispersion over %@, %.3g observed and %.3g simulated", span(count.window),
        count.observedDispersion, count.simulatedDispersion),
      count.bound,
      " The counts vary \(count.dispersionRatio < 1 ? "less" : "more") than observed.")
  }

  /// `nil` where nothing failed, neither observed nor simulated.
  private static func sentence(_ failures: FitQuality.Failures) -> Sentence? {
    let (a, b) = (failures.observedShare, failures.simulatedShare)
    guard failures.observed > 0 || failures.simulated > 0, failures.observedRequests > 0,
      failures.simulatedRequests > 0
    else { return nil }
    func percent(_ share: Double) -> String { String(format: "%.3g %%", 100 * share) }
    // A fifth, or two standard errors of the difference of two shares.
    let error =
      (a * (1 - a) / Double(failures.observedRequests) + b * (1 - b) / Double(failures.simulatedRequests))
      .squareRoot()
    let isNear = abs(a - b) <= max(0.2 * a, 2 * error)
    return Sentence(
      weight: isNear ? .rest : .failure,
      text:
        "Failures: \(isNear ? "reproduced" : "not reproduced"); \(percent(a)) of requests observed, \(percent(b)) simulated.\(isNear ? "" : " The fit falls short, not the data.")"
    )
  }

  private static func quantile(_ marginal: FitQuality.Marginal, _ share: Double) -> (
    observed: Double, simulated: Double
  )? {
    marginal.probabilities.firstIndex(of: share).map {
      (marginal.observedQuantiles[$0], marginal.simulatedQuantiles[$0])
    }
  }

  static func span(_ seconds: Double) -> String {
    seconds >= 3600
      ? "\(Int(seconds / 3600)) h" : seconds >= 60 ? "\(Int(seconds / 60)) min" : "\(Int(seconds)) s"
  }
}
