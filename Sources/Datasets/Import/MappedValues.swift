import Telemetry

// Values of a row as the mapping reads them.
extension MappedImport {
  // MARK: Values

  /// A row's text for a column of telemetry; `nil` where it has none.
  func found(_ row: ForeignRow, _ field: ImportMapping.Field) -> String? {
    if let constant = field.constant { return field.meaning(of: constant) }
    var found: String?
    for column in field.columns {
      if found == nil, let value = row.values[column], !value.isEmpty { found = value }
    }
    return found.map(field.meaning) ?? field.values[""]
  }

  /// Text that may be missing, for which nothing, or what the mapping says, stands.
  func text(_ row: ForeignRow, _ name: String) -> String {
    guard let field = mapping[name] else { return "" }
    return found(row, field) ?? field.missing ?? ""
  }

  func missing(_ name: String) -> RowProblem {
    RowProblem("\(name) is missing", kind: "\(name) is missing")
  }

  /// A number as the mapping reads it: of one column, or the sum or the difference of several; `nil` if it is not known.
  /// - Parameters:
  ///   - subtract: what the first text minus the second is, in the unit of telemetry; `nil` unless both are numbers.
  ///   - parse: a number in the unit of telemetry.
  private func number(
    _ row: ForeignRow, _ name: String, isSuccess: Bool, _ notes: inout [ImportReport.Note],
    subtract: (ImportMapping.Field, String, String) -> Int64?,
    _ parse: (ImportMapping.Field, String) throws -> Int64
  ) throws -> Int64? {
    guard let field = mapping[name] else { return nil }
    if let known = try known(row, name, field, &notes, subtract: subtract, parse) { return known }
    if field.leavesUnknown {
      notes.append(.unknown(name))
      return nil
    }
    if let taken = field.missing {
      notes.append(.missing(name, taken))
      return try parse(field, taken)
    }
    guard !isSuccess else { throw missing(name) }
    notes.append(.missingInFailure(name))
    return 0
  }

  /// A number that a row has; `nil` if it has none.
  private func known(
    _ row: ForeignRow, _ name: String, _ field: ImportMapping.Field, _ notes: inout [ImportReport.Note],
    subtract: (ImportMapping.Field, String, String) -> Int64?,
    _ parse: (ImportMapping.Field, String) throws -> Int64
  ) throws -> Int64? {
    switch field.combination {
    case .first: return try found(row, field).map { try parse(field, $0) }
    case .difference:
      let texts = field.columns.map { row.values[$0].map(field.meaning) ?? "" }
      guard !texts.contains("") else { return nil }
      guard let value = subtract(field, texts[0], texts[1]) else {
        throw RowProblem(
          "\(name) is \"\(texts[0].prefix(60))\" minus \"\(texts[1].prefix(60))\", which are not both numbers in range",
          kind: "\(name) is not a difference of numbers")
      }
      guard value >= 0 else {
        throw RowProblem(
          "\(name) is negative: \(field.columns[0]) \(texts[0].prefix(60)) minus \(field.columns[1]) \(texts[1].prefix(60))",
          kind: "\(name) is negative")
      }
      return value
    case .sum:
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
      return nil
    }
  }

  /// A difference of two numbers in the unit of a duration, µs, rounded once; below 0 if it is negative at all. A `Double`
  /// has too few digits for nanoseconds since 1970.
  private static func difference(_ field: ImportMapping.Field, _ end: String, _ start: String) -> Int64? {
    // Decimal places of a nanosecond in the unit, and how many such parts it has.
    let (shift, parts): (Int, Int64) =
      switch field.unit {
      case 1e-3: (0, 1)
      case 1: (3, 1)
      case 1e6: (9, 1)
      case 6e7: (9, 60)
      default: (6, 1)
      }
    guard let end = NumberText.scaled(end, by: shift), let start = NumberText.scaled(start, by: shift) else {
      return nil
    }
    let (difference, isTooLong) = end.subtractingReportingOverflow(start)
    let (nanoseconds, isTooLarge) = difference.multipliedReportingOverflow(by: parts)
    guard !isTooLong, !isTooLarge else { return nil }
    return nanoseconds < 0 ? min(nanoseconds / 1000, -1) : nanoseconds / 1000 + (nanoseconds % 1000) / 500
  }

  private static func rest(_ field: ImportMapping.Field, _ all: String, _ part: String) -> Int64? {
    guard let all = NumberText.whole(all), let part = NumberText.whole(part),
      case (let rest, let overflow) = all.subtractingReportingOverflow(part), !overflow
    else { return nil }
    return rest
  }

  /// A difference of two amounts, in millionths.
  private static func amountLeft(_ field: ImportMapping.Field, _ all: String, _ part: String) -> Int64? {
    guard let all = NumberText.scaled(all, by: 6), let part = NumberText.scaled(part, by: 6),
      case (let rest, let overflow) = all.subtractingReportingOverflow(part), !overflow
    else { return nil }
    return rest
  }

  func duration(
    _ row: ForeignRow, _ name: String, isSuccess: Bool, _ notes: inout [ImportReport.Note]
  ) throws -> Int64? {
    let value = try number(row, name, isSuccess: isSuccess, &notes, subtract: Self.difference) {
      field, text in
      guard let value = NumberText.decimal(text), value >= 0, value * field.unit <= Double(Limits.latency)
      else {
        throw RowProblem(
          "\(name) \"\(text.prefix(60))\" is not a duration between 0 and 100 days",
          kind: "\(name) is not a duration")
      }
      return Int64((value * field.unit).rounded())
    }
    guard value ?? 0 <= Limits.latency else {
      throw RowProblem("\(name) is more than 100 days", kind: "\(name) is not a duration")
    }
    return value
  }

  func tokens(
    _ row: ForeignRow, _ name: String, isSuccess: Bool, _ notes: inout [ImportReport.Note]
  ) throws -> Int32? {
    let value = try number(row, name, isSuccess: isSuccess, &notes, subtract: Self.rest) {
      try Self.tokenCount(name, $1)
    }
    return try value.map { try Self.checked(name, $0) }
  }

  private static func tokenCount(_ name: String, _ text: String) throws -> Int64 {
    let most = Int64(Int32.max)
    guard let value = NumberText.whole(text), (0...most).contains(value) else {
      throw RowProblem(
        "\(name) \"\(text.prefix(60))\" is not a number of tokens in 0…\(most)",
        kind: "\(name) is not a number of tokens")
    }
    return value
  }

  private static func checked(_ name: String, _ value: Int64) throws -> Int32 {
    guard let count = Int32(exactly: value) else {
      throw RowProblem("\(name) is more than \(Int32.max) tokens", kind: "\(name) is not a number of tokens")
    }
    return count
  }

  /// A number that a row may leave unknown; `nil` then.
  func optionalNumber(
    _ row: ForeignRow, _ name: String, _ measure: RequestMeasure, _ notes: inout [ImportReport.Note]
  ) throws -> Int64? {
    guard let field = mapping[name] else { return nil }
    let most = measure.column.range.upperBound
    func number(_ text: String) throws -> Int64 {
      if measure == .cost {
        if let cost = NumberText.decimal(text), cost >= 0, cost * 1e6 <= Double(most) {
          return Int64((cost * 1e6).rounded())
        }
        throw RowProblem(
          "\(name) \"\(text.prefix(60))\" is not an amount in 0…\(most / 1_000_000)",
          kind: "\(name) is not an amount")
      }
      guard let value = NumberText.whole(text), (0...most).contains(value) else {
        let what = OptionalFields.isTokens(measure) ? "a number of tokens" : "a whole number"
        throw RowProblem(
          "\(name) \"\(text.prefix(60))\" is not \(what) in 0…\(most)", kind: "\(name) is not \(what)")
      }
      return value
    }
    let subtract = measure == .cost ? Self.amountLeft : Self.rest
    if let found = try known(row, name, field, &notes, subtract: subtract, { try number($1) }) {
      if found > most { throw RowProblem("\(name) is more than \(most)", kind: "\(name) is too large") }
      return found
    }
    guard let taken = field.missing else {
      notes.append(.unknown(name))
      return nil
    }
    notes.append(.missing(name, taken))
    return try number(taken)
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
      guard let number = NumberText.scaled(text, by: field.format.microsecondPlaces),
        case (let instant, let overflow) = number.addingReportingOverflow(field.origin), !overflow
      else { throw problem }
      reading = .instant(Timestamp(microseconds: instant))
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
    if extras.derivesArrival { return try arrivalBeforeEnd(row) }
    switch try instant(row, "arrivedAt") {
    case .instant(let instant): return .instant(instant)
    case .wall(let wall, .once(let instant), _): return .once(instant, wall: wall)
    case .wall(let wall, .twice(let first, let second), _): return .twice(first, second, wall: wall)
    case .wall(_, .never, _): throw RowProblem("arrivedAt never occurs", kind: "arrivedAt is not an instant")
    }
  }

  /// The arrival of a row that has only its end and its latency. Of an end at a local time that occurs twice the order of
  /// the rows tells which, as of arrivals.
  private func arrivalBeforeEnd(_ row: ForeignRow) throws -> RowArrival {
    // What stands for a missing latency is noted when the request is made.
    var notes: [ImportReport.Note] = []
    let latency = try duration(row, "latency", isSuccess: true, &notes) ?? 0
    func before(_ end: Timestamp) throws -> Timestamp {
      let arrived = end + -latency
      guard Timestamp.supported.contains(arrived) else {
        throw RowProblem(
          "endedAt minus latency lies outside \(Timestamp.supportedYears)", kind: "endedAt is not an instant")
      }
      return arrived
    }
    switch try instant(row, "endedAt") {
    case .instant(let end): return .instant(try before(end))
    case .wall(let wall, .once(let end), _): return .once(try before(end), wall: wall)
    case .wall(let wall, .twice(let first, let second), _):
      return .twice(try before(first), try before(second), wall: wall)
    case .wall(_, .never, _): throw RowProblem("endedAt never occurs", kind: "endedAt is not an instant")
    }
  }

  /// A later instant of a request that arrived at one: of a local time that occurs twice the first that is not before its
  /// arrival.
  /// - Parameter tolerance: by how much clocks that round may make it earlier, µs.
  func later(
    _ row: ForeignRow, _ name: String, after arrived: Timestamp, tolerance: Int64 = 0,
    _ notes: inout [ImportReport.Note]
  ) throws -> Timestamp {
    let found: Timestamp
    switch try instant(row, name) {
    case .instant(let instant), .wall(_, .once(let instant), _), .wall(_, .never(let instant), _):
      found = instant
    case .wall(_, .twice(let first, let second), _):
      found = first >= arrived ? first : second
      if first >= arrived { notes.append(.occursTwice(name)) }
    }
    guard found >= arrived + -tolerance else {
      throw RowProblem("\(name) lies before arrivedAt", kind: "\(name) lies before arrivedAt")
    }
    return max(found, arrived)
  }

  /// The time from a request's arrival to one of its instants, µs; `nil` where that is not known.
  func elapsed(
    _ row: ForeignRow, _ name: String, after arrived: Timestamp, isSuccess: Bool, tolerance: Int64 = 0,
    _ notes: inout [ImportReport.Note]
  ) throws -> Int64? {
    guard let field = mapping[name] else { return nil }
    if (found(row, field) ?? "").isEmpty {
      if field.missing != nil || field.leavesUnknown {
        notes.append(.unknown(name))
        return nil
      }
      guard !isSuccess else { throw missing(name) }
      notes.append(.missingInFailure(name))
      return 0
    }
    return try later(row, name, after: arrived, tolerance: tolerance, &notes) - arrived
  }
}

extension ImportMapping.Field {
  /// What a value of the export means: values are compared by their code points.
  fileprivate func meaning(of value: String) -> String {
    guard let place = values.index(forKey: value), Name.same(values[place].key, value) else { return value }
    return values[place].value
  }
}

extension ImportMapping.InstantFormat {
  /// Decimal places of a microsecond in a number of this format.
  fileprivate var microsecondPlaces: Int {
    switch self {
    case .s: 6
    case .ms: 3
    case .us, .iso: 0
    case .ns: -3
    }
  }
}
