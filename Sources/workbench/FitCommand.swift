import Aggregation
import ArgumentParser
import Calibration
import DashboardServer
import Datasets
import Documents
import Foundation
import Planning
import ScenarioModel
import Telemetry

struct FitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Fits a scenario to telemetry, and says how well it represents the telemetry.",
    discussion: """
      TELEMETRY is a data set (a run, an import, SQLite, PostgreSQL) or the Azure LLM trace as published. \
      The fit covers the arrival process (Poisson, gamma, Weibull, Markov-modulated, clusters, self-exciting, or \
      the requests themselves in blocks; given two days, factors \
      of local hours; given two weeks, factors of weekdays; permanent changes of the rate), token counts and \
      their correlation, service times with the batch's slowdown or the steps of continuous batching with \
      the KV cache's size, failures and incidents. The scenario is then simulated and compared with the telemetry.

      --hold-out withholds some of the time from the fit and judges the fit by it: "0.4" is the last 40 %, \
      "30min" every second half hour. --forecast is for later times: the ups and downs of the rate in the \
      last whole weeks (or days) recur; what occurred once (a permanent change, an outage) is left out.

      Examples:
        workbench fit Outputs/platform -o platform.yaml --report platform.html
        workbench fit AzureLLMInferenceTrace_conv.csv -o azure.yaml --hold-out 3min
        workbench fit Outputs/platform --model chat -o chat.yaml \\
          --forecast --hold-out 0.3
        workbench fit Outputs/platform -o next.yaml --arrivals gamma,weibull --json
        workbench fit vllm -o vllm.yaml --profile llama-on-rtx4090.yaml
        workbench fit vllm -o vllm.yaml --roofline llama-3.1-8b \\
          --hardware "RTX 4090 single"
      """)

  @Argument(help: "The data set or trace.")
  var telemetry: String

  @Option(name: .shortAndLong, help: "The scenario to write (.yaml).")
  var output: String

  @Option(help: "Only this account. (default: all)")
  var account: String?

  @Option(help: "Only models of this name. (default: all)")
  var model: String?

  @Option(
    help:
      "Families that may be chosen: poisson, gamma, weibull, markovModulated, neymanScott, bartlettLewis, hawkes, resampled, separated by commas. (default: all)"
  )
  var arrivals: String?

  @Option(
    help: "Hardware of deployments for which the telemetry does not state it. (default: assumed, with a note)"
  )
  var hardware: String?

  @Option(
    help:
      "Replicas, 1 to 50, of deployments for which the telemetry does not state them; steps are fitted only if they are known. (default: assumed)"
  )
  var replicas: Int?

  @Flag(
    help:
      "For times after the telemetry: ups and downs of the rate recur; changes that occurred once are left out."
  )
  var forecast = false

  @Option(
    help:
      "Time that only judges the fit: a share at its end (0.4), or every second interval of a length (30min)."
  )
  var holdOut: String?

  @Option(
    help:
      "The fitted service as a file (.yaml) that scenarios can name: service: { profile: FILE }. For one version of one model."
  )
  var profile: String?

  @Option(
    help:
      "A model of the catalogue, such as llama-3.1-8b or llama-3.1-8b:fp8, that the deployments serve: instead of coefficients of steps, the efficiencies of a roofline on their hardware are fitted."
  )
  var roofline: String?

  @Option(help: "A page with telemetry and simulation overlaid, as one file (.html).")
  var report: String?

  @Flag(help: "Prints all figures as JSON.")
  var json = false

  @Option(help: .hidden)
  var figures: String?

  @Option(help: "The origin of the telemetry, for the head of the scenario. May be repeated.")
  var cite: [String] = []

  @Flag(help: "Replaces files that exist already; earlier reports are replaced anyway.")
  var replace = false

  @Flag(help: "Does not simulate the scenario or judge the fit.")
  var noCheck = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  private static let families: Set<String> = [
    "poisson", "gamma", "weibull", "markovModulated", "neymanScott", "bartlettLewis", "hawkes", "resampled",
  ]

  func validate() throws {
    for name in arrivals.map({ $0.split(separator: ",") }) ?? [] where !Self.families.contains(String(name)) {
      throw ValidationError(
        unknown("arrival process", String(name), among: Self.families.sorted(), place: "--arrivals: "))
    }
    if let replicas, !(1...50).contains(replicas) {
      throw ValidationError("--replicas \(replicas) must lie in 1…50.")
    }
    if noCheck, report != nil || holdOut != nil {
      throw ValidationError(
        "--no-check does not judge the fit, so it cannot be combined with --report or --hold-out.")
    }
    _ = try holdOutGiven()
    if let roofline { try checkRoofline(RooflineFit.Request(roofline)) }
  }

  private func checkRoofline(_ request: RooflineFit.Request) throws {
    let known = try ServingCatalogue.shipped().models.keys.sorted()
    if !known.contains(where: { Name.same($0, request.model) }) {
      let hint = nearest(request.model, among: known).map { "Did you mean \($0)? " } ?? ""
      throw ValidationError(
        "--roofline: the catalogue has no model \"\(request.model)\". \(hint)\"workbench catalogue models\" lists them."
      )
    }
    let precisions = Roofline.precisions.map(\.name)
    guard precisions.contains(request.precision) else {
      throw ValidationError(
        "--roofline: the precision \"\(request.precision)\" is unknown. Known: \(precisions.joined(separator: ", "))."
      )
    }
  }

  /// - Throws: `QueryError` for a deployment on hardware that the catalogue does not have.
  private func checkHardware(_ request: RooflineFit.Request, _ input: FitInput) throws {
    let catalogue = try ServingCatalogue.shipped()
    let chosen = Set(input.models.map(\.record.modelID))
    for row in input.tables.deployments where chosen.contains(row.modelID) {
      let isKnown = !(row.hardware.isEmpty || row.hardware == "unknown")
      guard let name = isKnown ? row.hardware : hardware else {
        throw QueryError(
          "--roofline needs the hardware of \(row.version), which the telemetry does not state. Give --hardware (\"workbench catalogue hardware\" lists what is known), and --replicas if these are not known either."
        )
      }
      if catalogue.configuration(name) != nil {
        let roofline = Roofline(model: request.model, precision: request.precision, hardware: name)
        if let obstacle = roofline?.obstacle { throw QueryError("--roofline: \(obstacle)") }
        continue
      }
      throw QueryError(
        "--roofline: the catalogue has no hardware \"\(name)\". \(catalogue.meant(name))It has \(catalogue.cards.keys.sorted().joined(separator: ", ")), each \"single\" or \"cluster of N\". Import the telemetry with one of these names."
      )
    }
  }

  private func holdOutGiven() throws -> HoldOut {
    guard let holdOut else { return .none }
    if let share = Double(holdOut) {
      guard share > 0, share < 1 else {
        throw ValidationError("--hold-out \(holdOut) must lie between 0 and 1, or be a length such as 30min.")
      }
      return .last(share)
    }
    guard let milliseconds = PlanQuantity.milliseconds(holdOut), milliseconds >= 1000 else {
      throw ValidationError(
        "--hold-out \"\(holdOut)\" is neither a share such as 0.4 nor a length of a second or more such as 30min."
      )
    }
    return .alternate(Int64(milliseconds * 1000))
  }

  func run() throws {
    try OutputTarget.checkStreams(
      [("--output", output), ("--report", report), ("--profile", profile)], json: json)
    let written = [output, report, figures, profile].compactMap { $0 }.filter { $0 != OutputTarget.stream }
    if let twice = written.first(where: { path in written.count { $0 == path } > 1 }) {
      throw ValidationError("\(twice.shown) is to be written twice. Give each output a name of its own.")
    }
    for path in written {
      let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
      guard FileKind(following: folder) == .directory else {
        throw OutputError(path, "there is no directory \(folder.shown). Make it first, or give another name.")
      }
    }
    for path in written where !replace && path != report { try OutputTarget.requireFree(path) }
    // Made before the work, so that an existing file is reported at once.
    let reportFile = try report.map { try OutputTarget.report($0, replace: replace) }
    let reading = ProgressBar("Reading", quiet: quiet)
    let input = try FitInput.read(telemetry, account: account, model: model) { reading.show($0) }
    reading.clear()
    var options = Calibration.Options()
    options.holdOut = try holdOutGiven()
    if options.holdOut != .none, options.holdOut.split(input.period).judge.isEmpty {
      throw QueryError(
        "--hold-out \(holdOut ?? "") holds nothing out: the telemetry is no longer than that. Give a shorter length, or a share."
      )
    }
    if profile != nil { try checkProfile(input) }
    options.assumed = AssumedDeployments(hardware: hardware, replicas: replicas)
    options.roofline = roofline.map(RooflineFit.Request.init)
    if let request = options.roofline { try checkHardware(request, input) }
    options.arrivals.changes = forecast ? .recurring : .lasting
    options.arrivals.families = Set((arrivals ?? "").split(separator: ",").map(String.init))
    let fitting = ProgressBar("Fitting", quiet: quiet)
    let calibration = Calibration(
      models: input.models, tables: input.tables, series: input.series, period: input.period,
      options: options,
      reasons: input.reasons
    ) { fitting.show($0) }
    fitting.clear()
    let source =
      PostgreSQLLocation(telemetry)?.name
      ?? URL(fileURLWithPath: telemetry).standardizedFileURL.lastPathComponent
    let name =
      output == OutputTarget.stream
      ? "fitted" : URL(fileURLWithPath: output).deletingPathExtension().lastPathComponent
    let records = "\(name).arrivals.csv"
    let recordsPath = URL(fileURLWithPath: output).deletingLastPathComponent().appendingPathComponent(records)
      .path
    let recordsText = calibration.recordsText()
    if recordsText != nil, output == OutputTarget.stream {
      throw OutputError(
        "standard output",
        "the scenario needs a file beside it for the requests that it resamples. Give --output a file, or leave resampled out of --arrivals."
      )
    }
    if recordsText != nil, !replace, FileManager.default.fileExists(atPath: recordsPath) {
      throw OutputError(
        recordsPath,
        "it exists already, and the scenario needs a file of this name for the requests that it resamples. Move it out of the way, or give the scenario another name."
      )
    }
    let text = calibration.scenario(
      name: name, source: source, command: command(source, name), cite: cite, records: records)
    // The fitted document must be a valid scenario before it is written.
    let document: ScenarioDocument
    do {
      document = try ScenarioDocument(Data(text.utf8), path: output)
    } catch let errors as DocumentErrors {
      // That document is not there for anybody to look into.
      throw DatasetError(
        telemetry,
        "the fitted scenario cannot be simulated: \(errors.diagnostics.map(\.message).joined(separator: " ")) Fit fewer models (--model, --account), or check the telemetry."
      )
    }
    let serviceProfile = try profile.map { _ in
      guard let text = calibration.profile(source: source, command: command(source, name)) else {
        throw QueryError(
          "the telemetry says nothing of the service times of a version, so there is no profile to write. Leave --profile out."
        )
      }
      // It must be one before it is written.
      _ = try ServiceProfile(Data(text.utf8), path: profile ?? "")
      return text
    }
    let qualities = noCheck ? [] : try judge(calibration, input, document.scenario, records)
    let result = self.result(calibration, input, qualities, source)
    let file = try OutputTarget.file(output, replace: replace)
    try file.write(text.utf8)
    _ = try file.close()
    if let recordsText {
      let file = try OutputTarget.file(recordsPath, replace: replace)
      try file.write(recordsText.utf8)
      _ = try file.close()
    }
    if let profile, let serviceProfile {
      let file = try OutputTarget.file(profile, replace: replace)
      try file.write(serviceProfile.utf8)
      _ = try file.close()
    }
    if let figures {
      let file = try OutputTarget.file(figures, replace: replace)
      try file.write(try result.json())
      try file.close()
    }
    if let reportFile {
      try reportFile.write(try FigurePage(.fit, try result.json()).html())
      try reportFile.close()
    }
    if json { Terminal.write(try result.json()) }
    if !quiet { for note in input.notes { Terminal.diagnose("\(source.shown): note: \(note)") } }
    if !quiet, !json { FitText.print(result, output: output, profile: profile, report: report) }
  }

  /// A profile is of one version.
  /// - Throws: `QueryError`.
  private func checkProfile(_ input: FitInput) throws {
    let chosen = Set(input.models.map(\.record.modelID))
    let versions = input.tables.deployments.filter { chosen.contains($0.modelID) }
    guard versions.count != 1 else { return }
    let models = Dictionary(uniqueKeysWithValues: input.models.map { ($0.record.modelID, $0.record) })
    let names = versions.prefix(5).map { row in
      "\(chosen.count > 1 ? "\(models[row.modelID]?.name ?? "") " : "")\(row.version) on \(row.hardware)"
    }
    let list =
      "\(versions.count) (\(names.joined(separator: ", "))\(versions.count > names.count ? ", …" : ""))"
    throw QueryError(
      versions.isEmpty
        ? "--profile: a profile is the service of a deployed version, and there is none. Leave --profile out."
        : chosen.count > 1
          ? "--profile: a profile is the service of one version of one model, and there are \(list). Choose with --account and --model, or leave --profile out."
          : "--profile: a profile is the service of one version, and the model has \(list). Leave --profile out: the scenario has the service of each, to be copied into a profile."
    )
  }

  /// The command that made it, without paths that mean something on this machine only.
  private func command(_ source: String, _ name: String) -> String {
    var words = ["workbench", "fit", source, "-o", "\(name).yaml"]
    for (flag, value) in [
      ("--account", account), ("--model", model), ("--hardware", hardware),
      ("--replicas", replicas.map(String.init)), ("--arrivals", arrivals), ("--hold-out", holdOut),
      ("--roofline", roofline),
      ("--profile", profile.map { URL(fileURLWithPath: $0).lastPathComponent }),
    ] {
      if let value { words += [flag, value] }
    }
    if forecast { words.append("--forecast") }
    return ShellText.command(words)
  }

  /// Simulates the scenario and compares it, model by model.
  private func judge(
    _ calibration: Calibration, _ input: FitInput, _ scenario: Scenario, _ records: String
  ) throws -> [FitQuality?] {
    let progress = ProgressBar("Simulating", quiet: quiet)
    defer { progress.clear() }
    return try FitJudgement(calibration, observed: input.models.map(\.observations)).qualities(
      of: scenario, records: calibration.records(records),
      threads: ProcessInfo.processInfo.activeProcessorCount
    ) { progress.show($0) }
  }

  private func result(
    _ calibration: Calibration, _ input: FitInput, _ qualities: [FitQuality?], _ source: String
  ) -> FitReport {
    FitReport(
      source: source, scenario: output, from: Timestamp(microseconds: input.period.lowerBound).rfc3339,
      to: Timestamp(microseconds: input.period.upperBound).rfc3339,
      holdOut: holdOut.map {
        Double($0) == nil ? "every second \($0)" : "the last \(Int((Double($0) ?? 0) * 100)) %"
      }
        ?? "nothing",
      models: calibration.models.indices.map { index in
        FitReport.Model(
          calibration.models[index], index < qualities.count ? qualities[index] : nil,
          requests: input.models[index].observations.count)
      })
  }
}
