import ArgumentParser
import Datasets
import Foundation
import Planning
import Runs
import ScenarioModel
import Telemetry

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "What-if experiments: how many replicas, which hardware, at what cost, with what risk.",
    discussion: """
      Simulates variants of a scenario on common random numbers, replication by replication, and gives every \
      metric with a confidence interval and its paired difference from the base. Paths are those of --set; \
      load.scale means the demand of every model, * every element of a list.

      With --slo and --minimize, the best variant is selected with a stated probability, replications are \
      spent where they matter, and the answer includes the binding objective, the headroom, the Pareto \
      front, and the bound of a perfect autoscaler. To resume an interrupted plan where it stopped, give the \
      same command again.

      An objective on latency, waiting time or failures applies to each model separately; \
      latency.p95[model=chat] <= 2s is about one model, latency.p95[all] <= 2s about the requests of all \
      models together. Hardware is varied together with its service time, by byHardware or in variants of a \
      plan file; alone, it would change only the price, and is refused. If nothing is drawn at random (a \
      trace, constant service times), one replication is run.

      Metrics: \(Metric.names).

      Examples:
        workbench plan week.yaml --vary load.scale=1,1.5,2 --replications 30
        workbench plan week.yaml \\
          --vary models.chat.deployments.V1.scaling.maxReplicas=2..8 \\
          --slo 'latency.p95 <= 2s, failureRate <= 0.1%' --minimize credits
        workbench plan week.yaml --vary load.scale=0.5..2 --samples 40 \\
          --sensitivity latency.p95 --sobol 64
        workbench plan week.yaml --slo 'latency.p95 <= 2s' --growth 5%/week \\
          --case 'launch: load.scale=2' --vary scaling=@hpa.yaml,@keda.yaml
        workbench plan week.yaml --precision latency.p95=2%
        workbench plan before.yaml after.yaml
        workbench plan week.yaml --file plan.yaml -o Outputs/plan

      Exit status: 0 done; 1 no variant meets the objectives, or a precision was not reached; 2 \
      inconclusive: the replications did not suffice to choose, or there were no requests to judge by; 64, \
      65, 66 as elsewhere.
      """)

  @Argument(help: "The scenario. Further scenarios are variants of it: before and after.")
  var scenarios: [String]

  @Option(
    help:
      "PATH=A..B[:STEP] or PATH=V1,V2,…; PATH*=… multiplies, 'PATH & PATH=…' changes both together, scaling=@a.yaml,@b.yaml compares policies in files. May be repeated; every combination is a variant."
  )
  var vary: [String] = []

  @Option(
    name: .customLong("case"),
    help:
      "What may happen: NAME[@SHARE][:PATH=VALUE,…], such as 'launch: load.scale=2'. May be repeated; every variant is simulated in every case, and the recommended one meets the objectives in all."
  )
  var cases: [String] = []

  @Option(
    help:
      "5%/week, 20%/month, 80%/year, or scenario (as its load.uncertainty states): when does it break an objective?"
  )
  var growth: String?

  @Option(help: "How far --growth looks ahead, weeks. (default: 52)")
  var growthWeeks: Int?

  @Option(help: "A plan file (YAML; \"workbench schema plan\").")
  var file: String?

  @Option(help: "Replications of every variant; in a search, of the best and the base. (default: 20)")
  var replications: Int?

  @Option(help: "The most replications of any variant. (default: 500)")
  var maxReplications: Int?

  @Option(help: "A Latin hypercube of this many variants instead of every combination.")
  var samples: Int?

  @Option(
    name: .customLong("slo"),
    help:
      "Service-level objectives, separated by commas or each in an option of its own: latency.p95 <= 2s, failureRate <= 0.1%."
  )
  var slos: [String] = []
  private var slo: String? { slos.isEmpty ? nil : slos.joined(separator: ", ") }

  @Option(help: "The metric to minimise, subject to the objectives.")
  var minimize: String?

  @Option(help: "METRIC=SHARE: replications until the interval's half width is that share of the estimate.")
  var precision: String?

  @Option(help: "Confidence of intervals, and probability of correct selection.", transform: decimalNumber)
  var confidence = 0.95

  @Option(
    help: "A difference in the minimised metric that does not matter, as a share.", transform: decimalNumber)
  var indifference = 0.01

  @Option(
    help: "Warm-up before the period: auto (MSER-5 on pilot replications), none, or a duration such as 30min."
  )
  var warmUp = "auto"

  @Option(help: "A tornado: which of the varied inputs moves this metric most.")
  var sensitivity: String?

  @Option(help: "First-order Sobol indices from this many samples (N × (inputs + 2) runs).")
  var sobol: Int?

  @Option(name: .customLong("set"), help: "Changes the base itself: PATH=VALUE. May be repeated.")
  var overrides: [String] = []

  @Option(help: "Instead of the scenario's own seed.")
  var seed: UInt64?

  @Option(help: "Threads. (default: all cores)")
  var threads: Int?

  @Option(
    name: .shortAndLong, help: "The plan directory. (default: Outputs/plan-NAME, with the next free number)")
  var output: String?

  @Flag(help: "Replaces an earlier plan at --output.")
  var replace = false

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
    if let growthWeeks, !(1...520).contains(growthWeeks) {
      throw ValidationError("--growth-weeks \(growthWeeks) must lie in 1…520.")
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
      throw ValidationError(
        unknown("metric", sensitivity, among: Metric.all.map(\.name), place: "--sensitivity: "))
    }
    if replace, output == nil {
      throw ValidationError("--replace needs --output: say which plan is to be replaced.")
    }
    if scenarios.count > 1, !vary.isEmpty || file != nil {
      throw ValidationError(
        "--vary and --file need a single scenario; several scenarios are themselves the variants.")
    }
  }

  /// What the options and the plan file ask for.
  private func plan() throws -> Plan {
    var plan = Plan()
    plan.vary = try vary.map { try Plan.Variation($0) }
    if !cases.isEmpty { plan.cases = try cases.map { try PlanCase($0) } }
    plan.growth = growth
    plan.growthWeeks = growthWeeks
    plan.samples = samples
    plan.overrides = overrides + (seed.map { ["seed=\($0)"] } ?? [])
    plan.replications = replications
    plan.maxReplications = maxReplications
    plan.objectives = slo
    plan.minimize = minimize
    plan.precision = precision
    plan.confidence = confidence
    plan.indifference = indifference
    plan.sensitivity = sensitivity
    plan.sobolSamples = sobol ?? 0
    plan.leavesInvalidOut = keepGoing
    switch warmUp {
    case "auto": plan.warmUp = nil
    case "none": plan.warmUp = 0
    default:
      guard let milliseconds = PlanQuantity.milliseconds(warmUp), milliseconds >= 0 else {
        throw ValidationError("--warm-up \"\(warmUp)\" is neither auto, none, nor a duration such as 30min.")
      }
      plan.warmUp = Int64(milliseconds * 1000)
    }
    try plan.readFiles { try GivenFile.document($0) }
    if let file {
      var document = try PlanDocument(GivenFile.document(file), path: file)
      // What it names lies beside it.
      try document.readFiles { name in
        let beside = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent(name)
        return try GivenFile.document(name.utf8.first == UInt8(ascii: "/") ? name : beside.relativePath)
      }
      try plan.fill(from: document)
    }
    return plan
  }

  /// The command that makes the plan, without what its result does not depend on.
  private var commandLine: String {
    var words = ["workbench", "plan"] + scenarios
    words += vary.flatMap { ["--vary", $0] }
    words += cases.flatMap { ["--case", $0] }
    let options: [(String, String?)] = [
      ("--file", file), ("--replications", replications.map(String.init)),
      ("--max-replications", maxReplications.map(String.init)), ("--samples", samples.map(String.init)),
      ("--slo", slo), ("--minimize", minimize), ("--precision", precision),
      ("--confidence", confidence == 0.95 ? nil : "\(confidence)"),
      ("--indifference", indifference == 0.01 ? nil : "\(indifference)"),
      ("--warm-up", warmUp == "auto" ? nil : warmUp), ("--sensitivity", sensitivity),
      ("--sobol", sobol.map(String.init)), ("--growth", growth),
      ("--growth-weeks", growthWeeks.map(String.init)),
    ]
    for (name, value) in options { words += value.map { [name, $0] } ?? [] }
    words += overrides.flatMap { ["--set", $0] }
    words += seed.map { ["--seed", String($0)] } ?? []
    if keepGoing { words.append("--keep-going") }
    return ShellText.command(words)
  }

  func run() throws {
    do {
      try carryOut()
    } catch let problem as PlanProblem {
      throw ValidationError("\(problem.part.option): \(problem.description)")
    } catch let invalid as PlannedVariants.Invalid {
      // The variant, then what is wrong with it, with its place.
      let lines = invalid.words.utf8.split(separator: UInt8(ascii: "\n")).map {
        String(decoding: $0, as: UTF8.self)
      }
      Terminal.diagnose(
        "workbench: error: \(lines[0].dropLast()). Fix it, or leave such variants out with --keep-going.\n"
          + lines.dropFirst().joined(separator: "\n"))
      throw ExitCode(65)
    }
  }

  private func carryOut() throws {
    let plan = try plan()
    let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
    _ = try plan.options(threads: threads)  // Said before the work.
    let variants = try PlannedVariants(plan, scenarios: scenarios)
    for line in variants.notes + variants.warnings { Terminal.diagnose(line) }
    if tasks.isEmitting {
      try emitTasks(plan, variants)
      return
    }
    if let output, !replace { try OutputTarget.requireFree(output) }  // Said before the work.
    var run = PlanRun(plan, variants, command: commandLine)
    run.threads = threads
    try run.check()
    try PlanOutcome.finish(
      run, into: output ?? OutputName.free("plan-" + variants.all[0].scenario.name),
      existing: OutputTarget.existing(replace: replace), json: json, quiet: quiet)
  }

  /// Prints the plan's tasks: some replications of a variant each.
  private func emitTasks(_ plan: Plan, _ variants: PlannedVariants) throws {
    let options = try plan.options(threads: 1)
    if !options.objectives.isEmpty || options.goal != nil || options.precision != nil {
      throw ValidationError(
        "--emit-tasks needs a fixed number of replications. --slo, --minimize and --precision decide after each round what to simulate next; run such a plan on one machine."
      )
    }
    if options.sensitivity != nil || options.sobolSamples > 0 {
      throw ValidationError(
        "--emit-tasks cannot be combined with --sensitivity or --sobol, which simulate variants of their own. Run them on one machine."
      )
    }
    if variants.cases.count > 1 {
      throw ValidationError(
        "--emit-tasks cannot be combined with cases, which are judged together. Run the plan on one machine, or vary what they change."
      )
    }
    let bar = ProgressBar("Warm-up", quiet: quiet)
    let made = try PlanTasks.make(
      plan, variants, command: commandLine, store: TaskStore(tasks.absoluteStore),
      requestsPerTask: tasks.requestsPerTask)
    bar.clear()
    for task in made { Terminal.write(try task.json() + Data("\n".utf8)) }
  }
}

extension PlanProblem.Part {
  /// The option that says this part of a plan.
  fileprivate var option: String {
    switch self {
    case .vary: "--vary"
    case .cases: "--case"
    case .growth: "--growth"
    case .samples: "--samples"
    case .objectives: "--slo"
    case .minimize: "--minimize"
    case .precision: "--precision"
    case .sensitivity: "--sensitivity"
    }
  }
}
