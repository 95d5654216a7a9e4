import Datasets
import Foundation
import Planning
import Telemetry

/// A plan's result for people.
struct PlanText {
  private let result: PlanResult
  private let path: String
  private static let mostVariants = 30

  init(_ result: PlanResult, path: String) {
    self.result = result
    self.path = path
  }

  func text() -> String {
    let counts =
      "\(Figure.count(result.variants.count)) variant\(result.variants.count == 1 ? "" : "s"), \(Figure.count(result.totalReplications)) replication\(result.totalReplications == 1 ? "" : "s"), \(Figure.count(result.totalRequests)) requests"
    let how = result.isDeterministic == true ? "" : ", on common random numbers"
    var lines = ["\(Terminal.bold(result.scenario.shown)): \(counts)\(how); \(result.warmUp.text)"]
    lines += (PlanWords.cases(result) + PlanWords.chance(result)).map(\.shown)
    lines.append("")
    lines += table()
    let demand = PlanWords.demand(result).map(\.shown)
    if !demand.isEmpty { lines += [""] + demand }
    if var words = PlanWords.recommendation(result)?.map(\.shown) {
      words[0] = Terminal.bold(words[0])
      lines += [""] + words
    }
    if let sensitivity = result.sensitivity { lines += [""] + self.sensitivity(sensitivity) }
    lines += [
      "",
      "\(path.shown): plan.json, replications.csv, runs. Next: workbench report \(ShellText.quoted(path)) -o plan.html, workbench serve \(ShellText.quoted(path))",
    ]
    return lines.joined(separator: "\n")
  }

  private func table() -> [String] {
    let columns = PlanWords.columns(result)
    var shown = result.variants
    if shown.count > Self.mostVariants {
      // The base, the best and the Pareto front first.
      let best = result.choice?.best
      shown = Array(
        shown.enumerated().sorted { a, b in
          func rank(_ entry: (offset: Int, element: PlanResult.VariantResult)) -> Int {
            entry.offset == 0 ? 0 : entry.element.name == best ? 1 : entry.element.isOnParetoFront ? 2 : 3
          }
          return (rank(a), a.offset) < (rank(b), b.offset)
        }.map(\.element).prefix(Self.mostVariants))
    }
    var table = TextTable(["variant", "n"] + columns.map(\.name.shown))
    for variant in shown {
      var name = variant.title.shown
      if variant.name == result.choice?.best { name = "★ " + name }
      if variant.brokenLevel != nil { name += " ✗" }
      table.add(
        [name, String(variant.replications)]
          + columns.map { PlanWords.estimate(variant.metrics[$0.name], $0.unit) })
      for own in shown.count <= 12 ? variant.cases ?? [] : [] {
        table.add(
          ["  in case \(own.name.shown)", ""]
            + columns.map { PlanWords.estimate(own.metrics[$0.name], $0.unit) })
      }
      if variant.name != "base", shown.count <= 12 {
        table.add(
          [Terminal.outputIsTerminal ? "  Δ to the base" : "  difference from base", ""]
            + columns.map { PlanWords.estimate(variant.differences[$0.name], $0.unit, signed: true) })
      }
    }
    var lines = table.lines()
    if result.variants.count > shown.count {
      lines.append(Terminal.dim("… \(result.variants.count - shown.count) more in plan.json"))
    }
    return lines
  }

  private func sensitivity(_ sensitivity: PlanResult.Sensitivity) -> [String] {
    guard let metric = Metric(sensitivity.metric) else { return [] }
    var lines = [Terminal.bold("What moves \(sensitivity.metric.shown)")]
    let largest = sensitivity.influences.compactMap { $0.swing.map { abs($0.value) } }.max() ?? 0
    for influence in sensitivity.influences {
      let length = largest > 0 ? Int(abs(influence.swing?.value ?? 0) / largest * 24) : 0
      lines.append(
        "  \(String(repeating: "█", count: max(length, 1)).padding(toLength: 25, withPad: " ", startingAt: 0))\(influence.path) \(influence.low) … \(influence.high): \(PlanWords.estimate(influence.swing, metric.unit, signed: true))"
          .shown
      )
    }
    for index in sensitivity.sobol {
      lines.append(
        String(
          format: "  Sobol index %.2f ± %.2f  %@", index.index, 2 * index.standardError, index.path.shown))
    }
    return lines
  }
}
