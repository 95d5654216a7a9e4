/// What people at the page may do besides looking at runs: try a scenario out, keep what came of it, write scenarios.
package struct Studio: Sendable {
  /// A simulation that was asked for at the page, to be said as a command for the shell.
  package struct Asked: Sendable {
    /// Path of the scenario.
    package var scenario: String
    package var overrides: [String]

    package init(scenario: String, overrides: [String]) {
      (self.scenario, self.overrides) = (scenario, overrides)
    }
  }

  /// `nil`: there is no folder to read and write scenarios in.
  package var scenarios: ScenarioFolder?
  /// `nil`: nothing can be kept.
  package var runs: RunFolder?
  package var limits = StudioLimits()
  /// Named in the manifests of runs.
  package var program: String
  /// The words of a command that does the same.
  package var command: @Sendable (Asked) -> String

  package init(
    scenarios: ScenarioFolder?, runs: RunFolder?, program: String,
    command: @escaping @Sendable (Asked) -> String
  ) {
    (self.scenarios, self.runs, self.program, self.command) = (scenarios, runs, program, command)
  }
}
