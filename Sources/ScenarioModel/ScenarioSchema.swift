import Documents

/// The scenario document's JSON Schema, and the guide to its keys.
package enum ScenarioSchema {
  package static func json() throws -> String {
    try DocumentSchema.json(
      Grammar.scenario, title: "Model Analytics Workbench scenario",
      oneOf: [["account", "models"], ["accounts"]])
  }

  /// What each key means.
  package static let guide = KeyGuide(
    Grammar.scenario,
    samples: [
      "name": "chat", "version": "V1", "hardware": "A10 single", "timeZone": "America/New_York",
      "provider": "OpenAI", "baseModel": "mistral-7b", "model": "chat",
      "weekly": "[ \"Mon-Thu 08:00-18:00\" ]",
      "window": "\"Mon-Fri 08:00-18:00\"", "load.profile": "office-hours", "profile": "service.yaml",
      "trace": "trace.csv", "file": "trace.csv",
      "dataset": "chunk-1-dataset.json", "expect": "[ latency.p95 <= 5s ]", "description": "A week of chat.",
      "rateProfile.hourly":
        "[ 0.2, 0.2, 0.2, 0.2, 0.2, 0.3, 0.5, 1, 1.6, 2, 2, 1.8, 1.6, 1.8, 2, 1.9, 1.6, 1.2, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2 ]",
      "rateProfile.dates": "{ 2026-01-06: 2.5 }", "rateProfile.weekly": "{ Sat: 0.4, Sun: 0.3 }",
    ])
}
