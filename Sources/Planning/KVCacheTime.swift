import Telemetry

/// How long replicas were there that serve: ready, or draining.
struct KVCacheTime {
  /// Replicas × µs.
  private var times: [Series: Double] = [:]

  /// - Parameter replicas: in order of time.
  init(_ replicas: [ReplicaRecord], in range: Range<Timestamp>) {
    var states: [Series: (at: Timestamp, serving: Int)] = [:]
    func pass(_ series: Series, to instant: Timestamp) {
      guard let state = states[series], state.serving > 0 else { return }
      let from = max(state.at, range.lowerBound)
      let to = min(instant, range.upperBound)
      if to > from { times[series, default: 0] += Double(to - from) * Double(state.serving) }
    }
    for row in replicas {
      let series = Series(modelID: row.modelID, version: row.version)
      pass(series, to: row.at)
      states[series] = (row.at, row.ready + row.draining)
    }
    for series in states.keys { pass(series, to: range.upperBound) }
  }

  subscript(series: Series) -> Double { times[series] ?? 0 }
}
