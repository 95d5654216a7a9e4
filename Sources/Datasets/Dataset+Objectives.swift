import Aggregation
import ScenarioModel
import Telemetry

extension Dataset {
  /// Reads the requests for what objectives ask of them: once, in memory that grows with the time covered.
  /// - Parameter progress: called from time to time, with the share that is done, in [0, 1].
  /// - Throws: `NotFoundError` if there is no requests table; `DatasetError`.
  package func judge(
    _ objectives: [ServiceObjective], progress: @escaping @Sendable (Double) throws -> Void = { _ in }
  ) throws -> ObjectiveJudge {
    let reader = try requests()
    // Without a manifest, only the requests say what the period is.
    var period = try manifest == nil ? nil : start()..<end()
    let rollups = ObjectiveRollups(objectives, series: series, owners: .init(tables), period: period)
    try reader.read(into: rollups, progress: progress)
    if period == nil {
      let instants = [rollups.arrivals?.lowerBound, rollups.arrivals?.upperBound].compactMap { $0 }
      let all = instants + [tables.replicas.first, tables.replicas.last].compactMap { $0?.at.microseconds }
      let last = (all.max() ?? 0) + 1
      period = Timestamp(microseconds: all.min() ?? 0)..<Timestamp(microseconds: last)
    }
    return ObjectiveJudge(
      objectives, [rollups], tables: tables, reasons: reader.reasons.names,
      period: period ?? Timestamp(microseconds: 0)..<Timestamp(microseconds: 0))
  }
}
