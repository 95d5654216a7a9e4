import Telemetry

/// One SQLite file for all tables.
struct SQLiteLayout: DatasetLayout {
  private static let file = "telemetry.sqlite"
  var isText: Bool { false }

  func location(in directory: String, format: DatasetFormat, with table: TableSchema) throws
    -> DatasetLocation?
  {
    guard FileKind(of: "\(directory)/\(Self.file)") != nil else { return nil }
    let file = try ContainedPath(Self.file, in: directory)
    _ = try file.open()  // SQLite opens it by its name: it must be a file of this directory.
    return .sqlite(file.path)
  }

  func writer(
    into directory: RunDirectory, format: DatasetFormat, requests: RequestTable
  ) throws -> any DatasetWriter {
    let name = "telemetry/\(Self.file)"
    return try SQLiteWriter(
      try directory.path(of: name), shownAs: "\(directory.finalPath)/\(name)", requests: requests,
      onFinish: { try directory.adopt(name) })
  }
}
