import Documents
import Foundation
import Telemetry

/// What is known about accelerators and open models, each figure with its source: `Serving/cards.yaml` and
/// `models.yaml`.
package struct ServingCatalogue: Sendable {
  /// An accelerator's peak figures.
  package struct Card: Sendable, Equatable {
    /// Floating-point operations a second, dense, bf16 or fp16 with accumulation in fp32.
    package var flops: Double
    /// Of its memory, bytes a second.
    package var bandwidth: Double
    /// Bytes.
    package var memory: Double
    /// To other cards of one server, bytes a second in one direction.
    package var link: Double
    package var source: String

    static let keys = [
      Key(
        "teraflops", .number(0.001...1e6), required: true,
        "Peak 10¹² operations a second: dense, bf16 or fp16 with accumulation in fp32."),
      Key("bandwidth", .number(0.1...1e6), required: true, "Peak bandwidth of its memory, GB/s."),
      Key("memory", .number(0.1...1e5), required: true, "GiB."),
      Key(
        "link", .number(0.1...1e5), required: true,
        "Peak bandwidth to other cards of the server in one direction, GB/s."),
    ]

    init?(_ section: Section, source: String) {
      guard let teraflops = section.number("teraflops"), let bandwidth = section.number("bandwidth"),
        let memory = section.number("memory"), let link = section.number("link")
      else { return nil }
      flops = teraflops * 1e12
      self.bandwidth = bandwidth * 1e9
      self.memory = memory * 0x1p30
      self.link = link * 1e9
      self.source = source
    }
  }

  /// The properties of a transformer that its time and memory depend on.
  package struct Architecture: Sendable, Equatable {
    package var parameters: Double
    /// Those that take part in one token; fewer than all in a mixture of experts.
    package var active: Double
    package var layers: Double
    package var hidden: Double
    package var heads: Double
    package var kvHeads: Double
    package var headSize: Double
    package var vocabulary: Double
    /// Whether input and output embeddings are one table.
    package var isTied: Bool
    package var source: String

    static let keys = [
      Key("parameters", .number(1e6...1e14), required: true, "All of them."),
      Key(
        "active", .number(1e6...1e14),
        "Those that take part in one token, fewer in a mixture of experts. Without it: all."),
      Key("layers", .integer(1...10_000), required: true, "num_hidden_layers."),
      Key("hidden", .integer(1...1_000_000), required: true, "hidden_size."),
      Key("heads", .integer(1...100_000), required: true, "num_attention_heads."),
      Key("kvHeads", .integer(1...100_000), required: true, "num_key_value_heads."),
      Key("headSize", .integer(1...10_000), required: true, "head_dim: mostly hidden ÷ heads."),
      Key("vocabulary", .integer(1...10_000_000), required: true, "vocab_size."),
      Key(
        "tied", .choice(["true", "false"]), default: "false",
        "Whether input and output embeddings are one table (tie_word_embeddings)."),
    ]

    init?(_ section: Section, source: String) {
      guard let parameters = section.number("parameters"), let layers = section.integer("layers"),
        let hidden = section.integer("hidden"), let heads = section.integer("heads"),
        let kvHeads = section.integer("kvHeads"), let headSize = section.integer("headSize"),
        let vocabulary = section.integer("vocabulary"),
        let active = section.has("active") ? section.number("active") : parameters
      else { return nil }
      let isTied = section.has("tied") ? section.choice("tied") == "true" : false
      let embeddings = Double(vocabulary * hidden)
      guard active <= parameters else {
        section.error("active", "active is above parameters. Those that take part are some of all.")
        return nil
      }
      guard kvHeads <= heads else {
        section.error("kvHeads", "kvHeads \(kvHeads) is above heads \(heads). Heads share keys and values.")
        return nil
      }
      guard heads.isMultiple(of: kvHeads) else {
        section.error(
          "kvHeads",
          "kvHeads \(kvHeads) does not divide heads \(heads). Each head of keys and values serves equally many. Correct one of them."
        )
        return nil
      }
      guard active > embeddings * (isTied ? 1 : 2) else {
        section.error(
          "parameters",
          "the embeddings alone, vocabulary × hidden\(isTied ? "" : " × 2"), have \(plain(embeddings * (isTied ? 1 : 2))) parameters. Give all parameters, not those without embeddings."
        )
        return nil
      }
      (self.parameters, self.active) = (parameters, active)
      (self.layers, self.hidden, self.heads) = (Double(layers), Double(hidden), Double(heads))
      (self.kvHeads, self.headSize) = (Double(kvHeads), Double(headSize))
      (self.vocabulary, self.isTied, self.source) = (Double(vocabulary), isTied, source)
    }
  }

  package var cards: [String: Card] = [:]
  package var models: [String: Architecture] = [:]

  /// That of the program.
  /// - Throws: `DocumentErrors`; `MissingPartError`.
  package static func shipped() throws -> ServingCatalogue { try loaded.get() }

  private static let loaded = Result { try ServingCatalogue() }

  private init() throws {
    let folder = try ProgramPart(
      "Serving", resourceOf: "ScenarioModel", contents: "the catalogues of accelerators and models"
    ).folder()
    let source = Key("source", .text, required: true, "Where the figures are from.")
    func read<Entry>(
      _ file: String, _ name: String, _ keys: [Key], _ make: (Section, String) -> Entry?
    ) throws -> [String: Entry] {
      let path = folder.appendingPathComponent(file).path
      let document = try Document.parse(ProgramPart.file(file, in: folder), path: path)
      let diagnostics = Diagnostics()
      let entry = Shape(name, "An entry of the catalogue.", keys + [source])
      let shape = Shape(file, "The catalogue.", [Key(name, .map(keys: ".+", .object { entry }), "By name.")])
      var entries: [String: Entry] = [:]
      for item in Section(document, shape, diagnostics, .utc)?.map(name) ?? [] {
        guard let section = Section(item.value, entry, diagnostics, .utc), let source = section.text("source")
        else { continue }
        entries[item.key] = make(section, source)
      }
      guard diagnostics.all.isEmpty else { throw DocumentErrors(path: path, diagnostics: diagnostics.all) }
      return entries
    }
    cards = try read("cards.yaml", "cards", Card.keys) { Card($0, source: $1) }
    models = try read("models.yaml", "models", Architecture.keys) { Architecture($0, source: $1) }
  }

  /// `Did you mean A10 single? `, or nothing.
  package func meant(_ hardware: String) -> String {
    let end = [" single", " cluster of "].compactMap { hardware.range(of: $0)?.lowerBound }.min()
    let card = String(hardware[..<(end ?? hardware.endIndex)])
    let count = end.map { String(hardware[$0...]) } ?? " single"
    let near: String?
    if cards[card] != nil {
      near = card + count
    } else if end == nil {
      near = nearest(hardware, among: cards.keys.sorted().flatMap { ["\($0) single", "\($0) cluster of 2"] })
    } else {
      // Names of two letters are all alike.
      near = card.count < 3 ? nil : nearest(card, among: cards.keys.sorted()).map { $0 + count }
    }
    guard let near, configuration(near) != nil else { return "" }
    return "Did you mean \(near)? "
  }

  /// A hardware configuration as price lists name it: "A10 single", "A10 cluster of 4".
  /// - Returns: `nil` for cards that the catalogue does not have, and for other names.
  package func configuration(_ hardware: String) -> (card: Card, count: Int)? {
    let text = hardware.unicodeScalars
    func name(before suffix: String) -> String? {
      guard hardware.hasSuffix(suffix) else { return nil }
      return String(String.UnicodeScalarView(text.dropLast(suffix.unicodeScalars.count)))
    }
    if let name = name(before: " single"), let card = cards[name] { return (card, 1) }
    for count in 2...64 {
      if let name = name(before: " cluster of \(count)"), let card = cards[name] { return (card, count) }
    }
    return nil
  }
}
