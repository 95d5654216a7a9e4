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

  /// - Parameter output: what is going to be written; the file lies beside it, under a name that nothing else has, and
  ///   is unlinked once it is open: nothing of it is left, however the program ends.
  init(beside output: String) throws {
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
          "CREATE TABLE request (\(Self.columns.map { "\($0) INTEGER" }.joined(separator: ", "))); BEGIN"
      )
    }
  }

  /// The request's identifier is not among them: it is given in order of arrival.
  private static let columns = ["at", "series", "outcome"] + RequestMeasure.allCases.map(\.column.name)
  private static let firstMeasure: Int32 = 3
  private static let insert =
    "INSERT INTO request VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))"

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
      let statement = try db.cachedStatement(sql: Self.insert)
      defer { withExtendedLifetime(statement) {} }
      let handle = statement.sqliteStatement
      for request in pending {
        sqlite3_bind_int64(handle, 1, request.arrivedAt)
        sqlite3_bind_int64(handle, 2, Int64(request.series))
        sqlite3_bind_int64(handle, 3, Int64(request.outcome))
        for place in 0..<RequestMeasures.count {
          sqlite3_bind_int64(handle, Self.firstMeasure + Int32(place) + 1, request.measures[place])
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
        for place in 0..<RequestMeasures.count {
          request.measures[place] = sqlite3_column_int64(handle, Self.firstMeasure + Int32(place))
        }
        try body(request)
      }
    }
  }
}
