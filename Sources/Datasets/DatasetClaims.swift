import Aggregation
import Foundation
import Telemetry

/// What a data set's manifest says about its files and tables, checked by every reader while they stream: a file that
/// was truncated, emptied, replaced or edited is an error at its end, before any output made from it gets its final
/// name.
///
/// A data set without a manifest claims nothing.
package struct DatasetClaims: Sendable {
  /// The directory that names in the manifest start from.
  private let root: String
  /// SHA-256 by name; empty where no files are claimed (a database).
  private let files: [String: String]
  private let rows: [String: Int64]
  private let contents: [String: String]

  static let none = DatasetClaims(root: "", manifest: nil)

  init(root: String, manifest: Manifest?) {
    self.root = root
    files = manifest?.files ?? [:]
    rows = manifest?.rows ?? [:]
    contents = manifest?.contents ?? [:]
  }

  private static let remedy =
    "Get the file again, or run the scenario again. If you changed the data set deliberately, remove manifest.json and rollups."

  /// The SHA-256 that a file must have; `nil` if nothing is claimed.
  /// - Throws: `DatasetError` if files are claimed, but not this one.
  private func hash(of path: String) throws -> String? {
    guard !files.isEmpty, path.utf8.starts(with: (root + "/").utf8) else { return nil }
    guard let hash = files[String(decoding: path.utf8.dropFirst(root.utf8.count + 1), as: UTF8.self)] else {
      throw DatasetError(path, "the manifest does not list this file. \(Self.remedy)")
    }
    return hash
  }

  static func changed(_ path: String) -> DatasetError {
    DatasetError(
      path,
      "the file has changed since it was written: its SHA-256 is not the manifest's. \(remedy)")
  }

  /// A file that is verified when it has been read to its end.
  func input(_ path: String) throws -> InputFile {
    try InputFile(ContainedPath(ofFile: path), sha256: try hash(of: path))
  }

  /// Verifies a file that somebody else will read.
  /// - Throws: `DatasetError`, `NotFoundError`.
  func check(_ path: String) throws {
    if let hash = try hash(of: path), try ContainedPath(ofFile: path).digest().sha256 != hash {
      throw Self.changed(path)
    }
  }

  /// - Throws: `DatasetError` if another number of rows is claimed.
  func check(rows count: Int64, of table: String, _ path: String) throws {
    guard let claimed = rows[table], claimed != count else { return }
    throw DatasetError(
      path, "\(table) has \(Figure.count(count, "row")), but the manifest says \(claimed). \(Self.remedy)")
  }

  /// Whether the rows of a table have a checksum of their own, in whatever format they are kept.
  func claimsContent(of table: String) -> Bool { contents[table] != nil }

  /// - Throws: `DatasetError` if another checksum is claimed.
  func check(content checksum: UInt64, of table: String, _ path: String) throws {
    guard let claimed = contents[table], claimed != Checksum.text(checksum) else { return }
    throw DatasetError(
      path,
      "the rows of \(table) have changed since they were written: their checksum is not the manifest's. Get the data set again; if you changed it deliberately, remove its table manifest."
    )
  }

  /// How stored rollups differ from those of an account of a data set; `nil` if they do not.
  func foreign(_ archive: RollupArchive, of data: Dataset, _ account: String, _ name: String) throws
    -> String?
  {
    guard archive.account.utf8.elementsEqual(account.utf8) else {
      return "they belong to account \(archive.account)"
    }
    let record = data.tables.accounts.first { $0.account.utf8.elementsEqual(account.utf8) }
    if let zone = record?.timeZone, !zone.utf8.elementsEqual(archive.timeZone.utf8) {
      return "their days are those of \(archive.timeZone), the account's are those of \(zone)"
    }
    let own = Set(data.tables.models.filter { $0.account.utf8.elementsEqual(account.utf8) }.map(\.modelID))
    if let stray = archive.series.first(where: { !own.contains($0.modelID) }) {
      return "model \(stray.modelID) is not one of the account"
    }
    guard let manifest = data.manifest, !files.isEmpty else { return nil }
    if try archive.end != data.end() {
      return "they end at \(archive.end.rfc3339), but the data end at \(manifest.period.to)"
    }
    if let fingerprint = manifest.rollups?[name] {
      return fingerprint == archive.fingerprint ? nil : "the manifest has others"
    }
    // Of a program that kept no fingerprints.
    try check("\(root)/\(name)")
    return nil
  }

  /// Verifies small tables that were read.
  func check(_ tables: TelemetryTables, _ path: String) throws {
    for (schema, rows) in tables.allRows {
      try check(rows: Int64(rows.count), of: schema.name, path)
      if claimsContent(of: schema.name) {
        try check(content: ContentDigest.checksum(of: rows), of: schema.name, path)
      }
    }
  }
}
