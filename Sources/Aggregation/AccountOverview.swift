import Telemetry

/// All models of an account side by side, in one period.
package struct AccountOverview: Encodable, Equatable, Sendable {
  package struct Row: Encodable, Equatable, Sendable {
    package var modelID: Int32
    package var kind: String
    package var model: String
    package var provider: String
    /// Successful and failed requests, and quantiles of the latency of the successful ones, ms.
    package var successes: Int64
    package var failures: Int64
    package var average: Double?
    package var p50: Double?
    package var p95: Double?
    package var p99: Double?
    package var deploymentCredits: Double
    package var fineTuningCredits: Double
    /// The most replicas at once in the period, over all versions.
    package var peakReplicas: Int
    /// The maxima of the deployments that were deployed in the period, added up over versions.
    package var maxReplicas: Int
    /// Requests of each bucket, and failed ones.
    package var requests: [Int64]
    package var failed: [Int64]

    enum CodingKeys: String, CodingKey {
      case kind, model, provider, successes, failures, average, p50, p95, p99, deploymentCredits,
        fineTuningCredits, peakReplicas, maxReplicas, requests, failed
      case modelID = "modelId"
    }
  }

  package var from: String
  package var to: String
  package var timeZone: String
  package var granularity: String
  package var subscriptionMaxReplicas: Int
  /// The most replicas of the whole account at once.
  package var peakReplicas: Int
  /// Where the buckets begin.
  package var starts: [String]
  /// In the order of the models' numbers.
  package var models: [Row]

  private struct Sum {
    var total = RollupTotal()
    var latencies = LatencyHistogram()
    var requests: [Int64]
    var failed: [Int64]
  }

  /// - Throws: `QueryError` for a period that cannot be selected; `AggregationError` if stored rollups are damaged.
  package init(
    _ account: AccountRecord, _ tables: TelemetryTables, _ filter: TimelineFilter, now: Timestamp,
    _ rollups: some RollupSource
  ) throws {
    let calendar = try account.calendar
    let period = try filter.period(now: now, calendar: calendar)
    let count = period.bucketStarts.count
    let stretches = period.stretches
    let own = tables.models.filter { $0.account == account.account }
    var sums: [Int32: Sum] = [:]
    let none = Array(repeating: Int64(0), count: count)
    for model in own { sums[model.modelID] = Sum(requests: none, failed: none) }
    for (index, series) in rollups.series.enumerated() {
      guard var sum = sums.removeValue(forKey: series.modelID) else { continue }
      try rollups.visit(index, in: period.past, byDay: !period.isHourly) { rollup in
        let place = stretches.partitionPoint { $0.range.lowerBound > rollup.start } - 1
        guard place >= 0, stretches[place].range.contains(rollup.start) else { return }
        sum.total.add(rollup.cell)
        sum.latencies.add(rollup.cell, rollup.latencies)
        sum.requests[stretches[place].bucket] &+= rollup.cell.requests
        sum.failed[stretches[place].bucket] &+= rollup.cell.failures
      }
      sums[series.modelID] = sum
    }

    let credits = try CreditsAnalysis(account, tables, filter, now: now)
    let spent = Dictionary(grouping: credits.entries, by: \.modelID)
    let spans = period.pastSpans
    let peaks = Peaks(
      tables.replicas.filter { sums[$0.modelID] != nil }, in: spans)
    from = period.range.lowerBound.rfc3339(in: calendar)
    to = period.range.upperBound.rfc3339(in: calendar)
    timeZone = account.timeZone
    granularity = period.isHourly ? "hour" : "day"
    subscriptionMaxReplicas = account.subscriptionMaxReplicas
    peakReplicas = peaks.whole
    starts = period.bucketStarts.map { $0.rfc3339(in: calendar) }
    let deployments = Dictionary(grouping: tables.deployments, by: \.modelID)
    models = own.compactMap { model in
      guard let sum = sums[model.modelID] else { return nil }
      func credits(_ use: CreditsAnalysis.Use) -> Double {
        (spent[model.modelID] ?? []).filter { $0.use == use }.reduce(0) { $0 + $1.credits }
      }
      func quantile(_ q: Double) -> Double? { sum.latencies.quantile(q).map { $0 / 1000 } }
      var most: [String: Int] = [:]
      for deployment in deployments[model.modelID] ?? [] {
        guard let from = deployment.deployedAt, period.overlaps(from: from, to: deployment.undeployedAt)
        else { continue }
        most[deployment.version] = max(most[deployment.version] ?? 0, deployment.maxReplicas)
      }
      return Row(
        modelID: model.modelID, kind: model.kind.rawValue, model: model.name, provider: model.provider,
        successes: sum.total.successes, failures: sum.total.failures, average: sum.total.averageLatency,
        p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99),
        deploymentCredits: credits(.deployment), fineTuningCredits: credits(.fineTuning),
        peakReplicas: peaks.ofModel[model.modelID] ?? 0, maxReplicas: most.values.reduce(0, +),
        requests: sum.requests, failed: sum.failed)
    }
  }

  /// The most replicas at once, of each model and of all together.
  private struct Peaks {
    var ofModel: [Int32: Int] = [:]
    var whole = 0

    /// - Parameter records: in order of time.
    init(_ records: [ReplicaRecord], in spans: [Range<Timestamp>]) {
      var last: [ReplicaTime.Key: Int] = [:]
      var current: [Int32: Int] = [:]
      var all = 0
      var begun = 0
      var changed: Set<Int32> = []
      func look(_ models: some Sequence<Int32>) {
        for model in models { ofModel[model] = max(ofModel[model] ?? 0, current[model] ?? 0) }
        whole = max(whole, all)
      }
      func pass(to instant: Timestamp) {
        while begun < spans.count, spans[begun].lowerBound < instant {
          look(current.keys)
          begun += 1
        }
      }
      var index = 0
      while index < records.count {
        let at = records[index].at
        pass(to: at)
        changed.removeAll(keepingCapacity: true)
        // What changes at one instant changes at once.
        while index < records.count, records[index].at == at {
          let record = records[index]
          let key = ReplicaTime.Key(
            modelID: record.modelID, version: record.version, hardware: record.hardware)
          let difference = record.replicas - (last.updateValue(record.replicas, forKey: key) ?? 0)
          current[record.modelID, default: 0] += difference
          all += difference
          changed.insert(record.modelID)
          index += 1
        }
        if spans.contains(where: { $0.contains(at) }) { look(changed) }
      }
      pass(to: .writable.upperBound)
    }
  }
}
