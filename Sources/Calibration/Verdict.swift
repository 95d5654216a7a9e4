/// What the figures of a fit mean.
enum Verdict {
  /// Relative distances up to which a marginal is well met: tokens and times, intervals.
  static let tokenLimit = 0.05
  static let intervalLimit = 0.10
  /// Relative error of the index of dispersion: a fifth, or two standard errors of a variance where windows are few.
  static func dispersionLimit(windows: Int) -> Double {
    max(0.20, 2 * (2 / Double(max(windows - 1, 1))).squareRoot())
  }

  static func words(_ marginals: [FitQuality.Marginal], _ counts: [FitQuality.Counts]) -> [String] {
    var words: [String] = []
    for marginal in marginals {
      let limit = marginal.unit == "s" ? intervalLimit : tokenLimit
      let share = String(format: "%.1f %%", 100 * marginal.wasserstein)
      let name = marginal.name.prefix(1).uppercased() + marginal.name.dropFirst()
      if marginal.wasserstein <= limit {
        words.append("\(name): reproduced; the distributions lie \(share) of the mean apart.")
      } else {
        var cause = ""
        if let floor = marginal.floorWasserstein, floor > limit {
          cause = String(
            format:
              " The held-out part itself lies %.1f %% from what the fit saw: it changed, and no fit of the past could know.",
            100 * floor)
        } else if abs(marginal.simulatedMean - marginal.observedMean) > 0.7 * marginal.wasserstein
          * marginal.observedMean
        {
          cause =
            marginal.simulatedMean > marginal.observedMean
            ? " Nearly all of it is a mean that is too high." : " Nearly all of it is a mean that is too low."
        } else if quantile(marginal, 0.99).map({ $0.simulated < 0.8 * $0.observed }) ?? false {
          cause = " Large values are too rare."
        } else if quantile(marginal, 0.99).map({ $0.simulated > 1.25 * $0.observed }) ?? false {
          cause = " Large values are too frequent."
        }
        words.append(
          "\(name): not reproduced; \(share) of the mean apart (\(String(format: "%.0f", 100 * limit)) % are allowed).\(cause)"
        )
      }
    }
    var missing: [(from: Double, isLow: Bool)] = []
    for count in counts {
      let ratio = count.simulatedDispersion / count.observedDispersion
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
