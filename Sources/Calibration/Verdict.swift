/// What the figures of a fit mean.
enum Verdict {
  /// Relative distances up to which a marginal is well met: tokens and times, intervals.
  static let tokenLimit = 0.05
  static let intervalLimit = 0.10
  /// Relative error of the index of dispersion: a fifth, or two standard errors of a variance where windows are few.
  static func dispersionLimit(windows: Int) -> Double {
    max(0.20, 2 * (2 / Double(max(windows - 1, 1))).squareRoot())
  }

  /// A fit is as good as the data where it lies no further from what was held out than this many times what the fit saw
  /// lies from it.
  static let mostOfData = 1.25

  static func words(
    _ marginals: [FitQuality.Marginal], _ counts: [FitQuality.Counts], _ failures: FitQuality.Failures
  ) -> [String] {
    var words = marginals.map(self.words)
    if let line = self.words(failures) { words.append(line) }
    var missing: [(from: Double, isLow: Bool)] = []
    for count in counts {
      let ratio = count.dispersionRatio
      if abs(ratio - 1) > dispersionLimit(windows: count.windows) {
        missing.append((count.window, ratio < 1))
      }
    }
    if counts.isEmpty { return words + ["Too little time to judge bursts: twenty windows are needed."] }
    if missing.isEmpty {
      words.append(
        "Bursts: reproduced from \(span(counts[0].window)) to \(span(counts[counts.count - 1].window)) (index of dispersion within 20 %, or two standard errors)."
      )
    } else {
      let low = missing.filter(\.isLow).map(\.from)
      let high = missing.filter { !$0.isLow }.map(\.from)
      if let longest = low.last {
        let isUpTo = counts.filter { $0.window <= longest }.allSatisfy { count in low.contains(count.window) }
        words.append(
          isUpTo
            ? "Bursts of \(span(longest)) and shorter are not reproduced: the counts vary less than observed."
            : "Variation over \(low.map(span).joined(separator: ", ")) is not reproduced: the counts vary less than observed."
        )
      }
      if !high.isEmpty {
        words.append("Counts over \(high.map(span).joined(separator: ", ")) vary more than observed.")
      }
    }
    for count in counts {
      let (a, b) = (count.observedAutocorrelation[0], count.simulatedAutocorrelation[0])
      if abs(a - b) > 0.2, count.windows >= 100 {
        words.append(
          String(
            format: "Counts of neighbouring windows of %@ are correlated by %.2f, simulated ones by %.2f.",
            span(count.window), a, b))
      }
    }
    return words
  }

  /// The distance *e* of the simulated from the observed; beside it *d*, that of what was held out from what the fit saw,
  /// and *s*, that of two simulations.
  private static func words(_ marginal: FitQuality.Marginal) -> String {
    let limit = marginal.unit == "s" ? intervalLimit : tokenLimit
    func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
    let (e, d) = (marginal.wasserstein, marginal.floorWasserstein)
    let s = marginal.samplingWasserstein ?? 0
    let name = marginal.name.prefix(1).uppercased() + marginal.name.dropFirst()
    let beside = [
      d.map { "the held-out telemetry lies \(percent($0)) from what the fit saw" },
      marginal.samplingWasserstein.map { "two simulations \(percent($0)) from each other" },
    ].compactMap { $0 }.joined(separator: ", ")
    let besides = beside.isEmpty ? "" : " (\(beside))"
    if e <= limit { return "\(name): reproduced; \(percent(e)) of the mean apart\(besides)." }
    if let d, e <= mostOfData * d {
      return
        "\(name): as near as the data allow; \(percent(e)) of the mean apart\(besides): the data changed between the two."
    }
    if e <= s {
      return
        "\(name): too few requests to tell; \(percent(e)) of the mean apart\(besides), which is no more than chance would give."
    }
    var cause = ""
    if abs(marginal.simulatedMean - marginal.observedMean) > 0.7 * e * marginal.observedMean {
      cause =
        marginal.simulatedMean > marginal.observedMean
        ? " Nearly all of that is a mean that is too high." : " Nearly all of that is a mean that is too low."
    } else if quantile(marginal, 0.99).map({ $0.simulated < 0.8 * $0.observed }) ?? false {
      cause = " Large values are too rare."
    } else if quantile(marginal, 0.99).map({ $0.simulated > 1.25 * $0.observed }) ?? false {
      cause = " Large values are too frequent."
    }
    return
      "\(name): not reproduced; \(percent(e)) of the mean apart, where \(percent(limit)) are allowed\(besides). The fit falls short, not the data.\(cause)"
  }

  /// `nil` where nothing failed, neither observed nor simulated.
  private static func words(_ failures: FitQuality.Failures) -> String? {
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
    return
      "Failures: \(isNear ? "reproduced" : "not reproduced"); \(percent(a)) of requests observed, \(percent(b)) simulated."
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
