import ScenarioModel
import Telemetry

/// When a deployment is deployed and undeployed, after the account's deploy windows have had their say.
struct DeploymentSchedule {
  enum Start: Equatable {
    /// Deployed before the period: ready when the simulation starts.
    case beforehand
    case at(Timestamp)
    /// Refused by a closed window, or no window ever opens.
    case never
  }
  enum UndeployDecision: Equatable { case asAsked, deferred, refused }

  let start: Start
  let outcome: DeploymentOutcome
  let undeployAt: Timestamp?
  let undeployDecision: UndeployDecision

  init(_ deployment: Scenario.Deployment, windows: DeployWindows, periodStart: Timestamp) {
    if deployment.deployAt <= periodStart {
      start = .beforehand
      outcome = .deployed
    } else if let opening = windows.nextOpening(from: deployment.deployAt) {
      if opening == deployment.deployAt {
        (start, outcome) = (.at(opening), .deployed)
      } else if windows.policy == .refuse {
        (start, outcome) = (.never, .refused)
      } else {
        (start, outcome) = (.at(opening), .deferred)
      }
    } else {
      (start, outcome) = (.never, windows.policy == .refuse ? .refused : .deferred)
    }
    guard let asked = deployment.undeployAt else {
      (undeployAt, undeployDecision) = (nil, .asAsked)
      return
    }
    let opening = windows.nextOpening(from: asked)
    if opening == asked {
      (undeployAt, undeployDecision) = (asked, .asAsked)
    } else if windows.policy == .refuse {
      (undeployAt, undeployDecision) = (nil, .refused)
    } else {
      (undeployAt, undeployDecision) = (opening, .deferred)
    }
  }
}
