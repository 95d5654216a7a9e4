import Telemetry

/// Model Scaling and Usage: the replicas of each version as a step graph.
package struct ScalingWidget: Equatable, Sendable {
  package struct Point: Equatable, Sendable {
    package var at: String
    package var version: String
    package var replicas: Int
    package var hardware: String
    /// Tells the versions of several models apart.
    package var modelID: Int32
  }

  /// What stands for several hardware configurations in one period.
  package static let multipleHardware = "Multiple Hardware"

  package var points: [Point]
  /// What had replicas in the period: its name, "Multiple Hardware", or `null` for none.
  package var hardware: String?
  /// For a single day: the largest of the deployments that were deployed in it.
  package var maxReplicas: Int?

  /// The replicas of one version, by hardware: two at a time while one drains and another starts.
  private struct State: Equatable {
    var byHardware: [String: Int] = [:]
    var lastHardware = ""

    var replicas: Int { byHardware.values.reduce(0, +) }

    var hardware: String {
      let used = byHardware.filter { $0.value > 0 }.keys
      return used.count > 1 ? ScalingWidget.multipleHardware : used.first ?? lastHardware
    }
  }

  init(
    _ period: DashboardPeriod, _ tables: TelemetryTables, _ selection: ModelSelection, _ models: Set<Int32>
  ) {
    let spans = period.pastSpans.filter { !$0.isEmpty }
    let end = period.past.upperBound
    let records = tables.replicas.filter {
      $0.at < end
        && selection.includes(Series(modelID: $0.modelID, version: $0.version), models: models)
    }
    var used: Set<String> = []
    var found: [(at: Timestamp, point: Point)] = []
    let bySeries = Dictionary(grouping: records) { Series(modelID: $0.modelID, version: $0.version) }
    for (series, records) in bySeries {
      var state = State()
      var shown = State()
      var pointAt: Timestamp?
      /// The state that an instant left, if it differs from what is shown.
      func show(_ instant: Timestamp, isStart: Bool) {
        if isStart ? state.replicas > 0 : state.replicas != shown.replicas || state.hardware != shown.hardware
        {
          found.append(
            (
              instant,
              Point(
                at: instant.rfc3339(in: period.calendar), version: series.version, replicas: state.replicas,
                hardware: state.hardware, modelID: series.modelID)
            ))
        }
        shown = state
        used.formUnion(state.byHardware.filter { $0.value > 0 }.keys)
      }
      var begun = 0
      /// Shows what holds where spans of the period begin.
      func beginSpans(before instant: Timestamp) {
        while begun < spans.count, spans[begun].lowerBound < instant {
          show(spans[begun].lowerBound, isStart: begun == 0)
          begun += 1
        }
      }
      for record in records {
        if let instant = pointAt, record.at != instant { show(instant, isStart: false) }
        beginSpans(before: record.at)
        state.byHardware[record.hardware] = record.replicas
        state.lastHardware = record.hardware
        let isInside = spans.contains { $0.lowerBound < record.at && record.at < $0.upperBound }
        pointAt = isInside ? record.at : nil
      }
      if let instant = pointAt { show(instant, isStart: false) }
      beginSpans(before: .writable.upperBound)
    }
    found.sort { ($0.at, $0.point.version, $0.point.modelID) < ($1.at, $1.point.version, $1.point.modelID) }
    points = found.map(\.point)
    hardware = used.count > 1 ? Self.multipleHardware : used.first
    maxReplicas =
      period.isSingleDay
      ? tables.deployments.filter { deployment in
        guard
          selection.includes(
            Series(modelID: deployment.modelID, version: deployment.version), models: models),
          let from = deployment.deployedAt
        else { return false }
        return period.overlaps(from: from, to: deployment.undeployedAt)
      }.map(\.maxReplicas).max() : nil
  }
}
