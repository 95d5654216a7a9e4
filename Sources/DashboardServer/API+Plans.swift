import Datasets
import Foundation
import Hummingbird
import Planning
import Studio
import Synchronization

/// Plans that are carried out at the page.
extension API {
  func addPlans(_ studio: Studio, _ folder: RunFolder, to api: RouterGroup<ConnectedContext>) {
    api.post("plans") { request, _ in try await startPlan(studio, folder, request) }
    api.get("plans") { _, _ in
      try await queues.long.run { _ in try json(folder.plans().map { ["id": $0, "name": $0] }) }
    }
    api.get("plans/:plan") { _, context in
      let name = try QueryItems.part(try context.parameters.require("plan"))
      return try await queues.long.run { _ -> Answer in
        let plan = try folder.plan(name)
        // If some of its runs have been deleted or changed, the plan can still be read; the answer names them.
        var unreadable: [UnreadableRun] = []
        func leaveOut(_ name: String, _ error: any Error) {
          catalogue.say("\(error)")
          unreadable.append(
            .init(
              name: name,
              reason: error is NotFoundError
                ? "It has been removed." : "It has changed since the plan was made, or cannot be read."))
        }
        let runs = try plan.runs(unreadable: leaveOut).compactMap { path in
          do {
            return try shown(path).id
          } catch {
            leaveOut(URL(fileURLWithPath: path).lastPathComponent, error)
            return nil
          }
        }
        return Answer(try PlanPage(plan).served(runs: runs, unreadable: unreadable))
      }.response(Self.type)
    }
  }

  /// The run at a place, which is among those that are shown from now on.
  private func shown(_ path: String) throws -> ServedRun {
    if let run = catalogue.runs.first(where: { $0.path == path && $0.isCurrent }) { return run }
    return try catalogue.adopt(path)
  }

  private func startPlan(_ studio: Studio, _ folder: RunFolder, _ request: Request) async throws -> Response {
    let body = try await JSONBody(request)
    try body.only([
      "base", "overrides", "vary", "variants", "cases", "growth", "growthWeeks", "replications",
      "maxReplications", "levels", "minimize", "samples", "name",
    ])
    let base = try await base(body)
    var plan = Plan()
    plan.overrides = try overrides(body)
    plan.vary = try body.objects("vary", most: 20).map {
      try $0.only(["path", "values"])
      return .init(path: try $0.neededText("path"), values: try $0.neededText("values"))
    }
    plan.variants = try body.objects("variants", most: 500).map {
      try $0.only(["name", "set"])
      return .init(name: try $0.neededText("name"), set: try $0.texts("set"))
    }
    let cases = try body.objects("cases", most: 20).map {
      try $0.only(["name", "weight", "set"])
      return PlanCase(
        name: try $0.neededText("name"), weight: try $0.number("weight", in: 0...1), set: try $0.texts("set"))
    }
    if !cases.isEmpty { plan.cases = cases }
    plan.growth = try body.text("growth")
    plan.growthWeeks = try body.integer("growthWeeks", in: 1...520)
    plan.replications = try body.integer("replications", in: 2...100_000)
    plan.maxReplications = try body.integer("maxReplications", in: 2...100_000)
    plan.samples = try body.integer("samples", in: 2...500)
    plan.objectives = try body.text("levels")
    plan.minimize = try body.text("minimize")
    let limits = studio.limits
    let asked = try await queues.long.run { [plan] _ in
      try AskedPlan(plan, base.text, most: limits.planVariants)
    }
    guard asked.expectedRequests <= limits.planRequests else {
      throw StudioProblem(
        .limit,
        "The plan expects \(Int(asked.expectedRequests.rounded())) requests; this server simulates at most \(Int(limits.planRequests)). Vary less, ask for fewer replications, or shorten the period."
      )
    }
    try DiskRoom.require(limits.freeBytes, at: folder.path)
    let name = try body.text("name") ?? asked.base.scenario.name
    let command = studio.command(.plan(plan, scenario: base.path))
    return try started(
      try jobs.start(.plan, name) { job in
        for note in asked.notes { job.note(note) }
        let board = VariantBoard(job)
        let path = try folder.carryOut(asked, name: name, command: command, check: { try job.check() }) {
          event in
          switch event {
          case .progress(let step, let done, let all): job.report(step, Double(done) / Double(max(all, 1)))
          case .estimated(let early): board.show(early)
          case .journal, .resumed, .damaged: break
          }
        }
        // The base and the variants worth looking at.
        let runs = try PlanDirectory(path).runs().map { try catalogue.adopt($0).id }
        return JobOutcome(
          result: .object([
            "plan": .text(URL(fileURLWithPath: path).lastPathComponent), "runs": .texts(runs),
          ]))
      })
  }
}

/// What is known of a plan's variants while it is carried out, shown a few times a second at most.
private final class VariantBoard: Sendable {
  private struct State {
    var order: [String] = []
    var variants: [String: JSONValue] = [:]
    var shownAt = ContinuousClock.now
  }

  private let job: RunningJob
  private let state = Mutex(State())
  private static let pause = Duration.milliseconds(250)

  init(_ job: RunningJob) { self.job = job }

  func show(_ early: PlanRun.EarlyEstimates) {
    let estimates = early.estimates.mapValues { estimate -> JSONValue in
      func bound(_ value: Double) -> JSONValue { value.isFinite ? .number(value) : .null }
      return .object([
        "mean": bound(estimate.value), "lower": bound(estimate.lower), "upper": bound(estimate.upper),
      ])
    }
    let value = JSONValue.object([
      "name": .text(early.name), "replications": .number(Double(early.replications)),
      "estimates": .object(estimates),
    ])
    let all = state.withLock { state -> [JSONValue]? in
      if state.variants.updateValue(value, forKey: early.name) == nil { state.order.append(early.name) }
      guard ContinuousClock.now - state.shownAt > Self.pause || early.replications <= 1 else { return nil }
      state.shownAt = .now
      return state.order.compactMap { state.variants[$0] }
    }
    if let all { job.show(variants: .list(all)) }
  }
}
