import Documents

/// Replicas for what a forecast of demand (requests waiting or in service) expects a lead time ahead.
///
/// Demand is known as its peak in each interval. Sources: Hyndman and Athanasopoulos (2021), "Forecasting: Principles and
/// Practice", sections 5.2 (seasonal naive) and 8.3 (Holt–Winters, additive).
package struct PredictiveScaling: Sendable, Equatable {
  package enum Forecast: String, Sendable, CaseIterable {
    /// What was a season ago.
    case seasonalNaive
    /// A level, a trend and a seasonal pattern, all smoothed.
    case holtWinters
  }

  package var forecast: Forecast
  /// µs; a whole multiple of `interval`, at least two.
  package var season: Int64
  /// µs, above 0.
  package var interval: Int64
  /// How far ahead replicas are there, µs.
  package var lead: Int64
  /// Of maxBatchSize that the expected demand is to fill, millionths.
  package var target: Int
  /// Of level, trend and season, 0 to 1.
  package var smoothing: Smoothing

  package struct Smoothing: Sendable, Equatable {
    package var level: Double
    package var trend: Double
    package var season: Double
  }

  /// Intervals of a season, at most.
  private static let mostIntervals: Int64 = 10_080

  static let shape = Shape(
    "predictiveScaling", "Replicas for what a forecast of demand expects a lead time ahead.",
    [
      Key(
        "forecast", .choice(Forecast.allCases.map(\.rawValue)), default: "seasonalNaive",
        "What was a season ago; or holtWinters: a level, a trend and a season that are smoothed."),
      Key("season", .duration, default: "1d", "After which demand repeats, for instance 1d or 7d."),
      Key(
        "interval", .duration, default: "5min",
        "Demand is known as its peak in each of these; so often it decides."),
      Key("lead", .duration, default: "5min", "How far ahead replicas are started; not above season."),
      Key(
        "target", .number(0.01...1), default: "0.7",
        "The share of the batches that the expected demand fills."),
      Key(
        "levelSmoothing", .number(0...1), default: "0.3",
        "Weight of the last interval in the level (holtWinters)."),
      Key(
        "trendSmoothing", .number(0...1), default: "0.01",
        "Weight of the last change in the trend (holtWinters)."),
      Key(
        "seasonSmoothing", .number(0...1), default: "0.3",
        "Weight of the last season in the seasonal pattern (holtWinters)."),
    ])

  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    func number(_ name: String, _ standard: Double) -> Double? {
      keys.has(name) ? keys.number(name) : standard
    }
    func duration(_ name: String, _ standard: Int64) -> Int64? {
      keys.has(name) ? keys.duration(name) : standard
    }
    let forecast =
      keys.has("forecast") ? keys.choice("forecast").flatMap { Forecast(rawValue: $0) } : .seasonalNaive
    guard let forecast, let season = duration("season", 86_400_000_000),
      let interval = duration("interval", 300_000_000), let lead = duration("lead", 300_000_000),
      let target = number("target", 0.7), let level = number("levelSmoothing", 0.3),
      let trend = number("trendSmoothing", 0.01), let pattern = number("seasonSmoothing", 0.3)
    else { return nil }
    guard interval >= 1_000_000 else {
      keys.error("interval", "interval must be at least 1s. Raise it.")
      return nil
    }
    guard season % interval == 0, (2...Self.mostIntervals).contains(season / interval) else {
      keys.error(
        "season",
        "season must be 2 to \(Self.mostIntervals) whole intervals. Change it, or change interval.")
      return nil
    }
    guard lead <= season else {
      keys.error("lead", "lead is longer than season. Shorten it.")
      return nil
    }
    (self.forecast, self.season, self.interval, self.lead) = (forecast, season, interval, lead)
    self.target = millionths(target)
    smoothing = Smoothing(level: level, trend: trend, season: pattern)
  }
}
