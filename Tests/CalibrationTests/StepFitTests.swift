import Calibration
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

/// Deployments that work in steps, simulated and fitted.
@Suite("Fitting steps")
struct StepFitTests {
  private static func scenario(
    service: String, rate: String = "2.5/s", replicas: Int = 1, batch: Int = 32,
    scaling: String = ""
  ) -> String {
    """
    workbench: 1
    name: steps
    seed: 5
    period: { from: 2026-01-05T00:00:00Z, to: 2026-01-05T00:10:00Z }
    account: { name: a, timeZone: UTC, subscription: { maxReplicas: 8 } }
    models:
      - name: m
        kind: openSource
        load:
          arrivals: { poisson: { rate: \(rate) } }
          tokens: { input: { lognormal: { median: 900, sigma: 0.6, max: 6000 } }, output: { lognormal: { median: 160, sigma: 0.6, min: 2 } } }
        deployments:
          - version: V1
            deployAt: 2026-01-04
            hardware: A10 single
            scaling: { minReplicas: \(replicas), maxReplicas: \(replicas), maxBatchSize: \(batch)\(scaling) }
            service: \(service)
    """
  }

  private static let steps =
    "{ continuousBatching: { base: 21ms, perSequence: 60us, perPromptToken: 90us, perContextToken: 0.2us, requestOverhead: 4ms } }"

  private func steps(_ yaml: String) throws -> ModelFit.Deployment {
    let trip = try RoundTrip(yaml)
    return try #require(trip.calibration.models.first?.deployments.first)
  }

  private func near(_ deployment: ModelFit.Deployment, within limit: Double) {
    #expect(deployment.replayed.count == 3)
    for own in deployment.replayed {
      #expect(abs(own.errorOfMean) < limit && abs(own.errorOfP95) < limit, "\(own)")
    }
  }

  @Test("steps come back: times to first token, per token and latencies within 1.5 %")
  func comesBack() throws {
    let found = try steps(Self.scenario(service: Self.steps))
    let fit = try #require(found.steps)
    #expect(fit.replicas == 1 && fit.batching.kvCache == nil && fit.batching.tokensPerStep == 2048)
    near(found, within: 0.015)
    // What the data tell on their own: a step's least duration, and what a prompt costs.
    #expect(abs(fit.batching.base / 21_000 - 1) < 0.1, "\(fit.batching)")
    #expect(abs(fit.batching.perPromptToken / 90 - 1) < 0.1, "\(fit.batching)")
  }

  @Test("replicas that are stated count as known: without them, steps are not fitted")
  func statedReplicas() throws {
    let trip = try RoundTrip(Self.scenario(service: Self.steps))
    // As an import leaves them.
    var tables = trip.tables
    tables.replicas = []
    for index in tables.deployments.indices {
      tables.deployments[index].hardware = "unknown"
      tables.deployments[index].minReplicas = 0
      tables.deployments[index].maxReplicas = 0
      tables.deployments[index].maxBatchSize = 0
    }
    func fit(replicas: Int?) throws -> ModelFit.Deployment {
      var options = Calibration.Options()
      options.assumed = AssumedDeployments(replicas: replicas)
      let models = zip(tables.models, trip.observations).map { (record: $0, observations: $1) }
      let period = trip.scenario.from.microseconds..<trip.scenario.to.microseconds
      let fit = Calibration(
        models: models, tables: tables, series: trip.series, period: period, options: options)
      return try #require(fit.models.first?.deployments.first)
    }
    #expect(try fit(replicas: nil).steps == nil)
    let found = try fit(replicas: 1)
    #expect(abs(try #require(found.steps).batching.base / 21_000 - 1) < 0.1)
    near(found, within: 0.015)
  }

  /// Which replica a request went to is not known, and hangs on microseconds.
  @Test("of three replicas, times are within 6 %")
  func severalReplicas() throws {
    let found = try steps(Self.scenario(service: Self.steps, rate: "7.5/s", replicas: 3))
    #expect(try #require(found.steps).replicas == 3)
    near(found, within: 0.06)
  }

  @Test("a KV cache that binds is found, its size within 5 %")
  func memory() throws {
    let service = Self.steps.replacing("requestOverhead: 4ms", with: "kvCache: { tokens: 12000 }")
    let found = try steps(Self.scenario(service: service, rate: "2/s", batch: 64))
    let fit = try #require(found.steps)
    let cache = try #require(fit.batching.kvCache)
    #expect(abs(Double(cache.longestContext) / 12_000 - 1) < 0.05, "\(cache)")
    near(found, within: 0.02)
  }

  @Test("another limit on a step's tokens is found where it makes a difference")
  func stepLimit() throws {
    let service = Self.steps.replacing("requestOverhead: 4ms", with: "maxTokensPerStep: 256")
    let found = try steps(Self.scenario(service: service, rate: "2/s"))
    let fit = try #require(found.steps)
    #expect(fit.batching.tokensPerStep == 256)
    near(found, within: 0.02)
  }

  @Test(
    "service times of each request are not taken for steps",
    arguments: [
      "{ firstToken: { lognormal: { median: 150ms, sigma: 0.5 } }, perInputToken: 0.1ms, perOutputToken: 18ms }",
      "{ firstToken: 80ms, perInputToken: 0.2ms, perOutputToken: { gamma: { mean: 20ms, cv: 0.3 } }, batchSlowdown: 0.03 }",
      "{ firstToken: 80ms, perOutputToken: 20ms, batchSlowdown: 0.05 }",
    ])
  func alone(service: String) throws {
    let found = try steps(Self.scenario(service: service))
    #expect(found.steps == nil && found.service != nil, "\(String(describing: found.steps?.batching))")
    #expect(found.replayed.isEmpty)
  }

  /// Noise and queueing together are met by nothing that takes requests one by one, and steps come nearer by chance.
  @Test(
    "service times with much noise, under load, are not taken for steps",
    arguments: hasLongChecks ? [3, 4, 5, 6] : [4])
  func noise(seed: Int) throws {
    let service =
      "{ firstToken: { lognormal: { median: 100ms, sigma: 1 } }, perInputToken: { lognormal: { median: 0.1ms, sigma: 0.5 } }, perOutputToken: { lognormal: { median: 10ms, sigma: 0.8 } }, batchSlowdown: 0.1 }"
    let found = try steps(
      Self.scenario(service: service, rate: "3/s").replacing("seed: 5", with: "seed: \(seed)"))
    #expect(found.steps == nil, "\(String(describing: found.steps))")
  }

  @Test("requests that a prefix cache spared a part of their prompts are not fitted, and the notes say so")
  func prefixCache() throws {
    let yaml = Self.scenario(
      service: Self.steps.replacing("requestOverhead: 4ms", with: "kvCache: { tokens: 60000 }")
    ).replacing("tokens: { input:", with: "tokens: { prefix: { tokens: 2000, count: 10, skew: 1 }, input:")
    let trip = try RoundTrip(yaml)
    #expect(trip.calibration.models[0].deployments[0].steps == nil)
    #expect(trip.calibration.models[0].notes.contains { $0.contains("a prefix cache spared requests") })
  }

  @Test(
    "under load that never ends, the steps' coefficients are found all the same",
    arguments: hasLongChecks ? ["4/s", "8/s"] : ["8/s"])
  func load(rate: String) throws {
    let service =
      "{ continuousBatching: { base: 25ms, perSequence: 0.15ms, perPromptToken: 0.12ms, perContextToken: 0.2us, requestOverhead: 3ms } }"
    let found = try steps(Self.scenario(service: service, rate: rate))
    let fit = try #require(found.steps)
    near(found, within: 0.03)
    #expect(abs(fit.batching.base / 25_000 - 1) < 0.25, "\(fit.batching)")
    #expect(abs(fit.batching.perPromptToken / 120 - 1) < 0.25, "\(fit.batching)")
  }

  @Test("steps are found while replicas come and go, in the longest stretch of one number")
  func replicasChange() throws {
    let yaml = Self.scenario(service: Self.steps, rate: "5/s").replacing(
      "minReplicas: 1, maxReplicas: 1, maxBatchSize: 32",
      with: "minReplicas: 1, maxReplicas: 4, maxBatchSize: 16, startup: 30s")
    let found = try steps(yaml)
    let fit = try #require(found.steps)
    #expect(fit.replicas >= 1 && abs(fit.batching.base / 21_000 - 1) < 0.15, "\(fit.batching)")
  }

  @Test("the scenario of a fit has the steps, and is read back as they are")
  func text() throws {
    let trip = try RoundTrip(Self.scenario(service: Self.steps))
    let steps = try #require(trip.calibration.models[0].deployments[0].steps)
    guard case .continuousBatching(let read) = try trip.again().accounts[0].models[0].deployments[0].service
    else {
      Issue.record("the scenario has no steps")
      return
    }
    for path in [\ContinuousBatching.base, \.perSequence, \.perPromptToken, \.perContextToken] {
      #expect(
        abs(read[keyPath: path] - steps.batching[keyPath: path]) <= 1e-6 * steps.batching[keyPath: path])
    }
    let profile = try #require(trip.calibration.profile(source: "test", command: "workbench fit test"))
    let own = try ServiceProfile(Data(profile.utf8), path: "p.yaml")
    #expect(own.hardware == "A10 single" && own.basis == .calibrated)
  }
}
