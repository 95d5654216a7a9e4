import Planning

/// What people at the page may do besides looking at runs: try a scenario out, keep the result, write scenarios, carry
/// out plans, import, check and take data away.
package struct Studio: Sendable {
  /// What was asked for at the page, to be said as a command for the shell.
  package enum Asked: Sendable {
    /// - scenario: its path.
    case run(scenario: String, overrides: [String])
    case plan(Plan, scenario: String)
    /// - run: its path.
    case fixture(run: String, requests: Int, formats: [String], anonymised: Bool)
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
