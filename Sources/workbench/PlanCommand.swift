import ArgumentParser
import Datasets
import Foundation
import Planning
import ScenarioModel
import Simulation
import Telemetry

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "What-if experiments: how many replicas, which hardware, at what cost, with what risk.",
    discussion: """
      Simulates variants of a scenario on common random numbers, replication by replication, and gives every metric \
      with a confidence interval and its paired difference to the base. A path is one of --set; load.scale means every \
      model's, * every element of a list.

      With --slo and --minimize the best variant is selected with a stated probability, replications are spent where \
      they matter, and the answer comes with the binding level, the headroom, the Pareto front, and the bound of a \
      perfect autoscaler. An interrupted plan goes on where it stopped when the same command is given again.

      A level on latency, waiting time or failures holds for each model by itself; latency.p95[model=chat] <= 2s is \
      about one of them, latency.p95[all] <= 2s about the requests of all together. Hardware is varied together with \
      the service time it gives, in variants of a plan file; alone it would only change the price, and is refused. \
      Where nothing is drawn at random (a trace, constant service times) one replication is run.

      Metrics: \(Metric.names).

      Examples:
        workbench plan week.yaml --vary load.scale=1,1.5,2 --replications 30
        workbench plan week.yaml --vary models.chat.deployments.V1.scaling.maxReplicas=2..8 \\
          --slo 'latency.p95 <= 2s, failureRate <= 0.1%' --minimize credits
        workbench plan week.yaml --vary load.scale=0.5..2 --samples 40 --sensitivity latency.p95 --sobol 64
        workbench plan week.yaml --precision latency.p95=2%
        workbench plan before.yaml after.yaml
        workbench plan week.yaml --file plan.yaml -o Outputs/plan && workbench report Outputs/plan -o plan.html

      Exit status: 0 done; 1 no variant keeps the levels, or a precision was not reached; 2 inconclusive: the \
      replications did not suffice to choose, or there was no request to judge by; 64, 65, 66 as elsewhere.
      """)

  @Argument(help: "The scenario; further ones are variants of it: before and after.")
  var scenarios: [String]

  @Option(help: "PATH=A..B[:STEP] or PATH=V1,V2,…; every combination is a variant. May be repeated.")
  var vary: [String] = []

  @Option(help: "A plan file (YAML; \"workbench schema plan\").")
  var file: String?

  @Option(help: "Of every variant; in a search, of the best and the base. (default: 20)")
  var replications: Int?

  @Option(help: "Of any variant. (default: 500)")
  var maxReplications: Int?

  @Option(help: "A Latin hypercube of so many variants instead of every combination.")
  var samples: Int?

  @Option(help: "Service levels, separated by commas: latency.p95 <= 2s, failureRate <= 0.1%.")
  var slo: String?

  @Option(help: "The metric that the best variant has least of, under the levels.")
  var minimize: String?

  @Option(help: "METRIC=SHARE: replications until the interval's half width is that share of the estimate.")
  var precision: String?

  @Option(help: "Of intervals, and of correct selection.", transform: decimalNumber)
  var confidence = 0.95

  @Option(help: "A difference of the objective that does not matter, as a share.", transform: decimalNumber)
  var indifference = 0.01

  @Option(
    help: "Warm-up before the period: auto (MSER-5 on pilot replications), none, or a duration such as 30min."
  )
  var warmUp = "auto"

  @Option(help: "A tornado: which of the varied inputs moves this metric most.")
  var sensitivity: String?

  @Option(help: "First-order Sobol indices from so many samples (N × (inputs + 2) runs).")
  var sobol: Int?

  @Option(name: .customLong("set"), help: "Changes the base itself: PATH=VALUE. May be repeated.")
  var overrides: [String] = []

  @Option(help: "Instead of the scenario's own seed.")
  var seed: UInt64?

  @Option(help: "Threads. (default: all cores)")
  var threads: Int?

  @Option(
    name: [.short, .customLong("out")],
    help: "The plan directory. (default: Outputs/plan-NAME, with the next free number)")
  var out: String?

  @OptionGroup(title: "Other machines")
  var tasks: TaskOptions

  @Flag(help: "Leaves invalid variants out instead of stopping.")
  var keepGoing = false

  @Flag(help: "Prints the result as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads) must lie in 1…1024.")
    }
    for (name, value) in [
      ("replications", replications), ("max-replications", maxReplications), ("samples", samples),
    ] {
      if let value, !(2...100_000).contains(value) {
        throw ValidationError("--\(name) \(value) must lie in 2…100000.")
      }
    }
    if let sobol, !(8...100_000).contains(sobol) {
      throw ValidationError("--sobol \(sobol) must lie in 8…100000.")
    }
    guard confidence > 0.5, confidence < 1 else {
      throw ValidationError("--confidence \(confidence) must lie between 0.5 and 1.")
    }
    guard indifference > 0, indifference < 1 else {
      throw ValidationError("--indifference \(indifference) must lie between 0 and 1.")
    }
    if let sensitivity, Metric(sensitivity) == nil {
      throw ValidationError("there is no metric \"\(sensitivity)\". There are: \(Metric.names).")
    }
    if scenarios.count > 1, !vary.isEmpty || file != nil {
      throw ValidationError(
        "--vary and --file go with one scenario; several scenarios are variants by themselves.")
    }
  }

  // MARK: Options

  private func planFile() throws -> PlanDocument? {
    try file.map { try PlanDocument(ScenarioInput.text($0), path: $0) }
  }

  private func options(_ document: PlanDocument?) throws -> Study.Options {
    var options = Study.Options()
    let given = replications ?? document?.replications
    options.replications = given ?? options.replications
    options.areReplicationsGiven = given != nil
    options.maxReplications = max(maxReplications ?? document?.maxReplications ?? 500, options.replications)
    options.confidence = confidence
    options.indifference = indifference
    options.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    do {
      if let slo = slo ?? document?.slo { options.levels = try ServiceLevel.list(slo) }
    } catch let problem as ServiceLevel.Problem {
      throw ValidationError("--slo: \(problem.description)")
    }
    if let name = minimize ?? document?.minimize {
      guard let metric = Metric(name) else {
        throw ValidationError("--minimize: there is no metric \"\(name)\". There are: \(Metric.names).")
      }
      options.objective = metric
    } else if !options.levels.isEmpty {
      options.objective = Metric("credits")
    }
    if let text = precision ?? document?.precision {
      // A scope has a sign of its own: latency.p95[model=chat]=2%.
      let parts =
        text.lastIndex(of: "=").map { [String(text[..<$0]), String(text[text.index(after: $0)...])] } ?? []
      let share = parts.count == 2 ? NumberText.share(parts[1]) : nil
      guard let metric = parts.first.flatMap(Metric.init), let share, share > 0, share < 1 else {
        throw ValidationError(
          "--precision \"\(text)\" is not METRIC=SHARE, such as latency.p95=2%. Metrics: \(Metric.names).")
      }
      options.precision = (metric, share)
    }
    switch warmUp {
    case "auto": options.warmUp = nil
    case "none": options.warmUp = 0
    default:
      guard let milliseconds = PlanQuantity.milliseconds(warmUp), milliseconds >= 0 else {
        throw ValidationError("--warm-up \"\(warmUp)\" is neither auto, none, nor a duration such as 30min.")
      }
      options.warmUp = Int64(milliseconds * 1000)
    }
    options.sensitivity = sensitivity.flatMap(Metric.init)
    options.sobolSamples = sobol ?? 0
    return options
  }

  private func factors(_ document: PlanDocument?) throws -> [Factor] {
    do {
      let kept = try (document?.vary ?? []).map { try Factor(path: $0.path, values: $0.values) }
      let given = try vary.map { try Factor($0) }
      let all = kept.filter { factor in !given.contains { $0.path == factor.path } } + given
      if let twice = all.first(where: { one in all.count { $0.path == one.path } > 1 }) {
        throw ValidationError("--vary \(twice.path) is given twice. Give all its values at once.")
      }
      return all
    } catch let problem as Factor.Problem {
      throw ValidationError("--vary: \(problem.description)")
    }
  }

  /// Of a path's end as much as tells it from the others.
  private func shortName(_ path: String, among paths: [String]) -> String {
    let parts = path.split(separator: ".")
    for count in 1...max(parts.count, 1) {
      let short = parts.suffix(count).joined(separator: ".")
      if !paths.contains(where: { $0 != path && ($0 == short || $0.hasSuffix("." + short)) }) { return short }
    }
    return path
  }

  func run() throws { try run(words: Array(CommandLine.arguments.dropFirst())) }

  /// - Parameters:
  ///   - words: of the command, as the plan will name it.
  ///   - collected: what tasks have done of it already, which is then all there is: nothing else is simulated.
  func run(words: [String], collected: CollectedPlan? = nil) throws {
    let document = try planFile()
    let factors = try factors(document)
    var options = try options(document)
    let path = scenarios[0]
    if let collected, decidesAsItGoes(options) {
      throw collected.differs("it selects, refines or varies further, which tasks cannot")
    }
    let (base, baseSource) = try baseVariant(path, collected?.entries.first)
    let hasAccounts = base.scenario.accounts.count > 1
    let paths = factors.map(\.path)
    var wanted: [(name: String, changes: [String])] = []
    if !factors.isEmpty {
      let points: [[String]]
      do {
        points =
          try (samples ?? document?.samples).map {
            Design.latinHypercube(factors, samples: $0, seed: base.scenario.seed)
          } ?? Design.factorial(factors.map { try $0.levels() })
      } catch let problem as Factor.Problem {
        throw ValidationError("--vary: \(problem.description)")
      }
      guard points.count <= 100_000 else {
        throw ValidationError("\(points.count) variants are more than 100000. Vary less, or give --samples.")
      }
      for point in points {
        wanted.append(
          (
            zip(factors, point).map { "\(shortName($0.path, among: paths))=\($1)" }.joined(separator: ", "),
            zip(factors, point).map { $0.override($1, hasAccounts: hasAccounts) }
          ))
      }
    }
    wanted += (document?.variants ?? []).map { ($0.name, $0.set) }
    var variants = Variants()
    variants.add(base, baseSource)
    var warnings: [String] = []
    for (name, changes) in wanted {
      do {
        let made: (variant: Variant, source: PlanSource)
        if let collected {
          let next = collected.entries.dropFirst(variants.all.count).first
          if let next, next.name.utf8.elementsEqual(name.utf8) {
            made = try variant(name, changes, path: path, base: base, stored: next)
          } else {
            // Left out for what is wrong with it, the same as an earlier one, or not what the tasks are of.
            variants.add(try known(name, changes, collected, variants, base), baseSource)
            continue
          }
        } else {
          made = try variant(name, changes, path: path, base: base)
        }
        variants.add(made.variant, made.source)
      } catch let invalid as InvalidVariant {
        guard keepGoing else {
          Terminal.diagnose("\(invalid.description)\nFix it, or leave such variants out with --keep-going.")
          throw ExitCode(65)
        }
        warnings.append("left out: \(invalid.description)")
        Terminal.diagnose(warnings[warnings.count - 1])
      }
    }
    for other in scenarios.dropFirst() {
      let name = URL(fileURLWithPath: other).deletingPathExtension().lastPathComponent
      // One that comes to the same as an earlier one has no tasks.
      let next = collected?.entries.dropFirst(variants.all.count).first
      let stored = next.flatMap { $0.name.utf8.elementsEqual(name.utf8) ? $0 : nil }
      let place = stored?.path ?? other
      let overrides = stored == nil ? baseOverrides : []
      var document = try ScenarioInput.document(place, overrides: overrides, files: stored?.files ?? [:])
      if stored == nil, document.scenario.seed != base.scenario.seed {
        // Common random numbers: all draw from the base's seed.
        document = try ScenarioInput.document(
          other, overrides: baseOverrides + ["seed=\(base.scenario.seed)"])
      }
      let source = PlanSource(document, scenarioPath: place, files: stored?.files ?? [:])
      if let change = PriceOnlyChange(from: base.scenario, to: document.scenario) {
        throw DatasetError(other, change.description)
      }
      let made = Variant(
        name: name, overrides: [], scenario: document.scenario,
        traces: try ScenarioInput.traces(document.scenario, scenarioPath: place, files: source.files))
      if let collected, stored == nil, !variants.has(made) {
        throw collected.differs("variant \(name) is not among them")
      }
      variants.add(made, source)
    }
    if let collected, variants.all.count != collected.entries.count {
      throw collected.differs("it has \(variants.all.count) variants, the tasks \(collected.entries.count)")
    }
    do {
      _ = try Objectives(options.levels, models: Study.models(variants.all))
    } catch let problem as ServiceLevel.Problem {
      throw ValidationError("--slo: \(problem.description)")
    }
    try carryOut(variants.all, variants.sources, factors, &options, warnings, path, words, collected)
  }

  /// Whether what is simulated depends on what was.
  private func decidesAsItGoes(_ options: Study.Options) -> Bool {
    !options.levels.isEmpty || options.objective != nil || options.precision != nil
      || options.sensitivity != nil || options.sobolSamples > 0
  }

  private func carryOut(
    _ variants: [Variant], _ sources: [PlanSource], _ factors: [Factor], _ options: inout Study.Options,
    _ warnings: [String], _ path: String, _ words: [String], _ collected: CollectedPlan?
  ) throws {
    let base = variants[0]
    if tasks.isEmitting {
      try emitTasks(variants, sources, options, words)
      return
    }
    let output = out ?? OutputName.free("plan-" + base.scenario.name)
    let staged = try StagedDirectory(output)
    let bar = PlanProgress(quiet: quiet)
    bar.show("warm-up", 0, 1)
    let warmUp = try Study.warmUp(base, given: options.warmUp)
    var digests = FileDigests()
    let keys = try sources.map {
      Self.key(warmUp: warmUp.microseconds, text: $0.text, files: try digests.of($0.files))
    }
    let journal = try collected == nil ? journal(output + ".journal") : nil
    if let journal {
      Interruption.resumable = "the same command goes on where it stopped (\(journal.path))"
    }
    let experiment = Experiment(variants, warmUp: warmUp.microseconds, threads: options.threads) {
      job, record in
      guard let journal else { return }
      do {
        try journal.append(key: keys[job.variant], replication: job.replication, record)
      } catch {
        throw OutputError(journal.path, "cannot be written: \(error.localizedDescription)")
      }
    }
    let indices = Dictionary(zip(keys, keys.indices), uniquingKeysWith: { first, _ in first })
    var adopted = 0
    func adopt(_ contents: PlanJournal.Contents) {
      for entry in contents.entries {
        guard let variant = indices[entry.key] else { continue }
        experiment.adopt(.init(variant: variant, replication: entry.replication), entry.record)
        adopted += 1
      }
    }
    if let journal {
      let contents = try journal.read()
      adopt(contents)
      if contents.damaged > 0 {
        Terminal.diagnose(
          "workbench: \(journal.path): \(contents.damaged) damaged line\(contents.damaged == 1 ? "" : "s") left out; what they held is simulated again"
        )
      }
      if adopted > 0, !quiet {
        Terminal.diagnose(
          "workbench: going on with \(Figure.count(adopted)) replications from \(journal.path)")
      }
    }
    if let collected {
      for lines in collected.lines { adopt(PlanJournal.contents(of: lines)) }
      let asked = Study.replications(options, variants)
      for (index, variant) in variants.enumerated() {
        let done = experiment.records(index).count
        if done < asked {
          throw collected.differs(
            "it asks for \(asked) replications of variant \(variant.name), warmed up for \(warmUp.microseconds / 1_000_000) s, of which the results hold \(done)"
          )
        }
      }
    }
    var result = PlanResult(
      program: "workbench \(Workbench.programVersion)", command: Self.commandLine(words),
      scenario: base.scenario.name,
      description: base.scenario.description, seed: base.scenario.seed, warmUp: warmUp, confidence: confidence
    )
    result.warnings = warnings
    let study = try Study(
      variants, factors: factors, options: options, experiment: experiment, result: result,
      make: { try variant("sensitivity", $0, path: path, base: base).variant },
      progress: { bar.show($0, $1, $2) })
    try study.run()
    bar.clear()
    try write(study.result, experiment, variants, sources.map(\.text), to: staged)
    try staged.finish()
    try journal?.remove()
    Interruption.resumable = nil
    if json {
      Terminal.write(try Self.encoded(study.result))
    } else if !quiet {
      Terminal.print(PlanText(study.result, path: output).text())
    }
    if let reason = study.result.choice?.inconclusive { throw InconclusiveError(output, reason) }
    if let choice = study.result.choice, choice.best == nil { throw ExitCode(1) }
    if let precision = study.result.precision, !precision.missed.isEmpty {
      Terminal.diagnose(
        "workbench: error: a half width of \(Figure.share(precision.relative)) of \(precision.metric) was not reached with \(options.maxReplications) replications: \(precision.missed.prefix(5).joined(separator: "; ")). Allow more with --max-replications, a longer period, or a wider interval."
      )
      throw ExitCode(1)
    }
  }

  private func journal(_ path: String) throws -> PlanJournal {
    do {
      return try PlanJournal(path)
    } catch PlanJournal.Refusal.notAJournal {
      throw OutputError(
        path, "it exists and is not the journal of a plan. Give another --out, or move it away.")
    } catch PlanJournal.Refusal.inUse {
      throw OutputError(path, "another program is making this plan. Wait for it, or give another --out.")
    } catch PlanJournal.Refusal.otherVersion {
      throw OutputError(
        path,
        "it is the journal of another version of this program, whose replications cannot be taken over. Remove it to simulate them again, or give another --out."
      )
    } catch {
      throw OutputError(path, "cannot be written: \(error.localizedDescription)")
    }
  }

  /// The command that makes the plan again.
  private static func commandLine(_ words: [String]) -> String {
    ShellText.command(["workbench"] + words)
  }
}
