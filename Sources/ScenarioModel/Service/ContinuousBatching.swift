import Documents

/// A replica works in steps; one takes `base + perSequence × requests + perPromptToken × prompt tokens` µs.
package struct ContinuousBatching: Sendable, Equatable {
  /// µs, above 0.
  package var base: Double
  /// µs for each request that takes part in the step.
  package var perSequence: Double
  /// µs for each prompt token that the step reads.
  package var perPromptToken: Double
  /// The most tokens in a step, one for each response and the rest for prompts; not below `maxBatchSize`.
  package var tokensPerStep: Int64

  // MARK: In a scenario

  static let key = Key(
    "continuousBatching", .object { shape },
    "Instead of all others: the replica works in steps that requests join and leave.")

  static let shape = Shape(
    "continuousBatching",
    "A replica works in steps, as servers of language models do. Each takes base + perSequence × requests + perPromptToken × prompt tokens; every request whose prompt has been read gains an output token.",
    [
      Key("base", .duration, required: true, "What a step takes at the least."),
      Key("perSequence", .duration, default: "0s", "For each request that takes part in the step."),
      Key("perPromptToken", .duration, default: "0s", "For each prompt token that the step reads."),
      Key(
        "maxTokensPerStep", .integer(1...10_000_000), default: "2048",
        "Tokens in a step: one for each request that gains one, the rest for prompts, which are read in pieces. Not below maxBatchSize, the limit on requests."
      ),
    ])

  /// - Parameter scaling: of the deployment; `nil` if there is something wrong with it.
  /// - Returns: `nil` after a diagnostic.
  init?(_ keys: Section, scaling: Scenario.Scaling?) {
    guard let base = keys.exactDuration("base"),
      let perSequence = keys.has("perSequence") ? keys.exactDuration("perSequence") : 0,
      let perPromptToken = keys.has("perPromptToken") ? keys.exactDuration("perPromptToken") : 0,
      let tokens = keys.has("maxTokensPerStep") ? keys.integer("maxTokensPerStep") : 2048
    else { return nil }
    guard base > 0 else {
      keys.error("base", "base must be above 0: a step takes time. Write 12ms.")
      return nil
    }
    if let scaling, tokens < scaling.maxBatchSize {
      keys.error(
        keys.has("maxTokensPerStep") ? "maxTokensPerStep" : nil,
        "maxTokensPerStep \(tokens) is below maxBatchSize \(scaling.maxBatchSize): each request gains a token a step. Raise it, or lower maxBatchSize."
      )
      return nil
    }
    self.base = base
    self.perSequence = perSequence
    self.perPromptToken = perPromptToken
    tokensPerStep = Int64(tokens)
  }

  // MARK: What follows from it

  /// Requests that a replica with a full batch serves per microsecond; `nil` where the tokens are not known.
  func capacity(batch: Double, tokens: Scenario.Tokens?) -> Double? {
    guard let tokens else { return nil }
    let steps = tokens.output.mean * (base / batch + perSequence)
    let time = steps + tokens.input.mean * perPromptToken
    return time > 0 ? 1 / time : nil
  }
}
