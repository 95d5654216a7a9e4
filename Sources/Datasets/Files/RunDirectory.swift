import Aggregation
import Foundation
import Telemetry

/// A run directory in the making. It grows under a name of its own beside the final one and gets that name only when
/// it is whole; dropped before that, it is removed.
package final class RunDirectory {
  /// What a run may have, even where there is nothing in it.
  static let folders = ["telemetry", "dashboard", "rollups"]

  private let staged: StagedDirectory
  /// "", or the folder of `staged` that the run is in, with a slash.
  private let prefix: String
  package var manifest: Manifest

  /// - Parameter isDurable: whether `finish()` waits until everything is on the disk.
  /// - Throws: `OutputError` if there is something of that name that must stay, or the directory cannot be made.
  package convenience init(
    _ path: String, manifest: Manifest, existing: StagedDirectory.Existing = .refused, isDurable: Bool = true
  ) throws {
    try self.init(try StagedDirectory(path, existing: existing, isDurable: isDurable), "", manifest)
  }

  /// A run inside a directory that is itself in the making: it is whole when that is.
  package convenience init(
    in staged: StagedDirectory, folder: String, manifest: Manifest
  ) throws {
    try self.init(staged, folder + "/", manifest)
  }

  package init(_ staged: StagedDirectory, _ prefix: String, _ manifest: Manifest) throws {
    self.staged = staged
    self.prefix = prefix
    self.manifest = manifest
    for folder in ["telemetry", "dashboard"] { try staged.folder(prefix + folder) }
  }

  /// Where the run is to be found when it is finished.
  package var finalPath: String {
    prefix.isEmpty ? staged.finalPath : "\(staged.finalPath)/\(prefix.dropLast())"
  }

  /// The folder of an account's figures inside `dashboard/`.
  package static func folderName(of account: String) -> String { FileName.encoded(account) }

  /// Where an account's rollups are stored.
  package static func rollupsName(of account: String) -> String {
    "rollups/\(folderName(of: account)).rollups"
  }

  /// A file inside the directory, to be closed by `close(_:as:)`.
  package func file(_ name: String, compression: Compression = .none) throws -> OutputFile {
    try staged.file(prefix + name, compression: compression)
  }

  /// Ends a file and enters its hash in the manifest.
  package func close(_ file: OutputFile, as name: String) throws { manifest.files[name] = try file.close() }

  /// Writes a whole file; of rollups, the manifest keeps the fingerprint too.
  package func write(_ data: some Sequence<UInt8>, as name: String) throws {
    if name.utf8.starts(with: "rollups/".utf8) {
      manifest.rollups = manifest.rollups ?? [:]
      manifest.rollups?[name] = try RollupArchive.fingerprint(of: Data(data))
    }
    let file = try file(name)
    try file.write(data)
    try close(file, as: name)
  }

  /// Where a file of the directory grows, for those who write it themselves; then `adopt(_:)`.
  func path(of name: String) throws -> String { try staged.place(of: prefix + name) }

  /// Enters a file that somebody else wrote in the manifest.
  func adopt(_ name: String) throws { manifest.files[name] = try FileDigest.sha256(of: path(of: name)) }

  /// The small tables as CSV, where no format was asked for: figures need them.
  package func writeSmallTables(_ tables: TelemetryTables) throws {
    for (schema, rows) in tables.rows {
      let name = "telemetry/\(schema.name).csv"
      let file = try file(name)
      var writer = try TableWriter(schema, to: file, layout: .csv)
      for cells in rows { try writer.write(cells) }
      try close(file, as: name)
    }
  }

  /// Enters the tables' row counts in the manifest.
  package func count(_ tables: TelemetryTables, requests: Int64) {
    for (schema, rows) in tables.rows { manifest.rows[schema.name] = Int64(rows.count) }
    manifest.rows[TableSchema.requests.name] = requests
  }

  /// Writes the manifest and, unless it is inside another, gives the directory its final name.
  package func finish() throws {
    try staged.write(try manifest.json(), as: prefix + "manifest.json")
    if prefix.isEmpty { try staged.finish() }
  }
}
