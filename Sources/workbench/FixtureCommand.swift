import ArgumentParser
import Datasets
import Foundation
import Runs
import ScenarioModel
import Telemetry

struct FixtureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fixture", abstract: "A small data set with the figures that a dashboard must show for it.",
    discussion: """
      SOURCE is a scenario, which is simulated, or a data set. The fixture is a run directory: data in each \
      format, SQL for PostgreSQL and SQLite, expected dashboard JSON for every tab, filter and period worth \
      testing (and the days on which dashboards go wrong: clock changes, gaps, the leap day), queries.json \
      with the queries, and a README that says what each file exercises.

      If there are more requests than --requests, that many are chosen evenly, the same each time, plus the \
      first of every version and of every outcome; what happened to each is unchanged. --anchor moves all \
      instants by the same time, so that the data end on that day. The same command gives the same bytes; \
      "today" is SOURCE_DATE_EPOCH if that is set.

      --catalogue writes a fixture for each trap that such dashboards fall into; --catalogue --list names them.

      Examples:
        workbench fixture Scenarios/canary.yaml -o Outputs/canary-fixture
        workbench fixture week.yaml -o fixture --requests 500 --anchor today
        workbench fixture Outputs/production -o fixture --anonymise --salt "$SALT"
        workbench fixture --catalogue -o Outputs/catalogue
        workbench fixture --catalogue --only leap-day,hostile-names -o Outputs/two
      """)

  @Argument(help: "A scenario (.yaml) or a data set.")
  var source: String?

  @Option(name: .shortAndLong, help: "The directory to write.")
  var output: String?

  @Option(help: "How many requests, or all.")
  var requests = "1000"

  @Option(
    help:
      "Of the data set, separated by commas: \(DatasetFormat.all.map(\.description).joined(separator: ", "))."
  )
  var formats = "csv"

  @Option(help: "The date on which the data end: today, or a date such as 2026-03-01. (default: as they are)")
  var anchor: String?

  @Flag(
    help:
      "Replaces names of accounts, models, providers and base models; the same name gets the same replacement."
  )
  var anonymise = false

  @Option(help: "With --anonymise: a secret, without which names cannot be guessed from their replacements.")
  var salt = ""

  @Option(help: "Instead of the scenario's own seed.")
  var seed: UInt64?

  @Option(name: .customLong("set"), help: "Overrides a value of the scenario: PATH=VALUE. May be repeated.")
  var overrides: [String] = []

  @Flag(help: "Writes the catalogue of edge cases, one fixture for each.")
  var catalogue = false

  @Option(help: "Of the catalogue, only these, separated by commas.")
  var only: String?

  @Flag(help: "With --catalogue: prints the names and what each is for.")
  var list = false

  @Flag(help: "Replaces what an earlier command wrote there.")
  var replace = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func validate() throws {
    if catalogue == (source != nil) {
      throw ValidationError("give either a scenario or a data set, or --catalogue.")
    }
    if (only != nil || list) && !catalogue { throw ValidationError("--only and --list are for --catalogue.") }
    if catalogue, replace {
      throw ValidationError(
        "--replace does not replace a catalogue, which is a directory of directories. Give another --output.")
    }
    if output == nil, !list { throw ValidationError("say with -o which directory to write.") }
    if requests != "all", (Int(requests) ?? 0) < 1 {
      throw ValidationError("--requests \(requests) must be a number of requests, at least 1, or all.")
    }
    if catalogue, anchor != nil || !overrides.isEmpty || seed != nil {
      throw ValidationError(
        "the catalogue's dates and seeds are fixed: leave --anchor, --seed and --set out.")
    }
    if !salt.isEmpty, !anonymise { throw ValidationError("--salt is for --anonymise.") }
    _ = try DatasetFormat.list(formats)
    _ = try anchorDate()
  }

  private func anchorDate() throws -> LocalDate? {
    guard let anchor else { return nil }
    if anchor == "today" {
      let text = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"]
      let epoch = text.flatMap(Double.init) ?? Date().timeIntervalSince1970
      let instant = Timestamp.supported.lowerBound.microseconds...Timestamp.supported.upperBound.microseconds
      guard Double(instant.lowerBound) / 1e6...Double(instant.upperBound) / 1e6 ~= epoch else {
        throw ValidationError(
          "SOURCE_DATE_EPOCH \(text ?? "") is not an instant in \(Timestamp.supportedYears). Give seconds since 1970."
        )
      }
      return LocalDate(daysSince1970: Int((epoch / 86400).rounded(.down)))
    }
    guard let date = LocalDate(anchor), date.isSupported else {
      throw ValidationError(
        "--anchor \"\(anchor.shown)\" is not a date in \(Timestamp.supportedYears). Write today or 2026-03-01."
      )
    }
    return date
  }

  private func options(_ name: String, _ about: String, command: String) throws -> FixtureWriter.Options {
    var options = FixtureWriter.Options()
    options.requests = requests == "all" ? nil : Int(requests)
    options.pseudonyms = anonymise ? Pseudonyms(salt: salt) : nil
    options.anchor = try anchorDate()
    options.formats = try DatasetFormat.list(formats)
    options.name = name
    options.about = about
    options.command = command
    options.program = Program.nameAndVersion
    return options
  }

  func run() throws {
    if catalogue {
      try writeCatalogue()
      return
    }
    guard let source, let output else { return }
    if !replace { try OutputTarget.requireFree(output) }  // Said before the work.
    let existing = OutputTarget.existing(replace: replace)
    let progress = ProgressBar("Making the fixture", quiet: quiet)
    let isScenario =
      source.hasSuffix(".yaml") || source.hasSuffix(".yml") || source == GivenFile.standardInput
    let outcome: FixtureWriter.Outcome
    if isScenario {
      outcome = try simulated(source, overrides + (seed.map { ["seed=\($0)"] } ?? []), command: commandLine) {
        scenario, data in
        let about = anonymise ? "" : scenario.description
        return try FixtureWriter(
          data, try options(anonymise ? "of a scenario" : scenario.name, about, command: commandLine)
        )
        .write(to: output, existing: existing) { progress.show(0.3 + 0.7 * $0) }
      }
    } else {
      if seed != nil || !overrides.isEmpty {
        throw ValidationError("--seed and --set are for scenarios; \(source) is a data set.")
      }
      let name = anonymise ? "of telemetry" : PostgreSQLLocation.title(of: source)
      outcome = try FixtureWriter(try Dataset(source), try options(name, "", command: commandLine)).write(
        to: output, existing: existing
      ) {
        progress.show($0)
      }
    }
    progress.clear()
    guard !quiet else { return }
    Terminal.print(
      "\(output.shown): \(Figure.count(outcome.requests)) of \(Figure.count(outcome.available)) requests, \(Figure.count(outcome.dashboards)) expected dashboards. Read \(output.shown)/README.md; compare with: workbench compare \(ShellText.quoted(output)) YOURS"
    )
  }

  /// The command that makes the fixture, without what it does not depend on.
  private var commandLine: String {
    var words = ["workbench", "fixture", anonymise ? "SOURCE" : ShellText.quoted(source ?? "")]
    if requests != "1000" { words += ["--requests", requests] }
    if formats != "csv" { words += ["--formats", formats] }
    if let anchor { words += ["--anchor", anchor] }
    if anonymise { words += ["--anonymise"] + (salt.isEmpty ? [] : ["--salt", "…"]) }
    if let seed { words += ["--seed", String(seed)] }
    words += overrides.flatMap { ["--set", anonymise ? "…" : ShellText.quoted($0)] }
    return words.joined(separator: " ")
  }

  /// Simulates a scenario into a directory that goes away afterwards.
  private func simulated<Result>(
    _ path: String, _ overrides: [String], command: String, _ body: (Scenario, Dataset) throws -> Result
  ) throws -> Result {
    let bundle = try ScenarioBundle(path, overrides: overrides)
    for note in bundle.notes { Terminal.diagnose(note) }
    let scratch = try ScratchDirectory()
    let directory = try RunDirectory(
      scratch.path + "/run", manifest: bundle.manifest(program: Program.nameAndVersion), isDurable: false)
    var recorder = RunRecorder()
    recorder.formats = [DatasetFormat(.csv)]
    recorder.hasDashboards = false
    _ = try recorder.record(bundle.simulation(), into: directory)
    return try withExtendedLifetime(scratch) { try body(bundle.scenario, try Dataset(scratch.path + "/run")) }
  }

  // MARK: The catalogue

  private func writeCatalogue() throws {
    let catalogue = try EdgeCase.catalogue()
    if list {
      let width = catalogue.map(\.name.count).max() ?? 0
      for edge in catalogue {
        Terminal.print("\(edge.name.padding(toLength: width, withPad: " ", startingAt: 0))  \(edge.about)")
      }
      return
    }
    guard let output else { return }
    var chosen = catalogue
    if let only {
      let names = only.split(separator: ",").map(String.init)
      if let unknown = names.first(where: { name in !catalogue.contains { $0.name == name } }) {
        throw ValidationError(
          workbench.unknown("fixture", unknown, among: catalogue.map(\.name), place: "--only: "))
      }
      if names.isEmpty { throw ValidationError("--only names no fixture. Leave it out for all of them.") }
      chosen = catalogue.filter { names.contains($0.name) }
    }
    try OutputTarget.requireFree(output)
    let staged = try StagedDirectory(output)
    let progress = ProgressBar("Making the catalogue", quiet: quiet)
    var dashboards = 0
    for (index, edge) in chosen.enumerated() {
      let command = "workbench fixture --catalogue --only \(edge.name)"
      let outcome = try simulated(edge.path, [], command: command) { _, data in
        try FixtureWriter(data, try options(edge.name, edge.about, command: command))
          .write(to: edge.name, in: staged)
      }
      dashboards += outcome.dashboards
      progress.show(Double(index + 1) / Double(chosen.count))
    }
    try staged.write(EdgeCase.readme(chosen, program: Program.nameAndVersion).utf8, as: "README.md")
    try staged.finish()
    progress.clear()
    if !quiet {
      Terminal.print(
        "\(output.shown): \(chosen.count) fixtures, \(Figure.count(dashboards)) expected dashboards. Read \(output.shown)/README.md"
      )
    }
  }
}
