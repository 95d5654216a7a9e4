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

  /// A value in which two scenarios differ; `nil` where one does not have it.
  private struct ScenarioDifference: Encodable {
    var path: String
    var label: String
    var a: String?
    var b: String?
  }

  func compare(_ request: Request, _ context: ConnectedContext) async throws -> Response {
    let items = try QueryItems(request.uri.query)
    try items.only(["a", "b"])
    guard let first = try items.text("a"), let second = try items.text("b") else {
      throw Problem.badParameter("a", "Name two runs: a and b.")
    }
    let (a, b) = (try await current(first), try await current(second))
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
            "a": .object(["id": .text(a.id), "name": .text(a.name)]),
            "b": .object(["id": .text(b.id), "name": .text(b.name)]),
            "outcome": try JSONValue(outcome),
            "scenario": try Self.differences(a, b).map { try JSONValue($0) } ?? .null,
          ])
          return Answer(try Self.encoded(answer))
        }
      }
    }.response(Self.type)
  }

  private static let mostDifferences = 1000

  private static func differences(_ a: ServedRun, _ b: ServedRun) throws -> [ScenarioDifference]? {
    guard let first = a.scenarioText, let second = b.scenarioText else { return nil }
    do {
      let before = try ScenarioParameters(Data(first.utf8), path: a.name).all
      let after = try ScenarioParameters(Data(second.utf8), path: b.name).all
      let values = Dictionary(before.map { ($0.path, $0) }, uniquingKeysWith: { one, _ in one })
      let others = Dictionary(after.map { ($0.path, $0) }, uniquingKeysWith: { one, _ in one })
      var found = before.filter { others[$0.path]?.value != $0.value }.map {
        ScenarioDifference(path: $0.path, label: $0.label, a: $0.value, b: others[$0.path]?.value)
      }
      found += after.filter { values[$0.path] == nil }.map {
        ScenarioDifference(path: $0.path, label: $0.label, a: nil, b: $0.value)
      }
      return Array(found.prefix(mostDifferences))
    } catch is DocumentErrors {
      // One that another version of the program wrote.
      return nil
    }
  }
}
