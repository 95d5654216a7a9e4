import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Sessions and closed loops")
struct ClientTests {
  // MARK: Closed loops

  @Test(
    "a closed network of users and M/M/c has the throughput and the response time of mean value analysis",
    arguments: [
      (5, 1, "{ exponential: { mean: 4s } }", 91), (20, 4, "{ exponential: { mean: 3s } }", 92),
      // The time to think matters by its mean alone: the users who think are M/G/∞.
      (20, 4, "3s", 93), (20, 4, "{ lognormal: { mean: 3s, cv: 2 } }", 94),
      (100, 16, "{ exponential: { mean: 5s } }", 95),
    ])
  func meanValueAnalysis(users: Int, slots: Int, think: String, seed: Int) throws {
    let run = try Simulated(
      oneDeployment(
        load:
          "arrivals: { closedLoop: { users: \(users), think: \(think) } }, tokens: { input: 1, output: 1 }",
        service: "{ time: { exponential: { mean: 1s } } }", slots: slots, hours: users > 50 ? 24 : 48,
        seed: seed
      ))
    let mean = think.contains("4s") ? 4.0 : think.contains("5s") ? 5 : 3
    let theory = QueueTheory.meanValueAnalysis(users: users, servers: slots, service: 1, think: mean)
    let response = BatchMeans(run.requests.map { Double($0.latency) / 1e6 })
    #expect(response.agrees(with: theory.response), "\(response) against \(theory.response)")
    #expect(response.relativeError < 0.02)
    let intervals = zip(run.requests.dropFirst(), run.requests).map {
      Double($0.arrivedAt - $1.arrivedAt) / 1e6
    }
    let interval = BatchMeans(intervals)
    #expect(interval.agrees(with: 1 / theory.throughput), "\(interval) against \(1 / theory.throughput)")
    #expect(interval.relativeError < 0.02)
  }

  @Test("Little's law for users: N = X (R + Z), for every user too, and none has two requests at once")
  func littlesLaw() throws {
    let run = try Simulated(
      oneDeployment(
        load:
          "arrivals: { closedLoop: { users: 40, think: { exponential: { mean: 6s } } } }, tokens: { input: 1, output: 1 }",
        service: "{ time: { gamma: { mean: 2s, cv: 1.5 } } }", slots: 8, hours: 48, seed: 96))
    let users = Dictionary(grouping: run.requests) { $0.client ?? "" }
    #expect(users.count == 40)
    let span = Double(run.scenario.to - run.scenario.from)
    var cycles = 0.0
    for (user, own) in users {
      for (before, after) in zip(own, own.dropFirst()) {
        #expect(after.arrivedAt > before.arrivedAt + before.latency, "\(user)")
        cycles += Double(after.arrivedAt - before.arrivedAt)
      }
    }
    // The cycles of 40 users fill 40 times the period, but for what is before their first and after their last request.
    #expect(cycles <= 40 * span && cycles > 0.995 * 40 * span)
  }

  @Test("the number of users follows its changes, evenly")
  func changes() throws {
    // Everybody is answered in 1 s and thinks for 9 s: each user arrives every 10 s.
    let run = try Simulated(
      oneDeployment(
        load:
          "arrivals: { closedLoop: { users: 100, think: 9s, changes: [{ at: 2026-01-05T06:00, users: 300, over: 2h }, { at: 2026-01-05T12:00, users: 50 }, { at: 2026-01-05T18:00, users: 0, over: 1h }] } }, tokens: { input: 1, output: 1 }",
        service: "{ time: 1s }", slots: 256, seed: 97))
    func users(_ hour: Int, _ minute: Int) -> Int {
      let from = run.scenario.from.microseconds + Int64(hour * 60 + minute) * 60_000_000
      return run.requests.count { (from..<from + 10_000_000).contains($0.arrivedAt) }
    }
    #expect(users(5, 0) == 100)
    #expect(users(9, 0) == 300)
    #expect(abs(users(7, 0) - 200) <= 2)
    #expect(users(12, 1) == 50)
    #expect(abs(users(18, 30) - 25) <= 2)
    #expect(users(19, 1) == 0)
  }

  @Test("a user who is refused asks again no sooner than a second later")
  func refused() throws {
    let run = try Simulated(
      oneDeployment(
        load: "arrivals: { closedLoop: { users: 10, think: 0s } }, tokens: { input: 1, output: 1 }",
        service: "{ time: 5s }", slots: 2, more: "queue: { capacity: 3 }", seed: 98))
    let users = Dictionary(grouping: run.requests) { $0.client ?? "" }
    for own in users.values {
      for (before, after) in zip(own, own.dropFirst()) where !before.isSuccess {
        #expect(after.arrivedAt >= before.arrivedAt + before.latency + 1_000_000)
      }
    }
    #expect(run.requests.contains { $0.reason == "overloaded" })
    // Both places are always taken: 2 ÷ 5 s.
    #expect(abs(run.requests.count(where: \.isSuccess) - 34_560) <= 10)
  }

  // MARK: Sessions

  private static let sessions = """
    arrivals: { poisson: { rate: 0.5/s } }, tokens: { input: { uniform: { min: 10, max: 40 } }, output: { uniform: { min: 20, max: 60 } } }
    """

  @Test("a session's turns follow each other, and each prompt has all that was said before in front")
  func turns() throws {
    let run = try Simulated(
      oneDeployment(
        load: Self.sessions
          + ", sessions: { turns: { geometric: { mean: 5 } }, think: { exponential: { mean: 20s } } }",
        service: "{ time: { exponential: { mean: 2s } } }", slots: 64, seed: 101))
    let sessions = Dictionary(grouping: run.requests) { $0.client ?? "" }
    var counts: [Double] = []
    for own in sessions.values {
      #expect(own.map(\.turn) == (1...Int64(own.count)).map { $0 })
      for (before, after) in zip(own, own.dropFirst()) {
        #expect(after.arrivedAt > before.arrivedAt + before.latency)
        let new = after.input - before.input - before.output
        #expect((10...40).contains(new))
      }
      // Those that began early have ended.
      if own[0].arrivedAt < run.scenario.to.microseconds - 3_600_000_000 { counts.append(Double(own.count)) }
    }
    let mean = counts.reduce(0, +) / Double(counts.count)
    // Geometric: a standard deviation of √20; some 41,000 sessions.
    #expect(abs(mean - 5) < 6 * 20.0.squareRoot() / Double(counts.count).squareRoot(), "\(mean)")
    #expect(abs(Double(sessions.count) - 43_200) < 6 * 208)
  }

  @Test("Little's law for sessions: as many are under way as start per time × how long they take")
  func littlesLawOfSessions() throws {
    // Constant: 4 turns of 2 s and 3 times to think of 10 s are 38 s.
    let run = try Simulated(
      oneDeployment(
        load: Self.sessions + ", sessions: { turns: 4, think: 10s }", service: "{ time: 2s }", slots: 64,
        seed: 102))
    let sessions = Dictionary(grouping: run.requests) { $0.client ?? "" }
    for own in sessions.values where own.count == 4 {
      #expect(own[3].arrivedAt + own[3].latency - own[0].arrivedAt == 38_000_000)
    }
    // Sessions that are under way at instants far apart, each of some 0.5 × 38, Poisson.
    var sum = 0.0
    for instant in 1...700 {
      let at = run.scenario.from.microseconds + Int64(instant) * 120_000_000
      sum += Double(sessions.values.count { $0[0].arrivedAt <= at && $0[0].arrivedAt + 38_000_000 > at })
    }
    #expect(abs(sum / 700 - 19) < 6 * (19.0 / 700).squareRoot(), "\(sum / 700)")
  }

  private static let service =
    "{ continuousBatching: { base: 20ms, perPromptToken: 0.1ms, maxTokensPerStep: 2048, kvCache: { tokens: 200000, blockSize: 16 } } }"

  @Test("with a prefix cache that has room for all, a turn reads again only what is not in whole blocks")
  func prefixes() throws {
    let load = Self.sessions + ", sessions: { turns: 8, think: { exponential: { mean: 10s } } }"
    let run = try Simulated(oneDeployment(load: load, service: Self.service, slots: 256, seed: 108))
    let sessions = Dictionary(grouping: run.requests) { $0.client ?? "" }
    #expect(sessions.count > 40_000)
    for own in sessions.values {
      #expect(own[0].cached == 0)
      for (before, after) in zip(own, own.dropFirst()) {
        // The last token of a response is in no cache.
        let whole = (before.input + before.output - 1) / 16 * 16
        #expect(after.cached == whole, "\(before) \(after)")
      }
    }
  }

  @Test("a session whose history was left out in part, and one without a cache, read everything again")
  func noPrefixes() throws {
    let cut = try Simulated(
      oneDeployment(
        load: Self.sessions + ", sessions: { turns: 10, think: 5s, maxContext: 150 }", service: Self.service,
        slots: 256, seed: 109))
    for own in Dictionary(grouping: cut.requests, by: { $0.client ?? "" }).values {
      for (before, after) in zip(own, own.dropFirst()) where before.input + before.output + 40 > 150 {
        if after.input == 150 { #expect(after.cached == 0 || before.input + before.output <= 140) }
      }
    }
    #expect(cut.requests.filter { $0.turn == 10 }.allSatisfy { $0.cached == 0 })
    let none = try Simulated(
      oneDeployment(
        load: Self.sessions + ", sessions: { turns: 10, think: 5s }",
        service: Self.service.replacingOccurrences(
          of: "blockSize: 16", with: "blockSize: 16, prefixCache: none"),
        slots: 256, seed: 109))
    #expect(none.requests.allSatisfy { $0.cached == nil })
  }

  @Test("where memory is short, histories are lost and read again, and nothing is served twice or never")
  func shortMemory() throws {
    let load = Self.sessions + ", sessions: { turns: 8, think: { exponential: { mean: 10s } } }"
    let ample = try Simulated(oneDeployment(load: load, service: Self.service, slots: 64, seed: 110))
    let short = try Simulated(
      oneDeployment(
        load: load, service: Self.service.replacingOccurrences(of: "200000", with: "4800"), slots: 64,
        seed: 110))
    func hits(_ requests: [SimulatedRequest]) -> Double {
      Double(requests.reduce(0) { $0 + Int64($1.cached ?? 0) })
        / Double(requests.reduce(0) { $0 + Int64($1.input) })
    }
    #expect(hits(ample.requests) > 0.7 && hits(short.requests) < 0.7 * hits(ample.requests))
    #expect(hits(short.requests) > 0.02)
    #expect(short.requests.allSatisfy { $0.isSuccess })
  }

  @Test("a context holds at most maxContext; fresh turns have none; a failed turn leaves it as it was")
  func context() throws {
    let service = "{ time: 1s }"
    let short = try Simulated(
      oneDeployment(
        load: Self.sessions + ", sessions: { turns: 10, think: 5s, maxContext: 150 }", service: service,
        slots: 256,
        seed: 103))
    #expect(short.requests.allSatisfy { $0.input <= 150 })
    #expect(short.requests.filter { $0.turn ?? 0 >= 8 }.allSatisfy { $0.input == 150 })
    let fresh = try Simulated(
      oneDeployment(
        load: Self.sessions + ", sessions: { turns: 10, think: 5s, context: fresh }", service: service,
        slots: 256,
        seed: 103))
    #expect(fresh.requests.allSatisfy { (10...40).contains($0.input) })
    let failing = try Simulated(
      oneDeployment(
        load: Self.sessions + ", sessions: { turns: 10, think: 5s, abandon: { afterFailure: 0 } }",
        service: service,
        slots: 256, more: "failures: { modelError: 0.3 }", seed: 103))
    for own in Dictionary(grouping: failing.requests, by: { $0.client ?? "" }).values {
      var history: Int32 = 0
      for request in own {
        #expect((10...40).contains(request.input - history))
        if request.isSuccess { history = request.input + request.output }
      }
    }
  }

  @Test("sessions are abandoned after failures, and after responses that let wait for themselves")
  func abandonment() throws {
    let load =
      Self.sessions + ", sessions: { turns: 10, think: 5s, abandon: { afterFailure: 0.4, patience: 3s } }"
    let run = try Simulated(
      oneDeployment(
        load: load, service: "{ time: { exponential: { mean: 1s } } }", slots: 256,
        more: "failures: { modelError: 0.1 }", seed: 104))
    var (failures, left) = (0.0, 0.0)
    let end = run.scenario.to.microseconds - 600_000_000
    for own in Dictionary(grouping: run.requests, by: { $0.client ?? "" }).values {
      for (place, request) in own.enumerated() where request.turn ?? 0 < 10 && request.arrivedAt < end {
        let isLast = place == own.count - 1
        if request.isSuccess {
          #expect(isLast == (request.firstToken > 3_000_000))
        } else {
          failures += 1
          if isLast { left += 1 }
        }
      }
    }
    #expect(failures > 5000)
    #expect(abs(left / failures - 0.4) < 6 * (0.24 / failures).squareRoot(), "\(left / failures)")
  }

  @Test("a turn that is retried keeps its session, and the next turn waits for the last attempt")
  func retries() throws {
    let run = try Simulated(
      oneDeployment(
        load: Self.sessions
          + ", retries: { probability: 1, attempts: 20, backoff: 2s }, sessions: { turns: 3, think: 5s }",
        service: "{ time: 1s }", slots: 256, more: "failures: { modelError: 0.3 }", seed: 105))
    for own in Dictionary(grouping: run.requests, by: { $0.client ?? "" }).values {
      for (before, after) in zip(own, own.dropFirst()) {
        let step = (after.turn ?? 0) - (before.turn ?? 0)
        #expect(step == (before.isSuccess ? 1 : 0))
        #expect(
          after.arrivedAt - before.arrivedAt - before.latency == (before.isSuccess ? 5_000_000 : 2_000_000))
      }
    }
  }

  @Test("the turns of a session are the same however fast it is served")
  func commonRandomNumbers() throws {
    func said(_ time: String) throws -> [String: [Int32]] {
      let run = try Simulated(
        oneDeployment(
          load: Self.sessions
            + ", sessions: { turns: { geometric: { mean: 5 } }, think: { exponential: { mean: 20s } }, context: fresh }",
          service: "{ time: \(time) }", slots: 64, seed: 106))
      return Dictionary(
        grouping: run.requests.filter { $0.arrivedAt < run.scenario.from.microseconds + 3_600_000_000 },
        by: { $0.client ?? "" }
      ).mapValues { $0.map(\.output) }
    }
    let (fast, slow) = (try said("1s"), try said("20s"))
    #expect(fast.count > 1000)
    for (session, turns) in slow {
      let same = fast[session].map { Array($0.prefix(turns.count)) == Array(turns.prefix($0.count)) }
      #expect(same == true, "\(session)")
    }
  }

  @Test("results do not depend on the number of threads")
  func threads() throws {
    let text = oneDeployment(
      load: Self.sessions
        + ", sessions: { turns: { geometric: { mean: 5 } }, think: { exponential: { mean: 20s } } }",
      service: "{ time: 2s }", slots: 8, more: "queue: { capacity: 20 }", seed: 107)
    #expect(try Simulated(text, threads: 1).requests == Simulated(text, threads: 4).requests)
  }
}
