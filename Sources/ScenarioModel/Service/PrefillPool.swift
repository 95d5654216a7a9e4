import Documents
import Sampling
import Telemetry

/// Replicas that read prompts and make the first token of each response, for a deployment whose own replicas make all
/// others. What a prompt left in the KV cache is handed over in between.
///
/// A request keeps its slot and its blocks with the replica that has read its prompt until a slot is free where it goes and
/// all has been handed over. Sources: Patel et al. (2024), "Splitwise", ISCA; Zhong et al. (2024), "DistServe", OSDI.
package struct PrefillPool: Sendable, Equatable {
  package var hardware: String
  package var scaling: Scenario.Scaling
  package var service: DeploymentService
  package var isServiceOfHardware: Bool
  package var handover: Handover

  /// What it takes to hand over what is in the KV cache.
  package struct Handover: Sendable, Equatable {
    /// µs, at least 0.
    package var base: Double
    /// µs for each token of the prompt, at least 0.
    package var perToken: Double

    package init(base: Double, perToken: Double) {
      self.base = base
      self.perToken = perToken
    }
  }

  static let key = Key(
    "prefill", .object { shape },
    "Replicas of their own that read prompts (prefill and decode apart); the deployment's then make the tokens after the first. In telemetry they are the version \"V1 prefill\"."
  )

  static let shape = Shape(
    "prefill", "Replicas that read prompts for the deployment. They are deployed and undeployed with it.",
    [
      Key("hardware", .text, "As in the price list. Without it: the deployment's."),
      Key(
        "scaling", .object { Scenario.Scaling.shape }, required: true,
        "Replicas and the autoscaler, of these alone."
      ),
      Key(
        "service", .object { DeploymentService.shape },
        "continuousBatching or roofline. Without it: the deployment's, on this hardware."),
      Key("handover", .object { handover }, "From the last step of a prompt to the first of its output."),
    ])

  private static let handover = Shape(
    "handover", "How long it takes until what a prompt left in the KV cache is where its response is made.",
    [
      Key("base", .duration, default: "0s", "For each request."),
      Key("perToken", .duration, default: "0s", "For each token of its prompt."),
    ])

  /// Keys that are stated as often for these replicas.
  static func handover(_ keys: Section) -> Handover? {
    guard keys.has("handover") else { return Handover(base: 0, perToken: 0) }
    guard let section = keys.section("handover"),
      let base = section.has("base") ? section.exactDuration("base") : 0,
      let perToken = section.has("perToken") ? section.exactDuration("perToken") : 0
    else { return nil }
    guard base + perToken * Double(Limits.tokens) <= Double(Limits.latency) else {
      keys.error(
        "handover",
        "the handover of a prompt of \(Limits.tokens) tokens would take longer than 100 days, which telemetry cannot hold. Lower base or perToken."
      )
      return nil
    }
    return Handover(base: base, perToken: perToken)
  }
}

extension Scenario.Deployment {
  /// How its replicas take part in a response.
  package enum Part: Sendable, Equatable {
    /// They read prompts and decode.
    case whole
    /// They read prompts for the deployment with this index among the model's.
    case prefill(for: Int, PrefillPool.Handover)
    /// They decode; the deployment with this index reads the prompts.
    case decode(prefill: Int)
  }

  /// With the deployments of those that read prompts for others, after all others.
  static func withPrefill(_ deployments: [Scenario.Deployment]) -> [Scenario.Deployment] {
    var all = deployments
    for index in deployments.indices {
      guard let pool = deployments[index].prefill else { continue }
      all[index].part = .decode(prefill: all.count)
      var reading = deployments[index]
      reading.version = PrefillVersion.name(for: reading.version)
      (reading.hardware, reading.scaling, reading.service) = (pool.hardware, pool.scaling, pool.service)
      reading.isServiceOfHardware = pool.isServiceOfHardware
      (reading.traffic, reading.prefill) = (nil, nil)
      reading.part = .prefill(for: index, pool.handover)
      all.append(reading)
    }
    return all
  }

  /// Whether requests go to it by themselves, and not from one that has read their prompts or to one that decodes.
  package var isAddressed: Bool { if case .prefill = part { false } else { true } }
}
