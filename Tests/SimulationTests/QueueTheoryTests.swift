import Foundation
import Telemetry
import TestSupport
import Testing

/// The engine against queueing theory. Service times are given directly, so that a deployment is a queue of the
/// textbook: c servers are c batch slots.
@Suite("Queues of the textbook")
struct QueueTheoryTests {
  /// One deployment that never scales: Poisson arrivals of `rate` per second, `slots` servers.
  static func queue(
    rate: Double, slots: Int, time: String, seed: Int, hours: Int = 48, queue: String = "capacity: 10000000"
  ) -> String {
    oneDeployment(
      load: "arrivals: { poisson: { rate: \(rate)/s } }, tokens: { input: 1, output: 1 }",
      service: "{ time: \(time) }", slots: slots, more: "queue: { \(queue) }", hours: hours, seed: seed)
  }

  @Test(
    "M/M/c: probability of waiting and mean waiting time are Erlang's",
    arguments: [(1, 0.7, 11), (2, 0.8, 12), (8, 0.8, 13), (32, 0.9, 14)])
  func erlang(slots: Int, utilisation: Double, seed: Int) throws {
    // Service 1 s on average, so load = rate.
    let load = Double(slots) * utilisation
    let run = try Simulated(
      Self.queue(
        rate: load, slots: slots, time: "{ exponential: { mean: 1s } }", seed: seed,
        hours: max(24, 24 * 12 / slots)))
    let probability = QueueTheory.erlangC(slots, load)
    let waits = BatchMeans(run.requests.map { $0.waiting > 0 ? 1 : 0 })
    #expect(waits.agrees(with: probability), "\(waits) against \(probability)")
    let expected = probability / (Double(slots) - load)
    let waiting = BatchMeans(run.requests.map { Double($0.waiting) / 1e6 })
    #expect(waiting.agrees(with: expected), "\(waiting) against \(expected)")
    #expect(waiting.relativeError < 0.05)
    #expect(run.requests.allSatisfy { $0.isSuccess })
  }

  @Test("M/M/c/K: an arrival is lost with Erlang's loss probability", arguments: [(4, 0, 21), (4, 6, 22)])
  func blocking(slots: Int, waitingRoom: Int, seed: Int) throws {
    let load = 4.4
    let run = try Simulated(
      Self.queue(
        rate: load, slots: slots, time: "{ exponential: { mean: 1s } }", seed: seed,
        queue: "capacity: \(waitingRoom)"))
    // p_n ∝ aⁿ/n! up to c, then × (a/c) each. Gross et al. (2008), section 2.5.
    var weights = [1.0]
    for n in 1...(slots + waitingRoom) { weights.append(weights[n - 1] * load / Double(min(n, slots))) }
    let expected = weights[slots + waitingRoom] / weights.reduce(0, +)
    let lost = BatchMeans(run.requests.map { $0.reason == "overloaded" ? 1 : 0 })
    #expect(lost.agrees(with: expected), "\(lost) against \(expected)")
    #expect(lost.relativeError < 0.03)
  }

  @Test(
    "M/G/1: the mean waiting time is Pollaczek's and Khinchine's",
    arguments: [
      ("1s", 0.0, 31), ("{ gamma: { mean: 1s, cv: 0.5 } }", 0.25, 32),
      ("{ lognormal: { mean: 1s, cv: 1.5 } }", 2.25, 33),
      ("{ hyperexponential: { mean: 1s, cv: 2 } }", 4, 34),
      ("{ uniform: { min: 0s, max: 2s } }", 1.0 / 3, 35),
    ])
  func pollaczekKhinchine(time: String, squaredCv: Double, seed: Int) throws {
    let utilisation = 0.6
    let run = try Simulated(Self.queue(rate: utilisation, slots: 1, time: time, seed: seed, hours: 24 * 12))
    // W = ρ(1 + cv²) ÷ 2(1 − ρ) service times. Gross et al. (2008), eq. 5.10.
    let expected = utilisation * (1 + squaredCv) / (2 * (1 - utilisation))
    let waiting = BatchMeans(run.requests.map { Double($0.waiting) / 1e6 })
    #expect(waiting.agrees(with: expected), "\(waiting) against \(expected)")
    #expect(waiting.relativeError < 0.05)
  }

  @Test(
    "M/M/c with impatience: who waits longer than the timeout is lost", arguments: [(0.9, 41), (1.3, 42)])
  func impatience(utilisation: Double, seed: Int) throws {
    let slots = 4
    let load = utilisation * Double(slots)
    let patience = 0.8
    let run = try Simulated(
      Self.queue(
        rate: load, slots: slots, time: "{ exponential: { mean: 1s } }", seed: seed,
        queue: "capacity: 1000000, timeout: 800ms"))
    // The virtual waiting time has density v(x) = λ p_{c−1} exp(λ min(x, τ) − cμx). Source: Baccelli and Hebuterne
    // (1981), "On queues with impatient customers", section 4.
    let c = Double(slots)
    var p = [1.0]
    for n in 1..<slots { p.append(p[n - 1] * load / Double(n)) }
    let factor = load * p[slots - 1]
    let beyond = factor * exp((load - c) * patience) / c
    let within = factor * (1 - exp((load - c) * patience)) / (c - load)
    let expected = beyond / (p.reduce(0, +) + within + beyond)
    let lost = BatchMeans(run.requests.map { $0.reason == "timeout" ? 1 : 0 })
    #expect(lost.agrees(with: expected), "\(lost) against \(expected)")
    #expect(lost.relativeError < 0.05)
    #expect(
      run.requests.filter { !$0.isSuccess }.allSatisfy { $0.waiting == 800_000 && $0.latency == 800_000 })
    #expect(run.requests.filter { $0.isSuccess }.allSatisfy { $0.waiting <= 800_000 })
  }

  @Test("M/M/∞: the number in service is Poisson, whatever the service time", arguments: [51, 52])
  func infiniteServers(seed: Int) throws {
    // 200 slots for an offered load of 20: the probability that all are taken is below 10⁻¹⁰⁰.
    let run = try Simulated(
      Self.queue(rate: 20, slots: 200, time: "{ lognormal: { mean: 1s, cv: 2 } }", seed: seed, hours: 24))
    let counts = inSystem(run.requests, from: run.scenario.from.microseconds, every: 20_000_000, count: 4000)
    let mean = BatchMeans(counts.map(Double.init))
    #expect(mean.agrees(with: 20), "\(mean)")
    let variance = BatchMeans(counts.map { (Double($0) - 20) * (Double($0) - 20) })
    #expect(variance.agrees(with: 20), "\(variance)")
    #expect(run.requests.allSatisfy { $0.waiting == 0 })
  }

  @Test("utilisation is offered load ÷ servers")
  func utilisation() throws {
    let run = try Simulated(
      Self.queue(rate: 5, slots: 8, time: "{ gamma: { mean: 1s, cv: 0.7 } }", seed: 61, hours: 48))
    let service = run.requests.map { Double($0.latency - $0.waiting) / 1e6 }
    let seconds = Double(run.scenario.to - run.scenario.from) / 1e6
    // 864,000 services of standard deviation 0.7 s: the sum's standard error is 0.075 % of the mean, and as much again
    // for the number of arrivals (1/√n = 0.11 %).
    #expect(abs(service.reduce(0, +) / seconds / 8 - 5.0 / 8) < 6 * 0.0014 * 5 / 8)
  }
}

/// Requests in the system at regular instants: arrived, not yet ended.
func inSystem(_ requests: [SimulatedRequest], from: Int64, every step: Int64, count: Int) -> [Int] {
  var change = [Int](repeating: 0, count: count + 1)
  for request in requests {
    // Counted at instants t with arrival ≤ t < end.
    let first = max(0, (request.arrivedAt - from + step - 1) / step)
    let end = max(0, (request.arrivedAt + request.latency - from + step - 1) / step)
    guard first < end, first < Int64(count) else { continue }
    change[Int(first)] += 1
    change[Int(min(end, Int64(count)))] -= 1
  }
  var now = 0
  return (0..<count).map { index in
    now += change[index]
    return now
  }
}
