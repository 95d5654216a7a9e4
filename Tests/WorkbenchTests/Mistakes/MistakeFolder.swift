import Foundation
import TestSupport

/// What mistakes are made with: scenarios, runs and files, right and wrong, in one folder that none of them changes.
enum MistakeFolder {
  static let made = Result { try make() }

  static let good = """
    workbench: 1
    name: good
    period: { from: 2026-03-02, to: 2026-03-02T06:00 }
    account:
      name: acme
      subscription: { maxReplicas: 4 }
    models:
      - name: chat
        kind: openSource
        load:
          arrivals: { poisson: { rate: 20/h } }
          tokens: { input: 100, output: 50 }
        deployments:
          - version: V1
            deployAt: 2026-03-01
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 4 }
            service: { time: 1s }
      - name: gpt
        kind: external
        provider: OpenAI
        load:
          arrivals: { poisson: { rate: 20/h } }
          tokens: { input: 100, output: 50 }
        service: { time: 1s }

    """

  private static let two = """
    workbench: 1
    name: two
    period: { from: 2026-03-02, to: 2026-03-02T02:00 }
    accounts:
      - name: acme
        subscription: { maxReplicas: 1 }
        models: [ { name: gpt, kind: external, provider: OpenAI, load: { arrivals: { poisson: { rate: 9/h } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } } ]
      - name: bolt
        subscription: { maxReplicas: 1 }
        models: [ { name: gpt, kind: external, provider: OpenAI, load: { arrivals: { poisson: { rate: 9/h } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } } ]

    """

  /// Scenarios with one mistake each: a text of the good one, and what stands there instead.
  private static let wrong: [(name: String, from: String, to: String)] = [
    ("misspelt", "name: good", "nmae: good"),
    ("unquoted", "name: good", "name: good: better"),
    ("wrong-range", "maxReplicas: 2", "maxReplicas: 300"),
    ("above-platform", "maxReplicas: 2", "maxReplicas: 51"),
    ("above-stated", "name: acme", "name: acme\n  platform: { maxReplicas: 1 }"),
    ("hardware-limit", "maxReplicas: 4 }", "maxReplicas: 4, perHardware: { A10 single: 1 } }"),
    ("pool-limit", "name: acme", "name: acme\n  pools: { A10 single: { limit: 1 } }"),
    ("pool-hardware", "name: acme", "name: acme\n  pools: { A11 single: { limit: 1 } }"),
    ("pool-twice", "name: acme", "name: acme\n  pools: { T4 single: {}, T4 single: {} }"),
    (
      "spot-price", "name: acme", "name: acme\n  pools: { A10 single: { spot: { timeBetweenReclaims: 1h } } }"
    ),
    (
      "spot-notice", "name: acme",
      "name: acme\n  pools: { A10 single: { spot: { price: 0.3, timeBetweenReclaims: 1min, notice: 2min } } }"
    ),
    ("unknown-limit", "maxReplicas: 4 }", "maxReplicas: 4, perHardware: { A11 single: 3 } }"),
    ("wrong-choice", "kind: openSource", "kind: opensource"),
    ("wrong-unit", "service: { time: 1s }\n  - name: gpt", "service: { time: 1 }\n  - name: gpt"),
    ("wrong-instant", "from: 2026-03-02,", "from: 2026-02-30,"),
    ("wrong-zone", "name: acme", "name: acme\n  timeZone: America/New_Yrok"),
    ("wrong-hardware", "hardware: A10 single", "hardware: A10 singel"),
    (
      "wrong-distribution", "{ time: 1s }\n  - name: gpt",
      "{ time: { lognromal: { mean: 1s, cv: 1 } } }\n  - name: gpt"
    ),
    ("wrong-policy", "maxBatchSize: 4 }", "maxBatchSize: 4, policy: { queueLenght: { target: 2 } } }"),
    ("backwards", "to: 2026-03-02T06:00", "to: 2026-03-01"),
    ("twice", "  - name: gpt", "  - name: gpt\n    name: gpt"),
    (
      "absent-trace",
      "arrivals: { poisson: { rate: 20/h } }\n      tokens: { input: 100, output: 50 }\n    deployments",
      "arrivals: { trace: nowhere.csv }\n    deployments"
    ),
    (
      "traced",
      "arrivals: { poisson: { rate: 20/h } }\n      tokens: { input: 100, output: 50 }\n    deployments",
      "arrivals: { trace: trace.csv }\n    deployments"
    ),
    (
      "bad-trace",
      "arrivals: { poisson: { rate: 20/h } }\n      tokens: { input: 100, output: 50 }\n    deployments",
      "arrivals: { trace: bad-trace.csv }\n    deployments"
    ),
    (
      "wrong-profile", "      tokens: { input: 100, output: 50 }\n    deployments",
      "      tokens: { input: 100, output: 50 }\n      profile: nihgt\n    deployments"
    ),
    ("wrong-expect", "name: good", "name: good\nexpect: [ latensy.p95 <= 5s ]"),
    (
      "wrong-incident", "models:",
      "incidents: [ { kind: outage, model: chta, from: 2026-03-02, to: 2026-03-03 } ]\nmodels:"
    ),
    (
      "wrong-model-name", "models:",
      "incidents: [ { kind: outage, provider: OpenIA, from: 2026-03-02, to: 2026-03-03 } ]\nmodels:"
    ),
    (
      "wrong-cards",
      "hardware: A10 single\n        scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 4 }\n        service: { time: 1s }",
      "hardware: A10 cluster of 8\n        scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 4 }\n        service: { roofline: { model: qwen2.5-7b } }"
    ),
    (
      "wrong-overlap", "{ time: 1s }\n  - name: gpt",
      "{ continuousBatching: { base: 5ms, perToken: 1ms, overlap: 9ms } }\n  - name: gpt"
    ),
    (
      "wrong-step", "{ time: 1s }\n  - name: gpt",
      "{ roofline: { model: llama-3.1-8b, maxTokensPerStep: 2 } }\n  - name: gpt"
    ),
    (
      "wrong-heads", "{ time: 1s }\n  - name: gpt",
      "{ roofline: { architecture: { parameters: 8e9, layers: 32, hidden: 4096, heads: 32, kvHeads: 7, headSize: 128, vocabulary: 32000 } } }\n  - name: gpt"
    ),
    (
      "wrong-document", "{ time: 1s }\n  - name: gpt",
      "{ profile: mapping.yaml }\n  - name: gpt"
    ),
    (
      "wrong-prefill", "{ time: 1s }\n  - name: gpt",
      "{ continuousBatching: { base: 5ms } }\n        prefill: { hardware: T4 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 4 } }\n  - name: gpt"
    ),
    (
      "wrong-memory", "{ time: 1s }\n  - name: gpt",
      "{ continuousBatching: { base: 5ms, kvCache: { tokens: 8 } } }\n  - name: gpt"
    ),
    (
      "wrong-nesting", "{ time: 1s }\n  - name: gpt",
      "{ byHardware: { A10 single: { byHardware: { A10 single: { time: 1s } } } } }\n  - name: gpt"
    ),
    ("judged", "name: good", "name: good\nexpect: [ latency.p95 <= 1ms ]"),
    ("pointless", "models:", "profiles: { rates: { night: { weekly: { Sat: 0.5 } } } }\nmodels:"),
    ("negative", "{ time: 1s }\n  - name: gpt", "{ time: { normal: { mean: 1s, sd: 1s } } }\n  - name: gpt"),
  ]

  private static let files: [(name: String, text: String)] = [
    ("empty.yaml", ""), ("empty.csv", ""), ("tab.yaml", "workbench: 1\n\tname: x\n"),
    (
      "no-models.yaml",
      "workbench: 1\nname: x\nperiod: { from: 2026-03-02, to: 2026-03-03 }\naccount: { name: a, subscription: { maxReplicas: 1 } }\n"
    ),
    ("list.yaml", "- 1\n- 2\n"),
    ("bad-policy.yaml", "targetUtilisation: { traget: 0.7 }\n"),
    ("kv-policy.yaml", "kvUtilisation: { target: 0.7 }\n"),
    (
      "bad-cases.yaml",
      "workbenchPlan: 1\ncases:\n  - { name: a, weight: much }\n  - { name: a, set: [ load.scale ] }\n"
    ),
    (
      "bad-decisions.yaml",
      "workbenchPlan: 1\ndecisions:\n  - { name: a, policy: { queueLenght: { target: 2 } } }\n  - { name: b }\n"
    ),
    ("bad-plan.yaml", "workbenchPlan: 1\nvary:\n  - { path: load.scale }\n"),
    ("bad-tolerances.yaml", "workbenchTolerances: 1\nrules:\n  - { metrik: p99, relative: 1% }\n"),
    ("bad-objectives.yaml", "workbenchObjectives: 1\nexpect: [ latency.p95 <= 5 ]\n"),
    ("lost-objectives.yaml", "workbenchObjectives: 1\nexpect: [ models.chta.latency.p95 <= 5s ]\n"),
    (
      "mapping.yaml",
      "workbenchMapping: 1\naccount: { name: acme, timeZone: UTC }\ncolumns:\n  arrivedAt: { column: time, zone: UTC }\n  model: model\n  kind: { constant: openSource }\n  latency: { column: seconds, unit: s }\n"
    ),
    (
      "bad-mapping.yaml",
      "workbenchMapping: 1\naccount: { name: acme, timeZone: UTC }\ncolumns:\n  arivedAt: time\n"
    ),
    ("export.csv", "time,model,seconds\n2026-03-02T00:00:00,chat,1.5\n2026-03-02T00:01:00,chat,-\n"),
    ("other.csv", "a,b\n1,2\n"),
    (
      "trace.csv",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2026-03-02 00:00:00.0000000,10,20\n2026-03-02 00:00:09.0000000,10,20\n"
    ),
    ("bad-trace.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2026-03-02 00:00:00.0000000,ten,20\n"),
    ("spans.jsonl", "{\"resourceSpans\":[]}\n"),
    ("bad.json", "{ \"query\": \n"), ("not-dashboard.json", "{ \"a\": 1 }\n"),
  ]

  private static func make() throws -> Scratch {
    let folder = try Scratch()
    try folder.write("good.yaml", good)
    try folder.write("two.yaml", two)
    try folder.write("latin1.yaml", Data("name: caf".utf8) + Data([0xe9, 0x0a]))
    for (name, from, to) in wrong {
      let text = good.replacing(from, with: to, maxReplacements: 1)
      if text == good { throw CocoaError(.formatting) }
      try folder.write("\(name).yaml", text)
    }
    for (name, text) in files { try folder.write(name, text) }
    for name in ["mine", "nothing", "scenarios", "broken", "client"] {
      try FileManager.default.createDirectory(
        atPath: folder.file(name), withIntermediateDirectories: true)
    }
    try folder.write("mine/thesis.txt", "precious")
    try folder.write("scenarios/steady.yaml", good)
    try folder.write("broken/requests.csv", "request_id\n1\n")
    try folder.write("broken/models.csv", "model_id\n1\n")
    for words in [
      ["run", "good.yaml", "-o", "run"], ["run", "two.yaml", "-o", "two"],
      ["run", "good.yaml", "-o", "other-seed", "--seed", "8"], ["run", "good.yaml", "-o", "torn"],
      ["plan", "good.yaml", "--replications", "2", "-o", "plan"], ["convert", "run", "good.sqlite"],
    ] { try run(words, in: folder) }
    let emitted = try run(
      ["run", "two.yaml", "--emit-tasks", "--formats", "none", "--store", "store"], in: folder)
    try folder.write("tasks.jsonl", emitted)
    // A run that has changed since it was made.
    try folder.write("torn/telemetry/models.csv", "model_id\n1\n")
    return folder
  }

  @discardableResult
  private static func run(_ words: [String], in folder: Scratch) throws -> String {
    let quiet = words.contains("--emit-tasks") || words.contains("convert") ? [] : ["-q"]
    let outcome = try Program.command(Program.path, words + quiet, in: folder.path)
    guard outcome.status == 0 else { throw CocoaError(.executableLoad, userInfo: ["said": outcome.error]) }
    return outcome.output
  }
}
