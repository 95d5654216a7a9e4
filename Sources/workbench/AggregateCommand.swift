import Aggregation
import ArgumentParser
import Datasets
import Foundation
import Telemetry

struct AggregateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aggregate",
    abstract: "The dashboard's figures of any data set in the telemetry schema, as JSON.",
    discussion: """
      DATASET is a run directory, a directory with the telemetry tables (requests.csv, models.csv, …; CSV or \
      NDJSON, plain, gzip or zstd; Parquet), a SQLite file, or a PostgreSQL address. If rollups are stored, \
      the answer comes from them.

      Examples:
        workbench aggregate Outputs/month --kind fineTuned --period 7d
        workbench aggregate Outputs/month --model support-mistral --version V2 --period 2026-01-20..2026-01-31
        workbench aggregate Outputs/month --kind external --provider OpenAI --period this-month --out openai.json
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

  @Option(name: [.short, .customLong("out")], help: "A file for the JSON. (default: standard output)")
  var out: String?

  func validate() throws {
    guard (2...1_000_000).contains(maxPoints) else {
      throw ValidationError("--max-points \(maxPoints) must lie in 2…1000000.")
    }
  }

  func run() throws {
    let filter = try TimelineFilter(period)
    let nowGiven = try now.map { try parsed($0, "--now") }
    let values = try DashboardFilter.allCases.compactMap { filter in
      try option(filter).map { (filter, try value(filter, $0)) }
    }
    let filters = Dictionary(uniqueKeysWithValues: values)
    let data = try Dataset(dataset)
    let account = try self.account(data)
    let instant = try nowGiven ?? data.end()
    let selection = ModelSelection(kind: try kind(data, account)) { filters[$0] }
    let question = Dataset.Question(
      account: account, filter: filter, now: instant, selection: selection, maxPoints: maxPoints)
    let progress = ProgressBar("Reading")
    var late: Int64 = 0
    let json = try data.answer(question, try data.rollups(of: account.account), leftOut: { late = $0 }) {
      progress.show($0)
    }.json()
    progress.clear()
    if late > 0 {
      Terminal.diagnose(
        "workbench: \(Figure.count(late)) requests arrive at \(instant.rfc3339) or later and do not count")
    }
    guard let out else {
      Terminal.write(json)
      return
    }
    let file = try OutputFile(out)
    try file.write(json)
    _ = try file.close()
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
        "the data set has no account \"\(account)\". It has: \(known.prefix(8).map(\.account).joined(separator: ", "))\(known.count > 8 ? ", …" : "")."
      )
    }
    return found
  }

  private func kind(_ data: Dataset, _ account: AccountRecord) throws -> ModelKind {
    let kinds = ModelKind.allCases.map(\.rawValue).joined(separator: ", ")
    if let kind {
      guard let known = ModelKind(rawValue: kind) else {
        throw QueryError("unknown kind \"\(kind)\". Known: \(kinds).")
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
