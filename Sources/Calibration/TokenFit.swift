import Foundation
import Sampling
import Telemetry

/// Token counts of requests, and how they go together.
package struct TokenFit: Sendable {
  package private(set) var input: DistributionFit
  package private(set) var output: DistributionFit
  /// Of the normal scores; 0 where it cannot be told from it.
  package private(set) var correlation = ParameterEstimate(name: "correlation", value: 0)
  /// Of the normal scores of a request's counts with those of the request before; 0 where it cannot be told from it.
  package private(set) var serial = (input: 0.0, output: 0.0)
  /// Whether families describe both counts, and none of them was left out.
  package private(set) var areOfFamilies = true
  package private(set) var hasOutliers = false
  /// Which counts no family describes, in words.
  package private(set) var lacks: [String] = []
  package private(set) var notes: [String] = []

  /// So many outliers are no errors.
  private static let leastOfManyOutliers = 10
  /// Serial correlations below this hardly matter.
  private static let leastSerial = 0.1

  /// - Returns: `nil` without any request.
  package init?(_ observations: Observations, spans: [Range<Int64>]) {
    // What a request that failed would have been answered with is not known.
    let hasSuccess = spans.contains { span in
      observations.rows(in: span).contains { observations.outcome[$0] == RequestOutcome.success }
    }
    func isAnswered(_ row: Int) -> Bool {
      !hasSuccess || observations.outcome[row] == RequestOutcome.success
    }
    // No request has an empty input: if others have input tokens, those without any did not report them.
    let isTold = spans.contains { span in observations.rows(in: span).contains { observations.input[$0] > 0 }
    }
    // Where no request states them, all of them are alike, 0.
    let stated = [RequestMeasure.inputTokens, .outputTokens].filter { measure in
      spans.contains { span in observations.rows(in: span).contains { observations.isKnown(measure, $0) } }
    }
    func isUnknown(_ row: Int, _ measure: RequestMeasure) -> Bool {
      if stated.contains(measure), !observations.isKnown(measure, row) { return true }
      return isTold && observations.input[row] == 0
        && (observations.isForeign || observations.outcome[row] != RequestOutcome.success)
    }
    func column(_ values: [Int32], _ name: String) -> (
      fit: DistributionFit, notes: [String], lack: String?, hasOutliers: Bool
    )? {
      var sample = GroupedSample(isWhole: true)
      var halves = (GroupedSample(isWhole: true), GroupedSample(isWhole: true))
      var hasOutliers = false
      let isOutput = name == "output"
      var unknown = 0
      for span in spans {
        for row in observations.rows(in: span) where !isOutput || isAnswered(row) {
          if isUnknown(row, isOutput ? .outputTokens : .inputTokens) {
            unknown += 1
          } else {
            sample.add(Double(values[row]))
            if Int(sample.count) % 2 == 0 {
              halves.0.add(Double(values[row]))
            } else {
              halves.1.add(Double(values[row]))
            }
          }
        }
      }
      guard sample.count > 0 else { return nil }
      var notes: [String] = []
      if unknown > 0 {
        notes.append(
          "\(unknown) requests do not state their tokens: left out of the \(name) tokens."
        )
      }
      if let limit = Outliers.limit(sample), sample.largest > limit {
        var inside = GroupedSample(isWhole: true)
        var outside: [Double] = []
        for cell in sample.cells {
          if cell.mean > limit {
            outside.append(contentsOf: repeatElement(cell.mean, count: Int(cell.count)))
          } else {
            inside.add(cell.mean, count: cell.count)
          }
        }
        // Some are errors; many, of which much of the mean consists, are requests like others.
        let share = outside.reduce(0, +) / max(sample.mean * sample.count, 1)
        if outside.count >= Self.leastOfManyOutliers, share > 0.01,
          let quantiles = SampleQuantiles.fit(sample)
        {
          notes.append(
            "\(Figure.count(outside.count, "request")) with \(name) tokens of \(Outliers.list(outside)) lie far beyond the others, which have at most \(Int(inside.largest)), and hold \(String(format: "%.0f", 100 * share)) % of all: kept, so the scenario has the sample's quantiles."
          )
          return (quantiles, notes, "", false)
        }
        sample = inside
        hasOutliers = true
        notes.append(
          "Outliers, left out: \(Figure.count(outside.count, "request")) with \(name) tokens of \(Outliers.list(outside)); the others have at most \(Int(inside.largest))."
        )
      }
      let zeros = sample.cells.first.map { $0.mean == 0 ? $0.count : 0 } ?? 0
      if zeros > 0 {
        notes.append(
          "\(Figure.count(Int(zeros), "request")) \(zeros == 1 ? "has" : "have") no \(name) tokens; they count as below one half (left-censored)."
        )
      }
      if sample.smallest == sample.largest {
        notes.append(
          sample.smallest == 0
            ? "No request has \(name) tokens, or their number is unknown: 0 is assumed."
            : "All requests have \(Int(sample.smallest)) \(name) tokens: a constant.")
      }
      guard let best = MaximumLikelihood.best(sample, histogram: sample.count >= 160) else { return nil }
      if sample.count < 100 {
        notes.append(
          "\(Int(sample.count)) requests: the shape of \(name) tokens is uncertain. Telling families apart needs 100, a histogram 1,000."
        )
      }
      if let quantiles = SampleQuantiles.instead(of: best, sample, halves: halves) {
        let lack =
          "No family describes the \(name) tokens as well as the data themselves do (the best: \(best.name)); the scenario has the sample's quantiles."
        return (quantiles, notes, lack, hasOutliers)
      }
      return (best, notes, nil, hasOutliers)
    }
    guard let first = column(observations.input, "input"), let second = column(observations.output, "output")
    else {
      return nil
    }
    input = first.fit
    output = second.fit
    notes = first.notes + second.notes
    areOfFamilies = first.lack == nil && second.lack == nil
    lacks = [first.lack, second.lack].compactMap { $0 }.filter { !$0.isEmpty }
    hasOutliers = first.hasOutliers || second.hasOutliers
    func ownSerial(_ values: [Int32], isOutput: Bool) -> Double {
      var (before, after): ([Double], [Double]) = ([], [])
      for span in spans {
        var last: Int32?
        for row in observations.rows(in: span) where before.count < 200_000 {
          let isKnown =
            !isUnknown(row, isOutput ? .outputTokens : .inputTokens) && (!isOutput || isAnswered(row))
          if let last, isKnown {
            before.append(Double(last))
            after.append(Double(values[row]))
          }
          last = isKnown ? values[row] : nil
        }
      }
      guard before.count >= 100 else { return 0 }
      let value = SampleDistance.normalScoreCorrelation(before, after)
      let score = atanh(min(max(value, -0.999_999), 0.999_999))
      let isShown = score * score * Double(before.count - 3) > log(Double(before.count))
      return isShown && abs(value) >= Self.leastSerial ? value : 0
    }
    serial = (ownSerial(observations.input, isOutput: false), ownSerial(observations.output, isOutput: true))
    let chosen = observations.rows(in: spans, most: 200_000).filter {
      isAnswered($0) && !isUnknown($0, .inputTokens) && !isUnknown($0, .outputTokens)
    }
    if chosen.count >= 30, input.name != "constant", output.name != "constant" {
      let value = SampleDistance.normalScoreCorrelation(
        chosen.map { Double(observations.input[$0]) }, chosen.map { Double(observations.output[$0]) })
      // Source: Fisher (1915), Biometrika 10: the transformed correlation is nearly normal with variance 1/(n − 3).
      let half = 1.959_964 / Double(chosen.count - 3).squareRoot()
      let score = atanh(min(max(value, -0.999_999), 0.999_999))
      // Schwarz' criterion against no correlation at all.
      if score * score * Double(chosen.count - 3) > log(Double(chosen.count)) {
        correlation = .init(
          name: "correlation", value: min(max(value, -1), 1),
          interval: [tanh(score - half), tanh(score + half)])
      }
    }
  }
}

/// What lies so far out that no distribution of the bulk would explain it.
enum Outliers {
  /// The value beyond which one is an outlier: on a logarithmic scale, three times as far from the median as the
  /// 99.9th percentile (of small samples, as the fifth largest). Normal logarithms reach it once in 10²⁰ values.
  static func limit(_ sample: GroupedSample) -> Double? {
    guard sample.count >= 50, sample.largest > 0 else { return nil }
    let cells = sample.cells
    func quantile(_ share: Double) -> Double {
      var running = 0.0
      for cell in cells {
        running += cell.count
        if running >= share * sample.count { return cell.mean }
      }
      return sample.largest
    }
    let middle = max(quantile(0.5), 0.5)
    let high = max(quantile(1 - max(1e-3, 5 / sample.count)), middle * 1.2)
    let limit = log(high) + 2 * (log(high) - log(middle))
    return exp(limit)
  }

  static func list(_ values: [Double]) -> String {
    let shown = values.sorted(by: >).prefix(3).map { String(format: "%.6g", $0) }.joined(separator: ", ")
    return values.count > 3 ? shown + ", …" : shown
  }
}
