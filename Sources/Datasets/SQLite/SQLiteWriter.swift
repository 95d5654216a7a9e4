import Aggregation
import Foundation
import GRDB
import GRDBSQLite
import Telemetry

/// Writes a data set as one SQLite file, indexed for queries by hand. Times are µs since 1970, UTC.
package final class SQLiteWriter: DatasetWriter {
  private let path: String
  private let queue: DatabaseQueue
  private let table: RequestTable
  private let onFinish: () throws -> Void
  private var texts: [BoundText] = []
  private var versions: [BoundText] = []
  private var rows: Int64 = 0
  /// Of the rows as they are written, for the manifest inside.
  private var requests: ContentDigest
  private var contents: [String: String] = [:]

  private let insertRequest: String
  private let measures: [RequestMeasure]

  private static func insert(into table: TableSchema) -> String {
    "INSERT INTO \(table.name) VALUES (\(table.columns.map { _ in "?" }.joined(separator: ", ")))"
  }

  /// - Parameters:
  ///   - place: a file that does not exist yet, or is empty.
  ///   - path: where it will be, for messages.
  ///   - onFinish: called when the file is whole and closed.
  init(
    _ place: String, shownAs path: String, requests table: RequestTable,
    onFinish: @escaping () throws -> Void
  ) throws {
    self.path = path
    self.table = table
    insertRequest = Self.insert(into: table.schema)
    measures = table.measures
    self.onFinish = onFinish
    requests = ContentDigest(series: table.series)
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true  // One transaction over many calls.
    configuration.prepareDatabase { db in
      // The file is not visible before it is complete: neither a journal nor waiting for the disk would help.
      try db.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 8192")
    }
    queue = try Self.translated(path) {
      try DatabaseQueue(path: SQLitePath.file(place), configuration: configuration)
    }
    try inDatabase { db in
      try db.execute(sql: "BEGIN; " + SQLiteSchema.tables(table.schema))
    }
    versions = table.series.map { BoundText($0.version) }
  }

  /// A file of its own; it appears when it is whole.
  /// - Parameter existing: what happens to a file of that name.
  /// - Throws: `OutputError`.
  package convenience init(
    newFile path: String, existing: StagedPath.Existing = .refused, _ requests: RequestTable
  ) throws {
    let staged = try StagedPath(path, existing: existing)
    // Created here, so that SQLite finds an empty file of our own, reached through no link.
    close(try staged.create())
    try self.init(staged.stagingPath, shownAs: path, requests: requests) { try staged.commit() }
  }

  static func translated<T>(_ path: String, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw OutputError(path, "SQLite: \(error.message ?? "error \(error.resultCode.rawValue)").")
    }
  }

  private func inDatabase<T>(_ body: (Database) throws -> T) throws -> T {
    try Self.translated(path) { try queue.inDatabase(body) }
  }

  package func receive(_ requests: RequestColumns) throws {
    try table.check(requests)
    while texts.count < table.reasons.names.count {
      texts.append(BoundText(table.reasons.names[texts.count]))
    }
    self.requests.add(requests, table.reasons)
    let measures = MeasureColumn.of(measures, requests)
    let optionalTexts = OptionalTextColumn.of(table.optional.texts, requests)
    try inDatabase { db in
      let statement = try db.cachedStatement(sql: insertRequest)
      defer { withExtendedLifetime(statement) {} }
      let handle = statement.sqliteStatement
      for row in 0..<requests.count {
        rows += 1
        let outcome = Int(requests.outcome[row])
        sqlite3_bind_int64(handle, 1, requests.requestID?[row] ?? rows)
        sqlite3_bind_int64(handle, 2, requests.arrivedAt[row])
        sqlite3_bind_int64(handle, 3, Int64(table.series[Int(requests.series[row])].modelID))
        versions[Int(requests.series[row])].bind(handle, 4)
        sqlite3_bind_text(handle, 5, outcome == 0 ? "success" : "failure", -1, Self.transient)
        texts[outcome].bind(handle, 6)
        for (place, measure) in measures.enumerated() {
          let parameter = Int32(RequestColumn.Place.measures + place + 1)
          if let value = measure[row] {
            sqlite3_bind_int64(handle, parameter, value)
          } else {
            sqlite3_bind_null(handle, parameter)
          }
        }
        for (place, column) in optionalTexts.enumerated() {
          let parameter = Int32(RequestColumn.Place.measures + measures.count + place + 1)
          let text = column[row]
          if text.isEmpty {
            sqlite3_bind_null(handle, parameter)
          } else {
            sqlite3_bind_text(
              handle, parameter, text.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(text.count),
              Self.transient)
          }
        }
        let status = sqlite3_step(handle)
        sqlite3_reset(handle)
        if status == SQLITE_CONSTRAINT {
          throw OutputError(
            path,
            "request_id \(requests.requestID?[row] ?? rows) occurs twice. It must be unique in a SQLite data set."
          )
        }
        guard status == SQLITE_DONE else {
          throw OutputError(path, "SQLite: \(String(cString: sqlite3_errmsg(db.sqliteConnection))).")
        }
      }
    }
  }

  /// SQLITE_TRANSIENT, a cast that Swift does not import: SQLite copies the text.
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  package func write(_ tables: TelemetryTables) throws {
    try inDatabase { db in
      for (schema, rows) in tables.rows {
        if schema.mayBeAbsent { try db.execute(sql: SQLiteSchema.table(schema)) }
        let statement = try db.makeStatement(sql: Self.insert(into: schema))
        for cells in rows {
          // GRDB binds a text up to its first U+0000.
          if cells.contains(where: { if case .text(let text) = $0 { text.utf8.contains(0) } else { false } })
          {
            throw OutputError(path, "a text in \(schema.name) has a character U+0000. Remove it.")
          }
          try statement.execute(arguments: StatementArguments(cells.map(\.databaseValue)))
        }
        contents[schema.name] = Checksum.text(ContentDigest.checksum(of: rows))
      }
    }
  }

  package func finish(_ manifest: Manifest?) throws {
    try inDatabase { db in
      if var manifest {
        contents[TableSchema.requests.name] = Checksum.text(requests.checksum)
        manifest.contents = contents
        try db.execute(
          sql: "INSERT INTO manifest VALUES (?)",
          arguments: [String(decoding: try manifest.json(), as: UTF8.self)])
      }
      try db.execute(sql: SQLiteSchema.indices + "; COMMIT")
    }
    try Self.translated(path) { try queue.close() }
    try onFinish()
  }
}

/// A path for SQLite, which takes one that starts with `file:` for a URI and `:memory:` for none at all.
enum SQLitePath {
  static func file(_ path: String) -> String { path.utf8.first == UInt8(ascii: "/") ? path : "./" + path }
}

/// A text that statements bind again and again without a copy; all its bytes, whatever they are.
private final class BoundText {
  private let bytes: UnsafeMutableBufferPointer<CChar>

  init(_ text: String) {
    let utf8 = Array(text.utf8)
    bytes = .allocate(capacity: utf8.count + 1)
    _ = bytes.initialize(from: utf8.map { CChar(bitPattern: $0) } + [0])
  }

  deinit { bytes.deallocate() }

  func bind(_ statement: OpaquePointer, _ index: Int32) {
    sqlite3_bind_text(statement, index, bytes.baseAddress, Int32(bytes.count - 1), nil)
  }
}

extension Cell {
  fileprivate var databaseValue: (any DatabaseValueConvertible)? {
    switch self {
    case .text(let text): text
    case .integer(let number): number
    case .instant(let instant): instant.microseconds
    case .empty: nil
    }
  }
}

/// The tables and indices of a SQLite data set.
enum SQLiteSchema {
  static func tables(_ requests: TableSchema) -> String {
    let tables = ([requests] + TableSchema.always).map(table)
    return (tables + ["CREATE TABLE manifest (json TEXT NOT NULL)"]).joined(separator: "; ")
  }

  static func table(_ schema: TableSchema) -> String {
    let columns = schema.columns.map { column in
      let type = column.type == .text ? "TEXT" : "INTEGER"
      let key = column.name == "request_id" ? " PRIMARY KEY" : ""
      return "  \(column.name) \(type)\(key)\(column.isOptional ? "" : " NOT NULL")"
    }
    return "CREATE TABLE \(schema.name) (\n\(columns.joined(separator: ",\n"))\n)"
  }

  /// After the rows: sorting once is faster than keeping order.
  static let indices = """
    CREATE INDEX requests_by_arrival ON requests (arrived_at);
    CREATE INDEX requests_by_model ON requests (model_id, version, arrived_at);
    CREATE INDEX replicas_by_model ON replicas (model_id, version, at)
    """
}
