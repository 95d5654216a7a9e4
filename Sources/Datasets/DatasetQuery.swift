import Aggregation
import Foundation
import Telemetry

extension Dataset {
  /// What a dashboard is asked for, by name.
  package struct Question: Sendable {
    package var account: AccountRecord
    package var filter: TimelineFilter
    package var now: Timestamp
    package var selection: ModelSelection
    package var maxPoints: Int

    package init(
      account: AccountRecord, filter: TimelineFilter, now: Timestamp, selection: ModelSelection,
      maxPoints: Int = 5000
    ) {
      self.account = account
      self.filter = filter
      self.now = now
      self.selection = selection
      self.maxPoints = maxPoints
    }
  }

  /// The dashboard's figures: from stored rollups where they say all, else from the requests.
  /// - Parameters:
  ///   - rollups: stored ones of the account.
  ///   - progress: of reading requests.
  /// - Throws: `QueryError`; `DatasetError`; `NotFoundError` if requests are needed and are not there.
  package func answer(
    _ question: Question, _ rollups: RollupArchive?, progress: (Double) -> Void = { _ in }
  ) throws -> Dashboard {
    let query = try query(question)
    if let rollups {
      // A moment inside a quarter cuts it, which stored rollups cannot.
      let isCut =
        question.now < rollups.end && question.now.microseconds % Rollup.quarterMicroseconds != 0
      let isEnough = !isCut && (!query.needsRequests(rollups) || !hasRequests)
      if isEnough { return try query.answer(rollups) }
      if !hasRequests {
        throw QueryError(
          "now, \(question.now.rfc3339), lies inside a quarter of an hour, and there are no requests to cut it. Choose a full quarter."
        )
      }
    }
    let fresh = RequestRollups(series: series, now: question.now)
    query.points.map(fresh.collect)
    let reader = try requests()
    try reader.read(into: fresh, progress: progress)
    fresh.reasons = reader.reasons.names
    try fresh.finish()
    return try query.answer(fresh)
  }

  package func query(_ question: Question) throws -> DashboardQuery {
    try DashboardQuery(
      account: question.account, filter: question.filter, now: question.now, selection: question.selection,
      tables: tables, series: series, maxPoints: question.maxPoints)
  }

  /// Rollups of every account, read anew from the requests, or those that are stored where there are no requests.
  /// - Throws: `DatasetError`, `NotFoundError`, `AggregationError`.
  package func allRollups(end: Timestamp, progress: (Double) -> Void = { _ in }) throws -> any RollupSource {
    let fresh = RequestRollups(series: series, now: end)
    let reader = try requests()
    try reader.read(into: fresh, progress: progress)
    fresh.reasons = reader.reasons.names
    try fresh.finish()
    return fresh
  }
}

extension RunDirectory {
  /// Stores the rollups of an account.
  /// - Parameter parts: of its requests, or of parts of them.
  package func store(
    _ parts: [any RollupSource], of account: AccountRecord, models: [ModelRecord], end: Timestamp
  ) throws {
    try store(try RollupArchive.data(parts, account: account, models: models, end: end), of: account)
  }

  /// - Parameter rollups: a `RollupArchive`.
  package func store(_ rollups: Data, of account: AccountRecord) throws {
    try write(rollups, as: Self.rollupsName(of: account.account))
  }
}
