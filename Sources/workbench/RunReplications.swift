import Datasets
import Documents
import Foundation
import Planning
import Runs
import ScenarioModel
import Telemetry

/// `run --replications`: the figures over several seeds, for the terminal or as JSON, and their runs where that is asked
/// for.
struct RunReplications {
  let path: String
  let overrides: [String]
  let result: SeedReplications

  private struct Document: Encodable {
    struct Metric: Encodable {
      var mean: Double
      var halfWidth: Double?
      var smallest: Double
      var largest: Double
      var unit: String
      /// Where demand is uncertain.
      var demandShare: Double?
      var nextPeriod: Estimate.Range?
    }
    var scenario: String
    var seeds: [UInt64]
    var confidence: Double
    var isDeterministic: Bool
    var requests: Int64
    var metrics: [String: Metric]
    var runs: [String]
  }

  /// - Parameter runs: directories that were written.
  func json(runs: [String]) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let metrics = result.rows.map { row in
      (
        row.metric,
        Document.Metric(
          mean: row.estimate.value, halfWidth: row.estimate.halfWidth, smallest: row.smallest,
          largest: row.largest, unit: row.unit, demandShare: row.estimate.demandShare,
          nextPeriod: row.estimate.nextPeriod)
      )
    }
    return try encoder.encode(
      Document(
        scenario: result.scenario.name, seeds: result.seeds, confidence: result.confidence,
        isDeterministic: result.isDeterministic, requests: result.requests,
        metrics: Dictionary(metrics, uniquingKeysWith: { first, _ in first }), runs: runs)) + Data("\n".utf8)
  }

  /// - Parameter directory: of the runs; `nil` if none were asked for.
  func text(directory: String?) -> String {
    let seeds = result.seeds
    var lines = [
      "\(Terminal.bold(result.scenario.name.shown)), \(seeds.count) replications (seeds \(seeds.first ?? 0) to \(seeds.last ?? 0)), \(Figure.count(result.requests)) requests"
    ]
    if result.isDeterministic { lines.append("Nothing is drawn at random: every seed gives the same.") }
    lines.append("")
    var table = TextTable(["figure", "mean", "± \(Figure.share(result.confidence))", "smallest", "largest"])
    for row in result.rows {
      func value(_ number: Double) -> String { PlanWords.value(number, row.isOfUnit) }
      table.add([
        row.metric.shown, value(row.estimate.value), row.estimate.halfWidth.map(value) ?? "–",
        value(row.smallest),
        value(row.largest),
      ])
    }
    lines += table.lines()
    if result.scenario.hasUncertainDemand {
      let figures = ["requests", "latency.mean", "latency.p95", "failureRate", "peakReplicas", "credits"]
      let rows = figures.compactMap { name in result.rows.first { $0.metric == name } }
      lines +=
        [""]
        + PlanWords.demand(
          of: result.scenario.name,
          rows.compactMap { row in Metric(row.metric).map { ($0, row.estimate) } },
          confidence: result.confidence
        ).map { HelpText.wrapped($0.shown, hanging: 2, columns: Terminal.tableColumns) }
    }
    if let directory {
      lines += [
        "",
        "\(directory.shown): a run for each seed. Next: workbench compare \(ShellText.quoted(directory)) OTHERS",
      ]
    }
    return lines.joined(separator: "\n")
  }

  /// Writes a run for each seed, as `run --seed` would, into one directory, which appears whole.
  /// - Parameter configure: the recorder of each run.
  /// - Returns: the runs' directories.
  func write(
    into directory: String, existing: StagedDirectory.Existing, sharing bundle: ScenarioBundle,
    recorder: RunRecorder, progress: @escaping @Sendable (Double) -> Void
  ) throws -> [String] {
    let staged = try StagedDirectory(directory, existing: existing)
    let count = Double(result.seeds.count)
    var runs: [String] = []
    for (index, seed) in result.seeds.enumerated() {
      let own = try ScenarioBundle(path, overrides: overrides + ["seed=\(seed)"], sharing: bundle)
      let run = try RunDirectory(
        in: staged, folder: "seed-\(seed)", manifest: own.manifest(program: Program.nameAndVersion))
      _ = try recorder.record(own.simulation(), into: run) { progress((Double(index) + $0) / count) }
      runs.append("\(directory)/seed-\(seed)")
    }
    try staged.finish()
    return runs
  }
}
