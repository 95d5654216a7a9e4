import Aggregation
import ArgumentParser
import Datasets
import Foundation
import Telemetry

struct AggregateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aggregate",
    abstract: "The dashboard's figures of any data set in the telemetry schema.",
    discussion: """
      DATASET is a run directory, a directory with the telemetry tables (requests.csv, models.csv, …; CSV or \
      NDJSON, plain, gzip or zstd; Parquet), a SQLite file, or a PostgreSQL address. If rollups are stored, \
      the answer comes from them. It is JSON (\"workbench schema dashboard\" describes it); --table \
      gives a summary and a row for each hour or day, --csv the rows for a spreadsheet.

      Examples:
        workbench aggregate Outputs/month --kind fineTuned --period 7d
        workbench aggregate Outputs/month --kind fineTuned --period 24h --table
        workbench aggregate Outputs/month --model support-mistral --version V2 \\
          --period 2026-01-20..2026-01-31
        workbench aggregate Outputs/month --kind external --provider OpenAI \\
          --period this-month --csv -o openai.csv
      """)

  @Argument(help: "The data set.")
  var dataset: String

  @Option(help: "Which account, if there are several.")
  var account: String?

  @Option(
    help:
      "24h, 7d, 30d, 90d, a date, a range of dates or of RFC 3339 instants (A..B), this-month, last-month, this-year or last-year."
  )
  var period = "7d"

  @Option(help: "Nothing from this instant on counts (RFC 3339). (default: the end of the data)")
  var now: String?

  @Option(help: "fineTuned, openSource or external. (default: that of --model, or the only kind in the data)")
  var kind: String?

  @Option(help: "\(DashboardFilter.model.about)")
  var model: String?

  @Option(help: "\(DashboardFilter.deployedAt.about)")
  var deployedAt: String?

  @Option(help: "\(DashboardFilter.version.about)")
  var version: String?

  @Option(help: "\(DashboardFilter.provider.about)")
  var provider: String?

  @Option(help: "Most points of a latency graph with one point per request.")
  var maxPoints = 5000

  @Flag(help: "A summary and a row for each hour or day, for people.")
  var table = false

  @Flag(help: "A row for each hour or day, as CSV.")
  var csv = false

  @Flag(help: "JSON, as without any of these.")
  var json = false

  @Option(name: .shortAndLong, help: "A file for the answer. (default: -, standard output)")
  var output: String?

  @Flag(help: "Replaces what an earlier command wrote there.")
  var replace = false

  func validate() throws {
    guard (2...1_000_000).contains(maxPoints) else {
      throw ValidationError("--max-points \(maxPoints) must lie in 2…1000000.")
    }
    guard [table, csv, json].count(where: { $0 }) < 2 else {
      throw ValidationError("--table, --csv and --json cannot be given together. Give one of them.")
    }
    if replace, output == nil {
      throw ValidationError("--replace needs --output: say which file is to be replaced.")
    }
  }

  func run() throws {
    if let output, !replace { try OutputTarget.requireFree(output) }
    let filter = try TimelineFilter(period)
    let nowGiven = try now.map { try parsed($0, "--now") }
    let values = try DashboardFilter.allCases.compactMap { filter in
      try option(filter).map { (filter, try value(filter, $0)) }
    }
    let filters = Dictionary(uniqueKeysWithValues: values)
    let data = try Dataset(dataset)
    let account = try self.account(data)
    try checkNames(data, account)
    let instant = try nowGiven ?? data.end()
    let selection = ModelSelection(kind: try kind(data, account)) { filters[$0] }
    let question = Dataset.Question(
      account: account, filter: filter, now: instant, selection: selection, maxPoints: maxPoints)
    let progress = ProgressBar("Reading")
    var late: Int64 = 0
    let answer = try data.answer(
      question, try data.rollups(of: account.account), leftOut: { late = $0 },
      progress: { progress.show($0) })
    progress.clear()
    if late > 0 {
      Terminal.diagnose(
        "workbench: \(Figure.count(late)) requests arrive at \(instant.rfc3339) or later and do not count")
    }
    guard let output, output != OutputTarget.stream else {
      Terminal.write(try written(answer))
      return
    }
    let file = try OutputTarget.file(output, replace: replace)
    try file.write(try written(answer))
    try file.close()
  }

  private func written(_ answer: Dashboard) throws -> Data {
    if csv { return Data(DashboardTable(answer).csv()) }
    guard table else { return try answer.json() }
    return Data((Terminal.styled(DashboardTable(answer).text(), isFile: output != nil) + "\n").utf8)
  }

  private func option(_ filter: DashboardFilter) -> String? {
    switch filter {
    case .model: model
    case .deployedAt: deployedAt
    case .version: version
    case .provider: provider
    }
  }

  private func value(_ filter: DashboardFilter, _ text: String) throws -> DashboardFilter.Value {
    filter.isInstant ? .instant(try parsed(text, filter.option)) : .text(text)
  }

  private func parsed(_ text: String, _ option: String) throws -> Timestamp {
    var parser = TimestampParser()
    guard let instant = parser.parse(text) else {
      throw QueryError("\(option) \"\(text)\" is not an instant. Write RFC 3339, 2026-01-05T09:00:00Z.")
    }
    guard Timestamp.supported.contains(instant) else {
      throw QueryError("\(option) \"\(text)\" is out of range. It must lie in \(Timestamp.supportedYears).")
    }
    return instant
  }

  private func account(_ data: Dataset) throws -> AccountRecord {
    let known = data.tables.accounts
    guard let account else {
      guard known.count == 1 else {
        throw QueryError(
          "the data set has \(known.count) accounts. Say which with --account: \(known.prefix(8).map(\.account).joined(separator: ", "))\(known.count > 8 ? ", …" : "")."
        )
      }
      return known[0]
    }
    guard let found = known.first(where: { $0.account == account }) else {
      throw QueryError(
        unknown("account", account, among: known.map(\.account))
      )
    }
    return found
  }

  /// Whether models, versions and providers are called so: one that is misspelt is found whatever the kind.
  private func checkNames(_ data: Dataset, _ account: AccountRecord) throws {
    let models = data.tables.models.filter { $0.account == account.account }
    let ids = Set(models.map(\.modelID))
    let versions = data.tables.deployments.filter { ids.contains($0.modelID) }.map(\.version)
    for (filter, given, names) in [
      (DashboardFilter.model, model, models.map(\.name)), (.version, version, versions),
      (.provider, provider, models.map(\.provider).filter { !$0.isEmpty }),
    ] {
      guard let given, !names.contains(where: { Name.same($0, given) }) else { continue }
      guard !names.isEmpty else { continue }
      let known = Set(names).sorted()
      throw QueryError(unknown(filter.name, given, among: known, place: "\(filter.option): "))
    }
  }

  private func kind(_ data: Dataset, _ account: AccountRecord) throws -> ModelKind {
    let kinds = ModelKind.allCases.map(\.rawValue).joined(separator: ", ")
    if let kind {
      guard let known = ModelKind(rawValue: kind) else {
        throw QueryError(unknown("kind", kind, among: ModelKind.allCases.map(\.rawValue)))
      }
      return known
    }
    let models = data.tables.models.filter { record in
      record.account == account.account && (model == nil || record.name == model)
        && (provider == nil || record.provider == provider)
    }
    let found = Set(models.map(\.kind))
    guard let only = found.first, found.count == 1 else {
      throw QueryError(
        found.isEmpty
          ? "no model of account \(account.account) matches the filters. Leave some out."
          : "models of several kinds match. Say which with --kind: \(kinds).")
    }
    return only
  }
}

extension DashboardFilter {
  /// `--deployed-at`.
  fileprivate var option: String {
    "--" + name.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
  }
}
