import Documents
import Runs
import ScenarioModel

extension ScenarioText {
  /// What there is to say of a scenario before it is simulated.
  package struct Checked: Sendable {
    /// Errors and warnings, in the order of the document.
    package var diagnostics: [Diagnostic]
    /// `nil` of one with errors.
    package var scenario: Scenario?
    /// Traces included.
    package var expectedRequests = 0.0
  }

  /// Reads the scenario and the files that it names for all that is wrong with them.
  package func check(overrides: [String] = []) throws -> Checked {
    let stray = strayFiles(overrides)
    if !stray.isEmpty {
      // The document alone: files outside the folder are not read.
      var diagnostics: [Diagnostic]
      do {
        diagnostics = try ScenarioDocument(text, path: name, overrides: overrides).warnings
      } catch let errors as DocumentErrors {
        diagnostics = errors.diagnostics
      }
      return Checked(diagnostics: (diagnostics + stray).inOrder())
    }
    let place = "\(folder ?? ".")/"
    let check: ScenarioCheck
    do {
      check = try ScenarioCheck(text: text, path: place + name, overrides: overrides)
    } catch let errors as DocumentErrors {
      return Checked(diagnostics: errors.diagnostics)
    }
    var checked = Checked(diagnostics: check.diagnostics, scenario: check.scenario)
    for index in checked.diagnostics.indices {
      checked.diagnostics[index].message.replace(place, with: "")
    }
    if let scenario = check.scenario {
      checked.expectedRequests = scenario.demandByModel.reduce(0) { $0 + check.requests($1) }
    }
    return checked
  }
}
