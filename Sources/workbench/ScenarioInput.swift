import Datasets
import Foundation
import ScenarioModel
import Simulation
import Telemetry

/// Reads scenario files and the traces that they name.
enum ScenarioInput {
  /// - Throws: `NotFoundError`, `ScenarioErrors`.
  static func document(_ path: String, overrides: [String] = []) throws -> ScenarioDocument {
    try ScenarioDocument(try text(path), path: path, overrides: overrides)
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

  /// The traces that a scenario names, by the name it gives them.
  static func traces(_ scenario: Scenario, scenarioPath: String) throws -> [String: [TraceRequest]] {
    let folder = URL(fileURLWithPath: scenarioPath).deletingLastPathComponent()
    var traces: [String: [TraceRequest]] = [:]
    for model in scenario.accounts.flatMap(\.models) {
      guard case .trace(let file, _) = model.load?.arrivals, traces[file] == nil else { continue }
      let path = file.hasPrefix("/") ? file : folder.appendingPathComponent(file).path
      traces[file] = try TraceFile(contentsOf: path).requests.map {
        TraceRequest(
          arrivedAt: $0.arrivedAt.microseconds, inputTokens: $0.inputTokens, outputTokens: $0.outputTokens)
      }
    }
    return traces
  }
}
