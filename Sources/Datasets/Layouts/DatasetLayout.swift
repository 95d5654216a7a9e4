import Telemetry

/// How the telemetry tables are stored in a directory: one type in one file for each layout, and a case of
/// `DatasetFormat.Layout`.
protocol DatasetLayout: Sendable {
  /// Whether its files are text that this program compresses.
  var isText: Bool { get }

  /// Where a directory has the tables in this layout.
  /// - Parameter table: one that must be there, where each has a file.
  /// - Returns: `nil` where there are none.
  /// - Throws: `DatasetError` for a file that leads out of the directory.
  func location(in directory: String, format: DatasetFormat, with table: TableSchema) throws
    -> DatasetLocation?

  /// Writes a data set into a run.
  /// - Throws: `OutputError`; `NotFoundError` for a program that it needs.
  func writer(
    into directory: RunDirectory, format: DatasetFormat, requests: RequestTable
  ) throws -> any DatasetWriter
}

/// A layout that has a file for each table.
protocol TableLayout: DatasetLayout {
  /// The rows of a table but the requests.
  /// - Throws: `DatasetError`, naming the place.
  func rows(
    _ path: String, _ schema: TableSchema, _ claims: DatasetClaims, _ body: (RowReading) throws -> Void
  ) throws

  /// The rows of the requests, to be read once.
  /// - Throws: `NotFoundError`, `DatasetError`.
  func requests(_ path: String, _ claims: DatasetClaims) throws -> RequestRows

  /// Names of the columns of a table: those of its header, or of its first row.
  /// - Throws: `NotFoundError`, `DatasetError`.
  func columns(_ path: String) throws -> [String]

  /// Whether another program reads the files, so that their bytes are verified apart from their rows.
  var isReadByOthers: Bool { get }

  /// A table in SQL, where DuckDB reads the layout itself; else `nil`, and it gets CSV.
  /// - Parameters:
  ///   - name: of a file, ours: no value from outside.
  ///   - schema: with the columns that the file has.
  func duckDBTable(_ name: String, _ schema: TableSchema) -> String?
}

extension TableLayout {
  var isReadByOthers: Bool { false }

  func location(in directory: String, format: DatasetFormat, with table: TableSchema) -> DatasetLocation? {
    let files = TableFiles(directory: directory, format: format, layout: self)
    return files.has(table) ? .files(files) : nil
  }
}

/// Tables in a file each.
package struct TableFiles: Sendable {
  let directory: String
  let format: DatasetFormat
  let layout: any TableLayout

  func name(_ table: TableSchema) -> String { "\(table.name).\(format)" }
  func path(_ table: TableSchema) -> String { "\(directory)/\(name(table))" }
  func has(_ table: TableSchema) -> Bool { FileKind(of: path(table)) != nil }
}

/// The rows of requests as a layout or a database gives them; `RequestReader` makes requests of them.
enum RequestRows {
  /// Text with a header.
  case csv(InputFile)
  /// One by one.
  case rows(any RowSource)
  case sqlite(SQLiteReader)
}

/// Gives rows one by one.
protocol RowSource: AnyObject {
  /// `nil` at the end.
  /// - Throws: `DatasetError`.
  func next() throws -> Row?
  /// What is wrong with the row that was given last.
  func error(_ message: String) -> DatasetError
  /// Of the whole that has been read, in 0...1.
  var share: Double { get }
}
