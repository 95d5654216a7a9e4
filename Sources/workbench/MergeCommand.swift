import Aggregation
import ArgumentParser
import Datasets
import Foundation
import Telemetry

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Rollups of parts into the rollups of the whole.",
    discussion: """
      The parts are data sets of the same accounts and models whose requests are different ones: months, shards, the \
      results of tasks. A request that is in two of them would count twice, so such parts are refused. Stored rollups \
      are used; without them the requests are read. What is written is a directory with the small tables and the \
      rollups, bit for bit those of one run over all requests, in any order of the parts. Models of imports are \
      known by their names; of runs, by their numbers.

      Examples:
        workbench merge Outputs/january Outputs/february -o Outputs/winter
        workbench aggregate Outputs/winter --period 90d
      """)

  @Argument(help: "The parts.")
  var parts: [String]

  @Option(name: .shortAndLong, help: "The directory to write.")
  var output: String

  @Flag(name: .shortAndLong, help: "No progress, no summary.")
  var quiet = false

  func run() throws {
    guard parts.count >= 2 else {
      throw ValidationError("there is nothing to merge: name two parts or more.")
    }
    let progress = ProgressBar("Merging", quiet: quiet)
    try checkPaths()
    let read = try parts.map { try Dataset($0) }
    let (tables, numbers) = try TelemetryTables.merged(read)
    let ends = try read.map { try $0.end() }
    let end = ends.max() ?? Timestamp(microseconds: 0)
    let start = try read.map { try $0.start() }.min() ?? end
    var sources: [[any RollupSource]] = []
    for (index, data) in read.enumerated() {
      sources.append(
        try rollups(of: data, end: ends[index]).map {
          numbers[index].isEmpty ? $0 : RenumberedRollups($0, numbers: numbers[index])
        })
      progress.show(Double(index + 1) / Double(read.count + 1))
    }
    if let twice = try RollupOverlap.find(sources) {
      let model =
        tables.models.first { $0.modelID == twice.series.modelID }?.name ?? "\(twice.series.modelID)"
      throw DatasetError(
        parts[twice.parts.1],
        "it has requests that \(parts[twice.parts.0]) has too, one of model \(model) at \(twice.at.rfc3339); they would count twice. Leave one of the two out, or cut them so that each request is in one part."
      )
    }
    let directory = try RunDirectory(
      output,
      manifest: Manifest(
        program: "workbench \(Workbench.programVersion)", scenario: nil, seed: nil,
        period: .init(from: start, to: end), source: "merge"))
    var requests: Int64 = 0
    for account in tables.accounts {
      let own = Set(tables.models.filter { $0.account == account.account }.map(\.modelID))
      // Stored ones of other accounts would bring their reasons for failures.
      let parts = sources.joined().filter { source in
        let owner = (source as? RollupArchive)?.account ?? (source as? RenumberedRollups)?.account
        return owner == nil || owner == account.account
      }
      try directory.store(Array(parts), of: account, models: tables.models, end: end)
      for part in parts {
        for (index, entry) in part.series.enumerated() where own.contains(entry.modelID) {
          let all = Timestamp(microseconds: .min)..<Timestamp(microseconds: .max)
          try part.visit(index, in: all, byDay: true) { requests += $0.cell.requests }
        }
      }
    }
    try directory.writeSmallTables(tables)
    directory.count(tables, requests: requests)
    try directory.finish()
    progress.clear()
    tell(read)
    if !quiet {
      Terminal.print(
        "\(output): rollups of \(Figure.count(requests)) requests. Next: workbench aggregate '\(output)'")
    }
  }

  /// - Throws: `DatasetError` if a part is named twice, by whatever path.
  private func checkPaths() throws {
    var seen: [String: String] = [:]
    for part in parts {
      let place =
        PostgreSQLLocation(part) == nil
        ? URL(fileURLWithPath: part).resolvingSymlinksInPath().standardizedFileURL.path : part
      if let other = seen.updateValue(part, forKey: place) {
        throw DatasetError(
          part,
          "it is the same part as \(other); its requests would count twice. Name each part once.")
      }
    }
  }

  /// Stored rollups of each account, or those of the requests.
  private func rollups(of data: Dataset, end: Timestamp) throws -> [any RollupSource] {
    let stored = try data.tables.accounts.map { try data.rollups(of: $0.account) }
    if stored.allSatisfy({ $0 != nil }) { return stored.compactMap { $0 } }
    let (rollups, leftOut) = try data.allRollups(end: end)
    if leftOut > 0 {
      Terminal.diagnose(
        "workbench: \(data.path): \(Figure.count(leftOut)) requests arrive after its period's end and are left out"
      )
    }
    return [rollups]
  }

  /// Says what the parts have and the whole has not.
  private func tell(_ parts: [Dataset]) {
    var left: [String] = []
    if parts.contains(where: \.hasRequests) { left.append("requests") }
    if parts.contains(where: { $0.manifest?.files.keys.contains { $0.hasPrefix("dashboard/") } ?? false }) {
      left.append("dashboards")
    }
    if parts.contains(where: { $0.manifest?.scenario != nil }) { left.append("scenarios") }
    if !left.isEmpty, !quiet {
      Terminal.diagnose(
        "workbench: \(left.joined(separator: ", ")) of the parts are not carried over: a merge has tables and rollups"
      )
    }
  }
}
