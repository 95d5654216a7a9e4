import ScenarioModel
import Telemetry

/// A simulation that can be observed while it runs: it advances to an instant, and stops.
package final class LiveSimulation {
  package let simulation: ScenarioSimulation
  private let accounts: [AccountSimulation]
  /// Everything before has been simulated.
  package private(set) var clock: Timestamp

  /// - Parameter sinks: one an account.
  package init(_ simulation: ScenarioSimulation, sinks: [any TelemetrySink]) throws {
    self.simulation = simulation
    accounts = try simulation.accountSimulations(sinks: sinks)
    clock = simulation.scenario.simulationStart
  }

  package var hasEnded: Bool { clock >= simulation.scenario.to }

  /// Simulates up to an instant, at most to the period's end, and hands on what has ended.
  /// - Throws: what a sink threw.
  package func advance(to instant: Timestamp) throws {
    let target = min(instant, simulation.scenario.to)
    guard target > clock else { return }
    for account in accounts {
      account.run(until: target.microseconds)
      if target == simulation.scenario.to { account.finish() } else { account.flush() }
      try account.checkSinks()
    }
    clock = target
  }

  /// All requests that arrived before this instant have been handed on: those in service hold it back.
  package var settled: Timestamp {
    if hasEnded { return clock }
    return Timestamp(
      microseconds: accounts.reduce(clock.microseconds) { min($0, $1.frontier(horizon: clock.microseconds)) })
  }

  /// The tables as they are now.
  package func tables() -> TelemetryTables { simulation.tables(of: accounts) }

  /// Steps of finding who comes next among the models that wait for room, so far: for tests of how the cost grows.
  package var waitingSteps: Int { accounts.reduce(0) { $0 + $1.waitingSteps } }
}
