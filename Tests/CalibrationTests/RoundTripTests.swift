import Calibration
import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

/// A scenario simulated and fitted.
struct RoundTrip {
  let scenario: Scenario
  let calibration: Calibration
  let observations: [Observations]
  let tables: TelemetryTables
  let series: [Series]

  init(_ yaml: String, options: Calibration.Options = .init()) throws {
    let document = try ScenarioDocument(Data(yaml.utf8), path: "test.yaml")
    scenario = document.scenario
    let simulation = ScenarioSimulation(document.scenario)
    let collector = ObservationCollector(groups: simulation.series.map { Int($0.modelID) - 1 })
    let result = try simulation.run(threads: 1, into: .init(accounts: [collector], merged: nil))
    collector.settle()
    observations = collector.observations
    tables = result.tables
    series = simulation.series
    calibration = Calibration(
      models: zip(simulation.models, collector.observations).map { (record: $0, observations: $1) },
      tables: result.tables, series: simulation.series,
      period: scenario.from.microseconds..<scenario.to.microseconds, options: options)
  }

  /// The fit's scenario, read again.
  func again() throws -> Scenario {
    let text = calibration.scenario(name: "again", source: "test", command: "test")
    return try ScenarioDocument(Data(text.utf8), path: "again.yaml").scenario
  }

  static func demand(
    _ arrivals: String, profile: String = "", to: String = "2026-01-06",
    tokens: String =
      "{ input: { lognormal: { median: 300, sigma: 0.7 } }, output: { gamma: { mean: 120, cv: 0.8 } }, correlation: 0.3 }",
    service: String =
      "{ firstToken: { lognormal: { median: 320ms, sigma: 0.4 } }, perInputToken: 0.1ms, perOutputToken: { gamma: { mean: 9ms, cv: 0.2 } } }"
  ) -> String {
    """
    workbench: 1
    name: demand
    seed: 11
    period: { from: 2026-01-05, to: \(to) }
    account: { name: a, timeZone: Europe/Berlin, subscription: { maxReplicas: 1 } }
    profiles: { rates: { p: \(profile.isEmpty ? "{ trend: { perWeek: 1 } }" : profile) } }
    models:
      - name: m
        kind: external
        provider: P
        load: { arrivals: \(arrivals), profile: p, tokens: \(tokens) }
        service: \(service)
        failures: { providerError: 0.01 }
    """
  }
}

/// Within six standard errors of a 95 % interval's estimate.
func near(_ estimate: ParameterEstimate?, _ truth: Double, scale: Double = 1) -> Bool {
  guard let estimate, estimate.interval.count == 2 else { return false }
  let half = (estimate.interval[1] - estimate.interval[0]) / 2 * scale
  return abs(estimate.value * scale - truth) <= 6 / 1.96 * half
}

@Suite("Simulate, fit, compare")
struct RoundTripTests {
  static let renewals: [(String, ArrivalFit.Process, Double)] = [
    ("{ poisson: { rate: 1/s } }", .poisson, 1), ("{ gamma: { rate: 1/s, cv: 2.5 } }", .gamma, 2.5),
    ("{ gamma: { rate: 1/s, cv: 0.5 } }", .gamma, 0.5),
    ("{ weibull: { rate: 1/s, cv: 1.8 } }", .weibull, 1.8),
  ]

  @Test("renewal processes are recognised, their parameters come back", arguments: renewals)
  func renewal(_ arrivals: String, _ process: ArrivalFit.Process, _ cv: Double) throws {
    let trip = try RoundTrip(RoundTrip.demand(arrivals))
    let fit = try #require(trip.calibration.models[0].arrivals)
    #expect(fit.process == process)
    #expect(fit.profile.breakpoints.isEmpty && fit.profile.hourly.isEmpty)
    #expect(near(fit.estimates.first { $0.name == "rate" }, 1, scale: 1e6))
    if process != .poisson { #expect(near(fit.estimates.first { $0.name == "cv" }, cv), "\(fit.estimates)") }
  }

  @Test("tokens, their correlation, service times and failures come back")
  func demandAndService() throws {
    let trip = try RoundTrip(RoundTrip.demand("{ poisson: { rate: 1/s } }"))
    let fit = trip.calibration.models[0]
    let tokens = try #require(fit.tokens)
    #expect(tokens.input.name == "lognormal" && tokens.output.name == "gamma", "\(tokens.output)")
    #expect(near(tokens.input.parameters[0], 300) && near(tokens.input.parameters[1], 0.7))
    #expect(near(tokens.output.parameters[0], 120) && near(tokens.output.parameters[1], 0.8))
    #expect(near(tokens.correlation, 0.3), "\(tokens.correlation)")
    guard case .tokens(let first?, let perInput?, let perOutput?) = try #require(fit.external).form else {
      Issue.record("the service has not all of its parts")
      return
    }
    #expect(near(perInput.parameters[0], 0.1, scale: 1e-3), "\(perInput.parameters)")
    #expect(perOutput.name == "gamma")
    #expect(near(perOutput.parameters[0], 9, scale: 1e-3) && near(perOutput.parameters[1], 0.2))
    // A slope that is a little off makes what is left a little wider: within 2 %.
    #expect(abs(first.parameters[0].value / 320_000 - 1) < 0.02, "\(first.parameters)")
    #expect(near(fit.failures.error, 0.01))
  }

  @Test("a Markov-modulated process comes back, its states and all")
  func markovModulated() throws {
    let trip = try RoundTrip(
      RoundTrip.demand(
        "{ markovModulated: { states: [ { rate: 1/s, mean: 5min }, { rate: 8/s, mean: 1min } ] } }",
        to: "2026-01-08"))
    let fit = try #require(trip.calibration.models[0].arrivals)
    guard case .markovModulated(let states) = fit.process else {
      Issue.record("\(fit.candidates)")
      return
    }
    #expect(states.count == 2)
    for (name, truth, scale) in [
      ("rate 1", 1.0, 1e6), ("rate 2", 8, 1e6), ("mean 1", 300, 1e-6), ("mean 2", 60, 1e-6),
    ] {
      #expect(near(fit.estimates.first { $0.name == name }, truth, scale: scale), "\(name): \(fit.estimates)")
    }
  }

  @Test("factors of local hours and weekdays come back, in the account's zone")
  func calendar() throws {
    let hourly = (0..<24).map { 1 + 0.8 * sin(Double($0) * 2 * .pi / 24) }
    let text = hourly.map { String(format: "%.3f", $0) }.joined(separator: ", ")
    let trip = try RoundTrip(
      RoundTrip.demand(
        "{ gamma: { rate: 0.2/s, cv: 1.5 } }",
        profile: "{ hourly: [\(text)], weekly: { Sat: 0.4, Sun: 0.3 } }",
        to: "2026-02-02"))
    let fit = try #require(trip.calibration.models[0].arrivals)
    try #require(fit.profile.hourly.count == 24 && fit.profile.weekly.count == 7)
    #expect(fit.profile.breakpoints.isEmpty)
    // Factors have mean 1. An hour of four weeks has some 15,000 arrivals: a standard error below 1.5 %.
    for hour in 0..<24 { #expect(abs(fit.profile.hourly[hour] - hourly[hour]) < 0.09, "\(hour)") }
    #expect(abs(fit.profile.weekly[5] / fit.profile.weekly[0] - 0.4) < 0.03)
    #expect(fit.process == .gamma && abs(fit.cv - 1.5) < 0.03)
  }

  @Test("permanent changes and outages are found where they are")
  func breakpoints() throws {
    let trip = try RoundTrip(
      RoundTrip.demand(
        "{ poisson: { rate: 2/s } }",
        profile:
          "{ breakpoints: [ { at: \"2026-01-05T06:00\", factor: 2 }, { at: \"2026-01-05T12:00\", factor: 0 }, { at: \"2026-01-05T15:00\", factor: 0.5 } ] }"
      ))
    let fit = try #require(trip.calibration.models[0].arrivals)
    let points = fit.profile.breakpoints.dropFirst()
    #expect(points.count == 3)
    let start = trip.scenario.from.microseconds
    for (point, hour) in zip(points, [6.0, 12, 15]) {
      // A bin at the most.
      #expect(abs(Double(point.at.microseconds - start) / 3.6e9 - hour) < 0.02, "\(point)")
    }
    #expect(points.map { $0.factor == 0 } == [false, true, false])
    #expect(fit.process == .poisson)
  }

  static func forecast(_ arrivals: String, profile: String, to: String = "2026-01-06", more: String = "")
    throws -> RoundTrip
  {
    var options = Calibration.Options()
    options.holdOut = .last(0.5)
    options.arrivals.changes = .recurring
    return try RoundTrip(
      RoundTrip.demand(arrivals + more, profile: profile, to: to), options: options)
  }

  @Test("what goes up and down again and again is foreseen: each hour of the half that was not seen")
  func foreseen() throws {
    // Every three hours: half an hour at three times the rate, an hour of outage; bursts in the second half.
    let trip = try Self.forecast(
      "{ gamma: { rate: 2/s, cv: 1, changes: [ { at: \"2026-01-05T01:30\", cv: 3 } ] } }",
      profile:
        "{ breakpoints: [ { at: \"2026-01-05T00:30\", factor: 3 }, { at: \"2026-01-05T01:00\", factor: 0.5 }, { at: \"2026-01-05T02:00\", factor: 0 } ] }",
      more: ", recurrence: { from: \"2026-01-05T00:00\", every: 3h }")
    let fit = try #require(trip.calibration.models[0].arrivals)
    let recurrence = try #require(fit.recurrence)
    #expect(recurrence.every == 12 * 3_600_000_000 && recurrence.from == trip.scenario.from)
    #expect(fit.profile.breakpoints.count(where: { $0.factor < 0.01 }) == 4)
    func rates(_ scenario: Scenario) throws -> [Double] {
      let load = try #require(scenario.accounts[0].models[0].load)
      let mean = try #require(load.arrivals.meanRate)
      let segments = load.profile?.segments(
        from: scenario.from, to: scenario.to, origin: scenario.from, calendar: .utc)
      return (0..<48).map { half in
        let middle = scenario.from + Int64(half) * 1_800_000_000 + 900_000_000
        return 1e6 * mean * (segments?.first { $0.start <= middle && middle < $0.end }?.factor ?? .nan)
      }
    }
    for (half, (found, truth)) in zip(try rates(try trip.again()), try rates(trip.scenario)).enumerated() {
      #expect(abs(found - truth) < 0.15 * truth + 0.005, "half hour \(half): \(found) for \(truth)")
    }
    #expect(fit.cvChanges.count >= 7, "\(fit.cvChanges)")
  }

  @Test("what occurred once is not a rule: neither a permanent change nor an outage recurs")
  func once() throws {
    let trip = try Self.forecast(
      "{ poisson: { rate: 2/s } }", profile: "{ breakpoints: [ { at: \"2026-01-05T06:00\", factor: 2 } ] }")
    let fit = try #require(trip.calibration.models[0].arrivals)
    #expect(fit.recurrence == nil && fit.profile.breakpoints.isEmpty, "\(fit.profile.breakpoints)")
    #expect(abs(fit.rate * 1e6 / 3 - 1) < 0.03)
    let pause = try Self.forecast(
      "{ poisson: { rate: 1/s } }",
      profile:
        "{ breakpoints: [ { at: \"2026-01-06T06:00\", factor: 0 }, { at: \"2026-01-06T18:00\", factor: 1 } ] }",
      to: "2026-01-09")
    let paused = try #require(pause.calibration.models[0].arrivals)
    #expect(paused.recurrence == nil && paused.profile.breakpoints.isEmpty)
    #expect(abs(paused.rate * 1e6 - 1) < 0.03, "\(paused.rate * 1e6)")
    #expect(paused.notes.contains { $0.hasPrefix("Outages that do not recur, left out of the forecast") })
  }

  @Test("lasting changes of how much intervals vary, and of their family, come back")
  func variability() throws {
    let trip = try RoundTrip(
      RoundTrip.demand(
        "{ gamma: { rate: 1/s, cv: 1.5, changes: [ { at: \"2026-01-05T08:00\", cv: 6, family: weibull }, { at: \"2026-01-05T16:00\", cv: 0.6 } ] } }"
      ))
    let fit = try #require(trip.calibration.models[0].arrivals)
    #expect(fit.process == .gamma && fit.profile.breakpoints.isEmpty, "\(fit.candidates)")
    #expect(fit.candidates.first?.name == "changing gamma")
    try #require(fit.cvChanges.count == 2, "\(fit.cvChanges)")
    #expect(near(fit.estimates.first { $0.name == "cv" }, 1.5))
    for (change, truth) in zip(fit.cvChanges, [(hour: 8.0, cv: 6.0), (hour: 16, cv: 0.6)]) {
      let hour = Double(change.at.microseconds - trip.scenario.from.microseconds) / 3.6e9
      #expect(abs(hour - truth.hour) < 0.2, "\(change)")
      #expect(abs(change.cv / truth.cv - 1) < 0.1, "\(change)")
    }
    #expect(fit.cvChanges[0].family == .weibull)
  }

  @Test("the batch slowdown is inferred from who shared a replica, and replicas' starts from their table")
  func deployment() throws {
    let trip = try RoundTrip(
      """
      workbench: 1
      name: deployment
      seed: 5
      period: { from: 2026-01-05, to: 2026-01-06 }
      account: { name: a, subscription: { maxReplicas: 10 } }
      profiles: { rates: { p: { hourly: [1,1,1,1,1,1, 3,3,3,3,3,3, 1,1,1,1,1,1, 3,3,3,3,3,3] } } }
      models:
        - name: m
          kind: openSource
          load:
            arrivals: { poisson: { rate: 3/s } }
            profile: p
            tokens: { input: { lognormal: { median: 300, sigma: 0.6 } }, output: { lognormal: { median: 80, sigma: 0.5 } } }
          deployments:
            - version: V1
              deployAt: 2026-01-05
              hardware: A10 single
              scaling: { minReplicas: 1, maxReplicas: 6, maxBatchSize: 8, scaleUpDelay: 10s, scaleDownDelay: 2min, startup: { gamma: { mean: 60s, cv: 0.3 } } }
              service: { firstToken: 120ms, perInputToken: 0.2ms, perOutputToken: { lognormal: { median: 15ms, sigma: 0.2 } }, batchSlowdown: 0.05 }
              queue: { capacity: 60, timeout: 20s }
              failures: { modelError: 0.004 }
      """)
    let fit = trip.calibration.models[0].deployments[0]
    let service = try #require(fit.service)
    #expect(near(service.batchSlowdown, 0.05), "\(service.batchSlowdown)")
    guard case .tokens(let first?, let perInput?, let perOutput?) = service.form else {
      Issue.record("the service has not all of its parts")
      return
    }
    #expect(abs(first.distribution.mean / 120_000 - 1) < 0.01)
    #expect(abs(perInput.distribution.mean / 200 - 1) < 0.01)
    #expect(near(perOutput.parameters.first { $0.name == "median" }, 15, scale: 1e-3), "\(perOutput)")
    #expect(abs(fit.error.value - 0.004) < 0.001)
    let startup = try #require(fit.startup)
    // Some thirty starts: a standard error of 6 %.
    #expect(abs(startup.distribution.mean / 60e6 - 1) < 0.25, "\(startup)")
  }

  @Test("capacity and timeout of the queue are read off requests that were turned away or gave up")
  func queue() throws {
    let trip = try RoundTrip(
      """
      workbench: 1
      name: queue
      seed: 5
      period: { from: 2026-01-05, to: 2026-01-05T06:00 }
      account: { name: a, subscription: { maxReplicas: 1 } }
      models:
        - name: m
          kind: openSource
          load: { arrivals: { markovModulated: { states: [ { rate: 0.5/s, mean: 10min }, { rate: 4/s, mean: 5min } ] } }, tokens: { input: 10, output: 10 } }
          deployments:
            - version: V1
              deployAt: 2026-01-05
              hardware: A10 single
              scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 1 }
              service: { time: { exponential: { mean: 1s } } }
              queue: { capacity: 25, timeout: 20s }
      """)
    let fit = trip.calibration.models[0].deployments[0]
    #expect(fit.queueCapacity == 25)
    #expect(fit.queueTimeout == 20_000_000)
    guard case .direct(let time) = try #require(fit.service).form else {
      Issue.record("tokens explain nothing here")
      return
    }
    #expect(time.name == "exponential" && near(time.parameters[0], 1, scale: 1e-6))
  }

  @Test(
    "an incident that telemetry names is measured; one that it does not name is found",
    arguments: [true, false])
  func incidents(_ isRecorded: Bool) throws {
    let yaml =
      RoundTrip.demand("{ poisson: { rate: 2/s } }") + """

        incidents: [ { kind: degradation, model: m, from: 2026-01-05T10:00, to: 2026-01-05T11:00, errorProbability: 0.6, latencyFactor: 3 } ]
        """
    let document = try ScenarioDocument(Data(yaml.utf8), path: "test.yaml")
    let simulation = ScenarioSimulation(document.scenario)
    let collector = ObservationCollector(groups: [0])
    var tables = try simulation.run(threads: 1, into: .init(accounts: [collector], merged: nil)).tables
    collector.settle()
    if !isRecorded { tables.incidents = [] }
    let calibration = Calibration(
      models: [(record: simulation.models[0], observations: collector.observations[0])], tables: tables,
      series: simulation.series,
      period: document.scenario.from.microseconds..<document.scenario.to.microseconds, options: .init())
    let failures = calibration.models[0].failures
    try #require(failures.incidents.count == 1)
    let incident = failures.incidents[0]
    let from = Double(incident.from - document.scenario.from.microseconds) / 3.6e9
    let to = Double(incident.to - document.scenario.from.microseconds) / 3.6e9
    #expect(abs(from - 10) < 0.05 && abs(to - 11) < 0.05, "\(from) \(to)")
    // 7,200 requests: a standard error of 0.006.
    #expect(abs(incident.errorProbability - 0.6) < 0.04)
    #expect(abs(incident.latencyFactor - 3) < 0.15, "\(incident.latencyFactor)")
    #expect(near(failures.error, 0.01), "\(failures.error)")
  }

  @Test("the fit's scenario gives arrivals and tokens of the same distribution as the first")
  func simulatedAgain() throws {
    let trip = try RoundTrip(RoundTrip.demand("{ weibull: { rate: 2/s, cv: 1.6 } }"))
    let again = try Simulated(trip.again())
    let first = trip.observations[0]
    func sorted(_ values: [Double]) -> [Double] { values.sorted() }
    let intervals = zip(again.requests, again.requests.dropFirst()).map {
      Double($1.arrivedAt - $0.arrivedAt)
    }
    let before = zip(first.arrivedAt, first.arrivedAt.dropFirst()).map { Double($1 - $0) }
    // Fitted parameters are off by a standard error or two, so the distance is that of samples of their size.
    let mean = before.reduce(0, +) / Double(before.count)
    #expect(SampleDistance.wasserstein(sorted(intervals), sorted(before)) / mean < 0.02)
    let tokens = first.input.map { Double($0) }
    #expect(
      SampleDistance.wasserstein(sorted(again.requests.map { Double($0.input) }), sorted(tokens))
        / (tokens.reduce(0, +) / Double(tokens.count)) < 0.02)
  }
}

@Suite("Telemetry that is not as it should be")
struct OddTelemetryTests {
  static func calibration(
    _ arrivals: [Int64], tokens: [Int32] = [100], outputs: [Int32] = [50],
    options: Calibration.Options = .init()
  ) throws -> ModelFit {
    let batch = RequestBatch(capacity: max(arrivals.count, 1))
    for (index, at) in arrivals.enumerated() {
      batch.append(
        requestID: Int64(index), arrivedAt: at, series: 0, outcome: RequestOutcome.success,
        waitingMicroseconds: 0,
        firstTokenMicroseconds: 0, latencyMicroseconds: 0, inputTokens: tokens[index % tokens.count],
        outputTokens: outputs[index % outputs.count])
    }
    let collector = ObservationCollector(groups: [0])
    try batch.send(to: collector)
    collector.settle()
    var tables = TelemetryTables()
    tables.accounts = [AccountRecord(account: "a", timeZone: "UTC", subscriptionMaxReplicas: 1)]
    tables.models = [
      ModelRecord(
        modelID: 1, account: "a", kind: .external, name: "m", provider: "P",
        createdAt: Timestamp(microseconds: 0))
    ]
    let calibration = Calibration(
      models: [(record: tables.models[0], observations: collector.observations[0])], tables: tables,
      series: [Series(modelID: 1, version: "")],
      period: (arrivals.min() ?? 0)..<((arrivals.max() ?? 0) + 1), options: options)
    // Whatever was seen, what comes out is a scenario.
    let text = calibration.scenario(name: "odd", source: "test", command: "test")
    _ = try ScenarioDocument(Data(text.utf8), path: "odd.yaml")
    return calibration.models[0]
  }

  static func arrivals(_ count: Int, meanMicroseconds: Double, seed: UInt64 = 9) -> [Int64] {
    let arena = SamplingArena()
    let stream = arena.stream(StreamName(seed: seed, account: "a", entity: "e", purpose: "odd"))
    var at = 1_767_571_200_000_000.0
    return withExtendedLifetime(arena) {
      (0..<count).map { _ in
        at += stream.exponential(mean: meanMicroseconds)
        return Int64(at)
      }
    }
  }

  private func says(_ fit: ModelFit, _ words: String) -> Bool { fit.notes.contains { $0.contains(words) } }

  @Test("too few requests: the rate only, and how many more are needed for what")
  func few() throws {
    let fit = try Self.calibration(Self.arrivals(12, meanMicroseconds: 1e6))
    #expect(fit.arrivals?.process == .poisson)
    #expect(says(fit, "needs 30") && says(fit, "1,000") && says(fit, "two weeks"))
    #expect(says(fit, "12 requests: the shape of input tokens is uncertain") || says(fit, "constant"))
  }

  @Test("out of order and shared time stamps are put in order, kept and said")
  func order() throws {
    var arrivals = Self.arrivals(2000, meanMicroseconds: 1e6)
    arrivals.swapAt(100, 101)
    arrivals[500] = arrivals[501]
    arrivals[1000] = arrivals[1000] - 3_600_000_000 / 10
    let fit = try Self.calibration(arrivals)
    #expect(says(fit, "out of order") && says(fit, "Did a clock jump back?"))
    #expect(says(fit, "share their time stamp"))
    #expect(fit.arrivals?.process == .poisson)
  }

  @Test(
    "a clock that jumps forward is an outlier among the intervals, or an outage, and named with its instant")
  func jump() throws {
    let early = Self.arrivals(2000, meanMicroseconds: 1e6)
    let late = early.map { $0 + 40 * 3_600_000_000 }
    let fit = try Self.calibration(early + late)
    #expect(says(fit, "start of an outage") || says(fit, "Outliers among the intervals"), "\(fit.notes)")
    // The outage is not taken for a property of the intervals.
    #expect(fit.arrivals?.process == .poisson)
  }

  @Test("stamps of whole seconds are spread, and said to be coarse")
  func coarse() throws {
    let fit = try Self.calibration(
      Self.arrivals(20_000, meanMicroseconds: 2e5).map { $0 / 1_000_000 * 1_000_000 })
    #expect(says(fit, "grid of 1 s"))
    let isPoisson = fit.arrivals?.process == .poisson
    #expect(isPoisson, "\(String(describing: fit.arrivals?.rejected))")
  }

  @Test("constant tokens are a constant, zero tokens are left-censored, outliers are listed and left out")
  func tokens() throws {
    let constant = try Self.calibration(Self.arrivals(500, meanMicroseconds: 1e6))
    #expect(says(constant, "All requests have 100 input tokens"))
    #expect(constant.tokens?.input.distribution.family == .constant(100))
    var tokens = (0..<1000).map { Int32(20 + $0 % 90) }
    tokens[10] = 0
    tokens[20] = 2_000_000_000
    let fit = try Self.calibration(Self.arrivals(1000, meanMicroseconds: 1e6), tokens: tokens)
    #expect(says(fit, "1 request has no input tokens"))
    #expect(says(fit, "Outliers, left out: 1 request with input tokens of 2e+09"), "\(fit.notes)")
    #expect(try #require(fit.tokens).input.distribution.mean < 100)
  }

  @Test("intervals more variable than a scenario may say are written as far as it may, and that is said")
  func variability() throws {
    let arena = SamplingArena()
    let stream = arena.stream(StreamName(seed: 2, account: "a", entity: "e", purpose: "wild"))
    var at = 1_767_571_200_000_000.0
    let arrivals = withExtendedLifetime(arena) {
      (0..<4000).map { _ in
        at += stream.weibull(shape: 0.15, scale: 2000)
        return Int64(at)
      }
    }
    var options = Calibration.Options()
    options.arrivals.families = ["weibull"]
    options.arrivals.changes = .none
    let fit = try Self.calibration(arrivals, options: options)
    #expect(try #require(fit.arrivals).cv > 20)
    #expect(says(fit, "outside the range of a scenario"), "\(fit.notes)")
  }

  @Test("held-out time is not seen: the fit is the same whatever happens in it")
  func holdOut() throws {
    let first = Self.arrivals(3000, meanMicroseconds: 1e6)
    var options = Calibration.Options()
    options.holdOut = .last(0.5)
    let middle = (first[0] + first[2999]) / 2
    let other = first.map { $0 < middle ? $0 : $0 + ($0 - middle) / 1000 * -1 }
    let a = try Self.calibration(first, options: options)
    let b = try Self.calibration(other.dropLast() + [first[2999]], options: options)
    #expect(a.arrivals?.rate == b.arrivals?.rate && a.arrivals?.candidates == b.arrivals?.candidates)
    #expect(a.arrivals?.count == first.count { $0 < middle + 1 })
  }
}
