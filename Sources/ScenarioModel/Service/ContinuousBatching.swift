import Documents
import Telemetry

/// A replica works in steps; one takes `base + perSequence × requests + perPromptToken × prompt tokens + max(0, perToken ×
/// (requests + prompt tokens) − overlap) + perContextToken × tokens of context that responses in progress attend to +
/// perPromptTokenContext × pairs of a prompt token that is read and a token of the prompt up to it` µs. The last two are
/// the cost of attention, in decoding and in reading prompts; `perToken` is computation, of which `overlap` passes while
/// the weights are read, which `base` contains. Source: Agrawal et al. (2024), "Vidur: A Large-Scale Simulation Framework for LLM Inference", MLSys,
/// section 4.3.
package struct ContinuousBatching: Sendable, Equatable {
  /// µs, above 0.
  package var base: Double
  /// µs for each request that takes part in the step.
  package var perSequence: Double
  /// µs for each prompt token that the step reads.
  package var perPromptToken: Double
  /// µs of computation for each request that takes part and each prompt token that the step reads.
  package var perToken: Double
  /// µs of that computation that cost nothing, since they pass while weights are read.
  package var overlap: Double
  /// µs for each token of context that each response in progress attends to.
  package var perContextToken: Double
  /// µs for each pair of a prompt token that is read and a token of its prompt up to itself.
  package var perPromptTokenContext: Double
  /// µs from when a replica takes a request in until a step can read its prompt: tokenisation, the server's front end.
  package var requestOverhead: Double
  /// `nil`: memory never binds.
  package var kvCache: KVCache?
  /// The most tokens in a step, one for each response and the rest for prompts; not below `maxBatchSize`. Of each rank.
  package var tokensPerStep: Int64
  /// Ranks that step together, each with a batch and a KV cache of its own; at least 1.
  package var dataParallel = 1

  /// The memory for keys and values of a replica, in blocks of tokens. Source: Kwon et al. (2023), "Efficient Memory
  /// Management for Large Language Model Serving with PagedAttention", SOSP.
  package struct KVCache: Sendable, Equatable {
    /// Blocks that a replica has, at least one.
    package var blocks: Int64
    /// Tokens in a block.
    package var blockSize: Int64
    /// Whether it keeps what requests have read, as long as there is room, for those that begin alike.
    package var keepsPrefixes: Bool

    /// Tokens that one request alone may have there.
    package var longestContext: Int64 { blocks * blockSize }

    package static let mostTokens: Int64 = 1_000_000_000

    static let shape = Shape(
      "kvCache",
      "The memory for keys and values of a replica: a request that joins takes the blocks of its prompt, and one more whenever its context outgrows them. When none is left, the request that joined last is preempted and read again later. A request that could never fit fails with contextLengthExceeded.",
      [
        Key(
          "tokens", .integer(1...Int(mostTokens)), required: true,
          "Tokens that it holds; what is left of the last block is not used."),
        Key("blockSize", .integer(1...4096), default: "16", "Tokens in a block."),
        Key(
          "prefixCache", .choice(["lru", "none"]), default: "lru",
          "Whether what prompts begin with alike (tokens.prefix, or a trace's blocks) stays after it has been read and is not read again: lru, until its blocks are needed, the least recently used first; or none."
        ),
      ])

    package init(blocks: Int64, blockSize: Int64, keepsPrefixes: Bool = true) {
      self.blocks = blocks
      self.blockSize = blockSize
      self.keepsPrefixes = keepsPrefixes
    }

    /// - Returns: `nil` after a diagnostic.
    init?(_ keys: Section) {
      guard let tokens = keys.integer("tokens"),
        let blockSize = keys.has("blockSize") ? keys.integer("blockSize") : 16,
        let policy = keys.has("prefixCache") ? keys.choice("prefixCache") : "lru"
      else { return nil }
      guard tokens >= blockSize else {
        keys.error(
          "tokens", "tokens \(tokens) is less than a block of \(blockSize). Give more, or lower blockSize.")
        return nil
      }
      blocks = Int64(tokens / blockSize)
      self.blockSize = Int64(blockSize)
      keepsPrefixes = policy == "lru"
    }
  }

  // MARK: In a scenario

  static let key = Key(
    "continuousBatching", .object { shape },
    "Instead of the other keys: the replica works in steps that requests join and leave.")

  static let shape = Shape(
    "continuousBatching",
    "A replica works in steps, as servers of language models do. A step takes base + perSequence × requests + perPromptToken × prompt tokens, and what attention to contexts adds; every request whose prompt has been read gains an output token.",
    [
      Key("base", .duration, required: true, "The least duration of a step."),
      Key("perSequence", .duration, default: "0s", "For each request that takes part in the step."),
      Key("perPromptToken", .duration, default: "0s", "For each prompt token that the step reads."),
      Key(
        "perToken", .duration, default: "0s",
        "Computation for each request that takes part and each prompt token that the step reads; see overlap."
      ),
      Key(
        "overlap", .duration, default: "0s",
        "So much of a step's computation (perToken) passes while the weights are read (base): only what exceeds it counts."
      ),
      Key(
        "perContextToken", .duration, default: "0s",
        "For each token of context that each response in progress attends to."),
      Key(
        "perPromptTokenContext", .duration, default: "0s",
        "For each pair of a prompt token that the step reads and a token of the prompt up to it."),
      Key(
        "requestOverhead", .duration, default: "0s",
        "From when a replica takes a request in until a step can read its prompt: tokenisation, the server's front end. The request has a slot meanwhile."
      ),
      Key(
        "kvCache", .object { KVCache.shape }, "Memory for keys and values. Without it: memory never binds."),
      Key(
        "maxTokensPerStep", .integer(1...10_000_000), default: "2048",
        "Tokens in a step: one for each request that gains one, the rest for prompts, which are read in chunks. Not below maxBatchSize, the limit on requests."
      ),
      Key(
        "dataParallel", .integer(1...256), default: "1",
        "Ranks of a replica, each with kvCache and maxTokensPerStep of its own, that step together: a step lasts as long as that of the slowest. A request goes to the rank with the fewest. Not above maxBatchSize, which all ranks share."
      ),
    ])

  package init(
    base: Double, perSequence: Double, perPromptToken: Double, perToken: Double, overlap: Double,
    perContextToken: Double, perPromptTokenContext: Double, requestOverhead: Double = 0, kvCache: KVCache?,
    tokensPerStep: Int64, dataParallel: Int = 1
  ) {
    self.base = base
    self.perSequence = perSequence
    self.perPromptToken = perPromptToken
    self.perToken = perToken
    self.overlap = overlap
    self.perContextToken = perContextToken
    self.perPromptTokenContext = perPromptTokenContext
    self.requestOverhead = requestOverhead
    self.kvCache = kvCache
    self.tokensPerStep = tokensPerStep
    self.dataParallel = dataParallel
  }

  /// - Parameter scaling: of the deployment; `nil` if there is something wrong with it.
  /// - Returns: `nil` after a diagnostic.
  init?(_ keys: Section, scaling: Scenario.Scaling?) {
    guard let base = keys.exactDuration("base"),
      let perSequence = keys.has("perSequence") ? keys.exactDuration("perSequence") : 0,
      let perPromptToken = keys.has("perPromptToken") ? keys.exactDuration("perPromptToken") : 0,
      let perToken = keys.has("perToken") ? keys.exactDuration("perToken") : 0,
      let overlap = keys.has("overlap") ? keys.exactDuration("overlap") : 0,
      let perContextToken = keys.has("perContextToken") ? keys.exactDuration("perContextToken") : 0,
      let perPromptTokenContext = keys.has("perPromptTokenContext")
        ? keys.exactDuration("perPromptTokenContext") : 0,
      let requestOverhead = keys.has("requestOverhead") ? keys.exactDuration("requestOverhead") : 0,
      let tokens = keys.has("maxTokensPerStep") ? keys.integer("maxTokensPerStep") : 2048,
      let ranks = keys.has("dataParallel") ? keys.integer("dataParallel") : 1
    else { return nil }
    guard requestOverhead <= Double(Limits.latency) else {
      keys.error(
        "requestOverhead",
        "requestOverhead is longer than 100 days, which telemetry cannot hold. Shorten it.")
      return nil
    }
    guard base > 0 else {
      keys.error("base", "base must be above 0: a step takes time. Write 12ms.")
      return nil
    }
    if let scaling, tokens < scaling.maxBatchSize {
      Self.reportTooFewTokens(tokens, scaling, keys)
      return nil
    }
    if let scaling, ranks > scaling.maxBatchSize {
      keys.error(
        "dataParallel",
        "dataParallel \(ranks) is above maxBatchSize \(scaling.maxBatchSize), the requests of all ranks together: some would never serve any. Lower it, or raise maxBatchSize."
      )
      return nil
    }
    if overlap > 0, perToken == 0 {
      keys.error(
        "overlap",
        "overlap without perToken: there is no computation to overlap. Give perToken, or remove it.")
      return nil
    }
    guard overlap <= base else {
      keys.error(
        "overlap",
        "overlap is longer than base, so that computation would pass while nothing is read any more. Lower it, or raise base."
      )
      return nil
    }
    var kvCache: KVCache?
    if keys.has("kvCache") {
      kvCache = keys.section("kvCache").flatMap { KVCache($0) }
      guard kvCache != nil else { return nil }
    }
    self.init(
      base: base, perSequence: perSequence, perPromptToken: perPromptToken, perToken: perToken,
      overlap: overlap, perContextToken: perContextToken, perPromptTokenContext: perPromptTokenContext,
      requestOverhead: requestOverhead, kvCache: kvCache, tokensPerStep: Int64(tokens), dataParallel: ranks)
  }

  static func reportTooFewTokens(_ tokens: Int, _ scaling: Scenario.Scaling, _ keys: Section) {
    keys.error(
      keys.has("maxTokensPerStep") ? "maxTokensPerStep" : nil,
      "maxTokensPerStep \(tokens) is below maxBatchSize \(scaling.maxBatchSize): each request gains a token per step. Raise it, or lower maxBatchSize."
    )
  }

  /// As a scenario has it under `service`: `continuousBatching: {base: 12ms, …}`.
  package var yaml: YAMLValue.Entry {
    typealias Entry = YAMLValue.Entry
    let optional = [
      ("perSequence", perSequence), ("perPromptToken", perPromptToken), ("perToken", perToken),
      ("overlap", overlap), ("perContextToken", perContextToken),
      ("perPromptTokenContext", perPromptTokenContext), ("requestOverhead", requestOverhead),
    ]
    var entries = [Entry("base", .duration(base))]
    entries += optional.filter { $0.1 > 0 }.map { Entry($0.0, .duration($0.1)) }
    if let kvCache {
      var cache = [
        Entry("tokens", .integer(kvCache.longestContext)), Entry("blockSize", .integer(kvCache.blockSize)),
      ]
      if !kvCache.keepsPrefixes { cache.append(Entry("prefixCache", .word("none"))) }
      entries.append(Entry("kvCache", .flow(cache)))
    }
    if tokensPerStep != 2048 { entries.append(Entry("maxTokensPerStep", .integer(tokensPerStep))) }
    if dataParallel != 1 { entries.append(Entry("dataParallel", .integer(Int64(dataParallel)))) }
    return Entry("continuousBatching", .block(entries))
  }

  // MARK: What follows from it

  /// What of a step does not depend on contexts, µs.
  @inline(__always)
  package func fixedTime(sequences: Double, promptTokens: Double) -> Double {
    let time = base + perSequence * sequences + perPromptToken * promptTokens
    return perToken == 0 ? time : time + max(0, perToken * (sequences + promptTokens) - overlap)
  }

  /// Whether a step takes longer the longer contexts are.
  package var dependsOnContext: Bool { perContextToken > 0 || perPromptTokenContext > 0 }

  /// What of the average request a replica's memory cannot hold, so that most fail; `nil` where it can.
  /// - Parameter onlyReads: whether it reads prompts for others, which then make all tokens but the first.
  func futility(tokens: Scenario.Tokens?, onlyReads: Bool = false) -> String? {
    guard let kvCache, let tokens else { return nil }
    // The last token of a response is not kept.
    let context = tokens.meanInput + (onlyReads ? 0 : tokens.output.mean - 1)
    guard context > Double(kvCache.longestContext) else { return nil }
    let blocks = "\(kvCache.blocks) \(kvCache.blocks == 1 ? "block" : "blocks") of \(kvCache.blockSize)"
    return
      "a replica's memory holds \(kvCache.longestContext) tokens (\(blocks)), \(onlyReads ? "a prompt has" : "a prompt and its response have") \(String(format: "%.6g", context)) on average: requests that do not fit fail with contextLengthExceeded. Give kvCache more tokens."
  }

  /// Requests that a replica with a full batch serves per microsecond, at most; `nil` where the tokens are not known,
  /// or the average request cannot be served.
  func capacity(batch: Double, tokens: Scenario.Tokens?, _ part: Scenario.Deployment.Part) -> Double? {
    guard let tokens, futility(tokens: tokens) == nil else { return nil }
    let input = tokens.meanInput
    var output = tokens.output.mean
    var reads = true
    switch part {
    case .whole: break
    case .prefill: output = 1
    case .decode: (output, reads) = (output - 1, false)
    }
    // On average, half of a response is there.
    let context = input + output / 2
    let room = kvCache.map { max(Double($0.longestContext) / max(context, 1), 1) } ?? .infinity
    // Each step serves a batch, and no more tokens than fit in one.
    // At best, every beginning that is shared is there already.
    let read = !reads ? 0 : kvCache?.keepsPrefixes == true ? tokens.input.mean : input
    let steps = max(
      output / min(batch / Double(dataParallel), room), (read + output) / Double(tokensPerStep))
    let computing = max(0, (read + output) * perToken - steps * overlap)
    let decoding = output * (perSequence + perContextToken * context)
    let reading =
      read * perPromptToken + perPromptTokenContext * (read * (input - read) + read * (read + 1) / 2)
    let time = steps * base + computing + decoding + reading
    // Of each rank, at best as many as of every other.
    return time > 0 ? Double(dataParallel) / time : nil
  }
}
