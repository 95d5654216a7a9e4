import Calibration
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

/// Observations of one series, made row by row.
private func observations(
  _ arrivals: [Int64], outcome: (Int) -> UInt8 = { _ in RequestOutcome.success },
  latency: (Int) -> Int64 = { _ in 1_000_000 }, waiting: (Int) -> Int64 = { _ in 0 },
  firstToken: (Int) -> Int64 = { _ in 0 }, tokens: (input: Int32, output: Int32) = (100, 10),
  isForeign: Bool = false
) throws -> Observations {
  let batch = RequestBatch(capacity: arrivals.count)
  for (row, at) in arrivals.enumerated() {
    batch.append(
      requestID: Int64(row), arrivedAt: at, series: 0, outcome: outcome(row),
      waitingMicroseconds: waiting(row), firstTokenMicroseconds: firstToken(row),
      latencyMicroseconds: latency(row), inputTokens: tokens.input, outputTokens: tokens.output)
  }
  let collector = ObservationCollector(groups: [0])
  try batch.send(to: collector)
  collector.settle(isForeign: isForeign)
  return collector.observations[0]
}

/// 2026-01-05T00:00:00Z.
private let start: Int64 = 1_767_571_200_000_000

@Suite("Grids of time stamps")
struct StampGridTests {
  /// Poisson arrivals, stamped at multiples of a step from an origin, µs.
  private static func stamped(
    step: Int64, origin: Int64 = 0, perSecond: Double = 3.4, count: Int = 4000, seed: UInt64 = 7
  ) -> [Int64] {
    var generator = SeededGenerator(state: seed)
    var at = 0.0
    return (0..<count).map { _ in
      at -= log(Double.random(in: 0x1p-53..<1, using: &generator)) / perSecond * 1e6
      return start + origin + Int64(at) / step * step
    }
  }

  @Test(
    "any step of a grid is found, wherever the grid begins",
    arguments: [
      (Int64(3_000_000), Int64(0)), (3_000_000, 1_234_567), (250_000, 17), (60_000_000, 0), (7_000_000, 0),
    ])
  func found(_ step: Int64, _ origin: Int64) throws {
    #expect(try observations(Self.stamped(step: step, origin: origin)).resolution == step)
  }

  @Test("arrivals a constant time apart are regular, not stamps of a coarse clock")
  func regular() throws {
    // Every 7 s: no clock ticks so; every 10 s to the second: the clock's second is all that can be said.
    #expect(try observations((0..<500).map { start + 17 + $0 * 7_000_001 }).resolution == 1)
    #expect(try observations((0..<500).map { start + $0 * 10_000_000 }).resolution == 1_000_000)
  }

  @Test("requests of one stamp are spread over its step alone, in order")
  func spread() throws {
    let coarse = try observations(Self.stamped(step: 3_000_000))
    let fine = coarse.spread()
    #expect(fine.arrivedAt == fine.arrivedAt.sorted())
    for (a, b) in zip(coarse.arrivedAt, fine.arrivedAt) { #expect((0..<3_000_000).contains(b - a)) }
    // The same clock gives the same stamps again.
    #expect(fine.stamped(like: coarse).arrivedAt == coarse.arrivedAt)
  }

  @Test("a clock of a quarter of an hour makes no change of the rate where an export ends", arguments: 1...8)
  func partialSteps(_ seed: Int) throws {
    // One request in ten seconds; the export ends somewhere in its last quarter.
    let coarse = try observations(
      Self.stamped(step: 900_000_000, perSecond: 0.1, count: 3000 + 37 * seed, seed: UInt64(seed)),
      isForeign: true)
    let last = try #require(coarse.arrivedAt.last)
    let fit = try Gaps.calibration(coarse, kind: .external, period: start..<last + 900_000_000)
    let arrivals = try #require(fit.models[0].arrivals)
    let final = (arrivals.profile.breakpoints.last?.factor ?? 1) * arrivals.rate * 1e6
    #expect(abs(final - 0.1) < 0.02, "\(arrivals.profile.breakpoints)")
  }

  @Test(
    "a Poisson process stamped every 3 s is found to be one, and a fit of it is not blamed for the stamps")
  func fitted() throws {
    let coarse = try observations(Self.stamped(step: 3_000_000))
    let last = try #require(coarse.arrivedAt.last)
    let fit = try Gaps.calibration(coarse, kind: .external, period: start..<last + 1)
    #expect(fit.models[0].arrivals?.process == .poisson)
    #expect(fit.models[0].notes.contains { $0.contains("on a grid of 3 s") }, "\(fit.models[0].notes)")
    let simulated = try observations(
      Self.stamped(step: 1).map { $0 })
    let quality = FitQuality(
      observed: coarse, simulated: [simulated], judged: [start..<last + 1], seen: nil)
    let intervals = try #require(quality.marginals.first { $0.name == "inter-arrival time" })
    // The same arrivals, only not stamped by that clock: no distance at all.
    #expect(intervals.wasserstein < 1e-6)
  }
}

private enum Gaps {
  static func calibration(
    _ observations: Observations, kind: ModelKind, version: String = "", period: Range<Int64>,
    assumed: AssumedDeployments = .init(), replicas: [ReplicaRecord] = [],
    reasons: [String] = RequestOutcome.names
  ) throws -> Calibration {
    var tables = TelemetryTables()
    tables.accounts = [AccountRecord(account: "a", timeZone: "UTC", subscriptionMaxReplicas: 1)]
    let record = ModelRecord(
      modelID: 1, account: "a", kind: kind, name: "m", provider: kind == .external ? "P" : "",
      createdAt: Timestamp(microseconds: period.lowerBound))
    tables.models = [record]
    if kind != .external {
      let first = Timestamp(microseconds: observations.arrivedAt[0])
      tables.deployments = [
        DeploymentRecord(
          modelID: 1, version: version, hardware: "unknown", minReplicas: 0, maxReplicas: 0, maxBatchSize: 0,
          requestedAt: first, deployedAt: first, undeployedAt: nil, outcome: .deployed)
      ]
    }
    tables.replicas = replicas
    var options = Calibration.Options()
    options.assumed = assumed
    return Calibration(
      models: [(record, observations)], tables: tables, series: [Series(modelID: 1, version: version)],
      period: period, options: options, reasons: reasons)
  }
}

@Suite("What an export does not say")
struct UnsaidTests {
  private static let arrivals = (0..<400).map { start + $0 * 1_000_003 }
  private static let period = start..<start + 400 * 1_000_003

  @Test(
    "an export of any kind of model makes a scenario; what it does not say of deployments is assumed, and said",
    arguments: [ModelKind.external, .openSource, .fineTuned], ["", "V1"])
  func everyKind(_ kind: ModelKind, _ version: String) throws {
    let fit = try Gaps.calibration(
      try observations(Self.arrivals), kind: kind, version: kind == .external ? "" : version,
      period: Self.period)
    let text = fit.scenario(name: "s", source: "x", command: "c")
    let scenario = try ScenarioDocument(Data(text.utf8), path: "s.yaml").scenario
    #expect(scenario.accounts[0].models.map(\.name) == ["m"])
    if kind != .external {
      #expect(text.contains("says nothing about hardware and replicas"), "\(text)")
      let deployment = try #require(scenario.accounts[0].models[0].deployments.first)
      #expect(deployment.version == "V1")
      #expect(deployment.hardware == "A10 single")
    }
  }

  @Test("assumed slots are those of the most requests at once and a quarter more; stated ones are taken")
  func slots() throws {
    // One request a second that takes 99.5 s: 100 at once; 125 slots, in two replicas of 64.
    let long = try observations(Self.arrivals, latency: { _ in 99_500_000 })
    let assumed = try Gaps.calibration(long, kind: .openSource, version: "V1", period: Self.period)
    let record = try #require(assumed.models[0].deployments.first?.record)
    #expect(record.minReplicas == 2 && record.maxReplicas == 2 && record.maxBatchSize == 64)
    let stated = try Gaps.calibration(
      long, kind: .openSource, version: "V1", period: Self.period,
      assumed: AssumedDeployments(hardware: "T4 single", replicas: 12))
    let other = try #require(stated.models[0].deployments.first?.record)
    #expect(other.hardware == "T4 single" && other.minReplicas == 10 && other.maxReplicas == 12)
    #expect(stated.models[0].notes.contains { $0.contains("taken as stated") })
    #expect(
      stated.scenario(name: "s", source: "x", command: "c").contains("minReplicas: 10, maxReplicas: 12"))
  }

  @Test("what failures took and put out, which a scenario's failures do not, is said")
  func lengthOfFailures() throws {
    let slow = try observations(
      Self.arrivals, outcome: { $0 % 10 == 0 ? FailureReason.modelError.code : RequestOutcome.success },
      latency: { $0 % 10 == 0 ? 30_000_000 : 1_000_000 })
    let notes = try Gaps.calibration(slow, kind: .openSource, version: "V1", period: Self.period).models[0]
      .notes
    #expect(
      notes.contains { $0.hasPrefix("Not reproduced: failures took 30 s on average, successes 1 s.") },
      "\(notes)")
    #expect(notes.contains { $0.hasPrefix("Not reproduced: failures had 10 output tokens") }, "\(notes)")
    let alike = try observations(
      Self.arrivals, outcome: { $0 % 10 == 0 ? FailureReason.modelError.code : RequestOutcome.success },
      tokens: (100, 0))
    let quiet = try Gaps.calibration(alike, kind: .openSource, version: "V1", period: Self.period).models[0]
      .notes
    #expect(!quiet.contains { $0.hasPrefix("Not reproduced: failures") }, "\(quiet)")
  }

  @Test(
    "time after the first token is kept where no output token stands for it",
    arguments: [ModelKind.external, .openSource])
  func firstTokenWithoutTokens(_ kind: ModelKind) throws {
    // A latency of 0.5 to 1.5 s, a first token at 30 % of it, and no tokens known.
    func latency(_ row: Int) -> Int64 { 500_000 + Int64(row * 7919 % 1000) * 1000 }
    let told = try observations(
      Self.arrivals, latency: latency, firstToken: { latency($0) * 3 / 10 }, tokens: (0, 0))
    let fit = try Gaps.calibration(
      told, kind: kind, version: kind == .external ? "" : "V1", period: Self.period)
    let model = fit.models[0]
    let service = try #require(model.external ?? model.deployments.first?.service)
    let mean = Double((0..<Self.arrivals.count).reduce(0) { $0 + latency($1) }) / Double(Self.arrivals.count)
    #expect(abs(service.expected(input: 0, output: 0) - mean) < 0.02 * mean)
    #expect(model.notes.contains { $0.contains("the whole time is fitted") }, "\(model.notes)")
    #expect(
      model.notes.contains("No request has input tokens, or their number is unknown: 0 is assumed."),
      "\(model.notes)")
  }

  @Test("times to first token are kept where all answers have the same number of tokens")
  func constantAnswers() throws {
    // A first token after 0.2 to 4.2 s, and ten tokens in 0.5 to 0.6 s.
    func first(_ row: Int) -> Int64 { 200_000 + Int64(row * 7919 % 1000) * 4000 }
    let told = try observations(
      Self.arrivals, latency: { first($0) + 500_000 + Int64($0 * 613 % 100) * 1000 }, firstToken: first)
    let fit = try Gaps.calibration(told, kind: .external, period: Self.period)
    guard case .tokens(let time?, _, let perOutput?) = try #require(fit.models[0].external).form else {
      Issue.record("\(String(describing: fit.models[0].external))")
      return
    }
    #expect(abs(time.distribution.mean / 2_200_000 - 1) < 0.03, "\(time)")
    #expect(abs(perOutput.distribution.mean / 55_000 - 1) < 0.02, "\(perOutput)")
  }

  @Test("steps of telemetry that is longer than any scenario are judged like others")
  func longTelemetry() throws {
    // Twelve years between the first request and the others.
    let arrivals = [start - 12 * 365 * 86_400_000_000] + Self.arrivals
    let notes = try Gaps.calibration(
      try observations(arrivals, latency: { _ in 1_000_000 }, firstToken: { _ in 100_000 }),
      kind: .openSource, version: "V1", period: arrivals[0]..<Self.period.upperBound,
      assumed: AssumedDeployments(replicas: 1)
    ).models[0].notes
    #expect(
      !notes.contains { $0.contains("are not fitted") || $0.contains("no rows of replicas") }, "\(notes)")
  }

  @Test("what is unknown of a deployment is said, and what of it was stated")
  func statedInPart() throws {
    func note(_ assumed: AssumedDeployments) throws -> String {
      let fit = try Gaps.calibration(
        try observations(Self.arrivals), kind: .openSource, version: "V1", period: Self.period,
        assumed: assumed)
      return try #require(fit.models[0].notes.first { $0.contains("telemetry says nothing about") })
    }
    let enough = "assumed, enough for all that was served at once"
    let unknown = "V1: the telemetry says nothing about hardware and replicas;"
    #expect(
      try note(.init())
        == "\(unknown) A10 single, 1 × 64 batch slots are \(enough). State hardware and replicas.")
    #expect(
      try note(.init(replicas: 2))
        == "\(unknown) A10 single, 2 × 64 batch slots are taken, the hardware \(enough). State the hardware.")
    #expect(
      try note(.init(hardware: "T4 single"))
        == "\(unknown) T4 single, 1 × 64 batch slots are taken, the replicas \(enough). State the replicas.")
    #expect(
      try note(.init(hardware: "T4 single", replicas: 2))
        == "\(unknown) T4 single, 2 × 64 batch slots are taken as stated.")
  }

  @Test("no failure is left out without a word")
  func failures() throws {
    let outcomes: [UInt8] = [
      FailureReason.overloaded.code, FailureReason.timeout.code, FailureReason.replicaLost.code,
      FailureReason.modelError.code,
      FailureReason.rateLimited.code,
      // One of the telemetry's own, after the platform's.
      UInt8(RequestOutcome.names.count),
    ]
    // One failure of each reason among 400 requests.
    let failed = try observations(
      Self.arrivals, outcome: { $0 % 60 == 30 && $0 / 60 < 6 ? outcomes[$0 / 60] : RequestOutcome.success })
    let reasons = RequestOutcome.names + ["content_filter"]
    let hosted = try Gaps.calibration(
      failed, kind: .openSource, version: "V1", period: Self.period, reasons: reasons)
    let notes = hosted.models[0].notes
    #expect(
      notes.contains("Failures simulated as modelError: rateLimited (1), content_filter (1)."), "\(notes)")
    for name in ["overloaded (1)", "timeout (1)", "replicaLost (1)"] {
      #expect(notes.contains { $0.hasPrefix("Not reproduced: \(name).") }, "\(name): \(notes)")
    }
    // Three errors of 397 that were answered; the other three are queue's and replicas'.
    #expect(abs(hosted.models[0].deployments[0].error.value - 3.0 / 397) < 1e-12)
    let external = try Gaps.calibration(failed, kind: .external, period: Self.period, reasons: reasons)
    #expect(
      external.models[0].notes.contains(
        "Failures simulated as providerError: overloaded (1), timeout (1), replicaLost (1), modelError (1), content_filter (1)."
      ), "\(external.models[0].notes)")
    #expect(abs(external.models[0].failures.error.value - 5.0 / 399) < 1e-12)
    #expect(abs(external.models[0].failures.rateLimited.value - 1.0 / 400) < 1e-12)
  }

  @Test("a queue in which no request is known to have waited has no capacity of 0")
  func queue() throws {
    let failed = try observations(
      Self.arrivals, outcome: { $0 % 100 == 50 ? FailureReason.overloaded.code : RequestOutcome.success })
    let fit = try Gaps.calibration(failed, kind: .openSource, version: "V1", period: Self.period)
    #expect(fit.models[0].deployments[0].queueCapacity == nil)
  }
}

@Suite("The verdict of a fit")
struct VerdictTests {
  /// Requests a constant time apart, s.
  private func every(_ gap: Double, count: Int, from: Int64 = start) throws -> [Int64] {
    (0..<count).map { from + Int64(Double($0) * gap * 1e6) }
  }

  private func words(observed gap: Double, seen: Double, simulated: Double) throws -> String {
    let half = start + 2_000_000_000
    let both = try every(seen, count: Int(2000 / seen)) + every(gap, count: Int(2000 / gap), from: half)
    let judged = [half..<half + 2_000_000_000]
    let quality = FitQuality(
      observed: try observations(both),
      simulated: [try observations(try every(simulated, count: Int(2000 / simulated), from: half))],
      judged: judged, seen: [start..<half])
    return try #require(quality.verdict.first { $0.hasPrefix("Inter-arrival time") })
  }

  @Test("only where the fit is as near as the data does the verdict say that the data changed")
  func changed() throws {
    // Seen 1 s, held out 1.5 s: the data lie a third apart, and so does a fit of 1 s.
    let excused = try words(observed: 1.5001, seen: 1.0001, simulated: 1.0001)
    #expect(
      excused.contains("as near as the data allow") && excused.contains("the data changed"), "\(excused)")
    // A fit of 0.5 s lies two thirds apart: twice as far as the data.
    let blamed = try words(observed: 1.5001, seen: 1.0001, simulated: 0.5001)
    #expect(
      blamed.contains("not reproduced") && blamed.contains("The fit falls short, not the data"), "\(blamed)")
    #expect(!blamed.contains("changed"))
    // The limit is 1.25 times the data's distance: fits of 0.9 and 0.85 s lie 1.2 and 1.3 times as far.
    let near = try words(observed: 1.5001, seen: 1.0001, simulated: 0.9001)
    #expect(near.contains("as near as the data allow") && near.contains("the data changed"), "\(near)")
    let far = try words(observed: 1.5001, seen: 1.0001, simulated: 0.8501)
    #expect(far.contains("not reproduced") && far.contains("The fit falls short, not the data"), "\(far)")
    // All state how far the data lie apart.
    for text in [excused, blamed, near, far] {
      #expect(text.contains("d = 33.3 %") && text.contains("; e = "), "\(text)")
    }
  }

  @Test("failures are part of the verdict")
  func failures() throws {
    let arrivals = try every(1.0001, count: 2000)
    let span = [start..<start + 2_000_000_000]
    func verdict(_ observedEvery: Int, _ simulatedEvery: Int) throws -> String? {
      func failing(_ every: Int) throws -> Observations {
        try observations(
          arrivals,
          outcome: { every > 0 && $0 % every == 0 ? FailureReason.modelError.code : RequestOutcome.success })
      }
      return FitQuality(
        observed: try failing(observedEvery), simulated: [try failing(simulatedEvery)], judged: span,
        seen: nil
      ).verdict.first { $0.hasPrefix("Failures") }
    }
    #expect(try verdict(10, 10) == "Failures: reproduced; 10 % of requests observed, 10 % simulated.")
    #expect(
      try verdict(10, 0)
        == "Failures: not reproduced; 10 % of requests observed, 0 % simulated. The fit falls short, not the data."
    )
    #expect(try verdict(0, 0) == nil)
  }
}
