import Foundation
import ScenarioModel
import Telemetry
import Testing

/// Each limit is crossed on both sides.
@Suite("Limits that the grammar checks")
struct LimitTests {
  private static func model(
    deployments: [String], subscription: Int = 10, tokens: String = "{ input: 1, output: 1 }"
  ) -> String {
    """
    workbench: 1
    name: limits
    period: { from: 2026-01-05, to: 2027-01-05 }
    account: { name: a, timeZone: UTC, subscription: { maxReplicas: \(subscription) } }
    models:
      - name: m
        kind: openSource
        load: { arrivals: { poisson: { rate: 1/d } }, tokens: \(tokens) }
        deployments:
    \(deployments.joined(separator: "\n"))

    """
  }

  /// Deployments that follow each other, a minute each.
  private static func deployments(_ count: Int, replicas: Int = 1, batch: Int = 1) -> [String] {
    let start = Timestamp(seconds: 1_767_571_200)
    return (0..<count).map { index in
      let from = (start + Int64(index) * 60_000_000).rfc3339
      let to = (start + Int64(index + 1) * 60_000_000).rfc3339
      return
        "      - { version: V\(index), deployAt: \"\(from)\", undeployAt: \"\(to)\", hardware: T4 single, scaling: { minReplicas: 1, maxReplicas: \(replicas), maxBatchSize: \(batch) }, service: { time: 1s } }"
    }
  }

  @Test("deployments of one model: one too many is refused, at their place, without reading them")
  func deployments() {
    let tooMany = (0...Limits.deploymentsOfModel).map { "      - { version: V\($0) }" }
    let errors = CheckTests.errors(Self.model(deployments: tooMany))
    #expect(errors.count == 1)
    #expect(
      errors.first?.hasPrefix("t.yaml:10:7: error: 10001 deployments of one model: at most 10000") ?? false,
      "\(errors.first ?? "")")
    // Just as many are read: the error is another one, for each.
    let justEnough = CheckTests.errors(Self.model(deployments: Array(tooMany.dropLast())))
    #expect(justEnough.count > 1 && !justEnough.contains { $0.contains("deployments of one model") })
  }

  @Test("requests in service at once: as many as places are numbered, and no more")
  func inService() {
    // 1,311 × 50 × 256 = 16,780,800 slots, of which the subscription lets 65,536 × 256 = 16,777,216 = 2²⁴ be there.
    let deployments = Self.deployments(1311, replicas: 50, batch: 256)
    #expect(CheckTests.errors(Self.model(deployments: deployments, subscription: 65_536)) == [])
    let errors = CheckTests.errors(Self.model(deployments: deployments, subscription: 65_537))
    #expect(errors.count == 1)
    #expect(errors.first?.contains("could serve 16777472 requests at once") ?? false, "\(errors)")
    // Where the deployments are fewer, the subscription may be as large as it likes.
    #expect(
      CheckTests.errors(Self.model(deployments: Array(deployments.prefix(1310)), subscription: 1_000_000))
        == [])
  }

  @Test("tokens of a request: a mean beyond what one holds is refused")
  func tokens() {
    let one = Self.deployments(1)
    #expect(
      CheckTests.errors(
        Self.model(deployments: one, tokens: "{ input: \(Limits.tokens), output: \(Limits.tokens) }")) == [])
    let errors = CheckTests.errors(
      Self.model(deployments: one, tokens: "{ input: \(Limits.tokens + 1), output: 1 }"))
    #expect(errors.count == 1)
    #expect(
      errors.first?.hasPrefix("t.yaml:8:68: error: input has 2147483001 tokens in the mean") ?? false,
      "\(errors)")
  }

  @Test("models and deployments over all accounts")
  func models() {
    func scenario(_ models: Int) -> String {
      let model = (0..<models).map {
        "      - { name: m\($0), kind: external, provider: P, load: { arrivals: { poisson: { rate: 1/d } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }"
      }
      return """
        workbench: 1
        name: many
        period: { from: 2026-01-05, to: 2026-01-06 }
        accounts:
          - name: a
            count: 100000
            timeZone: UTC
            subscription: { maxReplicas: 1 }
            models:
        \(model.joined(separator: "\n"))

        """
    }
    #expect(CheckTests.errors(scenario(100)) == [])
    let errors = CheckTests.errors(scenario(101))
    #expect(errors.count == 1)
    #expect(
      errors.first?.hasPrefix("t.yaml:6:12: error: 10100000 models and deployments over all accounts")
        ?? false,
      "\(errors)")
  }

  @Test("overlaps are found among many that follow each other, whatever their order")
  func overlaps() {
    var deployments = Self.deployments(300)
    #expect(CheckTests.errors(Self.model(deployments: deployments.reversed())) == [])
    // One that is deployed for two hours overlaps the 120 that come meanwhile.
    deployments.insert(
      "      - { version: W, deployAt: \"2026-01-05T00:30:00Z\", undeployAt: \"2026-01-05T02:30:00Z\", hardware: T4 single, scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: 1 }, service: { time: 1s } }",
      at: 0)
    let errors = CheckTests.errors(Self.model(deployments: deployments))
    #expect(errors.count == 120 && errors.allSatisfy { $0.contains("overlap without traffic shares") })
  }
}
