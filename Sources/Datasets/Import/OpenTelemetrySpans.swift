import Foundation

/// Spans of OTLP in JSON: export requests, one per line or one as the whole file. Attributes by their keys, those of the
/// resource as `resource.KEY`. Spans that are not calls of a model are left out and counted; a span that is exported
/// again, as by an exporter that retried, counts once.
final class OpenTelemetrySpans: ForeignRows {
  private let path: String
  private let lines: LineReader
  private let operations: ModelOperations
  /// Rows that are ready, and how many of them have been handed out.
  private var pending: [ForeignRow] = []
  private var taken = 0
  /// Lines that were taken for the rest of a document and are none, the last one first.
  private var backlog: [(line: Int, bytes: ArraySlice<UInt8>)] = []
  private var tree = SpanTree()
  /// Spans without an operation, which are calls unless there is a call below them.
  private var undecided: [(row: ForeignRow, key: SpanKey?)] = []
  private var hasEnded = false

  /// Spans that are not calls of a model, by what they are.
  private(set) var others: [String: Int] = [:]
  /// Operations among them that the conventions do not know.
  private(set) var unknownOperations: Set<String> = []
  /// Spans that came again.
  private(set) var repeats = 0
  /// Spans that were exported again with different content.
  private(set) var contradictions = 0
  /// Exports of metrics or logs.
  private(set) var otherExports = 0
  /// Calls with an error.type and no status, which failed.
  private(set) var errorsWithoutStatus = 0
  /// Calls below other calls.
  private(set) var nested = 0
  let names: [String] = []

  /// - Parameter operations: further operations that are calls of a model.
  init(_ path: String, operations: Set<String>) throws {
    self.path = path
    self.operations = ModelOperations(further: operations)
    lines = try LineReader(InputFile(path))
  }

  var share: Double { lines.share }

  func next() throws -> ForeignRow? {
    while taken == pending.count {
      pending.removeAll(keepingCapacity: true)
      taken = 0
      if hasEnded { return nil }
      guard let (line, bytes) = try nextLine() else {
        settle()
        hasEnded = true
        continue
      }
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0d || $0 == 0x09 }) { continue }
      do {
        try take(try JSONNode(bytes), line, bytes)
      } catch let problem as JSONNode.SyntaxError {
        // Perhaps only the first line of a document.
        guard line == 1, let whole = try document(bytes) else { throw bad(line, problem.text, bytes) }
        try take(whole.root, line, whole.bytes)
      }
    }
    taken += 1
    return pending[taken - 1]
  }

  private func nextLine() throws -> (line: Int, bytes: ArraySlice<UInt8>)? {
    if let next = backlog.popLast() { return next }
    do {
      return try lines.next().map { (lines.line, $0) }
    } catch let error as DatasetError where lines.canGoOn {
      throw BadRow(line: lines.line, reason: error.message, kind: "a line that is too long", text: "")
    }
  }

  private func bad(_ line: Int, _ problem: String, _ bytes: ArraySlice<UInt8>) -> BadRow {
    BadRow(
      line: line, reason: "not an OTLP export in JSON (an object with resourceSpans): \(problem)",
      kind: "not an OTLP export", text: String(decoding: bytes.prefix(2000), as: UTF8.self))
  }

  /// The whole file as one document; `nil`, and its lines are in the backlog, if it is none.
  private func document(_ first: ArraySlice<UInt8>) throws -> (root: JSONNode, bytes: ArraySlice<UInt8>)? {
    var data = Array(first)
    var others: [(line: Int, bytes: ArraySlice<UInt8>)] = []
    while data.count <= LineReader.longestLine, let (line, more) = try nextLine() {
      others.append((line, ArraySlice(Array(more))))
      data.append(0x0a)
      data += more
    }
    guard let root = try? JSONNode(data[...]) else {  // Then the first line is what is wrong.
      backlog = others.reversed()
      return nil
    }
    return (root, data[...])
  }

  private func take(_ root: JSONNode, _ line: Int, _ bytes: ArraySlice<UInt8>) throws {
    if let exports = root.elements {
      for export in exports { try take(export, line, bytes) }
      return
    }
    guard let resources = root["resourceSpans"]?.elements else {
      if root["resourceMetrics"] != nil || root["resourceLogs"] != nil {
        otherExports += 1
        return
      }
      let keys = root.members.map { members in
        "its keys are \(members.prefix(8).map(\.key).joined(separator: ", "))"
      }
      throw bad(line, keys ?? "it is no object", bytes)
    }
    for resource in resources { take(resource: resource, line, bytes) }
  }

  private func take(resource: JSONNode, _ line: Int, _ bytes: ArraySlice<UInt8>) {
    var shared: [String: String] = [:]
    take(attributesOf: resource["resource"], "resource.", &shared)
    let scopes = (resource["scopeSpans"] ?? resource["instrumentationLibrarySpans"])?.elements ?? []
    for span in scopes.flatMap({ $0["spans"]?.elements ?? [] }) {
      var values = shared
      for member in span.members ?? [] {
        if let nested = member.value.members {
          for inner in nested { values["\(member.key).\(inner.key)"] = inner.value.scalar }
        } else if member.value.elements == nil {
          values[member.key] = member.value.scalar
        }
      }
      take(attributesOf: span, "", &values)
      // The protocol's word for an instant that is not known.
      for name in ["startTimeUnixNano", "endTimeUnixNano"] where values[name] == "0" { values[name] = nil }
      let text = bytes[
        (bytes.startIndex + span.range.lowerBound)..<(bytes.startIndex + span.range.upperBound)]
      take(
        span: ForeignRow(line: line, values: values, text: { String(decoding: text, as: UTF8.self) }))
    }
  }

  private func take(attributesOf owner: JSONNode?, _ prefix: String, _ values: inout [String: String]) {
    for attribute in owner?["attributes"]?.elements ?? [] {
      guard let key = attribute["key"]?.scalar, let value = attribute["value"] else { continue }
      values[prefix + key] =
        ["stringValue", "intValue", "doubleValue", "boolValue"].lazy.compactMap {
          value[$0]?.scalar
        }.first
    }
  }

  private func take(span row: ForeignRow) {
    var row = row
    let key = SpanKey(row.values["traceId"], row.values["spanId"])
    let parent = key == nil ? nil : SpanKey(row.values["traceId"], row.values["parentSpanId"])
    if let key {
      // One that is not over yet will come again; it is judged by what it lacks.
      let isOver = row.values["endTimeUnixNano"] != nil
      switch tree.insert(key, below: parent, saying: isOver ? Self.fingerprint(row.values) : nil) {
      case .new: break
      case .repeated:
        repeats += 1
        return
      case .contradiction:
        contradictions += 1
        return
      }
    }
    switch operations.role(of: row.values) {
    case .call(let operation):
      if let key { tree.calls.insert(key) }
      // An embedding has no output: that is known, not missing.
      if operation == "embeddings", row.values["gen_ai.usage.output_tokens"] == nil {
        row.values["gen_ai.usage.output_tokens"] = "0"
      }
      append(call: row)
    case .undecided: undecided.append((row, key))
    case .other(let name, let isKnown):
      others[name, default: 0] += 1
      if !isKnown { unknownOperations.insert(name) }
    }
  }

  /// Of these the spelling may vary.
  private static let identifiers: Set = ["traceId", "spanId", "parentSpanId"]

  /// What a span says of itself, as a number; its resource may be described again.
  private static func fingerprint(_ values: [String: String]) -> Int {
    values.reduce(0) { sum, value in
      if value.key.utf8.starts(with: "resource.".utf8) || identifiers.contains(value.key) { return sum }
      var hasher = Hasher()
      for text in [value.key, value.value] {
        hasher.combine(text.utf8.count)
        for byte in text.utf8 { hasher.combine(byte) }
      }
      return sum &+ hasher.finalize()
    }
  }

  /// A call with the status that the conventions give it: of an operation that succeeded, error.type is not set, so one
  /// that has an error.type and no status failed. A status of OK, which only people give, stands above error.type.
  /// Source: OpenTelemetry semantic conventions, "Recording errors"; trace API, "Set Status".
  private func append(call row: ForeignRow) {
    var row = row
    if ["", "0", "STATUS_CODE_UNSET"].contains(row.values["status.code"] ?? ""),
      let error = row.values["error.type"], !error.isEmpty
    {
      row.values["status.code"] = "STATUS_CODE_ERROR"
      errorsWithoutStatus += 1
    }
    pending.append(row)
  }

  /// At the end, when every parent is known: spans without an operation are calls where there is no call below them.
  private func settle() {
    let candidates = Set(undecided.compactMap(\.key))
    let containers = tree.ancestors(of: tree.calls.union(candidates))
    for (row, key) in undecided {
      if let key, containers.contains(key) {
        others["spans without an operation above calls", default: 0] += 1
      } else {
        if let key { tree.calls.insert(key) }
        append(call: row)
      }
    }
    undecided = []
    nested = tree.nestedCalls
  }
}

/// What names a span.
enum SpanKey: Hashable {
  case binary(UInt64, UInt64, UInt64)
  /// Identifiers that are not hexadecimal, as of exporters that write bytes in base64.
  case text([UInt8])

  /// `nil` where an identifier is missing, or has only zero bytes, which the trace API calls invalid.
  init?(_ trace: String?, _ span: String?) {
    guard let trace, let span, !trace.isEmpty, !span.isEmpty else { return nil }
    let (traceBytes, spanBytes) = (Array(trace.utf8), Array(span.utf8))
    for bytes in [traceBytes, spanBytes] {
      let base64 = bytes.allSatisfy { $0 == UInt8(ascii: "A") || $0 == UInt8(ascii: "=") }
      if base64 || bytes.allSatisfy({ $0 == UInt8(ascii: "0") }) { return nil }
    }
    if traceBytes.count == 32, spanBytes.count == 16,
      let high = Self.hexadecimal(traceBytes.prefix(16)), let low = Self.hexadecimal(traceBytes.suffix(16)),
      let own = Self.hexadecimal(spanBytes[...])
    {
      self = .binary(high, low, own)
    } else {
      self = .text(traceBytes + [0] + spanBytes)
    }
  }

  private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for byte in digits {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      number = number << 4 | UInt64(digit)
    }
    return number
  }
}

/// Which span lies below which.
struct SpanTree {
  /// What is known of a span.
  private struct Node {
    var parent: SpanKey?
    /// Of what it said.
    var fingerprint: Int
  }

  enum Insertion {
    case new, repeated
    /// It came again and says something else.
    case contradiction
  }

  private var nodes: [SpanKey: Node] = [:]
  var calls: Set<SpanKey> = []
  /// Deepest way up that is followed.
  private static let deepest = 1000

  /// - Parameter fingerprint: of what the span says; `nil` of one that is not over, which does not count as having come.
  mutating func insert(_ span: SpanKey, below parent: SpanKey?, saying fingerprint: Int?) -> Insertion {
    if let known = nodes[span] {
      return fingerprint == nil || fingerprint == known.fingerprint ? .repeated : .contradiction
    }
    if let fingerprint { nodes[span] = Node(parent: parent, fingerprint: fingerprint) }
    return .new
  }

  private func parent(_ span: SpanKey) -> SpanKey? { nodes[span]?.parent }

  /// All spans above some.
  func ancestors(of spans: Set<SpanKey>) -> Set<SpanKey> {
    var found: Set<SpanKey> = []
    for span in spans {
      var next = parent(span)
      while let current = next, found.insert(current).inserted { next = parent(current) }
    }
    return found
  }

  /// Calls with a call above them.
  var nestedCalls: Int {
    calls.count { call in
      var next = parent(call)
      for _ in 0..<Self.deepest {
        guard let current = next else { return false }
        if calls.contains(current) { return true }
        next = parent(current)
      }
      return false
    }
  }
}
