import Datasets
import Foundation
import Telemetry

/// Compares the requests of two data sets, both sorted by arrival, without holding them: rows that arrived at one
/// instant are matched by their identifiers, then by model and version.
struct RequestComparison {
  private let findings: ComparisonFindings
  private let columns: [Column]
  /// Columns with a statistical rule: rows of two stochastic runs have no counterparts.
  private let isStatistical: Bool

  private struct Column {
    var name: String
    var decision: ComparisonFindings.Decision
    var path: String
  }

  private typealias Place = RequestColumn.Place

  private struct Row {
    var record: RequestRecord
    var series: Series
    var reason: String

    var id: Int64 { record.id }
    var at: Int64 { record.arrivedAt }
    func measured(_ measure: RequestMeasure) -> Int64 { record.measures[measure] }

    /// Of a column by its place in the schema.
    func number(_ column: Int) -> Int64 {
      switch column {
      case Place.id: id
      case Place.arrivedAt: at
      default:
        RequestMeasure(rawValue: column - Place.measures).map {
          record.unknown & $0.bit == 0 ? record.measures[$0] : RequestMeasure.missing
        } ?? RequestMeasure.missing
      }
    }

    func text(_ column: Int) -> String? {
      switch column {
      case Place.model: String(series.modelID)
      case Place.version: series.version
      case Place.status: reason.isEmpty ? "success" : "failure"
      case Place.reason: reason
      case Place.texts...: record.texts?[column - Place.texts] ?? ""
      default: nil
      }
    }
  }

  init(_ findings: ComparisonFindings) {
    self.findings = findings
    let root = "requests".withCString { findings.matcher.step(findings.matcher.start, name: $0) }
    let row = findings.matcher.step(root, element: "*")
    columns = TableSchema.requests.columns.map { column in
      let state = column.name.withCString { findings.matcher.step(row, name: $0) }
      return Column(
        name: column.name, decision: findings.decision(state), path: "requests[*].\(column.name)")
    }
    isStatistical = columns.contains { $0.decision.isStatistical }
  }

  /// - Returns: how many rows were compared.
  func run(_ expected: Dataset, _ actual: Dataset, progress: @escaping @Sendable (Double) -> Void) throws
    -> Int64
  {
    let first = RequestStream(expected, progress: progress)
    let second = RequestStream(actual)
    // A reader that waits for room must be released.
    defer {
      first.abandon()
      second.abandon()
    }
    var a = Cursor(first, expected.series)
    var b = Cursor(second, actual.series)
    if isStatistical { return try sample(&a, &b) }
    let map = Self.map(actual.series, to: expected.series)
    let isIgnored = columns.map { $0.decision.test == .ignored }
    var rows: Int64 = 0
    while true {
      let hasFirst = try a.fill()
      let hasSecond = try b.fill()
      guard hasFirst || hasSecond else { break }
      if hasFirst, hasSecond {
        let count = commonRows(a, b, map, isIgnored)
        a.row += count
        b.row += count
        rows += Int64(count)
        findings.figures += Int64(count * comparedColumns(a, b, isIgnored))
        if count > 0 { continue }
      }
      if a.instant != b.instant, findings.hasEnough(ofList: "requests") {
        // Rows of one side alone, one after the other: two runs that have nothing in common.
        let isFirst = b.instant.map { (a.instant ?? .max) < $0 } ?? true
        let limit = (isFirst ? b.instant : a.instant) ?? .max
        if isFirst { skip(&a, before: limit, .missing) } else { skip(&b, before: limit, .extra) }
        continue
      }
      rows += try compareInstant(&a, &b)
    }
    return rows
  }

  /// Where one side's reading is.
  private struct Cursor {
    let stream: RequestStream
    let series: [Series]
    var part: RequestStream.Part?
    var row = 0

    init(_ stream: RequestStream, _ series: [Series]) {
      self.stream = stream
      self.series = series
    }

    /// Makes sure that there is a row; `false` at the end.
    mutating func fill() throws -> Bool {
      while part.map({ row >= $0.batch.count }) ?? true {
        guard let next = try stream.next() else {
          part = nil
          return false
        }
        part = next
        row = 0
      }
      return true
    }

    var left: Int { part.map { $0.batch.count - row } ?? 0 }
    var instant: Int64? {
      part.map { part in withExtendedLifetime(part.batch) { part.batch.columns.arrivedAt[row] } }
    }

    /// The rows of one instant.
    mutating func take(_ instant: Int64) throws -> [Row] {
      var rows: [Row] = []
      while try fill(), self.instant == instant { rows.append(take()) }
      return rows
    }

    private mutating func take() -> Row {
      guard let part else { preconditionFailure("fill() came first") }
      defer { row += 1 }
      return withExtendedLifetime(part.batch) {
        let columns = part.batch.columns
        return Row(
          record: columns.record(row), series: series[Int(columns.series[row])],
          reason: part.reasons[Int(columns.outcome[row])])
      }
    }
  }

  /// The index of each of some series in another list; −1 if it is not there.
  private static func map(_ series: [Series], to other: [Series]) -> [Int32] {
    let places = Dictionary(zip(other, other.indices), uniquingKeysWith: { first, _ in first })
    return series.map { places[$0].map(Int32.init) ?? -1 }
  }

  /// Columns that are looked at, of those that either side has here.
  private func comparedColumns(_ first: Cursor, _ second: Cursor, _ isIgnored: [Bool]) -> Int {
    let sides = [first, second].compactMap(\.part?.batch)
    return withExtendedLifetime(sides) {
      RequestColumn.all.indices.count { place in
        !isIgnored[place]
          && (!RequestColumn.all[place].isOptional || sides.contains { $0.columns.has(place) })
      }
    }
  }

  /// Goes through rows as long as both sides have the same request; returns how many.
  private func commonRows(_ first: Cursor, _ second: Cursor, _ map: [Int32], _ isIgnored: [Bool]) -> Int {
    guard let partA = first.part, let partB = second.part else { return 0 }
    // Names of failures are appended in the order in which a file brings them.
    let known = UInt8(zip(partA.reasons, partB.reasons).prefix { $0 == $1 }.count)
    return withExtendedLifetime((partA.batch, partB.batch)) {
      let a = partA.batch.columns.dropFirst(first.row)
      let b = partB.batch.columns.dropFirst(second.row)
      guard let idA = a.requestID, let idB = b.requestID else { return 0 }
      let count = min(a.count, b.count)
      let measures = RequestMeasure.allCases.compactMap { measure -> MeasurePair? in
        let pair = MeasurePair(measure, a, b)
        // What neither side knows of any request here is the same.
        return pair.a.isAbsent && pair.b.isAbsent ? nil : pair
      }
      let hasOptional = measures.contains(where: \.isOptional)
      let unknown = (a.extras?.unknown, b.extras?.unknown)
      let texts = RequestText.allCases.compactMap { text -> TextPair? in
        let pair = TextPair(column: text.place, a: a.texts(text), b: b.texts(text))
        return pair.a == nil && pair.b == nil || isIgnored[pair.column] ? nil : pair
      }
      var row = 0
      while row < count {
        if a.arrivedAt[row] != b.arrivedAt[row] || a.series[row] != map[Int(b.series[row])]
          || idA[row] != idB[row] || a.outcome[row] != b.outcome[row] || a.outcome[row] >= known
        {
          break
        }
        // Those that every row has by hand: this is asked of each row.
        if a.latencyMicroseconds[row] != b.latencyMicroseconds[row]
          || a.waitingMicroseconds[row] != b.waitingMicroseconds[row]
          || a.firstTokenMicroseconds[row] != b.firstTokenMicroseconds[row]
          || a.inputTokens[row] != b.inputTokens[row] || a.outputTokens[row] != b.outputTokens[row]
          || hasOptional && measures.contains(where: { $0.a[row] != $0.b[row] })
          || unknown.0?[row] ?? 0 != unknown.1?[row] ?? 0
        {
          let seriesOfRow = first.series[Int(a.series[row])]
          for measure in measures {
            let (x, y) = (measure.a[row], measure.b[row])
            guard x != y, !isIgnored[measure.column] else { continue }
            if x == RequestMeasure.missing || y == RequestMeasure.missing {
              findings.unknown(
                expected: x == RequestMeasure.missing ? nil : x,
                actual: y == RequestMeasure.missing ? nil : y,
                columns[measure.column].decision, path: Self.path(idA[row], columns[measure.column].name),
                look: Self.look(seriesOfRow, a.arrivedAt[row]))
              continue
            }
            findings.number(
              Double(x), Double(y), isSame: false, columns[measure.column].decision,
              path: Self.path(idA[row], columns[measure.column].name),
              look: Self.look(seriesOfRow, a.arrivedAt[row]))
          }
        }
        for text in texts where !text.isSame(row) {
          different(
            text.text(row, of: text.a), text.text(row, of: text.b), text.column, idA[row],
            Self.look(first.series[Int(a.series[row])], a.arrivedAt[row]))
        }
        row += 1
      }
      return row
    }
  }

  /// Two texts of a column, by its place in the schema.
  private func different(_ expected: String, _ actual: String, _ column: Int, _ id: Int64, _ look: String) {
    findings.add(
      Difference(
        document: findings.document, path: Self.path(id, columns[column].name), kind: .value,
        expected: "\"\(expected)\"", actual: "\"\(actual)\"", relative: 1,
        allowed: findings.allowed(columns[column].decision), look: look))
  }

  /// Counts the rows at hand that arrived before an instant, which only one side has.
  private func skip(_ cursor: inout Cursor, before limit: Int64, _ kind: Difference.Kind) {
    guard let part = cursor.part else { return }
    let start = cursor.row
    withExtendedLifetime(part.batch) {
      let arrivedAt = part.batch.columns.arrivedAt
      while cursor.row < part.batch.count, arrivedAt[cursor.row] < limit { cursor.row += 1 }
    }
    if mayBeAlone { return }
    findings.count(kind, cursor.row - start, ofList: "requests")
  }

  /// Whether a request need not have a counterpart.
  private var mayBeAlone: Bool {
    columns.allSatisfy { $0.decision.test == .ignored } || columns[Place.id].decision.isOptional
  }

  /// The rows of the earlier instant at hand.
  private func compareInstant(_ a: inout Cursor, _ b: inout Cursor) throws -> Int64 {
    guard let instant = [a.instant, b.instant].compactMap({ $0 }).min() else { return 0 }
    let first = try a.take(instant)
    var second = try b.take(instant)
    var unmatched: [Row] = []
    var compared: Int64 = 0
    for row in first {
      if let place = second.firstIndex(where: { $0.id == row.id && $0.series == row.series }) {
        compare(row, second.remove(at: place))
        compared += 1
      } else {
        unmatched.append(row)
      }
    }
    // Renumbered, or moved to another model.
    for row in unmatched {
      let place =
        second.firstIndex { $0.series == row.series } ?? second.firstIndex { $0.id == row.id }
      if let place {
        compare(row, second.remove(at: place))
        compared += 1
      } else {
        alone(row, .missing)
      }
    }
    for row in second { alone(row, .extra) }
    return compared
  }

  private static func path(_ id: Int64, _ column: String) -> String { "requests[\(id)].\(column)" }

  private static func look(_ series: Series, _ at: Int64) -> String {
    let version = series.version.isEmpty ? "" : " \(series.version)"
    return "model \(series.modelID)\(version), arrived \(Timestamp(microseconds: at).rfc3339)"
  }

  private func alone(_ row: Row, _ kind: Difference.Kind) {
    if mayBeAlone { return }
    let text = "latency \(row.measured(.latency)) µs, \(row.reason.isEmpty ? "success" : row.reason)"
    findings.add(
      Difference(
        document: findings.document, path: "requests[\(row.id)]", kind: kind,
        expected: kind == .missing ? text : nil,
        actual: kind == .extra ? text : nil, look: Self.look(row.series, row.at)))
  }

  private func compare(_ a: Row, _ b: Row) {
    for (index, column) in columns.enumerated() where column.decision.test != .ignored {
      findings.figures += 1
      if let first = a.text(index), let second = b.text(index) {
        if first != second { different(first, second, index, a.id, Self.look(a.series, a.at)) }
      } else {
        let (first, second) = (a.number(index), b.number(index))
        if first != second, first == RequestMeasure.missing || second == RequestMeasure.missing {
          findings.unknown(
            expected: first == RequestMeasure.missing ? nil : first,
            actual: second == RequestMeasure.missing ? nil : second, column.decision,
            path: Self.path(a.id, column.name), look: Self.look(a.series, a.at))
          continue
        }
        findings.number(
          Double(first), Double(second), isSame: first == second, column.decision,
          path: Self.path(a.id, column.name), look: Self.look(a.series, a.at))
      }
    }
  }

  /// Whether a column by its place in the schema is a number that can be a sample.
  private static func isNumber(_ column: Int) -> Bool {
    column == Place.id || column == Place.arrivedAt || (Place.measures..<Place.texts).contains(column)
  }

  /// Takes both sides' columns as samples.
  private func sample(_ a: inout Cursor, _ b: inout Cursor) throws -> Int64 {
    let wanted = columns.indices.filter { columns[$0].decision.isStatistical && Self.isNumber($0) }
    var rows: Int64 = 0
    func add(_ cursor: inout Cursor, isExpected: Bool) throws {
      while try cursor.fill() {
        guard let part = cursor.part else { break }
        withExtendedLifetime(part.batch) {
          let requests = part.batch.columns
          for row in 0..<requests.count {
            // A failure has no latency of an answer.
            let isSuccess = requests.outcome[row] == RequestOutcome.success
            for column in wanted {
              let measure = RequestMeasure(rawValue: column - Place.measures)
              if !isSuccess, measure?.isOfSuccesses == true { continue }
              if let measure, let unknown = requests.extras?.unknown, unknown[row] & measure.bit != 0 {
                continue
              }
              let value: Int64
              switch column {
              case Place.id: value = requests.requestID?[row] ?? 0
              case Place.arrivedAt: value = requests.arrivedAt[row]
              default:
                value = measure.flatMap(requests.integers)?[row] ?? RequestMeasure.missing
                if value == RequestMeasure.missing, measure?.column.isOptional == true { continue }
              }
              findings.sample(
                columns[column].decision, columns[column].path, "all requests",
                expected: isExpected ? Double(value) : nil, actual: isExpected ? nil : Double(value))
            }
          }
          rows += Int64(requests.count)
        }
        cursor.row = part.batch.count
      }
    }
    try add(&a, isExpected: true)
    try add(&b, isExpected: false)
    return rows
  }
}

/// A measure's columns on both sides.
private struct MeasurePair {
  /// `missing` where it is unknown, and throughout where the side has no such column.
  struct Column {
    private let values: IntegerColumn?
    private let unknown: UnsafePointer<UInt8>?
    private let bit: UInt8

    init(_ measure: RequestMeasure, _ requests: RequestColumns) {
      values = requests.integers(measure)
      unknown = requests.extras?.unknown
      bit = measure.bit
    }

    var isAbsent: Bool { values == nil }
    subscript(row: Int) -> Int64 {
      if let unknown, unknown[row] & bit != 0 { return RequestMeasure.missing }
      return values?[row] ?? RequestMeasure.missing
    }
  }

  let column: Int
  let isOptional: Bool
  let a: Column
  let b: Column

  init(_ measure: RequestMeasure, _ a: RequestColumns, _ b: RequestColumns) {
    column = measure.place
    isOptional = measure.column.isOptional
    (self.a, self.b) = (Column(measure, a), Column(measure, b))
  }
}

/// A text's columns on both sides.
private struct TextPair {
  let column: Int
  let a: TextColumn?
  let b: TextColumn?

  func isSame(_ row: Int) -> Bool {
    guard let a, let b else { return (a ?? b)?[row].isEmpty ?? true }
    return a[row].elementsEqual(b[row])
  }

  func text(_ row: Int, of side: TextColumn?) -> String { side?.text(row) ?? "" }
}

extension RequestColumns {
  /// Whether there is a column, by its place in the schema.
  fileprivate func has(_ place: Int) -> Bool {
    if let measure = RequestMeasure(rawValue: place - RequestColumn.Place.measures) {
      return integers(measure) != nil
    }
    return RequestText(rawValue: place - RequestColumn.Place.texts).map { texts($0) != nil } ?? true
  }
}
