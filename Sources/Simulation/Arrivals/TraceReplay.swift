import ScenarioModel
import Telemetry

/// A request of a trace to replay.
package struct TraceRequest: Sendable, Equatable {
  /// µs since 1970, UTC.
  package var arrivedAt: Int64
  package var inputTokens: Int32
  package var outputTokens: Int32
  /// Of the prompt's beginning in the trace's tree of prefixes.
  package var prefix: Int32

  package init(
    arrivedAt: Int64, inputTokens: Int32, outputTokens: Int32, prefix: Int32 = PrefixTree.none
  ) {
    self.arrivedAt = arrivedAt
    self.inputTokens = inputTokens
    self.outputTokens = outputTokens
    self.prefix = prefix
  }
}

/// Requests to replay, in order of arrival.
package struct Trace: Sendable, Equatable {
  package var requests: [TraceRequest]
  /// How their prompts begin alike; `nil` if the trace does not say.
  package var prefixes: PrefixTree?

  package init(_ requests: [TraceRequest], prefixes: PrefixTree? = nil) {
    self.requests = requests
    self.prefixes = prefixes
  }
}

/// A trace as one model's arrivals, with the tokens that were recorded.
struct TraceReplay {
  private let requests: [TraceRequest]
  private var index = 0

  /// The trace's requests inside the simulated time, shifted so that the first arrives at `startAt` if that is given.
  init(_ source: TraceSource, _ setting: ArrivalSetting) {
    let recorded = setting.traces[source.selection]?.requests ?? []
    let trace = TraceScaling(source.scale).requests(recorded, stream: setting.stream)
    let shift =
      source.startAt.flatMap { start in recorded.first.map { start.microseconds - $0.arrivedAt } } ?? 0
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
      block.prefixes?[row] = requests[index].prefix
      index += 1
    }
  }
}
