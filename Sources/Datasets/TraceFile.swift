import Telemetry

/// A trace of requests: the Azure LLM inference trace 2023 as published, or a `requests` table of telemetry.
package struct TraceFile {
  package struct Request: Sendable {
    package var arrivedAt: Timestamp
    package var inputTokens: Int32
    package var outputTokens: Int32
  }

  package let requests: [Request]

  /// Most requests a trace may have: they are held in memory, 16 bytes each.
  private static let most = 100_000_000

  /// - Throws: `NotFoundError`, `DatasetError`.
  package init(contentsOf path: String) throws {
    if let format = DatasetFormat(path: path), format.layout == .ndjson {
      requests = try Self.telemetry(path, format)
      return
    }
    let reader = try CSVReader(try InputFile(path))
    guard try reader.next() else {
      throw DatasetError(path, line: 1, column: 1, "the file is empty. A trace needs a header and requests.")
    }
    let header = try (0..<reader.fieldCount).map { try reader.text($0) }
    if header == Self.azureHeader {
      requests = try Self.azure(reader)
    } else if header.contains("arrived_at") {
      requests = try Self.telemetry(path, DatasetFormat(.csv))
    } else {
      throw DatasetError(
        path, line: 1, column: 1,
        "the header is of no known trace. Known are the Azure LLM trace (\(Self.azureHeader.joined(separator: ","))) and the telemetry schema's requests (arrived_at, input_tokens, output_tokens, …)."
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
      guard let moment = parser.parse(reader.field(0), zoneRequired: false) else {
        throw reader.error(
          0, "TIMESTAMP \"\(shown(reader, 0))\" is not a moment such as 2023-11-16 18:15:46.6805900.")
      }
      func tokens(_ field: Int) throws -> Int32 {
        guard let number = parseInteger(reader.field(field)), (0...Int64(Int32.max)).contains(number) else {
          throw reader.error(
            field,
            "\(azureHeader[field]) \"\(shown(reader, field))\" is not a number of tokens in 0…\(Int32.max).")
        }
        return Int32(number)
      }
      requests.append(Request(arrivedAt: moment, inputTokens: try tokens(1), outputTokens: try tokens(2)))
      try check(requests, reader.path)
    }
    return requests.sortedByArrival()
  }

  private static func shown(_ reader: CSVReader, _ field: Int) -> String {
    String(decoding: reader.field(field).prefix(40), as: UTF8.self)
  }

  private static func check(_ requests: [Request], _ path: String) throws {
    if requests.count > most {
      throw DatasetError(path, "the trace has more than \(most) requests. Cut it into parts.")
    }
  }

  private static func telemetry(_ path: String, _ format: DatasetFormat) throws -> [Request] {
    let sink = Collector(path)
    try RequestReader(path, layout: format.layout, series: nil).read(into: sink)
    return sink.requests.sortedByArrival()
  }

  private final class Collector: TelemetrySink {
    var requests: [Request] = []
    private let path: String
    init(_ path: String) { self.path = path }
    func receive(_ batch: RequestColumns) throws {
      for row in 0..<batch.count {
        requests.append(
          Request(
            arrivedAt: Timestamp(microseconds: batch.arrivedAt[row]), inputTokens: batch.inputTokens[row],
            outputTokens: batch.outputTokens[row]))
      }
      try TraceFile.check(requests, path)
    }
  }
}

extension [TraceFile.Request] {
  /// Equal moments stay in the order of the file.
  fileprivate func sortedByArrival() -> [TraceFile.Request] {
    if zip(self, dropFirst()).allSatisfy({ $0.arrivedAt <= $1.arrivedAt }) { return self }
    return enumerated().sorted { ($0.element.arrivedAt, $0.offset) < ($1.element.arrivedAt, $1.offset) }.map(
      \.element)
  }
}
