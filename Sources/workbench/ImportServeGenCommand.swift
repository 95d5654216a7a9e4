import ArgumentParser
import Datasets
import Documents
import Foundation
import Sampling
import Telemetry

struct ImportServeGenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "servegen", abstract: "ServeGen's client data as a scenario: one demand per client.",
    discussion: """
      DIR has a chunk-N-trace.csv and a chunk-N-dataset.json for each client. Each becomes a model with an \
      autoscaled deployment sized for its peak. Arrivals are those of the client: a gamma or Weibull renewal \
      process, in equilibrium from each window's start, so that the expected count of every window is its \
      rate times its length; and token counts are drawn from those of their six-hour window. The scenario \
      names the files where they lie; nothing is copied.

      The scenario lasts as long as the data, or as --days if that is less. While a client is inactive, or \
      where its data lack a window, nothing arrives. A token window that is missing, or has no counts, takes \
      those of the window before it, the first ones those of the first window that has some; the summary \
      says how many.

      Examples:
        workbench import servegen data/servegen-m-small -o servegen.yaml
        workbench run servegen.yaml --formats none
        workbench import servegen data/servegen-m-small -o two.yaml \\
          --clients 12,14 --days 1
      """)

  @Argument(help: "The directory.")
  var directory: String

  @Option(name: .shortAndLong, help: "The scenario (.yaml) to write.")
  var output: String

  @Option(help: "Only these clients, by the N of their files, separated by commas.")
  var clients: String?

  @Option(help: "How many days of the data. (default: all)")
  var days: Int?

  @Option(help: "The date to use for the data's first second, since the data have no dates.")
  var from = "2025-01-06"

  @Option(help: "Multiplies every client's demand.", transform: decimalNumber)
  var scale = 1.0

  @Option(help: "IANA time zone of the account.")
  var timeZone = "UTC"

  @Flag(help: "Replaces what an earlier command wrote there.")
  var replace = false

  func validate() throws {
    guard LocalDate(from)?.isSupported ?? false else {
      throw ValidationError(
        "--from \"\(from.shown)\" is not a date in \(Timestamp.supportedYears). Write 2025-01-06.")
    }
    if let days, !(1...3650).contains(days) { throw ValidationError("--days \(days) must lie in 1…3650.") }
    guard scale >= 0.001, scale <= 1000 else {
      throw ValidationError("--scale \(scale) must lie in 0.001…1000.")
    }
    guard ZonedCalendar(identifier: timeZone) != nil else {
      throw ValidationError(unknownTimeZone(timeZone))
    }
  }

  /// A client, and where its files are from the scenario.
  private struct Entry {
    var number: Int
    var client: ServeGenClient
    var trace: String
    var dataset: String
  }

  func run() throws {
    let entries = try self.entries()
    guard let first = LocalDate(from), let calendar = ZonedCalendar(identifier: timeZone) else { return }
    let last = entries.flatMap(\.client.demand.windows).map { $0.start + $0.length }.max() ?? 0
    // No longer than the data are.
    let length = min(last, days.map { Int64($0) * 86_400_000_000 } ?? last)
    let to = calendar.start(of: first) + length
    let file = try OutputTarget.file(output, replace: replace)
    try file.write(text(entries, to: to.rfc3339(in: calendar)).utf8)
    try file.close()
    let expected =
      scale * entries.reduce(0) { $0 + $1.client.demand.expected(from: 0, to: length) }
    func sum(_ count: (ServeGenClient) -> Int) -> Int { entries.reduce(0) { $0 + count($1.client) } }
    let inactive = sum { $0.inactiveWindows(within: length) }
    let windows = sum { $0.windows(within: length) }
    let empty = sum { $0.emptyTokenWindows(within: length) }
    let missing = sum { $0.missingWindows(within: length) }
    let kinds = Set(entries.flatMap(\.client.inputKinds)).sorted()
    Terminal.print(
      """
      \(output.shown): \(entries.count) clients, \(Self.words(length)), \(Figure.count(expected)) requests expected.
      In \(Figure.count(inactive)) of \(Figure.count(windows)) windows a client is inactive\(missing == 0 ? "" : "; \(Figure.count(missing)) of them are not in the data, and nothing arrives in them"). \
      \(Figure.count(empty)) token windows are empty: they take the counts of the window before, or of the first that has some.\
      \(kinds.isEmpty ? "" : "\nInput tokens are the sum of \(kinds.joined(separator: ", ")), as if these were independent: the data do not say how they are correlated.")
      Next: workbench run \(ShellText.quoted(output)) --formats none
      """)
  }

  /// `14 days`, or `5 h`.
  private static func words(_ length: Int64) -> String {
    for (unit, word) in [(86_400_000_000, "day"), (3_600_000_000, "h"), (60_000_000, "min")]
      as [(Int64, String)]
    where length % unit == 0 {
      let count = length / unit
      return "\(count) \(word)\(word == "day" && count != 1 ? "s" : "")"
    }
    return "\(length / 1_000_000) s"
  }

  private func entries() throws -> [Entry] {
    guard let files = try? FileManager.default.contentsOfDirectory(atPath: directory) else {  // Said here.
      throw NotFoundError(directory, "there is no such directory. Correct its name, or put it there.")
    }
    var numbers = files.compactMap { name -> Int? in
      guard name.hasPrefix("chunk-"), name.hasSuffix("-trace.csv") else { return nil }
      return Int(name.dropFirst("chunk-".count).dropLast("-trace.csv".count))
    }.sorted()
    guard !numbers.isEmpty else {
      throw NotFoundError(directory, "there is no chunk-N-trace.csv. Give ServeGen's directory.")
    }
    if let clients {
      let wanted = clients.split(separator: ",").map(String.init)
      if let stray = wanted.first(where: { text in !numbers.contains { String($0) == text } }) {
        throw NotFoundError("\(directory)/chunk-\(stray)-trace.csv", "there is no such client.")
      }
      numbers = numbers.filter { wanted.contains(String($0)) }
    }
    let base = URL(fileURLWithPath: directory).standardizedFileURL.path
    let progress = ProgressBar("Reading")
    defer { progress.clear() }
    return try numbers.enumerated().map { index, number in
      let (trace, dataset) = ("\(base)/chunk-\(number)-trace.csv", "\(base)/chunk-\(number)-dataset.json")
      let client = try ServeGenClient(trace: trace, dataset: dataset)
      progress.show(Double(index + 1) / Double(numbers.count))
      return Entry(number: number, client: client, trace: trace, dataset: dataset)
    }
  }

  private func text(_ entries: [Entry], to: String) -> String {
    typealias Key = YAMLValue.Entry
    let sizings = entries.map { Self.sizing($0.client, scale) }
    let models = zip(entries, sizings).map { entry, sizing in
      YAMLValue.block([
        Key("name", .text("client-\(entry.number)")), Key("kind", .word("openSource")),
        Key(
          "load",
          .block([
            Key(
              "arrivals",
              .flow([
                Key(
                  "serveGen", .flow([Key("trace", .text(entry.trace)), Key("dataset", .text(entry.dataset))]))
              ])),
            Key("scale", .word("\(scale)")),
          ])),
        Key("deployments", .block([.block(deployment(sizing))])),
      ])
    }
    return YAMLWriter.document(
      heading: [
        "\(entries.count) clients of a production LLM service as ServeGen measured them; read from \(directory.shown).",
        "Xiang et al., \"ServeGen: Workload Characterization and Generation of Large Language Model Serving in Production\",",
        "arXiv 2505.09999; data Apache-2.0. Service times and sizes are assumptions: the data say nothing about them.",
      ],
      sections: [
        [
          Key("workbench", .integer(1)), Key("name", .text("servegen")),
          Key("description", .text("ServeGen's clients, one model each, on autoscaled deployments.")),
          Key("seed", .integer(1)), Key("period", .flow([Key("from", .text(from)), Key("to", .text(to))])),
        ],
        [
          Key(
            "account",
            .block([
              Key("name", .text("servegen")), Key("timeZone", .text(timeZone)),
              Key(
                "subscription",
                .flow([Key("maxReplicas", .integer(sizings.reduce(0) { $0 + $1.replicas }))])),
            ]))
        ],
        [Key("models", .block(models))],
      ])
  }

  private func deployment(_ sizing: (replicas: Int, batch: Int)) -> [YAMLValue.Entry] {
    typealias Key = YAMLValue.Entry
    return [
      Key("version", .text("V1")), Key("deployAt", .text(from)), Key("hardware", .text("A10 single")),
      Key(
        "scaling",
        .flow([
          Key("minReplicas", .integer(1)), Key("maxReplicas", .integer(sizing.replicas)),
          Key("maxBatchSize", .integer(sizing.batch)), Key("scaleUpDelay", .word("30s")),
          Key("scaleDownDelay", .word("10min")), Key("startup", .word("90s")),
        ])),
      Key(
        "service",
        .flow([
          Key("firstToken", .word("200ms")), Key("perInputToken", .word("0.05ms")),
          Key("perOutputToken", .word("10ms")), Key("batchSlowdown", .word("0.002")),
        ])),
      Key("queue", .flow([Key("capacity", .integer(100_000)), Key("timeout", .word("5min"))])),
    ]
  }

  /// Replicas and batch for a client's peak, with a third in hand.
  private static func sizing(_ client: ServeGenClient, _ scale: Double) -> (replicas: Int, batch: Int) {
    let mean = client.demand.tokens.map { 0.2 + 0.05e-3 * $0.input.mean + 0.01 * $0.output.mean }.max() ?? 1
    let busy = client.peakRate * scale * mean * 1.33
    for batch in [64, 128, 256] where busy / Double(batch) <= 50 {
      return (max(1, Int((busy / Double(batch)).rounded(.up))), batch)
    }
    return (50, 256)
  }
}
