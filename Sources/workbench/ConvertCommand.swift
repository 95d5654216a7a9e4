import ArgumentParser
import Datasets
import Foundation
import Runs
import Telemetry

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Copies a data set into another format, losing nothing.",
    discussion: """
      FROM and TO are each a directory, a SQLite file (TO ends in .sqlite or .db), or a PostgreSQL address \
      (postgres://USER@HOST/DATABASE?schema=NAME). A directory is written in --format, with rollups, so that \
      "workbench aggregate" is fast. Nothing is overwritten without --replace; PostgreSQL is loaded in one transaction.

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

  @Flag(help: "Replaces what an earlier command wrote there.")
  var replace = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func validate() throws {
    _ = try DatasetFormat.named(format)
    if replace, PostgreSQLLocation(to) != nil {
      throw ValidationError(
        "--replace is for directories and files: a schema of a database is not replaced. Name another schema, or drop this one."
      )
    }
  }

  func run() throws {
    let source = try DatasetSource(try Dataset(from))
    let progress = ProgressBar("Converting", quiet: quiet)
    var manifest = source.dataset.manifest
    // Of the source's own files.
    manifest?.files = [:]
    manifest?.rollups = nil
    manifest?.contents = nil
    let sent: SentTelemetry
    if let writer = try DatasetTarget.writer(to, RequestTable(source), replace: replace) {
      sent = try source.send(to: TelemetrySinks(partitions: [], merged: writer), threads: 1) {
        progress.show($0)
      }
      try writer.write(sent.tables)
      try writer.finish(manifest)
      if !quiet, source.dataset.hasDashboards {
        progress.clear()
        Terminal.diagnose(
          "workbench: dashboards are not copied into a database: workbench aggregate gives them")
      }
    } else {
      sent = try writeDirectory(source, manifest, progress)
    }
    progress.clear()
    if !quiet {
      Terminal.print(
        "\(to.shown): \(Figure.count(sent.requests ?? 0)) requests. Next: workbench aggregate \(ShellText.quoted(to))"
      )
    }
  }

  private func writeDirectory(
    _ source: DatasetSource, _ manifest: Manifest?, _ progress: ProgressBar
  ) throws -> SentTelemetry {
    if !replace { try OutputTarget.requireFree(to) }
    let directory = try RunDirectory(
      to,
      manifest: manifest
        ?? Manifest(
          program: Program.nameAndVersion, scenario: nil, seed: nil,
          period: .init(from: source.period.lowerBound, to: source.period.upperBound),
          source: from.withoutPasswords), existing: OutputTarget.existing(replace: replace))
    var recorder = RunRecorder()
    recorder.formats = [DatasetFormat(format) ?? DatasetFormat(.csv)]
    let run = try recorder.record(source, into: directory) { progress.show($0) }
    let late = run.requests - run.counted
    if late > 0 {
      progress.clear()
      Terminal.diagnose(
        "workbench: \(Figure.count(late)) \(late == 1 ? "request arrives after the period's end: it is" : "requests arrive after the period's end: they are") in the tables, not in the rollups"
      )
    }
    return SentTelemetry(tables: run.tables, requests: run.requests)
  }
}
