import Datasets
import Foundation
import Planning
import ScenarioModel
import Simulation

/// What a plan leaves in its directory.
extension PlanCommand {
  /// With its checksum.
  static func encoded(_ result: PlanResult) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var sealed = result
    sealed.checksum = nil
    sealed.checksum = try JSONSeal.checksum(of: try encoder.encode(sealed))
    return try encoder.encode(sealed) + Data("\n".utf8)
  }

  /// plan.json, the replications as CSV, and runs of the variants that people will want to look at.
  func write(
    _ result: PlanResult, _ experiment: Experiment, _ variants: [Variant], _ texts: [String],
    to staged: StagedDirectory
  ) throws {
    try staged.write(try Self.encoded(result), as: "plan.json")
    let metrics = result.variants.first.map { $0.metrics.keys.sorted().compactMap(Metric.init) } ?? []
    // The name of a model may hold anything.
    let heads = metrics.map {
      $0.scope == .unstated ? $0.name : "\"\($0.name.replacing("\"", with: "\"\""))\""
    }
    var rows = ["variant,replication," + heads.joined(separator: ",")]
    for (index, variant) in variants.enumerated() {
      let name = SpreadsheetText.cell(variant.name)
      for (replication, record) in experiment.records(index).enumerated() {
        rows.append(
          "\(name),\(replication),"
            + metrics.map { $0.value(record).map { "\($0)" } ?? "" }.joined(separator: ","))
      }
    }
    try staged.write((rows.joined(separator: "\n") + "\n").utf8, as: "replications.csv")
    // Side by side on the dashboard: the base, the best, and some of the Pareto front.
    let best = result.choice?.best
    let front = result.variants.filter { $0.isOnParetoFront || $0.name == best }.map(\.name)
    let few = variants.count <= 6
    let shown = variants.indices.filter {
      few || $0 == 0 || variants[$0].name == best || front.prefix(6).contains(variants[$0].name)
    }
    for index in shown.prefix(8) {
      try writeRun(
        variants[index], text: texts[index], warmUp: experiment.warmUp,
        to: "runs/\(OutputName.file(variants[index].name))", in: staged)
    }
  }

  private func writeRun(
    _ variant: Variant, text: String, warmUp: Int64, to folder: String, in staged: StagedDirectory
  )
    throws
  {
    var scenario = variant.scenario
    scenario.name = variant.name
    scenario.warmUpMicroseconds = warmUp
    let directory = try RunDirectory(
      in: staged, folder: folder,
      manifest: Manifest(
        program: "workbench \(Workbench.programVersion)",
        scenario: .init(name: variant.name, text: text, overrides: variant.overrides), seed: scenario.seed,
        period: .init(from: scenario.from, to: scenario.to)))
    _ = try ScenarioRun(
      ScenarioSimulation(scenario, traces: variant.traces), maxPoints: 5000,
      threads: threads ?? ProcessInfo.processInfo.activeProcessorCount
    ).run(into: directory, formats: []) { _ in }
    try directory.finish()
  }
}
