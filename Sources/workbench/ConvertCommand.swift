import Aggregation
import ArgumentParser
import Datasets
import Foundation
import Telemetry

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Copies a data set into another format, losing nothing.",
    discussion: """
      FROM and TO are each a directory, a SQLite file (TO ends in .sqlite or .db), or a PostgreSQL address \
      (postgres://USER@HOST/DATABASE?schema=NAME). A directory is written in --format, with rollups, so that \
      "workbench aggregate" answers at once. Nothing is ever overwritten; PostgreSQL is loaded in one transaction.

      Examples:
        workbench convert Outputs/week week.sqlite
        workbench convert Outputs/week Outputs/week-parquet --format parquet
        workbench convert Outputs/week 'postgres://qa@localhost/qa?schema=week'
        workbench convert week.sqlite Outputs/back --format csv.zst
      """)

  @Argument(help: "The data set to read.")
  var from: String

  @Argument(help: "The data set to write.")
  var to: String

  @Option(help: "Of a directory: \(DatasetFormat.all.map(\.description).joined(separator: ", ")).")
  var format = "csv"

  @Flag(name: .shortAndLong, help: "No progress, no summary.")
  var quiet = false

  func validate() throws {
    guard DatasetFormat(format) != nil else {
      throw ValidationError(
        "unknown format \"\(format)\". Known are \(DatasetFormat.all.map(\.description).joined(separator: ", "))."
      )
    }
  }

  func run() throws {
    let data = try Dataset(from)
    let reader = try data.requests()
    let progress = ProgressBar("Converting", quiet: quiet)
    var manifest = data.manifest
    // Of the source's own files.
    manifest?.files = [:]
    manifest?.rollups = nil
    manifest?.contents = nil
    let dashboards = data.manifest?.files.keys.count { $0.hasPrefix("dashboard/") } ?? 0
    if let writer = try DatasetTarget.writer(to, series: data.series, reasons: reader.reasons) {
      try reader.read(into: writer) { progress.show($0) }
      try writer.write(data.tables)
      try writer.finish(manifest)
    } else {
      try writeDirectory(data, reader, manifest, progress)
    }
    progress.clear()
    if dashboards > 0, !quiet {
      Terminal.diagnose(
        "workbench: \(dashboards) dashboards are not carried over: workbench aggregate gives them")
    }
    if !quiet {
      Terminal.print("\(to): \(Figure.count(reader.rows)) requests. Next: workbench aggregate '\(to)'")
    }
  }

  private func writeDirectory(
    _ data: Dataset, _ reader: RequestReader, _ manifest: Manifest?, _ progress: ProgressBar
  ) throws {
    let end = try data.end()
    let directory = try RunDirectory(
      to,
      manifest: manifest
        ?? Manifest(
          program: "workbench \(Workbench.programVersion)", scenario: nil, seed: nil,
          period: .init(from: try data.start(), to: end), source: from))
    let rollups = RequestRollups(series: data.series, now: end)
    let writer = try directory.writer(
      DatasetFormat(format) ?? DatasetFormat(.csv), series: data.series, reasons: reader.reasons)
    try reader.read(into: FanOut([writer, rollups])) { progress.show($0) }
    rollups.reasons = reader.reasons.names
    try rollups.finish()
    let late = reader.rows - rollups.totalRequests
    if late > 0 {
      progress.clear()
      Terminal.diagnose(
        "workbench: \(Figure.count(late)) requests arrive after the period's end: they are in the tables, not in the rollups"
      )
    }
    try writer.write(data.tables)
    directory.count(data.tables, requests: reader.rows)
    for account in data.tables.accounts {
      try directory.store([rollups], of: account, models: data.tables.models, end: end)
    }
    if let text = manifest?.scenario?.text { try directory.write(text.utf8, as: "scenario.yaml") }
    try writer.finish(directory.manifest)
    try directory.finish()
  }
}
