import Documents
import Telemetry

/// Coefficients of continuous batching that are computed from a model's architecture and a card's peak figures, with
/// efficiencies that are assumed: reading the weights takes their bytes over the memory's bandwidth, computing takes two
/// operations for each parameter and token, and attention reads each token's keys and values. Sources: Williams,
/// Waterman, Patterson (2009), "Roofline"; Pope et al. (2023), "Efficiently Scaling Transformer Inference", MLSys,
/// sections 2 and 3.
package struct Roofline: Sendable, Equatable {
  package var model: ServingCatalogue.Architecture
  package var card: ServingCatalogue.Card
  /// Cards that share each layer.
  package var cards: Int
  /// Bytes of a parameter, and of a number in the KV cache.
  package var bytesOfWeight = 2.0
  package var bytesOfCache = 2.0
  /// Shares of the peak figures that are reached.
  package var computeEfficiency = 0.7
  package var bandwidthEfficiency = 0.85
  package var linkEfficiency = 0.4
  /// Time of a step in addition to everything that is computed here, µs.
  package var stepOverhead = 1000.0
  /// From when a replica takes a request in until a step can read its prompt, µs.
  package var requestOverhead = 0.0
  /// Share of the memory that the server takes, and of that, bytes on each card for anything but weights and cache.
  package var memoryShare = 0.9
  package var reserved = 1.7e9

  /// Of one exchange between cards, µs.
  private static let exchangeLatency = 15.0

  package init(_ model: ServingCatalogue.Architecture, _ card: ServingCatalogue.Card, cards: Int) {
    (self.model, self.card, self.cards) = (model, card, cards)
  }

  /// A model and hardware of the shipped catalogue, at usual efficiencies.
  /// - Parameters:
  ///   - precision: of the weights, one of `precisions`.
  ///   - hardware: as price lists name it.
  /// - Returns: `nil` for what the catalogue does not have.
  package init?(model name: String, precision: String, hardware: String) {
    guard let catalogue = try? ServingCatalogue.shipped(),  // Who asks has read it: see `check`.
      let model = catalogue.models[name], let (card, cards) = catalogue.configuration(hardware),
      let bytes = Self.precisions.first(where: { $0.name == precision })?.bytes
    else { return nil }
    self.init(model, card, cards: cards)
    bytesOfWeight = bytes
  }

  /// Tokens that the KV cache holds; not positive if the weights do not fit.
  package var cacheTokens: Double {
    let room = Double(cards) * (card.memory * memoryShare - reserved) - model.parameters * bytesOfWeight
    return (room / bytesOfToken).rounded(.down)
  }

  /// Keys and values of one token, bytes, on all cards together: of more cards than heads of keys and values, several
  /// have the same.
  package var bytesOfToken: Double {
    2 * model.layers * max(model.kvHeads, Double(cards)) * model.headSize * bytesOfCache
  }

  /// Why the cards cannot share each layer, and what to do; `nil` if they can. Heads are dealt out whole, and equally.
  /// Source: Shoeybi et al. (2019), "Megatron-LM", section 3; vLLM, `QKVParallelLinear`.
  package var obstacle: String? {
    func canShare(_ cards: Int) -> Bool {
      let (heads, keyHeads) = (Int(model.heads), Int(model.kvHeads))
      return heads % cards == 0 && (keyHeads >= cards ? keyHeads % cards == 0 : cards % keyHeads == 0)
    }
    guard !canShare(cards) else { return nil }
    let possible = (1...64).filter(canShare).map(String.init).joined(separator: ", ")
    return
      "\(cards) cards cannot share \(plain(model.heads)) heads of attention and \(plain(model.kvHeads)) of keys and values equally. Choose hardware of as many cards as can (\(possible)), or state continuousBatching, with dataParallel for several engines."
  }

  /// The steps of a replica.
  /// - Parameter kvCache: `nil`: memory never binds.
  package func service(
    kvCache: ContinuousBatching.KVCache? = nil, tokensPerStep: Int64 = 2048
  ) -> ContinuousBatching {
    let microsecond = 1e-6
    let operations = Double(cards) * card.flops * computeEfficiency * microsecond
    let bytes = Double(cards) * card.bandwidth * bandwidthEfficiency * microsecond
    let table = model.vocabulary * model.hidden
    // A step reads only the rows of its tokens from the table of input embeddings.
    let read = (model.parameters - (model.isTied ? 0 : table)) * bytesOfWeight / bytes
    let layers = model.active - (model.isTied ? 1 : 2) * table
    let head = 2 * table / operations
    var (exchange, exchanges) = (0.0, 0.0)
    if cards > 1 {
      // Two all-reduces a layer, of each token's hidden state in two bytes a number, around a ring.
      let sent = 2 * Double(cards - 1) / Double(cards) * model.hidden * 2
      exchange = 2 * model.layers * sent / (card.link * linkEfficiency * microsecond)
      exchanges = 2 * model.layers * Self.exchangeLatency
    }
    return ContinuousBatching(
      base: stepOverhead + read + exchanges, perSequence: head + exchange, perPromptToken: exchange,
      perToken: 2 * layers / operations, overlap: read, perContextToken: bytesOfToken / bytes,
      perPromptTokenContext: 4 * model.layers * model.heads * model.headSize / operations,
      requestOverhead: requestOverhead, kvCache: kvCache, tokensPerStep: tokensPerStep)
  }

  // MARK: In a scenario

  static let key = Key(
    "roofline", .object { shape },
    "Instead of the other keys: continuousBatching with coefficients and a KV cache that are computed from the model and the hardware."
  )

  package static let efficiencies = 0.01...1.0

  package static let precisions: [(name: String, bytes: Double)] = [
    ("bf16", 2), ("fp8", 1), ("int8", 1), ("int4", 0.5),
  ]

  static let shape = Shape(
    "roofline",
    "Continuous batching computed from the peak figures of the hardware and the architecture of the model, with efficiencies that are assumed. A benchmark of your own is better: see fit, and continuousBatching.",
    [
      Key(
        "model", .text, "A model of the catalogue, such as llama-3.1-8b: see \"workbench catalogue models\"."),
      Key(
        "architecture",
        .object { Shape("architecture", "A model that the catalogue does not have.", Architecture.keys) },
        "Instead of model: one that the catalogue does not have."),
      Key(
        "card", .object { Shape("card", "An accelerator that the catalogue does not have.", Card.keys) },
        "The accelerator, if the hardware is not in the catalogue (\"workbench catalogue hardware\")."),
      Key(
        "tensorParallel", .integer(1...64),
        "Cards that share each layer. Without it: all cards of the hardware."),
      Key(
        "precision", .choice(precisions.map(\.name)), default: "bf16",
        "Of the weights in memory; computation is in bf16."),
      Key("kvPrecision", .choice(["bf16", "fp8"]), default: "bf16", "Of the KV cache."),
      Key(
        "computeEfficiency", .number(efficiencies), default: "0.7",
        "Share of the peak operations that is reached."),
      Key(
        "bandwidthEfficiency", .number(efficiencies), default: "0.85",
        "Share of the memory's peak bandwidth that is reached."),
      Key(
        "linkEfficiency", .number(efficiencies), default: "0.4",
        "Share of the peak bandwidth between cards that is reached."),
      Key("stepOverhead", .duration, default: "1ms", "Of each step: scheduling, launches, sampling."),
      Key(
        "requestOverhead", .duration, default: "0s",
        "From when a replica takes a request in until a step can read its prompt, as in continuousBatching."),
      Key(
        "memoryShare", .number(0.05...1), default: "0.9",
        "Share of the memory that the server takes (gpu_memory_utilization)."),
      Key(
        "reserved", .number(0...1000), default: "1.7",
        "Of that, GB on each card for anything but weights and cache: activations, graphs, the runtime."),
      Key("blockSize", .integer(1...4096), default: "16", "Tokens in a block of the KV cache."),
      Key(
        "maxTokensPerStep", .integer(1...10_000_000), default: "2048", "As in continuousBatching."),
    ])

  private typealias Architecture = ServingCatalogue.Architecture
  private typealias Card = ServingCatalogue.Card

  /// - Returns: the service on the hardware; `nil` after a diagnostic.
  static func read(_ keys: Section, hardware: String?, scaling: Scenario.Scaling?) -> ContinuousBatching? {
    let catalogue: ServingCatalogue
    do { catalogue = try .shipped() } catch {
      keys.error(nil, "the program's catalogue of models and cards cannot be read: \(error)")
      return nil
    }
    let model = readModel(keys, catalogue)
    guard let (card, count) = readCard(keys, hardware, catalogue), let model,
      var roofline = Roofline(keys, model, card, cards: count)
    else { return nil }
    if keys.has("card") { roofline.card = card }
    if let obstacle = roofline.obstacle {
      keys.error(keys.has("tensorParallel") ? "tensorParallel" : nil, obstacle)
      return nil
    }
    let tokens = keys.has("maxTokensPerStep") ? keys.integer("maxTokensPerStep") : 2048
    let blockSize = keys.has("blockSize") ? keys.integer("blockSize") : 16
    guard let tokens, let blockSize else { return nil }
    if keys.has("maxTokensPerStep"), let scaling, tokens < scaling.maxBatchSize {
      ContinuousBatching.reportTooFewTokens(tokens, scaling, keys)
      return nil
    }
    guard roofline.cacheTokens >= Double(blockSize) else {
      keys.error(
        nil,
        "the weights, \(gigabytes(model.parameters * roofline.bytesOfWeight)), do not fit \(count) × \(gigabytes(card.memory)) of memory with room for a KV cache (memoryShare \(plain(roofline.memoryShare)), reserved \(gigabytes(roofline.reserved)) a card). Choose hardware with more memory, a smaller model, or a smaller precision."
      )
      return nil
    }
    let blocks = min(
      Int64(roofline.cacheTokens) / Int64(blockSize),
      ContinuousBatching.KVCache.mostTokens / Int64(blockSize))
    return roofline.service(
      kvCache: .init(blocks: blocks, blockSize: Int64(blockSize)),
      tokensPerStep: Int64(max(tokens, scaling?.maxBatchSize ?? 0)))
  }

  /// As a scenario has it under `service`, on hardware of the catalogue.
  /// - Parameters:
  ///   - name: of the model in the catalogue.
  ///   - precision: of the weights.
  package func yaml(model name: String, precision: String, tokensPerStep: Int64) -> YAMLValue.Entry {
    typealias Entry = YAMLValue.Entry
    let usual = Roofline(model, card, cards: cards)
    var entries = [Entry("model", .text(name))]
    if precision != Self.precisions[0].name { entries.append(Entry("precision", .word(precision))) }
    let shares = [
      ("computeEfficiency", computeEfficiency, usual.computeEfficiency),
      ("bandwidthEfficiency", bandwidthEfficiency, usual.bandwidthEfficiency),
      ("linkEfficiency", linkEfficiency, usual.linkEfficiency),
      ("memoryShare", memoryShare, usual.memoryShare),
    ]
    entries += shares.filter { $0.1 != $0.2 }.map { Entry($0.0, .number($0.1)) }
    entries.append(Entry("stepOverhead", .duration(stepOverhead)))
    if requestOverhead > 0 { entries.append(Entry("requestOverhead", .duration(requestOverhead))) }
    if tokensPerStep != 2048 { entries.append(Entry("maxTokensPerStep", .integer(tokensPerStep))) }
    return Entry(Self.key.name, .block(entries))
  }

  private init?(
    _ keys: Section, _ model: ServingCatalogue.Architecture, _ card: ServingCatalogue.Card, cards: Int
  ) {
    self.init(model, card, cards: cards)
    var isRight = true
    func number(_ name: String, _ value: inout Double, times factor: Double = 1) {
      guard keys.has(name) else { return }
      if let given = keys.number(name) { value = given * factor } else { isRight = false }
    }
    number("computeEfficiency", &computeEfficiency)
    number("bandwidthEfficiency", &bandwidthEfficiency)
    number("linkEfficiency", &linkEfficiency)
    number("memoryShare", &memoryShare)
    number("reserved", &reserved, times: 1e9)
    for (name, place) in [("stepOverhead", \Roofline.stepOverhead), ("requestOverhead", \.requestOverhead)]
    where keys.has(name) {
      if let given = keys.exactDuration(name) { self[keyPath: place] = given } else { isRight = false }
    }
    if requestOverhead > Double(Limits.latency) {
      keys.error(
        "requestOverhead",
        "requestOverhead is longer than 100 days, which telemetry cannot hold. Shorten it.")
      isRight = false
    }
    for (name, place) in [("precision", \Roofline.bytesOfWeight), ("kvPrecision", \Roofline.bytesOfCache)]
    where keys.has(name) {
      let bytes = keys.choice(name).flatMap { text in Self.precisions.first { $0.name == text }?.bytes }
      if let bytes { self[keyPath: place] = bytes } else { isRight = false }
    }
    guard isRight else { return nil }
  }

  private static func readModel(_ keys: Section, _ catalogue: ServingCatalogue) -> ServingCatalogue
    .Architecture?
  {
    switch (keys.has("model"), keys.has("architecture")) {
    case (true, true):
      keys.error("architecture", "model and architecture cannot be given together. Remove one.")
    case (false, false):
      keys.error(
        nil,
        "roofline has no model. Give model: llama-3.1-8b (\"workbench catalogue models\" lists them), or architecture."
      )
    case (false, true):
      return keys.section("architecture").flatMap { Architecture($0, source: "stated") }
    case (true, false):
      guard let name = keys.text("model") else { return nil }
      if let model = catalogue.models[name] { return model }
      let hint = nearest(name, among: catalogue.models.keys.sorted()).map { "Did you mean \($0)? " } ?? ""
      keys.error(
        "model",
        "the catalogue has no model \(quoted(name)). \(hint)\"workbench catalogue models\" lists them; for any other, give architecture."
      )
    }
    return nil
  }

  private static func readCard(_ keys: Section, _ hardware: String?, _ catalogue: ServingCatalogue) -> (
    ServingCatalogue.Card, Int
  )? {
    let stated = keys.has("tensorParallel") ? keys.integer("tensorParallel") : nil
    if keys.has("tensorParallel"), stated == nil { return nil }
    if keys.has("card") {
      return keys.section("card").flatMap { Card($0, source: "stated") }.map { ($0, stated ?? 1) }
    }
    // What is wrong with the hardware has been said.
    guard let hardware else { return nil }
    guard let (card, count) = catalogue.configuration(hardware) else {
      keys.error(
        nil,
        "the catalogue has no hardware \(quoted(hardware)). \(catalogue.meant(hardware))It has \(catalogue.cards.keys.sorted().joined(separator: ", ")), each \"single\" or \"cluster of N\". Choose one of them, or give card."
      )
      return nil
    }
    if let stated, stated != count {
      keys.error(
        "tensorParallel",
        stated > count
          ? "tensorParallel \(stated) is more than the cards of \(quoted(hardware)), \(count). Lower it, or choose other hardware."
          : "tensorParallel \(stated) leaves \(count - stated) of \(count) cards of \(quoted(hardware)) idle: a roofline is of one engine. Leave it out, choose hardware with \(stated), or state continuousBatching with dataParallel."
      )
      return nil
    }
    return (card, count)
  }

  private static func gigabytes(_ bytes: Double) -> String { "\(plain((bytes / 1e8).rounded() / 10)) GB" }
}
