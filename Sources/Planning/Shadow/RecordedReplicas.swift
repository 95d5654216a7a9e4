import Datasets
import Simulation
import Telemetry

/// The recorded replicas of one deployment: what a policy is held against.
struct RecordedReplicas {
  typealias Change = ShadowDeployment.Change

  var account: AccountRecord
  var model: ModelRecord
  var version: String
  /// Empty where it is unknown.
  var hardware: String
  /// Of the deployments table, as are the next three; `nil` where it has none, or does not say.
  var requestedAt: Timestamp?
  var minReplicas: Int?
  var maxReplicas: Int?
  var maxBatchSize: Int?
  /// The time that is compared, µs since 1970.
  var span: Range<Int64>
  /// Within the span, the first at its start.
  var changes: [Change]
  /// Times of the span in which nothing was recorded, ascending.
  var gaps: [Range<Int64>] = []

  /// The median of the times from a replica's start until it was ready, µs; `nil` where none is recorded.
  var startup: Int64? {
    var times: [Int64] = []
    // Of those that start, the oldest first.
    var starts: [Int64] = []
    var before = Change(at: span.lowerBound, starting: 0, ready: 0, draining: 0)
    for change in changes {
      let more = change.starting - before.starting
      if more > 0 { starts += Array(repeating: change.at, count: more) }
      // They get ready in the order of their starts; those that are not needed after all go from the end.
      let ready = max(min(-more, change.ready - before.ready), 0)
      for _ in 0..<min(ready, starts.count) { times.append(change.at - starts.removeFirst()) }
      if more < 0 { starts.removeLast(min(max(-more - ready, 0), starts.count)) }
      before = change
    }
    times.sort()
    return times.isEmpty ? nil : times[times.count / 2]
  }

  var name: String { "\(model.name)\(version.isEmpty ? "" : " \(version)")" }

  /// The parts of the span that are known.
  var known: [Range<Int64>] {
    var (known, from): ([Range<Int64>], Int64) = ([], span.lowerBound)
    for gap in gaps {
      if from < gap.lowerBound { known.append(from..<gap.lowerBound) }
      from = gap.upperBound
    }
    if from < span.upperBound { known.append(from..<span.upperBound) }
    return known
  }

  /// Leaves out times in which the telemetry has nothing.
  mutating func leaveOut(_ ranges: [Range<Int64>]) {
    gaps = (gaps + ranges).map { $0.clamped(to: span) }.filter { !$0.isEmpty }.sorted {
      $0.lowerBound < $1.lowerBound
    }
  }

  // MARK: The replicas table

  /// Those of a data set's replicas table.
  /// - Parameters:
  ///   - isWanted: of models and versions.
  ///   - place: of the data set, for messages.
  /// - Throws: `DatasetError` where demand cannot be divided between deployments.
  static func all(
    in tables: TelemetryTables, period: Range<Int64>, place: String,
    where isWanted: (ModelRecord, _ version: String) -> Bool
  ) throws -> [RecordedReplicas] {
    var found: [RecordedReplicas] = []
    for model in tables.models where model.kind != .external {
      guard let account = tables.accounts.first(where: { Name.same($0.account, model.account) }) else {
        continue
      }
      let deployments = tables.deployments.filter {
        $0.modelID == model.modelID && $0.outcome != .refused && isWanted(model, $0.version)
      }.sorted { $0.requestedAt < $1.requestedAt }
      let own = deployments.indices.compactMap { index -> RecordedReplicas? in
        let later = deployments[(index + 1)...].first {
          Name.same($0.version, deployments[index].version)
            && Name.same($0.hardware, deployments[index].hardware)
        }
        return RecordedReplicas(
          account, model, deployments[index], until: later?.requestedAt, tables.replicas, period)
      }
      for (index, one) in own.enumerated() {
        guard
          let other = own[(index + 1)...].first(where: {
            Name.same($0.version, one.version) && $0.span.overlaps(one.span)
          })
        else { continue }
        throw DatasetError(
          "\(place)/deployments",
          "version \(one.version.shown) of model \(model.name.shown) was deployed twice at the same time, on \"\(one.hardware)\" and \"\(other.hardware)\": requests do not say by which they were served, so that no demand can be given to either. Leave the model out."
        )
      }
      found += own
    }
    return found
  }

  /// `nil` if it had no replicas in the period.
  private init?(
    _ account: AccountRecord, _ model: ModelRecord, _ deployment: DeploymentRecord, until next: Timestamp?,
    _ replicas: [ReplicaRecord], _ period: Range<Int64>
  ) {
    let begin = max(deployment.requestedAt.microseconds, period.lowerBound)
    let end = min(next?.microseconds ?? .max, period.upperBound)
    let rows = replicas.filter {
      $0.modelID == model.modelID && Name.same($0.version, deployment.version)
        && Name.same($0.hardware, deployment.hardware) && $0.at.microseconds < end
    }
    let before = rows.last { $0.at.microseconds <= begin }
    let inside = rows.filter { $0.at.microseconds > begin }
    let deployed = deployment.deployedAt.map { max($0.microseconds, begin) }
    // One that waits for a window, or for room, has no replicas until then.
    guard
      let start = before != nil
        ? begin : [inside.first?.at.microseconds, deployed].compactMap({ $0 }).min()
    else { return nil }
    guard !rows.isEmpty || deployment.minReplicas == 0 else { return nil }
    var changes = [
      before.map { Change($0, at: start) } ?? Change(at: start, starting: 0, ready: 0, draining: 0)
    ]
    for row in inside {
      let change = Change(row, at: row.at.microseconds)
      // Of several at one instant, the last holds.
      if changes.last?.at == change.at { changes.removeLast() }
      changes.append(change)
    }
    var to = end
    if let undeployed = deployment.undeployedAt?.microseconds, undeployed < end {
      // Once it is undeployed, no policy decides.
      let last = changes.last { $0.at <= undeployed && $0.provisioned > 0 }
      to = last.flatMap { last in changes.first { $0.at > last.at }?.at } ?? undeployed
    }
    guard start < to else { return nil }
    (self.account, self.model) = (account, model)
    (version, hardware) = (deployment.version, deployment.hardware)
    (requestedAt, minReplicas) = (deployment.requestedAt, deployment.minReplicas)
    maxReplicas = deployment.maxReplicas > 0 ? deployment.maxReplicas : nil
    maxBatchSize = deployment.maxBatchSize > 0 ? deployment.maxBatchSize : nil
    span = start..<to
    self.changes = changes.filter { $0.at < to }
  }

  // MARK: Prometheus

  /// Of series of a range query, each matched with the version, or the model, that one of its labels names.
  /// - Parameter place: of the data set, for messages.
  /// - Throws: `DatasetError`.
  static func all(
    in range: PrometheusRange, _ tables: TelemetryTables, period: Range<Int64>, place: String,
    where isWanted: (ModelRecord, _ version: String) -> Bool
  ) throws -> [RecordedReplicas] {
    var candidates: [(model: ModelRecord, version: String, deployment: DeploymentRecord?)] = []
    for model in tables.models where model.kind != .external {
      let own = tables.deployments.filter { $0.modelID == model.modelID && isWanted(model, $0.version) }
      candidates += own.map { (model, $0.version, $0) }
      if own.isEmpty, isWanted(model, "") { candidates.append((model, "", nil)) }
    }
    var found: [RecordedReplicas] = []
    for series in range.series where !series.samples.isEmpty {
      let candidate = try match(series, candidates, of: range)
      guard let candidate else { continue }
      let name = "\(candidate.model.name) \(candidate.version)"
      guard
        let account = tables.accounts.first(where: { Name.same($0.account, candidate.model.account) })
      else { continue }
      guard !found.contains(where: { $0.model == candidate.model && $0.version == candidate.version }) else {
        throw DatasetError(
          range.path,
          "two series are of \(name.shown), \(series.text) among them. Sum them in the query: sum by (…) (…)."
        )
      }
      found.append(
        try RecordedReplicas(account, candidate, series, range.path, period: period, place: place))
    }
    return found
  }

  private static func match(
    _ series: PrometheusRange.Series,
    _ candidates: [(model: ModelRecord, version: String, deployment: DeploymentRecord?)],
    of range: PrometheusRange
  ) throws -> (model: ModelRecord, version: String, deployment: DeploymentRecord?)? {
    func isNamed(_ name: String) -> Bool { series.labels.contains { Name.same($0.value, name) } }
    let byVersion = candidates.filter { !$0.version.isEmpty && isNamed($0.version) }
    let byModel = candidates.filter { isNamed($0.model.name) }
    for matching in [byVersion.filter { isNamed($0.model.name) }, byVersion, byModel]
    where matching.count == 1 { return matching[0] }
    if candidates.count == 1, range.series.count(where: { !$0.samples.isEmpty }) == 1 { return candidates[0] }
    let names = candidates.prefix(6).map { "\($0.model.name) \($0.version)" }.joined(separator: ", ")
    throw DatasetError(
      range.path,
      "the series \(series.text) names no version or model, or several. There are: \(names.shown). Give each series a label with the version's or the model's name (label_replace), or choose one model and one series."
    )
  }

  private init(
    _ account: AccountRecord,
    _ candidate: (model: ModelRecord, version: String, deployment: DeploymentRecord?),
    _ series: PrometheusRange.Series, _ path: String, period: Range<Int64>, place: String
  ) throws {
    let samples = series.samples
    func words(_ instant: Int64) -> String { Timestamp(microseconds: instant).rfc3339 }
    for sample in samples where sample.value < 0 || sample.value.rounded() != sample.value {
      throw DatasetError(
        path,
        "the series \(series.text) has \(sample.value) at \(words(sample.at)): replicas are whole numbers. Query the number itself, not an average."
      )
    }
    // Prometheus samples at equal steps; a missing one leaves a gap.
    let steps = zip(samples, samples.dropFirst()).map { $1.at - $0.at }.sorted()
    let step = steps.isEmpty ? 60_000_000 : steps[steps.count / 2]
    let (first, end) = (samples[0].at, (samples.last?.at ?? 0) + step)
    let both =
      max(
        first, period.lowerBound)..<max(
        min(end, period.upperBound), max(first, period.lowerBound))
    guard !both.isEmpty else {
      throw DatasetError(
        path,
        "the replicas are of another period than the demand: \(words(first)) to \(words(end)), and \(place.shown) covers \(words(period.lowerBound)) to \(words(period.upperBound)). Query the same time."
      )
    }
    (self.account, model, version) = (account, candidate.model, candidate.version)
    hardware = candidate.deployment?.hardware ?? ""
    minReplicas = nil
    maxReplicas = candidate.deployment.flatMap { $0.maxReplicas > 0 ? $0.maxReplicas : nil }
    if maxReplicas != nil { minReplicas = candidate.deployment?.minReplicas }
    maxBatchSize = candidate.deployment.flatMap { $0.maxBatchSize > 0 ? $0.maxBatchSize : nil }
    span = both
    changes = []
    for sample in samples where sample.at < both.upperBound {
      let change = Change(
        at: max(sample.at, both.lowerBound), starting: 0, ready: Int(min(sample.value, 1e6)), draining: 0)
      if changes.last?.at == change.at { changes.removeLast() }
      if changes.last?.ready != change.ready { changes.append(change) }
    }
    leaveOut(
      zip(samples, samples.dropFirst()).compactMap { earlier, later in
        later.at - earlier.at > 2 * step ? earlier.at + step..<later.at : nil
      })
    let missing = gaps.reduce(0) { $0 + $1.upperBound - $1.lowerBound }
    guard 2 * missing <= span.upperBound - span.lowerBound else {
      throw DatasetError(
        path,
        "the series \(series.text) has no samples for more than half of the time from \(words(span.lowerBound)) to \(words(span.upperBound)), first from \(words(gaps.first?.lowerBound ?? 0)): too little to compare with. Query a time that was recorded."
      )
    }
  }
}

extension ShadowDeployment.Change {
  fileprivate init(_ row: ReplicaRecord, at: Int64) {
    self.init(
      at: at, starting: row.starting, ready: row.ready, draining: row.draining, limitedBy: row.limitedBy)
  }
}
