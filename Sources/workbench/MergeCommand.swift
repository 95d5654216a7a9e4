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
      results of tasks. Stored rollups are used; without them the requests are read. What is written is a directory \
      with the small tables and the rollups, bit for bit those of one run over all requests, in any order of the parts.

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
    let read = try parts.map { try Dataset($0) }
    let tables = try TelemetryTables(merging: read.map { ($0.path, $0.tables) })
    let ends = try read.map { try $0.end() }
    let end = ends.max() ?? Timestamp(microseconds: 0)
    let start = try read.map { try $0.start() }.min() ?? end
    var sources: [[any RollupSource]] = []
    for (index, data) in read.enumerated() {
      let stored = try data.tables.accounts.map { try data.rollups(of: $0.account) }
      if stored.allSatisfy({ $0 != nil }) {
        sources.append(stored.compactMap { $0 })
      } else {
        sources.append([try data.allRollups(end: ends[index])])
      }
      progress.show(Double(index + 1) / Double(read.count + 1))
    }
    let directory = try RunDirectory(
      output,
      manifest: Manifest(
        program: "workbench \(Workbench.programVersion)", scenario: nil, seed: nil,
        period: .init(from: start, to: end), source: "merge"))
    var requests: Int64 = 0
    for account in tables.accounts {
      let own = Set(tables.models.filter { $0.account == account.account }.map(\.modelID))
      let parts = sources.joined().filter { source in
        (source as? RollupArchive).map { $0.account == account.account } ?? true
      }
      try directory.store(Array(parts), of: account, models: tables.models, end: end)
      for part in parts {
        for (index, entry) in part.series.enumerated() where own.contains(entry.modelID) {
          let all = Timestamp(microseconds: .min)..<Timestamp(microseconds: .max)
          part.visit(index, in: all, byDay: true) { requests += $0.cell.requests }
        }
      }
    }
    try directory.writeSmallTables(tables)
    directory.count(tables, requests: requests)
    try directory.finish()
    progress.clear()
    if !quiet {
      Terminal.print(
        "\(output): rollups of \(Figure.count(requests)) requests. Next: workbench aggregate '\(output)'")
    }
  }
}
