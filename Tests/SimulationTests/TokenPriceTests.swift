import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Prices of tokens")
struct TokenPriceTests {
  private static func yaml(_ prices: String) -> String {
    """
    workbench: 1
    name: prices
    period: { from: 2026-01-05T00:00, to: 2026-01-05T02:00 }
    account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
    models:
      - name: m
        kind: external
        provider: p
        load:
          arrivals: { poisson: { rate: 1/s } }
          tokens: { input: { lognormal: { median: 900, sigma: 1 } }, output: { exponential: { mean: 200 } } }
        service: { time: 2s }
        failures: { providerError: 0.1 }
        \(prices.isEmpty ? "" : "prices: \(prices)")
    """
  }

  @Test("a request costs its tokens by class, to the millionth; one that fails costs nothing")
  func costs() throws {
    let run = try Simulated(Self.yaml("{ input: 2.5, cachedInput: 0.25, cachedShare: 0.3, output: 10 }"))
    #expect(run.requests.count { !$0.isSuccess } > 100)
    for request in run.requests {
      let cached = Int64(Double(request.input) * 0.3)
      // In hundredths of a millionth, so that half of one is exact.
      let hundredths =
        250 * (Int64(request.input) - cached) + 25 * cached + 1000 * Int64(request.output)
      #expect(request.cost == (request.isSuccess ? (hundredths + 50) / 100 : 0))
      #expect(request.cached.map(Int64.init) == (request.isSuccess ? cached : 0))
    }
  }

  @Test("prices change nothing else, and without them no cost is known")
  func beside() throws {
    let plain = try Simulated(Self.yaml(""))
    let priced = try Simulated(Self.yaml("{ input: 1, output: 2 }"))
    #expect(plain.requests.allSatisfy { $0.cost == nil })
    #expect(
      priced.requests.map { request in
        var bare = request
        bare.cost = nil
        return bare
      } == plain.requests)
  }

  @Test("the largest prompt at the highest price stays within what telemetry can hold")
  func limit() {
    let prices = TokenPrices(input: 10_000_000_000, cachedInput: 0, output: 10_000_000_000)
    #expect(prices.cost(input: Int32(Limits.tokens), cached: 0, output: Int32(Limits.tokens)) == Limits.cost)
    // 0.075 for a million: 6.5 tokens are half a millionth.
    let cheap = TokenPrices(input: 75_000, cachedInput: 75_000, output: 0)
    #expect(
      (1...20).map { cheap.cost(input: $0, cached: 0, output: 0) }
        == (1...20).map { Int64((0.075 * Double($0)).rounded()) })
  }
}
