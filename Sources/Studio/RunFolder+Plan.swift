import Datasets
import Documents
import Foundation
import Planning
import Runs
import ScenarioModel

/// A plan that was asked for at the page, read and found sound.
package struct AskedPlan: Sendable {
  package let plan: Plan
  package let base: ScenarioBundle
  private let variants: PlannedVariants
  /// Holds the scenario while the plan is carried out.
  private let scratch: ScratchDirectory
  package var count: Int { variants.all.count }
  package var notes: [String] { variants.notes + variants.warnings }

  /// Requests that all variants together are expected to have at least.
  package var expectedRequests: Double {
    let replications = Double(plan.replications ?? 20)
    return variants.cells.reduce(0) { sum, cases in
      sum + cases.reduce(0) { $0 + $1.scenario.expectedArrivals * replications }
    }
  }

  /// - Throws: `StudioProblem` for what is wrong with it.
  package init(_ plan: Plan, _ text: ScenarioText, most: Int) throws {
    self.plan = plan
    base = try text.bundle(overrides: plan.overrides)
    scratch = try ScratchDirectory()
    do {
      let path = try scratch.write(text.text, as: text.name)
      for (name, file) in base.files { try scratch.link(file, as: name) }
      // Variants read no files but those of the folder either.
      variants = try PlannedVariants(plan, scenarios: [path]) { overrides in
        let stray = text.strayFiles(overrides)
        guard stray.isEmpty else { throw StudioProblem(stray, parameter: "vary") }
      }
      let count = variants.cells.count * variants.cases.count
      guard count <= most else {
        throw StudioProblem(
          .limit,
          "The plan has \(count) variants; this server estimates at most \(most). Vary less, or take samples.",
          parameter: "vary")
      }
      try PlanRun(plan, variants, command: "").check()
    } catch let problem as PlanProblem {
      throw StudioProblem(.invalid, problem.description, parameter: problem.part.rawValue)
    } catch let invalid as PlannedVariants.Invalid {
      throw StudioProblem(
        .invalid, invalid.description.replacing(scratch.path + "/", with: ""), parameter: "vary")
    } catch let error as DatasetError {
      throw StudioProblem(.invalid, error.message, parameter: "overrides")
    }
  }

  /// Carries the plan out.
  /// - Throws: `StudioProblem`, `OutputError`; what `check` throws. Nothing is left behind then.
  fileprivate func run(
    into path: String, command: String, check: @escaping @Sendable () throws -> Void,
    tell: @escaping @Sendable (PlanRun.Event) -> Void
  ) throws -> PlanResult {
    var run = PlanRun(plan, variants, command: command)
    run.checkWanted = check
    do {
      return try run.run(into: path, tell: tell)
    } catch let problem as PlanProblem {
      throw StudioProblem(.invalid, problem.description, parameter: problem.part.rawValue)
    } catch {
      // The journal is of use to the same command only, and users of the page do not give it again.
      unlink(path + ".journal")
      throw error
    }
  }
}

extension RunFolder {
  /// Carries out a plan into a directory of its own, under a name that is free.
  /// - Returns: where it is.
  /// - Throws: as `AskedPlan.run`.
  package func carryOut(
    _ plan: AskedPlan, name: String, command: String, check: @escaping @Sendable () throws -> Void,
    tell: @escaping @Sendable (PlanRun.Event) -> Void
  ) throws -> String {
    let place = OutputName.free("plan-\(name)", in: path)
    _ = try plan.run(into: place, command: command, check: check, tell: tell)
    return place
  }

  /// Names of plans in the folder.
  package func plans() throws -> [String] {
    try ContainedPath.folders(in: path).filter { PlanDirectory.isOne("\(path)/\($0)") }
  }

  /// A plan of the folder by its name.
  /// - Throws: `StudioProblem` if there is none.
  package func plan(_ name: String) throws -> PlanDirectory {
    guard try plans().contains(where: { $0.utf8.elementsEqual(name.utf8) }) else {
      throw StudioProblem(.absent, "There is no such plan.")
    }
    do {
      return try PlanDirectory("\(path)/\(name)")
    } catch let error as DatasetError {
      throw StudioProblem(.conflict, error.message)
    }
  }
}
