import Telemetry

/// A value of a telemetry table.
package enum Cell: Equatable, Sendable {
  case text(String)
  case integer(Int64)
  case instant(Timestamp)
  case empty
}

/// A telemetry table's name and columns, in order.
package struct TableSchema: Equatable, Sendable {
  package typealias ValueType = RequestColumn.ValueType
  package struct Column: Equatable, Sendable {
    package var name: String
    package var type: ValueType
    package var isOptional = false
    package var is32Bit = false
    /// Whether a table need not have it: it came to the schema later, and is read as empty.
    package var mayBeAbsent = false
    /// Unit and meaning, for schemas that can carry them.
    package var about = ""

    /// In PostgreSQL, where some bare names mean something else: `user` is the role that asks.
    var postgreSQLName: String { name == "user" ? "\"user\"" : name }
  }

  package let name: String
  package let about: String
  package let columns: [Column]
  /// Whether a data set need not have the table: it came to the schema later, and is read as empty.
  let mayBeAbsent: Bool

  init(_ name: String, _ about: String, _ columns: [Column], mayBeAbsent: Bool = false) {
    self.name = name
    self.about = about
    self.columns = columns
    self.mayBeAbsent = mayBeAbsent
  }

  package func index(of column: String) -> Int? { columns.firstIndex { $0.name == column } }
}

extension TableSchema.Column {
  static func text(_ name: String, _ about: String = "") -> Self {
    Self(name: name, type: .text, about: about)
  }
  static func integer(_ name: String, _ about: String = "") -> Self {
    Self(name: name, type: .integer, about: about)
  }
  static func int32(_ name: String, _ about: String = "") -> Self {
    Self(name: name, type: .integer, is32Bit: true, about: about)
  }
  static func instant(_ name: String, _ about: String = "") -> Self {
    Self(name: name, type: .instant, about: about)
  }
  var optional: Self {
    var column = self
    column.isOptional = true
    return column
  }
}

extension TableSchema {
  /// With every column that a data set may have.
  package static let requests = requests(with: .all)

  /// Of a data set that has these of the optional columns.
  static func requests(with optional: OptionalColumns) -> TableSchema {
    let present = optional.columns
    return TableSchema(
      "requests", "Requests, in order of arrived_at, then request_id.",
      RequestColumn.all.filter { !$0.isOptional || present.contains($0) }.map { column in
        Column(
          name: column.name, type: column.type, isOptional: column.isOptional || column.mayBeUnknown,
          is32Bit: column.type == .integer && column.is32Bit, mayBeAbsent: column.isOptional,
          about: column.about)
      })
  }

  /// All tables but `requests`, which is too long to hold.
  package static let small = [
    AccountRecord.schema, HardwareRecord.schema, ModelRecord.schema, DeploymentRecord.schema,
    ReplicaRecord.schema,
    FineTuningJobRecord.schema, IncidentRecord.schema, KVCacheRecord.schema,
  ]

  /// Those of `small` that every data set has.
  static let always = small.filter { !$0.mayBeAbsent }
}

/// A record that is a row of a table.
protocol TableRecord {
  static var schema: TableSchema { get }
  var cells: [Cell] { get }
  /// - Throws: `RowError` for a value that the column does not allow.
  init(_ row: Row) throws
  /// What no second row may say something of; `nil` where rows may be alike in everything.
  var identity: RowIdentity? { get }
}

extension TableRecord {
  var identity: RowIdentity? { nil }
}

/// What a row is about, of which there may be one.
struct RowIdentity: Hashable {
  /// The column that names it, for the message.
  let column: String
  /// Names as bytes: of two that look alike, each is itself.
  private let components: [[UInt8]]
  private let text: String

  init(_ column: String, _ components: [String]) {
    self.column = column
    self.components = components.map { Array($0.utf8) }
    text = components.map { "\"\($0)\"" }.joined(separator: " of account ")
  }

  static func == (a: RowIdentity, b: RowIdentity) -> Bool { a.components == b.components }
  func hash(into hasher: inout Hasher) { hasher.combine(components) }

  var isTwice: RowError {
    RowError(column: column, message: "\(column) \(text) is listed twice. Keep one row for it.")
  }
}

/// A row that has been read, its cells in the order of the schema.
struct Row {
  let schema: TableSchema
  let cells: [Cell]

  func text(_ column: String) -> String {
    if case .text(let text) = self[column] { return text }
    return ""
  }

  /// - Throws: `RowError` for what `Name` does not allow.
  func name(_ column: String, mayBeEmpty: Bool = false) throws -> String {
    let text = text(column)
    do {
      try Name.check(text, mayBeEmpty: mayBeEmpty)
    } catch {
      throw RowError(column: column, message: "\(column) \(error)")
    }
    return text
  }

  func integer(_ column: String, _ range: ClosedRange<Int64> = 0...Int64.max) throws -> Int64 {
    guard case .integer(let number) = self[column] else { return 0 }
    guard range.contains(number) else {
      throw RowError(
        column: column,
        message:
          "\(column) \(number) is out of range. It must lie in \(range.lowerBound)…\(range.upperBound).")
    }
    return number
  }

  func modelID() throws -> Int32 { Int32(try integer("model_id", 0...Int64(Int32.max))) }

  func optionalModelID() throws -> Int32? { self["model_id"] == .empty ? nil : try modelID() }

  func count(_ column: String) throws -> Int { Int(try integer(column, 0...1_000_000_000)) }

  func instant(_ column: String) -> Timestamp { optionalInstant(column) ?? Timestamp(microseconds: 0) }

  func optionalInstant(_ column: String) -> Timestamp? {
    if case .instant(let instant) = self[column] { return instant }
    return nil
  }

  func choice<Choice: RawRepresentable & CaseIterable>(_ column: String) throws -> Choice
  where Choice.RawValue == String {
    let text = text(column)
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map { $0.rawValue.isEmpty ? "nothing" : $0.rawValue }.joined(
        separator: ", ")
      throw RowError(
        column: column, message: "\(column) \"\(text)\" is unknown. It must be one of: \(known).")
    }
    return choice
  }

  /// By the column's place in the schema.
  func isEmpty(_ column: Int) -> Bool { cells[column] == .empty }

  private subscript(column: String) -> Cell { schema.index(of: column).map { cells[$0] } ?? .empty }
}

struct RowError: Error {
  var column: String
  var message: String
}
