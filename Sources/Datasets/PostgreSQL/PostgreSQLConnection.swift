import CPostgreSQL
import Foundation

/// Where a data set is in PostgreSQL: a connection URI of libpq, with `schema=NAME` among its parameters
/// (`postgres://user@host/database?schema=run1`); the schema is called `telemetry` without it.
package struct PostgreSQLLocation: Sendable {
  /// As libpq takes it.
  let uri: String
  let schema: String
  /// A table of a platform's own, for imports (`table=NAME`).
  package let table: String?
  /// For messages, without a password.
  package let name: String

  /// `nil` if the text is no such URI.
  package init?(_ text: String, defaultSchema: String = "telemetry") {
    guard text.hasPrefix("postgres://") || text.hasPrefix("postgresql://"),
      var parts = URLComponents(string: text)
    else {
      return nil
    }
    let items = parts.queryItems ?? []
    schema = items.last { $0.name == "schema" }?.value ?? defaultSchema
    table = items.last { $0.name == "table" }?.value
    let others = items.filter { $0.name != "schema" && $0.name != "table" }
    parts.queryItems = others.isEmpty ? nil : others
    uri = parts.string ?? text
    parts.password = nil
    parts.queryItems =
      [URLQueryItem(name: "schema", value: schema)]
      + (table.map { [URLQueryItem(name: "table", value: $0)] } ?? [])
    name = parts.string ?? "postgres"
  }
}

/// A connection to a PostgreSQL server by libpq.
final class PostgreSQLConnection {
  let location: PostgreSQLLocation
  private let handle: OpaquePointer

  /// - Throws: `NotFoundError` if the server cannot be reached or does not let us in.
  init(_ location: PostgreSQLLocation) throws {
    self.location = location
    guard let handle = PQconnectdb(location.uri) else { throw NotFoundError(location.name, "out of memory.") }
    self.handle = handle
    guard PQstatus(handle) == CONNECTION_OK else {
      throw NotFoundError(location.name, "cannot connect: \(Self.firstLine(PQerrorMessage(handle)))")
    }
    // Notices are for people at a prompt.
    PQsetNoticeProcessor(handle, { _, _ in }, nil)
    try execute(
      "SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET search_path = pg_catalog"
    )
  }

  deinit { PQfinish(handle) }

  static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
  static func literal(_ text: String) -> String {
    "E'" + text.replacing("\\", with: "\\\\").replacing("'", with: "''") + "'"
  }

  private static func firstLine(_ message: UnsafeMutablePointer<CChar>?) -> String {
    let text = message.map { String(cString: $0) } ?? ""
    return String(text.split(whereSeparator: \.isNewline).first ?? "unknown error") + "."
  }

  func error() -> DatasetError {
    DatasetError(location.name, "PostgreSQL: \(Self.firstLine(PQerrorMessage(handle)))")
  }

  /// - Returns: the first column of the first row, if there is one.
  @discardableResult
  func execute(_ sql: String) throws -> String? {
    let result = PQexec(handle, sql)
    defer { PQclear(result) }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return nil
    case PGRES_TUPLES_OK: return PQntuples(result) > 0 ? String(cString: PQgetvalue(result, 0, 0)) : nil
    default: throw error()
    }
  }

  /// All rows, as text; NULL is empty.
  func rows(_ sql: String) throws -> [[String]] {
    let result = PQexec(handle, sql)
    defer { PQclear(result) }
    guard PQresultStatus(result) == PGRES_TUPLES_OK else { throw error() }
    return (0..<PQntuples(result)).map { row in
      (0..<PQnfields(result)).map { String(cString: PQgetvalue(result, row, $0)) }
    }
  }

  /// Starts `COPY … FROM STDIN`; bytes then go through the sink.
  func copyIn(_ sql: String) throws -> any ByteSink {
    let result = PQexec(handle, sql)
    defer { PQclear(result) }
    guard PQresultStatus(result) == PGRES_COPY_IN else { throw error() }
    return CopyIn(self)
  }

  private final class CopyIn: ByteSink {
    private let connection: PostgreSQLConnection
    init(_ connection: PostgreSQLConnection) { self.connection = connection }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
      let pointer = bytes.bindMemory(to: CChar.self).baseAddress
      guard PQputCopyData(connection.handle, pointer, Int32(bytes.count)) == 1 else {
        throw connection.error()
      }
    }

    func close() throws {
      guard PQputCopyEnd(connection.handle, nil) == 1 else { throw connection.error() }
      while let result = PQgetResult(connection.handle) {
        let status = PQresultStatus(result)
        PQclear(result)
        guard status == PGRES_COMMAND_OK else { throw connection.error() }
      }
    }
  }

  /// Starts `COPY … TO STDOUT`.
  func copyOut(_ sql: String) throws -> any ByteSource {
    let result = PQexec(handle, sql)
    defer { PQclear(result) }
    guard PQresultStatus(result) == PGRES_COPY_OUT else { throw error() }
    return CopyOut(self)
  }

  private final class CopyOut: ByteSource {
    private let connection: PostgreSQLConnection
    private var row: UnsafeMutablePointer<CChar>?
    private var position = 0
    private var length = 0
    private var hasEnded = false
    init(_ connection: PostgreSQLConnection) { self.connection = connection }

    deinit { if let row { PQfreemem(row) } }

    let share = 1.0

    func read(into target: UnsafeMutablePointer<UInt8>, capacity: Int) throws -> Int {
      var filled = 0
      while filled < capacity, !hasEnded {
        if position == length {
          if let row { PQfreemem(row) }
          row = nil
          position = 0
          let count = PQgetCopyData(connection.handle, &row, 0)
          length = max(Int(count), 0)
          if count == -1 {
            hasEnded = true
            while let result = PQgetResult(connection.handle) {
              let status = PQresultStatus(result)
              PQclear(result)
              guard status == PGRES_COMMAND_OK else { throw connection.error() }
            }
            return filled
          }
          guard count > 0 else { throw connection.error() }
        }
        let count = min(length - position, capacity - filled)
        row.map { row in
          (row + position).withMemoryRebound(to: UInt8.self, capacity: count) {
            (target + filled).update(from: $0, count: count)
          }
        }
        position += count
        filled += count
      }
      return filled
    }
  }
}
