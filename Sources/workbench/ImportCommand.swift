import Aggregation
import ArgumentParser
import Datasets
import Foundation
import ScenarioModel
import Telemetry

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Turns real traces into telemetry, or into a scenario that replays them.",
    subcommands: [ImportAzureCommand.self])
}

struct ImportAzureCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "azure-llm", abstract: "The Azure LLM inference trace 2023.",
    discussion: """
      TRACE is a CSV file with the columns TIMESTAMP, ContextTokens, GeneratedTokens; times are read as UTC. \
      What is written goes by the ending of OUTPUT:
        .yaml       a scenario that replays the trace through an autoscaled deployment, and the trace beside it
        otherwise   a data set: the requests as those of an external model, since the trace says nothing of latency

      Examples:
        workbench import azure-llm AzureLLMInferenceTrace_conv.csv -o azure.yaml && workbench run azure.yaml
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

  func validate() throws {
    guard DatasetFormat(format) != nil else {
      throw ValidationError(
        "unknown format \"\(format)\". Known are \(DatasetFormat.all.map(\.description).joined(separator: ", "))."
      )
    }
  }

  func run() throws {
    let requests = try TraceFile(contentsOf: trace).requests
    guard let first = requests.first?.arrivedAt, let last = requests.last?.arrivedAt,
      let format = DatasetFormat(format)
    else {
      throw DatasetError(trace, "the trace has no requests. There is nothing to import.")
    }
    // Whole hours around the trace, UTC.
    let hour: Int64 = 3_600_000_000
    let from = Timestamp(microseconds: first.microseconds / hour * hour)
    let to = Timestamp(microseconds: (last.microseconds / hour + 1) * hour)
    if output.hasSuffix(".yaml") || output.hasSuffix(".yml") {
      try writeScenario(requests, format, from: from, to: to)
    } else {
      try writeDataset(requests, format, from: from, to: to)
    }
  }

  private func writeScenario(
    _ requests: [TraceFile.Request], _ format: DatasetFormat, from: Timestamp, to: Timestamp
  ) throws {
    let stem = URL(fileURLWithPath: output).deletingPathExtension()
    let traceFile = stem.lastPathComponent + ".requests.\(format)"
    let tracePath = stem.deletingLastPathComponent().appendingPathComponent(traceFile).path
    let scenario = try OutputFile(output)
    let file = try OutputFile(tracePath, compression: format.compression)
    try write(requests, to: file, format)
    try scenario.write(
      Starter.replay(
        name: stem.lastPathComponent, source: URL(fileURLWithPath: trace).lastPathComponent, trace: traceFile,
        from: from, to: to
      ).utf8)
    _ = try scenario.close()
    Terminal.print(
      "\(output): a scenario that replays \(Figure.count(requests.count)) requests from \(tracePath). Next: workbench run '\(output)'"
    )
  }

  private func write(_ requests: [TraceFile.Request], to file: OutputFile, _ format: DatasetFormat) throws {
    let writer = try RequestWriter(file, layout: format.layout, series: [Series(modelID: 1, version: "")])
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

  private func writeDataset(
    _ requests: [TraceFile.Request], _ format: DatasetFormat, from: Timestamp, to: Timestamp
  ) throws {
    let source = URL(fileURLWithPath: trace).lastPathComponent
    let directory = try RunDirectory(
      output,
      manifest: Manifest(
        program: "workbench \(Workbench.programVersion)", scenario: nil, seed: nil,
        period: .init(from: from, to: to),
        source: source))
    let series = [Series(modelID: 1, version: "")]
    let writer = try directory.writer(format, series: series)
    let rollups = RequestRollups(series: series, now: to)
    try send(requests, to: FanOut([writer, rollups]))
    try rollups.finish()
    var tables = TelemetryTables()
    let account = AccountRecord(account: "azure", timeZone: "UTC", subscriptionMaxReplicas: 0)
    tables.accounts = [account]
    tables.models = [
      ModelRecord(
        modelID: 1, account: "azure", kind: .external, name: "azure-llm", provider: "Azure", createdAt: from)
    ]
    try writer.write(tables)
    directory.count(tables, requests: Int64(requests.count))
    try directory.store([rollups], of: account, models: tables.models, end: to)
    try writer.finish(directory.manifest)
    try directory.finish()
    Terminal.print(
      "\(output): a data set of \(Figure.count(requests.count)) requests. Next: workbench aggregate '\(output)' --period \(ZonedCalendar.utc.date(at: from))"
    )
  }
}
