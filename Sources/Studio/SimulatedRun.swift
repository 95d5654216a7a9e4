import Aggregation
import Datasets
import Foundation
import Runs
import ScenarioModel
import Simulation
import Telemetry

/// A scenario that was simulated in memory: tables and rollups, from which every view is answered, and nothing on disk.
package final class SimulatedRun: Sendable {
  /// The scenario's first part, where only that was simulated.
  package struct Slice: Equatable, Sendable {
    package var range: Range<Timestamp>
    /// The days of the (first) account that it lies in.
    package var period: TimelineFilter
  }

  package let bundle: ScenarioBundle
  package let name: String
  package let slice: Slice?
  package let tables: TelemetryTables
  /// In the period.
  package let requests: Int64
  /// Of the whole scenario.
  package let expectedRequests: Double
  /// The end of what was simulated.
  package var now: Timestamp { simulation.scenario.to }

  private let simulation: ScenarioSimulation
  private let rollups: [String: RollupSnapshot]

  /// Simulates the scenario.
  /// - Parameters:
  ///   - mostRequests: if the scenario expects more, its first part of about as many is simulated; `nil` for the whole.
  ///   - reach: where the models of the question come later, as many are simulated to see them.
  ///   - question: a view whose single requests are to be kept, where it shows them.
  ///   - check: throws when the result is no longer wanted.
  /// - Throws: `StudioProblem` if the question is about an account that there is not; `AggregationError`, `QueryError`;
  ///   what `check` throws.
  package init(
    _ bundle: ScenarioBundle, mostRequests: Double?, reach: Double = 0, question: Question? = nil,
    check: @escaping @Sendable () throws -> Void = {}
  ) throws {
    let whole = bundle.simulation()
    self.bundle = bundle
    name = bundle.scenario.name
    expectedRequests = whole.expectedRequests
    slice = mostRequests.flatMap {
      Self.slice(
        bundle.scenario, expected: whole.expectedRequests, most: $0, reach: reach,
        needed: question.flatMap { Self.firstDays($0, bundle.scenario) })
    }
    if let slice {
      var scenario = bundle.scenario
      scenario.to = slice.range.upperBound
      simulation = ScenarioSimulation(scenario, traces: bundle.traces)
    } else {
      simulation = whole
    }
    let known = simulation.tables
    let query = try question?.earlyQuery(simulation, slice, known)
    let made = try Self.simulate(simulation, query, check)
    tables = made.tables
    rollups = try Dictionary(
      zip(simulation.scenario.accounts, made.rollups).map { account, rollups in
        try rollups.finish()
        return (account.name, rollups.snapshot(before: Timestamp.supported.upperBound))
      }, uniquingKeysWith: { first, _ in first })
    requests = made.rollups.reduce(0) { $0 + $1.totalRequests }
    self.question = question
    var early: Dashboard?
    if var query, let rollups = rollups[query.account.account] {
      query.tables = tables
      if try query.cut(rollups) == nil { early = try query.answer(rollups) }
    }
    earlyAnswer = early
  }

  /// The view that it was simulated for, and its figures where they were known at the end.
  private let question: Question?
  private let earlyAnswer: Dashboard?

  /// The figures of the view that it was simulated for; `nil` if it was for none.
  /// - Throws: as `answer`.
  package func view(check: @escaping @Sendable () throws -> Void = {}) throws -> Dashboard? {
    guard let question else { return nil }
    if let earlyAnswer { return earlyAnswer }
    let account = tables.accounts[try question.index(tables.accounts)]
    return try answer(
      .init(
        account: account, filter: slice?.period ?? question.filter, now: now, selection: question.selection,
        maxPoints: question.maxPoints), check: check)
  }

  /// A view by the name of its account.
  package struct Question: Sendable, Equatable {
    /// `nil` for the only one.
    package var account: String?
    package var filter: TimelineFilter
    package var selection: ModelSelection
    package var maxPoints: Int

    package init(account: String?, filter: TimelineFilter, selection: ModelSelection, maxPoints: Int = 5000) {
      (self.account, self.filter, self.selection, self.maxPoints) = (account, filter, selection, maxPoints)
    }

    /// The query before anything is simulated, so that single requests are kept on the way; `nil` where it is about
    /// deployments, which are known only afterwards.
    fileprivate func earlyQuery(
      _ simulation: ScenarioSimulation, _ slice: Slice?, _ tables: TelemetryTables
    ) throws -> DashboardQuery? {
      let index = try index(tables.accounts)
      guard selection[.version] == nil, selection[.deployedAt] == nil else { return nil }
      return try DashboardQuery(
        account: tables.accounts[index], filter: slice?.period ?? filter, now: simulation.scenario.to,
        selection: selection, tables: tables,
        series: Array(simulation.series[simulation.seriesOfAccount[index]]), maxPoints: maxPoints)
    }

    fileprivate func index(_ accounts: [AccountRecord]) throws -> Int {
      guard let account else {
        guard accounts.count == 1 else {
          throw StudioProblem(
            .invalid, "The scenario has \(accounts.count) accounts. Say which.", parameter: "account")
        }
        return 0
      }
      guard let index = accounts.firstIndex(where: { $0.account.utf8.elementsEqual(account.utf8) }) else {
        throw StudioProblem(
          .invalid, "The scenario has no account \"\(account.prefix(80))\".", parameter: "account")
      }
      return index
    }
  }

  /// The rollups of an account.
  package func rollups(of account: String) -> RollupSnapshot? { rollups[account] }

  /// The figures of a view where rollups give them; `nil` where the requests are needed.
  /// - Throws: `QueryError`.
  package func quickAnswer(_ question: Dataset.Question) throws -> Dashboard? {
    guard let rollups = rollups[question.account.account] else { throw Self.noAccount }
    let query = try query(question, rollups)
    guard try query.cut(rollups) == nil, try !query.needsRequests(rollups) else { return nil }
    return try query.answer(rollups)
  }

  /// The figures of a view; where the requests are needed, they are simulated again.
  /// - Throws: `QueryError`, `AggregationError`; what `check` throws.
  package func answer(
    _ question: Dataset.Question, check: @escaping @Sendable () throws -> Void = {}
  ) throws -> Dashboard {
    if let quick = try quickAnswer(question) { return quick }
    guard let rollups = rollups[question.account.account] else { throw Self.noAccount }
    var query = try query(question, rollups)
    let made = try Self.simulate(simulation, query, check)
    for (account, fresh) in zip(simulation.scenario.accounts, made.rollups)
    where account.name.utf8.elementsEqual(question.account.account.utf8) {
      try fresh.finish()
      query.tables = made.tables
      return try query.answer(fresh)
    }
    throw Self.noAccount
  }

  private static let noAccount = StudioProblem(.absent, "There is no such account.")

  private func query(_ question: Dataset.Question, _ rollups: RollupSnapshot) throws -> DashboardQuery {
    try DashboardQuery(
      account: question.account, filter: question.filter, now: question.now, selection: question.selection,
      tables: tables, series: rollups.series, maxPoints: question.maxPoints)
  }

  /// - Parameter query: whose points and cuts are kept on the way.
  private static func simulate(
    _ simulation: ScenarioSimulation, _ query: DashboardQuery?, _ check: @escaping @Sendable () throws -> Void
  ) throws -> (tables: TelemetryTables, rollups: [RequestRollups]) {
    let rollups = zip(simulation.scenario.accounts, simulation.seriesOfAccount).map { account, series in
      let rollups = RequestRollups(
        series: Array(simulation.series[series]), firstIndex: series.lowerBound, now: simulation.scenario.to,
        reasons: simulation.reasons)
      rollups.cut(
        at: account.calendar.hourStarts(
          from: simulation.scenario.from, to: simulation.scenario.to, notOn: Rollup.quarterMicroseconds))
      if let query, query.account.account.utf8.elementsEqual(account.name.utf8) {
        rollups.cut(at: query.period.cuts)
        query.points.map(rollups.collect)
      }
      return rollups
    }
    let sent = try Interruptible(simulation, check: check).send(
      to: TelemetrySinks(partitions: rollups, merged: nil),
      threads: ProcessInfo.processInfo.activeProcessorCount, progress: { _ in })
    return (sent.tables, rollups)
  }

  /// The day on which what a question is about is deployed first and the day after it; `nil` where it is there from the
  /// beginning, or never.
  private static func firstDays(
    _ question: Question, _ scenario: Scenario
  ) -> (first: LocalDate, last: LocalDate, end: Timestamp)? {
    let isAsked = { (account: Scenario.Account) in
      question.account.map { $0.utf8.elementsEqual(account.name.utf8) } ?? true
    }
    guard let account = scenario.accounts.first(where: isAsked) else { return nil }
    var name: String?
    if case .text(let text)? = question.selection[.model] { name = text }
    let models = account.models.filter { model in
      model.kind == question.selection.kind && name.map { $0.utf8.elementsEqual(model.name.utf8) } ?? true
    }
    guard let deployAt = models.flatMap({ $0.deployments.map(\.deployAt) }).min(), deployAt > scenario.from
    else { return nil }
    let first = account.calendar.date(at: deployAt)
    let last = first.advanced(byDays: 1)
    return (first, last, account.calendar.end(of: last))
  }

  /// The scenario's first part of about this many requests: whole days if it has one, else whole hours; and as far as is
  /// needed, if that is within reach.
  private static func slice(
    _ scenario: Scenario, expected: Double, most: Double, reach: Double,
    needed: (first: LocalDate, last: LocalDate, end: Timestamp)?
  ) -> Slice? {
    guard expected > most, most > 0, let calendar = scenario.accounts.first?.calendar else { return nil }
    let length = Double(scenario.to - scenario.simulationStart) * most / expected
    let cut = scenario.simulationStart + Int64(length)
    let midnight = calendar.startOfDay(cut)
    let hour: Int64 = 3_600_000_000
    let hours = max((cut - scenario.from) / hour, 1)
    let end = midnight > scenario.from ? midnight : scenario.from + hours * hour
    guard end < scenario.to else { return nil }
    if let needed, needed.end > end, needed.end < scenario.to {
      let share =
        Double(needed.end - scenario.simulationStart) / Double(scenario.to - scenario.simulationStart)
      if expected * share <= reach {
        return Slice(range: scenario.from..<needed.end, period: .range(needed.first, needed.last))
      }
    }
    let (first, last) = (calendar.date(at: scenario.from), calendar.date(at: end + -1))
    return Slice(range: scenario.from..<end, period: first == last ? .date(first) : .range(first, last))
  }
}
