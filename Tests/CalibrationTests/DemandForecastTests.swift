import Calibration
import Foundation
import Sampling
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Fitting: how uncertain demand to come is")
struct DemandForecastTests {
  /// Records of days with known truth: weekdays, a level that wanders and drifts, noise of days.
  struct Truth: Sendable, CustomTestStringConvertible {
    var days: Int
    /// Standard deviations of the level's steps and of a day, a drift a day.
    var step: Double
    var day: Double
    var drift: Double
    var testDescription: String { "\(days) days, steps of \(step), days of \(day), drift \(drift)" }

    private static let weekdays = [0.1, 0.2, 0.15, 0.1, 0, -0.3, -0.25]

    /// Logarithms of the totals of so many days and of the one after, less that one's weekday.
    func draw(_ stream: RandomStream) -> (totals: [(day: Int, count: Double)], next: Double) {
      var level = log(20_000.0)
      var totals: [(day: Int, count: Double)] = []
      for day in 0..<days {
        level += drift + step * stream.standardNormal()
        let rate = exp(level + Self.weekdays[day % 7] + self.day * stream.standardNormal())
        totals.append((day, Double(stream.poisson(mean: rate))))
      }
      level += drift + step * stream.standardNormal()
      return (totals, level + self.day * stream.standardNormal())
    }

    /// ln of a day's total without weekday, beside the mean of the record that a scenario has as its rate.
    func base(_ totals: [(day: Int, count: Double)]) -> Double {
      let norm = Self.weekdays.reduce(0) { $0 + exp($1) } / 7
      return log(
        totals.reduce(0) { $0 + $1.count * norm / exp(Self.weekdays[$1.day % 7]) } / Double(totals.count))
        - log(norm)
    }
  }

  @Test(
    "95 % intervals of the next day's demand hold, and so do those of the growth",
    arguments: [
      Truth(days: 28, step: 0, day: 0.05, drift: 0), Truth(days: 28, step: 0.05, day: 0.05, drift: 0),
      Truth(days: 56, step: 0.03, day: 0.1, drift: 0.005), Truth(days: 120, step: 0.1, day: 0, drift: 0.01),
    ])
  func coverage(_ truth: Truth) throws {
    let records = hasLongChecks ? 2000 : 500
    let arena = SamplingArena()
    let stream = arena.stream(StreamName(seed: 9, account: "a", entity: "b", purpose: "c"))
    var (next, growth) = (0, 0)
    try withExtendedLifetime(arena) {
      for _ in 0..<records {
        let (totals, after) = truth.draw(stream)
        let forecast = try #require(DemandForecast(totals) { $0 % 7 })
        // The level is at the end of the record: half a day of growth before the day's middle.
        let center = forecast.logLevel.mean + forecast.logGrowth.mean / 14
        let off = after - truth.base(totals) - center
        if abs(off) <= 1.96 * forecast.logLevel.variance.squareRoot() { next += 1 }
        if abs(7 * truth.drift - forecast.logGrowth.mean)
          <= 1.96 * forecast.logGrowth.variance.squareRoot()
        {
          growth += 1
        }
      }
    }
    // 95 ± 3 %, and 4 binomial standard errors of so many records. The growth's interval is also of a level that wanders.
    let slack = 4 * (0.95 * 0.05 / Double(records)).squareRoot()
    #expect(abs(Double(next) / Double(records) - 0.95) < 0.03 + slack, "\(next) of \(records)")
    #expect(Double(growth) / Double(records) > 0.92 - slack, "\(growth) of \(records)")
  }

  @Test("a growth and a level are found as they are where there is no noise but counting")
  func plain() throws {
    let totals = (0..<42).map { (day: $0, count: (50_000 * exp(0.02 * Double($0))).rounded()) }
    let forecast = try #require(DemandForecast(totals) { $0 % 7 })
    #expect(abs(forecast.logGrowth.mean - 0.14) < 1e-3)
    let mean = totals.reduce(0) { $0 + $1.count } / 42
    #expect(abs(forecast.logLevel.mean - log(50_000 * exp(0.02 * 41.5) / mean)) < 2e-3)
    let found = forecast.uncertainty(from: Timestamp(seconds: 0), mayGrow: true)
    #expect(abs(found.growthPerWeek.mean - exp(0.14)) < 2e-3 && found.growthPerWeek.sd < 0.01)
    // A process that cannot grow has half a week of it in its level.
    let level = forecast.uncertainty(from: Timestamp(seconds: 0), mayGrow: false)
    #expect(level.growthPerWeek == .init(mean: 1, sd: 0))
    #expect(abs(level.level.mean / found.level.mean - exp(0.07)) < 2e-3)
  }

  @Test("short records, and those that lack a weekday, say nothing")
  func short() {
    let days = (0..<60).map { (day: $0, count: 100.0) }
    #expect(DemandForecast(Array(days.prefix(20))) { $0 % 7 } == nil)
    #expect(DemandForecast(Array(days.prefix(21))) { $0 % 7 } != nil)
    #expect(DemandForecast(days.filter { $0.day % 7 < 5 }) { $0 % 7 } == nil)
    // Days without requests are not known.
    #expect(DemandForecast(days.map { ($0.day, $0.day < 20 ? 100.0 : 0) }) { $0 % 7 } == nil)
  }

  @Test(
    "a fit for other times writes it into the scenario, from the end of the record on", arguments: [28, 7])
  func scenario(_ days: Int) throws {
    var options = Calibration.Options()
    options.arrivals.changes = .recurring
    options.arrivals.families = ["poisson"]
    let end = Timestamp(seconds: 1_767_571_200 + Int64(days) * 86_400)
    let trip = try RoundTrip(
      RoundTrip.demand(
        "{ poisson: { rate: 500/d } }", to: String(end.rfc3339.prefix(10)), tokens: "{ input: 9, output: 9 }",
        service: "{ time: 1s }"
      ).replacing("Europe/Berlin", with: "UTC"), options: options)
    let load = try #require(try trip.again().accounts[0].models[0].load)
    let notes = trip.calibration.models[0].notes
    guard days >= 21 else {
      #expect(load.uncertainty == nil)
      #expect(notes.contains { $0.contains("is not known, since the record has 7 complete days") })
      return
    }
    let uncertainty = try #require(load.uncertainty)
    #expect(uncertainty == trip.calibration.models[0].uncertainty && uncertainty.from == end)
    // Nothing but chance made it vary: what it adds is little.
    #expect(abs(uncertainty.level.mean - 1) < 0.1 && uncertainty.level.sd < 0.06)
    #expect(abs(uncertainty.growthPerWeek.mean - 1) < 0.05)
    #expect(notes.contains { $0.hasPrefix("Demand to come is uncertain: by 28 complete days") })
    // Fits of the record's own time have none.
    let same = try RoundTrip(
      RoundTrip.demand("{ poisson: { rate: 500/d } }", to: String(end.rfc3339.prefix(10))))
    #expect(same.calibration.models[0].uncertainty == nil)
  }
}
