import ArgumentParser
import Documents
import Foundation
import ScenarioModel
import Telemetry

struct CatalogueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "catalogue",
    abstract: "What is known of hardware, prices and open models, with sources.",
    discussion: """
      Peak figures of cards are those of their makers. What a service takes is
      computed from them, with efficiencies that are assumed: a benchmark of your
      own is better.

      Examples:
        workbench catalogue hardware
        workbench catalogue prices
        workbench catalogue models --json
        workbench catalogue service --model llama-3.1-8b --hardware "A10 single"
      """)

  enum Part: String, ExpressibleByArgument, CaseIterable {
    case hardware, prices, models, service
  }

  @Argument(help: "Which: \(Part.allCases.map(\.rawValue).joined(separator: ", ")).")
  var part: Part

  @Option(help: "With service: a model of the catalogue.")
  var model: String?

  @Option(help: "With service: the hardware, \"CARD single\" or \"CARD cluster of N\".")
  var hardware: String?

  @Flag(help: "Prints JSON.")
  var json = false

  func validate() throws {
    if part == .service, model == nil || hardware == nil {
      throw ValidationError("service needs --model and --hardware.")
    }
    if part != .service, model != nil || hardware != nil {
      throw ValidationError("--model and --hardware belong to service.")
    }
  }

  func run() throws {
    let catalogue = try ServingCatalogue.shipped()
    switch part {
    case .hardware:
      try show(
        ["card", "TFLOP/s", "memory GB/s", "memory GiB", "link GB/s", "source"],
        catalogue.cards.sorted { $0.key < $1.key }.map { name, card in
          [
            .name(name), .number(card.flops / 1e12), .number(card.bandwidth / 1e9),
            .number(card.memory / 0x1p30), .number(card.link / 1e9), .name(card.source),
          ]
        })
    case .prices:
      try show(
        ["hardware", "credits per replica-hour", "source"],
        defaultPriceList.sorted { $0.key < $1.key }.map {
          [.name($0.key), .number(Double($0.value) / 1e6), .name("the platform's price list")]
        })
    case .models:
      try show(
        ["model", "parameters", "active", "layers", "hidden", "heads", "KV heads", "source"],
        catalogue.models.sorted { $0.key < $1.key }.map { name, model in
          [
            .name(name), .number(model.parameters), .number(model.active), .number(model.layers),
            .number(model.hidden), .number(model.heads), .number(model.kvHeads), .name(model.source),
          ]
        })
    case .service: try showService(catalogue)
    }
  }

  private enum Cell {
    case name(String)
    case number(Double)

    var text: String {
      switch self {
      case .name(let text): text
      case .number(let number) where number >= 1e6: String(format: "%.2f B", number / 1e9)
      case .number(let number): String(format: "%.6g", number)
      }
    }

    var value: Any {
      switch self {
      case .name(let text): text
      case .number(let number): number
      }
    }
  }

  private func show(_ columns: [String], _ rows: [[Cell]]) throws {
    if json {
      let objects = rows.map { row in Dictionary(uniqueKeysWithValues: zip(columns, row.map(\.value))) }
      let data = try JSONSerialization.data(
        withJSONObject: objects, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
      Terminal.write(data + Data("\n".utf8))
      return
    }
    // Sources are sentences: a line of their own under the figures of 80 columns.
    let figures = columns.count - 1
    let widths = (0..<figures).map { column in
      max(columns[column].count, rows.map { $0[column].text.count }.max() ?? 0)
    }
    func line(_ cells: [String]) -> String {
      zip(cells, widths).enumerated().map { index, cell in
        let room = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
        return index == 0 ? cell.0 + room : room + cell.0
      }.joined(separator: "  ")
    }
    Terminal.print(Terminal.bold(line(Array(columns.dropLast()))))
    for row in rows {
      Terminal.print(line(row.dropLast().map(\.text)))
      Terminal.print("  " + Terminal.dim(row[figures].text))
    }
  }

  /// `Did you mean A10 single? `, or nothing.
  private func meant(_ hardware: String, _ catalogue: ServingCatalogue) -> String {
    let known = catalogue.cards.keys.sorted().flatMap { ["\($0) single", "\($0) cluster of 2"] }
    return nearest(hardware, among: known).map { "Did you mean \($0)? " } ?? ""
  }

  private func showService(_ catalogue: ServingCatalogue) throws {
    guard let model, let hardware else { return }
    guard let architecture = catalogue.models[model] else {
      throw ValidationError(
        unknown("model", model, among: catalogue.models.keys.sorted()))
    }
    guard let (card, count) = catalogue.configuration(hardware) else {
      throw ValidationError(
        "there is no hardware \(quoted(hardware)) in the catalogue. \(meant(hardware, catalogue))Write CARD single or CARD cluster of N; \"workbench catalogue hardware\" lists the cards."
      )
    }
    let roofline = Roofline(architecture, card, cards: count)
    guard roofline.cacheTokens >= 1 else {
      throw ValidationError(
        "\(model) does not fit into the memory of \(hardware). Choose hardware with more memory.")
    }
    let times = roofline.service()
    if json {
      let object: [String: Any] = [
        "model": model, "hardware": hardware, "basis": "computed, with assumed efficiencies",
        "microseconds": [
          "base": times.base, "perSequence": times.perSequence, "perPromptToken": times.perPromptToken,
          "perToken": times.perToken, "overlap": times.overlap, "perContextToken": times.perContextToken,
          "perPromptTokenContext": times.perPromptTokenContext,
        ], "kvCacheTokens": Int(roofline.cacheTokens),
      ]
      let data = try JSONSerialization.data(
        withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
      Terminal.write(data + Data("\n".utf8))
      return
    }
    let cache = ContinuousBatching.KVCache(
      blocks: max(1, Int64(roofline.cacheTokens) / 16), blockSize: 16)
    let profile = ServiceProfile.text(
      name: "\(model) on \(hardware)", hardware: hardware, basis: .computed,
      source:
        "\(architecture.source); \(card.source); efficiencies assumed (compute \(roofline.computeEfficiency), bandwidth \(roofline.bandwidthEfficiency), links \(roofline.linkEfficiency))",
      service: .block([roofline.service(kvCache: cache).yaml]))
    Terminal.print(String(profile.dropLast()))
  }
}
