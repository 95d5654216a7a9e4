import Documents
import Foundation
import ScenarioModel
import TestSupport
import Testing

private let designExample = sharedData("../design/scenario-example.yaml")

@Suite("What `check` says")
struct CheckTests {
  static let valid = """
    workbench: 1
    name: valid
    period: { from: 2026-01-01, to: 2026-02-01 }
    account:
      name: acme
      timeZone: America/New_York
      subscription: { maxReplicas: 10 }
    models:
      - name: m
        kind: openSource
        load:
          arrivals: { poisson: { rate: 1/s } }
          tokens: { input: 100, output: 50 }
        deployments:
          - version: V1
            deployAt: 2026-01-05T09:00
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 4, maxBatchSize: 8 }
            service: { time: 1s }

    """

  static func errors(_ yaml: String, overrides: [String] = []) -> [String] {
    do {
      _ = try ScenarioDocument(Data(yaml.utf8), path: "t.yaml", overrides: overrides)
      return []
    } catch let errors as DocumentErrors {
      return errors.diagnostics.map { $0.rendered(path: "t.yaml") }
    } catch {
      return ["another error: \(error)"]
    }
  }

  struct Mistake: Sendable, CustomTestStringConvertible {
    var from: String
    var to: String
    var error: String
    var testDescription: String { to }
    init(_ from: String, _ to: String, _ error: String) {
      (self.from, self.to, self.error) = (from, to, error)
    }
  }

  @Test("the document without mistakes has none")
  func clean() { #expect(Self.errors(Self.valid) == []) }

  static let mistakes: [Mistake] = [
    .init("minReplicas: 1,", "minReplicas: 5,", "t.yaml:18:33: error: minReplicas 5 is above maxReplicas 4."),
    .init(
      "minReplicas: 1, maxReplicas: 4", "minReplicas: 1, maxReplicas: 12",
      "t.yaml:18:49: error: maxReplicas 12 is above the subscription's 10."),
    .init(
      "maxReplicas: 10 }", "maxReplicas: 3 }",
      "t.yaml:18:49: error: maxReplicas 4 is above the subscription's 3."),
    .init(
      "minReplicas: 1, maxReplicas: 4", "minReplicas: 1, maxReplicas: 51",
      "t.yaml:18:49: error: maxReplicas 51 is above the platform's 50, its own limit. Lower it, or, if your platform lets a deployment have more, give account.platform: { maxReplicas: 51 }."
    ),
    .init(
      "minReplicas: 1, maxReplicas: 4", "minReplicas: 1, maxReplicas: 257",
      "t.yaml:18:49: error: maxReplicas 257 is out of range. It must be 1 to 256."),
    .init("hardware:", "hardwear:", "t.yaml:17:9: error: unknown key \"hardwear\". Did you mean hardware?"),
    .init(
      "A10 single", "A11 single",
      "t.yaml:17:19: error: hardware \"A11 single\" is not in the price list. Did you mean A10 single?"),
    .init("rate: 1/s", "rate: 1", "t.yaml:12:36: error: rate 1 has no unit."),
    .init(
      "{ time: 1s }", "{ time: 1s, continuousBatching: { base: 9ms } }",
      "t.yaml:19:26: error: continuousBatching and time cannot be given together. Either a replica works in steps"
    ),
    .init(
      "{ time: 1s }", "{ continuousBatching: { base: 0ms } }",
      "t.yaml:19:48: error: base must be above 0: a step takes time."),
    .init(
      "{ time: 1s }", "{ continuousBatching: { base: 9ms, perToken: 1ms, overlap: 10ms } }",
      "t.yaml:19:77: error: overlap is longer than base, so that computation would pass while nothing is read"
    ),
    .init(
      "{ time: 1s }", "{ continuousBatching: { base: 9ms, maxTokensPerStep: 7 } }",
      "t.yaml:19:71: error: maxTokensPerStep 7 is below maxBatchSize 8"),
    .init(
      "{ time: 1s }", "{ continuousBatching: { perSequence: 1ms } }",
      "t.yaml:19:40: error: base is missing."),
    .init(
      "{ time: 1s }", "{ continuousBatching: { base: 9ms, perSequence: -1ms } }",
      "t.yaml:19:66: error: perSequence"),
    .init("time: 1s", "time: 1", "t.yaml:19:26: error: time 1 has no unit."),
    .init(
      "America/New_York", "America/New_Yrok", "t.yaml:6:13: error: unknown time zone \"America/New_Yrok\"."),
    .init(
      "2026-01-05T09:00", "2026-03-08T02:30",
      "t.yaml:16:19: error: deployAt \"2026-03-08T02:30\" does not exist in America/New_York: clocks skip it, to 2026-03-08T03:00:00-04:00."
    ),
    .init(
      "2026-01-05T09:00", "2026-02-30",
      "t.yaml:16:19: error: deployAt \"2026-02-30\" is not a date of the calendar."),
    .init("2026-01-05T09:00", "2026-02-05", "t.yaml:16:19: error: the deployment lies outside the period"),
    .init("2026-01-05T09:00", "soon", "t.yaml:16:19: error: deployAt \"soon\" is not an instant."),
    .init("to: 2026-02-01", "to: 2025-12-31", "t.yaml:3:33: error: the period ends before it starts."),
    .init(
      "kind: openSource", "kind: opensource",
      "t.yaml:10:11: error: kind \"opensource\" is not one of fineTuned, openSource, external. Did you mean openSource?"
    ),
    .init(
      "poisson: { rate: 1/s }", "neymanScott: { rate: 1/s, requests: 0.5, spread: 1s }",
      "t.yaml:12:55: error: requests 0.5 is out of range. It must be 1 to 10000."),
    .init(
      "poisson: { rate: 1/s }", "neymanScott: { rate: 1/s, requests: 2 }",
      "t.yaml:12:32: error: spread is missing."),
    .init(
      "poisson: { rate: 1/s }", "bartlettLewis: { rate: 1/s, requests: 2, gap: 31d }",
      "t.yaml:12:65: error: gap must be at least 1us and at most 30d."),
    .init(
      "poisson: { rate: 1/s }", "bartlettLewis: { rate: 90000/s, requests: 2, gap: 1h }",
      "t.yaml:12:69: error: at this rate, more than 10000000 requests would be under way between their cause and their arrival."
    ),
    .init(
      "poisson: { rate: 1/s }", "hawkes: { rate: 1/s, branching: 1, delay: 1s }",
      "t.yaml:12:51: error: branching 1 is out of range. It must be 0 to 0.99."),
    .init(
      "poisson: { rate: 1/s }", "hawkes: { rate: 1/s, branching: 0.5, delay: 0s, tail: 1 }",
      "t.yaml:12:63: error: delay must be at least 1us and at most 30d."),
    .init(
      "poisson: { rate: 1/s }", "hawkes: { rate: 1/s, branching: 0.5, delay: 1s, tail: 0.1 }",
      "t.yaml:12:73: error: tail 0.1 is out of range. It must be 0.5 to 10."),
    .init("rate: 1/s", "rate: -1/s", "t.yaml:12:36: error: rate \"-1/s\" is out of range."),
    .init("rate: 1/s", "rate: .nan", "t.yaml:12:36: error: rate must be a rate, not \".nan\"."),
    .init("rate: 1/s", "rate: 1e300/s", "t.yaml:12:36: error: rate \"1e300/s\" is out of range."),
    .init("input: 100", "input: { gamma: { mean: 10 } }", "t.yaml:13:33: error: cv or shape is missing."),
    .init(
      "input: 100", "input: { gamma: { mean: 10, cv: 1, shape: 2 } }",
      "t.yaml:13:33: error: cv and shape cannot be given together; give one of them."),
    .init(
      "input: 100", "input: { lognormal: { median: -3, sigma: 1 } }",
      "t.yaml:13:37: error: a lognormal's median must be positive."),
    .init(
      "input: 100", "input: { exponential: { mean: 1, min: 9, max: 3 } }",
      "t.yaml:13:39: error: input: the minimum 9.0 is above the maximum 3.0."),
    .init(
      "input: 100", "input: { lognormall: { median: 3, sigma: 1 } }",
      "t.yaml:13:26: error: unknown key \"lognormall\". Did you mean lognormal?"),
    .init(
      "maxBatchSize: 8 }", "maxBatchSize: 8.5 }",
      "t.yaml:18:66: error: maxBatchSize must be a whole number, not \"8.5\"."),
    .init("workbench: 1", "workbench: 2", "t.yaml:1:12: error: workbench 2 is out of range."),
    .init("        hardware: A10 single\n", "", "t.yaml:15:9: error: hardware is missing."),
    .init(
      "tokens: { input: 100, output: 50 }", "tokens: 5",
      "t.yaml:13:15: error: \"5\" where a mapping is expected"),
    .init(
      "service: { time: 1s }", "service: { time: 1s, perOutputToken: 3ms }",
      "t.yaml:19:46: error: time and perOutputToken cannot be given together."),
    .init("service: { time: 1s }", "service: {}", "t.yaml:19:18: error: no service time is given."),
    .init("name: m\n", "name: m\n    name: n\n", "error: \"name\" is given twice."),
    .init(
      "2026-01-05T09:00", "2026-01-05T09:00\n        undeployAt: 2026-01-04",
      "t.yaml:17:21: error: undeployAt is not after deployAt."),
    .init(
      "poisson: { rate: 1/s }",
      "gamma: { rate: 1/s, cv: 2, changes: [ { at: 2026-01-08, cv: 1 }, { at: 2026-01-07, cv: 3 } ] }",
      "error: changes must be in order of time, each later than the one before."),
    .init("kind: openSource", "kind: external", "t.yaml:15:7: error: an external model has no deployments."),
  ]

  @Test("each mistake is named with its place and how to mend it", arguments: mistakes)
  func mistake(_ mistake: Mistake) {
    let yaml = Self.valid.replacing(mistake.from, with: mistake.to, maxReplacements: 1)
    #expect(yaml != Self.valid)
    let errors = Self.errors(yaml)
    #expect(errors.contains { $0.contains(mistake.error) }, "\(errors)")
    // One sentence says what is wrong, another how to mend it.
    #expect(errors.allSatisfy { $0.contains(". ") || $0.contains("; ") || $0.contains(": ") })
  }

  @Test("a trend does not go with changes of how much intervals vary")
  func trendAndChanges() {
    let errors = Self.errors(
      Self.valid.replacing(
        "poisson: { rate: 1/s } }",
        with: "weibull: { rate: 1/s, cv: 2, changes: [ { at: 2026-01-08, cv: 1 } ] } }\n      profile: p"
      ).replacing("models:", with: "profiles: { rates: { p: { trend: { perWeek: 2 } } } }\nmodels:"))
    #expect(errors.count == 1)
    #expect(
      errors.first?.hasPrefix(
        "t.yaml:14:16: error: a profile with a trend cannot be combined with changes of cv.")
        ?? false, "\(errors)")
  }

  static let recurrences: [(load: String, error: String)] = [
    (
      "arrivals: { poisson: { rate: 1/s } }\n      recurrence: { from: 2026-01-05, every: 7d }",
      "t.yaml:13:19: error: nothing recurs: there are neither breakpoints in the profile nor changes of cv."
    ),
    (
      "arrivals: { trace: a.csv }\n      recurrence: { from: 2026-01-05, every: 7d }",
      "t.yaml:13:19: error: recurrence cannot be combined with recorded demand. Remove it."
    ),
    (
      "arrivals: { weibull: { rate: 1/s, cv: 2, changes: [ { at: 2026-01-12, cv: 1 } ] } }\n      recurrence: { from: 2026-01-05, every: 7d }",
      "t.yaml:13:27: error: 2026-01-12T05:00:00.000000Z, where the rate or the variability changes, lies outside the cycle that recurs: 2026-01-05T05:00:00.000000Z to 2026-01-12T05:00:00.000000Z."
    ),
    (
      "arrivals: { weibull: { rate: 1/s, cv: 2, changes: [ { at: 2026-01-05, cv: 1 } ] } }\n      recurrence: { from: 2026-01-05, every: 1ms }",
      "t.yaml:13:46: error: every must be at least 1s."
    ),
    (
      "arrivals: { weibull: { rate: 1/s, cv: 2, changes: [ { at: 2026-01-05, cv: 1 } ] } }\n      recurrence: { from: 2026-01-05, every: 2s }",
      "t.yaml:13:46: error: 1 changes recur 1339202 times in the period: more than 1000000 in total."
    ),
  ]

  @Test("what cannot recur", arguments: recurrences)
  func recurrence(_ mistake: (load: String, error: String)) {
    var document = Self.valid.replacing("arrivals: { poisson: { rate: 1/s } }", with: mistake.load)
    if mistake.load.contains("trace") {
      document = document.replacing("      tokens: { input: 100, output: 50 }\n", with: "")
    }
    let errors = Self.errors(document)
    #expect(errors.count == 1 && errors[0].hasPrefix(mistake.error), "\(errors)")
  }

  @Test("all errors come in one pass, in the order of the document")
  func onePass() {
    let yaml = Self.valid.replacing("A10 single", with: "B10").replacing("1/s", with: "1").replacing(
      "minReplicas: 1", with: "minReplicas: 9"
    ).replacing("New_York", with: "Gotham")
    let lines = Self.errors(yaml).map { $0.split(separator: ":")[1] }
    #expect(lines == ["6", "12", "17", "18"])
  }

  @Test("versions that overlap need traffic shares")
  func overlap() {
    let second = """
            - { version: V2, deployAt: 2026-01-10, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 1 }, service: { time: 1s } }
      """
    #expect(
      Self.errors(Self.valid + second + "\n").first
        == "t.yaml:20:34: error: versions V1 and V2 overlap without traffic shares. Give one of them traffic, or undeploy V1 before."
    )
    #expect(Self.errors(Self.valid + second.replacing("V2,", with: "V2, traffic: 0.5,") + "\n") == [])
    #expect(
      Self.errors(Self.valid + second.replacing("V2,", with: "V1, traffic: 0.5,") + "\n").first?.contains(
        "version V1 is deployed twice") == true)
  }

  @Test("a deployment's minReplicas that can never fit the subscription")
  func neverFits() {
    let yaml = Self.valid.replacing("maxReplicas: 10 }", with: "maxReplicas: 2 }").replacing(
      "minReplicas: 1, maxReplicas: 4", with: "minReplicas: 3, maxReplicas: 4")
    #expect(
      Self.errors(yaml).contains { $0.contains("minReplicas 3 can never fit into the subscription's 2.") })
  }

  @Test(
    "overrides change one value, by name or by number",
    arguments: [
      "models.m.deployments.V1.scaling.maxReplicas=6", "models.0.deployments.0.scaling.maxReplicas=6",
    ])
  func overrides(override: String) throws {
    let document = try ScenarioDocument(Data(Self.valid.utf8), path: "t.yaml", overrides: [override])
    #expect(document.scenario.accounts[0].models[0].deployments[0].scaling.maxReplicas == 6)
    // What was run can be run again.
    let again = try ScenarioDocument(Data(document.textAsRun.utf8), path: "t.yaml")
    #expect(again.scenario.accounts[0].models[0].deployments[0].scaling.maxReplicas == 6)
  }

  @Test("an override that cannot be applied says why")
  func wrongOverrides() {
    func first(_ override: String) -> String { Self.errors(Self.valid, overrides: [override]).first ?? "" }
    #expect(first("models.m.lod.arrivals=1").contains("there is no \"lod\". Did you mean load?"))
    #expect(first("models.x.load=1").contains("the list has no element \"x\""))
    #expect(first("nonsense").contains("not of the form PATH=VALUE"))
    #expect(
      first("models.m.deployments.V1.scaling.maxReplicas=99").contains(
        "maxReplicas 99 is above the platform's 50"))
    #expect(first("name.x=1").contains("the path continues with \"x\""))
  }

  @Test("every shipped scenario and the starter are without errors")
  func shipped() throws {
    let paths = try shippedScenarios()
    #expect(paths.count >= 10)
    for path in paths {
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(Self.errors(text) == [], "\(path)")
    }
    #expect(Self.errors(Starter.text(name: "a \"quoted\\ name")) == [])
  }

  @Test(
    "every key of the example in the design decodes",
    .enabled(if: designExample != nil, "the shared folder is absent"))
  func everyKey() throws {
    let text = try String(contentsOfFile: try #require(designExample), encoding: .utf8)
    #expect(Self.errors(text) == [])
  }
}

@Suite("Large documents")
struct LargeDocumentTests {
  @Test("a long list is no deep nesting, in either style", arguments: [true, false])
  func longLists(isFlow: Bool) {
    let head = CheckTests.valid.split(separator: "models:")[0]
    let models = (0..<2000).map { index in
      isFlow
        ? "  - { name: m\(index), kind: external, provider: P, load: { arrivals: { poisson: { rate: 1/d } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }\n"
        : """
          - name: m\(index)
            kind: external
            provider: P
            load:
              arrivals:
                poisson:
                  rate: 1/d
              tokens:
                input: 1
                output: 1
            service:
              time: 1s

        """
    }
    #expect(CheckTests.errors(head + "models:\n" + models.joined()) == [])
  }
}

@Suite("Hostile documents")
struct HostileDocumentTests {
  static func refusal(_ data: Data) -> String {
    do {
      _ = try ScenarioDocument(data, path: "t.yaml")
      return "accepted"
    } catch let error as DocumentErrors {
      return error.diagnostics.first?.rendered(path: "t.yaml") ?? ""
    } catch {
      return "another error: \(error)"
    }
  }

  static let cases: [(String, Data, String)] = [
    ("empty", Data(), "the document is empty. \"workbench init\" writes a starter."),
    (
      "not UTF-8", Data(CheckTests.valid.utf8) + Data([0x0a, 0x23, 0xff, 0xfe]),
      "t.yaml:21:2: error: not UTF-8"
    ),
    ("a null byte", Data("workbench: 1\u{0}".utf8), "not YAML"),
    ("cut off", Data(CheckTests.valid.utf8.prefix(330)), "error:"),
    (
      "deep flow nesting", Data(String(repeating: "[", count: 1_000_000).utf8),
      "nested more than 64 levels deep"
    ),
    (
      "deep block nesting", Data((0..<2000).map { String(repeating: " ", count: $0) + "a:\n" }.joined().utf8),
      "nested more than 64 levels deep"
    ),
    ("dashes", Data(String(repeating: "- ", count: 500_000).utf8), "nested more than 64 levels deep"),
    ("an alias bomb", Data(bomb.utf8), "more than 1000000 values (including aliases)"),
    ("an alias bomb as a key", Data("? &a [x, x]\n: 1\n".utf8), "\"?\" starts a complex one"),
    ("an alias without its anchor", Data("a: *nowhere\n".utf8), "not YAML"),
    (
      "too large", Data(count: 17 << 20),
      "the document has more than the 16 MiB that are read. Use a template with a count"
    ),
    ("a list", Data("- 1\n- 2\n".utf8), "a list where a mapping is expected"),
    (
      "a million models",
      Data(
        (CheckTests.valid.prefix(while: { $0 != "m" }) + "models:\n"
          + String(repeating: "- {name: a}\n", count: 600_000)).utf8), "error:"
    ),
    (
      "a huge number",
      Data(CheckTests.valid.replacing("maxReplicas: 4", with: "maxReplicas: 99999999999999999999999").utf8),
      "maxReplicas 99999999999999999999999 is out of range"
    ),
    (
      "a period of all time", Data(CheckTests.valid.replacing("2026-02-01", with: "2199-01-01").utf8),
      "longer than ten years"
    ),
    (
      "too many requests", Data(CheckTests.valid.replacing("1/s", with: "100000/s").utf8),
      "at most 10¹¹ are simulated"
    ),
    ("a reply from another world", Data("<html><body>404</body></html>".utf8), "error:"),
  ]

  /// Nine levels of nine: 3.9·10⁸ values.
  static let bomb =
    "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    + (1..<9).map { level in
      "a\(level): &a\(level) [\((0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]\n"
    }.joined()

  @Test(
    "are refused with one clear error, in bounded time", .timeLimit(.minutes(20)), arguments: cases.indices)
  func refused(index: Int) {
    let (name, data, expected) = Self.cases[index]
    let said = Self.refusal(data)
    #expect(said.contains(expected), "\(name): \(said.prefix(300))")
    #expect(said.utf8.count < 2000)
  }

  @Test("any document cut off or damaged anywhere is decoded or refused, never more")
  func everyPrefix() {
    let bytes = Array(CheckTests.valid.utf8)
    for length in stride(from: 0, to: bytes.count, by: 3) { _ = Self.refusal(Data(bytes.prefix(length))) }
    for index in stride(from: 0, to: bytes.count, by: 5) {
      var damaged = bytes
      damaged[index] = "{}[]:,-\"'#&*!|>%@\u{7f}".utf8.randomElement() ?? 0
      _ = Self.refusal(Data(damaged))
    }
  }
}
