import Aggregation
import Datasets
import Foundation
import Hummingbird
import Studio
import Telemetry

/// The JSON API under `/api`, as `openapi.yaml` describes it.
struct API: Sendable {
  let catalogue: RunCatalogue
  /// `nil`: the page only shows.
  let studio: Studio?
  let sessions = WhatIfSessions()
  let jobs: JobStore
  let uploads = Uploads()
  let queues: Queues
  let answers = Answers()
  /// A run that is replaced while it is read is read again; if it is replaced all the time, there is no answer.
  static let mostAttempts = 3

  init(_ catalogue: RunCatalogue, studio: Studio?, queues: Queues) {
    (self.catalogue, self.studio, self.queues) = (catalogue, studio, queues)
    jobs = JobStore(
      width: studio?.limits.jobsAtOnce ?? 1, mostWaiting: studio?.limits.jobsWaiting ?? 0, say: catalogue.say)
  }

  func add(to router: Router<ConnectedContext>) {
    let api = router.group("api")
    api.get("runs") { _, _ in try await list() }
    api.post("refresh") { _, _ in
      try await queues.long.run { _ in try catalogue.reload() }
      return try await list()
    }
    api.get("figures") { _, _ in try json(FigureLabel.all) }
    api.get("unreadable") { _, _ in try json(catalogue.unreadable) }
    api.get("runs/:run") { _, context in
      let run = try await current(context)
      return try json(RunDescription(run, replaces: catalogue.former(run)))
    }
    api.get("runs/:run/dashboard", use: dashboard)
    addFigures(to: api)
    addParts(to: api)
    addStudio(to: api)
    api.get("runs/:run/marks") { request, context in
      let items = try QueryItems(request.uri.query)
      try items.only(["account"])
      let run = try await current(context)
      let account = try account(run, items)
      return try await queues.quick.run { _ in try json(Marks(run.tables, account)) }
    }
    if let live = catalogue.runs.lazy.compactMap(\.live).first {
      api.get("live") { _, _ in try json(live.status) }
      api.post("live") { request, _ in
        try live.steer(try QueryItems(request.uri.query))
        return try json(live.status)
      }
      api.get("live/events") { _, _ in live.events }
    }
  }

  private func list() async throws -> Response {
    for run in catalogue.runs where !run.isCurrent {
      // A run that has been removed stays in the list until a refresh: the answers given about it were right.
      do { _ = try await queues.long.run { _ in try catalogue.renew(run) } } catch let problem as Problem {
        if problem.title == Problem.busy.title { throw problem }
      }
    }
    let runs = catalogue.runs
    return try await queues.quick.run { _ in
      try json(runs.map { RunDescription($0, replaces: catalogue.former($0)) })
    }
  }

  /// The run that is asked for, as it lies there now.
  func current(_ context: ConnectedContext) async throws -> ServedRun {
    try await current(try context.parameters.require("run"))
  }

  func current(_ id: String) async throws -> ServedRun {
    if id.utf8.starts(with: WhatIfSessions.prefix.utf8) { return try sessions.run(id) }
    let run = try catalogue.run(id)
    if run.isCurrent { return run }
    let fresh = try await queues.long.run { _ in try catalogue.renew(run) }
    // Asked for by its identifier it is another; by its place it is what lies there.
    return fresh.id == run.id ? fresh : try catalogue.run(id)
  }

  @Sendable private func dashboard(
    _ request: Request, _ context: ConnectedContext
  ) async throws -> Response {
    let items = try QueryItems(request.uri.query)
    try items.only(Self.selecting.union(["maxPoints"]))
    let asked = Array((request.uri.query ?? "").utf8)
    for _ in 0..<Self.mostAttempts {
      let run = try await current(context)
      let question = try question(run, items)
      let key = Answers.Key(reading: run.reading, question: asked)
      do {
        if run.live != nil {
          return try await queues.quick.run { _ in Answer(try run.dashboard(question).json()) }.response(
            Self.type)
        }
        if let known = await answers.known(key) { return known.response(Self.type) }
        if let figures = try await queues.quick.run({ _ in try run.quickDashboard(question) }) {
          let answer = try await answers.answer(key) {
            let answer = Answer(try figures.json())
            guard run.isCurrent else { throw Replaced() }
            return answer
          }
          return answer.response(Self.type)
        }
        return try await answerAtLength(context, run, question, key)
      } catch {
        // What failed may have failed because another run was written there in the meantime.
        guard run.isCurrent else { continue }
        throw error
      }
    }
    throw Self.replacedTooOften
  }

  static let replacedTooOften = Problem(
    title: "Busy", status: 503, detail: "The run is being replaced. Ask again when it is whole.")

  struct Replaced: Error {}

  /// Answers a query that takes long, unless the client disconnects.
  private func answerAtLength(
    _ context: ConnectedContext, _ run: ServedRun, _ question: Dataset.Question, _ key: Answers.Key
  ) async throws -> Response {
    let answer = try await context.departures().whileConnected { [answers, queues] in
      try await answers.answer(key) {
        try await queues.long.run { token in
          try token.check()
          let answer = Answer(try run.dashboard(question, check: token.check).json())
          guard run.isCurrent else { throw Replaced() }
          return answer
        }
      }
    }
    return answer.response(Self.type)
  }

  static let type = "application/json"

  /// What selects account, models and period.
  static let selecting = Set(["account", "kind", "period"]).union(DashboardFilter.allCases.map(\.name))

  func account(_ run: ServedRun, _ items: QueryItems) throws -> AccountRecord {
    let accounts = run.tables.accounts
    guard let name = try items.text("account") else {
      guard accounts.count == 1 else {
        throw Problem.badParameter("account", "The run has \(accounts.count) accounts. Say which.")
      }
      return accounts[0]
    }
    guard let found = accounts.first(where: { $0.account.utf8.elementsEqual(name.utf8) }) else {
      throw Problem.badParameter("account", "The run has no account \"\(name.prefix(80))\".")
    }
    return found
  }

  static func period(_ items: QueryItems) throws -> TimelineFilter {
    let text = try items.text("period") ?? "7d"
    do {
      return try TimelineFilter(text)
    } catch {
      throw Problem.badParameter("period", "\(error)")
    }
  }

  static func selection(_ items: QueryItems) throws -> ModelSelection {
    guard let kind = ModelKind(rawValue: try items.text("kind") ?? "") else {
      throw Problem.badParameter(
        "kind", "kind must be one of \(ModelKind.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    return try ModelSelection(kind: kind) { filter in
      guard let text = try items.text(filter.name) else { return nil }
      // A plus sign that nobody encoded arrives as a space.
      guard let value = filter.value(text) ?? filter.value(text.replacing(" ", with: "+")) else {
        throw Problem.badParameter(filter.name, "\"\(text.prefix(40))\" is not an RFC 3339 instant.")
      }
      return value
    }
  }

  static func maxPoints(_ items: QueryItems) throws -> Int {
    guard let given = try items.text("maxPoints") else { return 5000 }
    guard let number = Int(given), (2...100_000).contains(number) else {
      throw Problem.badParameter("maxPoints", "maxPoints must be a whole number in 2…100000.")
    }
    return number
  }

  func question(_ run: ServedRun, _ items: QueryItems) throws -> Dataset.Question {
    let selection = try Self.selection(items)
    let maxPoints = try Self.maxPoints(items)
    return Dataset.Question(
      account: try account(run, items), filter: try Self.period(items), now: run.now, selection: selection,
      maxPoints: maxPoints)
  }
}

func json(_ value: some Encodable) throws -> Response {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return Response(
    status: .ok, headers: [.contentType: "application/json"],
    body: .init(byteBuffer: ByteBuffer(bytes: try encoder.encode(value))))
}
