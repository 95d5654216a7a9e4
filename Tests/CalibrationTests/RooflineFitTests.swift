import Calibration
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

/// A model of the catalogue on cards of the catalogue, simulated at efficiencies that are known, and fitted.
@Suite("Fitting the efficiencies of a roofline")
struct RooflineFitTests {
  private static func scenario(_ roofline: String, hardware: String = "A10 single", rate: String = "1.2/s")
    -> String
  {
    """
    workbench: 1
    name: roofline
    seed: 7
    period: { from: 2026-01-05T00:00:00Z, to: 2026-01-05T00:10:00Z }
    account:
      name: a
      timeZone: UTC
      subscription: { maxReplicas: 8 }
      credits: { H100 single: 9 }
    models:
      - name: m
        kind: openSource
        load:
          arrivals: { poisson: { rate: \(rate) } }
          tokens: { input: { lognormal: { median: 900, sigma: 0.6, max: 6000 } }, output: { lognormal: { median: 160, sigma: 0.6, min: 2 } } }
        deployments:
          - version: V1
            deployAt: 2026-01-04
            hardware: \(hardware)
            scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 48 }
            service: { roofline: \(roofline) }
    """
  }

  private static func fit(_ yaml: String, _ request: String) throws -> RoundTrip {
    var options = Calibration.Options()
    options.roofline = RooflineFit.Request(request)
    return try RoundTrip(yaml, options: options)
  }

  @Test("efficiencies and overheads come back; the scenario and the profile have them")
  func comesBack() throws {
    let trip = try Self.fit(
      Self.scenario(
        "{ model: llama-3.1-8b, computeEfficiency: 0.45, bandwidthEfficiency: 0.7, stepOverhead: 3ms, requestOverhead: 25ms }"
      ), "llama-3.1-8b")
    let found = try #require(trip.calibration.models[0].deployments[0].roofline)
    #expect(trip.calibration.models[0].deployments[0].steps == nil)
    #expect(abs(found.roofline.computeEfficiency - 0.45) < 0.05, "\(found.estimates)")
    #expect(abs(found.roofline.bandwidthEfficiency - 0.7) < 0.07, "\(found.estimates)")
    #expect(abs(found.roofline.requestOverhead - 25_000) < 10_000, "\(found.estimates)")
    #expect(found.roofline.memoryShare == 0.9 && found.tokensPerStep == 2048)
    for own in trip.calibration.models[0].deployments[0].replayed {
      #expect(abs(own.errorOfMean) < 0.02 && abs(own.errorOfP95) < 0.02, "\(own)")
    }
    guard case .continuousBatching(let read) = try trip.again().accounts[0].models[0].deployments[0].service
    else {
      Issue.record("the scenario has no steps")
      return
    }
    for path in [\ContinuousBatching.base, \.perToken, \.perContextToken, \.requestOverhead] {
      #expect(
        abs(read[keyPath: path] - found.batching[keyPath: path]) <= 1e-5 * found.batching[keyPath: path])
    }
    #expect(read.kvCache == found.batching.kvCache)
    let text = try #require(trip.calibration.profile(source: "test", command: "workbench fit test"))
    #expect(text.contains("roofline:") && text.contains("computeEfficiency: 0.4"), "\(text)")
    let profile = try ServiceProfile(Data(text.utf8), path: "p.yaml")
    #expect(profile.hardware == "A10 single" && profile.basis == .calibrated)
  }

  @Test("memory that binds is found")
  func memory() throws {
    let trip = try Self.fit(
      Self.scenario(
        "{ model: llama-3.1-8b, computeEfficiency: 0.6, bandwidthEfficiency: 0.8, memoryShare: 0.77 }",
        rate: "3/s"), "llama-3.1-8b")
    let found = try #require(trip.calibration.models[0].deployments[0].roofline)
    let truth = Roofline(model: "llama-3.1-8b", precision: "bf16", hardware: "A10 single").map {
      var own = $0
      own.memoryShare = 0.77
      return own.cacheTokens
    }
    #expect(abs(found.roofline.cacheTokens / (truth ?? 0) - 1) < 0.15, "\(found.estimates)")
  }

  @Test("a model that the hardware cannot hold at that pace, or does not have, gives no roofline and a note")
  func otherModel() throws {
    let yaml = Self.scenario("{ model: llama-3.1-8b }", hardware: "H100 single", rate: "5/s")
    let other = try Self.fit(yaml, "llama-3.1-70b:int4")
    #expect(other.calibration.models[0].deployments[0].roofline == nil)
    #expect(
      other.calibration.models[0].notes.contains { $0.contains("at no efficiencies") },
      "\(other.calibration.models[0].notes)")
    // Then it is fitted as without.
    #expect(other.calibration.models[0].deployments[0].steps != nil)
  }
}
