import Documents
import Foundation
import Telemetry

/// How a platform's own export becomes telemetry: which column is which, with units, zones, values and constants.
package struct ImportMapping: Sendable {
  package enum InstantFormat: String, CaseIterable, Sendable { case iso, s, ms, us, ns }

  package struct Field: Sendable {
    /// Whether a row without a value leaves it unknown.
    package var leavesUnknown = false
    /// What becomes of several columns.
    package enum Combination: Sendable { case first, sum, difference }

    /// Names of columns: the first that has a value in a row counts, or the sum or the difference of all.
    package var columns: [String] = []
    package var combination = Combination.first
    package var constant: String?
    /// What a row without a value is taken to have; `nil`: it is rejected.
    package var missing: String?
    package var format = InstantFormat.iso
    /// What the numbers of an instant count from, µs since 1970.
    package var origin: Int64 = 0
    /// What instants without an offset refer to; `nil`: there must be one.
    package var zone: ZonedCalendar?
    /// µs a unit.
    package var unit = 1000.0
    /// Values as they are in the export to values as they are in telemetry.
    package var values: [String: String] = [:]
    package var success: [String] = []
    package var failure: [String] = []

    /// Each of these must be among the columns of an export.
    var alternatives: [[String]] { combination == .first ? [columns] : columns.map { [$0] } }
  }

  package struct Account: Sendable {
    package var name: String
    package var timeZone: String
    /// 0 if it is not known.
    package var maxReplicas: Int
    /// Micro-credits per replica-hour by hardware.
    package var credits: [String: Int64] = [:]
  }

  /// What is said of deployments that an export does not say.
  package struct Deployment: Sendable {
    /// `nil`: all.
    package var model: String?
    package var version: String?
    package var hardware: String?
    package var replicas: Int?
    package var maxBatchSize: Int?

    func fits(model other: String, version otherVersion: String) -> Bool {
      (model.map { Name.same($0, other) } ?? true) && (version.map { Name.same($0, otherVersion) } ?? true)
    }
  }

  package var account: Account
  package var fields: [String: Field]
  /// Which rows are requests.
  package var rows = RowSelection()
  /// In the order in which they are asked.
  package var deployments: [Deployment] = []

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
    let account = top.section("account").flatMap { Self.account($0) }
    var fields: [String: Field] = [:]
    if let columns = top.section("columns") {
      for key in columns.shape.keys where columns.has(key.name) {
        fields[key.name] = field(columns, key.name, diagnostics)
      }
      check(columns)
    }
    let rows = top.section("rows").map { RowSelection($0) }
    let deployments = Self.deployments(top, fields, account)
    return account.map {
      var mapping = ImportMapping(account: $0, fields: fields)
      mapping.rows = rows ?? RowSelection()
      mapping.deployments = deployments
      return mapping
    }
  }

  private static func account(_ section: Section) -> Account? {
    let zone = section.has("timeZone") ? section.text("timeZone") ?? "UTC" : "UTC"
    if ZonedCalendar(identifier: zone) == nil {
      section.error(
        "timeZone", "unknown time zone \(quoted(zone)). Use an IANA name such as America/New_York.")
    }
    var credits: [String: Int64] = [:]
    for entry in section.map("credits") {
      if section.admit(entry.key, "the hardware", entry.keyLocation),
        let price = section.number(entry.value, entry.key, 0...1e6)
      {
        credits[entry.key] = Int64((price * 1e6).rounded())
      }
    }
    return section.name("name").map {
      Account(
        name: $0, timeZone: zone,
        maxReplicas: section.has("maxReplicas") ? section.integer("maxReplicas") ?? 0 : 0, credits: credits)
    }
  }

  /// What columns say together.
  private static func check(_ columns: Section) {
    let isTimed = columns.has("latency") || columns.has("endedAt")
    let isBothWays = columns.has("latency") && columns.has("endedAt")
    if !columns.has("arrivedAt"), !isBothWays {
      columns.error(
        nil,
        "arrivedAt is missing. Say which column is the arrival, or give both endedAt and latency, from which it follows."
      )
    }
    if columns.has("arrivedAt"), isBothWays {
      columns.error(
        "endedAt",
        "latency and endedAt cannot be given together; give one of them. (Without arrivedAt both are needed: it is then endedAt minus latency.)"
      )
    }
    for (duration, instant) in [("waiting", "startedAt"), ("firstToken", "firstTokenAt")] {
      if columns.has(duration), columns.has(instant) {
        columns.error(
          instant,
          "\(duration) and \(instant) cannot be given together: each follows from the other. Give one of them."
        )
      }
      for name in [duration, instant] where columns.has(name) && !isTimed {
        columns.error(name, "\(name) without a latency, which includes it. Give latency or endedAt too.")
      }
    }
    for (part, whole) in [("cachedInputTokens", "inputTokens"), ("reasoningTokens", "outputTokens")]
    where columns.has(part) && !columns.has(whole) {
      columns.error(part, "\(part) without \(whole), of which they are a part. Give \(whole) too.")
    }
  }

  private static func deployments(
    _ top: Section, _ fields: [String: Field], _ account: Account?
  ) -> [Deployment] {
    var found: [Deployment] = []
    for section in top.sections("deployments") {
      let entry = Deployment(
        model: section.has("model") ? section.text("model") : nil,
        version: section.has("version") ? section.text("version") : nil,
        hardware: section.has("hardware") ? section.name("hardware") : nil,
        replicas: section.has("replicas") ? section.integer("replicas") : nil,
        maxBatchSize: section.has("maxBatchSize") ? section.integer("maxBatchSize") : nil)
      if entry.hardware == nil, entry.replicas == nil, entry.maxBatchSize == nil {
        section.error(nil, "this entry says nothing. Give hardware, replicas or maxBatchSize.")
      }
      if entry.hardware != nil, fields["hardware"] != nil {
        section.error(
          "hardware", "columns give the hardware of each row already. Leave it out here, or there.")
      }
      if entry.replicas != nil, entry.hardware == nil, fields["hardware"] == nil {
        section.error(
          "replicas", "replicas without their hardware, which they are charged by. Give hardware too.")
      }
      if entry.replicas != nil, let account, let hardware = entry.hardware ?? fields["hardware"]?.constant,
        account.credits[hardware] == nil
      {
        section.error(
          "replicas",
          "replicas on \(quoted(hardware)), of which no price is known. Add account.credits: { \(quoted(hardware)): … }, credits per replica-hour; 0 if they cost nothing."
        )
      }
      let hides = found.contains {
        ($0.model == nil || $0.model == entry.model) && ($0.version == nil || $0.version == entry.version)
      }
      if hides {
        section.error(
          nil,
          "an earlier entry is of all deployments that this one is of, and the first that fits counts. Put this one before it."
        )
      }
      found.append(entry)
    }
    if top.has("deployments"), fields["kind"]?.constant == ModelKind.external.rawValue {
      top.error(
        "deployments",
        "external models have no deployments, and kind says that all are external. Leave deployments out, or correct kind."
      )
    }
    return found
  }

  /// The JSON Schema of a mapping file.
  package static func schemaJSON() throws -> String {
    try DocumentSchema.json(MappingGrammar.mapping, title: "Model Analytics Workbench import mapping")
  }
}
