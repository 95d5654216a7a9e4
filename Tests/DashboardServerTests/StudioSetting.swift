import DashboardServer
import Datasets
import Foundation
import Runs
import Studio
import Synchronization
import TestSupport
import Testing

/// A scenario of some thousand requests, with room for changes.
enum SmallScenario {
  static func text(rate: String = "0.05/s", to: String = "2026-03-05", extra: String = "") -> String {
    """
    workbench: 1
    name: small
    seed: 7
    period: { from: 2026-03-02, to: \(to) }
    account: { name: "a & b", timeZone: America/New_York, subscription: { maxReplicas: 6 } }
    models:
      - name: chat.v2
        kind: openSource
        load:
          arrivals: { poisson: { rate: \(rate) } }
          tokens: { input: 100, output: { exponential: { mean: 50 } } }
        deployments:
          - version: V1
            deployAt: 2026-03-01
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 2 }
            service: { firstToken: 200ms, perOutputToken: 30ms }
    \(extra)
    """
  }

  /// Simulates it into a run directory.
  @discardableResult
  static func run(
    _ path: String, text: String = text(), formats: [DatasetFormat] = [DatasetFormat(.csv)]
  ) throws -> String {
    let bundle = try ScenarioBundle(text: Data(text.utf8), path: "small.yaml")
    let directory = try RunDirectory(path, manifest: bundle.manifest(program: "test"), isDurable: false)
    var recorder = RunRecorder()
    recorder.formats = formats
    _ = try recorder.record(bundle.simulation(), into: directory)
    return path
  }
}

/// Folders of a test's own, and a server of the small scenario's run.
struct StudioSetting {
  let scratch: Scratch
  let studio: Studio
  let catalogue: RunCatalogue
  var scenarios: String { scratch.file("scenarios") }
  var runs: String { scratch.file("runs") }

  init(text: String = SmallScenario.text(), limits: StudioLimits = StudioLimits()) throws {
    scratch = try Scratch()
    let manager = FileManager.default
    try manager.createDirectory(
      atPath: scratch.file("scenarios"), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: scratch.file("scenarios/small.yaml")))
    var studio = Studio(
      scenarios: ScenarioFolder(scratch.file("scenarios")), runs: RunFolder(scratch.file("runs")),
      program: "test",
      command: { asked in
        switch asked {
        case .run(let scenario, let overrides): "\(scenario) \(overrides.joined(separator: " "))"
        case .plan(_, let scenario): "plan \(scenario)"
        case .fixture(let run, _, _, _): "fixture \(run)"
        }
      })
    studio.limits = limits
    studio.limits.freeBytes = 0
    self.studio = studio
    catalogue = try RunCatalogue([try SmallScenario.run(scratch.file("runs/small"), text: text)])
  }

  func serve<Result>(
    token: String? = nil, idleLimit: Duration = .seconds(20), _ body: (Client) async throws -> Result
  ) async throws -> Result {
    try await withServer(catalogue, token: token, studio: studio, idleLimit: idleLimit, body)
  }
}

extension Client {
  /// Sends a body in JSON.
  func send(
    _ method: String, _ target: String, _ body: Any, _ headers: [String: String] = [:]
  ) async throws -> Reply {
    try await send(
      method, target, data: try JSONSerialization.data(withJSONObject: body),
      ["Content-Type": "application/json"].merging(headers) { $1 })
  }

  func send(
    _ method: String, _ target: String, data: Data, _ headers: [String: String] = [:]
  ) async throws -> Reply {
    let lines = ["Host": "127.0.0.1:\(port)", "Connection": "close", "Content-Length": "\(data.count)"]
      .merging(headers) { $1 }
    let head = "\(method) \(target) HTTP/1.1\r\n" + lines.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
    return try Self.parse(try await send(Data(head.utf8) + data))
  }

  func post(_ target: String, _ body: Any) async throws -> Reply { try await send("POST", target, body) }

  /// How many runs are shown.
  func runs() async throws -> Int? { (try await get("/api/runs").json() as? [Any])?.count }

  /// The job when it has ended.
  func ended(_ started: Reply) async throws -> [String: Any] {
    #expect(started.status == 202, "\(String(decoding: started.body, as: UTF8.self))")
    let place = try #require(started.headers["location"])
    while true {
      let job = try await get(place).object()
      if !["waiting", "running"].contains(job["state"] as? String) { return job }
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}
