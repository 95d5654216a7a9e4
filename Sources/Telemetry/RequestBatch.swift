/// Requests in columns that it owns, with room for a fixed number.
///
/// `@unchecked Sendable`: its memory is its own, and one thread at a time uses it. Code that hands it to another thread
/// (`RequestStream`, through a lock) keeps no reference that it still writes through.
package final class RequestBatch: @unchecked Sendable {
  package let capacity: Int
  package private(set) var count = 0

  private let arrivedAt: UnsafeMutablePointer<Int64>
  private let series: UnsafeMutablePointer<Int32>
  private let outcome: UnsafeMutablePointer<UInt8>
  private let waiting: UnsafeMutablePointer<Int64>
  private let firstToken: UnsafeMutablePointer<Int64>
  private let latency: UnsafeMutablePointer<Int64>
  private let input: UnsafeMutablePointer<Int32>
  private let output: UnsafeMutablePointer<Int32>
  private let cachedInput: UnsafeMutablePointer<Int32>
  private let requestID: UnsafeMutablePointer<Int64>
  /// Whether a row has had such a value.
  private var hasCachedInput = false
  /// `nil` as long as no row has a value for any of these columns.
  private var extras: RequestExtrasStorage?

  package init(capacity: Int) {
    self.capacity = capacity
    arrivedAt = .allocate(capacity: capacity)
    series = .allocate(capacity: capacity)
    outcome = .allocate(capacity: capacity)
    waiting = .allocate(capacity: capacity)
    firstToken = .allocate(capacity: capacity)
    latency = .allocate(capacity: capacity)
    input = .allocate(capacity: capacity)
    output = .allocate(capacity: capacity)
    cachedInput = .allocate(capacity: capacity)
    requestID = .allocate(capacity: capacity)
  }

  deinit {
    arrivedAt.deallocate()
    series.deallocate()
    outcome.deallocate()
    waiting.deallocate()
    firstToken.deallocate()
    latency.deallocate()
    input.deallocate()
    output.deallocate()
    cachedInput.deallocate()
    requestID.deallocate()
  }

  package var isFull: Bool { count == capacity }

  package func append(
    requestID id: Int64, arrivedAt at: Int64, series seriesIndex: Int32, outcome ended: UInt8,
    waitingMicroseconds: Int64, firstTokenMicroseconds: Int64, latencyMicroseconds: Int64,
    inputTokens: Int32, outputTokens: Int32, cachedInputTokens: Int32 = Int32(RequestMeasure.missing)
  ) {
    precondition(count < capacity)
    requestID[count] = id
    arrivedAt[count] = at
    series[count] = seriesIndex
    outcome[count] = ended
    waiting[count] = waitingMicroseconds
    firstToken[count] = firstTokenMicroseconds
    latency[count] = latencyMicroseconds
    input[count] = inputTokens
    output[count] = outputTokens
    cachedInput[count] = cachedInputTokens
    if cachedInputTokens >= 0 { hasCachedInput = true }
    extras?.begin(count)
    count += 1
  }

  /// Where the values of columns go that few sources have.
  private func storage() -> RequestExtrasStorage {
    if let extras { return extras }
    let storage = RequestExtrasStorage(capacity: capacity)
    for row in 0..<count { storage.begin(row) }
    extras = storage
    return storage
  }

  /// A text of the row that was appended last, in place of what it had.
  package func set(_ text: RequestText, _ value: UnsafeRawBufferPointer) {
    precondition(count > 0)
    if value.isEmpty { return }
    storage().set(text, count - 1, value)
  }

  package func append(_ record: RequestRecord) {
    let measures = record.measures
    append(
      requestID: record.id, arrivedAt: record.arrivedAt, series: record.series, outcome: record.outcome,
      waitingMicroseconds: measures[.waiting], firstTokenMicroseconds: measures[.firstToken],
      latencyMicroseconds: measures[.latency], inputTokens: Int32(measures[.inputTokens]),
      outputTokens: Int32(measures[.outputTokens]),
      cachedInputTokens: Int32(measures[.cachedInputTokens]))
    for place in RequestMeasure.firstExtra.rawValue..<RequestMeasures.count
    where measures[place] != RequestMeasure.missing {
      if let measure = RequestMeasure(rawValue: place) {
        storage().set(measure, count - 1, measures[place])
      }
    }
    if record.unknown != 0 { storage().set(unknown: record.unknown, count - 1) }
    guard let texts = record.texts else { return }
    for text in RequestText.allCases {
      var value = texts[text.rawValue]
      value.withUTF8 { set(text, UnsafeRawBufferPointer($0)) }
    }
  }

  /// A copy of one row of a view, under a new identifier.
  /// - Parameter shift: what it arrives later by, µs.
  package func append(_ row: Int, of columns: RequestColumns, requestID id: Int64, shiftedBy shift: Int64 = 0)
  {
    append(
      requestID: id, arrivedAt: columns.arrivedAt[row] + shift, series: columns.series[row],
      outcome: columns.outcome[row], waitingMicroseconds: columns.waitingMicroseconds[row],
      firstTokenMicroseconds: columns.firstTokenMicroseconds[row],
      latencyMicroseconds: columns.latencyMicroseconds[row], inputTokens: columns.inputTokens[row],
      outputTokens: columns.outputTokens[row],
      cachedInputTokens: columns.cachedInputTokens?[row] ?? Int32(RequestMeasure.missing))
    if let extras = columns.extras { copy(row, of: extras) }
  }

  private func copy(_ row: Int, of extras: RequestExtras) {
    if let bits = extras.unknown?[row], bits != 0 { storage().set(unknown: bits, count - 1) }
    for measure in RequestMeasure.extras {
      guard let value = extras[measure]?[row], value != RequestMeasure.missing else { continue }
      storage().set(measure, count - 1, value)
    }
    for text in RequestText.allCases { if let column = extras[text] { set(text, column[row]) } }
  }

  package func removeAll() { count = 0 }

  /// Hands the rows to a sink.
  /// - Throws: what the sink throws.
  package func send(to sink: some TelemetrySink) throws {
    try withExtendedLifetime(self) { try sink.receive(columns) }
  }

  /// Valid as long as the batch: code that holds the batch in a local variable uses `send(to:)` instead.
  package var columns: RequestColumns {
    RequestColumns(
      count: count, arrivedAt: arrivedAt, series: series, outcome: outcome, waitingMicroseconds: waiting,
      firstTokenMicroseconds: firstToken, latencyMicroseconds: latency, inputTokens: input,
      outputTokens: output, cachedInputTokens: hasCachedInput ? cachedInput : nil,
      extras: extras?.view, requestID: requestID)
  }
}
