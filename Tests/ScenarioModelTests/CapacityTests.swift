import Documents
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("What an account may have: the platform's bounds, limits of hardware")
struct CapacityTests {
  static let valid = CheckTests.valid

  /// The valid document with an account section more, and other replicas.
  static func document(_ account: String, scaling: String = "minReplicas: 1, maxReplicas: 4") -> String {
    valid.replacing("  subscription: { maxReplicas: 10 }", with: account)
      .replacing("minReplicas: 1, maxReplicas: 4", with: scaling)
  }

  @Test(
    "the platform's own bounds hold at both ends, and the error names them and how to have others",
    arguments: [
      ("minReplicas: 10, maxReplicas: 50", nil),
      (
        "minReplicas: 11, maxReplicas: 50",
        "18:33: error: minReplicas 11 is above the platform's 10, its own limit. Lower it, or, if your platform lets a deployment have more, give account.platform: { minReplicas: 11 }."
      ),
      (
        "minReplicas: 10, maxReplicas: 51",
        "18:50: error: maxReplicas 51 is above the platform's 50, its own limit. Lower it, or, if your platform lets a deployment have more, give account.platform: { maxReplicas: 51 }."
      ),
    ] as [(String, String?)])
  func ownBounds(scaling: String, error: String?) {
    let yaml = Self.document("  subscription: { maxReplicas: 99 }", scaling: scaling)
    #expect(CheckTests.errors(yaml) == (error.map { ["t.yaml:\($0)"] } ?? []))
  }

  @Test("an account's own bounds take their place, up and down")
  func statedBounds() {
    let account =
      "  subscription: { maxReplicas: 300 }\n  platform: { minReplicas: 20, maxReplicas: 200 }"
    #expect(
      CheckTests.errors(Self.document(account, scaling: "minReplicas: 20, maxReplicas: 200")) == [])
    #expect(
      CheckTests.errors(Self.document(account, scaling: "minReplicas: 21, maxReplicas: 201")) == [
        "t.yaml:19:33: error: minReplicas 21 is above the platform's 20, which account.platform.minReplicas says (line 8). Lower one, or raise the other."
      ])
    #expect(
      CheckTests.errors(Self.document(account, scaling: "minReplicas: 20, maxReplicas: 201")) == [
        "t.yaml:19:50: error: maxReplicas 201 is above the platform's 200, which account.platform.maxReplicas says (line 8). Lower one, or raise the other."
      ])
    // One bound stated: the other stays.
    let one = "  subscription: { maxReplicas: 300 }\n  platform: { maxReplicas: 3 }"
    #expect(
      CheckTests.errors(Self.document(one)) == [
        "t.yaml:19:49: error: maxReplicas 4 is above the platform's 3, which account.platform.maxReplicas says (line 8). Lower one, or raise the other."
      ])
    #expect(
      CheckTests.errors(Self.document(one), overrides: ["account.platform.maxReplicas=2"]).first?.contains(
        "above the platform's 2, which account.platform.maxReplicas says (account.platform.maxReplicas=2)")
        == true)
  }

  @Test("the engine's own limit is the grammar's")
  func engine() {
    let account = "  subscription: { maxReplicas: 300 }\n  platform: { maxReplicas: 257 }"
    #expect(
      CheckTests.errors(Self.document(account)) == [
        "t.yaml:8:28: error: maxReplicas 257 is out of range. It must be 1 to 256."
      ])
  }

  @Test(
    "limits of hardware hold for deployments, and their errors say whose they are",
    arguments: [
      ("{ A10 single: 4 }", "minReplicas: 1, maxReplicas: 4", nil),
      (
        "{ A10 single: 3 }", "minReplicas: 1, maxReplicas: 4",
        "18:49: error: maxReplicas 4 is above the subscription's 3 on \"A10 single\". Lower it, or raise account.subscription.perHardware."
      ),
      (
        "{ A10 single: 3 }", "minReplicas: 4, maxReplicas: 4",
        "18:33: error: minReplicas 4 can never fit into the subscription's 3 on \"A10 single\". Lower it, or raise account.subscription.perHardware."
      ),
      (
        "{ A10 single: 0 }", "minReplicas: 1, maxReplicas: 4",
        "7:63: error: A10 single 0 is out of range. It must be 1 to 1000000."
      ),
      (
        "{ A10 singel: 3 }", "minReplicas: 1, maxReplicas: 4",
        "7:51: error: hardware \"A10 singel\" is not in the price list. Did you mean A10 single? Or add it to account.credits."
      ),
    ] as [(String, String, String?)])
  func hardwareLimits(limits: String, scaling: String, error: String?) {
    let yaml = Self.document("  subscription: { maxReplicas: 10, perHardware: \(limits) }", scaling: scaling)
    #expect(CheckTests.errors(yaml) == (error.map { ["t.yaml:\($0)"] } ?? []))
  }

  @Test("a deployment and those that read its prompts share a hardware's limit")
  func prefill() {
    let account = "  subscription: { maxReplicas: 10, perHardware: { A10 single: 3 } }"
    let yaml = Self.document(account, scaling: "minReplicas: 2, maxReplicas: 3").replacing(
      "service: { time: 1s }",
      with:
        "service: { continuousBatching: { base: 9ms } }\n        prefill: { scaling: { minReplicas: 2, maxReplicas: 3, maxBatchSize: 8 } }"
    )
    #expect(
      CheckTests.errors(yaml) == [
        "t.yaml:20:44: error: the deployment and those that read its prompts need 4 replicas at least, which can never fit into the subscription's 3 on \"A10 single\". Lower minReplicas, or raise account.subscription.perHardware."
      ])
  }

  @Test(
    "a limit that does nothing is warned of",
    arguments: [
      (
        "{ T4 single: 4 }",
        "no deployment runs on \"T4 single\", so that its limit does nothing. Remove it, or correct the name."
      ),
      (
        "{ A10 single: 11 }",
        "11 replicas on \"A10 single\" are more than the subscription's 10 in total, so that this limit does nothing. Lower it, or remove it."
      ),
    ])
  func pointless(limits: String, warning: String) throws {
    let yaml = Self.document("  subscription: { maxReplicas: 10, perHardware: \(limits) }")
    let found = try PointlessTests.warnings(yaml)
    #expect(found.count == 1 && found[0].hasSuffix(": warning: \(warning)"), "\(found)")
  }

  @Test("an objective that limits of hardware keep anyway is refused")
  func unbreakable() {
    let account = "  subscription: { maxReplicas: 10, perHardware: { A10 single: 4 } }"
    let yaml = Self.document(account).replacing(
      "    deployments:",
      with:
        "    deployments:\n      - { version: V0, deployAt: 2026-01-05T09:00, traffic: 0.5, hardware: A10 single, scaling: { minReplicas: 1, maxReplicas: 4, maxBatchSize: 8 }, service: { time: 1s } }"
    )
    #expect(CheckTests.errors(yaml + "expect: [ peakReplicas <= 3 ]\n") == [])
    #expect(
      CheckTests.errors(yaml + "expect: [ peakReplicas <= 4 ]\n").first?.contains(
        "it can never be violated") == true)
  }
}
