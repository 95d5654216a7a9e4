import ScenarioModel
import TestSupport
import Testing

@Suite("What `check` says of scaling policies")
struct ScalingPolicyTests {
  private static func errors(_ policy: String, min: Int = 1) -> [String] {
    CheckTests.errors(
      CheckTests.valid.replacing("minReplicas: 1", with: "minReplicas: \(min)")
        .replacing("maxBatchSize: 8 }", with: "maxBatchSize: 8, \(policy) }"))
  }

  @Test(
    "each policy is read",
    arguments: [
      "concurrency: { scaleUpDelay: 10s }", "targetUtilisation: { target: 0.7 }",
      "targetUtilisation: { target: 0.7, syncPeriod: 30s, metricDelay: 60s, tolerance: 0.05, scaleUp: { stabilisationWindow: 1min, selectPolicy: min, policies: [ { percent: 50, period: 1min }, { replicas: 2, period: 1min } ] }, scaleDown: { selectPolicy: disabled } }",
      "queueLength: { target: 5, counts: pending, pollingInterval: 10s, cooldown: 1min, activationThreshold: 2, heldRequests: 50 }",
      "averageConcurrency: { stableWindow: 1min, panicWindow: 6s }",
      "scheduled: { weekly: [ { window: Mon-Fri 08:00-18:00, minReplicas: 3, maxReplicas: 4 } ], dates: [ { from: 2026-01-20, to: 2026-01-21, minReplicas: 2 } ], policy: { targetUtilisation: { target: 0.7 } } }",
      "predictive: { forecast: holtWinters, season: 7d, interval: 15min, lead: 30min }",
      "largest: [ { targetUtilisation: { target: 0.7 } }, { predictive: {} } ]",
    ])
  func valid(_ policy: String) { #expect(Self.errors("policy: { \(policy) }") == []) }

  @Test("no replica at all is possible where a policy starts the first one")
  func zero() {
    #expect(Self.errors("policy: { queueLength: { target: 5 } }", min: 0) == [])
    #expect(Self.errors("policy: { averageConcurrency: {} }", min: 0) == [])
    #expect(
      Self.errors(
        "policy: { largest: [ { targetUtilisation: { target: 1 } }, { queueLength: { target: 5 } } ] }",
        min: 0)
        == [])
    for policy in ["scaleUpDelay: 30s", "policy: { targetUtilisation: { target: 0.7 } }"] {
      #expect(
        Self.errors(policy, min: 0) == [
          "t.yaml:18:33: error: minReplicas 0 needs a policy that starts the first replica. Raise it to 1, or give policy: { queueLength: { … } } or { averageConcurrency: { … } }."
        ])
    }
  }

  @Test("what keeps a deployment without replicas from ever having one is refused, and only there")
  func fromNone() {
    for (policy, error) in [
      (
        "policy: { queueLength: { target: 5, activationThreshold: 7, heldRequests: 7 } }",
        ": error: heldRequests 7 is not above activationThreshold 7: no replica is ever started from none."
      ),
      (
        "policy: { averageConcurrency: { heldRequests: 0 } }",
        ": error: heldRequests 0 lets no request wait for the first replica."
      ),
    ] {
      let errors = Self.errors(policy, min: 0)
      #expect(errors.count == 1 && errors.first?.contains(error) == true, "\(errors)")
      #expect(Self.errors(policy) == [])
    }
  }

  @Test(
    "each mistake is one error with its place",
    arguments: [
      ("policy: {}", ": error: nothing is given. Give one of concurrency, targetUtilisation,"),
      ("policy: { utilisation: { target: 1 } }", ": error: unknown key \"utilisation\"."),
      (
        "policy: { targetUtilisation: { target: 0.7 }, predictive: {} }",
        ": error: predictive and targetUtilisation cannot be given together; give one of them."
      ),
      (
        "scaleUpDelay: 30s, policy: { predictive: {} }",
        ": error: scaleUpDelay and policy cannot be given together. Move it into policy: { concurrency: { … } }, or remove it."
      ),
      ("policy: { targetUtilisation: {} }", ": error: target is missing."),
      (
        "policy: { averageConcurrency: { initialScale: 5 } }",
        ": error: initialScale 5 is above maxReplicas 4. Lower it, or raise maxReplicas."
      ),
      (
        "policy: { targetUtilisation: { target: 0.7, scaleUp: { tolerance: 1 } } }",
        ": error: tolerance 1 is out of range. It must be 0 to 0.99."
      ),
      (
        "policy: { targetUtilisation: { target: 70 } }",
        ": error: target 70 is out of range. It must be 0.01 to 1."
      ),
      (
        "policy: { targetUtilisation: { target: 0.7, syncPeriod: 0s } }",
        ": error: syncPeriod must be at least 1s. Raise it."
      ),
      (
        "policy: { targetUtilisation: { target: 0.7, metricDelay: 2h } }",
        ": error: metricDelay must be at most 1h. Lower it."
      ),
      (
        "policy: { targetUtilisation: { target: 0.7, scaleDown: { stabilisationWindow: 2h } } }",
        ": error: stabilisationWindow must be at most 1h. Lower it."
      ),
      (
        "policy: { targetUtilisation: { target: 0.7, scaleUp: { policies: [] } } }",
        ": error: policies must be a list of at least one limit. Add one, or leave it out."
      ),
      (
        "policy: { targetUtilisation: { target: 0.7, scaleUp: { policies: [ { period: 1min } ] } } }",
        ": error: a limit is either a number of replicas or a percentage. Give replicas or percent."
      ),
      (
        "policy: { targetUtilisation: { target: 0.7, scaleUp: { policies: [ { percent: 5, period: 1h } ] } } }",
        ": error: period must be 1s to 30min. Change it."
      ),
      (
        "policy: { kvUtilisation: { target: 0.7 } }",
        ": error: kvUtilisation needs a KV cache, which the service does not have."
      ),
      (
        "policy: { queueLength: { target: 5, pollingInterval: 0s } }",
        ": error: pollingInterval must be at least 1s. Raise it."
      ),
      (
        "policy: { averageConcurrency: { stableWindow: 61s } }",
        ": error: stableWindow must be a multiple of 2s, from 6s to 1h. Change it."
      ),
      (
        "policy: { averageConcurrency: { stableWindow: 6s, panicWindow: 8s } }",
        ": error: panicWindow is longer than stableWindow."
      ),
      (
        "policy: { scheduled: { weekly: [ { window: Mon 08:00-18:00, minReplicas: 0 } ] } }",
        ": error: minReplicas 0 is out of range. It must be 1 to 256."
      ),
      ("policy: { scheduled: { weekly: { window: Mon 08:00-18:00 } } }", ": error: weekly must be a list"),
      ("policy: { scheduled: {} }", ": error: nothing is scheduled. Give weekly windows or dates."),
      (
        "policy: { scheduled: { weekly: [ { window: Monday, minReplicas: 2 } ] } }",
        ": error: \"Monday\" is not a weekly window. Write \"Mon-Thu 08:00-18:00\"."
      ),
      (
        "policy: { scheduled: { weekly: [ { window: Mon 08:00-18:00 } ] } }",
        ": error: neither minReplicas nor maxReplicas is given. Give one of them."
      ),
      (
        "policy: { scheduled: { weekly: [ { window: Mon 08:00-18:00, minReplicas: 3, maxReplicas: 2 } ] } }",
        ": error: minReplicas 3 is above maxReplicas 2. Lower it, or raise maxReplicas."
      ),
      (
        "policy: { scheduled: { weekly: [ { window: Mon 08:00-18:00, minReplicas: 9 } ] } }",
        ": error: the schedule wants 9 replicas, which is above maxReplicas 4."
      ),
      (
        "policy: { scheduled: { dates: [ { from: 2026-01-20, to: 2026-01-20, minReplicas: 2 } ] } }",
        ": error: the span ends before it starts. Swap from and to."
      ),
      (
        "policy: { predictive: { season: 7min, interval: 5min } }",
        ": error: season must be 2 to 10080 whole intervals."
      ),
      ("policy: { predictive: { lead: 2d } }", ": error: lead is longer than season. Shorten it."),
      ("policy: { predictive: { interval: 0s } }", ": error: interval must be at least 1s. Raise it."),
      (
        "policy: { largest: [ { predictive: {} } ] }",
        ": error: 1 policy to combine: there must be 2 to 16. Give the policy itself, or change the list."
      ),
    ])
  func mistakes(_ policy: String, _ error: String) {
    let errors = Self.errors(policy)
    #expect(errors.count == 1)
    #expect(
      errors.first?.hasPrefix("t.yaml:18:") == true && errors.first?.contains(error) == true, "\(errors)")
  }

  @Test("prompts that are read apart need at least one replica on both sides")
  func prefill() {
    let yaml = CheckTests.valid.replacing(
      "service: { time: 1s }",
      with:
        "service: { continuousBatching: { base: 10ms } }\n        prefill: { scaling: { minReplicas: 0, maxReplicas: 2, maxBatchSize: 4, policy: { queueLength: { target: 5 } } } }"
    )
    let errors = CheckTests.errors(yaml)
    #expect(errors.count == 1)
    #expect(errors.first?.contains("minReplicas 0 cannot be combined with prefill.") == true, "\(errors)")
  }

  @Test(
    "a target that full replicas do not exceed is pointless, and so is a policy for a fixed number of replicas"
  )
  func pointless() throws {
    func warnings(_ scaling: String) throws -> [String] {
      try PointlessTests.warnings(
        CheckTests.valid.replacing(
          "scaling: { minReplicas: 1, maxReplicas: 4, maxBatchSize: 8 }", with: "scaling: \(scaling)"))
    }
    let high = try warnings(
      "{ minReplicas: 1, maxReplicas: 4, maxBatchSize: 8, policy: { targetUtilisation: { target: 0.95 } } }")
    #expect(high.count == 1 && high[0].contains("warning: utilisation is at most 1"), "\(high)")
    let fixed = try warnings(
      "{ minReplicas: 2, maxReplicas: 2, maxBatchSize: 8, policy: { targetUtilisation: { target: 0.5 } } }")
    #expect(fixed.count == 1 && fixed[0].contains("warning: policy does nothing"), "\(fixed)")
  }
}
