import Documents
import Foundation
import Runs
import ScenarioModel
import TestSupport
import Testing

/// `service: { profile: FILE }`.
@Suite("Service profiles")
struct ServiceProfileTests {
  private static func scenario(_ service: String, hardware: String = "A10 single", batch: Int = 8) -> String {
    """
    workbench: 1
    name: profiled
    period: { from: 2026-01-05, to: 2026-01-06 }
    account: { name: a, timeZone: UTC, credits: { A10 single: 2, T4 single: 1 }, subscription: { maxReplicas: 2 } }
    models:
      - name: m
        kind: openSource
        load: { arrivals: { poisson: { rate: 1/min } }, tokens: { input: 100, output: 10 } }
        deployments:
          - version: V1
            deployAt: 2026-01-04
            hardware: \(hardware)
            scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: \(batch) }
            service: \(service)
    """
  }

  private static let profile = """
    workbenchProfile: 1
    name: m on A10
    hardware: A10 single
    basis: calibrated
    source: 300 requests of a benchmark
    service:
      continuousBatching: { base: 20ms, perPromptToken: 0.1ms, kvCache: { tokens: 10000 } }
    """

  private func bundle(
    _ service: String, profile: String = profile, hardware: String = "A10 single", batch: Int = 8,
    overrides: [String] = []
  ) throws -> ScenarioBundle {
    let scratch = try Scratch()
    _ = try scratch.write("a10.yaml", profile)
    let path = try scratch.write(
      "scenario.yaml", Self.scenario(service, hardware: hardware, batch: batch))
    return try ScenarioBundle(path, overrides: overrides)
  }

  private func problems(_ body: () throws -> ScenarioBundle) -> String {
    do {
      _ = try body()
      return "no error"
    } catch let errors as DocumentErrors {
      return errors.description
    } catch {
      return "\(error)"
    }
  }

  private func service(_ bundle: ScenarioBundle) -> Scenario.Deployment {
    bundle.scenario.accounts[0].models[0].deployments[0]
  }

  @Test(
    "a profile is the service, of its hardware, and the run keeps all of it",
    arguments: [
      "{ profile: a10.yaml }",
      "{ byHardware: { A10 single: { profile: a10.yaml }, T4 single: { time: 1s } } }",
    ])
  func taken(_ service: String) throws {
    let found = try bundle(service)
    guard case .continuousBatching(let steps) = self.service(found).service else {
      Issue.record("no steps")
      return
    }
    #expect(steps.base == 20_000 && steps.kvCache?.longestContext == 10_000)
    #expect(self.service(found).isServiceOfHardware)
    let text = found.document.textAsRun
    #expect(text.contains("# profile a10.yaml: m on A10; calibrated on 300 requests of a benchmark"))
    #expect(!text.contains("profile:") || text.contains("# profile"))
    // Without any file, it is the same scenario.
    let again = try ScenarioDocument(Data(text.utf8), path: "kept.yaml")
    #expect(again.scenario == found.scenario)
    #expect(try ScenarioDocument(Data(text.utf8), path: "kept.yaml").textAsRun == text)
  }

  @Test("overrides name another profile, or change what is in it")
  func overrides() throws {
    let base = "models.m.deployments.V1.service.byHardware.A10 single.continuousBatching.base"
    let found = try bundle("{ profile: a10.yaml }", overrides: ["\(base)=30ms"])
    guard case .continuousBatching(let steps) = service(found).service else {
      Issue.record("no steps")
      return
    }
    #expect(steps.base == 30_000)
    let named = try bundle(
      "{ time: 1s }", overrides: ["models.m.deployments.V1.service={ profile: a10.yaml }"])
    #expect(service(named).service == service(try bundle("{ profile: a10.yaml }")).service)
  }

  @Test("a profile without hardware serves on any, and no plan may vary that")
  func anyHardware() throws {
    let found = try bundle(
      "{ profile: a10.yaml }", profile: Self.profile.replacing("hardware: A10 single\n", with: ""),
      hardware: "T4 single")
    #expect(!service(found).isServiceOfHardware)
  }

  @Test("what is wrong is said once, with the profile's file, line and column")
  func wrong() throws {
    let place = "scenario.yaml:14:29: error: "
    func check(_ words: String, _ found: String) {
      #expect(found.contains(words), "\(found)")
      #expect(found.split(separator: "\n").count == 1, "\(found)")
    }
    check(
      "\(place)a10.yaml:7:31: base must be above 0",
      problems { try bundle("{ profile: a10.yaml }", profile: Self.profile.replacing("20ms", with: "0ms")) })
    check(
      "a10.yaml:4:8: ",
      problems {
        try bundle("{ profile: a10.yaml }", profile: Self.profile.replacing("calibrated", with: "guessed"))
      })
    check(
      "unknown key \"basics\"",
      problems {
        try bundle("{ profile: a10.yaml }", profile: Self.profile + "\nbasics: 1\n")
      })
    check(
      "b10.yaml: there is no such file. Correct its name, or put it there.",
      problems { try bundle("{ profile: b10.yaml }") })
    let other =
      "\"a10.yaml\" is a profile of \"A10 single\", and the deployment runs on \"T4 single\". Name a profile of \"T4 single\""
    check(other, problems { try bundle("{ profile: a10.yaml }", hardware: "T4 single") })
    check(
      other,
      problems {
        try bundle(
          "{ profile: a10.yaml }", overrides: ["models.m.deployments.V1.hardware=T4 single"])
      })
    // Hardware that has no price either: what is wrong is still the hardware of the profile.
    check(
      "is a profile of \"H100 single\", and the deployment runs on \"A10 single\"",
      problems {
        try bundle(
          "{ profile: a10.yaml }", profile: Self.profile.replacing("A10 single", with: "H100 single"))
      })
    check(
      "is a profile of \"A10 single\", not of \"T4 single\"",
      problems { try bundle("{ byHardware: { T4 single: { profile: a10.yaml } } }", hardware: "T4 single") })
    check(
      "profile and time cannot be given together",
      problems { try bundle("{ profile: a10.yaml, time: 1s }") })
    check(
      "maxTokensPerStep 4 is below maxBatchSize 8",
      problems {
        try bundle(
          "{ profile: a10.yaml }",
          profile: Self.profile.replacing("base: 20ms", with: "base: 20ms, maxTokensPerStep: 4"))
      })
    check(
      "what is computed for hardware needs to know which",
      problems {
        try bundle(
          "{ profile: a10.yaml }",
          profile: """
            workbenchProfile: 1
            name: m
            basis: computed
            source: figures
            service: { roofline: { model: llama-3.1-8b } }
            """)
      })
  }

  @Test(
    "a file that is no profile at all is told apart, with what to do",
    arguments: [
      ("", ":1:1: the document is empty. \"workbench catalogue service\" prints a profile."),
      ("# nothing else\n", ":1:1: the document is empty. \"workbench catalogue service\" prints a profile."),
      (
        String(repeating: "a", count: 17 << 20),
        ": the document has more than the 16 MiB that are read. A profile has a few lines: is it the right file?"
      ),
      (
        profile.replacing("workbenchProfile: 1", with: "workbenchProfile: 2"),
        "is out of range. It must be 1."
      ),
      (scenario("{ time: 1s }"), ":1:1: this is a scenario, not a service profile."),
      ("name: x\nworkbenchMapping: 1\n", ":2:1: this is a mapping of an import, not a service profile."),
      (
        profile.replacing(#/continuousBatching: \{.*\}/#, with: "profile: a10.yaml"),
        "unknown key \"profile\". Known here: time,"
      ),
    ])
  func noProfile(_ text: String, _ words: String) {
    let found = problems { try bundle("{ profile: a10.yaml }", profile: text) }
    #expect(found.contains(words) && found.split(separator: "\n").count == 1, "\(found.prefix(400))")
  }

  @Test("check says the same of a profile that is wrong, once")
  func checked() throws {
    let scratch = try Scratch()
    _ = try scratch.write("a10.yaml", Self.profile.replacing("20ms", with: "0ms"))
    let path = try scratch.write("scenario.yaml", Self.scenario("{ profile: a10.yaml }"))
    let check = try ScenarioCheck(path, overrides: [])
    #expect(check.diagnostics.count == 1 && check.scenario == nil, "\(check.diagnostics)")
    #expect(check.diagnostics.first?.message.hasPrefix("a10.yaml:7:31: base must be above 0") == true)
  }
}
