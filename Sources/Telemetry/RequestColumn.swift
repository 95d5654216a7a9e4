/// A column of the `requests` table.
///
/// `all` is the only list of them: schemas, SQL, readers, writers, the comparison and digests are derived from it. Loops
/// that name a column for speed are held to it by `RequestColumnTests`.
package struct RequestColumn: Equatable, Sendable {
  package enum ValueType: Equatable, Sendable { case text, integer, instant }

  /// In files and databases. Its ending gives the unit: `_us` is microseconds.
  package var name: String
  package var type: ValueType
  /// Of integers: what a reader believes. 32 bits are stored where its end fits.
  package var range: ClosedRange<Int64> = 0...Int64.max
  /// Whether a row may have no value, and a data set no such column.
  package var isOptional = false
  /// Whether a row may have no value, though every data set has the column.
  package var mayBeUnknown = false
  /// Unit and meaning, for schemas that can carry them.
  package var about = ""

  package var is32Bit: Bool { range.upperBound <= Int64(Int32.max) }

  /// In the order in which files have them: what a request is and how it ended, then its measures.
  package static let all: [RequestColumn] =
    [
      RequestColumn(name: "request_id", type: .integer),
      RequestColumn(
        name: "arrived_at", type: .instant, about: "Arrival: the bucket in which the request counts."),
      RequestColumn(name: "model_id", type: .integer, range: 0...Int64(Int32.max)),
      RequestColumn(name: "version", type: .text, about: "Empty for external models."),
      RequestColumn(name: "status", type: .text, about: "success or failure."),
      RequestColumn(name: "failure_reason", type: .text, about: "Empty on success."),
    ] + RequestMeasure.allCases.map(\.column) + RequestText.allCases.map(\.column)

  /// Places in `all`.
  package enum Place {
    package static let id = 0, arrivedAt = 1, model = 2, version = 3, status = 4, reason = 5
    /// Of the first measure; the others follow in the order of their cases.
    package static let measures = 6
    /// Of the first text that a row need not have; the others follow in the order of their cases.
    package static let texts = measures + RequestMeasures.count
  }
}

/// An integer that is known of each request. To add an optional one, add a case and its description here, and raise
/// `RequestMeasures.count`.
package enum RequestMeasure: Int, CaseIterable, Sendable {
  case waiting, firstToken, latency, inputTokens, outputTokens, cachedInputTokens
  case reasoningTokens, cost, turn, attempt

  /// Those that a row need not have. Hot loops write the others out by hand, for speed, and go through these: a new
  /// optional measure needs no change there.
  package static let optional = allCases.filter(\.column.isOptional)
  /// Represents the value of an optional measure that a row does not have.
  package static let missing: Int64 = -1
  /// The first of those that `RequestExtras` keeps: the ones before have columns of their own in every batch.
  static let firstExtra = RequestMeasure.reasoningTokens
  static let extras = allCases.filter { $0.rawValue >= firstExtra.rawValue }
  package var column: RequestColumn {
    switch self {
    case .waiting:
      RequestColumn(
        name: "waiting_us", type: .integer, range: 0...Limits.latency, mayBeUnknown: true,
        about: "Waiting time, µs; empty where that is unknown.")
    case .firstToken:
      RequestColumn(
        name: "ttft_us", type: .integer, range: 0...Limits.latency, mayBeUnknown: true,
        about: "Time to first token from arrival, µs; 0 on failure, empty where it is unknown.")
    case .latency:
      RequestColumn(
        name: "latency_us", type: .integer, range: 0...Limits.latency,
        about: "From arrival to complete response, µs.")
    case .inputTokens:
      RequestColumn(
        name: "input_tokens", type: .integer, range: 0...Int64(Int32.max), mayBeUnknown: true,
        about: "Empty where that is unknown.")
    case .outputTokens:
      RequestColumn(
        name: "output_tokens", type: .integer, range: 0...Int64(Int32.max), mayBeUnknown: true,
        about: "Empty where that is unknown.")
    case .cachedInputTokens:
      RequestColumn(
        name: "cached_input_tokens", type: .integer, range: 0...Int64(Int32.max), isOptional: true,
        about:
          "Input tokens that were not read again since a cache had them; empty where that is unknown.")
    case .reasoningTokens:
      RequestColumn(
        name: "reasoning_tokens", type: .integer, range: 0...Int64(Int32.max), isOptional: true,
        about: "Output tokens that the model thought with; empty where that is unknown.")
    case .cost:
      RequestColumn(
        name: "cost_micro", type: .integer, range: 0...Limits.cost, isOptional: true,
        about: "What the request cost, in millionths; empty where that is unknown.")
    case .turn:
      RequestColumn(
        name: "turn", type: .integer, range: 0...Int64(Int32.max), isOptional: true,
        about: "Its place in its session; empty where that is unknown.")
    case .attempt:
      RequestColumn(
        name: "attempt", type: .integer, range: 0...Int64(Int32.max), isOptional: true,
        about: "Which try of a call it is; empty where that is unknown.")
    }
  }

  /// Its place in `RequestColumn.all`.
  package var place: Int { RequestColumn.Place.measures + rawValue }

  /// Its bit in `RequestRecord.unknown`.
  package var bit: UInt8 { rawValue < 8 ? 1 << rawValue : 0 }

  /// Whether only a success has it: a response that never came has no time.
  package var isOfSuccesses: Bool { self == .firstToken || self == .latency }
}

/// A value for each measure, by its raw value; kept in place, without an allocation.
package struct RequestMeasures: Equatable, Sendable {
  package static let count = 10
  @usableFromInline package var values: InlineArray<10, Int64>

  /// All 0; optional ones are missing.
  package init() { values = Self.initial }

  private static let initial: InlineArray<10, Int64> = InlineArray { place in
    RequestMeasure(rawValue: place).map { $0.column.isOptional ? RequestMeasure.missing : 0 } ?? 0
  }

  @inlinable package subscript(_ measure: RequestMeasure) -> Int64 {
    get { values[measure.rawValue] }
    set { values[measure.rawValue] = newValue }
  }

  @inlinable package subscript(place: Int) -> Int64 {
    get { values[place] }
    set { values[place] = newValue }
  }

  package static func == (a: RequestMeasures, b: RequestMeasures) -> Bool {
    a.values.indices.allSatisfy { a.values[$0] == b.values[$0] }
  }
}

/// A request as a value: a row of `RequestColumns`, without a lifetime to watch.
package struct RequestRecord: Equatable, Sendable {
  package var id: Int64
  /// µs since 1970, UTC.
  package var arrivedAt: Int64
  /// Index into the source's list of series.
  package var series: Int32
  /// `RequestOutcome`.
  package var outcome: UInt8
  package var measures = RequestMeasures()
  /// Bits of measures that every data set has a column for and of which this request's value is not known: it is 0.
  package var unknown: UInt8 = 0
  /// By `RequestText`, empty where unknown; `nil` where none is known.
  package var texts: [String]?

  package init(id: Int64 = 0, arrivedAt: Int64 = 0, series: Int32 = -1, outcome: UInt8 = 0) {
    self.id = id
    self.arrivedAt = arrivedAt
    self.series = series
    self.outcome = outcome
  }
}
