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
        workbench catalogue
        workbench catalogue hardware
        workbench catalogue prices
        workbench catalogue models --json
        workbench catalogue service --model llama-3.1-8b --hardware "A10 single"
      """)

  enum Part: String, ExpressibleByArgument, CaseIterable {
    case hardware, prices, models, service
  }

  @Argument(
    help:
      "Which: \(Part.allCases.map(\.rawValue).joined(separator: ", ")). Without it: all but service, which needs --model and --hardware."
  )
  var part: Part?

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
    case .service: try showService(catalogue)
    case .some(let part):
      let (columns, rows) = table(part, catalogue)
      if json { try print(objects(columns, rows)) } else { show(columns, rows) }
    case nil:
      let tables = [Part.hardware, .prices, .models].map { ($0, table($0, catalogue)) }
      guard !json else {
        return try print(
          Dictionary(uniqueKeysWithValues: tables.map { ($0.rawValue, objects($1.columns, $1.rows)) }))
      }
      for (place, (_, table)) in tables.enumerated() {
        if place > 0 { Terminal.print("") }
        show(table.columns, table.rows)
      }
    }
  }

  private func table(_ part: Part, _ catalogue: ServingCatalogue) -> (columns: [String], rows: [[Cell]]) {
    switch part {
    case .service: ([], [])  // A profile, not a table.
    case .hardware:
      (
        ["card", "TFLOP/s", "memory GB/s", "memory GiB", "link GB/s", "source"],
        catalogue.cards.sorted { $0.key < $1.key }.map { name, card in
          [
            .name(name), .number(card.flops / 1e12), .number(card.bandwidth / 1e9),
            .number(card.memory / 0x1p30), .number(card.link / 1e9), .name(card.source),
          ]
        }
      )
    case .prices:
      (
        ["hardware", "credits per replica-hour", "source"],
        defaultPriceList.sorted { $0.key < $1.key }.map {
          [.name($0.key), .number(Double($0.value) / 1e6), .name("the platform's price list")]
        }
      )
    case .models:
      (
        ["model", "parameters", "active", "layers", "hidden", "heads", "KV heads", "head size", "source"],
        catalogue.models.sorted { $0.key < $1.key }.map { name, model in
          [
            .name(name), .number(model.parameters), .number(model.active), .number(model.layers),
            .number(model.hidden), .number(model.heads), .number(model.kvHeads), .number(model.headSize),
            .name(model.source),
          ]
        }
      )
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

  private func objects(_ columns: [String], _ rows: [[Cell]]) -> [[String: Any]] {
    rows.map { row in Dictionary(uniqueKeysWithValues: zip(columns, row.map(\.value))) }
  }

  private func print(_ value: Any) throws {
    let data = try JSONSerialization.data(
      withJSONObject: value, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    Terminal.write(data + Data("\n".utf8))
  }

  private func show(_ columns: [String], _ rows: [[Cell]]) {
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

  private func showService(_ catalogue: ServingCatalogue) throws {
    guard let model, let hardware else { return }
    guard let architecture = catalogue.models[model] else {
      throw ValidationError(
        unknown("model", model, among: catalogue.models.keys.sorted()))
    }
    guard let (card, count) = catalogue.configuration(hardware) else {
      throw ValidationError(
        "there is no hardware \(quoted(hardware)) in the catalogue. \(catalogue.meant(hardware))Write CARD single or CARD cluster of N; \"workbench catalogue hardware\" lists the cards."
      )
    }
    let roofline = Roofline(architecture, card, cards: count)
    if let obstacle = roofline.obstacle { throw ValidationError(obstacle) }
    let blockSize: Int64 = 16
    guard roofline.cacheTokens >= Double(blockSize) else {
      throw ValidationError(
        "\(model) does not fit into the memory of \(hardware). Choose hardware with more memory.")
    }
    let cache = ContinuousBatching.KVCache(
      blocks: Int64(roofline.cacheTokens) / blockSize, blockSize: blockSize)
    let times = roofline.service(kvCache: cache)
    let source =
      "\(architecture.source); \(card.source); efficiencies assumed (compute \(roofline.computeEfficiency), bandwidth \(roofline.bandwidthEfficiency), links \(roofline.linkEfficiency))"
    if json {
      try print(
        [
          "model": model, "hardware": hardware, "basis": "computed, with assumed efficiencies",
          "source": source,
          "microseconds": [
            "base": times.base, "perSequence": times.perSequence, "perPromptToken": times.perPromptToken,
            "perToken": times.perToken, "overlap": times.overlap, "perContextToken": times.perContextToken,
            "perPromptTokenContext": times.perPromptTokenContext,
          ], "kvCacheTokens": Int(cache.longestContext),
        ] as [String: Any])
      return
    }
    let profile = ServiceProfile.text(
      name: "\(model) on \(hardware)", hardware: hardware, basis: .computed,
      source: source, service: .block([times.yaml]))
    Terminal.print(String(profile.dropLast()))
  }
}
