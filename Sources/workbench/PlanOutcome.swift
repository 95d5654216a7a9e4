import ArgumentParser
import Datasets
import Foundation
import Planning
import Telemetry

/// What a plan says on the terminal while it is carried out, and when it is done.
enum PlanOutcome {
  /// Carries a plan out, and shows its result.
  /// - Throws: what the plan throws; `InconclusiveError`; `ExitCode` 1 for an objective that was not reached.
  static func finish(
    _ run: PlanRun, into path: String, existing: StagedDirectory.Existing, json: Bool, quiet: Bool
  ) throws {
    let bar = PlanProgress(quiet: quiet)
    let result = try run.run(into: path, existing: existing) { event in
      switch event {
      case .progress(let what, let done, let all): bar.show(what, done, all)
      case .journal(let journal):
        Interruption.setResumable("the same command resumes where it stopped (\(journal))")
      case .resumed(let count, let journal):
        if !quiet {
          Terminal.diagnose("workbench: resuming with \(Figure.count(count)) replications from \(journal)")
        }
      case .damaged(let count, let journal):
        Terminal.diagnose(
          "workbench: \(journal): \(count) damaged line\(count == 1 ? "" : "s") left out; the replications in them are simulated again"
        )
      case .estimated: break
      }
    }
    bar.clear()
    Interruption.setResumable(nil)
    if json {
      Terminal.write(try PlanDirectory.encoded(result))
    } else if !quiet {
      Terminal.print(PlanText(result, path: path).text())
    }
    if let reason = result.choice?.inconclusive { throw InconclusiveError(path, reason) }
    if let choice = result.choice, choice.best == nil { throw ExitCode(1) }
    if let precision = result.precision, !precision.missed.isEmpty {
      Terminal.diagnose(
        "workbench: error: a half width of \(Figure.share(precision.relative)) of \(precision.metric) was not reached with \(run.maxReplications) replications: \(precision.missed.prefix(5).joined(separator: "; ")). Allow more with --max-replications, a longer period, or a wider interval."
          .shown
      )
      throw ExitCode(1)
    }
  }
}
