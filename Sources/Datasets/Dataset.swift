import Aggregation
import Foundation
import Telemetry

/// A data set in the telemetry schema: a run directory, a directory with the tables' files, a SQLite file, or a schema
/// of a PostgreSQL database.
package struct Dataset: Sendable {
  package let path: String
  package let location: DatasetLocation
  package let tables: TelemetryTables
  package let series: [Series]
  package let manifest: Manifest?
  /// What the manifest says of files and tables, which is verified whenever they are read.
  private let claims: DatasetClaims

  /// Reads all tables but the requests.
  /// - Parameter verifies: whether files that are not what the manifest says are errors; only callers that report that
  ///   themselves pass `false`.
  /// - Throws: `NotFoundError`, `DatasetError`.
  package init(_ path: String, verifies: Bool = true) throws {
    self.path = path
    location = try DatasetLocation(path)
    let manifestPath = path + "/manifest.json"
    manifest =
      FileKind(of: manifestPath) != nil
      ? try Manifest(contentsOf: manifestPath, verifies: verifies)
      : try location.manifest(verifies: verifies)
    claims = DatasetClaims(root: path, manifest: verifies ? manifest : nil)
    if case .sqlite(let file) = location { try claims.check(file) }
    tables = try TelemetryTables(ClaimedLocation(location: location, claims: claims))
    try claims.check(tables, path)
    try Self.check(tables, path)
    series = Self.series(of: tables)
    if verifies { try checkCharges() }
  }

  /// What requests may be of: every version of every model, and a model without a version.
  package static func series(of tables: TelemetryTables) -> [Series] {
    let versions = Dictionary(grouping: tables.deployments, by: \.modelID)
    var series: [Series] = []
    var seen: Set<Series> = []
    for model in tables.models {
      for version in (versions[model.modelID] ?? []).map(\.version) + [""] {
        let entry = Series(modelID: model.modelID, version: version)
        if seen.insert(entry).inserted { series.append(entry) }
      }
    }
    return series
  }

  /// What one table says of another must be there.
  private static func check(_ tables: TelemetryTables, _ directory: String) throws {
    try tables.checkSpellings(directory)
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

  /// Whether all replicas have a deployment and a price: credits of others are unknown, and unknown is not 0.
  /// - Throws: `DatasetError`.
  package func checkCharges() throws {
    if let stray = tables.undeclared.first {
      throw DatasetError(
        "\(path)/replicas",
        "model_id \(stray.modelID) has replicas of version \"\(stray.version)\", which is not in the deployments table. Add it there, or remove the rows."
      )
    }
    if let unpriced = tables.unpriced.first {
      throw DatasetError(
        "\(path)/hardware",
        "account \"\(unpriced.account)\" has replicas on \"\(unpriced.hardware)\", for which the hardware table has no price, so their credits are unknown. Add the price there; 0 if they cost nothing."
      )
    }
  }

  /// Whether there is a requests table.
  package var hasRequests: Bool { location.hasRequests }

  /// Whether the manifest names dashboards.
  package var hasDashboards: Bool {
    manifest?.files.keys.contains { $0.utf8.starts(with: "dashboard/".utf8) } ?? false
  }

  /// Why there are no requests, and what to do about it.
  private var whyNone: Wording {
    guard let manifest else { return "there is no requests table." }
    if manifest.source == Manifest.mergeSource {
      return
        "there is no requests table: a merge has the rollups of its shards, not their requests. Use the shards themselves."
    }
    return manifest.scenario == nil
      ? "there is no requests table. Get the data set again."
      : "there is no requests table: the run was recorded without one. Run it again with \(setting: .formats, "csv")."
  }

  /// A reader of the requests, in the data set's series.
  /// - Throws: `NotFoundError` if there is no requests table.
  package func requests() throws -> RequestReader {
    guard hasRequests else {
      throw NotFoundError(path, wording: whyNone)
    }
    return try RequestReader(location, series: series, claims: claims)
  }

  /// Stored rollups of an account; `nil` if there are none, or none that a manifest vouches for beside requests.
  /// - Parameters:
  ///   - isMapped: whether they may stay on the disk. A caller that keeps them for long needs a copy: if a mapped file
  ///     is truncated, the program is killed.
  ///   - takesUnvouched: whether they are wanted even where nothing but the requests can say that they are right.
  /// - Throws: `DatasetError` if they are damaged, or those of another data set or account.
  package func rollups(
    of account: String, isMapped: Bool = true, takesUnvouched: Bool = false
  ) throws -> RollupArchive? {
    let name = RunDirectory.rollupsName(of: account)
    let contained = try ContainedPath(name, in: path)
    let file = contained.path
    guard FileKind(of: file) != nil else { return nil }
    let data = try isMapped ? contained.mapped() : contained.contents()
    let archive = try RollupArchive(data, from: file)
    // Without a manifest nothing says that they are those of the requests, which answer as well.
    if manifest == nil, hasRequests, !takesUnvouched { return nil }
    guard let foreign = try claims.foreign(archive, of: self, account, name) else { return archive }
    throw DatasetError(
      file,
      "these are the rollups of another data set: \(foreign). Rebuild them from the requests: workbench convert RUN NEW. A run without requests must be run again."
    )
  }

  /// The start of the simulated period; of other data, its first instant.
  package func start() throws -> Timestamp {
    var parser = TimestampParser()
    if let text = manifest?.period.from, let instant = parser.parse(text) { return instant }
    let first = FirstArrival()
    try requests().read(into: first)
    return Timestamp(microseconds: min(first.instant, tables.replicas.first?.at.microseconds ?? .max))
  }

  private final class FirstArrival: TelemetrySink {
    var instant = Int64.max
    func receive(_ requests: RequestColumns) {
      for row in 0..<requests.count { instant = min(instant, requests.arrivedAt[row]) }
    }
  }

  /// The end of the simulated period; of other data, just after its last instant.
  package func end() throws -> Timestamp {
    if let text = manifest?.period.to {
      var parser = TimestampParser()
      guard let instant = parser.parse(text) else {
        throw DatasetError(
          path + "/manifest.json", "period.to \"\(text)\" is not an instant. Run the scenario again.")
      }
      return instant
    }
    let last = LastArrival()
    try requests().read(into: last)
    let instants = [last.instant] + [tables.replicas.last?.at.microseconds ?? .min]
    guard let end = instants.max(), end > .min else {
      throw DatasetError(
        path, wording: "the data set has no requests and no replicas. Say \(setting: .now).")
    }
    return Timestamp(microseconds: end + 1)
  }

  private final class LastArrival: TelemetrySink {
    var instant = Int64.min
    func receive(_ requests: RequestColumns) {
      for row in 0..<requests.count { instant = max(instant, requests.arrivedAt[row]) }
    }
  }
}
