import Telemetry

/// Writes the `requests` table as CSV or NDJSON: a sink, fast, with memory that does not grow.
///
/// Columns that every request has are written out by hand, twice as fast as from the list; `RequestColumnFilesTests`
/// holds them to it.
package final class RequestWriter: TelemetrySink {
  private let file: OutputFile
  private let table: RequestTable
  private let isJSON: Bool
  private let models: [Int64]
  /// As they stand in a file, quoted where needed.
  private let versions: [[UInt8]]
  private let failureReasons: FailureReasons
  private var reasons: [[UInt8]] = []
  private var longestText = 0
  private let quoted: (String) -> [UInt8]
  /// Those that the table has a column for, and what stands before each.
  private let optional: [RequestMeasure]
  private let labels: [[UInt8]]
  private let optionalTexts: [RequestText]
  private let textLabels: [[UInt8]]
  /// Of a line, except for its two names: names of columns, punctuation, instants and numbers of at most 20 digits.
  private let mostWithoutNames: Int
  private var formatter = TimestampFormatter()
  package private(set) var rows: Int64 = 0

  package init(
    _ file: OutputFile, layout: DatasetFormat.Layout, _ table: RequestTable
  ) throws {
    self.file = file
    self.table = table
    switch layout {
    case .ndjson: quoted = { TableWriter.json($0) }
    default: quoted = { TableWriter.csv($0) }
    }
    let isJSON = layout == .ndjson
    self.isJSON = isJSON
    optional = table.optional.measures
    optionalTexts = table.optional.texts
    let label = { (column: RequestColumn) in Array((isJSON ? ",\"\(column.name)\":" : ",").utf8) }
    labels = optional.map { label($0.column) }
    textLabels = optionalTexts.map { label($0.column) }
    mostWithoutNames = max(512, RequestColumn.all.reduce(8) { $0 + $1.name.utf8.count + 33 })
    models = table.series.map { Int64($0.modelID) }
    let quote = quoted
    versions = table.series.map { quote($0.version) }
    failureReasons = table.reasons
    takeReasons()
    if layout == .csv {
      try file.write((table.schema.columns.map(\.name).joined(separator: ",") + "\n").utf8)
    }
  }

  private func takeReasons() {
    reasons = failureReasons.names.map(quoted)
    longestText = (versions + reasons).map(\.count).max() ?? 0
  }

  package func receive(_ requests: RequestColumns) throws {
    try table.check(requests)
    if reasons.count != failureReasons.names.count { takeReasons() }
    let most = mostWithoutNames + 2 * longestText
    let optional = MeasureColumn.of(self.optional, requests)
    let optionalTexts = OptionalTextColumn.of(self.optionalTexts, requests)
    let unknownOfRow = requests.extras?.unknown
    for row in 0..<requests.count {
      let texts = optionalTexts.map { column -> [UInt8] in
        let text = column[row]
        if text.isEmpty { return isJSON ? Array("null".utf8) : [] }
        return quoted(String(decoding: text, as: UTF8.self))
      }
      var line = LineBuilder(try file.reserve(most + texts.reduce(0) { $0 + $1.count }))
      let series = Int(requests.series[row])
      let outcome = requests.outcome[row]
      let unknown = unknownOfRow?[row] ?? 0
      rows += 1
      if isJSON {
        line.text("{\"request_id\":")
        line.number(requests.requestID?[row] ?? rows)
        line.text(",\"arrived_at\":\"")
        instant(requests.arrivedAt[row], &line)
        line.text("\",\"model_id\":")
        line.number(models[series])
        line.text(",\"version\":")
        line.bytes(versions[series])
        line.text(",\"status\":")
        line.text(outcome == RequestOutcome.success ? "\"success\"" : "\"failure\"")
        line.text(",\"failure_reason\":")
        line.bytes(reasons[Int(outcome)])
        line.text(",\"waiting_us\":")
        line.number(
          requests.waitingMicroseconds[row], unless: unknown & RequestMeasure.waiting.bit != 0, isJSON)
        line.text(",\"ttft_us\":")
        line.number(
          requests.firstTokenMicroseconds[row], unless: unknown & RequestMeasure.firstToken.bit != 0, isJSON)
        line.text(",\"latency_us\":")
        line.number(requests.latencyMicroseconds[row])
        line.text(",\"input_tokens\":")
        line.number(
          Int64(requests.inputTokens[row]), unless: unknown & RequestMeasure.inputTokens.bit != 0, isJSON)
        line.text(",\"output_tokens\":")
        line.number(
          Int64(requests.outputTokens[row]), unless: unknown & RequestMeasure.outputTokens.bit != 0, isJSON)
        for place in optional.indices {
          line.bytes(labels[place])
          if let value = optional[place][row] { line.number(value) } else { line.text("null") }
        }
        for place in texts.indices {
          line.bytes(textLabels[place])
          line.bytes(texts[place])
        }
        line.text("}\n")
      } else {
        line.number(requests.requestID?[row] ?? rows)
        line.text(",")
        instant(requests.arrivedAt[row], &line)
        line.text(",")
        line.number(models[series])
        line.text(",")
        line.bytes(versions[series])
        line.text(outcome == RequestOutcome.success ? ",success," : ",failure,")
        line.bytes(reasons[Int(outcome)])
        line.text(",")
        line.number(
          requests.waitingMicroseconds[row], unless: unknown & RequestMeasure.waiting.bit != 0, isJSON)
        line.text(",")
        line.number(
          requests.firstTokenMicroseconds[row], unless: unknown & RequestMeasure.firstToken.bit != 0, isJSON)
        line.text(",")
        line.number(requests.latencyMicroseconds[row])
        line.text(",")
        line.number(
          Int64(requests.inputTokens[row]), unless: unknown & RequestMeasure.inputTokens.bit != 0, isJSON)
        line.text(",")
        line.number(
          Int64(requests.outputTokens[row]), unless: unknown & RequestMeasure.outputTokens.bit != 0, isJSON)
        for measure in optional {
          line.text(",")
          if let value = measure[row] { line.number(value) }
        }
        for text in texts {
          line.text(",")
          line.bytes(text)
        }
        line.text("\n")
      }
      file.advance(by: line.count)
    }
  }

  private func instant(_ microseconds: Int64, _ line: inout LineBuilder) {
    line.bytes(formatter.format(Timestamp(microseconds: microseconds)))
  }
}

/// Puts a line together in reserved memory, whose size the caller vouches for.
private struct LineBuilder {
  private let start: UnsafeMutablePointer<UInt8>
  private(set) var count = 0

  init(_ start: UnsafeMutablePointer<UInt8>) { self.start = start }

  @inline(__always)
  mutating func text(_ text: StaticString) {
    (start + count).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    count += text.utf8CodeUnitCount
  }

  @inline(__always)
  mutating func bytes(_ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { (start + count).update(from: base, count: source.count) }
    }
    count += bytes.count
  }

  /// - Parameter isUnknown: nothing stands there then, in JSON null.
  @inline(__always)
  mutating func number(_ value: Int64, unless isUnknown: Bool, _ isJSON: Bool) {
    if !isUnknown {
      number(value)
    } else if isJSON {
      text("null")
    }
  }

  @inline(__always)
  mutating func number(_ number: Int64) {
    var rest = number.magnitude
    var digits = 1
    var probe = rest
    while probe >= 10 {
      probe /= 10
      digits += 1
    }
    if number < 0 {
      start[count] = UInt8(ascii: "-")
      count += 1
    }
    var position = count + digits
    count = position
    repeat {
      position -= 1
      start[position] = 48 + UInt8(rest % 10)
      rest /= 10
    } while rest > 0
  }
}
