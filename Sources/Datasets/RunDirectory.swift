import Aggregation
import Crypto
import Foundation
import Telemetry

/// A run directory in the making. It grows under a name of its own beside the final one and gets that name only when
/// it is whole; dropped before that, it is removed.
package final class RunDirectory {
  package let finalPath: String
  private let stagingPath: String
  private let replaces: Bool
  private var isWhole = false
  package var manifest: Manifest

  /// - Parameter replaces: whether a run directory of that name is replaced once the new one is whole.
  /// - Throws: `OutputError` if there is something of that name, or the directory cannot be made.
  package init(_ path: String, manifest: Manifest, replaces: Bool = false) throws {
    finalPath = path
    self.manifest = manifest
    self.replaces = replaces
    let url = URL(fileURLWithPath: path)
    stagingPath =
      url.deletingLastPathComponent()
      .appendingPathComponent(".\(url.lastPathComponent).partial-\(getpid())").path
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
      let isRun = FileManager.default.fileExists(atPath: path + "/manifest.json")
      if !replaces {
        throw OutputError(
          path, "it exists already. Give another --out, or --replace to put the new run in its place.")
      }
      if !isRun {
        throw OutputError(
          path, "it exists and is not a run directory, so --replace leaves it alone. Give another --out.")
      }
    }
    do {
      for part in ["", "/telemetry", "/dashboard"] {
        try FileManager.default.createDirectory(atPath: stagingPath + part, withIntermediateDirectories: true)
      }
    } catch {
      throw OutputError(path, "cannot create the directory: \(error.localizedDescription)")
    }
    Unfinished.shared.add(stagingPath)
  }

  deinit {
    if !isWhole { Unfinished.shared.remove(stagingPath, deleting: true) }
  }

  /// The folder of an account's figures inside `dashboard/`.
  package static func folderName(of account: String) -> String {
    let safe = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    return account.addingPercentEncoding(withAllowedCharacters: safe) ?? "account"
  }

  /// Where an account's rollups are stored.
  package static func rollupsName(of account: String) -> String {
    "rollups/\(folderName(of: account)).rollups"
  }

  /// A file inside the directory, to be closed by `close(_:as:)`.
  package func file(_ name: String, compression: Compression = .none) throws -> OutputFile {
    let path = stagingPath + "/" + name
    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw OutputError(path, "cannot create the directory: \(error.localizedDescription)")
    }
    return try OutputFile(path, compression: compression)
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
  func path(of name: String) -> String { stagingPath + "/" + name }

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

  /// Writes the manifest and gives the directory its final name.
  package func finish() throws {
    let file = try OutputFile(stagingPath + "/manifest.json")
    try file.write(try manifest.json())
    _ = try file.close()
    let old = stagingPath + "-replaced"
    if replaces, FileManager.default.fileExists(atPath: finalPath), rename(finalPath, old) != 0 {
      throw OutputError(finalPath, cannot: "move the old run out of the way")
    }
    // rename(2) replaces nothing but an empty directory.
    guard rename(stagingPath, finalPath) == 0 else {
      let failure = OutputError(finalPath, cannot: "give the directory its name")
      if replaces { rename(old, finalPath) }
      throw failure
    }
    isWhole = true
    Unfinished.shared.remove(stagingPath, deleting: false)
    if replaces, FileManager.default.fileExists(atPath: old) {
      do {
        try FileManager.default.removeItem(atPath: old)
      } catch {
        throw OutputError(old, "the replaced run cannot be removed: \(error.localizedDescription)")
      }
    }
  }
}
