import Telemetry

/// One view of the dashboard: account, period, tab and filters, ready to be answered from rollups.
package struct DashboardQuery {
  package let account: AccountRecord
  package let selection: ModelSelection
  package let period: DashboardPeriod
  package let points: LatencyPoints?
  /// May be replaced by those of the finished run: only the models must be known beforehand.
  package var tables: TelemetryTables
  private let models: Set<Int32>
  private let isSelected: [Bool]

  /// - Parameters:
  ///   - tables: those of the account at least.
  ///   - series: what the requests' batches refer to.
  ///   - maxPoints: of a latency graph with one point a request.
  /// - Throws: `QueryError`.
  package init(
    account: AccountRecord, filter: TimelineFilter, now: Timestamp, selection: ModelSelection,
    tables: TelemetryTables, series: [Series], maxPoints: Int = 5000
  ) throws {
    guard let calendar = ZonedCalendar(identifier: account.timeZone) else {
      throw QueryError("account \(account.account) has the unknown time zone \"\(account.timeZone)\".")
    }
    self.account = account
    self.selection = selection
    self.tables = tables
    period = try filter.period(now: now, calendar: calendar)
    let models = Set(try selection.models(tables, account: account.account).map(\.modelID))
    self.models = models
    isSelected = series.map { selection.includes($0, models: models) }
    points =
      period.showsEveryRequest
      ? LatencyPoints(period.past, isSelected: isSelected, maxPoints: maxPoints) : nil
  }

  /// The dashboard's figures.
  /// - Parameter rollups: of the series given at the start, all requests before now in them; the query's latency
  ///   points, if it has any, must have been collected from the same requests.
  package func answer(_ rollups: RequestRollups) -> Dashboard {
    let buckets = Buckets(period, rollups, isSelected: isSelected)
    let replicas = ReplicaTime(tables.replicas, in: period.past)
    let prices = Dictionary(
      tables.hardware.filter { $0.account == account.account }.map { ($0.hardware, $0.creditsMicroPerHour) },
      uniquingKeysWith: { first, _ in first })
    let isExternal = selection.kind == .external
    func text(_ moment: Timestamp) -> String { moment.rfc3339(in: period.calendar) }
    return Dashboard(
      query: .init(
        kind: selection.kind.rawValue, model: selection.model, version: selection.version,
        provider: selection.provider, period: period.filter.description, from: text(period.range.lowerBound),
        to: text(period.range.upperBound), now: text(period.now), timeZone: account.timeZone,
        granularity: period.isHourly ? "hour" : "day"),
      account: AccountMetrics(account, tables, period, replicas, prices: prices),
      latency: LatencyWidget(period, buckets, points),
      requests: RequestsWidget(
        period, buckets, reasons: rollups.reasons,
        creditsMicro: isExternal
          ? nil
          : replicas.creditsMicro(prices) {
            models.contains($0.modelID) && (selection.version ?? $0.version) == $0.version
          }),
      scaling: isExternal ? nil : ScalingWidget(period, tables, selection, models),
      tokens: isExternal ? TokensWidget(period, buckets) : nil)
  }
}

/// The selected rollups by bucket of the period, and over all of it.
struct Buckets {
  private(set) var cells: [RollupCell]
  private(set) var total = RollupCell()
  private(set) var latencies = LatencyHistogram()
  private(set) var failures: [UInt8: Int64] = [:]
  let starts: [Timestamp]

  init(_ period: DashboardPeriod, _ rollups: RequestRollups, isSelected: [Bool]) {
    starts = period.bucketStarts
    cells = Array(repeating: RollupCell(), count: starts.count)
    let range = period.past
    for index in isSelected.indices where isSelected[index] {
      var bucket = 0
      for rollup in rollups.rollups(of: index) {
        let start = Timestamp(microseconds: rollup.quarter * Rollup.quarterMicroseconds)
        if start < range.lowerBound { continue }
        if start >= range.upperBound { break }
        while bucket + 1 < starts.count, starts[bucket + 1] <= start { bucket += 1 }
        // Rollups were checked against overflow when they were made; a period's sums stay far below it.
        _ = cells[bucket].add(rollup.cell)
        _ = total.add(rollup.cell)
        latencies.add(rollup.cell, rollup.latencies)
        for entry in rollup.reasons { failures[entry.reason, default: 0] += entry.count }
      }
    }
  }

  /// Buckets in which requests were processed.
  var filled: [(at: Timestamp, cell: RollupCell)] {
    zip(starts, cells).filter { $1.requests > 0 }.map { ($0, $1) }
  }
}

/// An average from exact sums; `nil` of nothing.
func mean(_ sum: Int64, _ count: Int64) -> Double? { count == 0 ? nil : Double(sum) / Double(count) }
