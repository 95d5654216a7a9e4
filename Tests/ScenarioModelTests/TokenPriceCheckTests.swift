import Foundation
import ScenarioModel
import Testing

@Suite("What `check` says of prices and budgets")
struct TokenPriceCheckTests {
  private static func document(_ prices: String, kind: String = "external", expect: String = "") -> String {
    """
    workbench: 1
    name: prices
    period: { from: 2026-01-05, to: 2026-01-06 }
    account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
    models:
      - name: m
        kind: \(kind)
        provider: p
        load: { arrivals: { poisson: { rate: 1/s } }, tokens: { input: 100, output: 50 } }
        service: { time: 2s }
        \(prices.isEmpty ? "" : "prices: \(prices)")
    \(expect.isEmpty ? "" : "expect: [\(expect)]")
    """
  }

  private static func problems(_ yaml: String) -> [String] {
    do {
      let document = try ScenarioDocument(Data(yaml.utf8), path: "p.yaml")
      return document.warnings.map(\.message)
    } catch {
      return ["\(error)"]
    }
  }

  @Test(
    "what cannot be, and what is pointless",
    arguments: [
      ("{ input: 1 }", "", "output is missing"),
      ("{ input: -1, output: 2 }", "", "input"),
      ("{ input: 1, output: 20000 }", "", "output"),
      ("{ input: 1, cachedInput: 2, cachedShare: 0.5, output: 2 }", "", "cachedInput is dearer than input"),
      ("{ input: 1, cachedInput: 0.5, output: 2 }", "", "cachedInput does nothing"),
      ("{ input: 1, cachedShare: 0.5, output: 2 }", "", "cached tokens cost as much as others"),
      ("", "cost <= 5", "nobody says what tokens of any model cost"),
      ("", "pooled.cost.month <= 5", "nobody says what tokens of any model cost"),
      ("{ input: 1, output: 2 }", "cost <= 5%", "an amount of money, such as 500"),
      ("{ input: 1, output: 2 }", "\"cost.month <= 5 in 95% of hours\"", "cost.month"),
    ])
  func mistakes(_ prices: String, _ expect: String, _ message: String) {
    let found = Self.problems(Self.document(prices, expect: expect))
    #expect(found.contains { $0.contains(message) }, "\(found)")
  }

  @Test("prices and budgets that are right have nothing said of them")
  func right() {
    let yaml = Self.document(
      "{ input: 2.5, cachedInput: 1.25, cachedShare: 0.4, output: 10 }",
      expect: "pooled.cost.month <= 500, models.m.cost.month.forecast <= 500, costPerMillionTokens <= 9")
    #expect(Self.problems(yaml).isEmpty, "\(Self.problems(yaml))")
  }

  @Test("own models have no prices of tokens: they cost credits")
  func ownModels() {
    let found = Self.problems(Self.document("{ input: 1, output: 2 }", kind: "openSource"))
    #expect(found.contains { $0.contains("prices is for external models") }, "\(found)")
  }
}
