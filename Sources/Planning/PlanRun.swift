import Datasets
import Foundation
import Hashing
import Runs
import ScenarioModel
import Synchronization
import Telemetry

/// Carries out a plan into its directory: replications, kept in a journal until all are done, and their results.
package struct PlanRun: Sendable {
  /// What tasks have simulated: there are no other replications.
  struct Collected: Sendable {
    /// Of each variant.
    var replications: Int
    /// Where the tasks are, for messages.
    var place: String
    /// As journals have them.
    var lines: [Data]
  }

  private let plan: Plan
  private let variants: PlannedVariants
  private let command: String
  /// At least 1; at most this many are used.
  package var threads = ProcessInfo.processInfo.activeProcessorCount
  /// Throws if the plan is no longer wanted; called after each replication, from any thread.
  package var checkWanted: @Sendable () throws -> Void = {}
  var warmUp: PlanResult.WarmUp?
  var collected: Collected?

  /// - Parameter command: that makes the plan, for people.
  package init(_ plan: Plan, _ variants: PlannedVariants, command: String) {
    self.plan = plan
    self.variants = variants
    self.command = command
  }

  /// Of any variant, for messages.
  package var maxReplications: Int {
    max(
      plan.maxReplications ?? Plan.mostReplicationsByDefault,
      plan.replications ?? Plan.replicationsByDefault)
  }

  /// Said while the plan is carried out.
  package enum Event: Sendable {
    /// What is being done, how much of it, and of how much.
    case progress(String, Int, Int)
    /// Replications are kept in this file until the plan is done.
    case journal(String)
    /// Replications that the journal had.
    case resumed(Int, journal: String)
    /// Lines of the journal that were left out.
    case damaged(Int, journal: String)
    /// What is known of a variant after another replication.
    case estimated(EarlyEstimates)
  }

  /// A variant while the plan is carried out.
  package struct EarlyEstimates: Sendable {
    package var name: String
    package var replications: Int
    /// By metric: those that the plan asks for, and some that are always of interest.
    package var estimates: [String: Estimate]
  }

  /// What a variant's replications are kept under: its text, the files it names, the warm-up, the program.
  /// - Parameters:
  ///   - warmUp: µs.
  ///   - files: SHA-256 of each file, in hexadecimal, by the name that the text gives it.
  ///   - goodputs: that are counted.
  static func key(
    warmUp: Int64, text: String, files: [String: String], goodputs: [[ObjectiveMetric.Condition]] = []
  ) -> String {
    var hash = SHA256()
    func add(_ part: String) { hash.update(data: Data("\(part.utf8.count):\(part)".utf8)) }
    add(Program.version)
    add("\(warmUp)")
    add(text)
    for (name, digest) in files.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      add(name)
      add(digest)
    }
    for conditions in goodputs { add(ObjectiveMetric.goodput(conditions).name) }
    return hash.finalize().hexadecimal
  }

  /// Whether metrics name models that exist, and some variant can violate each objective.
  /// - Throws: `PlanProblem`.
  package func check() throws {
    let options = try plan.options(threads: threads)
    let cells = variants.cells.flatMap { $0 }
    let models = Study.models(cells)
    let needs = MetricNeeds(cells)
    try options.growth?.check(cells[0].scenario)
    let others: [(PlanProblem.Part, Metric?)] = [
      (.minimize, options.goal), (.precision, options.precision?.metric),
      (.sensitivity, options.sensitivity),
    ]
    for case (let part, let metric?) in others {
      if let problem = metric.problem(models: models, needs: needs) { throw PlanProblem(part, problem) }
    }
    do {
      _ = try Objectives(options.objectives, models: models, needs: needs)
      let limits = MetricLimits(cells.map(\.scenario))
      for objective in options.objectives { try limits.check(objective) }
    } catch let problem as Objective.InvalidObjective {
      throw PlanProblem(.objectives, problem.description)
    }
  }

  /// Simulates what is not known yet, and writes the plan: it appears whole.
  /// - Parameters:
  ///   - path: of the directory. The journal is beside it.
  ///   - existing: what happens to a directory of that name.
  ///   - tell: called from any thread.
  /// - Throws: `OutputError`; what replications throw. What was simulated stays in the journal.
  package func run(
    into path: String, existing: StagedDirectory.Existing = .refused,
    tell: @escaping @Sendable (Event) -> Void
  ) throws -> PlanResult {
    try check()
    let options = try plan.options(threads: threads)
    let base = variants.all[0]
    let staged = try StagedDirectory(path, existing: existing)
    tell(.progress("warm-up", 0, 1))
    let warmUp = try self.warmUp ?? Study.warmUp(base, given: options.warmUp)
    let journal = try collected == nil ? Self.journal(path + ".journal") : nil
    if let journal { tell(.journal(journal.path)) }
    let experiment = try experiment(warmUp.microseconds, journal, tell)
    try checkWhole(experiment, warmUp)
    var result = PlanResult(
      program: Program.nameAndVersion, command: command, scenario: base.scenario.name,
      description: base.scenario.description, seed: base.scenario.seed, warmUp: warmUp,
      confidence: plan.confidence)
    result.warnings = variants.warnings
    let study = try Study(
      variants.cells.flatMap { $0 }, cases: variants.cases, factors: variants.factors, options: options,
      experiment: experiment, result: result,
      make: variants.further, progress: { tell(.progress($0, $1, $2)) }, checkWanted: checkWanted)
    try study.run()
    try checkWanted()
    try PlanDirectory.write(
      study.result, experiment, texts: variants.sources.flatMap { $0.map(\.text) }, threads: threads,
      to: staged)
    try checkWanted()
    try staged.finish()
    try journal?.remove()
    return study.result
  }

  /// With all replications that are known.
  private func experiment(
    _ warmUp: Int64, _ journal: PlanJournal?, _ tell: @escaping @Sendable (Event) -> Void
  ) throws -> Experiment {
    var digests = FileDigests()
    let (cells, cases) = (variants.cells.flatMap { $0 }, variants.cases)
    let keys = try variants.sources.flatMap { $0 }.map {
      Self.key(
        warmUp: warmUp, text: $0.text, files: try digests.of($0.files), goodputs: variants.goodputs)
    }
    let known = Mutex([[ReplicationRecord]](repeating: [], count: cells.count))
    let metrics = try shownEarly()
    let experiment = Experiment(cells, warmUp: warmUp, threads: threads) {
      [checkWanted, plan] job, record in
      try checkWanted()
      let records = known.withLock { known in
        known[job.variant].append(record)
        return known[job.variant]
      }
      let name = cells[job.variant].name
      var early = EarlyEstimates(
        name: cases.count > 1 ? "\(name), \(cases[job.variant % cases.count].name)" : name,
        replications: records.count, estimates: [:])
      for metric in metrics {
        early.estimates[metric.name] = Estimator.estimate(metric, records, confidence: plan.confidence)
      }
      tell(.estimated(early))
      guard let journal else { return }
      do {
        try journal.append(key: keys[job.variant], replication: job.replication, record)
      } catch {
        throw OutputError(journal.path, "cannot be written: \(error.localizedDescription)")
      }
    }
    // What is the same in several cases is known in all of them.
    let indices = Dictionary(grouping: keys.indices) { keys[$0] }
    var adopted = 0
    func adopt(_ contents: PlanJournal.Contents) {
      for entry in contents.entries {
        for variant in indices[entry.key] ?? [] {
          experiment.adopt(.init(variant: variant, replication: entry.replication), entry.record)
          adopted += 1
        }
      }
    }
    if let journal {
      let contents = try journal.read()
      adopt(contents)
      if contents.damaged > 0 { tell(.damaged(contents.damaged, journal: journal.path)) }
      if adopted > 0 { tell(.resumed(adopted, journal: journal.path)) }
    }
    for lines in collected?.lines ?? [] { adopt(PlanJournal.contents(of: lines)) }
    return experiment
  }

  private func shownEarly() throws -> [Metric] {
    let options = try plan.options(threads: threads)
    var metrics = ["latency.p95", "failureRate", "credits"].compactMap { Metric($0) }
    metrics += options.objectives.map(\.metric) + [options.goal].compactMap { $0 }
    var seen: Set<Metric> = []
    return metrics.filter { seen.insert($0).inserted }
  }

  /// Whether tasks have simulated all that was asked for.
  private func checkWhole(_ experiment: Experiment, _ warmUp: PlanResult.WarmUp) throws {
    guard let collected else { return }
    for (index, variant) in variants.all.enumerated() {
      let done = experiment.records(index).count
      if done < collected.replications {
        throw DatasetError(
          collected.place,
          "the plan has \(collected.replications) replications of variant \(variant.name.shown), warmed up for \(warmUp.microseconds / 1_000_000) s, but the results contain \(done) of them. Emit the tasks again."
        )
      }
    }
  }

  private static func journal(_ path: String) throws -> PlanJournal {
    do {
      return try PlanJournal(path)
    } catch PlanJournal.Refusal.notAJournal {
      throw OutputError(
        path,
        wording:
          "it exists and is not the journal of a plan. Give another \(setting: .output), or move it away.")
    } catch PlanJournal.Refusal.inUse {
      throw OutputError(
        path,
        wording: "another program is making this plan. Wait for it, or give another \(setting: .output).")
    } catch PlanJournal.Refusal.otherVersion {
      throw OutputError(
        path,
        wording:
          "it is the journal of another version of this program, whose replications cannot be reused. Remove it to simulate them again, or give another \(setting: .output)."
      )
    } catch {
      throw OutputError(path, "cannot be written: \(error.localizedDescription)")
    }
  }
}

/// SHA-256 of files that variants share, each read once.
private struct FileDigests {
  private var known: [String: String] = [:]

  /// By the names that files go under.
  /// - Throws: `NotFoundError`, `DatasetError`.
  mutating func of(_ files: [String: String]) throws -> [String: String] {
    try files.mapValues { path in
      if let digest = known[path] { return digest }
      let digest = try FileDigest.sha256(of: path)
      known[path] = digest
      return digest
    }
  }
}
