import Aggregation
import Calibration
import Datasets
import Foundation
import ScenarioModel
import Telemetry

/// Telemetry that a scenario is fitted to: a data set, or a trace file.
struct FitInput {
  let tables: TelemetryTables
  let series: [Series]
  let period: Range<Int64>
  let models: [(record: ModelRecord, observations: Observations)]
  /// Names of failures by outcome.
  let reasons: [String]
  /// What the telemetry does not say, in words.
  let notes: [String]

  /// - Parameters:
  ///   - account: the only one to be fitted; as for the model, `nil` is all.
  ///   - model: by name.
  /// - Throws: `DatasetError`, `NotFoundError`, `QueryError`.
  static func read(
    _ path: String, account: String?, model: String?, progress: (Double) -> Void
  ) throws -> FitInput {
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    if exists, !isDirectory.boolValue, [".csv", ".csv.gz", ".csv.zst"].contains(where: path.hasSuffix) {
      guard account == nil else {
        throw QueryError("a trace file does not name its account. Leave --account out.")
      }
      return try FitInput(trace: path, model: model)
    }
    let data = try Dataset(path)
    let chosen = data.tables.models.filter {
      (account == nil || $0.account == account) && (model == nil || $0.name == model)
    }
    guard !chosen.isEmpty else {
      throw QueryError(
        "no model matches \([account.map { "--account \($0)" }, model.map { "--model \($0)" }].compactMap { $0 }.joined(separator: " ")). There are: \(data.tables.models.prefix(8).map { "\($0.account)/\($0.name)" }.joined(separator: ", "))."
      )
    }
    let place = Dictionary(
      chosen.enumerated().map { ($1.modelID, $0) }, uniquingKeysWith: { first, _ in first })
    let collector = ObservationCollector(
      groups: data.series.map { place[$0.modelID] ?? -1 }, expected: data.manifest?.rows["requests"])
    let reader = try data.requests()
    try reader.read(into: collector, progress: progress)
    collector.settle(isForeign: data.manifest?.scenario == nil)
    // A model whose series has no request has no observations.
    let models: [(record: ModelRecord, observations: Observations)] = chosen.enumerated().map {
      index, record in
      (record, index < collector.observations.count ? collector.observations[index] : Observations())
    }
    let count = models.reduce(0) { $0 + $1.observations.count }
    guard count > 0 else {
      throw DatasetError(
        path,
        "there are no requests of the models to be fitted. A fit needs at least one request; a good fit needs thousands."
      )
    }
    let (from, to) = try period(
      data, collector.extent, requests: count, step: step(models.map(\.observations)))
    try check(path, from..<to)
    return FitInput(
      tables: data.tables, series: data.series, period: from..<to, models: models,
      reasons: reader.reasons.names, notes: [])
  }

  /// Of a run, its own. Of other data, from the first request to the last: the hours around them, which an import calls
  /// its period, are hours of figures and not of observation.
  /// - Parameter step: of time stamps: the last one stands for all of it.
  private static func period(
    _ data: Dataset, _ extent: ClosedRange<Int64>?, requests: Int, step: Int64
  ) throws -> (Int64, Int64) {
    if data.manifest?.scenario != nil {
      let (from, to) = (try data.start().microseconds, try data.end().microseconds)
      if from < to { return (from, to) }
    }
    let known = data.tables.replicas.map(\.at.microseconds)
    let from = min(extent?.lowerBound ?? .max, known.first ?? .max)
    let last = max(extent?.upperBound ?? .min, known.last ?? .min)
    guard from < last else { throw oneInstant(data.path, requests, from) }
    return (from, last + step)
  }

  /// What time stamps are apart, µs: the coarsest clock's.
  private static func step(_ observations: [Observations]) -> Int64 {
    observations.map(\.resolution).max() ?? 1
  }

  private static func oneInstant(_ path: String, _ requests: Int, _ at: Int64) -> DatasetError {
    let instant = Timestamp(microseconds: at).rfc3339
    return DatasetError(
      path,
      requests == 1
        ? "there is one request, at \(instant). A rate needs two at different times; a good fit needs thousands."
        : "all \(requests) requests arrived at one instant, \(instant). A rate needs two at different times; are the time stamps right?"
    )
  }

  private init(
    tables: TelemetryTables, series: [Series], period: Range<Int64>,
    models: [(record: ModelRecord, observations: Observations)], reasons: [String], notes: [String]
  ) {
    self.tables = tables
    self.series = series
    self.period = period
    self.models = models
    self.reasons = reasons
    self.notes = notes
  }

  /// A trace that says nothing but arrivals and tokens: an external model of that name.
  private init(trace path: String, model: String?) throws {
    let trace = try TraceFile(contentsOf: path, model: model)
    let requests = trace.requests
    guard let first = requests.first?.arrivedAt, let last = requests.last?.arrivedAt else {
      throw DatasetError(path, "the trace has no requests. There is nothing to fit.")
    }
    guard first < last else { throw Self.oneInstant(path, requests.count, first.microseconds) }
    try Self.check(path, first.microseconds..<last.microseconds)
    let stem = PostgreSQLLocation.title(of: path).prefix { $0 != "." }
    var tables = TelemetryTables()
    tables.accounts = [AccountRecord(account: "trace", timeZone: "UTC", subscriptionMaxReplicas: 1)]
    let record = ModelRecord(
      modelID: 1, account: "trace", kind: .external, name: String(stem), provider: "unknown", createdAt: first
    )
    tables.models = [record]
    let batch = RequestBatch(capacity: requests.count)
    for (index, request) in requests.enumerated() {
      batch.append(
        requestID: Int64(index), arrivedAt: request.arrivedAt.microseconds, series: 0,
        outcome: RequestOutcome.success, waitingMicroseconds: 0, firstTokenMicroseconds: 0,
        latencyMicroseconds: 0,
        inputTokens: request.inputTokens, outputTokens: request.outputTokens)
    }
    let collector = ObservationCollector(groups: [0], expected: Int64(requests.count))
    try batch.send(to: collector)
    collector.settle(isForeign: true)
    self.tables = tables
    series = [Series(modelID: 1, version: "")]
    reasons = RequestOutcome.names
    notes =
      trace.failures > 0
      ? [
        "\(trace.failures) of \(requests.count) requests of the trace failed; from a trace file, only arrivals and tokens are fitted. To include failures and latencies, fit the data set (its directory)."
      ] : []
    models = [(record, collector.observations[0])]
    period = first.microseconds..<(last.microseconds + Self.step(collector.observations))
  }

  /// A scenario's period may not be longer than ten years.
  private static func check(_ path: String, _ period: Range<Int64>) throws {
    guard period.upperBound - period.lowerBound > ScenarioDocument.longestPeriod else { return }
    let (from, to) = (Timestamp(microseconds: period.lowerBound), Timestamp(microseconds: period.upperBound))
    throw DatasetError(
      path,
      "it covers \(from.rfc3339) to \(to.rfc3339): more than the ten years that a scenario may have. Is a time stamp wrong? Leave out the rows that do not belong."
    )
  }
}
