import Aggregation
import Datasets
import Foundation
import Telemetry

/// A view of an account's dashboard that a run keeps.
struct RecordedView {
  /// The file that the answer goes to; `nil` for the overview, which no file keeps.
  var file: String?
  var query: DashboardQuery
}

/// One account of a run that is being recorded.
struct RecordedAccount {
  let account: AccountRecord
  /// Of the account's partition: other accounts may be in them.
  let rollups: RequestRollups
  var views: [RecordedView]

  init(_ account: AccountRecord, _ rollups: RequestRollups, _ views: [RecordedView]) {
    self.account = account
    self.rollups = rollups
    self.views = views
  }
}

extension RunRecorder {
  /// The standard views: every kind of model that the account has, every preset period, and all of the run.
  func views(
    of account: AccountRecord, _ models: [ModelRecord], _ series: [Series], _ period: Range<Timestamp>
  ) throws -> [RecordedView] {
    var tables = TelemetryTables()
    tables.models = models.filter { Name.same($0.account, account.account) }
    var views: [RecordedView] = []
    for kind in ModelKind.allCases where tables.models.contains(where: { $0.kind == kind }) {
      func view(_ file: String?, _ filter: TimelineFilter) throws -> RecordedView {
        RecordedView(
          file: file,
          query: try DashboardQuery(
            account: account, filter: filter, now: period.upperBound, selection: ModelSelection(kind: kind),
            tables: tables, series: series, maxPoints: maxPoints))
      }
      for filter in TimelineFilter.presets {
        views.append(try view(Self.dashboardName(account.account, kind, filter), filter))
      }
      views.append(try view(nil, Self.overview(of: period, account)))
    }
    return views
  }

  /// All of a period that a filter may select.
  private static func overview(of period: Range<Timestamp>, _ account: AccountRecord) -> TimelineFilter {
    let calendar = ZonedCalendar(identifier: account.timeZone) ?? .utc
    let today = calendar.date(at: period.upperBound + -1)
    let first = min(calendar.date(at: period.lowerBound), today)
    return .range(max(first, today.oneYearBefore), today)
  }

  private static func dashboardName(_ account: String, _ kind: ModelKind, _ filter: TimelineFilter) -> String
  {
    "dashboard/\(RunDirectory.folderName(of: account))/\(kind.rawValue)-\(filter).json"
  }

  /// The files that hold an account's figures and rollups, given the kinds of its models.
  static func figureFiles(of account: String, kinds: Set<ModelKind>) -> [String] {
    [RunDirectory.rollupsName(of: account)]
      + ModelKind.allCases.filter(kinds.contains).flatMap { kind in
        TimelineFilter.presets.map { dashboardName(account, kind, $0) }
      }
  }

  /// Writes each account's archive and dashboards, in the order of accounts; views are let go of on the way.
  func write(
    _ accounts: inout [RecordedAccount], _ tables: TelemetryTables, end: Timestamp,
    into directory: RunDirectory
  ) throws -> [RecordedRun.Overview] {
    var overviews: [RecordedRun.Overview] = []
    let tablesOfAccount = tables.byAccount()
    // A few accounts at a time: what is computed for them waits to be written in their order.
    for start in stride(from: 0, to: accounts.count, by: max(threads, 1)) {
      let few = start..<min(start + max(threads, 1), accounts.count)
      for index in few {
        let own = tablesOfAccount[accounts[index].account.account] ?? TelemetryTables()
        for view in accounts[index].views.indices { accounts[index].views[view].query.tables = own }
      }
      for (index, answer) in zip(few, try answers(accounts[few], tables.models, end: end)) {
        try directory.store(answer.rollups, of: accounts[index].account)
        for (file, dashboard) in answer.dashboards { try directory.write(dashboard, as: file) }
        overviews += answer.overviews.map {
          .init(account: accounts[index].account.account, dashboard: $0)
        }
        accounts[index].views = []
      }
    }
    return overviews
  }

  /// What is kept of an account, to be written.
  private struct Answer {
    var rollups = Data()
    var dashboards: [(file: String, Data)] = []
    var overviews: [Dashboard] = []
  }

  private enum AnswerPart: Sendable {
    case rollups(Data)
    case dashboard(file: String, Data)
    case overview(Dashboard)
  }

  /// Everything about some accounts, whose rollups are finished: each part by a thread.
  private func answers(
    _ accounts: ArraySlice<RecordedAccount>, _ models: [ModelRecord], end: Timestamp
  ) throws -> [Answer] {
    // The view that a part answers; none: the archive.
    let parts = accounts.indices.flatMap { index in
      [(index, nil)] + accounts[index].views.indices.map { (index, Optional($0)) }
    }
    let made = Slots<AnswerPart>(count: parts.count)
    let finished = Finished(accounts: accounts)
    try inParallel(parts.count, threads: threads) { place in
      let (index, view) = parts[place]
      let account = finished.accounts[index]
      guard let view else {
        made[place] = .rollups(
          try RollupArchive.data([account.rollups], account: account.account, models: models, end: end))
        return
      }
      let dashboard = try account.views[view].query.answer(account.rollups)
      made[place] =
        try account.views[view].file.map { .dashboard(file: $0, try dashboard.json()) }
        ?? .overview(dashboard)
    }
    var answers = [Answer](repeating: Answer(), count: accounts.count)
    for (part, place) in zip(made.all, parts) {
      let index = place.0 - accounts.startIndex
      switch part {
      case .rollups(let data): answers[index].rollups = data
      case .dashboard(let file, let data): answers[index].dashboards.append((file, data))
      case .overview(let dashboard): answers[index].overviews.append(dashboard)
      }
    }
    return answers
  }

  /// Carries accounts to the threads that answer their views. All of them only read: rollups are finished, and views
  /// are changed before and after, by one thread.
  private struct Finished: @unchecked Sendable {
    let accounts: ArraySlice<RecordedAccount>
  }
}
