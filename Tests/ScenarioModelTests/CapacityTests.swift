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

  private static func pooled(
    _ pools: String, hardware: String = "A10 single", scaling: String = "minReplicas: 1, maxReplicas: 4"
  ) -> String {
    document("  subscription: { maxReplicas: 10 }\n  pools: { \(pools) }", scaling: scaling)
      .replacing("hardware: A10 single\n", with: "hardware: \(hardware)\n")
  }

  @Test(
    "pools: each mistake has one error",
    arguments: [
      ("A10 single: { limit: 4, provisioning: 3min }", "A10 single", nil),
      (
        "cheap: { hardware: T4 single, spot: { price: 0.3, timeBetweenReclaims: 1h } }", "cheap", nil
      ),
      (
        "A10 singel: { limit: 4 }", "A10 single",
        "8:12: error: hardware \"A10 singel\" is not in the price list. Did you mean A10 single? Or add it to account.credits."
      ),
      (
        "cheap: { hardware: A11 single }", "cheap",
        "8:31: error: hardware \"A11 single\" is not in the price list. Did you mean A10 single? Or add it to account.credits."
      ),
      (
        "A10 single: { hardware: T4 single }", "A10 single",
        "8:12: error: \"A10 single\" is hardware of the price list, and the pool is of \"T4 single\". Give the pool another name, or remove hardware."
      ),
      (
        "A10 single: { limit: 3 }", "A10 single",
        "19:49: error: maxReplicas 4 is above the 3 machines of the pool \"A10 single\". Lower it, or raise its limit in account.pools."
      ),
      (
        "A10 single: { limit: 4, provisioning: 3 }", "A10 single",
        "8:50: error: provisioning 3 has no unit."
      ),
      (
        "A10 single: { spot: { timeBetweenReclaims: 1h } }", "A10 single",
        "8:32: error: spot machines have no price. Give price, a share of the hardware's, or credits an hour."
      ),
      (
        "A10 single: { spot: { price: 0.3, credits: 1, timeBetweenReclaims: 1h } }", "A10 single",
        "8:55: error: price and credits cannot be given together. Give one of them."
      ),
      (
        "A10 single: { spot: { price: 30, timeBetweenReclaims: 1h } }", "A10 single",
        "8:41: error: price 30 is out of range. It must be 0 to 1."
      ),
      (
        "A10 single: { spot: { price: 0.3 } }", "A10 single",
        "8:32: error: timeBetweenReclaims is missing."
      ),
      (
        "A10 single: { spot: { price: 0.3, timeBetweenReclaims: 1min, notice: 1min } }", "A10 single",
        "8:81: error: the notice is not shorter than the time between reclaims, on average: a machine would be on notice most of the time. Shorten it, or raise timeBetweenReclaims."
      ),
      (
        "A10 single: { spot: { price: 0.3, timeBetweenReclaims: 10ms, notice: 0s } }", "A10 single",
        "8:67: error: timeBetweenReclaims is below a second on average. Give at least 1s."
      ),
    ] as [(String, String, String?)])
  func pools(pools: String, hardware: String, error: String?) {
    let found = CheckTests.errors(Self.pooled(pools, hardware: hardware))
    guard let error else {
      #expect(found == [])
      return
    }
    #expect(found.count == 1 && found[0].hasPrefix("t.yaml:\(error)"), "\(found)")
  }

  @Test("a pool given twice, and one below a deployment's minReplicas")
  func twice() {
    let twice = CheckTests.errors(Self.pooled("A10 single: { limit: 4 }, A10 single: { limit: 5 }"))
    #expect(twice.count == 1 && twice[0].contains("\"A10 single\" is given twice"), "\(twice)")
    let low = CheckTests.errors(
      Self.pooled("A10 single: { limit: 2 }", scaling: "minReplicas: 3, maxReplicas: 3"))
    #expect(
      low == [
        "t.yaml:19:33: error: minReplicas 3 can never fit into the 2 machines of the pool \"A10 single\". Lower it, or raise its limit in account.pools."
      ])
  }

  @Test("spot machines and prefill apart do not go together; fine-tuning takes hardware, not pools")
  func refused() {
    let spot = "cheap: { hardware: T4 single, spot: { price: 0.3, timeBetweenReclaims: 1h } }"
    let apart = Self.pooled(spot, hardware: "cheap").replacing(
      "service: { time: 1s }",
      with:
        "service: { continuousBatching: { base: 9ms } }\n        prefill: { hardware: A10 single, service: { continuousBatching: { base: 9ms } }, scaling: { minReplicas: 1, maxReplicas: 3, maxBatchSize: 8 } }"
    )
    let found = CheckTests.errors(apart)
    #expect(
      found.count == 1 && found[0].contains("spot machines cannot be combined with prefill"), "\(found)")
    let tuned = Self.pooled(spot, hardware: "cheap").replacing(
      "    kind: openSource",
      with:
        "    kind: fineTuned\n    fineTuning: [ { startAt: 2026-01-02, hardware: cheap, duration: 1h } ]")
    let job = CheckTests.errors(tuned)
    #expect(job.count == 1 && job[0].contains("hardware \"cheap\" is not in the price list"), "\(job)")
  }

  @Test(
    "a pool that does nothing is warned of",
    arguments: [
      ("T4 single: { limit: 4 }", "no deployment runs on the pool \"T4 single\"."),
      ("A10 single: {}", "the pool changes nothing: it has no limit, no provisioning and no spot."),
    ])
  func pointlessPools(pools: String, warning: String) throws {
    let found = try PointlessTests.warnings(Self.pooled(pools))
    #expect(found.count == 1 && found[0].contains(": warning: \(warning)"), "\(found)")
  }
}
