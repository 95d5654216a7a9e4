/// Which model version a request belongs to. Batches name it by its index in a list of series.
package struct Series: Hashable, Sendable {
  package var modelID: Int32
  /// Empty for external models.
  package var version: String
  package init(modelID: Int32, version: String) {
    self.modelID = modelID
    self.version = version
  }

  /// By code points: versions that are only canonically equal are two.
  package static func == (a: Series, b: Series) -> Bool {
    a.modelID == b.modelID && Name.same(a.version, b.version)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(modelID)
    for byte in version.utf8 { hasher.combine(byte) }
  }
}

/// A view of requests in columns. It does not own its memory: valid only during the call that passes it.
package struct RequestColumns {
  package var count: Int
  /// µs since 1970, UTC.
  package var arrivedAt: UnsafePointer<Int64>
  /// Index into the source's list of series.
  package var series: UnsafePointer<Int32>
  /// `RequestOutcome`.
  package var outcome: UnsafePointer<UInt8>
  package var waitingMicroseconds: UnsafePointer<Int64>
  /// Time to first token from arrival; 0 on failure.
  package var firstTokenMicroseconds: UnsafePointer<Int64>
  /// From arrival to complete response.
  package var latencyMicroseconds: UnsafePointer<Int64>
  package var inputTokens: UnsafePointer<Int32>
  package var outputTokens: UnsafePointer<Int32>
  /// `RequestMeasure.missing` where a row has none; `nil` where the source does not know it of any.
  package var cachedInputTokens: UnsafePointer<Int32>?
  /// The other optional columns; `nil` where the source has none of them.
  package var extras: RequestExtras?
  /// `nil` where no identifiers have been given yet.
  package var requestID: UnsafePointer<Int64>?

  package init(
    count: Int, arrivedAt: UnsafePointer<Int64>, series: UnsafePointer<Int32>,
    outcome: UnsafePointer<UInt8>, waitingMicroseconds: UnsafePointer<Int64>,
    firstTokenMicroseconds: UnsafePointer<Int64>, latencyMicroseconds: UnsafePointer<Int64>,
    inputTokens: UnsafePointer<Int32>, outputTokens: UnsafePointer<Int32>,
    cachedInputTokens: UnsafePointer<Int32>? = nil, extras: RequestExtras? = nil,
    requestID: UnsafePointer<Int64>?
  ) {
    self.count = count
    self.arrivedAt = arrivedAt
    self.series = series
    self.outcome = outcome
    self.waitingMicroseconds = waitingMicroseconds
    self.firstTokenMicroseconds = firstTokenMicroseconds
    self.latencyMicroseconds = latencyMicroseconds
    self.inputTokens = inputTokens
    self.outputTokens = outputTokens
    self.cachedInputTokens = cachedInputTokens
    self.extras = extras
    self.requestID = requestID
  }

  /// The values of a measure; `nil` where the source has no such column.
  package func integers(_ measure: RequestMeasure) -> IntegerColumn? {
    switch measure {
    case .waiting: IntegerColumn(waitingMicroseconds)
    case .firstToken: IntegerColumn(firstTokenMicroseconds)
    case .latency: IntegerColumn(latencyMicroseconds)
    case .inputTokens: IntegerColumn(inputTokens)
    case .outputTokens: IntegerColumn(outputTokens)
    case .cachedInputTokens: cachedInputTokens.map { IntegerColumn($0) }
    default: extras?[measure].map { IntegerColumn($0) }
    }
  }

  /// A text of each row; `nil` where the source has no such column.
  package func texts(_ text: RequestText) -> TextColumn? { extras?[text] }

  /// A copy of a row; its identifier is 0 where none have been given yet.
  package func record(_ row: Int) -> RequestRecord {
    var record = RequestRecord(
      id: requestID?[row] ?? 0, arrivedAt: arrivedAt[row], series: series[row], outcome: outcome[row])
    for measure in RequestMeasure.allCases {
      if let column = integers(measure) { record.measures[measure] = column[row] }
    }
    record.unknown = extras?.unknown?[row] ?? 0
    if let extras, extras.hasTexts {
      record.texts = RequestText.allCases.map { extras[$0]?.text(row) ?? "" }
    }
    return record
  }

  package func prefix(_ rows: Int) -> RequestColumns {
    var first = self
    first.count = rows
    return first
  }

  package func dropFirst(_ rows: Int) -> RequestColumns {
    RequestColumns(
      count: count - rows, arrivedAt: arrivedAt + rows, series: series + rows, outcome: outcome + rows,
      waitingMicroseconds: waitingMicroseconds + rows, firstTokenMicroseconds: firstTokenMicroseconds + rows,
      latencyMicroseconds: latencyMicroseconds + rows, inputTokens: inputTokens + rows,
      outputTokens: outputTokens + rows, cachedInputTokens: cachedInputTokens.map { $0 + rows },
      extras: extras?.dropFirst(rows), requestID: requestID.map { $0 + rows })
  }
}

/// A view of a column of integers, whatever their width. Valid as long as the `RequestColumns` that it is of.
package struct IntegerColumn {
  @usableFromInline let base: UnsafeRawPointer
  @usableFromInline let is32Bit: Bool

  init(_ values: UnsafePointer<Int64>) { (base, is32Bit) = (UnsafeRawPointer(values), false) }
  init(_ values: UnsafePointer<Int32>) { (base, is32Bit) = (UnsafeRawPointer(values), true) }

  @inlinable package subscript(row: Int) -> Int64 {
    is32Bit
      ? Int64(base.load(fromByteOffset: row &* 4, as: Int32.self))
      : base.load(fromByteOffset: row &* 8, as: Int64.self)
  }
}

/// Anything that takes requests: the pipeline, a writer. Batches come in order of arrival, each
/// series' requests at least.
package protocol TelemetrySink: AnyObject {
  func receive(_ requests: RequestColumns) throws

  /// Requests that arrived in a warm-up, which telemetry leaves out: some of them are served in the period, and whoever
  /// looks at what replicas do in it needs them.
  func receiveWarmUp(_ requests: RequestColumns) throws

  /// Whether several threads may hand it requests at once, as long as each series' come from one thread at a time.
  var takesSeriesConcurrently: Bool { get }

  /// Whether it looks at the texts of requests, such as classes and sessions; a source may leave them out otherwise.
  var readsTexts: Bool { get }
}

extension TelemetrySink {
  package func receiveWarmUp(_ requests: RequestColumns) throws {}
  package var takesSeriesConcurrently: Bool { false }
  package var readsTexts: Bool { true }
}

/// Hands requests to several sinks.
package final class FanOut: TelemetrySink {
  private let sinks: [any TelemetrySink]
  package init(_ sinks: [any TelemetrySink]) { self.sinks = sinks }
  package var takesSeriesConcurrently: Bool { sinks.allSatisfy(\.takesSeriesConcurrently) }
  package var readsTexts: Bool { sinks.contains(where: \.readsTexts) }
  package func receive(_ requests: RequestColumns) throws { for sink in sinks { try sink.receive(requests) } }
  package func receiveWarmUp(_ requests: RequestColumns) throws {
    for sink in sinks { try sink.receiveWarmUp(requests) }
  }
}
