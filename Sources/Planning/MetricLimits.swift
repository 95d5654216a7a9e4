import ScenarioModel
import Telemetry

/// The values that metrics can have in scenarios, from their settings alone: an objective beyond that is always met, so
/// a plan with such an objective is of no use.
struct MetricLimits {
  /// The longest time simulated of any, ms.
  private var simulated = 0.0
  /// Of any account of any, at once.
  private var replicas = 0
  private var replicaHours = 0.0
  private var credits = 0.0
  /// What sets the limit of replicas.
  private var replicasWhy = "the subscription allows"
  private let scenarios: [Scenario]

  init(_ scenarios: [Scenario]) {
    self.scenarios = scenarios
    for scenario in scenarios {
      simulated = max(simulated, Double(scenario.to - scenario.simulationStart) / 1000)
      let hours = Double(scenario.to - scenario.from) / 3.6e9
      var (most, cost) = (0.0, 0.0)
      for account in scenario.accounts {
        let deployed = account.models.flatMap(\.deployments).map(\.scaling.maxReplicas).reduce(0, +)
        let allowed = min(account.subscriptionMaxReplicas, deployed)
        if allowed > replicas {
          replicas = allowed
          replicasWhy =
            allowed < account.subscriptionMaxReplicas
            ? "the deployments' maxReplicas add up to" : "the subscription allows"
        }
        let used = Set(account.models.flatMap { $0.deployments.map(\.hardware) })
        let dearest =
          account.prices.filter { used.contains($0.hardware) }.map(\.creditsMicroPerHour).max() ?? 0
        most += Double(allowed) * hours
        cost += Double(allowed) * hours * Double(dearest) / 1e6
      }
      replicaHours = max(replicaHours, most)
      credits = max(credits, cost)
    }
  }

  /// - Throws: `Objective.InvalidObjective` for an upper bound that no variant can exceed.
  func check(_ objective: Objective) throws {
    if objective.isUpper, let failures = objective.metric.failures {
      let model: String? = if case .model(let name) = objective.metric.scope { name } else { nil }
      let possible = Set(scenarios.flatMap { $0.possibleFailures(ofModel: model) })
      guard possible.isDisjoint(with: failures) else { return }
      let whose = model.map { "model \"\($0)\"" } ?? "a model"
      throw Objective.InvalidObjective(
        description:
          "\(objective.description) can never be violated: in no variant does anything make requests of \(whose) fail\(failures.count == 1 ? " with \(failures[0].name)" : ""). Leave it out, or add a cause of such failures to the scenario."
      )
    }
    guard objective.isUpper, let (most, why) = self.most(objective.metric), objective.bound >= most else {
      return
    }
    throw Objective.InvalidObjective(
      description: "\(objective.description) can never be violated: \(why). Give a bound below that.")
  }

  private func most(_ metric: Metric) -> (Double, why: String)? {
    switch metric.unit {
    case .milliseconds:
      return (simulated, "\(Self.length(simulated)) are simulated, and nothing longer can be observed")
    case .hours:
      return (
        replicaHours,
        "\(replicasWhy) \(replicas), which is at most \(PlanWords.value(replicaHours, .hours)) of replicas"
      )
    case .credits where metric.base == "credits":
      return (
        credits,
        "the largest possible number of replicas costs at most \(PlanWords.value(credits, .credits)) in the period"
      )
    case .count where metric.base == "peakReplicas":
      return (Double(replicas), "\(replicasWhy) \(replicas)")
    case .credits, .money, .count, .share, .perSecond: return nil
    }
  }

  private static func length(_ milliseconds: Double) -> String {
    let hours = milliseconds / 3.6e6
    return hours >= 48 ? "\(Factor.text(hours / 24, "")) days" : "\(Factor.text(hours * 60, "")) minutes"
  }
}
