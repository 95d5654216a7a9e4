import Documents
import Foundation
import Telemetry

/// How a platform's own export becomes telemetry: which column is which, with units, zones, values and constants.
package struct ImportMapping: Sendable {
  package enum InstantFormat: String, CaseIterable, Sendable { case iso, s, ms, us, ns }

  package struct Field: Sendable {
    /// Names of columns: the first that has a value in a row counts, or the sum of all.
    package var columns: [String] = []
    package var isSum = false
    package var constant: String?
    /// What a row without a value is taken to have; `nil`: it is rejected.
    package var missing: String?
    package var format = InstantFormat.iso
    /// What instants without an offset refer to; `nil`: there must be one.
    package var zone: ZonedCalendar?
    /// µs a unit.
    package var unit = 1000.0
    /// Values as they are in the export to values as they are in telemetry.
    package var values: [String: String] = [:]
    package var success: [String] = []
    package var failure: [String] = []
  }

  package struct Account: Sendable {
    package var name: String
    package var timeZone: String
    package var maxReplicas: Int
  }

  package var account: Account
  package var fields: [String: Field]

  package subscript(_ name: String) -> Field? { fields[name] }

  /// - Throws: `DocumentErrors` with everything that is wrong.
  package init(_ data: Data, path: String) throws {
    let root = try Document.parse(data, path: path)
    let diagnostics = Diagnostics()
    let mapping = Self.read(root, diagnostics)
    let found = diagnostics.inOrder()
    guard found.isEmpty, let mapping else { throw DocumentErrors(path: path, diagnostics: found) }
    self = mapping
  }

  private init(account: Account, fields: [String: Field]) {
    self.account = account
    self.fields = fields
  }

  private static func read(_ root: DocumentNode, _ diagnostics: Diagnostics) -> ImportMapping? {
    guard let top = Section(root, MappingGrammar.mapping, diagnostics, .utc) else { return nil }
    _ = top.integer("workbenchMapping")
    let account = top.section("account").flatMap { section -> Account? in
      let zone = section.has("timeZone") ? section.text("timeZone") ?? "UTC" : "UTC"
      if ZonedCalendar(identifier: zone) == nil {
        section.error(
          "timeZone", "unknown time zone \(quoted(zone)). Use an IANA name such as America/New_York.")
      }
      return section.name("name").map {
        Account(
          name: $0, timeZone: zone,
          maxReplicas: section.has("maxReplicas") ? section.integer("maxReplicas") ?? 0 : 0)
      }
    }
    var fields: [String: Field] = [:]
    if let columns = top.section("columns") {
      for key in columns.shape.keys where columns.has(key.name) {
        fields[key.name] = field(columns, key.name, diagnostics)
      }
      if columns.has("latency"), columns.has("endedAt") {
        columns.error("endedAt", "latency and endedAt cannot be given together; give one of them.")
      }
      for name in ["waiting", "firstToken"]
      where columns.has(name) && !columns.has("latency") && !columns.has("endedAt") {
        columns.error(name, "\(name) without a latency, which includes it. Give latency or endedAt too.")
      }
    }
    return account.map { ImportMapping(account: $0, fields: fields) }
  }

  private static func field(_ columns: Section, _ name: String, _ diagnostics: Diagnostics) -> Field? {
    guard let node = columns.node(name) else { return nil }
    if let column = node.scalar { return Field(columns: [column]) }
    guard let keys = Section(node, MappingGrammar.field, diagnostics, .utc) else { return nil }
    var field = Field()
    if let node = keys.node("column") {
      field.columns = node.scalar.map { [$0] } ?? keys.texts("column")
    }
    if keys.has("sum") {
      field.isSum = true
      field.columns += keys.texts("sum")
      if !(numbers + durations).contains(name) {
        keys.error("sum", "\(name) is not a number, so it cannot be a sum. Name one column.")
      }
    }
    if keys.has("constant") { field.constant = keys.node("constant")?.scalar }
    if ["column", "sum", "constant"].filter(keys.has).count != 1
      || (field.constant == nil && field.columns.isEmpty)
    {
      columns.error(name, "\(name) needs a column, a sum of columns or a constant, one of them.")
    }
    readMissing(keys, name, &field)
    if keys.has("format") {
      field.format = keys.choice("format").flatMap { InstantFormat(rawValue: $0) } ?? .iso
    }
    if keys.has("zone"), let zone = keys.text("zone") {
      field.zone = ZonedCalendar(identifier: zone)
      if field.zone == nil { keys.error("zone", "unknown time zone \(quoted(zone)). Use an IANA name.") }
    }
    if keys.has("unit"), let unit = keys.choice("unit") {
      field.unit = ["us": 1, "ms": 1e3, "s": 1e6, "min": 6e7][unit] ?? 1e3
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
    if name == "status", field.constant == nil {
      if field.success.isEmpty, field.failure.isEmpty {
        columns.error(
          name,
          "status needs success or failure: the values that mean it. With one list, all others mean the other; with both, a row whose value is in neither is rejected."
        )
      }
      if let both = field.success.first(where: { own in field.failure.contains { Name.same($0, own) } }) {
        columns.error(name, "the value \(quoted(both)) means both success and failure. Leave it in one list.")
      }
    }
    if name == "kind" {
      for kind in field.constant.map({ [$0] }) ?? Array(field.values.values)
      where ModelKind(rawValue: kind) == nil {
        columns.error(name, "kind \(quoted(kind)) is not one of fineTuned, openSource, external.")
      }
    }
    return field
  }

  private static let numbers = ["inputTokens", "outputTokens"]
  private static let durations = ["waiting", "firstToken", "latency"]

  private static func readMissing(_ keys: Section, _ name: String, _ field: inout Field) {
    guard keys.has("missing"), let text = keys.node("missing")?.scalar, text != "reject" else { return }
    field.missing = text
    if ["arrivedAt", "endedAt"].contains(name) {
      keys.error("missing", "an instant that a row does not have has no replacement. Leave missing out.")
    }
    let isRight =
      numbers.contains(name)
      ? NumberText.whole(text).map { (0...Int64(Int32.max)).contains($0) } ?? false
      : !durations.contains(name) || (NumberText.decimal(text).map { $0 >= 0 } ?? false)
    if !isRight {
      keys.error(
        "missing", "missing \(quoted(text)) is neither reject nor a number that \(name) may have, such as 0.")
    }
  }

  /// The JSON Schema of a mapping file.
  package static func schemaJSON() throws -> String {
    try DocumentSchema.json(MappingGrammar.mapping, title: "Model Analytics Workbench import mapping")
  }

  /// The Azure LLM inference trace 2023. Times have no zone; read as UTC.
  package static let azure = """
    workbenchMapping: 1
    account: { name: azure, timeZone: UTC }
    columns:
      arrivedAt: { column: TIMESTAMP, zone: UTC }
      model: { constant: azure-llm }
      kind: { constant: external }
      provider: { constant: Azure }
      inputTokens: ContextTokens
      outputTokens: GeneratedTokens

    """

  /// OpenTelemetry spans of generative AI clients. Source: OpenTelemetry semantic conventions, `gen_ai.*`.
  package static let openTelemetry = """
    workbenchMapping: 1
    account: { name: otel, timeZone: UTC }
    columns:
      arrivedAt: { column: startTimeUnixNano, format: ns }
      endedAt: { column: endTimeUnixNano, format: ns }
      model: { column: [ gen_ai.request.model, gen_ai.response.model, llm.model_name ] }
      kind: { constant: external }
      provider: { column: [ gen_ai.provider.name, gen_ai.system, llm.provider, llm.system ] }
      status: { column: status.code, success: [ "", "0", "1", STATUS_CODE_UNSET, STATUS_CODE_OK ], failure: [ "2", STATUS_CODE_ERROR ] }
      failureReason: error.type
      firstToken: { column: [ gen_ai.response.time_to_first_chunk, gen_ai.server.time_to_first_token ], unit: s, missing: 0 }
      inputTokens: { column: [ gen_ai.usage.input_tokens, gen_ai.usage.prompt_tokens, llm.token_count.prompt ], missing: 0 }
      outputTokens: { column: [ gen_ai.usage.output_tokens, gen_ai.usage.completion_tokens, llm.token_count.completion ], missing: 0 }

    """
}

/// Every key of a mapping file.
enum MappingGrammar {
  static let mapping = Shape(
    "mapping", "How a platform's own export becomes telemetry.",
    [
      Key("workbenchMapping", .integer(1...1), required: true, "Format version of the document: 1."),
      Key("account", .object { account }, required: true, "The account that the requests belong to."),
      Key("columns", .object { columns }, required: true, "Where each column of telemetry comes from."),
    ])

  static let account = Shape(
    "mappingAccount", "The account.",
    [
      Key("name", .text, required: true, "Its name."),
      Key("timeZone", .text, default: "UTC", "IANA time zone of its dashboard."),
      Key("maxReplicas", .integer(0...1_000_000), default: "0", "Its subscription, if known."),
    ])

  private static let source = Kind.either(.text, .object { field })

  static let columns = Shape(
    "mappingColumns", "Each is a column's name, or a mapping that says more about it.",
    [
      Key("arrivedAt", source, required: true, "Arrival."),
      Key("model", source, required: true, "Name of the model."),
      Key("kind", source, required: true, "fineTuned, openSource or external."),
      Key("provider", source, "Provider of an external model."),
      Key("version", source, "Version of a model that is not external."),
      Key("status", source, "Without it, all are successes."),
      Key("failureReason", source, "Of failures; unspecified where empty."),
      Key("waiting", source, "Waiting time. If not given, it is unknown, which is written as 0."),
      Key(
        "firstToken", source,
        "Time to first token from arrival. If not given, it is unknown, which is written as 0."),
      Key(
        "latency", source,
        "From arrival to complete response; or give endedAt. With neither, it is unknown, which is written as 0."
      ),
      Key("endedAt", source, "Complete response; or give latency."),
      Key("inputTokens", source, "If not given, unknown, which is written as 0."),
      Key(
        "outputTokens", source, "If not given, unknown, which is written as 0. Those of failures count too."),
    ])

  static let field = Shape(
    "mappingField", "Where a column of telemetry comes from.",
    [
      Key(
        "column", .either(.text, .list(.text)),
        "The column, or several columns, of which each row takes the first that has a value. Nested JSON by dotted names, elements of lists by their number from 0."
      ),
      Key(
        "sum", .list(.text),
        "Columns whose numbers are added: input tokens and the cached ones that are counted separately. A column that a row lacks counts as 0, and the summary counts such rows."
      ),
      Key(
        "missing", .text, default: "reject",
        "The value that a row without one is assumed to have, in the same unit; or reject, which rejects the row. Failures may lack numbers: they count as 0, and the summary counts such rows."
      ),
      Key("constant", .text, "The same for every row."),
      Key(
        "format", .choice(["iso", "s", "ms", "us", "ns"]), default: "iso",
        "Of an instant: ISO 8601, or a number since 1970."),
      Key("zone", .text, "IANA time zone of instants without an offset."),
      Key("unit", .choice(["us", "ms", "s", "min"]), default: "ms", "Of a duration."),
      Key("values", .map(keys: ".*", .text), "Values of the export, and what they mean."),
      Key(
        "success", .list(.text),
        "Of status: the values that mean success. Without failure, all others mean failure; with both, others are rejected."
      ),
      Key(
        "failure", .list(.text),
        "Of status: the values that mean failure. Without success, all others mean success."),
    ])
}
