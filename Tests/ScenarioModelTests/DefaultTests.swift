import Documents
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

/// A default stands in the grammar, for people and for the schema, and it is what the reader takes.
@Suite("Defaults of the grammar")
struct DefaultTests {
  /// What the shipped scenarios leave out.
  private static let rare = """
    workbench: 1
    name: rare
    period: { from: 2026-03-02, to: 2026-03-09 }
    account:
      name: a
      subscription: { maxReplicas: 6 }
      platform: {}
      pools: { T4 single: { spot: { price: 1, timeBetweenReclaims: 100d } } }
      deployWindows: { weekly: [ "Mon-Fri 08:00-20:00" ] }
    models:
      - { name: n, kind: external, provider: P, load: { arrivals: { neymanScott: { rate: 1/min, requests: 3, spread: 1s } }, tokens: { input: 1, output: 1 }, uncertainty: { level: { cv: 0.1 }, growth: {} } }, service: { time: 1s } }
      - { name: l, kind: external, provider: P, load: { arrivals: { bartlettLewis: { rate: 1/min, requests: 3, gap: 1s } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }
      - name: m
        kind: fineTuned
        baseModel: b
        fineTuning: [ { startAt: 2026-03-02T08:30, hardware: A10 single, duration: 20min } ]
        load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 10, output: 10, prefix: { tokens: 5 } }, retries: { probability: 0.5, attempts: 2 } }
        deployments:
          - version: V1
            deployAt: 2026-03-02T10:00
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }
            service: { byHardware: { A10 single: { time: 1s }, T4 single: { perOutputToken: 1ms }, T4 cluster of 4: { firstToken: 100ms } } }
            queue: { timeout: 10s }
          - version: V2
            deployAt: 2026-03-02T10:00
            traffic: 0.5
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }
            service: { continuousBatching: { base: 10ms } }
            prefill: { scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }, handover: {} }
            failures: {}
          - version: V3
            deployAt: 2026-03-02T10:00
            traffic: 0.1
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }
            service: { perOutputToken: 1ms }
          - version: V4
            deployAt: 2026-03-02T10:00
            traffic: 0.1
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }
            service: { firstToken: 100ms }
      - name: f
        kind: external
        provider: q
        load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 10, output: 10 }, sessions: { turns: 2, think: 1s, abandon: {} } }
        service: { firstToken: 100ms }
      - name: e
        kind: external
        provider: p
        load: { arrivals: { closedLoop: { users: 2, think: 10s, changes: [ { at: 2026-03-03, users: 3 } ] } }, tokens: { input: 10, output: 10 } }
        service: { perOutputToken: 1ms }
        failures: {}
    incidents: [ { kind: degradation, model: m, from: 2026-03-03, to: 2026-03-04 } ]
    """

  /// Several accounts, which have keys of their own.
  private static let accounts = """
    workbench: 1
    name: several
    period: { from: 2026-03-02, to: 2026-03-09 }
    accounts:
      - name: a
        subscription: { maxReplicas: 1 }
        models:
          - name: e
            kind: external
            provider: p
            load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 10, output: 10 } }
            service: { time: 1s }
    """

  /// A model and a card of one's own.
  private static let stated = """
    workbench: 1
    name: stated
    period: { from: 2026-03-02, to: 2026-03-03 }
    account: { name: a, subscription: { maxReplicas: 1 } }
    models:
      - name: m
        kind: openSource
        load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 10, output: 10 } }
        deployments:
          - version: V1
            deployAt: 2026-03-01
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 8 }
            service:
              roofline:
                architecture: { parameters: 1e9, layers: 16, hidden: 2048, heads: 16, kvHeads: 8, headSize: 128, vocabulary: 32000 }
                card: { teraflops: 100, bandwidth: 500, memory: 24, link: 16 }
    """

  /// Every scaling policy.
  private static let policies = """
    workbench: 1
    name: policies
    period: { from: 2026-03-02, to: 2026-03-09 }
    account: { name: a, subscription: { maxReplicas: 12 } }
    models:
      - name: m
        kind: openSource
        load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 10, output: 10 } }
        deployments:
          - version: V1
            deployAt: 2026-03-01
            # the rest
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8, policy: { concurrency: {} } }
            service: { continuousBatching: { base: 10ms, kvCache: { tokens: 1600 } } }
          - version: V2
            deployAt: 2026-03-01
            traffic: 0.1
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8, policy: { targetUtilisation: { target: 0.7, scaleUp: {}, scaleDown: {} } } }
            service: { continuousBatching: { base: 10ms, kvCache: { tokens: 1600 } } }
          - version: V3
            deployAt: 2026-03-01
            traffic: 0.1
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8, policy: { kvUtilisation: { target: 0.7 } } }
            service: { continuousBatching: { base: 10ms, kvCache: { tokens: 1600 } } }
          - version: V4
            deployAt: 2026-03-01
            traffic: 0.1
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8, policy: { queueLength: { target: 5 } } }
            service: { continuousBatching: { base: 10ms, kvCache: { tokens: 1600 } } }
          - version: V5
            deployAt: 2026-03-01
            traffic: 0.1
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8, policy: { averageConcurrency: {} } }
            service: { continuousBatching: { base: 10ms, kvCache: { tokens: 1600 } } }
          - version: V6
            deployAt: 2026-03-01
            traffic: 0.1
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8, policy: { predictive: {} } }
            service: { continuousBatching: { base: 10ms, kvCache: { tokens: 1600 } } }
    """

  private typealias Object = [String: Any]

  /// Every default that a document does not state, with the override that states it.
  private static func unstated(
    _ node: DocumentNode, _ schema: Object, _ place: String, _ path: [String], _ definitions: Object
  ) -> [(place: String, override: String)] {
    if let reference = schema["$ref"] as? String {
      let name = String(reference.dropFirst("#/$defs/".count))
      guard let target = definitions[name] as? Object else { return [] }
      return unstated(node, target, name, path, definitions)
    }
    let alternatives = ((schema["anyOf"] ?? schema["oneOf"]) as? [Object] ?? []).flatMap {
      unstated(node, $0, place, path, definitions)
    }
    var found = schema["properties"] == nil ? alternatives : []
    if let elements = node.elements, let items = schema["items"] as? Object {
      for (index, element) in elements.enumerated() {
        found += unstated(element, items, place, path + ["\(index)"], definitions)
      }
    }
    guard let entries = node.entries else { return found }
    for case let value as Object in (schema["patternProperties"] as? Object ?? [:]).values {
      for entry in entries {
        found += unstated(entry.value, value, place, path + [Overrides.step(entry.key)], definitions)
      }
    }
    guard let properties = schema["properties"] as? [String: Object],
      entries.allSatisfy({ properties[$0.key] != nil })
    else { return found }
    for (name, property) in properties {
      let inner = path + [name]
      if let value = node.member(name) {
        found += unstated(value, property, "\(place).\(name)", inner, definitions)
      } else if let value = property["default"] {
        let text = property["type"] as? String == "boolean" ? "\(value as? Bool ?? false)" : "\(value)"
        found.append(("\(place).\(name)", "\(inner.joined(separator: "."))=\(text)"))
      }
    }
    return found
  }

  /// Every place of a schema that has a default.
  private static func places(_ schema: Any, _ place: String) -> [String] {
    guard let object = schema as? Object, let properties = object["properties"] as? [String: Object] else {
      return []
    }
    return properties.filter { $0.value["default"] != nil }.map { "\(place).\($0.key)" }
  }

  @Test("stating the default of a key that a scenario leaves out changes nothing")
  func stated() throws {
    let schema = try #require(
      try JSONSerialization.jsonObject(with: Data(ScenarioSchema.json().utf8)) as? Object)
    let definitions = try #require(schema["$defs"] as? Object)
    var expected = Set(Self.places(schema, "scenario"))
    for (name, definition) in definitions { expected.formUnion(Self.places(definition, name)) }
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Scenarios")
    let shipped = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "yaml" }
    #expect(!shipped.isEmpty)
    let documents =
      try shipped.map { (try Data(contentsOf: $0), $0.path) } + [
        (Data(Self.rare.utf8), "rare.yaml"), (Data(Self.accounts.utf8), "accounts.yaml"),
        (Data(Self.stated.utf8), "stated.yaml"), (Data(Self.policies.utf8), "policies.yaml"),
      ]
    var seen: Set<String> = []
    for (data, path) in documents {
      let plain = try ScenarioDocument(data, path: path).scenario
      let root = try Document.parse(data, path: path)
      let rootSchema = schema.filter { $0.key != "oneOf" }
      for (place, override) in Self.unstated(root, rootSchema, "scenario", [], definitions)
      where !seen.contains(place) {
        do {
          let stated = try ScenarioDocument(data, path: path, overrides: [override]).scenario
          #expect(stated == plain, "\(place): \(override) of \(path)")
        } catch  where "\(error)".contains(" together. ") {
          // The document has the key's alternative, so the default is another document's to try.
          continue
        }
        seen.insert(place)
      }
    }
    #expect(
      expected.subtracting(seen).isEmpty, "no document leaves out \(expected.subtracting(seen).sorted())")
    #expect(seen.count > 25)
  }
}
