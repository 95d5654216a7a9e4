import Aggregation
import Datasets
import Telemetry

/// A dashboard as a table: its summary, and a row for each bucket with requests.
struct DashboardTable {
  private let dashboard: Dashboard
  private let quantiles: [LatencyQuantile] = [.p50, .p95, .p99]

  init(_ dashboard: Dashboard) { self.dashboard = dashboard }

  /// One of the buckets: counts, latencies of successes in ms, tokens of external models.
  private struct Row {
    var at: String
    var successes: Int64
    var failures: Int64
    var latency: LatencyWidget.Bucket?
    var tokens: TokensWidget.Point?
  }

  private var rows: [Row] {
    let latencies = Dictionary(
      dashboard.latency.buckets.map { ($0.at, $0) }, uniquingKeysWith: { first, _ in first })
    let tokens = Dictionary(
      (dashboard.tokens?.points ?? []).map { ($0.at, $0) }, uniquingKeysWith: { first, _ in first })
    return dashboard.requests.points.map {
      Row(
        at: $0.at, successes: $0.successes, failures: $0.failures, latency: latencies[$0.at],
        tokens: tokens[$0.at])
    }
  }

  // MARK: For people

  func text(columns: Int = Terminal.columns) -> String {
    let requests = dashboard.requests
    let latency = dashboard.latency.summary
    let query = dashboard.query
    let filters = DashboardFilter.allCases.compactMap { filter in query.filters[filter]?.shown }
    var lines = [
      Terminal.bold(([query.kind] + filters).joined(separator: ", "))
        + ", \(query.from) to \(query.to), \(query.timeZone)",
      "",
    ]
    func fact(_ name: String, _ text: String) {
      lines.append("  " + name + String(repeating: " ", count: max(1, 14 - name.count)) + text)
    }
    fact(
      "requests",
      "\(Figure.count(requests.totalRequests)), \(Figure.percent(requests.totalFailures, of: requests.totalRequests)) failed"
    )
    for (reason, count) in requests.failuresByReason.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      fact("", "\(reason.shown) \(Figure.count(count))")
    }
    fact(
      "latency",
      (["average \(Figure.milliseconds(latency.average))"]
        + quantiles.map { "\($0.label) \(Figure.milliseconds(latency.quantiles[$0]))" }).joined(
          separator: "  "))
    if let credits = requests.creditsPerRequest {
      fact("credits", "\(Figure.credits(credits)) per request")
    }
    fact(
      "account",
      "\(Figure.credits(dashboard.account.deploymentCredits)) credits in deployment, \(Figure.credits(dashboard.account.fineTuningCredits)) in fine-tuning"
    )
    if let tokens = dashboard.tokens {
      fact(
        "tokens", "\(Figure.count(tokens.totalInputTokens)) in, \(Figure.count(tokens.totalOutputTokens)) out"
      )
    }
    if let cost = dashboard.cost { fact("cost", cost.words) }
    guard !rows.isEmpty else { return lines.joined(separator: "\n") }
    let hasTokens = dashboard.tokens != nil
    var table = TextTable(
      [query.granularity, "successes", "failures", "average"] + quantiles.map(\.label)
        + (hasTokens ? ["tokens in", "tokens out"] : []), columns: columns)
    for row in rows {
      table.add(
        [
          Self.time(row.at, query.granularity), Figure.count(row.successes), Figure.count(row.failures),
          Figure.milliseconds(row.latency?.average),
        ] + quantiles.map { Figure.milliseconds(row.latency?.quantiles[$0]) }
          + (hasTokens
            ? [row.tokens?.inputTokens, row.tokens?.outputTokens].map { $0.map { Figure.count($0) } ?? "–" }
            : []))
    }
    return (lines + [""] + table.lines()).joined(separator: "\n")
  }

  /// `2026-03-04 09:00`, or the date alone.
  private static func time(_ at: String, _ granularity: String) -> String {
    let date = at.prefix(10)
    return granularity == "day" ? String(date) : "\(date) \(at.dropFirst(11).prefix(5))"
  }

  // MARK: For programs

  /// A head and a row for each bucket; what is not known is empty.
  func csv() -> [UInt8] {
    let all = LatencyQuantile.allCases
    var lines = [
      (["at", "requests", "successes", "failures", "latency_average_ms"] + all.map { "latency_\($0.name)_ms" }
        + (dashboard.tokens == nil ? [] : ["input_tokens", "output_tokens"])).joined(separator: ",")
    ]
    func cell(_ number: Double?) -> String { number.map { "\($0)" } ?? "" }
    func cell(_ count: Int64?) -> String { count.map { "\($0)" } ?? "" }
    for row in rows {
      var cells = [row.at, "\(row.successes + row.failures)", "\(row.successes)", "\(row.failures)"]
      cells.append(cell(row.latency?.average))
      cells += all.map { cell(row.latency?.quantiles[$0]) }
      if dashboard.tokens != nil { cells += [cell(row.tokens?.inputTokens), cell(row.tokens?.outputTokens)] }
      lines.append(cells.joined(separator: ","))
    }
    return Array((lines.joined(separator: "\n") + "\n").utf8)
  }
}

extension CostWidget {
  /// In one line.
  var words: String {
    var parts = [Figure.credits(total), "\(Figure.credits(perRequest)) per request"]
    if let perMillionTokens { parts.append("\(Figure.credits(perMillionTokens)) per million tokens") }
    return parts.joined(separator: ", ")
  }
}
