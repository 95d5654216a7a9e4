import Aggregation
import Datasets
import Telemetry

/// A fixture's README: what it contains, what each file exercises, how it is used and rebuilt.
struct FixtureReadme {
  var options: FixtureWriter.Options
  var tables: TelemetryTables
  var questions: [FixtureQuestion]
  var start: Timestamp
  var end: Timestamp
  var requests: Int64
  var available: Int64
  var isWhole: Bool

  func text() -> String {
    let formats = options.formats.map(\.description).joined(separator: ", ")
    let size =
      isWhole || requests == available
      ? "\(requests) requests"
      : "\(requests) of \(available) requests: chosen evenly, with the first of every version and of every outcome"
    var lines = [
      "# Fixture \(MarkdownText.inline(options.name))", "",
      options.about.isEmpty ? nil : "\(MarkdownText.paragraph(options.about))\n",
      "\(size), from \(start.rfc3339) to \(end.rfc3339). *Now* is the end; every expected figure counts nothing from then on.",
      "", "| | |", "|---|---|",
      "| `telemetry/` | the data set (\(formats)), in the telemetry schema (`workbench schema telemetry`) |",
      "| `sql/postgresql.sql`, `sql/sqlite.sql` | the same as SQL: tables and rows |",
      "| `dashboard/` | the figures that the dashboard must show (`workbench schema dashboard`), a file for each query |",
      "| `queries.json` | the queries: filters, file, what each exercises; parameters for your tests |",
      "| `rollups/`, `manifest.json` | the pipeline's aggregates; row counts and SHA-256 of every file |", "",
      "## Use", "", "```",
      "psql -v ON_ERROR_STOP=1 -f sql/postgresql.sql          # or: sqlite3 fixture.sqlite < sql/sqlite.sql",
      "workbench compare . YOURS/                             # YOURS: your dashboard's answers, the same file names",
      "workbench compare . YOURS/ --tolerances tolerances.yaml --junit report.xml --html differences.html",
      "workbench serve .                                      # look at it", "```", "", "## Accounts", "",
      "| account | time zone | replicas of its subscription | models |", "|---|---|---:|---|",
    ].compactMap { $0 }
    for account in tables.accounts {
      let models = tables.models.filter { $0.account == account.account }.map {
        "\(Self.cell($0.name)) (\($0.kind.rawValue)\($0.provider.isEmpty ? "" : ", \(Self.cell($0.provider))"))"
      }
      lines.append(
        "| \(Self.cell(account.account)) | \(account.timeZone) | \(account.subscriptionMaxReplicas) | \(models.joined(separator: ", ")) |"
      )
    }
    lines += ["", "## Questions", "", "| file | exercises |", "|---|---|"]
    lines += questions.map { "| `\($0.file)` | \(Self.cell($0.why)) |" }
    lines += [
      "",
      "Made by \(MarkdownText.code(options.command)) (\(options.program)); the same command gives the same bytes.",
      "",
    ]
    return lines.joined(separator: "\n")
  }

  /// Names may hold anything: what Markdown or HTML would take for its own is escaped.
  private static func cell(_ text: String) -> String { MarkdownText.inline(text) }
}
