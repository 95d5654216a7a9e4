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

  /// A name for a data set, from its location: the schema of an address, else a file's name.
  package static func title(of place: String) -> String {
    PostgreSQLLocation(place)?.schema ?? URL(fileURLWithPath: place).lastPathComponent
  }

  /// `nil` if the text is not such a URI.
  package init?(_ text: String, defaultSchema: String = "telemetry") {
    guard text.utf8.starts(with: "postgres://".utf8) || text.utf8.starts(with: "postgresql://".utf8),
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

  /// The schema as an identifier.
  /// - Throws: `DatasetError` for a name that no schema can have.
  var quotedSchema: String { get throws { try quoted(schema, "schema") } }

  func quoted(_ identifier: String, _ what: String) throws -> String {
    do {
      return try SQLText.identifier(identifier)
    } catch {
      throw DatasetError(name, "the \(what) of the address \(error)")
    }
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

  private static func firstLine(_ message: UnsafeMutablePointer<CChar>?) -> String {
    let text = message.map { String(cString: $0) } ?? ""
    let line = text.utf8.split(separator: UInt8(ascii: "\n")).first.map { String(Substring($0)) }
    return (line ?? "unknown error") + "."
  }

  func error() -> DatasetError {
    DatasetError(location.name, "PostgreSQL: \(Self.firstLine(PQerrorMessage(handle)))")
  }

  /// A value of a statement: sent beside it, never part of its text.
  enum Parameter {
    /// Of whatever type the statement expects there. Without U+0000, which no text in PostgreSQL has.
    case text(String)
    /// As `bytea`.
    case bytes(Data)

    static func integer(_ number: some BinaryInteger) -> Parameter { .text(String(number)) }
  }

  /// Runs our own SQL: statements without parameters, or one with `$1`, `$2`, ….
  private func result(_ sql: String, _ parameters: [Parameter]) throws -> OpaquePointer? {
    if parameters.isEmpty { return PQexec(handle, sql) }
    let values = try parameters.map { parameter -> [CChar] in
      switch parameter {
      case .bytes(let data): return data.map { CChar(bitPattern: $0) }
      case .text(let text):
        guard !text.utf8.contains(0) else {
          throw DatasetError(
            location.name, "a text for the database has a character U+0000, which PostgreSQL cannot hold.")
        }
        return text.utf8.map { CChar(bitPattern: $0) } + [0]
      }
    }
    let starts: [Int] = values.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
    // One block for all of them; an empty bytea still needs an address.
    let block: [CChar] = values.flatMap { $0 } + [0]
    let bytea: Oid = 17
    let types: [Oid] = parameters.map { if case .bytes = $0 { bytea } else { 0 } }
    let formats: [Int32] = parameters.map { if case .bytes = $0 { 1 } else { 0 } }
    let lengths = values.map { Int32($0.count) }
    return block.withUnsafeBufferPointer { bytes in
      let pointers: [UnsafePointer<CChar>?] = values.indices.map { index in
        bytes.baseAddress.map { $0 + starts[index] }
      }
      return PQexecParams(
        handle, sql, Int32(parameters.count), types, pointers, lengths, formats, 0)
    }
  }

  /// - Returns: the first column of the first row, if there is one.
  @discardableResult
  func execute(_ sql: String, _ parameters: Parameter...) throws -> String? {
    let result = try result(sql, parameters)
    defer { PQclear(result) }
    switch PQresultStatus(result) {
    case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return nil
    case PGRES_TUPLES_OK: return PQntuples(result) > 0 ? String(cString: PQgetvalue(result, 0, 0)) : nil
    default: throw error()
    }
  }

  /// All rows, as text; NULL is empty.
  func rows(_ sql: String, _ parameters: Parameter...) throws -> [[String]] {
    let result = try result(sql, parameters)
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
