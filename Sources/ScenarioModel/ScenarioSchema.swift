import Documents

/// The scenario document's JSON Schema.
package enum ScenarioSchema {
  package static func json() throws -> String {
    try DocumentSchema.json(
      Grammar.scenario, title: "Model Analytics Workbench scenario",
      oneOf: [["account", "models"], ["accounts"]])
  }
}
