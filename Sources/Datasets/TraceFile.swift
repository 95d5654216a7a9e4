import Foundation
import Telemetry

/// A trace of requests: the Azure LLM inference trace 2023 or a Mooncake trace as published, or a `requests` table of
/// telemetry.
package struct TraceFile {
  package struct Request: Sendable {
    package var arrivedAt: Timestamp
    package var inputTokens: Int32
    package var outputTokens: Int32
    /// Of the prompt's beginning in `prefixes`.
    package var prefix = PrefixTree.none
  }

  package let requests: [Request]
  /// How prompts begin alike; `nil` if the trace does not say.
  package let prefixes: PrefixTree?
  /// Requests that failed when they were recorded, and are replayed with an answer as long as that of another.
  package let borrowedAnswers: Int
  /// Requests that failed when they were recorded.
  package let failures: Int
  /// Other requests of which the trace does not say how many tokens they had, though it does of some: they are replayed
  /// with those of another.
  package private(set) var unknownTokens = 0

  /// Most requests a trace may have: they are held in memory, 24 bytes each.
  private static let most = 100_000_000

  /// - Parameter model: of a table with requests of several models, the one that is meant: its model_id, or its name if
  ///   the table of models lies beside the trace.
  /// - Throws: `NotFoundError`; `DatasetError`, also where several models are in it and none is named.
  package init(contentsOf path: String, model: String? = nil) throws {
    let format = DatasetFormat(path: path)
    if try MooncakeTrace.isOne(path) {
      if let model {
        throw DatasetError(
          path,
          "a Mooncake trace does not name the model of a request, so model \"\(model)\" cannot be chosen. Leave model out."
        )
      }
      let trace = try MooncakeTrace(path)
      (requests, prefixes) = (trace.requests.sortedByArrival(), trace.prefixes)
      (borrowedAnswers, failures) = (0, 0)
      return
    }
    if let format, format.layout == .ndjson {
      let found = try Self.telemetry(path, format, model: model)
      (requests, prefixes) = (found.requests, found.prefixes)
      (borrowedAnswers, failures, unknownTokens) = (found.borrowed, found.failures, found.unknown)
      return
    }
    let reader = try CSVReader(try InputFile(path, again: "a trace"))
    guard try reader.next() else {
      throw DatasetError(path, line: 1, column: 1, "the file is empty. A trace needs a header and requests.")
    }
    let header = try (0..<reader.fieldCount).map { try reader.text($0) }
    if header == Self.azureHeader {
      if let model {
        throw DatasetError(
          path,
          "the Azure LLM trace does not name the model of a request, so model \"\(model)\" cannot be chosen. Leave model out."
        )
      }
      requests = try Self.azure(reader)
      prefixes = nil
      borrowedAnswers = 0
      failures = 0
    } else if header.contains("arrived_at") {
      let found = try Self.telemetry(path, format ?? DatasetFormat(.csv), model: model)
      (requests, prefixes) = (found.requests, found.prefixes)
      (borrowedAnswers, failures, unknownTokens) = (found.borrowed, found.failures, found.unknown)
    } else {
      throw DatasetError(
        path, line: 1, column: 1,
        "the header is not that of a known trace. Known are the Azure LLM trace (\(Self.azureHeader.joined(separator: ","))), Mooncake traces (JSON lines of timestamp, input_length, output_length, hash_ids) and the telemetry schema's requests (arrived_at, input_tokens, output_tokens, …)."
      )
    }
  }

  private static let azureHeader = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"]

  /// Azure LLM inference trace 2023. Source: Patel et al. (2024), "Splitwise", ISCA. Times have no zone; read as UTC.
  private static func azure(_ reader: CSVReader) throws -> [Request] {
    var parser = TimestampParser()
    var requests: [Request] = []
    while try reader.next() {
      guard reader.fieldCount == 3 else {
        throw reader.error(
          reader.fieldCount - 1,
          "the row has \(reader.fieldCount) fields; the trace has 3. Is a line cut off?")
      }
      guard let instant = parser.parse(reader.field(0), zoneRequired: false) else {
        throw reader.error(
          0, "TIMESTAMP \"\(shown(reader, 0))\" is not an instant such as 2023-11-16 18:15:46.6805900.")
      }
      guard Timestamp.supported.contains(instant) else {
        throw reader.error(
          0, "TIMESTAMP \(instant.rfc3339) is out of range. It must lie in \(Timestamp.supportedYears).")
      }
      func tokens(_ field: Int) throws -> Int32 {
        guard let number = NumberText.integer(reader.field(field)), (0...Int64(Int32.max)).contains(number)
        else {
          throw reader.error(
            field,
            "\(azureHeader[field]) \"\(shown(reader, field))\" is not a number of tokens in 0…\(Int32.max).")
        }
        return Int32(number)
      }
      requests.append(Request(arrivedAt: instant, inputTokens: try tokens(1), outputTokens: try tokens(2)))
      try check(requests.count, reader.path)
    }
    return requests.sortedByArrival()
  }

  private static func shown(_ reader: CSVReader, _ field: Int) -> String {
    String(decoding: reader.field(field).prefix(40), as: UTF8.self)
  }

  static func check(_ count: Int, _ path: String) throws {
    if count > most {
      throw DatasetError(path, "the trace has more than \(most) requests. Split it.")
    }
  }

  /// A requests table.
  ///
  /// A failed request is demand like any other, but its answer was cut short: unless the table says how many tokens it
  /// had, it is replayed with the answer of the success before it (of the first success, where there is none before).
  private static func telemetry(
    _ path: String, _ format: DatasetFormat, model: String?
  ) throws -> Telemetry {
    let sink = Collector(path)
    let reader = try RequestReader(path, layout: format.layout, series: nil)
    try reader.read(into: sink)
    if let twice = sink.ids.firstTwice {
      throw DatasetError(
        path,
        "request_id \(twice) is listed twice, so a request would be replayed twice. Keep one row for each request."
      )
    }
    let series = reader.foundSeries
    var models: [Int32] = []
    for entry in series where !models.contains(entry.modelID) { models.append(entry.modelID) }
    var wanted: Int32?
    if let model {
      wanted = try Self.model(model, among: models, path, format)
    } else if models.count > 1 {
      throw DatasetError(
        path,
        "the trace has requests of \(models.count) models (model_id \(models.prefix(8).map(String.init).joined(separator: ", "))\(models.count > 8 ? ", …" : "")). Say which one is meant: trace: { file: …, model: \(models[0]) }."
      )
    }
    var rows = sink.rows
    if let wanted { rows.removeAll { series[Int($0.series)].modelID != wanted } }
    rows.sortByArrival()
    let prefixes = try place(&rows, path)
    let unknown = fill(&rows)
    let firstAnswer = rows.first(where: \.isSuccess)?.request.outputTokens
    guard var answer = firstAnswer else {
      let unknown = rows.count { $0.request.outputTokens == 0 }
      guard unknown == 0 else {
        throw DatasetError(
          path,
          "all \(rows.count) requests of the trace failed, so the lengths of their responses are unknown. Give a trace with successes."
        )
      }
      return Telemetry(
        requests: rows.map(\.request), prefixes: prefixes, borrowed: 0, failures: rows.count, unknown: unknown
      )
    }
    var borrowed = 0
    for index in rows.indices {
      if rows[index].isSuccess {
        answer = rows[index].request.outputTokens
      } else if rows[index].request.outputTokens == 0 {
        rows[index].request.outputTokens = answer
        borrowed += 1
      }
    }
    return Telemetry(
      requests: rows.map(\.request), prefixes: prefixes, borrowed: borrowed,
      failures: rows.count { !$0.isSuccess }, unknown: unknown)
  }

  private struct Telemetry {
    var requests: [Request]
    var prefixes: PrefixTree?
    var borrowed: Int
    var failures: Int
    var unknown: Int
  }

  /// Gives requests of which the tokens are not known those of the one before, or of the first of which they are. The
  /// output of a failure is another matter.
  /// - Parameter rows: in order of arrival.
  /// - Returns: how many.
  private static func fill(_ rows: inout [Row]) -> Int {
    guard rows.contains(where: { $0.unknown != 0 }) else { return 0 }
    var filled = Set<Int>()
    for (measure, tokens) in [
      (RequestMeasure.inputTokens, \Request.inputTokens), (.outputTokens, \Request.outputTokens),
    ] {
      func isKnown(_ row: Row) -> Bool {
        row.unknown & measure.bit == 0 && (measure == .inputTokens || row.isSuccess)
      }
      guard var last = rows.first(where: isKnown)?.request[keyPath: tokens] else { continue }
      for index in rows.indices {
        if isKnown(rows[index]) {
          last = rows[index].request[keyPath: tokens]
        } else if rows[index].unknown & measure.bit != 0, measure == .inputTokens || rows[index].isSuccess {
          rows[index].request[keyPath: tokens] = last
          filled.insert(index)
        }
      }
    }
    return filled.count
  }

  /// Gives the prompts of which something is recorded their places in the tree of prefixes.
  private static func place(_ rows: inout [Row], _ path: String) throws -> PrefixTree? {
    guard rows.contains(where: { $0.mark != nil }) else { return nil }
    let prompts = rows.map {
      RecordedPrefixes.Prompt(mark: $0.mark ?? .init(), tokens: $0.request.inputTokens, id: $0.id)
    }
    guard let found = try RecordedPrefixes.tree(prompts, path: path) else { return nil }
    for index in rows.indices { rows[index].request.prefix = found.leaves[index] }
    return found.tree
  }

  /// The model that is meant: its model_id, or its name in a models table beside the trace.
  private static func model(
    _ wanted: String, among models: [Int32], _ path: String, _ format: DatasetFormat
  ) throws -> Int32 {
    let listed = models.prefix(8).map(String.init).joined(separator: ", ")
    if let id = Int32(wanted), models.contains(id) { return id }
    let url = URL(fileURLWithPath: path)
    let folder = url.deletingLastPathComponent().path
    let table = "\(folder)/\(ModelRecord.schema.name).\(format)"
    guard url.lastPathComponent == "\(TableSchema.requests.name).\(format)",
      FileManager.default.fileExists(atPath: table)
    else {
      throw DatasetError(
        path,
        "the trace has no requests of model \"\(wanted)\": it names its models by model_id (\(listed)). Give one of these."
      )
    }
    let location = try format.layout.type.location(in: folder, format: format, with: ModelRecord.schema)
    let records: [ModelRecord] = try location?.records() ?? []
    let named = records.filter { $0.name.utf8.elementsEqual(wanted.utf8) }
    guard let model = named.first else {
      throw DatasetError(
        table,
        "there is no model \"\(wanted)\". There are: \(records.prefix(8).map(\.name).joined(separator: ", "))."
      )
    }
    guard named.count == 1 else {
      throw DatasetError(
        table,
        "\(named.count) models are named \"\(wanted)\" (model_id \(named.map { String($0.modelID) }.joined(separator: ", "))). Give the model_id."
      )
    }
    return model.modelID
  }

  fileprivate struct Row {
    var request: Request
    var series: Int32
    var isSuccess: Bool
    var id: Int64
    var unknown: UInt8
    var mark: RecordedPrefixes.Mark?
  }

  private final class Collector: TelemetrySink {
    var rows: [Row] = []
    var ids = RequestIDs()
    private var prefixes = RecordedPrefixes()
    private let path: String
    init(_ path: String) { self.path = path }
    func receive(_ batch: RequestColumns) throws {
      for row in 0..<batch.count {
        ids.append(batch.requestID?[row] ?? 0)
        rows.append(
          Row(
            request: Request(
              arrivedAt: Timestamp(microseconds: batch.arrivedAt[row]), inputTokens: batch.inputTokens[row],
              outputTokens: batch.outputTokens[row]),
            series: batch.series[row], isSuccess: batch.outcome[row] == RequestOutcome.success,
            id: batch.requestID?[row] ?? 0, unknown: batch.extras?.unknown?[row] ?? 0,
            mark: prefixes.mark(row, of: batch)))
      }
      try TraceFile.check(rows.count, path)
    }
  }
}

/// The numbers of requests, each of which may be there once.
private struct RequestIDs {
  private var all: [Int64] = []
  /// Whether each is larger than the one before, as in a file in order of arrival.
  private var areAscending = true

  mutating func append(_ id: Int64) {
    if let last = all.last, last >= id { areAscending = false }
    all.append(id)
  }

  /// The least that is there more than once.
  var firstTwice: Int64? {
    if areAscending { return nil }
    let sorted = all.sorted()
    return zip(sorted, sorted.dropFirst()).first { $0 == $1 }?.0
  }
}

extension [TraceFile.Row] {
  /// Equal instants stay in the order of the file.
  fileprivate mutating func sortByArrival() {
    if zip(self, dropFirst()).allSatisfy({ $0.request.arrivedAt <= $1.request.arrivedAt }) { return }
    self = enumerated().sorted {
      ($0.element.request.arrivedAt, $0.offset) < ($1.element.request.arrivedAt, $1.offset)
    }.map(\.element)
  }
}

extension [TraceFile.Request] {
  /// Equal instants stay in the order of the file.
  fileprivate func sortedByArrival() -> [TraceFile.Request] {
    if zip(self, dropFirst()).allSatisfy({ $0.arrivedAt <= $1.arrivedAt }) { return self }
    return enumerated().sorted { ($0.element.arrivedAt, $0.offset) < ($1.element.arrivedAt, $1.offset) }.map(
      \.element)
  }
}
