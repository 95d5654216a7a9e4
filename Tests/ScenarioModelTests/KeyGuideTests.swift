import Documents
import Foundation
import ScenarioModel
import Testing

@Suite("The guide to the scenario's keys")
struct KeyGuideTests {
  @Test("every key of the scenario is explained, with an example")
  func complete() throws {
    let paths = ScenarioSchema.guide.paths
    #expect(paths.count > 200)
    #expect(Set(paths).count == paths.count)
    for path in paths {
      let found = try ScenarioSchema.guide.explanation(of: path)
      #expect(found.path == path)
      #expect(!found.meaning.isEmpty && !found.type.isEmpty, "\(path)")
      #expect(found.example?.contains(": ") == true, "\(path): \(found.example ?? "")")
      for key in found.keys { #expect(!key.meaning.isEmpty && !key.type.isEmpty, "\(path).\(key.name)") }
    }
  }

  @Test("what the schema describes, the guide explains with the same words")
  func schema() throws {
    let schema =
      try JSONSerialization.jsonObject(with: Data(ScenarioSchema.json().utf8)) as? [String: Any]
    let definitions = try #require(schema?["$defs"] as? [String: [String: Any]])
    let load = try #require(definitions["load"]?["properties"] as? [String: [String: Any]])
    #expect(load.count >= 5)
    for (name, property) in load {
      #expect(
        try ScenarioSchema.guide.explanation(of: "models.load.\(name)").meaning
          == property["description"] as? String, "\(name)")
    }
  }

  @Test(
    "a path that leads nowhere says where it may have meant to lead",
    arguments: [
      ("load.scael", "Did you mean models.*.load.scale?"),
      ("models.chat.lod", "Did you mean models.*.load?"),
      ("priod", "Did you mean period?"),
      ("models.chat.deployments.V1.scaling.maxReplica", "scaling.maxReplicas?"),
      ("scale.load", "in this order"),
      ("xyzzyxyzzy", "Known at the top: workbench, name"),
    ])
  func misspelt(path: String, hint: String) {
    let error = #expect(throws: KeyGuide.UnknownPath.self) { try ScenarioSchema.guide.explanation(of: path) }
    #expect(error?.description.contains(hint) == true, "\(error?.description ?? "")")
  }
}
