import ScenarioModel
import Simulation
import Telemetry

/// How well a fitted scenario represents its telemetry: it is simulated and compared with the telemetry, model by
/// model.
package struct FitJudgement {
  private let calibration: Calibration
  private let observed: [Observations]

  /// - Parameter observed: of each model of the calibration.
  package init(_ calibration: Calibration, observed: [Observations]) {
    self.calibration = calibration
    self.observed = observed
  }

  /// The quality of each model; `nil` where there was nothing to fit.
  /// - Parameters:
  ///   - scenario: the fitted one.
  ///   - records: the requests that it resamples.
  ///   - threads: at least 1.
  ///   - progress: called from any thread, with the share in [0, 1].
  /// - Throws: what the simulation throws.
  package func qualities(
    of scenario: Scenario, records: [TraceSource.Selection: Trace] = [:], threads: Int,
    progress: @escaping @Sendable (Double) -> Void
  ) throws -> [FitQuality?] {
    let requests = observed.reduce(0) { $0 + $1.count }
    // Enough for the simulation's own sampling error to be small beside the telemetry's.
    let replications = max(
      calibration.options.holdOut == .none ? 1 : 2, min(20, 400_000 / max(requests, 1)))
    var simulated: [Int: [Observations]] = [:]
    for replication in 0..<replications {
      // What judges the fit has one demand: the forecast is compared at its mean.
      var scenario = scenario.withExpectedDemand
      scenario.replication = replication
      for (index, observations) in try simulate(
        scenario, records, threads: threads,
        progress: { progress((Double(replication) + $0) / Double(replications)) })
      {
        simulated[index, default: []].append(observations)
      }
    }
    let spans = calibration.options.holdOut.split(calibration.period)
    return calibration.models.indices.map { index in
      let fit = calibration.models[index]
      guard let others = simulated[index], fit.arrivals != nil else { return nil }
      return FitQuality(
        observed: observed[index], simulated: others, judged: intersection(spans.judge, fit.observed),
        seen: calibration.options.holdOut == .none ? nil : intersection(spans.fit, fit.observed))
    }
  }

  /// One replication's requests, by the model's place in the calibration.
  private func simulate(
    _ scenario: Scenario, _ records: [TraceSource.Selection: Trace], threads: Int,
    progress: @escaping @Sendable (Double) -> Void
  ) throws -> [(Int, Observations)] {
    let simulation = ScenarioSimulation(scenario, traces: records)
    // The scenario's models are the fitted ones, account by account.
    var order: [Int] = []
    for account in scenario.accounts {
      order += calibration.models.indices.filter {
        Name.same(calibration.models[$0].record.account, account.name)
      }
    }
    var collectors: [ObservationCollector] = []
    for range in simulation.seriesOfAccount {
      var groups = [Int](repeating: -1, count: simulation.series.count)
      let first = range.isEmpty ? 0 : Int(simulation.series[range.lowerBound].modelID)
      for index in range { groups[index] = Int(simulation.series[index].modelID) - first }
      collectors.append(ObservationCollector(groups: groups))
    }
    _ = try simulation.run(
      threads: threads, into: .init(accounts: collectors, merged: nil), progress: progress)
    var simulated: [(Int, Observations)] = []
    var place = 0
    for (account, collector) in zip(scenario.accounts, collectors) {
      collector.settle()
      for model in account.models.indices where model < collector.observations.count {
        simulated.append((order[place + model], collector.observations[model]))
      }
      place += account.models.count
    }
    return simulated
  }
}
