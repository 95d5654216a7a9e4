import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Deadlines, and limits of own deployments")
struct DeadlineTests {
  @Test(
    "M/M/1 with deadlines until the end of service: the share of those that are cancelled is Barrer's",
    arguments: [(0.7, 81), (1.2, 82)])
  func barrer(rate: Double, seed: Int) throws {
    let deadline = 3.0
    let run = try Simulated(
      oneDeployment(
        load: "arrivals: { poisson: { rate: \(rate)/s } }, tokens: { input: 1, output: 1 }, deadline: 3s",
        service: "{ time: { exponential: { mean: 1s } } }", hours: 240, seed: seed))
    // The work that an arrival finds has density λ p₀ exp((λ − μ)x) up to the deadline τ, and none beyond; an arrival is
    // late with probability p₀ exp((λ − μ)τ). Source: Barrer (1957), "Queuing with impatient customers and ordered
    // service", Operations Research 5.
    let growth = exp((rate - 1) * deadline)
    let idle = 1 / (1 + rate * (growth - 1) / (rate - 1))
    let late = BatchMeans(run.requests.map { $0.isSuccess ? 0 : 1 })
    #expect(late.agrees(with: idle * growth), "\(late) against \(idle * growth)")
    #expect(late.relativeError < 0.03)
    // Cancelled at the deadline, waiting or served, without output; everything else in time.
    #expect(run.requests.allSatisfy { $0.isSuccess ? $0.latency <= 3_000_000 : $0.latency == 3_000_000 })
    #expect(run.requests.allSatisfy { $0.isSuccess || ($0.reason == "timeout" && $0.output == 0) })
    #expect(run.requests.contains { !$0.isSuccess && $0.waiting < 3_000_000 })
    // Whoever is before it leaves before it does, so that nobody's deadline passes in the queue.
    #expect(run.requests.allSatisfy { $0.waiting < 3_000_000 })
  }

  @Test("a place is free at the deadline: who waits for it starts then")
  func freesItsPlace() throws {
    // Every service would take an hour: each start is the instant at which one is cancelled, 10 s after its arrival.
    let run = try Simulated(
      oneDeployment(
        load: "arrivals: { poisson: { rate: 0.5/s } }, tokens: { input: 1, output: 1 }, deadline: 10s",
        service: "{ time: 1h }", slots: 2))
    let ends = Set(run.requests.map { $0.arrivedAt + $0.latency })
    let waited = run.requests.filter { $0.waiting > 0 && $0.waiting < $0.latency }
    #expect(waited.count > 100)
    #expect(waited.allSatisfy { ends.contains($0.arrivedAt + $0.waiting) })
    #expect(run.requests.allSatisfy { $0.reason == "timeout" })
  }

  @Test("under continuous batching, a request that is cancelled leaves at the end of the step")
  func batching() throws {
    // Steps of 100 ms; a response of 51 tokens takes 51 of them, and clients wait for 4 s.
    let load =
      "arrivals: { poisson: { rate: 2/s } }, tokens: { input: 10, output: { uniform: { min: 1, max: 60 } } }"
    let service = "{ continuousBatching: { base: 100ms, maxTokensPerStep: 512, kvCache: { tokens: 4000 } } }"
    let run = try Simulated(oneDeployment(load: load + ", deadline: 4s", service: service, slots: 32))
    let late = run.requests.filter { !$0.isSuccess }
    #expect(late.count > 1000)
    #expect(late.allSatisfy { $0.reason == "timeout" && (4_000_000...4_100_000).contains($0.latency) })
    #expect(run.requests.allSatisfy { !$0.isSuccess || $0.latency <= 4_000_000 })
    // 40 tokens fit in 4 s, whatever the step at hand does: nobody who wants 38 is late, and everybody who wants 42.
    let whole = try Simulated(oneDeployment(load: load, service: service, slots: 32))
    for (cut, full) in zip(run.requests, whole.requests) where full.output <= 38 { #expect(cut.isSuccess) }
    for (cut, full) in zip(run.requests, whole.requests) where full.output >= 42 { #expect(!cut.isSuccess) }
  }

  @Test("blocks of the KV cache are given back by those that are cancelled")
  func blocks() throws {
    // A cache for some four contexts: if blocks were lost, nobody would be served in the end. Debug builds check sums too.
    let run = try Simulated(
      oneDeployment(
        load:
          "arrivals: { poisson: { rate: 1/s } }, tokens: { input: { uniform: { min: 50, max: 900 } }, output: { uniform: { min: 1, max: 200 } } }, deadline: 8s",
        service:
          "{ continuousBatching: { base: 50ms, perPromptToken: 1ms, maxTokensPerStep: 256, kvCache: { tokens: 3000, blockSize: 16 } } }",
        slots: 16, hours: 48))
    let last = run.requests.suffix(10_000)
    let share = Double(last.count { $0.isSuccess }) / 10_000
    let first = Double(run.requests.prefix(10_000).count { $0.isSuccess }) / 10_000
    #expect(share > 0.1 && share < 0.95 && abs(share - first) < 0.1)
  }

  @Test("an external provider's response that is late is cancelled")
  func external() throws {
    let text = """
      workbench: 1
      name: external
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: external
          provider: p
          service: { time: { exponential: { mean: 1s } } }
          load: { arrivals: { poisson: { rate: 2/s } }, tokens: { input: 1, output: 1 }, deadline: 2s }
      """
    let run = try Simulated(text)
    let late = Double(run.requests.count { $0.reason == "timeout" }) / Double(run.requests.count)
    // exp(−2) of 172,800: six standard deviations are 0.005.
    #expect(abs(late - exp(-2)) < 0.005)
    #expect(run.requests.allSatisfy { $0.latency <= 2_000_000 })
  }

  @Test("a deployment's limits refuse the requests that a provider's refuse")
  func limits() throws {
    let limit = "rateLimit: { requestsPerMinute: 100, tokensPerMinute: 20000 }"
    let load =
      "arrivals: { gamma: { rate: 2/s, cv: 2 } }, tokens: { input: { uniform: { min: 1, max: 300 } }, output: 50 }"
    let own = try Simulated(oneDeployment(load: load, service: "{ time: 1s }", slots: 64, more: limit))
    let external = try Simulated(
      """
      workbench: 1
      name: external
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: external
          provider: p
          service: { time: 1s }
          load: { \(load) }
          \(limit)
      """)
    let refused = own.requests.filter { $0.reason == "rateLimited" }
    #expect(refused.count > 1000)
    #expect(refused.allSatisfy { $0.waiting == 0 && $0.latency == 0 && $0.output == 0 })
    #expect(
      refused.map(\.arrivedAt) == external.requests.filter { $0.reason == "rateLimited" }.map(\.arrivedAt))
    // A bucket of a minute, which refills: never more tokens in a day than in 1,441 minutes.
    let taken = own.requests.filter(\.isSuccess)
    #expect(taken.reduce(0) { $0 + Int64($1.input + $1.output) } <= 1441 * 20_000)
    #expect(taken.count <= 1441 * 100)
  }
}
