import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Arrivals: blocks of a record")
struct ResampledTests {
  /// 2025-03-01T00:00:00Z.
  static let start: Int64 = 1740787200_000_000

  /// Five requests 10 ms apart, every ten seconds for two hours, the clusters up to five seconds late; the output tokens
  /// of a request are its input tokens and 7.
  static let clusters = Trace(
    (0..<720).flatMap { cluster -> [TraceRequest] in
      // Weyl's sequence: as even as chance, and always the same.
      let late = (Double(cluster) * 0.618_033_988_75).truncatingRemainder(dividingBy: 1) * 5e6
      return (0..<5).map { index in
        TraceRequest(
          arrivedAt: start + Int64(cluster) * 10_000_000 + Int64(late) + Int64(index) * 10_000,
          inputTokens: Int32(cluster + 1), outputTokens: Int32(cluster + 8))
      }
    })

  static func run(_ parameters: String, load: String = "", seed: Int = 3, to: String = "2026-01-06") throws
    -> Simulated
  {
    let yaml = """
      workbench: 1
      name: arrivals
      seed: \(seed)
      period: { from: 2026-01-05, to: \(to) }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      profiles:
        rates:
          p: { breakpoints: [ { at: "2026-01-05T12:00", factor: 2 }, { at: "2026-01-05T18:00", factor: 0 } ] }
      models:
        - name: m
          kind: external
          provider: P
          load: { arrivals: { resampled: { trace: r.csv, \(parameters) } }\(load) }
          service: { time: 1ms }
      """
    return try Simulated(yaml, traces: [.init(file: "r.csv"): clusters])
  }

  static func gaps(_ requests: [SimulatedRequest]) -> [Int64] {
    zip(requests.dropFirst(), requests).map { $0.arrivedAt - $1.arrivedAt }
  }

  /// Whether a count of requests is what is expected. Clusters of five: its variance is at most five times its mean.
  static func isNear(_ count: Int, _ expected: Double) -> Bool {
    let deviation: Double = (5 * expected).squareRoot()
    return abs(Double(count) - expected) < 5.3 * deviation
  }

  /// The index of dispersion of counts in windows of a second.
  static func perSecond(_ run: Simulated) -> Double {
    dispersion(ArrivalTests.counts(run, every: 1_000_000))
  }

  /// That of whole clusters: a second has one with probability 1/10, of which a border cuts 4 % in two, so that the mean
  /// square of the count is (0.96 · 25 + 0.04 · 15) ÷ 10.
  static let own: Double = 2.46 / 0.5 - 0.5

  @Test(
    "within a block requests arrive as they did; the rate is the record's; tokens come with their request")
  func blocks() throws {
    // Observed for 7,200 s: half a request a second.
    let run = try Self.run(
      "blocks: 5min, from: \"2025-03-01T00:00:00Z\", to: \"2025-03-01T02:00:00Z\"", to: "2026-01-09")
    let n = Double(run.requests.count)
    #expect(Self.isNear(run.requests.count, 172_800))
    let within = Double(Self.gaps(run.requests).count { abs($0 - 10_000) <= 1 })
    // Four of five gaps, less what the ends of blocks cut: a block's end hits a cluster of 40 ms in 10 s once in 250.
    #expect(within / n > 0.795 && within / n <= 0.8005, "\(within / n)")
    #expect(abs(Self.perSecond(run) - Self.own) < 0.1)
    #expect(run.requests.allSatisfy { $0.output == $0.input + 7 })
    let means = run.requests.reduce(0.0) { $0 + Double($1.input) } / n
    #expect(abs(means - 360.5) < 40, "\(means): each part of the record as often as every other")
    #expect(try Self.run("blocks: 5min", seed: 3).requests == Self.run("blocks: 5min", seed: 3).requests)
  }

  @Test("the rate function changes the process's clock, exactly")
  func rateFunction() throws {
    let run = try Self.run("blocks: 5min, rate: 1/s", load: ", profile: p, tokens: { input: 3, output: 4 }")
    let noon = run.scenario.from.microseconds + 12 * ArrivalTests.hour
    let before = run.requests.filter { $0.arrivedAt < noon }
    let after = run.requests.filter { $0.arrivedAt >= noon }
    // 43,200 at 1/s, then as many in half the time.
    for part in [before, after] {
      #expect(Self.isNear(part.count, 43_200), "\(part.count)")
    }
    #expect(run.requests.allSatisfy { $0.arrivedAt < noon + 6 * ArrivalTests.hour })
    // The record has 3,600 requests in a little less than 7,200 s: its clock runs nearly twice, then four times as fast.
    let own = try #require(Self.clusters.rate(of: .init(.init(file: "r.csv"), blocks: 1))) * 1e6
    for (part, factor) in [(before, 1.0), (after, 2.0)] {
      let gap: Double = 10_000 * own / factor
      let within = Self.gaps(part).count { abs(Double($0) - gap) <= 1.5 }
      #expect(Double(within) > 0.79 * Double(part.count), "\(gap): \(within)")
    }
    #expect(run.requests.allSatisfy { $0.input == 3 && $0.output == 4 })
  }

  @Test("scale superposes copies and thins one: bursts stay as they are, and become no denser")
  func scale() throws {
    let observed = "blocks: 5min, from: \"2025-03-01T00:00:00Z\", to: \"2025-03-01T02:00:00Z\""
    for scale in [0.5, 1, 2.5, 100] {
      let isLarge = scale > 10
      let run = try Self.run(
        observed, load: ", scale: \(scale)", to: isLarge ? "2026-01-05T02:00" : "2026-01-07")
      let expected: Double = 0.5 * scale * (isLarge ? 7200 : 172_800)
      #expect(Self.isNear(run.requests.count, expected), "\(scale): \(run.requests.count)")
      let times = run.requests.map(\.arrivedAt)
      #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
      // Of a share p of one copy, 1 + p (I − 1); of independent copies, the mean of theirs, weighted by their rates.
      let (whole, rest) = (scale.rounded(.down), scale - scale.rounded(.down))
      let thinned: Double = 1 + rest * (Self.own - 1)
      let mean: Double = (whole * Self.own + rest * thinned) / scale
      let found = Self.perSecond(run)
      // Of 64 copies that run faster, fewer seconds are empty: I is smaller by a twentieth.
      #expect(abs(found / mean - 1) < (isLarge ? 0.15 : 0.05), "\(scale): \(found)")
    }
  }

  @Test("a record of one instant, or of none of the time asked for, has no rate")
  func nothing() {
    let one = TraceRequest(arrivedAt: Self.start, inputTokens: 1, outputTokens: 1)
    let model = ResampledArrivals(.init(file: "r.csv"), blocks: 1e6)
    #expect(Trace([]).rate(of: model) == nil)
    #expect(Trace([one]).rate(of: model) == nil)
    #expect(Trace([one, one, one]).rate(of: model) == nil)
    var later = model
    later.from = Timestamp(microseconds: Self.start + 7_200_000_000)
    #expect(Self.clusters.rate(of: later) == nil)
    later.from = Timestamp(microseconds: Self.start)
    later.to = Timestamp(microseconds: Self.start + 3_600_000_000)
    #expect(Self.clusters.rate(of: later).map { ($0 * 1e6 * 3600).rounded() } == 1800)
  }
}
