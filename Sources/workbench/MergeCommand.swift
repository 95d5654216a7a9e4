import ArgumentParser
import Datasets
import Foundation
import Runs
import Telemetry

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Merges the rollups of shards into those of the whole.",
    discussion: """
      Shards are data sets of the same accounts and models with different requests: months, parts of a run, \
      the results of tasks. A request in two of them would count twice, so such shards are refused, as are \
      shards that contradict each other: simulations of the same time with different seeds, different \
      replicas or settings of a deployment. Times that no shard covers are listed. Stored rollups are used; \
      without them the requests are read. The output is a directory with the small tables and the rollups, \
      bit for bit those of one run over all requests, whatever the order of the shards. Models of imports \
      are identified by their names, those of runs by their numbers.

      Examples:
        workbench merge Outputs/january Outputs/february -o Outputs/winter
        workbench aggregate Outputs/winter --period 90d
      """)

  @Argument(help: "The shards.")
  var shards: [String]

  @Option(name: .shortAndLong, help: "The directory to write.")
  var output: String

  @Flag(help: "Replaces what an earlier command wrote there.")
  var replace = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func run() throws {
    guard shards.count >= 2 else {
      throw ValidationError("there is nothing to merge: name two shards or more.")
    }
    let progress = ProgressBar("Merging", quiet: quiet)
    try checkPaths()
    if !replace { try OutputTarget.requireFree(output) }  // Said before the work.
    let merged = try MergedShards(
      try shards.map { try Dataset($0) },
      late: { shard, requests in
        Terminal.diagnose(
          "workbench: \(shard.path): \(Figure.count(requests)) \(requests == 1 ? "request arrives after its period's end and is" : "requests arrive after its period's end and are") left out"
        )
      }, progress: { progress.show($0) })
    let directory = try RunDirectory(
      output,
      manifest: Manifest(
        program: Program.nameAndVersion, scenario: nil, seed: nil,
        period: .init(from: merged.period.lowerBound, to: merged.period.upperBound),
        source: Manifest.mergeSource), existing: OutputTarget.existing(replace: replace))
    if !merged.gaps.isEmpty {
      directory.manifest.gaps = merged.gaps.map { .init(from: $0.lowerBound, to: $0.upperBound) }
    }
    let run = try RunRecorder().record(merged, into: directory)
    progress.clear()
    if quiet { return }
    for gap in merged.gaps.prefix(5) {
      Terminal.diagnose(
        "workbench: no shard covers \(gap.lowerBound.rfc3339) to \(gap.upperBound.rfc3339): it has no requests, and replicas are charged as they were before it"
      )
    }
    if merged.gaps.count > 5 {
      Terminal.diagnose(
        "workbench: nor \(merged.gaps.count - 5) more times, which manifest.json lists as gaps")
    }
    if !merged.leftOut.isEmpty {
      Terminal.diagnose(
        "workbench: \(merged.leftOut.joined(separator: ", ")) of the shards are not copied: a merge has tables, rollups and the dashboards that they give"
      )
    }
    Terminal.print(
      "\(output.shown): rollups of \(Figure.count(run.requests)) requests. Next: workbench aggregate \(ShellText.quoted(output))"
    )
  }

  /// - Throws: `DatasetError` if a shard is named twice, even by different paths.
  private func checkPaths() throws {
    var seen: [String: String] = [:]
    for shard in shards {
      let place =
        PostgreSQLLocation(shard) == nil
        ? URL(fileURLWithPath: shard).resolvingSymlinksInPath().standardizedFileURL.path : shard
      if let other = seen.updateValue(shard, forKey: place) {
        throw DatasetError(
          shard,
          "it is the same shard as \(other); its requests would count twice. Name each shard once.")
      }
    }
  }
}
