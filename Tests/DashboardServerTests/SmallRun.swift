import Foundation
import TestSupport

/// A run with known figures: models of hosted versions, each version with its number of requests on one day.
struct SmallRun {
  struct Model {
    var name: String
    var kind = "openSource"
    var provider = ""
    var versions: [(name: String, requests: Int)]
  }

  var account = "acme"
  var models: [Model]
  var seed = 1

  /// The day of all requests, the last of the period.
  static let day = "2026-03-02"

  /// Writes it as a run directory without rollups.
  @discardableResult
  func write(_ path: String) throws -> String {
    let manager = FileManager.default
    try manager.createDirectory(atPath: path + "/telemetry", withIntermediateDirectories: true)
    func table(_ name: String, _ head: String, _ rows: [[String]]) throws {
      let text =
        ([head] + rows.map { $0.map(Self.cell).joined(separator: ",") }).joined(separator: "\n") + "\n"
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/telemetry/\(name).csv"))
    }
    let start = "\(Self.day)T00:00:00.000000Z"
    try table("accounts", "account,time_zone,subscription_max_replicas", [[account, "UTC", "9"]])
    try table("hardware", "account,hardware,credits_micro_per_hour", [[account, "A10 single", "2118000"]])
    try table(
      "models", "model_id,account,kind,name,provider,created_at",
      models.enumerated().map { ["\($0 + 1)", account, $1.kind, $1.name, $1.provider, start] })
    try table(
      "deployments",
      "model_id,version,hardware,min_replicas,max_replicas,max_batch_size,requested_at,deployed_at,undeployed_at,outcome",
      models.enumerated().flatMap { index, model in
        model.kind == "external"
          ? []
          : model.versions.map {
            ["\(index + 1)", $0.name, "A10 single", "1", "1", "8", start, start, "", "deployed"]
          }
      })
    try table("replicas", "at,model_id,version,hardware,starting,ready,draining,limited_by", [])
    try table(
      "fine_tuning_jobs",
      "job_id,model_id,base_model,hardware,started_at,finished_at,outcome,credits_micro", [])
    try table("incidents", "model_id,provider,kind,started_at,ended_at", [])
    var requests: [[String]] = []
    for (index, model) in models.enumerated() {
      for version in model.versions {
        for number in 0..<version.requests {
          // All in one quarter, which keeps the points of some only.
          let at = "\(Self.day)T00:0\(number / 60 % 10):\(String(format: "%02d", number % 60)).000000Z"
          requests.append([
            at, "\(index + 1)", model.kind == "external" ? "" : version.name, "success", "", "0", "1000",
            "\(1000 + number)", "10", "5",
          ])
        }
      }
    }
    requests.sort { $0[0] < $1[0] }
    try table(
      "requests",
      "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens",
      requests.enumerated().map { ["\($0 + 1)"] + $1 })
    let manifest = """
      {"files": {}, "format": 1, "notDeployed": {}, "period": {"from": "\(start)", "to": "2026-03-03T00:00:00.000000Z"},
       "program": "test", "rows": {}, "seed": \(seed), "source": "small"}
      """
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: path + "/manifest.json"))
    return path
  }

  private static func cell(_ text: String) -> String {
    text.utf8.contains { ",\"\r\n".utf8.contains($0) }
      ? "\"" + text.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\"" : text
  }
}
