import Aggregation
import Datasets
import Documents
import Foundation
import Hummingbird
import ScenarioModel
import Studio
import Telemetry

/// What may be done at the page: what-if, keeping, scenarios, jobs.
extension API {
  func addStudio(to api: RouterGroup<ConnectedContext>) {
    api.get("abilities") { _, _ in try json(Abilities(studio)) }
    api.get("runs/:run/scenario") { _, context in
      let run = try await current(context)
      let text = try scenario(of: run)
      return try await queues.long.run { _ in try json(ScenarioAnswer(run, text)) }
    }
    api.get("runs/:run/parameters") { request, context in
      let text = try scenario(of: try await current(context))
      return try await parameters(request, text)
    }
    api.get("compare") { request, context in try await compare(request, context) }
    api.get("compare/scenarios") { request, _ in try await compareScenarios(request) }
    guard let studio else { return }
    addJobs(to: api)
    api.post("check") { request, _ in try await check(request) }
    addTaking(studio, to: api)
    api.post("what-if") { request, context in try await whatIf(studio, request, context) }
    api.delete("what-if") { request, _ in
      let items = try QueryItems(request.uri.query)
      try items.only(["session"])
      sessions.drop(try items.text("session") ?? "")
      return try json([String: String]())
    }
    if let folder = studio.scenarios { addScenarios(folder, to: api) }
    if let folder = studio.runs {
      addKeeping(studio, folder, to: api)
      addPlans(studio, folder, to: api)
      addImports(studio, folder, to: api)
    }
  }

  /// A run's scenario.
  /// - Throws: `Problem` if it has none.
  func scenario(of run: ServedRun) throws -> ScenarioText {
    guard let text = run.scenarioText else {
      throw Problem(
        title: "No scenario", status: 409,
        detail: "The run has no scenario: its data were imported. \"workbench fit\" makes one from them.")
    }
    return ScenarioText(name: "scenario.yaml", text: Data(text.utf8), folder: studio?.scenarios?.path)
  }

  /// A scenario to start from, and its path for a command.
  struct Base: Sendable {
    var text: ScenarioText
    var path: String
  }

  /// The member `base` of a body.
  func base(_ body: JSONBody) async throws -> Base {
    guard let base = try body.object("base") else {
      throw Problem.badParameter("base", "base must be an object with a run or a scenario.")
    }
    try base.only(["run", "scenario"])
    if let id = try base.text("run") {
      let run = try await current(id)
      return Base(
        text: try scenario(of: run), path: run.path.map { "\($0)/scenario.yaml" } ?? "scenario.yaml")
    }
    let name = try base.neededText("scenario")
    guard let folder = studio?.scenarios else {
      throw Problem.badParameter("base.scenario", "This server has no folder of scenarios.")
    }
    let text = try await queues.long.run { _ in try folder.read(name).text }
    return Base(
      text: ScenarioText(name: name, text: text, folder: folder.path), path: "\(folder.path)/\(name)")
  }

  func overrides(_ body: JSONBody) throws -> [String] {
    let overrides = try body.texts("overrides")
    guard overrides.allSatisfy({ $0.utf8.count <= 10_000 }) else {
      throw Problem.badParameter("overrides", "An override has at most 10000 bytes.")
    }
    return overrides
  }

  func parameters(_ request: Request, _ text: ScenarioText) async throws -> Response {
    let items = try QueryItems(request.uri.query)
    try items.only(["search", "most"])
    let search = try items.text("search") ?? ""
    var most = 50
    if let given = try items.text("most") {
      guard let number = Int(given), (1...500).contains(number) else {
        throw Problem.badParameter("most", "most must be a whole number in 1…500.")
      }
      most = number
    }
    return try await queues.long.run { [most] _ in
      let found: [ScenarioParameter]
      do {
        found = try ScenarioParameters(text.text, path: text.name).search(search)
      } catch let errors as DocumentErrors {
        throw StudioProblem(errors.diagnostics, parameter: "scenario")
      }
      return try json(
        ParametersAnswer(parameters: Array(found.prefix(most)), more: max(found.count - most, 0)))
    }
  }

  private struct ParametersAnswer: Encodable {
    var parameters: [ScenarioParameter]
    var more: Int
  }

  private struct ScenarioAnswer: Encodable {
    struct Period: Encodable {
      var from: String
      var to: String
    }
    var name: String
    var text: String
    var overrides: [String]
    var description: String
    var period: Period
    var expectedRequests: Double

    init(_ run: ServedRun, _ text: ScenarioText) throws {
      let scenario: Scenario
      do {
        scenario = try ScenarioDocument(text.text, path: text.name).scenario
      } catch let errors as DocumentErrors {
        throw StudioProblem(errors.diagnostics, parameter: "run")
      }
      name = scenario.name
      self.text = String(decoding: text.text, as: UTF8.self)
      overrides = run.scenarioOverrides
      description = scenario.description
      period = Period(from: scenario.from.rfc3339, to: scenario.to.rfc3339)
      expectedRequests = scenario.expectedArrivals
    }
  }

  private struct Abilities: Encodable {
    var change: Bool
    var scenarios: Bool
    var keep: Bool
    var formats: [String]
    var limits: StudioLimits

    init(_ studio: Studio?) {
      change = studio != nil
      scenarios = studio?.scenarios != nil
      keep = studio?.runs != nil
      formats = DatasetFormat.all.map(\.description)
      limits = studio?.limits ?? StudioLimits()
    }
  }

  // MARK: What if

  private func whatIf(_ studio: Studio, _ request: Request, _ context: ConnectedContext) async throws
    -> Response
  {
    let body = try await JSONBody(request)
    try body.only(["session", "base", "overrides", "view", "whole"])
    let session = try body.neededText("session")
    guard session.utf8.count <= 100 else {
      throw Problem.badParameter("session", "session has at most 100 bytes.")
    }
    let base = try await base(body)
    let overrides = try overrides(body)
    let items = try body.object("view")?.items() ?? QueryItems(items: [])
    try items.only(Self.selecting.union(["maxPoints"]))
    let question = SimulatedRun.Question(
      account: try items.text("account"), filter: try Self.period(items),
      selection: try Self.selection(items),
      maxPoints: try Self.maxPoints(items))
    let isWhole = try body.bool("whole") ?? false
    let ticket = sessions.begin(session)
    let answer = try await context.departures().whileConnected { [queues] in
      try await ticket.listeners.whileConnected {
        try await queues.simulations.run { token in
          try token.check()
          let start = ContinuousClock.now
          let bundle = try base.text.bundle(overrides: overrides, sharing: ticket.known)
          let limits = studio.limits
          let expected = bundle.simulation().expectedRequests
          if isWhole, expected > limits.whatIfRequests {
            throw StudioProblem(
              .limit,
              "The scenario expects \(Int(expected.rounded())) requests; a what-if simulates at most \(Int(limits.whatIfRequests)). Lower a rate, shorten the period, or keep it as a run."
            )
          }
          let run = try SimulatedRun(
            bundle, mostRequests: isWhole ? nil : limits.sliceRequests, reach: limits.whatIfRequests,
            question: question,
            check: { try token.check() })
          let dashboard = try run.view(check: { try token.check() })?.json() ?? Data("null".utf8)
          let took = ContinuousClock.now - start
          let served = ServedRun(
            simulated: run, id: Self.newWhatIf())
          sessions.keep(served, of: ticket)
          return Answer(
            try Self.answer(
              served, run, dashboard, took, overrides,
              studio.command(.run(scenario: base.path, overrides: overrides))))
        }
      }
    }
    return answer.response(Self.type)
  }

  private static func newWhatIf() -> String {
    WhatIfSessions.prefix + String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
  }

  private static func answer(
    _ served: ServedRun, _ run: SimulatedRun, _ dashboard: Data, _ took: Duration, _ overrides: [String],
    _ command: String
  ) throws -> Data {
    let slice = run.slice.map { slice -> JSONValue in
      .object([
        "from": .text(slice.range.lowerBound.rfc3339), "to": .text(slice.range.upperBound.rfc3339),
        "period": .text(slice.period.description),
      ])
    }
    let head = try encoded(
      JSONValue.object([
        "run": .text(served.id), "name": .text(run.name), "slice": slice ?? .null,
        "now": .text(run.now.rfc3339), "requests": .number(Double(run.requests)),
        "expectedRequests": .number(run.expectedRequests.rounded()),
        "milliseconds": .number((took / .milliseconds(1)).rounded()), "overrides": .texts(overrides),
        "command": .text(command),
      ]))
    return head.dropLast() + Data(",\"dashboard\":".utf8) + dashboard + Data("}".utf8)
  }
}
