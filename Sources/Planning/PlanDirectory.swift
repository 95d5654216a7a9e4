import Datasets
import Documents
import Foundation
import Runs
import Telemetry

/// A finished plan on the disk: plan.json, the replications as CSV, and runs of the variants that people will want to
/// look at.
package struct PlanDirectory: Sendable {
  private let path: String
  /// plan.json.
  package let data: Data
  package let result: PlanResult

  package static func isOne(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path + "/plan.json")
  }

  /// - Throws: `DatasetError`, `NotFoundError`.
  package init(_ path: String) throws {
    self.path = path
    data = try ContainedPath("plan.json", in: path).contents()
    do {
      result = try JSONDecoder().decode(PlanResult.self, from: data)
    } catch {
      throw DatasetError(path + "/plan.json", "this is not a plan of this program. Run the plan again.")
    }
    guard result.plan == 1 else {
      throw DatasetError(
        path + "/plan.json",
        "the plan has format \(result.plan); this program reads 1. Use the program that wrote it: \(result.program)."
      )
    }
    if let checksum = result.checksum, !JSONSeal.holds(checksum, for: data) {
      throw DatasetError(
        path + "/plan.json",
        "the plan has changed since it was written: its checksum does not match. Run the plan again.")
    }
  }

  /// Runs of its variants, the base first, then in the order of the plan.
  /// - Parameter unreadable: is told the name of a run that is gone, has changed or cannot be read, and why.
  /// - Throws: `DatasetError`, if the directory cannot be listed; what `unreadable` throws, by default the reason.
  package func runs(unreadable: (_ name: String, any Error) throws -> Void = { throw $1 }) throws -> [String]
  {
    var files: [String: [(name: String, digest: String)]] = [:]
    for (name, digest) in (result.files ?? [:]).sorted(by: { $0.key < $1.key }) {
      let parts = name.split(separator: "/", maxSplits: 2)
      guard parts.count == 3, parts[0] == "runs" else { continue }
      files[String(parts[1]), default: []].append((name, digest))
    }
    // A plan without runs is served by its page.
    let folders = Set(try ContainedPath.folders(in: path + "/runs")).union(files.keys)
    let names = result.variants.flatMap { variant in
      result.cases.map { $0.map { Self.caseName(variant.name, $0.name) } } ?? [variant.name]
    }
    let order = Dictionary(
      names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var runs: [(place: Int, path: String)] = []
    for name in folders.sorted() {
      let run = "\(path)/runs/\(name)"
      do {
        for file in files[name] ?? []
        where try ContainedPath(file.name, in: path).digest().sha256 != file.digest {
          throw DatasetError(
            "\(path)/\(file.name)", "the file has changed since the plan was made. Run the plan again.")
        }
        let scenario = try Manifest(contentsOf: run + "/manifest.json").scenario
        runs.append((scenario.flatMap { order[$0.name] } ?? .max, run))
      } catch {
        try unreadable(name, error)
      }
    }
    return runs.sorted { $0 < $1 }.map(\.path)
  }

  /// plan.json, with its checksum.
  package static func encoded(_ result: PlanResult) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var sealed = result
    sealed.checksum = nil
    sealed.checksum = try JSONSeal.checksum(of: try encoder.encode(sealed))
    return try encoder.encode(sealed) + Data("\n".utf8)
  }

  /// Writes a plan into a directory in the making.
  /// - Parameters:
  ///   - texts: of the variants' scenarios, as simulated.
  ///   - threads: for the runs, at least 1.
  static func write(
    _ result: PlanResult, _ experiment: Experiment, texts: [String], threads: Int, to staged: StagedDirectory
  ) throws {
    let cells = experiment.variants
    let cases = result.cases ?? [.only]
    let metrics = result.variants.first.map { $0.metrics.keys.sorted().compactMap(Metric.init) } ?? []
    let heads = metrics.map { $0.scope == .unstated ? $0.name : SpreadsheetText.cell($0.name) }
    let hasCases = cases.count > 1
    var rows = ["variant,\(hasCases ? "case," : "")replication," + heads.joined(separator: ",")]
    for (index, variant) in cells.enumerated() {
      var name = SpreadsheetText.cell(variant.name)
      if hasCases { name += "," + SpreadsheetText.cell(cases[index % cases.count].name) }
      for (replication, record) in experiment.records(index).enumerated() {
        rows.append(
          "\(name),\(replication),"
            + metrics.map { $0.value(record).map { "\($0)" } ?? "" }.joined(separator: ","))
      }
    }
    var files = ["replications.csv"]
    try staged.write((rows.joined(separator: "\n") + "\n").utf8, as: files[0])
    // Side by side on the dashboard: the base, the best, and some of the Pareto front.
    let best = result.choice?.best
    let front = result.variants.filter { $0.isOnParetoFront || $0.name == best }.map(\.name)
    let few = cells.count <= 6
    let shown = cells.indices.filter {
      let name = cells[$0].name
      return few || $0 < cases.count || name == best || !hasCases && front.prefix(6).contains(name)
    }
    for index in shown.prefix(8) {
      let name = hasCases ? caseName(cells[index].name, cases[index % cases.count].name) : cells[index].name
      let folder = "runs/\(OutputName.file(name))"
      try record(
        cells[index], as: name, text: texts[index], experiment.warmUp, threads: threads, to: folder,
        in: staged)
      files.append("\(folder)/manifest.json")
    }
    // Last, since it vouches for the others.
    var sealed = result
    sealed.files = try Dictionary(
      uniqueKeysWithValues: files.map { ($0, try ContainedPath($0, in: staged.path).digest().sha256) })
    try staged.write(try encoded(sealed), as: "plan.json")
  }

  /// Of a run.
  private static func caseName(_ variant: String, _ name: String) -> String { "\(variant), case \(name)" }

  private static func record(
    _ variant: Variant, as name: String, text: String, _ warmUp: Int64, threads: Int, to folder: String,
    in staged: StagedDirectory
  ) throws {
    var scenario = variant.scenario
    scenario.name = name
    scenario.warmUpMicroseconds = warmUp
    // As run: again, the text gives the same run.
    let text =
      warmUp == variant.scenario.warmUpMicroseconds
      ? text : try Overrides.add("warmUp=\(warmUp)us", to: text, path: name)
    let directory = try RunDirectory(
      in: staged, folder: folder,
      manifest: Manifest(
        program: Program.nameAndVersion,
        scenario: .init(name: name, text: text, overrides: Overrides.noted(in: text)),
        seed: scenario.seed,
        period: .init(from: scenario.from, to: scenario.to)))
    var recorder = RunRecorder()
    recorder.threads = threads
    _ = try recorder.record(variant.simulation(of: scenario), into: directory)
  }
}
