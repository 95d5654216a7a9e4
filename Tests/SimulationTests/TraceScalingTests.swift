import Foundation
import ScenarioModel
import Simulation
import TestSupport
import Testing

@Suite("Arrivals: a trace with more or fewer requests")
struct TraceScalingTests {
  static let hour: Int64 = 3_600_000_000
  /// 2026-01-05T00:00:00Z, a Monday.
  static let start: Int64 = 1_767_571_200_000_000

  /// Requests for some days, 40 + 10 × the hour of the day in each hour, the first half of them in its first minute; the
  /// input tokens of a request are its number.
  static func trace(days: Int, perHour: (Int) -> Int = { 40 + 10 * ($0 % 24) }) -> Trace {
    var requests: [TraceRequest] = []
    for hour in 0..<(24 * days) {
      let count = perHour(hour)
      for index in 0..<count {
        let offset =
          index < count / 2
          ? Int64(index) * 60_000_000 / Int64(count)
          : 60_000_000 + Int64(index - count / 2) * (Self.hour - 61_000_000) / Int64(count)
        requests.append(
          .init(
            arrivedAt: start + Int64(hour) * Self.hour + offset, inputTokens: Int32(requests.count),
            outputTokens: 1))
      }
    }
    return Trace(requests)
  }

  static func run(_ trace: Trace, scale: Double, days: Int, seed: Int = 1) throws -> Simulated {
    let yaml = """
      workbench: 1
      name: arrivals
      seed: \(seed)
      period: { from: 2026-01-05, to: "\(String(format: "2026-01-%02d", 5 + days))" }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: external
          provider: P
          load: { arrivals: { trace: t }, scale: \(scale) }
          service: { time: 1ms }
      """
    return try Simulated(yaml, traces: ["t": trace])
  }

  static func counts(_ run: Simulated, days: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: 24 * days)
    for request in run.requests { counts[Int((request.arrivedAt - start) / hour)] += 1 }
    return counts
  }

  @Test(
    "twice the demand is the trace and a copy moved by whole days: every hour of the day has twice its requests"
  )
  func days() throws {
    let trace = Self.trace(days: 4)
    let run = try Self.run(trace, scale: 2, days: 4)
    #expect(Self.counts(run, days: 4) == (0..<96).map { 2 * (40 + 10 * ($0 % 24)) })
    // Each request twice; the second time some whole days later or earlier, the same for all.
    let own = Dictionary(grouping: run.requests, by: \.input)
    #expect(own.count == trace.requests.count && own.values.allSatisfy { $0.count == 2 })
    let moves = Set(
      own.values.map { pair in
        let move = abs(pair[1].arrivedAt - pair[0].arrivedAt)
        return min(move, 96 * Self.hour - move) / Self.hour
      })
    #expect(moves.count == 1 && [24, 48].contains(moves.first ?? 0))
    #expect(run.requests.map(\.arrivedAt) == run.requests.map(\.arrivedAt).sorted())
  }

  @Test("a trace of two weeks is moved by whole weeks: Saturdays keep their demand")
  func weeks() throws {
    let perHour = { (hour: Int) in (hour / 24) % 7 < 5 ? 30 : 3 }
    let run = try Self.run(Self.trace(days: 21, perHour: perHour), scale: 3, days: 21)
    #expect(Self.counts(run, days: 21) == (0..<504).map { 3 * perHour($0) })
    let moves = Dictionary(grouping: run.requests, by: \.input).values.flatMap { own in
      own.map { ($0.arrivedAt - Self.start) / (168 * Self.hour) }.sorted()
    }
    // One in each week: no two copies are moved by the same.
    #expect(moves == Array(repeating: [0, 1, 2], count: moves.count / 3).flatMap { $0 })
  }

  @Test("a short trace, and what is behind the last whole day, moves by half a minute at most")
  func jitter() throws {
    let trace = Self.trace(days: 1)
    let run = try Self.run(trace, scale: 2, days: 1)
    #expect(run.requests.count == 2 * trace.requests.count)
    for (_, own) in Dictionary(grouping: run.requests, by: \.input) {
      #expect(own.count == 2 && abs(own[1].arrivedAt - own[0].arrivedAt) <= 30_000_000)
    }
    // Two and a half days: the half stays where it is, and the whole days change places.
    let long = Trace(
      Array(Self.trace(days: 3).requests.prefix { $0.arrivedAt < Self.start + 60 * Self.hour }))
    let counts = Self.counts(try Self.run(long, scale: 2, days: 3), days: 3)
    #expect(Array(counts[0..<47]) == (0..<47).map { 2 * (40 + 10 * ($0 % 24)) })
    // Half a minute may lead across the border between both.
    // 270 in the last hour of the day; twelve times 40, and ten times 0 + 1 + … + 11.
    let behind = 2 * (270 + 480 + 660)
    #expect(counts[47..<60].reduce(0, +) == behind)
    #expect(counts[60...].allSatisfy { $0 == 0 })
  }

  @Test(
    "fewer requests are drawn from the trace, the same ones for every larger scale; a fraction thins the last copy"
  )
  func thinning() throws {
    let trace = Self.trace(days: 3)
    let n = Double(trace.requests.count)
    func kept(_ scale: Double, seed: Int = 1) throws -> [Int32] {
      try Self.run(trace, scale: scale, days: 3, seed: seed).requests.map { Int32($0.input) }
    }
    let few = Set(try kept(0.3))
    let more = Set(try kept(0.6))
    #expect(few.isSubset(of: more) && more.count < trace.requests.count)
    for (count, share) in [(few.count, 0.3), (more.count, 0.6)] {
      #expect(abs(Double(count) - share * n) < 5.3 * (share * (1 - share) * n).squareRoot())
    }
    #expect(try Set(kept(0.3, seed: 2)) != few)
    let half = try kept(1.5)
    #expect(abs(Double(half.count) - 1.5 * n) < 5.3 * (0.25 * n).squareRoot())
    #expect(Set(half).count == trace.requests.count)
    // Once is the trace itself.
    #expect(try kept(1) == trace.requests.map(\.inputTokens))
    #expect(try Self.run(trace, scale: 1, days: 3).scenario.randomness.isEmpty)
    #expect(try Self.run(trace, scale: 1.5, days: 3).scenario.randomness.contains("arrivals"))
  }
}
