import Foundation
import Sampling
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("Arrival processes")
struct ArrivalTests {
  /// An external model that answers at once, so that telemetry is the arrivals.
  static func scenario(
    _ arrivals: String, profile: String = "", seed: Int = 7, to: String = "2026-01-12", zone: String = "UTC",
    from: String = "2026-01-05", tokens: String = "{ input: 1, output: 1 }"
  ) -> String {
    """
    workbench: 1
    name: arrivals
    seed: \(seed)
    period: { from: \(from), to: \(to) }
    account: { name: a, timeZone: \(zone), subscription: { maxReplicas: 1 } }
    profiles:
      rates:
        p: \(profile.isEmpty ? "{ trend: { perWeek: 1 } }" : profile)
    models:
      - name: m
        kind: external
        provider: P
        load: { arrivals: \(arrivals), profile: p, tokens: \(tokens) }
        service: { time: 1ms }
    """
  }

  static let hour: Int64 = 3_600_000_000

  /// Counts by spans of equal length from the period's start.
  static func counts(_ run: Simulated, every length: Int64) -> [Int] {
    let from = run.scenario.from.microseconds
    var counts = [Int](repeating: 0, count: Int((run.scenario.to.microseconds - from) / length))
    for request in run.requests where Int((request.arrivedAt - from) / length) < counts.count {
      counts[Int((request.arrivedAt - from) / length)] += 1
    }
    return counts
  }

  @Test("Poisson arrivals: inter-arrival times are exponential, counts Poisson")
  func poisson() throws {
    let run = try Simulated(Self.scenario("{ poisson: { rate: 0.5/s } }"))
    let times = run.requests.map { Double($0.arrivedAt) / 1e6 }
    let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
    let fit = GoodnessOfFit.kolmogorovSmirnov(gaps) { 1 - exp(-0.5 * $0) }
    #expect(fit.pValue > 1e-7)
    // The index of dispersion × (n − 1) is chi-squared; its standard deviation is √(2 ÷ (n − 1)).
    let minutes = Self.counts(run, every: 60_000_000)
    #expect(abs(dispersion(minutes) - 1) < 5.3 * (2 / Double(minutes.count - 1)).squareRoot())
  }

  @Test(
    "renewal arrivals: the coefficient of variation and the rate are those asked for",
    arguments: [("gamma", 0.5), ("gamma", 1.0), ("gamma", 2.5), ("weibull", 0.5), ("weibull", 2.0)])
  func renewal(family: String, cv: Double) throws {
    let run = try Simulated(Self.scenario("{ \(family): { rate: 1/s, cv: \(cv) } }"))
    let times = run.requests.map { Double($0.arrivedAt) / 1e6 }
    let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
    let distribution = try Distribution(
      family == "gamma"
        ? .gamma(shape: 1 / (cv * cv), scale: cv * cv)
        : .weibull(shape: weibullShape(cv: cv), scale: 1 / tgamma(1 + 1 / weibullShape(cv: cv))))
    #expect(abs(distribution.coefficientOfVariation - cv) < 1e-6)
    // Times are whole microseconds: the smallest gaps are rounded, which a gamma of shape 0.16 has many of.
    let fit = GoodnessOfFit.kolmogorovSmirnov(gaps.filter { $0 > 1e-4 }) {
      (distribution.cdf($0) - distribution.cdf(1e-4)) / (1 - distribution.cdf(1e-4))
    }
    #expect(fit.pValue > 1e-7)
    let n = Double(run.requests.count)
    // Renewal counts are asymptotically normal: variance cv² n.
    #expect(abs(n - 7 * 86_400) < 5.3 * cv * n.squareRoot())
  }

  @Test("intervals whose family, variability and rate change: each stretch has its own")
  func changes() throws {
    let run = try Simulated(
      Self.scenario(
        "{ gamma: { rate: 2/s, cv: 2, changes: [ { at: \"2026-01-06\", cv: 0.5, family: weibull }, { at: \"2026-01-08\", cv: 1.5 } ] } }",
        profile:
          "{ breakpoints: [ { at: \"2026-01-07\", factor: 0.5 }, { at: \"2026-01-09\", factor: 0 } ] }",
        from: "2026-01-05"))
    let stretches: [(day: Int64, isGamma: Bool, cv: Double, mean: Double)] = [
      (0, true, 2, 0.5), (1, false, 0.5, 0.5), (2, false, 0.5, 1), (3, true, 1.5, 1),
    ]
    for stretch in stretches {
      let start = run.scenario.from.microseconds + stretch.day * 24 * Self.hour
      let times = run.requests.map(\.arrivedAt).filter { $0 >= start && $0 < start + 24 * Self.hour }
      let gaps = zip(times.dropFirst(), times).map { Double($0 - $1) / 1e6 / stretch.mean }
      let shape = stretch.isGamma ? 1 / (stretch.cv * stretch.cv) : weibullShape(cv: stretch.cv)
      let distribution = try Distribution(
        stretch.isGamma
          ? .gamma(shape: shape, scale: 1 / shape) : .weibull(shape: shape, scale: 1 / tgamma(1 + 1 / shape)))
      let fit = GoodnessOfFit.kolmogorovSmirnov(gaps.filter { $0 > 1e-4 }) {
        (distribution.cdf($0) - distribution.cdf(1e-4)) / (1 - distribution.cdf(1e-4))
      }
      #expect(fit.pValue > 1e-7, "day \(stretch.day)")
      // In equilibrium from the start of each stretch, so that the expected count is the rate times the length.
      let expected = 86_400 / stretch.mean
      #expect(
        abs(Double(times.count) - expected) < 5.3 * stretch.cv * expected.squareRoot(), "day \(stretch.day)")
    }
    #expect(run.requests.allSatisfy { $0.arrivedAt < run.scenario.from.microseconds + 4 * 24 * Self.hour })
  }

  @Test(
    "a rate function that recurs is the one written out by hand, before and after, through a clock change")
  func recurrence() throws {
    func run(_ profile: String, _ changes: String, _ recurrence: String) throws -> Simulated {
      try Simulated(
        Self.scenario(
          "{ gamma: { rate: 600/h, cv: 2, changes: [ \(changes) ] } }\(recurrence)", profile: profile,
          to: "2026-03-31", zone: "Europe/Berlin", from: "2026-03-26T12:00"))
    }
    let recurring = try run(
      "{ breakpoints: [ { at: 2026-03-27T02:15, factor: 0.5 }, { at: 2026-03-27T02:45, factor: 0.2 }, { at: 2026-03-27T09:00, factor: 2 }, { at: 2026-03-27T23:30, factor: 0 } ] }",
      "{ at: 2026-03-27T12:00, cv: 0.5, family: weibull }",
      ", recurrence: { from: 2026-03-27T00:00, every: 1d }")
    let days = ["26T", "27T", "28T", "29T", "30T"].map { "2026-03-\($0)" }
    let breakpoints = days.map { day in
      // On 29 March, 02:00 to 03:00 does not come.
      let night =
        day.hasSuffix("29T")
        ? "{ at: \(day)03:00, factor: 0.2 }"
        : "{ at: \(day)02:15, factor: 0.5 }, { at: \(day)02:45, factor: 0.2 }"
      return
        "{ at: \(day)00:00, factor: 1 }, \(night), { at: \(day)09:00, factor: 2 }, { at: \(day)23:30, factor: 0 }"
    }
    let changes = days.map { day in
      "{ at: \(day)00:00, cv: 2 }, { at: \(day)12:00, cv: 0.5, family: weibull }"
    }
    let written = try run(
      "{ breakpoints: [ \(breakpoints.joined(separator: ", ")) ] }", changes.joined(separator: ", "), "")
    #expect(recurring.requests.map(\.arrivedAt) == written.requests.map(\.arrivedAt))
    let counts = Self.counts(recurring, every: Self.hour)
    // From noon of the 26th to 23:00 at twice the rate; after half past eleven nothing.
    let evening = counts[0..<11].reduce(0, +)
    #expect(abs(evening - 13_200) < 700)
    #expect(counts[11] < 900)
  }

  @Test("a cycle whose length is not a whole number of days recurs in exact time")
  func shortRecurrence() throws {
    let run = try Simulated(
      Self.scenario(
        "{ poisson: { rate: 2/s } }, recurrence: { from: 2026-01-20T00:00, every: 90min }",
        profile: "{ breakpoints: [ { at: 2026-01-20T00:30, factor: 0 } ] }", to: "2026-01-06"))
    let start = run.scenario.from.microseconds
    #expect(run.requests.allSatisfy { ($0.arrivedAt - start) % (90 * 60_000_000) < 30 * 60_000_000 })
    #expect(abs(run.requests.count - 16 * 3600) < 1300)
  }

  @Test("a profile's counts: every hour is Poisson with its own mean, through a clock change")
  func profile() throws {
    // 29 March 2026 has 23 hours in Berlin: the factor of 02:00 does not come.
    let hourly = (0..<24).map { 0.2 + 0.1 * Double($0) }
    let run = try Simulated(
      Self.scenario(
        "{ poisson: { rate: 2000/h } }",
        profile:
          "{ hourly: \(hourly), weekly: { Sat: 0.5, Sun: 0.4 }, dates: { 2026-03-31: 0 }, spikes: [ { at: 2026-03-27T10:30, duration: 15min, factor: 6 } ] }",
        to: "2026-04-01", zone: "Europe/Berlin", from: "2026-03-26"))
    let zone = try #require(ZonedCalendar(identifier: "Europe/Berlin"))
    let counts = Self.counts(run, every: Self.hour)
    #expect(counts.count == 6 * 24 - 1)
    var expected: [Double] = []
    for index in counts.indices {
      let instant = run.scenario.from + Int64(index) * Self.hour
      let date = zone.date(at: instant)
      let wall = instant.secondsRoundedDown + Int64(zone.offsetSeconds(at: instant))
      var factor = hourly[Int(wall % 86_400 / 3600)]
      if date.weekday == 5 { factor *= 0.5 }
      if date.weekday == 6 { factor *= 0.4 }
      if "\(date)" == "2026-03-31" { factor = 0 }
      // A quarter of the hour at six times the rate.
      if "\(date)" == "2026-03-27", wall % 86_400 / 3600 == 10 { factor *= 0.75 + 0.25 * 6 }
      expected.append(2000 * factor)
    }
    #expect(zip(counts, expected).allSatisfy { $1 > 0 || $0 == 0 })
    let used = expected.indices.filter { expected[$0] > 0 }
    // Every hour on its own: two-sided 10⁻⁹ each, 10⁻⁷ over the family.
    for index in used {
      #expect(
        abs(Double(counts[index]) - expected[index]) < 6.2 * expected[index].squareRoot(), "hour \(index)")
    }
    let statistic = used.reduce(0) {
      $0 + (Double(counts[$1]) - expected[$1]) * (Double(counts[$1]) - expected[$1]) / expected[$1]
    }
    let degrees = Double(used.count)
    #expect(abs(statistic - degrees) < 6 * (2 * degrees).squareRoot())
  }

  @Test("a trend grows continuously and exactly")
  func trend() throws {
    let run = try Simulated(
      Self.scenario(
        "{ gamma: { rate: 1000/h, cv: 0.5 } }", profile: "{ trend: { perWeek: 3 } }", to: "2026-01-19"))
    let days = Self.counts(run, every: 24 * Self.hour)
    let growth = log(3.0) / 7
    for (day, count) in days.enumerated() {
      let expected = 24_000 * (exp(growth * Double(day + 1)) - exp(growth * Double(day))) / growth
      #expect(abs(Double(count) - expected) < 6 * 0.5 * expected.squareRoot() + 3, "day \(day)")
    }
  }

  @Test("Markov-modulated arrivals have the mean and the dispersion of theory")
  func markovModulated() throws {
    let run = try Simulated(
      Self.scenario(
        "{ markovModulated: { states: [ { rate: 10/min, mean: 2min }, { rate: 100/min, mean: 1min } ] } }",
        to: "2026-02-04"))
    let counts = Self.counts(run, every: Self.hour)
    let mean = Double(counts.reduce(0, +)) / Double(counts.count)
    // Stationary shares 2/3 and 1/3: 40 a minute. Index of dispersion of counts over t, with a = σ₁ + σ₂ = 1.5 a minute:
    // 1 + 2π₁π₂(λ₁−λ₂)² ÷ (aλ) × (1 − (1 − e^(−at)) ÷ (at)). Source: Fischer and Meier-Hellstern (1993), section 3.
    let a = 1.5
    let t = 60.0
    let expected = 1 + 2 * (2.0 / 9) * 8100 / (a * 40) * (1 - (1 - exp(-a * t)) / (a * t))
    let deviation = (expected * 2400).squareRoot()
    #expect(abs(mean - 2400) < 5.3 * deviation / Double(counts.count).squareRoot())
    // Counts over an hour are close to normal: the sample variance has a relative error of √(2/n) = 5.3 %.
    #expect(abs(dispersion(counts) / expected - 1) < 5.3 * (2 / Double(counts.count)).squareRoot())
  }

  @Test("a trace is replayed as it is, moved where startAt says, cut at the period")
  func replay() throws {
    let yaml = Self.scenario("{ trace: { file: t, startAt: 2026-01-05T06:00 } }")
      .replacing(", profile: p, tokens: { input: 1, output: 1 }", with: "")
    let offsets: [Int64] = [0, 1, 1, 5_000_000, 3 * 86_400_000_000, 8 * 86_400_000_000]
    let run = try Simulated(
      yaml,
      traces: [
        "t": Trace(
          offsets.map { .init(arrivedAt: 17 + $0, inputTokens: Int32($0 % 100), outputTokens: 3) })
      ])
    let start = run.scenario.from.microseconds + 6 * Self.hour
    #expect(run.requests.map { $0.arrivedAt - start } == Array(offsets.dropLast()))
    #expect(run.requests.map(\.input) == [0, 1, 1, 0, 0])
  }

  @Test("tokens have their margins and their rank correlation")
  func tokens() throws {
    let run = try Simulated(
      Self.scenario(
        "{ poisson: { rate: 0.5/s } }",
        tokens:
          "{ input: { lognormal: { median: 50000, sigma: 0.5 } }, output: { gamma: { mean: 90000, cv: 0.8 } }, correlation: 0.6 }"
      ))
    let input = run.requests.map { Double($0.input) }
    let lognormal = try Distribution(.lognormal(mu: log(50_000), sigma: 0.5))
    #expect(GoodnessOfFit.kolmogorovSmirnov(input, cdf: lognormal.cdf).pValue > 1e-7)
    let output = run.requests.map { Double($0.output) }
    let gamma = try Distribution(.gamma(shape: 1 / 0.64, scale: 90_000 * 0.64))
    #expect(GoodnessOfFit.kolmogorovSmirnov(output, cdf: gamma.cdf).pValue > 1e-7)
    // Spearman's ρ of a Gaussian copula is 6/π asin(r/2). Source: Kruskal (1958). Its standard error is about 1/√n.
    let n = Double(input.count)
    let expected = 6 / Double.pi * asin(0.3)
    #expect(abs(correlation(ranks(input), ranks(output)) - expected) < 5.3 / n.squareRoot())
  }
}

func dispersion(_ counts: [Int]) -> Double {
  let mean = Double(counts.reduce(0, +)) / Double(counts.count)
  let squares = counts.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
  return squares / Double(counts.count - 1) / mean
}

func ranks(_ values: [Double]) -> [Double] {
  var ranks = [Double](repeating: 0, count: values.count)
  for (rank, index) in values.indices.sorted(by: { values[$0] < values[$1] }).enumerated() {
    ranks[index] = Double(rank)
  }
  return ranks
}

func correlation(_ a: [Double], _ b: [Double]) -> Double {
  let n = Double(a.count)
  let (meanA, meanB) = (a.reduce(0, +) / n, b.reduce(0, +) / n)
  var (ab, aa, bb) = (0.0, 0.0, 0.0)
  for (x, y) in zip(a, b) {
    ab += (x - meanA) * (y - meanB)
    aa += (x - meanA) * (x - meanA)
    bb += (y - meanB) * (y - meanB)
  }
  return ab / (aa * bb).squareRoot()
}
