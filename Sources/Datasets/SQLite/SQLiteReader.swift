import Foundation
import GRDB
import GRDBSQLite
import Telemetry

/// Reads a data set from a SQLite file in the telemetry schema.
final class SQLiteReader {
  let path: String
  private let queue: DatabaseQueue

  /// - Throws: `NotFoundError`, `DatasetError` if the file is no SQLite data base.
  init(_ path: String) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else {
      throw NotFoundError(path, "there is no such file.")
    }
    var configuration = Configuration()
    configuration.readonly = true
    queue = try Self.translated(path) { try DatabaseQueue(path: path, configuration: configuration) }
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

  private static func columns(_ schema: TableSchema) -> String {
    schema.columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
  }

  /// Checks that a table has its columns, by name: SQLite takes a misspelt name in quotes for text.
  private func check(_ schema: TableSchema, _ db: Database) throws {
    guard try db.tableExists(schema.name) else {
      throw DatasetError(
        path, "there is no table \(schema.name). A data set has all tables of the telemetry schema.")
    }
    let found = Set(try db.columns(in: schema.name).map(\.name))
    if let missing = schema.columns.first(where: { !found.contains($0.name) }) {
      throw DatasetError(path, "the table \(schema.name) has no column \(missing.name).")
    }
  }

  func rows(_ schema: TableSchema) throws -> [Row] {
    try Self.translated(path) {
      try queue.read { db in
        try check(schema, db)
        var number = 0
        return try GRDB.Row.fetchAll(
          db, sql: "SELECT \(Self.columns(schema)) FROM \(schema.name) ORDER BY rowid"
        ).map { row in
          number += 1
          let cells = try schema.columns.indices.map { index in
            try cell(row[index] as DatabaseValue, schema, schema.columns[index], number)
          }
          return Row(schema: schema, cells: cells)
        }
      }
    }
  }

  private func cell(_ value: DatabaseValue, _ schema: TableSchema, _ column: TableSchema.Column, _ row: Int)
    throws -> Cell
  {
    switch (column.type, value.storage) {
    case (_, .null) where column.isOptional: return .empty
    case (.text, .string(let text)): return .text(text)
    case (.integer, .int64(let number)): return .integer(number)
    case (.moment, .int64(let number)):
      let moment = Timestamp(microseconds: number)
      if Timestamp.supported.contains(moment) { return .moment(moment) }
      fallthrough
    default:
      throw DatasetError(
        path,
        "\(schema.name), row \(row): \(column.name) is \(value), not \(column.type == .moment ? "a moment in µs since 1970" : column.type.words)."
      )
    }
  }

  /// One row of `requests`, valid during the call that passes it.
  struct RequestRow {
    fileprivate let statement: OpaquePointer

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
        try check(.requests, db)
        let total = try Int64.fetchOne(db, sql: "SELECT count(*) FROM requests") ?? 0
        let statement = try db.makeStatement(
          sql: "SELECT \(Self.columns(.requests)) FROM requests ORDER BY arrived_at, request_id")
        defer { withExtendedLifetime(statement) {} }
        let handle = statement.sqliteStatement
        while true {
          switch sqlite3_step(handle) {
          case SQLITE_ROW: try body(RequestRow(statement: handle), total)
          case SQLITE_DONE: return
          default:
            throw DatasetError(path, "SQLite: \(String(cString: sqlite3_errmsg(db.sqliteConnection))).")
          }
        }
      }
    }
  }
}
