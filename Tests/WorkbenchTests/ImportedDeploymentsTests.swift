import Foundation
import TestSupport
import Testing

@Suite("Imports with accounts, hardware and replicas, through the commands")
struct ImportedDeploymentsTests {
  static let mapping = """
    workbenchMapping: 1
    account: { name: main, credits: { A10 single: 2 } }
    rows: { list: pages.*.calls, except: { kind: [ ping ] } }
    deployments: [ { hardware: A10 single, replicas: 3, maxBatchSize: 4 } ]
    columns:
      id: id
      account: org
      arrivedAt: { column: at, format: s, origin: 2026-03-02T10:00:00Z }
      latency: { difference: [ end, at ], unit: s }
      inputTokens: in
      cachedInputTokens: hit
      model: { constant: chat }
      version: { constant: V1 }
      kind: { constant: openSource }
    """

  /// A call every half minute for an hour, alternately of two accounts, and between them what is none.
  static let export: String = {
    let calls = (0..<120).flatMap { number -> [String] in
      let org = number % 2 == 0 ? "\"alpha\"" : "null"
      return [
        "{\"id\": \(number), \"org\": \(org), \"at\": \(30 * number), \"end\": \(30 * number + 1 + number % 7), \"in\": \(100 + number), \"hit\": \(number)}",
        "{\"kind\": \"ping\", \"at\": \"never\"}",
      ]
    }
    let pages = [calls.prefix(100), calls.dropFirst(100), calls.prefix(2)]
    return
      "{\"pages\": [\(pages.map { "{\"calls\": [\n\($0.joined(separator: ",\n"))\n]}" }.joined(separator: ",\n"))]}"
  }()

  @Test("replicas that are stated cost credits, are validated, and leave nothing for a fit to assume")
  func stated() throws {
    let scratch = try Scratch()
    let export = try scratch.write("export.json", Self.export)
    let mapping = try scratch.write("map.yaml", Self.mapping)
    let out = scratch.file("out")
    let outcome = try Program.run("import", "table", export, "--mapping", mapping, "-o", out)
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(
      outcome.output.contains("121 rows were left out, as rows of the mapping says: kind ping 121.")
        && outcome.output.contains("1 row came again, by id: counted once.")
        && outcome.output.contains("120 requests of 2 accounts. Next: workbench aggregate")
        && outcome.output.contains("--account alpha --period 2026-03-02"), "\(outcome.output)")
    let requests = try String(contentsOfFile: "\(out)/telemetry/requests.csv", encoding: .utf8)
      .split(separator: "\n")
    #expect(requests[0].hasSuffix(",cached_input_tokens"))
    #expect(requests[8] == "8,2026-03-02T10:03:30.000000Z,2,V1,success,,,,1000000,107,0,7")
    // From the first request of each account to 11:00: 3 × 1 h × 2 and 3 × 3570 s ÷ 3600 s × 2.
    for (account, credits) in [("alpha", 6.0), ("main", 5.95)] {
      let answer = try Program.run(
        "aggregate", out, "--account", account, "--kind", "openSource", "--period", "2026-03-02")
      let dashboard = try #require(
        try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any])
      let figures = try #require(dashboard["account"] as? [String: Any])
      #expect(figures["deploymentCredits"] as? Double == credits)
      let counted = try #require(dashboard["requests"] as? [String: Any])
      #expect(counted["totalRequests"] as? Int == 60)
    }
    let validated = try Program.run("validate", out)
    #expect(validated.status == 0, "\(validated.output) \(validated.error)")
    let scenario = scratch.file("fitted.yaml")
    let fit = try Program.run("fit", out, "-o", scenario, "--account", "alpha", "--no-check")
    #expect(fit.status == 0, "\(fit.error)")
    let text = try String(contentsOfFile: scenario, encoding: .utf8)
    #expect(text.contains("hardware: \"A10 single\"") && text.contains("maxBatchSize: 4"), "\(text)")
    #expect(text.contains("minReplicas: 3") && text.contains("maxReplicas: 3"))
    #expect(!text.contains("says nothing about hardware"))
    #expect(try Program.run("check", scenario).status == 0)
  }

  @Test("batch slots that could not have held the requests are found")
  func impossible() throws {
    let scratch = try Scratch()
    let csv = "t,s\n" + (0..<5).map { "2026-03-02T10:00:0\($0)Z,60\n" }.joined()
    let mapping = try scratch.write(
      "map.yaml",
      """
      workbenchMapping: 1
      account: { name: a, credits: { A10 single: 0 } }
      deployments: [ { hardware: A10 single, replicas: 2, maxBatchSize: 2 } ]
      columns: { arrivedAt: t, latency: { column: s, unit: s }, model: { constant: m }, kind: { constant: openSource } }
      """)
    let out = scratch.file("out")
    #expect(
      try Program.run("import", "table", scratch.write("e.csv", csv), "--mapping", mapping, "-o", out, "-q")
        .status == 0)
    let found = try Program.run("validate", out)
    #expect(found.status == 1 && found.output.contains("serves 5 requests"), "\(found.output)")
  }

  @Test("the schema of mappings has every key")
  func schema() throws {
    let schema = try Program.run("schema", "mapping").output
    for key in [
      "startedAt", "firstTokenAt", "cachedInputTokens", "id", "account", "hardware", "origin", "difference",
      "only",
      "except", "list", "replicas", "maxBatchSize", "credits",
    ] {
      #expect(schema.contains("\"\(key)\" : {"), "\(key)")
    }
  }
}
