import Foundation
import Telemetry

/// A data set in the telemetry schema on the disk: a run directory, or a directory with the tables' files.
package struct Dataset {
  package let path: String
  package let tables: TelemetryTables
  package let series: [Series]
  package let manifest: Manifest?
  private let directory: String
  package let format: DatasetFormat

  /// Reads all tables but the requests.
  /// - Throws: `NotFoundError`, `DatasetError`.
  package init(_ path: String) throws {
    self.path = path
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw NotFoundError(path, "there is no such data set.")
    }
    guard isDirectory.boolValue else {
      throw DatasetError(
        path,
        "a data set is a directory with the telemetry tables (requests.csv, models.csv, …). Give that directory."
      )
    }
    let manifestPath = path + "/manifest.json"
    let manifest =
      FileManager.default.fileExists(atPath: manifestPath) ? try Manifest(contentsOf: manifestPath) : nil
    self.manifest = manifest
    let nested = path + "/telemetry"
    let directory = FileManager.default.fileExists(atPath: nested) ? nested : path
    self.directory = directory
    guard
      let format = DatasetFormat.all.first(where: {
        FileManager.default.fileExists(atPath: "\(directory)/requests.\($0)")
      })
    else {
      let endings = DatasetFormat.all.map(\.description).joined(separator: ", ")
      throw NotFoundError(
        directory,
        "there is no requests table (requests.ENDING, with one of \(endings)). Was the run made with --formats none? Run it again with --formats csv."
      )
    }
    self.format = format
    func read<Record: TableRecord>() throws -> [Record] {
      try TableReader.records("\(directory)/\(Record.schema.name).\(format)", format.layout)
    }
    var tables = TelemetryTables()
    tables.accounts = try read()
    tables.hardware = try read()
    tables.models = try read()
    tables.deployments = try read()
    tables.replicas = try read()
    tables.fineTuningJobs = try read()
    tables.incidents = try read()
    try Self.check(tables, directory)
    self.tables = tables
    var series: [Series] = []
    var seen: Set<Series> = []
    for model in tables.models {
      let versions = tables.deployments.filter { $0.modelID == model.modelID }.map(\.version)
      for version in versions + [""] {
        let entry = Series(modelID: model.modelID, version: version)
        if seen.insert(entry).inserted { series.append(entry) }
      }
    }
    self.series = series
  }

  /// What one table says of another must be there.
  private static func check(_ tables: TelemetryTables, _ directory: String) throws {
    let accounts = Set(tables.accounts.map(\.account))
    if accounts.count != tables.accounts.count {
      throw DatasetError("\(directory)/accounts", "an account is listed twice. Keep one row for each.")
    }
    let models = Set(tables.models.map(\.modelID))
    if models.count != tables.models.count {
      throw DatasetError(
        "\(directory)/models", "a model_id is listed twice. It must be unique in the data set.")
    }
    if let stray = tables.models.first(where: { !accounts.contains($0.account) }) {
      throw DatasetError(
        "\(directory)/models",
        "model_id \(stray.modelID) belongs to account \"\(stray.account)\", which is not in the accounts table. Add it there."
      )
    }
    let named =
      tables.deployments.map(\.modelID) + tables.replicas.map(\.modelID)
      + tables.fineTuningJobs.map(\.modelID)
    if let stray = named.first(where: { !models.contains($0) }) {
      throw DatasetError(directory, "model_id \(stray) is used but is not in the models table. Add it there.")
    }
    if zip(tables.replicas, tables.replicas.dropFirst()).contains(where: { $0.at > $1.at }) {
      throw DatasetError("\(directory)/replicas", "the rows are not in order of time. Sort them by at.")
    }
  }

  package var requestsPath: String { "\(directory)/requests.\(format)" }

  /// A reader of the requests, in the data set's series.
  package func requests() throws -> RequestReader {
    try RequestReader(requestsPath, format: format, series: series)
  }

  /// The end of the simulated period; of other data, just after its last moment.
  package func end() throws -> Timestamp {
    if let text = manifest?.period.to {
      var parser = TimestampParser()
      guard let moment = parser.parse(text) else {
        throw DatasetError(
          path + "/manifest.json", "period.to \"\(text)\" is not a moment. Run the scenario again.")
      }
      return moment
    }
    let last = LastArrival()
    try requests().read(into: last)
    let moments = [last.moment] + [tables.replicas.last?.at.microseconds ?? .min]
    guard let end = moments.max(), end > .min else {
      throw DatasetError(path, "the data set has no requests and no replicas. Say --now.")
    }
    return Timestamp(microseconds: end + 1)
  }

  private final class LastArrival: TelemetrySink {
    var moment = Int64.min
    func receive(_ requests: RequestColumns) {
      for row in 0..<requests.count { moment = max(moment, requests.arrivedAt[row]) }
    }
  }
}
