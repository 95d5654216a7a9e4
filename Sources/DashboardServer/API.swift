import Aggregation
import Datasets
import Foundation
import Hummingbird
import Telemetry

/// The JSON API under `/api`, as `openapi.yaml` describes it.
struct API: Sendable {
  let catalogue: RunCatalogue

  func add(to router: Router<BasicRequestContext>) {
    let api = router.group("api")
    api.get("runs") { _, _ in try json(catalogue.runs.map(RunDescription.init)) }
    api.post("refresh") { _, _ in
      try catalogue.reload()
      return try json(catalogue.runs.map(RunDescription.init))
    }
    api.get("runs/:run") { _, context in try json(RunDescription(try run(context))) }
    api.get("runs/:run/dashboard") { request, context in
      let run = try run(context)
      let question = try question(run, request.uri.queryParameters)
      let body =
        run.live == nil
        ? try catalogue.answer("\(run.id) \(request.uri.query ?? "")") { try run.answer(question) }
        : try run.answer(question)
      return Response(
        status: .ok, headers: [.contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }
    if let live = catalogue.runs.lazy.compactMap(\.live).first {
      api.get("live") { _, _ in try json(live.status) }
      api.post("live") { request, _ in
        try live.steer(request.uri.queryParameters)
        return try json(live.status)
      }
      api.get("live/events") { _, _ in live.events }
    }
    api.get("runs/:run/marks") { request, context in
      let run = try run(context)
      return try json(Marks(run, try account(run, request.uri.queryParameters)))
    }
  }

  private func run(_ context: BasicRequestContext) throws -> ServedRun {
    let id = try context.parameters.require("run")
    guard let run = catalogue.run(id) else {
      throw Problem.notFound("There is no run \(id.prefix(40)). GET /api/runs lists them.")
    }
    return run
  }

  private static let known: Set<String> = [
    "account", "kind", "model", "deployedAt", "version", "provider", "period", "maxPoints",
  ]

  private func account(_ run: ServedRun, _ parameters: Parameters) throws -> AccountRecord {
    let accounts = run.tables.accounts
    guard let name = parameters["account"].map(String.init) else {
      guard accounts.count == 1 else {
        throw Problem.badParameter("account", "The run has \(accounts.count) accounts. Say which.")
      }
      return accounts[0]
    }
    guard let found = accounts.first(where: { $0.account == name }) else {
      throw Problem.badParameter("account", "The run has no account \"\(name.prefix(80))\".")
    }
    return found
  }

  private func question(_ run: ServedRun, _ parameters: Parameters) throws -> Dataset.Question {
    for (name, _) in parameters where !Self.known.contains(String(name)) {
      throw Problem.badParameter(
        String(name.prefix(40)),
        "There is no such parameter. Known are \(Self.known.sorted().joined(separator: ", ")).")
    }
    func text(_ name: String) throws -> String? {
      let values = parameters.getAll(name)
      guard values.count <= 1 else {
        throw Problem.badParameter(name, "\(name) is given \(values.count) times.")
      }
      return values.first.flatMap { $0.isEmpty ? nil : String($0) }
    }
    guard let kind = ModelKind(rawValue: try text("kind") ?? "") else {
      throw Problem.badParameter(
        "kind", "kind must be one of \(ModelKind.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    var deployedAt: Timestamp?
    if let moment = try text("deployedAt") {
      var parser = TimestampParser()
      deployedAt = parser.parse(moment)
      if deployedAt == nil {
        throw Problem.badParameter("deployedAt", "\"\(moment.prefix(40))\" is not an RFC 3339 moment.")
      }
    }
    var maxPoints = 5000
    if let given = try text("maxPoints") {
      guard let number = Int(given), (2...100_000).contains(number) else {
        throw Problem.badParameter("maxPoints", "maxPoints must be a whole number in 2…100000.")
      }
      maxPoints = number
    }
    let filter: TimelineFilter
    do {
      filter = try TimelineFilter(try text("period") ?? "7d")
    } catch {
      throw Problem.badParameter("period", "\(error)")
    }
    return Dataset.Question(
      account: try account(run, parameters), filter: filter, now: run.now,
      selection: ModelSelection(
        kind: kind, model: try text("model"), deployedAt: deployedAt, version: try text("version"),
        provider: try text("provider")),
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

/// A run and what its filters offer.
package struct RunDescription: Encodable {
  struct Account: Encodable {
    var account: String
    var timeZone: String
    /// Local dates that a calendar may offer.
    var earliest: String
    var today: String
    var models: [Model]
  }
  struct Model: Encodable {
    var kind: String
    var name: String
    var provider: String
    var versions: [String]
    /// When its deployments were deployed: tells same-name models apart.
    var deployedAt: [String]
  }
  var id: String
  var name: String
  var now: String
  var live: Bool
  var accounts: [Account]

  package init(_ run: ServedRun) {
    id = run.id
    name = run.name
    now = run.now.rfc3339
    live = run.live != nil
    let tables = run.tables
    let deployments = Dictionary(grouping: tables.deployments, by: \.modelID)
    let models = Dictionary(grouping: tables.models, by: \.account)
    accounts = tables.accounts.map { account in
      let calendar = ZonedCalendar(identifier: account.timeZone) ?? .utc
      let today = calendar.date(at: run.now + -1)
      return Account(
        account: account.account, timeZone: account.timeZone, earliest: "\(today.oneYearBefore)",
        today: "\(today)",
        models: (models[account.account] ?? []).map { model in
          let own = deployments[model.modelID] ?? []
          var versions: [String] = []
          for row in own where !versions.contains(row.version) { versions.append(row.version) }
          return Model(
            kind: model.kind.rawValue, name: model.name, provider: model.provider, versions: versions,
            deployedAt: own.compactMap { $0.deployedAt?.rfc3339 })
        })
    }
  }
}

/// What graphs may mark: incidents, and scale-ups that a limit cut short.
package struct Marks: Encodable {
  struct Incident: Encodable {
    var kind: String
    var model: String?
    var modelKind: String?
    var provider: String?
    var from: String
    var to: String
  }
  struct CutShort: Encodable {
    var at: String
    var model: String
    var version: String
    var limitedBy: String
    var replicas: Int
  }
  var incidents: [Incident]
  var cutShort: [CutShort]

  package init(_ run: ServedRun, _ account: AccountRecord) {
    let tables = run.tables
    let calendar = ZonedCalendar(identifier: account.timeZone) ?? .utc
    let own = tables.models.filter { $0.account == account.account }
    let names = Dictionary(own.map { ($0.modelID, $0.name) }, uniquingKeysWith: { first, _ in first })
    let providers = Set(own.map(\.provider))
    incidents = tables.incidents.compactMap { incident in
      if let model = incident.modelID, names[model] == nil { return nil }
      if incident.modelID == nil, !incident.provider.isEmpty, !providers.contains(incident.provider) {
        return nil
      }
      return Incident(
        kind: incident.kind, model: incident.modelID.flatMap { names[$0] },
        modelKind: own.first { $0.modelID == incident.modelID }?.kind.rawValue,
        provider: incident.provider.isEmpty ? nil : incident.provider,
        from: incident.startedAt.rfc3339(in: calendar),
        to: incident.endedAt.rfc3339(in: calendar))
    }
    cutShort = tables.replicas.compactMap { row in
      guard row.limitedBy != .none, let name = names[row.modelID] else { return nil }
      return CutShort(
        at: row.at.rfc3339(in: calendar), model: name, version: row.version,
        limitedBy: row.limitedBy.rawValue,
        replicas: row.replicas)
    }
  }
}
