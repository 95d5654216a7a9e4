import Telemetry
import Testing

@Suite("The list of request columns")
struct RequestColumnTests {
  @Test("its places are those of the columns that they name")
  func places() {
    typealias Place = RequestColumn.Place
    func name(_ place: Int) -> String { RequestColumn.all[place].name }
    #expect(name(Place.id) == "request_id")
    #expect(name(Place.arrivedAt) == "arrived_at")
    #expect(name(Place.model) == "model_id")
    #expect(name(Place.version) == "version")
    #expect(name(Place.status) == "status")
    #expect(name(Place.reason) == "failure_reason")
    for measure in RequestMeasure.allCases {
      #expect(RequestColumn.all[measure.place] == measure.column)
    }
    for text in RequestText.allCases { #expect(RequestColumn.all[text.place] == text.column) }
    #expect(
      RequestColumn.all.count == Place.measures + RequestMeasure.allCases.count + RequestText.allCases.count)
    #expect(OptionalColumns.all.columns == RequestColumn.all.filter(\.isOptional))
    #expect(Set(RequestColumn.all.map(\.name)).count == RequestColumn.all.count)
  }

  @Test("there is room for a value of each measure, and each is a whole number")
  func room() {
    #expect(RequestMeasures.count == RequestMeasure.allCases.count)
    #expect(RequestMeasures().values.count == RequestMeasures.count)
    for measure in RequestMeasure.allCases {
      #expect(measure.column.type == .integer)
      #expect(measure.column.range.lowerBound == 0, "a negative value stands for a missing one")
      #expect(RequestMeasures()[measure] == (measure.column.isOptional ? RequestMeasure.missing : 0))
    }
  }

  /// A different number in every column, so that none can be taken for another.
  private static func record(_ row: Int) -> RequestRecord {
    var record = RequestRecord(
      id: Int64(1_000 + row), arrivedAt: Int64(2_000 + row), series: Int32(row), outcome: UInt8(row % 7))
    for measure in RequestMeasure.allCases {
      record.measures[measure] = Int64(10_000 * (measure.rawValue + 1) + row)
    }
    // The first row knows none of what only some sources have, so that room for it comes later.
    if row == 0 {
      for measure in RequestMeasure.optional { record.measures[measure] = RequestMeasure.missing }
    }
    record.unknown = row == 2 ? RequestMeasure.firstToken.bit : 0
    record.texts = RequestText.allCases.map {
      row == 0 || row == 3 ? "" : "\($0) of \(row)" + String(repeating: "é", count: 2_000 * row)
    }
    return record
  }

  @Test("a batch gives back every column of a request, whole, copied, shifted and cut")
  func batch() {
    let records = (0..<5).map(Self.record)
    let batch = RequestBatch(capacity: 5)
    // What it held before is gone.
    for row in [4, 2, 3] { batch.append(Self.record(row)) }
    batch.removeAll()
    for record in records { batch.append(record) }
    withExtendedLifetime(batch) {
      #expect((0..<5).map(batch.columns.record) == records)
      #expect((0..<3).map(batch.columns.dropFirst(2).record) == Array(records[2...]))
      #expect(batch.columns.texts(.session)?.text(4) == records[4].texts?[RequestText.session.rawValue])
      for measure in RequestMeasure.allCases {
        #expect(batch.columns.integers(measure)?[4] == records[4].measures[measure])
      }
      let copy = RequestBatch(capacity: 1)
      copy.append(2, of: batch.columns, requestID: 7, shiftedBy: 50)
      var expected = records[2]
      expected.id = 7
      expected.arrivedAt += 50
      withExtendedLifetime(copy) { #expect(copy.columns.record(0) == expected) }
    }
  }

  @Test("a batch without optional values has no columns of them, and its rows no texts")
  func nothingOptional() {
    let batch = RequestBatch(capacity: 1)
    batch.append(RequestRecord(id: 1))
    withExtendedLifetime(batch) {
      #expect(batch.columns.extras == nil && batch.columns.cachedInputTokens == nil)
      #expect(batch.columns.record(0).texts == nil)
    }
  }

  @Test("a text is a name, or hashes with a space between two; it is not too long")
  func texts() {
    func isTaken(_ text: RequestText, _ value: String) -> Bool {
      let isPlain = value.utf8.allSatisfy { $0 < 128 && $0 != UInt8(ascii: "\"") }
      let isFast = Array(value.utf8).withUnsafeBytes { text.takes(ascii: $0) }
      let isRight = (try? text.check(value)) != nil
      // The fast way takes nothing else, and of plain text all.
      if isPlain { #expect(isFast == isRight, "\(text) \(value.prefix(40))") }
      return isRight
    }
    for text in RequestText.allCases {
      #expect(isTaken(text, String(repeating: "a", count: text.longest)))
      #expect(!isTaken(text, String(repeating: "a", count: text.longest + 1)))
      #expect(!isTaken(text, "a\0b"))
      #expect(isTaken(text, "a,b\nc é\u{600}\"") == (text != .prefix))
      #expect(isTaken(text, "46 f0-9_Z 48"))
    }
  }

  @Test("the columns that loops name by hand are those of their measures")
  func namedByHand() {
    let batch = RequestBatch(capacity: 1)
    batch.append(Self.record(0))
    withExtendedLifetime(batch) {
      let columns = batch.columns
      let named: [RequestMeasure: Int64] = [
        .waiting: columns.waitingMicroseconds[0], .firstToken: columns.firstTokenMicroseconds[0],
        .latency: columns.latencyMicroseconds[0], .inputTokens: Int64(columns.inputTokens[0]),
        .outputTokens: Int64(columns.outputTokens[0]),
      ]
      // A measure that every request has must be in each loop that is written out by hand.
      #expect(Set(named.keys) == Set(RequestMeasure.allCases).subtracting(RequestMeasure.optional))
      for (measure, value) in named { #expect(value == Self.record(0).measures[measure]) }
    }
  }
}
