import ArgumentParser
import Datasets
import Foundation
import Runs
import ScenarioModel
import Telemetry

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Turns real traces into telemetry, or into a scenario that replays them.",
    subcommands: [
      ImportServeGenCommand.self, ImportAzureCommand.self, ImportTableCommand.self,
      ImportOpenTelemetryCommand.self,
    ])
}

/// What every import offers for rows that make no request.
struct ImportHandling: ParsableArguments {
  @Flag(help: "Ends at the first bad row, with nothing written.")
  var strict = false

  @Option(help: "The file for bad rows, made only if there are any. (default: OUTPUT.rejects.csv)")
  var rejects: String?

  @Flag(help: "Replaces what an earlier command wrote there.")
  var replace = false

  @Flag(name: .shortAndLong, help: "No progress and no summary.")
  var quiet = false

  func write(
    _ input: String, _ source: MappedImport.Source, _ mapping: ImportMapping, output: String, format: String
  ) throws {
    guard let format = DatasetFormat(format) else { return }
    if !replace { try OutputTarget.requireFree(output) }  // Said before the work.
    let progress = ProgressBar("Importing", quiet: quiet)
    let imported = try MappedImport(
      input, source, mapping: mapping, output: output, rejectsPath: rejects ?? output + ".rejects.csv",
      replacesRejects: replace || (rejects == nil && !FileManager.default.fileExists(atPath: output)),
      isStrict: strict)
    try imported.read { progress.show($0) }
    let period = imported.period
    let directory = try RunDirectory(
      output,
      manifest: Manifest(
        program: Program.nameAndVersion, scenario: nil, seed: nil,
        period: .init(from: period.lowerBound, to: period.upperBound),
        source: PostgreSQLLocation(input)?.name ?? URL(fileURLWithPath: input).lastPathComponent),
      existing: OutputTarget.existing(replace: replace))
    var recorder = RunRecorder()
    recorder.formats = [format]
    _ = try recorder.record(imported, into: directory)
    try imported.finishRejects()
    progress.clear()
    if quiet { return }
    for sentence in imported.report.sentences { Terminal.print(sentence) }
    show(imported.rejects)
    let calendar = ZonedCalendar(identifier: mapping.account.timeZone) ?? .utc
    let accounts = imported.tables.accounts.map(\.account)
    let choice = accounts.count > 1 ? " --account \(ShellText.quoted(accounts[0]))" : ""
    Terminal.print(
      "\(output.shown): a data set of \(Figure.count(imported.count)) requests\(accounts.count > 1 ? " of \(accounts.count) accounts" : ""). Next: workbench aggregate \(ShellText.quoted(output))\(choice) --period \(calendar.date(at: period.upperBound + -1))"
    )
  }
}

extension ImportHandling {
  private func show(_ rejected: MappedImport.Rejects) {
    guard rejected.count > 0 else { return }
    Terminal.diagnose(
      "\(Figure.count(rejected.count)) \(rejected.count == 1 ? "row" : "rows") rejected, see \(rejected.file ?? ""):"
    )
    for example in rejected.examples { Terminal.diagnose("  \(example.shown)") }
    guard rejected.count > Int64(rejected.examples.count) || rejected.kinds.count > 1 else { return }
    let kinds = rejected.kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    Terminal.diagnose(
      "  by reason: \(kinds.map { "\($0.key) \(Figure.count($0.value))" }.joined(separator: ", "))")
  }
}

struct ImportTableCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table", abstract: "A platform's own export, by a mapping file.",
    discussion: """
      INPUT is CSV with a header, NDJSON (ending .ndjson or .jsonl; nested values by dotted names), or, if \
      the mapping has rows: { list: … }, a JSON document; plain, gzip or zstd; or a table or view of a \
      running PostgreSQL. The mapping is a small YAML file that \
      says which column is which; "workbench schema mapping" prints its JSON Schema:

        workbenchMapping: 1
        account: { name: acme, timeZone: Europe/Berlin }
        columns:
          arrivedAt: { column: time, zone: Europe/Berlin }   # or format: s, ms, …
          model: model_name
          kind: { constant: openSource }                     # or a column's values
          version: deployment
          status: { column: state, success: [ ok ] }
          failureReason: error
          latency: { column: seconds, unit: s }              # or endedAt
          waiting: { difference: [ scheduled, queued ], unit: s }
          firstTokenAt: first_token                          # or firstToken
          inputTokens: prompt_tokens
          outputTokens: completion_tokens

      For arrivedAt, format is s, ms, us or ns, with an origin if need be; a column's values are translated by \
      values: { ft: fineTuned }; where endedAt and latency are both known, arrivedAt is left out; startedAt says \
      how long a request waited; firstToken is a duration.

      id tells rows that were exported twice, account the accounts of one export, hardware what served a row. \
      What a row may lack besides: cachedInputTokens, reasoningTokens, cost, session, turn, attempt, class, \
      user (written as a hash), adapter, prefix (hashes of the prompt's blocks). rows: { only: { type: [ GENERATION ] } } leaves other rows \
      out; rows: { list: data.*.results } says where in a JSON document they are; deployments: states \
      replicas and batch sizes, so that fit need not assume them. The guide DataSets has mappings of vLLM, \
      Mooncake, Langfuse and others.

      From a list of columns ([ started, time ]), each row takes the first that has a value; sum: [ a, b ] \
      adds numbers, difference: [ a, b ] takes a minus b. Numbers consist of decimal digits, a point, a minus sign and an exponent: "-", dates, \
      0x10, 1.2.3, true and nan are not numbers. A row without a number that the mapping names is rejected, \
      unless the mapping gives a replacement (missing: 0) or leaves it open (missing: unknown); failures may lack numbers, which then count as 0. \
      Local times that occur twice are told apart by the order of the rows; those that never occur are \
      rejected.

      Rows that do not become requests are counted, shown and written to a reject file; --strict stops at \
      the first. The summary lists everything that was left out or assumed.

      Examples:
        workbench import table export.csv --mapping platform.yaml -o Outputs/platform
        workbench import table export.jsonl.gz --mapping platform.yaml \\
          -o Outputs/platform --strict
        workbench import table 'postgres://qa@db/product?table=llm_calls' \\
          --mapping platform.yaml -o Outputs/now
      """)

  @Argument(help: "The export.")
  var input: String

  @Option(help: "The mapping file.")
  var mapping: String

  @Option(name: .shortAndLong, help: "The data set directory to write.")
  var output: String

  @Option(help: "Of the data set: \(DatasetFormat.all.map(\.description).joined(separator: ", ")).")
  var format = "csv"

  @OptionGroup var handling: ImportHandling

  func validate() throws { _ = try DatasetFormat.named(format) }

  func run() throws {
    let data = try GivenFile.document(mapping)
    let isJSON =
      PostgreSQLLocation(input) == nil
      && ["", ".gz", ".zst"].contains { input.hasSuffix(".ndjson" + $0) || input.hasSuffix(".jsonl" + $0) }
    try handling.write(
      input, isJSON ? .ndjson : .csv, try ImportMapping(data, path: mapping), output: output, format: format)
  }
}

struct ImportOpenTelemetryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "otlp", abstract: "OpenTelemetry spans of generative AI clients, as OTLP in JSON.",
    discussion: """
      INPUT is what an OTLP file exporter writes: export requests in JSON, one per line or one as the whole \
      file. Calls of a model become requests of external models: spans whose gen_ai.operation.name is chat, \
      text_completion, generate_content or embeddings, or one that --operation adds; and, without an \
      operation, spans with a model and no call below them. Agents, workflows, tools, retrieval and \
      operations that the conventions do not define are counted and left out. A span that is exported again, \
      by its trace and span identifier, counts once. A call failed if its status is ERROR, or if it has no \
      status and an error.type, which the conventions set on failures only; OK is a success whatever else is \
      set.

      Examples:
        workbench import otlp traces.jsonl -o Outputs/otel --account acme \\
          --time-zone Europe/Berlin
        workbench import otlp traces.jsonl -o Outputs/otel --operation call_llm
      """)

  @Argument(help: "The export.")
  var input: String

  @Option(name: .shortAndLong, help: "The data set directory to write.")
  var output: String

  @Option(help: "Of the data set: \(DatasetFormat.all.map(\.description).joined(separator: ", ")).")
  var format = "csv"

  @Option(help: "An additional operation that is a call of a model. May be repeated.")
  var operation: [String] = []

  @Option(help: "The account that the requests belong to.")
  var account = "otel"

  @Option(help: "IANA time zone of its dashboard.")
  var timeZone = "UTC"

  @OptionGroup var handling: ImportHandling

  func validate() throws {
    _ = try DatasetFormat.named(format)
    do {
      try Name.check(account)
    } catch {
      throw ValidationError("--account \(error)")
    }
    guard ZonedCalendar(identifier: timeZone) != nil else {
      throw ValidationError(unknownTimeZone(timeZone))
    }
  }

  func run() throws {
    var mapping = try ImportMapping(Data(ImportMapping.openTelemetry.utf8), path: "otlp")
    mapping.account.name = account
    mapping.account.timeZone = timeZone
    try handling.write(
      input, .openTelemetry(operations: Set(operation)), mapping, output: output, format: format)
  }
}

struct ImportAzureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "azure-llm", abstract: "The Azure LLM inference trace 2023.",
    discussion: """
      TRACE is a CSV file with the columns TIMESTAMP, ContextTokens, GeneratedTokens; times are read as UTC. \
      The ending of OUTPUT decides what is written:
        .yaml       a scenario that replays the trace through an autoscaled
                    deployment, and the trace beside it
        otherwise   a data set: the requests as those of an external model, since
                    the trace says nothing about latency

      Examples:
        workbench import azure-llm AzureLLMInferenceTrace_conv.csv -o azure.yaml
        workbench run azure.yaml
        workbench import azure-llm AzureLLMInferenceTrace_conv.csv -o Outputs/azure
      """)

  @Argument(help: "The trace.")
  var trace: String

  @Option(name: .shortAndLong, help: "The scenario (.yaml) or data set directory to write.")
  var output: String

  @Option(
    help:
      "Of the data set or of the trace beside a scenario: \(DatasetFormat.all.map(\.description).joined(separator: ", "))."
  )
  var format = "csv"

  func validate() throws { _ = try DatasetFormat.named(format) }

  @OptionGroup var handling: ImportHandling

  func run() throws {
    guard output.hasSuffix(".yaml") || output.hasSuffix(".yml"), let format = DatasetFormat(format) else {
      let mapping = try ImportMapping(Data(ImportMapping.azure.utf8), path: "azure-llm")
      try handling.write(trace, .csv, mapping, output: output, format: format)
      return
    }
    let file = try TraceFile(contentsOf: trace)
    guard file.prefixes == nil else {
      throw DatasetError(
        trace,
        "this is a Mooncake trace, and what its prompts begin with would be lost. Name it in a scenario: arrivals: { trace: { file: …, startAt: 2026-01-05 } }."
      )
    }
    let requests = file.requests
    guard let first = requests.first?.arrivedAt, let last = requests.last?.arrivedAt else {
      throw DatasetError(trace, "the trace has no requests. There is nothing to import.")
    }
    // Whole hours around the trace, UTC.
    let hour: Int64 = 3_600_000_000
    let from = Timestamp(microseconds: first.microseconds / hour * hour)
    let to = Timestamp(microseconds: (last.microseconds / hour + 1) * hour)
    try writeScenario(requests, format, from: from, to: to)
  }

  private func writeScenario(
    _ requests: [TraceFile.Request], _ format: DatasetFormat, from: Timestamp, to: Timestamp
  ) throws {
    let stem = URL(fileURLWithPath: output).deletingPathExtension()
    let traceFile = stem.lastPathComponent + ".requests.\(format)"
    let tracePath = stem.deletingLastPathComponent().appendingPathComponent(traceFile).path
    let scenario = try OutputTarget.file(output, replace: handling.replace)
    // An import that was killed may have left the trace without its scenario.
    let file = try OutputFile(
      tracePath, compression: format.compression, existing: handling.replace ? .replaced : .keptIfSame)
    try write(requests, to: file, format)
    try scenario.write(
      Starter.replay(
        name: stem.lastPathComponent, source: URL(fileURLWithPath: trace).lastPathComponent, trace: traceFile,
        from: from, to: to
      ).utf8)
    _ = try scenario.close()
    Terminal.print(
      "\(output.shown): a scenario that replays \(Figure.count(requests.count)) requests from \(tracePath.shown). Next: workbench run \(ShellText.quoted(output))"
    )
  }

  private func write(_ requests: [TraceFile.Request], to file: OutputFile, _ format: DatasetFormat) throws {
    let writer = try RequestWriter(
      file, layout: format.layout,
      RequestTable(series: [Series(modelID: 1, version: "")], reasons: FailureReasons(), optional: .none))
    try send(requests, to: writer)
    _ = try file.close()
  }

  private func send(_ requests: [TraceFile.Request], to sink: any TelemetrySink) throws {
    let batch = RequestBatch(capacity: 16_384)
    for (index, request) in requests.enumerated() {
      batch.append(
        requestID: Int64(index + 1), arrivedAt: request.arrivedAt.microseconds, series: 0,
        outcome: RequestOutcome.success, waitingMicroseconds: 0, firstTokenMicroseconds: 0,
        latencyMicroseconds: 0,
        inputTokens: request.inputTokens, outputTokens: request.outputTokens)
      if batch.isFull {
        try batch.send(to: sink)
        batch.removeAll()
      }
    }
    try batch.send(to: sink)
  }
}
