import Telemetry

/// One view of the dashboard: account, period, tab and filters, ready to be answered from rollups.
package struct DashboardQuery {
  package let account: AccountRecord
  package let selection: ModelSelection
  package let period: DashboardPeriod
  /// To be collected on the way, where requests are read.
  package let points: LatencyPoints?
  let maxPoints: Int
  /// May be replaced by those of the finished run: only the models must be known beforehand.
  package var tables: TelemetryTables
  private let models: Set<Int32>
  private let isSelected: [Bool]
  /// Whether only the tab narrows the account down.
  var isWholeTab: Bool { selection.isWholeTab }

  /// - Parameters:
  ///   - tables: those of the account at least.
  ///   - series: what the requests' batches refer to.
  ///   - maxPoints: of a latency graph with one point per request.
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
    self.maxPoints = max(maxPoints, 2)
    isSelected = series.map { selection.includes($0, models: models) }
    points =
      period.showsEveryRequest
      ? LatencyPoints(period.past, gaps: period.gaps, isSelected: isSelected, maxPoints: maxPoints) : nil
  }

  func includes(_ series: Series) -> Bool { selection.includes(series, models: models) }

  /// Whether the rollups alone cannot give the latency graph: few requests, of which some quarter did not keep all.
  /// - Throws: `AggregationError` if stored rollups are damaged.
  package func needsRequests(_ rollups: some RollupSource) throws -> Bool {
    guard period.showsEveryRequest else { return false }
    let buckets = try Buckets(self, rollups)
    return buckets.total.successes <= Int64(maxPoints) && !buckets.keepsEveryPoint
  }

  /// An instant at which a bucket begins or ends inside a quarter of an hour that has requests: rollups of whole
  /// quarters cannot tell them apart. `nil` for none, as almost always.
  /// - Throws: `AggregationError` if stored rollups are damaged.
  package func cut(_ rollups: some RollupSource) throws -> Timestamp? {
    try period.cuts.first { cut in
      if rollups.separates(cut) { return false }
      var quarter = cut.microseconds / Rollup.quarterMicroseconds
      if cut.microseconds < 0 { quarter -= 1 }
      let start = Timestamp(microseconds: quarter * Rollup.quarterMicroseconds)
      var isCut = false
      for index in rollups.series.indices where includes(rollups.series[index]) {
        try rollups.visit(index, in: start..<start + Rollup.quarterMicroseconds, byDay: false) { rollup in
          isCut = isCut || rollup.start < cut
        }
      }
      return isCut
    }
  }

  /// The dashboard's figures.
  /// - Parameter rollups: of all requests before now.
  /// - Throws: `AggregationError` for sums that cannot be written, or if stored rollups are damaged.
  package func answer(_ rollups: some RollupSource) throws -> Dashboard {
    let buckets = try Buckets(self, rollups)
    let replicas = ReplicaTime(tables.replicas, in: period.pastSpans)
    let prices = Dictionary(
      tables.hardware.filter { $0.account == account.account }.map { ($0.hardware, $0.creditsMicroPerHour) },
      uniquingKeysWith: { first, _ in first })
    let isExternal = selection.kind == .external
    var use = KVCacheTotal()
    visitKVCache { _, row in use.add(row) }
    func text(_ instant: Timestamp) -> String { instant.rfc3339(in: period.calendar) }
    return Dashboard(
      query: .init(
        kind: selection.kind.rawValue,
        filters: Dictionary(
          uniqueKeysWithValues: selection.filters.map { filter, value in
            switch value {
            case .text(let name): (filter, name)
            case .instant(let instant): (filter, text(instant))
            }
          }),
        period: period.filter.description, from: text(period.range.lowerBound),
        to: text(period.range.upperBound), now: text(period.now), timeZone: account.timeZone,
        granularity: period.isHourly ? "hour" : "day"),
      account: AccountMetrics(account, tables, period, replicas, prices: prices),
      latency: LatencyWidget(period, buckets, points),
      requests: RequestsWidget(
        period, buckets, reasons: rollups.reasons,
        creditsMicro: isExternal
          ? nil
          : replicas.creditsMicro(prices) {
            selection.includes(Series(modelID: $0.modelID, version: $0.version), models: models)
          }),
      scaling: isExternal ? nil : ScalingWidget(period, tables, selection, models),
      tokens: isExternal ? try TokensWidget(period, buckets) : nil,
      serving: isExternal ? nil : ServingWidget(buckets.total, use),
      attempts: AttemptsWidget(buckets.total),
      cost: CostWidget(period, buckets))
  }

  /// Rows of the `kv_cache` table that are selected, by the start of their quarter of an hour.
  func visitKVCache(_ body: (Timestamp, KVCacheRecord) -> Void) {
    if tables.kvCache.isEmpty { return }
    let spans = period.pastSpans
    for row in tables.kvCache
    where includes(Series(modelID: row.modelID, version: row.version))
      && spans.contains(where: { $0.contains(row.at) })
    { body(row.at, row) }
  }
}
