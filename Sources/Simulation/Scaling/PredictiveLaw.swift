import ScenarioModel

/// Replicas for the largest demand that the forecast expects from now to a lead time ahead.
///
/// Demand is the peak of each interval, so that the policy hears only of new peaks. Until a season has passed, the forecast
/// is that the last interval repeats.
///
/// Invariant, checked by `checkInvariants(demand:)`: no demand since the interval began was above `peak`, while it scales.
final class PredictiveLaw: ScalingLaw {
  private let policy: PredictiveScaling
  private let minReplicas: Int
  private let slots: Int
  private let intervals: Int
  private var isScaling = false
  private var nextDecision = Int64.max
  private var peak = 0
  /// Peaks of the intervals of the last season, the latest last; of Holt–Winters, of the first season.
  private var history: [Double] = []
  private var level = 0.0
  private var trend = 0.0
  /// Of each interval of the season, and the one that ended last.
  private var pattern: [Double] = []
  private var place = 0

  init(_ policy: PredictiveScaling, _ scaling: Scenario.Scaling) {
    self.policy = policy
    (minReplicas, slots) = (scaling.minReplicas, scaling.maxBatchSize)
    intervals = Int(policy.season / policy.interval)
  }

  var quiet: (above: Int, upTo: Int) { isScaling ? (-1, peak) : everyDemand }

  var due: Int64 { nextDecision }

  func demandChanged(to demand: Int, rises: Bool, at time: Int64) { peak = max(peak, demand) }

  func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    guard !isScaling else { return }
    isScaling = true
    peak = demand
    nextDecision = time + policy.interval
  }

  func stop() {
    (isScaling, nextDecision, history, pattern) = (false, .max, [], [])
  }

  func decide(_ observation: ScalingObservation) -> Int? {
    guard nextDecision <= observation.time else { return nil }
    nextDecision += policy.interval
    observe(Double(peak))
    let last = Double(peak)
    peak = observation.demand
    let steps = max(Int((policy.lead + policy.interval - 1) / policy.interval), 1)
    let expected = (1...steps).reduce(0.0) { max($0, forecast($1) ?? last) }
    // At most far beyond any number of replicas; and a sum that is off by its rounding asks for no replica more.
    let wanted = (min(expected, 1e9) * 1e6 / Double(slots * policy.target) - 1e-9).rounded(.up)
    return max(Int(wanted), minReplicas)
  }

  private func observe(_ value: Double) {
    if policy.forecast == .holtWinters, !pattern.isEmpty {
      place = (place + 1) % intervals
      // Source: Hyndman and Athanasopoulos (2021), "Forecasting: Principles and Practice", section 8.3, additive.
      let (before, trendBefore, weights) = (level, trend, policy.smoothing)
      let seasonal = pattern[place]
      level = weights.level * (value - seasonal) + (1 - weights.level) * (level + trend)
      trend = weights.trend * (level - before) + (1 - weights.trend) * trend
      pattern[place] = weights.season * (value - before - trendBefore) + (1 - weights.season) * seasonal
      return
    }
    history.append(value)
    if history.count > intervals { history.removeFirst() }
    if policy.forecast == .holtWinters, history.count == intervals {
      level = history.reduce(0, +) / Double(intervals)
      trend = 0
      let mean = level
      pattern = history.map { $0 - mean }
      place = intervals - 1
    }
  }

  /// The demand of the interval that ends this many from now; `nil` while there is no season to go by.
  private func forecast(_ steps: Int) -> Double? {
    switch policy.forecast {
    case .seasonalNaive: history.count == intervals ? history[steps - 1] : nil
    case .holtWinters:
      pattern.isEmpty ? nil : max(level + Double(steps) * trend + pattern[(place + steps) % intervals], 0)
    }
  }

  func checkInvariants(demand: Int) -> Bool { !isScaling || demand <= peak }
}
