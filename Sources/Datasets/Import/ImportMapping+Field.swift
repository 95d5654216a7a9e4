import Documents
import Telemetry

/// Reading what a mapping says of one column of telemetry.
extension ImportMapping {
  static let tokenCounts = ["inputTokens", "outputTokens", "cachedInputTokens", "reasoningTokens"]
  static let durations = ["waiting", "firstToken", "latency"]
  static let instants = ["arrivedAt", "startedAt", "firstTokenAt", "endedAt"]
  private static let numbers = tokenCounts + durations + ["cost", "turn", "attempt"]
  /// What a row may leave unknown if the mapping says so; optional columns are unknown without a word too.
  private static let mayBeUnknown =
    ["waiting", "startedAt", "firstToken", "firstTokenAt", "inputTokens", "outputTokens"]
    + OptionalFields.keys
  private static let wholeNumbers = tokenCounts + ["turn", "attempt"]

  static func field(_ columns: Section, _ name: String, _ diagnostics: Diagnostics) -> Field? {
    guard let node = columns.node(name) else { return nil }
    if let column = node.scalar { return Field(columns: [column]) }
    guard let keys = Section(node, MappingGrammar.field, diagnostics, .utc) else { return nil }
    var field = Field()
    readColumns(columns, keys, name, &field)
    readMissing(keys, name, &field)
    readInstant(keys, name, &field)
    if keys.has("unit"), let unit = keys.choice("unit") {
      field.unit = ["ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6, "min": 6e7][unit] ?? 1e3
      if instants.contains(name) {
        keys.error(
          "unit",
          "\(name) is an instant, and unit is of durations. Give format: \(unit == "min" ? "s" : unit)."
        )
      }
    }
    for entry in keys.map("values") {
      guard let value = entry.value.scalar else {
        diagnostics.error(
          entry.value.location,
          "what \(quoted(entry.key)) means must be text, not \(entry.value.kindName).")
        continue
      }
      field.values[entry.key] = value
    }
    field.success = keys.texts("success")
    field.failure = keys.texts("failure")
    if name == "status" { checkStatus(columns, field) }
    if name == "kind" {
      for kind in field.constant.map({ [$0] }) ?? Array(field.values.values)
      where ModelKind(rawValue: kind) == nil {
        columns.error(name, "kind \(quoted(kind)) is not one of fineTuned, openSource, external.")
      }
    }
    if name == "id", field.constant != nil {
      columns.error(
        name, "id is the same for every row, so that all but one would be left out. Name the column.")
    }
    return field
  }

  /// Which columns, and what becomes of them.
  private static func readColumns(_ columns: Section, _ keys: Section, _ name: String, _ field: inout Field) {
    if let node = keys.node("column") {
      field.columns = node.scalar.map { [$0] } ?? keys.texts("column")
    }
    for (key, combination) in [("sum", Field.Combination.sum), ("difference", .difference)]
    where keys.has(key) {
      field.combination = combination
      field.columns += keys.texts(key)
      if instants.contains(name) {
        keys.error(key, "\(name) is an instant, so it cannot be a \(key). Name one column.")
      } else if !numbers.contains(name) {
        keys.error(key, "\(name) is not a number, so it cannot be a \(key). Name one column.")
      }
    }
    if keys.has("constant") { field.constant = keys.node("constant")?.scalar }
    if ["column", "sum", "difference", "constant"].filter(keys.has).count != 1
      || (field.constant == nil && field.columns.isEmpty)
    {
      columns.error(
        name, "\(name) needs a column, a sum or difference of columns, or a constant, one of them.")
    } else if field.combination == .difference, field.columns.count != 2 {
      keys.error(
        "difference",
        "difference has \(field.columns.count) \(field.columns.count == 1 ? "column" : "columns"), and it is the first minus the second. Name two."
      )
    } else if field.combination == .difference, Name.same(field.columns[0], field.columns[1]) {
      keys.error("difference", "a column minus itself is always 0. Name two different columns.")
    }
  }

  private static func readInstant(_ keys: Section, _ name: String, _ field: inout Field) {
    if keys.has("format") {
      field.format = keys.choice("format").flatMap { InstantFormat(rawValue: $0) } ?? .iso
      if durations.contains(name) {
        keys.error("format", "\(name) is a duration, and format is of instants. Give its unit.")
      }
    }
    if keys.has("zone"), let zone = keys.text("zone") {
      field.zone = ZonedCalendar(identifier: zone)
      if field.zone == nil { keys.error("zone", "unknown time zone \(quoted(zone)). Use an IANA name.") }
    }
    guard keys.has("origin") else { return }
    field.origin = keys.instant("origin")?.microseconds ?? 0
    if !instants.contains(name) {
      keys.error("origin", "\(name) is not an instant, so it has no origin. Leave origin out.")
    } else if field.format == .iso {
      keys.error(
        "origin",
        "origin is what numbers count from, and format says that \(name) is a date and time. Give format: s, ms, us or ns, or leave origin out."
      )
    }
  }

  private static func readMissing(_ keys: Section, _ name: String, _ field: inout Field) {
    guard keys.has("missing"), let text = keys.node("missing")?.scalar, text != "reject" else { return }
    if text == "unknown", mayBeUnknown.contains(name) {
      field.leavesUnknown = true
      return
    }
    field.missing = text
    switch name {
    case "arrivedAt", "endedAt":
      keys.error("missing", "an instant that a row does not have has no replacement. Leave missing out.")
    case "startedAt", "firstTokenAt":
      if NumberText.whole(text) != 0 {
        keys.error(
          "missing",
          "missing \(quoted(text)) is not an instant of every row. Give unknown, or leave missing out."
        )
      }
    case "id":
      keys.error("missing", "rows that share an identity would be left out. Leave missing out.")
    default:
      let isRight =
        wholeNumbers.contains(name)
        ? NumberText.whole(text).map { (0...Int64(Int32.max)).contains($0) } ?? false
        : !numbers.contains(name) || (NumberText.decimal(text).map { $0 >= 0 } ?? false)
      if !isRight {
        keys.error(
          "missing",
          "missing \(quoted(text)) is neither reject nor a number that \(name) may have, such as 0\(mayBeUnknown.contains(name) ? ", nor unknown" : "")."
        )
      }
    }
  }

  private static func checkStatus(_ columns: Section, _ field: Field) {
    guard field.constant == nil else { return }
    if field.success.isEmpty, field.failure.isEmpty {
      columns.error(
        "status",
        "status needs success or failure: the values that mean it. With one list, all others mean the other; with both, a row whose value is in neither is rejected."
      )
    }
    if let both = field.success.first(where: { own in field.failure.contains { Name.same($0, own) } }) {
      columns.error(
        "status", "the value \(quoted(both)) means both success and failure. Leave it in one list.")
    }
  }
}

extension ImportMapping {
  /// What must be read of an export.
  var neededColumns: NeededColumns {
    let fields = fields.values.filter { !$0.columns.isEmpty }
    return NeededColumns(
      lists: Set(self["prefix"]?.columns ?? []),
      names: Set(fields.flatMap(\.columns) + rows.columns),
      alternatives: (fields.flatMap(\.alternatives) + rows.columns.map { [$0] }).sorted {
        $0.lexicographicallyPrecedes($1)
      })
  }

  /// A column of telemetry, and those of the export of which it takes one.
  struct NamedColumns {
    var field: String
    var columns: [String]
    /// Whether some row must have one: not where the mapping says what a missing one stands for, and not for what may be
    /// unknown: the reason of failures, of which there may be none, and optional columns.
    var isNeeded: Bool

    var words: String { "\(columns.joined(separator: " or ")) (\(field))" }
  }

  /// By the names of telemetry's columns.
  var namedColumns: [NamedColumns] {
    let named = fields.filter { !$1.columns.isEmpty }.flatMap { name, field in
      field.alternatives.map {
        NamedColumns(
          field: name, columns: $0,
          isNeeded: field.missing == nil && !field.leavesUnknown && name != "failureReason"
            && !OptionalFields.keys.contains(name))
      }
    }
    return (named + rows.columns.map { NamedColumns(field: "rows", columns: [$0], isNeeded: true) }).sorted {
      ($0.field, $0.columns.first ?? "") < ($1.field, $1.columns.first ?? "")
    }
  }

  /// Numbers of telemetry that are 0 if the mapping says nothing of them, in the order of the schema, each with the columns
  /// that say it.
  private static let numeric = [
    ["waiting", "startedAt"], ["firstToken", "firstTokenAt"], ["latency", "endedAt"], ["inputTokens"],
    ["outputTokens"],
  ]

  /// Numbers that the mapping says nothing of.
  var unmapped: [String] {
    Self.numeric.filter { $0.allSatisfy { self[$0] == nil } }.compactMap(\.first)
  }
}
