import Datasets
import Documents
import Foundation
import Hummingbird
import ScenarioModel
import Studio
import Verification

/// What is wrong with a scenario, and in what two runs differ.
extension API {
  private struct CheckAnswer: Encodable {
    struct Summary: Encodable {
      var accounts: Int
      var models: Int
      var expectedRequests: Double
    }
    var diagnostics: [DiagnosticAnswer]
    var summary: Summary?
    var completions: [ScenarioCompletion.Candidate]
  }

  func check(_ request: Request) async throws -> Response {
    let body = try await JSONBody(request)
    try body.only(["text", "overrides", "at"])
    let text = try body.text("text") ?? ""
    let overrides = try overrides(body)
    let place = try body.object("at")
    try place?.only(["line", "column"])
    let line = try place?.integer("line", in: 1...1_000_000)
    let column = try place?.integer("column", in: 1...1_000_000)
    let scenario = ScenarioText(
      name: "scenario.yaml", text: Data(text.utf8), folder: studio?.scenarios?.path)
    return try await queues.long.run { _ in
      let checked = try scenario.check(overrides: overrides)
      var answer = CheckAnswer(
        diagnostics: checked.diagnostics.map(DiagnosticAnswer.init), summary: nil, completions: [])
      if let scenario = checked.scenario {
        answer.summary = .init(
          accounts: scenario.accounts.count, models: scenario.accounts.reduce(0) { $0 + $1.models.count },
          expectedRequests: checked.expectedRequests.rounded())
      }
      if let line, let column {
        answer.completions = ScenarioCompletion(text, line: line, column: column).candidates
      }
      return try json(answer)
    }
  }

  // MARK: Two runs

  func compare(_ request: Request, _ context: ConnectedContext) async throws -> Response {
    let (a, b) = try await sides(request)
    guard let expected = a.path, let actual = b.path else {
      throw Problem(
        title: "Conflict", status: 409, detail: "Runs in memory cannot be compared. Keep them first.")
    }
    let key = Answers.Key(reading: a.reading, question: Array("compare \(b.reading)".utf8))
    return try await context.departures().whileConnected { [answers, queues] in
      try await answers.answer(key) {
        try await queues.long.run { token in
          try token.check()
          var outcome: ComparisonOutcome
          do {
            outcome = try OutputComparison(expected: expected, actual: actual).run()
          } catch let error as DatasetError {
            throw StudioProblem(.conflict, error.message)
          }
          (outcome.expected, outcome.actual) = (a.name, b.name)
          let answer = JSONValue.object([
            "a": Self.named(a), "b": Self.named(b), "outcome": try JSONValue(outcome),
            "scenario": try Self.scenarioDifferences(a, b),
          ])
          return Answer(try Self.encoded(answer))
        }
      }
    }.response(Self.type)
  }

  /// The values in which the scenarios of two runs differ, without a comparison of their figures.
  func compareScenarios(_ request: Request) async throws -> Response {
    let (a, b) = try await sides(request)
    return try await queues.long.run { _ in
      try json([
        "a": Self.named(a), "b": Self.named(b), "scenario": try Self.scenarioDifferences(a, b),
      ])
    }
  }

  /// The two runs that are asked about.
  private func sides(_ request: Request) async throws -> (a: ServedRun, b: ServedRun) {
    let items = try QueryItems(request.uri.query)
    try items.only(["a", "b"])
    guard let first = try items.text("a"), let second = try items.text("b") else {
      throw Problem.badParameter("a", "Name two runs: a and b.")
    }
    return (try await current(first), try await current(second))
  }

  private static func named(_ run: ServedRun) -> JSONValue {
    .object(["id": .text(run.id), "name": .text(run.name)])
  }

  private static func scenarioDifferences(_ a: ServedRun, _ b: ServedRun) throws -> JSONValue {
    try ScenarioDifference.between(a.scenarioText, b.scenarioText).map { try JSONValue($0) } ?? .null
  }
}
