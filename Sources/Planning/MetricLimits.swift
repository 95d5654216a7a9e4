import ScenarioModel
import Telemetry

/// What metrics can come to in scenarios, from their settings alone: an objective beyond that is kept whatever happens,
/// and a plan that says so says nothing.
struct MetricLimits {
  /// The longest time simulated of any, ms.
  private var simulated = 0.0
  /// Of any account of any, at once.
  private var replicas = 0
  private var replicaHours = 0.0
  private var credits = 0.0

  init(_ scenarios: [Scenario]) {
    for scenario in scenarios {
      simulated = max(simulated, Double(scenario.to - scenario.simulationStart) / 1000)
      let hours = Double(scenario.to - scenario.from) / 3.6e9
      var (most, cost) = (0.0, 0.0)
      for account in scenario.accounts {
        replicas = max(replicas, account.subscriptionMaxReplicas)
        let used = Set(account.models.flatMap { $0.deployments.map(\.hardware) })
        let dearest =
          account.prices.filter { used.contains($0.hardware) }.map(\.creditsMicroPerHour).max() ?? 0
        most += Double(account.subscriptionMaxReplicas) * hours
        cost += Double(account.subscriptionMaxReplicas) * hours * Double(dearest) / 1e6
      }
      replicaHours = max(replicaHours, most)
      credits = max(credits, cost)
    }
  }

  /// - Throws: `ServiceLevel.Problem` for an upper bound that no variant can exceed.
  func check(_ level: ServiceLevel) throws {
    guard level.isUpper, let (most, why) = self.most(level.metric), level.bound >= most else { return }
    throw ServiceLevel.Problem(
      description: "\(level.description) can never be broken: \(why). Give a bound below that.")
  }

  private func most(_ metric: Metric) -> (Double, why: String)? {
    switch metric.unit {
    case .milliseconds:
      return (simulated, "\(Self.length(simulated)) are simulated, and nothing longer can be seen")
    case .hours:
      return (
        replicaHours, "the subscription allows at most \(PlanWords.value(replicaHours, .hours)) of replicas"
      )
    case .credits where metric.base == "credits":
      return (
        credits,
        "the subscription's replicas cost at most \(PlanWords.value(credits, .credits)) in the period"
      )
    case .count where metric.base == "peakReplicas":
      return (Double(replicas), "the subscription allows \(replicas)")
    case .credits, .count, .share: return nil
    }
  }

  private static func length(_ milliseconds: Double) -> String {
    let hours = milliseconds / 3.6e6
    return hours >= 48 ? "\(Factor.text(hours / 24, "")) days" : "\(Factor.text(hours * 60, "")) minutes"
  }
}
