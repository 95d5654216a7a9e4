import Foundation
import ScenarioModel
import Simulation
import Telemetry

/// A request that left a simulation.
package struct SimulatedRequest: Equatable {
  package var id: Int64
  package var series: Series
  package var arrivedAt: Int64
  package var outcome: UInt8
  package var waiting: Int64
  package var firstToken: Int64
  package var latency: Int64
  package var input: Int32
  package var output: Int32
  /// Input tokens that a cache had; `nil` where that is unknown.
  package var cached: Int32?
  /// Its class, its session or user, and its place in the session; `nil` where they are unknown.
  package var requestClass: String?
  package var client: String?
  package var turn: Int64?
  /// Which try it is, from 1.
  package var attempt: Int64?
  /// Millionths; `nil` where it is unknown.
  package var cost: Int64?

  package var isSuccess: Bool { outcome == RequestOutcome.success }
  package var reason: String { RequestOutcome.names[Int(outcome)] }
}

/// Keeps every request that it is given.
package final class RequestRecorder: TelemetrySink {
  package private(set) var requests: [SimulatedRequest] = []
  private let series: [Series]

  package init(_ series: [Series]) { self.series = series }

  package func receive(_ columns: RequestColumns) {
    for row in 0..<columns.count {
      requests.append(
        SimulatedRequest(
          id: columns.requestID?[row] ?? 0, series: series[Int(columns.series[row])],
          arrivedAt: columns.arrivedAt[row], outcome: columns.outcome[row],
          waiting: columns.waitingMicroseconds[row], firstToken: columns.firstTokenMicroseconds[row],
          latency: columns.latencyMicroseconds[row], input: columns.inputTokens[row],
          output: columns.outputTokens[row],
          cached: columns.cachedInputTokens.flatMap { $0[row] >= 0 ? $0[row] : nil },
          requestClass: columns.texts(.requestClass)?.text(row),
          client: columns.texts(.session)?.text(row) ?? columns.texts(.user)?.text(row),
          turn: columns.integers(.turn).flatMap { $0[row] >= 0 ? $0[row] : nil },
          attempt: columns.integers(.attempt).flatMap { $0[row] >= 0 ? $0[row] : nil },
          cost: columns.integers(.cost).flatMap { $0[row] >= 0 ? $0[row] : nil }))
    }
  }
}

/// Takes requests and forgets them.
package final class NoSink: TelemetrySink {
  package init() {}
  package func receive(_ requests: RequestColumns) {}
}

/// What a scenario gives.
package struct Simulated {
  package var scenario: Scenario
  package var requests: [SimulatedRequest]
  package var result: ScenarioSimulation.Result
  package var series: [Series]

  package var tables: TelemetryTables { result.tables }

  /// - Parameters:
  ///   - yaml: the whole document.
  ///   - overrides: `PATH=VALUE`.
  ///   - traces: by the name that the document gives them.
  package init(
    _ yaml: String, overrides: [String] = [], traces: [TraceSource.Selection: Trace] = [:],
    threads: Int = 1
  ) throws {
    let document = try ScenarioDocument(Data(yaml.utf8), path: "test.yaml", overrides: overrides)
    try self.init(document.scenario, traces: traces, threads: threads)
  }

  package init(_ scenario: Scenario, traces: [TraceSource.Selection: Trace] = [:], threads: Int = 1)
    throws
  {
    self.scenario = scenario
    let simulation = ScenarioSimulation(scenario, traces: traces)
    series = simulation.series
    let recorder = RequestRecorder(simulation.series)
    result = try simulation.run(
      threads: threads,
      into: .init(accounts: scenario.accounts.map { _ in NoSink() }, merged: recorder))
    requests = recorder.requests
  }

  /// Requests of one model by name (the first of that name).
  package func requests(of name: String) -> [SimulatedRequest] {
    let id = tables.models.first { $0.name == name }?.modelID
    return requests.filter { $0.series.modelID == id }
  }
}

/// The path of a file in the repository.
package func repository(_ path: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent(path).path
}

/// Where the real production traces lie, if the environment says so and they are there.
package func sharedData(_ name: String) -> String? {
  guard let root = ProcessInfo.processInfo.environment["WORKBENCH_DATA"] else { return nil }
  let path = "\(root)/\(name)"
  return FileManager.default.fileExists(atPath: path) ? path : nil
}

/// All shipped scenarios.
package func shippedScenarios() throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: repository("Scenarios")).filter {
    $0.hasSuffix(".yaml")
  }
  .sorted().map { repository("Scenarios/\($0)") }
}

/// Traces of one model are named by their file alone.
extension TraceSource.Selection: ExpressibleByStringLiteral {
  package init(stringLiteral file: String) { self.init(file: file) }
}
