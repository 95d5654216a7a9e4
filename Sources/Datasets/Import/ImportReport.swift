/// What an import left out or had to settle, in sentences for its summary.
package struct ImportReport {
  /// Something about one row that makes a request.
  enum Note: Hashable {
    /// A number that the row does not have; what the mapping says stands for it.
    case missing(String, String)
    /// A number that a failure does not have.
    case missingInFailure(String)
    /// A part of a sum that the row does not have.
    case missingPart(String)
    /// A first token up to a millisecond after the end.
    case roundedFirstToken
    /// A failure reason that is too long or not on one line.
    case shortenedReason
    /// A failure without a reason.
    case noReason
    /// A success with a failure reason.
    case reasonOfSuccess
    /// A failure reason beyond those that can be told apart.
    case otherReason
    /// An instant after the arrival at a local time that occurs twice.
    case occursTwice(String)
    /// A value that may be unknown, and is.
    case unknown(String)
    /// A row without an identity.
    case noIdentity
  }

  private var notes: [Note: Int64] = [:]
  /// Columns of the export that the mapping names and no row has, though some may.
  var nowhere: [String] = []
  /// Columns of telemetry that the mapping does not name.
  var unmapped: [String] = []
  /// Rows that the mapping leaves out, by why.
  private var leftOut: [String: Int64] = [:]
  /// Reasons that are told apart.
  private static let mostReasons = 64
  /// Rows that came again, by their identity.
  var repeatedRows: Int64 = 0
  var contradictingRows: Int64 = 0
  /// Entries of the mapping's deployments that no deployment fits, in words.
  var unusedDeployments: [String] = []
  var toldRepeatedHours: Int64 = 0
  var untoldRepeatedHours: Int64 = 0
  /// Of OpenTelemetry.
  var otherSpans: [String: Int] = [:]
  var unknownOperations: Set<String> = []
  var repeatedSpans = 0
  var contradictingSpans = 0
  var otherExports = 0
  var nestedCalls = 0
  var errorsWithoutStatus = 0

  mutating func leaveOut(_ reason: String) {
    let isKnown = leftOut[reason] != nil || leftOut.count < Self.mostReasons
    leftOut[isKnown ? reason : "others", default: 0] += 1
  }

  /// Says nothing of it, however often it came.
  mutating func forget(_ note: Note) { notes[note] = nil }

  mutating func take(_ found: [Note]) { for note in found { notes[note, default: 0] += 1 } }

  private static func count(_ number: Int64, _ one: String, _ many: String) -> String {
    "\(number) \(number == 1 ? one : many)"
  }

  private func sum(_ note: Note) -> Int64 { notes[note] ?? 0 }

  /// One sentence each, in a fixed order; none where there is nothing to say.
  package var sentences: [String] {
    var sentences = spanSentences + rowSentences
    if !nowhere.isEmpty {
      sentences.append(
        "No row has the \(nowhere.count == 1 ? "column" : "columns") \(nowhere.joined(separator: ", ")), which the mapping names."
      )
    }
    for case (.missing(let name, let value), let count) in notes.sorted(by: { "\($0)" < "\($1)" }) {
      sentences.append(
        "\(Self.count(count, "request has", "requests have")) no \(name) in the export: taken as \(value). It is not known."
      )
    }
    for case (.missingInFailure(let name), let count) in notes.sorted(by: { "\($0)" < "\($1)" }) {
      sentences.append(
        "\(Self.count(count, "failure has", "failures have")) no \(name) in the export: taken as 0.")
    }
    for case (.unknown(let name), let count) in notes.sorted(by: { "\($0)" < "\($1)" }) {
      sentences.append(
        "\(Self.count(count, "request has", "requests have")) no \(name) in the export: left unknown.")
    }
    for case (.missingPart(let name), let count) in notes.sorted(by: { "\($0)" < "\($1)" }) {
      sentences.append(
        "\(Self.count(count, "request lacks", "requests lack")) a part of the sum \(name): what is missing counts as 0."
      )
    }
    if toldRepeatedHours > 0 {
      sentences.append(
        "\(Self.count(toldRepeatedHours, "row is", "rows are")) of a local time that occurs twice: the order of the rows tells which."
      )
    }
    if untoldRepeatedHours > 0 {
      sentences.append(
        "\(Self.count(untoldRepeatedHours, "row is", "rows are")) of a local time that occurs twice, and nothing tells which is meant: taken as the first. Export time stamps with an offset, or in UTC."
      )
    }
    for name in ["startedAt", "firstTokenAt"] {
      let count = sum(.occursTwice(name))
      if count > 0 {
        sentences.append(
          "\(Self.count(count, "request has", "requests have")) a \(name) at a local time that occurs twice: taken as the first that is not before its arrival."
        )
      }
    }
    let ends = sum(.occursTwice("endedAt"))
    if ends > 0 {
      sentences.append(
        "\(Self.count(ends, "request ends", "requests end")) at a local time that occurs twice: taken as the first that is not before its arrival."
      )
    }
    let rounded = sum(.roundedFirstToken)
    if rounded > 0 {
      sentences.append(
        "\(Self.count(rounded, "first token lies", "first tokens lie")) less than a millisecond after the end: taken as at the end."
      )
    }
    let shortened = sum(.shortenedReason)
    if shortened > 0 {
      sentences.append(
        "\(Self.count(shortened, "failure reason was", "failure reasons were")) put on one line of at most 200 bytes."
      )
    }
    let unspecified = sum(.noReason)
    if unspecified > 0 {
      sentences.append(
        "\(Self.count(unspecified, "failure has", "failures have")) no reason in the export: counted as \"unspecified\"."
      )
    }
    let contradicting = sum(.reasonOfSuccess)
    if contradicting > 0 {
      sentences.append(
        "\(Self.count(contradicting, "success has", "successes have")) a failureReason: left out. If \(contradicting == 1 ? "it" : "they") failed, say so by status."
      )
    }
    let other = sum(.otherReason)
    if other > 0 {
      sentences.append(
        "\(Self.count(other, "failure has", "failures have")) a reason beyond the first 247: counted as \"other\". Map an error's category, not its message."
      )
    }
    sentences += unusedDeployments
    let unknown = unmapped.filter(["waiting", "firstToken"].contains)
    let zero = unmapped.filter { !unknown.contains($0) }
    if !unknown.isEmpty {
      sentences.append("The mapping says nothing about \(unknown.joined(separator: ", ")): left unknown.")
    }
    if !zero.isEmpty {
      sentences.append(
        "The mapping says nothing about \(zero.joined(separator: ", ")): not known, written as 0.")
    }
    return sentences
  }

  /// Rows that are no requests of their own, and are not bad.
  var rowSentences: [String] {
    var sentences: [String] = []
    let all = leftOut.values.reduce(0, +)
    if all > 0 {
      let listed = leftOut.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(8).map {
        "\($0.key) \($0.value)"
      }
      sentences.append(
        "\(Self.count(all, "row was", "rows were")) left out, as rows of the mapping says: \(listed.joined(separator: ", "))\(leftOut.count > 8 ? ", …" : "")."
      )
    }
    if repeatedRows > 0 {
      sentences.append("\(Self.count(repeatedRows, "row", "rows")) came again, by id: counted once.")
    }
    if contradictingRows > 0 {
      sentences.append(
        "\(Self.count(contradictingRows, "row", "rows")) came again, by id, and said something else: rejected, and the first counts."
      )
    }
    let nameless = sum(.noIdentity)
    if nameless > 0 {
      sentences.append(
        "\(Self.count(nameless, "request has", "requests have")) no id in the export: nothing tells whether \(nameless == 1 ? "it" : "one") came twice."
      )
    }
    return sentences
  }

  private var spanSentences: [String] {
    var sentences: [String] = []
    let all = otherSpans.values.reduce(0, +)
    if all > 0 {
      let listed = otherSpans.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(8).map {
        "\($0.key) \($0.value)"
      }
      sentences.append(
        "\(Self.count(Int64(all), "span was no call", "spans were no calls")) of a model: \(listed.joined(separator: ", "))\(otherSpans.count > 8 ? ", …" : "")."
      )
    }
    if !unknownOperations.isEmpty {
      let names = unknownOperations.sorted()
      sentences.append(
        "The conventions do not know the \(names.count == 1 ? "operation" : "operations") \(names.prefix(8).joined(separator: ", "))\(names.count > 8 ? ", …" : ""). Name \(names[0]) as an additional operation if its spans are calls."
      )
    }
    if repeatedSpans > 0 {
      sentences.append(
        "\(Self.count(Int64(repeatedSpans), "span", "spans")) came again, by trace and span identifier: counted once."
      )
    }
    if contradictingSpans > 0 {
      sentences.append(
        "\(Self.count(Int64(contradictingSpans), "span", "spans")) came again, by trace and span identifier, and said something else: the first counts."
      )
    }
    if nestedCalls > 0 {
      sentences.append(
        "\(Self.count(Int64(nestedCalls), "call lies", "calls lie")) below another call, as when two instruments record the same call: both are counted. Leave one of them out of the export."
      )
    }
    if errorsWithoutStatus > 0 {
      sentences.append(
        "\(Self.count(Int64(errorsWithoutStatus), "call has", "calls have")) an error.type and no status: counted as \(errorsWithoutStatus == 1 ? "a failure" : "failures"), since the conventions set error.type only there."
      )
    }
    if otherExports > 0 {
      sentences.append("\(Self.count(Int64(otherExports), "export", "exports")) of metrics or logs left out.")
    }
    return sentences
  }
}
