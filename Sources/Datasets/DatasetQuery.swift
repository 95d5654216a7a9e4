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
  ///   - leftOut: told how many requests arrive at now or later, and do not count, where there are some.
  ///   - progress: of reading requests.
  /// - Throws: `QueryError`; `DatasetError`; `AggregationError` for damaged rollups; `NotFoundError` if requests are needed
  ///   and are not there; what `progress` throws.
  package func answer(
    _ question: Question, _ rollups: RollupArchive?, leftOut: (Int64) -> Void = { _ in },
    progress: (Double) throws -> Void = { _ in }
  ) throws -> Dashboard {
    let query = try query(question)
    if let rollups, let answer = try answerFromRollups(question, query, rollups) {
      if question.now < rollups.end {
        let late = try rollups.requests(in: question.now..<rollups.end)
        if late > 0 { leftOut(late) }
      }
      return answer
    }
    let reader = try requests()
    let fresh = RequestRollups(series: series, now: question.now, reasons: reader.reasons)
    fresh.cut(at: query.period.cuts)
    query.points.map(fresh.collect)
    try reader.read(into: fresh, progress: progress)
    try fresh.finish()
    if reader.rows > fresh.totalRequests { leftOut(reader.rows - fresh.totalRequests) }
    return try query.answer(fresh)
  }

  /// The figures, where stored rollups of the account say all; else `nil`.
  /// - Throws: `QueryError` if they do not and there are no requests that could.
  package func answerFromRollups(
    _ question: Question, _ query: DashboardQuery, _ rollups: RollupArchive
  ) throws -> Dashboard? {
    // An instant inside a quarter cuts it, which stored rollups cannot.
    let isCut = question.now < rollups.end && question.now.microseconds % Rollup.quarterMicroseconds != 0
    // So does a clock change, or an hour that starts there.
    let odd = try query.cut(rollups)
    let isEnough = try !isCut && odd == nil && (!query.needsRequests(rollups) || !hasRequests)
    if isEnough { return try query.answer(rollups) }
    if !hasRequests, let odd {
      throw QueryError(
        "in \(question.account.timeZone) another hour or day begins at \(odd.rfc3339), inside a quarter of an hour, and there are no requests with which to divide it. Choose a period without that instant, or aggregate the data set with its requests."
      )
    }
    if !hasRequests {
      throw QueryError(
        "now, \(question.now.rfc3339), lies inside a quarter of an hour, and there are no requests with which to divide it. Choose a full quarter."
      )
    }
    return nil
  }

  package func query(_ question: Question) throws -> DashboardQuery {
    try DashboardQuery(
      account: question.account, filter: question.filter, now: question.now, selection: question.selection,
      tables: tables, series: series, maxPoints: question.maxPoints)
  }

  /// Rollups of every account, from the requests.
  /// - Returns: also how many requests arrive at the end or later, which are not in them.
  /// - Throws: `DatasetError`, `NotFoundError`, `AggregationError`.
  package func allRollups(end: Timestamp, progress: (Double) -> Void = { _ in }) throws
    -> (rollups: RequestRollups, leftOut: Int64)
  {
    let reader = try requests()
    let fresh = RequestRollups(series: series, now: end, reasons: reader.reasons)
    try reader.read(into: fresh, progress: progress)
    try fresh.finish()
    return (fresh, reader.rows - fresh.totalRequests)
  }
}

extension RunDirectory {
  /// Stores the rollups of an account.
  /// - Parameter sources: of its requests, or of shards of them.
  package func store(
    _ sources: [any RollupSource], of account: AccountRecord, models: [ModelRecord], end: Timestamp
  ) throws {
    try store(try RollupArchive.data(sources, account: account, models: models, end: end), of: account)
  }

  /// - Parameter rollups: a `RollupArchive`.
  package func store(_ rollups: Data, of account: AccountRecord) throws {
    try write(rollups, as: Self.rollupsName(of: account.account))
  }
}
