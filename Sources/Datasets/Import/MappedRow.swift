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
    var latency = try duration(row, "latency", isSuccess: isSuccess, &notes) ?? 0
    if extras.hasOnlyEnd { latency = try later(row, "endedAt", after: arrived, &notes) - arrived }
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
      if name.utf8.starts(with: "firstToken".utf8) { notes.append(.roundedFirstToken) }
      return end
    }
    let waitingName = extras.hasStartedAt ? "startedAt" : "waiting"
    let waited =
      try extras.hasStartedAt
      ? elapsed(row, waitingName, after: arrived, isSuccess: isSuccess, tolerance: Self.rounding, &notes)
      : duration(row, waitingName, isSuccess: isSuccess, &notes)
    let waiting = try inside(waitingName, waited ?? 0, latency, "the end")
    var firstToken: Int64 = 0
    var isFirstKnown = true
    if isSuccess {
      let name = extras.hasFirstTokenAt ? "firstTokenAt" : "firstToken"
      let found =
        try extras.hasFirstTokenAt
        ? elapsed(row, name, after: arrived, isSuccess: true, &notes)
        : duration(row, name, isSuccess: true, &notes)
      isFirstKnown = found != nil
      firstToken = try inside(name, found ?? 0, latency, "the end")
      // 0 where it is not known.
      if firstToken > 0 { _ = try inside(waitingName, waiting, firstToken, "the first token") }
    }
    let input = try tokens(row, "inputTokens", isSuccess: isSuccess, &notes)
    let output = try tokens(row, "outputTokens", isSuccess: isSuccess, &notes)
    let series = try series(
      model, kind, provider: kind == .external ? text(row, "provider") : "",
      version: kind == .external ? "" : text(row, "version"),
      account: extras.hasAccount ? account(of: row) : nil,
      hardware: extras.hasHardware && kind != .external ? text(row, "hardware") : nil)
    var request = RequestRecord(arrivedAt: arrived.microseconds, series: series, outcome: outcome)
    request.measures[.waiting] = firstToken > 0 ? min(waiting, firstToken) : waiting
    request.measures[.firstToken] = firstToken
    request.measures[.latency] = latency
    request.measures[.inputTokens] = Int64(input ?? 0)
    request.measures[.outputTokens] = Int64(output ?? 0)
    if waited == nil { request.unknown |= RequestMeasure.waiting.bit }
    if !isFirstKnown { request.unknown |= RequestMeasure.firstToken.bit }
    // Of tokens that the mapping does not name, the summary says that they are not known; readers that add them up find 0.
    if input == nil, extras.mayLackInput { request.unknown |= RequestMeasure.inputTokens.bit }
    if output == nil, extras.mayLackOutput { request.unknown |= RequestMeasure.outputTokens.bit }
    if extras.hasOptional { try takeOptional(row, &request, &notes) }
    return request
  }

  /// The account that a row belongs to.
  func account(of row: ForeignRow) -> String {
    let named = text(row, "account")
    return named.isEmpty ? mapping.account.name : named
  }

  /// What names a row; `nil` where it has none.
  func identity(of row: ForeignRow) -> String? {
    let id = text(row, "id")
    return id.isEmpty ? nil : id
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

/// What a mapping asks for beyond what every mapping does: decided once, so that rows without it cost nothing more.
struct MappingExtras {
  /// Whether arrivals follow from ends and latencies.
  let derivesArrival: Bool
  /// Whether latencies follow from ends.
  let hasOnlyEnd: Bool
  let hasStartedAt: Bool
  let hasFirstTokenAt: Bool
  /// Of optional columns: key and column of each that the mapping names.
  let measures: [(key: String, measure: RequestMeasure)]
  let texts: [(key: String, text: RequestText)]
  let hasOptional: Bool
  /// Whether the mapping leaves tokens unknown where a row has none.
  let mayLackInput: Bool
  let mayLackOutput: Bool
  let hasAccount: Bool
  let hasHardware: Bool
  let hasIdentity: Bool
  let isSelective: Bool

  init(_ mapping: ImportMapping) {
    derivesArrival = mapping["arrivedAt"] == nil
    hasOnlyEnd = mapping["endedAt"] != nil && mapping["latency"] == nil
    hasStartedAt = mapping["startedAt"] != nil
    hasFirstTokenAt = mapping["firstTokenAt"] != nil
    measures = OptionalFields.measures.filter { mapping[$0.key] != nil }
    texts = OptionalFields.texts.filter { mapping[$0.key] != nil }
    hasOptional = !measures.isEmpty || !texts.isEmpty
    mayLackInput = mapping["inputTokens"]?.leavesUnknown == true
    mayLackOutput = mapping["outputTokens"]?.leavesUnknown == true
    hasAccount = mapping["account"] != nil
    hasHardware = mapping["hardware"] != nil
    hasIdentity = mapping["id"] != nil
    isSelective = mapping.rows.isSelective
  }
}
