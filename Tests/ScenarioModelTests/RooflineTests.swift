import Foundation
import ScenarioModel
import Testing

@Suite("Roofline")
struct RooflineTests {
  private static func yaml(_ service: String, hardware: String = "A10 single") -> String {
    CheckTests.valid.replacing("service: { time: 1s }", with: "service: \(service)")
      .replacing("hardware: A10 single", with: "hardware: \(hardware)")
  }

  private static func batching(_ yaml: String, _ overrides: [String] = []) throws -> ContinuousBatching {
    let scenario = try ScenarioDocument(Data(yaml.utf8), path: "t.yaml", overrides: overrides).scenario
    let deployment = scenario.accounts[0].models[0].deployments[0]
    #expect(deployment.isServiceOfHardware)
    guard case .continuousBatching(let batching) = deployment.service else {
      throw CocoaError(.featureUnsupported)
    }
    return batching
  }

  private func near(_ a: Double, _ b: Double) -> Bool { abs(a / b - 1) < 1e-9 }

  @Test("llama-3.1-8b on one A10, by hand")
  func byHand() throws {
    let service = try Self.batching(Self.yaml("{ roofline: { model: llama-3.1-8b } }"))
    // Weights without the table of input embeddings, 8,030,261,248 − 128,256 × 4096 = 7,504,924,672 of two bytes, at 0.85 ×
    // 600 GB/s: 29,431.0771 µs; 1 ms of overhead.
    let read = 15_009_849_344 / 510_000.0
    #expect(near(service.base, 1000 + read) && near(service.overlap, read))
    // Two operations for each of 6,979,588,096 parameters in layers, at 0.7 × 125 TFLOP/s.
    #expect(near(service.perToken, 13_959_176_192 / 87_500_000.0))
    // The head: 2 × 525,336,576.
    #expect(near(service.perSequence, 1_050_673_152 / 87_500_000.0) && service.perPromptToken == 0)
    // Keys and values: 2 × 32 layers × 8 heads × 128 × 2 bytes = 131,072 bytes a token.
    #expect(near(service.perContextToken, 131_072 / 510_000.0))
    // Scores and their sum over values: 4 operations for each of 32 × 32 × 128 numbers.
    #expect(near(service.perPromptTokenContext, 524_288 / 87_500_000.0))
    // 0.9 × 24 GiB less 1.7 GB and 16,060,522,496 bytes of weights.
    let room = 0.9 * 24 * 1_073_741_824 - 1.7e9 - 16_060_522_496
    #expect(service.kvCache?.blocks == Int64(room / 131_072) / 16 && service.kvCache?.blockSize == 16)
    #expect(service.tokensPerStep == 2048)
  }

  @Test("four cards share the work, and exchange what each token's layers give")
  func tensorParallel() throws {
    let one = try Self.batching(Self.yaml("{ roofline: { model: llama-3.1-8b } }"))
    let four = try Self.batching(
      Self.yaml("{ roofline: { model: llama-3.1-8b, tensorParallel: 4 } }", hardware: "A10 cluster of 4"))
    #expect(near(four.overlap * 4, one.overlap) && near(four.perToken * 4, one.perToken))
    // 64 all-reduces of 8192 bytes, of which each card sends 2 × 3 ÷ 4, at 0.4 × 16 GB/s; 15 µs each a step.
    let exchange = 64 * 1.5 * 8192 / 6_400.0
    #expect(near(four.perPromptToken, exchange) && near(four.perSequence, one.perSequence / 4 + exchange))
    #expect(near(four.base, 1000 + one.overlap / 4 + 960))
    let (small, large) = (try #require(one.kvCache), try #require(four.kvCache))
    #expect(large.longestContext > 4 * small.longestContext)
  }

  @Test("cards that are more than the heads of keys and values keep copies of them")
  func copies() throws {
    let service = try Self.batching(
      Self.yaml("{ roofline: { model: qwen3-30b-a3b } }", hardware: "A10 cluster of 8"))
    // Eight cards with one of four heads each: 2 × 48 layers × 8 × 128 × 2 bytes a token.
    #expect(near(service.perContextToken, 196_608 / (8 * 510_000.0)))
    let room = 8 * (0.9 * 24 * 1_073_741_824 - 1.7e9) - 61_064_245_248
    #expect(service.kvCache?.blocks == Int64(room / 196_608) / 16)
  }

  @Test("a plan that changes the hardware gets the service of that hardware")
  func otherHardware() throws {
    let yaml = Self.yaml("{ roofline: { model: llama-3.2-3b } }")
    let (a10, t4) = (
      try Self.batching(yaml), try Self.batching(yaml, ["models.m.deployments.V1.hardware=T4 single"])
    )
    #expect(near(t4.overlap / a10.overlap, 600 / 320.0) && near(t4.perToken / a10.perToken, 125 / 65.0))
    let set = try Self.batching(
      Self.yaml(
        "{ byHardware: { A10 single: { roofline: { model: llama-3.2-3b, precision: int8, kvPrecision: fp8, computeEfficiency: 0.5, bandwidthEfficiency: 0.5, stepOverhead: 0ms, memoryShare: 0.5, reserved: 0, blockSize: 32, maxTokensPerStep: 512 } } } }"
      ))
    #expect(near(set.base, 3_212_749_824 / 300_000.0) && near(set.perToken / a10.perToken, 0.7 / 0.5))
    #expect(set.kvCache?.blockSize == 32 && set.tokensPerStep == 512)
  }

  @Test("a model and a card of one's own")
  func stated() throws {
    let catalogue = try ServingCatalogue.shipped()
    let (model, card) = (try #require(catalogue.models["qwen3-8b"]), try #require(catalogue.cards["L4"]))
    let architecture =
      "{ parameters: \(model.parameters), layers: 36, hidden: 4096, heads: 32, kvHeads: 8, headSize: 128, vocabulary: 151936 }"
    let stated = try Self.batching(
      Self.yaml(
        "{ roofline: { architecture: \(architecture), card: { teraflops: 121, bandwidth: 300, memory: 24, link: 16 } } }"
      ))
    let named = Roofline(model, card, cards: 1)
    #expect(near(stated.base, named.service().base))
    #expect(stated.kvCache?.blocks == Int64(named.cacheTokens) / 16)
  }

  @Test(
    "what is missing, contradicts itself or does not fit is said with its place",
    arguments: [
      (
        "{ roofline: { } }", "A10 single",
        "19:30: error: roofline has no model. Give model: llama-3.1-8b (\"workbench catalogue models\" lists them), or architecture."
      ),
      (
        "{ roofline: { model: llama-3.1-8 } }", "A10 single",
        "19:39: error: the catalogue has no model \"llama-3.1-8\". Did you mean llama-3.1-8b? \"workbench catalogue models\" lists them; for any other, give architecture."
      ),
      (
        "{ roofline: { model: llama-3.1-70b } }", "A10 single",
        "19:30: error: the weights, 141.1 GB, do not fit 1 × 25.8 GB of memory with room for a KV cache (memoryShare 0.9, reserved 1.7 GB a card). Choose hardware with more memory, a smaller model, or a smaller precision."
      ),
      (
        "{ roofline: { model: llama-3.1-8b, tensorParallel: 2 } }", "A10 single",
        "19:69: error: tensorParallel 2 is more than the cards of \"A10 single\", 1. Lower it, or choose other hardware."
      ),
      (
        "{ roofline: { model: llama-3.1-8b, tensorParallel: 1 } }", "A10 cluster of 4",
        "19:69: error: tensorParallel 1 leaves 3 of 4 cards of \"A10 cluster of 4\" idle: a roofline is of one engine. Leave it out, choose hardware with 1, or state continuousBatching with dataParallel."
      ),
      (
        "{ roofline: { model: qwen2.5-7b } }", "A10 cluster of 8",
        "19:30: error: 8 cards cannot share 28 heads of attention and 4 of keys and values equally. Choose hardware of as many cards as can (1, 2, 4, 28), or state continuousBatching, with dataParallel for several engines."
      ),
      (
        "{ roofline: { model: phi-4, tensorParallel: 4 } }", "A10 cluster of 4",
        "19:62: error: 4 cards cannot share 40 heads of attention and 10 of keys and values equally."
      ),
      (
        "{ roofline: { model: llama-3.1-8b, maxTokensPerStep: 7 } }", "A10 single",
        "19:71: error: maxTokensPerStep 7 is below maxBatchSize 8"
      ),
      (
        "{ roofline: { architecture: { parameters: 8e9, layers: 32, hidden: 4096, heads: 32, kvHeads: 7, headSize: 128, vocabulary: 32000 } } }",
        "A10 single",
        "error: kvHeads 7 does not divide heads 32. Each head of keys and values serves equally many. Correct one of them."
      ),
      (
        "{ time: 1s, roofline: { model: llama-3.1-8b } }", "A10 single",
        "19:26: error: roofline and time cannot be given together. Either a replica works in steps, or each request has its own service time: remove one."
      ),
      (
        "{ roofline: { model: llama-3.1-8b, computeEfficiency: 0 } }", "A10 single",
        "19:72: error: computeEfficiency 0 is out of range. It must be 0.01 to 1."
      ),
      (
        "{ roofline: { architecture: { parameters: 1e6, layers: 1, hidden: 1000, heads: 1, kvHeads: 1, headSize: 1, vocabulary: 1000 } } }",
        "A10 single",
        "error: the embeddings alone, vocabulary × hidden × 2, have 2000000 parameters. Give all parameters, not those without embeddings."
      ),
    ])
  func refused(service: String, hardware: String, words: String) {
    let yaml = Self.yaml(service, hardware: hardware)
    let error = #expect(throws: (any Error).self) {
      try ScenarioDocument(Data(yaml.utf8), path: "t.yaml", overrides: []).scenario
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains(words), "\(error.map { "\($0)" } ?? "")")
  }

  @Test("hardware that the catalogue lacks asks for a card")
  func unknownHardware() {
    let yaml = Self.yaml("{ roofline: { model: llama-3.1-8b } }", hardware: "X9 single").replacing(
      "  subscription:", with: "  credits: { X9 single: 2 }\n  subscription:")
    let error = #expect(throws: (any Error).self) {
      try ScenarioDocument(Data(yaml.utf8), path: "t.yaml", overrides: []).scenario
    }
    #expect(
      "\(error.map { "\($0)" } ?? "")".contains("the catalogue has no hardware \"X9 single\". It has A10, "))
  }

  @Test(
    "a name that is nearly one of the catalogue's is suggested",
    arguments: [
      ("RTX 4090", "Did you mean RTX 4090 single? "), ("RTX4090 single", "Did you mean RTX 4090 single? "),
      ("H10 cluster of 4", "Did you mean A10 cluster of 4? "),
      ("L40 cluster of 2", "Did you mean A40 cluster of 2? "),
      ("A10 singel", "Did you mean A10 single? "), ("A10 cluster of 99", ""), ("X9 single", ""),
      ("TPU v5e single", ""), ("", ""), (" single", ""),
    ])
  func meant(hardware: String, words: String) throws {
    #expect(try ServingCatalogue.shipped().meant(hardware) == words)
  }

  @Test("every figure of the catalogue has a source, and every card of the price list is there")
  func catalogue() throws {
    let catalogue = try ServingCatalogue.shipped()
    #expect(catalogue.cards.count >= 15 && catalogue.models.count >= 16)
    #expect(catalogue.cards.values.allSatisfy { !$0.source.isEmpty })
    #expect(catalogue.models.values.allSatisfy { $0.source.hasPrefix("huggingface.co/") })
    for hardware in defaultPriceList.keys { #expect(catalogue.configuration(hardware) != nil, "\(hardware)") }
    #expect(catalogue.configuration("A10 cluster of 8")?.count == 8)
    for name in ["A10", "A10 cluster of 1", "A10 cluster of 065", " single", "a10 single"] {
      #expect(catalogue.configuration(name) == nil, "\(name)")
    }
  }
}
