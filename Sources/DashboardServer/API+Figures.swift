import Aggregation
import Foundation
import Hummingbird
import Telemetry

/// Figures in addition to the dashboard's: of the analysis lens, of all models, and of credits.
extension API {
  func addFigures(to api: RouterGroup<ConnectedContext>) {
    api.get("runs/:run/analysis") { request, context in
      try await kept(request, context, known: Self.selecting) { run, items in
        let question = try question(run, items)
        return try Self.encoded(try run.analysis(question))
      }
    }
    api.get("runs/:run/overview") { request, context in
      try await kept(request, context, known: ["account", "period"]) { run, items in
        try Self.encoded(try run.overview(try account(run, items), try Self.period(items)))
      }
    }
    api.get("runs/:run/overviews") { request, context in
      try await kept(request, context, known: ["period"]) { run, items in
        let filter = try Self.period(items)
        return try Self.encoded(
          run.tables.accounts.map { account in
            NamedOverview(account: account.account, overview: try run.overview(account, filter))
          })
      }
    }
    api.get("runs/:run/credits") { request, context in
      try await kept(request, context, known: ["account", "period"]) { run, items in
        try Self.encoded(try run.credits(try account(run, items), try Self.period(items)))
      }
    }
  }

  /// An account's name beside its figures, in one object.
  private struct NamedOverview: Encodable {
    var account: String
    var overview: AccountOverview

    private enum CodingKeys: String, CodingKey { case account }

    func encode(to encoder: any Encoder) throws {
      try overview.encode(to: encoder)
      var members = encoder.container(keyedBy: CodingKeys.self)
      try members.encode(account, forKey: .account)
    }
  }

  /// An answer that is kept for other clients that ask the same about the same run; a live run's is not.
  func kept(
    _ request: Request, _ context: ConnectedContext, known: Set<String>,
    _ make: @escaping @Sendable (ServedRun, QueryItems) throws -> Data
  ) async throws -> Response {
    let items = try QueryItems(request.uri.query)
    try items.only(known)
    let asked = Array(request.uri.string.utf8)
    for _ in 0..<Self.mostAttempts {
      let run = try await current(context)
      @Sendable func answer() async throws -> Answer {
        try await queues.long.run { token in
          try token.check()
          let answer = Answer(try make(run, items))
          guard run.isCurrent else { throw Replaced() }
          return answer
        }
      }
      do {
        if run.live != nil { return try await answer().response(Self.type) }
        let key = Answers.Key(reading: run.reading, question: asked)
        return try await context.departures().whileConnected { [answers] in
          try await answers.answer(key, answer)
        }.response(Self.type)
      } catch {
        guard run.isCurrent else { continue }
        throw error
      }
    }
    throw Self.replacedTooOften
  }

  static func encoded(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }
}
