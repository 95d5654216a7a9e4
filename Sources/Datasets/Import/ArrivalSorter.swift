import Foundation
import GRDB
import GRDBSQLite
import Telemetry

/// Puts requests in order of arrival, however many there are: in a SQLite file that goes away.
final class ArrivalSorter {
  private let path: String
  private let queue: DatabaseQueue
  private var pending: [RequestRecord] = []
  private(set) var count: Int64 = 0
  /// Those that requests may have; each has a column after the measures.
  private let texts: [RequestText]
  private let insert: String

  /// - Parameters:
  ///   - texts: those that requests may have.
  ///   - output: what is going to be written; the file lies beside it, under a name that nothing else has, and is unlinked once
  ///     it is open: nothing of it is left, however the program ends.
  init(_ texts: [RequestText], beside output: String) throws {
    self.texts = texts
    let columns = Self.numbers.map { "\($0) INTEGER" } + texts.map { "\($0.column.name) TEXT" }
    insert = "INSERT INTO request VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))"
    let name = try FinalName(output)
    try name.makeParent()
    let path = name.hidden("sorting")
    self.path = path
    try Unfinished.shared.uninterrupted {
      // Created here, so that SQLite finds an empty file of our own, reached through no link.
      let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else {
        throw OutputError(output, cannot: "create the file that requests are sorted in")
      }
      close(descriptor)
      Unfinished.shared.add(path)
    }
    defer { Unfinished.shared.remove(path, deleting: true) }
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    configuration.prepareDatabase {
      try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536")
    }
    queue = try SQLiteWriter.translated(path) { try DatabaseQueue(path: path, configuration: configuration) }
    try inDatabase {
      try $0.execute(
        sql:
          "CREATE TABLE request (\(columns.joined(separator: ", "))); BEGIN"
      )
    }
  }

  /// The request's identifier is not among them: it is given in order of arrival.
  private static let numbers =
    ["at", "series", "outcome", "unknown"] + RequestMeasure.allCases.map(\.column.name)
  private static let firstMeasure: Int32 = 4
  private static let firstText = firstMeasure + Int32(RequestMeasures.count)
  /// SQLITE_TRANSIENT, a cast that Swift does not import: SQLite copies the text.
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  private func inDatabase<T>(_ body: (Database) throws -> T) throws -> T {
    try SQLiteWriter.translated(path) { try queue.inDatabase(body) }
  }

  func append(_ request: RequestRecord) throws {
    pending.append(request)
    count += 1
    if pending.count == 16_384 { try flush() }
  }

  private func flush() throws {
    try inDatabase { db in
      let statement = try db.cachedStatement(sql: insert)
      defer { withExtendedLifetime(statement) {} }
      let handle = statement.sqliteStatement
      for request in pending {
        sqlite3_bind_int64(handle, 1, request.arrivedAt)
        sqlite3_bind_int64(handle, 2, Int64(request.series))
        sqlite3_bind_int64(handle, 3, Int64(request.outcome))
        sqlite3_bind_int64(handle, 4, Int64(request.unknown))
        for place in 0..<RequestMeasures.count {
          sqlite3_bind_int64(handle, Self.firstMeasure + Int32(place) + 1, request.measures[place])
        }
        for (place, text) in texts.enumerated() {
          var value = request.texts?[text.rawValue] ?? ""
          value.withUTF8 {
            _ = sqlite3_bind_text(
              handle, Self.firstText + Int32(place) + 1,
              UnsafeRawPointer($0.baseAddress)?.assumingMemoryBound(to: CChar.self), Int32($0.count),
              Self.transient)
          }
        }
        let status = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard status == SQLITE_DONE else {
          throw OutputError(path, "SQLite: \(String(cString: sqlite3_errmsg(db.sqliteConnection))).")
        }
      }
    }
    pending.removeAll(keepingCapacity: true)
  }

  /// All requests by arrival, to be called once; equal instants in the order in which they came.
  func visit(_ body: (RequestRecord) throws -> Void) throws {
    try flush()
    try inDatabase { db in
      try db.execute(sql: "COMMIT")
      let statement = try db.makeStatement(sql: "SELECT * FROM request ORDER BY at, rowid")
      defer { withExtendedLifetime(statement) {} }
      let handle = statement.sqliteStatement
      while sqlite3_step(handle) == SQLITE_ROW {
        var request = RequestRecord(
          arrivedAt: sqlite3_column_int64(handle, 0), series: sqlite3_column_int(handle, 1),
          outcome: UInt8(truncatingIfNeeded: sqlite3_column_int(handle, 2)))
        request.unknown = UInt8(truncatingIfNeeded: sqlite3_column_int(handle, 3))
        for place in 0..<RequestMeasures.count {
          request.measures[place] = sqlite3_column_int64(handle, Self.firstMeasure + Int32(place))
        }
        if !texts.isEmpty {
          var values = [String](repeating: "", count: RequestText.allCases.count)
          for (place, text) in texts.enumerated() {
            let column = Self.firstText + Int32(place)
            guard let bytes = sqlite3_column_text(handle, column) else { continue }
            values[text.rawValue] = String(
              decoding: UnsafeBufferPointer(
                start: bytes, count: Int(sqlite3_column_bytes(handle, column))), as: UTF8.self)
          }
          request.texts = values
        }
        try body(request)
      }
    }
  }
}
