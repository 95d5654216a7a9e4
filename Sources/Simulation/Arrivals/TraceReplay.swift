import ScenarioModel
import Telemetry

/// A request of a trace to replay.
package struct TraceRequest: Sendable {
  /// µs since 1970, UTC.
  package var arrivedAt: Int64
  package var inputTokens: Int32
  package var outputTokens: Int32

  package init(arrivedAt: Int64, inputTokens: Int32, outputTokens: Int32) {
    self.arrivedAt = arrivedAt
    self.inputTokens = inputTokens
    self.outputTokens = outputTokens
  }
}

/// A trace as one model's arrivals, with the tokens that were recorded.
struct TraceReplay {
  private let requests: [TraceRequest]
  private var index = 0

  /// The trace's requests inside the simulated time, shifted so that the first arrives at `startAt` if that is given.
  init(_ source: TraceSource, _ setting: ArrivalSetting) {
    let trace = setting.traces[source.selection] ?? []
    let shift = source.startAt.flatMap { start in trace.first.map { start.microseconds - $0.arrivedAt } } ?? 0
    let time = setting.scenario.simulationStart.microseconds..<setting.scenario.to.microseconds
    requests = trace.compactMap { request in
      var moved = request
      moved.arrivedAt += shift
      return time.contains(moved.arrivedAt) ? moved : nil
    }
  }

  mutating func draw(into block: DemandBlock) {
    for row in 0..<block.size {
      guard index < requests.count else {
        block.times[row] = .max
        return
      }
      block.times[row] = requests[index].arrivedAt
      block.inputs[row] = requests[index].inputTokens
      block.outputs[row] = requests[index].outputTokens
      index += 1
    }
  }
}
