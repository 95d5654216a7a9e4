import Aggregation
import Datasets
import Documents
import ScenarioModel
import Simulation
import Telemetry

/// A scaling policy held against recorded telemetry: what it would have decided, when, and at what cost.
///
/// Demand is replayed as it was recorded (see `ShadowDeployment`): the policy's replicas do not change it.
package struct Shadow {
  /// What was recorded.
  package struct Recorded {
    /// For messages.
    package var place: String
    package var tables: TelemetryTables
    package var series: [Series]
    /// µs since 1970.
    package var period: Range<Int64>
    package var demand: ShadowDemand
    /// Replicas from elsewhere, in place of the table's.
    package var replicas: PrometheusRange?
    /// Times of which the telemetry has nothing.
    package var gaps: [Range<Int64>] = []
    /// Simulated before the period, so that the autoscaler's state at its start is not known; µs.
    package var warmUp: Int64 = 0

    package init(
      place: String, tables: TelemetryTables, series: [Series], period: Range<Int64>, demand: ShadowDemand
    ) {
      (self.place, self.tables, self.series) = (place, tables, series)
      (self.period, self.demand) = (period, demand)
    }
  }

  private let recorded: Recorded
  private let policy: ShadowPolicy

  package init(_ recorded: Recorded, policy: ShadowPolicy) {
    self.recorded = recorded
    self.policy = policy
  }

  /// - Parameters:
  ///   - isWanted: of models and their versions.
  ///   - progress: called from time to time, with the share that is done, in [0, 1].
  /// - Throws: `DatasetError`, `DocumentErrors`.
  package func result(
    where isWanted: (ModelRecord, _ version: String) -> Bool = { _, _ in true },
    progress: (Double) -> Void = { _ in }
  ) throws -> ShadowResult {
    let period = recorded.period
    var all =
      try recorded.replicas.map {
        try RecordedReplicas.all(
          in: $0, recorded.tables, period: period, place: recorded.place, where: isWanted)
      }
      ?? RecordedReplicas.all(in: recorded.tables, period: period, place: recorded.place, where: isWanted)
    var notes: [String] = []
    let apart = all.filter { one in
      all.contains { Name.same($0.version, PrefillVersion.name(for: one.version)) && $0.model == one.model }
        || all.contains {
          Name.same(one.version, PrefillVersion.name(for: $0.version)) && $0.model == one.model
        }
    }
    if !apart.isEmpty {
      let names = apart.map(\.name).joined(separator: ", ")
      notes.append(
        "Left out: \(names). Prompts are read apart from decoding there, and requests do not say how long they were in which pool."
      )
      all.removeAll { one in apart.contains { $0.name == one.name } }
    }
    guard !all.isEmpty else {
      throw DatasetError(
        recorded.place,
        wording: apart.isEmpty
          ? "no replicas are recorded for the models that were chosen. Give them with \(setting: .replicas, "FILE"), the answer of a Prometheus range query, or choose a model that has some."
          : "all versions read prompts apart from decoding: requests do not say how long they were in which pool. Choose another model."
      )
    }
    var deployments: [ShadowResult.Deployment] = []
    for (index, one) in all.enumerated() {
      progress(Double(index) / Double(all.count))
      var one = one
      one.leaveOut(recorded.gaps)
      deployments.append(try compare(one))
    }
    return ShadowResult(
      telemetry: recorded.place, policy: policy.name, resolution: recorded.demand.resolution,
      notes: words + notes, deployments: deployments)
  }

  /// What the figures mean, a sentence each.
  private var words: [String] {
    var words: [String] = []
    switch recorded.demand {
    case .requests:
      words.append(
        "Demand is exact: every request, from its arrival to its end. Turned away on arrival, it is no demand."
      )
    case .quarters:
      words.append(
        "Demand is the mean of each quarter of an hour, from rollups, in whole requests. Peaks within a quarter are not seen: a policy that keeps the largest wish of a window has some replicas fewer than it would have. Requests are exact."
      )
    }
    words.append(
      "Open loop: requests begin and end when they did. Where either side was short of replicas, latencies, and with them the demand, would have been others."
    )
    if recorded.warmUp > 0 {
      words.append(
        "The telemetry begins after a warm-up: the policy starts with the replicas of that instant, without the history that it would have had."
      )
    }
    return words
  }

  private func compare(_ one: RecordedReplicas) throws -> ShadowResult.Deployment {
    let scaling = try policy.scaling(of: one)
    var notes: [String] = []
    let surroundings = try surroundings(of: one, scaling)
    if case .quarters = recorded.demand, scaling.policy.countsWaiting {
      throw DatasetError(
        policy.name,
        "the policy queueLength counts the requests that wait, which means of a quarter of an hour do not show. Shadow a data set with requests, or count all in progress: queueLength: { counts: pending, … }."
      )
    }
    let first = one.changes.first ?? .init(at: one.span.lowerBound, starting: 0, ready: 0, draining: 0)
    let begin = min(max(first.provisioned, scaling.minReplicas), scaling.maxReplicas)
    let ready = first.ready == 0 && first.provisioned > 0 ? 0 : max(begin - first.starting, 0)
    if begin != first.provisioned {
      notes.append(
        "The policy begins with \(begin) replicas, within its bounds of \(scaling.minReplicas) to \(scaling.maxReplicas), where \(first.provisioned) were recorded."
      )
    }
    let shadow = ShadowDeployment(
      scaling, from: one.span.lowerBound, starting: begin - ready, ready: ready, surroundings)
    var demand = ShadowIntervals(one.span)
    let short = try replay(one, scaling, in: shadow, &demand)
    if scaling.policy.countsWaiting {
      notes.append(
        "queueLength sees the requests in progress beyond the shadow's own slots (ready replicas × maxBatchSize \(scaling.maxBatchSize)) as waiting."
      )
    }
    if recorded.demand.resolution == .quarters, !scaling.policy.unknownFromAverages.isEmpty {
      notes.append(
        "The policy \(scaling.policy.unknownFromAverages.joined(separator: ", ")) looks at peaks of demand, which means do not show: it would have had more replicas than it has here."
      )
    }
    if scaling.startup.variance > 0 {
      notes.append(
        "A replica is ready \(Figure.milliseconds(scaling.startup.mean / 1000)) after its start, the mean of startup."
      )
    }
    if let startup = one.startup, scaling.startup.mean != Double(startup) {
      notes.append(
        "A replica is ready \(Figure.milliseconds(scaling.startup.mean / 1000)) after its start; as recorded, it took \(Figure.milliseconds(Double(startup) / 1000))."
      )
    }
    if recorded.replicas != nil {
      notes.append(
        "Replicas are those of \(recorded.replicas?.path ?? ""): starting and draining ones are not told apart."
      )
    }
    if let gap = one.gaps.first {
      let hours = Double(one.gaps.reduce(0) { $0 + $1.upperBound - $1.lowerBound }) / 3.6e9
      notes.append(
        "\(Figure.decimal(hours)) h without recorded replicas are not compared, the first from \(Timestamp(microseconds: gap.lowerBound).rfc3339)."
      )
    }
    if surroundings.room.contains(where: { $0.replicas < scaling.maxReplicas }) {
      notes.append(
        "The subscription leaves to the policy what the account's other deployments had left, as recorded.")
    }
    var comparison = ShadowComparison(recorded: one.changes, shadow: shadow.changes, over: one.known)
    comparison.setShort(recorded: short, shadow: shadow.shortMicroseconds)
    if let price = recorded.tables.hardware.first(where: {
      Name.same($0.account, one.account.account) && Name.same($0.hardware, one.hardware)
    }) {
      comparison.charge(price.creditsMicroPerHour)
    }
    return ShadowResult.Deployment(
      account: one.account.account, model: one.model.name, version: one.version, hardware: one.hardware,
      policy: scaling.policy.name, minReplicas: scaling.minReplicas, maxReplicas: scaling.maxReplicas,
      maxBatchSize: scaling.maxBatchSize, startupSeconds: scaling.startup.mean / 1e6,
      unseen: recorded.demand.resolution == .quarters ? scaling.policy.unknownFromAverages : [],
      from: Timestamp(microseconds: one.span.lowerBound).rfc3339,
      to: Timestamp(microseconds: one.span.upperBound).rfc3339, comparedHours: comparison.comparedHours,
      agreement: comparison.agreement, recorded: comparison.recorded, shadow: comparison.shadow,
      differences: comparison.differences, differencesInAll: comparison.differencesInAll,
      series: series(one, shadow.changes, demand, slots: scaling.maxBatchSize), notes: notes)
  }

  /// Lets demand pass by the shadow.
  /// - Returns: how long the recorded replicas were short of demand, µs; `nil` where that is unknown.
  private func replay(
    _ one: RecordedReplicas, _ scaling: Scenario.Scaling, in shadow: ShadowDeployment,
    _ demand: inout ShadowIntervals
  ) throws -> Int64? {
    let place = recorded.series.firstIndex {
      $0.modelID == one.model.modelID && Name.same($0.version, one.version)
    }
    switch recorded.demand {
    case .requests(let all):
      guard let place else { return nil }
      let own = all[place]
      if !own.latencies.isEmpty, own.latencies.allSatisfy({ $0 == 1 }) {
        throw DatasetError(
          recorded.place,
          "no request of \(one.name.shown) has a latency, so that the requests in progress, which the policy \(scaling.policy.name) looks at, are not known. Import it with its latencies."
        )
      }
      let clipped = own.clipped(to: one.span)
      var last = (at: one.span.lowerBound, count: 0)
      shadow.replay(arrivals: clipped.arrivals, latencies: clipped.latencies, until: one.span.upperBound) {
        demand.add(Double(last.count), from: last.at, to: $0)
        last = ($0, $1)
      }
      demand.add(Double(last.count), from: last.at, to: one.span.upperBound)
      return own.waitingTime(in: one.span)
    case .quarters(let all):
      let levels = place.map { all[$0].levels(over: one.span) } ?? [(one.span.lowerBound, 0)]
      shadow.follow(levels, until: one.span.upperBound)
      var short: Int64 = 0
      let asChanges = levels.map {
        ShadowDeployment.Change(at: $0.at, starting: 0, ready: $0.demand, draining: 0)
      }
      ShadowComparison.walk(one.changes, asChanges, over: [one.span]) { from, to, replicas, level in
        if level.ready > replicas.ready * scaling.maxBatchSize { short += to - from }
        demand.add(Double(level.ready), from: from, to: to)
      }
      return short
    }
  }

  /// - Throws: `DatasetError` where the policy looks at KV caches, and none are recorded.
  private func surroundings(
    of one: RecordedReplicas, _ scaling: Scenario.Scaling
  ) throws -> ShadowDeployment.Surroundings {
    var surroundings = ShadowDeployment.Surroundings()
    if scaling.policy.needsKVCache {
      let rows = recorded.tables.kvCache.filter {
        $0.modelID == one.model.modelID && Name.same($0.version, one.version)
          && Name.same($0.hardware, one.hardware)
      }
      guard let blocks = rows.last?.blocks else {
        throw DatasetError(
          policy.name,
          "the policy kvUtilisation looks at the blocks of KV caches in use, which \(recorded.place.shown) does not have for \(one.name.shown): there is no table kv_cache. Choose another policy, such as targetUtilisation."
        )
      }
      surroundings.blocksOfReplica = blocks
      surroundings.usedBlocks = rows.map { row in
        (
          row.at.microseconds,
          (row.usedBlockMilliseconds * 1000 + KVCacheRecord.quarter / 2) / KVCacheRecord.quarter
        )
      }
    }
    let limit = one.account.subscriptionMaxReplicas
    guard limit > 0, recorded.replicas == nil else { return surroundings }
    surroundings.room = room(beside: one, limit: limit)
    return surroundings
  }

  /// What the subscription leaves beside the account's other deployments.
  private func room(beside one: RecordedReplicas, limit: Int) -> [(at: Int64, replicas: Int)] {
    struct Key: Hashable {
      var modelID: Int32
      var version: ExactName
      var hardware: ExactName
    }
    let owned = Set(
      recorded.tables.models.filter { Name.same($0.account, one.account.account) }.map(\.modelID))
    let own = Key(
      modelID: one.model.modelID, version: ExactName(one.version), hardware: ExactName(one.hardware))
    var (now, others): ([Key: Int], Int) = ([:], 0)
    var room = [(at: Int64.min, replicas: limit)]
    for row in recorded.tables.replicas where owned.contains(row.modelID) {
      let key = Key(
        modelID: row.modelID, version: ExactName(row.version), hardware: ExactName(row.hardware))
      guard key != own else { continue }
      others += row.replicas - (now[key] ?? 0)
      now[key] = row.replicas
      room.append((row.at.microseconds, limit - others))
    }
    return room
  }

  private func series(
    _ one: RecordedReplicas, _ shadow: [ShadowDeployment.Change], _ demand: ShadowIntervals, slots: Int
  ) -> ShadowResult.Series {
    var (recorded, other) = (ShadowIntervals(one.span), ShadowIntervals(one.span))
    ShadowComparison.walk(one.changes, shadow, over: one.known) { from, to, a, _ in
      recorded.add(Double(a.provisioned), from: from, to: to)
    }
    ShadowComparison.walk(one.changes, shadow, over: [one.span]) { from, to, _, b in
      other.add(Double(b.provisioned), from: from, to: to)
    }
    var series = ShadowResult.Series()
    series.intervalSeconds = Double(demand.width) / 1e6
    series.at = demand.sums.indices.map { (demand.start + Int64($0) * demand.width) / 1000 }
    series.recorded = recorded.means
    series.shadow = other.means.map { $0 ?? 0 }
    series.demand = demand.means.map { ($0 ?? 0) / Double(slots) }
    series.peakDemand = demand.peaks.map { $0 / Double(slots) }
    return series
  }
}
