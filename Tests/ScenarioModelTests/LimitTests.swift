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
      errors.first?.hasPrefix("t.yaml:8:68: error: input has 2147483001 tokens on average") ?? false,
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
      errors.first?.hasPrefix("t.yaml:6:12: error: 10100000 models and deployments in all accounts")
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

  @Test("a request that takes longer on average than telemetry holds is refused, at its service")
  func latency() {
    func errors(_ service: String) -> [String] {
      CheckTests.errors(CheckTests.valid.replacing("service: { time: 1s }", with: "service: { \(service) }"))
    }
    #expect(errors("time: 100d") == [])
    #expect(
      errors("time: 101d") == [
        "t.yaml:19:18: error: a request takes 101 days on average: telemetry holds at most 100. Is a unit wrong? Shorten it."
      ])
    // 100 tokens of input, 50 of output.
    #expect(errors("perInputToken: 1d") == [])
    #expect(errors("perInputToken: 1d, perOutputToken: 1s").count == 1)
  }

  @Test("requests that a replica serves at once: 256, and no more")
  func batchSize() {
    func errors(_ size: Int) -> [String] {
      CheckTests.errors(CheckTests.valid.replacing("maxBatchSize: 8", with: "maxBatchSize: \(size)"))
    }
    #expect(errors(256) == [])
    let refused = errors(257)
    #expect(refused.count == 1)
    #expect(
      refused.first?.hasPrefix(
        "t.yaml:18:66: error: maxBatchSize 257 is out of range. It must be 1 to 256.") ?? false, "\(refused)")
  }

  @Test("further attempts of one request: 100, and no more")
  func attempts() {
    func errors(_ attempts: Int) -> [String] {
      CheckTests.errors(
        CheckTests.valid.replacing(
          "output: 50 }",
          with: "output: 50 }\n      retries: { probability: 0.5, attempts: \(attempts) }"))
    }
    #expect(errors(100) == [])
    let refused = errors(101)
    #expect(refused.count == 1)
    #expect(
      refused.first?.contains("error: attempts 101 is out of range. It must be 1 to 100.") ?? false,
      "\(refused)")
  }

  @Test("requests of a scenario: 10¹¹ are expected, and no more")
  func expectedRequests() {
    // At 100,000 a second a million seconds have 10¹¹ requests: a quarter for one model, about three for the other, as
    // 100,000 is also the highest rate of one.
    func errors(_ rates: (String, String)) -> [String] {
      func model(_ name: String, _ rate: String) -> String {
        "  - { name: \(name), kind: external, provider: p, load: { arrivals: { poisson: { rate: \(rate)/s } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }"
      }
      return CheckTests.errors(
        """
        workbench: 1
        name: t
        period: { from: "2026-01-01T00:00:00Z", to: "2026-01-12T13:46:40Z" }
        account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 1 } }
        models:
        \(model("m", rates.0))
        \(model("n", rates.1))

        """)
    }
    #expect(errors(("25000", "74999.99")) == [])
    let refused = errors(("25000", "75000.01"))
    #expect(refused.count == 1)
    #expect(
      refused.first?.hasPrefix("t.yaml:3:") == true
        && refused.first?.contains("expects 1.01 × 10¹¹ requests; at most 10¹¹ are simulated") == true,
      "\(refused)")
  }

  @Test("instants lie in the years 1900 to 2199, by the clock of the time zone")
  func years() {
    func errors(_ zone: String, _ from: String, _ to: String) -> [String] {
      CheckTests.errors(
        CheckTests.valid.replacing("from: 2026-01-01, to: 2026-02-01", with: "from: \(from), to: \(to)")
          .replacing("America/New_York", with: zone).replacing("2026-01-05T09:00", with: from))
    }
    #expect(errors("Europe/Berlin", "1900-01-01", "1900-01-02") == [])
    #expect(errors("America/New_York", "2199-12-30", "2199-12-31T23:59") == [])
    #expect(errors("UTC", "1899-12-30", "1899-12-31").contains { $0.contains("the years 1900 to 2199") })
    #expect(errors("UTC", "2200-01-02", "2200-01-03").contains { $0.contains("the years 1900 to 2199") })
  }

  @Test("a number that 64 bits do not hold is out of range, not no number")
  func seed() {
    func errors(_ seed: String) -> [String] {
      CheckTests.errors(CheckTests.valid.replacing("name: valid", with: "name: valid\nseed: \(seed)"))
    }
    #expect(errors("9223372036854775807") == [])
    #expect(
      errors("18446744073709551615").first?.contains(
        "is out of range. It must be at least 0, and less than 2⁶³") ?? false)
  }

  @Test("models of one name and kind at two providers are two models; at one provider they are not")
  func providers() {
    func errors(_ second: String) -> [String] {
      CheckTests.errors(
        """
        workbench: 1
        name: t
        period: { from: 2026-01-01, to: 2026-02-01 }
        account: { name: acme, timeZone: UTC, subscription: { maxReplicas: 1 } }
        models:
          - { name: m, kind: external, provider: p, load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }
          - { name: m, kind: external, provider: \(second), load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: 1, output: 1 } }, service: { time: 1s } }
        """)
    }
    #expect(errors("q") == [])
    #expect(
      errors("p").first?.contains("a second model is called \"m\", and both are external, of one provider")
        ?? false)
  }
}
