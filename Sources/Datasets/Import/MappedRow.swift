import Foundation
import Telemetry

/// Why a row makes no request.
struct RowProblem: Error {
  let text: String
  /// Without the row's own values: rows are counted by it.
  let kind: String

  init(_ text: String, kind: String) {
    self.text = text
    self.kind = kind
  }
}

/// When a row arrived, as far as it says so itself.
enum RowArrival {
  case instant(Timestamp)
  /// By a wall clock, which is given as if it were UTC, µs.
  case once(Timestamp, wall: Int64)
  case twice(Timestamp, Timestamp, wall: Int64)
}

// One row of an export as a request.
extension MappedImport {
  /// What stamps and durations of an export may differ by, for they are rounded: a millisecond, µs.
  private static let rounding: Int64 = 1000
  /// Longest failure reason, bytes: one class of errors, not a stack trace.
  private static let longestReason = 200

  // MARK: Values

  /// A row's text for a column of telemetry; `nil` where it has none.
  private func found(_ row: ForeignRow, _ field: ImportMapping.Field) -> String? {
    if let constant = field.constant { return field.meaning(of: constant) }
    var found: String?
    for column in field.columns {
      if found == nil, let value = row.values[column], !value.isEmpty { found = value }
    }
    return found.map(field.meaning) ?? field.values[""]
  }

  /// Text that may be missing, for which nothing, or what the mapping says, stands.
  private func text(_ row: ForeignRow, _ name: String) -> String {
    guard let field = mapping[name] else { return "" }
    return found(row, field) ?? field.missing ?? ""
  }

  private func missing(_ name: String) -> RowProblem {
    RowProblem("\(name) is missing", kind: "\(name) is missing")
  }

  /// A number as the mapping reads it: of one column, or the sum of several.
  /// - Parameter parse: a number in the unit of telemetry; `nil` for anything else.
  private func number(
    _ row: ForeignRow, _ name: String, isSuccess: Bool, _ notes: inout [ImportReport.Note],
    _ parse: (ImportMapping.Field, String) throws -> Int64
  ) throws -> Int64 {
    guard let field = mapping[name] else { return 0 }
    if field.isSum {
      let parts = try field.columns.map { column -> Int64? in
        guard let value = row.values[column] else { return nil }
        let text = field.meaning(of: value)
        return text.isEmpty ? nil : try parse(field, text)
      }
      let known = parts.compactMap(\.self)
      if !known.isEmpty {
        if known.count < parts.count { notes.append(.missingPart(name)) }
        return known.reduce(0) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
      }
    } else if let text = found(row, field) {
      return try parse(field, text)
    }
    if let taken = field.missing {
      notes.append(.missing(name, taken))
      return try parse(field, taken)
    }
    guard !isSuccess else { throw missing(name) }
    notes.append(.missingInFailure(name))
    return 0
  }

  private func duration(
    _ row: ForeignRow, _ name: String, isSuccess: Bool, _ notes: inout [ImportReport.Note]
  ) throws -> Int64 {
    let value = try number(row, name, isSuccess: isSuccess, &notes) { field, text in
      guard let value = NumberText.decimal(text), value >= 0, value * field.unit <= Double(Limits.latency)
      else {
        throw RowProblem(
          "\(name) \"\(text.prefix(60))\" is not a duration between 0 and 100 days",
          kind: "\(name) is not a duration")
      }
      return Int64((value * field.unit).rounded())
    }
    guard value <= Limits.latency else {
      throw RowProblem("\(name) is more than 100 days", kind: "\(name) is not a duration")
    }
    return value
  }

  private func tokens(
    _ row: ForeignRow, _ name: String, isSuccess: Bool, _ notes: inout [ImportReport.Note]
  ) throws -> Int32 {
    let most = Int64(Int32.max)
    let value = try number(row, name, isSuccess: isSuccess, &notes) { _, text in
      guard let value = NumberText.whole(text), (0...most).contains(value) else {
        throw RowProblem(
          "\(name) \"\(text.prefix(60))\" is not a number of tokens in 0…\(most)",
          kind: "\(name) is not a number of tokens")
      }
      return value
    }
    guard value <= most else {
      throw RowProblem("\(name) is more than \(most) tokens", kind: "\(name) is not a number of tokens")
    }
    return Int32(value)
  }

  // MARK: Instants

  private enum Reading {
    case instant(Timestamp)
    case wall(Int64, ZonedCalendar.WallTime, ZonedCalendar)
  }

  private func instant(_ row: ForeignRow, _ name: String) throws -> Reading {
    guard let field = mapping[name], let text = found(row, field), !text.isEmpty else { throw missing(name) }
    let problem = RowProblem(
      "\(name) \"\(text.prefix(60))\" is not an instant", kind: "\(name) is not an instant")
    let reading: Reading
    switch field.format {
    case .iso:
      if let known = parser.parse(text) {
        reading = .instant(known)
      } else if let zone = field.zone, let wall = parser.parse(text, zoneRequired: false) {
        reading = .wall(wall.microseconds, Self.wallTime(wall, zone), zone)
      } else {
        throw problem
      }
    case .s, .ms, .us, .ns:
      let shift: [ImportMapping.InstantFormat: Int] = [.s: 6, .ms: 3, .us: 0, .ns: -3]
      guard let number = NumberText.scaled(text, by: shift[field.format] ?? 0) else { throw problem }
      reading = .instant(Timestamp(microseconds: number))
    }
    func check(_ instant: Timestamp) throws {
      guard Timestamp.supported.contains(instant) else {
        throw RowProblem(
          "\(name) \"\(text.prefix(60))\" lies outside \(Timestamp.supportedYears)",
          kind: "\(name) is not an instant")
      }
    }
    switch reading {
    case .instant(let instant), .wall(_, .once(let instant), _), .wall(_, .twice(let instant, _), _):
      try check(instant)
    case .wall(_, .never, let zone):
      throw RowProblem(
        "\(name) \"\(text.prefix(60))\" never occurs in \(zone.identifier): clocks skip it",
        kind: "\(name) is a local time that never occurs")
    }
    return reading
  }

  private static func wallTime(_ wall: Timestamp, _ zone: ZonedCalendar) -> ZonedCalendar.WallTime {
    let seconds = wall.secondsRoundedDown
    let day = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
    let micros = wall.microseconds - seconds * 1_000_000
    switch zone.instant(of: LocalDate(daysSince1970: Int(day)), secondOfDay: seconds - day * 86_400) {
    case .once(let instant): return .once(instant + micros)
    case .twice(let first, let second): return .twice(first: first + micros, second: second + micros)
    case .never(let change): return .never(changeAt: change)
    }
  }

  func arrival(_ row: ForeignRow) throws -> RowArrival {
    switch try instant(row, "arrivedAt") {
    case .instant(let instant): .instant(instant)
    case .wall(let wall, .once(let instant), _): .once(instant, wall: wall)
    case .wall(let wall, .twice(let first, let second), _): .twice(first, second, wall: wall)
    case .wall(_, .never, _): throw RowProblem("arrivedAt never occurs", kind: "arrivedAt is not an instant")
    }
  }

  /// The end of a request that arrived at an instant: of a local time that occurs twice the first that is not before it.
  private func end(
    _ row: ForeignRow, after arrived: Timestamp, _ notes: inout [ImportReport.Note]
  ) throws -> Timestamp {
    let ended: Timestamp
    switch try instant(row, "endedAt") {
    case .instant(let instant), .wall(_, .once(let instant), _), .wall(_, .never(let instant), _):
      ended = instant
    case .wall(_, .twice(let first, let second), _):
      ended = first >= arrived ? first : second
      if first >= arrived { notes.append(.endsTwice) }
    }
    guard ended >= arrived else {
      throw RowProblem("endedAt lies before arrivedAt", kind: "endedAt lies before arrivedAt")
    }
    return ended
  }

  // MARK: The request

  func request(
    _ row: ForeignRow, at arrived: Timestamp, _ notes: inout [ImportReport.Note]
  ) throws -> RequestRecord {
    let kindName = text(row, "kind")
    guard let kind = ModelKind(rawValue: kindName) else {
      throw RowProblem(
        "kind \"\(kindName.prefix(60))\" is not one of fineTuned, openSource, external",
        kind: "kind is not one of the three")
    }
    let model = text(row, "model")
    guard !model.isEmpty else { throw RowProblem("model is empty", kind: "model is empty") }
    let outcome = try outcome(row, &notes)
    let isSuccess = outcome == RequestOutcome.success
    var latency = try duration(row, "latency", isSuccess: isSuccess, &notes)
    if mapping["endedAt"] != nil { latency = try end(row, after: arrived, &notes) - arrived }
    guard latency <= Limits.latency else {
      throw RowProblem("a latency of more than 100 days", kind: "latency is not a duration")
    }
    func inside(_ name: String, _ value: Int64, _ end: Int64, _ what: String) throws -> Int64 {
      if value <= end { return value }
      guard value - end <= Self.rounding else {
        throw RowProblem(
          "\(name) lies after \(what): \(Double(value) / 1e6) s of \(Double(end) / 1e6) s",
          kind: "\(name) lies after \(what)")
      }
      if name == "firstToken" { notes.append(.roundedFirstToken) }
      return end
    }
    let waiting = try inside(
      "waiting", try duration(row, "waiting", isSuccess: isSuccess, &notes), latency, "the end")
    var firstToken: Int64 = 0
    if isSuccess {
      firstToken = try inside(
        "firstToken", try duration(row, "firstToken", isSuccess: true, &notes), latency, "the end")
      // 0 where it is not known.
      if firstToken > 0 { _ = try inside("waiting", waiting, firstToken, "the first token") }
    }
    let input = try tokens(row, "inputTokens", isSuccess: isSuccess, &notes)
    let output = try tokens(row, "outputTokens", isSuccess: isSuccess, &notes)
    let series = try series(
      model, kind, provider: kind == .external ? text(row, "provider") : "",
      version: kind == .external ? "" : text(row, "version"))
    var request = RequestRecord(arrivedAt: arrived.microseconds, series: series, outcome: outcome)
    request.measures[.waiting] = firstToken > 0 ? min(waiting, firstToken) : waiting
    request.measures[.firstToken] = firstToken
    request.measures[.latency] = latency
    request.measures[.inputTokens] = Int64(input)
    request.measures[.outputTokens] = Int64(output)
    return request
  }

  private func outcome(_ row: ForeignRow, _ notes: inout [ImportReport.Note]) throws -> UInt8 {
    guard let field = mapping["status"] else { return RequestOutcome.success }
    let failed: Bool
    if let status = found(row, field) ?? field.missing {
      func isIn(_ list: [String]) -> Bool { list.contains { Name.same($0, status) } }
      let isFailure = isIn(field.failure)
      if !isFailure, !field.failure.isEmpty, !field.success.isEmpty, !isIn(field.success) {
        throw RowProblem(
          "status \"\(status.prefix(60))\" is neither a success nor a failure of the mapping",
          kind: "status is in neither list")
      }
      failed = field.success.isEmpty ? isFailure : !isIn(field.success)
    } else if field.success.isEmpty {
      // An empty value is not a failure.
      failed = field.failure.contains("")
    } else if field.success.contains("") {
      failed = false
    } else {
      throw missing("status")
    }
    guard failed else {
      if mapping["failureReason"]?.constant == nil, !text(row, "failureReason").isEmpty {
        notes.append(.reasonOfSuccess)
      }
      return RequestOutcome.success
    }
    let (reason, isShortened) = Self.shortened(text(row, "failureReason"))
    if isShortened { notes.append(.shortenedReason) }
    if reason.isEmpty { notes.append(.noReason) }
    do {
      let (code, isOther) = try reasons.codeOrOther(of: reason.isEmpty ? "unspecified" : reason)
      if isOther { notes.append(.otherReason) }
      return code
    } catch {
      throw RowProblem("failureReason \(error)", kind: "failureReason is not a name")
    }
  }

  /// A failure reason on one line, cut where it is long.
  private static func shortened(_ reason: String) -> (text: String, isShortened: Bool) {
    let isPlain = { (scalar: Unicode.Scalar) in
      ![.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
    }
    if reason.utf8.count <= longestReason, reason.unicodeScalars.allSatisfy(isPlain) {
      return (reason, false)
    }
    var text = String.UnicodeScalarView()
    var count = 0
    for scalar in reason.unicodeScalars {
      count += UTF8.width(scalar)
      guard count <= longestReason - 3 else {
        text.append("…")
        break
      }
      text.append(isPlain(scalar) ? scalar : " ")
    }
    return (String(text), true)
  }
}

extension ImportMapping.Field {
  /// What a value of the export means: values are compared by their code points.
  fileprivate func meaning(of value: String) -> String {
    guard let place = values.index(forKey: value), Name.same(values[place].key, value) else { return value }
    return values[place].value
  }
}

extension ImportMapping {
  /// Columns of telemetry, in the order of the schema, whose numbers are 0 if the mapping does not name them.
  private static let numeric = ["waiting", "firstToken", "latency", "inputTokens", "outputTokens"]

  var neededColumns: NeededColumns {
    let fields = fields.values.filter { !$0.columns.isEmpty }
    return NeededColumns(
      names: Set(fields.flatMap(\.columns)),
      alternatives: fields.flatMap { $0.isSum ? $0.columns.map { [$0] } : [$0.columns] }.sorted {
        $0.lexicographicallyPrecedes($1)
      })
  }

  /// A column of telemetry, and those of the export of which it takes one.
  struct NamedColumns {
    var field: String
    var columns: [String]
    /// Whether some row must have one: not where the mapping says what a missing one stands for, and not for the reason of
    /// failures, of which there may be none.
    var isNeeded: Bool

    var words: String { "\(columns.joined(separator: " or ")) (\(field))" }
  }

  /// By the names of telemetry's columns.
  var namedColumns: [NamedColumns] {
    fields.filter { !$1.columns.isEmpty }.flatMap { name, field in
      (field.isSum ? field.columns.map { [$0] } : [field.columns]).map {
        NamedColumns(field: name, columns: $0, isNeeded: field.missing == nil && name != "failureReason")
      }
    }.sorted { ($0.field, $0.columns.first ?? "") < ($1.field, $1.columns.first ?? "") }
  }

  /// Numbers that the mapping says nothing of.
  var unmapped: [String] {
    Self.numeric.filter { self[$0] == nil && ($0 != "latency" || self["endedAt"] == nil) }
  }
}
