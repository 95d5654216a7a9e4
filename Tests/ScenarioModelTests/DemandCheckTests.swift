import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("What `check` says of classes, sessions, users and deadlines")
struct DemandCheckTests {
  private static let arrivals = "arrivals: { poisson: { rate: 1/s } }"
  private static let tokens = "tokens: { input: 100, output: 50 }"
  private static let loop = "arrivals: { closedLoop: { users: 20, think: 5s } }"
  private static let think = "think: 5s"

  private static func document(_ load: String, _ more: String = "", expect: String = "") -> String {
    CheckTests.valid
      .replacingOccurrences(
        of: "    load:\n      arrivals: { poisson: { rate: 1/s } }\n      tokens: { input: 100, output: 50 }",
        with: "    load: { \(load) }"
      ).replacingOccurrences(of: "service: { time: 1s }", with: "service: { time: 1s }\n        \(more)")
      + (expect.isEmpty ? "" : "expect: [\(expect)]\n")
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var load: String
    var more: String
    var message: String
    var testDescription: String { message }
    init(_ load: String, _ message: String, more: String = "") {
      (self.load, self.more, self.message) = (load, more, message)
    }
  }

  private static let plain = "\(arrivals), \(tokens)"

  static let mistakes: [Case] = [
    .init(
      "\(plain), classes: [{ name: a, share: 0.5 }, { name: b, share: 0.4 }]",
      "the shares of the classes add up to 0.9, not to 1. Change one of them by 0.1."),
    .init(
      "\(plain), classes: [{ name: a, share: 0.5 }, { name: a, share: 0.5 }]",
      "a second class is called \"a\". Rename one of them."),
    .init(
      "\(plain), classes: [{ name: a, share: 1 }, { name: b, share: 0 }]",
      "no request is of class \"b\": its share is 0. Raise it, or leave the class out."),
    .init("\(plain), classes: []", "0 classes. Give 1 to 32, or leave classes out."),
    .init("\(plain), classes: [{ name: a, share: 1, deadline: 1us }]", "the deadline must be at least 1ms."),
    .init("\(plain), deadline: 0s", "no response comes in time: the deadline must be at least 1ms."),
    .init(
      "\(arrivals), classes: [{ name: a, share: 0.5, \(tokens) }, { name: b, share: 0.5 }]",
      "tokens is missing. Give the input and output token counts of a request."),
    .init(
      "\(plain), sessions: { turns: { geometric: { mean: 20000 } }, \(think) }",
      "sessions never end: they have 20000 turns on average, at most 10000 are simulated."),
    .init(
      "\(plain), sessions: { turns: { pareto: { scale: 1, shape: 1 } }, \(think) }",
      "sessions never end: they have infinitely many turns on average"),
    .init(
      "\(plain), sessions: { turns: 3, think: { pareto: { scale: 1s, shape: 1 } } }",
      "sessions never end: the mean time to think is infinite."),
    .init(
      "\(plain), sessions: { turns: 0.2, \(think) }",
      "a session has 0.2 turns on average: it needs 1 at least."),
    .init(
      "arrivals: { poisson: { rate: 1/s } }, tokens: { input: 1, output: 1, prefix: { tokens: 100 } }, sessions: { turns: 3, \(think) }",
      "sessions cannot be combined with tokens.prefix"),
    .init(
      "arrivals: { trace: { file: t.csv } }, sessions: { turns: 3, \(think) }",
      "sessions cannot be combined with recorded demand"),
    .init(
      "arrivals: { trace: { file: t.csv } }, classes: [{ name: a, share: 1 }]",
      "classes cannot be combined with recorded demand"),
    .init(
      "\(loop), \(tokens), sessions: { turns: 3, \(think) }",
      "sessions cannot be combined with closedLoop: the users of a closed loop stay"),
    .init("\(loop), \(tokens), profile: p", "profile cannot be combined with closedLoop"),
    .init(
      "arrivals: { closedLoop: { users: 0, \(think) } }, \(tokens)",
      "there is never a user: no request would ever arrive. Raise users."),
    .init(
      "arrivals: { closedLoop: { users: 2000000, \(think) } }, \(tokens)",
      "users 2000000 is out of range. It must be 0 to 1000000."),
    .init(
      "arrivals: { closedLoop: { users: 1000000, think: 0s } }, \(tokens)",
      "1000000 users would send more than 100000 requests per second"),
    .init(
      "arrivals: { closedLoop: { users: 2, \(think), changes: [{ at: 2026-01-03, users: 4, over: 2h }, { at: 2026-01-03T01:00, users: 9 }] } }, \(tokens)",
      "the number of users changes before the change before it has ended, at 2026-01-03T02:00:00-05:00. Move it, or shorten over."
    ),
    .init(
      plain,
      "ageing is of queues by priority, and this one goes by fifo. Give discipline: priority, or remove ageing.",
      more: "queue: { ageing: 5s }"),
    .init(plain, "requestsPerMinute 0 is out of range.", more: "rateLimit: { requestsPerMinute: 0 }"),
  ]

  @Test("each mistake is found, once, with its place and its remedy", arguments: mistakes)
  func mistake(_ mistake: Case) {
    let errors = CheckTests.errors(Self.document(mistake.load, mistake.more))
    #expect(errors.count { $0.contains(mistake.message) } == 1, "\(errors)")
    #expect(errors.allSatisfy { $0.hasPrefix("t.yaml:") })
  }

  static let futilities: [Case] = [
    .init(
      "\(plain), classes: [{ name: a, share: 0.5, priority: 1 }, { name: b, share: 0.5 }]",
      "priority does nothing: no deployment's queue goes by it."),
    .init(
      plain, "all requests have the same priority: the queue is first in, first out.",
      more: "queue: { discipline: priority }"),
    .init(
      "\(plain), sessions: { turns: 3, \(think), context: fresh, maxContext: 100 }",
      "maxContext does nothing: with context: fresh, no prompt has a history."),
  ]

  @Test("what has no effect is a warning", arguments: futilities)
  func futility(_ futile: Case) throws {
    let document = try ScenarioDocument(Data(Self.document(futile.load, futile.more).utf8), path: "t.yaml")
    #expect(document.warnings.contains { $0.message.contains(futile.message) }, "\(document.warnings)")
  }

  @Test("objectives may name the classes of a scenario, and only those")
  func objectives() {
    let classes = "\(Self.plain), classes: [{ name: chat, share: 0.5 }, { name: batch, share: 0.5 }]"
    func errors(_ objective: String, _ load: String = classes) -> [String] {
      CheckTests.errors(Self.document(load, expect: objective))
    }
    #expect(errors("models.m.classes.chat.waiting.p99 <= 10s") == [])
    #expect(errors("classes.*.latency.p95 <= 1min") == [])
    #expect(errors("classes.chta.latency.p95 <= 1min").first?.contains("Did you mean chat?") == true)
    #expect(
      errors("classes.chat.latency.p95 <= 1min", Self.plain).first?.contains("no request has a class") == true
    )
    // A deadline is a cause of failures.
    #expect(
      errors("models.m.failureRate.timeout <= 1%", classes).first?.contains("can never be violated") == true)
    #expect(errors("models.m.failureRate.timeout <= 1%", classes + ", deadline: 30s") == [])
  }

  @Test("what arrives is counted: turns of sessions, and what users can send")
  func expected() throws {
    func expected(_ load: String) throws -> Double {
      try ScenarioDocument(Data(Self.document(load).utf8), path: "t.yaml").scenario.expectedArrivals
    }
    let seconds = 31.0 * 86_400
    #expect(abs(try expected(Self.plain) - seconds) < 1)
    #expect(abs(try expected(Self.plain + ", sessions: { turns: 4, think: 5s }") - 4 * seconds) < 1)
    // 20 users who think for 5 s and wait for 1 s.
    #expect(abs(try expected("\(Self.loop), \(Self.tokens)") - 20.0 / 6 * seconds) < 1)
    // No more than four replicas of eight slots serve; twice as many users for half of the time are 1.5 times as many.
    #expect(
      abs(try expected("arrivals: { closedLoop: { users: 1000, think: 5s } }, \(Self.tokens)") - 32 * seconds)
        < 1)
    let change = "changes: [{ at: 2026-01-16T12:00, users: 40 }]"
    #expect(
      abs(
        try expected("arrivals: { closedLoop: { users: 20, think: 5s, \(change) } }, \(Self.tokens)")
          - 30.0 / 6 * seconds) < 1)
  }

  @Test("a number of users goes from one to another evenly")
  func users() throws {
    let text = Self.document(
      "arrivals: { closedLoop: { users: 10, think: 5s, changes: [{ at: 2026-01-03, users: 20, over: 10s }, { at: 2026-01-04, users: 4, over: 8s }] } }, \(Self.tokens)"
    )
    let scenario = try ScenarioDocument(Data(text.utf8), path: "t.yaml").scenario
    let loop = try #require(scenario.accounts[0].models[0].load?.arrivals.closedLoop)
    let up = loop.userChanges[0].at
    let down = loop.userChanges[1].at
    #expect(
      ([-1, 0, 1, 5, 9, 10, 11] as [Int64]).map { loop.users(at: up + $0 * 1_000_000) } == [
        10, 10, 11, 15, 19, 20, 20,
      ])
    #expect(([0, 1, 4, 8] as [Int64]).map { loop.users(at: down + $0 * 1_000_000) } == [20, 18, 12, 4])
    #expect(loop.most == 20)
    let scaled = try #require(loop.scaledForTest(by: 2.5))
    #expect(scaled.users == 25 && scaled.userChanges.map(\.users) == [50, 10])
  }
}

extension ClosedLoopArrivals {
  fileprivate func scaledForTest(by factor: Double) -> ClosedLoopArrivals? {
    Arrivals.closedLoop(self).scaled(by: factor).closedLoop
  }
}
