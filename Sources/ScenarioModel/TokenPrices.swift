import Documents
import Telemetry

/// What an external model's tokens cost, in money per million tokens. A model credit is a US dollar, so prices in dollars
/// add up with credits.
package struct TokenPrices: Equatable, Sendable {
  /// Millionths of the currency, for a million tokens; so are the next two.
  package var input: Int64
  /// Of input tokens that the provider's cache has.
  package var cachedInput: Int64
  package var output: Int64
  /// The share of a prompt's tokens that the provider's cache has, in [0, 1], rounded down to whole tokens.
  package var cachedShare: Double

  private static let price = Kind.number(0...10_000)

  package static let shape = Shape(
    "tokenPrices",
    "What an external model's tokens cost, in money per million tokens: 1 credit is 1 US dollar. Telemetry then has the cost of each request; one that fails costs nothing, and one never more than 1,000.",
    [
      Key("input", price, required: true, "Input tokens, such as 2.5."),
      Key(
        "cachedInput", price, "Input tokens that the provider's cache has. Without it: the price of input."),
      Key("output", price, required: true, "Output tokens, such as 10."),
      Key(
        "cachedShare", .number(0...1), default: "0",
        "Share of a prompt's tokens that the provider's cache has."),
    ])

  package init(input: Int64, cachedInput: Int64, output: Int64, cachedShare: Double = 0) {
    self.input = input
    self.cachedInput = cachedInput
    self.output = output
    self.cachedShare = cachedShare
  }

  /// `nil` after an error that has been reported.
  static func read(_ keys: Section) -> TokenPrices? {
    func millionths(_ key: String) -> Int64? { keys.number(key).map { Int64(($0 * 1e6).rounded()) } }
    guard let input = millionths("input"), let output = millionths("output"),
      let cached = keys.has("cachedInput") ? millionths("cachedInput") : input,
      let share = keys.has("cachedShare") ? keys.number("cachedShare") : 0
    else { return nil }
    if keys.has("cachedInput"), share == 0 {
      keys.warning(
        "cachedInput",
        "cachedInput does nothing: no input token is in the provider's cache. Give cachedShare, or leave it out."
      )
    }
    if share > 0, !keys.has("cachedInput") {
      keys.warning(
        "cachedShare",
        "cached tokens cost as much as others. Give cachedInput, the price of tokens that the cache has.")
    }
    if cached > input {
      keys.error("cachedInput", "cachedInput is dearer than input. Swap them, or lower it.")
      return nil
    }
    return TokenPrices(input: input, cachedInput: cached, output: output, cachedShare: share)
  }

  /// How many of a prompt's tokens the provider's cache has.
  package func cached(of input: Int32) -> Int32 { Int32(Double(input) * cachedShare) }

  /// What a response cost, in millionths, rounded half up; at most `Limits.cost`.
  /// - Parameters:
  ///   - input: tokens of the prompt, those that the cache has among them.
  ///   - cached: of these, at most all.
  package func cost(input: Int32, cached: Int32, output: Int32) -> Int64 {
    // A million tokens cost so many millionths: a token's are a millionth of that.
    let sum =
      Int128(input - cached) * Int128(self.input) + Int128(cached) * Int128(cachedInput)
      + Int128(output) * Int128(self.output)
    return Int64(min((sum + 500_000) / 1_000_000, Int128(Limits.cost)))
  }
}
