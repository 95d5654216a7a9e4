import Foundation
import Telemetry

/// Where a data set lies.
package enum DatasetLocation: Sendable {
  /// one file per table.
  case files(TableFiles)
  case sqlite(String)
  case postgreSQL(PostgreSQLLocation)

  /// A run directory, a directory with the telemetry tables, a SQLite file, or a PostgreSQL address.
  /// - Throws: `NotFoundError`, `DatasetError`.
  package init(_ path: String) throws {
    if let location = PostgreSQLLocation(path) {
      self = .postgreSQL(location)
      return
    }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw NotFoundError(path, "there is no such data set. Correct its name, or put it there.")
    }
    guard isDirectory.boolValue else {
      guard Self.isSQLite(path) else {
        throw DatasetError(
          path,
          "a data set is a directory with the telemetry tables (requests.csv, models.csv, …), a SQLite file or a PostgreSQL address. Give one of these; import a platform's own export with \"workbench import\"."
        )
      }
      self = .sqlite(path)
      return
    }
    let nested = path + "/telemetry"
    let kind = FileKind(of: nested)
    if kind == .link {
      throw DatasetError(
        nested, "it is a link; links inside a directory are not followed. Put the file itself in its place.")
    }
    let directory = kind == .directory ? nested : path
    // Tables in files first, by their requests. One without requests is what `merge` leaves, or a run with --formats none.
    let formats = DatasetFormat.all
    let inTables = formats.filter { $0.layout.type is any TableLayout }
    let searches = [
      (inTables, TableSchema.requests), (formats.filter { !inTables.contains($0) }, .requests),
      (inTables, ModelRecord.schema),
    ]
    for (formats, table) in searches {
      for format in formats {
        if let found = try format.layout.type.location(in: directory, format: format, with: table) {
          self = found
          return
        }
      }
    }
    let endings = formats.map(\.description).joined(separator: ", ")
    throw NotFoundError(
      directory,
      "there are no telemetry tables (models.ENDING, requests.ENDING, …, with one of \(endings)).")
  }

  private static func isSQLite(_ path: String) -> Bool {
    var status = stat()
    // Looked at first: to open a pipe waits for its writer.
    guard stat(path, &status) == 0, FileKind(status.st_mode) == .regular,
      let file = FileHandle(forReadingAtPath: path)
    else { return false }
    defer { file.closeFile() }
    return ((try? file.read(upToCount: 15)) ?? Data()).elementsEqual("SQLite format 3".utf8)
  }

  var hasRequests: Bool {
    if case .files(let files) = self { files.has(.requests) } else { true }
  }

  /// The one that a database keeps.
  func manifest(verifies: Bool) throws -> Manifest? {
    switch self {
    case .files: nil
    case .sqlite(let path): try SQLiteReader(path).manifest(verifies: verifies)
    case .postgreSQL(let location): try PostgreSQLReader(location).manifest
    }
  }
}
