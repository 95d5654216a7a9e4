import Foundation
import GRDB
import GRDBSQLite

/// Puts requests in order of arrival, however many there are: in a SQLite file that goes away.
final class ArrivalSorter {
  struct Request {
    var arrivedAt: Int64
    var series: Int32
    var outcome: UInt8
    var waiting: Int64
    var firstToken: Int64
    var latency: Int64
    var inputTokens: Int32
    var outputTokens: Int32
  }

  private let path: String
  private let queue: DatabaseQueue
  private var pending: [Request] = []
  private(set) var count: Int64 = 0

  /// - Parameter output: what is going to be written; the file lies beside it, under a name that nothing else has, and has
  ///   none any more once it is open: nothing is left of it, however the program ends.
  init(beside output: String) throws {
    let name = try FinalName(output)
    try name.makeParent()
    let path = name.hidden("sorting")
    self.path = path
    try Unfinished.shared.uninterrupted {
      // Made here, so that SQLite finds the file there and empty: nobody else's, and through no link.
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
          "CREATE TABLE request (at INTEGER, series INTEGER, outcome INTEGER, waiting INTEGER, first INTEGER, latency INTEGER, input INTEGER, output INTEGER); BEGIN"
      )
    }
  }

  private func inDatabase<T>(_ body: (Database) throws -> T) throws -> T {
    try SQLiteWriter.translated(path) { try queue.inDatabase(body) }
  }

  func append(_ request: Request) throws {
    pending.append(request)
    count += 1
    if pending.count == 16_384 { try flush() }
  }

  private func flush() throws {
    try inDatabase { db in
      let statement = try db.cachedStatement(sql: "INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      defer { withExtendedLifetime(statement) {} }
      let handle = statement.sqliteStatement
      for request in pending {
        sqlite3_bind_int64(handle, 1, request.arrivedAt)
        sqlite3_bind_int64(handle, 2, Int64(request.series))
        sqlite3_bind_int64(handle, 3, Int64(request.outcome))
        sqlite3_bind_int64(handle, 4, request.waiting)
        sqlite3_bind_int64(handle, 5, request.firstToken)
        sqlite3_bind_int64(handle, 6, request.latency)
        sqlite3_bind_int64(handle, 7, Int64(request.inputTokens))
        sqlite3_bind_int64(handle, 8, Int64(request.outputTokens))
        let status = sqlite3_step(handle)
        sqlite3_reset(handle)
        guard status == SQLITE_DONE else {
          throw OutputError(path, "SQLite: \(String(cString: sqlite3_errmsg(db.sqliteConnection))).")
        }
      }
    }
    pending.removeAll(keepingCapacity: true)
  }

  /// All requests by arrival, to be called once; equal moments in the order in which they came.
  func visit(_ body: (Request) throws -> Void) throws {
    try flush()
    try inDatabase { db in
      try db.execute(sql: "COMMIT")
      let statement = try db.makeStatement(sql: "SELECT * FROM request ORDER BY at, rowid")
      defer { withExtendedLifetime(statement) {} }
      let handle = statement.sqliteStatement
      while sqlite3_step(handle) == SQLITE_ROW {
        try body(
          Request(
            arrivedAt: sqlite3_column_int64(handle, 0), series: sqlite3_column_int(handle, 1),
            outcome: UInt8(truncatingIfNeeded: sqlite3_column_int(handle, 2)),
            waiting: sqlite3_column_int64(handle, 3),
            firstToken: sqlite3_column_int64(handle, 4), latency: sqlite3_column_int64(handle, 5),
            inputTokens: sqlite3_column_int(handle, 6), outputTokens: sqlite3_column_int(handle, 7)))
      }
    }
  }
}
