import Datasets
import Foundation
import ScenarioModel
import Simulation
import Synchronization
import Telemetry

/// Reads scenario files and the traces that they name.
enum ScenarioInput {
  /// - Parameter files: where files that the scenario names lie, if not beside it.
  /// - Throws: `NotFoundError`, `ScenarioErrors`.
  static func document(
    _ path: String, overrides: [String] = [], files: [String: String] = [:]
  ) throws -> ScenarioDocument {
    var document = try ScenarioDocument(try text(path), path: path, overrides: overrides)
    for model in document.scenario.accounts.flatMap(\.models) {
      guard case .serveGen(let client)? = model.load?.arrivals.source else { continue }
      if document.scenario.measured[client.trace] == nil {
        document.scenario.measured[client.trace] = try Self.client(
          files[client.trace] ?? Self.path(client.trace, besides: path),
          files[client.dataset] ?? Self.path(client.dataset, besides: path)
        ).demand
      }
      document.scenario.expectedArrivals += client.expectedRequests(in: document.scenario)
    }
    return document
  }

  /// Clients that were read, by their files: a plan reads a scenario once for each variant.
  private static let clients = Mutex<[String: ServeGenClient]>([:])

  private static func client(_ trace: String, _ dataset: String) throws -> ServeGenClient {
    let key = "\(trace)\u{0}\(dataset)"
    if let known = clients.withLock({ $0[key] }) { return known }
    let client = try ServeGenClient(trace: trace, dataset: dataset)
    clients.withLock { $0[key] = client }
    return client
  }

  /// Reads a file that a scenario names, for what is wrong with it.
  /// - Throws: `NotFoundError`, `DatasetError`.
  static func read(_ file: NamedFile, besides scenario: String) throws {
    switch file.content {
    case .trace(let trace):
      _ = try TraceFile(contentsOf: path(trace.file, besides: scenario), model: trace.model)
    case .serveGen(let trace, let dataset):
      _ = try client(path(trace, besides: scenario), path(dataset, besides: scenario))
    }
  }

  /// Files that a scenario names, by the name it gives them, with their paths.
  static func files(of scenario: Scenario, scenarioPath: String) -> [String: String] {
    var files: [String: String] = [:]
    for model in scenario.accounts.flatMap(\.models) {
      for file in model.load?.arrivals.namedFiles ?? [] { files[file] = path(file, besides: scenarioPath) }
    }
    return files
  }

  /// A file that a scenario names.
  private static func path(_ file: String, besides scenario: String) -> String {
    file.hasPrefix("/")
      ? file : URL(fileURLWithPath: scenario).deletingLastPathComponent().appendingPathComponent(file).path
  }

  /// - Throws: `NotFoundError`.
  static func text(_ path: String) throws -> Data {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw NotFoundError(path, "there is no such file.")
    }
    guard !isDirectory.boolValue, let file = FileHandle(forReadingAtPath: path) else {
      throw NotFoundError(path, "cannot read it as a file.")
    }
    // More than any scenario may have; the reader says so.
    return try file.read(upToCount: 64 << 20) ?? Data()
  }

  /// The traces that a scenario names.
  static func traces(
    _ scenario: Scenario, scenarioPath: String, files: [String: String] = [:]
  ) throws -> [TraceSource.Selection: [TraceRequest]] {
    var traces: [TraceSource.Selection: [TraceRequest]] = [:]
    for model in scenario.accounts.flatMap(\.models) {
      guard let source = model.load?.arrivals.replayed, traces[source.selection] == nil else { continue }
      let path = files[source.file] ?? Self.path(source.file, besides: scenarioPath)
      let trace = try TraceFile(contentsOf: path, model: source.model)
      if trace.borrowedAnswers > 0 {
        Terminal.diagnose(
          "\(path): note: \(trace.borrowedAnswers) of \(trace.requests.count) requests failed when they were recorded; each is replayed with the answer length of the success before it."
        )
      }
      traces[source.selection] = trace.requests.map {
        TraceRequest(
          arrivedAt: $0.arrivedAt.microseconds, inputTokens: $0.inputTokens, outputTokens: $0.outputTokens)
      }
    }
    return traces
  }
}
