import Foundation
import GRDB
import GRDBSQLite
import Telemetry

/// Reads a data set from a SQLite file in the telemetry schema.
final class SQLiteReader {
  let path: String
  private let queue: DatabaseQueue

  /// - Throws: `NotFoundError`, `DatasetError` if the file is no SQLite database.
  init(_ path: String) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else {
      throw NotFoundError(path, "there is no such file. Correct its name, or put it there.")
    }
    var configuration = Configuration()
    configuration.readonly = true
    queue = try Self.translated(path) {
      try DatabaseQueue(path: SQLitePath.file(path), configuration: configuration)
    }
    try Self.translated(path) {
      try queue.read { _ = try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema") }
    }
  }

  private static func translated<T>(_ path: String, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw DatasetError(path, "SQLite: \(error.message ?? "error \(error.resultCode.rawValue)").")
    }
  }

  func manifest(verifies: Bool) throws -> Manifest? {
    let json = try Self.translated(path) {
      try queue.read { db in
        try db.tableExists("manifest") ? try String.fetchOne(db, sql: "SELECT json FROM manifest") : nil
      }
    }
    return try json.map { try Manifest(Data($0.utf8), path: path, verifies: verifies) }
  }

  func has(_ table: TableSchema) throws -> Bool {
    try Self.translated(path) { try queue.read { try $0.tableExists(table.name) } }
  }

  func has(_ column: String, in table: TableSchema) throws -> Bool {
    try Self.translated(path) {
      try queue.read { db in
        try db.tableExists(table.name) && db.columns(in: table.name).contains { $0.name == column }
      }
    }
  }

  /// A table's columns for SELECT, NULL for those that it may lack and does.
  ///
  /// Checks that it has the others, by name: SQLite takes a misspelt name in quotes for text.
  private func columns(_ schema: TableSchema, _ db: Database) throws -> String {
    guard try db.tableExists(schema.name) else {
      throw DatasetError(
        path, "there is no table \(schema.name). A data set has all tables of the telemetry schema.")
    }
    let found = Set(try db.columns(in: schema.name).map(\.name))
    return try schema.columns.map { column in
      if found.contains(column.name) { return "\"\(column.name)\"" }
      if column.mayBeAbsent { return "NULL" }
      throw DatasetError(path, "the table \(schema.name) has no column \(column.name).")
    }.joined(separator: ", ")
  }

  func rows(_ schema: TableSchema) throws -> [Row] {
    try Self.translated(path) {
      try queue.read { db in
        let statement = try db.makeStatement(
          sql: "SELECT \(try columns(schema, db)) FROM \(schema.name) ORDER BY rowid")
        var rows: [Row] = []
        try visit(statement, db) { row in
          let cells = try schema.columns.indices.map { try cell(row, $0, schema, rows.count + 1) }
          rows.append(Row(schema: schema, cells: cells))
        }
        return rows
      }
    }
  }

  private func visit(_ statement: Statement, _ db: Database, _ body: (RequestRow) throws -> Void) throws {
    defer { withExtendedLifetime(statement) {} }
    let handle = statement.sqliteStatement
    while true {
      switch sqlite3_step(handle) {
      case SQLITE_ROW: try body(RequestRow(statement: handle))
      case SQLITE_DONE: return
      default:
        throw DatasetError(path, "SQLite: \(String(cString: sqlite3_errmsg(db.sqliteConnection))).")
      }
    }
  }

  private func cell(_ row: RequestRow, _ index: Int, _ schema: TableSchema, _ number: Int) throws -> Cell {
    let column = schema.columns[index]
    if row.isNull(index), column.isOptional { return .empty }
    switch column.type {
    case .text:
      // All its bytes: what GRDB gives ends at U+0000 and repairs what is not UTF-8.
      if let bytes = row.text(index), let text = String(validating: bytes, as: UTF8.self) {
        return .text(text)
      }
    case .integer: if let integer = row.integer(index) { return .integer(integer) }
    case .instant:
      if let integer = row.integer(index) {
        let instant = Timestamp(microseconds: integer)
        if Timestamp.supported.contains(instant) { return .instant(instant) }
      }
    }
    let shown =
      row.text(index).map { "\"\(String(decoding: $0.prefix(60), as: UTF8.self))\"" }
      ?? row.integer(index).map { String($0) } ?? (row.isNull(index) ? "NULL" : "of another type")
    throw DatasetError(
      path,
      "\(schema.name), row \(number): \(column.name) is \(shown), not \(column.type == .instant ? "an instant in µs since 1970, in \(Timestamp.supportedYears)" : column.type.words)."
    )
  }

  /// One row of a table, valid during the call that passes it.
  struct RequestRow {
    fileprivate let statement: OpaquePointer

    func isNull(_ column: Int) -> Bool { sqlite3_column_type(statement, Int32(column)) == SQLITE_NULL }

    func integer(_ column: Int) -> Int64? {
      sqlite3_column_type(statement, Int32(column)) == SQLITE_INTEGER
        ? sqlite3_column_int64(statement, Int32(column)) : nil
    }

    func text(_ column: Int) -> UnsafeBufferPointer<UInt8>? {
      guard sqlite3_column_type(statement, Int32(column)) == SQLITE_TEXT,
        let text = sqlite3_column_text(statement, Int32(column))
      else { return nil }
      return UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(statement, Int32(column))))
    }
  }

  /// All requests in order of arrival.
  /// - Parameter body: gets the row and how many there are.
  func requests(_ body: (RequestRow, _ total: Int64) throws -> Void) throws {
    try Self.translated(path) {
      try queue.read { db in
        let columns = try columns(.requests, db)
        let total = try Int64.fetchOne(db, sql: "SELECT count(*) FROM requests") ?? 0
        let statement = try db.makeStatement(
          sql: "SELECT \(columns) FROM requests ORDER BY arrived_at, request_id")
        try visit(statement, db) { try body($0, total) }
      }
    }
  }
}
